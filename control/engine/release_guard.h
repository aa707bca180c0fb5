/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether automatic releases may go on, given how machine time moves against the monotonic clock.
 * Pure.
 */
#ifndef CONTROL_ENGINE_RELEASE_GUARD_H
#define CONTROL_ENGINE_RELEASE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define GUARD_JUMP_MS  HOUR_MS /* more than daylight errors of a day, less than any deadline */
#define GUARD_PAUSE_MS DAY_MS  /* monotonic: time for the operator to see the warning */
#define GUARD_DOWNTIME_MS                                                                          \
	(7 * DAY_MS) /* a control that was off for longer cannot tell it from a jump */

struct release_guard {
	bool started;
	int64_t anchor_clock_ms, anchor_monotonic_ms;
	int64_t paused_until_ms; /* monotonic; 0: not paused */
};

/* At start: last_clock_ms is the machine time that was last written to the store, 0 when never.
 * True: a jump. */
bool release_guard_start(
	struct release_guard *guard, int64_t last_clock_ms, int64_t clock_ms, int64_t monotonic_ms);
/* At each tick. True: a jump was found now, and releases pause from here. */
bool release_guard_step(struct release_guard *guard, int64_t clock_ms, int64_t monotonic_ms);
bool release_guard_paused(const struct release_guard *guard, int64_t monotonic_ms);

#endif
