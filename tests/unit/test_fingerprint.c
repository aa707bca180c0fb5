/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JA3, JA4 and HTTP/2 fingerprints of made ClientHellos and openings. Expected digests are those of the texts that the
 * published forms ask for, worked out here by the library; how real clients look is shown in tests/web.
 */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "nginx/hello.h"
#include "nginx/opening.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

struct made {
	uint8_t bytes[8192];
	size_t length;
};

static void put(struct made *made, uint32_t value, unsigned bytes)
{
	while (bytes-- > 0)
		made->bytes[made->length++] = (uint8_t)(value >> 8 * bytes);
}

static void put_bytes(struct made *made, const void *bytes, size_t length)
{
	memcpy(made->bytes + made->length, bytes, length);
	made->length += length;
}

static void put_extension(struct made *made, unsigned type, const char *bytes, size_t length)
{
	put(made, type, 2);
	put(made, (uint32_t)length, 2);
	put_bytes(made, bytes, length);
}

static struct made make(
	unsigned version, const uint16_t *ciphers, unsigned count, const struct made *extensions)
{
	struct made made = { .length = 4 };

	put(&made, version, 2);
	put_bytes(&made, "0123456789abcdef0123456789abcdef", 32);
	put(&made, 0, 1);
	put(&made, count * 2, 2);
	for (unsigned i = 0; i < count; i++)
		put(&made, ciphers[i], 2);
	put(&made, 0x0100, 2);
	if (extensions) {
		put(&made, (uint32_t)extensions->length, 2);
		put_bytes(&made, extensions->bytes, extensions->length);
	}
	made.bytes[0] = 1;
	made.bytes[2] = (uint8_t)((made.length - 4) >> 8);
	made.bytes[3] = (uint8_t)(made.length - 4);
	return made;
}

static void digest(const EVP_MD *kind, const char *text, unsigned digits, char *out)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];

	assert_int_equal(EVP_Digest(text, strlen(text), bytes, NULL, kind, NULL), 1);
	for (unsigned i = 0; i < digits / 2; i++)
		(void)snprintf(out + (size_t)2 * i, 3, "%02x", bytes[i]);
}

static void expect(const struct made *made, const char *ja3_text, const char *head,
	const char *ciphers, const char *extensions)
{
	char ja3[HELLO_JA3_SIZE], ja4[HELLO_JA4_SIZE],
		part[2][13] = { "000000000000", "000000000000" };
	char want3[HELLO_JA3_SIZE], want4[64];
	static struct hello hello;

	assert_true(hello_parse(made->bytes, made->length, &hello));
	assert_true(hello_ja3(&hello, ja3) && hello_ja4(&hello, ja4));
	digest(EVP_md5(), ja3_text, 32, want3);
	assert_string_equal(ja3, want3);
	if (ciphers[0])
		digest(EVP_sha256(), ciphers, 12, part[0]);
	if (extensions[0])
		digest(EVP_sha256(), extensions, 12, part[1]);
	(void)snprintf(want4, sizeof(want4), "%s_%s_%s", head, part[0], part[1]);
	assert_string_equal(ja4, want4);
}

static void test_forms(void **state)
{
	static const uint16_t ciphers[] = { 0x2a2a, 0xc02f, 0x1301 }, one[] = { 0x0a };
	struct made extensions = { 0 }, made;

	(void)state;
	put_extension(&extensions, 0x1a1a, "", 0);
	put_extension(&extensions, 0,
		"\x00\x04\x00\x00\x01"
		"a",
		6);
	put_extension(&extensions, 10, "\x00\x06\x3a\x3a\x00\x1d\x00\x17", 8);
	put_extension(&extensions, 11, "\x02\x00\x01", 3);
	put_extension(&extensions, 13, "\x00\x04\x08\x04\x04\x03", 6);
	put_extension(&extensions, 16, "\x00\x0c\x02h2\x08http/1.1", 14);
	put_extension(&extensions, 43, "\x06\x4a\x4a\x03\x03\x03\x04", 7);
	put_extension(&extensions, 0xfe0d, "what OpenSSL does not know", 26);
	made = make(0x0303, ciphers, 3, &extensions);
	expect(&made, "771,49199-4865,0-10-11-13-16-43-65037,29-23,0-1", "t13d0207h2", "1301,c02f",
		"000a,000b,000d,002b,fe0d_0804,0403");
	/* Nothing but a suite; and not even that. */
	made = make(0x0301, one, 1, NULL);
	expect(&made, "769,10,,,", "t10i010000", "000a", "");
	made = make(0x0302, one, 0, NULL);
	expect(&made, "770,,,,", "t11i000000", "", "");
	/* No signatures: nothing behind the extensions; a protocol that is no letters: its digits. */
	extensions.length = 0;
	put_extension(&extensions, 16, "\x00\x03\x02\xab\xcd", 5);
	put_extension(&extensions, 23, "", 0);
	made = make(0x0303, one, 1, &extensions);
	expect(&made, "771,10,16-23,,", "t12i0102ad", "000a", "0017");
}

