/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who was asked for a pass by a rule, or by the site's frequency mode, and has none, gets the challenge (nginx/challenge.h) in
 * place of an answer: a page where one can be shown, else 403 with a reason that programs can read.
 *
 * Bounds. A question is answered once (its id is taken in the counters of rates) and soon. A pass is good for so many requests in
 * PASS_INTERVAL_MS, whoever sends it; with more it does not count and the challenge comes again. The way without
 * JavaScript costs an attacker nothing but waiting, so its passes are few for each source and good for fewer requests. And a
 * source that only ever asks for pages is refused without one after PAGES_MAX.
 *
 * Crawlers of search engines are let through when they are what they say (crawler.c); while that is looked up they are told to
 * come again. Other programs that cannot answer are let through by an accepting precise rule over their addresses or paths:
 * it comes before whatever asks for the challenge.
 */
#include "nginx/challenge.h"

#include <openssl/rand.h>

#include "nginx/checks.h"
#include "nginx/counters.h"

#define PASS_INTERVAL_MS      10000
#define PASS_WORK_MAX	      300 /* a page with all its parts, some times over */
#define PASS_PLAIN_MAX	      40
#define PLAIN_INTERVAL_MS     600000
#define PLAIN_MAX	      6	 /* passes for waiting, of one source in that time */
#define PAGES_MAX	      30 /* of one source in PASS_INTERVAL_MS */
#define COOKIES_MAX	      4	 /* of one name that are looked at */

#define CRAWLER_RETRY_SECONDS "10"

enum pass {
	PASS_UNKNOWN,
	PASS_NONE,
	PASS_GOOD
};

static struct challenge_client client_of(const struct checks_request *state)
{
	const ngx_table_elt_t *agent = state->r->headers_in.user_agent;

	return (struct challenge_client){ .settings = state->request->settings,
		.now_ms = state->request->now_ms,
		.enhanced = state->enhanced,
		.address = state->request->client,
		.site = state->request->site->number,
		.user_agent = agent ? (const char *)agent->value.data : "",
		.user_agent_length = agent ? agent->value.len : 0 };
}

static uint32_t count(
	uint32_t what, const void *target, size_t length, uint32_t interval_ms, int64_t now_ms)
{
	const struct rates *rates = checks_rates();
	struct rate_slot *slot =
		rates ? rate_find(rates, checks_key(rates, what, 0, target, length), now_ms, true)
		      : NULL;

	/* Without a place to count, as if it were the first. */
	return slot ? rate_add(&slot->state, 1, interval_ms, now_ms) : 1;
}

static uint32_t count_source(
	const struct checks_request *state, uint32_t what, uint32_t interval_ms)
{
	struct address source = checks_source(&state->request->client);

	return count(what, &source, sizeof(source), interval_ms, state->request->now_ms);
}

static bool take_once(const struct checks_request *state, const struct challenge_token *question)
{
	const struct rates *rates = checks_rates();
	int64_t now_ms = state->request->now_ms;

	return rates &&
	       rate_once(rates,
		       checks_key(rates, COUNT_ANSWER, 0, question->id, sizeof(question->id)),
		       now_ms, now_ms + (CHALLENGE_QUESTION_SECONDS + 10) * INT64_C(1000));
}

/* ---- cookies */

/* The next cookie called name, over all Cookie headers. */
struct cookies {
	const ngx_array_t *headers;
	const char *name;
	ngx_uint_t header;
	size_t offset;
	unsigned count;
};
static bool cookie_next(struct cookies *cookies, const char **value, size_t *length)
{
	ngx_table_elt_t **header = cookies->headers->elts;

	for (; cookies->header < cookies->headers->nelts; cookies->header++, cookies->offset = 0) {
		const ngx_str_t *text = &header[cookies->header]->value;

		if (challenge_cookie_next((const char *)text->data, text->len, cookies->name,
			    &cookies->offset, value, length))
			return ++cookies->count <= COOKIES_MAX;
	}
	return false;
}

/* The best pass that came with the request; *out of it unless it is CHALLENGE_BAD. */
static enum challenge_state pass_find(struct checks_request *state, struct challenge_token *out)
{
	struct challenge_client client = client_of(state);
	struct cookies cookies = { .headers = &state->r->headers_in.cookies,
		.name = CHALLENGE_PASS };
	enum challenge_state best = CHALLENGE_BAD;
	const char *value;
	size_t length;

	while (best != CHALLENGE_GOOD && cookie_next(&cookies, &value, &length)) {
		struct challenge_token token;
		enum challenge_state found =
			challenge_read(value, length, CHALLENGE_WORK, &client, &token);

		if (found > best) {
			best = found;
			*out = token;
		}
	}
	return best;
}

static bool has_pass(struct checks_request *state)
{
	struct challenge_token token;
	uint32_t most;

	if (state->pass != PASS_UNKNOWN)
		return state->pass == PASS_GOOD;
	state->pass = PASS_NONE;
	if (pass_find(state, &token) != CHALLENGE_GOOD)
		return false;
	most = token.kind == CHALLENGE_PLAIN ? PASS_PLAIN_MAX : PASS_WORK_MAX;
	if (count(COUNT_PASS, token.id, sizeof(token.id), PASS_INTERVAL_MS,
		    state->request->now_ms) <= most)
		state->pass = PASS_GOOD;
	return state->pass == PASS_GOOD;
}

