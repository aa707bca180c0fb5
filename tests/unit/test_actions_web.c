/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protection of web sites through signed calls: what is accepted, each refusal with the parameter it names, how it
 * is read back, and what nodes get of it.
 */
#include "tests/unit/web_world.h"

#define EMPTY_REPLY(api) assert_int_equal(json_object_size((api)->reply), 1)

/* ---- switches */

static void describe_switches(struct api *api)
{
	assert_int_equal(CALL(api, "DescribeDomainCcProtectSwitch", "Domains.1", DOMAIN), 200);
}

static void test_fresh(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	describe_switches(api);
	expect_json(api, "ProtectSwitchList",
		"[{\"Domain\":\"" DOMAIN "\",\"CcGlobalSwitch\":\"open\",\"CcEnable\":1,"
		"\"CcTemplate\":\"default\",\"CcCustomRuleEnable\":1,\"AiRuleEnable\":1,"
		"\"AiTemplate\":\"level60\",\"AiMode\":\"watch\",\"BlackWhiteListEnable\":1,"
		"\"PreciseRuleEnable\":1,\"RegionBlockEnable\":0}]");
	const struct site *site = web_site(api, DOMAIN);
	assert_int_equal(site->pace, SITE_PACE_NORMAL);
	assert_int_equal(site->cache, SITE_CACHE_OFF);
	assert_int_equal(site->flags & (SITE_LOG | SITE_BYPASS), 0);
	assert_int_equal(site->mode[CHECK_smart], CHECK_WATCH);
	assert_int_equal(site->mode[CHECK_precise], CHECK_BLOCK);
	assert_int_equal(site->prefixes.count, 0);
	assert_true(web_rules(site, CHECK_global) > 10);
	assert_int_equal(web_rules(site, CHECK_precise) + web_rules(site, CHECK_frequency), 0);
}

static void test_switches(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *action, *parameter, *value, *path;
		const char *shown; /* JSON */
	} cases[] = {
		{ "DisableWebCC", "RegionId", "cn", "CcEnable", "0" },
		{ "EnableWebCC", "RegionId", "cn", "CcEnable", "1" },
		{ "DisableWebCCRule", "RegionId", "cn", "CcCustomRuleEnable", "0" },
		{ "EnableWebCCRule", "RegionId", "cn", "CcCustomRuleEnable", "1" },
		{ "ModifyWebCCGlobalSwitch", "CcGlobalSwitch", "close", "CcGlobalSwitch",
			"\"close\"" },
		{ "ModifyWebCCGlobalSwitch", "CcGlobalSwitch", "open", "CcGlobalSwitch",
			"\"open\"" },
		{ "ConfigWebCCTemplate", "Template", "gf_under_attack", "CcTemplate",
			"\"gf_under_attack\"" },
		{ "ConfigWebCCTemplate", "Template", "gf_sos_verify", "CcTemplate",
			"\"gf_sos_verify\"" },
		{ "ConfigWebCCTemplate", "Template", "gf_sos_enhance", "CcTemplate",
			"\"gf_sos_enhance\"" },
		{ "ConfigWebCCTemplate", "Template", "default", "CcTemplate", "\"default\"" },
		{ "ModifyWebPreciseAccessSwitch", "Config", "{\"PreciseRuleEnable\":0}",
			"PreciseRuleEnable", "0" },
		{ "ModifyWebPreciseAccessSwitch", "Config", "{\"PreciseRuleEnable\":1}",
			"PreciseRuleEnable", "1" },
		{ "ModifyWebAreaBlockSwitch", "Config", "{\"RegionblockEnable\": 1}",
			"RegionBlockEnable", "1" },
		{ "ModifyWebAreaBlockSwitch", "Config", "{\"RegionblockEnable\": 0}",
			"RegionBlockEnable", "0" },
		{ "ModifyWebIpSetSwitch", "Config", "{\"BwlistEnable\":0}", "BlackWhiteListEnable",
			"0" },
		{ "ModifyWebIpSetSwitch", "Config", "{\"bwlist_enable\":1}", "BlackWhiteListEnable",
			"1" },
		{ "ConfigDomainSecurityProfile", "Config", "{\"bwlist_enable\":0}",
			"BlackWhiteListEnable", "0" },
		{ "ModifyWebAIProtectSwitch", "Config", "{\"AiRuleEnable\": 0}", "AiRuleEnable",
			"0" },
		{ "ModifyWebAIProtectSwitch", "Config", "{\"AiRuleEnable\": 1}", "AiRuleEnable",
			"1" },
		{ "ModifyWebAIProtectMode", "Config",
			"{\"AiTemplate\":\"level90\",\"AiMode\":\"defense\"}", "AiMode",
			"\"defense\"" },
		{ "ModifyWebAIProtectMode", "Config",
			"{\"AiTemplate\":\"level30\",\"AiMode\":\"watch\"}", "AiTemplate",
			"\"level30\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path =
			arena_print(api->fixture, "ProtectSwitchList.0.%s", cases[i].path);
		int64_t generation = web_generation(api);

		for (int again = 0; again < 2; again++) {
			assert_int_equal(CALL(api, cases[i].action, "Domain", DOMAIN,
						 cases[i].parameter, cases[i].value),
				200);
			EMPTY_REPLY(api);
			describe_switches(api);
			expect_json(api, path, cases[i].shown);
			if (!again && web_generation(api) == generation && i > 1 &&
				strcmp(cases[i].action, "EnableWebCC") != 0)
				fail_msg("%s is not sent to nodes", cases[i].action);
			/* The second time nodes hear nothing. */
			if (again)
				assert_int_equal(web_generation(api), generation);
			generation = web_generation(api);
		}
	}
}

