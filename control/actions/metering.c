/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What instances used of their plans and beyond, as it is metered: samples of five minutes, of which the 95th percentile of
 * a day or of a month counts, as the instance says (model/burst.h). Days and months are those of UTC+8, as published.
 *
 * Samples of instances with a burst are in the store, and so outlive this control (docs/decisions/035); the last ones, and
 * those of others, are in its memory. Each is what is more of both: either may have missed a part of it. Nothing is billed:
 * what is published as a bill is the metering of a time that is over, with a status that says so.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/web_figures.h"
#include "control/engine/volumes.h"
#include "control/model/burst.h"
#include "control/model/lifecycle.h"
#include "control/store/metering.h"
#include "control/store/vip.h"

#define SAMPLE_MS	  METERING_SAMPLE_MS
#define MONTH_SAMPLES_MAX (31 * DAY_MS / SAMPLE_MS)
#define RECORD_DAYS	  31 /* of one question */
/* Of bills: so far back, and of so many instances at a time. */
#define BILL_INSTANCES_MAX 64
#define BILL_ENTITY	   20  /* published kind of these entries */
#define BILL_ACTION	   100 /* and of what they tell of */
#define BILL_ENDED	   2   /* published: terminated. Nobody has to pay */
#define MBPS_BITS	   UINT64_C(1000000)

#define TIME_MS_MAX	   INT64_C(100000000000000)

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
		.max = TIME_MS_MAX, .type = "Long", .help = text)
static const struct param record_params[] = {
	PARAM(usage, ip, "Ip", .kind = PARAM_TEXT, .required = true, .max = ADDRESS_TEXT_SIZE,
		.help = "protected address of an instance"),
	PARAM_MS("StartTime", from, "first ms to show"),
	PARAM_MS("EndTime", until, "ms before which it ends"),
	PARAM_ROW_END,
};

static enum err find_instance(struct call *call, const char *ip, struct instance *out)
{
	TRY(call_instance_at(call, ip, out));
	return out->number ? OK
			   : refuse(call, ERR_INSTANCE_NOT_FOUND,
				     "Ip is not the address of an instance.");
}

/* The caller's instance of the address, and its sites. */
static enum err load_sites(struct call *call, const char *ip, struct instance *instance,
	struct website **out, size_t *count)
{
	struct website_filter filter = call_website_filter(call);

	filter.limit = FIGURE_SITES_MAX;
	if (!ip)
		return website_list(call->db, call->mem, &filter, out, count, NULL);
	TRY(find_instance(call, ip, instance));
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
	size_t sites = 0;

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

/* The end of the day, or of the month, that begins there. */
static int64_t period_end(int64_t metering, int64_t begin_ms)
{
	return metering == METERING_MONTH ? burst_month_next(begin_ms) : begin_ms + DAY_MS;
}

static int64_t period_begin(int64_t metering, int64_t ms)
{
	return metering == METERING_MONTH ? burst_month_begin(ms) : burst_day_begin(ms);
}

/* What of these samples counts, and the most in a second. False: there were no requests. */
static bool measure_requests(const struct site_point *point, size_t count, uint64_t *sample,
	uint64_t *counted, uint64_t *peak)
{
	uint64_t requests = 0;

	*peak = 0;
	for (size_t i = 0; i < count; i++) {
		requests += point[i].requests;
		sample[i] = point[i].requests * SECOND_MS / SAMPLE_MS;
		*peak = point[i].peak_requests > *peak ? point[i].peak_requests : *peak;
	}
	*counted = burst_percentile(sample, count);
	return requests > 0;
}

static enum err put_record(struct call *call, json_t *list, const struct instance *instance,
	int64_t begin_ms, uint64_t counted, uint64_t peak)
{
	enum lifecycle_state state = lifecycle_at(instance->expire_ms, call->now_ms)->state;
	char ip[ADDRESS_TEXT_SIZE];
	json_t *item = json_object();

	address_format(instance->vip, ip);
	TRY(add(list, item));
	TRY(put_int(item, "Date", begin_ms));
	TRY(put_text(item, "InstanceId", instance->id));
	TRY(put_text(item, "Ip", ip));
	TRY(put_int(item, "OpsElasticQps", instance->plan.burst_qps));
	TRY(put_int(item, "OpsQps", instance->plan.qps));
	TRY(put_int(item, "OriginQps", instance->plan.qps));
	TRY(put_int(item, "Qps", (int64_t)counted));
	TRY(put_int(item, "QpsPeak", (int64_t)peak));
	return put_int(item, "Status", state == LIFECYCLE_NORMAL ? 1 : 2);
}

/* What the store has of the samples, where it is more. */
static enum err raise_points(
	struct call *call, const struct instance *instance, struct site_point *point, size_t count)
{
	struct metering_sample *kept = arena_array(call->mem, count, sizeof(*kept));

