/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for requests in access logs. The logs are on the nodes: a query goes to all of them as captures do, each
 * looks through its files, and what it finds comes with its reports and is kept in memory for some minutes.
 *
 * Whose log it is, is asked when the query is made and again when its answer is shown.
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"
#include "control/engine/answers.h"

#define QUERY_RUNNING_MAX                                                                          \
	20 /* of an account within QUERY_WAIT_MS: nodes answer one after the other */
#define QUERY_WAIT_MS (30 * SECOND_MS)
#define LINES_DEFAULT 100

static const char check_choices[] =
#define CHECK(name, mode, text) " " #name
#include "shared/checks.def"
#undef CHECK
	;
static const char verdict_choices[] =
#define VERDICT(symbol, name) " " name
#include "shared/verdicts.def"
#undef VERDICT
	;
static const char *const verdicts[LOG_VERDICT_COUNT] = {
#define VERDICT(symbol, name) name,
#include "shared/verdicts.def"
#undef VERDICT
};

struct start {
	const char *domain, *source, *status, *path, *reason, *verdict;
	int64_t from_ms, until_ms, lines;
};
static const struct param start_params[] = {
	PARAM_DOMAIN(start, .required = true),
	PARAM(start, from_ms, "StartTime", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = INT64_MAX / 2, .fallback = -1,
		.help = "of requests, in ms; without: an hour ago"),
	PARAM(start, until_ms, "EndTime", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = INT64_MAX / 2, .fallback = INT64_MAX / 2,
		.help = "of requests, in ms; without: now"),
	PARAM(start, source, "Source", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = PREFIX_TEXT_SIZE, .help = "address or prefix of clients"),
	PARAM(start, status, "Status", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 3,
		.help = "of answers: 404, or 4xx for all of a class"),
	PARAM(start, path, "UrlPrefix", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = LOG_PATH_MAX, .help = "what the request's path begins with"),
	PARAM(start, reason, "Reason", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = check_choices + 1,
		.help = "check that decided, as DescribeWebChecks names it"),
	PARAM(start, verdict, "Verdict", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = verdict_choices + 1, .help = "what became of the request"),
	PARAM(start, lines, "Limit", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,
		.max = LOG_LINES_MAX, .fallback = LINES_DEFAULT,
		.help = "requests to show: the newest that meet all of it"),
	PARAM_ROW_END,
};

/* "404", "4xx" */
static enum err read_status(struct call *call, const char *text, struct log_query *query)
{
	bool class;

	query->status_min = 0;
	query->status_max = UINT16_MAX;
	if (!text)
		return OK;
	class = strlen(text) == 3 && (strcmp(text + 1, "xx") == 0 || strcmp(text + 1, "XX") == 0);
	if (strlen(text) != 3 || text[0] < '0' || text[0] > '5' ||
		(!class && strspn(text, "0123456789") != 3))
		return refuse(call, ERR_INVALID_PARAMETER,
			"Status must be a status as 404, or a class as 4xx.");
	query->status_min = (text[0] - '0') * 100;
	if (class) {
		query->status_max = query->status_min + 99;
		return OK;
	}
	query->status_min += (text[1] - '0') * 10 + (text[2] - '0');
	query->status_max = query->status_min;
	return OK;
}

static enum err read_filter(struct call *call, const struct start *args, struct log_query *query)
{
	enum check check = CHECK_COUNT;
	unsigned bits = 0;

	TRY(read_status(call, args->status, query));
	if (args->source && !web_prefix(args->source, query->source, &bits))
		return refuse(call, ERR_INVALID_PARAMETER,
			"Source must be an address or a prefix as 192.0.2.0/24.");
	query->source_bits = bits;
	if (args->reason && !web_check_from_name(args->reason, &check))
		return ERR_INVALID_PARAMETER;
	query->check = check;
	query->verdict = LOG_VERDICT_NONE;
	for (size_t i = 0; args->verdict && i < LOG_VERDICT_COUNT; i++)
		if (strcmp(verdicts[i], args->verdict) == 0)
			query->verdict = (int64_t)i;
	query->path = args->path ? args->path : "";
	return OK;
}

