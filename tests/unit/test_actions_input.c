/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad input, driven by the tables: every parameter of every action is left out, repeated, of the wrong
 * type, just out of range, too long, no UTF-8, of another tenant. Each must be refused with the right
 * code and the parameter's name, leave the store as it was, and write no audit record. Then the same
 * request as it should be must succeed, so that the refusals are known to be about the bad value alone.
 */
#include "base/text.h"
#include "tests/support/api.h"
#include "tests/support/certificate.h"

#include "base/clock.h"
#include "control/call.h"
#include "control/actions/tables.h"
#include "control/store/scene.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAIRS_MAX 320

/* Good requests, in an order in which each succeeds. "$" marks what setup made. */
struct good {
	const char *version, *action;
	const char *pairs[24];
};
#define PAGE "PageNumber", "1", "PageSize", "10"
#define TAGS "RegionId", "cn-hangzhou", "ResourceType", "INSTANCE", "ResourceIds.1", "$id"
#define RULE "FrontendProtocol", "tcp", "FrontendPort", "80", "BackendPort", "80"
#define KEY  "\"InstanceId\":\"$id\",\"Protocol\":\"udp\",\"FrontendPort\":53"
static const char web_precise[] =
	"[{\"name\":\"r\",\"action\":\"block\",\"condition\":[{\"field\":\"uri\","
	"\"match_method\":\"contain\",\"content\":\"/a\"}]}]";
static const char web_rules[] = "[{\"ProxyType\":\"http\",\"ProxyRules\":[{\"ProxyPort\":80,"
				"\"RealServers\":[\"10.0.0.1\"]}]}]";
static const char web_tls[] = "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"default\","
			      "\"custom_ciphers\":[\"ECDHE-RSA-AES128-GCM-SHA256\"]}";
static const char web_origins[] =
	"{\"ProxyMode\":\"rr\",\"Attributes\":[{\"RealServer\":\"10.0.0.2\","
	"\"Attribute\":{\"Weight\":50}}]}";
#define WEB_CC                                                                                     \
	"Domain", "www.example.com", "Name", "r", "Uri", "/a", "Mode", "prefix", "Act", "close",   \
		"Interval", "20", "Ttl", "600"
#define SRC "[{\"src\":\"203.0.113.7\"}]"
#define SCHEDULER_RULES                                                                            \
	"[{\"Type\":\"CNAME\",\"Value\":\"a.cdn.example\",\"Priority\":80,\"ValueType\":5},"       \
	"{\"Type\":\"A\",\"Value\":\"$vip\",\"Priority\":80,\"ValueType\":1}]"
