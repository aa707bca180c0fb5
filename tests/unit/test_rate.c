/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates: windows at the border of intervals, actions that last, what gives way, marks that dead workers left, different
 * values and how exactly they are counted, and several processes on the same memory.
 */
#include "nginx/rate.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOTS	  4096
#define NOW	  INT64_C(1780000000000)
#define PROCESSES 4
#define ROUNDS	  20000

static struct rates rates;

static int set_up(void **state)
{
	(void)state;
	rates = (struct rates){ .count = SLOTS, .secret = { 1, 2 } };
	rates.slot = mmap(NULL, SLOTS * sizeof(struct rate_slot), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return rates.slot == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(rates.slot, SLOTS * sizeof(struct rate_slot));
}

static uint64_t key_of(uint32_t number)
{
	return rate_key(&rates, 7, 1, &number, sizeof(number));
}

/* SipHash-1-3 with key 00..0f over 00, 01, ...: values of a second implementation, which has the published ones of
 * SipHash-2-4. */
static void test_hash(void **state)
{
	const uint64_t secret[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t data[15];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	assert_int_equal(rate_hash(secret, data, 0), UINT64_C(0xabac0158050fc4dc));
	assert_int_equal(rate_hash(secret, data, 1), UINT64_C(0xc9f49bf37d57ca93));
	assert_int_equal(rate_hash(secret, data, 8), UINT64_C(0x369095118d299a8e));
	assert_true(rate_key(&rates, 1, 1, data, 4) != rate_key(&rates, 2, 1, data, 4));
	assert_true(rate_key(&rates, 1, 1, data, 4) != rate_key(&rates, 1, 2, data, 4));
	assert_true(rate_key(&rates, 1, 1, data, 4) != rate_key(&rates, 1, 1, data, 5));
}

/* The border of intervals does not make less of a few. */
static void test_border(void **state)
{
	uint64_t window = 0;
	int64_t border = NOW - NOW % 60000 + 60000;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(rate_add(&window, 1, 60000, border - 10 + i), i + 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rate_add(&window, 1, 60000, border + i * 1000), i + 6);
}

static void test_window(void **state)
{
	uint64_t window = 0;
	int64_t now = NOW - NOW % 1000;

	(void)state;
	/* 100 just before the border, 100 just behind it, are 200 within a millisecond. */
	for (int i = 0; i < 100; i++)
		(void)rate_add(&window, 1, 1000, now + 999);
	assert_int_equal(rate_add(&window, 0, 1000, now + 999), 100);
	for (int i = 0; i < 100; i++)
		(void)rate_add(&window, 1, 1000, now + 1000);
	assert_int_equal(rate_add(&window, 0, 1000, now + 1000), 200);
	assert_int_equal(rate_add(&window, 0, 1000, now + 1500), 150);
	assert_int_equal(rate_add(&window, 0, 1000, now + 1999), 101);
	assert_int_equal(rate_add(&window, 0, 1000, now + 2500), 50);
	assert_int_equal(rate_add(&window, 0, 1000, now + 3000), 0);
	assert_int_equal(rate_add(&window, 1, 1000, now + 9000), 1);
	/* A clock that was read a moment before another worker's. */
	assert_int_equal(rate_add(&window, 1, 1000, now + 8999), 2);
	assert_int_equal(rate_add(&window, 0, 1000, now + 9000), 2);
	/* Full. */
	assert_int_equal(rate_add(&window, UINT32_MAX, 1000, now + 9001), RATE_COUNT_MAX);
	assert_int_equal(rate_add(&window, 1, 1000, now + 9001), RATE_COUNT_MAX);
}

/* A steady source at the limit is under it, whatever the phase; one at 5/4 of it is over. */
static void test_steady(void **state)
{
	(void)state;
	for (int64_t phase = 0; phase < 1000; phase += 37) {
		uint64_t slow = 0, fast = 0;
		uint32_t slow_most = 0, fast_least = UINT32_MAX;

		for (int i = 0; i < 500; i++) {
			uint32_t count = rate_add(&slow, 1, 1000, NOW + phase + i * 10);

			slow_most = count > slow_most ? count : slow_most;
			count = rate_add(&fast, 1, 1000, NOW + phase + i * 8);
			if (i > 250 && count < fast_least)
				fast_least = count;
		}
		assert_in_range(slow_most, 95, 101);
		assert_in_range(fast_least, 120, 130);
	}
}

static void test_action(void **state)
{
	struct rate_slot *slot = rate_find(&rates, key_of(1), NOW, false);

	(void)state;
	assert_null(slot);
	slot = rate_find(&rates, key_of(1), NOW, true);
	assert_non_null(slot);
	assert_int_equal(rate_until(slot, NOW), 0);
	rate_hold(slot, NOW + 5000);
	rate_hold(slot, NOW + 2000);
	assert_int_equal(rate_until(slot, NOW), NOW + 5000);
	assert_int_equal(rate_until(slot, NOW + 4999), NOW + 5000);
	assert_int_equal(rate_until(slot, NOW + 5000), 0);
	/* Use does not disturb it. */
	assert_ptr_equal(rate_find(&rates, key_of(1), NOW + 4500, false), slot);
	assert_int_equal(rate_until(slot, NOW + 4500), NOW + 5000);
}

static void test_once(void **state)
{
	(void)state;
	assert_true(rate_once(&rates, key_of(1), NOW, NOW + 1000));
	assert_false(rate_once(&rates, key_of(1), NOW + 999, NOW + 3000));
	assert_true(rate_once(&rates, key_of(2), NOW, NOW + 1000));
	assert_true(rate_once(&rates, key_of(1), NOW + 1000, NOW + 3000));
}

/* Far more keys than slots: who is used stays, and nothing is counted for who comes new. */
static void test_eviction(void **state)
{
	struct rate_slot *slot = rate_find(&rates, key_of(0), NOW, true);
	int64_t now = NOW;

	(void)state;
	rate_hold(slot, NOW + 1000000);
	for (uint32_t i = 1; i <= 20 * SLOTS; i++) {
		struct rate_slot *other;

		if (i % 64 == 0) {
			now += 5000;
			assert_ptr_equal(rate_find(&rates, key_of(0), now, false), slot);
		}
		other = rate_find(&rates, key_of(i), now, true);
		assert_non_null(other);
		assert_int_equal(rate_add(&other->state, 1, 1000, now), 1);
		assert_int_equal(rate_until(other, now), 0);
	}
	assert_null(rate_find(&rates, key_of(1), now, false));
}

static void test_marks(void **state)
{
	uint64_t key = key_of(5);
	struct rate_slot *slot;

	(void)state;
	/* All places of the key are being claimed: passed by, until whoever did is known to be dead. */
	for (uint32_t i = 0; i < RATE_PROBES; i++)
		rates.slot[(key + i) & (SLOTS - 1)].key = NOW / 1000;
	assert_null(rate_find(&rates, key, NOW, true));
	assert_null(rate_find(&rates, key, NOW + 10000, true));
	slot = rate_find(&rates, key, NOW + 11000, true);
	assert_non_null(slot);
	assert_ptr_equal(rate_find(&rates, key, NOW + 11000, false), slot);
}

static uint64_t value_of(uint32_t number)
{
	return rate_hash(rates.secret, &number, sizeof(number));
}

static void test_distinct(void **state)
{
	static const struct {
		uint32_t values, least, most;
	} cases[] = { { 1, 1, 1 }, { 2, 2, 2 }, { 5, 5, 5 }, { 20, 19, 22 }, { 100, 90, 110 },
		{ 500, 430, 570 }, { 5000, 4200, 5800 } };
	uint32_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int again = 0; again < 2; again++) {
			for (uint32_t j = 0; j < cases[i].values; j++)
				count = rate_distinct(
					&rates, key_of((uint32_t)i), value_of(j), 60000, NOW);
			assert_in_range(count, cases[i].least, cases[i].most);
		}
	}
	/* What is older than the interval is forgotten; what is younger than 3/4 of it is not. */
	assert_in_range(rate_distinct(&rates, key_of(4), value_of(1), 60000, NOW + 44000), 90, 110);
	assert_int_equal(rate_distinct(&rates, key_of(4), value_of(1), 60000, NOW + 61000), 1);
}

