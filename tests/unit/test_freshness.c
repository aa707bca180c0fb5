/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long answers are kept: by what the origin says, by the rule, and by what is usual; and those that never are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nginx/freshness.h"

#define NOW    1000000
#define DAY    FRESHNESS_FAILED_SECONDS
#define UPDATE FRESHNESS_UPDATE_SECONDS
#define NOTHING                                                                                    \
	{                                                                                          \
		0, 0, 0                                                                            \
	}

static const struct freshness_wish asset = { .is_static = true }, page = { 0 },
				   ruled = { .seconds = 86400 };

static struct freshness_answer answer_of(unsigned status, const char *control)
{
	struct freshness_answer answer = { .status = status,
		.control = freshness_begin(),
		.expires = FRESHNESS_ABSENT,
		.date = FRESHNESS_ABSENT,
		.now = NOW };

	freshness_read(&answer.control, control, strlen(control));
	return answer;
}

static void expect(const struct freshness_answer *answer, const struct freshness_wish *wish,
	struct freshness expected)
{
	struct freshness got = freshness_of(answer, wish);

	assert_int_equal(got.seconds, expected.seconds);
	assert_int_equal(got.update_seconds, expected.update_seconds);
	assert_int_equal(got.failed_seconds, expected.failed_seconds);
}

static void test_control(void **state)
{
	static const struct {
		const char *control;
		const struct freshness_wish *wish;
		struct freshness expected;
	} rows[] = {
		{ "", &asset, { FRESHNESS_STATIC_SECONDS, UPDATE, DAY } },
		{ "public", &page, { FRESHNESS_OTHER_SECONDS, UPDATE, DAY } },
		{ "max-age=90", &asset, { 90, UPDATE, DAY } },
		{ "public , Max-Age=\"90\"", &asset, { 90, UPDATE, DAY } },
		{ "max-age = 90", &asset, NOTHING }, /* no number */
		{ "max-age=90,max-age=80", &asset, { 80, UPDATE, DAY } },
		{ "max-age=99999999999999999999", &asset, { FRESHNESS_MAX_SECONDS, UPDATE, DAY } },
		{ "max-age=-1", &asset, NOTHING },
		{ "max-age", &asset, NOTHING },
		{ "max-age=", &asset, NOTHING },
		{ "max-age=0", &asset, NOTHING },
		{ "max-age=0", &ruled, { 86400, UPDATE, DAY } },
		{ "no-cache", &asset, NOTHING },
		{ "no-cache", &ruled, { 86400, UPDATE, DAY } },
		{ "no-store", &ruled, NOTHING },
		{ "PRIVATE, max-age=90", &ruled, NOTHING },
		{ "private=\"set-cookie, x\", max-age=90", &ruled, NOTHING },
		{ "extension=\"no-store, private\", max-age=90", &asset, { 90, UPDATE, DAY } },
		{ "x-private, no-storey, max-age=90", &asset, { 90, UPDATE, DAY } },
		{ "max-age=90, s-maxage=50", &asset, { 50 - UPDATE, UPDATE, 0 } },
		{ "s-maxage=0, max-age=90", &asset, NOTHING },
		{ "max-age=90, must-revalidate", &asset, { 90 - UPDATE, UPDATE, 0 } },
		{ "max-age=90, proxy-revalidate", &asset, { 90 - UPDATE, UPDATE, 0 } },
		/* Never stale beyond its end, however short it is. */
		{ "max-age=10, must-revalidate", &asset, { 5, 5, 0 } },
		{ "max-age=1, must-revalidate", &asset, { 1, 0, 0 } },
		{ ",,, ,max-age=90,", &asset, { 90, UPDATE, DAY } },
		{ "\"", &asset, { FRESHNESS_STATIC_SECONDS, UPDATE, DAY } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct freshness_answer answer = answer_of(200, rows[i].control);

		expect(&answer, rows[i].wish, rows[i].expected);
	}
}

static void test_statuses(void **state)
{
	static const struct {
		unsigned status;
		const char *control;
		const struct freshness_wish *wish;
		int64_t seconds;
	} rows[] = {
		{ 301, "", &page, FRESHNESS_OTHER_SECONDS },
		{ 302, "", &page, 0 },
		{ 302, "", &ruled, 0 },
		{ 302, "max-age=90", &page, 90 },
		{ 404, "", &asset, FRESHNESS_MISSING_SECONDS },
		{ 404, "max-age=90", &asset, 90 },
		{ 404, "", &ruled, FRESHNESS_MISSING_SECONDS },
		{ 206, "max-age=90", &asset, 0 },
		{ 304, "max-age=90", &asset, 0 },
		{ 401, "max-age=90", &asset, 0 },
		{ 403, "max-age=90", &ruled, 0 },
		{ 500, "max-age=90", &ruled, 0 },
		{ 503, "max-age=90", &ruled, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct freshness_answer answer = answer_of(rows[i].status, rows[i].control);

		assert_int_equal(freshness_of(&answer, rows[i].wish).seconds, rows[i].seconds);
	}
}

static void test_expires(void **state)
{
	struct freshness_answer answer = answer_of(200, "");

	(void)state;
	answer.expires = NOW + 70;
	expect(&answer, &asset, (struct freshness){ 70, UPDATE, DAY });
	/* By the origin's own clock. */
	answer.date = NOW + 50;
	expect(&answer, &asset, (struct freshness){ 20, UPDATE, DAY });
	answer.age = 15;
	expect(&answer, &asset, (struct freshness){ 5, UPDATE, DAY });
	answer.age = 20;
	expect(&answer, &asset, (struct freshness)NOTHING);
	expect(&answer, &ruled, (struct freshness){ 86400, UPDATE, DAY });
	answer.age = 0;
	freshness_read(&answer.control, "max-age=90", 10);
	expect(&answer, &asset, (struct freshness){ 90, UPDATE, DAY });
}

static void test_never(void **state)
{
	struct freshness_answer answer = answer_of(200, "max-age=90");
	const struct freshness_answer good = answer;

	(void)state;
	answer.sets_cookie = true;
	expect(&answer, &ruled, (struct freshness)NOTHING);
	answer = good;
	answer.varies_wholly = true;
	expect(&answer, &ruled, (struct freshness)NOTHING);
	answer = good;
	answer.encoded = true;
	expect(&answer, &ruled, (struct freshness)NOTHING);
	answer.varies_coding = true;
	assert_int_equal(freshness_of(&answer, &page).seconds, 90);
	answer = good;
	answer.is_page = true;
	assert_int_equal(freshness_of(&answer, &page).seconds, 90);
	expect(&answer, &asset, (struct freshness)NOTHING);
	/* The page that says that there is none. */
	answer.status = 404;
	assert_int_equal(freshness_of(&answer, &asset).seconds, 90);
}

static void test_types(void **state)
{
	(void)state;
	assert_true(freshness_is_static("css", 3));
	assert_true(freshness_is_static("WOFF2x", 5));
	assert_false(freshness_is_static("cs", 2));
	assert_false(freshness_is_static("", 0));
	assert_false(freshness_is_static("html", 4));
	assert_false(freshness_is_static("php", 3));
	assert_false(freshness_is_static("json", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
