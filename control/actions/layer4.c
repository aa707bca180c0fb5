/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Origin redundancy of port rules: a primary and a secondary group of origins and a switch between them.
 * Both groups and the switch are one row and its children, written in one transaction, so that every node
 * changes from one whole group to the other. Flows that are open stay where they are.
 *
 * While redundancy is on, the rule's own origins rest; DescribeNetworkRules goes on to show them, as
 * published. Remarks are here too, since they come in the same form.
 */
#include "base/text.h"
#include "control/actions/json_param.h"
#include "control/actions/rule.h"
#include "control/actions/tables.h"

#define LISTENERS_BYTES 16384
#define REMARK_MAX	200
#define KEY_KEYS	"InstanceId Protocol FrontendPort"
#define POLICY_KEYS	KEY_KEYS " BackendPort PriRealServers SecRealServers CurrentRsIndex"
#define REMARK_KEYS	KEY_KEYS " Remark"

struct listeners {
	const char *listeners;
	int64_t backup;
};
#define GROUP_SHAPE "[{RealServer: address}]1.." SHAPE_NUMBER(ORIGIN_MAX)
#define PARAM_LISTENERS(members)                                                                   \
	PARAM(listeners, listeners, "Listeners", .kind = PARAM_JSON, .required = true, .min = 1,   \
		.max = LISTENERS_BYTES, .type = "String",                                          \
		.shape = "[{InstanceId: instance, Protocol: tcp|udp, FrontendPort: "               \
			 "1..65535" members "}]1..1",                                              \
		.help = "the port rule")
static const struct param key_params[] = {
	PARAM_LISTENERS(""),
	PARAM_ROW_END,
};
static const struct param policy_params[] = {
	PARAM_LISTENERS(", BackendPort: 1..65535, PriRealServers: " GROUP_SHAPE
			", SecRealServers: " GROUP_SHAPE ", CurrentRsIndex: 1..2"),
	PARAM_ROW_END,
};
static const struct param remark_params[] = {
	PARAM_LISTENERS(", Remark: text(" SHAPE_NUMBER(REMARK_MAX) ")"),
	PARAM_ROW_END,
};
static const struct param backup_params[] = {
	PARAM_LISTENERS(""),
	PARAM(listeners, backup, "BakMode", .kind = PARAM_INT, .type = "String", .required = true,
		.min = 0, .max = 1,
		.help = "1: the groups are in force, 0: the rule's own origins"),
	PARAM_ROW_END,
};

/* The one element of Listeners and the rule that it names. json is the caller's. */
static enum err find_listener(struct call *call, const char *text, const char *keys, json_t **json,
	struct json_element *element, struct instance *instance, struct port_rule *rule)
{
	TRY(json_param_parse(call, "Listeners", text, 1, json));
	TRY(json_param_element(call, "Listeners", *json, 0, keys, element));
	return rule_of_element(call, element, instance, rule);
}

/* ---- groups */

struct groups {
	struct rule_origin primary[ORIGIN_MAX], secondary[ORIGIN_MAX];
	size_t primary_count, secondary_count;
};

static enum err read_group(struct call *call, const struct json_element *element, const char *key,
	bool ipv6, struct rule_origin out[ORIGIN_MAX], size_t *count)
{
	const json_t *array = json_object_get(element->object, key);
	const char *name = arena_print(call->mem, "%s%s", element->where, key);
	struct port_rule group = { 0 };
	if (!name)
		return ERR_MEMORY;
	if (!array)
		return refuse(call, ERR_MISSING_PARAMETER, "%s is mandatory.", name);
	if (!json_is_array(array) || json_array_size(array) < 1 ||
		json_array_size(array) > ORIGIN_MAX)
		return refuse(call, ERR_INVALID_PARAMETER, "%s must be an array of 1..%d.", name,
			ORIGIN_MAX);
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_element server;
		const char *address;
		TRY(json_param_element(call, name, array, i, "RealServer", &server));
		TRY(json_param_text(
			call, &server, "RealServer", ADDRESS_TEXT_SIZE, true, &address));
		enum err err = port_rule_add_origin(&group, ipv6, address);
		if (err == ERR_INVALID_ORIGIN)
			return refuse(call, err,
				"%sRealServer \"%.64s\" must be a single host address, given once.",
				server.where, address);
		TRY(err);
		out[i] = group.origin[i];
	}
	*count = group.origin_count;
	return OK;
}

