/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses keep one form, 16 bytes with IPv4 mapped (RFC 4291, 2.5.5.2); a mapped address that was
 * typed in IPv6 notation is therefore IPv4, and there is no second spelling of it to compare.
 */
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a builder takes first: most replies and strings-to-sign of short requests fit. */
#define TEXT_CAPACITY_MIN 256

static const uint8_t mapped_head[12] = { [10] = 0xff, [11] = 0xff };

void text_init(struct text *text, struct arena *mem, size_t length_max)
{
	assert(length_max < SIZE_MAX / 4);
	memset(text, 0, sizeof(*text));
	text->mem = mem;
	text->length_max = length_max;
}

/* Room for more bytes and the NUL. */
static bool text_reserve(struct text *text, size_t more)
{
	size_t capacity = text->capacity ? text->capacity : TEXT_CAPACITY_MIN;
	char *data;

	if (text->failed || more > text->length_max - text->length) {
		text->failed = true;
		return false;
	}
	if (text->capacity > text->length + more)
		return true;
	while (capacity <= text->length + more)
		capacity *= 2;
	data = arena_take(text->mem, capacity);
	if (!data) {
		text->failed = true;
		return false;
	}
	if (text->length > 0)
		memcpy(data, text->data, text->length);
	text->data = data;
	text->capacity = capacity;
	return true;
}

void text_add_n(struct text *text, const char *piece, size_t length)
{
	if (!text_reserve(text, length))
		return;
	memcpy(text->data + text->length, piece, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *piece)
{
	text_add_n(text, piece, strlen(piece));
}

void text_add_char(struct text *text, char c)
{
	text_add_n(text, &c, 1);
}

void text_print(struct text *text, const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	if (length < 0)
		text->failed = true;
	if (length >= 0 && text_reserve(text, (size_t)length)) {
		(void)vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
		text->length += (size_t)length;
	}
	va_end(again);
	va_end(arguments);
}

/* Bytes of the UTF-8 sequence at data (RFC 3629, section 4), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *data, size_t left)
{
	size_t length, i;
	unsigned char low = 0x80, high = 0xbf;

	if (data[0] < 0x80)
		return data[0] != 0;
	if (data[0] >= 0xc2 && data[0] <= 0xdf)
		length = 2;
	else if ((data[0] & 0xf0) == 0xe0)
		length = 3;
	else if (data[0] >= 0xf0 && data[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;
	/* The second byte is where overlong forms, surrogates and what is above U+10FFFF show. */
	if (data[0] == 0xe0)
		low = 0xa0;
	else if (data[0] == 0xed)
		high = 0x9f;
	else if (data[0] == 0xf0)
		low = 0x90;
	else if (data[0] == 0xf4)
		high = 0x8f;
	if (data[1] < low || data[1] > high)
		return 0;
	for (i = 2; i < length; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

size_t text_whole(const char *text, size_t most)
{
	size_t length = strnlen(text, most);

	if (length < most)
		return length;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

bool text_is_utf8(const char *data, size_t length)
{
	const unsigned char *byte = (const unsigned char *)data;
	size_t step;

	while (length > 0) {
		step = utf8_sequence(byte, length);
		if (step == 0)
			return false;
		byte += step;
		length -= step;
	}
	return true;
}

bool text_to_int(const char *text, int64_t *out)
{
	bool negative = *text == '-';
	const char *digit = text + negative;
	int64_t value = 0;

	if (*digit == '0' && (negative || digit[1] != '\0'))
		return false;
	if (*digit == '\0')
		return false;
	for (; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return false;
		/* Counted downwards: the range below zero is one larger. */
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, *digit - '0', &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*out = negative ? value : -value;
	return true;
}

bool text_equal_constant_time(const char *a, const char *b, size_t length)
{
	return CRYPTO_memcmp(a, b, length) == 0;
}

void text_hex(const uint8_t *bytes, size_t length, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < length; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * length] = '\0';
}

/* Value of a hexadecimal digit, -1 for anything else. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void text_base64(const uint8_t *bytes, size_t length, char *out)
{
	assert(length <= INT_MAX / 2);
	(void)EVP_EncodeBlock((unsigned char *)out, bytes, (int)length);
}

int text_from_base64(const char *text, uint8_t *out, size_t size)
{
	size_t length = strlen(text), padding = 0;
	uint8_t last[3];
	int decoded;

	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	if (length % 4 != 0 || length > INT_MAX / 2 || length / 4 * 3 - padding > size)
		return -1;
	if (length == 0)
		return 0;
	/* The library writes whole groups: the last one beside the room that is there. */
	length -= 4;
	decoded = length ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)length) : 0;
	if (decoded < 0 || EVP_DecodeBlock(last, (const unsigned char *)text + length, 4) < 0)
		return -1;
	memcpy(out + length / 4 * 3, last, 3 - padding);
	return (int)(length / 4 * 3 + 3 - padding);
}