/* ---- passing */

static bool cookie_set(
	struct checks_request *state, const char *name, const char *value, int seconds)
{
	ngx_http_request_t *r = state->r;
	u_char *text = ngx_pnalloc(r->pool, 256), *end;

	if (!text)
		return false;
	end = ngx_snprintf(text, 256, "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s", name,
		value, seconds, r->connection->ssl ? "; Secure" : "");
	return checks_header(r, "Set-Cookie", text, (size_t)(end - text));
}

/* What nginx sends for such a status is the Location. */
static ngx_int_t send_on(struct checks_request *state, const u_char *uri, size_t length)
{
	ngx_http_request_t *r = state->r;

	if (!checks_header(r, "Cache-Control", (const u_char *)"no-store", 8))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	state->request->verdict = LOG_CHALLENGED;
	state->request->check = CHECK_challenge;
	return checks_answer(
		r, NGX_HTTP_MOVED_TEMPORARILY, "text/plain", (const char *)uri, length);
}

static ngx_int_t pass(
	struct checks_request *state, enum challenge_kind kind, const u_char *uri, size_t length)
{
	struct challenge_client client = client_of(state);
	int seconds = kind == CHALLENGE_PLAIN ? CHALLENGE_PLAIN_SECONDS : CHALLENGE_WORK_SECONDS;
	struct challenge_token token, previous;
	char text[CHALLENGE_TEXT_SIZE];
	bool other;
	uint8_t id[8];

	if (RAND_bytes(id, sizeof(id)) != 1)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	/* One for waiting stays one: it takes over no network. */
	other = kind == CHALLENGE_WORK && pass_find(state, &previous) == CHALLENGE_OTHER_NETWORK &&
		previous.kind == CHALLENGE_WORK;
	token = challenge_make(kind, &client, other ? &previous : NULL, id);
	challenge_write(&token, &client, text);
	if (!cookie_set(state, CHALLENGE_PASS, text, seconds) ||
		!cookie_set(state, CHALLENGE_ANSWER, "", 0))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (state->request->counter)
		counter_add(&state->request->counter->challenge_passed, 1);
	return send_on(state, uri, length);
}

/* An answer by JavaScript. *out_came: there was one, good or not. */
static bool is_answered(struct checks_request *state, bool *out_came)
{
	struct challenge_client client = client_of(state);
	struct cookies cookies = { .headers = &state->r->headers_in.cookies,
		.name = CHALLENGE_ANSWER };
	struct challenge_token question;
	size_t length, question_length;
	const char *text;

	*out_came = false;
	while (cookie_next(&cookies, &text, &length)) {
		if (!challenge_answer_split(text, length, &question_length))
			continue;
		*out_came = true;
		if (challenge_read(text, question_length, CHALLENGE_QUESTION, &client, &question) !=
			CHALLENGE_GOOD)
			continue;
		if (challenge_solved(text, question_length, text + question_length + 1,
			    length - question_length - 1, question.bits))
			return take_once(state, &question);
	}
	return false;
}

/* ---- the way without JavaScript */

/* NGX_DECLINED: an ordinary request, as far as this goes. */
static ngx_int_t plain_path(struct checks_request *state)
{
	ngx_http_request_t *r = state->r;
	struct challenge_client client = client_of(state);
	int64_t now_ms = state->request->now_ms;
	struct challenge_token question;
	size_t token_length, uri_length;
	const char *token;
	u_char *uri;

	if (r->uri.len != sizeof(CHALLENGE_PATH) - 1 ||
		ngx_memcmp(r->uri.data, CHALLENGE_PATH, sizeof(CHALLENGE_PATH) - 1) != 0)
		return NGX_DECLINED;
	uri = ngx_pnalloc(r->pool, CHALLENGE_URI_MAX);
	if (!uri)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (!challenge_query_read((const char *)r->args.data, r->args.len, &token, &token_length,
		    (char *)uri, &uri_length) ||
		challenge_read(token, token_length, CHALLENGE_QUESTION, &client, &question) !=
			CHALLENGE_GOOD)
		return NGX_DECLINED;
	/* Too early: back to where a new question waits. Asked before the token is used up, so that patience helps. */
	if (now_ms / 1000 - question.issued_seconds < CHALLENGE_DELAY_SECONDS ||
		(question.networks & CHALLENGE_EXACT) || !take_once(state, &question) ||
		count_source(state, COUNT_PLAIN, PLAIN_INTERVAL_MS) > PLAIN_MAX)
		return send_on(state, uri, uri_length);
	return pass(state, CHALLENGE_PLAIN, uri, uri_length);
}

/* ---- asking */

