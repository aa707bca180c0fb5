/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules through signed calls, each refusal with the place it names.
 */
#include "tests/unit/rule_world.h"

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

static int set_as(struct world *world, const char *protocol, const char *port, const char *config)
{
	return api_call(&world->api, "ModifyNetworkRuleAttribute", "InstanceId", world->id,
		"ForwardProtocol", protocol, "FrontendPort", port, "Config", config, NULL);
}

static int set_attributes(struct world *world, const char *port, const char *config)
{
	return set_as(world, "udp", port, config);
}

static const char *rule_key(struct world *world, const char *protocol, const char *port)
{
	return arena_print(world->api.fixture,
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"%s\",\"FrontendPort\":%s}]", world->id,
		protocol, port);
}

/* The JSON at path of the last reply. */
static const char *reply_text(struct api *api, const char *path)
{
	char *text = json_dumps(api_get(api, path), JSON_COMPACT | JSON_SORT_KEYS);
	const char *copy = arena_copy(api->fixture, text ? text : "");
	free(text);
	return copy;
}

static const char *described_as(struct world *world, const char *protocol, const char *port)
{
	struct api *api = &world->api;
	(void)api_call(api, "DescribeNetworkRuleAttributes", "NetworkRules",
		rule_key(world, protocol, port), NULL);
	if (api->response.status != 200)
		return "";
	return reply_text(api, "NetworkRuleAttributes.0.Config");
}

static const char *described(struct world *world, const char *port)
{
	return described_as(world, "udp", port);
}

#define CONFIG_TAIL(synproxy, sla, slimit)                                                         \
	"\"Sla\":{" sla "},\"Slimit\":{" slimit "},\"Synproxy\":\"" synproxy "\"}"
#define SLA_OFF "\"Cps\":0,\"CpsEnable\":0,\"Maxconn\":0,\"MaxconnEnable\":0"
#define SLIMIT_OFF                                                                                 \
	"\"Bps\":0,\"Cps\":0,\"CpsEnable\":0,\"CpsMode\":1,\"Maxconn\":0,"                         \
	"\"MaxconnEnable\":0,\"Pps\":0"
#define CONFIG_HEAD(sblack, nodata, seconds, min, max)                                             \
	"{\"Cc\":{\"Sblack\":[" sblack "]},\"NodataConn\":\"" nodata                               \
	"\",\"PayloadLen\":{\"Max\":" #max ",\"Min\":" #min "},\"PersistenceTimeout\":" #seconds   \
	","
#define CONFIG(seconds, min, max)                                                                  \
	CONFIG_HEAD("", "off", seconds, min, max) CONFIG_TAIL("off", SLA_OFF, SLIMIT_OFF)

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

#define SLA_SET "\"Cps\":100,\"CpsEnable\":1,\"Maxconn\":1000000,\"MaxconnEnable\":0"
#define SLIMIT_SET                                                                                 \
	"\"Bps\":1024,\"Cps\":500000,\"CpsEnable\":1,\"CpsMode\":1,\"Maxconn\":1,"                 \
	"\"MaxconnEnable\":1,\"Pps\":100000"
#define SBLACK_SET                                                                                 \
	"{\"Cnt\":5,\"During\":60,\"Expires\":60,\"Type\":1},"                                     \
	"{\"Cnt\":5,\"During\":60,\"Expires\":604800,\"Type\":4}"
#define SBLACK(elements) "{\"Cc\":{\"Sblack\":[" elements "]}}"

static void test_limits(void **state)
{
	static const char set[] =
		CONFIG_HEAD(SBLACK_SET, "on", 0, 0, 6000) CONFIG_TAIL("on", SLA_SET, SLIMIT_SET);
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "902", "10.0.0.1"), 200);
	/* what was described is taken back, and a limit that is named is on */
	assert_int_equal(set_as(world, "tcp", "902", set), 200);
	assert_string_equal(described_as(world, "tcp", "902"), set);
	assert_int_equal(set_as(world, "tcp", "902", "{\"Sla\":{\"Maxconn\":2000}}"), 200);
	assert_non_null(
		strstr(described_as(world, "tcp", "902"), "\"Maxconn\":2000,\"MaxconnEnable\":1"));
	/* members that are not named stay */
	assert_non_null(strstr(described_as(world, "tcp", "902"), SLIMIT_SET));
	assert_int_equal(set_as(world, "tcp", "902", SBLACK("")), 200);
	assert_non_null(strstr(described_as(world, "tcp", "902"), "\"Sblack\":[]"));
	assert_int_equal(set_as(world, "tcp", "902", "{\"Synproxy\":\"off\"}"), 200);
	assert_non_null(strstr(described_as(world, "tcp", "902"), "\"Synproxy\":\"off\""));
}

