/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By OpenSSL, with keys of elliptic curves where the kind does not matter: they are made in no time.
 */
#include "tests/support/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NAMES_BYTES_MAX 4096

static EVP_PKEY *make_key(enum test_key kind)
{
	EVP_PKEY *key = NULL;

	if (kind == TEST_KEY_EC)
		key = EVP_EC_gen("P-256");
	else if (kind == TEST_KEY_RSA_SHORT)
		key = EVP_RSA_gen(1024);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_non_null(key);
	return key;
}

static void set_time(ASN1_TIME *time, int64_t ms)
{
	assert_non_null(ASN1_TIME_adj(time, (time_t)(ms / 1000), 0, 0));
}

static void add_names(X509 *certificate, const char *names)
{
	char text[NAMES_BYTES_MAX] = "";
	size_t used = 0;
	X509_EXTENSION *extension;

	for (const char *at = names; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%sDNS:%.*s",
			used ? "," : "", (int)length, at);
		assert_true(used < sizeof(text));
		at += length;
	}
	if (used == 0)
		return;
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *make(const char *common, const char *names, EVP_PKEY *key, const X509 *issuer,
	EVP_PKEY *issuer_key, const int64_t time_ms[2])
{
	X509 *certificate = X509_new();
	X509_NAME *name;

	assert_non_null(certificate);
	assert_int_equal(X509_set_version(certificate, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
	name = X509_get_subject_name(certificate);
	if (common)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					 (const unsigned char *)common, -1, -1, 0),
			1);
	assert_int_equal(
		X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name),
		1);
	set_time(X509_getm_notBefore(certificate), time_ms[0]);
	set_time(X509_getm_notAfter(certificate), time_ms[1]);
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	add_names(certificate, names);
	assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
	return certificate;
}

static const char *take(struct arena *mem, BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);
	const char *copy = arena_copy_n(mem, data, (size_t)size);

	assert_non_null(copy);
	BIO_free_all(bio);
	return copy;
}

static const char *pem(struct arena *mem, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	X509_free(certificate);
	return take(mem, bio);
}

static const char *key_pem(struct arena *mem, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher ? "secret" : NULL,
				 cipher ? 6 : 0, NULL, NULL),
		1);
	return take(mem, bio);
}

struct test_certificate test_certificate_of(
	struct arena *mem, enum test_key kind, const char *names, int64_t from_ms, int64_t until_ms)
{
	const int64_t time_ms[2] = { from_ms, until_ms };
	EVP_PKEY *authority_key = make_key(TEST_KEY_EC), *key = make_key(kind);
	X509 *authority = make("Test Authority", "", authority_key, NULL, authority_key, time_ms);
	struct test_certificate out;

	out.leaf = pem(mem, make(NULL, names, key, authority, authority_key, time_ms));
	out.authority = pem(mem, authority);
	out.chain = arena_print(mem, "%s%s", out.leaf, out.authority);
	assert_non_null(out.chain);
	out.key = key_pem(mem, key, NULL);
	out.encrypted = key_pem(mem, key, EVP_aes_128_cbc());
	EVP_PKEY_free(key);
	EVP_PKEY_free(authority_key);
	return out;
}

struct test_certificate test_certificate(
	struct arena *mem, const char *names, int64_t from_ms, int64_t until_ms)
{
	return test_certificate_of(mem, TEST_KEY_EC, names, from_ms, until_ms);
}
