/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How instances are protected, through signed calls: limits, modes, policies, blackhole, diversion and
 * captures. What bad input does to each parameter is in test_actions_input.c.
 */
#include "tests/unit/policy_world.h"

/* ---- limits and modes */

static void test_real_limit(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(CALL(api, "DescribeInstanceSpecs", "InstanceIds.1", world->id), 200);
	assert_int_equal(api_int(api, "InstanceSpecs.0.RealLimitBw"), 0);
	assert_int_equal(OWN(api, "DescribeMitigations", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "Limits.Bytes"), 0);
	assert_int_equal(
		CALL(api, "ConfigLayer4RealLimit", "InstanceId", world->id, "LimitValue", "15360"),
		200);
	assert_int_equal(CALL(api, "DescribeInstanceSpecs", "InstanceIds.1", world->id), 200);
	assert_int_equal(api_int(api, "InstanceSpecs.0.RealLimitBw"), 15360);
	assert_int_equal(OWN(api, "DescribeMitigations", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "Limits.Bytes"), INT64_C(15360) * 125000);
	/* Without one, a chosen mode is about the plan's 100 Mbit/s. */
	assert_int_equal(
		CALL(api, "ConfigLayer4RealLimit", "InstanceId", world->id, "LimitValue", "0"),
		200);
	assert_int_equal(OWN(api, "ModifyMitigation", "InstanceId", world->id, "Mitigation",
				 "plan_bytes", "Mode", "watch"),
		200);
	assert_int_equal(OWN(api, "DescribeMitigations", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "Limits.Bytes"), 100 * 125000);
}

static void test_modes(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char *const modes[] = { "off", "watch", "block" };
	assert_string_equal(mode_of(world, "block_list"), "block");
	assert_string_equal(mode_of(world, "bogon"), "off");
	assert_int_equal(json_array_size(api_get(api, "Mitigations")), MITIGATION_COUNT);
	for (size_t i = 0; i < 3; i++) {
		set_mode(world, "bogon", modes[i]);
		assert_string_equal(mode_of(world, "bogon"), modes[i]);
		assert_string_equal(mode_of(world, "block_list"), "block");
		assert_true(json_is_true(
			json_object_get(mitigation(api, world->id, "bogon"), "Chosen")));
	}
	set_mode(world, "bogon", "default");
	assert_string_equal(mode_of(world, "bogon"), "off");
	assert_int_equal(OWN(api, "ModifyMitigation", "InstanceId", world->id, "Mitigation", "none",
				 "Mode", "off"),
		400);
	expect(api, "InvalidParameter", "Mitigation");
	assert_int_equal(OWN(api, "ModifyInstanceLimits", "InstanceId", world->id), 400);
	expect(api, "MissingParameter", "SynThreshold");
	assert_int_equal(OWN(api, "ModifyInstanceLimits", "InstanceId", world->id, "SynThreshold",
				 "0", "UnprovenPackets", "4294967295"),
		200);
	assert_int_equal(
		OWN(api, "ModifyInstanceLimits", "InstanceId", world->id, "Packets", "7"), 200);
	assert_int_equal(OWN(api, "DescribeMitigations", "InstanceId", world->id), 200);
	expect_json(api, "Limits",
		"{\"SynThreshold\":0,\"UnprovenPackets\":4294967295,\"Packets\":7,\"Bytes\":0}");
}

