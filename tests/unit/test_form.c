/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forms: what real clients send, what is refused, and the canonical encoding.
 */
#include "base/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void decodes_what_clients_send(void **state)
{
	static const char query[] =
		"InstanceIds.1=a&&Tag.1.Key=k+1&Tag.1.Value=v*~%C3%a9&SignatureType=&"
		"flag&=x&a=b=c&";
	static const struct pair expected[] = { { "InstanceIds.1", "a" }, { "Tag.1.Key", "k 1" },
		{ "Tag.1.Value", "v*~\xc3\xa9" }, { "SignatureType", "" }, { "flag", "" },
		{ "", "x" }, { "a", "b=c" } };
	struct arena *mem = arena_new((size_t)1 << 20);
	struct form form = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(form_decode(mem, query, strlen(query), &form), OK);
	assert_int_equal(form.count, 7);
	for (i = 0; i < 7; i++) {
		assert_string_equal(form.pair[i].key, expected[i].key);
		assert_string_equal(form.pair[i].value, expected[i].value);
	}
	assert_int_equal(form_decode(mem, "z=1", 3, &form), OK);
	assert_int_equal(form.count, 8);
	assert_string_equal(form_get(&form, "z"), "1");
	assert_string_equal(form_get(&form, "flag"), "");
	assert_null(form_get(&form, "Z"));
	assert_int_equal(form_decode(mem, NULL, 0, &form), OK);
	assert_int_equal(form.count, 8);
	arena_free(mem);
}

static void refuses(void **state)
{
	static const struct {
		const char *data;
		size_t length;
	} cases[] = { { "a=%", 3 }, { "a=%4", 4 }, { "a=%zz", 5 }, { "a=%00", 5 }, { "a=\0b", 4 },
		{ "%=1", 3 }, { "a=%ff", 5 }, { "a=\xc3", 3 }, { "\xed\xa0\x80=1", 5 },
		{ "ok=1&a=%", 8 } };
	struct arena *mem = arena_new((size_t)1 << 20);
	struct form form = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(form_decode(mem, "first=1", 7, &form), OK);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(
			form_decode(mem, cases[i].data, cases[i].length, &form), ERR_ENCODING);
		assert_int_equal(form.count, 1);
		assert_string_equal(form.pair[0].key, "first");
	}
	arena_free(mem);
}

static void limit_is_exact(void **state)
{
	struct arena *mem = arena_new((size_t)8 << 20);
	char *many = arena_take(mem, 2 * (FORM_PAIR_MAX + 1));
	struct form form = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i <= FORM_PAIR_MAX; i++) {
		many[2 * i] = 'a';
		many[2 * i + 1] = '&';
	}
	assert_int_equal(form_decode(mem, many, 2 * (size_t)(FORM_PAIR_MAX + 1), &form), ERR_LIMIT);
	assert_int_equal(form.count, 0);
	assert_int_equal(form_decode(mem, many, 2 * (size_t)FORM_PAIR_MAX, &form), OK);
	assert_int_equal(form.count, FORM_PAIR_MAX);
	assert_int_equal(form_decode(mem, "b", 1, &form), ERR_LIMIT);
	assert_int_equal(form_decode(mem, "&&", 2, &form), OK);
	arena_free(mem);
}

static void sorts_by_bytes(void **state)
{
	static const char query[] = "b=1&a=2&B=3&a=1&a.10=x&a.2=y&%C3%A9=z";
	struct arena *mem = arena_new((size_t)1 << 20);
	struct form form = { 0 };

	(void)state;
	assert_int_equal(form_decode(mem, query, strlen(query), &form), OK);
	form_sort(&form);
	assert_string_equal(
		form_canonical(mem, &form, NULL), "B=3&a=1&a=2&a.10=x&a.2=y&b=1&%C3%A9=z");
	assert_string_equal(form_canonical(mem, &form, "a"), "B=3&a.10=x&a.2=y&b=1&%C3%A9=z");
	assert_string_equal(form_canonical(mem, &(struct form){ 0 }, NULL), "");
	arena_free(mem);
}

static void encodes_every_byte(void **state)
{
	static const char unreserved[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
	struct arena *mem = arena_new((size_t)1 << 20);
	char one[2] = "", expected[4];
	unsigned c;

	(void)state;
	for (c = 1; c < 256; c++) {
		one[0] = (char)c;
		if (strchr(unreserved, (int)c))
			(void)snprintf(expected, sizeof(expected), "%c", (int)c);
		else
			(void)snprintf(expected, sizeof(expected), "%%%02X", c);
		assert_string_equal(form_encode(mem, one), expected);
	}
	arena_free(mem);
}

static void every_allocation_fails(void **state)
{
	struct arena *mem = arena_new((size_t)1 << 20);
	struct form form = { 0 };
	uint64_t n;

	(void)state;
	for (n = 1; n <= 5; n++) {
		arena_torture(n, 0);
		assert_int_equal(form_decode(mem, "a=b&c=d", 7, &form), ERR_MEMORY);
		assert_int_equal(form.count, 0);
	}
	arena_torture(6, 0);
	assert_int_equal(form_decode(mem, "a=b&c=d", 7, &form), OK);
	assert_int_equal(arena_torture_count(), 5);
	arena_torture(1, 0);
	assert_null(form_canonical(mem, &form, NULL));
	arena_torture(0, 0);
	arena_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_what_clients_send),
		cmocka_unit_test(refuses),
		cmocka_unit_test(limit_is_exact),
		cmocka_unit_test(sorts_by_bytes),
		cmocka_unit_test(encodes_every_byte),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
