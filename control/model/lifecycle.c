/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life cycle table and the few functions that read it. Every deadline is an offset from the
 * expiry time, so nothing here can be half done: two readers with the same present see the same
 * state.
 *
 * Subtle: RELEASED is a row of the table, for its deadline and its answers, but never the state of
 * an instance that still has a row in the store. Thirty days after expiry an instance only becomes
 * due for release; until the engine's transaction has removed it, it is STOPPED and can be renewed.
 */
#include "control/model/lifecycle.h"

#include <assert.h>

#include "base/clock.h"

/* Published: packets are forwarded for seven days after expiry, configuration is kept for
 * thirty. */
#define FORWARD_AFTER_MS (7 * DAY_MS)
#define RELEASE_AFTER_MS (30 * DAY_MS)

const struct lifecycle_row lifecycle_table[LIFECYCLE_COUNT] = {
	[LIFECYCLE_NORMAL] = {
		.state = LIFECYCLE_NORMAL,
		.from_ms = INT64_MIN,
		.mitigation = true,
		.forwarding = true,
		.status = 1,
		.instance_status = 1,
		.release = ERR_INSTANCE_NOT_EXPIRED,
		.renew = OK,
		.name = "normal",
	},
	[LIFECYCLE_EXPIRED] = {
		.state = LIFECYCLE_EXPIRED,
		.from_ms = 0,
		.mitigation = false,
		.forwarding = true,
		.status = 2,
		.instance_status = 2,
		.release = OK,
		.renew = OK,
		.name = "expired",
	},
	[LIFECYCLE_STOPPED] = {
		.state = LIFECYCLE_STOPPED,
		.from_ms = FORWARD_AFTER_MS,
		.mitigation = false,
		.forwarding = false,
		.status = 2,
		.instance_status = 2,
		.release = OK,
		.renew = OK,
		.name = "stopped",
	},
	[LIFECYCLE_RELEASED] = {
		.state = LIFECYCLE_RELEASED,
		.from_ms = RELEASE_AFTER_MS,
		.mitigation = false,
		.forwarding = false,
		.status = 0,
		.instance_status = 4,
		.release = ERR_INSTANCE_NOT_FOUND,
		.renew = ERR_INSTANCE_NOT_FOUND,
		.name = "released",
	},
};

/* In the order in which they fall due. */
const struct lifecycle_notice lifecycle_notices[] = {
	{ -7 * DAY_MS, "expires_in_7_days" },
	{ -3 * DAY_MS, "expires_in_3_days" },
	{ -1 * DAY_MS, "expires_in_1_day" },
	{ 0, "expired" },
	{ FORWARD_AFTER_MS, "stopped" },
};
const unsigned lifecycle_notice_count = sizeof(lifecycle_notices) / sizeof(lifecycle_notices[0]);

/* An expiry near the end of the scale never comes; its deadlines must not wrap into the past. */
static int64_t after(int64_t expire_ms, int64_t span_ms)
{
	int64_t sum;

	if (__builtin_add_overflow(expire_ms, span_ms, &sum))
		return INT64_MAX;
	return sum;
}

const struct lifecycle_row *lifecycle_at(int64_t expire_ms, int64_t now_ms)
{
	int state = LIFECYCLE_STOPPED;

	while (state > LIFECYCLE_NORMAL &&
		now_ms < after(expire_ms, lifecycle_table[state].from_ms))
		state--;
	return &lifecycle_table[state];
}

/* The first state in which a service is off; all later ones have it off too. */
static int64_t off_from(int64_t expire_ms, bool mitigation)
{
	for (int state = LIFECYCLE_NORMAL; state < LIFECYCLE_COUNT; state++) {
		const struct lifecycle_row *row = &lifecycle_table[state];

		if (mitigation ? !row->mitigation : !row->forwarding)
			return after(expire_ms, row->from_ms);
	}
	return INT64_MAX;
}

int64_t lifecycle_mitigation_until(int64_t expire_ms)
{
	return off_from(expire_ms, true);
}

int64_t lifecycle_forward_until(int64_t expire_ms)
{
	return off_from(expire_ms, false);
}

int64_t lifecycle_release_at(int64_t expire_ms)
{
	return after(expire_ms, lifecycle_table[LIFECYCLE_RELEASED].from_ms);
}

int64_t lifecycle_renewed_expiry(int64_t expire_ms, int64_t now_ms, int months)
{
	assert(months > 0);
	return clock_add_months(expire_ms > now_ms ? expire_ms : now_ms, months);
}
