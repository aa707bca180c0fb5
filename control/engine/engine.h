/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: one thread that makes wishes true. Each tick (ENGINE_TICK_MS, or at once when woken)
 * it reads the clock and its offset, then runs its steps in order, each with bounded work:
 * automatic renewal, notices, automatic release, pruning, and publishing. It alone writes without
 * an order, always through the same store functions, with "engine" in the audit log.
 */
#ifndef CONTROL_ENGINE_ENGINE_H
#define CONTROL_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "control/store/db.h"
#include "control/store/vault.h"

#define ENGINE_TICK_MS 100
#define ENGINE_BATCH   1000 /* instances touched per step and tick: one transaction stays short */

struct nodes;
struct life_clock;
struct website;

/* Life-cycle clock: machine time plus the offset in a file (decimal ms, one line), re-read when it
 * changes. No file named: offset 0. Thread-safe. */
struct life_clock *life_clock_new(const char *offset_path /* NULL: none */);
void life_clock_free(struct life_clock *clock);
int64_t life_clock_offset_ms(struct life_clock *clock);
/* Re-reads the file if it changed; true when the offset is another one. */
bool life_clock_refresh(struct life_clock *clock);

/* One tick, for tests: everything due at now_ms (life) / clock_ms (machine). more: true when a
 * batch was full and another tick should follow at once. */
enum err engine_tick(
	struct db *db, struct arena *mem, int64_t now_ms, int64_t clock_ms, bool *more) MUST_USE;

/* What the engine does about attacks. */
struct engine_settings {
	bool blackhole;		/* put instances there whose attacks go over their plan */
	int64_t blackhole_ms;	/* for so long */
	int64_t smart_rule_ms;	/* of rules that make themselves; 0: SMART_RULE_MS */
	int64_t smart_learn_ms; /* what they go by is learned in pieces of so long; 0: a minute */
	/* What is an attack: attack_terms by kind; 0: the settings' defaults. */
	uint64_t attack_packets, attack_connections, attack_requests;
	uint32_t attack_share;
	int64_t attack_quiet_ms;
};

struct engine;
/* Starts the thread with a database connection of its own. */
enum err engine_start(const char *db_url, struct life_clock *clock, struct nodes *nodes,
	const struct engine_settings *settings, struct engine **out) MUST_USE;
void engine_wake(
	struct engine *engine); /* after a commit: nodes hear of it without waiting for a tick */
void engine_stop(struct engine *engine); /* joins; NULL is fine */

/* publish.c: store -> snapshot. base 0, or older than the change log, gives a full one. bytes
 * are in mem. Reads in one DB_READ transaction that the caller opened. */
struct snapshot_terms {
	int64_t life_offset_ms;
	uint64_t control_boot;
	const uint8_t *cookie_secret; /* 32 bytes */
	const struct vault *vault;    /* opens the keys of certificates */
};
enum err snapshot_build(struct db *db, struct arena *mem, uint64_t base_generation,
	const struct snapshot_terms *terms, const uint8_t **out, size_t *size) MUST_USE;

/* publish_site.c: a site as nodes get it, into SITE_BYTES_MAX bytes that are aligned to 8. ERR_LIMIT: it does not fit,
 * or is not what site_check takes (logged). */
enum err site_build(struct db *db, struct arena *mem, const struct website *website, void *out,
	size_t *length) MUST_USE;

#endif
