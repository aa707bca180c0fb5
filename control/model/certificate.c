/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates are read by OpenSSL, as nginx will, and written anew: what nodes get holds nothing but certificates and
 * one key, whatever comments or parameters the customer's files had. A chain is taken as it is or refused, never
 * repaired, since a wrong guess would be served to everybody. OpenSSL's own errors are not told: they may quote what they
 * could not read.
 */
#include "control/model/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/text.h"
#include "control/model/website.h"

#define RSA_BITS_MIN 2048 /* OpenSSL's security level of nginx, and the authorities' least */
#define RSA_BITS_MAX 8192
#define TEXT_MAX     128 /* of a name of a subject or issuer that is shown */

DEFINE_AUTO(bio, BIO *, BIO_free_all);
DEFINE_AUTO(pkey, EVP_PKEY *, EVP_PKEY_free);
DEFINE_AUTO(names, GENERAL_NAMES *, GENERAL_NAMES_free);

struct chain {
	X509 *item[CERTIFICATE_DEPTH_MAX];
	size_t count;
};

static void chain_free(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		X509_free(chain->item[i]);
	ERR_clear_error();
}

static enum err because(char why[CERTIFICATE_WHY_SIZE], const char *format, ...) PRINTF(2, 3);
static enum err because(char why[CERTIFICATE_WHY_SIZE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, CERTIFICATE_WHY_SIZE, format, arguments);
	va_end(arguments);
	return ERR_CERTIFICATE_INVALID;
}

/* ---- PEM */

static BIO *text_bio(const char *text)
{
	return BIO_new_mem_buf(text, (int)strlen(text));
}

static enum err read_chain(const char *text, struct chain *chain, char why[CERTIFICATE_WHY_SIZE])
{
	if (strlen(text) > CERTIFICATE_CHAIN_MAX)
		return because(why, "Cert can have at most %d bytes.", CERTIFICATE_CHAIN_MAX);

	AUTO(bio) BIO *bio = text_bio(text);
	X509 *item;

	if (!bio)
		return ERR_MEMORY;
	while ((item = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (chain->count == CERTIFICATE_DEPTH_MAX) {
			X509_free(item);
			return because(why, "Cert can have at most %d certificates.",
				CERTIFICATE_DEPTH_MAX);
		}
		chain->item[chain->count++] = item;
	}
	/* At the end there is no further beginning; whatever else it stops at is damage. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return because(why, "Cert: certificate %zu cannot be read.", chain->count + 1);
	if (chain->count == 0)
		return because(why, "Cert must be certificates in PEM, the site's own first.");
	return OK;
}

/* Encrypted keys are refused, not asked for. */
static int no_password(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static enum err read_key(const char *text, EVP_PKEY **out, char why[CERTIFICATE_WHY_SIZE])
{
	if (strlen(text) > CERTIFICATE_KEY_MAX)
		return because(why, "Key can have at most %d bytes.", CERTIFICATE_KEY_MAX);

	AUTO(bio) BIO *bio = text_bio(text);

	if (!bio)
		return ERR_MEMORY;
	*out = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	if (*out)
		return OK;
	if (strstr(text, "ENCRYPTED"))
		return because(why, "Key must not be encrypted.");
	return because(why, "Key must be a private key in PEM.");
}

/* What was written to bio, in mem. */
static const char *bio_text(struct arena *mem, BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	return size > 0 ? arena_copy_n(mem, data, (size_t)size) : NULL;
}

static const char *write_chain(struct arena *mem, const struct chain *chain)
{
	AUTO(bio) BIO *bio = BIO_new(BIO_s_mem());

	for (size_t i = 0; bio && i < chain->count; i++) {
		if (PEM_write_bio_X509(bio, chain->item[i]) != 1)
			return NULL;
	}
	return bio ? bio_text(mem, bio) : NULL;
}

static const char *write_key(struct arena *mem, EVP_PKEY *key)
{
	/* Secure memory or not: freed pieces of it are wiped. */
	AUTO(bio) BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return NULL;
	return bio_text(mem, bio);
}

/* ---- checks */

static enum err check_order(const struct chain *chain, char why[CERTIFICATE_WHY_SIZE])
{
	for (size_t i = 1; i < chain->count; i++) {
		/* By name, and by signature: authorities with the same name have different keys. */
		if (X509_check_issued(chain->item[i], chain->item[i - 1]) != X509_V_OK ||
			X509_verify(chain->item[i - 1], X509_get0_pubkey(chain->item[i])) != 1)
			return because(why,
				"Cert: certificate %zu is not the issuer of the one before it. The "
				"site's own comes first, then each one's issuer.",
				i + 1);
	}
	return OK;
}

static enum err check_key(const struct chain *chain, EVP_PKEY *key, char why[CERTIFICATE_WHY_SIZE])
{
	int kind = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);

	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
		return because(why, "Key must be an RSA key or one of an elliptic curve.");
	if (kind == EVP_PKEY_RSA && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
		return because(why, "Key must have %d..%d bits.", RSA_BITS_MIN, RSA_BITS_MAX);
	if (X509_check_private_key(chain->item[0], key) == 1)
		return OK;
	for (size_t i = 1; i < chain->count; i++) {
		if (X509_check_private_key(chain->item[i], key) == 1)
			return because(why,
				"Key belongs to certificate %zu of Cert: the site's own must come "
				"first.",
				i + 1);
	}
	return because(why, "Key does not belong to the first certificate of Cert.");
}

static bool time_ms(const ASN1_TIME *time, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm) * 1000;
	return true;
}

static enum err check_time(const struct chain *chain, int64_t clock_ms, struct certificate_row *out,
	char why[CERTIFICATE_WHY_SIZE])
{
	if (!time_ms(X509_get0_notBefore(chain->item[0]), &out->from_ms) ||
		!time_ms(X509_get0_notAfter(chain->item[0]), &out->until_ms))
		return because(why, "Cert: the first certificate has no valid time.");
	if (clock_ms >= out->until_ms)
		return because(why, "Cert: the first certificate has expired.");
	if (clock_ms < out->from_ms)
		return because(why, "Cert: the first certificate is not valid yet.");
	return OK;
}

/* ---- what it is for */

static const char *entry_text(struct arena *mem, const X509_NAME *name, int nid)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *utf8 = NULL;
	const char *text = NULL;

	if (at < 0)
		return NULL;

	int size =
		ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

	if (size > 0 && size <= TEXT_MAX && text_is_utf8((const char *)utf8, (size_t)size))
		text = arena_copy_n(mem, (const char *)utf8, (size_t)size);
	OPENSSL_free(utf8);
	return text;
}

/* Names that no site can have are left out. */
static void add_name(struct text *names, const char *text, size_t length)
{
	char name[WEBSITE_DOMAIN_SIZE], copy[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];

	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (website_domain(copy, name, why) != OK)
		return;
	if (names->length > 0)
		text_add_char(names, ' ');
	text_add(names, name);
}

static enum err read_names(struct arena *mem, const X509 *leaf, struct certificate_row *out,
	char why[CERTIFICATE_WHY_SIZE])
{
	AUTO(names)
	GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	struct text names;

	text_init(&names, mem, (size_t)CERTIFICATE_NAMES_MAX * WEBSITE_DOMAIN_SIZE);
	if (sk_GENERAL_NAME_num(list) > CERTIFICATE_NAMES_MAX)
		return because(why, "Cert can be for at most %d names.", CERTIFICATE_NAMES_MAX);
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);

