/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules, lists and tags through signed calls, each refusal with the place it names.
 */
#include "tests/support/api.h"

#include "base/clock.h"
#include "base/text.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE "PageNumber", "1", "PageSize", "10"
#define TAGS "RegionId", "cn-hangzhou", "ResourceType", "INSTANCE"

struct world {
	struct api api;
	const char *id;	 /* IPv4 */
	const char *id6; /* IPv6 */
};

static int setup(void **state)
{
	static struct world world;
	api_open(&world.api);
	world.id = api_buy(&world.api, "ddoscoo", "Ipv4");
	world.id6 = api_buy(&world.api, "ddoscoo", "Ipv6");
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	api_close(&world->api);
	return 0;
}

static void expect(struct api *api, const char *code, const char *named)
{
	if (strcmp(api_code(api), code) != 0 || !strstr(api_text(api, "Message"), named))
		fail_msg("wanted %s naming %s: %.*s", code, named, (int)api->response.body_size,
			api->response.body);
}

static int port(struct api *api, const char *action, const char *id, const char *protocol,
	const char *frontend, const char *origin)
{
	return api_call(api, action, "InstanceId", id, "FrontendProtocol", protocol, "FrontendPort",
		frontend, "BackendPort", "8080", "RealServers.1", origin, NULL);
}

