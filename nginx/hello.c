/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 8446, 4.1.2. Every length is compared with what is left before it is used; what is cut short ends the parsing of its
 * list, and a message whose frame does not hold is no hello. Extensions are read here and not asked of OpenSSL, which
 * knows nothing of those that it does not know.
 */
#include "nginx/hello.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum extension {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_POINTS = 11,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43
};

struct view {
	const uint8_t *at, *end;
};

static size_t left(const struct view *view)
{
	return (size_t)(view->end - view->at);
}

static bool take_number(struct view *view, unsigned bytes, uint32_t *out)
{
	uint32_t number = 0;

	if (left(view) < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		number = number << 8 | *view->at++;
	*out = number;
	return true;
}

/* A vector whose length comes in so many bytes. */
static bool take_view(struct view *view, unsigned bytes, struct view *out)
{
	uint32_t length;

	if (!take_number(view, bytes, &length) || left(view) < length)
		return false;
	*out = (struct view){ view->at, view->at + length };
	view->at += length;
	return true;
}

/* RFC 8701: 0x0a0a, 0x1a1a, ... */
static bool is_random(uint32_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static size_t used(const struct hello *hello)
{
	size_t all = 0;

	for (unsigned i = 0; i < HELLO_LISTS; i++)
		all += hello->count[i];
	return all;
}

static const uint16_t *list_of(const struct hello *hello, enum hello_list list)
{
	const uint16_t *at = hello->value;

	for (unsigned i = 0; i < (unsigned)list; i++)
		at += hello->count[i];
	return at;
}

static bool add_value(struct hello *hello, enum hello_list list, uint32_t value)
{
	size_t place = used(hello);

	if (place == HELLO_VALUES_MAX)
		return false;
	hello->value[place] = (uint16_t)value;
	hello->count[list]++;
	return true;
}

static bool add_list(struct hello *hello, enum hello_list list, struct view values, unsigned bytes)
{
	uint32_t value;

	while (take_number(&values, bytes, &value)) {
		if (bytes == 2 && is_random(value))
			continue;
		if (!add_value(hello, list, value))
			return false;
	}
	return true;
}

static void read_versions(struct hello *hello, struct view content)
{
	struct view versions;
	uint32_t version, highest = 0;

	if (!take_view(&content, 1, &versions))
		return;
	while (take_number(&versions, 2, &version)) {
		if (!is_random(version) && version > highest)
			highest = version;
	}
	if (highest)
		hello->highest = (uint16_t)highest;
}

static void read_alpn(struct hello *hello, struct view content)
{
	struct view protocols, first;

	if (!take_view(&content, 2, &protocols) || !take_view(&protocols, 1, &first) ||
		left(&first) == 0)
		return;
	hello->has_alpn = true;
	hello->alpn[0] = first.at[0];
	hello->alpn[1] = first.end[-1];
}

/* Lists lie in a row: the extensions' own first, then what each says in order of the lists, whatever the client's. */
static bool read_extensions(struct hello *hello, struct view extensions)
{
	struct view groups = { 0 }, points = { 0 }, signatures = { 0 }, content;
	uint32_t type;

	while (take_number(&extensions, 2, &type)) {
		if (!take_view(&extensions, 2, &content))
			return false;
		if (is_random(type))
			continue;
		if (!add_value(hello, HELLO_EXTENSIONS, type))
			return false;
		switch (type) {
		case EXTENSION_SERVER_NAME:
			hello->named = true;
			break;
		case EXTENSION_GROUPS:
			(void)take_view(&content, 2, &groups);
			break;
		case EXTENSION_POINTS:
			(void)take_view(&content, 1, &points);
			break;
		case EXTENSION_SIGNATURES:
			(void)take_view(&content, 2, &signatures);
			break;
		case EXTENSION_ALPN:
			read_alpn(hello, content);
			break;
		case EXTENSION_VERSIONS:
			read_versions(hello, content);
			break;
		default:
			break;
		}
	}
	return add_list(hello, HELLO_GROUPS, groups, 2) &&
	       add_list(hello, HELLO_POINTS, points, 1) &&
	       add_list(hello, HELLO_SIGNATURES, signatures, 2);
}

bool hello_parse(const uint8_t *message, size_t length, struct hello *out)
{
	struct view view = { message, message + length }, body, ignored, ciphers,
		    extensions = { 0 };
	uint32_t type, version;

	memset(out, 0, offsetof(struct hello, value));
	if (!take_number(&view, 1, &type) || type != 1 || !take_view(&view, 3, &body) ||
		!take_number(&body, 2, &version) || left(&body) < 32)
		return false;
	out->version = out->highest = (uint16_t)version;
	body.at += 32; /* random */
	if (!take_view(&body, 1, &ignored) /* session */ || !take_view(&body, 2, &ciphers) ||
		!take_view(&body, 1, &ignored) /* compression */)
		return false;
	if (left(&body) > 0 && !take_view(&body, 2, &extensions))
		return false;
	return add_list(out, HELLO_CIPHERS, ciphers, 2) && read_extensions(out, extensions);
}

size_t hello_size(const struct hello *hello)
{
	return offsetof(struct hello, value) + used(hello) * sizeof(hello->value[0]);
}

/* ---- digests of texts that are made piece by piece */

static bool update(EVP_MD_CTX *digest, const char *text)
{
	return EVP_DigestUpdate(digest, text, strlen(text)) == 1;
}

static bool update_list(EVP_MD_CTX *digest, const uint16_t *values, size_t count,
	const char *format, const char *between)
{
	char text[8];

	for (size_t i = 0; i < count; i++) {
		if (i > 0 && !update(digest, between))
			return false;
		/* The format is one of two of this file's own. */
		(void)snprintf(text, sizeof(text), format[0] == 'd' ? "%u" : "%04x", values[i]);
		if (!update(digest, text))
			return false;
	}
	return true;
}

static bool finish(EVP_MD_CTX *digest, char *out, unsigned digits)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(digest, bytes, NULL) != 1)
		return false;
	for (unsigned i = 0; i < digits / 2; i++)
		(void)snprintf(out + (size_t)2 * i, 3, "%02x", bytes[i]);
	return true;
}

