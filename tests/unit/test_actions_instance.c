/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances through signed calls: what is listed, what each state allows, who sees what, plans.
 */
#include "tests/support/api.h"

#include "base/clock.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE	 "PageNumber", "1", "PageSize", "10"
#define MONTH_MS (30 * DAY_MS) /* from 2026-11-23 to 2026-12-23 */

static int setup(void **state)
{
	static struct api api;
	api_open(&api);
	*state = &api;
	return 0;
}

static int teardown(void **state)
{
	api_close(*state);
	return 0;
}

static void test_list(void **state)
{
	struct api *api = *state;
	const char *first = api_buy(api, "ddoscoo", "Ipv4");
	const char *second = api_buy(api, "ddosDip", "Ipv6");
	api->clock_ms += 1000;
	const char *third = api_buy(api, "ddoscoo", "Ipv4");
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 3);
	assert_string_equal(api_text(api, "Instances.0.InstanceId"), third);
	assert_string_equal(api_text(api, "Instances.1.InstanceId"), second);
	assert_string_equal(api_text(api, "Instances.1.IpVersion"), "Ipv6");
	assert_string_equal(api_text(api, "Instances.1.Ip"), "2001:db8:1::1");
	assert_int_equal(api_int(api, "Instances.1.Edition"), 0);
	assert_string_equal(api_text(api, "Instances.2.InstanceId"), first);
	assert_string_equal(api_text(api, "Instances.2.Ip"), "198.51.100.1");
	assert_int_equal(api_int(api, "Instances.2.Edition"), 9);
	assert_int_equal(api_int(api, "Instances.2.Status"), 1);
	assert_int_equal(api_int(api, "Instances.2.CreateTime"), API_CLOCK_MS);
	assert_int_equal(api_int(api, "Instances.2.ExpireTime"), API_CLOCK_MS + MONTH_MS);
	/* pages */
	assert_int_equal(
		api_call(api, "DescribeInstances", "PageNumber", "2", "PageSize", "2", NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 3);
	assert_int_equal(json_array_size(api_get(api, "Instances")), 1);
	assert_string_equal(api_text(api, "Instances.0.InstanceId"), first);
	assert_int_equal(
		api_call(api, "DescribeInstances", "PageNumber", "9", "PageSize", "2", NULL), 200);
	assert_true(json_is_array(api_get(api, "Instances")));
	assert_int_equal(json_array_size(api_get(api, "Instances")), 0);
}

static void expect_only(struct api *api, const char *id)
{
	assert_int_equal(api->response.status, 200);
	if (!id) {
		assert_int_equal(api_int(api, "TotalCount"), 0);
		return;
	}
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "Instances.0.InstanceId"), id);
}

