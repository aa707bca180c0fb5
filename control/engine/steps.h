/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's steps, as run by its thread and, through engine_tick, by tests.
 */
#ifndef CONTROL_ENGINE_STEPS_H
#define CONTROL_ENGINE_STEPS_H

#include "control/engine/engine.h"

struct tick {
	struct db *db;
	struct arena *mem;   /* scratch; the caller resets it */
	int64_t now_ms;	     /* life-cycle time */
	int64_t clock_ms;    /* machine time */
	bool release_paused; /* automatic release waits: see release_guard.h */
	bool more;	     /* set: a batch was full */
};

enum err steps_run(struct tick *tick) MUST_USE;
/* Machine time that an engine last wrote down; 0: never. In the caller's transaction. */
enum err steps_last_clock(struct db *db, int64_t *out) MUST_USE;
/* Tells the operator that automatic releases pause; a transaction of its own. */
enum err steps_tell_pause(struct tick *tick) MUST_USE;

#endif