static json_t *group_texts(const struct rule_origin *origin, size_t count)
{
	struct port_rule group = { .origin_count = count };
	for (size_t i = 0; i < count; i++)
		group.origin[i] = origin[i];
	return rule_servers_json(&group);
}

static enum err load_groups(struct call *call, const struct port_rule *rule, struct groups *out)
{
	TRY(port_rule_origins(
		call->db, rule->number, ORIGINS_PRIMARY, out->primary, &out->primary_count));
	return port_rule_origins(
		call->db, rule->number, ORIGINS_SECONDARY, out->secondary, &out->secondary_count);
}

static enum err record_groups(
	json_t *entity, const struct port_rule *rule, const struct groups *groups)
{
	TRY(put_text(entity, "protocol", protocol_name(rule->protocol)));
	TRY(put_int(entity, "frontendPort", rule->frontend_port));
	TRY(put_int(entity, "bakMode", rule->backup));
	TRY(put_int(entity, "currentRsIndex", rule->current));
	json_t *primary = group_texts(groups->primary, groups->primary_count);
	json_t *secondary = group_texts(groups->secondary, groups->secondary_count);
	int failed = json_object_set_new(entity, "priRealServers", primary);
	failed |= json_object_set_new(entity, "secRealServers", secondary);
	return failed ? ERR_MEMORY : OK;
}

static enum err policy_run(struct call *call, const void *raw)
{
	const struct listeners *args = raw;
	AUTO(json) json_t *json = NULL;
	json_t *old_entity, *new_entity;
	struct json_element element;
	struct instance instance;
	struct port_rule rule;
	struct groups old = { .primary_count = 0 }, wish = { .primary_count = 0 };
	int64_t port = 0, index = 0;
	TRY(find_listener(call, args->listeners, POLICY_KEYS, &json, &element, &instance, &rule));
	TRY(json_param_int(call, &element, "BackendPort", true, &port));
	TRY(json_param_int(call, &element, "CurrentRsIndex", true, &index));
	TRY(read_group(call, &element, "PriRealServers", instance.ipv6, wish.primary,
		&wish.primary_count));
	TRY(read_group(call, &element, "SecRealServers", instance.ipv6, wish.secondary,
		&wish.secondary_count));
	if (port != rule.backend_port)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sBackendPort must stay %lld: only origins can change.", element.where,
			(long long)rule.backend_port);
	if (index != ORIGINS_PRIMARY && index != ORIGINS_SECONDARY)
		return refuse(call, ERR_INVALID_PARAMETER, "%sCurrentRsIndex must be 1 or 2.",
			element.where);
	TRY(load_groups(call, &rule, &old));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_groups(old_entity, &rule, &old));
	rule.current = (enum origin_group)index;
	TRY(record_groups(new_entity, &rule, &wish));
	TRY(port_rule_set_groups(call->db, &rule, wish.primary, wish.primary_count, wish.secondary,
		wish.secondary_count));
	return port_rule_set_current(call->db, &rule);
}

static enum err backup_run(struct call *call, const void *raw)
{
	const struct listeners *args = raw;
	AUTO(json) json_t *json = NULL;
	json_t *old_entity, *new_entity;
	struct json_element element;
	struct instance instance;
	struct port_rule rule;
	struct groups groups = { .primary_count = 0 };
	TRY(find_listener(call, args->listeners, KEY_KEYS, &json, &element, &instance, &rule));
	TRY(load_groups(call, &rule, &groups));
	if (args->backup && groups.primary_count == 0)
		return refuse(call, ERR_INVALID_PARAMETER,
			"BakMode can be 1 once ConfigLayer4RulePolicy has named the origins.");
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_groups(old_entity, &rule, &groups));
	rule.backup = args->backup != 0;
	TRY(record_groups(new_entity, &rule, &groups));
	return port_rule_set_current(call->db, &rule);
}

