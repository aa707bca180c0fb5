/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caching of a web site's pages at the nodes. Each of these orders also empties the site's cache at all nodes, since what
 * they hold was kept by what was in force before: the edition is part of the key by which they find it. An order that
 * changes nothing does so, too: it is how a cache is emptied on purpose.
 */
#include "control/model/web_cache.h"

#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

#define RULES_BYTES 16384

struct cache_switch {
	const char *domain, *resource_group;
	int64_t enable;
};
static const struct param switch_params[] = {
	PARAM_DOMAIN(cache_switch, .required = true),
	PARAM_RESOURCE_GROUP(cache_switch),
	PARAM(cache_switch, enable, "Enable", .kind = PARAM_INT, .required = true, .min = 0,
		.max = 1, .help = "1: pages are cached; 0: not. Either empties the cache"),
	PARAM_ROW_END,
};

static enum err switch_run(struct call *call, const void *raw)
{
	const struct cache_switch *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	policy.cache_on = args->enable == 1;
	policy.cache_edition++;
	return web_store(call, &website, &policy);
}

struct cache_mode {
	const char *domain, *resource_group, *mode;
};
static const struct param mode_params[] = {
	PARAM_DOMAIN(cache_mode, .required = true),
	PARAM_RESOURCE_GROUP(cache_mode),
	PARAM(cache_mode, mode, "Mode", .kind = PARAM_CHOICE, .required = true,
		.choices = "standard aggressive bypass",
		.help = "static types, everything, nothing but what rules name. Empties the cache"),
	PARAM_ROW_END,
};

static enum err mode_run(struct call *call, const void *raw)
{
	const struct cache_mode *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(web_enhanced_only(call, &website));
	if (!web_cache_from_name(args->mode, &policy.cache))
		return ERR_INVALID_PARAMETER;
	policy.cache_edition++;
	return web_store(call, &website, &policy);
}

/* ---- rules: they are the change for the audit log, not the edition */

static enum err empty(struct call *call, const struct website *website, struct web_policy *policy)
{
	policy->cache_edition++;
	return web_policy_put(call->db, call->mem, website, policy);
}

#define PATH_SHAPE  "text(" SHAPE_NUMBER(WEB_CACHE_PATH_MAX) ")"
#define RULES_SHAPE "]1.." SHAPE_NUMBER(WEB_CACHE_MAX)

struct cache_rules {
	const char *domain, *resource_group, *rules;
};
static const struct param rules_params[] = {
	PARAM_DOMAIN(cache_rules, .required = true),
	PARAM_RESOURCE_GROUP(cache_rules),
	PARAM(cache_rules, rules, "Rules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = RULES_BYTES, .type = "String",
		.shape =
			"[{Name: text(128), Uri: " PATH_SHAPE ", Mode: standard|aggressive|bypass, "
			"CacheTtl: 0..2592000}" RULES_SHAPE,
		.help = "rules; CacheTtl is 0, 3600, 86400, 864000 or 2592000 seconds"),
	PARAM_ROW_END,
};

static enum err put_rule(
	struct call *call, const struct website *website, const json_t *document, size_t index)
{
	struct web_reader reader = { .mem = call->mem };
	AUTO(json) json_t *json = NULL;
	struct web_cache_rule rule;

	TRY(web_refused(
		call, "Rules", (int)index, &reader, web_cache_read(&reader, document, &rule)));
	json = web_cache_json(&rule);
	if (!json)
		return ERR_MEMORY;
	return web_rule_store(call, website, WEB_RULE_CACHE, rule.name, json, INT64_MAX);
}

static enum err rules_run(struct call *call, const void *raw)
{
	const struct cache_rules *args = raw;
	AUTO(json) json_t *array = NULL;
	struct web_policy policy;
	struct website website;

	TRY(json_param_parse(call, "Rules", args->rules, WEB_CACHE_MAX, &array));
	TRY(call_web(call, args->domain, &website, &policy));
	TRY(web_enhanced_only(call, &website));
	for (size_t i = 0; i < json_array_size(array); i++)
		TRY(put_rule(call, &website, json_array_get(array, i), i));
	TRY(web_rules_check(call, &website, WEB_RULE_CACHE, WEB_RULE_CACHE, WEB_CACHE_MAX));
	return empty(call, &website, &policy);
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
		.max = WEB_CACHE_MAX, .item_max = WEB_NAME_MAX, .help = "rules to delete"),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct delete *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(web_rules_remove(call, &website, WEB_RULE_CACHE, args->names.item, args->names.count));
	return empty(call, &website, &policy);
}

/* ---- showing: the documents are the published items */

static enum err put_rules(struct call *call, json_t *item, const struct website *website)
{
	struct website_rule *rows;
	size_t count;
	json_t *list;

	TRY(put_list(item, "CustomRules", &list));
	TRY(web_rule_list(call->db, call->mem, website->number, web_rule_kind_name(WEB_RULE_CACHE),
		call->clock_ms, &rows, &count));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, json_loads(rows[i].json, 0, NULL)));
	return OK;
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct web_domains *args = raw;
	struct website *website;
	size_t count;
	json_t *list;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "DomainCacheConfigs", &list));
	for (size_t i = 0; i < count; i++) {
		struct web_policy policy;
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(web_policy_load(call->db, call->mem, website[i].number, &policy));
		TRY(put_text(item, "Domain", website[i].domain));
		TRY(put_int(item, "Enable", policy.cache_on));
		TRY(put_text(item, "Mode", web_cache_name(policy.cache)));
		TRY(put_rules(call, item, &website[i]));
	}
	return OK;
}

static const struct reply_list describe_lists[] = {
	{ "DomainCacheConfigs", "CacheConfig" },
	{ "CustomRules", "CustomRule" },
	{ NULL, NULL },
};

const struct action web_cache_actions[] = {
	{ VERSION_DDOSCOO, "ModifyWebCacheSwitch", WRITE, PERMISSION_FULL, switch_params,
		sizeof(struct cache_switch), switch_run, NULL, "switches caching for a web site",
		0 },
	{ VERSION_DDOSCOO, "ModifyWebCacheMode", WRITE, PERMISSION_FULL, mode_params,
		sizeof(struct cache_mode), mode_run, NULL, "says what of a web site is cached", 0 },
	{ VERSION_DDOSCOO, "ModifyWebCacheCustomRule", WRITE, PERMISSION_FULL, rules_params,
		sizeof(struct cache_rules), rules_run, NULL,
		"makes or replaces rules of caching for paths of a web site", 0 },
	{ VERSION_DDOSCOO, "DeleteWebCacheCustomRule", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct delete), delete_run, NULL,
		"deletes rules of caching for paths of a web site", 0 },
	{ VERSION_DDOSCOO, "DescribeWebCacheConfigs", READ, PERMISSION_READ, web_domains_params,
		sizeof(struct web_domains), describe_run, describe_lists,
		"shows how web sites are cached", 0 },
	{ 0 },
};