static void test_auto_status(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *mode, *status, *mitigation;
	} cases[] = {
		{ "normal", "on", "block" },
		{ "loose", "on", "watch" },
		{ "strict", "on", "block" },
		{ "strict", "off", "off" },
	};
	assert_int_equal(CALL(api, "DescribePortAutoCcStatus", "InstanceIds.1", world->id), 200);
	expect_json(api, "PortAutoCcStatus",
		"[{\"Mode\":\"normal\",\"Switch\":\"on\",\"WebMode\":\"normal\",\"WebSwitch\":"
		"\"on\"}]");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(CALL(api, "ModifyPortAutoCcStatus", "InstanceId", world->id,
					 "Mode", cases[i].mode, "Switch", cases[i].status),
			200);
		assert_int_equal(
			CALL(api, "DescribePortAutoCcStatus", "InstanceIds.1", world->id), 200);
		assert_string_equal(api_text(api, "PortAutoCcStatus.0.Mode"), cases[i].mode);
		assert_string_equal(api_text(api, "PortAutoCcStatus.0.Switch"), cases[i].status);
		assert_string_equal(mode_of(world, "auto_block"), cases[i].mitigation);
	}
	/* The other door: it shows here, and who comes last is in force. */
	set_mode(world, "auto_block", "block");
	assert_int_equal(CALL(api, "DescribePortAutoCcStatus", "InstanceIds.1", world->id), 200);
	assert_string_equal(api_text(api, "PortAutoCcStatus.0.Switch"), "on");
	assert_int_equal(CALL(api, "ModifyPortAutoCcStatus", "InstanceId", world->id, "Mode",
				 "normal", "Switch", "off"),
		200);
	assert_string_equal(mode_of(world, "auto_block"), "off");
}

/* ---- policies */

static void test_reflection(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *config, *code, *named;
	} refused[] = {
		{ "{}", "MissingParameter", "Config.UdpSports" },
		{ "{\"UdpSports\":17}", "InvalidParameter", "Config.UdpSports" },
		{ "{\"UdpSports\":[0]}", "InvalidParameter", "Config.UdpSports[0]" },
		{ "{\"UdpSports\":[17,65536]}", "InvalidParameter", "Config.UdpSports[1]" },
		{ "{\"UdpSports\":[\"17\"]}", "InvalidParameter", "Config.UdpSports[0]" },
		{ "{\"udpSports\":[17]}", "InvalidParameter", "Config.udpSports" },
		{ "[17]", "InvalidParameter", "Config" },
	};
	assert_int_equal(CALL(api, "DescribeUdpReflect", "InstanceId", world->id), 200);
	expect_json(api, "UdpSports", "[]");
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config",
					 refused[i].config),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config",
				 "{\"UdpSports\":[11211,1,65535,17,1]}"),
		200);
	assert_int_equal(CALL(api, "DescribeUdpReflect", "InstanceId", world->id), 200);
	expect_json(api, "UdpSports", "[\"1\",\"17\",\"11211\",\"65535\"]");
	char ports[1024] = "{\"UdpSports\":[1";
	for (int i = 2; i <= REFLECTION_MAX; i++)
		(void)snprintf(ports + strlen(ports), sizeof(ports) - strlen(ports), ",%d", i);
	const char *most = arena_print(api->fixture, "%s]}", ports);
	const char *more = arena_print(api->fixture, "%s,99]}", ports);
	assert_int_equal(
		CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config", most), 200);
	assert_int_equal(
		CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config", more), 400);
	assert_int_equal(CALL(api, "DescribeUdpReflect", "InstanceId", world->id), 200);
	assert_int_equal(json_array_size(api_get(api, "UdpSports")), REFLECTION_MAX);
	assert_int_equal(CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config",
				 "{\"UdpSports\":[]}"),
		200);
	assert_int_equal(CALL(api, "DescribeUdpReflect", "InstanceId", world->id), 200);
	expect_json(api, "UdpSports", "[]");
}

