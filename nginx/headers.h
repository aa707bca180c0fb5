/* SPDX-License-Identifier: BSD-2-Clause */
/* What origins are told: about the client, and the site's own headers. */
#ifndef NGINX_HEADERS_H
#define NGINX_HEADERS_H

#include "nginx/module.h"

/* A variable for nginx.conf: $polder_host. */
ngx_int_t headers_variables(ngx_conf_t *cf);
/* Of a request that goes to its origin: what it is told about the client; the site's headers in place of what the client sent under their names; no
 * upgrade that the port does not take; no buffer for bodies that do not fit in one. */
ngx_int_t headers_prepare(ngx_http_request_t *r, struct polder_request *request);
/* A call of gRPC, over HTTP/2, to a site whose origins speak it (SITE_HTTP2_ORIGIN). */
bool headers_is_grpc(const ngx_http_request_t *r, const struct polder_request *request);
/* 301 to the same place by HTTPS; the status to end the request with. */
ngx_int_t headers_redirect(ngx_http_request_t *r, struct polder_request *request);
/* Host as origins are told it. */
ngx_str_t headers_host(ngx_http_request_t *r);
/* Sees each answer's head, and lets the table go then: what follows may last for days. */
ngx_int_t headers_filter(ngx_conf_t *cf);

#endif
