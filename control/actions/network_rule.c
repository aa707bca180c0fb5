/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules as JSON in one parameter, the spelling of the console and of older programs: many rules
 * in one call, of one or several instances. All or nothing: the first refusal undoes the whole call.
 */
#include "control/actions/json_param.h"
#include "control/actions/rule.h"
#include "control/actions/tables.h"

#define NETWORK_RULES_BYTES 262144 /* PORT_RULE_MAX rules with ORIGIN_MAX short addresses */

#define SERVERS_SHAPE	    "[address]1.." SHAPE_NUMBER(ORIGIN_MAX)
#define RULES_SHAPE	    "]1.." SHAPE_NUMBER(PORT_RULE_MAX)

struct network_rules {
	const char *rules;
};
static const struct param network_rules_params[] = {
	PARAM(network_rules, rules, "NetworkRules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = NETWORK_RULES_BYTES, .type = "String",
		.shape = "[{InstanceId: instance, Protocol: tcp|udp, FrontendPort: 1..65535, "
			 "BackendPort: 1..65535, RealServers: " SERVERS_SHAPE "}" RULES_SHAPE,
		.help = "rules to write, with the origins that they forward to"),
	PARAM_ROW_END,
};
static const struct param network_rule_params[] = {
	PARAM(network_rules, rules, "NetworkRule", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = 4096, .type = "String",
		.shape = "[{InstanceId: instance, Protocol: tcp|udp, FrontendPort: 1..65535}]1..1",
		.help = "the rule to delete"),
	PARAM_ROW_END,
};

#define RULE_KEYS     "InstanceId Protocol FrontendPort BackendPort RealServers"
#define RULE_KEY_KEYS "InstanceId Protocol FrontendPort"

/* What one element asks for; instance is loaded and the caller may use it. */
static enum err read_rule(struct call *call, const struct json_element *element, bool whole,
	struct instance *instance, struct rule_wish *wish)
{
	const char *id;
	*wish = (struct rule_wish){ .where = element->where };
	TRY(json_param_text(call, element, "InstanceId", INSTANCE_ID_BYTES, true, &id));
	TRY(json_param_text(call, element, "Protocol", 16, true, &wish->protocol));
	TRY(json_param_int(call, element, "FrontendPort", true, &wish->frontend_port));
	if (whole) {
		TRY(json_param_int(call, element, "BackendPort", true, &wish->backend_port));
		TRY(json_param_texts(call, element, "RealServers", ORIGIN_MAX, &wish->servers));
	}
	return call_instance(call, id, instance);
}

typedef enum err (*rule_step)(
	struct call *call, const struct instance *instance, const struct rule_wish *wish);

static enum err for_each_rule(struct call *call, const void *raw, rule_step step)
{
	const struct network_rules *args = raw;
	AUTO(json) json_t *array = NULL;
	TRY(json_param_parse(call, "NetworkRules", args->rules, PORT_RULE_MAX, &array));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_element element;
		struct rule_wish wish;
		struct instance instance;
		TRY(json_param_element(call, "NetworkRules", array, i, RULE_KEYS, &element));
		TRY(read_rule(call, &element, true, &instance, &wish));
		TRY(step(call, &instance, &wish));
	}
	return OK;
}

static enum err create_network_rules_run(struct call *call, const void *raw)
{
	return for_each_rule(call, raw, rule_create);
}

static enum err config_rule(
	struct call *call, const struct instance *instance, const struct rule_wish *wish)
{
	struct port_rule rule;
	TRY(rule_find(call, instance, wish, &rule));
	/* Published: only RealServers can change here. */
	if (wish->backend_port != rule.backend_port)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sBackendPort must stay %lld: only RealServers can change.", wish->where,
			(long long)rule.backend_port);
	return rule_modify(call, instance, wish, &rule);
}

static enum err config_network_rules_run(struct call *call, const void *raw)
{
	return for_each_rule(call, raw, config_rule);
}

static enum err delete_network_rule_run(struct call *call, const void *raw)
{
	const struct network_rules *args = raw;
	AUTO(json) json_t *array = NULL;
	struct json_element element;
	struct rule_wish wish;
	struct instance instance;
	struct port_rule rule;
	TRY(json_param_parse(call, "NetworkRule", args->rules, 1, &array));
	TRY(json_param_element(call, "NetworkRule", array, 0, RULE_KEY_KEYS, &element));
	TRY(read_rule(call, &element, false, &instance, &wish));
	TRY(rule_find(call, &instance, &wish, &rule));
	return rule_delete(call, &rule);
}

static const struct param describe_network_rules_params[] = {
	PARAM_INSTANCE_ID(rule_page, .required = true),
	PARAM(rule_page, protocol, "ForwardProtocol", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = "tcp udp", .help = "only rules of this protocol"),
	PARAM(rule_page, frontend_port, "FrontendPort", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = 65535, .help = "only rules of this port"),
	PARAM_PAGE_NUMBER(rule_page, .required = true),
	PARAM_PAGE_SIZE(rule_page, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_ROW_END,
};

static json_t *network_rule_element(const struct port_rule_row *row)
{
	const struct port_rule *rule = &row->rule;
	/* Published: ProxyEnable 0 means that the rule is in force. */
	return json_pack("{s:s, s:s, s:I, s:I, s:b, s:i, s:i, s:s, s:s, s:o}", "InstanceId",
		row->instance_id, "Protocol", protocol_name(rule->protocol), "FrontendPort",
		(json_int_t)rule->frontend_port, "BackendPort", (json_int_t)rule->backend_port,
		"IsAutoCreate", 0, "PayloadRuleEnable", 0, "ProxyEnable", 0, "ProxyStatus", "on",
		"Remark", rule->remark ? rule->remark : "", "RealServers", rule_servers_json(rule));
}

static enum err describe_network_rules_run(struct call *call, const void *raw)
{
	return rule_describe(call, raw, network_rule_element);
}

static const struct reply_list network_rules_lists[] = {
	{ "NetworkRules", "NetworkRule" },
	{ "RealServers", "RealServers" },
	{ NULL, NULL },
};

const struct action network_rule_actions[] = {
	{ VERSION_DDOSCOO, "CreateNetworkRules", WRITE, PERMISSION_FULL, network_rules_params,
		sizeof(struct network_rules), create_network_rules_run, NULL,
		"adds port rules to instances, all or none", 0 },
	{ VERSION_DDOSCOO, "ConfigNetworkRules", WRITE, PERMISSION_FULL, network_rules_params,
		sizeof(struct network_rules), config_network_rules_run, NULL,
		"changes the origins of port rules, all or none", 0 },
	{ VERSION_DDOSCOO, "DeleteNetworkRule", WRITE, PERMISSION_FULL, network_rule_params,
		sizeof(struct network_rules), delete_network_rule_run, NULL, "deletes a port rule",
		0 },
	{ VERSION_DDOSCOO, "DescribeNetworkRules", READ, PERMISSION_READ,
		describe_network_rules_params, sizeof(struct rule_page), describe_network_rules_run,
		network_rules_lists, "lists the port rules of an instance", 0 },
	{ 0 },
};
