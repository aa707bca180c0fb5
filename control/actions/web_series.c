/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of web sites over time, as nodes counted them since this control started. Published actions count in seconds
 * and in whole minutes; without a domain they show the sum of all sites, whose peaks are then those of single sites.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/actions/tables.h"
#include "control/actions/web_figures.h"

enum err figure_sites(struct call *call, const char *domain, struct website **out, size_t *count)
{
	struct website_filter filter = call_website_filter(call);
	int64_t total;

	if (!domain) {
		filter.limit = FIGURE_SITES_MAX;
		return website_list(call->db, call->mem, &filter, out, count, &total);
	}
	*out = arena_take(call->mem, sizeof(**out));
	*count = 1;
	return *out ? call_website(call, domain, *out) : ERR_MEMORY;
}

enum err figure_span(struct call *call, int64_t from, int64_t until)
{
	return until > from ? OK
			    : refuse(call, ERR_INVALID_PARAMETER,
				      "EndTime must be later than StartTime.");
}

/* ---- series */

struct series {
	const char *domain, *resource_group, *region, *query_type;
	int64_t from, until, interval;
};
#define SERIES_PARAMS(...)                                                                         \
	PARAM_DOMAIN(series, .empty_is_absent = true), PARAM_FROM(series),                         \
		PARAM_UNTIL(series, __VA_ARGS__),                                                  \
		PARAM(series, interval, "Interval", .kind = PARAM_INT, .required = true, .min = 1, \
			.max = 31 * 86400, .type = "Long", .help = "seconds of a step")
static const struct param qps_params[] = {
	SERIES_PARAMS(.required = true),
	PARAM_RESOURCE_GROUP(series),
	PARAM_ROW_END,
};
static const struct param bps_params[] = {
	SERIES_PARAMS(.required = true),
	PARAM(series, region, "Region", .kind = PARAM_TEXT, .required = true, .max = 64,
		.help = "there is one"),
	PARAM_ROW_END,
};
static const struct param codes_params[] = {
	SERIES_PARAMS(.empty_is_absent = true, .fallback = -1),
	PARAM(series, query_type, "QueryType", .kind = PARAM_CHOICE, .required = true,
		.choices = "gf upstrem", .help = "answers to clients, or of origins"),
	PARAM_RESOURCE_GROUP(series),
	PARAM_ROW_END,
};

struct points {
	struct site_point *point;
	size_t count;
	int64_t seconds; /* of a step */
};

/* The sum over the sites, in steps of whole minutes. */
static enum err load(struct call *call, const struct series *args, struct points *out)
{
	int64_t until = args->until >= 0 ? args->until : call->clock_ms / SECOND_MS;
	int64_t from = args->from / 60 * 60;
	struct website *website;
	size_t count;

	TRY(figure_span(call, from, until));
	out->seconds = (args->interval + 59) / 60 * 60;
	out->count = (size_t)((until - from + out->seconds - 1) / out->seconds);
	if (out->count > SERIES_POINTS_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Interval must be so long that there are at most %d steps.",
			SERIES_POINTS_MAX);
	TRY(figure_sites(call, args->domain, &website, &count));
	out->point = arena_array(call->mem, out->count, sizeof(*out->point));
	if (!out->point)
		return ERR_MEMORY;
	for (size_t i = 0; i < out->count; i++)
		out->point[i].time_ms = (from + (int64_t)i * out->seconds) * SECOND_MS;
	for (size_t i = 0; i < count; i++)
		nodes_site_series(call->nodes, website[i].number, from * SECOND_MS,
			out->seconds * SECOND_MS, out->point, out->count);
	return OK;
}

static enum err qps_run(struct call *call, const void *raw)
{
	const struct series *args = raw;
	struct points points;
	json_t *list;

	TRY(load(call, args, &points));
	TRY(put_list(call->reply, "DomainQPSList", &list));
	for (size_t i = 0; i < points.count; i++) {
		const struct site_point *point = &points.point[i];
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_int(item, "Index", (int64_t)i));
		TRY(put_int(item, "Time", point->time_ms / SECOND_MS));
		TRY(put_int(item, "TotalCount", (int64_t)point->requests));
		TRY(put_int(item, "TotalQps", (int64_t)point->requests / points.seconds));
		TRY(put_int(item, "AttackQps", (int64_t)point->attacks / points.seconds));
		TRY(put_int(item, "MaxQps", (int64_t)point->peak_requests));
		TRY(put_int(item, "MaxAttackQps", (int64_t)point->peak_attacks));
		TRY(put_int(item, "MaxNormalQps", (int64_t)point->peak_passed));
		TRY(put_int(item, "CacheHits", (int64_t)point->cache_hits));
	}
	return OK;
}

static enum err bps_run(struct call *call, const void *raw)
{
	const struct series *args = raw;
	struct points points;
	json_t *list;

	TRY(load(call, args, &points));
	TRY(put_list(call->reply, "DomainBps", &list));
	for (size_t i = 0; i < points.count; i++) {
		const struct site_point *point = &points.point[i];

		TRY(add(list, json_pack("{s:I, s:I, s:I}", "Index", (json_int_t)i, "InBps",
				      (json_int_t)(point->bytes_in * 8) / points.seconds, "OutBps",
				      (json_int_t)(point->bytes_out * 8) / points.seconds)));
	}
	return OK;
}

