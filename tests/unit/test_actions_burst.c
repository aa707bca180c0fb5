/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders about what an instance may have beyond its plan, what nodes are told to enforce then, and what is metered of it.
 */
#include "tests/unit/web_world.h"

#include "control/engine/attacks.h"
#include "control/engine/metering.h"
#include "control/model/burst.h"
#include "control/store/query.h"

#define MBPS	   INT64_C(125000) /* bytes a second */
#define BURST(...) CALL(api, "ModifyElasticBizBandWidth", "InstanceId", world->id, __VA_ARGS__)
#define MODE(mode) CALL(api, "ModifyBizBandWidthMode", "InstanceId", world->id, "Mode", mode)
#define QPS(...)   CALL(api, "ModifyElasticBizQps", "InstanceId", world->id, __VA_ARGS__)

/* What nodes are told of the instance since then. NULL: nothing. */
static const struct record_instance *told(struct world *world, uint64_t since)
{
	const struct snapshot_terms terms = { .cookie_secret = (const uint8_t[32]){ 0 },
		.vault = world->api.vault };
	struct api *api = &world->api;
	const uint8_t *bytes;
	size_t size;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(snapshot_build(api->db, api->fixture, since, &terms, &bytes, &size), OK);
	db_rollback(api->db);
	for (size_t at = sizeof(struct snapshot_header); at < size;) {
		const struct record *record = (const void *)(bytes + at);

		if (record->type == RECORD_INSTANCE && record->id == (uint32_t)world->number)
			return (const void *)record;
		at += record->length;
	}
	return NULL;
}

static uint64_t newest(struct world *world)
{
	int64_t generation;

	assert_int_equal(db_begin(world->api.db, DB_READ), OK);
	assert_int_equal(change_generation(world->api.db, &generation), OK);
	db_rollback(world->api.db);
	return (uint64_t)generation;
}

static void describe(struct world *world)
{
	assert_int_equal(
		CALL(&world->api, "DescribeInstanceSpecs", "InstanceIds.1", world->id), 200);
}

static void move_to(struct api *api, const char *iso)
{
	int64_t ms;

	assert_true(clock_parse_iso(iso, &ms));
	api->clock_ms = ms;
}

static void test_bandwidth(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char *const refused[] = { "901", "10001", "-1", "", "x" };
	uint64_t before;

	assert_int_equal(told(world, 0)->bytes_max, 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(BURST("ElasticBizBandwidth", refused[i]), 400);
		expect(api, api_code(api), "ElasticBizBandwidth");
	}
	assert_int_equal(BURST("ElasticBizBandwidth", "100", "Mode", "year"), 400);
	expect(api, "InvalidParameter", "Mode");
	before = newest(world);
	assert_int_equal(BURST("ElasticBizBandwidth", "900"), 200);
	EMPTY_REPLY(api);
	/* The sum is the limit in force. */
	assert_int_equal(told(world, before)->bytes_max, 1000 * MBPS);
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBw"), 900);
	assert_string_equal(api_text(api, "InstanceSpecs.0.ElasticBwModel"), "month");
	assert_int_equal(api_int(api, "InstanceSpecs.0.BandwidthMbps"), 100);
	/* A limit that was asked for holds below it, not above. */
	assert_int_equal(
		CALL(api, "ConfigLayer4RealLimit", "InstanceId", world->id, "LimitValue", "2000"),
		200);
	assert_int_equal(told(world, 0)->bytes_max, 1000 * MBPS);
	assert_int_equal(
		CALL(api, "ConfigLayer4RealLimit", "InstanceId", world->id, "LimitValue", "50"),
		200);
	assert_int_equal(told(world, 0)->bytes_max, 50 * MBPS);
	assert_int_equal(OWN(api, "DescribeMitigations", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "Limits.Bytes"), 50 * MBPS);
	/* The plan cannot shrink below its burst, nor grow into it. */
	assert_int_equal(CALL(api, "ModifyInstance", "InstanceId", world->id, "ProductType",
				 "ddoscoo", "ModifyType", "UPGRADE", "ServiceBandwidth", "9150"),
		400);
	expect(api, "InvalidParameter", "ServiceBandwidth");
	assert_int_equal(CALL(api, "ModifyInstance", "InstanceId", world->id, "ProductType",
				 "ddoscoo", "ModifyType", "UPGRADE", "ServiceBandwidth", "9100"),
		200);
	assert_int_equal(CALL(api, "ModifyInstance", "InstanceId", world->id, "ProductType",
				 "ddoscoo", "ModifyType", "DOWNGRADE", "ServiceBandwidth", "100"),
		200);
}

