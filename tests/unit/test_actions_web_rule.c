/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of web sites through signed calls: precise access, frequency of both versions, those that were made by
 * themselves. How they are read back, what nodes get of them, what a plan and a site can hold.
 */
#include "control/model/web_cache.h"
#include "tests/unit/web_world.h"

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
	static const char accepts[] =
		"[{\"name\":\"a\",\"action\":\"accept\",\"condition\":[{\"field\":\"uri\","
		"\"match_method\":\"equal\",\"content\":\"/\"}]}]";

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
	assert_int_equal(CALL(api, "ModifyWebPreciseAccessRule", "Domain", DOMAIN, "Expires", "600",
				 "Rules", accepts),
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
	/* A key that is not known, cut inside a character, is still told. */
	char key[256] = "[{\"x", *at = key + strlen(key);
	for (int i = 0; i < 40; i++)
		at += snprintf(at, 3, "%s", "\xc3\xa9");
	(void)snprintf(at, 8, "\":1}]");
	assert_int_equal(precise(api, DOMAIN, key), 400);
	expect(api, "InvalidParameter", "is not known");
	(void)snprintf(at, 8, "\":1}");
	assert_int_equal(
		CALL(api, "ModifyWebAIProtectMode", "Domain", DOMAIN, "Config", key + 1), 400);
	expect(api, "InvalidParameter", "is not known");
}

/* Rules with contents that each are allowed, until they are more than a site can hold; how many were taken. */
static int fill_rules(struct api *api)
{
	char *content = arena_take(api->fixture, 2001), *rules = arena_take(api->fixture, 32768);
	int status = 200, count = 0;

	memset(content, 'a', 2000);
	while (status == 200 && count < WEB_PRECISE_MAX) {
		(void)snprintf(rules, 32768,
			"[{\"name\":\"r%d\",\"action\":\"block\",\"condition\":[{\"field\":\"uri\","
			"\"match_method\":\"contain\",\"content\":\"\",\"content_list\":[\"%s\","
			"\"%s\",\"%s\"]}]}]",
			count++, content, content, content);
		status = precise(api, DOMAIN, rules);
	}
	assert_int_equal(status, 400);
	expect(api, "RuleLimit", "larger than what a node takes");
	return count - 1;
}

static void test_too_large(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int count = fill_rules(api);

	assert_true(count > 2);
	/* The one that was refused left nothing. */
	assert_int_equal(web_rules(web_site(api, DOMAIN), CHECK_precise), (unsigned)count);
}

static const char *long_name(struct api *api, int number)
{
	char *name = arena_print(api->fixture, "%d", 100 + number);
	char *text = arena_take(api->fixture, 254);

	/* Four labels, 251 bytes. */
	memset(text, 'a', 251);
	for (int dot = 62; dot < 250; dot += 63)
		text[dot] = '.';
	memcpy(text, name, 3);
	return text;
}

static void fill_places(struct api *api, const char *id)
{
	struct pair pairs[64];
	size_t count = 0;

	pairs[count++] = (struct pair){ "Domain", DOMAIN };
	pairs[count++] = (struct pair){ "InstanceIds.1", id };
	pairs[count++] = (struct pair){ "RsType", "1" };
	pairs[count++] = (struct pair){ "ProxyTypes.1.ProxyType", "http" };
	for (int i = 1; i <= 20; i++)
		pairs[count++] =
			(struct pair){ arena_print(api->fixture, "ProxyTypes.1.ProxyPorts.%d", i),
				arena_print(api->fixture, "%d", 8000 + i) };
	for (int i = 1; i <= WEBSITE_NAME_MAX; i++)
		pairs[count++] = (struct pair){ arena_print(api->fixture, "RealServers.%d", i),
			long_name(api, i) };
	assert_int_equal(api_call_pairs(api, "ModifyDomainResource", pairs, count), 200);
}

static void fill_headers_and_caches(struct api *api)
{
	struct text headers, caches;
	char *long_text = arena_take(api->fixture, 1024);

	memset(long_text, 'x', 1023);
	text_init(&headers, api->fixture, 65536);
	text_init(&caches, api->fixture, 65536);
	text_add(&headers, "{");
	text_add(&caches, "[");
	for (int i = 0; i < SITE_HEADER_MAX; i++)
		text_print(&headers, "%s\"X-%d\":\"%.195s\"", i ? "," : "", i, long_text);
	for (int i = 0; i < WEB_CACHE_MAX; i++)
		text_print(&caches,
			"%s{\"Name\":\"%d\",\"Uri\":\"/%.1022s\",\"Mode\":\"standard\","
			"\"CacheTtl\":0}",
			i ? "," : "", i, long_text);
	text_add(&headers, "}");
	text_add(&caches, "]");
	assert_int_equal(
		CALL(api, "ModifyHeaders", "Domain", DOMAIN, "CustomHeaders", headers.data), 200);
	assert_int_equal(
		CALL(api, "ModifyWebCacheCustomRule", "Domain", DOMAIN, "Rules", caches.data), 200);
	assert_int_equal(CALL(api, "ModifyWebCacheSwitch", "Domain", DOMAIN, "Enable", "1"), 200);
}

/* A site with as much of everything as it can have is one that nodes take. */
static void test_fullest(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static struct pair pairs[2 * WEB_LIST_MAX + 1];
	size_t count = 0;

	fill_places(api, world->id);
	fill_headers_and_caches(api);
	pairs[count++] = (struct pair){ "Domain", DOMAIN };
	for (int i = 1; i <= WEB_LIST_MAX; i++) {
		pairs[count++] = (struct pair){ arena_print(api->fixture, "BlackList.%d", i),
			arena_print(api->fixture, "2001:db8:%x::/48", i) };
		pairs[count++] = (struct pair){ arena_print(api->fixture, "WhiteList.%d", i),
			arena_print(api->fixture, "10.0.%d.0/24", i) };
	}
	assert_int_equal(api_call_pairs(api, "ConfigWebIpSet", pairs, count), 200);
	int rules = fill_rules(api);
	assert_int_equal(CALL(api, "ConfigDomainSecurityProfile", "Domain", DOMAIN, "Config",
				 "{\"global_rule_mode\":\"hard\"}"),
		200);
	const struct site *site = web_site(api, DOMAIN);
	assert_true(site->length > SITE_BYTES_MAX - 12000);
	assert_int_equal(web_rules(site, CHECK_precise), (unsigned)rules);
	assert_int_equal(web_rules(site, CHECK_global), global_rule_count());
	assert_int_equal(site->caches.count, WEB_CACHE_MAX);
	assert_int_equal(site->prefixes.count, 2 * WEB_LIST_MAX);
	assert_int_equal(site->origins.count, WEBSITE_NAME_MAX);
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
	static const char short_interval[] =
		"[{\"name\":\"a\",\"action\":\"block\",\"ratelimit\":{\"interval\":4}}]";

	assert_int_equal(
		CALL(api, "ConfigWebCCRuleV2", "Domain", STANDARD, "RuleList", TERRAFORM), 400);
	expect(api, "FunctionPlanNotSupport", "RuleList[0]: the field header");
	assert_int_equal(
		CALL(api, "ConfigWebCCRuleV2", "Domain", DOMAIN, "RuleList", short_interval), 400);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, web_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_precise),
		TEST(test_precise_expires),
		TEST(test_precise_plan),
		TEST(test_too_large),
		TEST(test_fullest),
		TEST(test_cc_v2),
		TEST(test_cc_v2_refused),
		TEST(test_cc),
		TEST(test_cc_limit),
		TEST(test_smart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
