/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When an attack begins and ends: rows of seconds, and what becomes of them.
 */
#include "control/model/attack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S 1000
/* Counters are known since long ago. */
#define BASE (1000000 * (int64_t)S)

static const struct attack_terms terms = { .refused = 1000, .share = 20, .quiet_ms = 60 * S };

static struct attack_second second_of(int64_t at, uint64_t passed, uint64_t refused)
{
	struct attack_second second = {
		.time_ms = BASE + at * S,
		.span_ms = S,
		.in = { passed + refused, (passed + refused) * 100 },
		.refused = { refused, refused * 100 },
		.passed = { passed, passed * 100 },
	};

	second.part[REASON_no_service] = second.refused;
	return second;
}

struct row {
	int64_t at, count; /* seconds from at on; count 0: ends the list */
	uint64_t passed, refused;
};
struct expected { /* of the first attack; begin < 0: there is none */
	int64_t begin, mitigated, last;
	uint64_t refused, peak;
	bool open; /* still, when all rows were fed */
	int attacks;
};
struct test_case {
	const char *name;
	struct row row[6];
	struct expected expected;
};

static const struct test_case cases[] = {
	{ "nothing", { { 0, 10, 500, 0 } }, { .begin = -1 } },
	{ "below the threshold", { { 0, 10, 500, 999 } }, { .begin = -1 } },
	{ "at the threshold", { { 0, 10, 500, 0 }, { 10, 3, 500, 1000 } },
		{ 10, 10, 13, 3000, 1000, true, 1 } },
	{ "below the share", { { 0, 10, 50000, 0 }, { 10, 5, 50000, 12000 } }, { .begin = -1 } },
	{ "at the share", { { 0, 20, 48000, 0 }, { 20, 5, 48000, 12000 } },
		{ 20, 20, 25, 60000, 12000, true, 1 } },
	{ "it swells: the run before belongs to it",
		{ { 0, 10, 0, 0 }, { 10, 2, 0, 600 }, { 12, 1, 0, 2000 } },
		{ 10, 10, 13, 3200, 2000, true, 1 } },
	{ "a run that broke does not",
		{ { 0, 10, 0, 0 }, { 10, 2, 0, 600 }, { 12, 1, 5, 0 }, { 13, 1, 0, 2000 } },
		{ 13, 13, 14, 2000, 2000, true, 1 } },
	{ "half of the threshold keeps it going, less does not",
		{ { 10, 1, 0, 2000 }, { 11, 5, 0, 500 }, { 16, 5, 0, 499 } },
		{ 10, 10, 16, 2000 + 2500 + 2495, 2000, true, 1 } },
	{ "flapping within the quiet time is one",
		{ { 10, 2, 0, 2000 }, { 12, 50, 9, 0 }, { 62, 2, 0, 3000 } },
		{ 10, 10, 64, 10000, 3000, true, 1 } },
	{ "behind it is another one", { { 10, 2, 0, 2000 }, { 12, 60, 9, 0 }, { 72, 2, 0, 3000 } },
		{ 10, 10, 12, 4000, 2000, true, 2 } },
	{ "it is over after the quiet time", { { 10, 2, 0, 2000 }, { 12, 60, 9, 0 } },
		{ 10, 10, 12, 4000, 2000, false, 1 } },
	{ "it passed before it was refused",
		{ { 0, 30, 100, 0 }, { 30, 4, 9000, 0 }, { 34, 3, 100, 9000 } },
		{ 30, 34, 37, 27000, 9000, true, 1 } },
	{ "what passed and came to an end before was something else",
		{ { 0, 30, 100, 0 }, { 30, 4, 9000, 0 }, { 34, 6, 100, 0 }, { 40, 3, 100, 9000 } },
		{ 40, 40, 43, 27000, 9000, true, 1 } },
	{ "what grew and stayed has become usual",
		{ { 0, 30, 100, 0 }, { 30, 100, 9000, 0 }, { 130, 3, 9000, 9000 } },
		{ 130, 130, 133, 27000, 9000, true, 1 } },
};

