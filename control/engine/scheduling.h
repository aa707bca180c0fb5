/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine does about scheduling rules: a step of its table, see steps.c.
 */
#ifndef CONTROL_ENGINE_SCHEDULING_H
#define CONTROL_ENGINE_SCHEDULING_H

#include "control/engine/steps.h"

/* How far a pass over all rules has come. Begins as { 0 }. */
struct scheduling {
	int64_t began_ms; /* machine time */
	int64_t after,
		newest; /* number of the last rule that was looked at, and of the last of the batch at hand */
	bool ended;	    /* that batch is the last one */
	int64_t minute;	    /* of the machine's time, whose requests were looked at */
	bool with_requests; /* this pass looks at requests */
	/* Machine time until which requests were watched; 0: that is not known yet. A pass for which they were not watched all the
	 * time since begins calm hours anew. */
	int64_t watched_ms;
	bool unwatched;
};

enum err scheduling_due(const struct tick *tick, bool *out) MUST_USE;
enum err scheduling_run(struct tick *tick) MUST_USE;
void scheduling_done(struct tick *tick);

#endif