static int set_forwarding(struct world *world, const char *protocol, const char *port,
	const char *name, const char *value)
{
	return api_call_version(&world->api, VERSION_POLDER, "ConfigRuleForwarding", "InstanceId",
		world->id, "ForwardProtocol", protocol, "FrontendPort", port, name, value, NULL);
}

static void test_forwarding(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "907", "10.0.0.1"), 200);
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "907", "10.0.0.1"), 200);
	assert_int_equal(set_forwarding(world, "tcp", "907", "SynMode", "always"), 200);
	assert_int_equal(set_forwarding(world, "tcp", "907", "ClientAddress", "toa"), 200);
	assert_int_equal(set_forwarding(world, "udp", "907", "ClientAddress", "proxy"), 200);
	assert_int_equal(set_forwarding(world, "udp", "907", "PayloadForm", "dns"), 200);
	assert_int_equal(set_forwarding(world, "udp", "907", "Challenge", "on"), 200);
	/* what a protocol does not have */
	assert_int_equal(set_forwarding(world, "udp", "907", "ClientAddress", "toa"), 400);
	expect(api, "InvalidParameter", "ClientAddress");
	assert_int_equal(set_forwarding(world, "udp", "907", "SynMode", "always"), 400);
	expect(api, "InvalidParameter", "Synproxy");
	assert_int_equal(set_forwarding(world, "tcp", "907", "Challenge", "on"), 400);
	expect(api, "InvalidParameter", "Challenge");
	assert_int_equal(set_forwarding(world, "tcp", "907", "PayloadForm", "dns"), 400);
	expect(api, "InvalidParameter", "PayloadForm");
	assert_int_equal(set_forwarding(world, "udp", "907", "PayloadForm", "gopher"), 400);
	expect(api, "InvalidParameter", "PayloadForm must be one of none, dns");
	assert_int_equal(api_call_version(api, VERSION_POLDER, "DescribeRuleForwarding",
				 "InstanceId", world->id, "ForwardProtocol", "tcp", NULL),
		200);
	assert_string_equal(api_text(api, "NetworkRules.0.SynMode"), "always");
	assert_string_equal(api_text(api, "NetworkRules.0.ClientAddress"), "toa");
	assert_string_equal(api_text(api, "NetworkRules.0.PayloadForm"), "none");
	assert_int_equal(api_call_version(api, VERSION_POLDER, "DescribeRuleForwarding",
				 "InstanceId", world->id, "ForwardProtocol", "udp", NULL),
		200);
	assert_string_equal(api_text(api, "NetworkRules.0.SynMode"), "threshold");
	assert_string_equal(api_text(api, "NetworkRules.0.PayloadForm"), "dns");
	assert_string_equal(api_text(api, "NetworkRules.0.Challenge"), "on");
	/* Synproxy of the published form is the same setting */
	assert_non_null(strstr(described_as(world, "tcp", "907"), "\"Synproxy\":\"on\""));
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
		/* for tcp only */
		{ "{\"Synproxy\":\"on\"}", "InvalidParameter", "Config.Synproxy" },
		{ "{\"Synproxy\":\"yes\"}", "InvalidParameter", "Config.Synproxy" },
		{ "{\"NodataConn\":\"on\"}", "InvalidParameter", "Config.NodataConn" },
		{ "{\"Sla\":{\"Cps\":99}}", "InvalidParameter", "Config.Sla.Cps" },
		{ "{\"Sla\":{\"Cps\":100001}}", "InvalidParameter", "Config.Sla.Cps" },
		{ "{\"Sla\":{\"Maxconn\":999}}", "InvalidParameter", "Config.Sla.Maxconn" },
		{ "{\"Sla\":{\"Maxconn\":1000001}}", "InvalidParameter", "Config.Sla.Maxconn" },
		{ "{\"Sla\":{\"Cps\":200,\"CpsEnable\":2}}", "InvalidParameter",
			"Config.Sla.CpsEnable" },
		{ "{\"Sla\":{\"MaxconnEnable\":1}}", "InvalidParameter", "Config.Sla.Maxconn" },
		{ "{\"Slimit\":{\"Cps\":500001}}", "InvalidParameter", "Config.Slimit.Cps" },
		{ "{\"Slimit\":{\"Cps\":-1}}", "InvalidParameter", "Config.Slimit.Cps" },
		{ "{\"Slimit\":{\"Pps\":100001}}", "InvalidParameter", "Config.Slimit.Pps" },
		{ "{\"Slimit\":{\"Bps\":1023}}", "InvalidParameter", "Config.Slimit.Bps" },
		{ "{\"Slimit\":{\"Bps\":268435457}}", "InvalidParameter", "Config.Slimit.Bps" },
		{ "{\"Slimit\":{\"CpsEnable\":1}}", "InvalidParameter", "Config.Slimit.Cps" },
		{ "{\"Slimit\":{\"CpsMode\":2}}", "InvalidParameter", "Config.Slimit.CpsMode" },
		{ "{\"Slimit\":{\"Other\":0}}", "InvalidParameter", "Config.Slimit.Other" },
		{ "{\"Cc\":{\"Sblack\":[{\"Type\":1}]}}", "MissingParameter",
			"Config.Cc.Sblack[0].Expires" },
		{ "{\"Cc\":{\"Sblack\":7}}", "InvalidParameter", "Config.Cc.Sblack" },
		{ SBLACK("{\"Type\":5,\"Expires\":60}"), "InvalidParameter", "Sblack[0].Type" },
		{ SBLACK("{\"Type\":1,\"Expires\":59}"), "InvalidParameter", "Sblack" },
		{ SBLACK("{\"Type\":1,\"Expires\":604801}"), "InvalidParameter", "Sblack" },
		{ SBLACK("{\"Type\":1,\"Expires\":60,\"Cnt\":4}"), "InvalidParameter",
			"Sblack[0].Cnt" },
		{ SBLACK("{\"Type\":1,\"Expires\":60,\"During\":61}"), "InvalidParameter",
			"Sblack[0].During" },
		{ SBLACK("{\"Type\":1,\"Expires\":60},{\"Type\":1,\"Expires\":60}"),
			"InvalidParameter", "Sblack[1].Type" },
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