static void test_switches_refused(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *action, *parameter, *value, *code, *named;
	} cases[] = {
		{ "ModifyWebCCGlobalSwitch", "CcGlobalSwitch", "on", "InvalidParameter",
			"CcGlobalSwitch" },
		{ "ConfigWebCCTemplate", "Template", "strict", "InvalidParameter", "Template" },
		{ "ModifyWebPreciseAccessSwitch", "Config", "{}", "MissingParameter",
			"Config.PreciseRuleEnable" },
		{ "ModifyWebPreciseAccessSwitch", "Config", "{\"PreciseRuleEnable\":2}",
			"InvalidParameter", "Config.PreciseRuleEnable" },
		{ "ModifyWebPreciseAccessSwitch", "Config", "{\"PreciseRuleEnable\":\"1\"}",
			"InvalidParameter", "Config.PreciseRuleEnable" },
		{ "ModifyWebPreciseAccessSwitch", "Config", "{\"AiRuleEnable\":1}",
			"InvalidParameter", "Config.AiRuleEnable" },
		{ "ModifyWebAIProtectMode", "Config", "{\"AiTemplate\":\"level60\"}",
			"MissingParameter", "Config.AiMode" },
		{ "ModifyWebAIProtectMode", "Config",
			"{\"AiTemplate\":\"level61\",\"AiMode\":\"watch\"}", "InvalidParameter",
			"Config.AiTemplate" },
		{ "ModifyWebAIProtectMode", "Config",
			"{\"AiTemplate\":\"level60\",\"AiMode\":\"block\"}", "InvalidParameter",
			"Config.AiMode" },
		{ "ConfigDomainSecurityProfile", "Config", "{}", "MissingParameter",
			"global_rule_mode" },
		{ "ConfigDomainSecurityProfile", "Config", "{\"global_rule_mode\":\"strong\"}",
			"InvalidParameter", "Config.global_rule_mode" },
		{ "ConfigDomainSecurityProfile", "Config", "{\"global_rule_enable\":\"2\"}",
			"InvalidParameter", "Config.global_rule_enable" },
		{ "ModifyWebCacheSwitch", "Enable", "2", "InvalidParameter", "Enable" },
		{ "ModifyWebCacheMode", "Mode", "all", "InvalidParameter", "Mode" },
	};
	const char *before = api_dump(api);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(CALL(api, cases[i].action, "Domain", DOMAIN, cases[i].parameter,
					 cases[i].value),
			400);
		expect(api, cases[i].code, cases[i].named);
		assert_int_equal(CALL(api, cases[i].action, "Domain", "no.example.com",
					 cases[i].parameter, cases[i].value),
			400);
	}
	assert_int_equal(CALL(api, "EnableWebCC", "Domain", "no.example.com"), 400);
	expect(api, "DomainNotExist", "domain");
	api->caller = &api->other;
	assert_int_equal(CALL(api, "EnableWebCC", "Domain", DOMAIN), 400);
	expect(api, "DomainNotExist", "domain");
	assert_int_equal(CALL(api, "DescribeDomainCcProtectSwitch", "Domains.1", DOMAIN), 400);
	expect(api, "DomainNotExist", "domain");
	api->caller = &api->tenant;
	assert_string_equal(before, api_dump(api));
}

/* ---- lists and regions */

static void test_lists(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "ConfigWebIpSet", "Domain", DOMAIN, "BlackList.1", "2.2.2.2/24",
				 "BlackList.2", "2001:db8::/32", "BlackList.3", "2.2.2.2/24",
				 "WhiteList.1", "192.0.2.1"),
		200);
	EMPTY_REPLY(api);
	const struct site *site = web_site(api, DOMAIN);
	const struct table_prefix *prefix = site_list_at(site, site->prefixes);
	assert_int_equal(site->prefixes.count, 3);
	assert_int_equal(prefix[0].flags, SITE_WHITE);
	assert_int_equal(prefix[0].bits, 128);
	assert_int_equal(prefix[1].flags, SITE_BLACK);
	assert_int_equal(prefix[1].bits, 96 + 24);
	assert_int_equal(prefix[1].address.byte[15], 0);
	assert_int_equal(prefix[2].bits, 32);
	assert_int_equal(CALL(api, "DescribeDomainResource", "Domain", DOMAIN), 200);
	expect_json(api, "WebRules.0.BlackList", "[\"2.2.2.2/24\",\"2001:db8::/32\"]");
	expect_json(api, "WebRules.0.WhiteList", "[\"192.0.2.1\"]");
	/* A list that is not named is empty from then on; off, nodes have neither. */
	assert_int_equal(
		CALL(api, "ConfigWebIpSet", "Domain", DOMAIN, "BlackList.1", "192.0.2.9"), 200);
	assert_int_equal(web_site(api, DOMAIN)->prefixes.count, 1);
	assert_int_equal(CALL(api, "ModifyWebIpSetSwitch", "Domain", DOMAIN, "Config",
				 "{\"BwlistEnable\":0}"),
		200);
	assert_int_equal(web_site(api, DOMAIN)->prefixes.count, 0);
	assert_int_equal(
		CALL(api, "ConfigWebIpSet", "Domain", DOMAIN, "WhiteList.1", "192.0.2.999"), 400);
	expect(api, "InvalidParameter", "WhiteList.1");
	assert_int_equal(CALL(api, "ConfigWebIpSet", "Domain", DOMAIN, "BlackList.1", "1.1.1.1",
				 "BlackList.2", "1.1.1.1/33"),
		400);
	expect(api, "InvalidParameter", "BlackList.2");
}

