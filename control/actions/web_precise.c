/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Precise access rules of a web site. A rule that is there keeps its place when it is put again: rules are asked in the
 * order in which they were first made. Expires is for rules that block (published); nodes end it by themselves.
 */
#include <string.h>

#include "base/clock.h"
#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

#define RULES_BYTES	 65536 /* of a list of rules */

#define NAME_SHAPE	 "text(" SHAPE_NUMBER(WEB_NAME_MAX) ")"
#define CONDITIONS_SHAPE "[" WEB_CONDITION_SHAPE "]1.." SHAPE_NUMBER(WEB_CONDITION_MAX)
#define RULES_SHAPE	 "]1.." SHAPE_NUMBER(WEB_PRECISE_MAX)

struct modify {
	const char *domain, *resource_group, *rules;
	int64_t expires;
};
static const struct param modify_params[] = {
	PARAM_DOMAIN(modify, .required = true),
	PARAM_RESOURCE_GROUP(modify),
	PARAM(modify, rules, "Rules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = RULES_BYTES, .type = "String",
		.shape = "[{name: " NAME_SHAPE ", action: watch|accept|block|challenge, "
			 "condition: " CONDITIONS_SHAPE "}" RULES_SHAPE,
		.help = "rules; one of the same name is replaced"),
	PARAM(modify, expires, "Expires", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = WEB_EXPIRES_SECONDS_MAX,
		.help = "seconds after which the rules end, if they block; 0: never"),
	PARAM_ROW_END,
};

static enum err check_plan(
	struct call *call, const struct web_rule *rule, bool enhanced, size_t index)
{
	const char *field;

	if (enhanced || web_rule_standard(rule, &field))
		return OK;
	return refuse(call, ERR_ENHANCED_ONLY,
		"Rules[%zu]: the field %s needs instances with the enhanced function plan.", index,
		field);
}

static enum err put_rule(struct call *call, const struct website *website, const json_t *array,
	size_t index, bool enhanced, int64_t expires)
{
	struct web_reader reader = { .mem = call->mem };
	AUTO(json) json_t *json = NULL;
	struct web_rule rule;

	TRY(web_refused(call, "Rules", (int)index, &reader,
		web_rule_read(&reader, WEB_RULE_PRECISE, json_array_get(array, index), &rule)));
	TRY(check_plan(call, &rule, enhanced, index));
	if (expires && rule.action != RULE_BLOCK)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Expires is for rules whose action is block only.");
	json = web_rule_json(&rule);
	if (!json)
		return ERR_MEMORY;
	return web_rule_store(
		call, website, WEB_RULE_PRECISE, rule.name, json, web_until(call, expires));
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify *args = raw;
	AUTO(json) json_t *array = NULL;
	struct website website;
	bool enhanced;

	TRY(json_param_parse(call, "Rules", args->rules, WEB_PRECISE_MAX, &array));
	TRY(call_website(call, args->domain, &website));
	TRY(web_enhanced(call, &website, &enhanced));
	for (size_t i = 0; i < json_array_size(array); i++)
		TRY(put_rule(call, &website, array, i, enhanced, args->expires));
	return web_rules_check(call, &website, WEB_RULE_PRECISE, WEB_RULE_PRECISE,
		enhanced ? WEB_PRECISE_MAX : WEB_PRECISE_STANDARD);
}

struct delete
{
	const char *domain, *resource_group;
	struct text_list names;
};
static const struct param delete_params[] = {
	PARAM_DOMAIN(delete, .required = true),
	PARAM_RESOURCE_GROUP(delete),
	PARAM(delete, names, "RuleNames", .kind = PARAM_TEXT_LIST, .required = true,
		.max = WEB_PRECISE_MAX, .item_max = WEB_NAME_MAX, .help = "rules to delete"),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct delete *args = raw;
	struct website website;

	TRY(call_website(call, args->domain, &website));
	return web_rules_remove(
		call, &website, WEB_RULE_PRECISE, args->names.item, args->names.count);
}

/* ---- showing */

struct describe {
	struct text_list domains;
	const char *resource_group, *owner;
};
static const struct param describe_params[] = {
	PARAM_DOMAINS(describe, .required = true),
	PARAM_RESOURCE_GROUP(describe),
	PARAM(describe, owner, "Owner", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = "manual clover", .fallback_text = "manual",
		.help = "rules that a person made, or that were made by themselves"),
	PARAM_ROW_END,
};

/* Expires is what is left, rounded up: it tells when as well as how long; ExpirePeriod is the moment. */
static enum err put_rule_item(struct call *call, json_t *list, const struct website_rule *row)
{
	struct web_reader reader = { .mem = call->mem };
	AUTO(json) json_t *json = json_loads(row->json, 0, NULL);
	bool ends = row->until_ms != INT64_MAX;
	json_t *item = json_object();
	struct web_rule rule;

	TRY(add(list, item));
	if (!json)
		return ERR_MEMORY;
	TRY(web_rule_read(&reader, WEB_RULE_PRECISE, json, &rule));
	TRY(put_text(item, "Name", row->name));
	TRY(put_text(item, "Action", web_action_name(rule.action)));
	TRY(put_text(item, "Owner", row->owner));
	TRY(put_int(item, "Expires",
		ends ? (row->until_ms - call->clock_ms + SECOND_MS - 1) / SECOND_MS : 0));
	TRY(put_int(item, "ExpirePeriod", ends ? row->until_ms / SECOND_MS : 0));
	return web_put_conditions(item, "ConditionList", &rule);
}

static enum err put_rules(
	struct call *call, json_t *list, const struct website *website, const char *owner)
{
	struct website_rule *rows;
	size_t count;

	TRY(web_rule_list(call->db, call->mem, website->number,
		web_rule_kind_name(WEB_RULE_PRECISE), call->clock_ms, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].owner, owner) == 0)
			TRY(put_rule_item(call, list, &rows[i]));
	}
	return OK;
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	struct website *website;
	json_t *configs, *list;
	size_t count;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "PreciseAccessConfigList", &configs));
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_object();

		TRY(add(configs, item));
		TRY(put_text(item, "Domain", website[i].domain));
		TRY(put_list(item, "RuleList", &list));
		TRY(put_rules(call, list, &website[i], args->owner));
	}
	return OK;
}

static const struct reply_list describe_lists[] = {
	{ "PreciseAccessConfigList", "PreciseAccessConfig" },
	{ "RuleList", "Rule" },
	{ "ConditionList", "Condition" },
	{ "ContentList", "ContentList" },
	{ NULL, NULL },
};

const struct action web_precise_actions[] = {
	{ VERSION_DDOSCOO, "ModifyWebPreciseAccessRule", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify), modify_run, NULL,
		"makes or replaces precise access rules of a web site", 0 },
	{ VERSION_DDOSCOO, "DeleteWebPreciseAccessRule", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct delete), delete_run, NULL,
		"deletes precise access rules of a web site", 0 },
	{ VERSION_DDOSCOO, "DescribeWebPreciseAccessRule", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"shows precise access rules of web sites", 0 },
	{ 0 },
};
