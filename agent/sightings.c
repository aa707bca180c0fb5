/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A window begins with its first sample. Everybody is scanned now and then, so there may be more instances than places: the
 * place is taken from the one that had least in its windows of now and before, which is never one that is flooded.
 */
#include "agent/sightings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/sighted.h"
#include "base/text.h"

struct sighted_instance {
	struct pool_link link;
	uint32_t number;
	int64_t since_ms; /* of the window, if it has something */
	uint64_t before;  /* packets of the window before */
	struct sighted_list list;
};

struct sightings {
	uint16_t record;
	struct pool instances;
	struct index by_number;
	uint32_t cursor; /* of the instance that sightings_take looks at next */
};

struct sightings *sightings_new(uint16_t record)
{
	struct sightings *sightings = calloc(1, sizeof(*sightings));

	if (!sightings)
		return NULL;
	sightings->record = record;
	pool_init(&sightings->instances, sizeof(struct sighted_instance), SIGHTINGS_MAX);
	index_init(&sightings->by_number, SIGHTINGS_MAX);
	return sightings;
}

void sightings_free(struct sightings *sightings)
{
	if (!sightings)
		return;
	pool_done(&sightings->instances);
	index_done(&sightings->by_number);
	free(sightings);
}

static struct sighted_instance *at(const struct sightings *sightings, uint32_t index)
{
	return pool_at(&sightings->instances, index);
}

static void give_least(struct sightings *sightings)
{
	uint32_t least = 0;

	for (uint32_t i = 1; i < sightings->instances.count; i++) {
		const struct sighted_instance *one = at(sightings, i),
					      *other = at(sightings, least);

		if (one->list.total + one->before < other->list.total + other->before)
			least = i;
	}
	index_remove(&sightings->by_number, least);
	pool_give(&sightings->instances, least);
}

static struct sighted_instance *instance_of(struct sightings *sightings, uint32_t number)
{
	uint32_t hash = index_hash(&number, sizeof(number));
	uint32_t i = index_first(&sightings->by_number, hash);

	while (i != NONE && at(sightings, i)->number != number)
		i = index_next(&sightings->by_number, i);
	if (i != NONE)
		return at(sightings, i);
	if (sightings->instances.used == SIGHTINGS_MAX)
		give_least(sightings);
	i = pool_take(&sightings->instances);
	if (i == NONE)
		return NULL;
	if (!index_insert(&sightings->by_number, hash, i)) {
		pool_give(&sightings->instances, i);
		return NULL;
	}
	at(sightings, i)->number = number;
	return at(sightings, i);
}

void sightings_add(struct sightings *sightings, const struct sighting *from, int64_t now_ms)
{
	struct sighted sample = { .key = { .reason = from->reason },
		.count = from->weight,
		.votes = from->weight,
		.hits = 1 };
	struct sighted_instance *instance;

	if (from->instance == 0 || from->weight == 0 || from->reason >= REASON_COUNT)
		return;
	instance = instance_of(sightings, from->instance);
	if (!instance)
		return;
	if (instance->list.total == 0)
		instance->since_ms = now_ms;
	instance->list.total += from->weight;
	sample.to = SIGHTED_TO(from->protocol, from->port);
	sample.key.source = from->source;
	if (!address_is_ipv4(from->source.byte))
		sample.key.source.half[1] = 0;
	sighted_add(&instance->list, SIGHTED_SOURCE, &sample);
	sample.key.source = (struct address){ .half = { 0, 0 } };
	if (sample.to != 0) {
		sample.key.value = sample.to;
		sighted_add(&instance->list, SIGHTED_PORT, &sample);
	}
	if (from->length == 0)
		return;
	sample.key.value = from->length;
	sighted_add(&instance->list, SIGHTED_LENGTH, &sample);
}

static bool has_ended(const struct sightings *sightings, uint32_t index, int64_t now_ms)
{
	const struct sighted_instance *instance = at(sightings, index);

	return pool_is_live(&sightings->instances, index) && instance->list.total > 0 &&
	       now_ms - instance->since_ms >= SIGHTINGS_WINDOW_MS;
}

static void fill(struct sighted_instance *instance, uint16_t record, enum sighted_kind kind,
	int64_t now_ms, struct record_sighted *out)
{
	size_t count = sighted_sort(&instance->list, kind);

	if (count > SIGHTED_REPORT)
		count = SIGHTED_REPORT;
	*out = (struct record_sighted){
		.record = { record,
			(uint16_t)(offsetof(struct record_sighted, entry) +
				   count * sizeof(out->entry[0])),
			instance->number },
		.kind = (uint8_t)kind,
		.entry_count = (uint8_t)count,
		.window_ms = (uint32_t)(now_ms - instance->since_ms),
		.total = instance->list.total,
	};
	memcpy(out->entry, sighted_entries(&instance->list, kind), count * sizeof(out->entry[0]));
}

uint32_t sightings_take(
	struct sightings *sightings, int64_t now_ms, struct record_sighted out[SIGHTED_KINDS])
{
	for (uint32_t looked = 0; looked < sightings->instances.count; looked++) {
		uint32_t index = sightings->cursor % sightings->instances.count;
		struct sighted_instance *instance;

		sightings->cursor = index + 1;
		if (!has_ended(sightings, index, now_ms))
			continue;
		instance = at(sightings, index);
		for (unsigned kind = 0; kind < SIGHTED_KINDS; kind++)
			fill(instance, sightings->record, (enum sighted_kind)kind, now_ms,
				&out[kind]);
		instance->before = instance->list.total;
		memset(&instance->list, 0, sizeof(instance->list));
		return SIGHTED_KINDS;
	}
	return 0;
}

bool sightings_has_next(const struct sightings *sightings, int64_t now_ms)
{
	for (uint32_t i = 0; i < sightings->instances.count; i++) {
		if (has_ended(sightings, i, now_ms))
			return true;
	}
	return false;
}
