/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two allocations per table, one for the items and one for the index over them, so that 100,000
 * instances cost a few megabytes. Hashes are kept beside the chain so that growing the index never asks the
 * owner for them. Keys come from the control, which is trusted not to collide on purpose; a bad
 * distribution costs time, never correctness.
 */
#include "agent/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64 /* small tables stay small */

bool pool_grow(void **items, uint32_t *capacity, size_t item_size, uint32_t need, uint32_t max)
{
	uint64_t wanted = *capacity ? *capacity : FIRST_CAPACITY;
	void *grown;

	if (need <= *capacity)
		return true;
	if (need > max)
		return false;
	while (wanted < need)
		wanted *= 2;
	if (wanted > max)
		wanted = max;
	grown = reallocarray(*items, wanted, item_size);
	if (!grown)
		return false;
	*items = grown;
	*capacity = (uint32_t)wanted;
	return true;
}

void pool_init(struct pool *pool, size_t item_size, uint32_t max)
{
	assert(item_size >= sizeof(struct pool_link));
	assert(max < POOL_LIVE);
	*pool = (struct pool){ .item_size = item_size, .max = max, .free_head = NONE };
}

void pool_done(struct pool *pool)
{
	free(pool->items);
	pool->items = NULL;
	pool->count = pool->used = pool->capacity = 0;
	pool->free_head = NONE;
}

static struct pool_link *link_at(const struct pool *pool, uint32_t index)
{
	return (struct pool_link *)(void *)(pool->items + (size_t)index * pool->item_size);
}

void *pool_at(const struct pool *pool, uint32_t index)
{
	assert(index < pool->count);
	assert(link_at(pool, index)->free_next == POOL_LIVE);
	return link_at(pool, index);
}

bool pool_is_live(const struct pool *pool, uint32_t index)
{
	return index < pool->count && link_at(pool, index)->free_next == POOL_LIVE;
}

static uint32_t make_live(struct pool *pool, uint32_t index)
{
	struct pool_link *link = link_at(pool, index);

	memset(link, 0, pool->item_size);
	link->free_next = POOL_LIVE;
	pool->used++;
	return index;
}

uint32_t pool_take(struct pool *pool)
{
	void *items = pool->items;
	uint32_t index = pool->free_head;

	if (index != NONE) {
		pool->free_head = link_at(pool, index)->free_next;
		return make_live(pool, index);
	}
	if (!pool_grow(&items, &pool->capacity, pool->item_size, pool->count + 1, pool->max))
		return NONE;
	pool->items = items;
	return make_live(pool, pool->count++);
}

uint32_t pool_take_at(struct pool *pool, uint32_t index)
{
	void *items = pool->items;

	if (index >= pool->max || pool_is_live(pool, index) ||
		!pool_grow(&items, &pool->capacity, pool->item_size, index + 1, pool->max))
		return NONE;
	pool->items = items;
	while (pool->count <= index)
		link_at(pool, pool->count++)->free_next = NONE;
	return make_live(pool, index);
}

void pool_settle(struct pool *pool)
{
	pool->free_head = NONE;
	for (uint32_t i = pool->count; i-- > 0;) {
		if (pool_is_live(pool, i))
			continue;
		link_at(pool, i)->free_next = pool->free_head;
		pool->free_head = i;
	}
}

void pool_give(struct pool *pool, uint32_t index)
{
	struct pool_link *link = pool_at(pool, index);

	link->free_next = pool->free_head;
	pool->free_head = index;
	pool->used--;
}

void index_init(struct index *index, uint32_t max)
{
	*index = (struct index){ .max = max };
}

void index_done(struct index *index)
{
	free(index->bucket);
	free(index->entry);
	index_init(index, index->max);
}

static uint32_t *bucket_of(const struct index *index, uint32_t hash)
{
	return &index->bucket[hash & (index->bucket_count - 1)];
}

/* Twice the buckets; every chain is dealt anew. */
static bool spread(struct index *index)
{
	uint32_t old_count = index->bucket_count;
	uint32_t new_count = old_count ? old_count * 2 : FIRST_CAPACITY;
	uint32_t *old = index->bucket;
	uint32_t *bucket = reallocarray(NULL, new_count, sizeof(*bucket));

	if (!bucket)
		return false;
	memset(bucket, 0xff, new_count * sizeof(*bucket));
	index->bucket = bucket;
	index->bucket_count = new_count;
	for (uint32_t i = 0; i < old_count; i++) {
		for (uint32_t item = old[i], next; item != NONE; item = next) {
			uint32_t *head = bucket_of(index, index->entry[item].hash);

			next = index->entry[item].next;
			index->entry[item].next = *head;
			*head = item;
		}
	}
	free(old);
	return true;
}

bool index_insert(struct index *index, uint32_t hash, uint32_t item)
{
	void *entry = index->entry;
	uint32_t *head;

	if (!pool_grow(&entry, &index->capacity, sizeof(*index->entry), item + 1, index->max))
		return false;
	index->entry = entry;
	if (index->used >= index->bucket_count && !spread(index))
		return false;
	head = bucket_of(index, hash);
	index->entry[item] = (struct index_entry){ .hash = hash, .next = *head };
	*head = item;
	index->used++;
	return true;
}

void index_remove(struct index *index, uint32_t item)
{
	uint32_t *at = bucket_of(index, index->entry[item].hash);

	while (*at != item) {
		assert(*at != NONE);
		at = &index->entry[*at].next;
	}
	*at = index->entry[item].next;
	index->used--;
}

uint32_t index_first(const struct index *index, uint32_t hash)
{
	uint32_t item;

	if (!index->bucket_count)
		return NONE;
	item = *bucket_of(index, hash);
	while (item != NONE && index->entry[item].hash != hash)
		item = index->entry[item].next;
	return item;
}

uint32_t index_next(const struct index *index, uint32_t item)
{
	uint32_t hash = index->entry[item].hash;

	do
		item = index->entry[item].next;
	while (item != NONE && index->entry[item].hash != hash);
	return item;
}

uint32_t index_hash(const void *data, size_t length)
{
	const uint8_t *byte = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}