	if (!kept)
		return ERR_MEMORY;
	TRY(metering_series(call->db, instance->number, point[0].time_ms, kept, count));
	for (size_t i = 0; i < count; i++) {
		if (point[i].requests < (uint64_t)kept[i].requests)
			point[i].requests = (uint64_t)kept[i].requests;
		if (point[i].peak_requests < (uint64_t)kept[i].peak_requests)
			point[i].peak_requests = (uint64_t)kept[i].peak_requests;
	}
	return OK;
}

/* Days, or months where these are metered, of which something is still known; the oldest first. */
static enum err put_records(struct call *call, const struct usage *args, int64_t metering)
{
	int64_t from_ms = period_begin(metering, args->from);
	int64_t until_ms = period_end(metering, period_begin(metering, args->until - 1));
	size_t count = (size_t)((until_ms - from_ms) / SAMPLE_MS);
	uint64_t *sample = arena_array(call->mem, MONTH_SAMPLES_MAX, sizeof(*sample));
	struct instance instance = { .number = 0 };
	struct site_point *point;
	json_t *list;

	if (!sample)
		return ERR_MEMORY;
	TRY(make_points(call, from_ms, SAMPLE_MS, count, &point));
	TRY(load_points(call, args->ip, &instance, point, count, SAMPLE_MS));
	TRY(raise_points(call, &instance, point, count));
	TRY(put_list(call->reply, "ElasticQpsList", &list));
	for (int64_t begin_ms = from_ms; begin_ms < until_ms;
		begin_ms = period_end(metering, begin_ms)) {
		size_t first = (size_t)((begin_ms - from_ms) / SAMPLE_MS);
		size_t size = (size_t)((period_end(metering, begin_ms) - begin_ms) / SAMPLE_MS);
		uint64_t counted, peak;

		if (measure_requests(&point[first], size, sample, &counted, &peak))
			TRY(put_record(call, list, &instance, begin_ms, counted, peak));
	}
	return OK;
}

static enum err record_run(struct call *call, const void *raw)
{
	const struct usage *args = raw;
	struct instance instance = { 0 };

