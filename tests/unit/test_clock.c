/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendar and spans.
 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} iso_cases[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-01-02T03:04:05Z", INT64_C(1767323045000) },
	{ "2000-02-29T23:59:59Z", INT64_C(951868799000) },
	{ "9999-12-31T23:59:59Z", INT64_C(253402300799000) },
	{ "2100-03-01T00:00:00Z", INT64_C(4107542400000) },
	{ "2100-02-29T00:00:00Z", -1 },
	{ "2023-02-29T00:00:00Z", -1 },
	{ "2024-02-30T00:00:00Z", -1 },
	{ "2024-00-01T00:00:00Z", -1 },
	{ "2024-13-01T00:00:00Z", -1 },
	{ "2024-01-00T00:00:00Z", -1 },
	{ "2024-04-31T00:00:00Z", -1 },
	{ "2024-01-01T24:00:00Z", -1 },
	{ "2024-01-01T00:60:00Z", -1 },
	{ "2024-01-01T00:00:60Z", -1 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "2024-01-01T00:00:00", -1 },
	{ "2024-01-01T00:00:00ZZ", -1 },
	{ "2024-01-01 00:00:00Z", -1 },
	{ "2024-01-01T00:00:00+00:00", -1 },
	{ "2024-1-01T00:00:00Z", -1 },
	{ "+024-01-01T00:00:00Z", -1 },
	{ "", -1 },
};

static void iso(void **state)
{
	char text[CLOCK_ISO_SIZE];
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(iso_cases) / sizeof(*iso_cases); i++) {
		if (clock_parse_iso(iso_cases[i].text, &ms) != (iso_cases[i].ms >= 0))
			fail_msg("%s", iso_cases[i].text);
		if (iso_cases[i].ms < 0)
			continue;
		assert_true(ms == iso_cases[i].ms);
		clock_format_iso(ms + 999, text);
		assert_string_equal(text, iso_cases[i].text);
	}
	clock_format_iso(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
	clock_format_iso(INT64_MAX, text);
	assert_int_equal(strlen(text), 20);
}

/* Every day of two 400-year cycles, against the day before it. */
static void every_day_follows(void **state)
{
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = 1970, month = 1, day = 1, last;
	char text[CLOCK_ISO_SIZE], expected[64];
	int64_t n, ms;

	(void)state;
	for (n = 0; n < 2 * 146097; n++) {
		clock_format_iso(n * DAY_MS, text);
		(void)snprintf(
			expected, sizeof(expected), "%04d-%02d-%02dT00:00:00Z", year, month, day);
		assert_string_equal(text, expected);
		assert_true(clock_parse_iso(text, &ms) && ms == n * DAY_MS);
		last = length[month - 1] +
		       (month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0));
		if (day++ < last)
			continue;
		day = 1;
		month = month % 12 + 1;
		year += month == 1;
	}
}

static void months(void **state)
{
	static const struct {
		const char *from;
		int months;
		const char *to;
	} cases[] = {
		{ "2026-01-31T10:20:30Z", 1, "2026-02-28T10:20:30Z" },
		{ "2024-01-31T10:20:30Z", 1, "2024-02-29T10:20:30Z" },
		{ "2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00Z" },
		{ "2026-11-23T08:00:00Z", 1, "2026-12-23T08:00:00Z" },
		{ "2026-11-23T08:00:00Z", 2, "2027-01-23T08:00:00Z" },
		{ "2026-11-23T08:00:00Z", 36, "2029-11-23T08:00:00Z" },
		{ "2026-03-31T08:00:00Z", -1, "2026-02-28T08:00:00Z" },
		{ "2026-01-15T08:00:00Z", -13, "2024-12-15T08:00:00Z" },
		{ "2026-01-15T08:00:00Z", 0, "2026-01-15T08:00:00Z" },
	};
	char text[CLOCK_ISO_SIZE];
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(clock_parse_iso(cases[i].from, &ms));
		clock_format_iso(clock_add_months(ms, cases[i].months), text);
		assert_string_equal(text, cases[i].to);
	}
	/* Milliseconds stay. */
	assert_true(clock_add_months(123, 1) == 31 * DAY_MS + 123);
}

static void spans(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		int64_t ms;
	} cases[] = {
		{ "+8d", true, 8 * DAY_MS },
		{ "-1s", true, -SECOND_MS },
		{ "90m", true, 90 * MINUTE_MS },
		{ "1h", true, HOUR_MS },
		{ "0s", true, 0 },
		{ "36500d", true, 36500 * DAY_MS },
		{ "36501d", false, 0 },
		{ "99999999999999999999d", false, 0 },
		{ "3153600001s", false, 0 },
		{ "", false, 0 },
		{ "d", false, 0 },
		{ "5", false, 0 },
		{ "+-5s", false, 0 },
		{ "5 s", false, 0 },
		{ "5sx", false, 0 },
		{ "5w", false, 0 },
	};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (clock_parse_span(cases[i].text, &ms) != cases[i].valid)
			fail_msg("%s", cases[i].text);
		if (cases[i].valid)
			assert_true(ms == cases[i].ms);
	}
}

static void clocks_run(void **state)
{
	int64_t utc = clock_utc_ms(), monotonic = clock_monotonic_ms();

	(void)state;
	assert_true(utc > INT64_C(1700000000000));
	assert_true(clock_monotonic_ms() >= monotonic);
}

static void deadlines(void **state)
{
	static const int64_t waits[] = { 0, 1, 999, 1000, 1001, 59999 };

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		int64_t before = clock_monotonic_ms();
		struct timespec until = clock_deadline(waits[i]);
		int64_t after = clock_monotonic_ms();
		int64_t at = (int64_t)until.tv_sec * SECOND_MS + until.tv_nsec / 1000000;

		assert_in_range(until.tv_nsec, 0, 999999999);
		assert_true(at >= before + waits[i] && at <= after + waits[i] + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iso),
		cmocka_unit_test(every_day_follows),
		cmocka_unit_test(months),
		cmocka_unit_test(spans),
		cmocka_unit_test(clocks_run),
		cmocka_unit_test(deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