#define HEALTH(members) HEALTH_OF("tcp", "1", "30", "10", "1", members)
#define HEALTH_OF(type, timeout, interval, up, down, members)                                      \
	"{\"Type\":\"" type "\",\"Timeout\":" timeout ",\"Interval\":" interval ",\"Up\":" up      \
	",\"Down\":" down members "}"
#define HEALTH_HTTP_ALL                                                                            \
	"{\"Domain\":\"www.example.com\",\"Down\":2,\"Interval\":5,\"Port\":8080,\"Timeout\":3,"   \
	"\"Type\":\"http\",\"Up\":4,\"Uri\":\"/health?x=1\"}"

static int set_health(
	struct world *world, const char *protocol, const char *port, const char *health)
{
	return api_call(&world->api, "ModifyHealthCheckConfig", "InstanceId", world->id,
		"ForwardProtocol", protocol, "FrontendPort", port, "HealthCheck", health, NULL);
}

static const char *health(struct world *world, const char *protocol, const char *port)
{
	assert_int_equal(api_call(&world->api, "DescribeHealthCheckList", "NetworkRules",
				 rule_key(world, protocol, port), NULL),
		200);
	assert_string_equal(api_text(&world->api, "HealthCheckList.0.Protocol"), protocol);
	return reply_text(&world->api, "HealthCheckList.0.HealthCheck");
}

