/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life cycle table at its edges, renewal, and the rules of plans, ids and origins.
 */
#include "base/clock.h"
#include "base/text.h"
#include "control/model/instance.h"
#include "control/model/lifecycle.h"
#include "control/model/port_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define T INT64_C(1767225600000)

static void test_states_at_their_edges(void **state)
{
	static const struct {
		int64_t after_ms;
		enum lifecycle_state state;
		bool mitigation, forwarding;
		int status, instance_status;
		enum err release;
	} cases[] = {
		{ -400 * DAY_MS, LIFECYCLE_NORMAL, true, true, 1, 1, ERR_INSTANCE_NOT_EXPIRED },
		{ -1, LIFECYCLE_NORMAL, true, true, 1, 1, ERR_INSTANCE_NOT_EXPIRED },
		{ 0, LIFECYCLE_EXPIRED, false, true, 2, 2, OK },
		{ 7 * DAY_MS - 1, LIFECYCLE_EXPIRED, false, true, 2, 2, OK },
		{ 7 * DAY_MS, LIFECYCLE_STOPPED, false, false, 2, 2, OK },
		{ 30 * DAY_MS - 1, LIFECYCLE_STOPPED, false, false, 2, 2, OK },
		/* Due for release, but nobody has released it. */
		{ 30 * DAY_MS, LIFECYCLE_STOPPED, false, false, 2, 2, OK },
		{ 4000 * DAY_MS, LIFECYCLE_STOPPED, false, false, 2, 2, OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t now = T + cases[i].after_ms;
		const struct lifecycle_row *row = lifecycle_at(T, now);

		assert_int_equal(row->state, cases[i].state);
		assert_int_equal(row->mitigation, cases[i].mitigation);
		assert_int_equal(row->forwarding, cases[i].forwarding);
		assert_int_equal(row->status, cases[i].status);
		assert_int_equal(row->instance_status, cases[i].instance_status);
		assert_int_equal(row->release, cases[i].release);
		assert_int_equal(row->renew, OK);
		/* What nodes are told says the same at the same moment. */
		assert_int_equal(now < lifecycle_mitigation_until(T), row->mitigation);
		assert_int_equal(now < lifecycle_forward_until(T), row->forwarding);
	}
	assert_int_equal(lifecycle_release_at(T), T + 30 * DAY_MS);
}

static void test_table_is_ordered(void **state)
{
	(void)state;
	for (int i = 0; i < LIFECYCLE_COUNT; i++) {
		assert_int_equal(lifecycle_table[i].state, i);
		assert_non_null(lifecycle_table[i].name);
		if (i > 0)
			assert_true(lifecycle_table[i].from_ms > lifecycle_table[i - 1].from_ms);
	}
	for (unsigned i = 1; i < lifecycle_notice_count; i++)
		assert_true(lifecycle_notices[i].from_ms > lifecycle_notices[i - 1].from_ms);
	assert_int_equal(lifecycle_table[LIFECYCLE_RELEASED].release, ERR_INSTANCE_NOT_FOUND);
	assert_int_equal(lifecycle_table[LIFECYCLE_RELEASED].instance_status, 4);
}

static void test_ends_of_the_scale(void **state)
{
	(void)state;
	assert_int_equal(lifecycle_at(INT64_MAX - 5, T)->state, LIFECYCLE_NORMAL);
	assert_int_equal(lifecycle_release_at(INT64_MAX - 5), INT64_MAX);
	assert_int_equal(lifecycle_forward_until(INT64_MAX - 5), INT64_MAX);
	assert_int_equal(lifecycle_at(0, INT64_MAX)->state, LIFECYCLE_STOPPED);
}

static void test_renewal(void **state)
{
	int64_t january_31, february_28, expiry;

	(void)state;
	assert_true(clock_parse_iso("2026-01-31T12:00:00Z", &january_31));
	assert_true(clock_parse_iso("2026-02-28T12:00:00Z", &february_28));
	/* While unexpired: from the old expiry. The day is clamped to the month. */
	assert_int_equal(lifecycle_renewed_expiry(january_31, january_31 - 1, 1), february_28);
	/* Expired: from now. */
	assert_int_equal(
		lifecycle_renewed_expiry(january_31 - 90 * DAY_MS, january_31, 1), february_28);
	assert_int_equal(lifecycle_renewed_expiry(january_31, january_31, 1), february_28);
	for (int months = 1; months <= 36; months++) {
		expiry = lifecycle_renewed_expiry(T, T + 29 * DAY_MS, months);
		assert_int_equal(lifecycle_at(expiry, T + 29 * DAY_MS)->state, LIFECYCLE_NORMAL);
	}
}

static void test_plan_ranges(void **state)
{
	static const struct {
		enum product product;
		const char *code, *value;
		bool taken;
	} cases[] = {
		{ PRODUCT_DDOSCOO, "PortCount", "50", true },
		{ PRODUCT_DDOSCOO, "PortCount", "400", true },
		{ PRODUCT_DDOSCOO, "PortCount", "45", false },
		{ PRODUCT_DDOSCOO, "PortCount", "405", false },
		{ PRODUCT_DDOSCOO, "PortCount", "52", false },
		{ PRODUCT_DDOSDIP, "PortCount", "5", true },
		{ PRODUCT_DDOSDIP, "PortCount", "0", false },
		{ PRODUCT_DDOSCOO, "DomainCount", "200", true },
		{ PRODUCT_DDOSCOO, "DomainCount", "10", false },
		{ PRODUCT_DDOSDIP, "DomainCount", "10", true },
		{ PRODUCT_DDOSCOO, "BaseBandwidth", "300", true },
		{ PRODUCT_DDOSCOO, "BaseBandwidth", "31", false },
		{ PRODUCT_DDOSCOO, "Bandwidth", "600", true },
		{ PRODUCT_DDOSCOO, "Bandwidth", "0", false },
		{ PRODUCT_DDOSCOO, "ServiceBandwidth", "100", true },
		{ PRODUCT_DDOSCOO, "ServiceBandwidth", "10000", true },
		{ PRODUCT_DDOSCOO, "ServiceBandwidth", "99", false },
		{ PRODUCT_DDOSCOO, "ServiceBandwidth", "10050", false },
		{ PRODUCT_DDOSDIP, "NormalBandwidth", "150", true },
		{ PRODUCT_DDOSDIP, "NormalBandwidth", "120", false },
		{ PRODUCT_DDOSCOO, "NormalQps", "500", true },
		{ PRODUCT_DDOSCOO, "NormalQps", "1000001", false },
		{ PRODUCT_DDOSCOO, "FunctionVersion", "1", true },
		{ PRODUCT_DDOSCOO, "FunctionVersion", "2", false },
		{ PRODUCT_DDOSDIP, "ProductPlan", "3", true },
		{ PRODUCT_DDOSDIP, "ProductPlan", "4", false },
		{ PRODUCT_DDOSCOO, "95BurstBandwidthMode", "2", true },
		{ PRODUCT_DDOSCOO, "95BurstBandwidthMode", "-1", false },
		{ PRODUCT_DDOSCOO, "PortCount", "many", false },
		{ PRODUCT_DDOSCOO, "PortCount", "", false },
		{ PRODUCT_DDOSCOO, "PortCount", "99999999999999999999", false },
		{ PRODUCT_DDOSCOO, "ServicePartner", "coop-line-001", true },
		{ PRODUCT_DDOSCOO, "Edition", "coop", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plan plan = plan_default(cases[i].product), before = plan;
		char why[256] = "";
		enum err err =
			plan_set(&plan, cases[i].product, cases[i].code, cases[i].value, why);

		assert_int_equal(err, cases[i].taken ? OK : ERR_INVALID_PARAMETER);
		if (cases[i].taken)
			continue;
		/* A refusal names the code and changes nothing. */
		assert_non_null(strstr(why, cases[i].code));
		assert_memory_equal(&plan, &before, sizeof(plan));
	}
}

static void test_plan_elastic_follows_base(void **state)
{
	struct plan plan = plan_default(PRODUCT_DDOSCOO);
	char why[256];

	(void)state;
	assert_int_equal(plan.elastic_bandwidth_gbps, 30);
	assert_int_equal(plan_set(&plan, PRODUCT_DDOSCOO, "BaseBandwidth", "300", why), OK);
	assert_int_equal(plan.elastic_bandwidth_gbps, 300);
	assert_int_equal(
		plan_set(&plan, PRODUCT_DDOSCOO, "Bandwidth", "60", why), ERR_INVALID_PARAMETER);
	assert_non_null(strstr(why, "Bandwidth"));
	assert_int_equal(plan_set(&plan, PRODUCT_DDOSCOO, "Bandwidth", "400", why), OK);
	assert_int_equal(plan.base_bandwidth_gbps, 300);
	assert_int_equal(plan.elastic_bandwidth_gbps, 400);
}

static void test_plan_defaults(void **state)
{
	struct plan pro = plan_default(PRODUCT_DDOSCOO), premium = plan_default(PRODUCT_DDOSDIP);
	char why[256];

	(void)state;
	assert_int_equal(pro.ports, 50);
	assert_int_equal(pro.domains, 50);
	assert_int_equal(pro.qps, 3000);
	assert_int_equal(pro.clean_bandwidth_mbps, 100);
	assert_int_equal(premium.ports, 5);
	assert_int_equal(premium.domains, 10);
	assert_int_equal(premium.defense_count, 2);
	assert_int_equal(plan_set(&premium, PRODUCT_DDOSDIP, "ProductPlan", "1", why), OK);
	assert_int_equal(premium.defense_count, -1);
	assert_int_equal(plan_set(&premium, PRODUCT_DDOSDIP, "ProductPlan", "0", why), OK);
	assert_int_equal(premium.defense_count, 2);
}

static void test_instance_ids(void **state)
{
	static const char *const invalid[] = { "", "ddoscoo-cn-", "ddoscoo-cn-abcdefghij",
		"ddoscoo-cn-abcdefghijkl", "ddoscoo-cn-Abcdefghijk", "ddoscoo-cn-abcde fghij",
		"ddosdip-sg-abcdefghijk", "xddoscoo-cn-abcdefghijk" };
	uint8_t random[16];
	char id[INSTANCE_ID_SIZE];

	(void)state;
	for (int i = 0; i < 256; i++) {
		memset(random, i, sizeof(random));
		instance_id_make(PRODUCT_DDOSCOO, random, id);
		assert_true(instance_id_valid(id));
		assert_memory_equal(id, "ddoscoo-cn-", 11);
		instance_id_make(PRODUCT_DDOSDIP, random, id);
		assert_true(instance_id_valid(id));
		assert_memory_equal(id, "ddosDip-sg-", 11);
		assert_int_equal(strlen(id), 22);
	}
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_false(instance_id_valid(invalid[i]));
}

static void test_names(void **state)
{
	enum product product;
	enum renewal renewal;
	enum protocol protocol;

	(void)state;
	for (int i = 0; i < PRODUCT_COUNT; i++) {
		assert_true(product_from_name(product_name((enum product)i), &product));
		assert_int_equal(product, i);
	}
	for (int i = 0; i < RENEWAL_COUNT; i++) {
		assert_true(renewal_from_name(renewal_name((enum renewal)i), &renewal));
		assert_int_equal(renewal, i);
	}
	assert_false(product_from_name("ddosdip", &product));
	assert_false(renewal_from_name("", &renewal));
	assert_true(protocol_from_name("UDP", &protocol));
	assert_int_equal(protocol, PROTOCOL_UDP);
	assert_string_equal(protocol_name(protocol), "udp");
	assert_false(protocol_from_name("sctp", &protocol));
}

static void test_origins(void **state)
{
	static const struct {
		const char *text;
		bool ipv6, taken;
	} cases[] = {
		{ "203.0.113.9", false, true },
		{ "10.0.0.1", false, true },
		{ "192.168.1.1", false, true },
		{ "2001:db8::1", true, true },
		{ "fd00::1", true, true },
		{ "2001:db8::1", false, false },
		{ "203.0.113.9", true, true },
		{ "::ffff:203.0.113.9", true, false },
		{ "127.0.0.1", true, false },
		{ "0.0.0.0", false, false },
		{ "127.0.0.1", false, false },
		{ "169.254.1.1", false, false },
		{ "224.0.0.1", false, false },
		{ "255.255.255.255", false, false },
		{ "::", true, false },
		{ "::1", true, false },
		{ "fe80::1", true, false },
		{ "ff02::1", true, false },
		{ "origin.example", false, false },
		{ "10.0.0.1/24", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct port_rule rule = { 0 };
		enum err err = port_rule_add_origin(&rule, cases[i].ipv6, cases[i].text);

		assert_int_equal(err, cases[i].taken ? OK : ERR_INVALID_ORIGIN);
		assert_int_equal(rule.origin_count, cases[i].taken ? 1 : 0);
	}
}

static void test_origin_bounds(void **state)
{
	struct port_rule rule = { 0 };
	char text[32];

	(void)state;
	for (int i = 1; i <= ORIGIN_MAX; i++) {
		(void)snprintf(text, sizeof(text), "10.0.0.%d", i);
		assert_int_equal(port_rule_add_origin(&rule, false, text), OK);
		assert_int_equal(rule.origin[i - 1].weight, 100);
	}
	assert_int_equal(port_rule_add_origin(&rule, false, "10.0.1.1"), ERR_LIMIT);
	assert_int_equal(port_rule_add_origin(&rule, false, "10.0.0.1"), ERR_INVALID_ORIGIN);
	assert_int_equal(rule.origin_count, ORIGIN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_at_their_edges),
		cmocka_unit_test(test_table_is_ordered),
		cmocka_unit_test(test_ends_of_the_scale),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_plan_ranges),
		cmocka_unit_test(test_plan_elastic_follows_base),
		cmocka_unit_test(test_plan_defaults),
		cmocka_unit_test(test_instance_ids),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_origin_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