static void test_patterns(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
#define VALUE16 "000102030405060708090a0b0c0d0e0f"
	static const struct {
		const char *patterns, *code, *named;
	} refused[] = {
		{ "{}", "InvalidParameter", "Patterns" },
		{ "[1]", "InvalidParameter", "Patterns[0]" },
		{ "[{}]", "MissingParameter", "Patterns[0].Value" },
		{ "[{\"Value\":\"\"}]", "InvalidParameter", "Patterns[0].Value" },
		{ "[{\"Value\":\"abc\"}]", "InvalidParameter", "Patterns[0].Value" },
		{ "[{\"Value\":\"zz\"}]", "InvalidParameter", "Patterns[0].Value" },
		{ "[{\"Value\":\"" VALUE16 "00\"}]", "InvalidParameter", "Patterns[0].Value" },
		{ "[{\"Value\":\"aabb\",\"Mask\":\"ff\"}]", "InvalidParameter",
			"Patterns[0].Mask" },
		{ "[{\"Value\":\"aa\",\"Offset\":-1}]", "InvalidParameter", "Patterns[0].Offset" },
		{ "[{\"Value\":\"aa\",\"Offset\":257}]", "InvalidParameter", "Patterns[0].Offset" },
		{ "[{\"Value\":\"aa\",\"Port\":65536}]", "InvalidParameter", "Patterns[0].Port" },
		{ "[{\"Value\":\"aa\",\"Protocol\":\"icmp\"}]", "InvalidParameter",
			"Patterns[0].Protocol" },
		{ "[{\"Value\":\"aa\"},{\"value\":\"aa\"}]", "InvalidParameter",
			"Patterns[1].value" },
	};
	static const char two[] =
		"[{\"Protocol\":\"udp\",\"Port\":53,\"Offset\":256,\"Value\":\"" VALUE16
		"\"},{\"Value\":\"C0FF\",\"Mask\":\"f00f\"}]";
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(OWN(api, "ConfigPayloadPatterns", "InstanceId", world->id,
					 "Patterns", refused[i].patterns),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(
		OWN(api, "ConfigPayloadPatterns", "InstanceId", world->id, "Patterns", two), 200);
	assert_int_equal(OWN(api, "DescribePayloadPatterns", "InstanceId", world->id), 200);
	expect_json(api, "Patterns",
		"[{\"Protocol\":\"udp\",\"Port\":53,\"Offset\":256,\"Value\":\"" VALUE16
		"\",\"Mask\":\"ffffffffffffffffffffffffffffffff\"},"
		"{\"Protocol\":\"any\",\"Port\":0,\"Offset\":0,\"Value\":\"c0ff\",\"Mask\":"
		"\"f00f\"}]");
	/* Ports stay when patterns change. */
	assert_int_equal(CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config",
				 "{\"UdpSports\":[17]}"),
		200);
	assert_int_equal(
		OWN(api, "ConfigPayloadPatterns", "InstanceId", world->id, "Patterns", "[]"), 200);
	assert_int_equal(OWN(api, "DescribePayloadPatterns", "InstanceId", world->id), 200);
	expect_json(api, "Patterns", "[]");
	assert_int_equal(CALL(api, "DescribeUdpReflect", "InstanceId", world->id), 200);
	expect_json(api, "UdpSports", "[\"17\"]");
	char most[256] = "[{\"Value\":\"aa\"}";
	for (int i = 1; i < PATTERN_MAX; i++)
		(void)snprintf(
			most + strlen(most), sizeof(most) - strlen(most), ",{\"Value\":\"aa\"}");
	assert_int_equal(OWN(api, "ConfigPayloadPatterns", "InstanceId", world->id, "Patterns",
				 arena_print(api->fixture, "%s]", most)),
		200);
	assert_int_equal(OWN(api, "ConfigPayloadPatterns", "InstanceId", world->id, "Patterns",
				 arena_print(api->fixture, "%s,{\"Value\":\"aa\"}]", most)),
		400);
}