static const struct good goods[] = {
	{ VERSION_BSS, "CreateInstance",
		{ "ProductCode", "ddos", "ProductType", "ddoscoo", "SubscriptionType",
			"Subscription", "Period", "1", "Parameter.1.Code", "PortCount",
			"Parameter.1.Value", "55" } },
	{ VERSION_BSS, "RenewInstance",
		{ "InstanceId", "$id", "ProductCode", "ddos", "ProductType", "ddoscoo",
			"RenewPeriod", "1" } },
	{ VERSION_BSS, "SetRenewal",
		{ "InstanceIDs", "$id", "ProductCode", "ddos", "RenewalStatus", "ManualRenewal" } },
	{ VERSION_BSS, "QueryAvailableInstances", { "PageNum", "1" } },
	{ VERSION_DDOSCOO, "DescribeInstances", { PAGE } },
	{ VERSION_DDOSCOO, "DescribeInstanceIds", { NULL } },
	{ VERSION_DDOSCOO, "DescribeInstanceStatus", { "InstanceId", "$id", "ProductType", "1" } },
	{ VERSION_DDOSCOO, "DescribeInstanceDetails", { "InstanceIds.1", "$id" } },
	{ VERSION_DDOSCOO, "DescribeInstanceSpecs", { "InstanceIds.1", "$id" } },
	{ VERSION_DDOSCOO, "DescribeInstanceStatistics", { "InstanceIds.1", "$id" } },
	{ VERSION_DDOSCOO, "DescribeInstanceExt", { "InstanceId", "$id" } },
	{ VERSION_DDOSCOO, "ModifyInstanceRemark", { "InstanceId", "$id", "Remark", "r" } },
	{ VERSION_DDOSCOO, "ModifyInstance",
		{ "InstanceId", "$id", "ProductType", "ddoscoo", "ModifyType", "UPGRADE",
			"PortCount", "60" } },
	{ VERSION_POLDER, "ConfigSwitchBack", { "InstanceId", "$id", "SwitchBack", "origin" } },
	{ VERSION_POLDER, "DescribeSwitchBack", { "InstanceId", "$id" } },
	{ VERSION_DDOSCOO, "CreateTagResources", { TAGS, "Tags.1.Key", "k" } },
	{ VERSION_DDOSCOO, "DescribeTagKeys",
		{ "RegionId", "cn-hangzhou", "ResourceType", "INSTANCE" } },
	{ VERSION_DDOSCOO, "DescribeTagResources", { TAGS } },
	{ VERSION_DDOSCOO, "DeleteTagResources", { TAGS, "TagKey.1", "k" } },
	{ VERSION_DDOSCOO, "CreatePort",
		{ "InstanceId", "$id", RULE, "RealServers.1", "10.0.0.1" } },
	{ VERSION_DDOSCOO, "ModifyPort",
		{ "InstanceId", "$id", RULE, "RealServers.1", "10.0.0.2" } },
	{ VERSION_DDOSCOO, "DescribePort", { "InstanceId", "$id" } },
	{ VERSION_DDOSCOO, "DeletePort", { "InstanceId", "$id", RULE } },
	{ VERSION_DDOSCOO, "CreateNetworkRules",
		{ "NetworkRules",
			"[{" KEY ",\"BackendPort\":53,\"RealServers\":[\"10.0.0.1\"]}]" } },
	{ VERSION_DDOSCOO, "ConfigNetworkRules",
		{ "NetworkRules",
			"[{" KEY ",\"BackendPort\":53,\"RealServers\":[\"10.0.0.2\"]}]" } },
	{ VERSION_DDOSCOO, "DescribeNetworkRules", { "InstanceId", "$id", PAGE } },
	{ VERSION_DDOSCOO, "ModifyNetworkRuleAttribute",
		{ "InstanceId", "$id", "ForwardProtocol", "udp", "FrontendPort", "53", "Config",
			"{\"PersistenceTimeout\":60,\"PayloadLen\":{\"Min\":0,\"Max\":512}}",
			"Module", "sla" } },
	{ VERSION_DDOSCOO, "DescribeNetworkRuleAttributes", { "NetworkRules", "[{" KEY "}]" } },
	{ VERSION_DDOSCOO, "ModifyHealthCheckConfig",
		{ "InstanceId", "$id", "ForwardProtocol", "udp", "FrontendPort", "53",
			"HealthCheck",
			"{\"Type\":\"udp\",\"Timeout\":1,\"Interval\":1,\"Up\":1,\"Down\":1}" } },
	{ VERSION_POLDER, "ConfigRuleForwarding",
		{ "InstanceId", "$id", "ForwardProtocol", "udp", "FrontendPort", "53", "SynMode",
			"threshold", "ClientAddress", "proxy", "PayloadForm", "dns", "Challenge",
			"on" } },
	{ VERSION_POLDER, "DescribeRuleForwarding", { "InstanceId", "$id" } },
	{ VERSION_DDOSCOO, "DescribeHealthCheckList", { "NetworkRules", "[{" KEY "}]" } },
	{ VERSION_DDOSCOO, "DescribeHealthCheckStatus", { "NetworkRules", "[{" KEY "}]" } },
	{ VERSION_DDOSCOO, "ConfigLayer4RulePolicy",
		{ "Listeners", "[{" KEY ",\"BackendPort\":53,\"CurrentRsIndex\":1,"
			       "\"PriRealServers\":[{\"RealServer\":\"10.0.0.3\"}],"
			       "\"SecRealServers\":[{\"RealServer\":\"10.0.0.4\"}]}]" } },
	{ VERSION_DDOSCOO, "ConfigLayer4RuleBakMode",
		{ "Listeners", "[{" KEY "}]", "BakMode", "1" } },
	{ VERSION_DDOSCOO, "DescribeLayer4RulePolicy", { "Listeners", "[{" KEY "}]" } },
	{ VERSION_DDOSCOO, "ConfigLayer4Remark", { "Listeners", "[{" KEY ",\"Remark\":\"x\"}]" } },
	{ VERSION_DDOSCOO, "DeleteNetworkRule", { "NetworkRule", "[{" KEY "}]" } },
#include "tests/unit/good_packets.def"
	{ VERSION_DDOSCOO, "CreateDomainResource",
		{ "Domain", "www.example.com", "InstanceIds.1", "$id", "RsType", "0",
			"RealServers.1", "10.0.0.1", "ProxyTypes.1.ProxyType", "https",
			"ProxyTypes.1.ProxyPorts.1", "443", "HttpsExt", "{\"Http2https\":1}" } },
	{ VERSION_DDOSCOO, "ModifyDomainResource",
		{ "Domain", "www.example.com", "InstanceIds.1", "$id", "RsType", "0",
			"RealServers.1", "10.0.0.2", "ProxyTypes.1.ProxyType", "https",
			"ProxyTypes.1.ProxyPorts.1", "443" } },
	{ VERSION_DDOSCOO, "CreateWebRule",
		{ "Domain", "shop.example.com", "InstanceIds.1", "$id", "RsType", "0", "Rules",
			web_rules } },
	{ VERSION_DDOSCOO, "ModifyWebRule",
		{ "Domain", "shop.example.com", "RsType", "1", "RealServers.1",
			"origin.example.net", "ProxyTypes",
			"[{\"ProxyType\":\"http\",\"ProxyPorts\":[80,8080]}]" } },
	{ VERSION_DDOSCOO, "DescribeWebRules", { "QueryDomainPattern", "exact" } },
	{ VERSION_DDOSCOO, "DescribeDomainResource", { "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "DescribeDomains", { NULL } },
	{ VERSION_DDOSCOO, "DescribeWebInstanceRelations", { "Domains.1", "www.example.com" } },
	{ VERSION_DDOSCOO, "DescribeWebCustomPorts", { NULL } },
	{ VERSION_DDOSCOO, "ModifyHttp2Enable", { "Domain", "www.example.com", "Enable", "1" } },
	{ VERSION_DDOSCOO, "ModifyOcspStatus", { "Domain", "www.example.com", "Enable", "1" } },
	{ VERSION_DDOSCOO, "ModifyTlsConfig", { "Domain", "www.example.com", "Config", web_tls } },
	{ VERSION_DDOSCOO, "AssociateWebCert",
		{ "Domain", "www.example.com", "CertName", "web", "Cert", "$chain", "Key",
			"$pem" } },
	{ VERSION_DDOSCOO, "DescribeCerts", { "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "ConfigL7RsPolicy",
		{ "Domain", "www.example.com", "Policy", web_origins, "UpstreamRetry", "0" } },
	{ VERSION_DDOSCOO, "DescribeL7RsPolicy", { "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "ConfigL7UsKeepalive",
		{ "Domain", "www.example.com", "UpstreamKeepalive",
			"{\"enabled\":true,\"keepalive_requests\":10,\"keepalive_timeout\":5}" } },
	{ VERSION_DDOSCOO, "DescribeL7UsKeepalive", { "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "ModifyHeaders",
		{ "Domain", "www.example.com", "CustomHeaders", "{\"X-Tenant\":\"1\"}" } },
	{ VERSION_DDOSCOO, "DescribeHeaders", { "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "ModifyWebAccessMode",
		{ "Domain", "www.example.com", "AccessMode", "2" } },
	{ VERSION_DDOSCOO, "DescribeWebAccessMode", { "Domains.1", "www.example.com" } },
	{ VERSION_DDOSCOO, "ModifyCnameReuse",
		{ "Domain", "shop.example.com", "Enable", "1", "Cname", "$cname" } },
	{ VERSION_DDOSCOO, "DescribeCnameReuses", { "Domains.1", "shop.example.com" } },
	{ VERSION_DDOSCOO, "ModifyInstance",
		{ "InstanceId", "$id", "ProductType", "ddoscoo", "ModifyType", "UPGRADE",
			"FunctionVersion", "1" } },
#include "tests/unit/good_web.def"
	{ VERSION_DDOSCOO, "CreateSceneDefensePolicy",
		{ "Name", "s", "Template", "promotion", "StartTime", "$now", "EndTime",
			"$later" } },
	{ VERSION_DDOSCOO, "AttachSceneDefenseObject",
		{ "PolicyId", "$scene", "ObjectType", "Domain", "Objects", "www.example.com" } },
	{ VERSION_DDOSCOO, "DescribeSceneDefensePolicies", { "Template", "promotion" } },
	{ VERSION_DDOSCOO, "DescribeSceneDefenseObjects", { "PolicyId", "$scene" } },
	{ VERSION_DDOSCOO, "ModifySceneDefensePolicy",
		{ "PolicyId", "$scene", "Name", "t", "Template", "bypass", "StartTime", "$now",
			"EndTime", "$later" } },
	{ VERSION_DDOSCOO, "DisableSceneDefensePolicy", { "PolicyId", "$scene" } },
	{ VERSION_DDOSCOO, "EnableSceneDefensePolicy", { "PolicyId", "$scene" } },
	{ VERSION_DDOSCOO, "DetachSceneDefenseObject",
		{ "PolicyId", "$scene", "Objects", "www.example.com" } },
	{ VERSION_DDOSCOO, "DeleteSceneDefensePolicy", { "PolicyId", "$scene" } },
	{ VERSION_DDOSCOO, "CreateSchedulerRule",
		{ "RuleName", "r", "RuleType", "5", "Rules", SCHEDULER_RULES, "Param",
			"{\"ParamType\":\"cdn\",\"ParamData\":{\"Domain\":\"www.example.com\","
			"\"Cname\":\"a.cdn.example\",\"AccessQps\":100}}" } },
	{ VERSION_DDOSCOO, "ModifySchedulerRule",
		{ "RuleName", "r", "RuleType", "5", "Rules", SCHEDULER_RULES, "Param",
			"{\"ParamType\":\"cdn\",\"ParamData\":{\"Domain\":\"www.example.com\","
			"\"Cname\":\"b.cdn.example\",\"AccessQps\":100}}" } },
	{ VERSION_DDOSCOO, "SwitchSchedulerRule",
		{ "RuleName", "r", "RuleType", "5", "SwitchData",
			"[{\"Value\":\"a.cdn.example\",\"State\":0,\"Interval\":-1}]" } },
	{ VERSION_DDOSCOO, "DescribeSchedulerRules", { "PageSize", "10" } },
	{ VERSION_DDOSCOO, "DescribeCdnLinkageRules", { PAGE, "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "DeleteSchedulerRule", { "RuleName", "r" } },
	{ VERSION_DDOSCOO, "DeleteWebRule", { "Domain", "shop.example.com" } },
	{ VERSION_DDOSCOO, "DeleteDomainResource", { "Domain", "www.example.com" } },
	{ VERSION_DDOSCOO, "DescribeBackSourceCidr", { NULL } },
	{ VERSION_POLDER, "DescribeNodes", { NULL } },
	{ VERSION_POLDER, "DeleteNode", { "NodeName", "gone" } },
	{ VERSION_POLDER, "DescribeTraffic", { "InstanceId", "$id" } },
	{ VERSION_DDOSCOO, "DescribeOpEntities", { "StartTime", "$now", "EndTime", "$now", PAGE } },
	{ VERSION_POLDER, "DescribeAuditLog", { NULL } },
	{ VERSION_POLDER, "VerifyAuditLog", { NULL } },
	{ VERSION_POLDER, "DescribeEvents", { "InstanceId", "$id" } },
	{ VERSION_POLDER, "CreateAccount", { "Name", "new" } },
	{ VERSION_POLDER, "DescribeAccounts", { NULL } },
	{ VERSION_POLDER, "CreateAccessKey", { "Permission", "full" } },
	{ VERSION_POLDER, "DescribeAccessKeys", { NULL } },
	{ VERSION_POLDER, "CreateSecurityToken", { "DurationSeconds", "900" } },
	{ VERSION_POLDER, "ModifyAccessKey", { "UserAccessKeyId", "$key", "Status", "Inactive" } },
	{ VERSION_POLDER, "DeleteAccessKey", { "UserAccessKeyId", "$key" } },
	{ VERSION_POLDER, "CreateUser",
		{ "Name", "new", "Password", "correct horse battery", "Permission", "full" } },
	{ VERSION_POLDER, "DescribeUsers", { NULL } },
	{ VERSION_POLDER, "CreateSession",
		{ "UserName", "new", "Password", "correct horse battery" } },
	{ VERSION_POLDER, "ExtendSession", { NULL } },
	{ VERSION_POLDER, "EndSession", { NULL } },
	{ VERSION_POLDER, "DescribeCaller", { NULL } },
	{ VERSION_POLDER, "ModifyUserPassword",
		{ "Name", "new", "Password", "another good password" } },
	{ VERSION_POLDER, "DeleteUser", { "Name", "new" } },
	{ VERSION_POLDER, "DescribeApiCalls", { "PageSize", "1", "CallId", "none" } },
	{ VERSION_POLDER, "DiagnoseRequest", { "CallId", "$call", "ClientString", "GET&%2F&" } },
	{ VERSION_POLDER, "DescribeLiveFigures", { "InstanceId", "$id" } },
	{ VERSION_POLDER, "DescribeErrors", { "Code", "UserNotFound" } },
	{ VERSION_DDOSCOO, "ReleaseInstance", { "InstanceId", "$old" } },
};
#define GOOD_COUNT (sizeof(goods) / sizeof(goods[0]))

struct world {
	struct api api;
	const char *id, *old, *foreign, *key, *now, *later;
	struct test_certificate certificate;
	struct api_key session;
	int64_t tokens;	  /* made for sessions */
	const char *call; /* id of one that is known */
	const struct action *action;
	struct pair good[PAIRS_MAX];
	size_t good_count;
	struct pair bad[PAIRS_MAX];
	size_t bad_count;
	const char *before;
	size_t cases, failures;
};

/* The name of the first web site. */
static const char *cname(struct world *world)
{
	struct api *api = &world->api;
	struct website website;
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(website_load(api->db, api->fixture, 0, "www.example.com", &website), OK);
	db_rollback(api->db);
	return arena_print(api->fixture, "%s.polder.test", website.cname);
}

static const char *scene_id(struct world *world)
{
	struct api *api = &world->api;
	struct scene *scene;
	size_t count;
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(scene_list(api->db, api->fixture, 0, &scene, &count), OK);
	db_rollback(api->db);
	assert_int_equal(count, 1);
	return arena_copy(api->fixture, scene[0].id);
}

static const char *ip(struct world *world)
{
	struct api *api = &world->api;
	struct instance instance;
	char text[ADDRESS_TEXT_SIZE];
	assert_int_equal(instance_load(api->db, api->fixture, world->id, &instance), OK);
	address_format(instance.vip, text);
	return arena_copy(api->fixture, text);
}

static const char *replaced(struct world *world, const char *text)
{
	const struct {
		const char *mark, *value;
	} marks[] = {
		{ "$id", world->id },
		{ "$old", world->old },
		{ "$key", world->key },
		{ "$call", world->call },
		{ "$now", world->now },
		{ "$later", world->later },
		{ "$chain", world->certificate.chain },
		{ "$pem", world->certificate.key },
	};
	if (strcmp(text, "$ip") == 0)
		return ip(world);
	const char *vip = strstr(text, "$vip");
	if (vip)
		return arena_print(world->api.fixture, "%.*s%s%s", (int)(vip - text), text,
			ip(world), vip + strlen("$vip"));
	if (strcmp(text, "$scene") == 0)
		return scene_id(world);
	if (strcmp(text, "$cname") == 0)
		return cname(world);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *at = strstr(text, marks[i].mark);
		if (at)
			return arena_print(world->api.fixture, "%.*s%s%s", (int)(at - text), text,
				marks[i].value, at + strlen(marks[i].mark));
	}
	return text;
}

/* ---- one bad request */

static bool of_row(const struct param *row, const char *name)
{
	size_t length = strlen(row->name);
	return strncmp(name, row->name, length) == 0 &&
	       (name[length] == '\0' || name[length] == '.');
}

/* bad := good without the row's parameter. */
static void begin(struct world *world, const struct param *row)
{
	world->bad_count = 0;
	for (size_t i = 0; i < world->good_count; i++) {
		if (!of_row(row, world->good[i].key))
			world->bad[world->bad_count++] = world->good[i];
	}
}

static void with(struct world *world, const char *name, const char *value)
{
	assert_true(world->bad_count < PAIRS_MAX);
	world->bad[world->bad_count++] = (struct pair){ name, value };
}

static void try_bad(
	struct world *world, const struct param *row, const char *code, const char *what)
{
	struct api *api = &world->api;
	(void)api_call_pairs(api, world->action->name, world->bad, world->bad_count);
	world->cases++;
	bool named = strcmp(code, "InvalidParameter.Format") == 0 ||
		     strcmp(code, "InstanceNotFound") == 0 ||
		     strstr(api_text(api, "Message"), row->name);
	if (api->response.status != 400 || strcmp(api_code(api), code) != 0 || !named)
		fail_msg("%s %s, %s: %.300s", world->action->name, row->name, what,
			api->response.body);
	if (strcmp(world->before, api_dump(api)) != 0)
		fail_msg("%s %s, %s: the store changed", world->action->name, row->name, what);
}

static void try_value(
	struct world *world, const struct param *row, const char *value, const char *what)
{
	const char *name = row->name;
	begin(world, row);
	if (row->kind == PARAM_TEXT_LIST || row->kind == PARAM_INT_LIST)
		name = arena_print(world->api.fixture, "%s.1", row->name);
	with(world, name, value);
	try_bad(world, row, "InvalidParameter", what);
}

static const char *number(struct world *world, int64_t value)
{
	return arena_print(world->api.fixture, "%lld", (long long)value);
}

static const char *long_text(struct world *world, int64_t length)
{
	char *text = arena_take(world->api.fixture, (size_t)length + 1);
	assert_non_null(text);
	memset(text, 'a', (size_t)length);
	return text;
}

static void try_range(struct world *world, const struct param *row, int64_t min, int64_t max)
{
	try_value(world, row, "abc", "no number");
	try_value(world, row, "1.5", "a fraction");
	try_value(world, row, "+1", "a sign");
	try_value(world, row, "99999999999999999999", "too large for any integer");
	if (min == 0 && max == 0)
		return;
	try_value(world, row, number(world, min - 1), "below the range");
	if (max < INT64_MAX)
		try_value(world, row, number(world, max + 1), "above the range");
}

/* What follows the index of an item: the first part that it has. */
static const char *part_of(struct world *world, const struct param *row)
{
	if (row->kind != PARAM_PAIR_LIST && row->kind != PARAM_OBJECT_LIST)
		return "";
	return arena_print(
		world->api.fixture, ".%.*s", (int)strcspn(row->choices, " "), row->choices);
}

static void try_items(struct world *world, const struct param *row)
{
	const char *suffix = part_of(world, row);
	begin(world, row);
	with(world,
		arena_print(world->api.fixture, "%s.%lld%s", row->name, (long long)row->max + 1,
			suffix),
		"x");
	try_bad(world, row, "InvalidParameter", "too many items");
	begin(world, row);
	with(world, arena_print(world->api.fixture, "%s.2%s", row->name, suffix), "1");
	try_bad(world, row, "InvalidParameter", "a gap");
	begin(world, row);
	with(world, arena_print(world->api.fixture, "%s.x%s", row->name, suffix), "1");
	try_bad(world, row, "InvalidParameter", "no index");
	if (row->kind == PARAM_INT_LIST)
		return;
	begin(world, row);
	with(world, arena_print(world->api.fixture, "%s.1%s", row->name, suffix),
		long_text(world, row->item_max + 1));
	try_bad(world, row, "InvalidParameter", "an item too long");
}

static void try_repeated(struct world *world, const struct param *row)
{
	const char *name = row->name;
	if (row->kind >= PARAM_TEXT_LIST)
		name = arena_print(world->api.fixture, "%s.1%s", row->name, part_of(world, row));
	begin(world, row);
	with(world, name, "1");
	with(world, name, "1");
	try_bad(world, row, "InvalidParameter", "twice");
	begin(world, row);
	with(world, name, "a\xff");
	try_bad(world, row, "InvalidParameter.Format", "no UTF-8");
}

static void try_kind(struct world *world, const struct param *row)
{
	switch (row->kind) {
	case PARAM_INT:
		try_range(world, row, row->min, row->max);
		break;
	case PARAM_BOOL:
		try_value(world, row, "maybe", "neither true nor false");
		break;
	case PARAM_CHOICE:
		try_value(world, row, "no such choice", "no choice");
		break;
	case PARAM_JSON:
		try_value(world, row, "{", "no JSON");
		try_value(world, row, "[{\"unknown\":1}]", "an unknown key");
		__attribute__((fallthrough));
	case PARAM_TEXT:
		if (row->max)
			try_value(world, row, long_text(world, row->max + 1), "too long");
		if (row->min > 0 && !row->empty_is_absent)
			try_value(world, row, "", "empty");
		break;
	case PARAM_INT_LIST:
		try_range(world, row, row->item_min, row->item_max);
		try_items(world, row);
		break;
	case PARAM_TEXT_LIST:
	case PARAM_PAIR_LIST:
	case PARAM_OBJECT_LIST:
		try_items(world, row);
		break;
	case PARAM_END:
		fail_msg("the end has no value");
	}
}

/* Rows that name instances: another tenant's is not found; where ids only filter, nothing is shown. */
static void try_foreign(struct world *world, const struct param *row)
{
	static const char *const names[] = { "InstanceId", "InstanceIds", "InstanceIDs",
		"ResourceIds" };
	static const char *const filters[] = { "DescribeInstances", "DescribeInstanceIds",
		"DescribeTagResources", "QueryAvailableInstances", "DescribeWebRules",
		"DescribeDomainResource", "DescribeDomains" };
	bool names_instance = false, filter = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		names_instance = names_instance || strcmp(row->name, names[i]) == 0;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		filter = filter || strcmp(world->action->name, filters[i]) == 0;
	if (!names_instance || world->action->permission == PERMISSION_OPERATOR ||
		strcmp(world->action->name, "CreateSecurityToken") == 0)
		return;
	begin(world, row);
	with(world,
		row->kind == PARAM_TEXT_LIST ? arena_print(world->api.fixture, "%s.1", row->name)
					     : row->name,
		world->foreign);
	if (!filter) {
		try_bad(world, row, "InstanceNotFound", "of another tenant");
		return;
	}
	assert_int_equal(
		api_call_pairs(&world->api, world->action->name, world->bad, world->bad_count),
		200);
	assert_null(strstr(world->api.response.body, world->foreign));
}

/* ---- failures of the service itself */

#define FAILURES_MAX 5000 /* no request asks for memory or rows so often */

/* Fails each in turn. A request that fails so changes nothing; one that succeeds all the same is whole. READs
 * go on to the end, a WRITE ends with its success. */
static void torture(struct world *world, size_t failure)
{
	struct api *api = &world->api;
	uint64_t nth = 1;
	size_t whole = 0;
	if (world->action->mode == READ) {
		assert_int_equal(
			api_call_pairs(api, world->action->name, world->good, world->good_count),
			200);
		whole = api->response.body_size; /* request ids are of one length */
	}
	do {
		*(uint64_t *)((char *)api + failure) = nth++;
		int status =
			api_call_pairs(api, world->action->name, world->good, world->good_count);
		if (status == 200 && world->action->mode == WRITE)
			return;
		if (strcmp(world->before, api_dump(api)) != 0)
			fail_msg("%s, failure %llu: the store changed", world->action->name,
				(unsigned long long)nth - 1);
		bool whole_reply = status == 200 && api->response.body_size == whole;
		if (status < 500 && !whole_reply)
			fail_msg("%s, failure %llu: %.300s", world->action->name,
				(unsigned long long)nth - 1, api->response.body);
		assert_true(nth < FAILURES_MAX);
		world->failures++;
	} while (api->failed_as_told);
}

/* ---- all of them */

/* With a session of the tenant's, or as an operator, where an action needs it and its row does not say so. */
static void choose_caller(struct world *world)
{
	struct api *api = &world->api;
	const struct action *action = world->action;
	bool of_session = strcmp(action->name, "ExtendSession") == 0 ||
			  strcmp(action->name, "EndSession") == 0;
	bool of_operator = action->permission == PERMISSION_OPERATOR ||
			   strcmp(action->name, "ModifyUserPassword") == 0;
	const char *before = api->version;

	api->token = NULL;
	api->caller = of_operator ? &api->root : &api->tenant;
	if (!of_session)
		return;
	api->version = VERSION_POLDER;
	assert_int_equal(api_call(api, "CreateSecurityToken", "Extendable", "true", NULL), 200);
	world->tokens++;
	(void)snprintf(world->session.id, sizeof(world->session.id), "%s",
		api_text(api, "Credentials.AccessKeyId"));
	(void)snprintf(world->session.secret, sizeof(world->session.secret), "%s",
		api_text(api, "Credentials.AccessKeySecret"));
	api->token = arena_copy(api->fixture, api_text(api, "Credentials.SecurityToken"));
	api->caller = &world->session;
	api->version = before;
}

static void choose(struct world *world, const struct good *good)
{
	struct api *api = &world->api;
	bool known;
	world->action = action_find(good->version, good->action, &known);
	assert_non_null(world->action);
	api->version = good->version;
	choose_caller(world);
	world->good_count = 0;
	if (strcmp(good->action, "DiagnoseRequest") == 0) {
		api->version = VERSION_DDOSCOO;
		assert_int_equal(api_call(api, "DescribeInstanceIds", NULL), 200);
		world->call = arena_copy(api->fixture, api_text(api, "RequestId"));
		api->version = good->version;
	}
	for (size_t i = 0; i + 1 < 24 && good->pairs[i]; i += 2)
		world->good[world->good_count++] =
			(struct pair){ good->pairs[i], replaced(world, good->pairs[i + 1]) };
	world->before = arena_copy(api->fixture, api_dump(api));
}

static void must_succeed(struct world *world)
{
	struct api *api = &world->api;
	if (api_call_pairs(api, world->action->name, world->good, world->good_count) != 200)
		fail_msg("%s as it should be: %.300s", world->action->name, api->response.body);
}

static bool reads_json(const struct action *action)
{
	for (const struct param *row = action->params; row->kind != PARAM_END; row++) {
		if (row->kind == PARAM_JSON)
			return true;
	}
	/* reads documents of web sites */
	static const struct action *const tables[] = { web_switch_actions, web_list_actions,
		web_precise_actions, web_cc_actions, web_cc_v2_actions, web_global_actions,
		web_cache_actions, web_check_actions, web_log_actions, scene_actions,
		scheduler_actions, scheduler_list_actions };
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct action *row = tables[i]; row->name; row++) {
			if (row == action)
				return true;
		}
	}
	/* reads details of records, documents of web sites */
	static const char *const names[] = { "DescribeOpEntities", "DescribeWebRules",
		"DescribeDomainResource", "DescribeL7RsPolicy", "DescribeL7UsKeepalive",
		"DescribeInstanceDetails" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(action->name, names[i]) == 0)
			return true;
	}
	return false;
}

static void walk_parameters(struct world *world)
{
	struct api *api = &world->api;
	for (const struct param *row = world->action->params; row->kind != PARAM_END; row++) {
		if (row->required) {
			begin(world, row);
			try_bad(world, row, "MissingParameter", "left out");
		}
		try_kind(world, row);
		try_repeated(world, row);
		try_foreign(world, row);
	}
	must_succeed(world);
	assert_true(api_audit_whole(api));
}

static int64_t audit_count(struct api *api)
{
	bool whole;
	int64_t count, broken;
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(audit_verify(api->db, &whole, &count, &broken), OK);
	db_rollback(api->db);
	assert_true(whole);
	return count;
}

static void world_open(struct world *world)
{
	struct api *api = &world->api;
	memset(world, 0, sizeof(*world));
	api_open(api);
	assert_int_equal(nodes_confirm(api->gateway.nodes, "gone", 1, api->clock_ms - DAY_MS), OK);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(nodes_persist(api->gateway.nodes, api->db), OK);
	assert_int_equal(db_commit(api->db), OK);
	world->old = api_buy(api, "ddoscoo", "Ipv4");
	api_move_life(api, 30 * DAY_MS); /* old has expired, what is bought now has not */
	world->id = api_buy(api, "ddoscoo", "Ipv4");
	api->caller = &api->other;
	world->foreign = api_buy(api, "ddoscoo", "Ipv4");
	world->key = api_make_key(api, api->tenant.account, PERMISSION_READ, NULL, 0)->id;
	world->now = number(world, api->clock_ms);
	world->later = number(world, api->clock_ms + HOUR_MS);
	world->certificate = test_certificate(
		api->fixture, "www.example.com", api->clock_ms - DAY_MS, api->clock_ms + DAY_MS);
	api->gateway.dns_zone = "polder.test";
	api->gateway.acme_directory = "https://acme.example.net/directory";
	api_blackhole(api, world->id, HOUR_MS);
	api_attack(api, world->id, NULL, ATTACK_DEFENSE,
		&(struct attack){ .begin_ms = api->clock_ms - HOUR_MS });
}

static void test_every_parameter(void **state)
{
	static struct world world;
	struct api *api = &world.api;
	int64_t writes = 0;
	(void)state;
	world_open(&world);
	int64_t records = audit_count(api);
	for (size_t i = 0; i < GOOD_COUNT; i++) {
		choose(&world, &goods[i]);
		walk_parameters(&world);
		writes += world.action->mode == WRITE && !world.action->unrecorded;
	}
	/* one record for each write that succeeded, none for any refusal */
	assert_int_equal(audit_count(api), records + writes + world.tokens);
	print_message("%zu bad requests refused\n", world.cases);
	api_close(api);
}

static void walk_failures(size_t failure)
{
	static struct world world;
	int64_t writes = 0;
	world_open(&world);
	int64_t records = audit_count(&world.api);
	for (size_t i = 0; i < GOOD_COUNT; i++) {
		choose(&world, &goods[i]);
		/* While it reads, the library cuts strings for which it gets no memory, and says nothing. */
		if (failure == offsetof(struct api, fail_json) && reads_json(world.action))
			must_succeed(&world);
		else
			torture(&world, failure);
		writes += world.action->mode == WRITE && !world.action->unrecorded;
	}
	assert_int_equal(audit_count(&world.api), records + writes + world.tokens);
	print_message("%zu failures survived\n", world.failures);
	api_close(&world.api);
}

static void test_memory_failures(void **state)
{
	(void)state;
	walk_failures(offsetof(struct api, fail_allocation));
}

static void test_json_failures(void **state)
{
	(void)state;
	walk_failures(offsetof(struct api, fail_json));
}

static void test_store_failures(void **state)
{
	(void)state;
	walk_failures(offsetof(struct api, fail_store));
}

static void test_no_action_is_left_out(void **state)
{
	(void)state;
	for (const struct action *const *table = action_tables; *table; table++) {
		/* Good ones need the service of a lab: test_actions_drill, tests/net/97-drills.sh. */
		if (*table == drill_actions)
			continue;
		for (const struct action *action = *table; action->name; action++) {
			size_t i = 0;
			while (i < GOOD_COUNT &&
				(strcmp(goods[i].action, action->name) != 0 ||
					strcmp(goods[i].version, action->version) != 0))
				i++;
			if (i == GOOD_COUNT)
				fail_msg("%s has no good request here", action->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_action_is_left_out),
		cmocka_unit_test(test_every_parameter),
		cmocka_unit_test(test_memory_failures),
		cmocka_unit_test(test_json_failures),
		cmocka_unit_test(test_store_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