static void test_ports(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "80", "10.0.0.1"), 200);
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "80", "10.0.0.1"), 200);
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "53", "10.0.0.1"), 200);
	assert_int_equal(port(api, "CreatePort", world->id6, "tcp", "65535", "2001:db8::9"), 200);
	static const struct {
		const char *protocol, *frontend, *origin, *code, *named;
	} refused[] = {
		{ "tcp", "80", "10.0.0.2", "ddos_coop3303", "FrontendPort" },
		{ "tcp", "0", "10.0.0.2", "InvalidParameter", "FrontendPort" },
		{ "tcp", "65536", "10.0.0.2", "InvalidParameter", "FrontendPort" },
		{ "sctp", "81", "10.0.0.2", "InvalidParameter", "FrontendProtocol" },
		{ "tcp", "81", "2001:db8::1", "ddos_coop3304", "RealServers" },
		{ "tcp", "81", "127.0.0.1", "ddos_coop3304", "RealServers" },
		{ "tcp", "81", "224.0.0.1", "ddos_coop3304", "RealServers" },
		{ "tcp", "81", "0.0.0.0", "ddos_coop3304", "RealServers" },
		{ "tcp", "81", "10.0.0.0/24", "ddos_coop3304", "RealServers" },
		{ "tcp", "81", "origin.example", "ddos_coop3304", "RealServers" },
	};
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(port(api, "CreatePort", world->id, refused[i].protocol,
					 refused[i].frontend, refused[i].origin),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(port(api, "ModifyPort", world->id, "tcp", "81", "10.0.0.2"), 400);
	expect(api, "anycast_controller3006", "81/tcp");
	assert_int_equal(port(api, "DeletePort", world->id, "tcp", "81", "10.0.0.2"), 400);
	expect(api, "anycast_controller3006", "81/tcp");
	assert_int_equal(port(api, "ModifyPort", world->id, "tcp", "80", "10.0.0.2"), 200);
	assert_int_equal(api_call(api, "DescribePort", "InstanceId", world->id, "FrontendPort",
				 "80", "FrontendProtocol", "tcp", NULL),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(api_int(api, "NetworkRules.0.FrontendPort"), 80);
	assert_int_equal(api_int(api, "NetworkRules.0.BackendPort"), 8080);
	assert_int_equal(json_array_size(api_get(api, "NetworkRules.0.RealServers")), 1);
	assert_string_equal(api_text(api, "NetworkRules.0.RealServers.0"), "10.0.0.2");
	assert_int_equal(port(api, "DeletePort", world->id, "tcp", "80", "10.0.0.2"), 200);
	assert_int_equal(api_call(api, "DescribePort", "InstanceId", world->id, "FrontendPort",
				 "80", "FrontendProtocol", "tcp", NULL),
		200);
	assert_int_equal(json_array_size(api_get(api, "NetworkRules")), 0);
	assert_true(json_is_array(api_get(api, "NetworkRules")));
}

static int set_attributes(struct world *world, const char *port, const char *config)
{
	return api_call(&world->api, "ModifyNetworkRuleAttribute", "InstanceId", world->id,
		"ForwardProtocol", "udp", "FrontendPort", port, "Config", config, NULL);
}

static const char *described(struct world *world, const char *port)
{
	struct api *api = &world->api;
	const char *key = arena_print(api->fixture,
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"udp\",\"FrontendPort\":%s}]", world->id,
		port);
	(void)api_call(api, "DescribeNetworkRuleAttributes", "NetworkRules", key, NULL);
	if (api->response.status != 200)
		return "";
	char *text = json_dumps(
		api_get(api, "NetworkRuleAttributes.0.Config"), JSON_COMPACT | JSON_SORT_KEYS);
	const char *copy = arena_copy(api->fixture, text);
	free(text);
	return copy;
}

#define NOT_AVAILABLE                                                                              \
	"\"Sla\":{\"Cps\":0,\"CpsEnable\":0,\"Maxconn\":0,\"MaxconnEnable\":0},"                   \
	"\"Slimit\":{\"Bps\":0,\"Cps\":0,\"CpsEnable\":0,\"CpsMode\":1,\"Maxconn\":0,"             \
	"\"MaxconnEnable\":0,\"Pps\":0},\"Synproxy\":\"off\"}"
#define CONFIG(seconds, min, max)                                                                  \
	"{\"Cc\":{\"Sblack\":[]},\"NodataConn\":\"off\",\"PayloadLen\":{\"Max\":" #max             \
	",\"Min\":" #min "},\"PersistenceTimeout\":" #seconds "," NOT_AVAILABLE

static void test_attributes(void **state)
{
	static const struct {
		const char *config, *after;
	} step[] = {
		{ "{}", CONFIG(0, 0, 6000) },
		{ "{\"PersistenceTimeout\":30}", CONFIG(30, 0, 6000) },
		{ "{\"PayloadLen\":{\"Min\":0,\"Max\":0}}", CONFIG(30, 0, 0) },
		{ "{\"PersistenceTimeout\":3600,\"PayloadLen\":{\"Min\":1500,\"Max\":1500}}",
			CONFIG(3600, 1500, 1500) },
		/* what was described is taken back */
		{ CONFIG(900, 12, 1400), CONFIG(900, 12, 1400) },
	};
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "900", "10.0.0.1"), 200);
	assert_string_equal(described(world, "900"), CONFIG(0, 0, 6000));
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		assert_int_equal(set_attributes(world, "900", step[i].config), 200);
		assert_string_equal(described(world, "900"), step[i].after);
	}
	/* they stay when the origins change, when the instance expires and when it is renewed */
	assert_int_equal(port(api, "ModifyPort", world->id, "udp", "900", "10.0.0.9"), 200);
	api_move_life(api, INT64_C(36) * DAY_MS);
	assert_string_equal(described(world, "900"), CONFIG(900, 12, 1400));
	assert_int_equal(api_call_version(api, VERSION_BSS, "RenewInstance", "InstanceId",
				 world->id, "ProductCode", "ddos", "RenewPeriod", "1", NULL),
		200);
	assert_string_equal(described(world, "900"), CONFIG(900, 12, 1400));
	/* and go with the rule */
	assert_int_equal(port(api, "DeletePort", world->id, "udp", "900", "10.0.0.9"), 200);
	assert_string_equal(described(world, "900"), "");
	expect(api, "anycast_controller3006", "900/udp");
	assert_int_equal(set_attributes(world, "900", "{\"PersistenceTimeout\":30}"), 400);
	expect(api, "anycast_controller3006", "900/udp");
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "900", "10.0.0.1"), 200);
	assert_string_equal(described(world, "900"), CONFIG(0, 0, 6000));
}

