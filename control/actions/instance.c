/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances: finding them, what they are, their remark, their release.
 *
 * Status is computed from the expiry time and the life-cycle clock, never stored. Enabled is what the
 * nodes confirmed: an instance whose expiry changed a moment ago shows what its packets meet, not what
 * was ordered. A released instance is gone everywhere but in DescribeInstanceStatus.
 * Fields about websites and metering are those of an instance without any: nothing is invented.
 */
#include "control/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/model/burst.h"
#include "control/model/lifecycle.h"
#include "control/model/website_setting.h"
#include "control/store/policy.h"
#include "control/store/website.h"

#define REMARK_CHARACTERS_MAX 500
/* An instance counts as drained when no packet came for so long: clients that hold a DNS answer with
 * the usual TTL of a minute have gone by then. */
#define DRAINED_MS MINUTE_MS
#define LINE	   "coop-line-001" /* the one line that exists; published */

static const char *function_version_name(const struct plan *plan, enum product product)
{
	if (product == PRODUCT_DDOSDIP && plan->product_plan == 2)
		return "cnhk";
	if (product == PRODUCT_DDOSDIP && plan->product_plan == 3)
		return plan->function_version ? "cnhk_enhance" : "cnhk_default";
	return plan->function_version ? "enhance" : "default";
}

static int status_of(const struct call *call, const struct instance *instance)
{
	return lifecycle_at(instance->expire_ms, call->now_ms)->status;
}

/* DescribeInstances */

struct describe_instances {
	int64_t page_number, page_size, edition, enabled, expire_start_ms, expire_end_ms;
	struct text_list ids;
	struct int_list status;
	struct pair_list tags;
	const char *ip, *remark, *resource_group;
};
static const struct param describe_instances_params[] = {
	PARAM_PAGE_NUMBER(describe_instances, .required = true, .type = "String"),
	PARAM_PAGE_SIZE(describe_instances, PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT, .required = true,
		.type = "String"),
	PARAM_INSTANCE_IDS(describe_instances),
	PARAM(describe_instances, edition, "Edition", .kind = PARAM_INT, .empty_is_absent = true,
		.max = 9, .fallback = -1, .help = "mitigation plan: 9 Pro, 0 to 3 Premium"),
	PARAM(describe_instances, enabled, "Enabled", .kind = PARAM_INT, .empty_is_absent = true,
		.max = 1, .fallback = -1, .help = "1: forwards packets, 0: no longer does"),
	PARAM(describe_instances, expire_start_ms, "ExpireStartTime", .kind = PARAM_INT,
		.type = "Long", .empty_is_absent = true, .max = INT64_MAX,
		.help = "only instances that expire later, UNIX time in ms"),
	PARAM(describe_instances, expire_end_ms, "ExpireEndTime", .kind = PARAM_INT, .type = "Long",
		.empty_is_absent = true, .max = INT64_MAX,
		.help = "only instances that expire earlier, UNIX time in ms"),
	PARAM(describe_instances, ip, "Ip", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,
		.help = "protected address"),
	PARAM(describe_instances, remark, "Remark", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = REMARK_BYTES_MAX, .help = "part of the remark"),
	PARAM_RESOURCE_GROUP(describe_instances),
	PARAM(describe_instances, status, "Status", .kind = PARAM_INT_LIST, .max = 2, .item_min = 1,
		.item_max = 2, .help = "1 normal, 2 expired"),
	PARAM(describe_instances, tags, "Tag", .kind = PARAM_PAIR_LIST, .max = 200, .item_max = 384,
		.choices = "Key Value", .help = "tags that all must match"),
	PARAM_ROW_END,
};

static enum err describe_instances_filter(
	struct call *call, const struct describe_instances *args, struct instance_filter *filter)
{
	*filter = call_instance_filter(call);
	if (args->ip) {
		uint8_t address[16];
		char text[ADDRESS_TEXT_SIZE];
		if (!text_to_address(args->ip, address))
			return refuse(call, ERR_INVALID_PARAMETER, "Ip is not an IP address.");
		address_format(address, text);
		filter->ip = arena_copy(call->mem, text);
		if (!filter->ip)
			return ERR_MEMORY;
	}
	for (size_t i = 0; i < args->status.count; i++)
		filter->status[i] = (int)args->status.item[i];
	filter->status_count = args->status.count;
	filter->ids = args->ids.item;
	filter->id_count = args->ids.count;
	filter->remark = args->remark;
	filter->edition = args->edition;
	filter->enabled = (int)args->enabled;
	filter->expire_after_ms = args->expire_start_ms;
	filter->expire_before_ms = args->expire_end_ms;
	filter->resource_group = args->resource_group;
	filter->tag = args->tags.item;
	filter->tag_count = args->tags.count;
	filter->offset = page_offset(args->page_number, args->page_size);
	filter->limit = args->page_size;
	return OK;
}