static void test_health(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "903", "10.0.0.1"), 200);
	assert_string_equal(health(world, "tcp", "903"), "{}");
	assert_int_equal(set_health(world, "tcp", "903", HEALTH("")), 200);
	assert_string_equal(health(world, "tcp", "903"),
		"{\"Down\":1,\"Interval\":30,\"Port\":8080,"
		"\"Timeout\":1,\"Type\":\"tcp\",\"Up\":10}");
	assert_int_equal(set_health(world, "tcp", "903", HEALTH_HTTP_ALL), 200);
	assert_string_equal(health(world, "tcp", "903"), HEALTH_HTTP_ALL);
	assert_int_equal(set_health(world, "tcp", "903", "{}"), 200);
	assert_string_equal(health(world, "tcp", "903"), "{}");
	/* and it goes with the rule */
	assert_int_equal(set_health(world, "tcp", "903", HEALTH("")), 200);
	assert_int_equal(port(api, "DeletePort", world->id, "tcp", "903", "10.0.0.1"), 200);
	assert_int_equal(set_health(world, "tcp", "903", HEALTH("")), 400);
	expect(api, "anycast_controller3006", "903/tcp");
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "903", "10.0.0.1"), 200);
	assert_string_equal(health(world, "tcp", "903"), "{}");
}

/* A node reports one origin of the rule. */
static void report_health(struct api *api, int64_t rule, const char *origin, bool healthy)
{
	struct report {
		struct snapshot_header header;
		struct record_node node;
		struct record_health_state health;
	} report;
	uint8_t address[16];
	memset(&report, 0, sizeof(report));
	report.header.magic = SNAPSHOT_MAGIC;
	report.header.version = SNAPSHOT_VERSION;
	report.header.record_count = 2;
	report.header.byte_count = sizeof(report.node) + sizeof(report.health);
	report.node.record = (struct record){ RECORD_NODE, sizeof(report.node), 1 };
	report.health.record =
		(struct record){ RECORD_HEALTH_STATE, sizeof(report.health), (uint32_t)rule };
	report.health.origin_count = 1;
	assert_true(text_to_address(origin, address));
	memcpy(&report.health.origin[0].address, address, sizeof(address));
	report.health.origin[0].port = 8080;
	report.health.origin[0].checked = 1;
	report.health.origin[0].healthy = healthy;
	assert_int_equal(nodes_confirm(api->gateway.nodes, "node-1", 1, api->clock_ms), OK);
	assert_int_equal(nodes_report(api->gateway.nodes, "node-1", &report,
				 sizeof(report.header) + report.header.byte_count, api->clock_ms),
		OK);
}

static const char *health_status(struct world *world, const char *port)
{
	assert_int_equal(api_call(&world->api, "DescribeHealthCheckStatus", "NetworkRules",
				 rule_key(world, "tcp", port), NULL),
		200);
	return arena_print(world->api.fixture, "%s %s",
		api_text(&world->api, "HealthCheckStatus.0.Status"),
		api_text(&world->api, "HealthCheckStatus.0.RealServerStatusList.0.Status"));
}

static void test_health_status(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t rule;
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "906", "10.0.0.1"), 200);
	assert_int_equal(
		select_int(api->db, "SELECT number FROM port_rule WHERE frontend_port = 906", NULL,
			0, &rule),
		OK);
	assert_string_equal(health_status(world, "906"), "normal normal");
	report_health(api, rule, "10.0.0.1", false);
	assert_string_equal(health_status(world, "906"), "abnormal abnormal");
	/* one healthy origin keeps the rule normal */
	assert_int_equal(api_call(api, "ModifyPort", "InstanceId", world->id, "FrontendProtocol",
				 "tcp", "FrontendPort", "906", "BackendPort", "8080",
				 "RealServers.1", "10.0.0.1", "RealServers.2", "10.0.0.2", NULL),
		200);
	assert_string_equal(health_status(world, "906"), "normal abnormal");
	report_health(api, rule, "10.0.0.1", true);
	assert_string_equal(health_status(world, "906"), "normal normal");
}

