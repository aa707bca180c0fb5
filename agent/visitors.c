/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reservoir (Vitter, 1985; with weights: Chao, 1982): the first ones have a place, and of those behind each takes the place
 * of a random one with the probability that it belongs to a sample of all so far. So each connection or request of the
 * window has the same chance, however many there are and in whatever order they come.
 *
 * A place is taken with the first source of a window and given back with its end: who has nothing costs nothing.
 */
#include "agent/visitors.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/text.h"

struct visited {
	struct pool_link link;
	uint32_t number;
	uint32_t count;
	int64_t since_ms;
	uint64_t total;
	struct address sample[VISITORS_SAMPLES];
};

struct visitors {
	enum visitors_of of;
	struct pool visited;
	struct index by_number;
	uint32_t cursor; /* of the one that visitors_take looks at next */
	uint64_t random;
};

struct visitors *visitors_new(enum visitors_of of)
{
	struct visitors *visitors = calloc(1, sizeof(*visitors));

	if (!visitors)
		return NULL;
	visitors->of = of;
	visitors->random = UINT64_C(0x9e3779b97f4a7c15);
	pool_init(&visitors->visited, sizeof(struct visited), VISITORS_MAX);
	index_init(&visitors->by_number, VISITORS_MAX);
	return visitors;
}

void visitors_free(struct visitors *visitors)
{
	if (!visitors)
		return;
	pool_done(&visitors->visited);
	index_done(&visitors->by_number);
	free(visitors);
}

static struct visited *at(const struct visitors *visitors, uint32_t index)
{
	return pool_at(&visitors->visited, index);
}

static struct visited *find(struct visitors *visitors, uint32_t number, int64_t now_ms)
{
	uint32_t hash = index_hash(&number, sizeof(number));
	uint32_t i = index_first(&visitors->by_number, hash);

	while (i != NONE && at(visitors, i)->number != number)
		i = index_next(&visitors->by_number, i);
	if (i != NONE)
		return at(visitors, i);
	i = pool_take(&visitors->visited);
	if (i == NONE)
		return NULL;
	if (!index_insert(&visitors->by_number, hash, i)) {
		pool_give(&visitors->visited, i);
		return NULL;
	}
	at(visitors, i)->number = number;
	at(visitors, i)->since_ms = now_ms;
	return at(visitors, i);
}

/* xorshift64 (Marsaglia, 2003); the remainder's error is nothing beside the sample's. */
static uint64_t random_below(struct visitors *visitors, uint64_t end)
{
	visitors->random ^= visitors->random << 13;
	visitors->random ^= visitors->random >> 7;
	visitors->random ^= visitors->random << 17;
	return visitors->random % end;
}

void visitors_add(struct visitors *visitors, uint32_t number, const struct address *source,
	uint64_t weight, int64_t now_ms)
{
	struct visited *visited;
	struct address *place;

	if (number == 0 || weight == 0)
		return;
	visited = find(visitors, number, now_ms);
	if (!visited)
		return;
	visited->total += weight;
	if (visited->count < VISITORS_SAMPLES)
		place = &visited->sample[visited->count++];
	else if (random_below(visitors, visited->total) < weight * VISITORS_SAMPLES)
		place = &visited->sample[random_below(visitors, VISITORS_SAMPLES)];
	else
		return;
	*place = *source;
	if (!address_is_ipv4(source->byte))
		place->half[1] = 0;
}

static bool has_ended(const struct visitors *visitors, uint32_t index, int64_t now_ms)
{
	return pool_is_live(&visitors->visited, index) &&
	       now_ms - at(visitors, index)->since_ms >= VISITORS_WINDOW_MS;
}

bool visitors_take(struct visitors *visitors, int64_t now_ms, struct record_visitors *out)
{
	for (uint32_t looked = 0; looked < visitors->visited.count; looked++) {
		uint32_t index = visitors->cursor % visitors->visited.count;
		const struct visited *visited;

		visitors->cursor = index + 1;
		if (!has_ended(visitors, index, now_ms))
			continue;
		visited = at(visitors, index);
		*out = (struct record_visitors){
			.record = { RECORD_VISITORS,
				(uint16_t)(offsetof(struct record_visitors, sample) +
					   visited->count * sizeof(out->sample[0])),
				visited->number },
			.of = (uint8_t)visitors->of,
			.sample_count = (uint8_t)visited->count,
			.window_ms = (uint32_t)(now_ms - visited->since_ms),
			.total = visited->total,
		};
		memcpy(out->sample, visited->sample, visited->count * sizeof(out->sample[0]));
		index_remove(&visitors->by_number, index);
		pool_give(&visitors->visited, index);
		return true;
	}
	return false;
}

bool visitors_has_next(const struct visitors *visitors, int64_t now_ms)
{
	for (uint32_t i = 0; i < visitors->visited.count; i++) {
		if (has_ended(visitors, i, now_ms))
			return true;
	}
	return false;
}
