/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear probing at a load of at most three quarters, so that a free slot ends every search. Nothing is deleted
 * one by one: who was silent is left behind when the table moves.
 */
#include "control/engine/table.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

#define SIZE_MIN 64
/* At the table's maximum, who was silent for so long is forgotten. */
#define SILENT_MS (7 * DAY_MS)

void table_init(struct table *table, size_t entry_size, size_t size_max)
{
	assert(entry_size % 8 == 0 && entry_size >= sizeof(struct entry));
	assert(size_max >= SIZE_MIN && (size_max & (size_max - 1)) == 0);
	*table = (struct table){ .entry_size = entry_size, .size_max = size_max };
}

void table_free(struct table *table)
{
	arena_free(table->mem);
	table_init(table, table->entry_size, table->size_max);
}

static struct entry *entry_at(const struct table *table, size_t at)
{
	return (struct entry *)(void *)(table->entry + at * table->entry_size);
}

/* The key's entry, or the free one where it would be. */
static struct entry *probe(const struct table *table, uint64_t key)
{
	size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (table->size - 1);

	while (entry_at(table, at)->key != 0 && entry_at(table, at)->key != key)
		at = (at + 1) & (table->size - 1);
	return entry_at(table, at);
}

void *table_find(const struct table *table, uint64_t key)
{
	struct entry *entry = table->size ? probe(table, key) : NULL;

	return entry && entry->key != 0 ? entry : NULL;
}

void *table_slot(const struct table *table, size_t at)
{
	return entry_at(table, at)->key != 0 ? entry_at(table, at) : NULL;
}

/* Into a new arena, with the entries put since_ms or later. */
static bool move(struct table *table, size_t size, int64_t since_ms)
{
	struct table next = {
		.entry_size = table->entry_size, .size = size, .size_max = table->size_max
	};

	next.mem = arena_new(size * table->entry_size + 4096);
	next.entry = next.mem ? arena_array(next.mem, size, table->entry_size) : NULL;
	if (!next.entry) {
		arena_free(next.mem);
		return false;
	}
	for (size_t i = 0; i < table->size; i++) {
		const struct entry *entry = entry_at(table, i);

		if (entry->key == 0 || entry->put_ms < since_ms)
			continue;
		memcpy(probe(&next, entry->key), entry, table->entry_size);
		next.used++;
	}
	arena_free(table->mem);
	*table = next;
	return true;
}

static bool room(struct table *table, int64_t clock_ms)
{
	if (table->used < table->size / 4 * 3)
		return true;
	if (table->size == 0)
		return move(table, SIZE_MIN, INT64_MIN);
	if (table->size < table->size_max)
		return move(table, table->size * 2, INT64_MIN);
	return move(table, table->size, clock_ms - SILENT_MS) && table->used < table->size / 4 * 3;
}

void *table_put(struct table *table, uint64_t key, int64_t clock_ms)
{
	struct entry *entry = table_find(table, key);

	assert(key != 0);
	if (!entry) {
		if (!room(table, clock_ms))
			return NULL;
		entry = probe(table, key);
		table->used++;
	}
	entry->key = key;
	entry->put_ms = clock_ms;
	return entry;
}
