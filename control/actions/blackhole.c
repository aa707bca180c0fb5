/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blackhole, diversion, and events of limits.
 *
 * The engine puts an instance into the blackhole when an attack goes over its plan; its owner can take it out a few
 * times a day. Diversion keeps traffic from abroad away for a time: the published service withdraws routes on
 * two lines, here sources in other countries are dropped while a line is diverted. Uses are counted in the
 * transaction that makes them, so that a refused one costs nothing; they belong to the account of the instance.
 */
#include "control/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/model/burst.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"

/* Published. */
#define UNBLACKHOLE_A_DAY    5
#define UNBLACKHOLE_APART_MS (10 * MINUTE_MS)
#define DIVERSIONS_IN_ALL    10
#define DURATION_MINUTES_MIN 15
#define DURATION_MINUTES_MAX 43200

#define QUOTA_UNBLACKHOLE    "unblackhole"
#define QUOTA_DIVERSION	     "diversion"

static const char *const line_names[DIVERSION_COUNT] = {
	[DIVERSION_CT] = "ct",
	[DIVERSION_CUT] = "cut",
};

static enum err put_seconds(json_t *object, const char *name, int64_t ms)
{
	return put_int(object, name, ms / SECOND_MS);
}

/* ---- blackhole */

struct describe {
	struct text_list ids;
	const char *resource_group;
};
static const struct param describe_params[] = {
	PARAM_INSTANCE_IDS(describe, .required = true),
	PARAM_ROW_END,
};
static const struct param describe_block_params[] = {
	PARAM_INSTANCE_IDS(describe, .required = true),
	PARAM_RESOURCE_GROUP(describe),
	PARAM_ROW_END,
};

/* An expired instance is not mitigated, so that it is in no blackhole either. */
static bool is_blackholed(const struct call *call, const struct instance *instance,
	const struct protection *protection)
{
	return call->clock_ms < protection->blackhole_until_ms &&
	       lifecycle_at(instance->expire_ms, call->now_ms)->mitigation;
}

static enum err put_blackhole(struct call *call, const struct instance *instance, json_t *list)
{
	struct protection protection;
	json_t *item = json_object();
	char ip[ADDRESS_TEXT_SIZE];
	TRY(add(list, item));
	TRY(protection_load(call->db, call->mem, instance->number, &protection));
	bool active = is_blackholed(call, instance, &protection);
	address_format(instance->vip, ip);
	TRY(put_text(item, "Ip", ip));
	TRY(put_text(item, "BlackStatus", active ? "blackhole" : "normal"));
	TRY(put_seconds(item, "StartTime", active ? protection.blackhole_from_ms : 0));
	return put_seconds(item, "EndTime", active ? protection.blackhole_until_ms : 0);
}

