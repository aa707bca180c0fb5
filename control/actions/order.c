/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shop: orders in the form of BssOpenApi, which is where the published product is bought and
 * renewed; available.c lists it. Nothing is charged; an order is a line in the ledger.
 *
 * Replies carry Code, Message and Success, which replies of ddoscoo must not. A ClientToken makes an
 * order safe to repeat: the same token from the same account gives the same answer and changes nothing;
 * with other parameters it is refused, since the answer would be of another order.
 * Whether a renewal or a release of the same instant wins is decided by the store, one transaction
 * after the other; each sees what the one before it left.
 */
#include "control/actions/order.h"

#include <string.h>

#include <openssl/rand.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"

#define TOKEN_BYTES_MAX 64
#define HORIZON_MONTHS	120 /* renewals reach at most so far ahead: ten years */
#define CYCLE_YEAR	1   /* PricingCycle, published */
#define CYCLE_MONTH	2

#define PARAM_CLIENT_TOKEN(tag)                                                                    \
	PARAM(tag, client_token, "ClientToken", .kind = PARAM_TEXT, .empty_is_absent = true,       \
		.max = TOKEN_BYTES_MAX, .help = "makes the order safe to repeat")

enum err order_success(struct call *call, json_t **out)
{
	TRY(put_text(call->reply, "Code", "Success"));
	TRY(put_text(call->reply, "Message", "Successful!"));
	TRY(put(call->reply, "Success", json_true()));
	return out ? put_object(call->reply, "Data", out) : OK;
}

static enum err put_order(json_t *data, struct call *call, int64_t order)
{
	const char *text = arena_print(call->mem, "%lld", (long long)order);
	return text ? put_text(data, "OrderId", text) : ERR_MEMORY;
}

static enum err check_product(
	struct call *call, const char *code, const char *type, enum product *out)
{
	if (strcmp(code, PRODUCT_CODE) != 0)
		return refuse(call, ERR_NOT_APPLICABLE,
			"ProductCode must be %s: nothing else is sold here.", PRODUCT_CODE);
	if (type && !product_from_name(type, out))
		return refuse(call, ERR_NOT_APPLICABLE,
			"ProductType must be ddoscoo, ddoscoo_intl or ddosDip: nothing else is "
			"sold here.");
	return OK;
}

/* Published lengths: 1 to 9 months, 1, 2 or 3 years. */
static bool is_period(int64_t months)
{
	return (months >= 1 && months <= 9) || months == 12 || months == 24 || months == 36;
}

static enum err check_period(struct call *call, const char *name, int64_t months)
{
	if (is_period(months))
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%s must be 1 to 9, 12, 24 or 36 months.", name);
}

/* CreateInstance */

struct create_instance {
	const char *product_code, *product_type, *subscription_type, *client_token, *renewal_status;
	const char *logistics;
	int64_t period, pricing_cycle, renew_period;
	struct pair_list parameters;
};
static const struct param create_instance_params[] = {
	PARAM_PRODUCT_CODE(create_instance, .required = true),
	PARAM_PRODUCT_TYPE(create_instance),
	PARAM_SUBSCRIPTION(create_instance, .required = true),
	PARAM(create_instance, period, "Period", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = 36, .fallback = 1, .help = "months: 1 to 9, 12, 24, 36"),
	PARAM(create_instance, pricing_cycle, "PricingCycle", .kind = PARAM_INT,
		.empty_is_absent = true, .min = CYCLE_YEAR, .max = CYCLE_MONTH,
		.fallback = CYCLE_MONTH, .help = "what Period counts: 1 years, 2 months"),
	PARAM(create_instance, parameters, "Parameter", .kind = PARAM_PAIR_LIST, .max = 50,
		.item_max = 128, .choices = "Code Value",
		.help = "the plan: PortCount, DomainCount, BaseBandwidth, ..., AddressType"),
	PARAM(create_instance, renewal_status, "RenewalStatus", .kind = PARAM_CHOICE,
		.empty_is_absent = true, .choices = "AutoRenewal ManualRenewal NotRenewal",
		.fallback_text = "ManualRenewal", .help = "who renews"),
	PARAM(create_instance, renew_period, "RenewPeriod", .kind = PARAM_INT,
		.empty_is_absent = true, .min = 1, .max = 36,
		.help = "months of an automatic renewal"),
	PARAM_CLIENT_TOKEN(create_instance),
	PARAM(create_instance, logistics, "Logistics", .kind = PARAM_TEXT, .max = 4096,
		.help = "of no meaning here"),
	PARAM_ROW_END,
};