	TRY(figure_span(call, args->from, args->until));
	if (args->until - burst_day_begin(args->from) > RECORD_DAYS * DAY_MS)
		return refuse(call, ERR_INVALID_PARAMETER,
			"StartTime must be at most %d days before EndTime.", RECORD_DAYS - 1);
	TRY(find_instance(call, args->ip, &instance));
	return put_records(call, args, instance.plan.burst_qps_mode);
}

/* ---- bandwidth beyond the plan */

struct bills {
	const char *object;
	int64_t from, until, page_number, page_size, type;
};
static const struct param bill_params[] = {
	PARAM(bills, object, "EntityObject", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = ADDRESS_TEXT_SIZE, .help = "protected address of an instance"),
	PARAM(bills, type, "EntityType", .kind = PARAM_INT, .empty_is_absent = true,
		.min = BILL_ENTITY, .max = BILL_ENTITY, .fallback = BILL_ENTITY,
		.help = "20: what was used of burstable clean bandwidth"),
	PARAM(bills, from, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = TIME_MS_MAX, .type = "Long", .help = "first ms to show"),
	PARAM(bills, until, "EndTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = TIME_MS_MAX, .type = "Long", .help = "ms before which it ends"),
	PARAM_PAGE_NUMBER(bills, .required = true),
	PARAM_PAGE_SIZE(bills, PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_ROW_END,
};

/* One question: what is shown of it, and room for a month. */
struct metered {
	const struct bills *args;
	int64_t total;
	json_t *list;
	struct volume *point;
	struct metering_sample *kept;
	uint64_t *sample;
};

static uint64_t clean_bytes(const struct volume *point)
{
	return point->in.bytes > point->dropped.bytes ? point->in.bytes - point->dropped.bytes : 0;
}

static uint64_t clean_mbps(const struct volume *point)
{
	return clean_bytes(point) * 8 / MBPS_BITS * SECOND_MS / SAMPLE_MS;
}

/* What the store has of the samples, where it is more. */
static enum err raise_volumes(
	struct call *call, struct metered *metered, const struct instance *instance, size_t count)
{
	struct volume *point = metered->point;

	TRY(metering_series(call->db, instance->number, point[0].time_ms, metered->kept, count));
	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = (uint64_t)metered->kept[i].bytes;

		if (clean_bytes(&point[i]) >= bytes)
			continue;
		point[i].in.bytes = bytes;
		point[i].dropped.bytes = 0;
	}
	return OK;
}

static enum err put_bill(struct call *call, json_t *list, const struct instance *instance,
	const struct volume *at, int64_t begin_ms, int64_t end_ms, int64_t counted)
{
	int64_t over = counted - instance->plan.clean_bandwidth_mbps;
	int64_t burst = instance->plan.burst_bandwidth_mbps;
	char ip[ADDRESS_TEXT_SIZE];
	const char *account = arena_print(call->mem, "%lld", (long long)instance->account);
	const char *detail;

	over = over > 0 ? over : 0;
	address_format(instance->vip, ip);
	detail = arena_print(call->mem,
		"{\"newEntity\":{\"billValue\":%lld,\"instanceId\":\"%s\",\"ip\":\"%s\","
		"\"maxBw\":\"%lld\",\"month\":%lld,\"overBandwidth\":%lld,\"peakTime\":%lld,"
		"\"startTimestamp\":%lld}}",
		(long long)(over < burst ? over : burst), instance->id, ip, (long long)counted,
		(long long)burst_month_begin(begin_ms), (long long)over,
		(long long)(at->time_ms / SECOND_MS), (long long)(begin_ms / SECOND_MS));
	if (!account || !detail)
		return ERR_MEMORY;
	return add(list, json_pack("{s:i, s:s, s:s, s:i, s:s, s:i, s:I, s:I}", "EntityType",
				 BILL_ENTITY, "EntityObject", ip, "OpAccount", account, "OpAction",
				 BILL_ACTION, "OpDesc", detail, "Status", BILL_ENDED, "GmtCreate",
				 (json_int_t)end_ms, "GmtModified", (json_int_t)end_ms));
}

/* A day or a month that is over, of which count samples are at point. */
static enum err meter_period(struct call *call, struct metered *metered,
	const struct instance *instance, const struct volume *point, size_t count)
{
	int64_t begin_ms = point[0].time_ms, end_ms = begin_ms + (int64_t)count * SAMPLE_MS;
	int64_t first = page_offset(metered->args->page_number, metered->args->page_size);
	uint64_t counted, bytes = 0;
	size_t at = 0;
	bool shown;

	if (end_ms < metered->args->from || end_ms >= metered->args->until ||
		end_ms > call->clock_ms)
		return OK;
	for (size_t i = 0; i < count; i++) {
		metered->sample[i] = clean_mbps(&point[i]);
		bytes += point[i].in.bytes;
	}
	if (bytes == 0)
		return OK;
	counted = burst_percentile(metered->sample, count);
	while (at + 1 < count && clean_mbps(&point[at]) != counted)
		at++;
	shown = metered->total >= first && metered->total < first + metered->args->page_size;
	metered->total++;
	return shown ? put_bill(call, metered->list, instance, &point[at], begin_ms, end_ms,
			       (int64_t)counted)
		     : OK;
}

static enum err meter_month(struct call *call, struct metered *metered,
	const struct instance *instance, int64_t begin_ms)
{
	size_t count = (size_t)((burst_month_next(begin_ms) - begin_ms) / SAMPLE_MS);
	size_t step = burst_mode_at(&instance->plan, begin_ms) == METERING_DAY
			      ? (size_t)(DAY_MS / SAMPLE_MS)
			      : count;

	memset(metered->point, 0, count * sizeof(*metered->point));
	for (size_t i = 0; i < count; i++)
		metered->point[i].time_ms = begin_ms + (int64_t)i * SAMPLE_MS;
	nodes_volume_series(
		call->nodes, instance->number, begin_ms, SAMPLE_MS, metered->point, count);
	TRY(raise_volumes(call, metered, instance, count));
	for (size_t i = 0; i < count; i += step)
		TRY(meter_period(call, metered, instance, &metered->point[i], step));
	return OK;
}

static enum err meter_instance(
	struct call *call, struct metered *metered, const struct instance *instance)
{
	int64_t heard_ms, last_ms, kept_ms, from_ms = metered->args->from;
	int64_t until_ms = metered->args->until;

	nodes_heard(call->nodes, &heard_ms, &last_ms);
	TRY(metering_first(call->db, instance->number, &kept_ms));
	if (heard_ms == 0 || (kept_ms != 0 && kept_ms < heard_ms))
		heard_ms = kept_ms;
	if (heard_ms == 0)
		return OK;
	if (until_ms > call->clock_ms)
		until_ms = call->clock_ms + 1;
	if (from_ms < until_ms - METERING_KEEP_MS)
		from_ms = until_ms - METERING_KEEP_MS;
	/* What ends at the first moment that is asked for began before it; nothing began before what is known first. */
	from_ms = from_ms - 1 > heard_ms ? from_ms - 1 : heard_ms;
	for (int64_t at_ms = burst_month_begin(from_ms); at_ms < until_ms;
		at_ms = burst_month_next(at_ms))
		TRY(meter_month(call, metered, instance, at_ms));
	return OK;
}

static enum err bill_run(struct call *call, const void *raw)
{
	struct metered metered = { .args = raw };
	struct instance_filter filter = call_instance_filter(call);
	struct instance *instance;
	size_t count;

	TRY(figure_span(call, metered.args->from, metered.args->until));
	filter.ip = metered.args->object;
	filter.bursts = true;
	filter.limit = BILL_INSTANCES_MAX + 1;
	TRY(instance_list(call->db, call->mem, &filter, &instance, &count, NULL));
	if (count > BILL_INSTANCES_MAX)
		return refuse(call, ERR_LIMIT,
			"EntityObject must be named: more than %d instances are metered.",
			BILL_INSTANCES_MAX);
	metered.point = arena_array(call->mem, MONTH_SAMPLES_MAX, sizeof(*metered.point));
	metered.kept = arena_array(call->mem, MONTH_SAMPLES_MAX, sizeof(*metered.kept));
	metered.sample = arena_array(call->mem, MONTH_SAMPLES_MAX, sizeof(*metered.sample));
	if (!metered.point || !metered.kept || !metered.sample)
		return ERR_MEMORY;
	TRY(put_list(call->reply, "SystemLog", &metered.list));
	for (size_t i = 0; i < count; i++)
		TRY(meter_instance(call, &metered, &instance[i]));
	return put_int(call->reply, "Total", metered.total);
}

static const struct reply_list qps_lists[] = { { "ElasticQps", "ElasticQpsItem" }, { NULL, NULL } };
static const struct reply_list record_lists[] = { { "ElasticQpsList", "elasticQpsListItem" },
	{ NULL, NULL } };
static const struct reply_list bill_lists[] = { { "SystemLog", "SystemLogItem" }, { NULL, NULL } };

const struct action metering_actions[] = {
	DDOSCOO_READ("DescribeElasticQps", qps_params, usage, qps_run, qps_lists,
		"shows requests to the web sites of an instance over time"),
	DDOSCOO_READ("DescribeElasticQpsRecord", record_params, usage, record_run, record_lists,
		"shows the requests of each day, or month, that count: the 95th percentile"),
	/* A month of each of many instances: one at a time. */
	{ VERSION_DDOSCOO, "DescribeSystemLog", READ, PERMISSION_READ, bill_params,
		sizeof(struct bills), bill_run, bill_lists,
		"shows what instances used of their burst of clean bandwidth; it is never billed",
		1 },
	{ 0 },
};
