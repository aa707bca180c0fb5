/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading what a scheduling rule leads to. Values get one spelling, so that they can be compared with what is asked for
 * later. A value that is an instance's address or name, or a web site's name, is remembered as such: it has signals.
 */
#include "control/actions/scheduler.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "control/actions/json_param.h"
#include "control/dns/names.h"
#include "control/model/website.h"

#define RULE_KEYS   "Type Value Priority ValueType RegionId RestoreDelay"
#define REGION_MAX  64
#define VALUE_MAX   254 /* a domain with its last dot */
#define TEXT_MAX    128
#define DATA_KEYS   "Domain Cname AccessQps UpstreamQps CloudInstanceId"
#define CDN_TYPE    "cdn"
#define OWN_ADDRESS "%sValue is not an address of an instance of yours, as ValueType 1 needs."

static enum err read_domain(
	struct call *call, const char *where, const char *key, const char *text, const char **out)
{
	char *domain = arena_take(call->mem, WEBSITE_DOMAIN_SIZE), why[WEBSITE_WHY_SIZE];
	size_t length = strlen(text);
	const char *bare =
		arena_copy_n(call->mem, text, length - (length > 1 && text[length - 1] == '.'));

	if (!domain || !bare)
		return ERR_MEMORY;
	if (website_domain(bare, domain, why) != OK)
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s %s.", where, key, why);
	if (domain[0] == '*')
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be one name, without a *.",
			where, key);
	*out = domain;
	return OK;
}

bool scheduler_value(struct call *call, const char *text, const char **out)
{
	char address_text[ADDRESS_TEXT_SIZE];
	uint8_t address[16];

	if (!text_to_address(text, address))
		return read_domain(call, "", "Value", text, out) == OK;
	address_format(address, address_text);
	*out = arena_copy(call->mem, address_text);
	return *out != NULL;
}

/* ---- whose a value is */

/* What an address of somebody else's, or none at all, is not told apart from. */
static enum err take_address(struct call *call, const char *where,
	struct scheduler_resource *resource, struct scheduler_rule *rule)
{
	struct instance instance;
	bool protected = resource->value_type == SCHEDULER_PROTECTED;

	TRY(call_instance_at(call, resource->value, &instance));
	if (protected &&
		(instance.number == 0 || (rule->account != 0 && instance.account != rule->account)))
		return refuse(call, ERR_INVALID_PARAMETER, OWN_ADDRESS, where);
	if (protected)
		rule->account = instance.account;
	return OK;
}

/* An instance's id as its name in the zone has it, in the spelling of the store. */
static enum err take_instance_name(
	struct call *call, const char *label, struct scheduler_resource *resource)
{
	static const char premium[] = "ddosdip-", spelled[] = "ddosDip-";
	struct instance instance;
	char id[INSTANCE_ID_SIZE];
	enum err err;

	(void)snprintf(id, sizeof(id), "%s", label);
	if (strncmp(id, premium, sizeof(premium) - 1) == 0)
		memcpy(id, spelled, sizeof(spelled) - 1);
	err = instance_load(call->db, call->mem, id, &instance);
	if (err == ERR_INSTANCE_NOT_FOUND)
		return OK;
	TRY(err);
	if (call_may_use(call, instance.id, instance.account))
		memcpy(resource->address, instance.vip, sizeof(resource->address));
	return OK;
}

static enum err take_name(struct call *call, const char *where, struct scheduler_resource *resource)
{
	size_t length = strcspn(resource->value, ".");
	const char *label;

	if (!call->dns_zone || strcasecmp(resource->value + length + 1, call->dns_zone) != 0)
		return OK;
	label = arena_copy_n(call->mem, resource->value, length);
	if (!label)
		return ERR_MEMORY;
	if (cname_valid(CNAME_RULE, label))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sValue is the name of a scheduling rule: names would lead in circles.",
			where);
	if (cname_valid(CNAME_WEBSITE, label))
		resource->label = label;
	return names_label_valid(label) ? take_instance_name(call, label, resource) : OK;
}

/* ---- Rules */

static enum err read_region(
	struct call *call, const struct json_element *element, struct scheduler_resource *out)
{
	const json_t *region = json_object_get(element->object, "RegionId");

