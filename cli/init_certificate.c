/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A certificate that signs itself, so that the API is never spoken to in clear: its fingerprint is told to whoever installs, to
 * be compared at the first visit. Another takes its place by replacing two files.
 */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/init.h"

#define VALID_SECONDS (3650L * 86400)

DEFINE_AUTO(key, EVP_PKEY *, EVP_PKEY_free);
DEFINE_AUTO(certificate, X509 *, X509_free);
DEFINE_AUTO(bio, BIO *, BIO_free_all);
DEFINE_AUTO(extension, X509_EXTENSION *, X509_EXTENSION_free);

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	AUTO(extension) X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);

	return extension && X509_add_ext(certificate, extension, -1) == 1;
}

static bool fill(struct arena *mem, X509 *certificate, EVP_PKEY *key, const char *name)
{
	uint8_t address[16];
	uint64_t serial;
	const char *alternative =
		arena_print(mem, "%s:%s", text_to_address(name, address) ? "IP" : "DNS", name);
	X509_NAME *subject = X509_get_subject_name(certificate);

	if (!alternative || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return false;
	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		       (const unsigned char *)"Polder API", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, subject) == 1 &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	       add_extension(certificate, NID_subject_alt_name, alternative) &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

static const char *pem_text(struct arena *mem, BIO *bio)
{
	char *data;
	const long length = BIO_get_mem_data(bio, &data);

	return length > 0 ? arena_copy_n(mem, data, (size_t)length) : NULL;
}

static const char *fingerprint_of(struct arena *mem, const X509 *certificate)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	struct text text;

	text_init(&text, mem, 256);
	if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1)
		return NULL;
	for (unsigned i = 0; i < size; i++)
		text_print(&text, "%s%02X", i ? ":" : "", digest[i]);
	return text.failed ? NULL : text.data;
}

bool certificate_make(struct arena *mem, const char *name, const char **out_key,
	const char **out_certificate, const char **out_fingerprint)
{
	AUTO(key) EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO(certificate) X509 *certificate = X509_new();
	AUTO(bio) BIO *key_bio = BIO_new(BIO_s_mem());
	AUTO(bio) BIO *certificate_bio = BIO_new(BIO_s_mem());

	if (!key || !certificate || !key_bio || !certificate_bio ||
		!fill(mem, certificate, key, name) ||
		PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
		PEM_write_bio_X509(certificate_bio, certificate) != 1)
		return complain("--name: no certificate can be made for \"%s\"", name);
	*out_key = pem_text(mem, key_bio);
	*out_certificate = pem_text(mem, certificate_bio);
	*out_fingerprint = fingerprint_of(mem, certificate);
	return (*out_key && *out_certificate && *out_fingerprint) || complain("memory is out");
}
