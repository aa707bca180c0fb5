/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that come round: by an origin that is somebody else's proxy, whose origin is a site here (RFC 8586, CDN-Loop).
 */
#ifndef NGINX_LOOP_H
#define NGINX_LOOP_H

#include "nginx/module.h"

/* The element of CDN-Loop that says that a request was here; empty: none is known. Lives as long as the worker. */
ngx_str_t loop_mark(const struct table_settings *settings);
/* Was it here LOOP_MAX times? Sites that stand behind one another by way of others' proxies may have it come twice. */
#define LOOP_MAX 3
bool loop_found(const ngx_http_request_t *r, const struct polder_request *request);

#endif