static enum err start_run(struct call *call, const void *raw)
{
	const struct start *args = raw;
	struct website website;
	struct log_query query = {
		.from_ms = args->from_ms >= 0 ? args->from_ms : call->clock_ms - HOUR_MS,
		.until_ms = args->until_ms,
		.expires_ms = call->clock_ms + QUERY_WAIT_MS,
		.lines = args->lines,
	};
	int64_t running;

	TRY(call_website(call, args->domain, &website));
	TRY(read_filter(call, args, &query));
	if (query.until_ms < query.from_ms)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must not be before StartTime.");
	query.website = website.number;
	query.account = website.account;
	TRY(log_query_running(call->db, website.account, call->clock_ms, &running));
	if (running >= QUERY_RUNNING_MAX)
		return ERR_TOO_SOON;
	TRY(log_query_insert(call->db, &query));
	TRY(put_int(call->reply, "QueryId", query.number));
	return put_int(call->reply, "EndTime", query.expires_ms);
}

struct describe {
	int64_t number;
};
static const struct param describe_params[] = {
	PARAM(describe, number, "QueryId", .kind = PARAM_INT, .required = true, .min = 1,
		.max = UINT32_MAX, .help = "as StartAccessLogQuery gave it"),
	PARAM_ROW_END,
};

static enum err put_lines(struct call *call, const struct answer *answer)
{
	json_t *list;

	TRY(put_list(call->reply, "Records", &list));
	for (size_t i = 0; i < answer->count; i++) {
		json_t *line = json_loads(answer->line[i].text, 0, NULL);

		/* A node of another version may write what is no JSON here; it is not shown. */
		if (line)
			TRY(add(list, line));
	}
	return put_int(call->reply, "TotalCount", (int64_t)json_array_size(list));
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	size_t asked = nodes_present(call->nodes, call->clock_ms);
	struct website website, owned;
	struct log_query query;
	struct answer answer;
	enum err err = log_query_load(call->db, call->mem, args->number, &query);

	if (err == OK)
		err = website_load_number(call->db, call->mem, query.website, &website);
	if (err == ERR_NOT_FOUND || err == ERR_WEBSITE_NOT_FOUND)
		return ERR_LOG_QUERY_NOT_FOUND;
	TRY(err);
	err = call_website(call, website.domain, &owned);
	if (err == ERR_WEBSITE_NOT_FOUND || (err == OK && owned.number != website.number))
		return ERR_LOG_QUERY_NOT_FOUND;
	TRY(err);
	TRY(answers_get(nodes_answers(call->nodes), call->mem, (uint32_t)query.number,
		(size_t)query.lines, &answer));
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put(call->reply, "Complete",
		json_boolean(answer.nodes >= asked || call->clock_ms >= query.expires_ms)));
	TRY(put_int(call->reply, "NodesAsked", (int64_t)asked));
	TRY(put_int(call->reply, "NodesAnswered", (int64_t)answer.nodes));
	TRY(put(call->reply, "Partial",
		json_boolean(answer.partial ||
			     (answer.nodes < asked && call->clock_ms >= query.expires_ms))));
	return put_lines(call, &answer);
}

static const struct reply_list record_lists[] = { { "Records", "Record" }, { NULL, NULL } };

const struct action web_log_query_actions[] = {
	{ VERSION_POLDER, "StartAccessLogQuery", WRITE, PERMISSION_READ, start_params,
		sizeof(struct start), start_run, NULL,
		"looks for requests in the access log of a web site", 0 },
	{ VERSION_POLDER, "DescribeAccessLog", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, record_lists,
		"shows the requests that were found, the newest first", 0 },
	{ 0 },
};
