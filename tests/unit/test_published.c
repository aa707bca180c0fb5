/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The action table and real replies against the published description of ddoscoo 2020-01-01: names,
 * types, what is required, item names of XML. The description is not part of the tree: POLDER_PUBLISHED
 * names it, else it is looked for beside the tree; without it the tests are skipped, saying so.
 */
#include "base/text.h"
#include "control/call.h"
#include "base/text.h"
#include "tests/support/api.h"
#include "tests/support/certificate.h"
#include "tests/support/report.h"
#include "control/region.h"
#include "control/store/website.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PUBLISHED_DEFAULT "../shared/api/ddoscoo-2020-01-01.json"

/* Parameters of ours, with names that the published action does not know. */
static const char *const own_parameters[] = { "ReleaseInstance RequireDrained",
	"DescribeSchedulerRules Domain" };

/* Lists that nothing here fills, and some that nothing ever does. */
static const char *const empty_lists[] = { "DescribeWebRules BlackList",
	"DescribeWebRules WhiteList", "DescribeDomainResource BlackList",
	"DescribeDomainResource WhiteList", "DescribeDefenseRecords DefenseRecords",
	"DescribeSystemLog SystemLog" };

static json_t *published;

static const json_t *published_action(const char *name)
{
	size_t index;
	json_t *action;
	json_array_foreach(json_object_get(published, "actions"), index, action)
	{
		if (strcmp(json_string_value(json_object_get(action, "action")), name) == 0)
			return action;
	}
	return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static const struct param *find_row(const struct action *action, const char *name, size_t length)
{
	for (const struct param *row = action->params; row->kind != PARAM_END; row++) {
		if (strlen(row->name) == length && memcmp(row->name, name, length) == 0)
			return row;
	}
	return NULL;
}

static const char *plain_type(const struct param *row)
{
	if (row->type)
		return row->type;
	if (row->kind == PARAM_INT)
		return "Integer";
	return row->kind == PARAM_BOOL ? "Boolean" : "String";
}

static bool is_of_kind(enum param_kind kind, const json_t *parameter)
{
	const char *element = text_of(parameter, "elementType");
	if (strcmp(element, "object") == 0)
		return kind == PARAM_PAIR_LIST || kind == PARAM_OBJECT_LIST;
	return kind == (strcmp(element, "Integer") == 0 ? PARAM_INT_LIST : PARAM_TEXT_LIST);
}

static int differ(const struct action *action, const char *name, const char *what)
{
	print_error("%s: %s: %s\n", action->name, name, what);
	return 1;
}

/* One published parameter: "PageSize", "InstanceIds.N", "Tag.N", "Tag.N.Key". */
static int compare_parameter(const struct action *action, const json_t *parameter)
{
	const char *name = text_of(parameter, "name");
	const char *list = strstr(name, ".N");
	const struct param *row =
		find_row(action, name, list ? (size_t)(list - name) : strlen(name));
	if (!row)
		return differ(action, name, "has no row");
	if (list && list[2] == '.')
		return strstr(row->choices, list + 3) ? 0 : differ(action, name, "is no part");
	if (row->required != json_is_true(json_object_get(parameter, "required")))
		return differ(action, name, "required differs");
	if (list)
		return is_of_kind(row->kind, parameter) ? 0 : differ(action, name, "kind differs");
	if (row->kind >= PARAM_TEXT_LIST)
		return differ(action, name, "is a list");
	return strcmp(plain_type(row), text_of(parameter, "type")) == 0
		       ? 0
		       : differ(action, name, "type differs");
}

static bool is_among(
	const char *const *list, size_t count, const struct action *action, const char *name)
{
	char both[128];
	(void)snprintf(both, sizeof(both), "%s %s", action->name, name);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], both) == 0)
			return true;
	}
	return false;
}
#define IS_AMONG(list, action, name) is_among(list, sizeof(list) / sizeof((list)[0]), action, name)

static bool is_published_row(const json_t *parameters, const struct param *row)
{
	size_t index, length = strlen(row->name);
	json_t *parameter;
	json_array_foreach(parameters, index, parameter)
	{
		const char *name = text_of(parameter, "name");
		if (strncmp(name, row->name, length) == 0 &&
			(name[length] == '\0' || strcmp(name + length, ".N") == 0))
			return true;
	}
	return false;
}

static int compare_action(const struct action *action)
{
	const json_t *described = published_action(action->name);
	if (!described)
		return differ(action, "", "is not published");
	const json_t *parameters = json_object_get(described, "params");
	int differences = 0;
	size_t index;
	json_t *parameter;
	json_array_foreach(parameters, index, parameter) differences +=
		compare_parameter(action, parameter);
	for (const struct param *row = action->params; row->kind != PARAM_END; row++) {
		if (!is_published_row(parameters, row) &&
			!IS_AMONG(own_parameters, action, row->name))
			differences += differ(action, row->name, "is not published");
	}
	return differences;
}

static void test_parameters(void **state)
{
	int differences = 0, compared = 0;
	(void)state;
	if (!published)
		skip();
	for (const struct action *const *table = action_tables; *table; table++) {
		for (const struct action *action = *table; action->name; action++) {
			if (strcmp(action->version, VERSION_DDOSCOO) != 0)
				continue;
			differences += compare_action(action);
			compared++;
		}
	}
	print_message("%d actions compared\n", compared);
	assert_int_equal(differences, 0);
	assert_true(compared >= 33);
}

/* ---- replies */