static void test_most_lists(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static struct pair pairs[2 * WEB_LIST_MAX + 2];
	size_t count = 0;

	pairs[count++] = (struct pair){ "Domain", DOMAIN };
	for (int i = 1; i <= WEB_LIST_MAX; i++) {
		pairs[count++] = (struct pair){ arena_print(api->fixture, "BlackList.%d", i),
			arena_print(api->fixture, "2001:db8:%x::/48", i) };
		pairs[count++] = (struct pair){ arena_print(api->fixture, "WhiteList.%d", i),
			arena_print(api->fixture, "10.0.%d.0/24", i) };
	}
	assert_int_equal(api_call_pairs(api, "ConfigWebIpSet", pairs, count), 200);
	assert_int_equal(web_site(api, DOMAIN)->prefixes.count, 2 * WEB_LIST_MAX);
	pairs[count++] = (struct pair){ arena_print(api->fixture, "BlackList.%d", WEB_LIST_MAX + 1),
		"192.0.2.1" };
	assert_int_equal(api_call_pairs(api, "ConfigWebIpSet", pairs, count), 400);
	expect(api, "InvalidParameter", "BlackList");
}

static void test_regions(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *region, *code;
	} refused[] = {
		{ "XX", "InvalidParameter" },
		{ "CN-ATLANTIS", "InvalidParameter" },
		{ "CN-SHANGHAI", "InvalidParameter" },
		{ "us", "InvalidParameter" },
	};
	uint64_t expected[4] = { 0 };

	assert_int_equal(CALL(api, "ModifyWebAreaBlock", "Domain", DOMAIN, "Regions.1", "US",
				 "Regions.2", "CN-HONGKONG", "Regions.3", "US"),
		200);
	countries_to_bits("US HK", expected);
	assert_memory_equal(web_site(api, DOMAIN)->region, expected, sizeof(expected));
	assert_int_equal(CALL(api, "DescribeWebAreaBlockConfigs", "Domains.1", DOMAIN), 200);
	expect_json(api, "AreaBlockConfigs",
		"[{\"Domain\":\"" DOMAIN "\",\"RegionList\":[{\"Region\":\"US\",\"Block\":0},"
		"{\"Region\":\"CN-HONGKONG\",\"Block\":0}]}]");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(CALL(api, "ModifyWebAreaBlock", "Domain", DOMAIN, "Regions.1",
					 refused[i].region),
			400);
		expect(api, refused[i].code, "Regions.1");
	}
	/* None: it is off. */
	assert_int_equal(CALL(api, "ModifyWebAreaBlock", "Domain", DOMAIN), 200);
	describe_switches(api);
	assert_int_equal(api_int(api, "ProtectSwitchList.0.RegionBlockEnable"), 0);
	assert_int_equal(
		CALL(api, "ModifyWebAreaBlock", "Domain", STANDARD, "Regions.1", "US"), 400);
	expect(api, "FunctionPlanNotSupport", "enhanced");
}

/* ---- precise access */

#define PRECISE(name, field, method, content)                                                      \
	"[{\"action\":\"block\",\"name\":\"" name "\",\"condition\":[{\"field\":\"" field          \
	"\",\"match_method\":\"" method "\",\"content\":\"" content "\"}]}]"

static int precise(struct api *api, const char *domain, const char *rules)
{
	return CALL(api, "ModifyWebPreciseAccessRule", "Domain", domain, "Rules", rules);
}

static void describe_precise(struct api *api)
{
	assert_int_equal(
		CALL(api, "DescribeWebPreciseAccessRule", "Domains.1", DOMAIN, "Owner", "manual"),
		200);
}

static void test_precise(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(precise(api, DOMAIN, PRECISE("one", "uri", "contain", "/test/123")), 200);
	EMPTY_REPLY(api);
	assert_int_equal(
		precise(api, DOMAIN,
			"[{\"action\":\"accept\",\"name\":\"two\",\"condition\":[{\"field\":\"ip\","
			"\"match_method\":\"belong\",\"content\":\"1.1.1.1,2.2.2.0/24\","
			"\"header_name\":\"\"},{\"field\":\"header\",\"match_method\":\"equal\","
			"\"content\":\"v\",\"content_list\":[\"a\",\"b\"],\"header_name\":\"X-A\"}]"
			"}]"),
		200);
	describe_precise(api);
	expect_json(api, "PreciseAccessConfigList",
		"[{\"Domain\":\"" DOMAIN "\",\"RuleList\":[{\"Name\":\"one\",\"Action\":\"block\","
		"\"Owner\":\"manual\",\"Expires\":0,\"ExpirePeriod\":0,\"ConditionList\":[{"
		"\"Field\":\"uri\",\"MatchMethod\":\"contain\",\"HeaderName\":\"\",\"Content\":"
		"\"/test/123\",\"ContentList\":[]}]},{\"Name\":\"two\",\"Action\":\"accept\","
		"\"Owner\":\"manual\",\"Expires\":0,\"ExpirePeriod\":0,\"ConditionList\":[{"
		"\"Field\":\"ip\",\"MatchMethod\":\"belong\",\"HeaderName\":\"\",\"Content\":"
		"\"1.1.1.1,2.2.2.0/24\",\"ContentList\":[]},{\"Field\":\"header\","
		"\"MatchMethod\":\"equal\",\"HeaderName\":\"X-A\",\"Content\":\"v\","
		"\"ContentList\":[\"a\",\"b\"]}]}]}]");
	const struct site *site = web_site(api, DOMAIN);
	const struct site_rule *one = web_rule(site, "one"), *two = web_rule(site, "two");
	uint32_t number = one->number;
	assert_true(one < two && one->check == CHECK_precise);
	assert_int_equal(one->action, RULE_BLOCK);
	assert_int_equal(two->action, RULE_ACCEPT);
	assert_int_equal(two->step_count, 4);
	/* Replaced: the same number, the same place. */
	assert_int_equal(precise(api, DOMAIN, PRECISE("one", "uri", "equal", "/x")), 200);
	site = web_site(api, DOMAIN);
	assert_int_equal(web_rule(site, "one")->number, number);
	assert_true(web_rule(site, "one") < web_rule(site, "two"));
	/* Off: nodes have none, and they are still there. */
	assert_int_equal(CALL(api, "ModifyWebPreciseAccessSwitch", "Domain", DOMAIN, "Config",
				 "{\"PreciseRuleEnable\":0}"),
		200);
	assert_int_equal(web_rules(web_site(api, DOMAIN), CHECK_precise), 0);
	describe_precise(api);
	assert_int_equal(json_array_size(api_get(api, "PreciseAccessConfigList.0.RuleList")), 2);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(CALL(api, "DeleteWebPreciseAccessRule", "Domain", DOMAIN,
					 "RuleNames.1", "one", "RuleNames.2", "none"),
			200);
		describe_precise(api);
		assert_int_equal(
			json_array_size(api_get(api, "PreciseAccessConfigList.0.RuleList")), 1);
	}
}