static void test_regions(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *config, *code, *named;
	} refused[] = {
		{ "{}", "MissingParameter", "Config.RegionBlockSwitch" },
		{ "{\"RegionBlockSwitch\":\"yes\"}", "InvalidParameter",
			"Config.RegionBlockSwitch" },
		{ "{\"RegionBlockSwitch\":true}", "InvalidParameter", "Config.RegionBlockSwitch" },
		{ "{\"RegionBlockSwitch\":\"on\",\"Countries\":\"US\"}", "InvalidParameter",
			"Config.Countries" },
		{ "{\"RegionBlockSwitch\":\"on\",\"Countries\":[\"US\",\"us\"]}",
			"InvalidParameter", "Config.Countries[1]" },
		{ "{\"RegionBlockSwitch\":\"on\",\"Countries\":[2]}", "InvalidParameter",
			"Config.Countries[0]" },
		{ "{\"RegionBlockSwitch\":\"off\",\"Provinces\":[11,16]}", "InvalidParameter",
			"Config.Provinces: 16" },
		{ "{\"RegionBlockSwitch\":\"off\",\"Provinces\":[100]}", "InvalidParameter",
			"Config.Provinces[0]" },
		{ "{\"RegionBlockSwitch\":\"on\",\"Provinces\":[71,11]}", "InvalidParameter",
			"Beijing" },
	};
	assert_int_equal(CALL(api, "DescribeNetworkRegionBlock", "InstanceId", world->id), 200);
	expect_json(
		api, "Config", "{\"RegionBlockSwitch\":\"off\",\"Countries\":[],\"Provinces\":[]}");
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(region(world, refused[i].config), 400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	/* The published example. */
	assert_int_equal(
		region(world,
			"{\"RegionBlockSwitch\":\"off\",\"Countries\":[],\"Provinces\":[11,12,"
			"13,14,15,21,22,23,31,32,33,34,35,36,37,41,42,43,44,45,46,50,51,52,"
			"53,54,61,62,63,64,65,71,81,82]}"),
		200);
	assert_int_equal(CALL(api, "DescribeNetworkRegionBlock", "InstanceId", world->id), 200);
	assert_int_equal(json_array_size(api_get(api, "Config.Provinces")), 34);
	/* What is kept cannot be switched on; what is not named stays. */
	assert_int_equal(region(world, "{\"RegionBlockSwitch\":\"on\"}"), 400);
	expect(api, "InvalidParameter", "Config.Provinces");
	assert_int_equal(region(world, "{\"RegionBlockSwitch\":\"on\",\"Countries\":[\"US\",\"AD\","
				       "\"US\"],\"Provinces\":[81]}"),
		200);
	assert_int_equal(CALL(api, "DescribeNetworkRegionBlock", "InstanceId", world->id), 200);
	assert_int_equal(json_array_size(api_get(api, "Config.Countries")), 2);
	int64_t andorra = api_int(api, "Config.Countries.0");
	assert_int_equal(andorra, 1001);
	/* The numbers that are shown are taken. */
	assert_int_equal(region(world, "{\"RegionBlockSwitch\":\"on\",\"Countries\":[1001]}"), 200);
	assert_int_equal(CALL(api, "DescribeNetworkRegionBlock", "InstanceId", world->id), 200);
	expect_json(api, "Config",
		"{\"RegionBlockSwitch\":\"on\",\"Countries\":[1001],\"Provinces\":[81]}");
}

/* ---- blackhole and diversion */

static int64_t remaining(struct api *api, const char *action)
{
	assert_int_equal(api_call(api, action, NULL), 200);
	return api_int(api, "RemainCount");
}