static void test_attributes_refused(void **state)
{
	static const struct {
		const char *config, *code, *named;
	} refused[] = {
		{ "[]", "InvalidParameter", "Config" },
		{ "{\"Persistence\":30}", "InvalidParameter", "Config.Persistence" },
		{ "{\"PersistenceTimeout\":29}", "InvalidParameter", "PersistenceTimeout" },
		{ "{\"PersistenceTimeout\":3601}", "InvalidParameter", "PersistenceTimeout" },
		{ "{\"PersistenceTimeout\":-1}", "InvalidParameter", "PersistenceTimeout" },
		{ "{\"PersistenceTimeout\":\"60\"}", "InvalidParameter", "PersistenceTimeout" },
		{ "{\"PayloadLen\":7}", "InvalidParameter", "Config.PayloadLen" },
		{ "{\"PayloadLen\":{\"Min\":0}}", "MissingParameter", "PayloadLen.Max" },
		{ "{\"PayloadLen\":{\"Max\":9}}", "MissingParameter", "PayloadLen.Min" },
		{ "{\"PayloadLen\":{\"Min\":-1,\"Max\":9}}", "InvalidParameter", "PayloadLen.Min" },
		{ "{\"PayloadLen\":{\"Min\":1501,\"Max\":6000}}", "InvalidParameter",
			"PayloadLen.Min" },
		{ "{\"PayloadLen\":{\"Min\":0,\"Max\":1501}}", "InvalidParameter",
			"PayloadLen.Max" },
		{ "{\"PayloadLen\":{\"Min\":10,\"Max\":9}}", "InvalidParameter", "PayloadLen.Min" },
		{ "{\"PayloadLen\":{\"Min\":0,\"Max\":9,\"Mid\":1}}", "InvalidParameter", "Mid" },
		{ "{\"Synproxy\":\"on\"}", "InvalidParameter", "Config.Synproxy" },
		{ "{\"NodataConn\":\"on\"}", "InvalidParameter", "Config.NodataConn" },
		{ "{\"Sla\":{\"Cps\":100}}", "InvalidParameter", "Config.Sla.Cps" },
		{ "{\"Sla\":{\"MaxconnEnable\":1}}", "InvalidParameter",
			"Config.Sla.MaxconnEnable" },
		{ "{\"Slimit\":{\"CpsMode\":2}}", "InvalidParameter", "Config.Slimit.CpsMode" },
		{ "{\"Slimit\":{\"Bps\":1024}}", "InvalidParameter", "Config.Slimit.Bps" },
		{ "{\"Slimit\":{\"Other\":0}}", "InvalidParameter", "Config.Slimit.Other" },
		{ "{\"Cc\":{\"Sblack\":[{\"Type\":1}]}}", "InvalidParameter", "Config.Cc.Sblack" },
	};
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "901", "10.0.0.1"), 200);
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(set_attributes(world, "901", refused[i].config), 400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
}

static void test_origin_limit(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct pair pairs[3 + 21] = { { "InstanceId", world->id }, { "FrontendProtocol", "tcp" },
		{ "FrontendPort", "443" } };
	for (int i = 0; i < 21; i++) {
		pairs[3 + i].key = arena_print(api->fixture, "RealServers.%d", i + 1);
		pairs[3 + i].value = arena_print(api->fixture, "10.0.0.%d", i + 1);
	}
	assert_int_equal(api_call_pairs(api, "CreatePort", pairs, 3 + 21), 400);
	expect(api, "InvalidParameter", "RealServers");
	pairs[3 + 19].value = "10.0.0.1"; /* twice */
	assert_int_equal(api_call_pairs(api, "CreatePort", pairs, 3 + 20), 400);
	expect(api, "ddos_coop3304", "10.0.0.1");
	pairs[3 + 19].value = "10.0.0.20";
	assert_int_equal(api_call_pairs(api, "CreatePort", pairs, 3 + 20), 200);
	/* without BackendPort: the same as in front */
	assert_int_equal(
		api_call(api, "DescribeNetworkRules", "InstanceId", world->id, PAGE, NULL), 200);
	assert_int_equal(api_int(api, "NetworkRules.0.BackendPort"), 443);
	assert_int_equal(json_array_size(api_get(api, "NetworkRules.0.RealServers")), 20);
}

