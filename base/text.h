/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounded text: a builder over an arena, and the checks that outside text needs.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A growing string. After any failed append, failed stays true and the content is what fitted. */
struct text {
	struct arena *mem;
	char *data; /* NUL-terminated; NULL before the first append */
	size_t length;
	size_t capacity;
	size_t length_max;
	bool failed;
};
void text_init(struct text *text, struct arena *mem, size_t length_max);
void text_add(struct text *text, const char *piece);
void text_add_n(struct text *text, const char *piece, size_t length);
void text_add_char(struct text *text, char c);
void text_print(struct text *text, const char *format, ...) PRINTF(2, 3);

/* Bytes of the text's whole characters (UTF-8) within the first most. */
size_t text_whole(const char *text, size_t most);
bool text_is_utf8(const char *data, size_t length); /* RFC 3629; NUL is refused too */
/* Whole decimal integer, optional '-', no spaces, no '+', no leading zeros but "0" itself. */
bool text_to_int(const char *text, int64_t *out);
bool text_equal_constant_time(const char *a, const char *b, size_t length);
void text_hex(
	const uint8_t *bytes, size_t length, char *out); /* 2 * length + 1 bytes, lower case */
/* RFC 4648, with padding. */
#define BASE64_TEXT_SIZE(length) (((length) + 2) / 3 * 4 + 1)
void text_base64(const uint8_t *bytes, size_t length, char *out);
/* How many bytes text gives; -1: it is no Base64, or gives more than size. */
int text_from_base64(const char *text, uint8_t *out, size_t size);
bool text_is_unreserved(unsigned char c); /* RFC 3986, 2.3: stays as it is in a URI */
bool text_from_hex(const char *text, uint8_t *out, size_t length); /* exactly 2 * length digits */

/* Addresses: text <-> 16 bytes with IPv4 mapped (::ffff:a.b.c.d). */
bool text_to_address(const char *text, uint8_t out[16]);
/* "a.b.c.d", "a.b.c.d/24", "2001:db8::/32" -> address and prefix bits of the mapped form (96 + 24);
 * false also when bits beyond the prefix are set. */
bool text_to_prefix(const char *text, uint8_t out[16], unsigned *out_bits);
bool address_is_ipv4(const uint8_t address[16]);
#define ADDRESS_TEXT_SIZE 46
void address_format(const uint8_t address[16], char out[ADDRESS_TEXT_SIZE]);
/* Whether address is within the prefix; bits of the mapped form. */
bool prefix_covers(const uint8_t prefix[16], unsigned bits, const uint8_t address[16]);
#define PREFIX_TEXT_SIZE 50
/* A whole address prints without a length, others as "a.b.c.d/24". */
void prefix_format(const uint8_t address[16], unsigned bits, char out[PREFIX_TEXT_SIZE]);

#endif
