/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of port rules: session persistence and bounds of payload lengths, one JSON object of the
 * published form. Members that the object does not name stay as they are.
 *
 * The published form has more members: limits and filters that the nodes do not have. They are
 * described as switched off, which they are, and whoever wants one switched on is refused: it would
 * be recorded and never happen. What was described can be written back as it is.
 */
#include <string.h>

#include "control/actions/json_param.h"
#include "control/actions/rule.h"
#include "control/actions/tables.h"

#define CONFIG_BYTES 8192
#define RULES_BYTES  65536 /* PORT_RULE_MAX rules by instance, protocol and port */

#define CONFIG_KEYS  "PersistenceTimeout PayloadLen Synproxy NodataConn Sla Slimit Cc"
#define RULE_KEYS    "InstanceId Protocol FrontendPort"

struct modify {
	const char *id, *protocol, *config, *module;
	int64_t frontend_port;
};
static const struct param modify_params[] = {
	PARAM_INSTANCE_ID(modify, .required = true),
	PARAM(modify, protocol, "ForwardProtocol", .kind = PARAM_CHOICE, .choices = "tcp udp",
		.required = true, .help = "protocol of the rule"),
	PARAM(modify, frontend_port, "FrontendPort", .kind = PARAM_INT, .required = true, .min = 1,
		.max = 65535, .help = "port that clients use"),
	PARAM(modify, config, "Config", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = CONFIG_BYTES, .type = "String",
		.help = "JSON object: PersistenceTimeout in seconds, 0 or 30..3600; PayloadLen "
			"{Min, "
			"Max} in bytes"),
	PARAM(modify, module, "Module", .kind = PARAM_CHOICE, .choices = "sla",
		.empty_is_absent = true, .help = "changes nothing: Config says what is set"),
	PARAM_ROW_END,
};

/* A switch that nodes do not have: absent or off. */
static enum err refuse_switch(struct call *call, const struct json_element *config, const char *key)
{
	const char *text;
	TRY(json_param_text(call, config, key, 8, false, &text));
	if (text && strcmp(text, "off") != 0)
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be off: it is not available.",
			config->where, key);
	return OK;
}

/* Limits that nodes do not have: each absent or 0. CpsMode 1 means that there is no automatic one. */
static enum err refuse_limits(
	struct call *call, const struct json_element *config, const char *key, const char *members)
{
	struct json_element limits;
	const char *name;
	json_t *value;
	TRY(json_param_member(call, config, key, members, &limits));
	json_object_foreach((json_t *)(uintptr_t)limits.object, name, value)
	{
		int64_t number = 0;
		TRY(json_param_int(call, &limits, name, true, &number));
		if (number != 0 && !(number == 1 && strcmp(name, "CpsMode") == 0))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s%s must be 0: the limit is not available.", limits.where, name);
	}
	return OK;
}

static enum err refuse_blacklisting(struct call *call, const struct json_element *config)
{
	struct json_element cc;
	TRY(json_param_member(call, config, "Cc", "Sblack", &cc));
	const json_t *list = json_object_get(cc.object, "Sblack");
	if (list && (!json_is_array(list) || json_array_size(list) > 0))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sSblack must be an empty array: it is not available.", cc.where);
	return OK;
}

