/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text builder, UTF-8 and number checks, addresses and prefixes.
 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void builder(void **state)
{
	struct arena *mem = arena_new((size_t)1 << 20);
	struct text text;
	size_t i;

	(void)state;
	text_init(&text, mem, 10);
	assert_null(text.data);
	text_add(&text, "abc");
	text_add_char(&text, 'd');
	text_print(&text, "%03d", 5);
	assert_string_equal(text.data, "abcd005");
	text_add(&text, "1234");
	assert_true(text.failed);
	text_add(&text, "1");
	assert_true(text.failed);
	assert_string_equal(text.data, "abcd005");
	text_init(&text, mem, 10);
	text_add(&text, "0123456789");
	assert_false(text.failed);
	text_print(&text, "%s", "x");
	assert_true(text.failed);
	text_init(&text, mem, 100000);
	for (i = 0; i < 10000; i++)
		text_add(&text, "0123456789");
	assert_false(text.failed);
	assert_int_equal(strlen(text.data), 100000);
	text_init(&text, mem, 100);
	arena_torture(1, 0);
	text_add(&text, "x");
	arena_torture(0, 0);
	assert_true(text.failed);
	arena_free(mem);
}

static void utf8(void **state)
{
	static const struct {
		const char *data;
		size_t length;
		bool valid;
	} cases[] = {
		{ "", 0, true },
		{ "abc", 3, true },
		{ "a\0b", 3, false },
		{ "\xc3\xa9", 2, true },
		{ "\xc3", 1, false },
		{ "\x80", 1, false },
		{ "\xc0\x80", 2, false },
		{ "\xc1\xbf", 2, false },
		{ "\xe0\x9f\xbf", 3, false },
		{ "\xe0\xa0\x80", 3, true },
		{ "\xed\x9f\xbf", 3, true },
		{ "\xed\xa0\x80", 3, false },
		{ "\xef\xbf\xbf", 3, true },
		{ "\xf0\x8f\xbf\xbf", 4, false },
		{ "\xf0\x90\x80\x80", 4, true },
		{ "\xf4\x8f\xbf\xbf", 4, true },
		{ "\xf4\x90\x80\x80", 4, false },
		{ "\xf5\x80\x80\x80", 4, false },
		{ "\xe2\x82", 2, false },
		{ "\xe2\x28\xa1", 3, false },
		{ "\xf0\x90\x28\xbc", 4, false },
		{ "\xff", 1, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (text_is_utf8(cases[i].data, cases[i].length) != cases[i].valid)
			fail_msg("case %zu", i);
	}
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-1", true, -1 },
		{ "42", true, 42 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "-0", false, 0 },
		{ "01", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "1.0", false, 0 },
		{ "0x10", false, 0 },
	};
	size_t i;
	int64_t value;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		value = 77;
		assert_int_equal(text_to_int(cases[i].text, &value), cases[i].valid);
		assert_true(value == (cases[i].valid ? cases[i].value : 77));
	}
}

static void hexadecimal(void **state)
{
	const uint8_t bytes[] = { 0x00, 0xaf, 0x10 };
	uint8_t back[3];
	char text[7];

	(void)state;
	text_hex(bytes, 3, text);
	assert_string_equal(text, "00af10");
	assert_true(text_from_hex("00AF10", back, 3));
	assert_memory_equal(back, bytes, 3);
	assert_false(text_from_hex("00af1", back, 3));
	assert_false(text_from_hex("00af100", back, 3));
	assert_false(text_from_hex("00ag10", back, 3));
	assert_false(text_from_hex("", back, 1));
	assert_true(text_equal_constant_time("abc", "abd", 2));
	assert_false(text_equal_constant_time("abc", "abd", 3));
}

