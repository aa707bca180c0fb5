/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the weights of a service's origins to the table of slots that the packet path indexes with
 * a hash. Each origin with a weight gets one slot at least; what is left goes out in proportion,
 * rounded by largest remainder (the lower index on a tie), so that the result depends on the weights
 * alone and is the same on every node. The order in the table is that of smooth weighted round robin:
 * each turn every origin gains its count, and the one with the most pays the whole; consecutive slots
 * then differ as far as the weights allow.
 */
#include "agent/node_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/text.h"

/* How many slots each origin gets; they add up to ORIGIN_SLOTS. total: the sum of the weights, > 0. */
static void share(const uint16_t *weight, uint32_t count, uint32_t total, uint32_t *out)
{
	uint32_t remainder[ORIGIN_MAX];
	uint32_t given = 0, usable = 0, left;

	for (uint32_t i = 0; i < count; i++)
		usable += weight[i] > 0;
	left = ORIGIN_SLOTS - usable;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t scaled = weight[i] * left;

		out[i] = weight[i] ? 1 + scaled / total : 0;
		remainder[i] = scaled % total;
		given += out[i];
	}
	for (; given < ORIGIN_SLOTS; given++) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < count; i++) {
			if (remainder[i] > remainder[best])
				best = i;
		}
		out[best]++;
		remainder[best] = 0;
	}
}

bool slots_fill(const uint16_t *weight, uint32_t count, uint8_t slot[ORIGIN_SLOTS])
{
	uint32_t share_of[ORIGIN_MAX] = { 0 };
	int32_t credit[ORIGIN_MAX] = { 0 };
	uint32_t total = 0;

	assert(count <= ORIGIN_MAX);
	memset(slot, 0, ORIGIN_SLOTS);
	for (uint32_t i = 0; i < count; i++)
		total += weight[i];
	if (total == 0)
		return false;
	if (count == 1)
		return true;
	share(weight, count, total, share_of);
	for (uint32_t s = 0; s < ORIGIN_SLOTS; s++) {
		uint32_t best = 0;

		for (uint32_t i = 0; i < count; i++) {
			credit[i] += (int32_t)share_of[i];
			if (credit[i] > credit[best])
				best = i;
		}
		credit[best] -= ORIGIN_SLOTS;
		slot[s] = (uint8_t)best;
	}
	return true;
}

/* Without the verdicts on all of one IP version: clients of that version have no others. */
static uint32_t trusted(const struct record_service *record, uint32_t down)
{
	for (int version = 0; version < 2; version++) {
		uint32_t all = 0;

		for (uint32_t i = 0; i < record->origin_count; i++) {
			const struct record_origin *origin = &record->origin[i];

			if (origin->weight > 0 &&
				address_is_ipv4(origin->address.byte) == (version == 0))
				all |= 1u << i;
		}
		if ((down & all) == all)
			down &= ~all;
	}
	return down;
}

static bool is_limited(const struct service_limits *limits)
{
	for (int i = 0; i < LIMIT_COUNT; i++) {
		if (limits->source[i])
			return true;
	}
	return false;
}

void service_fill(const struct record_service *record, uint32_t down, struct service *out)
{
	uint16_t weight[ORIGIN_MAX] = { 0 };

	assert(record->origin_count <= ORIGIN_MAX);
	memset(out, 0, sizeof(*out));
	out->id = record->record.id;
	out->idle_seconds = record->idle_seconds;
	out->persistence_seconds = record->persistence_seconds;
	out->payload_min = record->payload_min;
	out->payload_max = record->payload_max;
	out->syn_mode = record->syn_mode;
	out->client_address = record->client_address;
	out->form = record->form;
	out->flags = record->flags;
	out->limits = record->limits;
	if (is_limited(&record->limits))
		out->flags |= SERVICE_LIMITED;
	down = trusted(record, down);
	for (uint32_t i = 0; i < record->origin_count; i++) {
		if (!(down >> i & 1))
			weight[i] = record->origin[i].weight;
		out->origin[i].address = record->origin[i].address;
		out->origin[i].port = htons(record->origin[i].port);
		out->origin[i].closed = weight[i] == 0;
	}
	/* Only weights of 0: nobody may take a new flow, and there is nothing to choose from. */
	if (slots_fill(weight, record->origin_count, out->slot))
		out->origin_count = record->origin_count;
}
