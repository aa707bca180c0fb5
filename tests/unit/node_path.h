/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node's state is tested with: a packet path that is a table in memory, snapshots written
 * record by record, and a fixture of two instances.
 */
#ifndef TESTS_UNIT_NODE_PATH_H
#define TESTS_UNIT_NODE_PATH_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/node_state.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

/* --- a packet path ---------------------------------------------------------------------------- */

#define ENTRY_MAX 64
#define BYTES_MAX sizeof(struct service)

struct table {
	size_t key_size, value_size;
	unsigned count, puts, deletes;
	_Alignas(8) uint8_t key[ENTRY_MAX][24];
	_Alignas(8) uint8_t value[ENTRY_MAX][BYTES_MAX];
};

struct path {
	struct table vip, service, exact, prefix, region, reflection, pattern;
	struct table auto_block; /* its deletes: what was asked for */
	uint32_t health[ENTRY_MAX];
	unsigned health_count;
	uint32_t down; /* origins, of all services with a check */
	unsigned fresh, unwanted_calls;
};

static inline int table_find(const struct table *table, const void *key)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (memcmp(table->key[i], key, table->key_size) == 0)
			return (int)i;
	}
	return -1;
}

static inline const void *table_get(const struct table *table, const void *key)
{
	int at = table_find(table, key);

	return at < 0 ? NULL : table->value[at];
}

static inline void table_put(struct table *table, const void *key, const void *value)
{
	int at = table_find(table, key);

	if (at < 0) {
		assert_true(table->count < ENTRY_MAX);
		at = (int)table->count++;
	}
	memcpy(table->key[at], key, table->key_size);
	memcpy(table->value[at], value, table->value_size);
	table->puts++;
}

static inline void table_delete(struct table *table, const void *key)
{
	int at = table_find(table, key);

	table->deletes++;
	if (at < 0)
		return;
	table->count--;
	memmove(table->key[at], table->key[table->count], table->key_size);
	memmove(table->value[at], table->value[table->count], table->value_size);
}

static inline void vip_put(
	void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	struct path *path = context;

	path->fresh += fresh;
	table_put(&path->vip, key, vip);
}

static inline void vip_delete(void *context, const struct address *key)
{
	table_delete(&((struct path *)context)->vip, key);
}

static inline void service_put(
	void *context, uint32_t id, const struct service_key *key, const struct service *service)
{
	assert_int_equal(id, service->id);
	table_put(&((struct path *)context)->service, key, service);
}

static inline void service_delete(void *context, const struct service_key *key)
{
	table_delete(&((struct path *)context)->service, key);
}

static inline void exact_put(void *context, uint32_t id, const struct list_exact_key *key,
	const struct list_entry *entry)
{
	(void)id;
	table_put(&((struct path *)context)->exact, key, entry);
}

static inline void exact_delete(void *context, const struct list_exact_key *key)
{
	table_delete(&((struct path *)context)->exact, key);
}

static inline void prefix_put(void *context, uint32_t id, const struct list_prefix_key *key,
	const struct list_entry *entry)
{
	(void)id;
	table_put(&((struct path *)context)->prefix, key, entry);
}

static inline void prefix_delete(void *context, const struct list_prefix_key *key)
{
	table_delete(&((struct path *)context)->prefix, key);
}

static inline void auto_block_delete(void *context, const struct list_exact_key *key)
{
	table_delete(&((struct path *)context)->auto_block, key);
}

static inline void region_put(void *context, uint32_t instance, const struct region_policy *policy)
{
	table_put(&((struct path *)context)->region, &instance, policy);
}

static inline void region_delete(void *context, uint32_t instance)
{
	table_delete(&((struct path *)context)->region, &instance);
}

static inline void reflection_put(
	void *context, uint32_t instance, const struct reflection_key *key)
{
	assert_int_equal(instance, key->instance);
	table_put(&((struct path *)context)->reflection, key, key);
}

static inline void reflection_delete(void *context, const struct reflection_key *key)
{
	table_delete(&((struct path *)context)->reflection, key);
}

static inline void pattern_put(void *context, uint32_t instance, const struct pattern_set *set)
{
	table_put(&((struct path *)context)->pattern, &instance, set);
}

static inline void pattern_delete(void *context, uint32_t instance)
{
	table_delete(&((struct path *)context)->pattern, &instance);
}

static inline bool has_health(const struct path *path, uint32_t service)
{
	for (unsigned i = 0; i < path->health_count; i++) {
		if (path->health[i] == service)
			return true;
	}
	return false;
}

