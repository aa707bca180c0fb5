/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance may have beyond its plan: burstable protection, which is where the blackhole begins, and what counts of a
 * day's requests.
 */
#include "tests/unit/web_world.h"

static void test_protection(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char *const refused[] = { "50", "0", "700" };

	assert_int_equal(CALL(api, "DescribeElasticBandwidthSpec", "InstanceId", world->id), 200);
	expect_json(api, "ElasticBandwidthSpec",
		"[\"30\",\"60\",\"100\",\"300\",\"400\",\"500\",\"600\"]");
	assert_int_equal(CALL(api, "ModifyInstance", "InstanceId", world->id, "ProductType",
				 "ddoscoo", "ModifyType", "UPGRADE", "BaseBandwidth", "60"),
		200);
	assert_int_equal(CALL(api, "DescribeElasticBandwidthSpec", "InstanceId", world->id), 200);
	expect_json(
		api, "ElasticBandwidthSpec", "[\"60\",\"100\",\"300\",\"400\",\"500\",\"600\"]");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(CALL(api, "ModifyElasticBandWidth", "InstanceId", world->id,
					 "ElasticBandwidth", refused[i]),
			400);
		expect(api, "InvalidParameter", "ElasticBandwidth");
	}
	/* Below the base there is no burst. */
	assert_int_equal(CALL(api, "ModifyElasticBandWidth", "InstanceId", world->id,
				 "ElasticBandwidth", "30"),
		400);
	assert_int_equal(CALL(api, "ModifyElasticBandWidth", "InstanceId", world->id,
				 "ElasticBandwidth", "300"),
		200);
	EMPTY_REPLY(api);
	assert_int_equal(CALL(api, "DescribeInstanceSpecs", "InstanceIds.1", world->id), 200);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBandwidth"), 300);
	assert_int_equal(api_int(api, "InstanceSpecs.0.BaseBandwidth"), 60);
	/* And down again, which no order can. */
	assert_int_equal(CALL(api, "ModifyElasticBandWidth", "InstanceId", world->id,
				 "ElasticBandwidth", "60"),
		200);
	api_move_life(api, 40 * DAY_MS);
	assert_int_equal(CALL(api, "ModifyElasticBandWidth", "InstanceId", world->id,
				 "ElasticBandwidth", "300"),
		400);
	expect(api, "InstanceExpired", "");
}

/* A second passes at the only node, with so many requests to the site. */
static void report_second(struct api *api, uint32_t site, uint64_t requests)
{
	static struct record_site_traffic traffic;

	if (traffic.record.id != site)
		traffic = (struct record_site_traffic){ RECORD_HEAD(
			RECORD_SITE_TRAFFIC, site, record_site_traffic) };
	traffic.counter.number = site;
	traffic.counter.requests += requests;
	traffic.counter.status[2] += requests;
	api->clock_ms += SECOND_MS;
	report_start(&report, 1);
	report_add(&report, &traffic, sizeof(traffic));
	assert_int_equal(report_send(&report, api->gateway.nodes, "n", api->clock_ms), OK);
}

static void test_requests(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct instance instance;
	struct website website;
	char ip[ADDRESS_TEXT_SIZE], from[24], until[24];

	assert_int_equal(instance_load(api->db, api->fixture, world->id, &instance), OK);
	address_format(instance.vip, ip);
	assert_int_equal(website_load(api->db, api->fixture, 0, DOMAIN, &website), OK);
	report_second(api, (uint32_t)website.number, 0);
	/* Two hours at 20 a second, ten minutes of them at 50: less than 5 per cent of a day. */
	(void)snprintf(from, sizeof(from), "%lld", (long long)api->clock_ms / 60000 * 60);
	for (int i = 0; i < 7200; i++)
		report_second(api, (uint32_t)website.number, i < 600 ? 50 : 20);
	(void)snprintf(until, sizeof(until), "%lld", (long long)api->clock_ms / 1000);
	assert_int_equal(CALL(api, "DescribeElasticQps", "Ip", ip, "Region", "cn", "StartTime",
				 from, "EndTime", until, "Interval", "3600"),
		200);
	assert_int_equal(api_int(api, "ElasticQps.0.MaxQps"), 50);
	assert_int_equal(api_int(api, "ElasticQps.1.MaxNormalQps"), 20);
	assert_in_range(api_int(api, "ElasticQps.1.Pv"), 20 * 3590, 20 * 3610);
	assert_in_range(api_int(api, "ElasticQps.1.Status2"), 20 * 3590, 20 * 3610);
	assert_int_equal(
		CALL(api, "DescribeElasticQpsRecord", "Ip", ip, "StartTime",
			arena_print(api->fixture, "%lld", (long long)(api->clock_ms - DAY_MS)),
			"EndTime", arena_print(api->fixture, "%lld", (long long)api->clock_ms)),
		200);
	assert_int_equal(json_array_size(api_get(api, "ElasticQpsList")), 1);
	assert_int_equal(api_int(api, "ElasticQpsList.0.Qps"), 20);
	assert_int_equal(api_int(api, "ElasticQpsList.0.QpsPeak"), 50);
	assert_int_equal(api_int(api, "ElasticQpsList.0.OriginQps"), 3000);
	assert_int_equal(api_int(api, "ElasticQpsList.0.Status"), 1);
	assert_string_equal(api_text(api, "ElasticQpsList.0.InstanceId"), world->id);
	/* Another tenant has no instance of that address. */
	api->caller = &api->other;
	assert_int_equal(CALL(api, "DescribeElasticQps", "Ip", ip, "Region", "cn", "StartTime",
				 from, "EndTime", until),
		400);
	expect(api, "InstanceNotFound", "Ip");
}

static void test_nothing(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	assert_int_equal(CALL(api, "DescribeDefenseCountStatistics", "ResourceGroupId", ""), 200);
	expect_json(api, "DefenseCountStatistics.DefenseCountTotalUsageOfCurrentMonth", "0");
	expect_json(api, "DefenseCountStatistics.MaxUsableDefenseCountCurrentMonth", "0");
	api_buy(api, "ddosDip", "Ipv4");
	assert_int_equal(CALL(api, "DescribeDefenseCountStatistics", "ResourceGroupId", ""), 200);
	expect_json(api, "DefenseCountStatistics.MaxUsableDefenseCountCurrentMonth", "2");
	assert_int_equal(
		CALL(api, "DescribeDefenseRecords", "StartTime", "1", "EndTime", "2", PAGE), 200);
	expect_json(api, "TotalCount", "0");
	expect_json(api, "DefenseRecords", "[]");
	assert_int_equal(CALL(api, "DescribeSystemLog", "EntityType", "20", "StartTime", "1",
				 "EndTime", "2", PAGE),
		200);
	expect_json(api, "SystemLog", "[]");
	assert_int_equal(
		CALL(api, "DescribeStsGrantStatus", "Role", "AliyunDDoSCOODefaultRole"), 200);
	expect_json(api, "StsGrant.Status", "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_protection, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, web_setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing, web_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