/* Once a month it can be switched off, which ends the limit, too. */
static void test_off(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(BURST("ElasticBizBandwidth", "0"), 200);
	assert_int_equal(BURST("ElasticBizBandwidth", "300", "Mode", "day"), 200);
	assert_int_equal(BURST("ElasticBizBandwidth", "0"), 200);
	assert_int_equal(told(world, 0)->bytes_max, 0);
	assert_int_equal(BURST("ElasticBizBandwidth", "0"), 200);
	assert_int_equal(BURST("ElasticBizBandwidth", "200"), 200);
	assert_int_equal(BURST("ElasticBizBandwidth", "0"), 400);
	expect(api, "QuotaExceeded", "ElasticBizBandwidth");
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBw"), 200);
	move_to(api, "2026-11-30T16:00:00Z");
	assert_int_equal(BURST("ElasticBizBandwidth", "0"), 200);
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBw"), 0);
	assert_string_equal(api_text(api, "InstanceSpecs.0.ElasticBwModel"), "day");
}

static void expect_mode(struct world *world, const char *expected)
{
	describe(world);
	assert_string_equal(api_text(&world->api, "InstanceSpecs.0.ElasticBwModel"), expected);
}

static void test_mode(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	/* Nothing is metered yet. */
	assert_int_equal(MODE("month"), 200);
	EMPTY_REPLY(api);
	assert_int_equal(MODE("day"), 200);
	expect_mode(world, "day");
	assert_int_equal(BURST("ElasticBizBandwidth", "300"), 200);
	expect_mode(world, "day");
	/* With the next month; three times. What was chosen already is no change. */
	assert_int_equal(MODE("month"), 200);
	assert_int_equal(MODE("month"), 200);
	assert_int_equal(BURST("ElasticBizBandwidth", "400", "Mode", "day"), 200);
	assert_int_equal(MODE("month"), 200);
	expect_mode(world, "day");
	assert_int_equal(MODE("day"), 400);
	expect(api, "QuotaExceeded", "Mode");
	assert_int_equal(BURST("ElasticBizBandwidth", "500", "Mode", "day"), 400);
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBw"), 400);
	move_to(api, "2026-11-30T15:59:59Z");
	expect_mode(world, "day");
	assert_int_equal(MODE("day"), 400);
	expect(api, "QuotaExceeded", "last day");
	move_to(api, "2026-11-30T16:00:00Z");
	expect_mode(world, "month");
	assert_int_equal(MODE("day"), 200);
	expect_mode(world, "month");
	move_to(api, "2026-12-31T16:00:00Z");
	expect_mode(world, "day");
}

