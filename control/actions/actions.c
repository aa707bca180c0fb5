/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All actions. The list is short and read by hand; looking one up walks it, some 60 string comparisons
 * beside a signature and a transaction.
 */
#include "control/action.h"

#include <string.h>

#include "control/actions/tables.h"
#include "control/call.h"

const struct action *const action_tables[] = {
	instance_actions,
	instance_order_actions,
	available_actions,
	plan_actions,
	tag_actions,
	port_actions,
	elastic_actions,
	burst_actions,
	metering_actions,
	export_actions,
	network_rule_actions,
	rule_attribute_actions,
	rule_forwarding_actions,
	health_actions,
	layer4_actions,
	list_actions,
	protection_actions,
	policy_actions,
	web_switch_actions,
	web_list_actions,
	web_precise_actions,
	web_cc_actions,
	web_cc_v2_actions,
	web_global_actions,
	web_cache_actions,
	web_check_actions,
	web_log_actions,
	web_log_query_actions,
	web_series_actions,
	web_top_actions,
	web_smart_actions,
	scene_actions,
	scheduler_actions,
	scheduler_list_actions,
	blackhole_actions,
	attack_actions,
	attack_source_actions,
	visitor_actions,
	port_figure_actions,
	reason_actions,
	explain_actions,
	capture_actions,
	website_rule_actions,
	website_resource_actions,
	website_list_actions,
	website_https_actions,
	website_origin_actions,
	website_header_actions,
	website_access_actions,
	certificate_actions,
	web_acme_actions,
	node_actions,
	operation_actions,
	account_actions,
	key_actions,
	drill_actions,
	user_actions,
	session_actions,
	error_actions,
	api_call_actions,
	live_actions,
	NULL,
};

/* What a table is about, for lists that people read. A table that is not here is "other". */
static const struct {
	const struct action *table;
	const char *name;
} groups[] = {
	{ instance_actions, "instances" },
	{ instance_order_actions, "orders" },
	{ available_actions, "orders" },
	{ plan_actions, "orders" },
	{ elastic_actions, "instances" },
	{ burst_actions, "instances" },
	{ metering_actions, "instances" },
	{ export_actions, "exports" },
	{ tag_actions, "tags" },
	{ port_actions, "port rules" },
	{ network_rule_actions, "port rules" },
	{ rule_attribute_actions, "port rules" },
	{ rule_forwarding_actions, "port rules" },
	{ health_actions, "health checks" },
	{ layer4_actions, "port rules" },
	{ list_actions, "block and allow lists" },
	{ protection_actions, "mitigation of packets" },
	{ policy_actions, "mitigation of packets" },
	{ web_switch_actions, "protection of web sites" },
	{ web_list_actions, "protection of web sites" },
	{ web_precise_actions, "protection of web sites" },
	{ web_cc_actions, "protection of web sites" },
	{ web_cc_v2_actions, "protection of web sites" },
	{ web_global_actions, "protection of web sites" },
	{ web_cache_actions, "protection of web sites" },
	{ web_check_actions, "protection of web sites" },
	{ web_log_actions, "logs" },
	{ scene_actions, "scene policies" },
	{ scheduler_actions, "scheduling rules" },
	{ scheduler_list_actions, "scheduling rules" },
	{ blackhole_actions, "blackhole" },
	{ attack_actions, "attacks" },
	{ attack_source_actions, "attacks" },
	{ visitor_actions, "traffic" },
	{ port_figure_actions, "traffic" },
	{ reason_actions, "traffic" },
	{ explain_actions, "traffic" },
	{ capture_actions, "traffic" },
	{ website_rule_actions, "web sites" },
	{ website_resource_actions, "web sites" },
	{ website_list_actions, "web sites" },
	{ website_https_actions, "web sites" },
	{ website_origin_actions, "web sites" },
	{ website_header_actions, "web sites" },
	{ website_access_actions, "web sites" },
	{ certificate_actions, "certificates" },
	{ web_acme_actions, "certificates" },
	{ node_actions, "nodes" },
	{ operation_actions, "audit and events" },
	{ account_actions, "accounts and keys" },
	{ key_actions, "accounts and keys" },
	{ user_actions, "accounts and keys" },
	{ session_actions, "sessions" },
	{ web_smart_actions, "protection of web sites" },
	{ web_top_actions, "traffic" },
	{ web_series_actions, "traffic" },
	{ web_log_query_actions, "logs" },
	{ live_actions, "traffic" },
	{ api_call_actions, "calls and errors" },
	{ error_actions, "calls and errors" },
	{ drill_actions, "drills" },
};

