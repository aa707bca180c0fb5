/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop over checks. Whether a check is off, watched or blocks is the site's word, said here once for all of them;
 * what belongs to no site always blocks.
 *
 * A request goes through the rows of checks.def in their order; where it is, is kept, so that it goes on there when it
 * had to wait for its body. Checks apply while the instance's mitigation is on, by the times that the request itself was
 * read with; without it, or while a scene policy passes all, only those are asked without which there would
 * be no site to answer for.
 *
 * Refusing means closing the connection: an answer with a connection that stays costs as much as serving. Where a person may
 * want to know why (a country, a rule), the first few refusals of a source have a short text, and are closed behind it.
 * Connections of trusted proxies are left open, and each refusal there is answered: other clients' requests come by them, and a
 * proxy takes a connection that is closed for a fault of ours, and asks again.
 */
#include "nginx/run.h"

#include <openssl/rand.h>

#include "base/text.h"
#include "nginx/ban.h"
#include "nginx/checks.h"
#include "nginx/counters.h"
#include "nginx/loop.h"
#include "nginx/slow.h"

/* So many refusals of a source in BAN_INTERVAL_MS are explained. */
#define EXPLAINED_MAX	   10

#define HTTP_LOOP_DETECTED 508 /* RFC 5842, section 7.2 */

enum trait {
	NAMES_SOURCE = 1, /* not asked about white-listed sources and trusted proxies */
	EXPLAINS = 2,	  /* a person should see why */
};
static const struct {
	ngx_int_t (*ask)(struct checks_request *state);
	uint8_t traits;
} checks[CHECK_COUNT] = {
	[CHECK_malformed] = { malformed_check, 0 },
	[CHECK_black_list] = { black_list_check, NAMES_SOURCE },
	[CHECK_region] = { region_check, NAMES_SOURCE | EXPLAINS },
	[CHECK_precise] = { rules_check, EXPLAINS },
	[CHECK_global] = { rules_check, EXPLAINS },
	[CHECK_frequency] = { rules_check, NAMES_SOURCE },
	[CHECK_pace] = { pace_check, NAMES_SOURCE },
	[CHECK_smart] = { rules_check, NAMES_SOURCE },
	[CHECK_quota] = { quota_check, 0 },
	[CHECK_challenge] = { challenge_check, NAMES_SOURCE },
};

static uint64_t asked; /* bit of each that is in the table above */

static const struct {
	const char *name, *text;
} row[CHECK_COUNT] = {
#define CHECK(name, mode, text) { #name, text },
#include "shared/checks.def"
#undef CHECK
};

/* ---- shared with checks/ */

static struct rates rates;

const struct rates *checks_rates(void)
{
	return rates.slot ? &rates : NULL;
}

struct address checks_source(const struct address *address)
{
	struct address source = *address;

	if (!address_is_ipv4(address->byte))
		memset(source.byte + 8, 0, 8);
	return source;
}

struct checks_connection *checks_connection(struct polder_connection *connection)
{
	struct checks_connection *checks_of = connection->checks;

	if (checks_of)
		return checks_of;
	checks_of = ngx_pcalloc(connection->nginx->pool, sizeof(*checks_of));
	if (checks_of)
		checks_of->connection = connection;
	connection->checks = checks_of;
	return checks_of;
}

const ngx_table_elt_t *checks_request_header(ngx_http_request_t *r, const char *name, size_t length)
{
	ngx_list_part_t *part = &r->headers_in.headers.part;

	for (; part; part = part->next) {
		const ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (header[i].key.len == length &&
				memcmp(header[i].lowcase_key, name, length) == 0)
				return &header[i];
		}
	}
	return NULL;
}

bool checks_header(ngx_http_request_t *r, const char *name, const u_char *value, size_t length)
{
	ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);

	if (!header)
		return false;
	header->hash = 1;
	header->key.data = (u_char *)(uintptr_t)name;
	header->key.len = strlen(name);
	header->value.data = (u_char *)(uintptr_t)value;
	header->value.len = length;
	return true;
}

