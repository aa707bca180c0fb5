/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All is decided when the ClientHello is there and nothing else was done: OpenSSL's client hello callback counts the
 * handshake, finds the site by the server name, and refuses or sets versions and suites. That is before the
 * version is chosen, before a ticket is opened, and long before anything is signed: a refusal costs little. The
 * certificate comes later, in its own callback, which a resumed session never reaches.
 *
 * Suites are read from an SSL_CTX: the site's list would take some 30 us to be parsed for a connection. So a worker has a
 * SSL_CTX for each different list there is, which a connection is moved to (SSL_set_SSL_CTX); it differs in nothing else,
 * and carries the same callbacks. Tickets stay with the listener's SSL_CTX, where OpenSSL looks for them.
 *
 * Tickets are encrypted as nginx does it (AES-256-CBC, HMAC-SHA-256), by the keys of the table: so any node takes what another
 * one gave. Sites share them: a ticket holds no more than the session's secret.
 */
#include "nginx/tls.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/site.h"
#include "nginx/certificates.h"
#include "nginx/counters.h"
#include "nginx/fingerprint.h"
#include "nginx/run.h"
#include "nginx/source.h"

/* Different lists in use. Clients of the API may make as many as they like: the one used longest ago gives way. */
#define SUITES_MAX	  64
#define SUITES_DEFAULT	  "HIGH:!aNULL:!MD5"
#define SUITES_TEXT_MAX	  1024
#define TICKET_NAME_BYTES 16
#define TICKET_AES_BYTES  32
#define TICKET_MAC_BYTES  32

static_assert(TICKET_NAME_BYTES + TICKET_AES_BYTES + TICKET_MAC_BYTES ==
		      sizeof(((struct table_settings *)0)->ticket_key[0]),
	"ticket keys are as the table has them");

/* An SSL_CTX for a site's lists of suites. */
struct suites {
	size_t length, length_tls13;
	char text[2 * SUITES_TEXT_MAX];
	uint64_t used; /* 0: free */
	SSL_CTX *ctx;  /* NULL: memory is out */
};
static struct suites *suites;

/* ---- certificate, protocol, staple */

static int certificate_callback(SSL *ssl, void *data)
{
	ngx_connection_t *c = ngx_ssl_get_connection(ssl);
	struct polder_connection *connection = polder_connection_get(c);
	struct table *table = table_pin(polder_now_ms());
	bool found = false;

	(void)data;
	if (connection && table)
		found = certificates_use(ssl, table, connection->certificate, c->log);
	table_unpin(table);
	return found;
}

static int protocol_callback(SSL *ssl, const unsigned char **out, unsigned char *out_length,
	const unsigned char *in, unsigned int length, void *data)
{
	static const unsigned char names[] = "\x02h2\x08http/1.1\x08http/1.0";
	struct polder_connection *connection = polder_connection_get(ngx_ssl_get_connection(ssl));
	unsigned skip = connection && (connection->site_flags & SITE_HTTP2) ? 0 : 3;

	(void)data;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_length, names + skip,
		    (unsigned)sizeof(names) - 1 - skip, in, length) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* nginx's own would choose among its servers: here there is one. */
static int name_callback(SSL *ssl, int *alert, void *data)
{
	ngx_connection_t *c = ngx_ssl_get_connection(ssl);

	(void)data;
	if (c->ssl->handshaked) {
		*alert = SSL_AD_NO_RENEGOTIATION;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return SSL_TLSEXT_ERR_OK;
}

static int staple_callback(SSL *ssl, void *data)
{
	struct polder_connection *connection = polder_connection_get(ngx_ssl_get_connection(ssl));
	struct table *table = table_pin(polder_now_ms());
	const void *response = NULL;
	size_t length = 0;
	void *copy;

	(void)data;
	if (connection && table && (connection->site_flags & SITE_OCSP))
		response = table_find(table, TABLE_OCSP, &connection->certificate,
			sizeof(connection->certificate), &length);
	copy = response && length > 0 ? OPENSSL_memdup(response, length) : NULL;
	table_unpin(table);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)length) != 1) {
		OPENSSL_free(copy);
		return SSL_TLSEXT_ERR_NOACK;
	}
	return SSL_TLSEXT_ERR_OK;
}

/* ---- tickets */

static bool has_ticket_keys(const struct table_settings *settings)
{
	static const uint8_t none[TICKET_NAME_BYTES];

	return memcmp(settings->ticket_key[0], none, sizeof(none)) != 0;
}

static bool mac_begin(EVP_MAC_CTX *mac, const uint8_t *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
			(void *)(uintptr_t)(key + TICKET_NAME_BYTES + TICKET_AES_BYTES),
			TICKET_MAC_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static int ticket_seal(const struct table_settings *settings, unsigned char *name,
	unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const uint8_t *key = settings->ticket_key[0];

	if (!has_ticket_keys(settings))
		return 0;
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
		EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + TICKET_NAME_BYTES, iv) !=
			1 ||
		!mac_begin(mac, key))
		return -1;
	memcpy(name, key, TICKET_NAME_BYTES);
	return 1;
}

