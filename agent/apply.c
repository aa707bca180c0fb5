/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Additions are gathered and written many at a time: one system call per 256 entries makes a full
 * snapshot of 100,000 instances a matter of a second. When a batch fails, the entry at fault is
 * found by its count, refused by name, and the rest goes on. Deletions are single, and a key
 * that is not there is no error. Order is kept between maps by writing a batch out before the next phase can
 * depend on it: slots are cleared before the address that uses them is written.
 */
#include "agent/apply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BATCH_MAX 256

/* One map's additions; key and value sizes are those of packet_abi.h. */
struct batch {
	enum packet_map map;
	uint32_t type; /* record type of id, for refusals; 0: none */
	size_t key_size, value_size;
	uint32_t count;
	uint8_t *keys, *values;
	uint32_t id[BATCH_MAX];
};

enum {
	BATCH_SLOT,
	BATCH_VIP,
	BATCH_SERVICE,
	BATCH_EXACT,
	BATCH_PREFIX,
	BATCH_COUNT
};

struct applier {
	struct packets *packets;
	struct node_state *state;
	struct batch batch[BATCH_COUNT];
	void (*origin)(void *context, const struct address *address);
	void *origin_context;
	uint32_t origins; /* told in this snapshot */
};

static void refuse(struct applier *applier, const struct batch *batch, uint32_t at, int result)
{
	char why[64];

	(void)snprintf(why, sizeof(why), "%s",
		result == -E2BIG ? "the node's table is full" : strerror(-result));
	log_warn("kernel refused an entry: %s (map %d, object %u)", why, (int)batch->map,
		batch->id[at]);
	if (batch->type)
		node_state_refuse(applier->state, batch->type, batch->id[at], why);
}

static void batch_flush(struct applier *applier, struct batch *batch)
{
	uint32_t at = 0;

	while (at < batch->count) {
		const uint8_t *keys = batch->keys + at * batch->key_size;
		const uint8_t *values = batch->values + at * batch->value_size;
		uint32_t done;
		int result = packets_put_batch(
			applier->packets, batch->map, keys, values, batch->count - at, &done);

		at += done;
		if (result == 0 || at >= batch->count)
			break;
		/* The entry that stopped the batch, by itself: some maps know no batches at all. */
		result = packets_put(applier->packets, batch->map,
			batch->keys + at * batch->key_size, batch->values + at * batch->value_size);
		if (result != 0)
			refuse(applier, batch, at, result);
		at++;
	}
	batch->count = 0;
}

static void batch_add(struct applier *applier, struct batch *batch, uint32_t id, const void *key,
	const void *value)
{
	if (batch->count == BATCH_MAX)
		batch_flush(applier, batch);
	memcpy(batch->keys + batch->count * batch->key_size, key, batch->key_size);
	if (value)
		memcpy(batch->values + batch->count * batch->value_size, value, batch->value_size);
	else
		memset(batch->values + batch->count * batch->value_size, 0, batch->value_size);
	batch->id[batch->count++] = id;
}

/* Lists and services are in force before an address that needs them. */
static void flush_all(struct applier *applier)
{
	static const int order[] = { BATCH_EXACT, BATCH_PREFIX, BATCH_SERVICE, BATCH_SLOT,
		BATCH_VIP };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		batch_flush(applier, &applier->batch[order[i]]);
}

static void vip_put(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	struct applier *applier = context;
	struct batch *vips = &applier->batch[BATCH_VIP];

	if (vips->count == BATCH_MAX)
		flush_all(applier);
	if (fresh)
		batch_add(applier, &applier->batch[BATCH_SLOT], vip->instance, &vip->slot, NULL);
	batch_add(applier, vips, vip->instance, key, vip);
}

static void delete_key(struct applier *applier, enum packet_map map, const void *key)
{
	int result = packets_delete(applier->packets, map, key);

	if (result != 0 && result != -ENOENT)
		log_error("kernel did not delete from map %d: %s", (int)map, strerror(-result));
}

static void vip_delete(void *context, const struct address *key)
{
	delete_key(context, PACKET_VIP, key);
}

static void service_put(
	void *context, uint32_t id, const struct service_key *key, const struct service *service)
{
	struct applier *applier = context;

	batch_add(applier, &applier->batch[BATCH_SERVICE], id, key, service);
	for (uint32_t i = 0; i < service->origin_count; i++) {
		if (applier->origins++ < APPLY_ORIGIN_MAX)
			applier->origin(applier->origin_context, &service->origin[i].address);
	}
}

static void service_delete(void *context, const struct service_key *key)
{
	delete_key(context, PACKET_SERVICE, key);
}

static void exact_put(void *context, uint32_t id, const struct list_exact_key *key,
	const struct list_entry *entry)
{
	struct applier *applier = context;

	batch_add(applier, &applier->batch[BATCH_EXACT], id, key, entry);
}

static void exact_delete(void *context, const struct list_exact_key *key)
{
	delete_key(context, PACKET_LIST_EXACT, key);
}

static void prefix_put(void *context, uint32_t id, const struct list_prefix_key *key,
	const struct list_entry *entry)
{
	struct applier *applier = context;

	batch_add(applier, &applier->batch[BATCH_PREFIX], id, key, entry);
}

static void prefix_delete(void *context, const struct list_prefix_key *key)
{
	delete_key(context, PACKET_LIST_PREFIX, key);
}

static bool wanted(const struct node_state *state, enum packet_map map, const void *key)
{
	if (map == PACKET_VIP)
		return node_state_wants_vip(state, key);
	if (map == PACKET_SERVICE)
		return node_state_wants_service(state, key);
	if (map == PACKET_LIST_EXACT)
		return node_state_wants_exact(state, key);
	assert(map == PACKET_LIST_PREFIX);
	return node_state_wants_prefix(state, key);
}

