/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of sites that are cached at the node: which requests may be answered from nginx's cache, under which key, and how
 * long an answer is kept. The cache itself - files, places, eviction, one fetch for many - is nginx's (proxy_cache).
 */
#ifndef NGINX_CACHE_H
#define NGINX_CACHE_H

#include "nginx/module.h"

/* A variable for nginx.conf: $polder_cache_key. */
ngx_int_t cache_variables(ngx_conf_t *cf);
/* Of a request that passed all checks: whether it has to do with the cache. Its configuration is that of the location with
 * polder_cached then. */
ngx_int_t cache_prepare(ngx_http_request_t *r, struct polder_request *request);
/* Each answer's head, before it is sent and before nginx decides what it keeps. */
ngx_int_t cache_head(ngx_http_request_t *r, struct polder_request *request);
/* When the request is over: what it put there. */
void cache_done(ngx_http_request_t *r, struct polder_request *request);

#endif
