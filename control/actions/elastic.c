/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance may have beyond its plan, and what it had. Burstable protection is real: it is where the blackhole begins.
 * Nothing is billed here, so that there are no bills to show, and mitigation sessions are not rationed, so that none was used up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/web_figures.h"
#include "control/model/lifecycle.h"
#include "control/store/vip.h"

#define DAY_SAMPLES    288 /* five minutes each */
#define SAMPLE_SECONDS 300
#define RECORD_DAYS    31 /* of one question */

/* ---- burstable protection */

struct spec {
	const char *id;
	int64_t gbps;
};
static const struct param spec_params[] = {
	PARAM_INSTANCE_ID(spec, .required = true),
	PARAM_ROW_END,
};
static const struct param protection_params[] = {
	PARAM_INSTANCE_ID(spec, .required = true),
	PARAM(spec, gbps, "ElasticBandwidth", .kind = PARAM_INT, .required = true, .min = 0,
		.max = 10000, .help = "Gbit/s of an attack above which the blackhole begins"),
	PARAM_ROW_END,
};

/* Sizes that an order may have, from the base on. */
static enum err spec_run(struct call *call, const void *raw)
{
	const struct spec *args = raw;
	struct instance instance;
	json_t *list;

	TRY(call_instance(call, args->id, &instance));
	TRY(put_list(call->reply, "ElasticBandwidthSpec", &list));
	for (const int64_t *size = plan_protection_sizes(); *size != 0; size++) {
		if (*size >= instance.plan.base_bandwidth_gbps)
			TRY(add(list, json_sprintf("%lld", (long long)*size)));
	}
	return OK;
}

static enum err protection_run(struct call *call, const void *raw)
{
	const struct spec *args = raw;
	struct instance instance;
	json_t *old_entity, *new_entity;
	char text[24], why[256];
	enum err err;

	TRY(call_instance(call, args->id, &instance));
	if (lifecycle_at(instance.expire_ms, call->now_ms)->state != LIFECYCLE_NORMAL)
		return ERR_INSTANCE_EXPIRED;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "elasticBandwidth", instance.plan.elastic_bandwidth_gbps));
	TRY(put_int(new_entity, "elasticBandwidth", args->gbps));
	(void)snprintf(text, sizeof(text), "%lld", (long long)args->gbps);
	err = plan_set(&instance.plan, instance.product, "Bandwidth", text, why);
	if (err == ERR_INVALID_PARAMETER)
		return refuse(call, err, "Elastic%s.", why); /* "Bandwidth must ..." */
	TRY(err);
	return instance_update(call->db, &instance);
}

/* ---- requests beyond the plan */

struct usage {
	const char *ip, *region;
	int64_t from, until, interval;
};
static const struct param qps_params[] = {
	PARAM(usage, ip, "Ip", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = ADDRESS_TEXT_SIZE,
		.help = "protected address of an instance; absent: all of them"),
	PARAM(usage, region, "Region", .kind = PARAM_TEXT, .required = true, .max = 64,
		.help = "there is one"),
	PARAM_FROM(usage),
	PARAM_UNTIL(usage, .required = true),
	PARAM(usage, interval, "Interval", .kind = PARAM_INT, .empty_is_absent = true, .min = 60,
		.max = 31 * 86400, .fallback = 60, .type = "String", .help = "seconds of a step"),
	PARAM_ROW_END,
};
#define PARAM_MS(name, field, text)                                                                \
	PARAM(usage, field, name, .kind = PARAM_INT, .required = true, .min = 0,                   \
		.max = INT64_C(100000000000000), .type = "Long", .help = text)
static const struct param record_params[] = {
	PARAM(usage, ip, "Ip", .kind = PARAM_TEXT, .required = true, .max = ADDRESS_TEXT_SIZE,
		.help = "protected address of an instance"),
	PARAM_MS("StartTime", from, "first ms to show"),
	PARAM_MS("EndTime", until, "ms before which it ends"),
	PARAM_ROW_END,
};

/* The caller's instance of the address, and its sites. */
static enum err load_sites(struct call *call, const char *ip, struct instance *instance,
	struct website **out, size_t *count)
{
	struct website_filter filter = call_website_filter(call);
	struct instance_filter own = call_instance_filter(call);
	struct instance *found;
	size_t instances;
	int64_t total;