/* ---- statuses */

static enum err put_statuses(json_t *item, const uint64_t status[6], const uint64_t *code)
{
	static const char *const classes[] = { "Status2XX", "Status3XX", "Status4XX", "Status5XX" };
	static const char *const codes[] = {
#define SITE_CODE(code_) "Status" #code_,
		SITE_CODES(SITE_CODE)
#undef SITE_CODE
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		TRY(put_int(item, classes[i], (int64_t)status[i + 2]));
	for (size_t i = 0; i < SITE_CODE_COUNT; i++)
		TRY(put_int(item, codes[i], (int64_t)code[i]));
	return OK;
}

static enum err codes_run(struct call *call, const void *raw)
{
	const struct series *args = raw;
	bool origins = strcmp(args->query_type, "upstrem") == 0;
	struct points points;
	json_t *list;

	TRY(load(call, args, &points));
	TRY(put_list(call->reply, "StatusCodeList", &list));
	for (size_t i = 0; i < points.count; i++) {
		const struct site_point *point = &points.point[i];
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_int(item, "Index", (int64_t)i));
		TRY(put_int(item, "Time", point->time_ms / SECOND_MS));
		TRY(put_statuses(item, origins ? point->origin_status : point->status,
			origins ? point->origin_code : point->code));
	}
	return OK;
}

/* ---- one figure for all the time */

static const struct param total_params[] = {
	PARAM_DOMAIN(series, .empty_is_absent = true),
	PARAM_FROM(series),
	PARAM_UNTIL(series, .required = true),
	PARAM_RESOURCE_GROUP(series),
	PARAM_ROW_END,
};
static const struct param overview_params[] = {
	PARAM_DOMAIN(series, .empty_is_absent = true),
	PARAM_FROM(series),
	PARAM_UNTIL(series, .empty_is_absent = true, .fallback = -1),
	PARAM_RESOURCE_GROUP(series),
	PARAM_ROW_END,
};

static enum err load_total(struct call *call, const struct series *args, struct site_point *out)
{
	struct series whole = *args;
	struct points points = { 0 };

	whole.until = args->until >= 0 ? args->until : call->clock_ms / SECOND_MS;
	TRY(figure_span(call, args->from, whole.until));
	whole.interval = whole.until - args->from / 60 * 60;
	TRY(load(call, &whole, &points));
	assert(points.count > 0 && points.point);
	*out = points.point[0];
	return OK;
}

static enum err count_run(struct call *call, const void *raw)
{
	struct site_point point;

	TRY(load_total(call, raw, &point));
	return put_statuses(call->reply, point.status, point.code);
}

static enum err overview_run(struct call *call, const void *raw)
{
	struct site_point point;

	TRY(load_total(call, raw, &point));
	TRY(put_int(call->reply, "MaxHttp", (int64_t)point.peak_plain));
	return put_int(call->reply, "MaxHttps", (int64_t)point.peak_tls);
}

/* ---- which sites are attacked most */

static const struct param attack_params[] = {
	PARAM_FROM(series),
	PARAM_UNTIL(series, .required = true),
	PARAM(series, interval, "Interval", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = INT32_MAX, .type = "Long", .help = "changes nothing: peaks are of a second"),
	PARAM_RESOURCE_GROUP(series),
	PARAM_ROW_END,
};
#define ATTACK_LIST_MAX 100

struct attacked {
	const char *domain;
	struct site_point point;
};

static int most_first(const void *a, const void *b)
{
	const struct attacked *left = a, *right = b;

	if (left->point.peak_attacks != right->point.peak_attacks)
		return left->point.peak_attacks > right->point.peak_attacks ? -1 : 1;
	if (left->point.peak_requests != right->point.peak_requests)
		return left->point.peak_requests > right->point.peak_requests ? -1 : 1;
	return strcmp(left->domain, right->domain);
}

static enum err attacks_run(struct call *call, const void *raw)
{
	const struct series *args = raw;
	int64_t from_ms = args->from / 60 * MINUTE_MS;
	int64_t step_ms = args->until * SECOND_MS - from_ms;
	struct attacked *attacked;
	struct website *website;
	size_t count, used = 0;
	json_t *list;

