/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A snapshot is applied in phases. First it is claimed: objects that leave are marked as nobody's,
 * objects that come or change are marked dirty, all within the tables. Then it is flushed: keys of
 * nobody are deleted from the packet path, lists, services, policies and addresses are written. A full
 * snapshot is the same, but that what it does not name leaves, and that everything is written.
 * Claims come before deletions, so a key that only changes hands is never missing; where a table is
 * full of keys that are about to go, the deletions are made early.
 */
#include "agent/node_tables.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

int64_t node_ms_to_ns(int64_t ms)
{
	const int64_t ns_per_ms = 1000000;

	if (ms > INT64_MAX / ns_per_ms)
		return INT64_MAX;
	if (ms < INT64_MIN / ns_per_ms)
		return INT64_MIN;
	return ms * ns_per_ms;
}

static uint32_t number_hash(uint32_t number)
{
	return index_hash(&number, sizeof(number));
}

static struct instance_entry *instance_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->instances, index);
}

uint32_t node_find_instance(const struct node_state *state, uint32_t number)
{
	uint32_t i = index_first(&state->instance_by_number, number_hash(number));

	while (i != NONE && instance_at(state, i)->number != number)
		i = index_next(&state->instance_by_number, i);
	return i;
}

struct instance_entry *node_instance(const struct node_state *state, uint32_t number)
{
	uint32_t index = node_find_instance(state, number);

	return index == NONE ? NULL : instance_at(state, index);
}

/* --- refusals -------------------------------------------------------------------------------- */

void node_state_refuse(struct node_state *state, uint32_t type, uint32_t id, const char *why)
{
	struct node_refused *refused = &state->refused[state->refused_count];

	state->refused_total++;
	for (uint32_t i = 0; i < state->refused_count; i++) {
		if (state->refused[i].type == type && state->refused[i].id == id)
			return;
	}
	if (state->refused_count == NODE_REFUSED_MAX)
		return;
	refused->type = type;
	refused->id = id;
	(void)snprintf(refused->why, sizeof(refused->why), "%s", why);
	state->refused_count++;
}

/* The object is gone or is tried again. */
static void forgive(struct node_state *state, uint32_t type, uint32_t id)
{
	for (uint32_t i = 0; i < state->refused_count; i++) {
		if (state->refused[i].type != type || state->refused[i].id != id)
			continue;
		state->refused[i] = state->refused[--state->refused_count];
		return;
	}
}

/* --- instances ------------------------------------------------------------------------------- */

static void remove_instance(struct node_state *state, uint32_t index)
{
	struct instance_entry *instance = instance_at(state, index);

	vips_remove_instance(state, instance);
	services_remove_instance(state, instance);
	policies_remove(state, instance);
	lists_remove_instance(state, instance);
	index_remove(&state->instance_by_number, index);
	pool_give(&state->instances, index);
}

struct instance_entry *node_take_instance(struct node_state *state, uint32_t number)
{
	uint32_t index = node_find_instance(state, number);
	struct instance_entry *instance;

	if (index != NONE)
		return instance_at(state, index);
	index = pool_take(&state->instances);
	if (index == NONE)
		return NULL;
	if (!index_insert(&state->instance_by_number, number_hash(number), index)) {
		pool_give(&state->instances, index);
		return NULL;
	}
	instance = instance_at(state, index);
	instance->number = number;
	instance->vip_head = instance->service_head = instance->key_head = NONE;
	instance->policy = NONE;
	instance->prefix_round = state->round - 1;
	return instance;
}

static void claim_instance(struct node_state *state, const struct record_instance *record)
{
	uint32_t number = record->record.id;
	struct instance_entry *instance =
		number == OWNER_SOURCE ? NULL : node_take_instance(state, number);

	if (!instance) {
		node_state_refuse(state, RECORD_INSTANCE, number, "table of instances is full");
		return;
	}
	instance->seen = true;
	instance->mitigation_until_ns = node_ms_to_ns(record->mitigation_until_ms);
	instance->forward_until_ns = node_ms_to_ns(record->forward_until_ms);
	instance->blackhole_until_ns = node_ms_to_ns(record->blackhole_until_ms);
	instance->bytes_max = record->bytes_max;
	instance->packets_max = record->packets_max;
	instance->unproven_max = record->unproven_max;
	instance->syn_threshold = record->syn_threshold;
	instance->block = record->mitigation_block;
	instance->watch = record->mitigation_watch;
	vips_claim(state, instance, record);
}