static void test_precise_expires(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "ModifyWebPreciseAccessRule", "Domain", DOMAIN, "Expires", "600",
				 "Rules", PRECISE("short", "uri", "equal", "/")),
		200);
	describe_precise(api);
	assert_int_equal(api_int(api, "PreciseAccessConfigList.0.RuleList.0.Expires"), 600);
	assert_int_equal(api_int(api, "PreciseAccessConfigList.0.RuleList.0.ExpirePeriod"),
		api->clock_ms / 1000 + 600);
	assert_int_equal(
		web_rule(web_site(api, DOMAIN), "short")->until_ms, api->clock_ms + 600000);
	int64_t generation = web_generation(api);
	api->clock_ms += 599999;
	web_tick(api);
	describe_precise(api);
	assert_int_equal(api_int(api, "PreciseAccessConfigList.0.RuleList.0.Expires"), 1);
	api->clock_ms += 1;
	describe_precise(api);
	expect_json(api, "PreciseAccessConfigList.0.RuleList", "[]");
	/* Pruned without a word to nodes, who ended it by themselves. */
	assert_non_null(web_rule(web_site(api, DOMAIN), "short"));
	web_tick(api);
	assert_null(web_rule(web_site(api, DOMAIN), "short"));
	assert_int_equal(web_generation(api), generation);
	/* Only rules that block end. */
	assert_int_equal(
		CALL(api, "ModifyWebPreciseAccessRule", "Domain", DOMAIN, "Expires", "600", "Rules",
			"[{\"name\":\"a\",\"action\":\"accept\",\"condition\":[{\"field\":"
			"\"uri\",\"match_method\":\"equal\",\"content\":\"/\"}]}]"),
		400);
	expect(api, "InvalidParameter", "Expires");
}

static void test_precise_plan(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	for (int i = 0; i <= WEB_PRECISE_MAX; i++) {
		const char *rules =
			arena_print(api->fixture, PRECISE("r%d", "user-agent", "contain", "x"), i);

		assert_int_equal(precise(api, DOMAIN, rules), i < WEB_PRECISE_MAX ? 200 : 400);
		if (i == WEB_PRECISE_MAX)
			expect(api, "RuleLimit", "at most 10");
		assert_int_equal(
			precise(api, STANDARD, rules), i < WEB_PRECISE_STANDARD ? 200 : 400);
		if (i >= WEB_PRECISE_STANDARD)
			expect(api, "RuleLimit", "at most 5");
	}
	/* One that is there can still be changed. */
	assert_int_equal(precise(api, STANDARD, PRECISE("r1", "uri", "equal", "/")), 200);
	assert_int_equal(precise(api, STANDARD, PRECISE("r1", "cookie", "equal", "/")), 400);
	expect(api, "FunctionPlanNotSupport", "Rules[0]: the field cookie");
	assert_int_equal(precise(api, DOMAIN, "[{\"name\":\"a\",\"action\":\"block\"}]"), 400);
	expect(api, "MissingParameter", "Rules[0].condition");
	assert_int_equal(precise(api, DOMAIN, PRECISE("a", "uri", "regular", "x")), 400);
	expect(api, "InvalidParameter", "Rules[0].condition[0].match_method");
	assert_int_equal(precise(api, DOMAIN, "{}"), 400);
	expect(api, "InvalidParameter", "Rules");
}

/* Contents that each are allowed and together are more than a site can hold. */
static void test_too_large(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	char *content = arena_take(api->fixture, 2001), *rules = arena_take(api->fixture, 32768);
	int status = 200, count = 0;

	memset(content, 'a', 2000);
	while (status == 200 && count < WEB_PRECISE_MAX) {
		(void)snprintf(rules, 32768,
			"[{\"name\":\"r%d\",\"action\":\"block\",\"condition\":[{\"field\":\"uri\","
			"\"match_method\":\"contain\",\"content\":\"\",\"content_list\":[\"%s\","
			"\"%s\",\"%s\",\"%s\",\"%s\"]}]}]",
			count++, content, content, content, content, content);
		status = precise(api, DOMAIN, rules);
	}
	assert_int_equal(status, 400);
	expect(api, "RuleLimit", "larger than what a node takes");
	assert_true(count > 2);
	/* The one that was refused left nothing. */
	assert_int_equal(web_rules(web_site(api, DOMAIN), CHECK_precise), (unsigned)count - 1);
}

/* ---- frequency */

#define TERRAFORM                                                                                  \
	"[{\"action\":\"block\",\"condition\":[{\"content\":\"1.1.1.1\",\"field\":\"ip\","         \
	"\"header_name\":\"\",\"match_method\":\"belong\"},{\"content\":\"/a\",\"field\":\"uri\"," \
	"\"header_name\":\"\",\"match_method\":\"contain\"},{\"content\":\"1234\",\"field\":"      \
	"\"header\",\"header_name\":\"123\",\"match_method\":\"contain\"}],\"name\":\"tf\","       \
	"\"ratelimit\":{\"interval\":11,\"subkey\":\"33\",\"target\":\"header\",\"threshold\":2,"  \
	"\"ttl\":840},\"statistics\":{\"field\":\"header\",\"header_name\":\"12\",\"mode\":"       \
	"\"distinct\"},\"status_code\":{\"code\":100,\"count_threshold\":2,\"enabled\":true,"      \
	"\"ratio_threshold\":5,\"use_ratio\":false}}]"