/* One rule as JSON; extra comes behind RealServers. */
static const char *rule_json(
	struct world *world, int frontend, const char *origin, const char *extra)
{
	return arena_print(world->api.fixture,
		"{\"InstanceId\":\"%s\",\"Protocol\":\"tcp\",\"FrontendPort\":%d,\"BackendPort\":"
		"80,"
		"\"RealServers\":[\"%s\"]%s}",
		world->id, frontend, origin, extra);
}

static void test_network_rules(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *good = rule_json(world, 80, "10.0.0.1", "");
	const struct {
		const char *rules, *code, *named;
	} refused[] = {
		{ "", "InvalidParameter", "NetworkRules" },
		{ "{}", "InvalidParameter", "NetworkRules" },
		{ "[]", "InvalidParameter", "NetworkRules" },
		{ "[1]", "InvalidParameter", "NetworkRules[0]" },
		{ "[{]", "InvalidParameter", "NetworkRules" },
		{ "[{}]", "MissingParameter", "NetworkRules[0].InstanceId" },
		{ arena_print(api->fixture, "[%s,%s]", good,
			  rule_json(world, 81, "10.0.0.1", ",\"x\":1")),
			"InvalidParameter", "NetworkRules[1].x" },
		{ arena_print(api->fixture, "[%s,%s]", good, rule_json(world, 0, "10.0.0.1", "")),
			"InvalidParameter", "NetworkRules[1].FrontendPort" },
		{ arena_print(api->fixture, "[%s,%s]", good, rule_json(world, 81, "::1", "")),
			"ddos_coop3304", "NetworkRules[1].RealServers" },
		{ arena_print(api->fixture, "[%s,%s]", good, good), "ddos_coop3303",
			"NetworkRules[1].FrontendPort" },
		{ arena_print(api->fixture, "[%s]",
			  rule_json(world, 80, "10.0.0.1", ",\"Protocol\":\"udp\"")),
			"InvalidParameter", "NetworkRules" },
	};
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(
			api_call(api, "CreateNetworkRules", "NetworkRules", refused[i].rules, NULL),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(api_call(api, "CreateNetworkRules", "NetworkRules",
				 arena_print(api->fixture, "[%s,%s]", good,
					 rule_json(world, 81, "10.0.0.1", "")),
				 NULL),
		200);
	assert_int_equal(
		api_call(api, "ConfigNetworkRules", "NetworkRules",
			arena_print(api->fixture, "[%s]", rule_json(world, 80, "10.0.0.9", "")),
			NULL),
		200);
	assert_int_equal(
		api_call(api, "ConfigNetworkRules", "NetworkRules",
			arena_print(api->fixture, "[%s]", rule_json(world, 82, "10.0.0.9", "")),
			NULL),
		400);
	expect(api, "anycast_controller3006", "NetworkRules[0].FrontendPort");
	assert_int_equal(api_call(api, "DescribeNetworkRules", "InstanceId", world->id,
				 "FrontendPort", "80", PAGE, NULL),
		200);
	assert_string_equal(api_text(api, "NetworkRules.0.RealServers.0"), "10.0.0.9");
	const char *key = arena_print(api->fixture,
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"TCP\",\"FrontendPort\":81}]", world->id);
	assert_int_equal(api_call(api, "DeleteNetworkRule", "NetworkRule", key, NULL), 200);
	assert_int_equal(api_call(api, "DeleteNetworkRule", "NetworkRule", key, NULL), 400);
	expect(api, "anycast_controller3006", "NetworkRule[0].FrontendPort");
	/* configuration may change while expired, and is gone once released */
	api_move_life(api, 31 * DAY_MS);
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "90", "10.0.0.1"), 200);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", world->id, NULL), 200);
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "91", "10.0.0.1"), 400);
	expect(api, "InstanceNotFound", "");
	assert_true(api_audit_whole(api));
}

static int blacklist(struct world *world, const char *entries, const char *seconds)
{
	return api_call(&world->api, "AddAutoCcBlacklist", "InstanceId", world->id, "Blacklist",
		entries, "ExpireTime", seconds, NULL);
}