static const char *item_of(const struct reply_list *lists, const char *name, bool *listed)
{
	for (; lists && lists->list; lists++) {
		if (strcmp(lists->list, name) == 0) {
			*listed = true;
			return lists->item;
		}
	}
	*listed = false;
	return NULL;
}

static bool fits_plain(const char *type, const json_t *value)
{
	if (strcmp(type, "String") == 0)
		return json_is_string(value);
	if (strcmp(type, "Boolean") == 0)
		return json_is_boolean(value);
	if (strcmp(type, "Integer") == 0 || strcmp(type, "Long") == 0)
		return json_is_integer(value);
	if (strcmp(type, "Float") == 0)
		return json_is_number(value);
	return false;
}

static void check_fields(const struct action *action, const json_t *fields, const json_t *object);

static void check_value(
	const struct action *action, const char *name, const json_t *described, const json_t *value)
{
	const char *type = text_of(described, "type");
	if (strcmp(type, "Object") == 0) {
		assert_true(json_is_object(value));
		check_fields(action, json_object_get(described, "fields"), value);
		return;
	}
	if (strcmp(type, "Array") != 0) {
		if (!fits_plain(type, value))
			fail_msg("%s: %s is no %s", action->name, name, type);
		return;
	}
	bool listed;
	const char *item = item_of(action->lists, name, &listed);
	const char *published_item = json_string_value(json_object_get(described, "xmlItem"));
	if (!listed || (item == NULL) != (published_item == NULL) ||
		(item && strcmp(item, published_item) != 0))
		fail_msg("%s: items of %s must be named %s", action->name, name,
			published_item ? published_item : "as the list");
	/* An empty list would prove nothing about its items. */
	if (!json_is_array(value) ||
		(json_array_size(value) == 0 && !IS_AMONG(empty_lists, action, name)))
		fail_msg("%s: %s is no list or empty", action->name, name);
	for (size_t i = 0; i < json_array_size(value); i++)
		check_value(
			action, name, json_object_get(described, "item"), json_array_get(value, i));
}

static void check_fields(const struct action *action, const json_t *fields, const json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)fields, name, value)
	{
		if (!json_object_get(object, name))
			fail_msg("%s: %s is missing", action->name, name);
		check_value(action, name, value, json_object_get(object, name));
	}
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (!json_object_get(fields, name))
			fail_msg("%s: %s is not published", action->name, name);
	}
}

/* Calls that were checked, so that none is forgotten. */
struct seen {
	struct api api;
	const struct action *action[256];
	size_t count;
};

static void check_reply(struct seen *seen, const char *name)
{
	bool known;
	const struct action *action = action_find(VERSION_DDOSCOO, name, &known);
	assert_non_null(action);
	if (seen->api.response.status != 200)
		fail_msg("%s: %.*s", name, (int)seen->api.response.body_size,
			seen->api.response.body);
	check_fields(action, json_object_get(published_action(name), "response"), seen->api.reply);
	seen->action[seen->count++] = action;
}

#define CHECK(seen, name, ...)                                                                     \
	do {                                                                                       \
		(void)api_call(&(seen)->api, name, __VA_ARGS__);                                   \
		check_reply(seen, name);                                                           \
	} while (0)

#define TAGS "RegionId", "cn-hangzhou", "ResourceType", "INSTANCE"
#define PAGE "PageNumber", "1", "PageSize", "10"

static void check_instance_replies(struct seen *seen, const char *id)
{
	CHECK(seen, "ModifyInstanceRemark", "InstanceId", id, "Remark", "web", NULL);
	CHECK(seen, "ModifyInstance", "InstanceId", id, "ProductType", "ddoscoo", "ModifyType",
		"Upgrade", "Bandwidth", "100", NULL);
	CHECK(seen, "DescribeInstances", PAGE, NULL);
	CHECK(seen, "DescribeInstanceIds", NULL, NULL);
	CHECK(seen, "DescribeInstanceStatus", "InstanceId", id, "ProductType", "1", NULL);
	CHECK(seen, "DescribeInstanceDetails", "InstanceIds.1", id, NULL);
	CHECK(seen, "DescribeInstanceSpecs", "InstanceIds.1", id, NULL);
	CHECK(seen, "DescribeInstanceStatistics", "InstanceIds.1", id, NULL);
	CHECK(seen, "DescribeInstanceExt", "InstanceId", id, NULL);
	CHECK(seen, "CreateTagResources", TAGS, "ResourceIds.1", id, "Tags.1.Key", "k",
		"Tags.1.Value", "v", NULL);
	CHECK(seen, "DescribeTagKeys", TAGS, NULL);
	CHECK(seen, "DescribeTagResources", TAGS, "ResourceIds.1", id, NULL);
	CHECK(seen, "DeleteTagResources", TAGS, "ResourceIds.1", id, "TagKey.1", "k", NULL);
}

