/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules with one parameter per value, the spelling that Terraform uses.
 *
 * Ports arrive as strings and are read as integers. ProxyEnable exists in the published interface to
 * suspend a rule; rules here are in force as long as they exist, so that only 1 is accepted: a 0 that
 * changed nothing would be a lie.
 */
#include "control/actions/rule.h"

#include "control/actions/tables.h"

struct port_args {
	const char *id, *protocol;
	int64_t frontend_port, backend_port, proxy_enable;
	struct text_list servers;
};

#define PARAM_PORT(tag, member, name, most, ...)                                                   \
	PARAM(tag, member, name, .kind = PARAM_INT, .min = 1, .max = (most), __VA_ARGS__)
#define PARAM_PROTOCOL(tag, ...)                                                                   \
	PARAM(tag, protocol, "FrontendProtocol", .kind = PARAM_CHOICE, .choices = "tcp udp",       \
		.help = "protocol of the rule", __VA_ARGS__)
#define PARAM_PROXY_ENABLE                                                                         \
	PARAM(port_args, proxy_enable, "ProxyEnable", .kind = PARAM_INT, .type = "Long",           \
		.empty_is_absent = true, .min = 1, .max = 1, .fallback = 1,                        \
		.help = "1: in force, as every rule is")
#define PARAM_SERVERS(...)                                                                         \
	PARAM(port_args, servers, "RealServers", .kind = PARAM_TEXT_LIST, .max = ORIGIN_MAX,       \
		.item_min = 1, .item_max = 64, .help = "addresses of the origins", __VA_ARGS__)

static const struct param create_port_params[] = {
	PARAM_INSTANCE_ID(port_args, .required = true),
	PARAM_PROTOCOL(port_args, .required = true),
	PARAM_PORT(port_args, frontend_port, "FrontendPort", 65535, .required = true,
		.type = "String", .help = "port that clients use"),
	PARAM_PORT(port_args, backend_port, "BackendPort", 65535, .type = "String",
		.empty_is_absent = true, .help = "port of the origins; the same when absent"),
	PARAM_SERVERS(.required = true),
	PARAM_PROXY_ENABLE,
	PARAM_ROW_END,
};
static const struct param modify_port_params[] = {
	PARAM_INSTANCE_ID(port_args, .required = true),
	PARAM_PROTOCOL(port_args, .required = true),
	PARAM_PORT(port_args, frontend_port, "FrontendPort", 65535, .required = true,
		.type = "String", .help = "port that clients use"),
	PARAM_PORT(port_args, backend_port, "BackendPort", 65535, .required = true,
		.type = "String", .help = "port of the origins"),
	PARAM_SERVERS(.required = true),
	PARAM_PROXY_ENABLE,
	PARAM_ROW_END,
};
static const struct param delete_port_params[] = {
	PARAM_INSTANCE_ID(port_args, .required = true),
	PARAM_PROTOCOL(port_args, .required = true),
	PARAM_PORT(port_args, frontend_port, "FrontendPort", 65535, .required = true,
		.type = "String", .help = "port that clients use"),
	PARAM_PORT(port_args, backend_port, "BackendPort", 65535, .type = "String",
		.empty_is_absent = true, .help = "not needed to find the rule"),
	PARAM_SERVERS(.required = false),
	PARAM_ROW_END,
};

static struct rule_wish wish_of(const struct port_args *args)
{
	return (struct rule_wish){
		.where = "",
		.protocol = args->protocol,
		.frontend_port = args->frontend_port,
		.backend_port = args->backend_port ? args->backend_port : args->frontend_port,
		.servers = args->servers,
	};
}

static enum err create_port_run(struct call *call, const void *raw)
{
	const struct port_args *args = raw;
	struct rule_wish wish = wish_of(args);
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	return rule_create(call, &instance, &wish);
}

static enum err modify_port_run(struct call *call, const void *raw)
{
	const struct port_args *args = raw;
	struct rule_wish wish = wish_of(args);
	struct instance instance;
	struct port_rule rule;
	TRY(call_instance(call, args->id, &instance));
	TRY(rule_find(call, &instance, &wish, &rule));
	return rule_modify(call, &instance, &wish, &rule);
}

static enum err delete_port_run(struct call *call, const void *raw)
{
	const struct port_args *args = raw;
	struct rule_wish wish = wish_of(args);
	struct instance instance;
	struct port_rule rule;
	TRY(call_instance(call, args->id, &instance));
	TRY(rule_find(call, &instance, &wish, &rule));
	return rule_delete(call, &rule);
}

/* Clients that know no pages send none: the standard page is one that holds a default plan's rules. */
static const struct param describe_port_params[] = {
	PARAM_INSTANCE_ID(rule_page, .required = true),
	PARAM_PROTOCOL(rule_page, .empty_is_absent = true),
	PARAM_PORT(rule_page, frontend_port, "FrontendPort", 65535, .empty_is_absent = true,
		.help = "only the rule of this port"),
	PARAM_PAGE_NUMBER(rule_page),
	PARAM_PAGE_SIZE(rule_page, LIST_PAGE_MAX, 50),
	PARAM_ROW_END,
};

static json_t *port_element(const struct port_rule_row *row)
{
	const struct port_rule *rule = &row->rule;
	return json_pack("{s:s, s:s, s:I, s:I, s:b, s:o}", "InstanceId", row->instance_id,
		"FrontendProtocol", protocol_name(rule->protocol), "FrontendPort",
		(json_int_t)rule->frontend_port, "BackendPort", (json_int_t)rule->backend_port,
		"IsAutoCreate", 0, "RealServers", rule_servers_json(rule));
}

static enum err describe_port_run(struct call *call, const void *raw)
{
	return rule_describe(call, raw, port_element);
}

static const struct reply_list port_lists[] = {
	{ "NetworkRules", "NetworkRule" },
	{ "RealServers", "RealServers" },
	{ NULL, NULL },
};

const struct action port_actions[] = {
	{ VERSION_DDOSCOO, "CreatePort", WRITE, PERMISSION_FULL, create_port_params,
		sizeof(struct port_args), create_port_run, NULL, "adds a port rule to an instance",
		0 },
	{ VERSION_DDOSCOO, "ModifyPort", WRITE, PERMISSION_FULL, modify_port_params,
		sizeof(struct port_args), modify_port_run, NULL,
		"changes origins and backend port of a port rule", 0 },
	{ VERSION_DDOSCOO, "DeletePort", WRITE, PERMISSION_FULL, delete_port_params,
		sizeof(struct port_args), delete_port_run, NULL, "deletes a port rule", 0 },
	{ VERSION_DDOSCOO, "DescribePort", READ, PERMISSION_READ, describe_port_params,
		sizeof(struct rule_page), describe_port_run, port_lists,
		"lists the port rules of an instance", 0 },
	{ 0 },
};
