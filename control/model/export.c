/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link is good as it was given, byte for byte: whoever has a path and a query has them compared with what they would be if
 * we had made them, so that there is nothing to parse but two numbers.
 */
#include "control/model/export.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/signature.h"
#include "base/text.h"

#define EXPIRES	      "Expires="
#define NUMBER_DIGITS 20

void export_link(const uint8_t key[EXPORT_KEY_SIZE], int64_t number, int64_t expires_s,
	char out[EXPORT_LINK_SIZE])
{
	uint8_t code[32];
	char hex[2 * sizeof(code) + 1];
	int length = snprintf(out, EXPORT_LINK_SIZE, EXPORT_PATH "%lld?" EXPIRES "%lld",
		(long long)number, (long long)expires_s);

	hmac_sha256(key, EXPORT_KEY_SIZE, out, (size_t)length, code);
	text_hex(code, 20, hex); /* 160 bits: a link stays below EXPORT_LINK_SIZE */
	(void)snprintf(out + length, EXPORT_LINK_SIZE - (size_t)length, "&Signature=%s", hex);
}

/* The number that the text begins with and that ends at one of these characters, or at its end. */
static bool leading_number(const char *text, const char *end, int64_t *out)
{
	char digits[NUMBER_DIGITS];
	size_t length = strcspn(text, end);

	if (length >= sizeof(digits))
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	return text_to_int(digits, out);
}

bool export_link_open(const uint8_t key[EXPORT_KEY_SIZE], const char *path, const char *query,
	int64_t clock_ms, int64_t *number)
{
	char wanted[EXPORT_LINK_SIZE], given[EXPORT_LINK_SIZE];
	int64_t expires_s;
	int length;

	if (strncmp(path, EXPORT_PATH, sizeof(EXPORT_PATH) - 1) != 0 ||
		strncmp(query, EXPIRES, sizeof(EXPIRES) - 1) != 0 ||
		!leading_number(path + sizeof(EXPORT_PATH) - 1, "", number) ||
		!leading_number(query + sizeof(EXPIRES) - 1, "&", &expires_s))
		return false;
	export_link(key, *number, expires_s, wanted);
	length = snprintf(given, sizeof(given), "%s?%s", path, query);
	return length == (int)strlen(wanted) &&
	       text_equal_constant_time(given, wanted, (size_t)length) &&
	       clock_ms / SECOND_MS < expires_s;
}
