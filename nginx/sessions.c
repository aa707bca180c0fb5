/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Under the key of the pool of connections, so that a session whose certificate was not verified, or for another name, is never
 * resumed where it is to be: a resumed handshake shows no certificate, and what was found of it then is what holds.
 */
#include "nginx/sessions.h"

#define PROBES 8

struct kept {
	SSL_SESSION *session; /* NULL: free */
	ngx_msec_t used;
	struct pool_key key; /* name lies in "name" */
	u_char name[SITE_DOMAIN_MAX];
};

static struct kept *kept;

ngx_int_t sessions_start(ngx_cycle_t *cycle)
{
	kept = ngx_pcalloc(cycle->pool, SESSIONS_MAX * sizeof(*kept));
	return kept ? NGX_OK : NGX_ERROR;
}

static bool is_same(const struct kept *at, const struct pool_key *key)
{
	return at->session && at->key.hash == key->hash && at->key.port == key->port &&
	       at->key.protocol == key->protocol && at->key.verify == key->verify &&
	       at->key.account == key->account &&
	       memcmp(&at->key.address, &key->address, sizeof(key->address)) == 0 &&
	       at->key.name.len == key->name.len &&
	       ngx_strncasecmp((u_char *)(uintptr_t)at->name, key->name.data, key->name.len) == 0;
}

static struct kept *find(const struct pool_key *key)
{
	for (unsigned i = 0; i < PROBES; i++) {
		struct kept *at = &kept[(key->hash + i) % SESSIONS_MAX];

		if (is_same(at, key))
			return at;
	}
	return NULL;
}

static struct kept *take(const struct pool_key *key)
{
	struct kept *oldest = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct kept *at = &kept[(key->hash + i) % SESSIONS_MAX];

		if (!at->session)
			return at;
		if (!oldest || (ngx_msec_int_t)(at->used - oldest->used) < 0)
			oldest = at;
	}
	return oldest;
}

void sessions_set(const struct pool_key *key, ngx_connection_t *c)
{
	struct kept *at = find(key);

	if (!at)
		return;
	at->used = ngx_current_msec;
	/* What cannot be resumed any more only makes a full handshake. */
	(void)ngx_ssl_set_session(c, at->session);
}

void sessions_save(const struct pool_key *key, ngx_connection_t *c)
{
	SSL_SESSION *session;
	struct kept *at;

	if (key->name.len > sizeof(at->name))
		return;
	session = ngx_ssl_get_session(c);
	if (!session)
		return;
	at = find(key);
	if (!at)
		at = take(key);
	if (at->session)
		SSL_SESSION_free(at->session);
	at->session = session;
	at->used = ngx_current_msec;
	at->key = *key;
	ngx_memcpy(at->name, key->name.data, key->name.len);
}
