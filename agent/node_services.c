/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules. The table keeps a copy of each record, since three things beside a new record make a service's
 * value anew: a health check that comes or goes, a verdict of one, and a full snapshot. Whose key a record
 * takes over leaves; a service that leaves stays in the table without a number until the flush.
 *
 * Health checks belong to a service and leave with it. What they say is not known here: the output is told
 * of them before it is asked which origins are down.
 */
#include "agent/node_tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t id_hash(uint32_t id)
{
	return index_hash(&id, sizeof(id));
}

static struct service_entry *service_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->services, index);
}

static uint32_t find_key(const struct node_state *state, const struct service_key *key)
{
	uint32_t i = index_first(&state->service_by_key, index_hash(key, sizeof(*key)));

	while (i != NONE && memcmp(&service_at(state, i)->key, key, sizeof(*key)) != 0)
		i = index_next(&state->service_by_key, i);
	return i;
}

static uint32_t find_id(const struct node_state *state, uint32_t id)
{
	uint32_t i = index_first(&state->service_by_id, id_hash(id));

	while (i != NONE && service_at(state, i)->id != id)
		i = index_next(&state->service_by_id, i);
	return i;
}

static void mark(struct node_state *state, uint32_t index)
{
	dirty_mark(&state->dirty_services, &service_at(state, index)->dirty, index);
}

/* --- what mitigations a port rule has something to do for --------------------------------------- */

static uint32_t limits_wanted(const struct service_limits *limits)
{
	static const uint32_t bit[LIMIT_COUNT] = { [LIMIT_RATE] = MITIGATION_BIT(source_rate),
		[LIMIT_CONNECTIONS] = MITIGATION_BIT(source_connections),
		[LIMIT_PACKETS] = MITIGATION_BIT(source_packets),
		[LIMIT_BYTES] = MITIGATION_BIT(source_bytes) };
	uint32_t mask = 0;

	for (int i = 0; i < LIMIT_COUNT; i++) {
		if (limits->source[i])
			mask |= bit[i];
		if (limits->block_seconds[i])
			mask |= MITIGATION_BIT(auto_block);
	}
	if (limits->rate)
		mask |= MITIGATION_BIT(service_rate);
	if (limits->connections)
		mask |= MITIGATION_BIT(service_connections);
	return mask;
}

static uint32_t record_wanted(const struct record_service *record)
{
	uint32_t mask = limits_wanted(&record->limits);

	if (record->payload_min > 0 || record->payload_max < PAYLOAD_UNBOUNDED)
		mask |= MITIGATION_BIT(payload_length);
	if (record->form)
		mask |= MITIGATION_BIT(payload_form);
	if (record->flags & SERVICE_NO_EMPTY)
		mask |= MITIGATION_BIT(empty_connection) | MITIGATION_BIT(auto_block);
	if (record->flags & SERVICE_CHALLENGE)
		mask |= MITIGATION_BIT(unproven);
	return mask;
}

uint32_t services_wanted(const struct node_state *state, const struct instance_entry *instance)
{
	uint32_t mask = 0;

	for (uint32_t i = instance->service_head; i != NONE; i = service_at(state, i)->next)
		mask |= record_wanted(service_at(state, i)->record);
	return mask;
}

/* --- coming and going --------------------------------------------------------------------------- */

static void drop_health(struct node_state *state, struct service_entry *service)
{
	if (!service->health)
		return;
	service->health = false;
	state->output->health_delete(state->output->context, service->id);
}

static void orphan(struct node_state *state, uint32_t index)
{
	struct service_entry *service = service_at(state, index);
	struct instance_entry *instance = node_instance(state, service->key.instance);

	assert(instance && service->id != 0);
	if (record_wanted(service->record))
		vips_mark(state, instance);
	drop_health(state, service);
	if (service->prev != NONE)
		service_at(state, service->prev)->next = service->next;
	else
		instance->service_head = service->next;
	if (service->next != NONE)
		service_at(state, service->next)->prev = service->prev;
	index_remove(&state->service_by_id, index);
	service->id = 0;
	free(service->record);
	service->record = NULL;
	state->service_count--;
	mark(state, index);
}

void services_flush_deletes(struct node_state *state)
{
	uint32_t next = state->dirty_services.head;

	state->dirty_services.head = DIRTY_END;
	while (next != DIRTY_END) {
		uint32_t index = next - 1;
		struct service_entry *service = service_at(state, index);

		next = service->dirty;
		service->dirty = 0;
		if (service->id != 0) {
			mark(state, index);
			continue;
		}
		state->output->service_delete(state->output->context, &service->key);
		index_remove(&state->service_by_key, index);
		pool_give(&state->services, index);
	}
}