bool hello_ja3(const struct hello *hello, char out[HELLO_JA3_SIZE])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	char version[8];
	bool done;

	(void)snprintf(version, sizeof(version), "%u", hello->version);
	done = digest && EVP_DigestInit_ex(digest, EVP_md5(), NULL) == 1 && update(digest, version);
	for (unsigned i = HELLO_CIPHERS; done && i <= HELLO_POINTS; i++)
		done = update(digest, ",") &&
		       update_list(digest, list_of(hello, (enum hello_list)i), hello->count[i], "d",
			       "-");
	done = done && finish(digest, out, HELLO_JA3_SIZE - 1);
	EVP_MD_CTX_free(digest);
	return done;
}

static int compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Twelve digits of the SHA-256 of the sorted values, and behind "_" the others as they are; zeros when there is none. */
static bool ja4_part(const uint16_t *sorted, size_t sorted_count, const uint16_t *others,
	size_t others_count, char out[13])
{
	uint16_t values[HELLO_VALUES_MAX];
	EVP_MD_CTX *digest;
	bool done;

	memcpy(out, "000000000000", 13);
	if (sorted_count == 0)
		return true;
	memcpy(values, sorted, sorted_count * sizeof(values[0]));
	qsort(values, sorted_count, sizeof(values[0]), compare);
	digest = EVP_MD_CTX_new();
	done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
	       update_list(digest, values, sorted_count, "x", ",") &&
	       (others_count == 0 || update(digest, "_")) &&
	       update_list(digest, others, others_count, "x", ",") && finish(digest, out, 12);
	EVP_MD_CTX_free(digest);
	return done;
}

static const char *version_name(uint16_t version)
{
	switch (version) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	default:
		return "00";
	}
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void alpn_name(const struct hello *hello, char out[3])
{
	static const char digits[] = "0123456789abcdef";

	memcpy(out, "00", 3);
	if (!hello->has_alpn)
		return;
	if (is_alphanumeric(hello->alpn[0]) && is_alphanumeric(hello->alpn[1])) {
		out[0] = (char)hello->alpn[0];
		out[1] = (char)hello->alpn[1];
	} else {
		out[0] = digits[hello->alpn[0] >> 4];
		out[1] = digits[hello->alpn[1] & 15];
	}
}

bool hello_ja4(const struct hello *hello, char out[HELLO_JA4_SIZE])
{
	uint16_t extensions[HELLO_VALUES_MAX];
	const uint16_t *all = list_of(hello, HELLO_EXTENSIONS);
	unsigned ciphers = hello->count[HELLO_CIPHERS], count = hello->count[HELLO_EXTENSIONS];
	size_t kept = 0;
	char alpn[3], first[13], second[13];

	for (unsigned i = 0; i < count; i++) {
		if (all[i] != EXTENSION_SERVER_NAME && all[i] != EXTENSION_ALPN)
			extensions[kept++] = all[i];
	}
	alpn_name(hello, alpn);
	if (!ja4_part(list_of(hello, HELLO_CIPHERS), ciphers, NULL, 0, first) ||
		!ja4_part(extensions, kept, list_of(hello, HELLO_SIGNATURES),
			hello->count[HELLO_SIGNATURES], second))
		return false;
	(void)snprintf(out, HELLO_JA4_SIZE, "t%s%c%02u%02u%s_%s_%s", version_name(hello->highest),
		hello->named ? 'd' : 'i', ciphers < 99 ? ciphers : 99, count < 99 ? count : 99,
		alpn, first, second);
	return true;
}
