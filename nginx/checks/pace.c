/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a site's frequency mode allows a source without any rule: so many requests to the site in PACE_INTERVAL_MS.
 *
 * NORMAL lets pass what people do, many of them behind one address included. ATTACK allows what one person does, and
 * when the site as a whole gets more than PACE_USUAL_FACTOR times its usual rate, everybody without a pass is challenged.
 * VERIFY challenges everybody, ENHANCE by each address; both still limit who has passed.
 */
#include "nginx/checks.h"

#define PACE_INTERVAL_MS  10000
#define PACE_USUAL_FACTOR 2
/* A site that is seldom asked for is not under attack because of a few more. Requests a second. */
#define PACE_USUAL_MIN 50

static const uint16_t allowed[] = {
	[SITE_PACE_OFF] = 0,
	[SITE_PACE_NORMAL] = 1000, /* 100 a second, for ten seconds */
	[SITE_PACE_ATTACK] = 300,  /* a page with its parts a second or two */
	[SITE_PACE_VERIFY] = 300,
	[SITE_PACE_ENHANCE] = 150,
};

static uint32_t count(const struct rates *rates, uint32_t what, const struct checks_request *state,
	const void *target, size_t length)
{
	struct rate_slot *slot = rate_find(rates,
		checks_key(rates, what, state->request->site->number, target, length),
		state->request->now_ms, true);

	return slot ? rate_add(&slot->state, 1, PACE_INTERVAL_MS, state->request->now_ms) : 0;
}

static ngx_int_t challenge(struct checks_request *state, bool enhanced)
{
	/* Only watched: counted as refused here, since nothing will be asked for later. */
	if (state->request->site->mode[CHECK_pace] != CHECK_BLOCK)
		return checks_refuse(state, CHECK_pace, 0);
	if (state->challenge_by == CHECK_COUNT)
		state->challenge_by = CHECK_pace;
	state->enhanced = enhanced;
	return NGX_DECLINED;
}

static bool is_attacked(const struct rates *rates, const struct checks_request *state)
{
	uint32_t usual = state->request->site->requests_usual;
	uint64_t limit = (usual > PACE_USUAL_MIN ? usual : PACE_USUAL_MIN) * UINT64_C(1) *
			 PACE_USUAL_FACTOR * (PACE_INTERVAL_MS / 1000);

	return count(rates, COUNT_SITE, state, "", 0) > limit && usual != 0;
}

ngx_int_t pace_check(struct checks_request *state)
{
	const struct rates *rates = checks_rates();
	uint8_t pace = state->request->site->pace;
	struct address source;

	if (!rates || allowed[pace] == 0)
		return NGX_DECLINED;
	source = checks_source(&state->request->client);
	if (count(rates, COUNT_PACE, state, &source, sizeof(source)) > allowed[pace])
		return checks_refuse(state, CHECK_pace, 0);
	if (pace == SITE_PACE_VERIFY || pace == SITE_PACE_ENHANCE ||
		(pace == SITE_PACE_ATTACK && is_attacked(rates, state)))
		return challenge(state, pace == SITE_PACE_ENHANCE);
	return NGX_DECLINED;
}
