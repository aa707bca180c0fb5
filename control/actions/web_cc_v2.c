/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Custom frequency rules of version 2, and those that were made by themselves ("clover").
 */
#include <string.h>

#include "base/clock.h"
#include "base/json_array.h"
#include "base/text.h"
#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

#define RULES_BYTES 65536 /* of a list of rules */
#define NAMES_BYTES 16384
#define PAGE_MAX    20 /* published */
#define OFFSET_MAX  10000

#define RULES_SHAPE                                                                                \
	"[{name: text(" SHAPE_NUMBER(                                                              \
		WEB_NAME_MAX) "), action: watch|block|challenge, "                                 \
			      "condition?: [" WEB_CONDITION_SHAPE "]0.." SHAPE_NUMBER(             \
				      WEB_CONDITION_MAX) ", ratelimit?: {interval: 5..10800, "     \
							 "ttl: 60..86400, threshold: 2..50000, "   \
							 "target: ip|header, subkey?: text(64)}, " \
							 "status_code?: {enabled: bool, "          \
							 "use_ratio: bool, code?: 0..599, "        \
							 "ratio_threshold?: 0..100, "              \
							 "count_threshold?: 0..50000}, "           \
							 "statistics?: {mode: count|distinct, "    \
							 "field?: ip|header|uri, header_name?: "   \
							 "text(64)}}]1.." SHAPE_NUMBER(WEB_CC_MAX)

struct config {
	const char *domain, *rules;
	int64_t expires;
};
static const struct param config_params[] = {
	PARAM_DOMAIN(config, .required = true),
	PARAM(config, rules, "RuleList", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = RULES_BYTES, .type = "String", .shape = RULES_SHAPE,
		.help = "rules; one of the same name is replaced"),
	PARAM(config, expires, "Expires", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = WEB_EXPIRES_SECONDS_MAX, .type = "Long",
		.help = "seconds after which the rules end; 0: never"),
	PARAM_ROW_END,
};

static enum err put_rule(struct call *call, const struct website *website, const json_t *array,
	size_t index, bool enhanced, int64_t expires)
{
	struct web_reader reader = { .mem = call->mem };
	AUTO(json) json_t *json = NULL;
	struct web_rule rule;
	const char *field;

	TRY(web_refused(call, "RuleList", (int)index, &reader,
		web_rule_read(&reader, WEB_RULE_CC_V2, json_array_get(array, index), &rule)));
	if (!enhanced && !web_rule_standard(&rule, &field))
		return refuse(call, ERR_ENHANCED_ONLY,
			"RuleList[%zu]: the field %s needs instances with the enhanced function "
			"plan.",
			index, field);
	json = web_rule_json(&rule);
	if (!json)
		return ERR_MEMORY;
	return web_rule_store(
		call, website, WEB_RULE_CC_V2, rule.name, json, web_until(call, expires));
}

static enum err config_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	AUTO(json) json_t *array = NULL;
	struct website website;
	bool enhanced;

	TRY(json_param_parse(call, "RuleList", args->rules, WEB_CC_MAX, &array));
	TRY(call_website(call, args->domain, &website));
	TRY(web_enhanced(call, &website, &enhanced));
	for (size_t i = 0; i < json_array_size(array); i++)
		TRY(put_rule(call, &website, array, i, enhanced, args->expires));
	return web_rules_check(call, &website, WEB_RULE_CC_V2, WEB_RULE_CC, WEB_CC_MAX);
}

/* ---- deleting */

#define PARAM_OWNER(tag)                                                                           \
	PARAM(tag, owner, "Owner", .kind = PARAM_CHOICE, .empty_is_absent = true,                  \
		.choices = "manual clover", .fallback_text = "manual",                             \
		.help = "rules that a person made, or that were made by themselves")

struct delete
{
	const char *domain, *names, *owner;
};
static const struct param delete_params[] = {
	PARAM_DOMAIN(delete, .required = true),
	PARAM(delete, names, "RuleNames", .kind = PARAM_JSON, .empty_is_absent = true,
		.max = NAMES_BYTES, .type = "String",
		.shape = "[text]1.." SHAPE_NUMBER(WEB_SMART_MAX), .help = "rules to delete"),
	PARAM_OWNER(delete),
	PARAM_ROW_END,
};

static enum web_rule_kind kind_of(const char *owner)
{
	return strcmp(owner, "clover") == 0 ? WEB_RULE_SMART : WEB_RULE_CC_V2;
}

static enum err delete_run(struct call *call, const void *raw)
{
	const struct delete *args = raw;
	struct website website;
	struct text_list names;
	enum err err;

	if (!args->names || !args->names[0])
		return refuse(call, ERR_MISSING_PARAMETER, "RuleNames is mandatory.");
	err = json_plain_array(call->mem, args->names, WEB_SMART_MAX, &names);
	if (err == ERR_FORMAT || err == ERR_LIMIT)
		return refuse(call, ERR_INVALID_PARAMETER,
			"RuleNames must be a JSON array of at most %d names.", WEB_SMART_MAX);
	TRY(err);
	TRY(call_website(call, args->domain, &website));
	return web_rules_remove(call, &website, kind_of(args->owner), names.item, names.count);
}