static enum err put_group(struct call *call, const char *name, const struct instance *instance,
	const struct port_rule *rule, const struct rule_origin *origin, size_t count)
{
	char vip[ADDRESS_TEXT_SIZE], text[ADDRESS_TEXT_SIZE];
	json_t *list;
	address_format(instance->vip, vip);
	TRY(put_list(call->reply, name, &list));
	for (size_t i = 0; i < count; i++) {
		address_format(origin[i].address, text);
		TRY(add(list,
			json_pack("{s:s, s:s, s:s, s:I, s:s, s:i}", "InstanceId", instance->id,
				"Eip", vip, "Protocol", protocol_name(rule->protocol),
				"FrontendPort", (json_int_t)rule->frontend_port, "RealServer", text,
				"CurrentIndex", (int)rule->current)));
	}
	return OK;
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct listeners *args = raw;
	AUTO(json) json_t *json = NULL;
	struct json_element element;
	struct instance instance;
	struct port_rule rule;
	struct groups groups = { .primary_count = 0 };
	TRY(find_listener(call, args->listeners, KEY_KEYS, &json, &element, &instance, &rule));
	TRY(load_groups(call, &rule, &groups));
	TRY(put_text(call->reply, "InstanceId", instance.id));
	TRY(put_text(call->reply, "ForwardProtocol", protocol_name(rule.protocol)));
	TRY(put_int(call->reply, "FrontendPort", rule.frontend_port));
	TRY(put_int(call->reply, "BackendPort", rule.backend_port));
	TRY(put_text(call->reply, "BakMode", rule.backup ? "1" : "0"));
	TRY(put_int(call->reply, "CurrentIndex", rule.current));
	TRY(put_group(
		call, "PriRealServers", &instance, &rule, groups.primary, groups.primary_count));
	return put_group(
		call, "SecRealServers", &instance, &rule, groups.secondary, groups.secondary_count);
}

/* ---- remarks */

static enum err remark_run(struct call *call, const void *raw)
{
	const struct listeners *args = raw;
	AUTO(json) json_t *json = NULL;
	json_t *old_entity, *new_entity;
	struct json_element element;
	struct instance instance;
	struct port_rule rule;
	const char *remark;
	TRY(find_listener(call, args->listeners, REMARK_KEYS, &json, &element, &instance, &rule));
	const json_t *value = json_object_get(element.object, "Remark");
	/* An empty one takes the remark away. */
	if (json_is_string(value) && json_string_length(value) == 0)
		remark = "";
	else
		TRY(json_param_text(call, &element, "Remark", REMARK_MAX, true, &remark));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_text(old_entity, "remark", rule.remark));
	TRY(put_text(new_entity, "remark", remark));
	return port_rule_set_remark(call->db, &rule, remark);
}

static const struct reply_list describe_lists[] = { { "PriRealServers", "PriRealServersItem" },
	{ "SecRealServers", "SecRealServersItem" }, { NULL, NULL } };

const struct action layer4_actions[] = {
	{ VERSION_DDOSCOO, "ConfigLayer4RulePolicy", WRITE, PERMISSION_FULL, policy_params,
		sizeof(struct listeners), policy_run, NULL,
		"gives a port rule primary and secondary origins and says which are in force", 0 },
	{ VERSION_DDOSCOO, "ConfigLayer4RuleBakMode", WRITE, PERMISSION_FULL, backup_params,
		sizeof(struct listeners), backup_run, NULL,
		"switches a port rule between its own and its redundant origins", 0 },
	{ VERSION_DDOSCOO, "DescribeLayer4RulePolicy", READ, PERMISSION_READ, key_params,
		sizeof(struct listeners), describe_run, describe_lists,
		"shows the primary and secondary origins of a port rule", 0 },
	{ VERSION_DDOSCOO, "ConfigLayer4Remark", WRITE, PERMISSION_FULL, remark_params,
		sizeof(struct listeners), remark_run, NULL, "changes the remark of a port rule",
		0 },
	{ 0 },
};