static enum err describe_each(struct call *call, const struct describe *args, const char *name,
	enum err (*put_one)(struct call *call, const struct instance *instance, json_t *list))
{
	struct instance *instances;
	size_t count;
	json_t *list;
	TRY(call_instances_of_group(call, &args->ids, args->resource_group, &instances, &count));
	TRY(put_list(call->reply, name, &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_one(call, &instances[i], list));
	return OK;
}

static enum err describe_blackhole_run(struct call *call, const void *raw)
{
	return describe_each(call, raw, "BlackholeStatus", put_blackhole);
}

struct undo {
	const char *id, *status;
};
static const struct param undo_params[] = {
	PARAM_INSTANCE_ID(undo, .required = true),
	PARAM(undo, status, "BlackholeStatus", .kind = PARAM_CHOICE, .required = true,
		.choices = "undo", .help = "undo: packets to the instance are taken again"),
	PARAM_ROW_END,
};

static enum err check_undo(struct call *call, int64_t account)
{
	int64_t used, last_ms;
	TRY(quota_used(call->db, account, QUOTA_UNBLACKHOLE, burst_day_begin(call->clock_ms), &used,
		&last_ms));
	if (used >= UNBLACKHOLE_A_DAY)
		return refuse(call, ERR_QUOTA,
			"BlackholeStatus: %d instances were taken out of the blackhole today; the "
			"day begins at 00:00 UTC+8.",
			UNBLACKHOLE_A_DAY);
	if (last_ms != 0 && call->clock_ms - last_ms < UNBLACKHOLE_APART_MS)
		return refuse(call, ERR_TOO_SOON,
			"BlackholeStatus: the last time is less than %lld minutes ago.",
			(long long)(UNBLACKHOLE_APART_MS / MINUTE_MS));
	return OK;
}

static enum err undo_run(struct call *call, const void *raw)
{
	const struct undo *args = raw;
	struct protection protection;
	struct instance instance;
	json_t *old_entity, *new_entity;
	TRY(call_instance(call, args->id, &instance));
	TRY(protection_load(call->db, call->mem, instance.number, &protection));
	if (!is_blackholed(call, &instance, &protection))
		return refuse(call, ERR_NOT_BLACKHOLED,
			"BlackholeStatus: the instance is not in the blackhole.");
	TRY(check_undo(call, instance.account));
	TRY(quota_use(call->db, instance.account, QUOTA_UNBLACKHOLE, call->clock_ms));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "blackholeUntil", protection.blackhole_until_ms));
	TRY(put_int(new_entity, "blackholeUntil", 0));
	const char *detail = arena_print(call->mem, "{\"blackholeUntil\":%lld,\"ended\":\"undo\"}",
		(long long)protection.blackhole_until_ms);
	if (!detail)
		return ERR_MEMORY;
	TRY(event_insert(call->db, instance.account, instance.id, "blackhole_ended",
		protection.blackhole_from_ms, call->now_ms, detail, NULL));
	protection.blackhole_from_ms = protection.blackhole_until_ms = 0;
	return protection_put(call->db, call->mem, &protection);
}

struct count {
	const char *resource_group;
};
static const struct param count_params[] = {
	PARAM_RESOURCE_GROUP(count),
	PARAM_ROW_END,
};

static enum err put_count(struct call *call, const char *kind, int64_t since_ms, int64_t total)
{
	int64_t used, last_ms;
	TRY(quota_used(call->db, call->key->account, kind, since_ms, &used, &last_ms));
	TRY(put_int(call->reply, "TotalCount", total));
	return put_int(call->reply, "RemainCount", used < total ? total - used : 0);
}

static enum err count_undo_run(struct call *call, const void *raw)
{
	(void)raw;
	return put_count(
		call, QUOTA_UNBLACKHOLE, burst_day_begin(call->clock_ms), UNBLACKHOLE_A_DAY);
}

/* ---- diversion */

static enum err put_line(
	struct call *call, json_t *list, const struct policy *policy, unsigned line)
{
	bool active = call->clock_ms < policy->diversion[line].until_ms;
	json_t *item = json_object();
	TRY(add(list, item));
	TRY(put_text(item, "Line", line_names[line]));
	TRY(put_text(item, "BlockStatus", active ? "areablock" : "normal"));
	TRY(put_seconds(item, "StartTime", active ? policy->diversion[line].from_ms : 0));
	return put_seconds(item, "EndTime", active ? policy->diversion[line].until_ms : 0);
}

static enum err put_diversion(struct call *call, const struct instance *instance, json_t *list)
{
	json_t *item = json_object(), *lines;
	char ip[ADDRESS_TEXT_SIZE];
	struct policy policy;
	TRY(add(list, item));
	TRY(policy_load(call->db, call->mem, instance->number, &policy));
	address_format(instance->vip, ip);
	TRY(put_text(item, "Ip", ip));
	TRY(put_list(item, "BlockStatusList", &lines));
	for (unsigned line = 0; line < DIVERSION_COUNT; line++)
		TRY(put_line(call, lines, &policy, line));
	return OK;
}

static enum err describe_diversion_run(struct call *call, const void *raw)
{
	return describe_each(call, raw, "StatusList", put_diversion);
}