static void check_rule_replies(struct seen *seen, const char *id)
{
	char rules[384], key[128], web[128];
	(void)snprintf(rules, sizeof(rules),
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"udp\",\"FrontendPort\":53,\"BackendPort\":"
		"53,"
		"\"RealServers\":[\"10.0.0.1\"]}]",
		id);
	(void)snprintf(key, sizeof(key),
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"udp\",\"FrontendPort\":53}]", id);
	CHECK(seen, "CreatePort", "InstanceId", id, "FrontendProtocol", "tcp", "FrontendPort", "80",
		"BackendPort", "8080", "RealServers.1", "10.0.0.1", NULL);
	CHECK(seen, "ModifyPort", "InstanceId", id, "FrontendProtocol", "tcp", "FrontendPort", "80",
		"BackendPort", "8080", "RealServers.1", "10.0.0.2", NULL);
	CHECK(seen, "DescribePort", "InstanceId", id, NULL);
	CHECK(seen, "DeletePort", "InstanceId", id, "FrontendProtocol", "tcp", "FrontendPort", "80",
		NULL);
	CHECK(seen, "CreateNetworkRules", "NetworkRules", rules, NULL);
	CHECK(seen, "ConfigNetworkRules", "NetworkRules", rules, NULL);
	CHECK(seen, "DescribeNetworkRules", "InstanceId", id, PAGE, NULL);
	CHECK(seen, "ModifyNetworkRuleAttribute", "InstanceId", id, "ForwardProtocol", "udp",
		"FrontendPort", "53", "Config",
		"{\"Cc\":{\"Sblack\":[{\"Type\":1,\"Expires\":60}]}}", NULL);
	CHECK(seen, "DescribeNetworkRuleAttributes", "NetworkRules", key, NULL);
	(void)snprintf(web, sizeof(web),
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"tcp\",\"FrontendPort\":80}]", id);
	CHECK(seen, "CreatePort", "InstanceId", id, "FrontendProtocol", "tcp", "FrontendPort", "80",
		"BackendPort", "8080", "RealServers.1", "10.0.0.1", NULL);
	CHECK(seen, "ModifyHealthCheckConfig", "InstanceId", id, "ForwardProtocol", "tcp",
		"FrontendPort", "80", "HealthCheck",
		"{\"Type\":\"http\",\"Timeout\":1,\"Interval\":1,\"Up\":1,\"Down\":1}", NULL);
	CHECK(seen, "DescribeHealthCheckList", "NetworkRules", web, NULL);
	CHECK(seen, "DescribeHealthCheckStatus", "NetworkRules", web, NULL);
	(void)snprintf(rules, sizeof(rules),
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"udp\",\"FrontendPort\":53,\"BackendPort\":"
		"53,\"CurrentRsIndex\":1,\"PriRealServers\":[{\"RealServer\":\"10.0.0.1\"}],"
		"\"SecRealServers\":[{\"RealServer\":\"10.0.0.2\"}]}]",
		id);
	CHECK(seen, "ConfigLayer4RulePolicy", "Listeners", rules, NULL);
	CHECK(seen, "ConfigLayer4RuleBakMode", "Listeners", key, "BakMode", "1", NULL);
	CHECK(seen, "DescribeLayer4RulePolicy", "Listeners", key, NULL);
	(void)snprintf(rules, sizeof(rules),
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"udp\",\"FrontendPort\":53,\"Remark\":\"x\"}"
		"]",
		id);
	CHECK(seen, "ConfigLayer4Remark", "Listeners", rules, NULL);
	CHECK(seen, "DeleteNetworkRule", "NetworkRule", key, NULL);
}

static void check_list_replies(struct seen *seen, const char *id)
{
	const char *sources = "[{\"src\":\"203.0.113.7\"}]";
	CHECK(seen, "AddAutoCcBlacklist", "InstanceId", id, "ExpireTime", "300", "Blacklist",
		sources, NULL);
	CHECK(seen, "AddAutoCcWhitelist", "InstanceId", id, "Whitelist", sources, NULL);
	CHECK(seen, "DescribeAutoCcBlacklist", "InstanceId", id, PAGE, NULL);
	CHECK(seen, "DescribeAutoCcWhitelist", "InstanceId", id, PAGE, NULL);
	CHECK(seen, "DescribeAutoCcListCount", "InstanceId", id, NULL);
	CHECK(seen, "DeleteAutoCcBlacklist", "InstanceId", id, "Blacklist", sources, NULL);
	CHECK(seen, "DeleteAutoCcWhitelist", "InstanceId", id, "Whitelist", sources, NULL);
	CHECK(seen, "EmptyAutoCcBlacklist", "InstanceId", id, NULL);
	CHECK(seen, "EmptyAutoCcWhitelist", "InstanceId", id, NULL);
}

static void check_policy_replies(struct seen *seen, const char *id)
{
	CHECK(seen, "ConfigLayer4RealLimit", "InstanceId", id, "LimitValue", "100", NULL);
	CHECK(seen, "ConfigUdpReflect", "InstanceId", id, "Config", "{\"UdpSports\":[17,19]}",
		NULL);
	CHECK(seen, "DescribeUdpReflect", "InstanceId", id, NULL);
	CHECK(seen, "ConfigNetworkRegionBlock", "InstanceId", id, "Config",
		"{\"RegionBlockSwitch\":\"off\",\"Countries\":[\"AU\"],\"Provinces\":[11,12]}",
		NULL);
	CHECK(seen, "DescribeNetworkRegionBlock", "InstanceId", id, NULL);
	CHECK(seen, "ModifyPortAutoCcStatus", "InstanceId", id, "Mode", "normal", "Switch", "on",
		NULL);
	CHECK(seen, "DescribePortAutoCcStatus", "InstanceIds.1", id, NULL);
}

