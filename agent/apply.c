/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Additions are gathered and written many at a time: one system call per 256 entries makes a full
 * snapshot of 100,000 instances a matter of a second. When a batch fails, the entry at fault is
 * found by its count, refused by name, and the rest goes on. Deletions are single, and a key
 * that is not there is no error. Order is kept between maps by writing a batch out before the next phase can
 * depend on it: slots are cleared before the address that uses them is written.
 */
#include "agent/apply.h"

#include <arpa/inet.h>
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
	BATCH_REGION,
	BATCH_REFLECTION,
	BATCH_PATTERN,
	BATCH_COUNT
};

struct applier {
	struct packets *packets;
	struct node_state *state;
	struct health *health;	   /* NULL: checks do nothing */
	const struct steer *steer; /* NULL: no address has local services */
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

/* Lists, services and policies are in force before an address that needs them. */
static void flush_all(struct applier *applier)
{
	static const int order[] = { BATCH_EXACT, BATCH_PREFIX, BATCH_SERVICE, BATCH_REGION,
		BATCH_REFLECTION, BATCH_PATTERN, BATCH_SLOT, BATCH_VIP };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		batch_flush(applier, &applier->batch[order[i]]);
}

static void vip_put(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	struct applier *applier = context;
	struct batch *vips = &applier->batch[BATCH_VIP];
	struct vip value = *vip;

	if (applier->steer)
		value.flags |= steer_flags(applier->steer, key);
	if (vips->count == BATCH_MAX)
		flush_all(applier);
	if (fresh)
		batch_add(applier, &applier->batch[BATCH_SLOT], vip->instance, &vip->slot, NULL);
	batch_add(applier, vips, vip->instance, key, &value);
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

/* What the node did to the source by itself, packet path or request path. */
static void auto_block_delete(void *context, const struct list_exact_key *key)
{
	delete_key(context, PACKET_AUTO_BLOCK, key);
	delete_key(context, PACKET_REQUEST_BAN, key);
}

static void region_put(void *context, uint32_t instance, const struct region_policy *policy)
{
	struct applier *applier = context;

	batch_add(applier, &applier->batch[BATCH_REGION], instance, &instance, policy);
}

static void region_delete(void *context, uint32_t instance)
{
	delete_key(context, PACKET_REGION_POLICY, &instance);
}

static void reflection_put(void *context, uint32_t instance, const struct reflection_key *key)
{
	struct applier *applier = context;
	const uint32_t refused = 1;

	batch_add(applier, &applier->batch[BATCH_REFLECTION], instance, key, &refused);
}

static void reflection_delete(void *context, const struct reflection_key *key)
{
	delete_key(context, PACKET_REFLECTION, key);
}

static void pattern_put(void *context, uint32_t instance, const struct pattern_set *set)
{
	struct applier *applier = context;

	batch_add(applier, &applier->batch[BATCH_PATTERN], instance, &instance, set);
}

static void pattern_delete(void *context, uint32_t instance)
{
	delete_key(context, PACKET_PATTERN, &instance);
}

static bool health_record_put(void *context, const struct record_health *record)
{
	const struct applier *applier = context;

	return !applier->health || health_put(applier->health, record);
}

static void health_record_delete(void *context, uint32_t service)
{
	const struct applier *applier = context;

	if (applier->health)
		health_delete(applier->health, service);
}

/* What an agent before this one had closed for being down. */
static uint32_t closed_before(struct applier *applier, const struct record_service *record)
{
	const struct service_key key = { .instance = record->instance,
		.port = htons(record->port),
		.protocol = record->protocol };
	struct service old;
	uint32_t down = 0;

	if (packets_get(applier->packets, PACKET_SERVICE, &key, &old) != 0)
		return 0;
	for (uint32_t i = 0; i < record->origin_count; i++) {
		const struct record_origin *origin = &record->origin[i];

		for (uint32_t j = 0; j < old.origin_count && j < ORIGIN_MAX; j++) {
			if (origin->weight > 0 && old.origin[j].closed &&
				old.origin[j].port == htons(origin->port) &&
				memcmp(&old.origin[j].address, &origin->address,
					sizeof(origin->address)) == 0)
				down |= 1u << i;
		}
	}
	return down;
}

static uint32_t service_down(void *context, const struct record_service *record)
{
	struct applier *applier = context;
	bool first = node_state_generation(applier->state) == 0, all;
	uint32_t down;

	if (!applier->health)
		return 0;
	down = health_bind(
		applier->health, record, first ? closed_before(applier, record) : 0, &all);
	if (!all)
		node_state_refuse(applier->state, RECORD_HEALTH, record->record.id,
			"no room to probe all of its origins");
	return down;
}

static bool all_are_down(const struct record_service *record, uint32_t down)
{
	for (uint32_t i = 0; i < record->origin_count; i++) {
		if (record->origin[i].weight > 0 && !(down >> i & 1))
			return false;
	}
	return true;
}

void applier_take_verdicts(struct applier *applier)
{
	uint32_t id, down;

	for (int i = 0; i < APPLY_VERDICTS_MAX && health_next_changed(applier->health, &id, &down);
		i++) {
		const struct record_service *record = node_state_service(applier->state, id);
		struct service_key key;
		struct service value;

		if (!record)
			continue;
		if (all_are_down(record, down))
			log_warn("all origins of service %u are down: all are used", id);
		key = (struct service_key){ .instance = record->instance,
			.port = htons(record->port),
			.protocol = record->protocol };
		service_fill(record, down, &value);
		batch_add(applier, &applier->batch[BATCH_SERVICE], id, &key, &value);
	}
	batch_flush(applier, &applier->batch[BATCH_SERVICE]);
}

void applier_use_health(struct applier *applier, struct health *health)
{
	applier->health = health;
}

void applier_use_steer(struct applier *applier, const struct steer *steer)
{
	applier->steer = steer;
}

/* --- what nobody asked for ------------------------------------------------------------------- */

static uint32_t number_of(const void *key)
{
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	return number;
}

static bool wanted(const struct node_state *state, enum packet_map map, const void *key)
{
	if (map == PACKET_REGION_POLICY)
		return node_state_wants_region(state, number_of(key));
	if (map == PACKET_PATTERN)
		return node_state_wants_pattern(state, number_of(key));
	if (map == PACKET_REFLECTION)
		return node_state_wants_reflection(state, key);
	if (map == PACKET_VIP)
		return node_state_wants_vip(state, key);
	if (map == PACKET_SERVICE)
		return node_state_wants_service(state, key);
	if (map == PACKET_LIST_EXACT)
		return node_state_wants_exact(state, key);
	assert(map == PACKET_LIST_PREFIX);
	return node_state_wants_prefix(state, key);
}

/* As for an entry that was removed while an agent ran. */
static void forgive_source(struct applier *applier, enum packet_map map, const void *key)
{
	const struct list_exact_key *exact = key;
	const struct list_prefix_key *prefix = key;
	struct list_exact_key out;

	if ((map == PACKET_LIST_EXACT &&
		    auto_block_key(exact->instance, &exact->source, 128, &out)) ||
		(map == PACKET_LIST_PREFIX && prefix->prefix_bits >= 32 &&
			auto_block_key(ntohl(prefix->instance), &prefix->source,
				prefix->prefix_bits - 32, &out)))
		auto_block_delete(applier, &out);
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
		struct reflection_key reflection;
		uint32_t number;
	} key, next;
	uint32_t deleted = 0;
	int more = packets_next_key(applier->packets, map, NULL, &key);

	for (uint32_t step = 0; more == 0 && step < steps_max; step++) {
		more = packets_next_key(applier->packets, map, &key, &next);
		if (!wanted(state, map, &key)) {
			delete_key(applier, map, &key);
			forgive_source(applier, map, &key);
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
	delete_unwanted_of(context, state, PACKET_REGION_POLICY);
	delete_unwanted_of(context, state, PACKET_REFLECTION);
	delete_unwanted_of(context, state, PACKET_PATTERN);
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
		.auto_block_delete = auto_block_delete,
		.region_put = region_put,
		.region_delete = region_delete,
		.reflection_put = reflection_put,
		.reflection_delete = reflection_delete,
		.pattern_put = pattern_put,
		.pattern_delete = pattern_delete,
		.health_put = health_record_put,
		.health_delete = health_record_delete,
		.service_down = service_down,
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

static bool batches_init(struct applier *applier)
{
	const size_t counters = packets_cpus(applier->packets) * sizeof(struct vip_counter);
	const struct {
		enum packet_map map;
		uint32_t type;
		size_t key_size, value_size;
	} row[BATCH_COUNT] = {
		[BATCH_SLOT] = { PACKET_VIP_COUNTER, RECORD_INSTANCE, sizeof(uint32_t), counters },
		[BATCH_VIP] = { PACKET_VIP, RECORD_INSTANCE, sizeof(struct address),
			sizeof(struct vip) },
		[BATCH_SERVICE] = { PACKET_SERVICE, RECORD_SERVICE, sizeof(struct service_key),
			sizeof(struct service) },
		[BATCH_EXACT] = { PACKET_LIST_EXACT, RECORD_LIST, sizeof(struct list_exact_key),
			sizeof(struct list_entry) },
		[BATCH_PREFIX] = { PACKET_LIST_PREFIX, RECORD_LIST, sizeof(struct list_prefix_key),
			sizeof(struct list_entry) },
		[BATCH_REGION] = { PACKET_REGION_POLICY, RECORD_POLICY, sizeof(uint32_t),
			sizeof(struct region_policy) },
		[BATCH_REFLECTION] = { PACKET_REFLECTION, RECORD_POLICY,
			sizeof(struct reflection_key), sizeof(uint32_t) },
		[BATCH_PATTERN] = { PACKET_PATTERN, RECORD_POLICY, sizeof(uint32_t),
			sizeof(struct pattern_set) },
	};
	bool ready = true;

	for (int i = 0; i < BATCH_COUNT; i++) {
		struct batch *batch = &applier->batch[i];

		batch->map = row[i].map;
		batch->type = row[i].type;
		batch->key_size = row[i].key_size;
		batch->value_size = row[i].value_size;
		batch->keys = calloc(BATCH_MAX, batch->key_size);
		batch->values = calloc(BATCH_MAX, batch->value_size);
		ready &= batch->keys && batch->values;
	}
	return ready;
}

struct applier *applier_new(struct packets *packets, struct node_state *state,
	void (*origin)(void *context, const struct address *address), void *context)
{
	struct applier *applier = calloc(1, sizeof(*applier));

	if (!applier)
		return NULL;
	applier->packets = packets;
	applier->state = state;
	applier->origin = origin;
	applier->origin_context = context;
	if (!batches_init(applier)) {
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
