/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks through signed calls.
 */
#include "tests/unit/policy_world.h"

#include "control/region.h"
#include "shared/request_abi.h"
#include "tests/support/mmdb.h"

#include <unistd.h>

#define BEGIN_S INT64_C(1795427000) /* before the calls */
#define FROM	"StartTime", "1795426000"
#define TIMES	FROM, "EndTime", "1795429000"

static struct attack attack_at(int64_t after_s, int64_t seconds, uint64_t packets)
{
	return (struct attack){
		.begin_ms = (BEGIN_S + after_s) * SECOND_MS,
		.mitigated_ms = (BEGIN_S + after_s + 2) * SECOND_MS,
		.last_ms = (BEGIN_S + after_s + seconds) * SECOND_MS,
		.end_ms = seconds ? (BEGIN_S + after_s + seconds) * SECOND_MS : 0,
		.in = { packets * 20, packets * 2000 },
		.refused = { packets * 10, packets * 1000 },
		.peak_in = { packets * 2, packets * 200 },
		.peak_refused = { packets, packets * 100 },
	};
}

/* Two of packets, one of them of another tenant; one each of the other kinds. */
static void make_attacks(struct world *world)
{
	struct api *api = &world->api;
	struct attack attack = attack_at(0, 100, 1000000);
	const char *foreign;

	api_attack(api, world->id, NULL, ATTACK_DEFENSE, &attack);
	attack = attack_at(200, 0, 5000);
	api_attack(api, world->id, NULL, ATTACK_CC, &attack);
	attack = attack_at(300, 20, 700);
	api_attack(api, world->id, "www.example.com", ATTACK_WEB_CC, &attack);
	attack = attack_at(400, 60, 2000000);
	api_attack(api, world->id, NULL, ATTACK_BLACKHOLE, &attack);
	api->caller = &api->other;
	foreign = api_buy(api, "ddosDip", "Ipv4");
	attack = attack_at(500, 10, 9000000);
	api_attack(api, foreign, NULL, ATTACK_DEFENSE, &attack);
	api->caller = &api->tenant;
}

static const char *address(struct world *world)
{
	struct instance instance;
	char *ip = arena_take(world->api.fixture, ADDRESS_TEXT_SIZE);

	assert_int_equal(
		instance_load(world->api.db, world->api.fixture, world->id, &instance), OK);
	address_format(instance.vip, ip);
	return ip;
}

static void test_list(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ip = address(world);

	make_attacks(world);
	assert_int_equal(CALL(api, "DescribeDDosAllEventList", TIMES, PAGE), 200);
	assert_int_equal(api_int(api, "Total"), 4);
	assert_string_equal(api_text(api, "AttackEvents.0.EventType"), "blackhole");
	assert_string_equal(api_text(api, "AttackEvents.1.EventType"), "web-cc");
	assert_string_equal(api_text(api, "AttackEvents.1.Ip"), "www.example.com");
	assert_string_equal(api_text(api, "AttackEvents.1.Port"), "");
	assert_int_equal(api_int(api, "AttackEvents.2.EndTime"), 0);
	assert_int_equal(api_int(api, "AttackEvents.2.Pps"), 5000);
	assert_string_equal(api_text(api, "AttackEvents.3.Ip"), ip);
	assert_string_equal(api_text(api, "AttackEvents.3.Area"), "cn");
	assert_int_equal(api_int(api, "AttackEvents.3.Mbps"), 800);
	assert_int_equal(api_int(api, "AttackEvents.3.StartTime"), BEGIN_S);
	assert_int_equal(api_int(api, "AttackEvents.3.EndTime"), BEGIN_S + 100);
	/* By kind, page and time. */
	assert_int_equal(
		CALL(api, "DescribeDDosAllEventList", TIMES, PAGE, "EventType", "cc,defense"), 200);
	assert_int_equal(api_int(api, "Total"), 2);
	assert_int_equal(
		CALL(api, "DescribeDDosAllEventList", TIMES, "PageNumber", "2", "PageSize", "3"),
		200);
	assert_int_equal(json_array_size(api_get(api, "AttackEvents")), 1);
	assert_int_equal(
		CALL(api, "DescribeDDosAllEventList", FROM, "EndTime", "1795426999", PAGE), 200);
	assert_int_equal(api_int(api, "Total"), 0);
	assert_int_equal(CALL(api, "DescribeDDosAllEventList", "StartTime", "1795427100", "EndTime",
				 "1795427100", PAGE),
		200);
	assert_int_equal(api_int(api, "Total"), 1);
	assert_int_equal(
		CALL(api, "DescribeDDosAllEventList", TIMES, PAGE, "Ip", "192.0.2.99"), 200);
	assert_int_equal(api_int(api, "Total"), 0);
	/* What is wrong is named. */
	(void)CALL(api, "DescribeDDosAllEventList", TIMES, PAGE, "EventType", "cc,flood");
	expect(api, "InvalidParameter", "EventType");
	(void)CALL(api, "DescribeDDosAllEventList", TIMES, PAGE, "Ip", "x");
	expect(api, "InvalidParameter", "Ip");
	(void)CALL(api, "DescribeDDosAllEventList", FROM, "EndTime", "5", PAGE);
	expect(api, "InvalidParameter", "EndTime");
}

