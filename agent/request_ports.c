/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per instance a list of ports, each with the number of sites that want it with and without TLS, so that a site
 * that comes, goes or changes costs its own ports and no other site's. An instance without sites has nothing in
 * force: most instances only forward ports.
 *
 * A port that two sites want in two ways is TLS: the control does not let that happen, and whoever spoke plainly gets a
 * refusal, not a page.
 *
 * Items whose counts are back at 0 stay until the flush, which takes them out of force.
 */
#include "agent/request_ports.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"

struct instance_item {
	struct pool_link link;
	uint32_t number;
	uint32_t sites;	    /* that name it */
	uint32_t port_head; /* of struct port_item */
	uint32_t dirty;	    /* next one, see dirty_head; 0: not dirty */
	bool known, seen;
	struct table_vip value;
	uint32_t vip_count, force_count;
	struct address vip[INSTANCE_VIP_MAX];
	struct address force[INSTANCE_VIP_MAX]; /* in the table, with the ports that are steered */
};

struct port_item {
	struct pool_link link;
	uint32_t instance; /* index */
	uint32_t next;
	uint32_t plain, tls; /* sites */
	uint16_t port;
	uint8_t steered; /* enum steer_listener + 1; 0: not */
};

#define DIRTY_END UINT32_MAX

struct request_ports {
	struct pool instances, ports;
	struct index instance_by_number, port_by_key;
	uint32_t dirty_head; /* index + 1 of the first; DIRTY_END: none */
};

static struct instance_item *instance_at(const struct request_ports *ports, uint32_t index)
{
	return pool_at(&ports->instances, index);
}

static struct port_item *port_at(const struct request_ports *ports, uint32_t index)
{
	return pool_at(&ports->ports, index);
}

static uint32_t number_hash(uint32_t number)
{
	return index_hash(&number, sizeof(number));
}

static uint32_t port_hash(uint32_t instance, uint16_t port)
{
	uint32_t key[2] = { instance, port };

	return index_hash(key, sizeof(key));
}

static uint32_t find_instance(const struct request_ports *ports, uint32_t number)
{
	uint32_t i = index_first(&ports->instance_by_number, number_hash(number));

	while (i != NONE && instance_at(ports, i)->number != number)
		i = index_next(&ports->instance_by_number, i);
	return i;
}

static uint32_t find_port(const struct request_ports *ports, uint32_t instance, uint16_t port)
{
	uint32_t i = index_first(&ports->port_by_key, port_hash(instance, port));

	while (i != NONE &&
		(port_at(ports, i)->instance != instance || port_at(ports, i)->port != port))
		i = index_next(&ports->port_by_key, i);
	return i;
}

static void mark(struct request_ports *ports, uint32_t index)
{
	struct instance_item *instance = instance_at(ports, index);

	if (instance->dirty)
		return;
	instance->dirty = ports->dirty_head;
	ports->dirty_head = index + 1;
}

static uint32_t take_instance(struct request_ports *ports, uint32_t number)
{
	uint32_t index = find_instance(ports, number);

	if (index != NONE)
		return index;
	index = pool_take(&ports->instances);
	if (index == NONE)
		return NONE;
	if (!index_insert(&ports->instance_by_number, number_hash(number), index)) {
		pool_give(&ports->instances, index);
		return NONE;
	}
	instance_at(ports, index)->number = number;
	instance_at(ports, index)->port_head = NONE;
	/* The flush gives back what nobody turns out to need. */
	mark(ports, index);
	return index;
}

static uint32_t take_port(struct request_ports *ports, uint32_t instance, uint16_t port)
{
	uint32_t index = find_port(ports, instance, port);
	struct port_item *item;

	if (index != NONE)
		return index;
	index = pool_take(&ports->ports);
	if (index == NONE)
		return NONE;
	if (!index_insert(&ports->port_by_key, port_hash(instance, port), index)) {
		pool_give(&ports->ports, index);
		return NONE;
	}
	item = port_at(ports, index);
	item->instance = instance;
	item->port = port;
	item->next = instance_at(ports, instance)->port_head;
	instance_at(ports, instance)->port_head = index;
	return index;
}

/* --- what is wished ---------------------------------------------------------------------------------------- */

/* All items that the site needs; those of its instances are marked. */
static bool take_all(struct request_ports *ports, const struct site *site)
{
	const uint32_t *number = site_list_at(site, site->instances);
	const struct site_port *port = site_list_at(site, site->ports);

	for (unsigned i = 0; i < site->instances.count; i++) {
		uint32_t instance = take_instance(ports, number[i]);

		if (instance == NONE)
			return false;
		mark(ports, instance);
		for (unsigned j = 0; j < site->ports.count; j++) {
			if (take_port(ports, instance, port[j].port) == NONE)
				return false;
		}
	}
	return true;
}

