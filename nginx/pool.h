/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Idle connections to origins, of one worker, kept for the next request that wants exactly such a one: same address,
 * port, protocol, account, and under TLS the same server name and the same demand for verification. So a connection that was opened for
 * one name is never used for another. Nor is one that leaves from an address or port that connections no longer leave from.
 * What one account's sites send to an origin, and be it the start of a request that is none of theirs, never meets requests of another
 * account: anybody may name any origin.
 */
#ifndef NGINX_POOL_H
#define NGINX_POOL_H

#include "nginx/nginx.h"
#include "shared/request_abi.h"

#define POOL_MAX 1024 /* of a worker; the one longest idle is closed for a new one */

struct pool_key {
	struct address address;
	uint32_t sources; /* edition of struct table_sources; 0: there were none */
	uint32_t account; /* of the site */
	uint16_t port;
	bool tls, verify;
	const void *protocol; /* what speaks over it: the configuration of proxy or gRPC */
	ngx_str_t name;	      /* server name under TLS; else empty. Not NUL-terminated */
	uint64_t hash;	      /* of all that (pool_hash); pool_take sets it for pool_give */
};

ngx_int_t pool_start(ngx_cycle_t *cycle);
uint64_t pool_hash(const struct pool_key *key);
/* An open connection, which is the caller's now; NULL: there is none. */
ngx_connection_t *pool_take(struct pool_key *key, ngx_log_t *log);
/* The connection is the pool's now; key is one that pool_take was asked with. It is closed after idle_ms, or when the origin closes it. */
void pool_give(const struct pool_key *key, ngx_connection_t *c, ngx_msec_t idle_ms);

#endif