static inline bool health_put(void *context, const struct record_health *record)
{
	struct path *path = context;

	if (!has_health(path, record->record.id))
		path->health[path->health_count++] = record->record.id;
	return true;
}

static inline void health_delete(void *context, uint32_t service)
{
	struct path *path = context;

	assert_true(has_health(path, service));
	for (unsigned i = 0; i < path->health_count; i++) {
		if (path->health[i] == service)
			path->health[i] = path->health[path->health_count - 1];
	}
	path->health_count--;
}

static inline uint32_t service_down(void *context, const struct record_service *record)
{
	const struct path *path = context;

	assert_true(has_health(path, record->record.id));
	return path->down;
}

static inline void delete_unwanted(void *context, const struct node_state *state)
{
	struct path *path = context;

	path->unwanted_calls++;
	for (unsigned i = path->vip.count; i-- > 0;) {
		if (!node_state_wants_vip(state, (void *)path->vip.key[i]))
			table_delete(&path->vip, path->vip.key[i]);
	}
	for (unsigned i = path->service.count; i-- > 0;) {
		if (!node_state_wants_service(state, (void *)path->service.key[i]))
			table_delete(&path->service, path->service.key[i]);
	}
	for (unsigned i = path->exact.count; i-- > 0;) {
		if (!node_state_wants_exact(state, (void *)path->exact.key[i]))
			table_delete(&path->exact, path->exact.key[i]);
	}
	for (unsigned i = path->prefix.count; i-- > 0;) {
		if (!node_state_wants_prefix(state, (void *)path->prefix.key[i]))
			table_delete(&path->prefix, path->prefix.key[i]);
	}
	for (unsigned i = path->region.count; i-- > 0;) {
		if (!node_state_wants_region(state, *(uint32_t *)(void *)path->region.key[i]))
			table_delete(&path->region, path->region.key[i]);
	}
	for (unsigned i = path->reflection.count; i-- > 0;) {
		if (!node_state_wants_reflection(state, (void *)path->reflection.key[i]))
			table_delete(&path->reflection, path->reflection.key[i]);
	}
	for (unsigned i = path->pattern.count; i-- > 0;) {
		if (!node_state_wants_pattern(state, *(uint32_t *)(void *)path->pattern.key[i]))
			table_delete(&path->pattern, path->pattern.key[i]);
	}
}

static inline void path_init(struct path *path)
{
	memset(path, 0, sizeof(*path));
	path->vip.key_size = sizeof(struct address);
	path->vip.value_size = sizeof(struct vip);
	path->service.key_size = sizeof(struct service_key);
	path->service.value_size = sizeof(struct service);
	path->exact.key_size = sizeof(struct list_exact_key);
	path->exact.value_size = sizeof(struct list_entry);
	path->prefix.key_size = sizeof(struct list_prefix_key);
	path->prefix.value_size = sizeof(struct list_entry);
	path->region.key_size = path->pattern.key_size = sizeof(uint32_t);
	path->region.value_size = sizeof(struct region_policy);
	path->reflection.key_size = path->reflection.value_size = sizeof(struct reflection_key);
	path->pattern.value_size = sizeof(struct pattern_set);
	path->auto_block.key_size = sizeof(struct list_exact_key);
	path->auto_block.value_size = sizeof(int64_t);
}

/* --- writing snapshots ------------------------------------------------------------------------ */

struct draft {
	struct snapshot_header header;
	_Alignas(8) uint8_t bytes[1 << 16];
};

static inline struct draft *draft(
	struct draft *out, unsigned flags, uint64_t base, uint64_t generation)
{
	memset(&out->header, 0, sizeof(out->header));
	out->header.magic = SNAPSHOT_MAGIC;
	out->header.version = SNAPSHOT_VERSION;
	out->header.flags = (uint16_t)flags;
	out->header.base_generation = base;
	out->header.generation = generation;
	return out;
}

static inline void *add(struct draft *to, unsigned type, size_t length, uint32_t id)
{
	struct record *record = (void *)(to->bytes + to->header.byte_count);

	assert_true(to->header.byte_count + length <= sizeof(to->bytes));
	memset(record, 0, length);
	record->type = (uint16_t)type;
	record->length = (uint16_t)length;
	record->id = id;
	to->header.byte_count += (uint32_t)length;
	to->header.record_count++;
	return record;
}

static inline struct address ip(const char *text)
{
	struct address out = { .byte = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, out.byte + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, out.byte), 1);
	return out;
}

