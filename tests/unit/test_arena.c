/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: zeroed and aligned pieces, the maximum, reuse, and failing on demand.
 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_zero(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (data[i])
			return false;
	}
	return true;
}

static void pieces_are_zero_aligned_apart(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4000, 16384, 100000, 3 };
	struct arena *arena = arena_new((size_t)1 << 20);
	uint8_t *piece[9];
	size_t round, i, j;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 9; i++) {
			piece[i] = arena_take(arena, sizes[i]);
			assert_non_null(piece[i]);
			assert_int_equal((uintptr_t)piece[i] % 16, 0);
			assert_true(is_zero(piece[i], sizes[i]));
			memset(piece[i], (int)i + 1, sizes[i]);
		}
		for (i = 0; i < 9; i++) {
			for (j = 0; j < sizes[i]; j++)
				assert_int_equal(piece[i][j], i + 1);
		}
		assert_true(arena_used(arena) >= 120000);
		arena_reset(arena);
		assert_int_equal(arena_used(arena), 0);
	}
	arena_free(arena);
	arena_free(NULL);
}

static void maximum_holds(void **state)
{
	struct arena *arena = arena_new(1000);
	size_t taken = 0;

	(void)state;
	assert_null(arena_take(arena, 1001));
	assert_null(arena_take(arena, SIZE_MAX));
	while (arena_take(arena, 16))
		taken += 16;
	assert_int_equal(taken, 992);
	arena_reset(arena);
	assert_non_null(arena_take(arena, 992));
	arena_free(arena);

	arena = arena_new((size_t)1 << 20);
	for (taken = 0; arena_take(arena, 1024); taken += 1024)
		assert_true(taken < (size_t)1 << 20);
	assert_true(taken > (size_t)1 << 19);
	arena_free(arena);
}

static void overflow_is_no_memory(void **state)
{
	struct arena *arena = arena_new(SIZE_MAX);

	(void)state;
	assert_null(arena_array(arena, SIZE_MAX / 2, 4));
	assert_null(arena_take(arena, SIZE_MAX - 3));
	assert_non_null(arena_array(arena, 3, 5));
	assert_non_null(arena_array(arena, 0, 5));
	arena_free(arena);
}

static void copies(void **state)
{
	struct arena *arena = arena_new((size_t)1 << 16);

	(void)state;
	assert_null(arena_copy(arena, NULL));
	assert_string_equal(arena_copy(arena, ""), "");
	assert_string_equal(arena_copy_n(arena, "abcdef", 3), "abc");
	assert_string_equal(arena_print(arena, "%d-%s", 7, "x"), "7-x");
	assert_null(arena_print(arena, "%*d", 1 << 17, 1));
	arena_free(arena);
}

static void torture_fails_the_nth(void **state)
{
	struct arena *arena = arena_new((size_t)1 << 16);

	(void)state;
	arena_torture(2, 0);
	assert_non_null(arena_take(arena, 1));
	assert_null(arena_copy(arena, "x"));
	assert_non_null(arena_take(arena, 1));
	assert_int_equal(arena_torture_count(), 3);
	arena_torture(2, 1);
	assert_non_null(arena_take(arena, 1));
	assert_null(arena_take(arena, 1));
	assert_null(arena_take(arena, 1));
	assert_null(arena_new(100));
	arena_torture(0, 0);
	assert_non_null(arena_take(arena, 1));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_aligned_apart),
		cmocka_unit_test(maximum_holds),
		cmocka_unit_test(overflow_is_no_memory),
		cmocka_unit_test(copies),
		cmocka_unit_test(torture_fails_the_nth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