static void test_health_refused(void **state)
{
	static const struct {
		const char *protocol, *health, *code, *named;
	} refused[] = {
		{ "tcp", "[]", "InvalidParameter", "HealthCheck" },
		{ "tcp", HEALTH(",\"Other\":1"), "InvalidParameter", "HealthCheck.Other" },
		{ "tcp", "{\"Timeout\":1}", "MissingParameter", "HealthCheck.Type" },
		{ "tcp", "{\"Type\":\"tcp\"}", "MissingParameter", "HealthCheck.Timeout" },
		{ "tcp", HEALTH_OF("tcp", "0", "30", "10", "1", ""), "InvalidParameter",
			"HealthCheck.Timeout" },
		{ "tcp", HEALTH_OF("tcp", "31", "30", "10", "1", ""), "InvalidParameter",
			"HealthCheck.Timeout" },
		{ "tcp", HEALTH_OF("tcp", "1", "31", "10", "1", ""), "InvalidParameter",
			"HealthCheck.Interval" },
		{ "tcp", HEALTH_OF("tcp", "1", "30", "11", "1", ""), "InvalidParameter",
			"HealthCheck.Up" },
		{ "tcp", HEALTH_OF("tcp", "1", "30", "10", "0", ""), "InvalidParameter",
			"HealthCheck.Down" },
		{ "tcp", HEALTH(",\"Port\":65536"), "InvalidParameter", "HealthCheck.Port" },
		{ "tcp", HEALTH(",\"Uri\":\"/\""), "InvalidParameter", "HealthCheck.Uri" },
		{ "tcp", HEALTH_OF("icmp", "1", "30", "10", "1", ""), "InvalidParameter",
			"HealthCheck.Type" },
		{ "tcp", HEALTH_OF("http", "1", "30", "10", "1", ",\"Uri\":\"x\""),
			"InvalidParameter", "HealthCheck.Uri" },
		{ "tcp", HEALTH_OF("http", "1", "30", "10", "1", ",\"Uri\":\"/ HTTP\""),
			"InvalidParameter", "HealthCheck.Uri" },
		{ "tcp", HEALTH_OF("http", "1", "30", "10", "1", ",\"Domain\":\"a\\r\\nb\""),
			"InvalidParameter", "HealthCheck.Domain" },
		{ "udp", HEALTH_OF("http", "1", "30", "10", "1", ""), "InvalidParameter",
			"HealthCheck.Type" },
	};
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "904", "10.0.0.1"), 200);
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "904", "10.0.0.1"), 200);
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(
			set_health(world, refused[i].protocol, "904", refused[i].health), 400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
}

/* One listener of the instance's rule 905/udp with more members. */
static const char *listener(struct world *world, const char *members)
{
	return arena_print(world->api.fixture,
		"[{\"InstanceId\":\"%s\",\"Protocol\":\"udp\",\"FrontendPort\":905%s}]", world->id,
		members);
}
#define SERVERS(name, a, b) ",\"" name "\":[{\"RealServer\":\"" a "\"},{\"RealServer\":\"" b "\"}]"
#define POLICY(port, index)                                                                        \
	",\"BackendPort\":" #port SERVERS("PriRealServers", "10.1.0.1", "10.1.0.2")                \
		SERVERS("SecRealServers", "10.2.0.1", "10.2.0.2") ",\"CurrentRsIndex\":" #index

/* The addresses that nodes are told, in hexadecimal. */
static const char *active_origins(struct world *world)
{
	struct api *api = &world->api;
	struct cursor cursor;
	const char *text = "";
	assert_int_equal(db_select(api->db,
				 "SELECT hex(o.address) FROM port_rule r JOIN port_rule_origin o"
				 " ON o.rule_number = r.number AND o.side = r.active_side",
				 NULL, 0, &cursor),
		OK);
	while (db_next(&cursor))
		text = arena_print(api->fixture, "%s %s", text, db_text(&cursor, 0, api->fixture));
	db_done(&cursor);
	return text;
}

static int layer4(struct world *world, const char *action, const char *members)
{
	return api_call(&world->api, action, "Listeners", listener(world, members), NULL);
}

static int backup_mode(struct world *world, const char *mode)
{
	return api_call(&world->api, "ConfigLayer4RuleBakMode", "Listeners", listener(world, ""),
		"BakMode", mode, NULL);
}

