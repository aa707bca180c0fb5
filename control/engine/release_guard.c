/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine whose clock is suddenly years ahead would release every instance at once, and that
 * cannot be undone. So machine time is compared with the monotonic clock: what one gained over the
 * other since the anchor is drift. Drift above GUARD_JUMP_MS is a jump and pauses automatic
 * releases; everything else of the life cycle can be undone and goes on.
 *
 * Subtle: many small jumps add up, because the anchor stays for a day. A step back moves the
 * anchor, so that a later step forward is not excused by it. A suspended machine looks like a jump,
 * which only delays releases. The offset of the life-cycle clock is not looked at: it is set on
 * purpose.
 */
#include "control/engine/release_guard.h"

static void anchor(struct release_guard *guard, int64_t clock_ms, int64_t monotonic_ms)
{
	guard->started = true;
	guard->anchor_clock_ms = clock_ms;
	guard->anchor_monotonic_ms = monotonic_ms;
}

bool release_guard_start(
	struct release_guard *guard, int64_t last_clock_ms, int64_t clock_ms, int64_t monotonic_ms)
{
	anchor(guard, clock_ms, monotonic_ms);
	if (last_clock_ms == 0 || clock_ms - last_clock_ms <= GUARD_DOWNTIME_MS)
		return false;
	guard->paused_until_ms = monotonic_ms + GUARD_PAUSE_MS;
	return true;
}

bool release_guard_step(struct release_guard *guard, int64_t clock_ms, int64_t monotonic_ms)
{
	if (!guard->started) {
		anchor(guard, clock_ms, monotonic_ms);
		return false;
	}

	int64_t elapsed_ms = monotonic_ms - guard->anchor_monotonic_ms;
	int64_t drift_ms = clock_ms - guard->anchor_clock_ms - elapsed_ms;

	if (drift_ms < 0 || drift_ms > GUARD_JUMP_MS || elapsed_ms >= DAY_MS)
		anchor(guard, clock_ms, monotonic_ms);
	if (drift_ms <= GUARD_JUMP_MS)
		return false;
	guard->paused_until_ms = monotonic_ms + GUARD_PAUSE_MS;
	return true;
}

bool release_guard_paused(const struct release_guard *guard, int64_t monotonic_ms)
{
	return monotonic_ms < guard->paused_until_ms;
}