static void test_lists(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *entries, *seconds, *named;
	} refused[] = {
		{ "[{\"src\":\"203.0.113.1\"}]", "299", "ExpireTime" },
		{ "[{\"src\":\"203.0.113.1\"}]", "604801", "ExpireTime" },
		{ "[{\"src\":\"203.0.113.1\"},{\"src\":\"203.0.113.256\"}]", "300",
			"Blacklist[1].src" },
		{ "[{\"src\":\"203.0.113.1/24\"}]", "300", "Blacklist[0].src" },
		{ "[{\"src\":\"2001:db8::1\"}]", "300", "Blacklist[0].src" },
		{ "[{\"src\":7}]", "300", "Blacklist[0].src" },
		{ "[\"203.0.113.1\"]", "300", "Blacklist[0]" },
		{ "203.0.113.1", "300", "Blacklist" },
	};
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(blacklist(world, refused[i].entries, refused[i].seconds), 400);
		expect(api, "InvalidParameter", refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(blacklist(world,
				 "[{\"src\":\"203.0.113.1\"},{\"src\":\"203.0.113.1\"},"
				 "{\"src\":\"198.18.0.0/15\"}]",
				 "300"),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcBlacklist", "InstanceId", world->id, PAGE, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.SourceIp"), "203.0.113.1");
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.DestIp"), "198.51.100.1");
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.Type"), "manual");
	assert_int_equal(api_int(api, "AutoCcBlacklist.0.EndTime"), api->clock_ms / 1000 + 300);
	assert_string_equal(api_text(api, "AutoCcBlacklist.1.SourceIp"), "198.18.0.0/15");
	assert_int_equal(api_call(api, "DescribeAutoCcBlacklist", "InstanceId", world->id,
				 "KeyWord", "203.", PAGE, NULL),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(api_call(api, "DescribeAutoCcBlacklist", "InstanceId", world->id,
				 "KeyWord", "203", PAGE, NULL),
		400);
	expect(api, "InvalidParameter", "KeyWord");
	assert_int_equal(
		api_call(api, "DeleteAutoCcBlacklist", "InstanceId", world->id, "Blacklist",
			"[{\"src\":\"203.0.113.1\"}]", "QueryType", "auto", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 2);
	assert_int_equal(api_call(api, "DeleteAutoCcBlacklist", "InstanceId", world->id,
				 "Blacklist", "[{\"src\":\"203.0.113.1\"}]", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 1);
	api->clock_ms += 300 * 1000; /* the time of the machine ends it */
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 0);
}

static void test_allow_list(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(api_call(api, "AddAutoCcWhitelist", "InstanceId", world->id6, "Whitelist",
				 "[{\"src\":\"2001:DB8:0::1\"}]", "ExpireTime", "0", NULL),
		200);
	api->clock_ms += 365 * DAY_MS;
	assert_int_equal(
		api_call(api, "DescribeAutoCcWhitelist", "InstanceId", world->id6, PAGE, NULL),
		200);
	assert_string_equal(api_text(api, "AutoCcWhitelist.0.SourceIp"), "2001:db8::1");
	assert_int_equal(api_int(api, "AutoCcWhitelist.0.EndTime"), 0);
	assert_int_equal(
		api_call(api, "EmptyAutoCcWhitelist", "InstanceId", world->id6, NULL), 200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id6, NULL), 200);
	assert_int_equal(api_int(api, "WhiteCount"), 0);
}

/* count entries from 10.second.0.0 on as JSON. */
static const char *many_entries(struct world *world, int second, int count)
{
	struct text text;
	text_init(&text, world->api.fixture, (size_t)1 << 20);
	for (int i = 0; i < count; i++)
		text_print(&text, "%s{\"src\":\"10.%d.%d.%d\"}", i ? "," : "[", second, i / 256,
			i % 256);
	text_add(&text, "]");
	assert_false(text.failed);
	return text.data;
}

