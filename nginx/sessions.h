/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS sessions with origins, of a worker: a new connection to one that was met before needs no certificates and no signature.
 */
#ifndef NGINX_SESSIONS_H
#define NGINX_SESSIONS_H

#include "nginx/pool.h"

#define SESSIONS_MAX                                                                               \
	1024 /* some 2 KB each, with the origin's certificate; the one longest not used gives way */

ngx_int_t sessions_start(ngx_cycle_t *cycle);
/* The session that c is to resume, when there is one; key->hash is set (pool_hash). */
void sessions_set(const struct pool_key *key, ngx_connection_t *c);
/* Keeps what c may be resumed by. */
void sessions_save(const struct pool_key *key, ngx_connection_t *c);

#endif