static uint32_t take(struct node_state *state, const struct service_key *key)
{
	uint32_t index = find_key(state, key);

	if (index != NONE)
		return index;
	if (state->services.used == NODE_SERVICE_MAX)
		services_flush_deletes(state);
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

static struct record_service *copy_of(const struct record_service *record)
{
	struct record_service *copy = calloc(1, record->record.length);

	if (copy)
		memcpy(copy, record, record->record.length);
	return copy;
}

/* A key of nobody, or one whose number stays. */
static void own(struct node_state *state, struct instance_entry *instance, uint32_t index,
	struct record_service *record)
{
	struct service_entry *service = service_at(state, index);
	uint32_t had = service->record ? record_wanted(service->record) : 0;

	if (!service->record) {
		service->id = record->record.id;
		service->prev = NONE;
		service->next = instance->service_head;
		if (service->next != NONE)
			service_at(state, service->next)->prev = index;
		instance->service_head = index;
		state->service_count++;
	}
	free(service->record);
	service->record = record;
	service->seen = true;
	if (record_wanted(record) != had)
		vips_mark(state, instance);
	mark(state, index);
}

static uint32_t take_anew(
	struct node_state *state, const struct service_key *key, uint32_t id, const char **why)
{
	uint32_t index = take(state, key);

	*why = "table of services is full";
	if (index == NONE)
		return NONE;
	if (service_at(state, index)->id != 0)
		orphan(state, index);
	*why = "no memory";
	if (index_insert(&state->service_by_id, id_hash(id), index))
		return index;
	mark(state, index);
	return NONE;
}

void services_claim(struct node_state *state, const struct record_service *record)
{
	struct instance_entry *instance = node_instance(state, record->instance);
	struct service_key key = key_of(record);
	uint32_t index = find_id(state, record->record.id);
	struct record_service *copy = instance ? copy_of(record) : NULL;
	const char *why = instance ? "no memory" : "no such instance";
	bool health = false; /* a check stays with a service that changes its port */

	if (index != NONE && memcmp(&service_at(state, index)->key, &key, sizeof(key)) != 0) {
		health = service_at(state, index)->health;
		service_at(state, index)->health = false;
		orphan(state, index);
		index = NONE;
	}
	if (copy && index == NONE) {
		index = take_anew(state, &key, record->record.id, &why);
		if (index != NONE)
			service_at(state, index)->health = health;
	}
	if (copy && index != NONE) {
		own(state, instance, index, copy);
		return;
	}
	free(copy);
	node_state_refuse(state, RECORD_SERVICE, record->record.id, why);
	if (health)
		state->output->health_delete(state->output->context, record->record.id);
}

void services_remove(struct node_state *state, uint32_t id)
{
	uint32_t index = find_id(state, id);

	if (index != NONE)
		orphan(state, index);
}

void services_remove_instance(struct node_state *state, struct instance_entry *instance)
{
	while (instance->service_head != NONE)
		orphan(state, instance->service_head);
}

/* --- health checks ------------------------------------------------------------------------------ */

void health_claim(struct node_state *state, const struct record_health *record)
{
	uint32_t index = find_id(state, record->record.id);
	struct service_entry *service;

	if (index == NONE) {
		node_state_refuse(state, RECORD_HEALTH, record->record.id, "no such service");
		return;
	}
	service = service_at(state, index);
	service->health = state->output->health_put(state->output->context, record);
	service->health_seen = true;
	if (!service->health)
		node_state_refuse(state, RECORD_HEALTH, record->record.id, "no memory");
	mark(state, index);
}

void health_remove(struct node_state *state, uint32_t id)
{
	uint32_t index = find_id(state, id);

	if (index == NONE || !service_at(state, index)->health)
		return;
	drop_health(state, service_at(state, index));
	mark(state, index);
}

/* --- a snapshot --------------------------------------------------------------------------------- */

void services_mark_unseen(struct node_state *state)
{
	for (uint32_t i = 0; i < state->services.count; i++) {
		if (!pool_is_live(&state->services, i))
			continue;
		service_at(state, i)->seen = false;
		service_at(state, i)->health_seen = false;
	}
}

void services_see(struct node_state *state, const struct record *record)
{
	uint32_t index = find_id(state, record->id);

	if (index != NONE && record->type == RECORD_SERVICE)
		service_at(state, index)->seen = true;
	else if (index != NONE)
		service_at(state, index)->health_seen = true;
}

void services_remove_unseen(struct node_state *state)
{
	for (uint32_t i = 0; i < state->services.count; i++) {
		struct service_entry *service;

		if (!pool_is_live(&state->services, i) || service_at(state, i)->id == 0)
			continue;
		service = service_at(state, i);
		if (!service->seen)
			orphan(state, i);
		else if (!service->health_seen)
			drop_health(state, service);
	}
}

void services_flush_puts(struct node_state *state)
{
	uint32_t next = state->dirty_services.head;

	state->dirty_services.head = DIRTY_END;
	while (next != DIRTY_END) {
		struct service_entry *service = service_at(state, next - 1);
		uint32_t down = 0;
		struct service value;

		next = service->dirty;
		service->dirty = 0;
		assert(service->id != 0);
		if (service->health)
			down = state->output->service_down(state->output->context, service->record);
		service_fill(service->record, down, &value);
		state->output->service_put(
			state->output->context, service->id, &service->key, &value);
	}
}

void services_done(struct node_state *state)
{
	for (uint32_t i = 0; i < state->services.count; i++) {
		if (pool_is_live(&state->services, i))
			free(service_at(state, i)->record);
	}
}

bool node_state_wants_service(const struct node_state *state, const struct service_key *key)
{
	uint32_t index = find_key(state, key);

	return index != NONE && service_at(state, index)->id != 0;
}

const struct record_service *node_state_service(const struct node_state *state, uint32_t id)
{
	uint32_t index = find_id(state, id);

	return index == NONE ? NULL : service_at(state, index)->record;
}