struct divert {
	const char *id, *status;
	struct text_list lines;
	int64_t minutes;
};
static const struct param divert_params[] = {
	PARAM_INSTANCE_ID(divert, .required = true),
	PARAM(divert, status, "Status", .kind = PARAM_CHOICE, .required = true,
		.choices = "do undo", .help = "do: keep away what comes from abroad; undo: end it"),
	PARAM(divert, lines, "Lines", .kind = PARAM_TEXT_LIST, .required = true,
		.max = DIVERSION_COUNT, .item_max = 16, .help = "ct, cut, or both"),
	PARAM(divert, minutes, "Duration", .kind = PARAM_INT, .empty_is_absent = true,
		.min = DURATION_MINUTES_MIN, .max = DURATION_MINUTES_MAX,
		.help = "minutes; mandatory with do"),
	PARAM_ROW_END,
};

static enum err line_of(struct call *call, const char *name, unsigned *out)
{
	for (unsigned line = 0; line < DIVERSION_COUNT; line++) {
		if (strcmp(line_names[line], name) == 0) {
			*out = line;
			return OK;
		}
	}
	return refuse(call, ERR_INVALID_PARAMETER, "Lines must be ct or cut.");
}

static enum err set_lines(struct call *call, const struct divert *args, struct policy *policy)
{
	bool on = strcmp(args->status, "do") == 0;
	if (on && args->minutes == 0)
		return refuse(call, ERR_MISSING_PARAMETER, "Duration is mandatory with Status do.");
	for (size_t i = 0; i < args->lines.count; i++) {
		unsigned line = 0;
		TRY(line_of(call, args->lines.item[i], &line));
		policy->diversion[line].from_ms = on ? call->clock_ms : 0;
		policy->diversion[line].until_ms =
			on ? call->clock_ms + args->minutes * MINUTE_MS : 0;
	}
	policy->diverted = false;
	for (unsigned line = 0; line < DIVERSION_COUNT; line++) {
		if (call->clock_ms < policy->diversion[line].until_ms)
			policy->diverted = true;
	}
	return OK;
}

static enum err charge_diversion(struct call *call, int64_t account)
{
	int64_t used, last_ms;
	TRY(quota_used(call->db, account, QUOTA_DIVERSION, 0, &used, &last_ms));
	if (used >= DIVERSIONS_IN_ALL)
		return refuse(call, ERR_QUOTA,
			"Status: diversion was used %d times, which is all that an account has.",
			DIVERSIONS_IN_ALL);
	return quota_use(call->db, account, QUOTA_DIVERSION, call->clock_ms);
}

static enum err record_lines(json_t *entity, const struct policy *policy)
{
	TRY(put_int(entity, "ctUntil", policy->diversion[DIVERSION_CT].until_ms));
	return put_int(entity, "cutUntil", policy->diversion[DIVERSION_CUT].until_ms);
}

static enum err divert_run(struct call *call, const void *raw)
{
	const struct divert *args = raw;
	struct instance instance;
	struct policy policy;
	json_t *old_entity, *new_entity;
	TRY(call_instance(call, args->id, &instance));
	TRY(policy_load(call->db, call->mem, instance.number, &policy));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_lines(old_entity, &policy));
	TRY(set_lines(call, args, &policy));
	TRY(record_lines(new_entity, &policy));
	if (strcmp(args->status, "do") == 0)
		TRY(charge_diversion(call, instance.account));
	return policy_put(call->db, call->mem, &policy);
}

static enum err count_diversion_run(struct call *call, const void *raw)
{
	(void)raw;
	return put_count(call, QUOTA_DIVERSION, 0, DIVERSIONS_IN_ALL);
}

/* ---- events of limits */

