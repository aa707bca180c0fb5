/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the actions on the protection of web sites share. A policy is a document: what an action changed is found by
 * comparing the old one and the new one member by member, so that no action can forget to tell the audit log.
 */
#include "control/actions/web.h"

#include <string.h>

#include "base/clock.h"
#include "control/actions/json_param.h"
#include "control/engine/publish_site.h"

const struct param web_domain_params[] = {
	PARAM_DOMAIN(web_domain, .required = true),
	PARAM_RESOURCE_GROUP(web_domain),
	PARAM_ROW_END,
};
const struct param web_domains_params[] = {
	PARAM_DOMAINS(web_domains, .required = true),
	PARAM_RESOURCE_GROUP(web_domains),
	PARAM_ROW_END,
};

enum err call_web(
	struct call *call, const char *domain, struct website *website, struct web_policy *policy)
{
	TRY(call_website(call, domain, website));
	return web_policy_load(call->db, call->mem, website->number, policy);
}

/* ---- policies */

static enum err parse(const char *text, json_t **out)
{
	*out = text[0] ? json_loads(text, 0, NULL) : json_object();
	return *out ? OK : ERR_MEMORY;
}

/* What is in force, with all its members. */
static enum err load_document(struct call *call, const struct website *website, json_t **out)
{
	struct web_policy policy;
	const char *text;

	TRY(web_policy_load(call->db, call->mem, website->number, &policy));
	TRY(web_policy_format(call->mem, &policy, &text));
	return parse(text, out);
}

static enum err record_difference(
	struct call *call, const json_t *old, const json_t *new, bool *out_differs)
{
	json_t *old_entity, *new_entity, *value;
	const char *key;

	*out_differs = false;
	TRY(call_change(call, &old_entity, &new_entity));
	json_object_foreach((json_t *)(uintptr_t) new, key, value)
	{
		json_t *before = json_object_get(old, key);

		if (json_equal(before, value))
			continue;
		*out_differs = true;
		if (json_object_set(old_entity, key, before) != 0 ||
			json_object_set(new_entity, key, value) != 0)
			return ERR_MEMORY;
	}
	return OK;
}

enum err web_store(
	struct call *call, const struct website *website, const struct web_policy *policy)
{
	AUTO(json) json_t *old = NULL;
	AUTO(json) json_t *new = NULL;
	const char *text;
	bool differs;

	TRY(load_document(call, website, &old));
	TRY(web_policy_format(call->mem, policy, &text));
	TRY(parse(text, &new));
	TRY(record_difference(call, old, new, &differs));
	return differs ? web_policy_put(call->db, call->mem, website, policy) : OK;
}

enum err web_enhanced(struct call *call, const struct website *website, bool *out)
{
	*out = true;
	for (size_t i = 0; i < website->instance_count && *out; i++) {
		struct instance instance;

		TRY(instance_load_number(
			call->db, call->mem, website->instance[i].number, &instance));
		*out = instance.plan.function_version == 1;
	}
	return OK;
}

enum err web_enhanced_only(struct call *call, const struct website *website)
{
	bool enhanced;

	TRY(web_enhanced(call, website, &enhanced));
	return enhanced ? OK : ERR_ENHANCED_ONLY;
}

enum err web_refused(struct call *call, const char *parameter, int index,
	const struct web_reader *reader, enum err err)
{
	if (err == OK || err == ERR_MEMORY)
		return err;
	if (index < 0)
		return refuse(call, err, "%s.%s", parameter, reader->why);
	return refuse(call, err, "%s[%d].%s", parameter, index, reader->why);
}

enum err web_config_switch(struct call *call, const char *config, const char *keys, bool *out)
{
	AUTO(json) json_t *json = NULL;
	struct json_element element;
	int64_t value = -1;
	const char *key;
	json_t *member;

	TRY(json_param_object(call, "Config", config, keys, &json, &element));
	json_object_foreach(json, key, member)
	{
		TRY(json_param_int(call, &element, key, true, &value));
		if (value != 0 && value != 1)
			return refuse(
				call, ERR_INVALID_PARAMETER, "Config.%s must be 0 or 1.", key);
	}
	if (value < 0)
		return refuse(call, ERR_MISSING_PARAMETER, "Config.%.*s is mandatory.",
			(int)strcspn(keys, " "), keys);
	*out = value == 1;
	return OK;
}

/* ---- rules */

