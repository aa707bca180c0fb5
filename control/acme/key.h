/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of ACME (RFC 8555): P-256, for the account and for certificates; what is signed with them.
 */
#ifndef CONTROL_ACME_KEY_H
#define CONTROL_ACME_KEY_H

#include <openssl/evp.h>

#include "base/arena.h"

#define KEY_THUMBPRINT_SIZE 44

/* A new one; the caller frees it by EVP_PKEY_free. */
enum err key_make(EVP_PKEY **out) MUST_USE;
/* PEM, PKCS #8, not encrypted. */
enum err key_write(struct arena *mem, EVP_PKEY *key, const char **out) MUST_USE;
/* ERR_FORMAT: it is no P-256 key. */
enum err key_read(const char *pem, EVP_PKEY **out) MUST_USE;

/* The public part as JWK, its members in the order of RFC 7638, and their SHA-256. */
enum err key_jwk(struct arena *mem, EVP_PKEY *key, const char **out) MUST_USE;
enum err key_thumbprint(struct arena *mem, EVP_PKEY *key, char out[KEY_THUMBPRINT_SIZE]) MUST_USE;
/* JWS in its flattened JSON form, by ES256; both texts are signed as they are. */
enum err key_sign(struct arena *mem, EVP_PKEY *key, const char *head, const char *payload,
	const char **out) MUST_USE;
/* A request for a certificate of this domain: DER as base64url. */
enum err key_request(
	struct arena *mem, EVP_PKEY *key, const char *domain, const char **out) MUST_USE;
/* RFC 4648, 5, without padding. NULL: no memory. */
const char *base64url(struct arena *mem, const void *bytes, size_t length);

#endif
