/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules <-> JSON. Version 1 is a subset of version 2 with other names, kept as it was asked for.
 */
#include "control/model/web_rule.h"

#include <string.h>

static const char *const kind_names[] = { "precise", "cc", "cc_v2", "smart", "cache" };
static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == WEB_RULE_KIND_COUNT, "one for each");
/* In the order of enum rule_action. */
static const char action_names[] = "watch accept block challenge";
static const char *const actions[] = { "watch", "accept", "block", "challenge" };
static const char distinct_names[] = "ip header uri";
static const char *const distincts[] = { "ip", "header", "uri" };

const char *web_rule_kind_name(enum web_rule_kind kind)
{
	return kind_names[kind];
}

const char *web_action_name(enum rule_action action)
{
	return actions[action];
}

const char *web_distinct_name(enum web_distinct field)
{
	return distincts[field];
}

/* ---- reading */

static enum err read_conditions(struct web_reader *reader, const struct web_object *object,
	size_t least, struct web_rule *out)
{
	const json_t *list;
	size_t steps = 0;

	if (least == 0 && !json_object_get(object->json, "condition"))
		return OK;
	TRY(web_array(reader, object, "condition", least, WEB_CONDITION_MAX, &list));
	out->condition = arena_array(reader->mem, json_array_size(list), sizeof(*out->condition));
	if (!out->condition)
		return ERR_MEMORY;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *where = arena_print(reader->mem, "%scondition[%zu].", object->where, i);

		if (!where)
			return ERR_MEMORY;
		TRY(web_condition_read(reader, json_array_get(list, i), where, &out->condition[i]));
		out->condition_count++;
		steps += web_condition_steps(&out->condition[i]);
	}
	if (steps > WEB_STEPS_MAX)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%scondition can have at most %d values in all.", object->where,
			WEB_STEPS_MAX);
	return OK;
}

/* A header's name under key: wanted and valid, or not wanted and absent. */
static enum err read_header(struct web_reader *reader, const struct web_object *object,
	const char *key, bool wanted, const char **out)
{
	TRY(web_text(reader, object, key, 0, WEB_HEADER_MAX, out));
	if (wanted && !(*out)[0])
		return web_refuse(
			reader, ERR_MISSING_PARAMETER, "%s%s is mandatory.", object->where, key);
	if ((*out)[0] && !web_header_valid(*out))
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%s%s is no name of a header.",
			object->where, key);
	if (!wanted && (*out)[0])
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%s%s is for what is counted by header only.", object->where, key);
	return OK;
}

static enum err read_rate(
	struct web_reader *reader, const struct web_object *rule, struct web_rule *out)
{
	struct web_object object;
	unsigned target;

	out->rate.header = "";
	TRY(web_member(reader, rule, "ratelimit", "interval ttl threshold subkey target", &object));
	if (!object.json)
		return OK;
	out->rate.given = true;
	TRY(web_int(reader, &object, "interval", WEB_INTERVAL_MIN, WEB_INTERVAL_MAX,
		&out->rate.interval));
	TRY(web_int(reader, &object, "ttl", WEB_TTL_MIN, WEB_TTL_MAX, &out->rate.ttl));
	TRY(web_int(reader, &object, "threshold", WEB_THRESHOLD_MIN, WEB_THRESHOLD_MAX,
		&out->rate.threshold));
	TRY(web_choice(reader, &object, "target", "ip header", &target));
	out->rate.by_header = target == 1;
	return read_header(reader, &object, "subkey", out->rate.by_header, &out->rate.header);
}

static enum err read_status(
	struct web_reader *reader, const struct web_object *rule, struct web_rule *out)
{
	struct web_object object;

