/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shipped rules of a web site: the level, which says what rules there are, and for each rule an action and a switch
 * that go before the level.
 */
#include <string.h>

#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

#define ATTRIBUTE_BYTES 8192 /* of all rules */
#define CONFIG_BYTES	1024

struct rule {
	const char *domain, *attributes;
};
static const struct param rule_params[] = {
	PARAM_DOMAIN(rule, .required = true),
	PARAM(rule, attributes, "RuleAttr", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = ATTRIBUTE_BYTES, .type = "String",
		.shape = "[{RuleId: text(64), Action: block|watch|challenge, Enabled: "
			 "0..1}]1.." SHAPE_NUMBER(GLOBAL_RULE_MAX),
		.help = "shipped rules and what they do"),
	PARAM_ROW_END,
};

static enum err read_attribute(struct call *call, const json_t *array, size_t index,
	size_t *out_row, struct global_choice *out)
{
	struct json_element element;
	const char *id, *action;
	int64_t enabled = 0;

	TRY(json_param_element(call, "RuleAttr", array, index, "RuleId Action Enabled", &element));
	TRY(json_param_text(call, &element, "RuleId", 64, true, &id));
	TRY(json_param_text(call, &element, "Action", 16, true, &action));
	TRY(json_param_int(call, &element, "Enabled", true, &enabled));
	if (!global_rule_find(id, out_row))
		return refuse(call, ERR_WEBSITE_RULE_NOT_FOUND, "%sRuleId: there is no rule %s.",
			element.where, id);
	if (enabled != 0 && enabled != 1)
		return refuse(
			call, ERR_INVALID_PARAMETER, "%sEnabled must be 0 or 1.", element.where);
	out->enabled = enabled == 1;
	for (unsigned a = RULE_WATCH; a <= RULE_CHALLENGE; a++) {
		out->action = (enum rule_action)a;
		if (a != RULE_ACCEPT && strcmp(web_action_name(out->action), action) == 0)
			return OK;
	}
	return refuse(call, ERR_INVALID_PARAMETER,
		"%sAction must be one of: block watch challenge.", element.where);
}

static enum err record_choice(json_t *entity, size_t row, const struct global_choice *choice)
{
	char id[GLOBAL_RULE_ID_SIZE];

	global_rule_id(row, id);
	return put(entity, id,
		json_pack("{s:s, s:b}", "action", web_action_name(choice->action), "enabled",
			choice->enabled));
}

/* The same choice again changes nothing at nodes. */
static enum err put_choice(struct call *call, const struct website *website, size_t row,
	struct global_choice *old, const struct global_choice *wanted)
{
	if (old->chosen && old->enabled == wanted->enabled && old->action == wanted->action)
		return OK;
	*old = *wanted;
	old->chosen = true;
	return global_choice_put(call->db, call->mem, website, row, wanted);
}

static enum err rule_run(struct call *call, const void *raw)
{
	const struct rule *args = raw;
	AUTO(json) json_t *array = NULL;
	struct global_choice choice[GLOBAL_RULE_MAX] = { 0 };
	json_t *old_entity, *new_entity;
	struct web_policy policy;
	struct website website;

	TRY(json_param_parse(call, "RuleAttr", args->attributes, GLOBAL_RULE_MAX, &array));
	TRY(call_web(call, args->domain, &website, &policy));
	TRY(global_choices_load(call->db, call->mem, website.number, policy.global_level, choice));
	TRY(call_change(call, &old_entity, &new_entity));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct global_choice wanted = { 0 };
		size_t row = 0;

		TRY(read_attribute(call, array, i, &row, &wanted));
		TRY(record_choice(old_entity, row, &choice[row]));
		TRY(record_choice(new_entity, row, &wanted));
		TRY(put_choice(call, &website, row, &choice[row], &wanted));
	}
	return OK;
}

struct describe {
	const char *domain, *language;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe, .required = true),
	PARAM(describe, language, "Lang", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 16,
		.help = "changes nothing: texts are in English"),
	PARAM_ROW_END,
};

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	struct global_choice choice[GLOBAL_RULE_MAX];
	char id[GLOBAL_RULE_ID_SIZE];
	struct web_policy policy;
	struct website website;
	json_t *list;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(global_choices_load(call->db, call->mem, website.number, policy.global_level, choice));
	TRY(put_list(call->reply, "GlobalRules", &list));
	for (size_t i = 0; i < global_rule_count(); i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		global_rule_id(i, id);
		TRY(put_text(item, "RuleId", id));
		TRY(put_text(item, "RuleName", global_rule_name(i)));
		TRY(put_text(item, "Description", global_rule_text(i)));
		TRY(put_text(item, "Action", web_action_name(choice[i].action)));
		TRY(put_text(item, "ActionDefault", web_action_name(global_rule_action(i))));
		TRY(put_int(item, "Enabled", choice[i].enabled));
	}
	return OK;
}