static json_t *instance_json(const struct call *call, const struct instance *instance)
{
	char ip[ADDRESS_TEXT_SIZE];
	address_format(instance->vip, ip);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:I, s:I, s:i, s:i}",
		"InstanceId", instance->id, "Ip", ip, "IpMode", "fnat", "IpVersion",
		ip_version_name(instance->ipv6), "Remark", instance->remark, "Edition",
		(json_int_t)instance->edition, "Status", status_of(call, instance), "Enabled",
		nodes_forwarding(call->nodes, instance, call->now_ms) ? 1 : 0, "DebtStatus", 0,
		"CreateTime", (json_int_t)instance->create_ms, "ExpireTime",
		(json_int_t)instance->expire_ms, "IsFirstOpenBw", instance->plan.burst_mode ? 1 : 0,
		"IsFirstOpenQps", 0);
}

static enum err describe_instances_run(struct call *call, const void *raw)
{
	struct instance_filter filter;
	TRY(describe_instances_filter(call, raw, &filter));
	struct instance *found;
	size_t count;
	int64_t total;
	TRY(instance_list(call->db, call->mem, &filter, &found, &count, &total));
	json_t *list;
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "Instances", &list));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, instance_json(call, &found[i])));
	return OK;
}

/* DescribeInstanceIds */

struct describe_instance_ids {
	int64_t edition;
	struct text_list ids;
	const char *resource_group;
};
static const struct param describe_instance_ids_params[] = {
	PARAM(describe_instance_ids, edition, "Edition", .kind = PARAM_INT, .empty_is_absent = true,
		.max = 9, .fallback = -1, .help = "mitigation plan: 9 Pro, 0 to 3 Premium"),
	PARAM_INSTANCE_IDS(describe_instance_ids),
	PARAM_RESOURCE_GROUP(describe_instance_ids),
	PARAM_ROW_END,
};

static enum err describe_instance_ids_run(struct call *call, const void *raw)
{
	const struct describe_instance_ids *args = raw;
	struct instance_filter filter = call_instance_filter(call);
	filter.edition = args->edition;
	filter.ids = args->ids.item;
	filter.id_count = args->ids.count;
	filter.resource_group = args->resource_group;
	struct instance *found;
	size_t count;
	TRY(instance_list(call->db, call->mem, &filter, &found, &count, NULL));
	json_t *list;
	TRY(put_list(call->reply, "InstanceIds", &list));
	for (size_t i = 0; i < count; i++) {
		TRY(add(list,
			json_pack("{s:s, s:I, s:s, s:s, s:s}", "InstanceId", found[i].id, "Edition",
				(json_int_t)found[i].edition, "IpMode", "fnat", "IpVersion",
				ip_version_name(found[i].ipv6), "Remark", found[i].remark)));
	}
	return OK;
}

/* DescribeInstanceStatus */

struct describe_instance_status {
	const char *id;
	int64_t product_type;
};
static const struct param describe_instance_status_params[] = {
	PARAM_INSTANCE_ID(describe_instance_status, .required = true),
	PARAM(describe_instance_status, product_type, "ProductType", .kind = PARAM_INT,
		.required = true, .min = 1, .max = 2, .help = "1 Pro, 2 Premium"),
	PARAM_ROW_END,
};

static enum err describe_instance_status_run(struct call *call, const void *raw)
{
	const struct describe_instance_status *args = raw;
	struct instance instance;
	int status;
	bool released = false;
	enum err err = call_instance(call, args->id, &instance);
	if (err == ERR_INSTANCE_NOT_FOUND)
		err = call_past_instance(call, args->id, &released);
	TRY(err);
	/* The id keeps telling the product when the row is gone. */
	bool premium = strncmp(args->id, "ddosDip-", strlen("ddosDip-")) == 0;
	if (premium != (args->product_type == 2))
		return refuse(call, ERR_INVALID_PARAMETER,
			"ProductType does not fit the instance: 1 is Pro, 2 is Premium.");
	if (released)
		status = lifecycle_table[LIFECYCLE_RELEASED].instance_status;
	else
		status = lifecycle_at(instance.expire_ms, call->now_ms)->instance_status;
	TRY(put_text(call->reply, "InstanceId", args->id));
	return put_int(call->reply, "InstanceStatus", status);
}

