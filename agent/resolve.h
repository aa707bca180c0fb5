/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of origins that are named: asked for as soon as a name is wanted, and again when their time to live is over,
 * but at most each RESOLVE_MIN_MS and at least each RESOLVE_MAX_MS. One thread, nothing waits.
 */
#ifndef AGENT_RESOLVE_H
#define AGENT_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/name_server.h"
#include "shared/request_abi.h"

#define RESOLVE_MIN_MS	 5000
#define RESOLVE_MAX_MS	 30000
#define RESOLVE_NAME_MAX 32768 /* two for each site that a node may have */
#define RESOLVE_RUNNING_MAX                                                                        \
	64 /* questions at once: one answer in 1 ms each is 64,000 names a second */

struct resolve;

struct resolve_output {
	void *context;
	/* Addresses that were found; also when they are those of before. */
	void (*found)(
		void *context, const char *name, size_t length, const struct table_name *addresses);
	/* The name is not wanted any more. */
	void (*gone)(void *context, const char *name, size_t length);
};

/* NULL: no memory. name_server_close comes before resolve_free: it answers what is asked. */
struct resolve *resolve_new(struct name_server *server, const struct resolve_output *output);
void resolve_free(struct resolve *resolve); /* accepts NULL */

/* What is wanted is told whole: mark, want each, remove. false: over RESOLVE_NAME_MAX or no memory. */
void resolve_mark_unseen(struct resolve *resolve);
bool resolve_want(struct resolve *resolve, const char *name, size_t length);
void resolve_remove_unseen(struct resolve *resolve);
bool resolve_wants(const struct resolve *resolve, const char *name, size_t length);

/* Asks what is due. Behind each name_server_turn. */
void resolve_turn(struct resolve *resolve);

struct resolve_counts {
	uint32_t names, known; /* known: with addresses */
	uint64_t answers, failures;
};
void resolve_counts(const struct resolve *resolve, struct resolve_counts *out);

#endif
