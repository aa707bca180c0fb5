/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL signs ECDSA as a sequence of two integers, JWS (RFC 7518, 3.4) wants both with 32 bytes each, one behind the
 * other. A domain comes into a request as text of OpenSSL's configuration: it has been checked as a host name, which has
 * none of the characters that mean something there.
 */
#include "control/acme/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

#define COORDINATE_SIZE 32
#define KEY_BITS	256

DEFINE_AUTO(bio, BIO *, BIO_free_all);
DEFINE_AUTO(pkey, EVP_PKEY *, EVP_PKEY_free);
DEFINE_AUTO(digest, EVP_MD_CTX *, EVP_MD_CTX_free);
DEFINE_AUTO(number, BIGNUM *, BN_free);
DEFINE_AUTO(signature, ECDSA_SIG *, ECDSA_SIG_free);
DEFINE_AUTO(request, X509_REQ *, X509_REQ_free);

static enum err failed(const char *what)
{
	ERR_clear_error();
	return fail(ERR_SYSTEM, "OpenSSL cannot %s", what);
}

const char *base64url(struct arena *mem, const void *bytes, size_t length)
{
	char *text = arena_take(mem, BASE64_TEXT_SIZE(length));

	if (!text)
		return NULL;
	text_base64(bytes, length, text);
	for (char *at = text; *at; at++) {
		if (*at == '+')
			*at = '-';
		else if (*at == '/')
			*at = '_';
		else if (*at == '=')
			*at = '\0';
	}
	return text;
}

/* ---- keys */

enum err key_make(EVP_PKEY **out)
{
	*out = EVP_EC_gen("P-256");
	return *out ? OK : failed("make a key");
}

enum err key_write(struct arena *mem, EVP_PKEY *key, const char **out)
{
	/* Secure memory or not: freed pieces of it are wiped. */
	AUTO(bio) BIO *bio = BIO_new(BIO_s_secmem());
	char *data;
	long size;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return failed("write a key");
	size = BIO_get_mem_data(bio, &data);
	*out = size > 0 ? arena_copy_n(mem, data, (size_t)size) : NULL;
	return *out ? OK : ERR_MEMORY;
}

enum err key_read(const char *pem, EVP_PKEY **out)
{
	AUTO(bio) BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
	AUTO(pkey) EVP_PKEY *key = NULL;

	if (!bio)
		return ERR_MEMORY;
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
		EVP_PKEY_get_bits(key) != KEY_BITS) {
		ERR_clear_error();
		return ERR_FORMAT;
	}
	*out = key;
	key = NULL;
	return OK;
}

static const char *coordinate(struct arena *mem, EVP_PKEY *key, const char *name)
{
	uint8_t bytes[COORDINATE_SIZE];
	AUTO(number) BIGNUM *number = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1 ||
		BN_bn2binpad(number, bytes, sizeof(bytes)) != (int)sizeof(bytes))
		return NULL;
	return base64url(mem, bytes, sizeof(bytes));
}

enum err key_jwk(struct arena *mem, EVP_PKEY *key, const char **out)
{
	const char *x = coordinate(mem, key, OSSL_PKEY_PARAM_EC_PUB_X);
	const char *y = coordinate(mem, key, OSSL_PKEY_PARAM_EC_PUB_Y);

	if (!x || !y)
		return failed("tell the public part of a key");
	*out = arena_print(
		mem, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
	return *out ? OK : ERR_MEMORY;
}

enum err key_thumbprint(struct arena *mem, EVP_PKEY *key, char out[KEY_THUMBPRINT_SIZE])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	const char *jwk = "", *text;
	unsigned length = 0;

	TRY(key_jwk(mem, key, &jwk));
	if (EVP_Digest(jwk, strlen(jwk), hash, &length, EVP_sha256(), NULL) != 1)
		return failed("hash a key");
	text = base64url(mem, hash, length);
	if (!text)
		return ERR_MEMORY;
	memcpy(out, text, KEY_THUMBPRINT_SIZE);
	return OK;
}

/* ---- signing */

static enum err sign_bytes(struct arena *mem, EVP_PKEY *key, const char *text, const char **out)
{
	AUTO(digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	AUTO(signature) ECDSA_SIG *signature = NULL;
	uint8_t der[128], raw[2 * COORDINATE_SIZE];
	const uint8_t *at = der;
	size_t length = sizeof(der);

	if (!digest || EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(digest, der, &length, (const uint8_t *)text, strlen(text)) != 1)
		return failed("sign");
	signature = d2i_ECDSA_SIG(NULL, &at, (long)length);
	if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, COORDINATE_SIZE) < 0 ||
		BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + COORDINATE_SIZE, COORDINATE_SIZE) <
			0)
		return failed("sign");
	*out = base64url(mem, raw, sizeof(raw));
	return *out ? OK : ERR_MEMORY;
}

enum err key_sign(
	struct arena *mem, EVP_PKEY *key, const char *head, const char *payload, const char **out)
{
	const char *first = base64url(mem, head, strlen(head));
	const char *second = base64url(mem, payload, strlen(payload));
	const char *both, *signature = "";

	if (!first || !second)
		return ERR_MEMORY;
	both = arena_print(mem, "%s.%s", first, second);
	if (!both)
		return ERR_MEMORY;
	TRY(sign_bytes(mem, key, both, &signature));
	*out = arena_print(mem, "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
		first, second, signature);
	return *out ? OK : ERR_MEMORY;
}

/* ---- a request for a certificate */

static bool add_domain(struct arena *mem, X509_REQ *request, const char *domain)
{
	const char *text = arena_print(mem, "DNS:%s", domain);
	X509_EXTENSION *extension;
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	bool added = false;

	extension = text ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text) : NULL;
	if (extension && list && sk_X509_EXTENSION_push(list, extension) > 0) {
		added = X509_REQ_add_extensions(request, list) == 1;
		extension = NULL;
	}
	X509_EXTENSION_free(extension);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return added;
}

enum err key_request(struct arena *mem, EVP_PKEY *key, const char *domain, const char **out)
{
	AUTO(request) X509_REQ *request = X509_REQ_new();
	uint8_t *der = NULL;
	int length;

	if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
		X509_REQ_set_pubkey(request, key) != 1 || !add_domain(mem, request, domain) ||
		X509_REQ_sign(request, key, EVP_sha256()) <= 0)
		return failed("make a request for a certificate");
	length = i2d_X509_REQ(request, &der);
	if (length <= 0)
		return failed("write a request for a certificate");
	*out = base64url(mem, der, (size_t)length);
	OPENSSL_free(der);
	return *out ? OK : ERR_MEMORY;
}