/* DescribeInstanceDetails, DescribeInstanceSpecs, DescribeInstanceStatistics: lists of ids in, one entry each out */

struct instance_ids {
	struct text_list ids;
};
static const struct param instance_ids_params[] = {
	PARAM_INSTANCE_IDS(instance_ids, .required = true),
	PARAM_ROW_END,
};

typedef enum err (*instance_entry)(
	struct call *call, const struct instance *instance, json_t **out);

static enum err describe_each(
	struct call *call, const void *raw, const char *name, instance_entry entry)
{
	const struct instance_ids *args = raw;
	struct instance *found;
	size_t count;
	TRY(call_instances(call, &args->ids, &found, &count));
	json_t *list;
	TRY(put_list(call->reply, name, &list));
	for (size_t i = 0; i < count; i++) {
		json_t *item = NULL;
		TRY(entry(call, &found[i], &item));
		TRY(add(list, item));
	}
	return OK;
}

/* The lowest version that a web site with a certificate speaks, and whether one speaks TLS 1.3. least 0: there is
 * none. */
static enum err tls_of(struct call *call, const struct instance *instance, struct tls_policy *out)
{
	const char **document;
	size_t count;
	TRY(website_documents(
		call->db, call->mem, instance->number, SETTING_TLS, &document, &count));
	*out = (struct tls_policy){ .least = 0 };
	for (size_t i = 0; i < count; i++) {
		struct tls_policy policy;
		TRY(tls_policy_parse(call->mem, document[i], &policy));
		if (out->least == 0 || policy.least < out->least)
			out->least = policy.least;
		out->tls13 |= policy.tls13;
	}
	return OK;
}

static enum err details_entry(struct call *call, const struct instance *instance, json_t **out)
{
	char ip[ADDRESS_TEXT_SIZE];
	struct tls_policy tls;
	TRY(tls_of(call, instance, &tls));
	address_format(instance->vip, ip);
	const char *status =
		lifecycle_at(instance->expire_ms, call->now_ms)->state == LIFECYCLE_NORMAL
			? "normal"
			: "expired";
	*out = json_pack("{s:s, s:s, s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}]}", "InstanceId",
		instance->id, "Line", LINE, "EipInfos", "Eip", ip, "Status", status, "IpVersion",
		ip_version_name(instance->ipv6), "IpMode", "fnat", "FunctionVersion",
		function_version_name(&instance->plan, instance->product), "TlsVersion",
		tls.least ? tls_version_name(tls.least) : "", "CertConfigured", tls.least != 0,
		"Ssl13Enabled", tls.tls13);
	return *out ? OK : ERR_MEMORY;
}

static enum err describe_instance_details_run(struct call *call, const void *raw)
{
	return describe_each(call, raw, "InstanceDetails", details_entry);
}

static enum err specs_entry(struct call *call, const struct instance *instance, json_t **out)
{
	const struct plan *plan = &instance->plan;
	struct protection protection;
	TRY(protection_load(call->db, call->mem, instance->number, &protection));
	/* 0 for connections and for rates that no plan sells: not limited. */
	*out = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:I, s:s, s:I, s:s, s:I, "
		"s:s, s:I}",
		"InstanceId", instance->id, "BaseBandwidth", (json_int_t)plan->base_bandwidth_gbps,
		"ElasticBandwidth", (json_int_t)plan->elastic_bandwidth_gbps, "BandwidthMbps",
		(json_int_t)plan->clean_bandwidth_mbps, "QpsLimit", (json_int_t)plan->qps,
		"PortLimit", (json_int_t)plan->ports, "DomainLimit", (json_int_t)plan->domains,
		"SiteLimit", (json_int_t)plan_sites(plan), "ConnLimit", 0, "CpsLimit", 0,
		"DefenseCount", (json_int_t)plan->defense_count, "FunctionVersion",
		function_version_name(plan, instance->product), "ElasticBw",
		(json_int_t)plan->burst_bandwidth_mbps, "ElasticBwModel",
		metering_name(burst_mode_at(plan, call->clock_ms)), "ElasticQps",
		(json_int_t)plan->burst_qps, "ElasticQpsMode", metering_name(plan->burst_qps_mode),
		"RealLimitBw", (json_int_t)protection.real_limit_mbps);
	return *out ? OK : ERR_MEMORY;
}

