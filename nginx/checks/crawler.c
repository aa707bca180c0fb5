/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crawlers of search engines run no scripts and keep no cookies; what they are shown instead of a page is what the engine then
 * knows. So a site that challenges lets those through whom the agent has verified (agent/crawlers.h): a user agent alone
 * proves nothing, and is only what makes a worker ask.
 *
 * A source is asked about once in CRAWLER_ASK_MS, and for CRAWLER_WAIT_MS after that counts as asked: it is told to
 * come again soon, which no engine takes for the page. Whoever was not verified by then is challenged like anybody. One
 * that is verified is asked about again before its time is over, so that it never falls out.
 */
#include "nginx/checks.h"
#include "nginx/journal.h"
#include "nginx/table.h"

#define CRAWLER_ASK_MS	 60000
#define CRAWLER_WAIT_MS	 10000
#define CRAWLER_RENEW_MS (6 * INT64_C(3600000))

/* Row + 1 of the crawler that the user agent names; 0: none. */
static uint32_t claimed(const ngx_http_request_t *r)
{
	static const ngx_str_t word[] = {
#define CRAWLER(word, domains) ngx_string(word),
#include "shared/crawlers.def"
#undef CRAWLER
	};
	const ngx_table_elt_t *agent = r->headers_in.user_agent;

	if (!agent)
		return CRAWLER_NONE;
	for (uint32_t i = 0; i < sizeof(word) / sizeof(*word); i++) {
		if (agent->value.len >= word[i].len &&
			ngx_strlcasestrn(agent->value.data, agent->value.data + agent->value.len,
				word[i].data, word[i].len - 1))
			return i + 1;
	}
	return CRAWLER_NONE;
}

/* Asks at most once in CRAWLER_ASK_MS; without a place to note that, not at all. */
static enum crawler_state ask(const struct checks_request *state, uint32_t crawler)
{
	const struct rates *rates = checks_rates();
	const struct address *source = &state->request->client;
	int64_t now_ms = state->request->now_ms, until_ms;
	struct rate_slot *slot = NULL;

	if (rates)
		slot = rate_find(rates,
			checks_key(rates, COUNT_CRAWLER, crawler, source, sizeof(*source)), now_ms,
			true);
	if (!slot)
		return CRAWLER_OTHER;
	until_ms = rate_until(slot, now_ms);
	if (until_ms > now_ms)
		return until_ms - now_ms > CRAWLER_ASK_MS - CRAWLER_WAIT_MS ? CRAWLER_ASKED
									    : CRAWLER_OTHER;
	rate_hold(slot, now_ms + CRAWLER_ASK_MS);
	journal_crawler(source, crawler);
	return CRAWLER_ASKED;
}

enum crawler_state crawler_state(const struct checks_request *state)
{
	const struct polder_request *request = state->request;
	uint32_t crawler = claimed(state->r);
	int64_t until_ms = 0;

	if (crawler == CRAWLER_NONE)
		return CRAWLER_OTHER;
	if (table_crawler(request->table, &request->client, request->now_ms, &until_ms) != crawler)
		return ask(state, crawler);
	if (until_ms - request->now_ms < CRAWLER_RENEW_MS)
		(void)ask(state, crawler);
	return CRAWLER_VERIFIED;
}