static enum err set_parameters(
	struct call *call, const struct pair_list *parameters, struct instance *instance)
{
	for (size_t i = 0; i < parameters->count; i++) {
		const char *code = parameters->item[i].key, *value = parameters->item[i].value;
		if (!value)
			return refuse(call, ERR_MISSING_PARAMETER,
				"Parameter.%zu.Value is mandatory for a Code.", i + 1);
		if (strcmp(code, "AddressType") == 0) {
			if (!ip_version_from_name(value, &instance->ipv6))
				return refuse(call, ERR_INVALID_PARAMETER,
					"Parameter.%zu.Value: AddressType must be Ipv4 or Ipv6.",
					i + 1);
			continue;
		}
		char why[256];
		enum err err = plan_set(&instance->plan, instance->product, code, value, why);
		if (err == ERR_INVALID_PARAMETER)
			return refuse(call, err, "Parameter.%zu.Value: %s.", i + 1, why);
		TRY(err);
	}
	return OK;
}

static enum err fill_instance(
	struct call *call, const struct create_instance *args, struct instance *out)
{
	enum product product = PRODUCT_DDOSCOO;
	TRY(check_product(call, args->product_code, args->product_type, &product));
	if (strcmp(args->subscription_type, "Subscription") != 0)
		return refuse(call, ERR_NOT_APPLICABLE, "SubscriptionType must be Subscription.");
	int64_t months = args->pricing_cycle == CYCLE_YEAR ? 12 * args->period : args->period;
	TRY(check_period(call, "Period", months));
	bool automatic = strcmp(args->renewal_status, "AutoRenewal") == 0;
	if (automatic && !args->renew_period)
		return refuse(call, ERR_MISSING_PARAMETER,
			"RenewPeriod is mandatory with RenewalStatus AutoRenewal.");
	if (args->renew_period)
		TRY(check_period(call, "RenewPeriod", args->renew_period));
	*out = (struct instance){
		.account = call->key->account,
		.product = product,
		.create_ms = call->now_ms,
		.expire_ms = clock_add_months(call->now_ms, (int)months),
		.renewal_months = args->renew_period ? args->renew_period : 1,
		.remark = "",
		.resource_group = "",
		.plan = plan_default(product),
	};
	if (!renewal_from_name(args->renewal_status, &out->renewal))
		return refuse(call, ERR_INVALID_PARAMETER, "RenewalStatus is not known.");
	TRY(set_parameters(call, &args->parameters, out));
	out->edition = product == PRODUCT_DDOSDIP ? out->plan.product_plan : 9;
	return OK;
}

static enum err put_created(struct call *call, const char *id, int64_t order)
{
	json_t *data;
	TRY(order_success(call, &data));
	TRY(put_text(data, "InstanceId", id));
	return put_order(data, call, order);
}

/* Where the operator wants to look first, mitigations of a new instance only watch. */
static enum err start_watching(struct call *call, int64_t instance_number)
{
	struct protection protection = protection_default(instance_number);
	if (!call->watch_first)
		return OK;
	protection_watch_all(&protection);
	return protection_put(call->db, call->mem, &protection);
}

static enum err create_instance_run(struct call *call, const void *raw)
{
	const struct create_instance *args = raw;
	struct instance instance = { 0 };
	uint8_t random[16];
	bool repeated;
	int64_t order = 0;
	const char *id = NULL;
	if (call->key->instance_count)
		return ERR_FORBIDDEN; /* a key of some instances owns no others */
	TRY(order_repeated(call, args->client_token, &repeated, &order, &id));
	if (repeated) {
		call->object = id;
		return put_created(call, id, order);
	}
	TRY(fill_instance(call, args, &instance));
	if (RAND_bytes(random, sizeof(random)) != 1)
		return fail(ERR_SYSTEM, "no random bytes for an instance id");
	instance_id_make(instance.product, random, instance.id);
	TRY(instance_insert(call->db, &instance));
	TRY(start_watching(call, instance.number));
	TRY(order_place(call, &instance, args->client_token, &order));
	call->object = arena_copy(call->mem, instance.id);
	if (!call->object)
		return ERR_MEMORY;
	json_t *old_entity, *new_entity;
	char vip[ADDRESS_TEXT_SIZE];
	address_format(instance.vip, vip);
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(new_entity, "expireTime", instance.expire_ms));
	TRY(put_text(new_entity, "ip", vip));
	return put_created(call, instance.id, order);
}