static enum err describe_instance_specs_run(struct call *call, const void *raw)
{
	return describe_each(call, raw, "InstanceSpecs", specs_entry);
}

static enum err statistics_entry(struct call *call, const struct instance *instance, json_t **out)
{
	struct instance_usage usage;
	TRY(instance_usage(call->db, instance->number, &usage));
	/* Sessions are not rationed here, so none is ever used up. */
	*out = json_pack("{s:s, s:I, s:I, s:I, s:i}", "InstanceId", instance->id, "PortUsage",
		(json_int_t)usage.ports, "DomainUsage", (json_int_t)usage.domains, "SiteUsage",
		(json_int_t)usage.sites, "DefenseCountUsage", 0);
	return *out ? OK : ERR_MEMORY;
}

static enum err describe_instance_statistics_run(struct call *call, const void *raw)
{
	return describe_each(call, raw, "InstanceStatistics", statistics_entry);
}

/* DescribeInstanceExt */

struct describe_instance_ext {
	const char *id;
	int64_t page_number, page_size;
};
static const struct param describe_instance_ext_params[] = {
	PARAM_INSTANCE_ID(describe_instance_ext, .empty_is_absent = true),
	PARAM_PAGE_NUMBER(describe_instance_ext, .type = "String"),
	PARAM_PAGE_SIZE(describe_instance_ext, PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT, .type = "String"),
	PARAM_ROW_END,
};

static enum err describe_instance_ext_run(struct call *call, const void *raw)
{
	const struct describe_instance_ext *args = raw;
	struct instance_filter filter = call_instance_filter(call);
	filter.offset = page_offset(args->page_number, args->page_size);
	filter.limit = args->page_size;
	struct instance one;
	if (args->id) {
		TRY(call_instance(call, args->id, &one));
		filter.ids = &args->id;
		filter.id_count = 1;
	}
	struct instance *found;
	size_t count;
	int64_t total;
	TRY(instance_list(call->db, call->mem, &filter, &found, &count, &total));
	json_t *list;
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "InstanceExtSpecs", &list));
	for (size_t i = 0; i < count; i++) {
		TRY(add(list,
			json_pack("{s:s, s:I, s:I, s:I, s:s}", "InstanceId", found[i].id,
				"FunctionVersion", (json_int_t)found[i].plan.function_version,
				"NormalBandwidth", (json_int_t)found[i].plan.clean_bandwidth_mbps,
				"ProductPlan", (json_int_t)found[i].plan.product_plan,
				"ServicePartner", LINE)));
	}
	return OK;
}

/* ModifyInstanceRemark */

struct modify_instance_remark {
	const char *id, *remark;
};
static const struct param modify_instance_remark_params[] = {
	PARAM_INSTANCE_ID(modify_instance_remark, .required = true),
	PARAM(modify_instance_remark, remark, "Remark", .kind = PARAM_TEXT, .required = true,
		.max = REMARK_BYTES_MAX, .help = "free text, at most 500 characters"),
	PARAM_ROW_END,
};

