/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reasons, who is busy, and what a packet would meet, through signed calls.
 */
#include "tests/unit/policy_world.h"

#include <unistd.h>

#include "control/model/country.h"
#include "control/region.h"

/* ---- reasons */

static void test_reasons(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	for (uint64_t i = 1; i < 3; i++) {
		report_start(&report, 1);
		report_traffic(&report, world->number, (struct counter){ 100 * i, 6000 * i },
			(struct counter){ 10 * i, 600 * i }, (struct counter){ i, i });
		report_reason(&report, world->number, REASON_block_list,
			(struct counter){ 10 * i, 600 * i });
		report_reason(&report, world->number, REASON_WATCHED | REASON_bogon,
			(struct counter){ 3, 180 });
		assert_int_equal(report_send(&report, api->gateway.nodes, "n",
					 api->clock_ms - 2000 + (int64_t)i * 1000),
			OK);
	}
	assert_int_equal(OWN(api, "DescribeReasons", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "InPackets"), 200);
	assert_int_equal(api_int(api, "InBytesPerSecond"), 6000);
	assert_int_equal(api_int(api, "DroppedPacketsPerSecond"), 10);
	assert_int_equal(json_array_size(api_get(api, "Reasons")), 2);
	assert_string_equal(api_text(api, "Reasons.0.Name"), "block_list");
	assert_int_equal(api_int(api, "Reasons.0.Packets"), 20);
	assert_int_equal(api_int(api, "Reasons.0.BytesPerSecond"), 600);
	assert_int_equal(api_int(api, "Reasons.0.WatchedPackets"), 0);
	assert_string_equal(api_text(api, "Reasons.1.Name"), "bogon");
	assert_int_equal(api_int(api, "Reasons.1.Packets"), 0);
	assert_int_equal(api_int(api, "Reasons.1.WatchedPackets"), 3);
	assert_int_equal(json_integer_value(json_object_get(
				 mitigation(api, world->id, "block_list"), "DroppedPackets")),
		20);
}

static void test_top(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *second = api_buy(api, "ddoscoo", "Ipv4");
	api->caller = &api->other;
	const char *foreign = api_buy(api, "ddoscoo", "Ipv4");
	api->caller = &api->tenant;
	assert_int_equal(OWN(api, "DescribeTopInstances", "PageSize", "10"), 200);
	expect_json(api, "Instances", "[]");
	for (uint64_t i = 0; i < 2; i++) {
		report_start(&report, 1);
		for (uint64_t n = 0; n < 3; n++)
			report_traffic(&report, world->number + (int64_t)n,
				(struct counter){ 10 * i * (n + 1), 600 * i * (n + 1) },
				(struct counter){ i, i }, (struct counter){ 0, 0 });
		assert_int_equal(report_send(&report, api->gateway.nodes, "n",
					 api->clock_ms - 1000 + (int64_t)i * 1000),
			OK);
	}
	assert_int_equal(OWN(api, "DescribeTopInstances", "PageSize", "10"), 200);
	assert_int_equal(json_array_size(api_get(api, "Instances")), 2);
	assert_string_equal(api_text(api, "Instances.0.InstanceId"), second);
	assert_int_equal(api_int(api, "Instances.0.InPacketsPerSecond"), 20);
	assert_int_equal(api_int(api, "Instances.0.DroppedBytesPerSecond"), 1);
	assert_string_equal(api_text(api, "Instances.1.InstanceId"), world->id);
	api->caller = &api->root;
	assert_int_equal(OWN(api, "DescribeTopInstances", "PageSize", "1"), 200);
	assert_int_equal(json_array_size(api_get(api, "Instances")), 1);
	assert_string_equal(api_text(api, "Instances.0.InstanceId"), foreign);
}

/* ---- what a packet would meet */

static const char *vip_of(struct world *world)
{
	assert_int_equal(
		CALL(&world->api, "DescribeInstances", PAGE, "InstanceIds.1", world->id), 200);
	return arena_copy(world->api.fixture, api_text(&world->api, "Instances.0.Ip"));
}

static const char *step_detail(struct api *api, const char *name)
{
	json_t *item;
	size_t index;
	json_array_foreach(api_get(api, "Steps"), index, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "Name")), name) == 0)
			return json_string_value(json_object_get(item, "Detail"));
	}
	return "";
}

static void explain(struct world *world, const char *source, const char *vip, const char *verdict,
	const char *reason)
{
	struct api *api = &world->api;
	assert_int_equal(OWN(api, "ExplainPacket", "Source", source, "Destination", vip, "Protocol",
				 "udp", "Port", "53", "SourcePort", "17"),
		200);
	if (strcmp(api_text(api, "Verdict"), verdict) != 0 ||
		strcmp(api_text(api, "Reason"), reason) != 0)
		fail_msg("not %s by %s: %s", verdict, reason, api->response.body);
}