static inline void add_remove(struct draft *to, unsigned type, uint32_t id)
{
	struct record_remove *remove = add(to, RECORD_REMOVE, sizeof(*remove), id);

	remove->removed_type = type;
}

static inline void add_instance(struct draft *to, uint32_t id, const char *vip, const char *second)
{
	struct record_instance *instance = add(to, RECORD_INSTANCE, sizeof(*instance), id);

	instance->mitigation_until_ms = 1000 + id;
	instance->forward_until_ms = 2000 + id;
	instance->mitigation_block = MITIGATION_BIT(block_list) | MITIGATION_BIT(payload_length);
	instance->vip_count = second ? 2 : 1;
	instance->vip[0] = ip(vip);
	if (second)
		instance->vip[1] = ip(second);
}

static inline struct record_service *add_service(
	struct draft *to, uint32_t id, uint32_t instance, uint16_t port)
{
	size_t length = sizeof(struct record_service) + sizeof(struct record_origin);
	struct record_service *service = add(to, RECORD_SERVICE, length, id);

	service->instance = instance;
	service->port = port;
	service->protocol = IPPROTO_TCP;
	service->origin_count = 1;
	service->idle_seconds = 900;
	service->payload_max = PAYLOAD_UNBOUNDED;
	service->origin[0].address = ip("10.0.0.1");
	service->origin[0].port = 8080;
	service->origin[0].weight = 50;
	return service;
}

static inline void add_list(struct draft *to, uint32_t id, uint32_t instance, unsigned kind,
	const char *source, unsigned bits, int64_t until_ms)
{
	struct record_list *list = add(to, RECORD_LIST, sizeof(*list), id);

	list->instance = instance;
	list->kind = (uint8_t)kind;
	list->prefix_bits = (uint8_t)bits;
	list->until_ms = until_ms;
	list->source = ip(source);
}

static inline enum err apply(struct node_state *state, const struct draft *from, struct path *path)
{
	const struct node_output output = { .context = path,
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
		.health_put = health_put,
		.health_delete = health_delete,
		.service_down = service_down,
		.delete_unwanted = delete_unwanted };
	struct snapshot snapshot;
	const char *why = "";

	_Static_assert(offsetof(struct draft, bytes) == sizeof(struct snapshot_header), "wire");
	if (snapshot_decode(
		    from, sizeof(from->header) + from->header.byte_count, &snapshot, &why) != OK)
		fail_msg("snapshot: %s", why);
	return node_state_apply(state, &snapshot, &output);
}

/* --- asking the path -------------------------------------------------------------------------- */

static inline const struct vip *vip_of(const struct path *path, const char *address)
{
	struct address key = ip(address);

	return table_get(&path->vip, &key);
}

static inline const struct service *service_of(
	const struct path *path, uint32_t instance, uint16_t port)
{
	struct service_key key = {
		.instance = instance, .port = htons(port), .protocol = IPPROTO_TCP
	};

	return table_get(&path->service, &key);
}

static inline const struct list_entry *exact_of(
	const struct path *path, uint32_t instance, const char *source)
{
	struct list_exact_key key = { .instance = instance, .source = ip(source) };

	return table_get(&path->exact, &key);
}

static inline const struct list_entry *prefix_of(
	const struct path *path, uint32_t instance, const char *source, unsigned bits)
{
	struct list_prefix_key key = {
		.prefix_bits = 32 + bits, .instance = htonl(instance), .source = ip(source)
	};

	return table_get(&path->prefix, &key);
}

struct fixture {
	struct node_state *state;
	struct path path;
	struct draft draft;
};

/* Instance 1 with two addresses, a service and lists; instance 2 with one address and a service. */
static inline int set_up(void **out)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct draft *full;

	if (!fixture)
		return -1;
	fixture->state = node_state_new();
	path_init(&fixture->path);
	full = draft(&fixture->draft, SNAPSHOT_FULL, 0, 10);
	add_instance(full, 1, "192.0.2.1", "2001:db8::1");
	add_instance(full, 2, "192.0.2.2", NULL);
	add_service(full, 11, 1, 80);
	add_service(full, 12, 2, 80);
	add_list(full, 21, 1, LIST_ALLOW, "203.0.113.1", 128, 5);
	add_list(full, 22, 1, LIST_BLOCK, "203.0.113.0", 120, 7);
	assert_int_equal(apply(fixture->state, full, &fixture->path), OK);
	*out = fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	node_state_free(fixture->state);
	free(fixture);
	return 0;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
