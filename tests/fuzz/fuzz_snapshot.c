/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots from outside: the decoder on any bytes, and, when it accepts, the node's state on the
 * result, twice: as it came, and on top of itself. The output checks that nothing is put under a key
 * that the state then denies.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/decode.h"
#include "agent/node_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void vip_put(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	(void)fresh;
	assert(node_state_wants_vip(context, key));
	assert(node_state_slot_instance(context, vip->slot) == vip->instance);
}

static void vip_delete(void *context, const struct address *key)
{
	assert(!node_state_wants_vip(context, key));
}

static void service_put(
	void *context, uint32_t id, const struct service_key *key, const struct service *service)
{
	assert(node_state_wants_service(context, key));
	assert(id == service->id && service->origin_count <= ORIGIN_MAX);
	for (unsigned i = 0; service->origin_count > 0 && i < ORIGIN_SLOTS; i++)
		assert(service->slot[i] < service->origin_count);
}

static void service_delete(void *context, const struct service_key *key)
{
	assert(!node_state_wants_service(context, key));
}

static void exact_put(void *context, uint32_t id, const struct list_exact_key *key,
	const struct list_entry *entry)
{
	(void)id, (void)entry;
	assert(node_state_wants_exact(context, key));
}

static void exact_delete(void *context, const struct list_exact_key *key)
{
	(void)context, (void)key;
}

static void prefix_put(void *context, uint32_t id, const struct list_prefix_key *key,
	const struct list_entry *entry)
{
	(void)id, (void)entry;
	assert(node_state_wants_prefix(context, key));
}

static void prefix_delete(void *context, const struct list_prefix_key *key)
{
	(void)context, (void)key;
}

static void auto_block_delete(void *context, const struct list_exact_key *key)
{
	(void)context, (void)key;
}

static void region_put(void *context, uint32_t instance, const struct region_policy *policy)
{
	(void)policy;
	assert(node_state_wants_region(context, instance));
}

static void region_delete(void *context, uint32_t instance)
{
	(void)context, (void)instance;
}

static void reflection_put(void *context, uint32_t instance, const struct reflection_key *key)
{
	assert(key->instance == instance && node_state_wants_reflection(context, key));
}

static void reflection_delete(void *context, const struct reflection_key *key)
{
	(void)context, (void)key;
}

static void pattern_put(void *context, uint32_t instance, const struct pattern_set *set)
{
	assert(node_state_wants_pattern(context, instance) && set->count <= PATTERN_MAX);
}

static void pattern_delete(void *context, uint32_t instance)
{
	(void)context, (void)instance;
}

static bool health_put(void *context, const struct record_health *record)
{
	assert(node_state_service(context, record->record.id));
	return true;
}

static void health_delete(void *context, uint32_t service)
{
	(void)context;
	assert(service != 0);
}

static uint32_t service_down(void *context, const struct record_service *record)
{
	(void)context;
	return record->record.id;
}

static void delete_unwanted(void *context, const struct node_state *state)
{
	assert(context == state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node_state *state;
	struct node_output output = { .vip_put = vip_put,
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
		.health_put = health_put,
		.health_delete = health_delete,
		.service_down = service_down,
		.delete_unwanted = delete_unwanted };
	struct snapshot snapshot;
	const char *why = NULL;
	uint8_t *copy = malloc(size + 1); /* aligned, and its end is watched */

	assert(copy);
	if (size)
		memcpy(copy, data, size);
	if (snapshot_decode(copy, size, &snapshot, &why) != OK) {
		assert(why);
		free(copy);
		return 0;
	}
	state = node_state_new();
	assert(state);
	output.context = state;
	for (int round = 0; round < 2; round++) {
		if (node_state_apply(state, &snapshot, &output) == ERR_CONFLICT)
			break;
		assert(node_state_generation(state) == snapshot.header.generation);
		(void)node_state_capture(state, INT64_MIN);
	}
	node_state_free(state);
	free(copy);
	return 0;
}