	out->region = "";
	/* Clients send what was not given as "" or null. */
	if (region && !json_is_null(region) &&
		!(json_is_string(region) && json_string_length(region) == 0))
		TRY(json_param_text(call, element, "RegionId", REGION_MAX, false, &out->region));
	if (!out->region)
		out->region = "";
	if (out->value_type == SCHEDULER_TIERED && !out->region[0])
		return refuse(call, ERR_MISSING_PARAMETER,
			"%sRegionId is mandatory with ValueType 2.", element->where);
	out->region = arena_copy(call->mem, out->region);
	return out->region ? OK : ERR_MEMORY;
}

static enum err read_numbers(struct call *call, const struct json_element *element,
	const struct scheduler_rule *rule, struct scheduler_resource *out)
{
	out->delay_minutes = rule->type == SCHEDULER_CDN ? 0 : SCHEDULER_DELAY;
	TRY(json_param_int(call, element, "Priority", true, &out->priority));
	TRY(json_param_int(call, element, "ValueType", true, &out->value_type));
	TRY(json_param_int(call, element, "RestoreDelay", false, &out->delay_minutes));
	if (out->priority < 0 || out->priority > SCHEDULER_PRIORITY_MAX)
		return refuse(call, ERR_INVALID_PARAMETER, "%sPriority must be 0..%d.",
			element->where, SCHEDULER_PRIORITY_MAX);
	if (out->value_type != SCHEDULER_PROTECTED && out->value_type != (int64_t)rule->type)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sValueType must be 1, or %d as RuleType is.", element->where, rule->type);
	if (out->delay_minutes != 0 && (out->delay_minutes < SCHEDULER_DELAY_MIN ||
					       out->delay_minutes > SCHEDULER_DELAY_MAX))
		return refuse(call, ERR_INVALID_PARAMETER, "%sRestoreDelay must be %d..%d.",
			element->where, SCHEDULER_DELAY_MIN, SCHEDULER_DELAY_MAX);
	if (out->delay_minutes == 0 && rule->type != SCHEDULER_CDN)
		out->delay_minutes = SCHEDULER_DELAY;
	return OK;
}

static enum err read_value(struct call *call, const struct json_element *element,
	struct scheduler_rule *rule, struct scheduler_resource *out)
{
	char address[ADDRESS_TEXT_SIZE];
	const char *type, *value;

	TRY(json_param_text(call, element, "Type", 8, true, &type));
	TRY(json_param_text(call, element, "Value", VALUE_MAX, true, &value));
	out->named = strcmp(type, "CNAME") == 0;
	out->label = "";
	if (!out->named && strcmp(type, "A") != 0)
		return refuse(
			call, ERR_INVALID_PARAMETER, "%sType must be A or CNAME.", element->where);
	if (out->named) {
		if (out->value_type == SCHEDULER_PROTECTED)
			return refuse(call, ERR_INVALID_PARAMETER, OWN_ADDRESS, element->where);
		TRY(read_domain(call, element->where, "Value", value, &out->value));
		return take_name(call, element->where, out);
	}
	if (!text_to_address(value, out->address))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sValue is not an IP address, as Type A needs.", element->where);
	address_format(out->address, address);
	out->value = arena_copy(call->mem, address);
	return out->value ? take_address(call, element->where, out, rule) : ERR_MEMORY;
}

/* With those before it. */
static enum err check_resource(
	struct call *call, const char *where, const struct scheduler_rule *rule, size_t index)
{
	const struct scheduler_resource *resource = &rule->resource[index];

	for (size_t i = 0; i < index; i++) {
		const struct scheduler_resource *other = &rule->resource[i];

		if (strcmp(other->value, resource->value) == 0)
			return refuse(call, ERR_INVALID_PARAMETER, "%sValue %.128s is there twice.",
				where, resource->value);
		if (other->named != resource->named && other->value_type == resource->value_type)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sType must be %s, as that of Rules[%zu]: no name answers both.",
				where, other->named ? "CNAME" : "A", i);
	}
	return OK;
}

static enum err check_kinds(struct call *call, const struct scheduler_rule *rule)
{
	size_t protected = 0;

