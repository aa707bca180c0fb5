/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters are totals, so one that is read twice, or told twice, does no harm, and a walk over a map that
 * changes meanwhile needs no care. An entry that no whole pass has seen any more is forgotten: its object is
 * gone, or its map was made anew. Per-CPU values are added up as they are read.
 */
#include "agent/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"

#define PIECE 512 /* more than any bucket of a hash map holds */

struct tally_entry {
	struct pool_link link;
	uint32_t pass; /* that saw it last */
	uint64_t key;
	uint64_t value[TALLY_VALUES];
	bool untold;
};

struct tally_form {
	enum packet_map map;
	size_t key_size, value_size;
	uint32_t max;
	bool per_cpu;
	void (*add)(uint64_t sum[TALLY_VALUES], const void *value);
};

struct tally {
	struct packets *packets;
	const struct tally_form *form;
	struct packet_cursor cursor;
	struct pool entries;
	struct index by_key;
	uint32_t pass, untold, tell_at;
	uint32_t copies; /* of each value */
	uint8_t *keys, *values;
};

static void add_counter(uint64_t sum[TALLY_VALUES], const void *value)
{
	const struct counter *counter = value;

	sum[0] += counter->packets;
	sum[1] += counter->bytes;
}

static void add_state(uint64_t sum[TALLY_VALUES], const void *value)
{
	const struct service_state *state = value;

	/* Closings may be counted before their openings. */
	sum[0] += state->connections > 0 ? (uint64_t)state->connections : 0;
	sum[1] += state->opened;
	sum[2] += state->refused_rate;
	sum[3] += state->refused_connections;
}

static const struct tally_form forms[] = {
	[TALLY_VIP_REASON] = { PACKET_VIP_REASON, sizeof(struct vip_reason_key),
		sizeof(struct counter), 65536, true, add_counter },
	[TALLY_SERVICE_STATE] = { PACKET_SERVICE_STATE, sizeof(uint32_t),
		sizeof(struct service_state), NODE_SERVICE_MAX, false, add_state },
};

static struct tally_entry *entry_at(const struct tally *tally, uint32_t index)
{
	return pool_at(&tally->entries, index);
}

static struct tally_entry *take(struct tally *tally, uint64_t key)
{
	uint32_t hash = index_hash(&key, sizeof(key)), i = index_first(&tally->by_key, hash);

	while (i != NONE && entry_at(tally, i)->key != key)
		i = index_next(&tally->by_key, i);
	if (i != NONE)
		return entry_at(tally, i);
	i = pool_take(&tally->entries);
	if (i == NONE)
		return NULL;
	if (!index_insert(&tally->by_key, hash, i)) {
		pool_give(&tally->entries, i);
		return NULL;
	}
	entry_at(tally, i)->key = key;
	return entry_at(tally, i);
}

static void tell(struct tally *tally, struct tally_entry *entry)
{
	tally->untold += !entry->untold;
	entry->untold = true;
}

static void read_entry(struct tally *tally, uint32_t at)
{
	const struct tally_form *form = tally->form;
	const size_t stride = form->value_size * tally->copies;
	uint64_t key = 0, sum[TALLY_VALUES] = { 0 };
	struct tally_entry *entry;

	memcpy(&key, tally->keys + at * form->key_size, form->key_size);
	for (uint32_t i = 0; i < tally->copies; i++)
		form->add(sum, tally->values + at * stride + i * form->value_size);
	entry = take(tally, key);
	if (!entry)
		return; /* no memory now: the next pass tries again */
	entry->pass = tally->pass;
	if (memcmp(entry->value, sum, sizeof(sum)) == 0)
		return;
	memcpy(entry->value, sum, sizeof(sum));
	tell(tally, entry);
}

static void forget_unseen(struct tally *tally)
{
	for (uint32_t i = 0; i < tally->entries.count; i++) {
		if (!pool_is_live(&tally->entries, i) || entry_at(tally, i)->pass == tally->pass)
			continue;
		tally->untold -= entry_at(tally, i)->untold;
		index_remove(&tally->by_key, i);
		pool_give(&tally->entries, i);
	}
}

void tally_read(struct tally *tally)
{
	for (uint32_t done = 0; done < TALLY_READ_MAX; done += PIECE) {
		uint32_t count = PIECE;
		int result = packets_read(tally->packets, tally->form->map, &tally->cursor,
			tally->keys, tally->values, &count);

		for (uint32_t i = 0; i < count; i++)
			read_entry(tally, i);
		if (result == 0)
			continue;
		if (result == -ENOENT) {
			forget_unseen(tally);
			tally->pass++;
		}
		tally->cursor = (struct packet_cursor){ 0 };
		return;
	}
}

bool tally_next(struct tally *tally, uint64_t *key, uint64_t value[TALLY_VALUES])
{
	for (uint32_t step = 0; tally->untold > 0 && step < tally->entries.count; step++) {
		uint32_t index = tally->tell_at++ % tally->entries.count;
		struct tally_entry *entry;

		if (!pool_is_live(&tally->entries, index) || !entry_at(tally, index)->untold)
			continue;
		entry = entry_at(tally, index);
		entry->untold = false;
		tally->untold--;
		*key = entry->key;
		memcpy(value, entry->value, sizeof(entry->value));
		return true;
	}
	return false;
}

bool tally_has_next(const struct tally *tally)
{
	return tally->untold > 0;
}

void tally_tell_all(struct tally *tally)
{
	static const uint64_t zero[TALLY_VALUES];

	for (uint32_t i = 0; i < tally->entries.count; i++) {
		if (pool_is_live(&tally->entries, i) &&
			memcmp(entry_at(tally, i)->value, zero, sizeof(zero)) != 0)
			tell(tally, entry_at(tally, i));
	}
}

struct tally *tally_new(struct packets *packets, enum tally_kind kind)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	tally->packets = packets;
	tally->form = &forms[kind];
	tally->copies = tally->form->per_cpu ? packets_cpus(packets) : 1;
	pool_init(&tally->entries, sizeof(struct tally_entry), tally->form->max);
	index_init(&tally->by_key, tally->form->max);
	tally->keys = calloc(PIECE, tally->form->key_size);
	tally->values = calloc(PIECE, tally->form->value_size * tally->copies);
	if (!tally->keys || !tally->values) {
		tally_free(tally);
		return NULL;
	}
	return tally;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	pool_done(&tally->entries);
	index_done(&tally->by_key);
	free(tally->keys);
	free(tally->values);
	free(tally);
}
