/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that is there when the agent starts may be anything: it is looked through whole before it is used, so that
 * the writer needs no bounds of its own. Records lie one behind the other, so all of them are met, also those
 * that no slot names.
 */
#include <assert.h>
#include <string.h>

#include "agent/table_layout.h"

static bool is_key(const struct table_record *record, const struct table_key *key)
{
	return record->kind == key->kind && record->key_length == key->length &&
	       (key->length == 0 || memcmp(record->key, key->bytes, key->length) == 0);
}

struct table_slot *table_find_slot(
	const struct table_header *header, const struct table_key *key, uint64_t hash)
{
	struct table_slot *slots = table_slots(header);
	uint32_t mask = header->slot_count - 1;

	for (uint32_t i = 0; i <= mask; i++) {
		struct table_slot *slot = &slots[(hash + i) & mask];
		uint64_t offset = table_slot_offset(slot);

		if (offset == 0)
			return NULL;
		if (offset != TABLE_GONE && slot->hash == hash &&
			is_key(table_record_at(header, offset), key))
			return slot;
	}
	return NULL;
}

static const char *check_header(const struct table_header *header, size_t size)
{
	uint32_t count = header->slot_count;

	if (header->magic != TABLE_MAGIC || header->version != TABLE_VERSION)
		return "no table of this version";
	if (header->size != size)
		return "size is not that of the file";
	if (count < 2 || count > TABLE_SLOTS_MAX || (count & (count - 1)) != 0)
		return "impossible number of slots";
	if (header->slots % 8 != 0 || header->slots < sizeof(*header) || header->slots > size ||
		(size - header->slots) / sizeof(struct table_slot) < count)
		return "slots outside of the file";
	if (header->used < table_first_record(header) || header->used > size ||
		header->used % 8 != 0)
		return "impossible end of the records";
	return NULL;
}

static const char *check_record(const struct table_record *record, uint64_t left)
{
	if (left < sizeof(*record) || record->length < sizeof(*record) || record->length > left ||
		record->length % 8 != 0)
		return "record of an impossible length";
	if (record->kind < TABLE_SETTINGS || record->kind > TABLE_KIND_LAST ||
		record->key_length > TABLE_KEY_MAX)
		return "record of an unknown kind or with a long key";
	if (record->body % 8 != 0 || record->body < sizeof(*record) + record->key_length ||
		record->body > record->length ||
		record->body_length > record->length - record->body)
		return "record whose body lies outside of it";
	return NULL;
}

/* Slots name the beginnings of records, each under its own key, and one of them is free. */
static const char *check_slots(const struct table_header *header)
{
	const struct table_slot *slots = table_slots(header);
	uint32_t free = 0;

	for (uint32_t i = 0; i < header->slot_count; i++) {
		uint64_t offset = slots[i].offset;
		const struct table_record *record;
		struct table_key key;

		free += offset == 0;
		if (offset <= TABLE_GONE)
			continue;
		if (offset < table_first_record(header) || offset >= header->used ||
			offset % 8 != 0)
			return "slot names no record";
		record = table_record_at(header, offset);
		if (check_record(record, header->used - offset) != NULL)
			return "slot names no record";
		key = (struct table_key){ record->kind, record->key_length, record->key };
		if (slots[i].hash != table_key_hash(&key) ||
			table_find_slot(header, &key, slots[i].hash) != &slots[i])
			return "slot where its key is not looked for";
	}
	return free == 0 ? "no free slot" : NULL;
}

bool request_table_check(const void *data, size_t size, const char **why)
{
	const struct table_header *header = data;
	uint64_t offset;

	assert((uintptr_t)data % 8 == 0);
	*why = size < sizeof(*header) ? "shorter than its header" : check_header(header, size);
	if (*why)
		return false;
	for (offset = table_first_record(header); offset < header->used;) {
		const struct table_record *record = table_record_at(header, offset);

		*why = check_record(record, header->used - offset);
		if (*why)
			return false;
		offset += record->length;
	}
	*why = check_slots(header);
	return *why == NULL;
}
