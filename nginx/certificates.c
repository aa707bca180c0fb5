/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fixed array of entries, found by number through buckets, in the order of their use in a queue. An entry of another
 * version than the table's is parsed anew.
 *
 * The agent overwrites the key of a certificate that is replaced, perhaps while it is read here. What then does not
 * parse is looked up once more: the new one was there before.
 */
#include "nginx/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/site.h"

#define BUCKETS	  8192
#define CHAIN_MAX 16 /* certificates of a chain */

struct entry {
	ngx_queue_t queue; /* first: also the entry's address */
	struct entry *next, **previous;
	uint32_t number; /* 0: free */
	uint32_t version;
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

static struct entry *entries;
static struct entry *buckets[BUCKETS];
static ngx_queue_t recent; /* the first was used last */

ngx_int_t certificates_start(ngx_cycle_t *cycle)
{
	entries = ngx_pcalloc(cycle->pool, CERTIFICATES_MAX * sizeof(*entries));
	if (!entries)
		return NGX_ERROR;
	ngx_queue_init(&recent);
	for (unsigned i = 0; i < CERTIFICATES_MAX; i++) {
		ngx_queue_insert_tail(&recent, &entries[i].queue);
	}
	return NGX_OK;
}

static void entry_clear(struct entry *entry)
{
	X509_free(entry->leaf);
	EVP_PKEY_free(entry->key);
	sk_X509_pop_free(entry->chain, X509_free);
	entry->leaf = NULL;
	entry->key = NULL;
	entry->chain = NULL;
	if (entry->number) {
		*entry->previous = entry->next;
		if (entry->next)
			entry->next->previous = entry->previous;
	}
	entry->number = 0;
}

/* Keys are not encrypted; without this OpenSSL would ask the terminal. */
static int no_password(char *out, int size, int writing, void *data)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static bool chain_parse(struct entry *entry, const struct certificate *certificate)
{
	BIO *text = BIO_new_mem_buf(certificate_chain(certificate), (int)certificate->chain_length);
	X509 *next = NULL;

	if (!text)
		return false;
	entry->chain = sk_X509_new_null();
	entry->leaf = PEM_read_bio_X509(text, NULL, no_password, NULL);
	for (int i = 0; entry->leaf && entry->chain && i < CHAIN_MAX; i++) {
		next = PEM_read_bio_X509(text, NULL, no_password, NULL);
		if (!next)
			break;
		if (!sk_X509_push(entry->chain, next)) {
			X509_free(next);
			break;
		}
	}
	BIO_free(text);
	return entry->leaf && entry->chain;
}

static bool entry_parse(struct entry *entry, const struct certificate *certificate)
{
	BIO *text;

	if (!chain_parse(entry, certificate))
		return false;
	text = BIO_new_mem_buf(certificate_key(certificate), (int)certificate->key_length);
	if (!text)
		return false;
	entry->key = PEM_read_bio_PrivateKey(text, NULL, no_password, NULL);
	BIO_free(text);
	/* The end of a chain is where no further one can be read. */
	ERR_clear_error();
	return entry->key && X509_check_private_key(entry->leaf, entry->key) == 1;
}

static struct entry *entry_find(uint32_t number)
{
	for (struct entry *entry = buckets[number % BUCKETS]; entry; entry = entry->next) {
		if (entry->number == number)
			return entry;
	}
	return NULL;
}

static struct entry *entry_make(uint32_t number, const struct certificate *certificate)
{
	struct entry *entry = entry_find(number), **bucket = &buckets[number % BUCKETS];

	if (!entry)
		entry = (struct entry *)(void *)ngx_queue_last(&recent);
	entry_clear(entry);
	if (!entry_parse(entry, certificate)) {
		entry_clear(entry);
		return NULL;
	}
	entry->number = number;
	entry->version = certificate->version;
	entry->next = *bucket;
	entry->previous = bucket;
	if (*bucket)
		(*bucket)->previous = &entry->next;
	*bucket = entry;
	return entry;
}

bool certificates_use(SSL *ssl, struct table *table, uint32_t number, ngx_log_t *log)
{
	struct entry *entry = NULL;

	for (int look = 0; look < 2 && !entry; look++) {
		const struct certificate *certificate =
			number ? table_certificate(table, number) : NULL;

		if (!certificate)
			return false;
		entry = entry_find(number);
		if (!entry || entry->version != certificate->version)
			entry = entry_make(number, certificate);
	}
	if (!entry) {
		ERR_clear_error();
		ngx_log_error(NGX_LOG_ERR, log, 0,
			"certificate %ud does not parse, or is not its key's", (unsigned)number);
		return false;
	}
	ngx_queue_remove(&entry->queue);
	ngx_queue_insert_head(&recent, &entry->queue);
	return SSL_use_cert_and_key(ssl, entry->leaf, entry->key, entry->chain, 1) == 1;
}