#define SRC "203.0.113.7"
static const char source_list[] = "[{\"src\":\"" SRC "\"}]";
static void test_explanation(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *vip = vip_of(world);
	explain(world, SRC, "192.0.2.99", "pass", "host");
	explain(world, SRC, vip, "drop", "no_service");
	assert_int_equal(
		CALL(api, "CreatePort", "InstanceId", world->id, "FrontendProtocol", "udp",
			"FrontendPort", "53", "BackendPort", "53", "RealServers.1", "10.0.0.1"),
		200);
	explain(world, SRC, vip, "pass", "");
	assert_non_null(strstr(step_detail(api, "origins"), "0 of 1"));
	assert_int_equal(CALL(api, "ConfigUdpReflect", "InstanceId", world->id, "Config",
				 "{\"UdpSports\":[17]}"),
		200);
	explain(world, SRC, vip, "drop", "reflection");
	set_mode(world, "reflection", "watch");
	explain(world, SRC, vip, "pass", "");
	set_mode(world, "reflection", "block");
	assert_int_equal(
		region(world, "{\"RegionBlockSwitch\":\"on\",\"Countries\":[\"US\"]}"), 200);
	explain(world, SRC, vip, "drop", "reflection");
	assert_non_null(strstr(step_detail(api, "region"), "US"));
	assert_int_equal(CALL(api, "AddAutoCcBlacklist", "InstanceId", world->id, "ExpireTime",
				 "300", "Blacklist", "[{\"src\":\"203.0.113.0/24\"}]"),
		200);
	explain(world, SRC, vip, "drop", "block_list");
	assert_non_null(strstr(step_detail(api, "block_list"), "203.0.113.0/24"));
	assert_non_null(strstr(step_detail(api, "block_list"), api->caller->id));
	assert_non_null(strstr(step_detail(api, "block_list"), "2026-11-23T10:00:00Z"));
	assert_non_null(strstr(step_detail(api, "block_list"), "until 2026-11-23T10:05:00Z"));
	explain(world, "198.51.100.99", vip, "drop", "reflection");
	assert_int_equal(
		CALL(api, "AddAutoCcWhitelist", "InstanceId", world->id, "Whitelist", source_list),
		200);
	explain(world, SRC, vip, "pass", "");
	api_blackhole(api, world->id, HOUR_MS);
	explain(world, SRC, vip, "drop", "blackhole");
	assert_int_equal(undo(world, world->id), 200);
	/* Expired: not mitigated, forwarded for a week. */
	api_blackhole(api, world->id, HOUR_MS);
	api_move_life(api, 32 * DAY_MS);
	explain(world, "203.0.113.8", vip, "pass", "");
	api_move_life(api, 7 * DAY_MS);
	explain(world, SRC, vip, "drop", "forwarding_off");
	/* Nobody else is told that the address is taken. */
	api->caller = &api->other;
	explain(world, SRC, vip, "pass", "host");
	assert_int_equal(OWN(api, "ExplainPacket", "Source", "2001:db8::1", "Destination", vip,
				 "Protocol", "udp", "Port", "53"),
		400);
	expect(api, "InvalidParameter", "Source");
}

/* What the control was told of countries decides; what it was not told depends. */
static void test_explanation_of_regions(void **state)
{
	static const struct region_data told = { "", "203.0.0.0/8=FR 203.0.113.0/24=US" };
	struct world *world = *state;
	struct api *api = &world->api;
	const char *vip = vip_of(world);
	assert_int_equal(
		CALL(api, "CreatePort", "InstanceId", world->id, "FrontendProtocol", "udp",
			"FrontendPort", "53", "BackendPort", "53", "RealServers.1", "10.0.0.1"),
		200);
	api->gateway.regions = &told;
	explain(world, SRC, vip, "pass", "");
	assert_string_equal(step_detail(api, "region"), "");
	assert_int_equal(
		region(world, "{\"RegionBlockSwitch\":\"on\",\"Countries\":[\"US\"]}"), 200);
	explain(world, SRC, vip, "drop", "region");
	assert_non_null(strstr(step_detail(api, "region"), "of US"));
	explain(world, "203.0.112.7", vip, "pass", "");
	assert_non_null(strstr(step_detail(api, "region"), "of FR"));
	explain(world, "198.51.100.99", vip, "pass", "");
	assert_non_null(strstr(step_detail(api, "region"), "nodes know"));
	set_mode(world, "region", "watch");
	explain(world, SRC, vip, "pass", "");
	assert_non_null(strstr(step_detail(api, "region"), "of US"));
	set_mode(world, "region", "off");
	explain(world, SRC, vip, "pass", "");
	assert_string_equal(step_detail(api, "region"), "");
	api->gateway.regions = NULL;
}

