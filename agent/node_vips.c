/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protected addresses. An address's index in the table is its slot in the packet path, and it keeps both while
 * it lives. Its value says which mitigations are asked at all: those that the instance has not switched
 * off, and of them only those that have something to do. What that is comes from the lists, the policy, the
 * plan and the services of the instance, so whoever changes one of these so that it matters marks the
 * addresses; the value is worked out once, when they are written.
 */
#include "agent/node_tables.h"

#include <assert.h>
#include <string.h>

static struct vip_entry *vip_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->vips, index);
}

static uint32_t find_vip(const struct node_state *state, const struct address *address)
{
	uint32_t i = index_first(&state->vip_by_address, index_hash(address, sizeof(*address)));

	while (i != NONE && memcmp(&vip_at(state, i)->address, address, sizeof(*address)) != 0)
		i = index_next(&state->vip_by_address, i);
	return i;
}

static void mark_vip(struct node_state *state, uint32_t index)
{
	dirty_mark(&state->dirty_vips, &vip_at(state, index)->dirty, index);
}

void vips_mark(struct node_state *state, const struct instance_entry *instance)
{
	for (uint32_t i = instance->vip_head; i != NONE; i = vip_at(state, i)->next)
		mark_vip(state, i);
}

static void orphan(struct node_state *state, struct instance_entry *instance, uint32_t index)
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

void vips_flush_deletes(struct node_state *state)
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
		vips_flush_deletes(state);
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

static void claim(
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
		orphan(state, node_instance(state, vip->owner), index);
	vip->fresh = true;
	own_vip(state, instance, index);
}

/* --- what an instance's mitigations have to do ------------------------------------------------- */

/* Those that look at packets alone: there is always something to do. Bans are asked for where there are web sites. */
#define WANTED_ALWAYS                                                                              \
	(MITIGATION_BIT(bogon) | MITIGATION_BIT(ip_options) | MITIGATION_BIT(fragment_tiny) |      \
		MITIGATION_BIT(fragment_overlap) | MITIGATION_BIT(fragment) |                      \
		MITIGATION_BIT(icmp) | MITIGATION_BIT(answer_bytes) |                              \
		MITIGATION_BIT(reset_window) | MITIGATION_BIT(request_ban))

static uint32_t wanted(const struct node_state *state, const struct instance_entry *instance)
{
	uint32_t mask = WANTED_ALWAYS;

	if (instance->exact_count || instance->prefix_count)
		mask |= MITIGATION_BIT(block_list);
	if (instance->unproven_max)
		mask |= MITIGATION_BIT(unproven);
	if (instance->packets_max)
		mask |= MITIGATION_BIT(plan_packets);
	if (instance->bytes_max)
		mask |= MITIGATION_BIT(plan_bytes);
	return mask | policies_wanted(state, instance) | services_wanted(state, instance);
}

static struct vip value_of(
	const struct node_state *state, const struct instance_entry *instance, uint32_t slot)
{
	uint32_t mask = wanted(state, instance);

	return (struct vip){
		.kind = VIP_PROTECTED,
		.instance = instance->number,
		.mitigation_until_ns = instance->mitigation_until_ns,
		.forward_until_ns = instance->forward_until_ns,
		.slot = slot,
		.flags = (instance->exact_count ? VIP_HAS_EXACT : 0) |
			 (instance->prefix_count ? VIP_HAS_PREFIX : 0),
		.mitigation_on = (instance->block | instance->watch) & mask,
		.mitigation_watch = instance->watch & mask,
		.blackhole_until_ns = instance->blackhole_until_ns,
		.bytes_max = instance->bytes_max,
		.packets_max = instance->packets_max,
		.unproven_max = instance->unproven_max,
		.syn_threshold = instance->syn_threshold,
	};
}

void vips_flush_puts(struct node_state *state)
{
	uint32_t mark = state->dirty_vips.head;

	state->dirty_vips.head = DIRTY_END;
	while (mark != DIRTY_END) {
		uint32_t index = mark - 1;
		struct vip_entry *vip = vip_at(state, index);
		const struct instance_entry *instance = node_instance(state, vip->owner);
		struct vip out;

		mark = vip->dirty;
		vip->dirty = 0;
		if (vip->owner == OWNER_SOURCE)
			continue; /* written by whoever added it */
		assert(instance);
		out = value_of(state, instance, index);
		state->output->vip_put(state->output->context, &vip->address, &out, vip->fresh);
		vip->fresh = false;
	}
}

static bool names_vip(const struct record_instance *record, const struct address *address)
{
	for (uint32_t i = 0; i < record->vip_count; i++) {
		if (memcmp(&record->vip[i], address, sizeof(*address)) == 0)
			return true;
	}
	return false;
}

void vips_claim(struct node_state *state, struct instance_entry *instance,
	const struct record_instance *record)
{
	for (uint32_t i = instance->vip_head, next; i != NONE; i = next) {
		next = vip_at(state, i)->next;
		if (!names_vip(record, &vip_at(state, i)->address))
			orphan(state, instance, i);
	}
	vips_mark(state, instance);
	for (uint32_t i = 0; i < record->vip_count; i++)
		claim(state, instance, &record->vip[i]);
}

void vips_remove_instance(struct node_state *state, struct instance_entry *instance)
{
	while (instance->vip_head != NONE)
		orphan(state, instance, instance->vip_head);
}

void vips_mark_all(struct node_state *state)
{
	for (uint32_t i = 0; i < state->vips.count; i++) {
		if (pool_is_live(&state->vips, i) && vip_at(state, i)->owner != OWNER_SOURCE)
			mark_vip(state, i);
	}
}

/* --- beginning and questions ----------------------------------------------------------------- */

void node_state_adopt(struct node_state *state, const struct address *key, const struct vip *vip)
{
	struct instance_entry *instance;
	uint32_t index;

	if (vip->kind != VIP_PROTECTED || vip->instance == OWNER_NOBODY ||
		vip->instance == OWNER_SOURCE || find_vip(state, key) != NONE)
		return;
	instance = node_take_instance(state, vip->instance);
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
		orphan(state, node_instance(state, vip->owner), index);
	vip->owner = OWNER_SOURCE;
	*out = (struct vip){ .kind = VIP_SOURCE,
		.mitigation_until_ns = INT64_MAX,
		.forward_until_ns = INT64_MAX,
		.slot = index };
	return OK;
}

bool node_state_wants_vip(const struct node_state *state, const struct address *key)
{
	uint32_t index = find_vip(state, key);

	return index != NONE && vip_at(state, index)->owner != OWNER_NOBODY;
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