	for (size_t i = 0; i < rule->resource_count; i++)
	protected += rule->resource[i].value_type == SCHEDULER_PROTECTED;
	if (protected == 0 || protected == rule->resource_count)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Rules must have a protected address, of ValueType 1, and a resource, of "
			"ValueType %d.",
			rule->type);
	return OK;
}

enum err scheduler_read_rules(struct call *call, const char *json, struct scheduler_rule *rule)
{
	AUTO(json) json_t *array = NULL;

	TRY(json_param_parse(call, "Rules", json, SCHEDULER_RESOURCE_MAX, &array));
	rule->resource_count = 0;
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct scheduler_resource *resource = &rule->resource[i];
		struct json_element element;

		*resource = (struct scheduler_resource){ .position = (int64_t)i };
		TRY(json_param_element(call, "Rules", array, i, RULE_KEYS, &element));
		TRY(read_numbers(call, &element, rule, resource));
		TRY(read_region(call, &element, resource));
		TRY(read_value(call, &element, rule, resource));
		TRY(check_resource(call, element.where, rule, i));
		rule->resource_count = i + 1;
	}
	return check_kinds(call, rule);
}

/* ---- Param */

static enum err copy_text(struct call *call, const struct json_element *element, const char *key,
	bool required, const char **out)
{
	const char *text;

	TRY(json_param_text(call, element, key, TEXT_MAX, required, &text));
	*out = arena_copy(call->mem, text ? text : "");
	return *out ? OK : ERR_MEMORY;
}

static enum err read_qps(
	struct call *call, const struct json_element *data, struct scheduler_rule *rule)
{
	TRY(json_param_int(call, data, "AccessQps", true, &rule->access_qps));
	TRY(json_param_int(call, data, "UpstreamQps", false, &rule->upstream_qps));
	if (rule->access_qps < 1 || rule->access_qps > SCHEDULER_QPS_MAX)
		return refuse(call, ERR_INVALID_PARAMETER, "%sAccessQps must be 1..%d.",
			data->where, SCHEDULER_QPS_MAX);
	if (rule->upstream_qps < 0 || rule->upstream_qps > rule->access_qps)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sUpstreamQps must be 0..%lld, at most AccessQps.", data->where,
			(long long)rule->access_qps);
	return OK;
}

static enum err read_cdn(
	struct call *call, const struct json_element *data, struct scheduler_rule *rule)
{
	const char *text;

	TRY(json_param_text(call, data, "Domain", VALUE_MAX, true, &text));
	TRY(read_domain(call, data->where, "Domain", text, &rule->domain));
	TRY(json_param_text(call, data, "Cname", VALUE_MAX, true, &text));
	TRY(read_domain(call, data->where, "Cname", text, &rule->cdn_name));
	return read_qps(call, data, rule);
}

enum err scheduler_read_param(struct call *call, const char *json, struct scheduler_rule *rule)
{
	AUTO(json) json_t *document = NULL;
	struct json_element param, data;

	rule->domain = rule->cdn_name = rule->param_type = rule->cloud_instance = "";
	rule->access_qps = rule->upstream_qps = 0;
	if (!json || !json[0])
		return rule->type == SCHEDULER_CDN ? refuse(call, ERR_MISSING_PARAMETER,
							     "Param is mandatory with RuleType 5.")
						   : OK;
	TRY(json_param_object(call, "Param", json, "ParamType ParamData", &document, &param));
	TRY(copy_text(call, &param, "ParamType", true, &rule->param_type));
	TRY(json_param_member(call, &param, "ParamData", DATA_KEYS, &data));
	if ((rule->type == SCHEDULER_CDN) != (strcmp(rule->param_type, CDN_TYPE) == 0))
		return refuse(call, ERR_INVALID_PARAMETER,
			"Param.ParamType must be cdn with RuleType 5, and with no other.");
	if (!data.object)
		return refuse(call, ERR_MISSING_PARAMETER, "Param.ParamData is mandatory.");
	TRY(copy_text(call, &data, "CloudInstanceId", false, &rule->cloud_instance));
	return rule->type == SCHEDULER_CDN ? read_cdn(call, &data, rule) : OK;
}
