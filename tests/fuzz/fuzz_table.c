/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request path's table as a file may hold it. What the check accepts is then walked as its writer and its readers
 * do: every record is found under its own key, and all of it lies within the bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/table_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_through(const struct table_header *header, size_t size)
{
	const struct table_slot *slots = table_slots(header);
	uint32_t sum = 0;

	for (uint32_t i = 0; i < header->slot_count; i++) {
		const struct table_record *record;
		const uint8_t *body;
		struct table_key key;

		if (slots[i].offset <= TABLE_GONE)
			continue;
		record = table_record_at(header, slots[i].offset);
		key = (struct table_key){ record->kind, record->key_length, record->key };
		assert(table_find_slot(header, &key, table_key_hash(&key)) == &slots[i]);
		body = request_table_body(record);
		assert(slots[i].offset + record->length <= size);
		for (uint32_t j = 0; j < record->body_length; j++)
			sum += body[j];
	}
	for (uint64_t at = table_first_record(header); at < header->used;)
		at += table_record_at(header, at)->length;
	/* A key that is not there ends the search, too. */
	(void)table_find_slot(header, &(struct table_key){ TABLE_NAME, sizeof(sum), &sum }, sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy = calloc(1, size + 1);
	const char *why;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (request_table_check(copy, size, &why))
		look_through(copy, size);
	else
		assert(why);
	free(copy);
	return 0;
}