static void test_bounds(void **state)
{
	static uint16_t ciphers[HELLO_VALUES_MAX + 1];
	static struct hello hello;
	struct made made;
	char ja4[HELLO_JA4_SIZE];

	(void)state;
	for (unsigned i = 0; i <= HELLO_VALUES_MAX; i++)
		ciphers[i] = 0x1301;
	made = make(0x0303, ciphers, HELLO_VALUES_MAX, NULL);
	assert_true(hello_parse(made.bytes, made.length, &hello));
	assert_true(hello_ja4(&hello, ja4));
	assert_memory_equal(ja4, "t12i9900", 8);
	assert_int_equal(hello_size(&hello), sizeof(hello));
	made = make(0x0303, ciphers, HELLO_VALUES_MAX + 1, NULL);
	assert_false(hello_parse(made.bytes, made.length, &hello));
	/* Cut at any byte: no hello. */
	made = make(0x0303, ciphers, 3, NULL);
	for (size_t length = 0; length < made.length; length++)
		assert_false(hello_parse(made.bytes, length, &hello));
}

static void test_openings(void **state)
{
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS                                                                                   \
	"\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x04\x00\x60\x00\x00"
#define WINDOW	 "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\xef\x00\x01"
#define PRIORITY "\x00\x00\x05\x02\x00\x00\x00\x00\x03\x80\x00\x00\x00\xc8"
#define HEADERS                                                                                    \
	"\x00\x00\x07\x01\x05\x00\x00\x00\x01\x82\x41\x01"                                         \
	"a\x87\x84\x53"
	static const struct {
		const char *bytes;
		size_t length;
		enum opening_state state;
		const char *text;
	} cases[] = {
#define CASE(text, state, expected) { text, sizeof(text) - 1, state, expected }
		CASE(PREFACE SETTINGS WINDOW HEADERS, OPENING_DONE,
			"1:65536;4:6291456|15663105|0|m,a,s,p"),
		CASE(PREFACE SETTINGS PRIORITY HEADERS, OPENING_DONE,
			"1:65536;4:6291456|0|3:1:0:201|m,a,s,p"),
		CASE(PREFACE HEADERS, OPENING_DONE, "|0|0|m,a,s,p"),
		CASE(PREFACE SETTINGS, OPENING_MORE, NULL),
		CASE("PRI", OPENING_MORE, NULL),
		CASE("GET / HTTP/1.1\r\n", OPENING_NONE, NULL),
		/* Padded, with a priority, a change of the dynamic table's size, then a literal name. */
		CASE(PREFACE "\x00\x00\x0e\x01\x2d\x00\x00\x00\x01\x02\x00\x00\x00\x00\x10\x20\x84"
			     "\x00\x01"
			     "a\x01"
			     "b\x00\x00",
			OPENING_DONE, "|0|0|p"),
		/* A length that says more than there is. */
		CASE(PREFACE "\x00\x00\x03\x01\x05\x00\x00\x00\x01\x82\x41\x7f", OPENING_DONE,
			"|0|0|m"),
	};
	char text[OPENING_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			opening_parse((const uint8_t *)cases[i].bytes, cases[i].length, text),
			cases[i].state);
		if (cases[i].text)
			assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_openings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
