/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of HTTP/2 connections: what ordinary clients send passes, each flood is found at its limit and not before, and it
 * makes no difference in which pieces bytes come.
 */
#include "nginx/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RESET,
	SETTINGS,
	PUSH,
	PING,
	GOAWAY,
	WINDOW,
	CONTINUATION
};

static struct frames frames;
static int64_t now_ms;

static int set_up(void **state)
{
	static const uint8_t preface[24];

	(void)state;
	memset(&frames, 0, sizeof(frames));
	now_ms = 5000000000;
	assert_int_equal(frames_feed(&frames, preface, sizeof(preface), now_ms), FRAMES_FINE);
	return 0;
}

static enum frames_verdict send_frame(uint8_t type, uint8_t flags, uint32_t stream, uint32_t length)
{
	static uint8_t bytes[9 + 70000];
	enum frames_verdict verdict = FRAMES_FINE;

	memset(bytes, 0xff, sizeof(bytes));
	bytes[0] = (uint8_t)(length >> 16);
	bytes[1] = (uint8_t)(length >> 8);
	bytes[2] = (uint8_t)length;
	bytes[3] = type;
	bytes[4] = flags;
	bytes[5] = (uint8_t)(stream >> 24);
	bytes[6] = (uint8_t)(stream >> 16);
	bytes[7] = (uint8_t)(stream >> 8);
	bytes[8] = (uint8_t)stream;
	/* In pieces of another size each time. */
	for (size_t at = 0, piece; at < 9 + length && verdict == FRAMES_FINE; at += piece) {
		piece = 1 + (at * 7 + stream) % 13 + (at > 9 ? 4000 : 0);
		if (piece > 9 + length - at)
			piece = 9 + length - at;
		verdict = frames_feed(&frames, bytes + at, piece, now_ms);
	}
	return verdict;
}

static void test_ordinary(void **state)
{
	(void)state;
	assert_int_equal(send_frame(SETTINGS, 0, 0, 18), FRAMES_FINE);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t stream = 2 * i + 1;

		assert_int_equal(send_frame(HEADERS, 4, stream, 200), FRAMES_FINE);
		assert_int_equal(send_frame(DATA, 0, stream, 16384), FRAMES_FINE);
		assert_int_equal(send_frame(DATA, 1, stream, 0), FRAMES_FINE);
		assert_int_equal(send_frame(WINDOW, 0, stream, 4), FRAMES_FINE);
		assert_int_equal(send_frame(WINDOW, 0, 0, 4), FRAMES_FINE);
		now_ms += 30;
		if (i % 2 == 0)
			assert_int_equal(send_frame(PING, 0, 0, 8), FRAMES_FINE);
	}
}

static void test_resets(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < FRAMES_RESET_MAX; i++) {
		assert_int_equal(send_frame(HEADERS, 5, 2 * i + 1, 40), FRAMES_FINE);
		assert_int_equal(send_frame(RESET, 0, 2 * i + 1, 4), FRAMES_FINE);
	}
	assert_int_equal(send_frame(HEADERS, 5, 2 * i + 1, 40), FRAMES_FINE);
	assert_int_equal(send_frame(RESET, 0, 2 * i + 1, 4), FRAMES_RESETS);
}

/* Somebody who cancels what he has waited for, and one who cancels much, but not so much at a time. */
static void test_late_resets(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(send_frame(HEADERS, 5, 2 * i + 1, 40), FRAMES_FINE);
		if (i >= 20)
			assert_int_equal(send_frame(RESET, 0, 2 * (i - 20) + 1, 4), FRAMES_FINE);
		now_ms += 30;
	}
	for (uint32_t i = 1000; i < 2000; i++) {
		assert_int_equal(send_frame(HEADERS, 5, 2 * i + 1, 40), FRAMES_FINE);
		assert_int_equal(send_frame(RESET, 0, 2 * i + 1, 4), FRAMES_FINE);
		now_ms += 60;
	}
}

/* Many streams opened at once, all reset behind that. */
static void test_batch(void **state)
{
	enum frames_verdict verdict = FRAMES_FINE;
	uint32_t resets = 0;

	(void)state;
	for (uint32_t batch = 0; verdict == FRAMES_FINE; batch++) {
		for (uint32_t i = 0; i < 100; i++)
			assert_int_equal(
				send_frame(HEADERS, 5, 2 * (batch * 100 + i) + 1, 40), FRAMES_FINE);
		for (uint32_t i = 0; i < 100 && verdict == FRAMES_FINE; i++, resets++)
			verdict = send_frame(RESET, 0, 2 * (batch * 100 + i) + 1, 4);
	}
	assert_int_equal(verdict, FRAMES_RESETS);
	assert_int_equal(resets, FRAMES_RESET_MAX + 1);
}

static void test_controls(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t length;
	} kinds[] = { { PING, 8 }, { SETTINGS, 0 }, { SETTINGS, 6 }, { DATA, 0 }, { 0xfa, 3 },
		{ PUSH, 0 }, { GOAWAY, 8 } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)set_up(state);
		for (int j = 0; j < FRAMES_CONTROL_MAX; j++)
			assert_int_equal(
				send_frame(kinds[i].type, 0, 1, kinds[i].length), FRAMES_FINE);
		assert_int_equal(send_frame(kinds[i].type, 0, 1, kinds[i].length), FRAMES_FLOOD);
	}
}

static void test_continuation(void **state)
{
	(void)state;
	for (int header = 0; header < 2; header++) {
		assert_int_equal(send_frame(HEADERS, 1, 1, 100), FRAMES_FINE);
		for (int i = 0; i < FRAMES_CONTINUED_MAX; i++)
			assert_int_equal(send_frame(CONTINUATION, 0, 1, 10000), FRAMES_FINE);
	}
	assert_int_equal(send_frame(CONTINUATION, 0, 1, 0), FRAMES_FLOOD);
}

/* PRIORITY at its own limit; not so many between two requests. */
static void test_priority(void **state)
{
	(void)state;
	for (uint32_t request = 0; request < 20; request++) {
		assert_int_equal(send_frame(HEADERS, 5, 2 * request + 1, 40), FRAMES_FINE);
		for (int i = 0; i < FRAMES_PRIORITY_MAX; i++)
			assert_int_equal(send_frame(PRIORITY, 0, 1, 5), FRAMES_FINE);
	}
	assert_int_equal(send_frame(PRIORITY, 0, 1, 5), FRAMES_FLOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ordinary, set_up),
		cmocka_unit_test_setup(test_resets, set_up),
		cmocka_unit_test_setup(test_late_resets, set_up),
		cmocka_unit_test_setup(test_batch, set_up),
		cmocka_unit_test_setup(test_controls, set_up),
		cmocka_unit_test_setup(test_continuation, set_up),
		cmocka_unit_test_setup(test_priority, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