static void test_blackhole(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	/* 18:00 UTC+8. */
	assert_int_equal(undo(world, world->id), 400);
	expect(api, "BlackholeNotActive", "BlackholeStatus");
	assert_int_equal(remaining(api, "DescribeUnBlackholeCount"), 5);
	api_blackhole(api, world->id, 10 * HOUR_MS);
	assert_int_equal(CALL(api, "DescribeBlackholeStatus", "InstanceIds.1", world->id), 200);
	assert_string_equal(api_text(api, "BlackholeStatus.0.BlackStatus"), "blackhole");
	assert_int_equal(api_int(api, "BlackholeStatus.0.StartTime"), api->clock_ms / 1000);
	assert_int_equal(api_int(api, "BlackholeStatus.0.EndTime"), api->clock_ms / 1000 + 36000);
	assert_int_equal(undo(world, world->id), 200);
	assert_int_equal(CALL(api, "DescribeBlackholeStatus", "InstanceIds.1", world->id), 200);
	assert_string_equal(api_text(api, "BlackholeStatus.0.BlackStatus"), "normal");
	assert_int_equal(api_int(api, "BlackholeStatus.0.EndTime"), 0);
	/* Ten minutes apart; a failed try costs nothing. */
	api_blackhole(api, world->id, 10 * HOUR_MS);
	api->clock_ms += 10 * MINUTE_MS - 1;
	assert_int_equal(undo(world, world->id), 400);
	expect(api, "OperationTooFrequent", "10 minutes");
	assert_int_equal(remaining(api, "DescribeUnBlackholeCount"), 4);
	api->clock_ms++;
	for (int used = 1; used < 5; used++) {
		assert_int_equal(undo(world, world->id), 200);
		assert_int_equal(remaining(api, "DescribeUnBlackholeCount"), 4 - used);
		api_blackhole(api, world->id, 10 * HOUR_MS);
		api->clock_ms += 10 * MINUTE_MS;
	}
	assert_int_equal(undo(world, world->id), 400);
	expect(api, "QuotaExceeded", "00:00 UTC+8");
	/* Midnight there is 16:00 UTC. */
	api->clock_ms = API_CLOCK_MS + 6 * HOUR_MS - 1;
	assert_int_equal(undo(world, world->id), 400);
	api->clock_ms++;
	assert_int_equal(remaining(api, "DescribeUnBlackholeCount"), 5);
	assert_int_equal(undo(world, world->id), 200);
	/* Expired: not mitigated, not in the blackhole. */
	api_blackhole(api, world->id, HOUR_MS);
	api->clock_ms += 20 * MINUTE_MS;
	api_move_life(api, 40 * DAY_MS);
	assert_int_equal(undo(world, world->id), 400);
	expect(api, "BlackholeNotActive", "BlackholeStatus");
	assert_int_equal(CALL(api, "DescribeBlackholeStatus", "InstanceIds.1", world->id), 200);
	assert_string_equal(api_text(api, "BlackholeStatus.0.BlackStatus"), "normal");
	assert_int_equal(remaining(api, "DescribeUnBlackholeCount"), 4);
	/* Another account has its own. */
	api->caller = &api->other;
	assert_int_equal(remaining(api, "DescribeUnBlackholeCount"), 5);
}

static int divert(struct world *world, const char *status, const char *line, const char *minutes)
{
	return CALL(&world->api, "ModifyBlockStatus", "InstanceId", world->id, "Status", status,
		"Lines.1", line, "Duration", minutes);
}

static void test_diversion(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(divert(world, "do", "ct", ""), 400);
	expect(api, "MissingParameter", "Duration");
	assert_int_equal(divert(world, "do", "cmcc", "60"), 400);
	expect(api, "InvalidParameter", "Lines");
	assert_int_equal(remaining(api, "DescribeUnBlockCount"), 10);
	assert_int_equal(divert(world, "do", "cut", "43200"), 200);
	assert_int_equal(remaining(api, "DescribeUnBlockCount"), 9);
	assert_int_equal(CALL(api, "DescribeBlockStatus", "InstanceIds.1", world->id), 200);
	assert_string_equal(api_text(api, "StatusList.0.BlockStatusList.0.Line"), "ct");
	assert_string_equal(api_text(api, "StatusList.0.BlockStatusList.0.BlockStatus"), "normal");
	assert_int_equal(api_int(api, "StatusList.0.BlockStatusList.0.EndTime"), 0);
	assert_string_equal(
		api_text(api, "StatusList.0.BlockStatusList.1.BlockStatus"), "areablock");
	assert_int_equal(api_int(api, "StatusList.0.BlockStatusList.1.EndTime"),
		api->clock_ms / 1000 + 43200 * 60);
	assert_int_equal(CALL(api, "DescribeBlockStatus", "InstanceIds.1", world->id,
				 "ResourceGroupId", "rg-other"),
		200);
	expect_json(api, "StatusList", "[]");
	assert_int_equal(divert(world, "undo", "cut", ""), 200);
	assert_int_equal(remaining(api, "DescribeUnBlockCount"), 9);
	/* Never reset. */
	for (int i = 0; i < 9; i++) {
		api->clock_ms += DAY_MS;
		assert_int_equal(divert(world, "do", "ct", "15"), 200);
	}
	api->clock_ms += 400 * DAY_MS;
	assert_int_equal(divert(world, "do", "ct", "15"), 400);
	expect(api, "QuotaExceeded", "Status");
	assert_int_equal(remaining(api, "DescribeUnBlockCount"), 0);
}

