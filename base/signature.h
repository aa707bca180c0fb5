/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two request signatures of the RPC gateway, pure functions used by server, CLI and tests.
 * V1: HMAC-SHA1 over METHOD&%2F&enc(sorted query). V3: ACS3-HMAC-SHA256 over canonical request.
 * Source: "Request signatures" and "V3 request structure and signature" of the published API.
 */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/form.h"

/* String-to-sign of V1; form holds every parameter but it may include "Signature", which is left out.
 * method: "GET" or "POST". NULL when memory is out. Sorts form. */
char *signature_v1_string(struct arena *mem, const char *method, struct form *form);
/* base64(HMAC-SHA1(secret + "&", string)); out: 29 bytes. */
#define SIGNATURE_V1_SIZE 29
bool signature_v1(const char *secret, const char *string, char out[SIGNATURE_V1_SIZE]);

struct header {
	const char *name; /* any case */
	const char *value;
};
/* A parsed Authorization header of V3. */
struct authorization {
	const char *credential;
	const char *signed_headers; /* as sent: "host;x-acs-action;..." */
	const char *signature;	    /* lower-case hex, 64 */
};
/* ERR_INCOMPLETE_SIGNATURE when not "ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=.." */
enum err authorization_parse(
	struct arena *mem, const char *value, struct authorization *out) MUST_USE;

struct v3_request {
	const char *method;
	struct form *query;	     /* query pairs only; is sorted */
	const struct header *header; /* all headers of the request */
	size_t header_count;
	const char *signed_headers; /* the client's own list */
	const char *payload_hash;   /* hex SHA-256 of the body as received */
};
/* "ACS3-HMAC-SHA256\n" + hex(sha256(canonical request)). canonical (may be NULL) receives that request.
 * ERR_INCOMPLETE_SIGNATURE: a signed header is absent; ERR_MEMORY. */
enum err signature_v3_string(struct arena *mem, const struct v3_request *request, char **out_string,
	char **canonical) MUST_USE;
#define SIGNATURE_V3_SIZE 65
bool signature_v3(const char *secret, const char *string, char out[SIGNATURE_V3_SIZE]);

void sha256_hex(const void *data, size_t length, char out[65]);
void sha256(const void *data, size_t length, uint8_t out[32]);
/* HMAC-SHA256. */
void hmac_sha256(
	const void *key, size_t key_length, const void *data, size_t length, uint8_t out[32]);

#endif
