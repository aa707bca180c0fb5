/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request path's table as its writer sees it: where things lie in a file that is known to be one.
 */
#ifndef AGENT_TABLE_LAYOUT_H
#define AGENT_TABLE_LAYOUT_H

#include <stdint.h>

#include "agent/table.h"

static inline struct table_slot *table_slots(const struct table_header *header)
{
	return (struct table_slot *)((uintptr_t)header + header->slots);
}

static inline uint64_t table_first_record(const struct table_header *header)
{
	return header->slots + (uint64_t)header->slot_count * sizeof(struct table_slot);
}

static inline struct table_record *table_record_at(
	const struct table_header *header, uint64_t offset)
{
	return (struct table_record *)((uintptr_t)header + offset);
}

static inline uint64_t table_slot_offset(const struct table_slot *slot)
{
	return __atomic_load_n(&slot->offset, __ATOMIC_ACQUIRE);
}

static inline uint64_t table_key_hash(const struct table_key *key)
{
	return table_hash(key->kind, key->bytes, key->length);
}

/* NULL: no slot names a record of this key. */
struct table_slot *table_find_slot(
	const struct table_header *header, const struct table_key *key, uint64_t hash);

#endif
