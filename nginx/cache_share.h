/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of the cache one site may take anew while it is nearly full, so that none drives out the pages of all others
 * (docs/decisions/027).
 */
#ifndef NGINX_CACHE_SHARE_H
#define NGINX_CACHE_SHARE_H

#include "nginx/nginx.h"

/* In the master, each cycle; maps once. */
ngx_int_t cache_share_open(ngx_cycle_t *cycle);
/* Whether the site may use the zone for this key: there is room, on the disk, too, and its
 * share is not used up; or the key's answer is kept. */
bool cache_share_allows(uint32_t site, const ngx_str_t *zone, const ngx_str_t *key);
/* The site takes a key's place and so many bytes of the zone. */
void cache_share_charge(uint32_t site, const ngx_http_file_cache_t *zone, off_t bytes);

#endif