/* Walks all keys once. A deleted key can be the walk's foothold, so it is left before it is deleted; a
 * walk that starts over because of it is bounded by the number of entries that a map can have. */
static void delete_unwanted_of(
	struct applier *applier, const struct node_state *state, enum packet_map map)
{
	const uint32_t steps_max = 2 * (NODE_LIST_EXACT_MAX + NODE_VIP_MAX);
	union {
		struct address address;
		struct service_key service;
		struct list_exact_key exact;
		struct list_prefix_key prefix;
	} key, next;
	uint32_t deleted = 0;
	int more = packets_next_key(applier->packets, map, NULL, &key);

	for (uint32_t step = 0; more == 0 && step < steps_max; step++) {
		more = packets_next_key(applier->packets, map, &key, &next);
		if (!wanted(state, map, &key)) {
			delete_key(applier, map, &key);
			deleted++;
		}
		key = next;
	}
	if (deleted)
		log_info("deleted %u entries of map %d that no snapshot asks for", deleted,
			(int)map);
}

static void delete_unwanted(void *context, const struct node_state *state)
{
	delete_unwanted_of(context, state, PACKET_VIP);
	delete_unwanted_of(context, state, PACKET_SERVICE);
	delete_unwanted_of(context, state, PACKET_LIST_EXACT);
	delete_unwanted_of(context, state, PACKET_LIST_PREFIX);
}

enum err applier_apply(struct applier *applier, const struct snapshot *snapshot)
{
	const struct node_output output = { .context = applier,
		.vip_put = vip_put,
		.vip_delete = vip_delete,
		.service_put = service_put,
		.service_delete = service_delete,
		.exact_put = exact_put,
		.exact_delete = exact_delete,
		.prefix_put = prefix_put,
		.prefix_delete = prefix_delete,
		.delete_unwanted = delete_unwanted };

	applier->origins = 0;
	TRY(node_state_apply(applier->state, snapshot, &output));
	flush_all(applier);
	return OK;
}

static void adopt(struct applier *applier)
{
	struct address key[BATCH_MAX];
	struct vip vip[BATCH_MAX];
	struct packet_cursor cursor = { 0 };
	uint32_t total = 0;
	int more = 0;

	while (more == 0 && total < 2 * NODE_VIP_MAX) {
		uint32_t count = BATCH_MAX;

		more = packets_read(applier->packets, PACKET_VIP, &cursor, key, vip, &count);
		for (uint32_t i = 0; i < count; i++)
			node_state_adopt(applier->state, &key[i], &vip[i]);
		total += count;
	}
	if (more != 0 && more != -ENOENT)
		log_warn("read the addresses in force: %s", strerror(-more));
	node_state_adopted(applier->state);
}

enum err applier_begin(struct applier *applier, const struct agent_settings *settings)
{
	adopt(applier);
	for (uint32_t version = 0; version < 2; version++) {
		for (uint32_t i = 0; i < settings->source_count[version]; i++) {
			const struct address *address = &settings->source[version][i];
			uint32_t key = version * NODE_SOURCE_MAX + i;
			struct vip vip;
			int result;

			TRY(node_state_add_source(applier->state, address, &vip));
			result = packets_put(applier->packets, PACKET_SOURCE, &key, address);
			if (result == 0)
				result = packets_put(applier->packets, PACKET_VIP, address, &vip);
			if (result != 0)
				return fail(ERR_SYSTEM, "enter a back-to-origin address: %s",
					strerror(-result));
		}
	}
	return OK;
}

static bool batch_init(
	struct batch *batch, enum packet_map map, uint32_t type, size_t key_size, size_t value_size)
{
	batch->map = map;
	batch->type = type;
	batch->key_size = key_size;
	batch->value_size = value_size;
	batch->keys = calloc(BATCH_MAX, key_size);
	batch->values = calloc(BATCH_MAX, value_size);
	return batch->keys && batch->values;
}

struct applier *applier_new(struct packets *packets, struct node_state *state,
	void (*origin)(void *context, const struct address *address), void *context)
{
	struct applier *applier = calloc(1, sizeof(*applier));
	struct batch *batch;
	bool ready;

	if (!applier)
		return NULL;
	applier->packets = packets;
	applier->state = state;
	applier->origin = origin;
	applier->origin_context = context;
	batch = applier->batch;
	ready = batch_init(&batch[BATCH_SLOT], PACKET_VIP_COUNTER, RECORD_INSTANCE,
		sizeof(uint32_t), packets_cpus(packets) * sizeof(struct vip_counter));
	ready &= batch_init(&batch[BATCH_VIP], PACKET_VIP, RECORD_INSTANCE, sizeof(struct address),
		sizeof(struct vip));
	ready &= batch_init(&batch[BATCH_SERVICE], PACKET_SERVICE, RECORD_SERVICE,
		sizeof(struct service_key), sizeof(struct service));
	ready &= batch_init(&batch[BATCH_EXACT], PACKET_LIST_EXACT, RECORD_LIST,
		sizeof(struct list_exact_key), sizeof(struct list_entry));
	ready &= batch_init(&batch[BATCH_PREFIX], PACKET_LIST_PREFIX, RECORD_LIST,
		sizeof(struct list_prefix_key), sizeof(struct list_entry));
	if (!ready) {
		applier_free(applier);
		return NULL;
	}
	return applier;
}

void applier_free(struct applier *applier)
{
	if (!applier)
		return;
	for (int i = 0; i < BATCH_COUNT; i++) {
		free(applier->batch[i].keys);
		free(applier->batch[i].values);
	}
	free(applier);
}
