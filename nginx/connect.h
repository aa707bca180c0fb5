/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to origins, made as nginx makes them but for where they leave from.
 */
#ifndef NGINX_CONNECT_H
#define NGINX_CONNECT_H

#include "nginx/nginx.h"
#include "shared/request_abi.h"

/* To peer->sockaddr, from a back-to-origin address. NGX_AGAIN: peer->connection is on its way. NGX_DECLINED: no address was
 * free for it, which is counted. NGX_ERROR: memory or connections of the worker are out. */
ngx_int_t connect_from_source(ngx_peer_connection_t *peer, const struct table_sources *sources,
	const struct address *client);

#endif