/* --- captures -------------------------------------------------------------------------------- */

static uint32_t find_capture(const struct node_state *state, uint32_t id)
{
	uint32_t i = 0;

	while (i < state->capture_count && state->capture[i].record.id != id)
		i++;
	return i;
}

static void remove_capture(struct node_state *state, uint32_t id)
{
	uint32_t index = find_capture(state, id);

	if (index < state->capture_count)
		state->capture[index] = state->capture[--state->capture_count];
}

static void claim_capture(struct node_state *state, const struct record_capture *record)
{
	uint32_t index = find_capture(state, record->record.id);

	if (index == NODE_CAPTURE_MAX) {
		node_state_refuse(
			state, RECORD_CAPTURE, record->record.id, "table of captures is full");
		return;
	}
	state->capture[index] = *record;
	if (index == state->capture_count)
		state->capture_count++;
}

const struct record_capture *node_state_capture(const struct node_state *state, int64_t utc_now_ms)
{
	const struct record_capture *newest = NULL;

	for (uint32_t i = 0; i < state->capture_count; i++) {
		const struct record_capture *capture = &state->capture[i];

		if (capture->until_ms > utc_now_ms &&
			(!newest || capture->record.id > newest->record.id))
			newest = capture;
	}
	return newest;
}

/* --- a snapshot ------------------------------------------------------------------------------ */

static void remove_record(struct node_state *state, const struct record_remove *remove)
{
	uint32_t id = remove->record.id, index;

	forgive(state, remove->removed_type, id);
	switch (remove->removed_type) {
	case RECORD_INSTANCE:
		index = node_find_instance(state, id);
		if (index != NONE)
			remove_instance(state, index);
		break;
	case RECORD_SERVICE:
		services_remove(state, id);
		break;
	case RECORD_LIST:
		lists_remove(state, id);
		break;
	case RECORD_POLICY:
		policies_remove(state, node_instance(state, id));
		break;
	case RECORD_HEALTH:
		health_remove(state, id);
		break;
	case RECORD_CAPTURE:
		remove_capture(state, id);
		break;
	default: /* web sites: agent/requests.h */
		break;
	}
}

static void see_record(struct node_state *state, const struct record *record)
{
	struct instance_entry *instance;

	switch (record->type) {
	case RECORD_INSTANCE:
		instance = node_instance(state, record->id);
		if (instance)
			instance->seen = true;
		break;
	case RECORD_SERVICE:
	case RECORD_HEALTH:
		services_see(state, record);
		break;
	case RECORD_POLICY:
		policies_see(state, record->id);
		break;
	case RECORD_LIST:
		lists_see(state, record->id);
		break;
	default:
		break;
	}
}

/* Whatever a full snapshot does not name leaves first, so that its room is there for the new. */
static void remove_unseen(struct node_state *state, const struct snapshot *snapshot)
{
	const struct record *record;
	size_t offset = 0;

	for (uint32_t i = 0; i < state->instances.count; i++) {
		if (pool_is_live(&state->instances, i))
			instance_at(state, i)->seen = false;
	}
	services_mark_unseen(state);
	policies_mark_unseen(state);
	lists_mark_unseen(state);
	while ((record = snapshot_next(snapshot, &offset)))
		see_record(state, record);
	for (uint32_t i = 0; i < state->instances.count; i++) {
		if (!pool_is_live(&state->instances, i))
			continue;
		if (!instance_at(state, i)->seen)
			remove_instance(state, i);
		else
			policies_remove_unseen(state, instance_at(state, i));
	}
	services_remove_unseen(state);
	lists_remove_unseen(state);
	state->capture_count = 0;
}

static void claim_record(struct node_state *state, const struct record *record)
{
	if (record->type != RECORD_REMOVE)
		forgive(state, record->type, record->id);
	switch (record->type) {
	case RECORD_REMOVE:
		remove_record(state, (const void *)record);
		break;
	case RECORD_INSTANCE:
		claim_instance(state, (const void *)record);
		break;
	case RECORD_LIST:
		lists_claim(state, (const void *)record);
		break;
	case RECORD_POLICY:
		policies_claim(state, (const void *)record);
		break;
	case RECORD_SERVICE:
		services_claim(state, (const void *)record);
		break;
	case RECORD_HEALTH:
		health_claim(state, (const void *)record);
		break;
	case RECORD_CAPTURE:
		claim_capture(state, (const void *)record);
		break;
	default:
		break;
	}
}

