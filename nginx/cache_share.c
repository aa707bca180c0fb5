/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nginx evicts what was not asked for longest, of all sites alike: who fetches enough that is new drives out everybody, and a
 * flood of paths that nobody asks twice is enough, since each takes the place of a key. While less than TIGHT of keys and
 * space is used that hurts nobody. Beyond, a site may take one part of SHARE_PARTS at once and as much again in
 * SHARE_SECONDS; then the cache is left out for what it does not have of the site yet, and goes on answering what it has.
 *
 * A share is kept as the time when it will be whole again (GCRA): one word of each site, of all workers. Sites whose numbers are
 * NODE_SITE_MAX apart have one together. What is charged are keys and blocks, whichever takes the larger part.
 *
 * Whether a key's answer is kept is looked up as nginx does it, in its tree and under its lock: a lookup by nginx itself would
 * make the key that must not be. It is asked only when a share is used up.
 */
#include "nginx/cache_share.h"

#include <ngx_md5.h>

#include "nginx/disk.h"
#include "nginx/shared_file.h"
#include "shared/request_abi.h"

#define SHARE_PARTS   8
#define SHARE_SECONDS 3600
#define SHARE_US      (SHARE_SECONDS * UINT64_C(1000000))
#define KEY_BYTES     128 /* of the zone: a ngx_http_file_cache_node_t in its slab */

static_assert(sizeof(ngx_http_file_cache_node_t) > KEY_BYTES / 2 &&
		      sizeof(ngx_http_file_cache_node_t) <= KEY_BYTES,
	"a key takes a slot of this size");
/* More than three quarters. */
#define IS_TIGHT(used, all) ((used) / 3 >= (all) / 4)

static uint64_t *whole_us; /* by site: when its share is whole again; NODE_SITE_MAX */

ngx_int_t cache_share_open(ngx_cycle_t *cycle)
{
	if (!whole_us)
		whole_us = shared_memory_map(cycle, NODE_SITE_MAX * sizeof(*whole_us));
	return whole_us ? NGX_OK : NGX_ERROR;
}

static uint64_t now_us(void)
{
	return (uint64_t)ngx_current_msec * 1000;
}

static uint64_t keys_max(const ngx_http_file_cache_t *zone)
{
	return (uint64_t)(zone->shpool->end - zone->shpool->start) / KEY_BYTES + 1;
}

/* Without the lock: a count that is a little old does as well. */
static bool is_tight(const ngx_http_file_cache_t *zone)
{
	uint64_t blocks = (uint64_t) * (volatile off_t *)&zone->sh->size;
	uint64_t keys = *(volatile ngx_uint_t *)&zone->sh->count;

	return IS_TIGHT(blocks, (uint64_t)zone->max_size) || IS_TIGHT(keys, keys_max(zone));
}

/* ---- the zone */

static const ngx_http_file_cache_t *zone_find(const ngx_str_t *name)
{
	const ngx_list_part_t *part = (const ngx_list_part_t *)&ngx_cycle->shared_memory.part;

	for (; part; part = part->next) {
		const ngx_shm_zone_t *zone = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (zone[i].shm.name.len == name->len &&
				memcmp(zone[i].shm.name.data, name->data, name->len) == 0)
				return zone[i].data;
		}
	}
	return NULL;
}

static bool tree_has(const ngx_http_file_cache_t *zone, const u_char key[NGX_HTTP_CACHE_KEY_LEN])
{
	const ngx_rbtree_node_t *node = zone->sh->rbtree.root;
	ngx_rbtree_key_t begin;

	memcpy(&begin, key, sizeof(begin));
	while (node != zone->sh->rbtree.sentinel) {
		const ngx_http_file_cache_node_t *found = (const void *)node;
		int order = begin < node->key ? -1 : begin > node->key;

		if (order == 0)
			order = memcmp(key + sizeof(begin), found->key, sizeof(found->key));
		if (order == 0)
			return found->exists;
		node = order < 0 ? node->left : node->right;
	}
	return false;
}

static bool is_kept(const ngx_http_file_cache_t *zone, const ngx_str_t *key)
{
	u_char digest[NGX_HTTP_CACHE_KEY_LEN];
	ngx_md5_t md5;
	bool kept;

	ngx_md5_init(&md5);
	ngx_md5_update(&md5, key->data, key->len);
	ngx_md5_final(digest, &md5);
	ngx_shmtx_lock(&zone->shpool->mutex);
	kept = tree_has(zone, digest);
	ngx_shmtx_unlock(&zone->shpool->mutex);
	return kept;
}

/* ---- shares */

bool cache_share_allows(uint32_t site, const ngx_str_t *name, const ngx_str_t *key)
{
	static const ngx_http_file_cache_t *zone;
	uint64_t until;

	/* Zones of this worker's cycle stay as long as it. */
	if (!zone)
		zone = zone_find(name);
	if (!whole_us || !zone)
		return true;
	until = __atomic_load_n(&whole_us[site % NODE_SITE_MAX], __ATOMIC_RELAXED);
	if (disk_allows(DISK_PAGES, &zone->path->name, site) &&
		(until <= now_us() + SHARE_US || !is_tight(zone)))
		return true;
	return is_kept(zone, key);
}

void cache_share_charge(uint32_t site, const ngx_http_file_cache_t *zone, off_t bytes)
{
	uint64_t blocks = (uint64_t)bytes / zone->bsize + 1;
	uint64_t of_keys = SHARE_US * SHARE_PARTS / keys_max(zone);
	uint64_t of_blocks = SHARE_US * SHARE_PARTS / ((uint64_t)zone->max_size + 1) * blocks;
	uint64_t cost = of_keys > of_blocks ? of_keys : of_blocks;
	uint64_t old, new;

	if (!whole_us || !is_tight(zone))
		return;
	old = __atomic_load_n(&whole_us[site % NODE_SITE_MAX], __ATOMIC_RELAXED);
	do
		new = (old > now_us() ? old : now_us()) + cost;
	while (!__atomic_compare_exchange_n(&whole_us[site % NODE_SITE_MAX], &old, new, true,
		__ATOMIC_RELAXED, __ATOMIC_RELAXED));
}