static int sla(
	struct api *api, int64_t from_ms, int64_t to_ms, const char *region_name, const char *ip)
{
	const char *from = arena_print(api->fixture, "%lld", (long long)from_ms / 1000);
	const char *to = arena_print(api->fixture, "%lld", (long long)to_ms / 1000);
	return CALL(api, "DescribeSlaEventList", "StartTime", from, "EndTime", to, "Region",
		region_name, "Ip", ip);
}

static void test_sla_events(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	api_limit_event(api, world->id, now - 60000, now - 50000);
	api_limit_event(api, world->id, now - 10000, now - 5000);
	assert_int_equal(sla(api, now - 60000, now, "cn", ""), 200);
	assert_int_equal(api_int(api, "Total"), 2);
	assert_int_equal(api_int(api, "SlaEvent.0.StartTime"), (now - 10000) / 1000);
	assert_int_equal(api_int(api, "SlaEvent.0.EndTime"), (now - 5000) / 1000);
	assert_string_equal(api_text(api, "SlaEvent.0.Region"), "cn");
	assert_int_equal(sla(api, now - 40000, now - 20000, "cn", ""), 200);
	assert_int_equal(api_int(api, "Total"), 0);
	assert_int_equal(sla(api, now - 55000, now - 55000, "cn", ""), 200);
	assert_int_equal(api_int(api, "Total"), 1);
	assert_int_equal(sla(api, now - 60000, now, "cn-hongkong", ""), 200);
	expect_json(api, "SlaEvent", "[]");
	assert_int_equal(sla(api, now - 60000, now, "cn", "192.0.2.1"), 200);
	assert_int_equal(api_int(api, "Total"), 0);
	assert_int_equal(sla(api, now, now - 1000, "cn", ""), 400);
	expect(api, "InvalidParameter", "EndTime");
	assert_int_equal(sla(api, now, now, "cn", "here"), 400);
	expect(api, "InvalidParameter", "Ip");
	api->caller = &api->other;
	assert_int_equal(sla(api, now - 60000, now, "cn", ""), 200);
	assert_int_equal(api_int(api, "Total"), 0);
}

/* ---- captures */