	TRY(figure_span(call, args->from, args->until));
	TRY(figure_sites(call, NULL, &website, &count));
	attacked = arena_array(call->mem, count, sizeof(*attacked));
	if (!attacked)
		return ERR_MEMORY;
	step_ms = (step_ms + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS;
	for (size_t i = 0; i < count; i++) {
		attacked[used].domain = website[i].domain;
		nodes_site_series(
			call->nodes, website[i].number, from_ms, step_ms, &attacked[used].point, 1);
		used += attacked[used].point.requests > 0;
	}
	if (used > 0)
		qsort(attacked, used, sizeof(*attacked), most_first);
	TRY(put_list(call->reply, "AttackList", &list));
	for (size_t i = 0; i < used && i < ATTACK_LIST_MAX; i++)
		TRY(add(list, json_pack("{s:s, s:I, s:I}", "Domain", attacked[i].domain, "Attack",
				      (json_int_t)attacked[i].point.peak_attacks, "Count",
				      (json_int_t)attacked[i].point.peak_requests)));
	return OK;
}

/* ---- our own: all figures, also by the second */

struct own {
	const char *domain;
	int64_t from_ms, until_ms, step;
};
static const struct param own_params[] = {
	PARAM_DOMAIN(own, .required = true),
	PARAM(own, from_ms, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = INT64_C(100000000000000), .help = "first ms to show"),
	PARAM(own, until_ms, "EndTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = INT64_C(100000000000000), .help = "ms before which it ends"),
	PARAM(own, step, "Step", .kind = PARAM_INT, .empty_is_absent = true, .min = 1, .max = 86400,
		.fallback = 60,
		.help = "seconds of a step; below a minute for the last ten minutes"),
	PARAM_ROW_END,
};

static enum err put_classes(json_t *item, const char *prefix, const uint64_t status[6])
{
	char name[24];

	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "%s%d", prefix, i);
		TRY(put_int(item, name, (int64_t)status[i]));
	}
	return OK;
}

static enum err put_point(json_t *list, const struct site_point *point)
{
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "Requests", point->requests },
		{ "Attacks", point->attacks },
		{ "Challenged", point->challenged },
		{ "OriginRequests", point->origin_requests },
		{ "CacheHits", point->cache_hits },
		{ "InBytes", point->bytes_in },
		{ "OutBytes", point->bytes_out },
		{ "Milliseconds", point->milliseconds },
		{ "OriginMilliseconds", point->origin_milliseconds },
		{ "PeakRequests", point->peak_requests },
		{ "PeakAttacks", point->peak_attacks },
	};
	json_t *item = json_object();

	TRY(add(list, item));
	TRY(put_int(item, "Time", point->time_ms));
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		TRY(put_int(item, figures[i].name, (int64_t)figures[i].value));
	TRY(put_classes(item, "Status", point->status));
	return put_classes(item, "OriginStatus", point->origin_status);
}

static enum err own_run(struct call *call, const void *raw)
{
	const struct own *args = raw;
	int64_t unit_ms = args->step < 60 ? SECOND_MS : MINUTE_MS;
	int64_t from_ms = args->from_ms / unit_ms * unit_ms;
	int64_t step_ms = (args->step * SECOND_MS + unit_ms - 1) / unit_ms * unit_ms;
	struct site_point *point;
	struct website website;
	json_t *list;
	size_t count;

	TRY(figure_span(call, from_ms, args->until_ms));
	TRY(call_website(call, args->domain, &website));
	if ((args->until_ms - from_ms) / step_ms >= SERIES_POINTS_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Step must be so long that there are at most %d.", SERIES_POINTS_MAX);
	count = (size_t)((args->until_ms - from_ms + step_ms - 1) / step_ms);
	point = arena_array(call->mem, count, sizeof(*point));
	if (!point)
		return ERR_MEMORY;
	nodes_site_series(call->nodes, website.number, from_ms, step_ms, point, count);
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put_int(call->reply, "Step", step_ms / SECOND_MS));
	TRY(put_list(call->reply, "Points", &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_point(list, &point[i]));
	return OK;
}

static const struct reply_list qps_lists[] = { { "DomainQPSList", "DomainQPS" }, { NULL, NULL } };
static const struct reply_list bps_lists[] = { { "DomainBps", NULL }, { NULL, NULL } };
static const struct reply_list codes_lists[] = { { "StatusCodeList", "StatusCode" },
	{ NULL, NULL } };
static const struct reply_list attack_lists[] = { { "AttackList", "Data" }, { NULL, NULL } };
static const struct reply_list point_lists[] = { { "Points", "Point" }, { NULL, NULL } };

const struct action web_series_actions[] = {
	DDOSCOO_READ("DescribeDomainQPSList", qps_params, series, qps_run, qps_lists,
		"shows requests a second of a web site over time"),
	DDOSCOO_READ("DescribeDomainBps", bps_params, series, bps_run, bps_lists,
		"shows bits a second of a web site over time"),
	DDOSCOO_READ("DescribeDomainStatusCodeList", codes_params, series, codes_run, codes_lists,
		"shows statuses of a web site's answers over time"),
	DDOSCOO_READ("DescribeDomainStatusCodeCount", total_params, series, count_run, NULL,
		"counts statuses of a web site's answers"),
	DDOSCOO_READ("DescribeDomainOverview", overview_params, series, overview_run, NULL,
		"shows the most requests a second of a web site"),
	DDOSCOO_READ("DescribeDomainTopAttackList", attack_params, series, attacks_run,
		attack_lists, "lists the web sites with the most refused requests"),
	{ VERSION_POLDER, "DescribeWebsiteSeries", READ, PERMISSION_READ, own_params,
		sizeof(struct own), own_run, point_lists,
		"shows all figures of a web site over time", 0 },
	{ 0 },
};
