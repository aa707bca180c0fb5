/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that end with LF behind a space are found where they are, in whatever pieces bytes come, as long as they are in the
 * window: compared with looking through all bytes again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nginx/lines.h"

static uint64_t bits[LINES_BYTES / 8];

static void feed(struct lines *lines, const char *bytes, size_t length)
{
	if (lines_feed(lines, (const uint8_t *)bytes, length))
		return;
	memset(bits, 0, sizeof(bits));
	lines->bits = bits;
	assert_true(lines_feed(lines, (const uint8_t *)bytes, length));
}

static void test_known(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nA: b\r\nC: d \nE: f \r\n\r\n";
	struct lines lines = { 0 };
	uint64_t place = (uint64_t)(strstr(text, "d \n") - text) + 2;

	(void)state;
	feed(&lines, text, 20);
	assert_null(lines.bits);
	feed(&lines, text + 20, sizeof(text) - 21);
	assert_int_equal(lines.total, sizeof(text) - 1);
	assert_true(lines_found(&lines, 0, lines.total));
	assert_true(lines_found(&lines, place, place + 1));
	assert_false(lines_found(&lines, 0, place));
	assert_false(lines_found(&lines, place + 1, lines.total));
	assert_false(lines_found(&lines, place + 1, UINT64_MAX));
}

static void test_cut(void **state)
{
	struct lines lines = { 0 };

	(void)state;
	feed(&lines, "a ", 2);
	feed(&lines, "\nb", 2);
	assert_true(lines_found(&lines, 2, 3));
	/* Nothing before the first byte. */
	lines = (struct lines){ 0 };
	feed(&lines, "\n", 1);
	assert_false(lines_found(&lines, 0, 1));
}

static void test_all_places(void **state)
{
	enum {
		ALL = 5 * LINES_WINDOW
	};
	char *text = malloc(ALL);
	struct lines lines = { 0 };
	uint64_t seed = 7;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < ALL; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		/* Dense here, rare there. */
		text[i] = (seed >> 60) < (i / LINES_WINDOW % 2 ? 8 : 1) ? " \n\r\n"[seed >> 40 & 3]
									: 'x';
	}
	for (size_t at = 0; at < ALL;) {
		size_t length = (size_t)(seed >> 33) % LINES_PIECE + 1, first;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		length = length > ALL - at ? ALL - at : length;
		feed(&lines, text + at, length);
		at += length;
		first = at > LINES_WINDOW ? at - LINES_WINDOW : 1;
		for (size_t i = first; i < at; i += 1 + (size_t)(i % 5 == 0)) {
			bool is_one = text[i] == '\n' && text[i - 1] == ' ';

			assert_int_equal(lines_found(&lines, i, i + 1), is_one);
		}
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_all_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