static size_t character_count(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static enum err modify_instance_remark_run(struct call *call, const void *raw)
{
	const struct modify_instance_remark *args = raw;
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	if (character_count(args->remark) > REMARK_CHARACTERS_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Remark must have at most %d characters.", REMARK_CHARACTERS_MAX);
	json_t *old_entity, *new_entity;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_text(old_entity, "remark", instance.remark));
	TRY(put_text(new_entity, "remark", args->remark));
	instance.remark = args->remark;
	return instance_update(call->db, &instance);
}

/* ReleaseInstance */

struct release_instance {
	const char *id;
	int64_t require_drained;
};
static const struct param release_instance_params[] = {
	PARAM_INSTANCE_ID(release_instance, .required = true),
	PARAM(release_instance, require_drained, "RequireDrained", .kind = PARAM_BOOL,
		.empty_is_absent = true,
		.help = "true: refuse while packets arrived in the last minute"),
	PARAM_ROW_END,
};

static enum err release_instance_run(struct call *call, const void *raw)
{
	const struct release_instance *args = raw;
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	const struct lifecycle_row *row = lifecycle_at(instance.expire_ms, call->now_ms);
	TRY(row->release);
	struct node_traffic traffic;
	if (args->require_drained && nodes_traffic(call->nodes, instance.number, &traffic) &&
		traffic.last_in_ms && call->clock_ms - traffic.last_in_ms < DRAINED_MS)
		return ERR_INSTANCE_NOT_DRAINED;
	json_t *old_entity, *new_entity;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_text(old_entity, "state", row->name));
	TRY(put_int(old_entity, "expireTime", instance.expire_ms));
	TRY(put_text(new_entity, "state", lifecycle_table[LIFECYCLE_RELEASED].name));
	bool inserted;
	TRY(event_insert(call->db, instance.account, instance.id, "released", instance.expire_ms,
		call->now_ms, "released by order", &inserted));
	return instance_release(call->db, &instance, call->now_ms);
}

static const struct reply_list instances_lists[] = { { "Instances", "Instance" }, { NULL, NULL } };
static const struct reply_list instance_ids_lists[] = { { "InstanceIds", "Instance" },
	{ NULL, NULL } };
static const struct reply_list details_lists[] = {
	{ "InstanceDetails", "InstanceDetail" },
	{ "EipInfos", "EipInfo" },
	{ NULL, NULL },
};
static const struct reply_list specs_lists[] = { { "InstanceSpecs", "InstanceSpec" },
	{ NULL, NULL } };
static const struct reply_list statistics_lists[] = {
	{ "InstanceStatistics", "InstanceStatistic" },
	{ NULL, NULL },
};
static const struct reply_list ext_lists[] = {
	{ "InstanceExtSpecs", "InstanceExtSpecsItem" },
	{ NULL, NULL },
};

const struct action instance_actions[] = {
	{ VERSION_DDOSCOO, "DescribeInstances", READ, PERMISSION_READ, describe_instances_params,
		sizeof(struct describe_instances), describe_instances_run, instances_lists,
		"lists instances with status and times, newest first", 0 },
	{ VERSION_DDOSCOO, "DescribeInstanceIds", READ, PERMISSION_READ,
		describe_instance_ids_params, sizeof(struct describe_instance_ids),
		describe_instance_ids_run, instance_ids_lists, "lists ids of all instances", 0 },
	{ VERSION_DDOSCOO, "DescribeInstanceStatus", READ, PERMISSION_READ,
		describe_instance_status_params, sizeof(struct describe_instance_status),
		describe_instance_status_run, NULL,
		"tells whether an instance is normal, expired or released", 0 },
	{ VERSION_DDOSCOO, "DescribeInstanceDetails", READ, PERMISSION_READ, instance_ids_params,
		sizeof(struct instance_ids), describe_instance_details_run, details_lists,
		"shows the protected addresses of instances", 0 },
	{ VERSION_DDOSCOO, "DescribeInstanceSpecs", READ, PERMISSION_READ, instance_ids_params,
		sizeof(struct instance_ids), describe_instance_specs_run, specs_lists,
		"shows what the plans of instances grant", 0 },
	{ VERSION_DDOSCOO, "DescribeInstanceExt", READ, PERMISSION_READ,
		describe_instance_ext_params, sizeof(struct describe_instance_ext),
		describe_instance_ext_run, ext_lists, "shows function plan and line of instances",
		0 },
	{ VERSION_DDOSCOO, "DescribeInstanceStatistics", READ, PERMISSION_READ, instance_ids_params,
		sizeof(struct instance_ids), describe_instance_statistics_run, statistics_lists,
		"shows how much of the plans is in use", 0 },
	{ VERSION_DDOSCOO, "ModifyInstanceRemark", WRITE, PERMISSION_FULL,
		modify_instance_remark_params, sizeof(struct modify_instance_remark),
		modify_instance_remark_run, NULL, "sets the remark of an instance", 0 },
	{ VERSION_DDOSCOO, "ReleaseInstance", WRITE, PERMISSION_FULL, release_instance_params,
		sizeof(struct release_instance), release_instance_run, NULL,
		"releases an expired instance and all that belongs to it", 0 },
	{ 0 },
};