	TRY(web_member(reader, rule, "status_code",
		"enabled code use_ratio ratio_threshold count_threshold", &object));
	if (!object.json)
		return OK;
	out->status.given = true;
	TRY(web_bool(reader, &object, "enabled", &out->status.enabled));
	TRY(web_bool(reader, &object, "use_ratio", &out->status.use_ratio));
	if (!out->status.enabled) {
		TRY(web_optional_int(reader, &object, "code", 0, 599, &out->status.code));
		TRY(web_optional_int(
			reader, &object, "ratio_threshold", 0, 100, &out->status.ratio));
		return web_optional_int(reader, &object, "count_threshold", 0, WEB_THRESHOLD_MAX,
			&out->status.count);
	}
	TRY(web_int(reader, &object, "code", 100, 599, &out->status.code));
	TRY(web_optional_int(reader, &object, "ratio_threshold", 1, 100, &out->status.ratio));
	TRY(web_optional_int(reader, &object, "count_threshold", WEB_THRESHOLD_MIN,
		WEB_THRESHOLD_MAX, &out->status.count));
	if (!(out->status.use_ratio ? out->status.ratio : out->status.count))
		return web_refuse(reader, ERR_MISSING_PARAMETER, "%s%s is mandatory.", object.where,
			out->status.use_ratio ? "ratio_threshold" : "count_threshold");
	if (!out->rate.given)
		return web_refuse(reader, ERR_MISSING_PARAMETER,
			"%sratelimit is mandatory with status_code.", rule->where);
	return OK;
}

static enum err read_statistics(
	struct web_reader *reader, const struct web_object *rule, struct web_rule *out)
{
	struct web_object object;
	unsigned mode, field = WEB_DISTINCT_IP;

	out->statistics.header = "";
	TRY(web_member(reader, rule, "statistics", "mode field header_name", &object));
	if (!object.json)
		return OK;
	out->statistics.given = true;
	TRY(web_choice(reader, &object, "mode", "count distinct", &mode));
	out->statistics.distinct = mode == 1;
	/* Counting needs no field, though it is published as one that there must be. */
	if (out->statistics.distinct || json_object_get(object.json, "field"))
		TRY(web_choice(reader, &object, "field", distinct_names, &field));
	out->statistics.field = (enum web_distinct)field;
	TRY(read_header(reader, &object, "header_name", field == WEB_DISTINCT_HEADER,
		&out->statistics.header));
	if (out->statistics.distinct && !out->rate.given)
		return web_refuse(reader, ERR_MISSING_PARAMETER,
			"%sratelimit is mandatory with statistics.", rule->where);
	return OK;
}

/* A rule is a row of lists and of logs: no control characters. */
static enum err read_name(
	struct web_reader *reader, const struct web_object *object, const char **out)
{
	TRY(web_text(reader, object, "name", 1, WEB_NAME_MAX, out));
	for (const char *at = *out; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return web_refuse(reader, ERR_INVALID_PARAMETER,
				"%sname has control characters.", object->where);
	}
	return OK;
}

static enum err read_precise(
	struct web_reader *reader, const struct web_object *object, struct web_rule *out)
{
	out->rate.header = out->statistics.header = "";
	return read_conditions(reader, object, 1, out);
}

static enum err read_frequency(
	struct web_reader *reader, const struct web_object *object, struct web_rule *out)
{
	if (out->action == RULE_ACCEPT)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%saction must be one of: block challenge watch.", object->where);
	TRY(read_rate(reader, object, out));
	TRY(read_status(reader, object, out));
	TRY(read_statistics(reader, object, out));
	/* What has neither would refuse everything. */
	return read_conditions(reader, object, out->rate.given ? 0 : 1, out);
}

enum err web_rule_read(struct web_reader *reader, enum web_rule_kind kind, const json_t *json,
	struct web_rule *out)
{
	struct web_object object;
	unsigned action;

	*out = (struct web_rule){ .name = "" };
	if (kind == WEB_RULE_CC) {
		struct web_cc cc;

		TRY(web_cc_read(reader, json, &cc));
		return web_cc_rule(reader->mem, &cc, out);
	}
	TRY(web_object(reader, json, "",
		kind == WEB_RULE_PRECISE ? "name action condition"
					 : "name action condition ratelimit status_code statistics",
		&object));
	TRY(read_name(reader, &object, &out->name));
	TRY(web_choice(reader, &object, "action", action_names, &action));
	out->action = (enum rule_action)action;
	return kind == WEB_RULE_PRECISE ? read_precise(reader, &object, out)
					: read_frequency(reader, &object, out);
}

bool web_rule_standard(const struct web_rule *rule, const char **out_field)
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		*out_field = web_field_name(rule->condition[i].field);
		if (!web_field_standard(rule->condition[i].field))
			return false;
	}
	*out_field = "";
	return true;
}

/* ---- writing */

static json_t *rate_json(const struct web_rule *rule)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:s}", "interval", (json_int_t)rule->rate.interval,
		"ttl", (json_int_t)rule->rate.ttl, "threshold", (json_int_t)rule->rate.threshold,
		"target", rule->rate.by_header ? "header" : "ip", "subkey", rule->rate.header);
}