static void test_filters(void **state)
{
	struct api *api = *state;
	const char *pro = api_buy(api, "ddoscoo", "Ipv4");
	const char *premium = api_buy(api, "ddosDip", "Ipv6");
	(void)api_call(
		api, "ModifyInstanceRemark", "InstanceId", pro, "Remark", "shop 50% *", NULL);
	(void)api_call(api, "CreateTagResources", "RegionId", "cn-hangzhou", "ResourceType",
		"INSTANCE", "ResourceIds.1", premium, "Tags.1.Key", "team", "Tags.1.Value", "red",
		NULL);
	(void)api_call(api, "DescribeInstances", PAGE, "InstanceIds.1", pro, NULL);
	expect_only(api, pro);
	(void)api_call(
		api, "DescribeInstances", PAGE, "InstanceIds.1", "ddoscoo-cn-00000000000", NULL);
	expect_only(api, NULL);
	(void)api_call(api, "DescribeInstances", PAGE, "Ip", "2001:0DB8:1:0::01", NULL);
	expect_only(api, premium);
	(void)api_call(api, "DescribeInstances", PAGE, "Remark", "50%", NULL);
	expect_only(api, pro);
	(void)api_call(api, "DescribeInstances", PAGE, "Edition", "9", NULL);
	expect_only(api, pro);
	(void)api_call(
		api, "DescribeInstances", PAGE, "Tag.1.Key", "team", "Tag.1.Value", "red", NULL);
	expect_only(api, premium);
	(void)api_call(
		api, "DescribeInstances", PAGE, "Tag.1.Key", "team", "Tag.1.Value", "blue", NULL);
	expect_only(api, NULL);
	(void)api_call_version(api, VERSION_BSS, "RenewInstance", "InstanceId", pro, "ProductCode",
		"ddos", "RenewPeriod", "1", NULL);
	assert_int_equal(api->response.status, 200);
	api_move_life(api, MONTH_MS);
	(void)api_call(api, "DescribeInstances", PAGE, "Status.1", "2", NULL);
	expect_only(api, premium);
	(void)api_call(api, "DescribeInstances", PAGE, "Status.1", "1", NULL);
	expect_only(api, pro);
	char bound[24];
	(void)snprintf(bound, sizeof(bound), "%lld", (long long)(API_CLOCK_MS + MONTH_MS));
	(void)api_call(api, "DescribeInstances", PAGE, "ExpireStartTime", bound, NULL);
	expect_only(api, pro); /* strictly later */
	(void)api_call(api, "DescribeInstances", PAGE, "ExpireEndTime", bound, NULL);
	expect_only(api, NULL); /* strictly earlier */
	(void)api_call(api, "DescribeInstances", PAGE, "Ip", "nonsense", NULL);
	assert_string_equal(api_code(api), "InvalidParameter");
	assert_non_null(strstr(api_text(api, "Message"), "Ip"));
}

static void expect_state(struct api *api, const char *id, int status, int enabled)
{
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, "InstanceIds.1", id, NULL), 200);
	assert_int_equal(api_int(api, "Instances.0.Status"), status);
	assert_int_equal(api_int(api, "Instances.0.Enabled"), enabled);
	assert_int_equal(
		api_call(api, "DescribeInstanceStatus", "InstanceId", id, "ProductType", "1", NULL),
		200);
	assert_int_equal(api_int(api, "InstanceStatus"), status);
}

static void test_life(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	expect_state(api, id, 1, 0); /* no node forwards it yet */
	api_node_reports(api, 0);
	expect_state(api, id, 1, 1);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", id, NULL), 400);
	assert_string_equal(api_code(api), "InstanceNotExpire");
	api_move_life(api, MONTH_MS - 1);
	expect_state(api, id, 1, 1);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", id, NULL), 400);
	api_move_life(api, 1);
	expect_state(api, id, 2, 1);
	api_move_life(api, 7 * DAY_MS - 1);
	expect_state(api, id, 2, 1);
	api_move_life(api, 1);
	expect_state(api, id, 2, 0);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", id, "RegionId",
				 "ap-southeast-1", NULL),
		200);
	assert_int_equal(json_object_size(api->reply), 1);
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	expect_only(api, NULL);
	assert_int_equal(
		api_call(api, "DescribeInstanceStatus", "InstanceId", id, "ProductType", "1", NULL),
		200);
	assert_int_equal(api_int(api, "InstanceStatus"), 4);
	assert_int_equal(
		api_call(api, "DescribeInstanceStatus", "InstanceId", id, "ProductType", "2", NULL),
		400);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", id, NULL), 400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	api->caller = &api->other;
	assert_int_equal(
		api_call(api, "DescribeInstanceStatus", "InstanceId", id, "ProductType", "1", NULL),
		400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	assert_true(api_audit_whole(api));
}

static void test_drained(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	api_move_life(api, MONTH_MS);
	api_node_reports(api, 1);
	api->clock_ms += 59999;
	assert_int_equal(
		api_call(api, "ReleaseInstance", "InstanceId", id, "RequireDrained", "true", NULL),
		400);
	assert_string_equal(api_code(api), "InstanceNotDrained");
	api->clock_ms += 1;
	assert_int_equal(
		api_call(api, "ReleaseInstance", "InstanceId", id, "RequireDrained", "true", NULL),
		200);
}

