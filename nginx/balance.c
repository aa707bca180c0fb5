/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip_hash: the highest of a score that each origin has for each client (rendezvous hashing, weighted by -w / ln(u)). A
 * client stays with its origin unless that goes; then only its own clients move, to the others by their weights.
 * rr: smooth weighted round robin, as nginx's. Turns are each worker's.
 * least_time: lowest average time, times those already waiting, by weight.
 */
#include "nginx/balance.h"

#include <math.h>

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static unsigned by_client(
	const struct candidate *candidates, unsigned count, const struct address *client)
{
	bool four = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)client);
	uint64_t source = four ? client->word[3] : client->half[0];
	double best = 0;
	unsigned chosen = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct candidate *candidate = &candidates[i];
		uint64_t place = table_hash(
			candidate->port, candidate->address, sizeof(*candidate->address));
		/* In (0, 1): never 0 nor 1. */
		double uniform = ((double)(mix(source ^ mix(place)) >> 11) + 0.5) * 0x1p-53;
		double score = -(double)candidate->origin->weight / log(uniform);

		if (i == 0 || score > best) {
			best = score;
			chosen = i;
		}
	}
	return chosen;
}

static unsigned by_turn(struct candidate *candidates, unsigned count)
{
	int32_t total = 0;
	unsigned chosen = 0;

	for (unsigned i = 0; i < count; i++) {
		struct origin_state *state = candidates[i].state;

		total += candidates[i].origin->weight;
		state->turn += candidates[i].origin->weight;
		if (state->turn > candidates[chosen].state->turn)
			chosen = i;
	}
	candidates[chosen].state->turn -= total;
	return chosen;
}

static unsigned by_time(struct candidate *candidates, unsigned count)
{
	double best = 0;
	unsigned first = by_turn(candidates, count), chosen = first;

	/* From the one whose turn it is: so equals take turns. */
	for (unsigned i = 0; i < count; i++) {
		unsigned index = (first + i) % count;
		const struct candidate *candidate = &candidates[index];
		double score = (double)origin_state_time_us(candidate->state) *
			       (candidate->state->active + 1) / candidate->origin->weight;

		if (i == 0 || score < best) {
			best = score;
			chosen = index;
		}
	}
	return chosen;
}

unsigned balance_pick(struct candidate *candidates, unsigned count, enum site_balance balance,
	const struct address *client)
{
	if (count == 1)
		return 0;
	if (balance == SITE_IP_HASH)
		return by_client(candidates, count, client);
	for (unsigned i = 0; i < count; i++) {
		if (!candidates[i].state)
			candidates[i].state = origin_state_get(
				candidates[i].key, candidates[i].address, candidates[i].port);
	}
	return balance == SITE_LEAST_TIME ? by_time(candidates, count) : by_turn(candidates, count);
}