/* 2: taken, and the client gets a new one: by the newest key, and always under TLS 1.3, where each is used once. */
static int ticket_open(SSL *ssl, const struct table_settings *settings, const unsigned char *name,
	const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	if (!has_ticket_keys(settings))
		return 0;
	for (unsigned i = 0; i < TICKET_KEYS; i++) {
		const uint8_t *key = settings->ticket_key[i];

		if (memcmp(name, key, TICKET_NAME_BYTES) != 0)
			continue;
		if (EVP_DecryptInit_ex(
			    cipher, EVP_aes_256_cbc(), NULL, key + TICKET_NAME_BYTES, iv) != 1 ||
			!mac_begin(mac, key))
			return -1;
		return i > 0 || SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
	}
	return 0;
}

static int ticket_callback(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int seal)
{
	struct table *table = table_pin(polder_now_ms());
	const struct table_settings *settings = table_settings(table);
	int result = seal ? ticket_seal(settings, name, iv, cipher, mac)
			  : ticket_open(ssl, settings, name, iv, cipher, mac);

	table_unpin(table);
	return result;
}

/* ---- suites */

static void callbacks_set(SSL_CTX *ctx)
{
	SSL_CTX_set_cert_cb(ctx, certificate_callback, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, protocol_callback, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, name_callback);
	(void)SSL_CTX_set_tlsext_status_cb(ctx, staple_callback);
}

static SSL_CTX *suites_make(const char *list, const char *list_tls13)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return NULL;
	/* Before TLS 1.2 all signatures are by SHA-1: which versions there are is the site's word, not this level's. */
	SSL_CTX_set_security_level(ctx, 0);
	if (SSL_CTX_set_cipher_list(ctx, list[0] ? list : SUITES_DEFAULT) != 1 ||
		(list_tls13[0] && SSL_CTX_set_ciphersuites(ctx, list_tls13) != 1)) {
		SSL_CTX_free(ctx);
		ERR_clear_error();
		return NULL;
	}
	callbacks_set(ctx);
	return ctx;
}

static void suites_fill(struct suites *lists)
{
	lists->ctx = suites_make(lists->text, lists->text + SUITES_TEXT_MAX);
	if (lists->ctx)
		return;
	ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
		"suites \"%s\" \"%s\" cannot be used: connections get the default", lists->text,
		lists->text + SUITES_TEXT_MAX);
	lists->ctx = suites_make("", "");
}

/* NULL: memory is out. */
static SSL_CTX *suites_get(const struct site *site)
{
	size_t length = site->ciphers.length, length_tls13 = site->ciphers_tls13.length;
	const char *list = site_text_at(site, site->ciphers);
	const char *list_tls13 = site_text_at(site, site->ciphers_tls13);
	struct suites *found = suites;
	static uint64_t uses;

	if (length >= SUITES_TEXT_MAX || length_tls13 >= SUITES_TEXT_MAX)
		length = length_tls13 = 0;
	for (unsigned i = 0; i < SUITES_MAX; i++) {
		if (suites[i].used && suites[i].length == length &&
			suites[i].length_tls13 == length_tls13 &&
			memcmp(suites[i].text, list, length) == 0 &&
			memcmp(suites[i].text + SUITES_TEXT_MAX, list_tls13, length_tls13) == 0) {
			suites[i].used = ++uses;
			return suites[i].ctx;
		}
		if (suites[i].used < found->used)
			found = &suites[i];
	}
	/* Connections that have it keep it. */
	SSL_CTX_free(found->ctx);
	*found = (struct suites){ .length = length, .length_tls13 = length_tls13, .used = ++uses };
	memcpy(found->text, list, length);
	memcpy(found->text + SUITES_TEXT_MAX, list_tls13, length_tls13);
	suites_fill(found);
	return found->ctx;
}

/* ---- the ClientHello */

/* The name in lower case, without a final dot; its length, 0: none, or none that could be a site's. RFC 6066, 3. */
static size_t server_name(SSL *ssl, char out[SITE_DOMAIN_MAX])
{
	const unsigned char *bytes;
	size_t length, name;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &length) != 1 ||
		length < 5)
		return 0;
	name = (size_t)bytes[3] << 8 | bytes[4];
	if (((size_t)bytes[0] << 8 | bytes[1]) != length - 2 ||
		bytes[2] != TLSEXT_NAMETYPE_host_name || name != length - 5)
		return 0;
	bytes += 5;
	if (name > 0 && bytes[name - 1] == '.')
		name--;
	if (name > SITE_DOMAIN_MAX)
		return 0;
	for (size_t i = 0; i < name; i++) {
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return 0;
		out[i] = (char)ngx_tolower(bytes[i]);
	}
	return name;
}