static void run_case(const struct test_case *test)
{
	struct attack first = { .begin_ms = -1 }, over;
	struct attack_watch watch;
	int attacks = 0;

	attack_watch_init(&watch, BASE - ATTACK_LEARN_MS);
	for (const struct row *row = test->row; row < test->row + 6 && row->count > 0; row++) {
		for (int64_t i = 0; i < row->count; i++) {
			struct attack_second second =
				second_of(row->at + i, row->passed, row->refused);

			attacks += attack_feed(&watch, &terms, &second);
			if (attacks == 1 && watch.open)
				first = watch.attack;
			if (attack_over(&watch, &terms, second.time_ms + S, &over) && attacks == 1)
				first = over;
		}
	}
	if (test->expected.begin < 0) {
		assert_int_equal(attacks, 0);
		assert_false(watch.open);
		return;
	}
	assert_int_equal((first.begin_ms - BASE) / S, test->expected.begin);
	assert_int_equal((first.mitigated_ms - BASE) / S, test->expected.mitigated);
	assert_int_equal((first.last_ms - BASE) / S, test->expected.last);
	assert_int_equal(first.refused.packets, test->expected.refused);
	assert_int_equal(first.refused.bytes, test->expected.refused * 100);
	assert_int_equal(first.part[REASON_no_service].packets, test->expected.refused);
	assert_int_equal(first.peak_refused.packets, test->expected.peak);
	assert_int_equal(watch.open, test->expected.open);
	assert_int_equal(attacks, test->expected.attacks);
	if (!test->expected.open)
		assert_int_equal(first.end_ms, first.last_ms);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].name);
		run_case(&cases[i]);
	}
}

/* The last second comes again with more in it, as reports of it come in. */
static void test_seconds_that_grow(void **state)
{
	struct attack_watch watch;
	struct attack_second second;

	(void)state;
	attack_watch_init(&watch, BASE - ATTACK_LEARN_MS);
	second = second_of(0, 10, 600);
	assert_false(attack_feed(&watch, &terms, &second));
	second = second_of(1, 10, 100); /* not yet half of the threshold */
	assert_false(attack_feed(&watch, &terms, &second));
	second = second_of(1, 10, 700);
	assert_false(attack_feed(&watch, &terms, &second));
	second = second_of(1, 10, 1500);
	assert_true(attack_feed(&watch, &terms, &second));
	assert_int_equal(watch.attack.refused.packets, 2100);
	assert_int_equal(watch.attack.in.packets, 2120);
	second = second_of(1, 10, 1500);
	assert_false(attack_feed(&watch, &terms, &second));
	assert_int_equal(watch.attack.refused.packets, 2100);
	assert_int_equal(watch.attack.peak_refused.packets, 1500);
	assert_int_equal(watch.attack.begin_ms, BASE);
	/* An earlier one is no news. */
	second = second_of(0, 10, 90000);
	assert_false(attack_feed(&watch, &terms, &second));
	assert_int_equal(watch.attack.refused.packets, 2100);
}

/* A report that came late holds several seconds: rates are over all of them. */
static void test_late_reports(void **state)
{
	struct attack_watch watch;
	struct attack_second second = second_of(0, 0, 5000);

	(void)state;
	attack_watch_init(&watch, BASE - ATTACK_LEARN_MS);
	second.span_ms = 10 * S;
	assert_false(attack_feed(&watch, &terms, &second));
	second = second_of(5, 0, 20000);
	second.span_ms = 5 * S;
	assert_true(attack_feed(&watch, &terms, &second));
	assert_int_equal(watch.attack.peak_refused.packets, 4000);
	assert_int_equal(watch.attack.refused.packets, 20000);
}

/* Nobody told anything: what goes on unseen is not over. */
static void test_missing_reports(void **state)
{
	struct attack_watch watch;
	struct attack_second second = second_of(0, 0, 5000);
	struct attack over;

	(void)state;
	attack_watch_init(&watch, BASE - ATTACK_LEARN_MS);
	assert_true(attack_feed(&watch, &terms, &second));
	assert_false(attack_over(&watch, &terms, BASE + 2 * S, &over));
	assert_false(attack_over(&watch, &terms, BASE + 61 * S - 1, &over));
	second = second_of(300, 0, 5000); /* back, and it still goes on */
	assert_false(attack_feed(&watch, &terms, &second));
	assert_false(attack_over(&watch, &terms, BASE + 302 * S, &over));
	assert_true(attack_over(&watch, &terms, BASE + 361 * S, &over));
	assert_int_equal(over.end_ms, BASE + 301 * S);
	assert_int_equal(over.refused.packets, 10000);
	assert_false(attack_over(&watch, &terms, BASE + 400 * S, &over));
}