ngx_int_t checks_answer(
	ngx_http_request_t *r, ngx_uint_t status, const char *type, const char *text, size_t length)
{
	ngx_str_t content_type = { strlen(type), (u_char *)(uintptr_t)type };
	const struct polder_request *request = polder_request_find(r);
	ngx_http_complex_value_t value;

	ngx_memzero(&value, sizeof(value));
	value.value.data = (u_char *)(uintptr_t)text;
	value.value.len = length;
	if (!request->connection->trusted)
		r->keepalive = 0;
	ngx_http_finalize_request(r, ngx_http_send_response(r, status, &content_type, &value));
	return NGX_DONE;
}

/* ---- refusing */

ngx_int_t polder_refuse(struct polder_request *request, enum check check, uint32_t rule)
{
	uint8_t mode = request->mode[check];

	if (mode == CHECK_OFF)
		return NGX_DECLINED;
	/* What decides is noted over what was only watched before it; the first that was watched is kept. */
	if (mode == CHECK_BLOCK || request->verdict == LOG_PASSED) {
		request->check = (uint8_t)check;
		request->rule = rule;
	}
	if (mode == CHECK_WATCH) {
		request->verdict = LOG_WATCHED;
		if (request->counter)
			counter_add(&request->counter->watched[check], 1);
		return NGX_DECLINED;
	}
	request->verdict = LOG_REFUSED;
	counter_add(request->counter ? &request->counter->refused[check]
				     : &counters_node()->refused[check],
		1);
	return NGX_HTTP_CLOSE;
}

void polder_refuse_node(struct polder_request *request, enum check check)
{
	request->verdict = LOG_REFUSED;
	request->check = (uint8_t)check;
	request->rule = 0;
	counter_add(&counters_node()->refused[check], 1);
}

void polder_refuse_source(const struct polder_connection *connection, enum check check)
{
	counter_add(&counters_node()->refused[check], 1);
	(void)ban_note(connection, &connection->client, &(struct refusal){ check, 0, 0 });
}

uint32_t checks_note_source(const struct checks_request *state, enum check check, uint32_t rule)
{
	const struct polder_request *request = state->request;
	struct refusal refusal = { check, rule, request->site_number };

	return state->exempt ? 0 : ban_note(request->connection, &request->client, &refusal);
}

bool checks_note(struct checks_request *state, enum check check, uint32_t rule)
{
	return polder_refuse(state->request, check, rule) != NGX_DECLINED;
}

static ngx_int_t explain(const struct checks_request *state, enum check check)
{
	ngx_http_request_t *r = state->r;
	u_char *text = ngx_pnalloc(r->pool, 256), *end;

	if (!text)
		return NGX_HTTP_CLOSE;
	end = ngx_snprintf(text, 256, "This request was refused: %s (%s).\n", row[check].text,
		row[check].name);
	if (!checks_header(r, "X-Polder-Refused", (const u_char *)row[check].name,
		    strlen(row[check].name)))
		return NGX_HTTP_CLOSE;
	return checks_answer(
		r, NGX_HTTP_FORBIDDEN, "text/plain", (const char *)text, (size_t)(end - text));
}

ngx_int_t checks_refuse(struct checks_request *state, enum check check, uint32_t rule)
{
	uint32_t refusals;

	if (!checks_note(state, check, rule))
		return NGX_DECLINED;
	refusals = checks_note_source(state, check, rule);
	if (state->request->connection->trusted ||
		((checks[check].traits & EXPLAINS) && refusals <= EXPLAINED_MAX))
		return explain(state, check);
	return NGX_HTTP_CLOSE;
}

/* The source is not counted as one that was refused: it is a proxy of others, by which others come, too. */
static ngx_int_t loop_answer(const struct checks_request *state)
{
	static const char text[] = "This request has come round: an origin leads back here.\n";

	return checks_answer(state->r, HTTP_LOOP_DETECTED, "text/plain", text, sizeof(text) - 1);
}

