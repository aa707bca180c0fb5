/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open hash table of equal entries in an arena of its own, for what nodes report by number. It grows by
 * doubling; at its maximum, entries that were silent for longest make room. Not thread-safe.
 */
#ifndef CONTROL_ENGINE_TABLE_H
#define CONTROL_ENGINE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Head of every entry; what is kept follows it. */
struct entry {
	uint64_t key; /* never 0 */
	int64_t put_ms;
};

struct table {
	struct arena *mem;
	uint8_t *entry;
	size_t entry_size; /* with its head; a multiple of 8 */
	size_t size, used; /* slots: a power of two */
	size_t size_max;   /* slots; three quarters of them are used */
};

void table_init(struct table *table, size_t entry_size, size_t size_max);
void table_free(struct table *table); /* its entries; it may be used again */
/* NULL: none. Valid until the next table_put. */
void *table_find(const struct table *table, uint64_t key);
/* Slot at of 0..size - 1, to walk over all; NULL: a free one. */
void *table_slot(const struct table *table, size_t at);
/* The entry of the key, a zeroed one when it is new; put_ms is clock_ms from now on. NULL: the table is at its
 * maximum with entries that were put lately, or memory is out. */
void *table_put(struct table *table, uint64_t key, int64_t clock_ms);

#endif