static void test_tenants(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4"), *second = api_buy(api, "ddoscoo", "Ipv4");
	api->caller = &api->other;
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	expect_only(api, NULL);
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", "x", NULL), 400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	assert_int_equal(api_call(api, "DescribeInstanceSpecs", "InstanceIds.1", id, NULL), 400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	api->caller = &api->root;
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	/* a key of one instance */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, &id, 1);
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	expect_only(api, id);
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", second, "Remark", "x", NULL),
		400);
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", "x", NULL), 200);
	assert_int_equal(
		api_call_version(api, VERSION_BSS, "CreateInstance", "ProductCode", "ddos",
			"ProductType", "ddoscoo", "SubscriptionType", "Subscription", NULL),
		403);
	/* a key that only reads */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, NULL, 0);
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", "x", NULL), 403);
}

static void test_remark(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	char text[1600] = "";
	for (int i = 0; i < 500; i++)
		memcpy(text + 3 * i, "\xe4\xb8\xad", 4);
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", text, NULL), 200);
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	assert_string_equal(api_text(api, "Instances.0.Remark"), text);
	memset(text, 'a', 501);
	text[501] = '\0';
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", text, NULL), 400);
	assert_non_null(strstr(api_text(api, "Message"), "Remark"));
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", "", NULL), 200);
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, NULL), 200);
	assert_string_equal(api_text(api, "Instances.0.Remark"), "");
}

static int modify(
	struct api *api, const char *id, const char *type, const char *name, const char *value)
{
	return api_call(api, "ModifyInstance", "InstanceId", id, "ProductType", "ddoscoo",
		"ModifyType", type, name, value, NULL);
}

static int64_t spec(struct api *api, const char *id, const char *field)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "InstanceSpecs.0.%s", field);
	assert_int_equal(api_call(api, "DescribeInstanceSpecs", "InstanceIds.1", id, NULL), 200);
	return api_int(api, path);
}

static void test_plan(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	static const struct {
		const char *type, *name, *value;
		int status;
	} cases[] = {
		{ "Upgrade", "PortCount", "60", 200 },
		{ "UPGRADE", "PortCount", "60", 200 }, /* again: nothing shrinks */
		{ "UPGRADE", "PortCount", "55", 400 }, { "DOWNGRADE", "PortCount", "65", 400 },
		{ "downgrade", "PortCount", "55", 200 },
		{ "UPGRADE", "PortCount", "57", 400 }, /* not a step */
		{ "UPGRADE", "PortCount", "abc", 400 }, { "SIDEWAYS", "PortCount", "60", 400 },
		{ "UPGRADE", "Bandwidth", "300", 200 }, { "UPGRADE", "AddressType", "Ipv6", 400 },
		{ "UPGRADE", "AddressType", "Ipv4", 200 },
		{ "UPGRADE", "Unknown", "1", 400 }, /* no field at all */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = modify(api, id, cases[i].type, cases[i].name, cases[i].value);
		if (status != cases[i].status)
			fail_msg("case %zu: %.*s", i, (int)api->response.body_size,
				api->response.body);
		if (status == 200)
			assert_true(api_int(api, "OrderId") > 0);
	}
	assert_int_equal(spec(api, id, "PortLimit"), 55);
	assert_int_equal(spec(api, id, "ElasticBandwidth"), 300);
	assert_int_equal(api_call(api, "ModifyInstance", "InstanceId", id, "ProductType", "ddosDip",
				 "ModifyType", "UPGRADE", "PortCount", "60", NULL),
		400);
	assert_non_null(strstr(api_text(api, "Message"), "ProductType"));
	api_move_life(api, MONTH_MS);
	assert_int_equal(modify(api, id, "UPGRADE", "PortCount", "60"), 400);
	assert_string_equal(api_code(api), "InstanceExpired");
}