static json_t *status_json(const struct web_rule *rule)
{
	json_t *json = json_pack("{s:b, s:I, s:b}", "enabled", rule->status.enabled, "code",
		(json_int_t)rule->status.code, "use_ratio", rule->status.use_ratio);
	enum err err = json ? OK : ERR_MEMORY;

	if (err == OK && rule->status.ratio)
		err = web_put(json, "ratio_threshold", json_integer(rule->status.ratio));
	if (err == OK && rule->status.count)
		err = web_put(json, "count_threshold", json_integer(rule->status.count));
	if (err == OK)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *statistics_json(const struct web_rule *rule)
{
	return json_pack("{s:s, s:s, s:s}", "mode",
		rule->statistics.distinct ? "distinct" : "count", "field",
		distincts[rule->statistics.field], "header_name", rule->statistics.header);
}

static enum err fill_json(json_t *json, const struct web_rule *rule)
{
	json_t *list = json_array();

	TRY(web_put(json, "condition", list));
	for (size_t i = 0; i < rule->condition_count; i++)
		TRY(web_append(list, web_condition_json(&rule->condition[i])));
	if (rule->rate.given)
		TRY(web_put(json, "ratelimit", rate_json(rule)));
	if (rule->status.given)
		TRY(web_put(json, "status_code", status_json(rule)));
	if (rule->statistics.given)
		TRY(web_put(json, "statistics", statistics_json(rule)));
	return OK;
}

json_t *web_rule_json(const struct web_rule *rule)
{
	json_t *json = json_pack("{s:s, s:s}", "name", rule->name, "action", actions[rule->action]);

	if (json && fill_json(json, rule) == OK)
		return json;
	json_decref(json);
	return NULL;
}

/* ---- version 1 */

enum err web_cc_read(struct web_reader *reader, const json_t *json, struct web_cc *out)
{
	struct web_object object;
	unsigned mode, act;

	*out = (struct web_cc){ .name = "", .uri = "" };
	TRY(web_object(reader, json, "", "name uri mode interval count ttl act", &object));
	TRY(read_name(reader, &object, &out->name));
	TRY(web_text(reader, &object, "uri", 1, WEB_CONTENT_MAX, &out->uri));
	TRY(web_choice(reader, &object, "mode", "prefix match", &mode));
	TRY(web_choice(reader, &object, "act", "close captcha", &act));
	TRY(web_int(
		reader, &object, "interval", WEB_INTERVAL_MIN, WEB_INTERVAL_MAX, &out->interval));
	TRY(web_int(reader, &object, "count", WEB_THRESHOLD_MIN, WEB_CC_COUNT_MAX, &out->count));
	TRY(web_int(reader, &object, "ttl", WEB_TTL_MIN, WEB_TTL_MAX, &out->ttl));
	out->exact = mode == 1;
	out->captcha = act == 1;
	if (out->uri[0] != '/')
		return web_refuse(reader, ERR_INVALID_PARAMETER, "uri must begin with '/'.");
	if (out->exact && strchr(out->uri, '?'))
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"mode must be prefix when uri has parameters.");
	return OK;
}

json_t *web_cc_json(const struct web_cc *cc)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "name", cc->name, "uri", cc->uri,
		"mode", cc->exact ? "match" : "prefix", "interval", (json_int_t)cc->interval,
		"count", (json_int_t)cc->count, "ttl", (json_int_t)cc->ttl, "act",
		cc->captcha ? "captcha" : "close");
}

enum err web_cc_rule(struct arena *mem, const struct web_cc *cc, struct web_rule *out)
{
	struct web_condition *condition = arena_take(mem, sizeof(*condition));

	if (!condition)
		return ERR_MEMORY;
	*condition = (struct web_condition){ .field = WEB_uri,
		.method = cc->exact ? METHOD_EQUAL : METHOD_PREFIX,
		.header = "",
		.content = cc->uri };
	*out = (struct web_rule){ .name = cc->name,
		.action = cc->captcha ? RULE_CHALLENGE : RULE_BLOCK,
		.condition = condition,
		.condition_count = 1,
		.statistics = { .header = "" } };
	out->rate.given = true;
	out->rate.header = "";
	out->rate.interval = cc->interval;
	out->rate.threshold = cc->count;
	out->rate.ttl = cc->ttl;
	return OK;
}
