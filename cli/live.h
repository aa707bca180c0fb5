/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands that watch a running system share: arguments, finding an instance, a steady beat.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <stdint.h>

#include "cli/endpoint.h"

#define LIVE_MEMORY_MAX (64u << 20)
#define VERSION_OWN	"2026-11-01"

struct live_options {
	const char *subject[2]; /* what is not an option; NULL: not given */
	const char *protocol, *source_port, *reason, *output;
	int64_t interval_s, count, seconds;
	bool json;
	struct endpoint endpoint;
};

/* Reads the arguments: at most so many subjects, and the options whose initials "allowed" holds: i interval,
 * n count, s seconds, j json, p protocol, q source port, r reason, o output. false, having complained. */
bool live_options(struct arena *mem, int argc, char **argv, size_t subjects, const char *allowed,
	struct live_options *out);

/* Id of the instance that an id or a protected address names, in mem. NULL, having complained. */
const char *live_instance(struct arena *mem, const struct live_options *options, const char *name);

/* One call of the own version; parameters: name, value ... NULL. NULL, having complained. */
json_t *live_call(struct arena *mem, const struct live_options *options, const char *action,
	const char *const *parameters);

/* The reply as it is, with --json; else as print does it. */
void live_show(const struct live_options *options, const json_t *reply,
	void (*print)(const json_t *reply));

/* "1.2k", "34.5M": three digits. unit as printed behind it. */
#define LIVE_NUMBER_SIZE 16
const char *live_number(double value, char out[LIVE_NUMBER_SIZE]);
int64_t live_int(const json_t *object, const char *member);	 /* 0 when absent */
const char *live_text(const json_t *object, const char *member); /* "" when absent */

#endif