static void test_other_lists(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	make_attacks(world);
	assert_int_equal(
		CALL(api, "DescribeDDoSEvents", FROM, PAGE, "InstanceIds.1", world->id), 200);
	assert_int_equal(api_int(api, "Total"), 2);
	assert_int_equal(api_int(api, "DDoSEvents.1.Bps"), 800000000);
	assert_int_equal(CALL(api, "DescribeDDoSEvents", FROM, PAGE, "InstanceIds.1", world->id,
				 "ResourceGroupId", "rg-none"),
		200);
	assert_int_equal(api_int(api, "Total"), 0);
	assert_int_equal(CALL(api, "DescribeDomainAttackEvents", TIMES, PAGE), 200);
	expect_json(api, "DomainAttackEvents",
		"[{\"Domain\":\"www.example.com\",\"MaxQps\":700,\"StartTime\":1795427300,"
		"\"EndTime\":1795427320}]");
	assert_int_equal(
		CALL(api, "DescribeDomainAttackEvents", TIMES, PAGE, "Domain", "other.example"),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
}

static void test_peaks(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	make_attacks(world);
	assert_int_equal(CALL(api, "DescribeDDosEventMax", TIMES), 200);
	assert_int_equal(api_int(api, "Mbps"), 1600);
	assert_int_equal(api_int(api, "Cps"), 5000);
	assert_int_equal(api_int(api, "Qps"), 700);
	assert_int_equal(CALL(api, "DescribeAttackAnalysisMaxQps", TIMES), 200);
	assert_int_equal(api_int(api, "Qps"), 700);
	assert_int_equal(
		CALL(api, "DescribeTotalAttackMaxFlow", TIMES, "InstanceIds.1", world->id), 200);
	assert_int_equal(api_int(api, "Bps"), 1600000000);
	assert_int_equal(api_int(api, "Pps"), 2000000);
	assert_int_equal(CALL(api, "DescribePortAttackMaxFlow", FROM, "EndTime", "1795427150",
				 "InstanceIds.1", world->id),
		200);
	assert_int_equal(api_int(api, "Pps"), 1000000);
}

static void test_types(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ip = address(world);

	make_attacks(world);
	assert_int_equal(CALL(api, "DescribeDDosEventAttackType", "Ip", ip, "EventType", "defense",
				 "StartTime", "1795427000"),
		200);
	expect_json(api, "AttackTypes",
		"[{\"AttackType\":\"Tcp-Syn\",\"InPkts\":9000000},"
		"{\"AttackType\":\"Tcp-Other\",\"InPkts\":1000000}]");
	assert_int_equal(CALL(api, "DescribeDDosEventAttackType", "Ip", ip, "EventType", "defense",
				 "StartTime", "1795427001"),
		200);
	expect_json(api, "AttackTypes", "[]");
}

/* ---- who attacked */

static struct attack_place place_of(
	const char *source, uint32_t value, uint64_t packets, uint32_t reason, uint32_t to)
{
	struct attack_place place = {
		.value = value, .packets = packets, .reason = reason, .to = to
	};

	if (source)
		assert_true(text_to_address(source, place.source.byte));
	return place;
}

static void make_tops(struct world *world)
{
	static const struct region_data regions = { "",
		"203.0.113.0/24=US 2001:db8::/32=DE 198.51.100.0/24=US", "" };
	const struct attack_top flood = {
		.count = { 4, 3, 1 },
		.place = { { place_of("203.0.113.5", 0, 6000, REASON_cookie_sent,
				     SIGHTED_TO(6, 443)),
				   place_of("2001:db8:0:7::", 0, 3000, REASON_tcp_flags,
					   SIGHTED_TO(6, 80)),
				   place_of("198.51.100.9", 0, 2000, REASON_tcp_flags, 0),
				   place_of("192.0.2.77", 0, 100, REASON_tcp_flags,
					   SIGHTED_TO(17, 443)) },
			{ place_of(NULL, SIGHTED_TO(6, 443), 6000, REASON_cookie_sent, 0),
				place_of(NULL, SIGHTED_TO(6, 80), 3000, REASON_tcp_flags, 0),
				place_of(NULL, SIGHTED_TO(17, 443), 100, REASON_tcp_flags, 0) },
			{ place_of(NULL, 60, 9000, REASON_cookie_sent, 0) } },
	};
	const struct attack_top connections = {
		.count = { 2, 0, 0 },
		.place = { { place_of("203.0.113.5", 0, 70, REASON_source_rate, SIGHTED_TO(6, 80)),
			place_of("203.0.113.6", 0, 50, REASON_source_rate, SIGHTED_TO(6, 81)) } },
	};

	make_attacks(world);
	api_attack_top(&world->api, world->id, ATTACK_DEFENSE, &flood);
	api_attack_top(&world->api, world->id, ATTACK_CC, &connections);
	world->api.gateway.regions = &regions;
}

static void test_sources(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ip = address(world);

	make_tops(world);
#define DEFENSE "Ip", ip, "EventType", "defense", "StartTime", "1795427000"
	assert_int_equal(CALL(api, "DescribeDDosEventSrcIp", DEFENSE, "Range", "3"), 200);
	expect_json(api, "Ips",
		"[{\"SrcIp\":\"203.0.113.5\",\"AreaId\":\"us\",\"Isp\":\"unknown\"},"
		"{\"SrcIp\":\"2001:db8:0:7::\",\"AreaId\":\"de\",\"Isp\":\"unknown\"},"
		"{\"SrcIp\":\"198.51.100.9\",\"AreaId\":\"us\",\"Isp\":\"unknown\"}]");
	assert_int_equal(CALL(api, "DescribeDDosEventArea", DEFENSE), 200);
	expect_json(api, "Areas",
		"[{\"Area\":\"us\",\"InPkts\":8000},{\"Area\":\"de\",\"InPkts\":3000},"
		"{\"Area\":\"unknown\",\"InPkts\":100}]");
	assert_int_equal(CALL(api, "DescribeDDosEventArea", DEFENSE, "Range", "1"), 200);
	assert_int_equal(json_array_size(api_get(api, "Areas")), 1);
	assert_int_equal(CALL(api, "DescribeDDosEventIsp", DEFENSE), 200);
	expect_json(api, "Isps", "[{\"Isp\":\"unknown\",\"InPkts\":11100}]");
	assert_int_equal(
		CALL(api, "DescribeDestinationPortEvent", DEFENSE, "Range", "10", "Region", "cn"),
		200);
	expect_json(api, "PortList",
		"[{\"DstPort\":\"443\",\"InPkts\":6100},{\"DstPort\":\"80\",\"InPkts\":3000}]");
	/* The minute of it does, too; another time, another kind and another's address have none. */
	assert_int_equal(CALL(api, "DescribeDDosEventSrcIp", "Ip", ip, "EventType", "defense",
				 "StartTime", "1795426980", "Range", "9"),
		200);
	assert_int_equal(json_array_size(api_get(api, "Ips")), 4);
	assert_int_equal(CALL(api, "DescribeDDosEventSrcIp", "Ip", ip, "EventType", "defense",
				 "StartTime", "1795426981", "Range", "9"),
		200);
	expect_json(api, "Ips", "[]");
	assert_int_equal(CALL(api, "DescribeDDosEventSrcIp", "Ip", ip, "EventType", "blackhole",
				 "StartTime", "1795427400", "Range", "9"),
		200);
	expect_json(api, "Ips", "[]");
	api->caller = &api->other;
	assert_int_equal(CALL(api, "DescribeDDosEventSrcIp", DEFENSE, "Range", "3"), 200);
	expect_json(api, "Ips", "[]");
}

/* Who opens connections to a port. */
static void test_sources_of_ports(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ip = address(world);

	make_tops(world);
#define CC "Ip", ip, "StartTimestamp", "1795427200"
	assert_int_equal(CALL(api, "DescribePortCcAttackTopIP", CC, "Port", "80"), 200);
	expect_json(api, "TopIp", "[{\"SrcIp\":\"203.0.113.5\",\"AreaId\":\"us\",\"Pv\":70}]");
	(void)CALL(api, "DescribePortCcAttackTopIP", CC, "Port", "0");
	expect(api, "InvalidParameter", "Port");
}

/* ---- providers */

/* A database in the MaxMind format in which all addresses have one entry: a tree of one node. */
static void put_bytes(FILE *file, const char *bytes, size_t size)
{
	assert_int_equal(fwrite(bytes, 1, size, file), size);
}
#define PUT(file, bytes) put_bytes(file, bytes, sizeof(bytes) - 1)
static void write_database(const char *path, const char *entry, size_t size)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	PUT(file, "\0\0\x11\0\0\x11"); /* both ways: the data's first byte */
	PUT(file, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	put_bytes(file, entry, size);
	PUT(file, "\xab\xcd\xefMaxMind.com\xe9");
	PUT(file, "\x4anode_count\xc1\x01\x4brecord_size\xa1\x18\x4aip_version\xa1\x06");
	PUT(file, "\x4d"
		  "database_type\x43"
		  "ASN\x49languages\0\x04\x4b"
		  "description\xe0");
	PUT(file, "\x5b"
		  "binary_format_major_version\xa1\x02\x5b"
		  "binary_format_minor_version\xa0");
	PUT(file, "\x4b"
		  "build_epoch\x01\x02\x01");
	assert_int_equal(fclose(file), 0);
}

static void test_providers(void **state)
{
	static const char number[] = "\xe2\x58"
				     "autonomous_system_number\xc2\xfb\xf4"
				     "\x5d\x01"
				     "autonomous_system_organization\x47"
				     "Example";
	static const char text[] = "\xe2\x43"
				   "asn\x47"
				   "AS64501\x47"
				   "as_name\x45"
				   "Other";
	static const struct {
		const char *entry;
		size_t size;
		const char *provider, *organisation;
	} rows[] = {
		{ number, sizeof(number) - 1, "AS64500", "Example" },
		{ text, sizeof(text) - 1, "AS64501", "Other" },
		{ "\xe0", 1, "unknown", "" },
	};
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ip = address(world);
	char path[128];
	struct region_data regions = { "", "", path };

	make_tops(world);
	api->gateway.regions = &regions;
	(void)snprintf(path, sizeof(path), "%s/asn.mmdb", api->folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_database(path, rows[i].entry, rows[i].size);
		assert_int_equal(CALL(api, "DescribeDDosEventIsp", DEFENSE), 200);
		assert_string_equal(api_text(api, "Isps.0.Isp"), rows[i].provider);
		assert_int_equal(api_int(api, "Isps.0.InPkts"), 11100);
		assert_int_equal(OWN(api, "DescribeAttackSources", "Number", "1"), 200);
		assert_string_equal(api_text(api, "Sources.1.Provider"), rows[i].provider);
		assert_string_equal(api_text(api, "Sources.1.Organisation"), rows[i].organisation);
	}
	/* A file that is none is no failure. */
	(void)unlink(path);
	assert_int_equal(CALL(api, "DescribeDDosEventIsp", DEFENSE), 200);
	assert_string_equal(api_text(api, "Isps.0.Isp"), "unknown");
}

static void test_attack_sources(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	make_tops(world);
	api->version = VERSION_POLDER;
	assert_int_equal(CALL(api, "DescribeAttackSources", "Number", "1"), 200);
	assert_int_equal(json_array_size(api_get(api, "Sources")), 4);
	expect_json(api, "Sources.0",
		"{\"Source\":\"203.0.113.5\",\"Country\":\"us\",\"Province\":\"\",\"Provider\":"
		"\"unknown\","
		"\"Organisation\":\"\",\"Packets\":6000,\"Reason\":\"cookie_sent\","
		"\"Protocol\":\"tcp\",\"Port\":443}");
	assert_string_equal(api_text(api, "Sources.2.Protocol"), "");
	expect_json(api, "Countries.1", "{\"Country\":\"de\",\"Packets\":3000}");
	expect_json(api, "Provinces", "[]");
	expect_json(api, "Providers",
		"[{\"Provider\":\"unknown\",\"Packets\":11100,\"Organisation\":\"\"}]");
	expect_json(api, "Ports.2", "{\"Protocol\":\"udp\",\"Port\":443,\"Packets\":100}");
	expect_json(api, "Lengths", "[{\"Bytes\":60,\"Packets\":9000}]");
	/* Nothing is known of one, and of another's nothing is told. */
	assert_int_equal(CALL(api, "DescribeAttackSources", "Number", "3"), 200);
	expect_json(api, "Sources", "[]");
	(void)CALL(api, "DescribeAttackSources", "Number", "5");
	expect(api, "AttackNotFound", "");
	api->caller = &api->other;
	(void)CALL(api, "DescribeAttackSources", "Number", "1");
	expect(api, "AttackNotFound", "");
	assert_int_equal(CALL(api, "DescribeAttackSources", "Number", "5"), 200);
}

/* Requests to a web site: by what checks they were refused, and from where, provinces among it. */
static void test_sources_of_web_attack(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ip = address(world);
	char countries[128], providers[128];
	const struct region_data regions = { countries, "198.51.100.0/24=HK", providers };
	const struct attack_top requests = {
		.count = { 4, 1, 0 },
		.place = { { place_of("203.0.113.5", 0, 600, CHECK_frequency, SIGHTED_TO(6, 443)),
				   place_of("2001:db8:0:7::", 0, 300, CHECK_challenge,
					   SIGHTED_TO(6, 443)),
				   place_of("198.51.100.9", 0, 30, CHECK_region, SIGHTED_TO(6, 80)),
				   place_of("192.0.2.77", 0, 10, CHECK_black_list,
					   SIGHTED_TO(6, 80)) },
			{ place_of(NULL, SIGHTED_TO(6, 443), 900, CHECK_frequency, 0) } },
	};

	(void)snprintf(countries, sizeof(countries), "%s/city.mmdb", api->folder);
	(void)snprintf(providers, sizeof(providers), "%s/asn.mmdb", api->folder);
	assert_true(mmdb_write_text(countries,
		"{\"203.0.113.0/24\": {\"country\": {\"iso_code\": \"CN\"},"
		" \"subdivisions\": [{\"iso_code\": \"GD\"}]},"
		" \"2001:db8::/32\": {\"country\": {\"iso_code\": \"DE\"},"
		" \"subdivisions\": [{\"iso_code\": \"BJ\"}]}}"));
	assert_true(mmdb_write_text(providers,
		"{\"203.0.113.0/25\": {\"autonomous_system_number\": 64500,"
		" \"autonomous_system_organization\": \"Example\"},"
		" \"2001:db8::/40\": {\"autonomous_system_number\": 64501}}"));
	make_attacks(world);
	api_attack_top(api, world->id, ATTACK_WEB_CC, &requests);
	api->gateway.regions = &regions;
#define WEB "Ip", ip, "EventType", "web-cc", "StartTime", "1795427300"
	assert_int_equal(CALL(api, "DescribeDDosEventSrcIp", WEB, "Range", "3"), 200);
	expect_json(api, "Ips",
		"[{\"SrcIp\":\"203.0.113.5\",\"AreaId\":\"440000\",\"Isp\":\"AS64500\"},"
		"{\"SrcIp\":\"2001:db8:0:7::\",\"AreaId\":\"de\",\"Isp\":\"AS64501\"},"
		"{\"SrcIp\":\"198.51.100.9\",\"AreaId\":\"810000\",\"Isp\":\"unknown\"}]");
	assert_int_equal(CALL(api, "DescribeDDosEventArea", WEB), 200);
	expect_json(api, "Areas",
		"[{\"Area\":\"440000\",\"InPkts\":600},{\"Area\":\"de\",\"InPkts\":300},"
		"{\"Area\":\"810000\",\"InPkts\":30},{\"Area\":\"unknown\",\"InPkts\":10}]");
	assert_int_equal(CALL(api, "DescribeDDosEventIsp", WEB, "Range", "1"), 200);
	expect_json(api, "Isps", "[{\"Isp\":\"AS64500\",\"InPkts\":600}]");
	assert_int_equal(OWN(api, "DescribeAttackSources", "Number", "3"), 200);
	expect_json(api, "Sources.0",
		"{\"Source\":\"203.0.113.5\",\"Country\":\"cn\",\"Province\":\"440000\","
		"\"Provider\":\"AS64500\",\"Organisation\":\"Example\",\"Packets\":600,"
		"\"Reason\":\"frequency\",\"Protocol\":\"tcp\",\"Port\":443}");
	assert_string_equal(api_text(api, "Sources.2.Reason"), "region");
	assert_string_equal(api_text(api, "Sources.3.Reason"), "black_list");
	expect_json(api, "Countries",
		"[{\"Country\":\"cn\",\"Packets\":600},{\"Country\":\"de\",\"Packets\":300},"
		"{\"Country\":\"hk\",\"Packets\":30},{\"Country\":\"unknown\",\"Packets\":10}]");
	expect_json(api, "Provinces",
		"[{\"Province\":\"440000\",\"Packets\":600},"
		"{\"Province\":\"810000\",\"Packets\":30}]");
	assert_string_equal(api_text(api, "Providers.0.Organisation"), "Example");
	assert_int_equal(api_int(api, "Providers.1.Packets"), 300);
	expect_json(api, "Ports", "[{\"Protocol\":\"tcp\",\"Port\":443,\"Packets\":900}]");
	expect_json(api, "Lengths", "[]");
}

static void test_attacks(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *second = api_buy(api, "ddoscoo", "Ipv4");
	const char *const only[] = { second };

	make_attacks(world);
	assert_int_equal(OWN(api, "DescribeAttacks", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "TotalCount"), 4);
	assert_int_equal(api_int(api, "Attacks.3.SecondsToMitigate"), 2);
	assert_int_equal(api_int(api, "Attacks.3.BeginTime"), BEGIN_S * 1000);
	assert_int_equal(api_int(api, "Attacks.3.PeakInPacketsPerSecond"), 2000000);
	expect_json(api, "Attacks.3.Reasons",
		"[{\"Name\":\"cookie_sent\",\"Packets\":9000000,\"Bytes\":0},"
		"{\"Name\":\"tcp_flags\",\"Packets\":1000000,\"Bytes\":0}]");
	expect_json(api, "Attacks.1.Types", "[{\"AttackType\":\"other\",\"Packets\":7000}]");
	assert_int_equal(OWN(api, "DescribeAttacks", "Open", "true"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "Attacks.0.EventType"), "cc");
	/* A key that is limited to another instance sees nothing; an operator sees all. */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, only, 1);
	assert_int_equal(OWN(api, "DescribeAttacks", "PageSize", "10"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(OWN(api, "DescribeAttacks", "InstanceId", world->id), 400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	api->caller = &api->root;
	assert_int_equal(OWN(api, "DescribeAttacks", "PageSize", "10"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 5);
	api->caller = &api->tenant;
}

/* The oldest of an account make room, but for those that go on. */
static void test_bound(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct attack attack = attack_at(0, 0, 10);
	int64_t count;

	api_attack(api, world->id, NULL, ATTACK_DEFENSE, &attack);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(
		db_run(api->db,
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
			" i < 10010) INSERT INTO attack (account, kind, subject, instance_id,"
			" product, vip, domain, begin_ms, mitigated_ms, last_ms, end_ms, "
			"in_packets,"
			" in_bytes, refused_packets, refused_bytes, peak_in_packets, peak_in_bytes,"
			" peak_refused_packets, peak_refused_bytes, parts) SELECT account, kind,"
			" subject, instance_id, product, vip, domain, begin_ms, mitigated_ms,"
			" last_ms, i, 0, 0, 0, 0, 0, 0, 0, 0, '' FROM attack, n",
			NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(api->db), OK);
	attack.end_ms = 5;
	api_attack(api, world->id, NULL, ATTACK_CC, &attack);
	assert_int_equal(OWN(api, "DescribeAttacks", "PageSize", "1"), 200);
	count = api_int(api, "TotalCount");
	assert_int_equal(count, 10001);
	assert_int_equal(OWN(api, "DescribeAttacks", "Open", "true"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
}

static void report_at(struct world *world, uint64_t packets, uint64_t bytes, int64_t clock_ms)
{
	report_start(&report, 1);
	REPORT_ADD(&report, (struct record_uplink){ RECORD_HEAD(RECORD_UPLINK, 1, record_uplink),
				    .speed_mbps = 1000, .in_bytes = bytes, .out_bytes = 2 * bytes,
				    .name = "eth0" });
	report_traffic(&report, world->number, (struct counter){ packets, packets * 60 },
		(struct counter){ packets / 2, packets * 30 }, (struct counter){ 0, 0 });
	assert_int_equal(report_send(&report, world->api.gateway.nodes, "n", clock_ms), OK);
}

/* What came in the last minute; how full lines are; which attacks go on. */
static void test_live(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t clock_ms = api->clock_ms;

	make_attacks(world);
	report_at(world, 100, 1000, clock_ms - 100000);
	for (uint64_t i = 1; i <= 100; i++)
		report_at(world, 100 + i * 10, 1000 + i * 125000,
			clock_ms - 100000 + (int64_t)i * 1000);
	/* The first of these minutes has no more than it was told. */
	assert_int_equal(CALL(api, "DescribePortFlowList", "InstanceIds.1", world->id, "StartTime",
				 "1795427880", "EndTime", "1795428000", "Interval", "60"),
		200);
	assert_int_equal(json_array_size(api_get(api, "PortFlowList")), 2);
	assert_in_range(api_int(api, "PortFlowList.1.InPps"), 9, 10);
	assert_in_range(api_int(api, "PortFlowList.1.InBps"), 4700, 4800);
	assert_int_equal(api_int(api, "PortFlowList.1.Time"), 1795427940);
	(void)CALL(api, "DescribePortFlowList", "InstanceIds.1", world->id, "StartTime",
		"1795000000", "EndTime", "1795428000", "Interval", "60");
	expect(api, "InvalidParameter", "Interval");
	assert_int_equal(OWN(api, "DescribeTraffic", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "InPackets"), 1100);
	assert_in_range(api_int(api, "InPacketsLastMinute"), 590, 600);
	assert_in_range(api_int(api, "DroppedPacketsLastMinute"), 295, 300);
	assert_int_equal(OWN(api, "DescribeLiveFigures", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "AttackCount"), 1);
	assert_string_equal(api_text(api, "Attacks.0.EventType"), "cc");
	assert_int_equal(json_array_size(api_get(api, "Nodes")), 0); /* no operator */
	api->caller = &api->root;
	assert_int_equal(OWN(api, "DescribeLiveFigures", "InstanceId", world->id), 200);
	expect_json(api, "Nodes.0.Uplinks",
		"[{\"Interface\":\"eth0\",\"Mbps\":1000,\"InBytesPerSecond\":125000,"
		"\"OutBytesPerSecond\":250000}]");
	assert_int_equal(OWN(api, "DescribeNodes", NULL), 200);
	assert_int_equal(api_int(api, "Nodes.0.Uplinks.0.Mbps"), 1000);
	api->caller = &api->tenant;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_other_lists),
		TEST(test_peaks),
		TEST(test_types),
		TEST(test_sources),
		TEST(test_sources_of_ports),
		TEST(test_providers),
		TEST(test_attack_sources),
		TEST(test_sources_of_web_attack),
		TEST(test_attacks),
		TEST(test_bound),
		TEST(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