static void check_blackhole_replies(struct seen *seen, const char *id)
{
	char from[24], to[24];
	api_blackhole(&seen->api, id, 3600000);
	api_limit_event(&seen->api, id, seen->api.clock_ms - 5000, seen->api.clock_ms);
	(void)snprintf(from, sizeof(from), "%lld", (long long)seen->api.clock_ms / 1000 - 60);
	(void)snprintf(to, sizeof(to), "%lld", (long long)seen->api.clock_ms / 1000);
	CHECK(seen, "DescribeBlackholeStatus", "InstanceIds.1", id, NULL);
	CHECK(seen, "ModifyBlackholeStatus", "InstanceId", id, "BlackholeStatus", "undo", NULL);
	CHECK(seen, "DescribeUnBlackholeCount", NULL, NULL);
	CHECK(seen, "ModifyBlockStatus", "InstanceId", id, "Status", "do", "Lines.1", "ct",
		"Duration", "60", NULL);
	CHECK(seen, "DescribeBlockStatus", "InstanceIds.1", id, NULL);
	CHECK(seen, "DescribeUnBlockCount", NULL, NULL);
	CHECK(seen, "DescribeSlaEventList", "StartTime", from, "EndTime", to, "Region", "cn", NULL);
}

/* Somebody came, who is in a country that is a province, too. */
static void report_visitor(struct api *api, enum visitors_of of, int64_t number, int64_t clock_ms)
{
	static const struct region_data regions = { "", "192.0.2.0/24=HK", "" };
	static struct report report;
	struct record_visitors visitors = {
		.record = { RECORD_VISITORS,
			offsetof(struct record_visitors, sample) + sizeof(struct address),
			(uint32_t)number },
		.of = (uint8_t)of,
		.sample_count = 1,
		.window_ms = 1000,
		.total = 5,
		.sample = { { .byte = { [10] = 0xff, 0xff, 192, 0, 2, 1 } } },
	};

	report_start(&report, 1000000);
	report_add(&report, &visitors, visitors.record.length);
	assert_int_equal(report_send(&report, api->gateway.nodes, "node-2", clock_ms), OK);
	api->gateway.regions = &regions;
}

static void check_attack_replies(struct seen *seen, const char *id)
{
	const int64_t begin_ms = seen->api.clock_ms / 1000 * 1000 - 10000;
	const struct attack attack = { .begin_ms = begin_ms, .refused = { 100, 10000 } };
	const struct attack_top top = {
		.count = { 1, 1, 0 },
		.place = { { { .source.byte = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
				   .packets = 5,
				   .reason = REASON_bogon,
				   .to = SIGHTED_TO(17, 53) } },
			{ { .value = SIGHTED_TO(17, 53), .packets = 5 } } },
	};
	char from[24], to[24];
	struct instance instance;
	char ip[ADDRESS_TEXT_SIZE];
	assert_int_equal(instance_load(seen->api.db, seen->api.fixture, id, &instance), OK);
	address_format(instance.vip, ip);
	api_attack(&seen->api, id, NULL, ATTACK_DEFENSE, &attack);
	api_attack(&seen->api, id, "www.example.com", ATTACK_WEB_CC, &attack);
	(void)snprintf(from, sizeof(from), "%lld", (long long)begin_ms / 1000);
	(void)snprintf(to, sizeof(to), "%lld", (long long)seen->api.clock_ms / 1000);
#define TIMES	   "StartTime", from, "EndTime", to
#define FIRST_PAGE "PageNumber", "1", "PageSize", "10"
	CHECK(seen, "DescribeDDosAllEventList", TIMES, FIRST_PAGE, NULL);
	CHECK(seen, "DescribeDDoSEvents", "InstanceIds.1", id, TIMES, FIRST_PAGE, NULL);
	CHECK(seen, "DescribeDomainAttackEvents", TIMES, FIRST_PAGE, NULL);
	CHECK(seen, "DescribeDDosEventMax", TIMES, NULL);
	CHECK(seen, "DescribeAttackAnalysisMaxQps", TIMES, NULL);
	CHECK(seen, "DescribeTotalAttackMaxFlow", "InstanceIds.1", id, TIMES, NULL);
	CHECK(seen, "DescribePortAttackMaxFlow", "InstanceIds.1", id, TIMES, NULL);
	CHECK(seen, "DescribePortFlowList", "InstanceIds.1", id, TIMES, "Interval", "60", NULL);
	CHECK(seen, "DescribePortConnsList", "InstanceIds.1", id, TIMES, "Interval", "60", NULL);
	CHECK(seen, "DescribePortConnsCount", "InstanceIds.1", id, TIMES, NULL);
	CHECK(seen, "DescribePortMaxConns", "InstanceIds.1", id, TIMES, NULL);
	api_attack_top(&seen->api, id, ATTACK_DEFENSE, &top);
	api_attack(&seen->api, id, NULL, ATTACK_CC, &attack);
	api_attack_top(&seen->api, id, ATTACK_CC, &top);
#define DEFENSE "Ip", ip, "EventType", "defense", "StartTime", from
	CHECK(seen, "DescribeDDosEventSrcIp", DEFENSE, "Range", "5", NULL);
	CHECK(seen, "DescribeDDosEventArea", DEFENSE, NULL);
	CHECK(seen, "DescribeDDosEventIsp", DEFENSE, NULL);
	CHECK(seen, "DescribeDestinationPortEvent", DEFENSE, "Range", "5", "Region", "cn", NULL);
	CHECK(seen, "DescribePortCcAttackTopIP", "Ip", ip, "StartTimestamp", from, "Port", "53",
		NULL);
	report_visitor(&seen->api, VISITORS_INSTANCE, instance.number, seen->api.clock_ms);
	CHECK(seen, "DescribePortViewSourceCountries", "InstanceIds.1", id, TIMES, NULL);
	CHECK(seen, "DescribePortViewSourceIsps", "InstanceIds.1", id, TIMES, NULL);
	CHECK(seen, "DescribePortViewSourceProvinces", "InstanceIds.1", id, TIMES, NULL);
	CHECK(seen, "DescribeDDosEventAttackType", "Ip", ip, "EventType", "defense", "StartTime",
		from, NULL);
}