static void test_plan_in_use(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	char port[8];
	assert_int_equal(modify(api, id, "UPGRADE", "PortCount", "55"), 200);
	for (int i = 1; i <= 55; i++) {
		(void)snprintf(port, sizeof(port), "%d", i);
		assert_int_equal(
			api_call(api, "CreatePort", "InstanceId", id, "FrontendProtocol", "tcp",
				"FrontendPort", port, "RealServers.1", "10.0.0.1", NULL),
			200);
	}
	assert_int_equal(api_call(api, "CreatePort", "InstanceId", id, "FrontendProtocol", "tcp",
				 "FrontendPort", "99", "RealServers.1", "10.0.0.1", NULL),
		400);
	assert_string_equal(api_code(api), "ddos_coop3302");
	assert_int_equal(modify(api, id, "DOWNGRADE", "PortCount", "50"), 400);
	assert_non_null(strstr(api_text(api, "Message"), "PortCount"));
	assert_int_equal(
		api_call(api, "DescribeInstanceStatistics", "InstanceIds.1", id, NULL), 200);
	assert_int_equal(api_int(api, "InstanceStatistics.0.PortUsage"), 55);
}

static void test_premium_plan(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddosDip", "Ipv4");
	assert_int_equal(api_call(api, "ModifyInstance", "InstanceId", id, "ProductType", "ddosDip",
				 "ModifyType", "UPGRADE", "ProductPlan", "1", NULL),
		200);
	assert_int_equal(api_call(api, "DescribeInstances", PAGE, "Edition", "1", NULL), 200);
	expect_only(api, id);
	assert_int_equal(api_call(api, "DescribeInstanceExt", "InstanceId", id, NULL), 200);
	assert_int_equal(api_int(api, "InstanceExtSpecs.0.ProductPlan"), 1);
}

static int describe_switch(struct api *api, const char *id)
{
	return api_call_version(api, VERSION_POLDER, "DescribeSwitchBack", "InstanceId", id, NULL);
}

static void test_switch_back(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	(void)api_call(api, "CreatePort", "InstanceId", id, "FrontendProtocol", "tcp",
		"FrontendPort", "80", "RealServers.1", "10.0.0.1", "RealServers.2", "10.0.0.2",
		NULL);
	(void)api_call(api, "CreatePort", "InstanceId", id, "FrontendProtocol", "udp",
		"FrontendPort", "53", "RealServers.1", "10.0.0.1", NULL);
	assert_int_equal(describe_switch(api, id), 200);
	assert_string_equal(api_text(api, "Name"), "");
	assert_string_equal(api_text(api, "SwitchBack"), "none");
	assert_string_equal(api_text(api, "Answers.0"), "198.51.100.1");
	api_move_life(api, MONTH_MS + 7 * DAY_MS);
	assert_int_equal(describe_switch(api, id), 200);
	assert_int_equal(json_array_size(api_get(api, "Answers")), 0);
	assert_int_equal(api_call_version(api, VERSION_POLDER, "ConfigSwitchBack", "InstanceId", id,
				 "SwitchBack", "origin", NULL),
		200);
	assert_int_equal(describe_switch(api, id), 200);
	assert_int_equal(json_array_size(api_get(api, "Answers")), 2);
	assert_string_equal(api_text(api, "Answers.0"), "10.0.0.1");
	assert_string_equal(api_text(api, "Answers.1"), "10.0.0.2");
	assert_true(json_is_true(api_get(api, "SwitchedBack")));
	char name[64];
	(void)snprintf(name, sizeof(name), "%s.polder.test", id);
	api->gateway.dns_zone = "polder.test";
	assert_int_equal(describe_switch(api, id), 200);
	assert_string_equal(api_text(api, "Name"), name);
}

static void test_xml(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	api->format = "XML";
	assert_int_equal(api_call(api, "DescribeInstanceDetails", "InstanceIds.1", id, NULL), 200);
	assert_non_null(strstr(api->response.body, "<DescribeInstanceDetailsResponse>"));
	assert_non_null(strstr(api->response.body, "<InstanceDetails><InstanceDetail>"));
	assert_non_null(strstr(api->response.body, "<EipInfos><EipInfo>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drained, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tenants, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_premium_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switch_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_xml, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