		if (name->type == GEN_DNS)
			add_name(&names, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
				(size_t)ASN1_STRING_length(name->d.dNSName));
	}
	if (names.failed)
		return ERR_MEMORY;
	if (names.length == 0)
		return because(why, "Cert: the first certificate is for no domain.");
	out->names = names.data;
	return OK;
}

static enum err read_subject(struct arena *mem, const X509 *leaf, struct certificate_row *out)
{
	const X509_NAME *issuer = X509_get_issuer_name(leaf);

	out->common = entry_text(mem, X509_get_subject_name(leaf), NID_commonName);
	if (!out->common)
		out->common = arena_copy_n(mem, out->names, strcspn(out->names, " "));
	out->issuer = entry_text(mem, issuer, NID_organizationName);
	if (!out->issuer)
		out->issuer = entry_text(mem, issuer, NID_commonName);
	if (!out->issuer)
		out->issuer = "";
	return out->common ? OK : ERR_MEMORY;
}

static enum err read_all(struct arena *mem, const struct chain *chain, EVP_PKEY *key,
	int64_t clock_ms, struct certificate_row *out, const char **out_key,
	char why[CERTIFICATE_WHY_SIZE])
{
	TRY(check_key(chain, key, why));
	TRY(check_order(chain, why));
	TRY(check_time(chain, clock_ms, out, why));
	TRY(read_names(mem, chain->item[0], out, why));
	TRY(read_subject(mem, chain->item[0], out));
	out->chain = write_chain(mem, chain);
	*out_key = write_key(mem, key);
	if (!out->chain || !*out_key)
		return ERR_MEMORY;
	/* Written anew they may be longer than they came. */
	if (strlen(out->chain) > CERTIFICATE_CHAIN_MAX)
		return because(why, "Cert can have at most %d bytes.", CERTIFICATE_CHAIN_MAX);
	if (strlen(*out_key) > CERTIFICATE_KEY_MAX)
		return because(why, "Key can have at most %d bytes.", CERTIFICATE_KEY_MAX);
	return OK;
}

enum err certificate_read(struct arena *mem, const char *chain_text, const char *key_text,
	int64_t clock_ms, struct certificate_row *out, const char **out_key,
	char why[CERTIFICATE_WHY_SIZE])
{
	struct certificate_row row = *out;
	struct chain chain = { .count = 0 };
	AUTO(pkey) EVP_PKEY *key = NULL;
	enum err err;

	ERR_clear_error();
	err = read_chain(chain_text, &chain, why);
	if (err == OK)
		err = read_key(key_text, &key, why);
	if (err == OK)
		err = read_all(mem, &chain, key, clock_ms, &row, out_key, why);
	chain_free(&chain);
	if (err == OK)
		*out = row;
	return err;
}

bool certificate_covers(const struct certificate_row *certificate, const char *domain)
{
	char name[WEBSITE_DOMAIN_SIZE];

	for (const char *at = certificate->names; *at;) {
		size_t length = strcspn(at, " ");

		if (length < sizeof(name)) {
			memcpy(name, at, length);
			name[length] = '\0';
			if (website_covers(name, domain))
				return true;
		}
		at += length;
		at += strspn(at, " ");
	}
	return false;
}