#define DOMAIN "Domain", "www.example.com"
static void check_web_replies(struct seen *seen, const char *id)
{
	CHECK(seen, "ModifyInstance", "InstanceId", id, "ProductType", "ddoscoo", "ModifyType",
		"Upgrade", "FunctionVersion", "1", NULL);
	CHECK(seen, "DescribeWebCcProtectSwitch", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "DescribeDomainCcProtectSwitch", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "ModifyWebCCGlobalSwitch", DOMAIN, "CcGlobalSwitch", "open", NULL);
	CHECK(seen, "DisableWebCC", DOMAIN, NULL);
	CHECK(seen, "EnableWebCC", DOMAIN, NULL);
	CHECK(seen, "ConfigWebCCTemplate", DOMAIN, "Template", "default", NULL);
	CHECK(seen, "DisableWebCCRule", DOMAIN, NULL);
	CHECK(seen, "EnableWebCCRule", DOMAIN, NULL);
	CHECK(seen, "ModifyWebPreciseAccessSwitch", DOMAIN, "Config", "{\"PreciseRuleEnable\":1}",
		NULL);
	CHECK(seen, "ModifyWebAreaBlock", DOMAIN, "Regions.1", "US", NULL);
	CHECK(seen, "ModifyWebAreaBlockSwitch", DOMAIN, "Config", "{\"RegionblockEnable\":1}",
		NULL);
	CHECK(seen, "DescribeWebAreaBlockConfigs", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "ConfigWebIpSet", DOMAIN, "BlackList.1", "1.1.1.1", NULL);
	CHECK(seen, "ModifyWebIpSetSwitch", DOMAIN, "Config", "{\"BwlistEnable\":1}", NULL);
	CHECK(seen, "ModifyWebAIProtectSwitch", DOMAIN, "Config", "{\"AiRuleEnable\":1}", NULL);
	CHECK(seen, "ModifyWebAIProtectMode", DOMAIN, "Config",
		"{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}", NULL);
	CHECK(seen, "ConfigL7GlobalRule", DOMAIN, "RuleAttr",
		"[{\"RuleId\":\"global_01\",\"Action\":\"block\",\"Enabled\":0}]", NULL);
	CHECK(seen, "DescribeL7GlobalRule", DOMAIN, NULL);
	CHECK(seen, "ConfigDomainSecurityProfile", DOMAIN, "Config",
		"{\"global_rule_mode\":\"hard\"}", NULL);
	CHECK(seen, "DescribeDomainSecurityProfile", DOMAIN, NULL);
	CHECK(seen, "EnableWebAccessLogConfig", DOMAIN, NULL);
	CHECK(seen, "DescribeWebAccessLogStatus", DOMAIN, NULL);
	CHECK(seen, "DescribeWebAccessLogDispatchStatus", NULL, NULL);
	CHECK(seen, "DisableWebAccessLogConfig", DOMAIN, NULL);
	CHECK(seen, "DescribeWebAccessLogEmptyCount", NULL, NULL);
	CHECK(seen, "EmptySlsLogstore", NULL, NULL);
	CHECK(seen, "DescribeSlsLogstoreInfo", NULL, NULL);
	CHECK(seen, "DescribeLogStoreExistStatus", NULL, NULL);
	CHECK(seen, "DescribeSlsOpenStatus", NULL, NULL);
	CHECK(seen, "DescribeSlsAuthStatus", NULL, NULL);
	CHECK(seen, "ModifyFullLogTtl", "Ttl", "30", NULL);
}

#define FIGURES_MS INT64_C(1767225660000) /* within the time that is asked for */

/* What a node reports about the site: requests, and what was frequent. */
static void report_figures(struct api *api)
{
	static struct report report;
	struct record_site_traffic traffic = { RECORD_HEAD(
		RECORD_SITE_TRAFFIC, 0, record_site_traffic) };
	struct record_site_top top = { RECORD_HEAD(RECORD_SITE_TOP, 0, record_site_top),
		.entry_count = 1, .window_ms = 1000, .until_ms = FIGURES_MS + 2000, .total = 5,
		.entry = { { .count = 5, .hits = 5, .length = 2, .key = "NL" } } };
	struct website website;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(website_load(api->db, api->fixture, 0, "www.example.com", &website), OK);
	db_rollback(api->db);
	traffic.record.id = traffic.counter.number = top.record.id = (uint32_t)website.number;
	for (int i = 0; i < 2; i++) {
		report_start(&report, 1000000);
		traffic.counter.requests += 5;
		report_add(&report, &traffic, sizeof(traffic));
		assert_int_equal(
			report_send(&report, api->gateway.nodes, "node-2", FIGURES_MS + i * 1000),
			OK);
	}
	report_start(&report, 1000000);
	top.record.length =
		(uint16_t)(offsetof(struct record_site_top, entry) + sizeof(struct top_entry));
	for (top.kind = 0; top.kind < TOP_COUNT; top.kind++)
		report_add(&report, &top, top.record.length);
	assert_int_equal(report_send(&report, api->gateway.nodes, "node-2", FIGURES_MS + 2000), OK);
	report_visitor(api, VISITORS_SITE, website.number, FIGURES_MS + 3000);
}

