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

static void delete_unwanted(void *context, const struct node_state *state)
{
	assert(context == state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node_state *state;
	struct node_output output = { NULL, vip_put, vip_delete, service_put, service_delete,
		exact_put, exact_delete, prefix_put, prefix_delete, delete_unwanted };
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
	}
	node_state_free(state);
	free(copy);
	return 0;
}