/* Right after a start nothing is known of the usual, so that nothing is unusual. */
static void test_first_minute(void **state)
{
	struct attack_watch watch;
	struct attack_second second;

	(void)state;
	attack_watch_init(&watch, BASE);
	for (int i = 0; i < 5; i++) {
		second = second_of(i, 50000, 0);
		assert_false(attack_feed(&watch, &terms, &second));
	}
	second = second_of(5, 0, 50000);
	assert_true(attack_feed(&watch, &terms, &second));
	assert_int_equal(watch.attack.begin_ms, BASE + 5 * S);
}

static void test_parts(void **state)
{
	struct counter reason[REASON_COUNT] = { 0 }, part[ATTACK_PARTS], sum;

	(void)state;
	reason[REASON_cookie_sent] = (struct counter){ 1000, 40000 };
	reason[REASON_flow_opened] = (struct counter){ 100, 4000 };
	reason[REASON_forwarding_off] = (struct counter){ 7, 7 };
	reason[REASON_no_origin] = (struct counter){ 7, 7 };
	reason[REASON_plan_bytes] = (struct counter){ 7, 7 };
	reason[REASON_icmp] = (struct counter){ 5, 500 };
	reason[REASON_service_rate] = (struct counter){ 3, 120 };
	sum = attack_parts(ATTACK_DEFENSE, reason, part);
	assert_int_equal(sum.packets, 905);
	assert_int_equal(sum.bytes, 36500);
	assert_int_equal(part[REASON_cookie_sent].packets, 900);
	assert_int_equal(part[REASON_flow_opened].packets, 0);
	sum = attack_parts(ATTACK_CC, reason, part);
	assert_int_equal(sum.packets, 3);
	assert_int_equal(part[REASON_icmp].packets, 0);
	/* More come back than were sent: of the second before. */
	reason[REASON_flow_opened].packets = 2000;
	sum = attack_parts(ATTACK_DEFENSE, reason, part);
	assert_int_equal(sum.packets, 5);
	assert_string_equal(attack_part_type(ATTACK_DEFENSE, REASON_cookie_sent), "Tcp-Syn");
	assert_string_equal(attack_part_type(ATTACK_DEFENSE, REASON_block_list), "other");
	assert_string_equal(attack_part_type(ATTACK_WEB_CC, REASON_cookie_sent), "other");
	/* Every reason that means an attack is a DROP, but for this one. */
	for (uint32_t i = 0; i < REASON_DROP_FIRST; i++)
		for (unsigned kind = 0; kind < ATTACK_KIND_COUNT; kind++)
			assert_true(i == REASON_cookie_sent ||
				    !attack_reason((enum attack_kind)kind, i));
}

static void test_text(void **state)
{
	struct counter part[ATTACK_PARTS] = { 0 }, read[ATTACK_PARTS];
	struct arena *mem = arena_new(65536);
	const char *text;

	(void)state;
	part[REASON_cookie_sent] = (struct counter){ 12, 480 };
	part[REASON_icmp] = (struct counter){ 1, 84 };
	text = attack_parts_format(mem, ATTACK_DEFENSE, part);
	assert_string_equal(text, "cookie_sent 12 480 icmp 1 84");
	attack_parts_read(ATTACK_DEFENSE, text, read);
	assert_memory_equal(part, read, sizeof(part));
	attack_parts_read(ATTACK_DEFENSE, "gone 1 1 icmp x 84 icmp 2", read);
	assert_int_equal(read[REASON_icmp].packets, 0);
	memset(part, 0, sizeof(part));
	part[ATTACK_WEB_CHALLENGED].packets = 3;
	assert_string_equal(attack_parts_format(mem, ATTACK_WEB_CC, part), "challenged 3 0");
	for (unsigned i = 0; i < ATTACK_KIND_COUNT; i++) {
		enum attack_kind kind;

		assert_true(attack_kind_from_name(attack_kind_name((enum attack_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	arena_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_seconds_that_grow),
		cmocka_unit_test(test_late_reports),
		cmocka_unit_test(test_missing_reports),
		cmocka_unit_test(test_first_minute),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
