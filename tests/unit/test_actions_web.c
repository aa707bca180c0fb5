/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protection of web sites through signed calls: what is accepted, each refusal with the parameter it names, how it
 * is read back, and what nodes get of it.
 */
#include "tests/unit/web_world.h"

/* ---- switches */

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
	static const char choice[] =
		"[{\"RuleId\":\"global_01\",\"Action\":\"watch\",\"Enabled\":1},"
		"{\"RuleId\":\"global_02\",\"Action\":\"block\",\"Enabled\":0},"
		"{\"RuleId\":\"global_40\",\"Action\":\"block\",\"Enabled\":1}]";

	assert_int_equal(
		CALL(api, "ConfigL7GlobalRule", "Domain", DOMAIN, "RuleAttr", choice), 200);
	EMPTY_REPLY(api);
	/* Again: nodes hear nothing. */
	int64_t generation = web_generation(api);
	assert_int_equal(
		CALL(api, "ConfigL7GlobalRule", "Domain", DOMAIN, "RuleAttr", choice), 200);
	assert_int_equal(web_generation(api), generation);
	const struct site *site = web_site(api, DOMAIN);
	assert_int_equal(web_chosen(site, 1), RULE_WATCH);
	assert_int_equal(web_chosen(site, 2), -1);
	/* One of a higher level that was asked for. */
	assert_int_equal(web_chosen(site, 40), RULE_BLOCK);
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
	static const char rules[] =
		"[{\"Name\":\"a\",\"Uri\":\"/a\",\"Mode\":\"standard\",\"CacheTtl\":3600},"
		"{\"Name\":\"b\",\"Uri\":\"/a/b\",\"Mode\":\"bypass\",\"CacheTtl\":0}]";

	assert_int_equal(
		CALL(api, "ModifyWebCacheCustomRule", "Domain", DOMAIN, "Rules", rules), 200);
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

/* Whatever is ordered about caching, what was cached before is void; another order leaves it. */
static void test_cache_edition(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char rule[] =
		"[{\"Name\":\"a\",\"Uri\":\"/a\",\"Mode\":\"standard\",\"CacheTtl\":3600}]";
	static const char *const orders[][3] = {
		{ "ModifyWebCacheSwitch", "Enable", "1" },
		{ "ModifyWebCacheSwitch", "Enable", "1" },
		{ "ModifyWebCacheMode", "Mode", "aggressive" },
		{ "ModifyWebCacheCustomRule", "Rules", rule },
		{ "ModifyWebCacheCustomRule", "Rules", rule },
		{ "DeleteWebCacheCustomRule", "RuleNames.1", "a" },
	};
	uint32_t edition = web_site(api, DOMAIN)->cache_edition;

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		assert_int_equal(
			CALL(api, orders[i][0], "Domain", DOMAIN, orders[i][1], orders[i][2]), 200);
		assert_int_equal(web_site(api, DOMAIN)->cache_edition, ++edition);
	}
	assert_int_equal(CALL(api, "ModifyWebPreciseAccessSwitch", "Domain", DOMAIN, "Config",
				 "{\"PreciseRuleEnable\":0}"),
		200);
	assert_int_equal(web_site(api, DOMAIN)->cache_edition, edition);
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
	const char *id = world->id;

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
	/* Nor is what others of the account keep that of a key of some instances. */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, &id, 1);
	assert_int_equal(CALL(api, "EmptySlsLogstore", NULL), 403);
	assert_int_equal(CALL(api, "ModifyFullLogTtl", "Ttl", "7"), 403);
	assert_int_equal(CALL(api, "DescribeSlsLogstoreInfo", NULL), 200);
	assert_int_equal(api_int(api, "Ttl"), 30);
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
		TEST(test_global),
		TEST(test_global_choice),
		TEST(test_cache),
		TEST(test_cache_edition),
		TEST(test_checks),
		TEST(test_logs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