static void test_cc_v2(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "ConfigWebCCRuleV2", "Domain", DOMAIN, "Expires", "0",
				 "RuleList", TERRAFORM),
		200);
	EMPTY_REPLY(api);
	assert_int_equal(
		CALL(api, "DescribeWebCCRulesV2", "Domain", DOMAIN, "Owner", "manual"), 200);
	assert_string_equal(api_text(api, "TotalCount"), "1");
	assert_int_equal(api_int(api, "WebCCRules.0.Expires"), 0);
	expect_json(api, "WebCCRules.0.RuleDetail.RateLimit",
		"{\"Interval\":11,\"SubKey\":\"33\",\"Target\":\"header\",\"Threshold\":2,\"Ttl\":"
		"840}");
	expect_json(api, "WebCCRules.0.RuleDetail.Statistics",
		"{\"Field\":\"header\",\"HeaderName\":\"12\",\"Mode\":\"distinct\"}");
	expect_json(api, "WebCCRules.0.RuleDetail.StatusCode",
		"{\"Code\":100,\"CountThreshold\":2,\"Enabled\":true,\"RatioThreshold\":5,"
		"\"UseRatio\":false}");
	expect_json(api, "WebCCRules.0.RuleDetail.Condition.2",
		"{\"Field\":\"header\",\"MatchMethod\":\"contain\",\"HeaderName\":\"123\","
		"\"Content\":\"1234\",\"ContentList\":[]}");
	const struct site *site = web_site(api, DOMAIN);
	const struct site_rule *rule = web_rule(site, "tf");
	assert_int_equal(rule->check, CHECK_frequency);
	assert_int_equal(rule->status, 100);
	assert_int_equal(rule->threshold, 1);
	assert_int_equal(rule->target, TARGET_HEADER);
	/* Each of the three switches turns it off. */
	static const char *const off[] = { "DisableWebCC", "DisableWebCCRule" };
	static const char *const on[] = { "EnableWebCC", "EnableWebCCRule" };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(CALL(api, off[i], "Domain", DOMAIN), 200);
		assert_null(web_rule(web_site(api, DOMAIN), "tf"));
		assert_int_equal(
			web_site(api, DOMAIN)->pace, i == 0 ? SITE_PACE_OFF : SITE_PACE_NORMAL);
		assert_int_equal(CALL(api, on[i], "Domain", DOMAIN), 200);
	}
	assert_int_equal(
		CALL(api, "ModifyWebCCGlobalSwitch", "Domain", DOMAIN, "CcGlobalSwitch", "close"),
		200);
	assert_null(web_rule(web_site(api, DOMAIN), "tf"));
	assert_int_equal(web_site(api, DOMAIN)->pace, SITE_PACE_OFF);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(
			CALL(api, "DeleteWebCCRuleV2", "Domain", DOMAIN, "RuleNames", "[\"tf\"]"),
			200);
		assert_int_equal(CALL(api, "DescribeWebCCRulesV2", "Domain", DOMAIN), 200);
		expect_json(api, "WebCCRules", "[]");
	}
}

static void test_cc_v2_refused(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(
		CALL(api, "ConfigWebCCRuleV2", "Domain", STANDARD, "RuleList", TERRAFORM), 400);
	expect(api, "FunctionPlanNotSupport", "RuleList[0]: the field header");
	assert_int_equal(CALL(api, "ConfigWebCCRuleV2", "Domain", DOMAIN, "RuleList",
				 "[{\"name\":\"a\",\"action\":\"block\",\"ratelimit\":{"
				 "\"interval\":4}}]"),
		400);
	expect(api, "InvalidParameter", "RuleList[0].ratelimit.interval");
	assert_int_equal(CALL(api, "ConfigWebCCRuleV2", "Domain", DOMAIN, "Expires", "-1",
				 "RuleList", TERRAFORM),
		400);
	expect(api, "InvalidParameter", "Expires");
	assert_int_equal(CALL(api, "DeleteWebCCRuleV2", "Domain", DOMAIN), 400);
	expect(api, "MissingParameter", "RuleNames");
	assert_int_equal(CALL(api, "DeleteWebCCRuleV2", "Domain", DOMAIN, "RuleNames", "tf"), 400);
	expect(api, "InvalidParameter", "RuleNames");
	assert_int_equal(CALL(api, "DescribeWebCCRulesV2", "Owner", "manual"), 400);
	expect(api, "MissingParameter", "Domain");
	assert_int_equal(
		CALL(api, "DescribeWebCCRulesV2", "Domain", DOMAIN, "PageSize", "21"), 400);
	expect(api, "InvalidParameter", "PageSize");
}

static int cc(
	struct api *api, const char *action, const char *name, const char *uri, const char *count)
{
	return CALL(api, action, "Domain", DOMAIN, "Name", name, "Uri", uri, "Mode", "prefix",
		"Act", "close", "Interval", "20", "Count", count, "Ttl", "600");
}

