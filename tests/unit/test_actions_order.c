/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buying, renewing and listing in the form of BssOpenApi, and what of it the operation log shows.
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
#define ORDER	 "ProductCode", "ddos", "ProductType", "ddoscoo", "SubscriptionType", "Subscription"

static int setup(void **state)
{
	static struct api api;
	api_open(&api);
	api.version = VERSION_BSS;
	*state = &api;
	return 0;
}

static int teardown(void **state)
{
	api_close(*state);
	return 0;
}

static void expect_success(struct api *api)
{
	if (api->response.status != 200)
		fail_msg("%.*s", (int)api->response.body_size, api->response.body);
	assert_string_equal(api_text(api, "Code"), "Success");
	assert_true(json_is_true(api_get(api, "Success")));
	assert_true(json_is_string(api_get(api, "Message")));
}

static void expect_refusal(struct api *api, const char *code, const char *parameter)
{
	assert_int_equal(api->response.status, 400);
	assert_string_equal(api_code(api), code);
	if (!strstr(api_text(api, "Message"), parameter))
		fail_msg("%s is not named: %s", parameter, api_text(api, "Message"));
}

static int64_t expire_of(struct api *api, const char *id)
{
	assert_int_equal(api_call_version(api, VERSION_DDOSCOO, "DescribeInstances", PAGE,
				 "InstanceIds.1", id, NULL),
		200);
	return api_int(api, "Instances.0.ExpireTime");
}

static void test_terraform_order(void **state)
{
	struct api *api = *state;
	(void)api_call(api, "CreateInstance", ORDER, "Period", "12", "Parameter.1.Code",
		"ServicePartner", "Parameter.1.Value", "coop-line-001", "Parameter.2.Code",
		"PortCount", "Parameter.2.Value", "60", "Parameter.3.Code", "DomainCount",
		"Parameter.3.Value", "55", "Parameter.4.Code", "BaseBandwidth", "Parameter.4.Value",
		"60", "Parameter.5.Code", "Bandwidth", "Parameter.5.Value", "100",
		"Parameter.6.Code", "ServiceBandwidth", "Parameter.6.Value", "200",
		"Parameter.7.Code", "Edition", "Parameter.7.Value", "coop", "Logistics", "{}",
		NULL);
	expect_success(api);
	const char *id = arena_copy(api->fixture, api_text(api, "Data.InstanceId"));
	assert_true(instance_id_valid(id));
	assert_true(json_is_string(api_get(api, "Data.OrderId")));
	assert_int_equal(expire_of(api, id), clock_add_months(API_CLOCK_MS, 12));
	assert_int_equal(api_call_version(api, VERSION_DDOSCOO, "DescribeInstanceSpecs",
				 "InstanceIds.1", id, NULL),
		200);
	assert_int_equal(api_int(api, "InstanceSpecs.0.PortLimit"), 60);
	assert_int_equal(api_int(api, "InstanceSpecs.0.DomainLimit"), 55);
	assert_int_equal(api_int(api, "InstanceSpecs.0.BaseBandwidth"), 60);
	assert_int_equal(api_int(api, "InstanceSpecs.0.ElasticBandwidth"), 100);
	assert_int_equal(api_int(api, "InstanceSpecs.0.BandwidthMbps"), 200);
	assert_int_equal(api_int(api, "InstanceSpecs.0.QpsLimit"), 3000);
}

