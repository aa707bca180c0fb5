/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing what an instance may use, and where its names point once it no longer forwards.
 *
 * A resize is applied to a copy of the plan, code by code, and compared as a whole with what was: an
 * upgrade may shrink nothing, a downgrade may grow nothing and may not go below what is in use. The
 * base bandwidth comes first, since the burstable one must not be below it.
 */
#include "control/call.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "control/actions/tables.h"
#include "control/dns/names.h"
#include "control/model/burst.h"
#include "control/model/lifecycle.h"
#include "control/store/name.h"

struct modify_instance {
	const char *id, *modify_type, *product_type, *address_type, *edition_sale, *service_partner;
	const char *base_bandwidth, *bandwidth, *service_bandwidth, *normal_bandwidth, *normal_qps;
	const char *ports, *domains, *function_version, *product_plan;
};

#define PARAM_PLAN(member, name, sentence)                                                         \
	PARAM(modify_instance, member, name, .kind = PARAM_TEXT, .empty_is_absent = true,          \
		.max = 16, .help = sentence)
static const struct param modify_instance_params[] = {
	PARAM_INSTANCE_ID(modify_instance, .required = true),
	PARAM(modify_instance, modify_type, "ModifyType", .kind = PARAM_TEXT, .required = true,
		.max = 16, .help = "UPGRADE or DOWNGRADE, any case"),
	PARAM(modify_instance, product_type, "ProductType", .kind = PARAM_CHOICE, .required = true,
		.choices = "ddoscoo ddoscoo_intl ddosDip", .help = "product of the instance"),
	PARAM_PLAN(base_bandwidth, "BaseBandwidth", "basic protection, Gbit/s (Pro)"),
	PARAM_PLAN(bandwidth, "Bandwidth", "burstable protection, Gbit/s (Pro)"),
	PARAM_PLAN(service_bandwidth, "ServiceBandwidth", "clean bandwidth, Mbit/s (Pro)"),
	PARAM_PLAN(normal_bandwidth, "NormalBandwidth", "clean bandwidth, Mbit/s (Premium)"),
	PARAM_PLAN(normal_qps, "NormalQps", "clean requests per second"),
	PARAM_PLAN(ports, "PortCount", "port rules"),
	PARAM_PLAN(domains, "DomainCount", "domain names"),
	PARAM_PLAN(function_version, "FunctionVersion", "0 standard, 1 enhanced"),
	PARAM_PLAN(product_plan, "ProductPlan",
		"0 Insurance, 1 Unlimited, 2 CMA, 3 Sec-CMA (Premium)"),
	PARAM(modify_instance, address_type, "AddressType", .kind = PARAM_TEXT,
		.empty_is_absent = true, .max = 8, .help = "Ipv4 or Ipv6; only the instance's own"),
	PARAM(modify_instance, edition_sale, "EditionSale", .kind = PARAM_CHOICE,
		.empty_is_absent = true, .choices = "coop advance",
		.help = "sales name of the plan"),
	PARAM(modify_instance, service_partner, "ServicePartner", .kind = PARAM_CHOICE,
		.empty_is_absent = true, .choices = "coop-line-001",
		.help = "line of the instance"),
	PARAM_ROW_END,
};

/* Parameters that shape the plan, in the order in which they are applied. */
static const struct {
	const char *code;
	size_t offset; /* of the text in struct modify_instance */
} codes[] = {
	{ "BaseBandwidth", offsetof(struct modify_instance, base_bandwidth) },
	{ "Bandwidth", offsetof(struct modify_instance, bandwidth) },
	{ "ServiceBandwidth", offsetof(struct modify_instance, service_bandwidth) },
	{ "NormalBandwidth", offsetof(struct modify_instance, normal_bandwidth) },
	{ "NormalQps", offsetof(struct modify_instance, normal_qps) },
	{ "PortCount", offsetof(struct modify_instance, ports) },
	{ "DomainCount", offsetof(struct modify_instance, domains) },
	{ "FunctionVersion", offsetof(struct modify_instance, function_version) },
	{ "ProductPlan", offsetof(struct modify_instance, product_plan) },
};