static void test_cc(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(cc(api, "CreateWebCCRule", "rule_1", "/abc?d=1", "60"), 200);
	assert_int_equal(cc(api, "CreateWebCCRule", "rule_1", "/abc", "60"), 400);
	expect(api, "InvalidParameter", "Name");
	assert_int_equal(cc(api, "ModifyWebCCRule", "rule_1", "/abc", "60"), 400);
	expect(api, "InvalidParameter", "Uri");
	assert_int_equal(cc(api, "ModifyWebCCRule", "rule_1", "/abc?d=1", "3"), 200);
	assert_int_equal(cc(api, "ModifyWebCCRule", "rule_2", "/abc", "3"), 400);
	expect(api, "RuleNotExist", "rule");
	assert_int_equal(cc(api, "CreateWebCCRule", "rule-2", "/abc", "3"), 400);
	expect(api, "InvalidParameter", "Name");
	assert_int_equal(cc(api, "CreateWebCCRule", "rule_2", "abc", "3"), 400);
	expect(api, "InvalidParameter", "uri");
	assert_int_equal(cc(api, "CreateWebCCRule", "rule_2", "/abc", "2001"), 400);
	expect(api, "InvalidParameter", "Count");
	assert_int_equal(CALL(api, "DescribeWebCCRules", "Domain", DOMAIN, "PageSize", "10"), 200);
	expect_json(api, "WebCCRules",
		"[{\"Name\":\"rule_1\",\"Uri\":\"/abc?d=1\",\"Mode\":\"prefix\",\"Act\":\"close\","
		"\"Interval\":20,\"Count\":3,\"Ttl\":10}]");
	const struct site *site = web_site(api, DOMAIN);
	const struct site_rule *rule = web_rule(site, "rule_1");
	const struct site_step *step = site_list_at(site, site->steps);
	assert_int_equal(rule->threshold, 3);
	assert_int_equal(rule->ttl_seconds, 600);
	assert_int_equal(step[rule->first_step].field, FIELD_URI_PARAMS);
	assert_int_equal(step[rule->first_step].match, MATCH_PREFIX);
	assert_int_equal(CALL(api, "DeleteWebCCRule", "Domain", DOMAIN, "Name", "rule_1"), 200);
	assert_null(web_rule(web_site(api, DOMAIN), "rule_1"));
}

/* Both versions share the most that there can be. */
static void test_cc_limit(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	for (int i = 0; i <= WEB_CC_MAX; i++) {
		const char *name = arena_print(api->fixture, "r%d", i);
		const char *list = arena_print(api->fixture,
			"[{\"name\":\"v%d\",\"action\":\"watch\",\"ratelimit\":{\"interval\":5,"
			"\"ttl\":60,\"threshold\":2,\"target\":\"ip\"}}]",
			i);
		int status =
			i % 2 ? cc(api, "CreateWebCCRule", name, "/", "2")
			      : CALL(api, "ConfigWebCCRuleV2", "Domain", DOMAIN, "RuleList", list);

		assert_int_equal(status, i < WEB_CC_MAX ? 200 : 400);
	}
	expect(api, "RuleLimit", "at most 20");
	assert_int_equal(CALL(api, "DescribeWebCCRulesV2", "Domain", DOMAIN, "Offset", "8"), 200);
	assert_string_equal(api_text(api, "TotalCount"), "10");
	assert_int_equal(json_array_size(api_get(api, "WebCCRules")), 2);
	assert_int_equal(CALL(api, "DescribeWebCCRules", "Domain", DOMAIN, "PageNumber", "2",
				 "PageSize", "4"),
		200);
	assert_int_equal(json_array_size(api_get(api, "WebCCRules")), 4);
	assert_string_equal(api_text(api, "WebCCRules.0.Name"), "r9");
}

/* Rules made by themselves, as the engine puts them. */
static void test_smart(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct website website;
	struct website_rule rule = { .kind = "smart",
		.name = "smartcc_1",
		.owner = "clover",
		.until_ms = api->clock_ms + 60000,
		.enabled = true,
		.json = "{\"name\":\"smartcc_1\",\"action\":\"block\",\"condition\":[{\"field\":"
			"\"user-agent\",\"match_method\":\"equal\",\"content\":\"bad\"}]}" };

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(website_load(api->db, api->fixture, 0, DOMAIN, &website), OK);
	assert_int_equal(website_rule_put(api->db, &website, &rule), OK);
	assert_int_equal(db_commit(api->db), OK);
	const struct site *site = web_site(api, DOMAIN);
	assert_int_equal(web_rule(site, "smartcc_1")->check, CHECK_smart);
	assert_int_equal(CALL(api, "DescribeWebCCRulesV2", "Domain", DOMAIN), 200);
	expect_json(api, "WebCCRules", "[]");
	assert_int_equal(
		CALL(api, "DescribeWebCCRulesV2", "Domain", DOMAIN, "Owner", "clover"), 200);
	assert_string_equal(api_text(api, "WebCCRules.0.Owner"), "clover");
	/* The two doors to its mode. */
	assert_int_equal(CALL(api, "ModifyWebAIProtectMode", "Domain", DOMAIN, "Config",
				 "{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}"),
		200);
	assert_int_equal(web_site(api, DOMAIN)->mode[CHECK_smart], CHECK_BLOCK);
	assert_int_equal(
		OWN(api, "ModifyWebCheck", "Domain", DOMAIN, "Check", "smart", "Mode", "watch"),
		200);
	assert_int_equal(web_site(api, DOMAIN)->mode[CHECK_smart], CHECK_WATCH);
	describe_switches(api);
	assert_string_equal(api_text(api, "ProtectSwitchList.0.AiMode"), "watch");
	assert_int_equal(CALL(api, "ModifyWebAIProtectMode", "Domain", DOMAIN, "Config",
				 "{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}"),
		200);
	assert_int_equal(web_site(api, DOMAIN)->mode[CHECK_smart], CHECK_BLOCK);
	/* Switched off, they are gone for good. */
	assert_int_equal(CALL(api, "ModifyWebAIProtectSwitch", "Domain", DOMAIN, "Config",
				 "{\"AiRuleEnable\":0}"),
		200);
	assert_int_equal(CALL(api, "ModifyWebAIProtectSwitch", "Domain", DOMAIN, "Config",
				 "{\"AiRuleEnable\":1}"),
		200);
	assert_null(web_rule(web_site(api, DOMAIN), "smartcc_1"));
}

/* ---- shipped rules */