bool text_is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.' || c == '~';
}

bool text_from_hex(const char *text, uint8_t *out, size_t length)
{
	size_t i;
	int high, low;

	for (i = 0; i < length; i++) {
		high = hex_value(text[2 * i]);
		low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * length] == '\0';
}

bool text_to_address(const char *text, uint8_t out[16])
{
	uint8_t parsed[16];

	if (inet_pton(AF_INET, text, parsed + 12) == 1)
		memcpy(parsed, mapped_head, sizeof(mapped_head));
	else if (inet_pton(AF_INET6, text, parsed) != 1)
		return false;
	memcpy(out, parsed, sizeof(parsed));
	return true;
}

/* Whether all bits of address from position bits on are zero. */
static bool tail_is_zero(const uint8_t address[16], unsigned bits)
{
	unsigned i;

	for (i = bits; i < 128; i++) {
		if (address[i / 8] & (0x80u >> (i % 8)))
			return false;
	}
	return true;
}

bool text_to_prefix(const char *text, uint8_t out[16], unsigned *out_bits)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char head[ADDRESS_TEXT_SIZE];
	uint8_t address[16];
	unsigned base;
	int64_t bits;

	if (length >= sizeof(head))
		return false;
	memcpy(head, text, length);
	head[length] = '\0';
	if (!text_to_address(head, address))
		return false;
	/* The length counts in the notation that was typed. */
	base = strchr(head, ':') ? 0 : 96;
	bits = 128 - base;
	if (slash && (!text_to_int(slash + 1, &bits) || bits < 0 || bits > 128 - base))
		return false;
	if (!tail_is_zero(address, base + (unsigned)bits))
		return false;
	memcpy(out, address, sizeof(address));
	*out_bits = base + (unsigned)bits;
	return true;
}

bool address_is_ipv4(const uint8_t address[16])
{
	return memcmp(address, mapped_head, sizeof(mapped_head)) == 0;
}

void address_format(const uint8_t address[16], char out[ADDRESS_TEXT_SIZE])
{
	const char *text;

	if (address_is_ipv4(address))
		text = inet_ntop(AF_INET, address + 12, out, ADDRESS_TEXT_SIZE);
	else
		text = inet_ntop(AF_INET6, address, out, ADDRESS_TEXT_SIZE);
	assert(text);
	(void)text;
}

bool prefix_covers(const uint8_t prefix[16], unsigned bits, const uint8_t address[16])
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	return memcmp(prefix, address, whole) == 0 &&
	       (rest == 0 || ((prefix[whole] ^ address[whole]) & mask) == 0);
}

void prefix_format(const uint8_t address[16], unsigned bits, char out[PREFIX_TEXT_SIZE])
{
	char head[ADDRESS_TEXT_SIZE];
	bool ipv4 = bits >= 96 && address_is_ipv4(address);
	int written;

	assert(bits <= 128);
	if (ipv4 || !address_is_ipv4(address))
		address_format(address, head);
	else
		/* A prefix that is wider than all of IPv4 is an IPv6 one. */
		(void)inet_ntop(AF_INET6, address, head, sizeof(head));
	if (bits == 128)
		written = snprintf(out, PREFIX_TEXT_SIZE, "%s", head);
	else
		written = snprintf(out, PREFIX_TEXT_SIZE, "%s/%u", head, ipv4 ? bits - 96 : bits);
	assert(written > 0 && written < PREFIX_TEXT_SIZE);
	(void)written;
}