static void test_list_limit(void **state)
{
	struct world *world = *state;
	assert_int_equal(blacklist(world, many_entries(world, 1, 1999), "600"), 200);
	assert_int_equal(blacklist(world, many_entries(world, 2, 2), "600"), 400);
	expect(&world->api, "InvalidParameter", "Blacklist");
	assert_int_equal(blacklist(world, many_entries(world, 2, 1), "600"), 200);
	assert_int_equal(blacklist(world, many_entries(world, 1, 2000), "700"), 400);
	assert_int_equal(
		blacklist(world, many_entries(world, 1, 1999), "700"), 200); /* prolonged */
	assert_int_equal(blacklist(world, many_entries(world, 1, 2001), "700"), 400);
	expect(&world->api, "InvalidParameter", "Blacklist");
}

static void test_tags(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(api_call(api, "CreateTagResources", TAGS, "ResourceIds.1", world->id,
				 "ResourceIds.2", world->id6, "Tags.1.Key", "team", "Tags.1.Value",
				 "red", "Tags.2.Key", "stage", NULL),
		200);
	assert_int_equal(api_call(api, "DescribeTagKeys", TAGS, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_int_equal(api_int(api, "TagKeys.0.TagCount"), 2);
	assert_int_equal(
		api_call(api, "DescribeTagResources", TAGS, "Tags.1.Key", "team", NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 2);
	assert_string_equal(api_text(api, "TagResources.TagResource.0.TagValue"), "red");
	assert_string_equal(api_text(api, "NextToken"), "");
	assert_int_equal(api_call(api, "DescribeTagResources", TAGS, NULL), 400);
	expect(api, "MissingParameter", "ResourceIds");
	assert_int_equal(
		api_call(api, "CreateTagResources", TAGS, "ResourceIds.1", world->id, NULL), 400);
	expect(api, "MissingParameter", "Tags");
	assert_int_equal(
		api_call(api, "DeleteTagResources", TAGS, "ResourceIds.1", world->id, NULL), 400);
	expect(api, "MissingParameter", "TagKey");
	assert_int_equal(api_call(api, "DescribeTagResources", TAGS, "ResourceIds.1", world->id,
				 "NextToken", "zz", NULL),
		400);
	expect(api, "InvalidParameter", "NextToken");
	assert_int_equal(api_call(api, "DeleteTagResources", TAGS, "ResourceIds.1", world->id,
				 "All", "true", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeTagResources", TAGS, "ResourceIds.1", world->id, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 0);
	api->format = "XML";
	assert_int_equal(
		api_call(api, "DescribeTagResources", TAGS, "ResourceIds.1", world->id6, NULL),
		200);
	assert_non_null(strstr(api->response.body, "<TagResources><TagResource><ResourceId>"));
}

static void test_tag_pages_and_limit(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct pair pairs[64] = { { "RegionId", "x" }, { "ResourceType", "INSTANCE" },
		{ "ResourceIds.1", world->id }, { "ResourceIds.2", world->id6 } };
	const char *third = api_buy(api, "ddoscoo", "Ipv4");
	for (int i = 0; i < 20; i++) {
		pairs[5 + i].key = arena_print(api->fixture, "Tags.%d.Key", i + 1);
		pairs[5 + i].value = arena_print(api->fixture, "key%02d", i);
	}
	pairs[4] = (struct pair){ "ResourceIds.3", third };
	assert_int_equal(api_call_pairs(api, "CreateTagResources", pairs, 25), 200);
	assert_int_equal(api_call(api, "CreateTagResources", TAGS, "ResourceIds.1", third,
				 "Tags.1.Key", "one more", NULL),
		400);
	expect(api, "InvalidParameter", "Tags");
	/* 60 tags: a page of 50 and one of 10, without repeats */
	assert_int_equal(api_call_pairs(api, "DescribeTagResources", pairs, 5), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 50);
	pairs[5].key = "NextToken";
	pairs[5].value = arena_copy(api->fixture, api_text(api, "NextToken"));
	assert_int_equal(api_call_pairs(api, "DescribeTagResources", pairs, 6), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 10);
	assert_string_equal(api_text(api, "TagResources.TagResource.0.TagKey"), "key10");
	assert_string_equal(api_text(api, "NextToken"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_origin_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_network_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allow_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tag_pages_and_limit, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