static enum err read_config(
	struct call *call, const struct json_element *config, struct rule_attributes *out)
{
	struct json_element payload;
	TRY(refuse_switch(call, config, "Synproxy"));
	TRY(refuse_switch(call, config, "NodataConn"));
	TRY(refuse_limits(call, config, "Sla", "Cps Maxconn CpsEnable MaxconnEnable"));
	TRY(refuse_limits(
		call, config, "Slimit", "Cps Maxconn CpsEnable MaxconnEnable CpsMode Pps Bps"));
	TRY(refuse_blacklisting(call, config));
	TRY(json_param_int(call, config, "PersistenceTimeout", false, &out->persistence_seconds));
	TRY(json_param_member(call, config, "PayloadLen", "Min Max", &payload));
	if (!payload.object)
		return OK;
	TRY(json_param_int(call, &payload, "Min", true, &out->payload_min));
	return json_param_int(call, &payload, "Max", true, &out->payload_max);
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify *args = raw;
	const struct rule_wish wish = {
		.where = "", .protocol = args->protocol, .frontend_port = args->frontend_port
	};
	AUTO(json) json_t *json = NULL;
	struct json_element config;
	struct instance instance;
	struct port_rule rule;
	TRY(json_param_object(call, "Config", args->config, CONFIG_KEYS, &json, &config));
	TRY(call_instance(call, args->id, &instance));
	TRY(rule_find(call, &instance, &wish, &rule));
	struct rule_attributes attributes = rule.attributes;
	TRY(read_config(call, &config, &attributes));
	return rule_set_attributes(call, config.where, &rule, &attributes);
}

struct describe {
	const char *rules;
};
static const struct param describe_params[] = {
	PARAM(describe, rules, "NetworkRules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = RULES_BYTES, .type = "String",
		.help = "JSON array of {InstanceId, Protocol, FrontendPort}"),
	PARAM_ROW_END,
};

static json_t *config_json(const struct rule_attributes *attributes)
{
	return json_pack("{s:I, s:{s:I, s:I}, s:s, s:s, s:{s:i, s:i, s:i, s:i},"
			 " s:{s:i, s:i, s:i, s:i, s:i, s:i, s:i}, s:{s:[]}}",
		"PersistenceTimeout", (json_int_t)attributes->persistence_seconds, "PayloadLen",
		"Min", (json_int_t)attributes->payload_min, "Max",
		(json_int_t)attributes->payload_max, "Synproxy", "off", "NodataConn", "off", "Sla",
		"Cps", 0, "Maxconn", 0, "CpsEnable", 0, "MaxconnEnable", 0, "Slimit", "Cps", 0,
		"Maxconn", 0, "CpsEnable", 0, "MaxconnEnable", 0, "CpsMode", 1, "Pps", 0, "Bps", 0,
		"Cc", "Sblack");
}

static enum err describe_one(struct call *call, const struct json_element *element, json_t *list)
{
	struct rule_wish wish = { .where = element->where };
	struct instance instance;
	struct port_rule rule;
	const char *id;
	TRY(json_param_text(call, element, "InstanceId", INSTANCE_ID_BYTES, true, &id));
	TRY(json_param_text(call, element, "Protocol", 16, true, &wish.protocol));
	TRY(json_param_int(call, element, "FrontendPort", true, &wish.frontend_port));
	TRY(call_instance(call, id, &instance));
	TRY(rule_find(call, &instance, &wish, &rule));
	return add(list,
		json_pack("{s:s, s:s, s:I, s:o}", "InstanceId", instance.id, "Protocol",
			protocol_name(rule.protocol), "FrontendPort",
			(json_int_t)rule.frontend_port, "Config", config_json(&rule.attributes)));
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	AUTO(json) json_t *array = NULL;
	json_t *list;
	TRY(json_param_parse(call, "NetworkRules", args->rules, PORT_RULE_MAX, &array));
	TRY(put_list(call->reply, "NetworkRuleAttributes", &list));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_element element;
		TRY(json_param_element(call, "NetworkRules", array, i, RULE_KEYS, &element));
		TRY(describe_one(call, &element, list));
	}
	return OK;
}

static const struct reply_list describe_lists[] = {
	{ "NetworkRuleAttributes", "NetworkRuleAttribute" },
	{ "Sblack", NULL },
	{ NULL, NULL },
};

const struct action rule_attribute_actions[] = {
	{ VERSION_DDOSCOO, "ModifyNetworkRuleAttribute", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify), modify_run, NULL,
		"changes session persistence and payload bounds of a port rule", 0 },
	{ VERSION_DDOSCOO, "DescribeNetworkRuleAttributes", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"shows session persistence and payload bounds of port rules", 0 },
	{ 0 },
};