/* ---- showing */

struct describe {
	const char *domain, *owner;
	int64_t offset, page_size;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe, .required = false),
	PARAM(describe, offset, "Offset", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = OFFSET_MAX, .type = "String", .help = "rules to leave out at the start"),
	PARAM_OWNER(describe),
	PARAM_PAGE_SIZE(describe, PAGE_MAX, PAGE_MAX, .type = "String"),
	PARAM_ROW_END,
};

static enum err put_rate(json_t *detail, const struct web_rule *rule)
{
	return put(detail, "RateLimit",
		json_pack("{s:I, s:s, s:s, s:I, s:I}", "Interval", (json_int_t)rule->rate.interval,
			"SubKey", rule->rate.header, "Target",
			rule->rate.by_header ? "header"
			: rule->rate.given   ? "ip"
					     : "",
			"Threshold", (json_int_t)rule->rate.threshold, "Ttl",
			(json_int_t)rule->rate.ttl));
}

static enum err put_status(json_t *detail, const struct web_rule *rule)
{
	return put(detail, "StatusCode",
		json_pack("{s:I, s:I, s:b, s:I, s:b}", "Code", (json_int_t)rule->status.code,
			"CountThreshold", (json_int_t)rule->status.count, "Enabled",
			rule->status.enabled, "RatioThreshold", (json_int_t)rule->status.ratio,
			"UseRatio", rule->status.use_ratio));
}

static enum err put_statistics(json_t *detail, const struct web_rule *rule)
{
	bool given = rule->statistics.given;

	return put(detail, "Statistics",
		json_pack("{s:s, s:s, s:s}", "Field",
			given ? web_distinct_name(rule->statistics.field) : "", "HeaderName",
			rule->statistics.header, "Mode",
			rule->statistics.distinct ? "distinct"
			: given			  ? "count"
						  : ""));
}

/* What version 1 had in the same place is published as deprecated, and empty. */
static enum err put_old_form(json_t *detail, const struct web_rule *rule)
{
	TRY(put_int(detail, "Count", rule->rate.threshold));
	TRY(put_int(detail, "Interval", rule->rate.interval));
	TRY(put_int(detail, "Ttl", rule->rate.ttl));
	TRY(put_text(detail, "Mode", ""));
	return put_text(detail, "Uri", "");
}

static enum err put_rule_item(struct call *call, json_t *list, const struct website_rule *row)
{
	struct web_reader reader = { .mem = call->mem };
	AUTO(json) json_t *json = json_loads(row->json, 0, NULL);
	bool ends = row->until_ms != INT64_MAX;
	json_t *item = json_object(), *detail;
	struct web_rule rule;

	TRY(add(list, item));
	if (!json)
		return ERR_MEMORY;
	TRY(web_rule_read(&reader, WEB_RULE_CC_V2, json, &rule));
	TRY(put_text(item, "Name", row->name));
	TRY(put_text(item, "Owner", row->owner));
	TRY(put_int(item, "Expires",
		ends ? (row->until_ms - call->clock_ms + SECOND_MS - 1) / SECOND_MS : 0));
	TRY(put_object(item, "RuleDetail", &detail));
	TRY(put_text(detail, "Name", row->name));
	TRY(put_text(detail, "Action", web_action_name(rule.action)));
	TRY(web_put_conditions(detail, "Condition", &rule));
	TRY(put_rate(detail, &rule));
	TRY(put_status(detail, &rule));
	TRY(put_statistics(detail, &rule));
	return put_old_form(detail, &rule);
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	size_t first = (size_t)args->offset, count;
	struct website_rule *rows;
	struct website website;
	json_t *list;

	/* Published as optional, and yet there is nothing to show without. */
	if (!args->domain)
		return refuse(call, ERR_MISSING_PARAMETER, "Domain is mandatory.");
	TRY(call_website(call, args->domain, &website));
	TRY(web_rule_list(call->db, call->mem, website.number,
		web_rule_kind_name(kind_of(args->owner)), call->clock_ms, &rows, &count));
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put(call->reply, "TotalCount", json_sprintf("%zu", count)));
	TRY(put_list(call->reply, "WebCCRules", &list));
	for (size_t i = first; i < count && i < first + (size_t)args->page_size; i++)
		TRY(put_rule_item(call, list, &rows[i]));
	return OK;
}

/* Published without names of their items. */
static const struct reply_list describe_lists[] = {
	{ "WebCCRules", NULL },
	{ "Condition", NULL },
	{ "ContentList", NULL },
	{ NULL, NULL },
};

const struct action web_cc_v2_actions[] = {
	{ VERSION_DDOSCOO, "ConfigWebCCRuleV2", WRITE, PERMISSION_FULL, config_params,
		sizeof(struct config), config_run, NULL,
		"makes or replaces frequency rules of a web site", 0 },
	{ VERSION_DDOSCOO, "DescribeWebCCRulesV2", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"shows the frequency rules of a web site", 0 },
	{ VERSION_DDOSCOO, "DeleteWebCCRuleV2", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct delete), delete_run, NULL, "deletes frequency rules of a web site",
		0 },
	{ 0 },
};