static void test_qps(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *ipv6 = api_buy(api, "ddoscoo", "Ipv6"),
		   *premium = api_buy(api, "ddosDip", "Ipv4");
	uint64_t before = newest(world);

	assert_int_equal(QPS("Mode", "month"), 200);
	EMPTY_REPLY(api);
	assert_int_equal(told(world, before)->requests_max, 303000);
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticQps"), 300000);
	assert_string_equal(api_text(api, "InstanceSpecs.0.ElasticQpsMode"), "month");
	assert_int_equal(api_int(api, "InstanceSpecs.0.QpsLimit"), 3000);
	assert_int_equal(QPS("Mode", "day", "OpsElasticQps", "300001"), 400);
	expect(api, "InvalidParameter", "OpsElasticQps");
	assert_int_equal(QPS("Mode", "week", "OpsElasticQps", "1"), 400);
	expect(api, "InvalidParameter", "Mode");
	assert_int_equal(QPS("OpsElasticQps", "1"), 400);
	expect(api, "MissingParameter", "Mode");
	assert_int_equal(QPS("Mode", "day", "OpsElasticQps", "20"), 200);
	assert_int_equal(told(world, 0)->requests_max, 3020);
	assert_int_equal(CALL(api, "ModifyQpsMode", "InstanceId", world->id, "Mode", "month"), 200);
	EMPTY_REPLY(api);
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticQps"), 20);
	assert_string_equal(api_text(api, "InstanceSpecs.0.ElasticQpsMode"), "month");
	assert_int_equal(QPS("Mode", "month", "OpsElasticQps", "0"), 200);
	assert_int_equal(told(world, 0)->requests_max, 3000);
	/* As published: less for Premium, none for IPv6. */
	assert_int_equal(CALL(api, "ModifyElasticBizQps", "InstanceId", premium, "Mode", "day",
				 "OpsElasticQps", "150001"),
		400);
	assert_int_equal(
		CALL(api, "ModifyElasticBizQps", "InstanceId", premium, "Mode", "day"), 200);
	assert_int_equal(CALL(api, "DescribeInstanceSpecs", "InstanceIds.1", premium), 200);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticQps"), 150000);
	assert_int_equal(CALL(api, "ModifyElasticBizQps", "InstanceId", ipv6, "Mode", "day"), 400);
	expect(api, "InvalidParameter", "InstanceId");
	assert_int_equal(CALL(api, "ModifyElasticBizBandWidth", "InstanceId", ipv6,
				 "ElasticBizBandwidth", "10"),
		200);
}

static const char *renewed(struct api *api, const char *id)
{
	assert_int_equal(api_call_version(api, VERSION_BSS, "RenewInstance", "InstanceId", id,
				 "ProductCode", "ddos", "RenewPeriod", "1", NULL),
		200);
	return id;
}

/* Who may not, and when; renewal brings back all that was set. */
static void test_life(void **state)
{
	static const char *const actions[][3] = { { "ModifyElasticBizBandWidth",
							  "ElasticBizBandwidth", "100" },
		{ "ModifyBizBandWidthMode", "Mode", "day" },
		{ "ModifyElasticBizQps", "Mode", "day" }, { "ModifyQpsMode", "Mode", "day" } };
	struct world *world = *state;
	struct api *api = &world->api;
	uint64_t mitigated_until;

	assert_int_equal(BURST("ElasticBizBandwidth", "300", "Mode", "day"), 200);
	assert_int_equal(QPS("Mode", "month", "OpsElasticQps", "70"), 200);
	mitigated_until = (uint64_t)told(world, 0)->mitigation_until_ms;
	api->caller = &api->other;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(CALL(api, actions[i][0], "InstanceId", world->id, actions[i][1],
					 actions[i][2]),
			400);
		expect(api, "InstanceNotFound", "");
	}
	api->caller = &api->tenant;
	/* Expiry ends it with all mitigation, by the time that nodes have; the wish stays. */
	api_move_life(api, 35 * DAY_MS);
	assert_true(mitigated_until < (uint64_t)(api->clock_ms + api->life_offset_ms));
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(CALL(api, actions[i][0], "InstanceId", world->id, actions[i][1],
					 actions[i][2]),
			400);
		expect(api, "InstanceExpired", "");
	}
	(void)renewed(api, world->id);
	describe(world);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBw"), 300);
	assert_string_equal(api_text(api, "InstanceSpecs.0.ElasticBwModel"), "day");
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticQps"), 70);
	assert_string_equal(api_text(api, "InstanceSpecs.0.ElasticQpsMode"), "month");
	assert_int_equal(told(world, 0)->bytes_max, 400 * MBPS);
	assert_int_equal(told(world, 0)->requests_max, 3070);
	assert_int_equal(
		OWN(api, "DescribeAuditLog", "ActionName", "ModifyElasticBizBandWidth"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_non_null(strstr(api_text(api, "Records.0.Detail"),
		"\"oldEntity\":{\"elasticBizBandwidth\":0,\"mode\":\"\"}"));
	assert_non_null(strstr(api_text(api, "Records.0.Detail"),
		"\"newEntity\":{\"elasticBizBandwidth\":300,\"mode\":\"day\"}"));
}

/* ---- what is metered */

/* So many minutes pass at the only node, a report for each, with so much traffic and so many requests a second. */
static void pass(struct world *world, uint32_t site, int minutes, uint64_t mbps, uint64_t requests)
{
	static struct record_site_traffic traffic;
	static struct counter in;
	struct api *api = &world->api;

	if (traffic.record.id != site) {
		traffic = (struct record_site_traffic){ RECORD_HEAD(
			RECORD_SITE_TRAFFIC, site, record_site_traffic) };
		in = (struct counter){ 0, 0 };
	}
	traffic.counter.number = site;
	for (int i = 0; i < minutes; i++) {
		traffic.counter.requests += requests * 60;
		in.packets += mbps * 60;
		in.bytes += mbps * MBPS * 60;
		api->clock_ms += MINUTE_MS;
		report_start(&report, 1);
		report_add(&report, &traffic, sizeof(traffic));
		report_traffic(&report, world->number, in, (struct counter){ 0, 0 },
			(struct counter){ 0, 0 });
		assert_int_equal(report_send(&report, api->gateway.nodes, "n", api->clock_ms), OK);
	}
}

static const char *number(struct api *api, int64_t value)
{
	return arena_print(api->fixture, "%lld", (long long)value);
}

static void expect_records(struct world *world, const char *ip, size_t count, int64_t qps)
{
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "DescribeElasticQpsRecord", "Ip", ip, "StartTime",
				 number(api, api->clock_ms - 2 * DAY_MS), "EndTime",
				 number(api, api->clock_ms)),
		200);
	assert_int_equal(json_array_size(api_get(api, "ElasticQpsList")), count);
	assert_in_range(api_int(api, "ElasticQpsList.0.Qps"), qps - 1, qps);
	assert_int_equal(api_int(api, "ElasticQpsList.0.OpsElasticQps"), 70);
}