/* A database that is there, and one that is not. */
static void test_countries(void **state)
{
	static const char file[] = "tests/api/node_modules/@ip-location-db/"
				   "geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";
	struct region_data data = { "/nonexistent/x.mmdb", "2001:db8::/32=AQ" };
	uint8_t address[16];
	bool loaded;
	(void)state;
	assert_true(text_to_address("2001:db8::1", address));
	assert_int_equal(region_find(&data, address, &loaded), country_by_code("AQ", 2));
	assert_false(loaded);
	assert_true(text_to_address("8.8.8.8", address));
	assert_int_equal(region_find(&data, address, &loaded), -1);
	if (access(file, R_OK) != 0)
		skip(); /* npm ci in tests/api */
	data.database = file;
	assert_int_equal(region_find(&data, address, &loaded), country_by_code("US", 2));
	assert_true(loaded);
	assert_true(text_to_address("127.0.0.1", address));
	assert_int_equal(region_find(&data, address, &loaded), -1);
	assert_true(loaded);
}

static void explain_tcp(struct world *world, const char *vip, const char *port, const char *verdict)
{
	struct api *api = &world->api;
	assert_int_equal(OWN(api, "ExplainPacket", "Source", SRC, "Destination", vip, "Protocol",
				 "tcp", "Port", port),
		200);
	if (strcmp(api_text(api, "Verdict"), verdict) != 0)
		fail_msg("not %s: %s", verdict, api->response.body);
}

static void test_explanation_of_websites(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *vip = vip_of(world);
	explain_tcp(world, vip, "80", "drop");
	assert_string_equal(step_detail(api, "request_ban"), "");
	assert_int_equal(
		CALL(api, "CreateDomainResource", "Domain", "www.example.com", "InstanceIds.1",
			world->id, "ProxyTypes.1.ProxyType", "http", "ProxyTypes.1.ProxyPorts.1",
			"80", "RsType", "0", "RealServers.1", "10.0.0.1"),
		200);
	explain_tcp(world, vip, "80", "pass");
	assert_non_null(strstr(step_detail(api, "local"), "www.example.com"));
	assert_non_null(strstr(step_detail(api, "request_ban"), "nodes know"));
	explain_tcp(world, vip, "81", "drop");
	set_mode(world, "request_ban", "off");
	explain_tcp(world, vip, "80", "pass");
	assert_string_equal(step_detail(api, "request_ban"), "");
	/* HTTP/3 has no service. */
	assert_int_equal(OWN(api, "ExplainPacket", "Source", SRC, "Destination", vip, "Protocol",
				 "udp", "Port", "80"),
		200);
	assert_string_equal(api_text(api, "Verdict"), "drop");
	/* After the end of mitigation nobody is banned; a week later nothing passes. */
	set_mode(world, "request_ban", "block");
	api_move_life(api, 32 * DAY_MS);
	explain_tcp(world, vip, "80", "pass");
	assert_string_equal(step_detail(api, "request_ban"), "");
	api_move_life(api, 7 * DAY_MS);
	explain_tcp(world, vip, "80", "drop");
}

/* ---- automatic entries */

static void test_automatic_entries(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct list_entry_row entry = { .instance_number = world->number,
		.kind = LIST_BLOCK,
		.prefix_bits = 128,
		.until_ms = api->clock_ms + HOUR_MS,
		.automatic = true,
		.actor = "engine",
		.mitigation = "source_rate" };
	assert_true(text_to_address(SRC, entry.source));
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(list_entry_put(api->db, &entry), OK);
	assert_int_equal(db_commit(api->db), OK);
	assert_int_equal(CALL(api, "DescribeAutoCcBlacklist", "InstanceId", world->id, PAGE,
				 "QueryType", "auto"),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.Type"), "auto");
	assert_int_equal(CALL(api, "DescribeAutoCcBlacklist", "InstanceId", world->id, PAGE,
				 "QueryType", "manual"),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	explain(world, SRC, vip_of(world), "drop", "block_list");
	assert_non_null(strstr(step_detail(api, "block_list"), "automatic: source_rate"));
	/* Taken as a person's own when one adds it; deleted like any other. */
	assert_int_equal(CALL(api, "AddAutoCcBlacklist", "InstanceId", world->id, "ExpireTime",
				 "300", "Blacklist", source_list),
		200);
	assert_int_equal(CALL(api, "DescribeAutoCcBlacklist", "InstanceId", world->id, PAGE), 200);
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.Type"), "manual");
	assert_int_equal(CALL(api, "DeleteAutoCcBlacklist", "InstanceId", world->id, "Blacklist",
				 source_list),
		200);
	assert_int_equal(CALL(api, "DescribeAutoCcListCount", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "BlackCount"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_reasons),
		TEST(test_top),
		TEST(test_explanation),
		TEST(test_explanation_of_regions),
		TEST(test_countries),
		TEST(test_explanation_of_websites),
		TEST(test_automatic_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