static const char *group_of(const struct action *table)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].table == table)
			return groups[i].name;
	}
	return "other";
}

const struct action *action_find(const char *version, const char *name, bool *version_known)
{
	const struct action *const *table, *action;

	*version_known = false;
	for (table = action_tables; *table; table++) {
		for (action = *table; action->name; action++) {
			if (strcmp(action->version, version) != 0)
				continue;
			*version_known = true;
			if (strcmp(action->name, name) == 0)
				return action;
		}
	}
	return NULL;
}

bool action_takes(const struct action *action, const char *key)
{
	const struct param *row;
	size_t length;

	for (row = action->params; row->kind != PARAM_END; row++) {
		length = strlen(row->name);
		if (strncmp(key, row->name, length) != 0)
			continue;
		if (key[length] == '\0' || (key[length] == '.' && row->kind >= PARAM_TEXT_LIST))
			return true;
	}
	return false;
}

static const char *type_name(const struct param *param)
{
	if (param->type)
		return param->type;
	switch (param->kind) {
	case PARAM_INT:
		return "Integer";
	case PARAM_BOOL:
		return "Boolean";
	case PARAM_TEXT_LIST:
	case PARAM_INT_LIST:
	case PARAM_PAIR_LIST:
	case PARAM_OBJECT_LIST:
		return "Array";
	case PARAM_TEXT:
	case PARAM_CHOICE:
	case PARAM_JSON:
	case PARAM_END:
		break;
	}
	return "String";
}

static const char *kind_name(enum param_kind kind)
{
	static const char *const names[] = {
		[PARAM_INT] = "int",
		[PARAM_TEXT] = "text",
		[PARAM_CHOICE] = "choice",
		[PARAM_BOOL] = "bool",
		[PARAM_JSON] = "json",
		[PARAM_TEXT_LIST] = "text-list",
		[PARAM_INT_LIST] = "int-list",
		[PARAM_PAIR_LIST] = "pair-list",
		[PARAM_OBJECT_LIST] = "object-list",
	};

	return names[kind];
}

/* What is taken when the parameter is left out, where that is a value that could be sent. */
static enum err describe_default(json_t *object, const struct param *param)
{
	if (param->kind == PARAM_CHOICE && param->fallback_text)
		return put_text(object, "default", param->fallback_text);
	if (param->kind != PARAM_INT || param->required || param->fallback == 0 ||
		param->fallback < param->min || param->fallback > param->max)
		return OK;
	return put_int(object, "default", param->fallback);
}

static enum err describe_param(json_t *list, const struct param *param)
{
	json_t *object = json_object();

	TRY(add(list, object));
	TRY(put_text(object, "name", param->name));
	TRY(put_text(object, "type", type_name(param)));
	TRY(put_text(object, "kind", kind_name(param->kind)));
	TRY(put(object, "required", json_boolean(param->required)));
	TRY(put_int(object, "min", param->min));
	TRY(put_int(object, "max", param->max));
	TRY(put_text(object, "choices", param->choices));
	if (param->item_max > 0) {
		TRY(put_int(object, "itemMin", param->item_min));
		TRY(put_int(object, "itemMax", param->item_max));
	}
	if (param->shape)
		TRY(put_text(object, "shape", param->shape));
	TRY(describe_default(object, param));
	return put_text(object, "help", param->help);
}

static enum err describe_action(json_t *list, const struct action *action, const char *group)
{
	json_t *object = json_object(), *parameters, *lists;
	const struct reply_list *row;
	const struct param *param;

	TRY(add(list, object));
	TRY(put_text(object, "version", action->version));
	TRY(put_text(object, "name", action->name));
	TRY(put_text(object, "group", group));
	TRY(put_text(object, "mode", action->mode == WRITE ? "write" : "read"));
	TRY(put_text(object, "permission", permission_name(action->permission)));
	TRY(put_text(object, "summary", action->summary));
	TRY(put(object, "signed", json_boolean(!action->is_open)));
	if (action->calls_per_second > 0)
		TRY(put_int(object, "callsPerSecond", action->calls_per_second));
	TRY(put_list(object, "parameters", &parameters));
	for (param = action->params; param->kind != PARAM_END; param++)
		TRY(describe_param(parameters, param));
	TRY(put_object(object, "lists", &lists));
	for (row = action->lists; row && row->list; row++)
		TRY(put_text(lists, row->list, row->item));
	return OK;
}

json_t *action_describe(void)
{
	const struct action *const *table, *action;
	json_t *list = json_array();

	for (table = action_tables; *table; table++) {
		const char *group = group_of(*table);

		for (action = *table; action->name; action++) {
			if (describe_action(list, action, group) != OK) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}
