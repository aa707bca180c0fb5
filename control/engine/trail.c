/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Items lie one behind the other and never around the ring's end; each has the place of the one before it of the same key.
 * Places are counted from the beginning of time, so that one that was overwritten is known by its number alone.
 */
#include "control/engine/trail.h"

#include <assert.h>
#include <string.h>

struct item {
	uint64_t key;
	uint64_t before; /* place of the key's item before, plus 1; 0: there was none */
	int64_t time_ms;
	uint32_t length; /* of the data behind */
	uint32_t reserved;
};
struct newest {
	struct entry entry;
	uint64_t place; /* plus 1 */
};

void trail_init(struct trail *trail, size_t size, size_t keys_max)
{
	assert(size % 8 == 0 && size >= 2 * TRAIL_ITEM_MAX);
	*trail = (struct trail){ .size = size };
	table_init(&trail->newest, sizeof(struct newest), keys_max);
}

void trail_free(struct trail *trail)
{
	arena_free(trail->mem);
	trail->mem = NULL;
	trail->bytes = NULL;
	trail->head = 0;
	table_free(&trail->newest);
}

static bool take_memory(struct trail *trail)
{
	if (trail->bytes)
		return true;
	trail->mem = arena_new(trail->size + 4096);
	trail->bytes = trail->mem ? arena_take(trail->mem, trail->size) : NULL;
	return trail->bytes != NULL;
}

static struct item *item_at(const struct trail *trail, uint64_t place)
{
	return (struct item *)(void *)(trail->bytes + place % trail->size);
}

bool trail_add(struct trail *trail, uint64_t key, int64_t time_ms, const void *data, size_t length)
{
	size_t whole = (sizeof(struct item) + length + 7) & ~(size_t)7;
	struct newest *newest;
	uint64_t place = trail->head;
	struct item *item;

	assert(key != 0 && whole <= TRAIL_ITEM_MAX);
	if (!take_memory(trail))
		return false;
	newest = table_put(&trail->newest, key, time_ms);
	if (!newest)
		return false;
	if (trail->size - place % trail->size < whole)
		place += trail->size - place % trail->size;
	item = item_at(trail, place);
	*item = (struct item){
		.key = key, .before = newest->place, .time_ms = time_ms, .length = (uint32_t)length
	};
	memcpy(item + 1, data, length);
	newest->place = place + 1;
	trail->head = place + whole;
	return true;
}

void trail_walk(const struct trail *trail, uint64_t key, trail_visit visit, void *context)
{
	const struct newest *newest = table_find(&trail->newest, key);
	uint64_t place = newest ? newest->place : 0;

	while (place != 0 && place - 1 + trail->size >= trail->head) {
		const struct item *item = item_at(trail, place - 1);

		if (item->key != key ||
			!visit(context, item->time_ms, (const uint8_t *)(item + 1), item->length))
			return;
		place = item->before;
	}
}
