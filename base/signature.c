/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * V3 is verified with the client's own list of signed headers: newer clients sign headers that older
 * ones do not know. What must be on that list is the caller's decision. A signed header that occurs
 * twice is refused, since two readers of the request could then each believe another value.
 *
 * Source: the published pages "Request syntax and signature method V3" and "... V2 (RPC style)".
 */
#include "base/signature.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* Real clients sign seven to ten headers. */
#define SIGNED_HEADERS_MAX 64
/* Of an Authorization header; names of 64 headers and both hashes fit. */
#define AUTHORIZATION_MAX 4096
/* A header of the longest value that the HTTP server lets through, and names. */
#define CANONICAL_BYTES_MAX ((size_t)16 << 20)

static const char v3_algorithm[] = "ACS3-HMAC-SHA256";

char *signature_v1_string(struct arena *mem, const char *method, struct form *form)
{
	char *canonical, *encoded;

	form_sort(form);
	canonical = form_canonical(mem, form, "Signature");
	encoded = canonical ? form_encode(mem, canonical) : NULL;
	return encoded ? arena_print(mem, "%s&%%2F&%s", method, encoded) : NULL;
}

bool signature_v1(const char *secret, const char *string, char out[SIGNATURE_V1_SIZE])
{
	char key[256];
	uint8_t mac[SHA_DIGEST_LENGTH];
	int length = snprintf(key, sizeof(key), "%s&", secret);
	unsigned mac_length = 0;
	bool done;

	if (length < 0 || (size_t)length >= sizeof(key))
		return false;
	done = HMAC(EVP_sha1(), key, length, (const unsigned char *)string, strlen(string), mac,
		       &mac_length) != NULL;
	explicit_bzero(key, sizeof(key));
	if (!done || mac_length != sizeof(mac))
		return false;
	return EVP_EncodeBlock((unsigned char *)out, mac, sizeof(mac)) == SIGNATURE_V1_SIZE - 1;
}

/* One "Name=value" of the Authorization header into its place. */
static enum err authorization_field(
	struct arena *mem, const char *field, size_t length, struct authorization *authorization)
{
	static const char *const names[] = { "Credential=", "SignedHeaders=", "Signature=" };
	const char **places[] = { &authorization->credential, &authorization->signed_headers,
		&authorization->signature };
	size_t i, name_length;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		name_length = strlen(names[i]);
		if (length <= name_length || strncmp(field, names[i], name_length) != 0)
			continue;
		if (*places[i])
			return ERR_INCOMPLETE_SIGNATURE;
		*places[i] = arena_copy_n(mem, field + name_length, length - name_length);
		return *places[i] ? OK : ERR_MEMORY;
	}
	return ERR_INCOMPLETE_SIGNATURE;
}

static bool is_lower_hex(const char *text, size_t length)
{
	return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

enum err authorization_parse(struct arena *mem, const char *value, struct authorization *out)
{
	struct authorization parsed = { 0 };
	size_t scheme = sizeof(v3_algorithm) - 1, length;

	if (strlen(value) > AUTHORIZATION_MAX || strncmp(value, v3_algorithm, scheme) != 0 ||
		value[scheme] != ' ')
		return ERR_INCOMPLETE_SIGNATURE;
	value += scheme;
	for (;;) {
		value += strspn(value, " ");
		length = strcspn(value, ", ");
		TRY(authorization_field(mem, value, length, &parsed));
		value += length;
		value += strspn(value, " ");
		if (*value == '\0')
			break;
		if (*value++ != ',')
			return ERR_INCOMPLETE_SIGNATURE;
	}
	if (!parsed.credential || !parsed.signed_headers || !parsed.signature ||
		!is_lower_hex(parsed.signature, 64))
		return ERR_INCOMPLETE_SIGNATURE;
	*out = parsed;
	return OK;
}

/* The one header of that name; NULL when there is none or more than one. */
static const char *only_header(const struct v3_request *request, const char *name, size_t length)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < request->header_count; i++) {
		const struct header *header = &request->header[i];

		if (strncasecmp(header->name, name, length) != 0 || header->name[length] != '\0')
			continue;
		if (value)
			return NULL;
		value = header->value;
	}
	return value;
}

static void add_header(struct text *text, const char *name, size_t length, const char *value)
{
	size_t i, value_length;

	for (i = 0; i < length; i++)
		text_add_char(text, (char)tolower((unsigned char)name[i]));
	text_add_char(text, ':');
	value += strspn(value, " \t");
	value_length = strlen(value);
	while (value_length > 0 && strchr(" \t", value[value_length - 1]))
		value_length--;
	text_add_n(text, value, value_length);
	text_add_char(text, '\n');
}

static enum err add_signed_headers(struct text *text, const struct v3_request *request)
{
	const char *name = request->signed_headers, *value;
	size_t length, count = 0;

	for (;;) {
		length = strcspn(name, ";");
		if (length == 0 || ++count > SIGNED_HEADERS_MAX)
			return ERR_INCOMPLETE_SIGNATURE;
		value = only_header(request, name, length);
		if (!value)
			return ERR_INCOMPLETE_SIGNATURE;
		add_header(text, name, length, value);
		name += length;
		if (*name == '\0')
			return OK;
		name++;
	}
}

enum err signature_v3_string(
	struct arena *mem, const struct v3_request *request, char **out_string, char **canonical)
{
	struct text text;
	char *query, *string;
	char hash[65];

	form_sort(request->query);
	query = form_canonical(mem, request->query, NULL);
	if (!query)
		return ERR_MEMORY;
	text_init(&text, mem, CANONICAL_BYTES_MAX);
	text_print(&text, "%s\n/\n%s\n", request->method, query);
	TRY(add_signed_headers(&text, request));
	text_print(&text, "\n%s\n%s", request->signed_headers, request->payload_hash);
	if (text.failed)
		return ERR_MEMORY;
	sha256_hex(text.data, text.length, hash);
	string = arena_print(mem, "%s\n%s", v3_algorithm, hash);
	if (!string)
		return ERR_MEMORY;
	if (canonical)
		*canonical = text.data;
	*out_string = string;
	return OK;
}

bool signature_v3(const char *secret, const char *string, char out[SIGNATURE_V3_SIZE])
{
	uint8_t mac[32];

	hmac_sha256(secret, strlen(secret), string, strlen(string), mac);
	text_hex(mac, sizeof(mac), out);
	return true;
}

void sha256_hex(const void *data, size_t length, char out[65])
{
	uint8_t hash[32];

	sha256(data, length, hash);
	text_hex(hash, sizeof(hash), out);
}

/* The two below cannot fail but for want of memory in the library, where going on would be wrong. */
void sha256(const void *data, size_t length, uint8_t out[32])
{
	const void *done = SHA256(length ? data : "", length, out);

	assert(done);
	(void)done;
}

void hmac_sha256(
	const void *key, size_t key_length, const void *data, size_t length, uint8_t out[32])
{
	unsigned mac_length = 0;
	const void *done = HMAC(EVP_sha256(), key, (int)key_length,
		length ? data : (const void *)"", length, out, &mac_length);

	assert(done && mac_length == 32);
	(void)done;
}