/* Owners before what they own, whatever the order of the records. */
static void claim_records(struct node_state *state, const struct snapshot *snapshot)
{
	static const uint16_t order[] = { RECORD_REMOVE, RECORD_INSTANCE, RECORD_LIST,
		RECORD_POLICY, RECORD_SERVICE, RECORD_HEALTH, RECORD_CAPTURE };

	for (size_t phase = 0; phase < sizeof(order) / sizeof(*order); phase++) {
		const struct record *record;
		size_t offset = 0;

		while ((record = snapshot_next(snapshot, &offset))) {
			if (record->type == order[phase])
				claim_record(state, record);
		}
	}
}

static void flush(struct node_state *state, const struct snapshot *snapshot)
{
	const struct record *record;
	size_t offset = 0;

	vips_flush_deletes(state);
	services_flush_deletes(state);
	lists_flush_deletes(state);
	if (state->full) {
		state->output->delete_unwanted(state->output->context, state);
		vips_mark_all(state);
		lists_mark_all(state);
	}
	lists_flush_puts(state);
	services_flush_puts(state);
	while ((record = snapshot_next(snapshot, &offset))) {
		if (record->type == RECORD_POLICY)
			policies_put(state, (const void *)record);
	}
	vips_flush_puts(state);
}

enum err node_state_apply(
	struct node_state *state, const struct snapshot *snapshot, const struct node_output *output)
{
	state->full = snapshot_is_full(snapshot);
	if (!state->full && snapshot->header.base_generation != state->generation)
		return ERR_CONFLICT;
	state->output = output;
	state->round++;
	if (state->full) {
		state->refused_count = 0;
		remove_unseen(state, snapshot);
	}
	claim_records(state, snapshot);
	flush(state, snapshot);
	state->generation = snapshot->header.generation;
	state->output = NULL;
	return OK;
}

/* --- beginning and questions ----------------------------------------------------------------- */

struct node_state *node_state_new(void)
{
	struct node_state *state = calloc(1, sizeof(*state));
	const uint32_t key_max = NODE_LIST_EXACT_MAX + NODE_LIST_PREFIX_MAX;
	/* Several entries per key: an address that is allowed and blocked, or blocked twice. */
	const uint32_t list_max = 2 * key_max;

	if (!state)
		return NULL;
	pool_init(&state->instances, sizeof(struct instance_entry), NODE_VIP_MAX);
	pool_init(&state->vips, sizeof(struct vip_entry), NODE_VIP_MAX);
	pool_init(&state->services, sizeof(struct service_entry), NODE_SERVICE_MAX);
	pool_init(&state->policies, sizeof(struct policy_entry), NODE_VIP_MAX);
	pool_init(&state->keys, sizeof(struct key_entry), key_max);
	pool_init(&state->lists, sizeof(struct list_entry_record), list_max);
	index_init(&state->instance_by_number, NODE_VIP_MAX);
	index_init(&state->vip_by_address, NODE_VIP_MAX);
	index_init(&state->service_by_id, NODE_SERVICE_MAX);
	index_init(&state->service_by_key, NODE_SERVICE_MAX);
	index_init(&state->key_by_key, key_max);
	index_init(&state->list_by_id, list_max);
	state->dirty_vips.head = state->dirty_services.head = state->dirty_keys.head = DIRTY_END;
	return state;
}

void node_state_free(struct node_state *state)
{
	if (!state)
		return;
	services_done(state);
	pool_done(&state->instances);
	pool_done(&state->vips);
	pool_done(&state->services);
	pool_done(&state->policies);
	pool_done(&state->keys);
	pool_done(&state->lists);
	index_done(&state->instance_by_number);
	index_done(&state->vip_by_address);
	index_done(&state->service_by_id);
	index_done(&state->service_by_key);
	index_done(&state->key_by_key);
	index_done(&state->list_by_id);
	free(state->work);
	free(state);
}

uint64_t node_state_generation(const struct node_state *state)
{
	return state->generation;
}

bool node_state_has_instance(const struct node_state *state, uint32_t number)
{
	return node_find_instance(state, number) != NONE;
}

void node_state_counts(const struct node_state *state, struct node_counts *out)
{
	*out = (struct node_counts){ .instances = state->instances.used,
		.vips = state->vip_count,
		.services = state->service_count,
		.lists = state->lists.used };
}

const struct node_refused *node_state_refused(const struct node_state *state, uint32_t *count)
{
	*count = state->refused_count;
	return state->refused;
}

uint64_t node_state_refused_total(const struct node_state *state)
{
	return state->refused_total;
}
