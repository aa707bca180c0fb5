/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance may have beyond its plan, as rules: how much, when another metering begins, and what of samples counts.
 */
#include "control/model/burst.h"

#include "base/clock.h"
#include "control/model/protection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

static int64_t at(const char *iso)
{
	int64_t ms;

	assert_true(clock_parse_iso(iso, &ms));
	return ms;
}

static void test_fits(void **state)
{
	static const struct {
		int64_t clean, burst;
		bool fits;
	} rows[] = { { 100, 0, true }, { 100, 1, true }, { 100, 900, true }, { 100, 901, false },
		{ 1000, 9000, true }, { 2000, 8000, true }, { 2000, 8001, false },
		{ 10000, 0, true }, { 10000, 1, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct plan plan = { .clean_bandwidth_mbps = rows[i].clean,
			.burst_bandwidth_mbps = rows[i].burst };

		assert_int_equal(burst_bandwidth_fits(&plan), rows[i].fits);
	}
	assert_int_equal(burst_qps_most(PRODUCT_DDOSCOO), 300000);
	assert_int_equal(burst_qps_most(PRODUCT_DDOSCOO_INTL), 300000);
	assert_int_equal(burst_qps_most(PRODUCT_DDOSDIP), 150000);
}

/* Limit that was asked for, whether a mode was chosen, the burst; what nodes enforce of 100 Mbit/s. */
static void test_enforced(void **state)
{
	static const struct {
		int64_t limit;
		bool chosen;
		int64_t burst, enforced;
	} rows[] = { { 0, false, 0, 0 }, { 0, true, 0, 100 }, { 500, false, 0, 500 },
		{ 50, true, 0, 50 }, { 0, false, 300, 400 }, { 0, true, 300, 400 },
		{ 50, false, 300, 50 }, { 500, false, 300, 400 }, { 500, true, 300, 400 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct plan plan = { .clean_bandwidth_mbps = 100,
			.burst_bandwidth_mbps = rows[i].burst };
		struct protection protection = protection_default(1);

		protection.real_limit_mbps = rows[i].limit;
		if (rows[i].chosen)
			protection.mode[MITIGATION_plan_bytes] = MITIGATION_BLOCK;
		assert_int_equal(protection_bytes_max(&protection, &plan),
			rows[i].enforced * INT64_C(125000));
	}
}

static void test_calendar(void **state)
{
	(void)state;
	assert_int_equal(burst_day_begin(at("2026-11-23T15:59:59Z")), at("2026-11-22T16:00:00Z"));
	assert_int_equal(burst_day_begin(at("2026-11-23T16:00:00Z")), at("2026-11-23T16:00:00Z"));
	assert_int_equal(burst_month_begin(at("2026-11-30T15:59:59Z")), at("2026-10-31T16:00:00Z"));
	assert_int_equal(burst_month_begin(at("2026-11-30T16:00:00Z")), at("2026-11-30T16:00:00Z"));
	assert_int_equal(burst_month_next(at("2026-11-30T15:59:59Z")), at("2026-11-30T16:00:00Z"));
	assert_int_equal(burst_month_next(at("2026-12-31T15:00:00Z")), at("2026-12-31T16:00:00Z"));
	assert_int_equal(burst_month_next(at("2028-02-10T00:00:00Z")), at("2028-02-29T16:00:00Z"));
	assert_int_equal(clock_month_begin(at("1970-01-31T00:00:00Z")), 0);
}

static void test_mode(void **state)
{
	struct plan plan = { .burst_mode = METERING_DAY };
	int64_t now_ms = at("2026-11-23T10:00:00Z"), next_ms = at("2026-11-30T16:00:00Z");
	int64_t metering;

	(void)state;
	burst_mode_choose(&plan, METERING_MONTH, now_ms);
	assert_int_equal(burst_mode_at(&plan, next_ms - 1), METERING_DAY);
	assert_int_equal(burst_mode_at(&plan, next_ms), METERING_MONTH);
	/* The last choice of a month counts. */
	burst_mode_choose(&plan, METERING_DAY, now_ms + 1);
	assert_int_equal(burst_mode_at(&plan, next_ms), METERING_DAY);
	/* One of the month after it begins with what is in force by then. */
	burst_mode_choose(&plan, METERING_MONTH, now_ms + 2);
	burst_mode_choose(&plan, METERING_DAY, next_ms);
	assert_int_equal(burst_mode_at(&plan, next_ms), METERING_MONTH);
	assert_int_equal(burst_mode_at(&plan, at("2026-12-31T16:00:00Z")), METERING_DAY);
	assert_string_equal(metering_name(METERING_MONTH), "month");
	assert_string_equal(metering_name(METERING_NONE), "");
	assert_string_equal(metering_name(7), "");
	assert_true(metering_from_name("day", &metering));
	assert_int_equal(metering, METERING_DAY);
	assert_false(metering_from_name("", &metering));
	assert_false(metering_from_name("year", &metering));
}

static void test_percentile(void **state)
{
	uint64_t sample[288];

	(void)state;
	for (uint64_t i = 0; i < 288; i++)
		sample[i] = 288 - i;
	assert_int_equal(burst_percentile(sample, 288), 273);
	for (uint64_t i = 0; i < 20; i++)
		sample[i] = i == 3 ? 1000 : 7;
	assert_int_equal(burst_percentile(sample, 20), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_enforced),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_percentile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
