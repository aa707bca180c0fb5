/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of requests: in the order of shared/checks.def, each off, watched or blocking. module.c calls what is
 * declared here, and nothing else of checks/.
 */
#ifndef NGINX_RUN_H
#define NGINX_RUN_H

#include "nginx/module.h"

/* In the master, as root, at start and at each reload, before workers are made: opens what workers inherit. */
ngx_int_t polder_checks_open(ngx_cycle_t *cycle);
/* While nginx.conf is read: looks at bodies as they come. */
void polder_checks_filter(void);
/* In each worker when it starts. */
ngx_int_t polder_checks_start(ngx_cycle_t *cycle);

/*
 * Before a request goes to its origin. NGX_DECLINED: it goes on. NGX_DONE: it waits, and the caller's handler is run
 * again (as in nginx's pre-access phase). Else the status to end it with: NGX_HTTP_CLOSE closes the connection, or
 * resets the stream. Sets verdict, check and rule.
 */
ngx_int_t polder_checks_run(ngx_http_request_t *r, struct polder_request *request);
/* While it waits, request->site has become that of another table, or NULL. same_rules: with the same list of rules. */
void polder_checks_renewed(struct polder_request *request, bool same_rules);
/* When the head of its answer is known: the last time that its site is. */
void polder_checks_answered(struct polder_request *request);
/* When a request is over, whatever its end; before it is counted and logged. One that became a WebSocket is over when that
 * begins. "checks" is NULL afterwards. */
void polder_checks_log(ngx_http_request_t *r, struct polder_request *request);

/* When one is over of which nginx has not read so much that it was asked about. */
void polder_checks_log_unread(ngx_http_request_t *r);

/* HTTP/2 was agreed on, and nothing of it has been read: its frames are counted from now on. */
void polder_checks_http2(ngx_connection_t *c);

/* check says no. NGX_HTTP_CLOSE when it blocks for that site; NGX_DECLINED when it is off or only watched. Counted, and
 * noted in the request. */
ngx_int_t polder_refuse(struct polder_request *request, enum check check, uint32_t rule);
/* The node says no, whatever the site's mode. Counted as the node's, and noted in the request. */
void polder_refuse_node(struct polder_request *request, enum check check);
/* A source that is refused before a request is known: connections, handshakes, server_name. Counted; limits of the first
 * two ask for a ban. Never asked for trusted proxies. */
void polder_refuse_source(const struct polder_connection *connection, enum check check);

#endif