/* RenewInstance */

struct renew_instance {
	const char *id, *product_code, *product_type, *client_token;
	int64_t period;
};
static const struct param renew_instance_params[] = {
	PARAM_INSTANCE_ID(renew_instance, .required = true),
	PARAM_PRODUCT_CODE(renew_instance, .required = true),
	PARAM_PRODUCT_TYPE(renew_instance),
	PARAM(renew_instance, period, "RenewPeriod", .kind = PARAM_INT, .required = true, .min = 1,
		.max = 36, .help = "months: 1 to 9, 12, 24, 36"),
	PARAM_CLIENT_TOKEN(renew_instance),
	PARAM_ROW_END,
};

static enum err check_family(struct call *call, const char *type, const struct instance *instance)
{
	enum product product = instance->product;
	TRY(check_product(call, PRODUCT_CODE, type, &product));
	if ((product == PRODUCT_DDOSDIP) == (instance->product == PRODUCT_DDOSDIP))
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER,
		"ProductType does not fit instance %s, which is %s.", instance->id,
		product_name(instance->product));
}

/* While expired an instance has no burstable protection: a renewal brings it back. */
static enum err record_renewal(struct call *call, const struct instance *instance,
	const struct lifecycle_row *row, int64_t expire_ms)
{
	json_t *old_entity, *new_entity;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "expireTime", instance->expire_ms));
	TRY(put_int(new_entity, "expireTime", expire_ms));
	if (row->state == LIFECYCLE_NORMAL)
		return OK;
	TRY(put_int(old_entity, "elasticBandwidth", 0));
	return put_int(new_entity, "elasticBandwidth", instance->plan.elastic_bandwidth_gbps);
}

static enum err renew(struct call *call, struct instance *instance, int months)
{
	const struct lifecycle_row *row = lifecycle_at(instance->expire_ms, call->now_ms);
	bool inserted;
	TRY(row->renew);
	int64_t expire_ms = lifecycle_renewed_expiry(instance->expire_ms, call->now_ms, months);
	if (expire_ms > clock_add_months(call->now_ms, HORIZON_MONTHS))
		return refuse(call, ERR_INVALID_PARAMETER,
			"RenewPeriod reaches more than %d months ahead.", HORIZON_MONTHS);
	TRY(record_renewal(call, instance, row, expire_ms));
	/* Told once per expiry that was in force, as the engine does for its renewals. */
	TRY(event_insert(call->db, instance->account, instance->id, "renewed", instance->expire_ms,
		call->now_ms, row->name, &inserted));
	return instance_set_expiry(call->db, instance, expire_ms);
}

static enum err renew_instance_run(struct call *call, const void *raw)
{
	const struct renew_instance *args = raw;
	struct instance instance;
	bool repeated;
	int64_t order = 0;
	const char *id = NULL;
	json_t *data;
	TRY(check_product(call, args->product_code, NULL, NULL));
	TRY(check_period(call, "RenewPeriod", args->period));
	TRY(call_instance(call, args->id, &instance));
	TRY(check_family(call, args->product_type, &instance));
	TRY(order_repeated(call, args->client_token, &repeated, &order, &id));
	if (!repeated) {
		TRY(renew(call, &instance, (int)args->period));
		TRY(order_place(call, &instance, args->client_token, &order));
	}
	TRY(order_success(call, &data));
	return put_order(data, call, order);
}

/* SetRenewal */