static void check_elastic_replies(struct seen *seen, const char *id)
{
#define SPAN  "StartTime", "1767225600000", "EndTime", "1767312000000"
#define PAGES "PageNumber", "1", "PageSize", "10"
	struct instance instance;
	char ip[ADDRESS_TEXT_SIZE];
	assert_int_equal(instance_load(seen->api.db, seen->api.fixture, id, &instance), OK);
	address_format(instance.vip, ip);
	CHECK(seen, "DescribeElasticBandwidthSpec", "InstanceId", id, NULL);
	CHECK(seen, "ModifyElasticBandWidth", "InstanceId", id, "ElasticBandwidth", "60", NULL);
	CHECK(seen, "ModifyElasticBizBandWidth", "InstanceId", id, "ElasticBizBandwidth", "60",
		NULL);
	CHECK(seen, "ModifyBizBandWidthMode", "InstanceId", id, "Mode", "day", NULL);
	CHECK(seen, "ModifyElasticBizQps", "InstanceId", id, "Mode", "day", NULL);
	CHECK(seen, "ModifyQpsMode", "InstanceId", id, "Mode", "month", NULL);
	CHECK(seen, "DescribeElasticQpsRecord", "Ip", ip, SPAN, NULL);
	CHECK(seen, "DescribeDefenseCountStatistics", NULL, NULL);
	CHECK(seen, "DescribeDefenseRecords", SPAN, PAGES, NULL);
	CHECK(seen, "DescribeSystemLog", "EntityType", "20", SPAN, PAGES, NULL);
	CHECK(seen, "DescribeStsGrantStatus", "Role", "AliyunDDoSCOODefaultRole", NULL);
#undef SPAN
#undef PAGES
}

static void check_figure_replies(struct seen *seen)
{
	report_figures(&seen->api);
#define SPAN "StartTime", "1767225600", "EndTime", "1767229200"
	CHECK(seen, "DescribeDomainQPSList", DOMAIN, SPAN, "Interval", "300", NULL);
	CHECK(seen, "DescribeDomainBps", DOMAIN, SPAN, "Interval", "300", "Region", "cn", NULL);
	CHECK(seen, "DescribeDomainStatusCodeList", DOMAIN, SPAN, "Interval", "300", "QueryType",
		"gf", NULL);
	CHECK(seen, "DescribeDomainStatusCodeCount", DOMAIN, SPAN, NULL);
	CHECK(seen, "DescribeDomainOverview", DOMAIN, SPAN, NULL);
	CHECK(seen, "DescribeDomainViewTopUrl", DOMAIN, SPAN, "Top", "5", NULL);
	CHECK(seen, "DescribeDomainViewTopCostTime", DOMAIN, SPAN, "Top", "5", NULL);
	CHECK(seen, "DescribeDomainViewSourceCountries", DOMAIN, SPAN, NULL);
	CHECK(seen, "DescribeDomainTopUserAgent", DOMAIN, SPAN, "Limit", "5", "Region", "cn", NULL);
	CHECK(seen, "DescribeDomainTopReferer", DOMAIN, SPAN, "Limit", "5", "Region", "cn", NULL);
	CHECK(seen, "DescribeDomainTopHttpMethod", DOMAIN, SPAN, "Limit", "5", "Region", "cn",
		NULL);
	CHECK(seen, "DescribeDomainTopFingerprint", DOMAIN, SPAN, "Limit", "5", "Region", "cn",
		"Interval", "60", NULL);
	CHECK(seen, "DescribeDomainH2Fingerprint", DOMAIN, SPAN, "Limit", "5", NULL);
	CHECK(seen, "DescribeWebReportTopIp", DOMAIN, SPAN, "Interval", "300", "QueryType", "visit",
		NULL);
	CHECK(seen, "DescribeDomainTopAttackList", SPAN, NULL);
	CHECK(seen, "DescribeDomainViewSourceProvinces", DOMAIN, SPAN, NULL);
	CHECK(seen, "DescribeElasticQps", SPAN, "Region", "cn", NULL);
#undef SPAN
}

static void check_web_rule_replies(struct seen *seen)
{
	const char *condition = "\"condition\":[{\"field\":\"uri\",\"match_method\":"
				"\"contain\",\"content\":\"\",\"content_list\":[\"/a\"]}]";
	char rules[512];
	(void)snprintf(
		rules, sizeof(rules), "[{\"action\":\"block\",\"name\":\"r\",%s}]", condition);
	CHECK(seen, "ModifyWebPreciseAccessRule", DOMAIN, "Rules", rules, NULL);
	CHECK(seen, "DescribeWebPreciseAccessRule", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "DeleteWebPreciseAccessRule", DOMAIN, "RuleNames.1", "r", NULL);
	CHECK(seen, "ConfigWebCCRuleV2", DOMAIN, "RuleList", rules, NULL);
	CHECK(seen, "DescribeWebCCRulesV2", DOMAIN, NULL);
	CHECK(seen, "DeleteWebCCRuleV2", DOMAIN, "RuleNames", "[\"r\"]", NULL);
	CHECK(seen, "CreateWebCCRule", DOMAIN, "Name", "r", "Uri", "/a", "Mode", "prefix", "Act",
		"close", "Interval", "20", "Count", "60", "Ttl", "60", NULL);
	CHECK(seen, "ModifyWebCCRule", DOMAIN, "Name", "r", "Uri", "/a", "Mode", "match", "Act",
		"captcha", "Interval", "20", "Count", "60", "Ttl", "60", NULL);
	CHECK(seen, "DescribeWebCCRules", DOMAIN, "PageSize", "10", NULL);
	CHECK(seen, "DeleteWebCCRule", DOMAIN, "Name", "r", NULL);
	CHECK(seen, "ModifyWebCacheSwitch", DOMAIN, "Enable", "1", NULL);
	CHECK(seen, "ModifyWebCacheMode", DOMAIN, "Mode", "standard", NULL);
	CHECK(seen, "ModifyWebCacheCustomRule", DOMAIN, "Rules",
		"[{\"Name\":\"r\",\"Uri\":\"/a\",\"Mode\":\"standard\",\"CacheTtl\":3600}]", NULL);
	CHECK(seen, "DescribeWebCacheConfigs", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "DeleteWebCacheCustomRule", DOMAIN, "RuleNames.1", "r", NULL);
}

