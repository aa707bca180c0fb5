/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A snapshot is applied in phases. First it is claimed: objects that leave are marked as nobody's,
 * objects that come or change are marked dirty, all within the tables. Then it is flushed: keys of
 * nobody are deleted from the packet path, lists, services and addresses are written. A full
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

static struct vip_entry *vip_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->vips, index);
}

static struct service_entry *service_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->services, index);
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

static uint32_t find_vip(const struct node_state *state, const struct address *address)
{
	uint32_t i = index_first(&state->vip_by_address, index_hash(address, sizeof(*address)));

	while (i != NONE && memcmp(&vip_at(state, i)->address, address, sizeof(*address)) != 0)
		i = index_next(&state->vip_by_address, i);
	return i;
}

static uint32_t find_service(const struct node_state *state, const struct service_key *key)
{
	uint32_t i = index_first(&state->service_by_key, index_hash(key, sizeof(*key)));

	while (i != NONE && memcmp(&service_at(state, i)->key, key, sizeof(*key)) != 0)
		i = index_next(&state->service_by_key, i);
	return i;
}

static uint32_t find_service_id(const struct node_state *state, uint32_t id)
{
	uint32_t i = index_first(&state->service_by_id, number_hash(id));

	while (i != NONE && service_at(state, i)->id != id)
		i = index_next(&state->service_by_id, i);
	return i;
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

/* --- addresses ------------------------------------------------------------------------------- */

static void mark_vip(struct node_state *state, uint32_t index)
{
	dirty_mark(&state->dirty_vips, &vip_at(state, index)->dirty, index);
}

void node_mark_vips(struct node_state *state, const struct instance_entry *instance)
{
	for (uint32_t i = instance->vip_head; i != NONE; i = vip_at(state, i)->next)
		mark_vip(state, i);
}

static void orphan_vip(struct node_state *state, struct instance_entry *instance, uint32_t index)
{
	struct vip_entry *vip = vip_at(state, index);
	uint32_t *at = &instance->vip_head;

	assert(vip->owner == instance->number);
	while (*at != index)
		at = &vip_at(state, *at)->next;
	*at = vip->next;
	vip->owner = OWNER_NOBODY;
	vip->next = NONE;
	state->vip_count--;
	mark_vip(state, index);
}

static void flush_vip_deletes(struct node_state *state)
{
	uint32_t mark = state->dirty_vips.head;

	state->dirty_vips.head = DIRTY_END;
	while (mark != DIRTY_END) {
		uint32_t index = mark - 1;
		struct vip_entry *vip = vip_at(state, index);

		mark = vip->dirty;
		vip->dirty = 0;
		if (vip->owner != OWNER_NOBODY) {
			mark_vip(state, index);
			continue;
		}
		state->output->vip_delete(state->output->context, &vip->address);
		index_remove(&state->vip_by_address, index);
		pool_give(&state->vips, index);
	}
}

static uint32_t take_vip(struct node_state *state, const struct address *address)
{
	uint32_t index = find_vip(state, address);

	if (index != NONE)
		return index;
	if (state->vips.used == NODE_VIP_MAX && state->output)
		flush_vip_deletes(state);
	index = pool_take(&state->vips);
	if (index == NONE)
		return NONE;
	if (!index_insert(&state->vip_by_address, index_hash(address, sizeof(*address)), index)) {
		pool_give(&state->vips, index);
		return NONE;
	}
	vip_at(state, index)->address = *address;
	vip_at(state, index)->next = NONE;
	vip_at(state, index)->fresh = true;
	return index;
}

static void own_vip(struct node_state *state, struct instance_entry *instance, uint32_t index)
{
	struct vip_entry *vip = vip_at(state, index);

	vip->owner = instance->number;
	vip->next = instance->vip_head;
	instance->vip_head = index;
	state->vip_count++;
	mark_vip(state, index);
}

static void claim_vip(
	struct node_state *state, struct instance_entry *instance, const struct address *address)
{
	uint32_t index = take_vip(state, address);
	struct vip_entry *vip;

	if (index == NONE) {
		node_state_refuse(
			state, RECORD_INSTANCE, instance->number, "table of addresses is full");
		return;
	}
	vip = vip_at(state, index);
	if (vip->owner == instance->number)
		return;
	if (vip->owner == OWNER_SOURCE) {
		node_state_refuse(state, RECORD_INSTANCE, instance->number,
			"address is a back-to-origin address of the node");
		return;
	}
	if (vip->owner != OWNER_NOBODY)
		orphan_vip(state, node_instance(state, vip->owner), index);
	vip->fresh = true;
	own_vip(state, instance, index);
}

static void flush_vip_puts(struct node_state *state)
{
	uint32_t mark = state->dirty_vips.head;

	state->dirty_vips.head = DIRTY_END;
	while (mark != DIRTY_END) {
		uint32_t index = mark - 1;
		struct vip_entry *vip = vip_at(state, index);
		const struct instance_entry *instance = node_instance(state, vip->owner);
		struct vip out = { .kind = VIP_PROTECTED, .instance = vip->owner, .slot = index };

		mark = vip->dirty;
		vip->dirty = 0;
		if (vip->owner == OWNER_SOURCE)
			continue; /* written by whoever added it */
		assert(instance);
		out.mitigation_until_ns = instance->mitigation_until_ns;
		out.forward_until_ns = instance->forward_until_ns;
		out.flags = (instance->exact_count ? VIP_HAS_EXACT : 0) |
			    (instance->prefix_count ? VIP_HAS_PREFIX : 0);
		out.mitigation_on = (out.flags ? MITIGATION_BIT(block_list) : 0) |
				    (instance->payload_count ? MITIGATION_BIT(payload_length) : 0);
		state->output->vip_put(state->output->context, &vip->address, &out, vip->fresh);
		vip->fresh = false;
	}
}

/* --- services -------------------------------------------------------------------------------- */

static void mark_service(struct node_state *state, uint32_t index)
{
	dirty_mark(&state->dirty_services, &service_at(state, index)->dirty, index);
}

static bool bounds_payload(const struct record_service *record)
{
	return record->payload_min > 0 || record->payload_max < PAYLOAD_UNBOUNDED;
}

/* The addresses tell the packet path whether to look for bounds at all. */
static void set_payload(struct node_state *state, struct instance_entry *instance,
	struct service_entry *service, bool payload)
{
	const bool had = instance->payload_count > 0;

	if (service->payload == payload)
		return;
	service->payload = payload;
	if (payload)
		instance->payload_count++;
	else
		instance->payload_count--;
	if (had != (instance->payload_count > 0))
		node_mark_vips(state, instance);
}

static void orphan_service(struct node_state *state, uint32_t index)
{
	struct service_entry *service = service_at(state, index);
	struct instance_entry *instance = node_instance(state, service->key.instance);

	assert(instance && service->id != 0);
	set_payload(state, instance, service, false);
	if (service->prev != NONE)
		service_at(state, service->prev)->next = service->next;
	else
		instance->service_head = service->next;
	if (service->next != NONE)
		service_at(state, service->next)->prev = service->prev;
	index_remove(&state->service_by_id, index);
	service->id = 0;
	state->service_count--;
	mark_service(state, index);
}

/* The others in the list only had to be found; their values come with their records. */
static void flush_service_deletes(struct node_state *state)
{
	uint32_t mark = state->dirty_services.head;

	state->dirty_services.head = DIRTY_END;
	while (mark != DIRTY_END) {
		uint32_t index = mark - 1;
		struct service_entry *service = service_at(state, index);

		mark = service->dirty;
		service->dirty = 0;
		if (service->id != 0)
			continue;
		state->output->service_delete(state->output->context, &service->key);
		index_remove(&state->service_by_key, index);
		pool_give(&state->services, index);
	}
}

static uint32_t take_service(struct node_state *state, const struct service_key *key)
{
	uint32_t index = find_service(state, key);

	if (index != NONE)
		return index;
	if (state->services.used == NODE_SERVICE_MAX)
		flush_service_deletes(state);
	index = pool_take(&state->services);
	if (index == NONE)
		return NONE;
	if (!index_insert(&state->service_by_key, index_hash(key, sizeof(*key)), index)) {
		pool_give(&state->services, index);
		return NONE;
	}
	service_at(state, index)->key = *key;
	return index;
}

static struct service_key key_of(const struct record_service *record)
{
	return (struct service_key){ .instance = record->instance,
		.port = (__be16)__builtin_bswap16(record->port),
		.protocol = record->protocol };
}

static void claim_service(struct node_state *state, const struct record_service *record)
{
	struct instance_entry *instance = node_instance(state, record->instance);
	struct service_key key = key_of(record);
	uint32_t id = record->record.id;
	uint32_t index = find_service_id(state, id);
	struct service_entry *service;

	if (index != NONE && memcmp(&service_at(state, index)->key, &key, sizeof(key)) == 0) {
		service_at(state, index)->seen = true;
		set_payload(state, instance, service_at(state, index), bounds_payload(record));
		return;
	}
	if (index != NONE)
		orphan_service(state, index);
	if (!instance) {
		node_state_refuse(state, RECORD_SERVICE, id, "no such instance");
		return;
	}
	index = take_service(state, &key);
	if (index == NONE) {
		node_state_refuse(state, RECORD_SERVICE, id, "table of services is full");
		return;
	}
	if (service_at(state, index)->id != 0)
		orphan_service(state, index);
	if (!index_insert(&state->service_by_id, number_hash(id), index)) {
		mark_service(state, index);
		node_state_refuse(state, RECORD_SERVICE, id, "no memory");
		return;
	}
	service = service_at(state, index);
	service->id = id;
	service->seen = true;
	service->prev = NONE;
	service->next = instance->service_head;
	if (service->next != NONE)
		service_at(state, service->next)->prev = index;
	instance->service_head = index;
	state->service_count++;
	set_payload(state, instance, service, bounds_payload(record));
}

static void put_service(struct node_state *state, const struct record_service *record)
{
	struct service_key key = key_of(record);
	uint32_t index = find_service_id(state, record->record.id);
	struct service value;

	/* Refused, or its key was claimed by a later record. */
	if (index == NONE || memcmp(&service_at(state, index)->key, &key, sizeof(key)) != 0)
		return;
	service_fill(record, &value);
	state->output->service_put(state->output->context, record->record.id, &key, &value);
}

/* --- instances ------------------------------------------------------------------------------- */

static void remove_instance(struct node_state *state, uint32_t index)
{
	struct instance_entry *instance = instance_at(state, index);

	while (instance->vip_head != NONE)
		orphan_vip(state, instance, instance->vip_head);
	while (instance->service_head != NONE)
		orphan_service(state, instance->service_head);
	lists_remove_instance(state, instance);
	index_remove(&state->instance_by_number, index);
	pool_give(&state->instances, index);
}

static struct instance_entry *take_instance(struct node_state *state, uint32_t number)
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
	instance->prefix_round = state->round - 1;
	return instance;
}