static void test_refused_orders(void **state)
{
	static const struct {
		const char *name, *value; /* replaces or adds one */
		const char *code, *named;
	} cases[] = {
		{ "Period", "10", "InvalidParameter", "Period" },
		{ "Period", "0", "InvalidParameter", "Period" },
		{ "Period", "37", "InvalidParameter", "Period" },
		{ "PricingCycle", "3", "InvalidParameter", "PricingCycle" },
		{ "RenewalStatus", "Sometimes", "InvalidParameter", "RenewalStatus" },
		{ "RenewalStatus", "AutoRenewal", "MissingParameter", "RenewPeriod" },
		{ "Parameter.1.Value", "60", "InvalidParameter", "Parameter" },
		{ "Parameter.1.Code", "PortCount", "MissingParameter", "Parameter.1.Value" },
		{ "Parameter.2.Code", "PortCount", "InvalidParameter", "Parameter" },
	};
	struct api *api = *state;
	const char *before = arena_copy(api->fixture, api_dump(api));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)api_call(api, "CreateInstance", ORDER, cases[i].name, cases[i].value, NULL);
		expect_refusal(api, cases[i].code, cases[i].named);
	}
	(void)api_call(api, "CreateInstance", ORDER, "Parameter.1.Code", "PortCount",
		"Parameter.1.Value", "51", NULL);
	expect_refusal(api, "InvalidParameter", "PortCount");
	(void)api_call(api, "CreateInstance", ORDER, "Parameter.1.Code", "AddressType",
		"Parameter.1.Value", "Ipv5", NULL);
	expect_refusal(api, "InvalidParameter", "AddressType");
	(void)api_call(api, "CreateInstance", "ProductCode", "rds", "SubscriptionType",
		"Subscription", NULL);
	expect_refusal(api, "NotApplicable", "ProductCode");
	(void)api_call(api, "CreateInstance", "ProductCode", "ddos", "ProductType", "waf",
		"SubscriptionType", "Subscription", NULL);
	expect_refusal(api, "NotApplicable", "ProductType");
	assert_string_equal(before, api_dump(api));
}

static void test_client_token(void **state)
{
	struct api *api = *state;
	(void)api_call(api, "CreateInstance", ORDER, "ClientToken", "once", NULL);
	expect_success(api);
	const char *id = arena_copy(api->fixture, api_text(api, "Data.InstanceId"));
	const char *order = arena_copy(api->fixture, api_text(api, "Data.OrderId"));
	(void)api_call(api, "CreateInstance", ORDER, "ClientToken", "once", NULL);
	expect_success(api);
	assert_string_equal(api_text(api, "Data.InstanceId"), id);
	assert_string_equal(api_text(api, "Data.OrderId"), order);
	for (int i = 0; i < 2; i++) {
		(void)api_call(api, "RenewInstance", "InstanceId", id, "ProductCode", "ddos",
			"RenewPeriod", "1", "ClientToken", "once", NULL);
		expect_success(api);
	}
	assert_int_equal(expire_of(api, id), clock_add_months(API_CLOCK_MS, 2));
	const char *second = api_buy(api, "ddoscoo", "Ipv4");
	(void)api_call(api, "RenewInstance", "InstanceId", second, "ProductCode", "ddos",
		"RenewPeriod", "1", "ClientToken", "once", NULL);
	expect_refusal(api, "IdempotentParameterMismatch", "ClientToken");
	(void)api_call(api, "RenewInstance", "InstanceId", id, "ProductCode", "ddos", "RenewPeriod",
		"2", "ClientToken", "once", NULL);
	expect_refusal(api, "IdempotentParameterMismatch", "ClientToken");
	(void)api_call(api, "CreateInstance", ORDER, "ClientToken", "once", "Parameter.1.Code",
		"AddressType", "Parameter.1.Value", "Ipv6", NULL);
	expect_refusal(api, "IdempotentParameterMismatch", "ClientToken");
	api->caller = &api->other; /* tokens are of one account */
	(void)api_call(api, "CreateInstance", ORDER, "ClientToken", "once", NULL);
	expect_success(api);
	assert_string_not_equal(api_text(api, "Data.InstanceId"), id);
}

static void renew(struct api *api, const char *id)
{
	(void)api_call(api, "RenewInstance", "InstanceId", id, "ProductCode", "ddos", "ProductType",
		"ddoscoo", "RenewPeriod", "1", NULL);
}