static void test_global(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char *const modes[] = { "weak", "default", "hard" };
	unsigned before = 0;

	for (size_t i = 0; i < 3; i++) {
		const char *config =
			arena_print(api->fixture, "{\"global_rule_mode\":\"%s\"}", modes[i]);

		assert_int_equal(CALL(api, "ConfigDomainSecurityProfile", "Domain", DOMAIN,
					 "Config", config, "Cluster", ""),
			200);
		assert_int_equal(CALL(api, "DescribeDomainSecurityProfile", "Domain", DOMAIN), 200);
		assert_string_equal(api_text(api, "Result.0.GlobalMode"), modes[i]);
		assert_true(json_is_true(api_get(api, "Result.0.GlobalEnable")));
		unsigned count = web_rules(web_site(api, DOMAIN), CHECK_global);
		assert_true(count > before);
		before = count;
	}
	assert_int_equal(CALL(api, "ConfigDomainSecurityProfile", "Domain", DOMAIN, "Config",
				 "{\"global_rule_enable\":\"0\"}"),
		200);
	assert_int_equal(web_rules(web_site(api, DOMAIN), CHECK_global), 0);
	assert_int_equal(CALL(api, "DescribeDomainSecurityProfile", "Domain", DOMAIN), 200);
	expect_json(api, "Result", "[{\"GlobalEnable\":false,\"GlobalMode\":\"hard\"}]");
	assert_int_equal(CALL(api, "ConfigDomainSecurityProfile", "Domain", DOMAIN, "Config",
				 "{\"global_rule_enable\":1,\"global_rule_mode\":\"default\"}"),
		200);
}

static void test_global_choice(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "ConfigL7GlobalRule", "Domain", DOMAIN, "RuleAttr",
				 "[{\"RuleId\":\"global_01\",\"Action\":\"watch\",\"Enabled\":1},"
				 "{\"RuleId\":\"global_02\",\"Action\":\"block\",\"Enabled\":0},"
				 "{\"RuleId\":\"global_40\",\"Action\":\"block\",\"Enabled\":1}]"),
		200);
	EMPTY_REPLY(api);
	const struct site *site = web_site(api, DOMAIN);
	assert_int_equal(web_rule(site, "scanner")->action, RULE_WATCH);
	assert_int_equal(web_rule(site, "scanner")->number, 0xffff0001u);
	assert_null(web_rule(site, "flood tool"));
	/* One of a higher level that was asked for. */
	assert_int_equal(web_rule(site, "program")->action, RULE_BLOCK);
	assert_int_equal(CALL(api, "DescribeL7GlobalRule", "Domain", DOMAIN, "Lang", "en"), 200);
	assert_string_equal(api_text(api, "GlobalRules.0.RuleId"), "global_01");
	assert_string_equal(api_text(api, "GlobalRules.0.Action"), "watch");
	assert_string_equal(api_text(api, "GlobalRules.0.ActionDefault"), "block");
	assert_int_equal(api_int(api, "GlobalRules.0.Enabled"), 1);
	assert_int_equal(api_int(api, "GlobalRules.1.Enabled"), 0);
	static const struct {
		const char *attributes, *code, *named;
	} refused[] = {
		{ "[]", "InvalidParameter", "RuleAttr" },
		{ "[{\"RuleId\":\"global_1\",\"Action\":\"block\",\"Enabled\":1}]", "RuleNotExist",
			"RuleAttr[0].RuleId" },
		{ "[{\"RuleId\":\"global_01\",\"Action\":\"accept\",\"Enabled\":1}]",
			"InvalidParameter", "RuleAttr[0].Action" },
		{ "[{\"RuleId\":\"global_01\",\"Action\":\"block\",\"Enabled\":2}]",
			"InvalidParameter", "RuleAttr[0].Enabled" },
		{ "[{\"RuleId\":\"global_01\",\"Action\":\"block\"}]", "MissingParameter",
			"RuleAttr[0].Enabled" },
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(CALL(api, "ConfigL7GlobalRule", "Domain", DOMAIN, "RuleAttr",
					 refused[i].attributes),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
}

/* ---- caching */

static void test_cache(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "ModifyWebCacheCustomRule", "Domain", DOMAIN, "Rules",
				 "[{\"Name\":\"a\",\"Uri\":\"/a\",\"Mode\":\"standard\","
				 "\"CacheTtl\":3600},{\"Name\":\"b\",\"Uri\":\"/a/b\",\"Mode\":"
				 "\"bypass\",\"CacheTtl\":0}]"),
		200);
	assert_int_equal(
		CALL(api, "ModifyWebCacheMode", "Domain", DOMAIN, "Mode", "aggressive"), 200);
	assert_int_equal(web_site(api, DOMAIN)->cache, SITE_CACHE_OFF);
	assert_int_equal(web_site(api, DOMAIN)->caches.count, 0);
	assert_int_equal(CALL(api, "ModifyWebCacheSwitch", "Domain", DOMAIN, "Enable", "1"), 200);
	const struct site *site = web_site(api, DOMAIN);
	const struct site_cache_rule *rule = site_list_at(site, site->caches);
	assert_int_equal(site->cache, SITE_CACHE_ALL);
	assert_int_equal(site->caches.count, 2);
	/* The longest path decides. */
	assert_int_equal(rule[0].path.length, 4);
	assert_int_equal(rule[0].mode, SITE_CACHE_BYPASS);
	assert_int_equal(rule[1].seconds, 3600);
	assert_int_equal(CALL(api, "DescribeWebCacheConfigs", "Domains.1", DOMAIN), 200);
	expect_json(api, "DomainCacheConfigs",
		"[{\"Domain\":\"" DOMAIN "\",\"Enable\":1,\"Mode\":\"aggressive\",\"CustomRules\":"
		"[{\"Name\":\"a\",\"Uri\":\"/a\",\"Mode\":\"standard\",\"CacheTtl\":3600},"
		"{\"Name\":\"b\",\"Uri\":\"/a/b\",\"Mode\":\"bypass\",\"CacheTtl\":0}]}]");
	static const char *const refused[][3] = {
		{ "[{\"Name\":\"c\",\"Uri\":\"/c\",\"Mode\":\"standard\",\"CacheTtl\":60}]",
			"InvalidParameter", "Rules[0].CacheTtl" },
		{ "[{\"Name\":\"c\",\"Uri\":\"c\",\"Mode\":\"standard\",\"CacheTtl\":0}]",
			"InvalidParameter", "Rules[0].Uri" },
		{ "[{\"Name\":\"c\",\"Uri\":\"/c\",\"Mode\":\"all\",\"CacheTtl\":0}]",
			"InvalidParameter", "Rules[0].Mode" },
		{ "[{\"Uri\":\"/c\",\"Mode\":\"standard\",\"CacheTtl\":0}]", "MissingParameter",
			"Rules[0].Name" },
		{ "[{\"Name\":\"c\",\"Uri\":\"/c\",\"Mode\":\"standard\",\"CacheTtl\":0},{\"Name\":"
		  "\"d\",\"Uri\":\"/d\",\"Mode\":\"standard\",\"CacheTtl\":0}]",
			"RuleLimit", "at most 3" },
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(CALL(api, "ModifyWebCacheCustomRule", "Domain", DOMAIN, "Rules",
					 refused[i][0]),
			400);
		expect(api, refused[i][1], refused[i][2]);
	}
	assert_int_equal(
		CALL(api, "ModifyWebCacheMode", "Domain", STANDARD, "Mode", "standard"), 400);
	expect(api, "FunctionPlanNotSupport", "enhanced");
	assert_int_equal(CALL(api, "DeleteWebCacheCustomRule", "Domain", DOMAIN, "RuleNames.1", "a",
				 "RuleNames.2", "b"),
		200);
	assert_int_equal(web_site(api, DOMAIN)->caches.count, 0);
}