static void check_scene_replies(struct seen *seen)
{
	char from[24], to[24], id[64];
	(void)snprintf(from, sizeof(from), "%lld", (long long)seen->api.clock_ms);
	(void)snprintf(to, sizeof(to), "%lld", (long long)seen->api.clock_ms + 3600000);
	CHECK(seen, "CreateSceneDefensePolicy", "Name", "s", "Template", "promotion", "StartTime",
		from, "EndTime", to, NULL);
	(void)api_call(&seen->api, "DescribeSceneDefensePolicies", NULL, NULL);
	(void)snprintf(id, sizeof(id), "%s", api_text(&seen->api, "Policies.0.PolicyId"));
	CHECK(seen, "AttachSceneDefenseObject", "PolicyId", id, "ObjectType", "Domain", "Objects",
		"www.example.com", NULL);
	CHECK(seen, "DescribeSceneDefensePolicies", "Status", "2", NULL);
	CHECK(seen, "DescribeSceneDefenseObjects", "PolicyId", id, NULL);
	CHECK(seen, "ModifySceneDefensePolicy", "PolicyId", id, "Name", "s", "Template", "bypass",
		"StartTime", from, "EndTime", to, NULL);
	CHECK(seen, "DisableSceneDefensePolicy", "PolicyId", id, NULL);
	CHECK(seen, "EnableSceneDefensePolicy", "PolicyId", id, NULL);
	CHECK(seen, "DetachSceneDefenseObject", "PolicyId", id, "Objects", "www.example.com", NULL);
	CHECK(seen, "DeleteSceneDefensePolicy", "PolicyId", id, NULL);
}

static void check_scheduler_replies(struct seen *seen, const char *id)
{
	static const char param[] =
		"{\"ParamType\":\"cdn\",\"ParamData\":{\"Domain\":\"a.example.com\","
		"\"Cname\":\"a.cdn.example\",\"AccessQps\":100}}";
	char vip[64], rules[512];

	(void)api_call(&seen->api, "DescribeInstances", "PageNumber", "1", "PageSize", "1",
		"InstanceIds.1", id, NULL);
	(void)snprintf(vip, sizeof(vip), "%s", api_text(&seen->api, "Instances.0.Ip"));
	(void)snprintf(rules, sizeof(rules),
		"[{\"Type\":\"A\",\"Value\":\"192.0.2.7\",\"Priority\":80,\"ValueType\":2,"
		"\"RegionId\":\"cn-hangzhou\"},{\"Type\":\"A\",\"Value\":\"%s\","
		"\"Priority\":80,\"ValueType\":1}]",
		vip);
	CHECK(seen, "CreateSchedulerRule", "RuleName", "r", "RuleType", "2", "Rules", rules, NULL);
	CHECK(seen, "ModifySchedulerRule", "RuleName", "r", "RuleType", "2", "Rules", rules, NULL);
	CHECK(seen, "SwitchSchedulerRule", "RuleName", "r", "RuleType", "2", "SwitchData",
		"[{\"Value\":\"192.0.2.7\",\"State\":0,\"Interval\":-1}]", NULL);
	CHECK(seen, "DescribeSchedulerRules", "PageSize", "10", NULL);
	CHECK(seen, "DeleteSchedulerRule", "RuleName", "r", NULL);
	(void)snprintf(rules, sizeof(rules),
		"[{\"Type\":\"CNAME\",\"Value\":\"a.cdn.example\",\"Priority\":80,\"ValueType\":5},"
		"{\"Type\":\"A\",\"Value\":\"%s\",\"Priority\":80,\"ValueType\":1}]",
		vip);
	(void)api_call(&seen->api, "CreateSchedulerRule", "RuleName", "c", "RuleType", "5", "Rules",
		rules, "Param", param, NULL);
	CHECK(seen, "DescribeCdnLinkageRules", PAGE, NULL);
}