/* form: how the address is written back; NULL: refused. */
static const struct {
	const char *text, *form;
	bool ipv4;
} address_cases[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "::ffff:192.0.2.1", "192.0.2.1", true },
	{ "::ffff:c000:201", "192.0.2.1", true },
	{ "0.0.0.0", "0.0.0.0", true },
	{ "2001:DB8::1", "2001:db8::1", false },
	{ "2001:db8:0:0:0:0:0:1", "2001:db8::1", false },
	{ "::", "::", false },
	{ "::1", "::1", false },
	{ "192.0.2", NULL, false },
	{ "192.0.2.256", NULL, false },
	{ "192.0.2.01", NULL, false },
	{ "192.0.2.1 ", NULL, false },
	{ "2001:db8::1::2", NULL, false },
	{ "fe80::1%lo", NULL, false },
	{ "", NULL, false },
};

static void addresses(void **state)
{
	char form[ADDRESS_TEXT_SIZE];
	uint8_t address[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(address_cases) / sizeof(*address_cases); i++) {
		assert_int_equal(text_to_address(address_cases[i].text, address),
			address_cases[i].form != NULL);
		if (!address_cases[i].form)
			continue;
		address_format(address, form);
		assert_string_equal(form, address_cases[i].form);
		assert_int_equal(address_is_ipv4(address), address_cases[i].ipv4);
	}
}

static const struct {
	const char *text, *form;
	unsigned bits;
} prefix_cases[] = {
	{ "192.0.2.0/24", "192.0.2.0/24", 120 },
	{ "192.0.2.1", "192.0.2.1", 128 },
	{ "192.0.2.1/32", "192.0.2.1", 128 },
	{ "0.0.0.0/0", "0.0.0.0/0", 96 },
	{ "::ffff:192.0.2.0/120", "192.0.2.0/24", 120 },
	{ "2001:db8::/32", "2001:db8::/32", 32 },
	{ "2001:db8::1/128", "2001:db8::1", 128 },
	{ "::/0", "::/0", 0 },
	{ "192.0.2.1/24", NULL, 0 },
	{ "192.0.2.0/33", NULL, 0 },
	{ "192.0.2.0/-1", NULL, 0 },
	{ "192.0.2.0/024", NULL, 0 },
	{ "192.0.2.0/", NULL, 0 },
	{ "192.0.2.0/24/24", NULL, 0 },
	{ "2001:db8::/129", NULL, 0 },
	{ "2001:db8::1/64", NULL, 0 },
	{ "/24", NULL, 0 },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1", NULL, 0 },
};

static void prefixes(void **state)
{
	char form[PREFIX_TEXT_SIZE];
	uint8_t address[16];
	unsigned bits;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(prefix_cases) / sizeof(*prefix_cases); i++) {
		if (text_to_prefix(prefix_cases[i].text, address, &bits) !=
			(prefix_cases[i].form != NULL))
			fail_msg("%s", prefix_cases[i].text);
		if (!prefix_cases[i].form)
			continue;
		assert_int_equal(bits, prefix_cases[i].bits);
		prefix_format(address, bits, form);
		assert_string_equal(form, prefix_cases[i].form);
	}
}

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	char text[BASE64_TEXT_SIZE(6)];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t length = strlen(pairs[i][0]);
		uint8_t bytes[6];

		text_base64((const uint8_t *)pairs[i][0], length, text);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(text_from_base64(text, bytes, length), length);
		assert_memory_equal(bytes, pairs[i][0], length);
		if (length > 0)
			assert_int_equal(text_from_base64(text, bytes, length - 1), -1);
	}
	assert_int_equal(text_from_base64("Zg=", (uint8_t *)text, 6), -1);
	assert_int_equal(text_from_base64("Z!==", (uint8_t *)text, 6), -1);
}

static void test_whole(void **state)
{
	static const struct {
		const char *text;
		size_t most, whole;
	} cases[] = {
		{ "", 4, 0 },
		{ "abc", 4, 3 },
		{ "abcd", 4, 4 },
		{ "abcde", 4, 4 },
		{ "abc\xc3\xa9", 4, 3 },
		{ "abc\xc3\xa9", 5, 5 },
		{ "\xf0\x9f\x98\x80", 3, 0 },
		{ "\xf0\x9f\x98\x80", 4, 4 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(text_whole(cases[i].text, cases[i].most), cases[i].whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(builder),
		cmocka_unit_test(utf8),
		cmocka_unit_test(integers),
		cmocka_unit_test(hexadecimal),
		cmocka_unit_test(addresses),
		cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