static void expect_bill(struct api *api, int64_t from, int64_t until, const char *part)
{
	assert_int_equal(CALL(api, "DescribeSystemLog", "StartTime", number(api, from), "EndTime",
				 number(api, until), PAGE),
		200);
	if (!part) {
		expect_json(api, "SystemLog", "[]");
		return;
	}
	assert_int_equal(api_int(api, "Total"), 1);
	if (!strstr(api_text(api, "SystemLog.0.OpDesc"), part))
		fail_msg("no %s in %s", part, api_text(api, "SystemLog.0.OpDesc"));
}

static void test_metering(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct instance instance;
	struct website website;
	char ip[ADDRESS_TEXT_SIZE];
	int64_t midnight;

	assert_int_equal(instance_load(api->db, api->fixture, world->id, &instance), OK);
	address_format(instance.vip, ip);
	assert_int_equal(website_load(api->db, api->fixture, 0, DOMAIN, &website), OK);
	assert_int_equal(BURST("ElasticBizBandwidth", "300", "Mode", "day"), 200);
	assert_int_equal(QPS("Mode", "day", "OpsElasticQps", "70"), 200);
	/* Two days of 24 hours, with the second two hours above the plan: 120 minutes are more than 5 per cent of a day,
	 * and less of what is asked for of a month. */
	move_to(api, "2026-11-22T16:00:00Z");
	pass(world, (uint32_t)website.number, 1440, 40, 20);
	pass(world, (uint32_t)website.number, 120, 250, 50);
	pass(world, (uint32_t)website.number, 1320, 40, 20);
	midnight = api->clock_ms;
	expect_records(world, ip, 2, 20);
	assert_in_range(api_int(api, "ElasticQpsList.1.Qps"), 49, 50);
	assert_int_equal(CALL(api, "ModifyQpsMode", "InstanceId", world->id, "Mode", "month"), 200);
	expect_records(world, ip, 1, 20);
	/* A day that is not over is not metered yet. */
	expect_bill(api, midnight - 12 * HOUR_MS, midnight, NULL);
	api->clock_ms += MINUTE_MS;
	expect_bill(api, midnight - DAY_MS, midnight - DAY_MS + 1, "\"overBandwidth\":0");
	expect_bill(api, midnight, midnight + 1, "\"overBandwidth\":1");
	assert_int_equal(api_int(api, "SystemLog.0.Status"), 2);
	assert_string_equal(api_text(api, "SystemLog.0.EntityObject"), ip);
	assert_int_equal(api_int(api, "SystemLog.0.GmtCreate"), midnight);
	/* Who has no burst has nothing metered. */
	assert_int_equal(BURST("ElasticBizBandwidth", "0"), 200);
	expect_bill(api, midnight, midnight + 1, NULL);
}