static void check_site_replies(struct seen *seen, const char *id)
{
	static const char rules[] = "[{\"ProxyType\":\"http\",\"ProxyRules\":[{\"ProxyPort\":81,"
				    "\"RealServers\":[\"10.0.0.1\"]}]}]";
	static const char tls[] =
		"{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"default\",\"custom_ciphers\":"
		"[\"AES128-GCM-SHA256\"],\"tls_13_custom_ciphers\":[\"TLS_AES_128_GCM_SHA256\"]}";
	const struct test_certificate certificate = test_certificate(seen->api.fixture,
		"www.example.com", seen->api.clock_ms - 1000, seen->api.clock_ms + 1000);
	CHECK(seen, "CreateDomainResource", DOMAIN, "InstanceIds.1", id, "RsType", "0",
		"RealServers.1", "10.0.0.1", "ProxyTypes.1.ProxyType", "https",
		"ProxyTypes.1.ProxyPorts.1", "443", NULL);
	CHECK(seen, "ModifyDomainResource", DOMAIN, "InstanceIds.1", id, "RsType", "0",
		"RealServers.1", "10.0.0.2", "ProxyTypes.1.ProxyType", "https",
		"ProxyTypes.1.ProxyPorts.1", "443", NULL);
	CHECK(seen, "CreateWebRule", "Domain", "a.example.com", "InstanceIds.1", id, "RsType", "0",
		"Rules", rules, NULL);
	CHECK(seen, "ModifyWebRule", "Domain", "a.example.com", "RsType", "0", "RealServers.1",
		"10.0.0.1", "ProxyTypes", "[{\"ProxyType\":\"http\",\"ProxyPorts\":[81]}]", NULL);
	CHECK(seen, "ModifyHttp2Enable", DOMAIN, "Enable", "1", NULL);
	CHECK(seen, "ModifyOcspStatus", DOMAIN, "Enable", "1", NULL);
	CHECK(seen, "ModifyTlsConfig", DOMAIN, "Config", tls, NULL);
	CHECK(seen, "AssociateWebCert", DOMAIN, "CertName", "web", "Cert", certificate.chain, "Key",
		certificate.key, NULL);
	CHECK(seen, "DescribeCerts", DOMAIN, NULL);
	CHECK(seen, "ConfigL7RsPolicy", DOMAIN, "Policy", "{\"ProxyMode\":\"rr\"}", NULL);
	CHECK(seen, "DescribeL7RsPolicy", DOMAIN, NULL);
	CHECK(seen, "ConfigL7UsKeepalive", DOMAIN, "UpstreamKeepalive",
		"{\"enabled\":false,\"keepalive_requests\":1,\"keepalive_timeout\":1}", NULL);
	CHECK(seen, "DescribeL7UsKeepalive", DOMAIN, NULL);
	CHECK(seen, "ModifyHeaders", DOMAIN, "CustomHeaders", "{\"X-A\":\"1\"}", NULL);
	CHECK(seen, "DescribeHeaders", DOMAIN, NULL);
	CHECK(seen, "ModifyWebAccessMode", DOMAIN, "AccessMode", "0", NULL);
	CHECK(seen, "DescribeWebAccessMode", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "ModifyCnameReuse", DOMAIN, "Enable", "0", NULL);
	CHECK(seen, "DescribeCnameReuses", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "DescribeWebRules", DOMAIN, NULL);
	CHECK(seen, "DescribeDomainResource", DOMAIN, NULL);
	CHECK(seen, "DescribeDomains", NULL, NULL);
	CHECK(seen, "DescribeWebInstanceRelations", "Domains.1", "www.example.com", NULL);
	CHECK(seen, "DescribeWebCustomPorts", NULL, NULL);
	check_web_replies(seen, id);
	check_figure_replies(seen);
	check_elastic_replies(seen, id);
	check_web_rule_replies(seen);
	check_scene_replies(seen);
	check_scheduler_replies(seen, id);
	CHECK(seen, "DeleteWebRule", "Domain", "a.example.com", NULL);
	CHECK(seen, "DeleteDomainResource", DOMAIN, NULL);
}

static void check_export_replies(struct seen *seen, const char *id)
{
	char params[80], number[24];
	(void)snprintf(params, sizeof(params), "{\"instanceId\": \"%s\"}", id);
	CHECK(seen, "CreateAsyncTask", "TaskType", "5", "TaskParams", params, NULL);
	CHECK(seen, "DescribeAsyncTasks", PAGE, NULL);
	(void)snprintf(number, sizeof(number), "%lld",
		(long long)api_int(&seen->api, "AsyncTasks.0.TaskId"));
	CHECK(seen, "DeleteAsyncTask", "TaskId", number, NULL);
}

static bool was_seen(const struct seen *seen, const struct action *action)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (seen->action[i] == action)
			return true;
	}
	return false;
}

static void test_replies(void **state)
{
	struct seen seen = { .count = 0 };
	char now[24], before[24];
	(void)state;
	if (!published)
		skip();
	api_open(&seen.api);
	const char *id = api_buy(&seen.api, "ddoscoo", "Ipv4");
	api_node_reports(&seen.api, 0);
	check_instance_replies(&seen, id);
	check_rule_replies(&seen, id);
	check_list_replies(&seen, id);
	check_policy_replies(&seen, id);
	check_blackhole_replies(&seen, id);
	check_attack_replies(&seen, id);
	check_site_replies(&seen, id);
	check_export_replies(&seen, id);
	CHECK(&seen, "DescribeBackSourceCidr", "Line", "coop-line-001", NULL);
	(void)snprintf(now, sizeof(now), "%lld", (long long)seen.api.clock_ms);
	(void)snprintf(before, sizeof(before), "%lld", (long long)seen.api.clock_ms - 1000);
	CHECK(&seen, "DescribeOpEntities", PAGE, "StartTime", before, "EndTime", now, NULL);
	api_move_life(&seen.api, INT64_C(40) * 24 * 3600 * 1000);
	CHECK(&seen, "ReleaseInstance", "InstanceId", id, NULL);
	for (const struct action *const *table = action_tables; *table; table++) {
		for (const struct action *action = *table; action->name; action++) {
			if (strcmp(action->version, VERSION_DDOSCOO) == 0 &&
				!was_seen(&seen, action))
				fail_msg("the reply of %s was not checked", action->name);
		}
	}
	api_close(&seen.api);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_replies),
	};
	const char *path = getenv("POLDER_PUBLISHED");
	json_error_t error;
	published = json_load_file(path ? path : PUBLISHED_DEFAULT, 0, &error);
	if (!published)
		print_message("SKIP: no published description: %s\n", error.text);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(published);
	return failed;
}
