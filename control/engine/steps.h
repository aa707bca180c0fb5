/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's steps, as run by its thread and, through engine_tick, by tests.
 */
#ifndef CONTROL_ENGINE_STEPS_H
#define CONTROL_ENGINE_STEPS_H

#include "control/engine/engine.h"
#include "control/store/store.h"

struct attacks;	   /* attacks.h */
struct smart;	   /* smart.h */
struct scheduling; /* scheduling.h */

struct tick {
	struct db *db;
	struct arena *mem;   /* scratch; the caller resets it */
	int64_t now_ms;	     /* life-cycle time */
	int64_t clock_ms;    /* machine time */
	bool release_paused; /* automatic release waits: see release_guard.h */
	bool more;	     /* set: a batch was full */
	/* What nodes told and measured, and what was done about it; NULL: nothing is. */
	struct attacks *attacks;
	struct smart *smart;	       /* NULL: nothing is learned, and no rules make themselves */
	struct scheduling *scheduling; /* NULL: scheduling rules stay as they are */
};

/* ---- what steps share */
/* A select of INSTANCE_COLUMNS with a LIMIT of at most ENGINE_BATCH; a full one sets more. */
enum err tick_instances(struct tick *tick, const char *sql, const struct value *values,
	size_t value_count, struct instance **out, size_t *count) MUST_USE;
/* An audit record of the engine; detail NULL: memory is out. */
enum err tick_record(struct tick *tick, const struct instance *instance, const char *action,
	const char *detail) MUST_USE;
/* Two numbers that the engine keeps under a name; first is INT64_MIN before they are put. */
enum err tick_state_get(struct db *db, const char *name, int64_t *first, int64_t *second) MUST_USE;
enum err tick_state_put(struct db *db, const char *name, int64_t first, int64_t second) MUST_USE;
/* An event, once per (instance, kind, occasion); inserted (may be NULL): whether it was not told before. */
enum err tick_event(struct tick *tick, const struct instance *instance, const char *kind,
	int64_t occasion_ms, const char *detail, bool *inserted) MUST_USE;
/* Whether the select gives a row. */
enum err tick_exists(const struct tick *tick, const char *sql, const struct value *values,
	size_t count, bool *out) MUST_USE;

enum err steps_run(struct tick *tick) MUST_USE;
/* Machine time that an engine last wrote down; 0: never. In the caller's transaction. */
enum err steps_last_clock(struct db *db, int64_t *out) MUST_USE;
/* Tells the operator that automatic releases pause; a transaction of its own. */
enum err steps_tell_pause(struct tick *tick) MUST_USE;

#endif