/* What the engine does with all minutes that are over. */
static void meter(struct world *world)
{
	struct api *api = &world->api;
	static struct attacks attacks;
	struct arena *mem = arena_new(8 << 20);
	struct tick tick = {
		.db = api->db, .mem = mem, .clock_ms = api->clock_ms, .attacks = &attacks
	};
	bool due = true;

	attacks.nodes = api->gateway.nodes;
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	for (int i = 0; i < 2000 && due; i++) {
		arena_reset(mem);
		assert_int_equal(metering_due(&tick, &due), OK);
		if (due)
			assert_int_equal(metering_run(&tick), OK);
	}
	assert_int_equal(db_commit(api->db), OK);
	assert_false(due);
	arena_free(mem);
}

/* Another control, which remembers nothing. */
static void restart(struct api *api)
{
	nodes_free(api->gateway.nodes);
	api->gateway.nodes = nodes_new();
	assert_non_null(api->gateway.nodes);
}

static int64_t samples(struct api *api)
{
	int64_t count;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(select_int(api->db, "SELECT count(*) FROM metering", NULL, 0, &count), OK);
	db_rollback(api->db);
	return count;
}

/* The same days, of which the control that answers saw nothing. It began anew also while there was more than the plan. */
static void test_metering_outlives_the_control(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct instance instance;
	struct website website;
	char ip[ADDRESS_TEXT_SIZE];
	int64_t midnight;

	assert_int_equal(instance_load(api->db, api->fixture, world->id, &instance), OK);
	address_format(instance.vip, ip);
	assert_int_equal(website_load(api->db, api->fixture, 0, DOMAIN, &website), OK);
	assert_int_equal(BURST("ElasticBizBandwidth", "300", "Mode", "day"), 200);
	assert_int_equal(QPS("Mode", "day", "OpsElasticQps", "70"), 200);
	move_to(api, "2026-11-22T16:00:00Z");
	pass(world, (uint32_t)website.number, 1440, 40, 20);
	meter(world);
	pass(world, (uint32_t)website.number, 60, 250, 50);
	meter(world);
	restart(api);
	pass(world, (uint32_t)website.number, 60, 250, 50);
	meter(world);
	pass(world, (uint32_t)website.number, 1320, 40, 20);
	midnight = api->clock_ms;
	api->clock_ms += 2 * MINUTE_MS;
	meter(world);
	assert_in_range(samples(api), 2 * 288 - 2, 2 * 288);
	restart(api);
	expect_bill(api, midnight - DAY_MS, midnight - DAY_MS + 1, "\"overBandwidth\":0");
	expect_bill(api, midnight, midnight + 1, "\"overBandwidth\":1");
	expect_records(world, ip, 2, 20);
	assert_in_range(api_int(api, "ElasticQpsList.1.Qps"), 49, 50);
	/* They go with the instance. */
	assert_int_equal(CALL(api, "DeleteDomainResource", "Domain", DOMAIN), 200);
	api_move_life(api, 400 * DAY_MS);
	assert_int_equal(CALL(api, "ReleaseInstance", "InstanceId", world->id), 200);
	assert_int_equal(samples(api), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bandwidth, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_qps, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_life, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_metering, web_setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_metering_outlives_the_control, web_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