/* What a resize may change: the parameter that a refusal names, and the key in the audit record. */
static const struct {
	const char *code, *key;
	size_t offset; /* of the number in struct plan */
} measures[] = {
	{ "BaseBandwidth", "baseBandwidth", offsetof(struct plan, base_bandwidth_gbps) },
	{ "Bandwidth", "elasticBandwidth", offsetof(struct plan, elastic_bandwidth_gbps) },
	{ "ServiceBandwidth", "cleanBandwidth", offsetof(struct plan, clean_bandwidth_mbps) },
	{ "NormalQps", "qps", offsetof(struct plan, qps) },
	{ "PortCount", "ports", offsetof(struct plan, ports) },
	{ "DomainCount", "domains", offsetof(struct plan, domains) },
	{ "FunctionVersion", "functionVersion", offsetof(struct plan, function_version) },
	{ "ProductPlan", "productPlan", offsetof(struct plan, product_plan) },
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int64_t measure(const struct plan *plan, size_t index)
{
	int64_t value;
	memcpy(&value, (const char *)plan + measures[index].offset, sizeof(value));
	return value;
}

static const char *code_value(const struct modify_instance *args, size_t index)
{
	const char *value;
	memcpy(&value, (const char *)args + codes[index].offset, sizeof(value));
	return value;
}

/* The codes of the request applied to plan. */
static enum err resize(struct call *call, const struct modify_instance *args,
	const struct instance *instance, struct plan *plan)
{
	bool any = args->address_type || args->edition_sale || args->service_partner;
	for (size_t i = 0; i < COUNT(codes); i++) {
		const char *value = code_value(args, i);
		if (!value)
			continue;
		any = true;
		char why[256];
		enum err err = plan_set(plan, instance->product, codes[i].code, value, why);
		if (err == ERR_INVALID_PARAMETER)
			return refuse(call, err, "%s.", why);
		TRY(err);
	}
	if (!any)
		return refuse(call, ERR_MISSING_PARAMETER,
			"At least one of BaseBandwidth, Bandwidth, ServiceBandwidth, "
			"NormalBandwidth, "
			"NormalQps, PortCount, DomainCount, FunctionVersion, ProductPlan is "
			"mandatory.");
	return OK;
}

static enum err check_direction(
	struct call *call, const struct plan *old, const struct plan *new, bool upgrade)
{
	for (size_t i = 0; i < COUNT(measures); i++) {
		int64_t from = measure(old, i), to = measure(new, i);
		if (upgrade ? to < from : to > from)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s would %s from %lld to %lld, which is no %s.", measures[i].code,
				upgrade ? "shrink" : "grow", (long long)from, (long long)to,
				upgrade ? "upgrade" : "downgrade");
	}
	return OK;
}

static enum err check_use(
	struct call *call, const struct instance *instance, const struct plan *plan)
{
	struct instance_usage usage;
	TRY(instance_usage(call->db, instance->number, &usage));
	if (plan->ports < usage.ports)
		return refuse(call, ERR_QUOTA_BELOW_USE,
			"PortCount cannot be below the %lld port rules in use.",
			(long long)usage.ports);
	if (plan->domains < usage.domains)
		return refuse(call, ERR_QUOTA_BELOW_USE,
			"DomainCount cannot be below the %lld domain names in use.",
			(long long)usage.domains);
	if (!burst_bandwidth_fits(plan))
		return refuse(call, ERR_QUOTA_BELOW_USE,
			"ServiceBandwidth must leave room for the burst of %lld Mbit/s: %d times "
			"of it "
			"at most, and with it %d.",
			(long long)plan->burst_bandwidth_mbps, BURST_BANDWIDTH_TIMES,
			CLEAN_BANDWIDTH_MBPS_MAX);
	return OK;
}

/* Only what differs goes into the record. */
static enum err record_change(struct call *call, const struct plan *old, const struct plan *new)
{
	json_t *old_entity, *new_entity;
	TRY(call_change(call, &old_entity, &new_entity));
	for (size_t i = 0; i < COUNT(measures); i++) {
		if (measure(old, i) == measure(new, i))
			continue;
		TRY(put_int(old_entity, measures[i].key, measure(old, i)));
		TRY(put_int(new_entity, measures[i].key, measure(new, i)));
	}
	return OK;
}

static enum err check_target(
	struct call *call, const struct modify_instance *args, const struct instance *instance)
{
	enum product product;
	bool ipv6;
	if (!product_from_name(args->product_type, &product))
		return refuse(call, ERR_INVALID_PARAMETER, "ProductType is not known.");
	/* Pro is sold under two names, one per site; both mean the same instance. */
	if ((product == PRODUCT_DDOSDIP) != (instance->product == PRODUCT_DDOSDIP))
		return refuse(call, ERR_INVALID_PARAMETER,
			"ProductType does not fit the instance, which is %s.",
			product_name(instance->product));
	if (!args->address_type)
		return OK;
	if (!ip_version_from_name(args->address_type, &ipv6))
		return refuse(call, ERR_INVALID_PARAMETER, "AddressType must be Ipv4 or Ipv6.");
	if (ipv6 != instance->ipv6)
		return refuse(call, ERR_INVALID_PARAMETER,
			"AddressType cannot change: the instance keeps its %s address.",
			ip_version_name(instance->ipv6));
	return OK;
}

