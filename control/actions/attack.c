/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks: records that the engine makes (engine/attack_records.c), as the published actions show them and, whole, as our
 * own. Times are those of seconds in which nodes counted. An attack that goes on has EndTime 0. Pps is of the kind's unit:
 * packets, connections of "cc", requests of "web-cc". Which port it is about, counters do not say: Port is empty.
 */
#include "control/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/store/attack.h"

#define SECONDS_MAX  INT64_C(253402300799) /* the year 9999 */
#define BITS_OF_MBPS UINT64_C(1000000)
#define VOLUMETRIC   (1u << ATTACK_DEFENSE | 1u << ATTACK_BLACKHOLE)

struct attack_args {
	const char *ip, *type, *domain, *resource_group, *id;
	struct text_list ids;
	int64_t from, until, open, page_number, page_size;
};
#define PARAM_TIMES(tag, ...)                                                                      \
	PARAM(tag, from, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,               \
		.max = SECONDS_MAX, .type = "Long", .help = "seconds since 1970"),                 \
		PARAM(tag, until, "EndTime", .kind = PARAM_INT, .min = 0, .max = SECONDS_MAX,      \
			.type = "Long", .help = "seconds since 1970", __VA_ARGS__)
#define PARAM_IP(tag, ...)                                                                         \
	PARAM(tag, ip, "Ip", .kind = PARAM_TEXT, .max = 64, .help = "address of an instance",      \
		__VA_ARGS__)

/* ---- which attacks */

static enum err read_address(struct call *call, const struct attack_args *args, uint8_t vip[16])
{
	if (args->ip && !text_to_address(args->ip, vip))
		return refuse(call, ERR_INVALID_PARAMETER, "Ip must be an address.");
	return OK;
}

static enum err read_kinds(struct call *call, const char *type, uint32_t *kinds)
{
	char name[16];

	for (const char *at = type ? type : ""; *at;) {
		size_t length = strcspn(at, ",");
		enum attack_kind kind;

		if (length >= sizeof(name))
			length = sizeof(name) - 1;
		memcpy(name, at, length);
		name[length] = '\0';
		if (!attack_kind_from_name(name, &kind))
			return refuse(call, ERR_INVALID_PARAMETER,
				"EventType must be defense, blackhole, cc, web-cc, or some of "
				"these "
				"with commas between.");
		*kinds |= 1u << kind;
		at += length;
		at += *at == ',';
	}
	return OK;
}

/* The instances that the request names, in as far as they are in the group. */
static enum err read_instances(
	struct call *call, const struct attack_args *args, struct attack_filter *filter)
{
	struct instance *instances;
	const char **ids;
	size_t count;

	TRY(call_instances_of_group(call, &args->ids, args->resource_group, &instances, &count));
	ids = arena_array(call->mem, count, sizeof(*ids));
	if (!ids)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		ids[i] = instances[i].id;
	filter->id_count = count;
	filter->ids = ids;
	return OK;
}

/* vip is used as long as the filter is. */
static enum err read_filter(struct call *call, const struct attack_args *args, uint8_t vip[16],
	struct attack_filter *filter)
{
	int64_t until = args->until >= 0 ? args->until : call->clock_ms / SECOND_MS;

	*filter = (struct attack_filter){
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.vip = args->ip ? vip : NULL,
		.domain = args->domain,
		.from_ms = args->from * SECOND_MS,
		.to_ms = until * SECOND_MS + SECOND_MS - 1,
		.offset = page_offset(args->page_number, args->page_size),
		.limit = args->page_size,
	};
	if (until < args->from)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must not be before StartTime.");
	TRY(read_address(call, args, vip));
	TRY(read_kinds(call, args->type, &filter->kinds));
	return args->ids.count ? read_instances(call, args, filter) : OK;
}

/* Nothing, when instances were named and the group has none of them. */
static bool is_empty(const struct attack_args *args, const struct attack_filter *filter)
{
	return args->ids.count > 0 && filter->id_count == 0;
}

/* ---- lists */