/* ---- the level */

struct profile {
	const char *domain, *cluster, *config;
};
static const struct param profile_params[] = {
	PARAM_DOMAIN(profile, .required = true),
	PARAM(profile, cluster, "Cluster", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,
		.help = "changes nothing"),
	PARAM(profile, config, "Config", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = CONFIG_BYTES, .type = "String",
		.shape = "{global_rule_mode?: weak|default|hard, global_rule_enable?: 0..1, "
			 "bwlist_enable?: 0..1}",
		.help = "at least one of level and switches"),
	PARAM_ROW_END,
};

/* Published as a string; real clients send numbers. */
static enum err read_switch(
	struct call *call, const struct json_element *config, const char *key, bool *out)
{
	const json_t *value = json_object_get(config->object, key);
	const char *text = json_string_value(value);
	int64_t number = json_is_integer(value) ? json_integer_value(value) : -1;

	if (!value)
		return OK;
	if (text && (strcmp(text, "0") == 0 || strcmp(text, "1") == 0))
		number = text[0] - '0';
	if (number != 0 && number != 1)
		return refuse(
			call, ERR_INVALID_PARAMETER, "%s%s must be 0 or 1.", config->where, key);
	*out = number == 1;
	return OK;
}

static enum err profile_run(struct call *call, const void *raw)
{
	const struct profile *args = raw;
	AUTO(json) json_t *json = NULL;
	struct json_element config;
	struct web_policy policy;
	struct website website;
	const char *mode;

	TRY(json_param_object(call, "Config", args->config,
		"global_rule_mode global_rule_enable bwlist_enable", &json, &config));
	if (json_object_size(json) == 0)
		return refuse(call, ERR_MISSING_PARAMETER,
			"One of Config.global_rule_mode, Config.global_rule_enable and "
			"Config.bwlist_enable is mandatory.");
	TRY(json_param_text(call, &config, "global_rule_mode", 16, false, &mode));
	TRY(call_web(call, args->domain, &website, &policy));
	if (mode && !web_level_from_name(mode, &policy.global_level))
		return refuse(call, ERR_INVALID_PARAMETER,
			"Config.global_rule_mode must be one of: weak default hard.");
	TRY(read_switch(call, &config, "global_rule_enable", &policy.global_on));
	TRY(read_switch(call, &config, "bwlist_enable", &policy.lists_on));
	return web_store(call, &website, &policy);
}

static const struct param describe_profile_params[] = {
	PARAM_DOMAIN(profile, .required = true),
	PARAM_ROW_END,
};

static enum err describe_profile_run(struct call *call, const void *raw)
{
	const struct profile *args = raw;
	struct web_policy policy;
	struct website website;
	json_t *list;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(put_list(call->reply, "Result", &list));
	return add(list, json_pack("{s:b, s:s}", "GlobalEnable", policy.global_on, "GlobalMode",
				 web_level_name(policy.global_level)));
}

static const struct reply_list rule_lists[] = { { "GlobalRules", NULL }, { NULL, NULL } };
static const struct reply_list profile_lists[] = { { "Result", "data" }, { NULL, NULL } };

const struct action web_global_actions[] = {
	{ VERSION_DDOSCOO, "ConfigL7GlobalRule", WRITE, PERMISSION_FULL, rule_params,
		sizeof(struct rule), rule_run, NULL, "changes what shipped rules do for a web site",
		0 },
	{ VERSION_DDOSCOO, "DescribeL7GlobalRule", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, rule_lists,
		"shows the shipped rules and what they do for a web site", 0 },
	{ VERSION_DDOSCOO, "ConfigDomainSecurityProfile", WRITE, PERMISSION_FULL, profile_params,
		sizeof(struct profile), profile_run, NULL,
		"sets the level of the shipped rules for a web site", 0 },
	{ VERSION_DDOSCOO, "DescribeDomainSecurityProfile", READ, PERMISSION_READ,
		describe_profile_params, sizeof(struct profile), describe_profile_run,
		profile_lists, "shows the level of the shipped rules for a web site", 0 },
	{ 0 },
};
