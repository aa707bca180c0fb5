/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's tables: items of one size in one array, named by their index, with a free list; and
 * a hash index over such a table. Both grow by doubling up to a maximum and never shrink; an index
 * stays valid until the item is given back, a pointer only until the next take.
 */
#ifndef AGENT_POOL_H
#define AGENT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NONE UINT32_MAX /* no item */

/* First member of every item. */
struct pool_link {
	uint32_t free_next; /* POOL_LIVE while the item is taken */
};
#define POOL_LIVE (UINT32_MAX - 1)

struct pool {
	uint8_t *items;
	size_t item_size;
	uint32_t count;	   /* items ever taken: indexes are below */
	uint32_t used;	   /* items taken now */
	uint32_t capacity; /* items allocated */
	uint32_t max;
	uint32_t free_head;
};

void pool_init(struct pool *pool, size_t item_size, uint32_t max);
void pool_done(struct pool *pool);
/* A zeroed item; NONE when the maximum or memory is reached. */
uint32_t pool_take(struct pool *pool);
/* The same for a given index, in any order: for tables read back from elsewhere. NONE when taken already.
 * pool_settle must follow before the next pool_take. */
uint32_t pool_take_at(struct pool *pool, uint32_t index);
void pool_settle(struct pool *pool); /* rebuilds the free list: low indexes are taken first */
void pool_give(struct pool *pool, uint32_t index);
void *pool_at(const struct pool *pool, uint32_t index);
bool pool_is_live(const struct pool *pool, uint32_t index);

/* Grows *items to hold need items of item_size: doubles, at most max. false: over max, or no memory;
 * nothing changed then. The content beyond the old capacity is not set. */
bool pool_grow(void **items, uint32_t *capacity, size_t item_size, uint32_t need, uint32_t max);

/* Chained hash over the indexes of one pool. The owner compares keys:
 *   for (i = index_first(x, hash); i != NONE; i = index_next(x, i)) if (same key) ... */
struct index {
	uint32_t *bucket;
	uint32_t bucket_count; /* power of two, or 0 */
	struct index_entry {
		uint32_t hash;
		uint32_t next;
	} * entry; /* parallel to the pool */
	uint32_t capacity;
	uint32_t used;
	uint32_t max;
};

void index_init(struct index *index, uint32_t max);
void index_done(struct index *index);
bool index_insert(struct index *index, uint32_t hash, uint32_t item); /* false: no memory */
void index_remove(struct index *index, uint32_t item);
uint32_t index_first(const struct index *index, uint32_t hash);
uint32_t index_next(const struct index *index, uint32_t item);
uint32_t index_hash(
	const void *data, size_t length); /* FNV-1a with a final mix; keys are the control's */

#endif