static void count(struct request_ports *ports, const struct site *site, uint32_t one)
{
	const uint32_t *number = site_list_at(site, site->instances);
	const struct site_port *port = site_list_at(site, site->ports);

	for (unsigned i = 0; i < site->instances.count; i++) {
		uint32_t instance = find_instance(ports, number[i]);

		assert(instance != NONE);
		mark(ports, instance);
		instance_at(ports, instance)->sites += one;
		for (unsigned j = 0; j < site->ports.count; j++) {
			uint32_t index = find_port(ports, instance, port[j].port);

			assert(index != NONE);
			if (port[j].schemes & SITE_SCHEME_TLS)
				port_at(ports, index)->tls += one;
			else
				port_at(ports, index)->plain += one;
		}
	}
}

bool request_ports_add(struct request_ports *ports, const struct site *site)
{
	if (!take_all(ports, site))
		return false;
	count(ports, site, 1);
	return true;
}

void request_ports_remove(struct request_ports *ports, const struct site *site)
{
	count(ports, site, (uint32_t)-1);
}

bool request_ports_instance(struct request_ports *ports, const struct record_instance *record)
{
	uint32_t index = take_instance(ports, record->record.id);
	struct instance_item *instance;

	if (index == NONE)
		return false;
	instance = instance_at(ports, index);
	instance->known = instance->seen = true;
	instance->value = (struct table_vip){ .instance = record->record.id,
		.requests_max = record->requests_max,
		.mitigation_until_ms = record->mitigation_until_ms,
		.forward_until_ms = record->forward_until_ms };
	instance->vip_count = record->vip_count;
	memcpy(instance->vip, record->vip, record->vip_count * sizeof(record->vip[0]));
	mark(ports, index);
	return true;
}

static void forget(struct request_ports *ports, uint32_t index)
{
	struct instance_item *instance = instance_at(ports, index);

	instance->known = false;
	instance->vip_count = 0;
	mark(ports, index);
}

void request_ports_instance_gone(struct request_ports *ports, uint32_t number)
{
	uint32_t index = find_instance(ports, number);

	if (index != NONE)
		forget(ports, index);
}

void request_ports_mark_unseen(struct request_ports *ports)
{
	for (uint32_t i = 0; i < ports->instances.count; i++) {
		if (pool_is_live(&ports->instances, i))
			instance_at(ports, i)->seen = false;
	}
}

void request_ports_remove_unseen(struct request_ports *ports)
{
	for (uint32_t i = 0; i < ports->instances.count; i++) {
		if (pool_is_live(&ports->instances, i) && !instance_at(ports, i)->seen)
			forget(ports, i);
	}
}

/* --- what is in force -------------------------------------------------------------------------------------- */

static bool has_address(const struct address *list, uint32_t count, const struct address *address)
{
	for (uint32_t i = 0; i < count; i++) {
		if (memcmp(&list[i], address, sizeof(*address)) == 0)
			return true;
	}
	return false;
}

static bool wants_address(const struct instance_item *instance, const struct address *address)
{
	return instance->known && instance->sites > 0 &&
	       has_address(instance->vip, instance->vip_count, address);
}

static void delete_vip(struct request_table *table, const struct instance_item *instance,
	const struct address *address)
{
	struct table_key key = { TABLE_VIP, sizeof(*address), address };
	size_t length;
	const struct table_vip *now = request_table_find(table, &key, &length);

	/* Another instance may have it by now. */
	if (now && length == sizeof(*now) && now->instance == instance->number)
		(void)request_table_delete(table, &key);
}

static void leave_addresses(struct request_ports *ports, uint32_t index,
	struct request_table *table, const struct requests_output *output)
{
	struct instance_item *instance = instance_at(ports, index);

	for (uint32_t i = 0; i < instance->force_count;) {
		struct address address = instance->force[i];

		if (wants_address(instance, &address)) {
			i++;
			continue;
		}
		for (uint32_t j = instance->port_head; j != NONE; j = port_at(ports, j)->next) {
			const struct port_item *port = port_at(ports, j);

			if (port->steered)
				(void)output->steer_delete(
					output->context, &address, instance->number, port->port);
		}
		delete_vip(table, instance, &address);
		instance->force[i] = instance->force[--instance->force_count];
	}
	for (uint32_t j = instance->port_head; instance->force_count == 0 && j != NONE;
		j = port_at(ports, j)->next)
		port_at(ports, j)->steered = 0;
}

static void leave_ports(
	struct request_ports *ports, uint32_t index, const struct requests_output *output)
{
	struct instance_item *instance = instance_at(ports, index);
	uint32_t *link = &instance->port_head;

	while (*link != NONE) {
		uint32_t at = *link;
		struct port_item *port = port_at(ports, at);

		if (port->plain + port->tls > 0) {
			link = &port->next;
			continue;
		}
		for (uint32_t i = 0; port->steered && i < instance->force_count; i++)
			(void)output->steer_delete(
				output->context, &instance->force[i], instance->number, port->port);
		*link = port->next;
		index_remove(&ports->port_by_key, at);
		pool_give(&ports->ports, at);
	}
}

