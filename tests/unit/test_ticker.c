/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's turns: at once, as soon as the last one said, when woken, and none behind the end. Waits are either so short
 * that they end or so long that only to be woken can end them; nothing is measured.
 */
#include "base/ticker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/clock.h"

#define FOREVER_MS HOUR_MS
#define LOOK_US	   1000
#define PATIENCE   60000 /* looks before a test gives up */

struct work {
	struct ticker *ticker;
	int64_t wait_ms;
	bool wakes_itself;
	int turns; /* atomic */
	int hold;  /* atomic: a turn does not end before it is 0 */
	int ended; /* atomic */
};

static int value(int *number)
{
	return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static bool reaches(int *number, int wanted)
{
	for (int i = 0; i < PATIENCE && value(number) < wanted; i++)
		(void)usleep(LOOK_US);
	return value(number) >= wanted;
}

static int64_t turn(void *context)
{
	struct work *work = context;

	if (__atomic_add_fetch(&work->turns, 1, __ATOMIC_SEQ_CST) == 1 && work->wakes_itself)
		ticker_wake(work->ticker);
	while (value(&work->hold))
		(void)usleep(LOOK_US);
	(void)__atomic_add_fetch(&work->ended, 1, __ATOMIC_SEQ_CST);
	return work->wait_ms;
}

static void the_first_comes_at_once_and_others_when_due(void **state)
{
	static const int64_t waits_ms[] = { 0, 1, 20 };
	struct ticker ticker;

	(void)state;
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(*waits_ms); i++) {
		struct work work = { .ticker = &ticker, .wait_ms = waits_ms[i] };

		assert_int_equal(ticker_start(&ticker, "a test", turn, &work), OK);
		assert_true(reaches(&work.turns, 4));
		ticker_stop(&ticker);
		assert_int_equal(value(&work.turns), value(&work.ended));
	}
}

static void to_be_woken_ends_a_wait(void **state)
{
	struct ticker ticker;
	struct work work = { .ticker = &ticker, .wait_ms = FOREVER_MS };

	(void)state;
	assert_int_equal(ticker_start(&ticker, "a test", turn, &work), OK);
	for (int i = 1; i < 5; i++) {
		assert_true(reaches(&work.ended, i));
		ticker_wake(&ticker);
	}
	assert_true(reaches(&work.ended, 5));
	ticker_stop(&ticker); /* so does the end */
}

static void news_during_a_turn_are_heard_behind_it(void **state)
{
	struct ticker ticker;
	struct work work = { .ticker = &ticker, .wait_ms = FOREVER_MS, .hold = 1 };

	(void)state;
	assert_int_equal(ticker_start(&ticker, "a test", turn, &work), OK);
	assert_true(reaches(&work.turns, 1));
	ticker_wake(&ticker);
	__atomic_store_n(&work.hold, 0, __ATOMIC_SEQ_CST);
	assert_true(reaches(&work.turns, 2));
	ticker_stop(&ticker);

	work = (struct work){ .ticker = &ticker, .wait_ms = FOREVER_MS, .wakes_itself = true };
	assert_int_equal(ticker_start(&ticker, "a test", turn, &work), OK);
	assert_true(reaches(&work.turns, 2));
	ticker_stop(&ticker);
}

static void what_never_started_is_stopped(void **state)
{
	struct ticker ticker = { 0 };
	struct work work = { .ticker = &ticker, .wait_ms = FOREVER_MS };

	(void)state;
	ticker_stop(&ticker);
	assert_int_equal(ticker_start(&ticker, "a test", turn, &work), OK);
	ticker_stop(&ticker);
	ticker_stop(&ticker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_comes_at_once_and_others_when_due),
		cmocka_unit_test(to_be_woken_ends_a_wait),
		cmocka_unit_test(news_during_a_turn_are_heard_behind_it),
		cmocka_unit_test(what_never_started_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