static enum err modify_instance_run(struct call *call, const void *raw)
{
	const struct modify_instance *args = raw;
	bool upgrade = strcasecmp(args->modify_type, "UPGRADE") == 0;
	if (!upgrade && strcasecmp(args->modify_type, "DOWNGRADE") != 0)
		return refuse(
			call, ERR_INVALID_PARAMETER, "ModifyType must be UPGRADE or DOWNGRADE.");
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	TRY(check_target(call, args, &instance));
	struct plan plan = instance.plan;
	TRY(resize(call, args, &instance, &plan));
	if (lifecycle_at(instance.expire_ms, call->now_ms)->state != LIFECYCLE_NORMAL)
		return ERR_INSTANCE_EXPIRED;
	TRY(check_direction(call, &instance.plan, &plan, upgrade));
	TRY(check_use(call, &instance, &plan));
	TRY(record_change(call, &instance.plan, &plan));
	instance.plan = plan;
	if (instance.product == PRODUCT_DDOSDIP)
		instance.edition = plan.product_plan;
	TRY(instance_update(call->db, &instance));
	int64_t order;
	TRY(order_place(call, &instance, NULL, &order));
	return put_int(call->reply, "OrderId", order);
}

/* ConfigSwitchBack, DescribeSwitchBack */

struct config_switch_back {
	const char *id, *switch_back;
};
static const struct param config_switch_back_params[] = {
	PARAM_INSTANCE_ID(config_switch_back, .required = true),
	PARAM(config_switch_back, switch_back, "SwitchBack", .kind = PARAM_CHOICE, .required = true,
		.choices = "none origin",
		.help = "what names answer once forwarding stops: nothing, or the origins"),
	PARAM_ROW_END,
};

static const char *switch_back_name(const struct instance *instance)
{
	return instance->switch_back_origin ? "origin" : "none";
}

static enum err config_switch_back_run(struct call *call, const void *raw)
{
	const struct config_switch_back *args = raw;
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	json_t *old_entity, *new_entity;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_text(old_entity, "switchBack", switch_back_name(&instance)));
	TRY(put_text(new_entity, "switchBack", args->switch_back));
	instance.switch_back_origin = strcmp(args->switch_back, "origin") == 0;
	return instance_update(call->db, &instance);
}

struct describe_switch_back {
	const char *id;
};
static const struct param describe_switch_back_params[] = {
	PARAM_INSTANCE_ID(describe_switch_back, .required = true),
	PARAM_ROW_END,
};

static enum err add_answers(struct call *call, const struct instance *instance, json_t *list)
{
	struct names_answer answer;
	uint8_t(*origin)[16] = NULL;
	size_t count = 0;

	if (names_need_origins(instance, call->now_ms))
		TRY(name_origins(
			call->db, call->mem, instance->number, NAMES_ADDRESS_MAX, &origin, &count));
	names_answer(instance, origin, count, call->now_ms, &answer);
	for (size_t i = 0; i < answer.count; i++) {
		char text[ADDRESS_TEXT_SIZE];

		address_format(answer.address[i], text);
		TRY(add(list, json_string(text)));
	}
	return OK;
}

static enum err describe_switch_back_run(struct call *call, const void *raw)
{
	const struct describe_switch_back *args = raw;
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	bool forwarding = lifecycle_at(instance.expire_ms, call->now_ms)->forwarding;
	char name[NAMES_SIZE] = "";
	json_t *list;
	if (call->dns_zone && call->dns_zone[0])
		names_full(instance.id, call->dns_zone, name);
	TRY(put_text(call->reply, "InstanceId", instance.id));
	TRY(put_text(call->reply, "Name", name));
	TRY(put_text(call->reply, "SwitchBack", switch_back_name(&instance)));
	TRY(put(call->reply, "SwitchedBack", json_boolean(!forwarding)));
	TRY(put_list(call->reply, "Answers", &list));
	return add_answers(call, &instance, list);
}

static const struct reply_list switch_back_lists[] = { { "Answers", "Answer" }, { NULL, NULL } };

const struct action plan_actions[] = {
	{ VERSION_DDOSCOO, "ModifyInstance", WRITE, PERMISSION_FULL, modify_instance_params,
		sizeof(struct modify_instance), modify_instance_run, NULL,
		"changes what the plan of an instance grants", 0 },
	{ VERSION_POLDER, "ConfigSwitchBack", WRITE, PERMISSION_FULL, config_switch_back_params,
		sizeof(struct config_switch_back), config_switch_back_run, NULL,
		"sets where names point once an instance stops forwarding", 0 },
	{ VERSION_POLDER, "DescribeSwitchBack", READ, PERMISSION_READ, describe_switch_back_params,
		sizeof(struct describe_switch_back), describe_switch_back_run, switch_back_lists,
		"tells the name of an instance and which addresses it answers now", 0 },
	{ 0 },
};