/* fresh: at this address no port is steered yet. */
static bool steer_ports(struct request_ports *ports, const struct instance_item *instance,
	const struct address *address, bool fresh, const struct requests_output *output)
{
	bool all = true;

	for (uint32_t j = instance->port_head; j != NONE; j = port_at(ports, j)->next) {
		struct port_item *port = port_at(ports, j);
		enum steer_listener listener = port->tls ? STEER_TLS : STEER_PLAIN;

		if (fresh || port->steered != listener + 1)
			all &= output->steer_put(
				output->context, address, instance->number, port->port, listener);
	}
	return all;
}

static void enter(struct request_ports *ports, uint32_t index, struct request_table *table,
	const struct requests_output *output, bool all)
{
	struct instance_item *instance = instance_at(ports, index);
	bool done = true;

	if (!instance->known || instance->sites == 0)
		return;
	for (uint32_t i = 0; i < instance->vip_count; i++) {
		const struct address *address = &instance->vip[i];
		struct table_key key = { TABLE_VIP, sizeof(*address), address };
		bool fresh = !has_address(instance->force, instance->force_count, address);

		if (request_table_put(table, &key, &instance->value, sizeof(instance->value)) !=
			OK) {
			output->refuse(output->context, RECORD_INSTANCE, instance->number,
				"no room for its address in the table");
			continue;
		}
		if (fresh)
			instance->force[instance->force_count++] = *address;
		done &= steer_ports(ports, instance, address, fresh || all, output);
	}
	for (uint32_t j = instance->port_head; instance->force_count > 0 && j != NONE;
		j = port_at(ports, j)->next)
		port_at(ports, j)->steered = (port_at(ports, j)->tls ? STEER_TLS : STEER_PLAIN) + 1;
	if (!done)
		output->refuse(output->context, RECORD_INSTANCE, instance->number,
			"a port of a web site could not be steered");
}

static void drop_empty(struct request_ports *ports, uint32_t index)
{
	struct instance_item *instance = instance_at(ports, index);

	if (instance->known || instance->sites > 0)
		return;
	assert(instance->port_head == NONE && instance->force_count == 0);
	index_remove(&ports->instance_by_number, index);
	pool_give(&ports->instances, index);
}

void request_ports_flush(struct request_ports *ports, struct request_table *table,
	const struct requests_output *output, bool all)
{
	for (uint32_t i = 0; all && i < ports->instances.count; i++) {
		if (pool_is_live(&ports->instances, i))
			mark(ports, i);
	}
	for (uint32_t next = ports->dirty_head; next != DIRTY_END;
		next = instance_at(ports, next - 1)->dirty) {
		leave_addresses(ports, next - 1, table, output);
		leave_ports(ports, next - 1, output);
	}
	while (ports->dirty_head != DIRTY_END) {
		uint32_t index = ports->dirty_head - 1;

		ports->dirty_head = instance_at(ports, index)->dirty;
		instance_at(ports, index)->dirty = 0;
		enter(ports, index, table, output, all);
		drop_empty(ports, index);
	}
}

bool request_ports_has(
	const struct request_ports *ports, const struct address *address, uint32_t instance)
{
	uint32_t index = find_instance(ports, instance);

	return index != NONE && has_address(instance_at(ports, index)->force,
					instance_at(ports, index)->force_count, address);
}

void request_ports_counts(const struct request_ports *ports, uint32_t *vips, uint32_t *steered)
{
	*vips = *steered = 0;
	for (uint32_t i = 0; i < ports->instances.count; i++) {
		if (pool_is_live(&ports->instances, i))
			*vips += instance_at(ports, i)->force_count;
	}
	for (uint32_t i = 0; i < ports->ports.count; i++) {
		const struct port_item *port;

		if (!pool_is_live(&ports->ports, i))
			continue;
		port = port_at(ports, i);
		if (port->steered)
			*steered += instance_at(ports, port->instance)->force_count;
	}
}

struct request_ports *request_ports_new(void)
{
	struct request_ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	pool_init(&ports->instances, sizeof(struct instance_item), REQUEST_INSTANCE_MAX);
	pool_init(&ports->ports, sizeof(struct port_item), NODE_STEER_MAX);
	index_init(&ports->instance_by_number, REQUEST_INSTANCE_MAX);
	index_init(&ports->port_by_key, NODE_STEER_MAX);
	ports->dirty_head = DIRTY_END;
	return ports;
}

void request_ports_free(struct request_ports *ports)
{
	if (!ports)
		return;
	pool_done(&ports->instances);
	pool_done(&ports->ports);
	index_done(&ports->instance_by_number);
	index_done(&ports->port_by_key);
	free(ports);
}