static void test_redundancy(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "905", "10.0.0.1"), 200);
	const char *own = active_origins(world);
	/* nothing to switch to yet */
	assert_int_equal(backup_mode(world, "1"), 400);
	expect(api, "InvalidParameter", "BakMode");
	assert_int_equal(layer4(world, "ConfigLayer4RulePolicy", POLICY(8080, 1)), 200);
	assert_string_equal(active_origins(world), own);
	assert_int_equal(backup_mode(world, "1"), 200);
	assert_non_null(strstr(active_origins(world), "FFFF0A010001"));
	assert_null(strstr(active_origins(world), "FFFF0A020001"));
	assert_int_equal(layer4(world, "ConfigLayer4RulePolicy", POLICY(8080, 2)), 200);
	assert_non_null(strstr(active_origins(world), "FFFF0A020001"));
	assert_int_equal(layer4(world, "DescribeLayer4RulePolicy", ""), 200);
	assert_string_equal(api_text(api, "BakMode"), "1");
	assert_int_equal(api_int(api, "CurrentIndex"), 2);
	assert_string_equal(api_text(api, "PriRealServers.1.RealServer"), "10.1.0.2");
	assert_string_equal(api_text(api, "SecRealServers.0.RealServer"), "10.2.0.1");
	/* the rule's own origins rest and change meanwhile */
	assert_int_equal(port(api, "ModifyPort", world->id, "udp", "905", "10.0.0.9"), 200);
	assert_non_null(strstr(active_origins(world), "FFFF0A020001"));
	assert_int_equal(backup_mode(world, "0"), 200);
	assert_non_null(strstr(active_origins(world), "FFFF0A000009"));
	assert_int_equal(port(api, "DeletePort", world->id, "udp", "905", "10.0.0.9"), 200);
	assert_int_equal(layer4(world, "DescribeLayer4RulePolicy", ""), 400);
	expect(api, "anycast_controller3006", "905/udp");
}

static void test_redundancy_refused(void **state)
{
	static const struct {
		const char *action, *members, *code, *named;
	} refused[] = {
		{ "ConfigLayer4RulePolicy", "", "MissingParameter", "Listeners[0].BackendPort" },
		{ "ConfigLayer4RulePolicy", POLICY(8081, 1), "InvalidParameter", "BackendPort" },
		{ "ConfigLayer4RulePolicy", POLICY(8080, 3), "InvalidParameter", "CurrentRsIndex" },
		{ "ConfigLayer4RulePolicy", ",\"BackendPort\":8080,\"CurrentRsIndex\":1",
			"MissingParameter", "Listeners[0].PriRealServers" },
		{ "ConfigLayer4RulePolicy",
			",\"BackendPort\":8080,\"CurrentRsIndex\":1,\"PriRealServers\":[]",
			"InvalidParameter", "Listeners[0].PriRealServers" },
		{ "ConfigLayer4RulePolicy",
			",\"BackendPort\":8080,\"CurrentRsIndex\":1" SERVERS(
				"PriRealServers", "10.1.0.1", "10.1.0.1"),
			"ddos_coop3304", "Listeners[0].PriRealServers[1].RealServer" },
		{ "DescribeLayer4RulePolicy", ",\"Remark\":\"\"", "InvalidParameter", "Remark" },
		{ "ConfigLayer4Remark", "", "MissingParameter", "Listeners[0].Remark" },
		{ "ConfigLayer4Remark", ",\"Remark\":7", "InvalidParameter", "Remark" },
	};
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "905", "10.0.0.1"), 200);
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(layer4(world, refused[i].action, refused[i].members), 400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
}

static void test_remark(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "905", "10.0.0.1"), 200);
	assert_int_equal(layer4(world, "ConfigLayer4Remark", ",\"Remark\":\"game, north\""), 200);
	assert_int_equal(
		api_call(api, "DescribeNetworkRules", "InstanceId", world->id, PAGE, NULL), 200);
	assert_string_equal(api_text(api, "NetworkRules.0.Remark"), "game, north");
	assert_int_equal(layer4(world, "ConfigLayer4Remark", ",\"Remark\":\"\""), 200);
	assert_int_equal(
		api_call(api, "DescribeNetworkRules", "InstanceId", world->id, PAGE, NULL), 200);
	assert_string_equal(api_text(api, "NetworkRules.0.Remark"), "");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forwarding, setup, teardown),
		cmocka_unit_test_setup_teardown(test_health, setup, teardown),
		cmocka_unit_test_setup_teardown(test_health_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_health_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redundancy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redundancy_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_origin_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_network_rules, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