static bool names_vip(const struct record_instance *record, const struct address *address)
{
	for (uint32_t i = 0; i < record->vip_count; i++) {
		if (memcmp(&record->vip[i], address, sizeof(*address)) == 0)
			return true;
	}
	return false;
}

static void claim_instance(struct node_state *state, const struct record_instance *record)
{
	uint32_t number = record->record.id;
	struct instance_entry *instance =
		number == OWNER_SOURCE ? NULL : take_instance(state, number);

	if (!instance) {
		node_state_refuse(state, RECORD_INSTANCE, number, "table of instances is full");
		return;
	}
	instance->seen = true;
	instance->mitigation_until_ns = node_ms_to_ns(record->mitigation_until_ms);
	instance->forward_until_ns = node_ms_to_ns(record->forward_until_ms);
	for (uint32_t i = instance->vip_head, next; i != NONE; i = next) {
		next = vip_at(state, i)->next;
		if (!names_vip(record, &vip_at(state, i)->address))
			orphan_vip(state, instance, i);
	}
	node_mark_vips(state, instance);
	for (uint32_t i = 0; i < record->vip_count; i++)
		claim_vip(state, instance, &record->vip[i]);
}

/* --- a snapshot ------------------------------------------------------------------------------ */

static void remove_record(struct node_state *state, const struct record_remove *remove)
{
	uint32_t id = remove->record.id, index;

	forgive(state, remove->removed_type, id);
	if (remove->removed_type == RECORD_INSTANCE) {
		index = node_find_instance(state, id);
		if (index != NONE)
			remove_instance(state, index);
	} else if (remove->removed_type == RECORD_SERVICE) {
		index = find_service_id(state, id);
		if (index != NONE)
			orphan_service(state, index);
	} else {
		lists_remove(state, id);
	}
}