static bool shows_page(ngx_http_request_t *r)
{
	const ngx_table_elt_t *accept = checks_request_header(r, "accept", 6);
	const ngx_table_elt_t *destination = checks_request_header(r, "sec-fetch-dest", 14);
	const ngx_table_elt_t *requested = checks_request_header(r, "x-requested-with", 16);
	struct challenge_request request = {
		.method = (const char *)r->method_name.data,
		.method_length = r->method_name.len,
		.accept = accept ? (const char *)accept->value.data : NULL,
		.accept_length = accept ? accept->value.len : 0,
		.destination = destination ? (const char *)destination->value.data : NULL,
		.destination_length = destination ? destination->value.len : 0,
		.requested_with = requested ? (const char *)requested->value.data : NULL,
		.requested_with_length = requested ? requested->value.len : 0,
	};

	return challenge_shows_page(&request);
}

static ngx_int_t answer_program(ngx_http_request_t *r)
{
	static const char text[] =
		"{\"error\":\"challenge_required\",\"message\":\"Open the site in a browser first: "
		"its requests then pass.\"}\n";

	return checks_answer(r, NGX_HTTP_FORBIDDEN, "application/json", text, sizeof(text) - 1);
}

static ngx_int_t answer_page(struct checks_request *state, bool again)
{
	ngx_http_request_t *r = state->r;
	struct challenge_client client = client_of(state);
	struct challenge_token token;
	struct challenge_page page = { .uri = (const char *)r->unparsed_uri.data,
		.uri_length = r->unparsed_uri.len,
		.plain = !state->enhanced,
		.again = again };
	u_char *nonce = ngx_pnalloc(r->pool, 512), *policy, *end;
	char question[CHALLENGE_TEXT_SIZE], *html = ngx_pnalloc(r->pool, CHALLENGE_PAGE_MAX);
	uint8_t chance[24];
	size_t length;

	if (!nonce || !html || RAND_bytes(chance, sizeof(chance)) != 1)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	token = challenge_make(CHALLENGE_QUESTION, &client, NULL, chance);
	challenge_write(&token, &client, question);
	end = ngx_hex_dump(nonce, chance + 8, 16);
	*end++ = '\0';
	policy = end;
	end = ngx_sprintf(policy,
		"default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; base-uri 'none'; "
		"form-action 'none'",
		nonce, nonce);
	page.nonce = (const char *)nonce;
	page.question = question;
	page.bits = token.bits;
	length = challenge_page_write(&page, html, CHALLENGE_PAGE_MAX);
	if (length == 0 ||
		!checks_header(r, "Content-Security-Policy", policy, (size_t)(end - policy)))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return checks_answer(r, NGX_HTTP_FORBIDDEN, "text/html", html, length);
}

static ngx_int_t answer_crawler(ngx_http_request_t *r)
{
	static const char text[] = "Please come again in a moment.\n";

	if (!checks_header(r, "Retry-After", (const u_char *)CRAWLER_RETRY_SECONDS,
		    sizeof(CRAWLER_RETRY_SECONDS) - 1))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return checks_answer(r, NGX_HTTP_SERVICE_UNAVAILABLE, "text/plain", text, sizeof(text) - 1);
}

static ngx_int_t ask(struct checks_request *state, bool again)
{
	struct polder_request *request = state->request;
	enum crawler_state crawler = crawler_state(state);

	if (crawler == CRAWLER_VERIFIED ||
		!checks_note(state, CHECK_challenge, state->challenge_rule))
		return NGX_DECLINED;
	/* A crawler comes with many requests at once: it is not banned before it is known to be none. */
	if (crawler != CRAWLER_ASKED)
		(void)checks_note_source(state, CHECK_challenge, state->challenge_rule);
	request->verdict = LOG_CHALLENGED;
	if (request->counter)
		counter_add(&request->counter->challenged, 1);
	if (count_source(state, COUNT_PAGES, PASS_INTERVAL_MS) > PAGES_MAX)
		return request->connection->trusted ? answer_program(state->r) : NGX_HTTP_CLOSE;
	if (!checks_header(state->r, "Cache-Control", (const u_char *)"no-store", 8) ||
		!checks_header(state->r, "X-Polder-Refused", (const u_char *)"challenge", 9))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (crawler == CRAWLER_ASKED)
		return answer_crawler(state->r);
	return shows_page(state->r) ? answer_page(state, again) : answer_program(state->r);
}

ngx_int_t challenge_check(struct checks_request *state)
{
	const u_char *uri = state->r->unparsed_uri.data;
	size_t length = state->r->unparsed_uri.len;
	ngx_int_t result;
	bool came;

	if (!challenge_ready(state->request->settings))
		return NGX_DECLINED;
	if (state->request->site->mode[CHECK_challenge] == CHECK_WATCH)
		return state->challenge_by == CHECK_COUNT || has_pass(state) ? NGX_DECLINED
									     : ask(state, false);
	result = plain_path(state);
	if (result != NGX_DECLINED || state->challenge_by == CHECK_COUNT || has_pass(state))
		return result;
	if (!is_answered(state, &came))
		return ask(state, came);
	/* Only a path of this site is somewhere to be sent. */
	if (length == 0 || uri[0] != '/' || (length > 1 && (uri[1] == '/' || uri[1] == '\\')))
		return pass(state, CHALLENGE_WORK, (const u_char *)"/", 1);
	return pass(state, CHALLENGE_WORK, uri, length);
}