struct sla {
	const char *ip, *region;
	int64_t start_s, end_s, page_number, page_size;
};
#define SECONDS_MAX INT64_C(253402300799) /* the year 9999 */
static const struct param sla_params[] = {
	PARAM(sla, start_s, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = SECONDS_MAX, .type = "Long", .help = "seconds since 1970"),
	PARAM(sla, end_s, "EndTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = SECONDS_MAX, .type = "Long", .help = "seconds since 1970"),
	PARAM(sla, region, "Region", .kind = PARAM_CHOICE, .required = true,
		.choices = "cn cn-hongkong", .help = "cn: Pro; cn-hongkong: Premium"),
	PARAM(sla, ip, "Ip", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,
		.help = "address of an instance; all when absent"),
	PARAM(sla, page_number, "Page", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,
		.max = PAGE_NUMBER_MAX, .fallback = 1, .type = "Long",
		.help = "page to show, from 1"),
	PARAM_PAGE_SIZE(sla, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .type = "Long"),
	PARAM_ROW_END,
};

static enum err put_sla_event(json_t *list, const struct limit_event *event)
{
	json_t *item = json_object();
	char ip[ADDRESS_TEXT_SIZE];
	TRY(add(list, item));
	address_format(event->vip, ip);
	TRY(put_text(item, "Ip", ip));
	TRY(put_text(item, "Region", event->product == PRODUCT_DDOSDIP ? "cn-hongkong" : "cn"));
	TRY(put_seconds(item, "StartTime", event->from_ms));
	return put_seconds(item, "EndTime", event->until_ms);
}

static enum err sla_run(struct call *call, const void *raw)
{
	const struct sla *args = raw;
	struct limit_event_filter filter = {
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.from_ms = args->start_s * SECOND_MS,
		.to_ms = args->end_s * SECOND_MS + SECOND_MS - 1,
		.premium = strcmp(args->region, "cn") != 0,
		.offset = page_offset(args->page_number, args->page_size),
		.limit = args->page_size,
	};
	struct limit_event *events;
	int64_t total;
	size_t count;
	uint8_t vip[16];
	json_t *list;
	if (args->end_s < args->start_s)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must not be before StartTime.");
	if (args->ip && !text_to_address(args->ip, vip))
		return refuse(call, ERR_INVALID_PARAMETER, "Ip must be an address.");
	filter.vip = args->ip ? vip : NULL;
	TRY(limit_event_list(call->db, call->mem, &filter, &events, &count, &total));
	TRY(put_int(call->reply, "Total", total));
	TRY(put_list(call->reply, "SlaEvent", &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_sla_event(list, &events[i]));
	return OK;
}

static const struct reply_list blackhole_lists[] = {
	{ "BlackholeStatus", "BlackholeStatusItem" },
	{ NULL, NULL },
};
static const struct reply_list diversion_lists[] = {
	{ "StatusList", "StatusItem" },
	{ "BlockStatusList", "BlockStatusItem" },
	{ NULL, NULL },
};
static const struct reply_list sla_lists[] = { { "SlaEvent", "SlaEventItem" }, { NULL, NULL } };

const struct action blackhole_actions[] = {
	{ VERSION_DDOSCOO, "DescribeBlackholeStatus", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_blackhole_run, blackhole_lists,
		"shows whether instances are in the blackhole", 0 },
	{ VERSION_DDOSCOO, "ModifyBlackholeStatus", WRITE, PERMISSION_FULL, undo_params,
		sizeof(struct undo), undo_run, NULL, "takes an instance out of the blackhole", 0 },
	{ VERSION_DDOSCOO, "DescribeUnBlackholeCount", READ, PERMISSION_READ, count_params,
		sizeof(struct count), count_undo_run, NULL,
		"counts how often instances can still be taken out of the blackhole today", 0 },
	{ VERSION_DDOSCOO, "DescribeBlockStatus", READ, PERMISSION_READ, describe_block_params,
		sizeof(struct describe), describe_diversion_run, diversion_lists,
		"shows whether traffic from abroad is kept away from instances", 0 },
	{ VERSION_DDOSCOO, "ModifyBlockStatus", WRITE, PERMISSION_FULL, divert_params,
		sizeof(struct divert), divert_run, NULL,
		"keeps traffic from abroad away from an instance for a time", 0 },
	{ VERSION_DDOSCOO, "DescribeUnBlockCount", READ, PERMISSION_READ, count_params,
		sizeof(struct count), count_diversion_run, NULL,
		"counts how often traffic from abroad can still be kept away", 0 },
	{ VERSION_DDOSCOO, "DescribeSlaEventList", READ, PERMISSION_READ, sla_params,
		sizeof(struct sla), sla_run, sla_lists,
		"lists when port rules refused connections by their own limits", 0 },
	{ 0 },
};