	filter.limit = FIGURE_SITES_MAX;
	if (!ip)
		return website_list(call->db, call->mem, &filter, out, count, NULL);
	own.ip = ip;
	own.limit = 1;
	TRY(instance_list(call->db, call->mem, &own, &found, &instances, &total));
	if (instances == 0)
		return refuse(
			call, ERR_INSTANCE_NOT_FOUND, "Ip is not the address of an instance.");
	*instance = found[0];
	filter.ids = arena_array(call->mem, 1, sizeof(*filter.ids));
	if (!filter.ids)
		return ERR_MEMORY;
	((const char **)(uintptr_t)filter.ids)[0] = instance->id;
	filter.id_count = 1;
	return website_list(call->db, call->mem, &filter, out, count, NULL);
}

/* The sum of the sites, in steps of whole minutes. */
static enum err load_points(struct call *call, const char *ip, struct instance *instance,
	struct site_point *point, size_t count, int64_t step_ms)
{
	struct website *website;
	size_t sites;

	TRY(load_sites(call, ip, instance, &website, &sites));
	for (size_t i = 0; i < sites; i++)
		nodes_site_series(
			call->nodes, website[i].number, point[0].time_ms, step_ms, point, count);
	return OK;
}

static enum err make_points(
	struct call *call, int64_t from_ms, int64_t step_ms, size_t count, struct site_point **out)
{
	*out = arena_array(call->mem, count, sizeof(**out));
	if (!*out)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		(*out)[i].time_ms = from_ms + (int64_t)i * step_ms;
	return OK;
}

static enum err qps_run(struct call *call, const void *raw)
{
	const struct usage *args = raw;
	int64_t from = args->from / 60 * 60, step = (args->interval + 59) / 60 * 60;
	struct instance instance;
	struct site_point *point;
	size_t count;
	json_t *list;

	TRY(figure_span(call, from, args->until));
	count = (size_t)((args->until - from + step - 1) / step);
	if (count > SERIES_POINTS_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Interval must be so long that there are at most %d steps.",
			SERIES_POINTS_MAX);
	TRY(make_points(call, from * SECOND_MS, step * SECOND_MS, count, &point));
	TRY(load_points(call, args->ip, &instance, point, count, step * SECOND_MS));
	TRY(put_list(call->reply, "ElasticQps", &list));
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_int(item, "Index", (int64_t)i));
		TRY(put_int(item, "MaxNormalQps", (int64_t)point[i].peak_passed));
		TRY(put_int(item, "MaxQps", (int64_t)point[i].peak_requests));
		TRY(put_int(item, "Pv", (int64_t)point[i].requests));
		TRY(put_int(item, "Status2", (int64_t)point[i].status[2]));
		TRY(put_int(item, "Status3", (int64_t)point[i].status[3]));
		TRY(put_int(item, "Status4", (int64_t)point[i].status[4]));
		TRY(put_int(item, "Status5", (int64_t)point[i].status[5]));
		TRY(put_int(item, "Ups", (int64_t)point[i].origin_requests));
	}
	return OK;
}