struct set_renewal {
	const char *ids, *product_code, *product_type, *subscription_type, *status, *unit;
	int64_t period;
};
static const struct param set_renewal_params[] = {
	PARAM(set_renewal, ids, "InstanceIDs", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = ORDER_IDS_BYTES, .help = "instances, separated by commas"),
	PARAM_PRODUCT_CODE(set_renewal, .required = true),
	PARAM_PRODUCT_TYPE(set_renewal),
	PARAM_SUBSCRIPTION(set_renewal, .empty_is_absent = true),
	PARAM(set_renewal, status, "RenewalStatus", .kind = PARAM_CHOICE, .required = true,
		.choices = "AutoRenewal ManualRenewal NotRenewal", .help = "who renews"),
	PARAM(set_renewal, period, "RenewalPeriod", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = 12, .help = "length of an automatic renewal"),
	PARAM(set_renewal, unit, "RenewalPeriodUnit", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = "M Y", .fallback_text = "M", .help = "M months, Y years"),
	PARAM_ROW_END,
};

enum err order_ids(struct call *call, const char *text, struct text_list *out)
{
	out->item = arena_array(call->mem, ORDER_IDS_MAX, sizeof(*out->item));
	if (!out->item)
		return ERR_MEMORY;
	for (out->count = 0;; out->count++) {
		size_t length = strcspn(text, ",");
		if (!length || length > INSTANCE_ID_BYTES || out->count == ORDER_IDS_MAX)
			return refuse(call, ERR_INVALID_PARAMETER,
				"InstanceIDs must be 1..%d ids separated by commas.",
				ORDER_IDS_MAX);
		out->item[out->count] = arena_copy_n(call->mem, text, length);
		if (!out->item[out->count])
			return ERR_MEMORY;
		if (!text[length])
			break;
		text += length + 1;
	}
	out->count++;
	return OK;
}

static enum err put_renewal(json_t *entity, const struct instance *instance)
{
	return put(entity, instance->id,
		json_pack("{s:s, s:I}", "renewalStatus", renewal_name(instance->renewal),
			"renewalPeriod", (json_int_t)instance->renewal_months));
}

static enum err set_renewal_run(struct call *call, const void *raw)
{
	const struct set_renewal *args = raw;
	struct text_list ids;
	struct instance *found;
	size_t count;
	enum renewal renewal;
	TRY(check_product(call, args->product_code, NULL, NULL));
	if (args->subscription_type && strcmp(args->subscription_type, "Subscription") != 0)
		return refuse(call, ERR_NOT_APPLICABLE, "SubscriptionType must be Subscription.");
	if (!renewal_from_name(args->status, &renewal))
		return refuse(call, ERR_INVALID_PARAMETER, "RenewalStatus is not known.");
	if (renewal == RENEWAL_AUTO && !args->period)
		return refuse(call, ERR_MISSING_PARAMETER,
			"RenewalPeriod is mandatory with RenewalStatus AutoRenewal.");
	int64_t months = strcmp(args->unit, "Y") == 0 ? 12 * args->period : args->period;
	if (args->period)
		TRY(check_period(call, "RenewalPeriod", months));
	TRY(order_ids(call, args->ids, &ids));
	TRY(call_instances(call, &ids, &found, &count));
	json_t *old_entity, *new_entity;
	TRY(call_change(call, &old_entity, &new_entity));
	for (size_t i = 0; i < count; i++) {
		TRY(check_family(call, args->product_type, &found[i]));
		TRY(put_renewal(old_entity, &found[i]));
		found[i].renewal = renewal;
		if (months)
			found[i].renewal_months = months;
		TRY(put_renewal(new_entity, &found[i]));
		TRY(instance_update(call->db, &found[i]));
	}
	return order_success(call, NULL);
}

const struct action instance_order_actions[] = {
	{ VERSION_BSS, "CreateInstance", WRITE, PERMISSION_FULL, create_instance_params,
		sizeof(struct create_instance), create_instance_run, NULL, "buys an instance", 0 },
	{ VERSION_BSS, "RenewInstance", WRITE, PERMISSION_FULL, renew_instance_params,
		sizeof(struct renew_instance), renew_instance_run, NULL,
		"renews an instance, expired or not", 0 },
	{ VERSION_BSS, "SetRenewal", WRITE, PERMISSION_FULL, set_renewal_params,
		sizeof(struct set_renewal), set_renewal_run, NULL,
		"sets whether instances are renewed automatically", 0 },
	{ 0 },
};