/* ---- the loop */

static struct checks_request *state_of(ngx_http_request_t *r, struct polder_request *request)
{
	struct checks_request *state = request->checks;

	if (state)
		return state;
	state = ngx_pcalloc(r->pool, sizeof(*state));
	if (!state)
		return NULL;
	state->r = r;
	state->request = request;
	state->challenge_by = CHECK_COUNT;
	state->connection = checks_connection(request->connection);
	if (!state->connection)
		return NULL;
	if (request->site)
		state->listed = list_flags(request->site, &request->client);
	state->exempt = request->trusted || (state->listed & SITE_WHITE);
	if (state->exempt)
		state->connection->exempt = true;
	if ((state->listed & SITE_WHITE) &&
		memcmp(&request->client, &request->connection->peer, sizeof(request->client)) == 0)
		ban_spare(request->connection, request->now_ms);
	if (request->site)
		subject_begin(state);
	request->checks = state;
	return state;
}

static bool is_asked(const struct checks_request *state, unsigned check)
{
	if (state->request->site->mode[check] == CHECK_OFF)
		return false;
	return !(state->exempt && (checks[check].traits & NAMES_SOURCE));
}

ngx_int_t polder_checks_run(ngx_http_request_t *r, struct polder_request *request)
{
	struct checks_request *state = state_of(r, request);
	const struct site *site = request->site;
	bool all = site && request->mitigated && !(site->flags & SITE_BYPASS);

	if (!state)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (!site)
		return checks_refuse(state, CHECK_unknown_host, 0);
	if (state->next == 0 && loop_found(r, request) && checks_note(state, CHECK_loop, 0))
		return loop_answer(state);
	if (state->body == BODY_COMING)
		return NGX_DONE;
	while (all && asked >> state->next) {
		unsigned check = state->next + (unsigned)__builtin_ctzll(asked >> state->next);
		ngx_int_t result = NGX_DECLINED;

		state->next = (uint8_t)check;
		if (is_asked(state, check))
			result = checks[check].ask(state);
		if (result != NGX_DECLINED)
			return result;
		/* A rule that accepts has gone forward by itself. */
		if (state->next == check)
			state->next++;
	}
	slow_watch(state, all);
	return NGX_DECLINED;
}

void polder_checks_renewed(struct polder_request *request, bool same_rules)
{
	struct checks_request *state = request->checks;

	if (!state)
		return;
	state->shipped = NULL;
	if (same_rules)
		return;
	/* Where it was in the list says nothing about another list: this check's rules are asked from their first on. */
	state->rule = state->choice = 0;
	memset(state->count_later, 0, sizeof(state->count_later));
}

void polder_checks_answered(struct polder_request *request)
{
	struct checks_request *state = request->checks;

	if (state && request->passed && request->mitigated && request->site)
		rules_log(state);
}

void polder_checks_log(ngx_http_request_t *r, struct polder_request *request)
{
	struct checks_request *state = request->checks;

	(void)r;
	if (!state)
		return;
	slow_forget(state);
	polder_checks_answered(request);
}

/* ---- processes */

ngx_int_t polder_checks_open(ngx_cycle_t *cycle)
{
	uint64_t *secret = counters_node()->rate_secret;

	/* Made once for the file: counts outlive this master. */
	if (secret[0] == 0 && RAND_bytes((u_char *)secret, sizeof(rates.secret)) != 1) {
		ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "no random numbers for rates");
		return NGX_ERROR;
	}
	ban_open(cycle);
	return region_open(cycle);
}

ngx_int_t polder_checks_start(ngx_cycle_t *cycle)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		asked |= (uint64_t)(checks[i].ask != NULL) << i;
	rates.slot = counters_rates();
	rates.count = RATE_SLOTS;
	memcpy(rates.secret, counters_node()->rate_secret, sizeof(rates.secret));
	return slow_start(cycle);
}