static int compare_rates(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Larger than 19 of 20 samples of the day. */
static uint64_t percentile95(const struct site_point *point)
{
	uint64_t rate[DAY_SAMPLES];

	for (size_t i = 0; i < DAY_SAMPLES; i++)
		rate[i] = point[i].requests / SAMPLE_SECONDS;
	qsort(rate, DAY_SAMPLES, sizeof(rate[0]), compare_rates);
	return rate[DAY_SAMPLES * 95 / 100 - 1];
}

static enum err put_day(struct call *call, json_t *list, const struct instance *instance,
	const struct site_point *point)
{
	enum lifecycle_state state = lifecycle_at(instance->expire_ms, call->now_ms)->state;
	char ip[ADDRESS_TEXT_SIZE];
	json_t *item = json_object();
	uint64_t peak = 0;

	for (size_t i = 0; i < DAY_SAMPLES; i++)
		peak = point[i].peak_requests > peak ? point[i].peak_requests : peak;
	address_format(instance->vip, ip);
	TRY(add(list, item));
	TRY(put_int(item, "Date", point[0].time_ms));
	TRY(put_text(item, "InstanceId", instance->id));
	TRY(put_text(item, "Ip", ip));
	TRY(put_int(item, "OpsElasticQps", 0)); /* not sold */
	TRY(put_int(item, "OpsQps", instance->plan.qps));
	TRY(put_int(item, "OriginQps", instance->plan.qps));
	TRY(put_int(item, "Qps", (int64_t)percentile95(point)));
	TRY(put_int(item, "QpsPeak", (int64_t)peak));
	return put_int(item, "Status", state == LIFECYCLE_NORMAL ? 1 : 2);
}

/* Days of which something is still known; the oldest first. */
static enum err record_run(struct call *call, const void *raw)
{
	const struct usage *args = raw;
	int64_t step_ms = SAMPLE_SECONDS * SECOND_MS;
	int64_t from_ms = args->from / DAY_MS * DAY_MS, until_ms = args->until, days;
	struct instance instance;
	struct site_point *point;
	json_t *list;

	TRY(figure_span(call, args->from, until_ms));
	days = (until_ms - from_ms + DAY_MS - 1) / DAY_MS;
	if (days > RECORD_DAYS)
		return refuse(call, ERR_INVALID_PARAMETER,
			"StartTime must be at most %d days before EndTime.", RECORD_DAYS - 1);
	TRY(make_points(call, from_ms, step_ms, (size_t)days * DAY_SAMPLES, &point));
	TRY(load_points(call, args->ip, &instance, point, (size_t)days * DAY_SAMPLES, step_ms));
	TRY(put_list(call->reply, "ElasticQpsList", &list));
	for (int64_t day = 0; day < days; day++) {
		uint64_t requests = 0;

		for (size_t i = 0; i < DAY_SAMPLES; i++)
			requests += point[day * DAY_SAMPLES + (int64_t)i].requests;
		if (requests > 0)
			TRY(put_day(call, list, &instance, &point[day * DAY_SAMPLES]));
	}
	return OK;
}

/* ---- mitigation sessions, bills, grants */

struct nothing {
	const char *id, *resource_group, *object, *role;
	int64_t from, until, page_number, page_size, type;
};
static const struct param count_params[] = {
	PARAM_RESOURCE_GROUP(nothing),
	PARAM_ROW_END,
};
#define PARAM_SPAN(name, field, text)                                                              \
	PARAM(nothing, field, name, .kind = PARAM_INT, .required = true, .min = 0,                 \
		.max = INT64_C(100000000000000), .type = "Long", .help = text)
#define PARAM_PAGES                                                                                \
	PARAM(nothing, page_number, "PageNumber", .kind = PARAM_INT, .required = true, .min = 1,   \
		.max = PAGE_NUMBER_MAX, .help = "page to show, from 1"),                           \
		PARAM(nothing, page_size, "PageSize", .kind = PARAM_INT, .required = true,         \
			.min = 1, .max = 50, .help = "entries of a page")
static const struct param session_params[] = {
	PARAM_INSTANCE_ID(nothing, .empty_is_absent = true),
	PARAM_SPAN("StartTime", from, "first ms to show"),
	PARAM_SPAN("EndTime", until, "ms before which it ends"),
	PARAM_PAGES,
	PARAM_RESOURCE_GROUP(nothing),
	PARAM_ROW_END,
};
static const struct param bill_params[] = {
	PARAM(nothing, object, "EntityObject", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = ADDRESS_TEXT_SIZE, .help = "protected address of an instance"),
	PARAM(nothing, type, "EntityType", .kind = PARAM_INT, .empty_is_absent = true, .min = 20,
		.max = 20, .fallback = 20, .help = "20: bills of burstable clean bandwidth"),
	PARAM_SPAN("StartTime", from, "first ms to show"),
	PARAM_SPAN("EndTime", until, "ms before which it ends"),
	PARAM_PAGES,
	PARAM_ROW_END,
};
static const struct param grant_params[] = {
	PARAM(nothing, role, "Role", .kind = PARAM_CHOICE, .required = true,
		.choices = "AliyunDDoSCOODefaultRole", .help = "role of the cloud product"),
	PARAM_RESOURCE_GROUP(nothing),
	PARAM_ROW_END,
};

/* What instances of the caller have a month, as their specifications show it; none of it is ever used up. */
static enum err count_run(struct call *call, const void *raw)
{
	struct instance_filter filter = call_instance_filter(call);
	struct instance *instance;
	int64_t total, sessions = 0;
	json_t *object;
	size_t count;

	(void)raw;
	TRY(instance_list(call->db, call->mem, &filter, &instance, &count, &total));
	for (size_t i = 0; i < count; i++)
		sessions += instance[i].plan.defense_count > 0 ? instance[i].plan.defense_count : 0;
	TRY(put_object(call->reply, "DefenseCountStatistics", &object));
	TRY(put_int(object, "DefenseCountTotalUsageOfCurrentMonth", 0));
	TRY(put_int(object, "FlowPackCountRemain", 0));
	TRY(put_int(object, "MaxUsableDefenseCountCurrentMonth", sessions));
	return put_int(object, "SecHighSpeedCountRemain", 0);
}

static enum err session_run(struct call *call, const void *raw)
{
	const struct nothing *args = raw;
	struct instance instance;
	json_t *list;

	TRY(figure_span(call, args->from, args->until));
	if (args->id)
		TRY(call_instance(call, args->id, &instance));
	TRY(put_list(call->reply, "DefenseRecords", &list));
	return put_int(call->reply, "TotalCount", 0);
}

static enum err bill_run(struct call *call, const void *raw)
{
	const struct nothing *args = raw;
	json_t *list;

	TRY(figure_span(call, args->from, args->until));
	TRY(put_list(call->reply, "SystemLog", &list));
	return put_int(call->reply, "Total", 0);
}

/* No service of a cloud is used, for which leave would have to be given: it is never what is missing. */
static enum err grant_run(struct call *call, const void *raw)
{
	json_t *object;

	(void)raw;
	TRY(put_object(call->reply, "StsGrant", &object));
	return put_int(object, "Status", 1);
}

static const struct reply_list spec_lists[] = { { "ElasticBandwidthSpec", "ElasticBandwidth" },
	{ NULL, NULL } };
static const struct reply_list qps_lists[] = { { "ElasticQps", "ElasticQpsItem" }, { NULL, NULL } };
static const struct reply_list record_lists[] = { { "ElasticQpsList", "elasticQpsListItem" },
	{ NULL, NULL } };
static const struct reply_list session_lists[] = { { "DefenseRecords", "DefenseRecord" },
	{ NULL, NULL } };
static const struct reply_list bill_lists[] = { { "SystemLog", "SystemLogItem" }, { NULL, NULL } };

#define ELASTIC_READ(name, params, tag, run, lists, summary)                                       \
	{                                                                                          \
		VERSION_DDOSCOO, name, READ, PERMISSION_READ, params, sizeof(struct tag), run,     \
			lists, summary, 0                                                          \
	}
const struct action elastic_actions[] = {
	ELASTIC_READ("DescribeElasticBandwidthSpec", spec_params, spec, spec_run, spec_lists,
		"lists the burstable protection that an instance may have"),
	{ VERSION_DDOSCOO, "ModifyElasticBandWidth", WRITE, PERMISSION_FULL, protection_params,
		sizeof(struct spec), protection_run, NULL,
		"sets the burstable protection of an instance: the blackhole begins above it", 0 },
	ELASTIC_READ("DescribeElasticQps", qps_params, usage, qps_run, qps_lists,
		"shows requests to the web sites of an instance over time"),
	ELASTIC_READ("DescribeElasticQpsRecord", record_params, usage, record_run, record_lists,
		"shows the requests of each day that count for a plan: the 95th percentile"),
	ELASTIC_READ("DescribeDefenseCountStatistics", count_params, nothing, count_run, NULL,
		"tells that no mitigation session was used up: they are not rationed"),
	ELASTIC_READ("DescribeDefenseRecords", session_params, nothing, session_run, session_lists,
		"lists mitigation sessions that were used up: none ever is"),
	ELASTIC_READ("DescribeSystemLog", bill_params, nothing, bill_run, bill_lists,
		"lists bills of burstable clean bandwidth: there are none"),
	ELASTIC_READ("DescribeStsGrantStatus", grant_params, nothing, grant_run, NULL,
		"tells that nothing has to be granted"),
	{ 0 },
};