/* Several rules of one call are members of the change, by their names. */
static enum err record_rule(struct call *call, const char *name, const char *old, const char *new)
{
	AUTO(json) json_t *before = NULL;
	AUTO(json) json_t *after = NULL;

	if (!call->change) {
		json_t *old_entity, *new_entity;

		TRY(call_change(call, &old_entity, &new_entity));
	}
	TRY(parse(old, &before));
	TRY(parse(new, &after));
	json_t *old_entity = json_object_get(call->change, "oldEntity");
	json_t *new_entity = json_object_get(call->change, "newEntity");

	if (old[0] && json_object_set(old_entity, name, before) != 0)
		return ERR_MEMORY;
	return !new[0] || json_object_set(new_entity, name, after) == 0 ? OK : ERR_MEMORY;
}

enum err web_rule_store(struct call *call, const struct website *website, enum web_rule_kind kind,
	const char *name, const json_t *json, int64_t until_ms)
{
	struct website_rule old = { .json = "" };
	struct website_rule rule = { .kind = web_rule_kind_name(kind),
		.name = name,
		.owner = "manual",
		.until_ms = until_ms,
		.enabled = true };
	enum err err = web_rule_load(
		call->db, call->mem, website->number, rule.kind, name, call->clock_ms, &old);

	if (err != OK && err != ERR_WEBSITE_RULE_NOT_FOUND)
		return err;
	TRY(web_dump(call->mem, json, &rule.json));
	TRY(record_rule(call, name, old.json, rule.json));
	if (err == OK && strcmp(old.json, rule.json) == 0 && old.until_ms == rule.until_ms)
		return OK;
	return website_rule_put(call->db, website, &rule);
}

enum err web_rules_check(struct call *call, const struct website *website, enum web_rule_kind kind,
	enum web_rule_kind also, int64_t most)
{
	struct website_rule *rows;
	size_t count, others = 0;
	bool fits;

	TRY(web_rule_list(call->db, call->mem, website->number, web_rule_kind_name(kind),
		call->clock_ms, &rows, &count));
	if (also != kind)
		TRY(web_rule_list(call->db, call->mem, website->number, web_rule_kind_name(also),
			call->clock_ms, &rows, &others));
	if ((int64_t)(count + others) > most)
		return refuse(call, ERR_WEBSITE_RULE_LIMIT,
			"The domain can have at most %lld rules of this kind.", (long long)most);
	TRY(site_policy_fits(call->db, call->mem, website, &fits));
	if (!fits)
		return refuse(call, ERR_WEBSITE_RULE_LIMIT,
			"The rules of the domain are larger than what a node takes. Use fewer or "
			"shorter contents.");
	return OK;
}

enum err web_rules_remove(struct call *call, const struct website *website, enum web_rule_kind kind,
	const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct website_rule old = { .json = "" };
		const char *kind_name = web_rule_kind_name(kind);
		bool changed;
		enum err err = web_rule_load(call->db, call->mem, website->number, kind_name,
			names[i], call->clock_ms, &old);

		if (err != OK && err != ERR_WEBSITE_RULE_NOT_FOUND)
			return err;
		TRY(record_rule(call, names[i], old.json, ""));
		TRY(website_rule_delete(call->db, website, kind_name, names[i], &changed));
	}
	return OK;
}

int64_t web_until(const struct call *call, int64_t seconds)
{
	return seconds == 0 ? INT64_MAX : call->clock_ms + seconds * SECOND_MS;
}

static enum err put_condition(json_t *list, const struct web_condition *condition)
{
	json_t *item = json_object(), *values;

	TRY(add(list, item));
	TRY(put_text(item, "Field", web_field_name(condition->field)));
	TRY(put_text(item, "MatchMethod", web_method_name(condition->method)));
	TRY(put_text(item, "HeaderName", condition->header));
	TRY(put_text(item, "Content", condition->content));
	TRY(put_list(item, "ContentList", &values));
	for (size_t i = 0; i < condition->value_count; i++)
		TRY(add(values, json_string(condition->value[i])));
	return OK;
}

enum err web_put_conditions(json_t *object, const char *name, const struct web_rule *rule)
{
	json_t *list;

	TRY(put_list(object, name, &list));
	for (size_t i = 0; i < rule->condition_count; i++)
		TRY(put_condition(list, &rule->condition[i]));
	return OK;
}