/* ---- checks */

static void test_checks(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char *const modes[] = { "off", "watch", "block" };

	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const char *name = web_check_name((enum check)i);
		bool own = web_check_of_site((enum check)i);

		for (unsigned m = 0; m < 3; m++) {
			assert_int_equal(OWN(api, "ModifyWebCheck", "Domain", DOMAIN, "Check", name,
						 "Mode", modes[m]),
				own ? 200 : 400);
			if (!own) {
				expect(api, "InvalidParameter", name);
				continue;
			}
			assert_int_equal(web_site(api, DOMAIN)->mode[i], m);
			assert_int_equal(OWN(api, "DescribeWebChecks", "Domain", DOMAIN), 200);
			const char *path = arena_print(api->fixture, "Checks.%u.Mode", i);
			assert_string_equal(api_text(api, path), modes[m]);
		}
		if (own)
			assert_int_equal(OWN(api, "ModifyWebCheck", "Domain", DOMAIN, "Check", name,
						 "Mode", "default"),
				200);
	}
	assert_int_equal(OWN(api, "DescribeWebChecks", "Domain", DOMAIN), 200);
	assert_int_equal(json_array_size(api_get(api, "Checks")), CHECK_COUNT);
	const struct site *site = web_site(api, DOMAIN);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		assert_int_equal(site->mode[i], web_check_default((enum check)i));
}

/* ---- logs */

static void test_logs(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "EnableWebAccessLogConfig", "Domain", DOMAIN), 200);
	assert_true(web_site(api, DOMAIN)->flags & SITE_LOG);
	assert_int_equal(CALL(api, "DescribeWebAccessLogStatus", "Domain", DOMAIN), 200);
	assert_true(json_is_true(api_get(api, "SlsStatus")));
	assert_int_equal(CALL(api, "DescribeWebAccessLogDispatchStatus", PAGE), 200);
	expect_json(api, "SlsConfigStatus",
		"[{\"Domain\":\"" STANDARD "\",\"Enable\":false},{\"Domain\":\"" DOMAIN
		"\",\"Enable\":true}]");
	assert_int_equal(CALL(api, "DisableWebAccessLogConfig", "Domain", DOMAIN), 200);
	assert_false(web_site(api, DOMAIN)->flags & SITE_LOG);
	assert_int_equal(CALL(api, "ModifyFullLogTtl", "Ttl", "30"), 200);
	assert_int_equal(CALL(api, "ModifyFullLogTtl", "Ttl", "6"), 400);
	expect(api, "InvalidParameter", "Ttl");
	assert_int_equal(CALL(api, "DescribeSlsLogstoreInfo", NULL), 200);
	assert_int_equal(api_int(api, "Ttl"), 30);
	for (int i = 4; i >= 0; i--) {
		assert_int_equal(CALL(api, "DescribeWebAccessLogEmptyCount", NULL), 200);
		assert_int_equal(api_int(api, "AvailableCount"), i);
		assert_int_equal(CALL(api, "EmptySlsLogstore", NULL), i ? 200 : 400);
	}
	expect(api, "QuotaExceeded", "quota");
	/* Another account's is another one. */
	api->caller = &api->other;
	assert_int_equal(CALL(api, "DescribeSlsLogstoreInfo", NULL), 200);
	assert_int_equal(api_int(api, "Ttl"), 180);
	api->caller = &api->tenant;
	api->clock_ms += 31 * DAY_MS;
	assert_int_equal(CALL(api, "DescribeWebAccessLogEmptyCount", NULL), 200);
	assert_int_equal(api_int(api, "AvailableCount"), 4);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, web_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fresh),
		TEST(test_switches),
		TEST(test_switches_refused),
		TEST(test_lists),
		TEST(test_most_lists),
		TEST(test_regions),
		TEST(test_precise),
		TEST(test_precise_expires),
		TEST(test_precise_plan),
		TEST(test_too_large),
		TEST(test_cc_v2),
		TEST(test_cc_v2_refused),
		TEST(test_cc),
		TEST(test_cc_limit),
		TEST(test_smart),
		TEST(test_global),
		TEST(test_global_choice),
		TEST(test_cache),
		TEST(test_checks),
		TEST(test_logs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
