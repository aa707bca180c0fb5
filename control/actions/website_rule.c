/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites with ports and origins in JSON, the older spelling. Its creation names origins for each port; one list is
 * forwarded to here, as everywhere else in the published interface, so that they must agree.
 */
#include <string.h>

#include "control/actions/tables.h"
#include "control/actions/website_wish.h"

#define RULES_BYTES   32768 /* every port with every origin's address */
#define PROXY_BYTES   4096
#define SCHEME_COUNT  4

#define SERVERS_SHAPE "[text]1.." SHAPE_NUMBER(WEBSITE_ADDRESS_MAX)
#define PORTS_SHAPE   "]1.." SHAPE_NUMBER(SITE_PORT_MAX)

struct create_args {
	const char *domain, *defense_id, *https_ext, *rules, *resource_group;
	struct text_list ids;
	int64_t rs_type;
};
static const struct param create_params[] = {
	PARAM_DOMAIN(create_args, .required = true),
	PARAM_INSTANCE_IDS(create_args, .required = false),
	PARAM_RS_TYPE(create_args),
	PARAM(create_args, rules, "Rules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = RULES_BYTES, .type = "String",
		.shape = "[{ProxyType: http|https|websocket|websockets, ProxyRules: [{ProxyPort: "
			 "1..65535, RealServers: " SERVERS_SHAPE "}" PORTS_SHAPE "}]1..4",
		.help = "ports by protocol, with the same origins for all"),
	PARAM_HTTPS_EXT(create_args),
	PARAM(create_args, defense_id, "DefenseId", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 128, .help = "not taken: InstanceIds says where"),
	PARAM_RESOURCE_GROUP(create_args),
	PARAM_ROW_END,
};

static bool same_servers(const struct text_list *a, const struct text_list *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->count != b->count || strcmp(a->item[i], b->item[i]) != 0)
			return false;
	}
	return true;
}

static enum err read_servers(
	struct call *call, const struct json_element *element, struct text_list *out)
{
	const json_t *list = json_object_get(element->object, "RealServers");

	*out = (struct text_list){ .item = arena_array(
					   call->mem, WEBSITE_ADDRESS_MAX, sizeof(char *)) };
	if (!out->item)
		return ERR_MEMORY;
	if (!json_is_array(list) || json_array_size(list) == 0 ||
		json_array_size(list) > WEBSITE_ADDRESS_MAX)
		return refuse(call, ERR_INVALID_ORIGIN,
			"%sRealServers must be an array of 1..%d texts.", element->where,
			WEBSITE_ADDRESS_MAX);
	for (; out->count < json_array_size(list); out->count++) {
		out->item[out->count] = json_string_value(json_array_get(list, out->count));
		if (!out->item[out->count])
			return refuse(call, ERR_INVALID_ORIGIN,
				"%sRealServers must be an array of 1..%d texts.", element->where,
				WEBSITE_ADDRESS_MAX);
	}
	return OK;
}

/* One {ProxyPort, RealServers}; the first gives the wish its origins. */
static enum err add_rule(struct call *call, struct website_wish *wish,
	const struct json_element *element, const char *scheme)
{
	struct text_list servers;
	int64_t port = 0;

	TRY(json_param_int(call, element, "ProxyPort", true, &port));
	TRY(read_servers(call, element, &servers));
	if (wish->servers.count == 0)
		wish->servers = servers;
	if (!same_servers(&wish->servers, &servers))
		return refuse(call, ERR_INVALID_ORIGIN,
			"%sRealServers must be the same for all ports of a web site.",
			element->where);
	return wish_add_port(call, wish, element->where, scheme, port);
}

static enum err add_rules(
	struct call *call, struct website_wish *wish, const struct json_element *element)
{
	const json_t *list = json_object_get(element->object, "ProxyRules");
	const char *scheme, *name = arena_print(call->mem, "%sProxyRules", element->where);

	if (!name)
		return ERR_MEMORY;
	TRY(json_param_text(call, element, "ProxyType", 16, true, &scheme));
	if (!json_is_array(list) || json_array_size(list) == 0 ||
		json_array_size(list) > SITE_PORT_MAX)
		return refuse(call, ERR_INVALID_PARAMETER, "%s must be an array of 1..%d objects.",
			name, SITE_PORT_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_element rule;

		TRY(json_param_element(call, name, list, i, "ProxyPort RealServers", &rule));
		TRY(add_rule(call, wish, &rule, scheme));
	}
	return OK;
}

static enum err create_wished(
	struct call *call, const struct create_args *args, const json_t *rules)
{
	struct website_wish wish = { .domain = args->domain,
		.ids = args->ids,
		.rs_type = args->rs_type,
		.https_ext = args->https_ext,
		.ports_name = "Rules" };

	for (size_t i = 0; i < json_array_size(rules); i++) {
		struct json_element element;

		TRY(json_param_element(call, "Rules", rules, i, "ProxyType ProxyRules", &element));
		TRY(add_rules(call, &wish, &element));
	}
	return website_create(call, &wish);
}

static enum err create_run(struct call *call, const void *raw)
{
	const struct create_args *args = raw;
	AUTO(json) json_t *rules = NULL;

	if (args->defense_id && args->defense_id[0])
		return refuse(call, ERR_INVALID_PARAMETER,
			"DefenseId is not taken: name instances with InstanceIds.");
	TRY(json_param_parse(call, "Rules", args->rules, SCHEME_COUNT, &rules));
	return create_wished(call, args, rules);
}

struct modify_args {
	const char *domain, *proxy_types, *https_ext, *resource_group;
	struct text_list ids, servers;
	int64_t rs_type;
};
static const struct param modify_params[] = {
	PARAM_DOMAIN(modify_args, .required = true),
	PARAM_INSTANCE_IDS(modify_args, .required = false),
	PARAM(modify_args, proxy_types, "ProxyTypes", .kind = PARAM_JSON, .required = true,
		.min = 1, .max = PROXY_BYTES, .type = "String", .shape = PROXY_TYPES_SHAPE,
		.help = "ports by protocol"),
	PARAM_RS_TYPE(modify_args),
	PARAM_WEB_SERVERS(modify_args),
	PARAM_HTTPS_EXT(modify_args),
	PARAM_RESOURCE_GROUP(modify_args),
	PARAM_ROW_END,
};

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify_args *args = raw;
	struct website_wish wish = { .domain = args->domain,
		.ids = args->ids,
		.rs_type = args->rs_type,
		.servers = args->servers,
		.https_ext = args->https_ext,
		.ports_name = "ProxyTypes" };

	TRY(wish_add_ports(call, &wish, args->proxy_types));
	return website_change(call, &wish);
}

struct delete_args {
	const char *domain, *resource_group;
};
static const struct param delete_params[] = {
	PARAM_DOMAIN(delete_args, .required = true),
	PARAM_RESOURCE_GROUP(delete_args),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct delete_args *args = raw;

	return website_remove(call, args->domain);
}

const struct action website_rule_actions[] = {
	{ VERSION_DDOSCOO, "CreateWebRule", WRITE, PERMISSION_FULL, create_params,
		sizeof(struct create_args), create_run, NULL, "adds a web site to instances", 0 },
	{ VERSION_DDOSCOO, "ModifyWebRule", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify_args), modify_run, NULL,
		"changes instances, ports and origins of a web site", 0 },
	{ VERSION_DDOSCOO, "DeleteWebRule", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct delete_args), delete_run, NULL, "deletes a web site", 0 },
	{ 0 },
};