static const struct site *site_asked(SSL *ssl, struct table *table, const struct table_vip *vip,
	const struct polder_connection *connection)
{
	char name[SITE_DOMAIN_MAX];
	size_t length = server_name(ssl, name);
	const struct table_settings *settings = table_settings(table);
	const struct site *site;
	const struct site_port *port;

	if (length == 0 || !vip ||
		polder_now_ms() + settings->life_offset_ms >= vip->forward_until_ms)
		return NULL;
	site = table_site(table, name, length, NULL);
	if (!site || !site->certificate || !site_has_instance(site, vip->instance))
		return NULL;
	port = site_port_find(site, connection->local_port);
	return port && (port->schemes & SITE_SCHEME_TLS) ? site : NULL;
}

/* false: memory is out. The listener's own suites are no site's. */
static bool site_apply(SSL *ssl, const struct site *site, const struct table_settings *settings,
	struct polder_connection *connection)
{
	bool tls13 = (site->flags & SITE_TLS13) != 0;
	SSL_CTX *ctx = suites_get(site);

	connection->certificate = site->certificate;
	connection->site_flags = site->flags;
	(void)SSL_set_min_proto_version(ssl, SSL3_VERSION + site->tls_min);
	(void)SSL_set_max_proto_version(ssl, tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	if (!ctx || !SSL_set_SSL_CTX(ssl, ctx))
		return false;
	if (!has_ticket_keys(settings)) {
		(void)SSL_set_options(ssl, SSL_OP_NO_TICKET);
		(void)SSL_set_num_tickets(ssl, 0);
	}
	return true;
}

static bool hello_accept(SSL *ssl, ngx_connection_t *c, struct table *table, int *alert)
{
	struct polder_connection *connection = polder_connection_get(c);
	const struct table_settings *settings = table_settings(table);
	const struct table_vip *vip;
	const struct site *site;

	*alert = SSL_AD_INTERNAL_ERROR;
	if (!connection || !polder_connection_settle(connection, table, settings, &vip))
		return false;
	*alert = SSL_AD_ACCESS_DENIED;
	if (!source_admit(connection) || !source_handshake(connection))
		return false;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	site = table ? site_asked(ssl, table, vip, connection) : NULL;
	if (!site) {
		/* Behind a trusted proxy it is not the source's doing. */
		if (connection->trusted)
			counter_add(&counters_node()->refused[CHECK_server_name], 1);
		else
			polder_refuse_source(connection, CHECK_server_name);
		return false;
	}
	*alert = SSL_AD_INTERNAL_ERROR;
	return site_apply(ssl, site, settings, connection);
}

static int hello_callback(SSL *ssl, int *alert, void *data)
{
	ngx_connection_t *c = ngx_ssl_get_connection(ssl);
	struct table *table;
	bool accepted;

	(void)data;
	if (c->ssl->handshaked)
		return SSL_CLIENT_HELLO_SUCCESS;
	counter_add(&counters_node()->handshakes, 1);
	table = table_pin(polder_now_ms());
	accepted = hello_accept(ssl, c, table, alert);
	table_unpin(table);
	if (accepted)
		return SSL_CLIENT_HELLO_SUCCESS;
	counter_add(&counters_node()->handshakes_refused, 1);
	/* nginx then logs it as what a client did, not as a fault. */
	c->ssl->handshake_rejected = 1;
	return SSL_CLIENT_HELLO_ERROR;
}

/* ---- start */

ngx_int_t tls_configure(ngx_conf_t *cf)
{
	const ngx_http_core_main_conf_t *core =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_core_srv_conf_t **server = core->servers.elts;

	fingerprint_test(cf->log);
	for (ngx_uint_t i = 0; i < core->servers.nelts; i++) {
		const struct polder_server_conf *own =
			server[i]->ctx->srv_conf[ngx_http_polder_module.ctx_index];
		const ngx_http_ssl_srv_conf_t *tls =
			server[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

		if (!own->enable || !tls->ssl.ctx)
			continue;
		SSL_CTX_set_security_level(tls->ssl.ctx, 0);
		callbacks_set(tls->ssl.ctx);
		fingerprint_hook(tls->ssl.ctx);
		SSL_CTX_set_client_hello_cb(tls->ssl.ctx, hello_callback, NULL);
		if (SSL_CTX_set_tlsext_ticket_key_evp_cb(tls->ssl.ctx, ticket_callback) != 1)
			return NGX_ERROR;
	}
	return NGX_OK;
}

ngx_int_t tls_start(ngx_cycle_t *cycle)
{
	suites = ngx_pcalloc(cycle->pool, SUITES_MAX * sizeof(*suites));
	return suites ? certificates_start(cycle) : NGX_ERROR;
}