static void test_capture(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(OWN(api, "DescribeCapture", "InstanceId", world->id), 400);
	expect(api, "CaptureNotFound", "");
	assert_int_equal(
		OWN(api, "StartCapture", "InstanceId", world->id, "Reasons.1", "nothing"), 400);
	expect(api, "InvalidParameter", "Reasons");
	assert_int_equal(OWN(api, "StartCapture", "InstanceId", world->id, "Reasons.1",
				 "block_list", "Packets", "2", "Seconds", "600"),
		200);
	int64_t capture = api_int(api, "CaptureId");
	assert_true(capture > 0);
	/* One at a time, of whomever. */
	assert_int_equal(OWN(api, "StartCapture", "InstanceId", world->id), 400);
	expect(api, "CaptureRunning", "");
	for (uint8_t i = 0; i < 2; i++) {
		report_start(&report, 1);
		REPORT_ADD(&report,
			(struct record_sample){ RECORD_HEAD(RECORD_SAMPLE, capture, record_sample),
				.time_ns = api->clock_ms * 1000000, .reason = REASON_block_list,
				.length = 60, .captured = 3, .frame = { 'f', 'o', 'o' } });
		assert_int_equal(report_send(&report, api->gateway.nodes, "n", api->clock_ms), OK);
		assert_int_equal(OWN(api, "DescribeCapture", "InstanceId", world->id), 200);
		assert_int_equal(api_int(api, "TotalCount"), i + 1);
		assert_int_equal(json_is_true(api_get(api, "Running")), i == 0);
	}
	assert_string_equal(api_text(api, "Packets.1.Frame"), "Zm9v");
	assert_string_equal(api_text(api, "Packets.1.Reason"), "block_list");
	assert_int_equal(api_int(api, "Packets.1.Time"), api->clock_ms);
	assert_int_equal(api_int(api, "Packets.1.Length"), 60);
	assert_int_equal(OWN(api, "DescribeCapture", "InstanceId", world->id, "PageNumber", "2",
				 "PageSize", "2"),
		200);
	expect_json(api, "Packets", "[]");
	assert_int_equal(OWN(api, "StopCapture", "InstanceId", world->id), 200);
	assert_int_equal(OWN(api, "StartCapture", "InstanceId", world->id), 200);
	api->clock_ms += 60 * SECOND_MS;
	assert_int_equal(OWN(api, "StartCapture", "InstanceId", world->id), 200);
}

/* ---- the end */

/* The rows of a table, as they are. */
static const char *rows_of(struct api *api, const char *table)
{
	const char *name = arena_print(api->fixture, "\n%s\n", table);
	const char *from = strstr(api_dump(api), name);
	assert_non_null(from);
	from += strlen(name);
	const char *end = from;
	while (*end == '|')
		end += strcspn(end, "\n") + 1;
	return arena_copy_n(api->fixture, from, (size_t)(end - from));
}

static void test_renewal_restores_all(void **state)
{
	static const char *const tables[] = { "protection", "policy", "policy_pattern" };
	struct world *world = *state;
	struct api *api = &world->api;
	const char *before[3];
	test_patterns(state);
	set_mode(world, "bogon", "block");
	assert_int_equal(
		region(world, "{\"RegionBlockSwitch\":\"on\",\"Countries\":[\"US\"]}"), 200);
	for (size_t i = 0; i < 3; i++) {
		before[i] = rows_of(api, tables[i]);
		assert_true(before[i][0] == '|');
	}
	api_move_life(api, 38 * DAY_MS);
	assert_int_equal(
		api_call_version(api, VERSION_BSS, "RenewInstance", "InstanceId", world->id,
			"ProductCode", "ddos", "ProductType", "ddoscoo", "RenewPeriod", "1", NULL),
		200);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(before[i], rows_of(api, tables[i]));
	assert_string_equal(mode_of(world, "bogon"), "block");
}

static void test_release_leaves_nothing(void **state)
{
	static const char *const tables[] = { "protection", "policy", "policy_pattern", "capture",
		"limit_event" };
	struct world *world = *state;
	struct api *api = &world->api;
	test_patterns(state);
	test_sla_events(state);
	api->caller = &api->tenant;
	set_mode(world, "bogon", "block");
	assert_int_equal(OWN(api, "StartCapture", "InstanceId", world->id), 200);
	api_move_life(api, 40 * DAY_MS);
	assert_int_equal(CALL(api, "ReleaseInstance", "InstanceId", world->id), 200);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *name = arena_print(api->fixture, "\n%s\n|", tables[i]);
		if (strstr(api_dump(api), name))
			fail_msg("%s is not empty", tables[i]);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_real_limit),
		TEST(test_modes),
		TEST(test_auto_status),
		TEST(test_reflection),
		TEST(test_patterns),
		TEST(test_regions),
		TEST(test_blackhole),
		TEST(test_diversion),
		TEST(test_sla_events),
		TEST(test_capture),
		TEST(test_renewal_restores_all),
		TEST(test_release_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
