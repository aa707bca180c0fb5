/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is switched on for a web site, and in which mode. Each published action changes one member of the policy; all
 * can be repeated.
 *
 * The mode of the check "smart" can be chosen by itself, too (ModifyWebCheck): it and the published mode of intelligent
 * protection are two doors to the same thing, and who came last is in force.
 */
#include <string.h>

#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

/* A member of the policy that a domain alone changes. */
static enum err set_switch(struct call *call, const void *raw, size_t offset, bool on)
{
	const struct web_domain *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	*(bool *)((char *)&policy + offset) = on;
	return web_store(call, &website, &policy);
}

/* The same by a member of Config that is 0 or 1. */
static enum err set_by_config(
	struct call *call, const struct web_config *args, size_t offset, const char *keys)
{
	struct web_policy policy;
	struct website website;
	bool on = false;

	TRY(web_config_switch(call, args->config, keys, &on));
	TRY(call_web(call, args->domain, &website, &policy));
	*(bool *)((char *)&policy + offset) = on;
	return web_store(call, &website, &policy);
}

/* ---- frequency control */

static enum err enable_cc_run(struct call *call, const void *raw)
{
	return set_switch(call, raw, offsetof(struct web_policy, cc_on), true);
}

static enum err disable_cc_run(struct call *call, const void *raw)
{
	return set_switch(call, raw, offsetof(struct web_policy, cc_on), false);
}

static enum err enable_cc_rules_run(struct call *call, const void *raw)
{
	return set_switch(call, raw, offsetof(struct web_policy, cc_rules_on), true);
}

static enum err disable_cc_rules_run(struct call *call, const void *raw)
{
	return set_switch(call, raw, offsetof(struct web_policy, cc_rules_on), false);
}

struct cc_global {
	const char *domain, *state;
};
static const struct param cc_global_params[] = {
	PARAM_DOMAIN(cc_global, .required = true),
	PARAM(cc_global, state, "CcGlobalSwitch", .kind = PARAM_CHOICE, .required = true,
		.choices = "open close",
		.help = "close: neither frequency control nor rules made by themselves"),
	PARAM_ROW_END,
};

static enum err cc_global_run(struct call *call, const void *raw)
{
	const struct cc_global *args = raw;
	struct web_domain domain = { .domain = args->domain };

	return set_switch(call, &domain, offsetof(struct web_policy, cc_open),
		strcmp(args->state, "open") == 0);
}

struct template
{
	const char *domain, *resource_group, *template;
};
static const struct param template_params[] = {
	PARAM_DOMAIN(template, .required = true),
	PARAM_RESOURCE_GROUP(template),
	PARAM(template, template, "Template", .kind = PARAM_CHOICE, .required = true,
		.choices = "default gf_under_attack gf_sos_verify gf_sos_enhance",
		.help = "normal, under attack, everybody is challenged, and again by address"),
	PARAM_ROW_END,
};

static enum err template_run(struct call *call, const void *raw)
{
	const struct template *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	if (!web_pace_from_name(args->template, &policy.pace))
		return ERR_INVALID_PARAMETER;
	return web_store(call, &website, &policy);
}

/* ---- others */

static enum err precise_run(struct call *call, const void *raw)
{
	return set_by_config(
		call, raw, offsetof(struct web_policy, precise_on), "PreciseRuleEnable");
}

static enum err area_run(struct call *call, const void *raw)
{
	const struct web_config *args = raw;
	struct website website;

	TRY(call_website(call, args->domain, &website));
	TRY(web_enhanced_only(call, &website));
	return set_by_config(call, raw, offsetof(struct web_policy, area_on), "RegionblockEnable");
}

/* Published with both names. */
static enum err lists_run(struct call *call, const void *raw)
{
	return set_by_config(
		call, raw, offsetof(struct web_policy, lists_on), "BwlistEnable bwlist_enable");
}

/* Rules made by themselves are gone when it is switched off. */
static enum err ai_run(struct call *call, const void *raw)
{
	const struct web_config *args = raw;
	struct web_policy policy;
	struct website website;
	int64_t gone;
	bool on = false;

	TRY(web_config_switch(call, args->config, "AiRuleEnable", &on));
	TRY(call_web(call, args->domain, &website, &policy));
	policy.ai_on = on;
	TRY(web_store(call, &website, &policy));
	return on ? OK
		  : web_rules_delete(call->db, &website, web_rule_kind_name(WEB_RULE_SMART), &gone);
}

static enum err ai_mode_run(struct call *call, const void *raw)
{
	const struct web_config *args = raw;
	AUTO(json) json_t *json = NULL;
	struct json_element config;
	struct web_policy policy;
	struct website website;
	const char *level, *mode;

	TRY(json_param_object(call, "Config", args->config, "AiTemplate AiMode", &json, &config));
	TRY(json_param_text(call, &config, "AiTemplate", 16, true, &level));
	TRY(json_param_text(call, &config, "AiMode", 16, true, &mode));
	TRY(call_web(call, args->domain, &website, &policy));
	if (!web_ai_level_from_name(level, &policy.ai_level))
		return refuse(call, ERR_INVALID_PARAMETER,
			"Config.AiTemplate must be one of: level30 level60 level90.");
	policy.ai_defense = strcmp(mode, "defense") == 0;
	if (!policy.ai_defense && strcmp(mode, "watch") != 0)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Config.AiMode must be one of: watch defense.");
	policy.check[CHECK_smart] = CHECK_UNSET;
	return web_store(call, &website, &policy);
}