static void see_record(struct node_state *state, const struct record *record)
{
	uint32_t index;

	if (record->type == RECORD_INSTANCE) {
		index = node_find_instance(state, record->id);
		if (index != NONE)
			instance_at(state, index)->seen = true;
	} else if (record->type == RECORD_SERVICE) {
		index = find_service_id(state, record->id);
		if (index != NONE)
			service_at(state, index)->seen = true;
	} else if (record->type == RECORD_LIST) {
		lists_see(state, record->id);
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
	for (uint32_t i = 0; i < state->services.count; i++) {
		if (pool_is_live(&state->services, i))
			service_at(state, i)->seen = false;
	}
	lists_mark_unseen(state);
	while ((record = snapshot_next(snapshot, &offset)))
		see_record(state, record);
	for (uint32_t i = 0; i < state->instances.count; i++) {
		if (pool_is_live(&state->instances, i) && !instance_at(state, i)->seen)
			remove_instance(state, i);
	}
	for (uint32_t i = 0; i < state->services.count; i++) {
		if (pool_is_live(&state->services, i) && service_at(state, i)->id != 0 &&
			!service_at(state, i)->seen)
			orphan_service(state, i);
	}
	lists_remove_unseen(state);
}

static void claim_records(struct node_state *state, const struct snapshot *snapshot)
{
	static const uint16_t order[] = { RECORD_REMOVE, RECORD_INSTANCE, RECORD_LIST,
		RECORD_SERVICE };

	for (size_t phase = 0; phase < sizeof(order) / sizeof(*order); phase++) {
		const struct record *record;
		size_t offset = 0;

		while ((record = snapshot_next(snapshot, &offset))) {
			if (record->type != order[phase])
				continue;
			if (record->type != RECORD_REMOVE)
				forgive(state, record->type, record->id);
			if (record->type == RECORD_REMOVE)
				remove_record(state, (const void *)record);
			else if (record->type == RECORD_INSTANCE)
				claim_instance(state, (const void *)record);
			else if (record->type == RECORD_LIST)
				lists_claim(state, (const void *)record);
			else
				claim_service(state, (const void *)record);
		}
	}
}

static void mark_everything(struct node_state *state)
{
	for (uint32_t i = 0; i < state->vips.count; i++) {
		if (pool_is_live(&state->vips, i) && vip_at(state, i)->owner != OWNER_SOURCE)
			mark_vip(state, i);
	}
	lists_mark_all(state);
}

static void flush(struct node_state *state, const struct snapshot *snapshot)
{
	const struct record *record;
	size_t offset = 0;

	flush_vip_deletes(state);
	flush_service_deletes(state);
	lists_flush_deletes(state);
	if (state->full) {
		state->output->delete_unwanted(state->output->context, state);
		mark_everything(state);
	}
	lists_flush_puts(state);
	while ((record = snapshot_next(snapshot, &offset))) {
		if (record->type == RECORD_SERVICE)
			put_service(state, (const void *)record);
	}
	flush_vip_puts(state);
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
	pool_done(&state->instances);
	pool_done(&state->vips);
	pool_done(&state->services);
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

void node_state_adopt(struct node_state *state, const struct address *key, const struct vip *vip)
{
	struct instance_entry *instance;
	uint32_t index;

	if (vip->kind != VIP_PROTECTED || vip->instance == OWNER_NOBODY ||
		vip->instance == OWNER_SOURCE || find_vip(state, key) != NONE)
		return;
	instance = take_instance(state, vip->instance);
	index = instance ? pool_take_at(&state->vips, vip->slot) : NONE;
	if (index == NONE)
		return;
	if (!index_insert(&state->vip_by_address, index_hash(key, sizeof(*key)), index)) {
		pool_give(&state->vips, index);
		return;
	}
	instance->mitigation_until_ns = vip->mitigation_until_ns;
	instance->forward_until_ns = vip->forward_until_ns;
	vip_at(state, index)->address = *key;
	own_vip(state, instance, index);
}

void node_state_adopted(struct node_state *state)
{
	pool_settle(&state->vips);
}

enum err node_state_add_source(
	struct node_state *state, const struct address *address, struct vip *out)
{
	uint32_t index = take_vip(state, address);
	struct vip_entry *vip;

	if (index == NONE)
		return ERR_LIMIT;
	vip = vip_at(state, index);
	if (vip->owner != OWNER_NOBODY && vip->owner != OWNER_SOURCE)
		orphan_vip(state, node_instance(state, vip->owner), index);
	vip->owner = OWNER_SOURCE;
	*out = (struct vip){ .kind = VIP_SOURCE,
		.mitigation_until_ns = INT64_MAX,
		.forward_until_ns = INT64_MAX,
		.slot = index };
	return OK;
}

uint64_t node_state_generation(const struct node_state *state)
{
	return state->generation;
}

bool node_state_wants_vip(const struct node_state *state, const struct address *key)
{
	uint32_t index = find_vip(state, key);

	return index != NONE && vip_at(state, index)->owner != OWNER_NOBODY;
}

bool node_state_wants_service(const struct node_state *state, const struct service_key *key)
{
	uint32_t index = find_service(state, key);

	return index != NONE && service_at(state, index)->id != 0;
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

uint32_t node_state_slot_end(const struct node_state *state)
{
	return state->vips.count;
}

uint32_t node_state_slot_instance(const struct node_state *state, uint32_t slot)
{
	uint32_t owner = pool_is_live(&state->vips, slot) ? vip_at(state, slot)->owner : 0;

	return owner == OWNER_SOURCE ? 0 : owner;
}

uint32_t node_state_slots(
	const struct node_state *state, uint32_t number, uint32_t out[INSTANCE_VIP_MAX])
{
	const struct instance_entry *instance = node_instance(state, number);
	uint32_t count = 0;

	for (uint32_t i = instance ? instance->vip_head : NONE;
		i != NONE && count < INSTANCE_VIP_MAX; i = vip_at(state, i)->next)
		out[count++] = i;
	return count;
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
