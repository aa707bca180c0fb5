/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests a second of the instance's plan, over all its sites and all workers of the node. What is refused does not
 * count, or a flood would keep everybody out for as long as it lasts. And it is refused first to whoever takes a large
 * part alone: a source that asks for little still passes for a quarter above the plan. So a flood from few addresses
 * costs others nothing before it is found; one from very many meets the plan's number as it stands.
 */
#include "nginx/checks.h"

#define QUOTA_INTERVAL_MS 1000
/* A part is large that so many of would be all of the plan, or that no person asks for in a second. */
#define QUOTA_SHARE	32
#define QUOTA_SHARE_MIN 10

/* Sources are counted only while the plan is at least half used: otherwise nobody asks how much theirs is. */
static bool asks_for_little(const struct checks_request *state, const struct rates *rates)
{
	const struct table_vip *vip = state->request->vip;
	uint32_t share = vip->requests_max / QUOTA_SHARE;
	struct list_exact_key source = { .instance = vip->instance,
		.source = checks_source(&state->request->client) };
	struct rate_slot *slot =
		rate_find(rates, checks_key(rates, COUNT_QUOTA_SOURCE, 0, &source, sizeof(source)),
			state->request->now_ms, true);

	if (share < QUOTA_SHARE_MIN)
		share = QUOTA_SHARE_MIN;
	return slot &&
	       rate_add(&slot->state, 1, QUOTA_INTERVAL_MS, state->request->now_ms) <= share;
}

ngx_int_t quota_check(struct checks_request *state)
{
	const struct rates *rates = checks_rates();
	const struct table_vip *vip = state->request->vip;
	int64_t now_ms = state->request->now_ms;
	struct rate_slot *slot;
	uint32_t used;
	bool little = false;

	if (!rates || vip->requests_max == 0)
		return NGX_DECLINED;
	slot = rate_find(rates,
		checks_key(rates, COUNT_QUOTA, 0, &vip->instance, sizeof(vip->instance)), now_ms,
		true);
	if (!slot)
		return NGX_DECLINED;
	used = rate_add(&slot->state, 0, QUOTA_INTERVAL_MS, now_ms);
	if (used >= vip->requests_max / 2)
		little = asks_for_little(state, rates);
	if (used >= vip->requests_max + (little ? vip->requests_max / 4 : 0))
		return checks_refuse(state, CHECK_quota, 0);
	(void)rate_add(&slot->state, 1, QUOTA_INTERVAL_MS, now_ms);
	return NGX_DECLINED;
}