static void test_renewal(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	renew(api, id);
	expect_success(api);
	assert_int_equal(expire_of(api, id), clock_add_months(API_CLOCK_MS, 2));
	api_move_life(api, 2 * MONTH_MS + 10 * DAY_MS); /* stopped */
	renew(api, id);
	expect_success(api);
	assert_int_equal(
		expire_of(api, id), clock_add_months(API_CLOCK_MS + 2 * MONTH_MS + 10 * DAY_MS, 1));
	assert_int_equal(api_int(api, "Instances.0.Status"), 1);
	/* the operation log knows the restored one only */
	char from[24], to[24];
	(void)snprintf(from, sizeof(from), "%lld", (long long)api->clock_ms - 1000);
	(void)snprintf(to, sizeof(to), "%lld", (long long)api->clock_ms + 1000);
	assert_int_equal(
		api_call_version(api, VERSION_DDOSCOO, "DescribeOpEntities", PAGE, "StartTime",
			from, "EndTime", to, "EntityObject", "198.51.100.1", NULL),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(api_int(api, "OpEntities.0.OpAction"), 13);
	assert_string_equal(api_text(api, "OpEntities.0.EntityObject"), "198.51.100.1");
	assert_string_equal(api_text(api, "OpEntities.0.OpDesc"),
		"{\"newEntity\":{\"elasticBandwidth\":30},\"oldEntity\":{\"elasticBandwidth\":0}}");
	assert_int_equal(
		api_call_version(api, VERSION_POLDER, "DescribeEvents", "InstanceId", id, NULL),
		200);
	assert_int_equal(json_array_size(api_get(api, "Events")), 2);
	assert_string_equal(api_text(api, "Events.0.Kind"), "renewed");
	/* renewing without end is refused, and so is another's */
	for (int i = 0; i < 3; i++) {
		(void)api_call(api, "RenewInstance", "InstanceId", id, "ProductCode", "ddos",
			"RenewPeriod", "36", NULL);
		expect_success(api);
	}
	(void)api_call(api, "RenewInstance", "InstanceId", id, "ProductCode", "ddos", "RenewPeriod",
		"36", NULL);
	expect_refusal(api, "InvalidParameter", "RenewPeriod");
	api->caller = &api->other;
	renew(api, id);
	expect_refusal(api, "InstanceNotFound", "");
}

static void test_set_renewal(void **state)
{
	struct api *api = *state;
	const char *first = api_buy(api, "ddoscoo", "Ipv4"),
		   *second = api_buy(api, "ddoscoo", "Ipv4");
	const char *both = arena_print(api->fixture, "%s,%s", first, second);
	(void)api_call(api, "SetRenewal", "InstanceIDs", both, "ProductCode", "ddos",
		"RenewalStatus", "AutoRenewal", NULL);
	expect_refusal(api, "MissingParameter", "RenewalPeriod");
	(void)api_call(api, "SetRenewal", "InstanceIDs", both, "ProductCode", "ddos",
		"RenewalStatus", "AutoRenewal", "RenewalPeriod", "1", "RenewalPeriodUnit", "Y",
		NULL);
	expect_success(api);
	(void)api_call(api, "QueryAvailableInstances", "RenewStatus", "AutoRenewal", NULL);
	expect_success(api);
	assert_int_equal(api_int(api, "Data.TotalCount"), 2);
	assert_int_equal(api_int(api, "Data.InstanceList.0.RenewalDuration"), 12);
	(void)api_call(api, "SetRenewal", "InstanceIDs", "a,,b", "ProductCode", "ddos",
		"RenewalStatus", "ManualRenewal", NULL);
	expect_refusal(api, "InvalidParameter", "InstanceIDs");
	/* all or none */
	both = arena_print(api->fixture, "%s,ddoscoo-cn-00000000000", first);
	(void)api_call(api, "SetRenewal", "InstanceIDs", both, "ProductCode", "ddos",
		"RenewalStatus", "ManualRenewal", NULL);
	expect_refusal(api, "InstanceNotFound", "");
	(void)api_call(api, "QueryAvailableInstances", "RenewStatus", "AutoRenewal", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 2);
}

static void test_query(void **state)
{
	struct api *api = *state;
	(void)api_call(api, "QueryAvailableInstances", "PageSize", "50", "PageNum", "1",
		"ProductCode", "vipcloudfw", "ProductType", "vipcloudfw", "SubscriptionType",
		"Subscription", NULL);
	expect_success(api);
	assert_int_equal(api_int(api, "Data.TotalCount"), 0);
	assert_true(json_is_array(api_get(api, "Data.InstanceList")));
	const char *pro = api_buy(api, "ddoscoo", "Ipv4"),
		   *premium = api_buy(api, "ddosDip", "Ipv4");
	(void)api_call(api, "QueryAvailableInstances", "ProductCode", "ddos", "Region",
		"ap-southeast-1", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 1);
	assert_string_equal(api_text(api, "Data.InstanceList.0.InstanceID"), premium);
	(void)api_call(api, "QueryAvailableInstances", "PageSize", "1", "PageNum", "2", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 2);
	assert_int_equal(json_array_size(api_get(api, "Data.InstanceList")), 1);
	assert_string_equal(api_text(api, "Data.InstanceList.0.InstanceID"), pro);
	assert_string_equal(api_text(api, "Data.InstanceList.0.EndTime"), "2026-12-23T10:00:00Z");
	assert_string_equal(api_text(api, "Data.InstanceList.0.StopTime"), "2026-12-30T10:00:00Z");
	assert_string_equal(
		api_text(api, "Data.InstanceList.0.ExpectedReleaseTime"), "2027-01-22T10:00:00Z");
	assert_string_equal(api_text(api, "Data.InstanceList.0.Status"), "Normal");
	(void)api_call(api, "QueryAvailableInstances", "EndTimeEnd", "2026-12-23T09:59:59Z", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 0);
	(void)api_call(
		api, "QueryAvailableInstances", "EndTimeStart", "2026-12-23T10:00:00Z", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 2);
	(void)api_call(
		api, "QueryAvailableInstances", "CreateTimeStart", "2026-11-23T10:00:01Z", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 0);
	(void)api_call(api, "QueryAvailableInstances", "CreateTimeStart", "yesterday", NULL);
	expect_refusal(api, "InvalidParameter", "CreateTimeStart");
	(void)api_call(api, "QueryAvailableInstances", "InstanceIDs", pro, NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 1);
	api_move_life(api, MONTH_MS);
	(void)api_call(api, "QueryAvailableInstances", "InstanceIDs", pro, NULL);
	assert_string_equal(api_text(api, "Data.InstanceList.0.Status"), "Expired");
}

static void test_addresses_run_out(void **state)
{
	struct api *api = *state;
	for (int i = 0; i < 254; i++)
		(void)api_buy(api, "ddoscoo", "Ipv4");
	(void)api_call(api, "CreateInstance", ORDER, NULL);
	assert_int_equal(api->response.status, 400);
	assert_string_equal(api_code(api), "NoFreeAddress");
	(void)api_call(api, "CreateInstance", ORDER, "Parameter.1.Code", "AddressType",
		"Parameter.1.Value", "Ipv6", NULL);
	expect_success(api);
	(void)api_call(
		api, "QueryAvailableInstances", "PageSize", "100", "Region", "cn-hangzhou", NULL);
	assert_int_equal(api_int(api, "Data.TotalCount"), 255);
}

/* Where the operator wants to look first, nothing of a new instance blocks until somebody says so. */
static void test_watch_first(void **state)
{
	struct api *api = *state;
	size_t index, watching = 0;
	json_t *item;
	api->gateway.watch_first = true;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	(void)api_call_version(api, "2026-11-01", "DescribeMitigations", "InstanceId", id, NULL);
	assert_int_equal(api->response.status, 200);
	json_array_foreach((json_t *)(uintptr_t)api_get(api, "Mitigations"), index, item)
	{
		const char *mode = json_string_value(json_object_get(item, "Mode"));
		const char *usual = json_string_value(json_object_get(item, "DefaultMode"));
		assert_string_equal(mode, strcmp(usual, "block") == 0 ? "watch" : usual);
		watching += strcmp(mode, "watch") == 0;
	}
	assert_true(watching > 10);
	api->gateway.watch_first = false;
	id = api_buy(api, "ddoscoo", "Ipv4");
	(void)api_call_version(api, "2026-11-01", "DescribeMitigations", "InstanceId", id, NULL);
	assert_string_equal(api_text(api, "Mitigations.0.Mode"), "block");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_terraform_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renewal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_renewal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_query, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses_run_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch_first, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
