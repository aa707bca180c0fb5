/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As with the cache (cache_share.c): while a quarter of the worker's connections is left nobody is limited. Beyond, a site has an
 * eighth of all as requests under way, each of which has a connection to its origin, and over HTTP/1 one to its client. What idle
 * clients have is counted as left, since nginx takes it back when it needs it. Sites whose numbers are NODE_SITE_MAX apart have one
 * part together.
 */
#include "nginx/site_share.h"

#define TIGHT_PART  4
#define SHARE_PARTS 8

static uint32_t under_way[NODE_SITE_MAX]; /* this worker's */

static bool is_tight(const volatile ngx_cycle_t *cycle)
{
	return cycle->free_connection_n + cycle->reusable_connections_n <
	       cycle->connection_n / TIGHT_PART;
}

bool site_share_take(struct polder_request *request)
{
	uint32_t *count = &under_way[request->site_number % NODE_SITE_MAX];

	if (is_tight(ngx_cycle) && *count >= ngx_cycle->connection_n / SHARE_PARTS)
		return false;
	++*count;
	request->shares = true;
	return true;
}

void site_share_end(struct polder_request *request)
{
	if (request->shares)
		under_way[request->site_number % NODE_SITE_MAX]--;
	request->shares = false;
}
