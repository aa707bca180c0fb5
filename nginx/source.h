/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one source may have of the node: connections, and TLS handshakes a second, before a request of it is known; requests that are
 * under way, of which one connection of HTTP/2 has many; and bodies that come slowly and for long. A source is an IPv4 address or an IPv6 /64. Counted over all workers; applies where the address's instance has mitigation.
 */
#ifndef NGINX_SOURCE_H
#define NGINX_SOURCE_H

#include "nginx/module.h"

#define SOURCE_CONNECTIONS_MAX 1000 /* at a time: many people behind one address have fewer */
#define SOURCE_HANDSHAKES_MAX  100  /* begun in a second: each costs 20 times a request */
#define SOURCE_REQUESTS_MAX    4000 /* at a time, each of which may hold a connection to an origin */
#define SOURCE_LINGERING_MAX   50   /* bodies (nginx/slow.c): each may last for days */
#define SOURCES		       65536

ngx_int_t source_open(ngx_cycle_t *cycle); /* master */
void source_start(ngx_cycle_t *cycle);	   /* worker */
void source_stop(void);			   /* worker that ends as it should */

/* Counts the connection, once. false: its source has too many; the refusal is counted. The connection is settled. */
bool source_admit(struct polder_connection *connection);
/* The connection is over. */
void source_release(struct polder_connection *connection);
/* The same of a request; what is counted is *out, NULL: nothing. It is not banned for that: people behind one address may
 * do it together. */
bool source_request(const struct polder_connection *connection, struct polder_source **out);
void source_request_end(struct polder_source *source); /* NULL: nothing */
/* A body on the connection, likewise. */
bool source_linger(const struct polder_connection *connection, struct polder_source **out);
void source_linger_end(struct polder_source *source);
/* Counts a handshake that begins. false: too many in this second; the refusal is counted. */
bool source_handshake(struct polder_connection *connection);

#endif