/* ---- all of them */

static enum err put_switches(
	json_t *item, const struct website *website, const struct web_policy *policy)
{
	bool defense = web_check_mode(policy, CHECK_smart) == CHECK_BLOCK;

	TRY(put_text(item, "Domain", website->domain));
	TRY(put_text(item, "CcGlobalSwitch", policy->cc_open ? "open" : "close"));
	TRY(put_int(item, "CcEnable", policy->cc_on));
	TRY(put_text(item, "CcTemplate", web_pace_name(policy->pace)));
	TRY(put_int(item, "CcCustomRuleEnable", policy->cc_rules_on));
	TRY(put_int(item, "AiRuleEnable", policy->ai_on));
	TRY(put_text(item, "AiTemplate", web_ai_level_name(policy->ai_level)));
	TRY(put_text(item, "AiMode", defense ? "defense" : "watch"));
	TRY(put_int(item, "BlackWhiteListEnable", policy->lists_on));
	TRY(put_int(item, "PreciseRuleEnable", policy->precise_on));
	return put_int(item, "RegionBlockEnable", policy->area_on);
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct web_domains *args = raw;
	struct website *website;
	size_t count;
	json_t *list;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "ProtectSwitchList", &list));
	for (size_t i = 0; i < count; i++) {
		struct web_policy policy;
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(web_policy_load(call->db, call->mem, website[i].number, &policy));
		TRY(put_switches(item, &website[i], &policy));
	}
	return OK;
}

static const struct reply_list switch_lists[] = {
	{ "ProtectSwitchList", "ProtectSwitch" },
	{ NULL, NULL },
};
/* Published without a name of its items. */
static const struct reply_list plain_lists[] = { { "ProtectSwitchList", NULL }, { NULL, NULL } };

#define DOMAIN_WRITE(name, run, summary)                                                           \
	{                                                                                          \
		VERSION_DDOSCOO, name, WRITE, PERMISSION_FULL, web_domain_params,                  \
			sizeof(struct web_domain), run, NULL, summary, 0                           \
	}
#define CONFIG_BYTES 1024
#define CONFIG_PARAMS(name, members)                                                               \
	static const struct param name##_params[] = {                                              \
		PARAM_DOMAIN(web_config, .required = true),                                        \
		PARAM_RESOURCE_GROUP(web_config),                                                  \
		PARAM(web_config, config, "Config", .kind = PARAM_JSON, .required = true,          \
			.min = 1, .max = CONFIG_BYTES, .type = "String", .shape = members,         \
			.help = "as published"),                                                   \
		PARAM_ROW_END,                                                                     \
	}
CONFIG_PARAMS(precise, "{PreciseRuleEnable: 0..1}");
CONFIG_PARAMS(area, "{RegionblockEnable: 0..1}");
CONFIG_PARAMS(lists, "{BwlistEnable?: 0..1, bwlist_enable?: 0..1}");
CONFIG_PARAMS(ai, "{AiRuleEnable: 0..1}");
CONFIG_PARAMS(ai_mode, "{AiTemplate: level30|level60|level90, AiMode: watch|defense}");

#define CONFIG_WRITE(name, row, summary)                                                           \
	{                                                                                          \
		VERSION_DDOSCOO, name, WRITE, PERMISSION_FULL, row##_params,                       \
			sizeof(struct web_config), row##_run, NULL, summary, 0                     \
	}
const struct action web_switch_actions[] = {
	{ VERSION_DDOSCOO, "DescribeWebCcProtectSwitch", READ, PERMISSION_READ, web_domains_params,
		sizeof(struct web_domains), describe_run, switch_lists,
		"shows what is switched on for web sites", 0 },
	{ VERSION_DDOSCOO, "DescribeDomainCcProtectSwitch", READ, PERMISSION_READ,
		web_domains_params, sizeof(struct web_domains), describe_run, plain_lists,
		"shows what is switched on for web sites", 0 },
	{ VERSION_DDOSCOO, "ModifyWebCCGlobalSwitch", WRITE, PERMISSION_FULL, cc_global_params,
		sizeof(struct cc_global), cc_global_run, NULL,
		"switches all protection from floods of requests", 0 },
	DOMAIN_WRITE("EnableWebCC", enable_cc_run, "switches frequency control on"),
	DOMAIN_WRITE("DisableWebCC", disable_cc_run, "switches frequency control off"),
	{ VERSION_DDOSCOO, "ConfigWebCCTemplate", WRITE, PERMISSION_FULL, template_params,
		sizeof(struct template), template_run, NULL, "sets the mode of frequency control",
		0 },
	DOMAIN_WRITE("EnableWebCCRule", enable_cc_rules_run, "switches custom frequency rules on"),
	DOMAIN_WRITE(
		"DisableWebCCRule", disable_cc_rules_run, "switches custom frequency rules off"),
	CONFIG_WRITE("ModifyWebPreciseAccessSwitch", precise, "switches precise access rules"),
	CONFIG_WRITE("ModifyWebAreaBlockSwitch", area, "switches the refusal of regions"),
	CONFIG_WRITE("ModifyWebIpSetSwitch", lists, "switches black-list and white-list"),
	CONFIG_WRITE("ModifyWebAIProtectSwitch", ai, "switches rules made by themselves"),
	CONFIG_WRITE("ModifyWebAIProtectMode", ai_mode,
		"says how readily rules make themselves, and whether they block"),
	{ 0 },
};
