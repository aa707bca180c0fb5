/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk takes up to a minute, and connections open and close meanwhile. Of a port rule or source, let f be
 * the flows that were met, o and k those that opened and closed since it was settled last, which was
 * before the walk began. A flow that was met may have closed since, and one that opened may have been missed: the
 * true number is between f - k and f + o. A count within is left alone, one outside is set to the nearer
 * end: no opening is lost, and what is wrong is bounded by what a minute brings, and mended when that is
 * less. k is not counted anywhere: it follows from o and how the count changed.
 *
 * A UDP flow that moves from one table to the other meanwhile may be met twice, or not at all; the
 * next round sets that right.
 *
 * While a table is full the kernel evicts flows with every opening, which are counted and never taken off:
 * then o says nothing, and the count becomes f, wrong by chance in either direction until the next
 * round.
 *
 * The correction is added by a program in the kernel, in one step, so that nothing is lost between
 * reading and writing. A source whose state was evicted begins anew: nothing is made.
 */
#include "agent/recount.h"

#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/text.h"

/* As many as the maps can hold; beyond, nothing is corrected. */
#define ENTRY_MAX (NODE_SERVICE_MAX + 2 * NODE_SOURCE_STATE_MAX)

struct entry {
	struct pool_link link;
	uint32_t protocol; /* 0: a port rule */
	struct source_state_key key;
	uint32_t found;	     /* in this round */
	uint32_t opened;     /* when it was settled last */
	int32_t connections; /* then, corrected */
	uint32_t round;	     /* of that; 0: never */
};

struct recount {
	struct pool pool;
	struct index index;
	uint32_t round;
	bool incomplete; /* no room for all in this round */
};

struct recount *recount_new(void)
{
	struct recount *recount = calloc(1, sizeof(*recount));

	if (!recount)
		return NULL;
	pool_init(&recount->pool, sizeof(struct entry), ENTRY_MAX);
	index_init(&recount->index, ENTRY_MAX);
	recount->round = 1;
	return recount;
}

void recount_free(struct recount *recount)
{
	if (!recount)
		return;
	pool_done(&recount->pool);
	index_done(&recount->index);
	free(recount);
}

static uint32_t find(const struct recount *recount, uint32_t hash,
	const struct source_state_key *key, int protocol)
{
	uint32_t at = index_first(&recount->index, hash);

	while (at != NONE) {
		const struct entry *entry = pool_at(&recount->pool, at);

		if (entry->protocol == (uint32_t)protocol &&
			memcmp(&entry->key, key, sizeof(*key)) == 0)
			return at;
		at = index_next(&recount->index, at);
	}
	return NONE;
}

/* NULL: no room. */
static struct entry *find_or_make(
	struct recount *recount, const struct source_state_key *key, int protocol)
{
	uint32_t hash = index_hash(key, sizeof(*key));
	uint32_t at = find(recount, hash, key, protocol);
	struct entry *entry;

	if (at != NONE)
		return pool_at(&recount->pool, at);
	at = pool_take(&recount->pool);
	if (at == NONE)
		return NULL;
	if (!index_insert(&recount->index, hash, at)) {
		pool_give(&recount->pool, at);
		return NULL;
	}
	entry = pool_at(&recount->pool, at);
	entry->key = *key;
	entry->protocol = (uint32_t)protocol;
	return entry;
}

static void add(struct recount *recount, const struct source_state_key *key, int protocol)
{
	struct entry *entry = find_or_make(recount, key, protocol);

	if (entry)
		entry->found++;
	else
		recount->incomplete = true;
}

void recount_flow(
	struct recount *recount, const struct flow_key *key, const struct flow *flow, int protocol)
{
	struct source_state_key state = { .service = flow->service };

	if (!(flow->limit_flags & FLOW_COUNTED))
		return;
	add(recount, &state, 0);
	if (!(flow->limit_flags & FLOW_LIMITED))
		return;
	state.source = key->source;
	if (!address_is_ipv4(key->source.byte))
		state.source.half[1] = 0;
	add(recount, &state, protocol);
}

/* The number nearest to "connections" that the walk allows. */
static int64_t allowed(const struct entry *entry, uint32_t opened, int32_t connections)
{
	int64_t opened_since = (int64_t)(uint32_t)(opened - entry->opened);
	int64_t closed_since = entry->connections + opened_since - connections;
	int64_t least, most = (int64_t)entry->found + opened_since;

	least = (int64_t)entry->found - (closed_since > 0 ? closed_since : 0);
	if (least < 0)
		least = 0;
	if (connections < least)
		return least;
	return connections > most ? most : connections;
}

int32_t recount_settle(struct recount *recount, const struct source_state_key *key, int protocol,
	uint32_t opened, int32_t connections, bool full)
{
	struct entry *entry;
	int64_t right = connections;

	if (recount->incomplete)
		return 0;
	entry = find_or_make(recount, key, protocol);
	if (!entry)
		return 0;
	if (full)
		right = entry->found;
	else if (entry->round != 0)
		right = allowed(entry, opened, connections);
	entry->opened = opened;
	entry->connections = (int32_t)right;
	entry->round = recount->round;
	return (int32_t)(right - connections);
}

void recount_begin(struct recount *recount)
{
	for (uint32_t at = 0; at < recount->pool.count; at++) {
		struct entry *entry;

		if (!pool_is_live(&recount->pool, at))
			continue;
		entry = pool_at(&recount->pool, at);
		if (recount->incomplete || entry->round != recount->round) {
			index_remove(&recount->index, at);
			pool_give(&recount->pool, at);
			continue;
		}
		entry->found = 0;
	}
	recount->incomplete = false;
	recount->round++;
}
