/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests a second of the instance's plan, over all its sites and all workers of the node. */
#include "nginx/checks.h"

ngx_int_t quota_check(struct checks_request *state)
{
	const struct rates *rates = checks_rates();
	const struct table_vip *vip = state->request->vip;
	struct rate_slot *slot;

	if (!rates || vip->requests_max == 0)
		return NGX_DECLINED;
	slot = rate_find(rates,
		checks_key(rates, COUNT_QUOTA, 0, &vip->instance, sizeof(vip->instance)),
		state->request->now_ms, true);
	if (!slot || rate_add(&slot->state, 1, 1000, state->request->now_ms) <= vip->requests_max)
		return NGX_DECLINED;
	return checks_refuse(state, CHECK_quota, 0);
}