/* Each process counts in all of a few slots, and one is killed in the middle: no count is lost but its own. */
static void work(uint32_t seed)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct rate_slot *slot = rate_find(&rates, key_of(i % 16), NOW, true);

		if (slot)
			(void)rate_add(&slot->state, 1, 3600000, NOW);
		/* Others come and go meanwhile. */
		(void)rate_find(&rates, key_of(100 + i % 64 + seed * 64), NOW, true);
		(void)rate_distinct(
			&rates, key_of(50), value_of(seed << 16 | i % 50), 3600000, NOW);
	}
}

static void claim_for_ever(void)
{
	for (uint32_t i = 0;; i++) {
		struct rate_slot *slot = rate_find(&rates, key_of(i % 100 + 10000), NOW, true);

		if (slot)
			slot->key = 0;
	}
}

static void test_processes(void **state)
{
	pid_t child[PROCESSES + 1];
	struct rate_slot *slot;
	uint64_t total = 0;
	int status;

	(void)state;
	for (uint32_t i = 0; i < 16; i++)
		assert_non_null(rate_find(&rates, key_of(i), NOW, true));
	for (uint32_t i = 0; i <= PROCESSES; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0) {
			/* The last one claims slots, and frees them, until it is killed. */
			if (i == PROCESSES)
				claim_for_ever();
			work(i);
			_exit(0);
		}
	}
	(void)usleep(20000);
	(void)kill(child[PROCESSES], SIGKILL);
	for (int i = 0; i <= PROCESSES; i++) {
		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_true(i == PROCESSES || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	}
	for (uint32_t i = 0; i < 16; i++) {
		slot = rate_find(&rates, key_of(i), NOW, false);
		assert_non_null(slot);
		total += rate_add(&slot->state, 0, 3600000, NOW);
	}
	assert_int_equal(total, PROCESSES * ROUNDS);
	assert_in_range(rate_distinct(&rates, key_of(50), value_of(0), 3600000, NOW), 160, 240);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_border, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_window, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_steady, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_action, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_eviction, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_distinct, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_processes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