/* What one list has of each attack. */
typedef enum err (*put_event)(json_t *item, const struct attack_row *row);

/* kinds: 0 for those that the request names. */
static enum err put_events(struct call *call, const struct attack_args *args, uint32_t kinds,
	const char *total_name, const char *list_name, put_event put_one)
{
	struct attack_filter filter;
	struct attack_row *rows = NULL;
	uint8_t vip[16];
	size_t count = 0;
	int64_t total = 0;
	json_t *list;

	TRY(read_filter(call, args, vip, &filter));
	if (kinds)
		filter.kinds = kinds;
	if (!is_empty(args, &filter))
		TRY(attack_list(call->db, call->mem, &filter, &rows, &count, &total));
	TRY(put_int(call->reply, total_name, total));
	TRY(put_list(call->reply, list_name, &list));
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_one(item, &rows[i]));
		TRY(put_int(item, "StartTime", rows[i].attack.begin_ms / SECOND_MS));
		TRY(put_int(item, "EndTime", rows[i].attack.end_ms / SECOND_MS));
	}
	return OK;
}

static const char *area_of(const struct attack_row *row)
{
	return row->product == PRODUCT_DDOSDIP ? "cn-hongkong" : "cn";
}

static const struct param all_params[] = {
	PARAM_TIMES(attack_args, .required = true),
	PARAM_IP(attack_args, .empty_is_absent = true),
	PARAM(attack_args, type, "EventType", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 64, .help = "defense, blackhole, cc, web-cc; several with commas"),
	PARAM_PAGE_NUMBER(attack_args, .required = true),
	PARAM_PAGE_SIZE(attack_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_ROW_END,
};

static enum err put_any(json_t *item, const struct attack_row *row)
{
	char ip[ADDRESS_TEXT_SIZE];

	address_format(row->vip, ip);
	TRY(put_text(item, "EventType", attack_kind_name(row->kind)));
	TRY(put_text(item, "Ip", row->kind == ATTACK_WEB_CC ? row->domain : ip));
	TRY(put_text(item, "Port", ""));
	TRY(put_text(item, "Area", area_of(row)));
	TRY(put_int(item, "Mbps", (int64_t)(row->attack.peak_refused.bytes * 8 / BITS_OF_MBPS)));
	return put_int(item, "Pps", (int64_t)row->attack.peak_refused.packets);
}

static enum err all_run(struct call *call, const void *args)
{
	return put_events(call, args, 0, "Total", "AttackEvents", put_any);
}

static const struct param instance_params[] = {
	PARAM_INSTANCE_IDS(attack_args, .required = true),
	PARAM_TIMES(attack_args, .empty_is_absent = true, .fallback = -1),
	PARAM_RESOURCE_GROUP(attack_args),
	PARAM_PAGE_NUMBER(attack_args, .required = true),
	PARAM_PAGE_SIZE(attack_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_ROW_END,
};

static enum err put_volumetric(json_t *item, const struct attack_row *row)
{
	char ip[ADDRESS_TEXT_SIZE];

	address_format(row->vip, ip);
	TRY(put_text(item, "EventType", attack_kind_name(row->kind)));
	TRY(put_text(item, "Ip", ip));
	TRY(put_text(item, "Port", ""));
	TRY(put_text(item, "Region", area_of(row)));
	TRY(put_int(item, "Bps", (int64_t)row->attack.peak_refused.bytes * 8));
	return put_int(item, "Pps", (int64_t)row->attack.peak_refused.packets);
}

static enum err instance_run(struct call *call, const void *args)
{
	return put_events(call, args, VOLUMETRIC, "Total", "DDoSEvents", put_volumetric);
}

static const struct param domain_params[] = {
	PARAM(attack_args, domain, "Domain", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 255, .help = "web site; all when absent"),
	PARAM_TIMES(attack_args, .required = true),
	PARAM_RESOURCE_GROUP(attack_args),
	PARAM_PAGE_NUMBER(attack_args, .required = true),
	PARAM_PAGE_SIZE(attack_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_ROW_END,
};

static enum err put_of_site(json_t *item, const struct attack_row *row)
{
	TRY(put_text(item, "Domain", row->domain));
	return put_int(item, "MaxQps", (int64_t)row->attack.peak_refused.packets);
}

static enum err domain_run(struct call *call, const void *args)
{
	return put_events(
		call, args, 1u << ATTACK_WEB_CC, "TotalCount", "DomainAttackEvents", put_of_site);
}

/* ---- peaks */

static enum err peak(struct call *call, const struct attack_args *args,
	const struct attack_filter *filter, uint32_t kinds, struct counter *out)
{
	struct attack_filter one = *filter;

	one.kinds = kinds;
	*out = (struct counter){ 0, 0 };
	return is_empty(args, filter) ? OK : attack_peak(call->db, call->mem, &one, out);
}

static const struct param peak_params[] = {
	PARAM_TIMES(attack_args, .required = true),
	PARAM_IP(attack_args, .empty_is_absent = true),
	PARAM_ROW_END,
};

static enum err peaks_run(struct call *call, const void *raw)
{
	struct attack_filter filter;
	struct counter volume, connections, requests;
	uint8_t vip[16];

	TRY(read_filter(call, raw, vip, &filter));
	TRY(peak(call, raw, &filter, VOLUMETRIC, &volume));
	TRY(peak(call, raw, &filter, 1u << ATTACK_CC, &connections));
	TRY(peak(call, raw, &filter, 1u << ATTACK_WEB_CC, &requests));
	TRY(put_int(call->reply, "Mbps", (int64_t)(volume.bytes * 8 / BITS_OF_MBPS)));
	TRY(put_int(call->reply, "Cps", (int64_t)connections.packets));
	return put_int(call->reply, "Qps", (int64_t)requests.packets);
}

static enum err requests_peak_run(struct call *call, const void *raw)
{
	struct attack_filter filter;
	struct counter requests;
	uint8_t vip[16];

	TRY(read_filter(call, raw, vip, &filter));
	TRY(peak(call, raw, &filter, 1u << ATTACK_WEB_CC, &requests));
	return put_int(call->reply, "Qps", (int64_t)requests.packets);
}

static const struct param flow_params[] = {
	PARAM_INSTANCE_IDS(attack_args, .required = true),
	PARAM_TIMES(attack_args, .required = true),
	PARAM_RESOURCE_GROUP(attack_args),
	PARAM_ROW_END,
};

static enum err flow_peak_run(struct call *call, const void *raw)
{
	struct attack_filter filter;
	struct counter volume;
	uint8_t vip[16];

	TRY(read_filter(call, raw, vip, &filter));
	TRY(peak(call, raw, &filter, VOLUMETRIC, &volume));
	TRY(put_int(call->reply, "Bps", (int64_t)volume.bytes * 8));
	return put_int(call->reply, "Pps", (int64_t)volume.packets);
}

/* ---- of one attack */

static const struct param type_params[] = {
	PARAM_IP(attack_args, .required = true),
	PARAM(attack_args, from, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = SECONDS_MAX, .type = "Long", .help = "of the attack, as lists have it"),
	PARAM(attack_args, type, "EventType", .kind = PARAM_CHOICE, .required = true,
		.choices = "defense blackhole cc web-cc", .help = "kind of the attack"),
	PARAM_ROW_END,
};

enum err attack_find(
	struct call *call, const struct attack_at *at, bool *found, struct attack_row *out)
{
	struct attack_args args = { .ip = at->ip,
		.type = at->type,
		.from = at->begin_s,
		.until = at->begin_s + at->within_s - 1,
		.page_number = 1,
		.page_size = LIST_PAGE_MAX };
	struct attack_filter filter;
	struct attack_row *rows;
	uint8_t vip[16];
	size_t count;

	*found = false;
	TRY(read_filter(call, &args, vip, &filter));
	TRY(attack_list(call->db, call->mem, &filter, &rows, &count, NULL));
	for (size_t i = 0; i < count && !*found; i++) {
		int64_t begin_s = rows[i].attack.begin_ms / SECOND_MS;

		*found = begin_s >= at->begin_s && begin_s < at->begin_s + at->within_s;
		if (*found)
			*out = rows[i];
	}
	return OK;
}

static bool is_type(const struct attack_row *row, uint32_t part, const char *type)
{
	return row->attack.part[part].packets > 0 &&
	       strcmp(attack_part_type(row->kind, part), type) == 0;
}

/* Several reasons may be of one type: it stands at the first of them. */
static enum err put_types(json_t *list, const struct attack_row *row, const char *count_name)
{
	for (uint32_t i = 0; i < ATTACK_PARTS; i++) {
		const char *type = attack_part_type(row->kind, i);
		uint64_t packets = 0;
		uint32_t first = 0;

		while (first < i && !is_type(row, first, type))
			first++;
		for (uint32_t k = i; k < ATTACK_PARTS; k++)
			packets += is_type(row, k, type) ? row->attack.part[k].packets : 0;
		if (first == i && is_type(row, i, type))
			TRY(add(list, json_pack("{s:s, s:I}", "AttackType", type, count_name,
					      (json_int_t)packets)));
	}
	return OK;
}

static enum err types_run(struct call *call, const void *raw)
{
	const struct attack_args *args = raw;
	const struct attack_at at = { args->ip, args->type, args->from, 1 };
	struct attack_row row;
	json_t *list;
	bool found;

	TRY(put_list(call->reply, "AttackTypes", &list));
	TRY(attack_find(call, &at, &found, &row));
	return found ? put_types(list, &row, "InPkts") : OK;
}

/* ---- our own: all that is known */

static const struct param attacks_params[] = {
	PARAM_INSTANCE_ID(attack_args, .empty_is_absent = true),
	PARAM(attack_args, open, "Open", .kind = PARAM_BOOL, .help = "only those that go on"),
	PARAM_PAGE_NUMBER(attack_args),
	PARAM_PAGE_SIZE(attack_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_ROW_END,
};

static enum err put_counters(json_t *item, const struct attack *attack)
{
	TRY(put_int(item, "InPackets", (int64_t)attack->in.packets));
	TRY(put_int(item, "InBytes", (int64_t)attack->in.bytes));
	TRY(put_int(item, "RefusedPackets", (int64_t)attack->refused.packets));
	TRY(put_int(item, "RefusedBytes", (int64_t)attack->refused.bytes));
	TRY(put_int(item, "PeakInPacketsPerSecond", (int64_t)attack->peak_in.packets));
	TRY(put_int(item, "PeakInBytesPerSecond", (int64_t)attack->peak_in.bytes));
	TRY(put_int(item, "PeakRefusedPacketsPerSecond", (int64_t)attack->peak_refused.packets));
	return put_int(item, "PeakRefusedBytesPerSecond", (int64_t)attack->peak_refused.bytes);
}

enum err put_attack(json_t *list, const struct attack_row *row)
{
	const struct attack *attack = &row->attack;
	json_t *item = json_object(), *inner;
	char ip[ADDRESS_TEXT_SIZE];

	TRY(add(list, item));
	address_format(row->vip, ip);
	TRY(put_int(item, "Number", row->number));
	TRY(put_text(item, "EventType", attack_kind_name(row->kind)));
	TRY(put_text(item, "InstanceId", row->instance_id));
	TRY(put_text(item, "Ip", ip));
	TRY(put_text(item, "Domain", row->domain));
	TRY(put_int(item, "BeginTime", attack->begin_ms));
	TRY(put_int(item, "MitigatedTime", attack->mitigated_ms));
	TRY(put_int(item, "LastTime", attack->last_ms));
	TRY(put_int(item, "EndTime", attack->end_ms));
	TRY(put_int(
		item, "SecondsToMitigate", (attack->mitigated_ms - attack->begin_ms) / SECOND_MS));
	TRY(put_counters(item, attack));
	TRY(put_list(item, "Types", &inner));
	TRY(put_types(inner, row, "Packets"));
	TRY(put_list(item, "Reasons", &inner));
	for (uint32_t i = 0; i < ATTACK_PARTS; i++)
		if (attack->part[i].packets > 0)
			TRY(add(inner,
				json_pack("{s:s, s:I, s:I}", "Name", attack_part_name(row->kind, i),
					"Packets", (json_int_t)attack->part[i].packets, "Bytes",
					(json_int_t)attack->part[i].bytes)));
	return OK;
}

static enum err attacks_run(struct call *call, const void *raw)
{
	const struct attack_args *args = raw;
	struct attack_filter filter = {
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.ids = &args->id,
		.id_count = args->id ? 1 : 0,
		.open = args->open,
		.offset = page_offset(args->page_number, args->page_size),
		.limit = args->page_size,
	};
	struct attack_row *rows;
	bool released;
	size_t count;
	int64_t total;
	json_t *list;

	if (args->id)
		TRY(call_past_instance(call, args->id, &released));
	TRY(attack_list(call->db, call->mem, &filter, &rows, &count, &total));
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "Attacks", &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_attack(list, &rows[i]));
	return OK;
}

static const struct reply_list all_lists[] = { { "AttackEvents", "AttackEvent" }, { NULL, NULL } };
static const struct reply_list instance_lists[] = { { "DDoSEvents", "Data" }, { NULL, NULL } };
static const struct reply_list domain_lists[] = { { "DomainAttackEvents", "Data" },
	{ NULL, NULL } };
static const struct reply_list type_lists[] = { { "AttackTypes", "EventAttackType" },
	{ NULL, NULL } };
static const struct reply_list attacks_lists[] = {
	{ "Attacks", "Attack" },
	{ "Types", "Type" },
	{ "Reasons", "Reason" },
	{ NULL, NULL },
};

#define ARGS sizeof(struct attack_args)

const struct action attack_actions[] = {
	{ VERSION_DDOSCOO, "DescribeDDosAllEventList", READ, PERMISSION_READ, all_params, ARGS,
		all_run, all_lists, "lists attacks of all kinds within a time", 0 },
	{ VERSION_DDOSCOO, "DescribeDDoSEvents", READ, PERMISSION_READ, instance_params, ARGS,
		instance_run, instance_lists, "lists volumetric attacks on instances", 0 },
	{ VERSION_DDOSCOO, "DescribeDomainAttackEvents", READ, PERMISSION_READ, domain_params, ARGS,
		domain_run, domain_lists, "lists floods of requests to web sites", 0 },
	{ VERSION_DDOSCOO, "DescribeDDosEventMax", READ, PERMISSION_READ, peak_params, ARGS,
		peaks_run, NULL, "shows the peaks of all attacks within a time", 0 },
	{ VERSION_DDOSCOO, "DescribeAttackAnalysisMaxQps", READ, PERMISSION_READ, peak_params, ARGS,
		requests_peak_run, NULL, "shows the peak of floods of requests within a time", 0 },
	{ VERSION_DDOSCOO, "DescribeTotalAttackMaxFlow", READ, PERMISSION_READ, flow_params, ARGS,
		flow_peak_run, NULL, "shows the peak of volumetric attacks on instances", 0 },
	{ VERSION_DDOSCOO, "DescribePortAttackMaxFlow", READ, PERMISSION_READ, flow_params, ARGS,
		flow_peak_run, NULL, "shows the peak of volumetric attacks on instances' ports",
		0 },
	{ VERSION_DDOSCOO, "DescribeDDosEventAttackType", READ, PERMISSION_READ, type_params, ARGS,
		types_run, type_lists, "shows what an attack consisted of", 0 },
	{ VERSION_POLDER, "DescribeAttacks", READ, PERMISSION_READ, attacks_params, ARGS,
		attacks_run, attacks_lists,
		"lists attacks with all that is known of them, newest first", 0 },
	{ 0 },
};
