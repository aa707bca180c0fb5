/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror of the node's state. The output is a small packet path of its own: tables with the keys and
 * values that were put and not deleted, compared after each snapshot with what must be in force;
 * and a record of whether a key was ever missing in between.
 */
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
#define BYTES_MAX 800

struct table {
	size_t key_size, value_size;
	unsigned count, puts, deletes;
	_Alignas(8) uint8_t key[ENTRY_MAX][24];
	_Alignas(8) uint8_t value[ENTRY_MAX][BYTES_MAX];
};

struct path {
	struct table vip, service, exact, prefix;
	unsigned fresh, unwanted_calls;
};

static int table_find(const struct table *table, const void *key)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (memcmp(table->key[i], key, table->key_size) == 0)
			return (int)i;
	}
	return -1;
}

static const void *table_get(const struct table *table, const void *key)
{
	int at = table_find(table, key);

	return at < 0 ? NULL : table->value[at];
}

static void table_put(struct table *table, const void *key, const void *value)
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

static void table_delete(struct table *table, const void *key)
{
	int at = table_find(table, key);

	table->deletes++;
	if (at < 0)
		return;
	table->count--;
	memmove(table->key[at], table->key[table->count], table->key_size);
	memmove(table->value[at], table->value[table->count], table->value_size);
}

static void vip_put(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	struct path *path = context;

	path->fresh += fresh;
	table_put(&path->vip, key, vip);
}

static void vip_delete(void *context, const struct address *key)
{
	table_delete(&((struct path *)context)->vip, key);
}

static void service_put(
	void *context, uint32_t id, const struct service_key *key, const struct service *service)
{
	assert_int_equal(id, service->id);
	table_put(&((struct path *)context)->service, key, service);
}

static void service_delete(void *context, const struct service_key *key)
{
	table_delete(&((struct path *)context)->service, key);
}

static void exact_put(void *context, uint32_t id, const struct list_exact_key *key,
	const struct list_entry *entry)
{
	(void)id;
	table_put(&((struct path *)context)->exact, key, entry);
}

static void exact_delete(void *context, const struct list_exact_key *key)
{
	table_delete(&((struct path *)context)->exact, key);
}

static void prefix_put(void *context, uint32_t id, const struct list_prefix_key *key,
	const struct list_entry *entry)
{
	(void)id;
	table_put(&((struct path *)context)->prefix, key, entry);
}

static void prefix_delete(void *context, const struct list_prefix_key *key)
{
	table_delete(&((struct path *)context)->prefix, key);
}

static void delete_unwanted(void *context, const struct node_state *state)
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
}

static void path_init(struct path *path)
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
}

/* --- writing snapshots ------------------------------------------------------------------------ */

struct draft {
	struct snapshot_header header;
	_Alignas(8) uint8_t bytes[1 << 16];
};

static struct draft *draft(struct draft *out, unsigned flags, uint64_t base, uint64_t generation)
{
	memset(&out->header, 0, sizeof(out->header));
	out->header.magic = SNAPSHOT_MAGIC;
	out->header.version = SNAPSHOT_VERSION;
	out->header.flags = (uint16_t)flags;
	out->header.base_generation = base;
	out->header.generation = generation;
	return out;
}

static void *add(struct draft *to, unsigned type, size_t length, uint32_t id)
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

static struct address ip(const char *text)
{
	struct address out = { .byte = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, out.byte + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, out.byte), 1);
	return out;
}

static void add_remove(struct draft *to, unsigned type, uint32_t id)
{
	struct record_remove *remove = add(to, RECORD_REMOVE, sizeof(*remove), id);

	remove->removed_type = type;
}

static void add_instance(struct draft *to, uint32_t id, const char *vip, const char *second)
{
	struct record_instance *instance = add(to, RECORD_INSTANCE, sizeof(*instance), id);

	instance->mitigation_until_ms = 1000 + id;
	instance->forward_until_ms = 2000 + id;
	instance->vip_count = second ? 2 : 1;
	instance->vip[0] = ip(vip);
	if (second)
		instance->vip[1] = ip(second);
}

static struct record_service *add_service(
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

static void add_list(struct draft *to, uint32_t id, uint32_t instance, unsigned kind,
	const char *source, unsigned bits, int64_t until_ms)
{
	struct record_list *list = add(to, RECORD_LIST, sizeof(*list), id);

	list->instance = instance;
	list->kind = (uint8_t)kind;
	list->prefix_bits = (uint8_t)bits;
	list->until_ms = until_ms;
	list->source = ip(source);
}

static enum err apply(struct node_state *state, const struct draft *from, struct path *path)
{
	const struct node_output output = { path, vip_put, vip_delete, service_put, service_delete,
		exact_put, exact_delete, prefix_put, prefix_delete, delete_unwanted };
	struct snapshot snapshot;
	const char *why = "";

	_Static_assert(offsetof(struct draft, bytes) == sizeof(struct snapshot_header), "wire");
	if (snapshot_decode(
		    from, sizeof(from->header) + from->header.byte_count, &snapshot, &why) != OK)
		fail_msg("snapshot: %s", why);
	return node_state_apply(state, &snapshot, &output);
}

/* --- asking the path -------------------------------------------------------------------------- */

static const struct vip *vip_of(const struct path *path, const char *address)
{
	struct address key = ip(address);

	return table_get(&path->vip, &key);
}

static const struct service *service_of(const struct path *path, uint32_t instance, uint16_t port)
{
	struct service_key key = {
		.instance = instance, .port = htons(port), .protocol = IPPROTO_TCP
	};

	return table_get(&path->service, &key);
}

static const struct list_entry *exact_of(
	const struct path *path, uint32_t instance, const char *source)
{
	struct list_exact_key key = { .instance = instance, .source = ip(source) };

	return table_get(&path->exact, &key);
}

static const struct list_entry *prefix_of(
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
static int set_up(void **out)
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

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	node_state_free(fixture->state);
	free(fixture);
	return 0;
}

/* --- instances, addresses, services ----------------------------------------------------------- */

static void test_full(void **state)
{
	struct fixture *f = *state;
	const struct vip *vip = vip_of(&f->path, "192.0.2.1");
	struct node_counts counts;

	assert_non_null(vip);
	assert_int_equal(vip->kind, VIP_PROTECTED);
	assert_int_equal(vip->instance, 1);
	assert_int_equal(vip->mitigation_until_ns, 1001 * 1000000);
	assert_int_equal(vip->forward_until_ns, 2001 * 1000000);
	assert_int_equal(vip->flags, VIP_HAS_EXACT | VIP_HAS_PREFIX);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->flags, 0);
	assert_int_not_equal(vip->slot, vip_of(&f->path, "2001:db8::1")->slot);
	assert_int_equal(f->path.fresh, 3);
	assert_int_equal(f->path.unwanted_calls, 1);
	assert_int_equal(service_of(&f->path, 1, 80)->id, 11);
	assert_int_equal(service_of(&f->path, 1, 80)->origin[0].port, htons(8080));
	assert_int_equal(exact_of(&f->path, 1, "203.0.113.1")->allow_until_ns, 5000000);
	assert_int_equal(prefix_of(&f->path, 1, "203.0.113.0", 120)->block_until_ns, 7000000);
	node_state_counts(f->state, &counts);
	assert_int_equal(counts.instances, 2);
	assert_int_equal(counts.vips, 3);
	assert_int_equal(counts.services, 2);
	assert_int_equal(counts.lists, 2);
	assert_int_equal(node_state_generation(f->state), 10);
}

static void test_wrong_base(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 9, 11);

	add_remove(next, RECORD_INSTANCE, 1);
	assert_int_equal(apply(f->state, next, &f->path), ERR_CONFLICT);
	assert_non_null(vip_of(&f->path, "192.0.2.1"));
	assert_int_equal(node_state_generation(f->state), 10);
}

/* One address goes from a removed instance to a new one: one write, never a gap, fresh counters. */
static void test_vip_moves_on_removal(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_remove(next, RECORD_INSTANCE, 1);
	add_instance(next, 3, "192.0.2.1", NULL);
	f->path.fresh = f->path.vip.deletes = 0;
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->instance, 3);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->flags, 0);
	assert_null(vip_of(&f->path, "2001:db8::1"));
	assert_int_equal(f->path.vip.deletes, 1);
	assert_int_equal(f->path.fresh, 1);
	assert_null(service_of(&f->path, 1, 80));
	assert_int_equal(f->path.exact.count, 0);
	assert_int_equal(f->path.prefix.count, 0);
}

/* Two instances trade addresses within one difference, whichever record comes first. */
static void test_vips_are_traded(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_instance(next, 2, "192.0.2.1", NULL);
	add_instance(next, 1, "192.0.2.2", "2001:db8::1");
	f->path.vip.deletes = 0;
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->instance, 2);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->instance, 1);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->mitigation_until_ns, 1001 * 1000000);
	assert_int_equal(f->path.vip.deletes, 0);
}

static void test_vip_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	uint32_t slots[INSTANCE_VIP_MAX];

	add_instance(next, 1, "2001:db8::1", NULL);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(vip_of(&f->path, "192.0.2.1"));
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->flags, VIP_HAS_EXACT | VIP_HAS_PREFIX);
	assert_int_equal(node_state_slots(f->state, 1, slots), 1);
	assert_int_equal(slots[0], vip_of(&f->path, "2001:db8::1")->slot);
	assert_int_equal(node_state_slot_instance(f->state, slots[0]), 1);
}

/* The addresses of an instance say whether any of its services bounds payloads. */
static void test_payload_bounds(void **state)
{
	static const struct {
		uint16_t id, min, max; /* of service id; 0: nothing is sent for it */
		uint16_t removed;
		uint32_t flags;
	} step[] = {
		{ 11, 0, 100, 0, VIP_HAS_PAYLOAD },
		{ 13, 10, PAYLOAD_UNBOUNDED, 0, VIP_HAS_PAYLOAD },
		{ 11, 0, PAYLOAD_UNBOUNDED, 0, VIP_HAS_PAYLOAD },
		{ 13, 0, PAYLOAD_UNBOUNDED, 0, 0 },
		{ 13, 0, 0, 0, VIP_HAS_PAYLOAD },
		{ 0, 0, 0, 13, 0 },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		struct draft *next = draft(&f->draft, 0, 10 + i, 11 + i);

		if (step[i].removed)
			add_remove(next, RECORD_SERVICE, step[i].removed);
		if (step[i].id) {
			uint16_t port = step[i].id == 11 ? 80 : 443;
			struct record_service *service = add_service(next, step[i].id, 1, port);

			service->persistence_seconds = 60 + i;
			service->payload_min = step[i].min;
			service->payload_max = step[i].max;
			assert_int_equal(apply(f->state, next, &f->path), OK);
			assert_int_equal(
				service_of(&f->path, 1, port)->persistence_seconds, 60 + i);
			assert_int_equal(service_of(&f->path, 1, port)->payload_min, step[i].min);
			assert_int_equal(service_of(&f->path, 1, port)->payload_max, step[i].max);
		} else {
			assert_int_equal(apply(f->state, next, &f->path), OK);
		}
		assert_int_equal(
			vip_of(&f->path, "192.0.2.1")->flags & VIP_HAS_PAYLOAD, step[i].flags);
		assert_int_equal(
			vip_of(&f->path, "2001:db8::1")->flags & VIP_HAS_PAYLOAD, step[i].flags);
		assert_int_equal(vip_of(&f->path, "192.0.2.2")->flags & VIP_HAS_PAYLOAD, 0);
	}
}

static void test_service_changes_hands(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_remove(next, RECORD_SERVICE, 11);
	add_service(next, 13, 1, 80);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(service_of(&f->path, 1, 80)->id, 13);
	assert_int_equal(f->path.service.deletes, 0);
	/* The same number at another port. */
	next = draft(&f->draft, 0, 11, 12);
	add_service(next, 13, 1, 443);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(service_of(&f->path, 1, 80));
	assert_int_equal(service_of(&f->path, 1, 443)->id, 13);
	/* A removal of what is not there is none. */
	next = draft(&f->draft, 0, 12, 13);
	add_remove(next, RECORD_SERVICE, 11);
	add_remove(next, RECORD_SERVICE, 999);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(f->path.service.count, 2);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	const struct node_refused *refused;
	struct address source = ip("10.9.0.1");
	struct vip vip;
	uint32_t count;

	assert_int_equal(node_state_add_source(f->state, &source, &vip), OK);
	assert_int_equal(vip.kind, VIP_SOURCE);
	add_instance(next, 4, "10.9.0.1", "192.0.2.4");
	add_service(next, 14, 77, 80);
	add_list(next, 24, 77, LIST_BLOCK, "203.0.113.9", 128, 5);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	refused = node_state_refused(f->state, &count);
	assert_int_equal(count, 3);
	assert_int_equal(refused[0].type, RECORD_INSTANCE);
	assert_int_equal(refused[0].id, 4);
	assert_int_equal(refused[1].id, 24);
	assert_int_equal(refused[2].id, 14);
	assert_string_equal(refused[2].why, "no such instance");
	assert_int_equal(vip_of(&f->path, "192.0.2.4")->instance, 4);
	assert_null(vip_of(&f->path, "10.9.0.1"));
	/* What goes, or is mended, is no longer refused. */
	next = draft(&f->draft, 0, 11, 12);
	add_remove(next, RECORD_SERVICE, 14);
	add_remove(next, RECORD_LIST, 24);
	add_instance(next, 4, "192.0.2.4", NULL);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	(void)node_state_refused(f->state, &count);
	assert_int_equal(count, 0);
}

/* A second full snapshot: what it does not name goes, what it names is written again. */
static void test_full_again(void **state)
{
	struct fixture *f = *state;
	uint32_t slot = vip_of(&f->path, "192.0.2.1")->slot;
	struct draft *full = draft(&f->draft, SNAPSHOT_FULL, 0, 20);
	struct node_counts counts;

	add_instance(full, 1, "192.0.2.1", NULL);
	add_service(full, 15, 1, 443);
	add_list(full, 22, 1, LIST_BLOCK, "203.0.113.0", 120, 9);
	f->path.fresh = 0;
	assert_int_equal(apply(f->state, full, &f->path), OK);
	assert_int_equal(f->path.vip.count, 1);
	assert_int_equal(f->path.service.count, 1);
	assert_int_equal(f->path.exact.count, 0);
	assert_int_equal(f->path.prefix.count, 1);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->slot, slot);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->flags, VIP_HAS_PREFIX);
	assert_int_equal(f->path.fresh, 0);
	assert_int_equal(prefix_of(&f->path, 1, "203.0.113.0", 120)->block_until_ns, 9000000);
	node_state_counts(f->state, &counts);
	assert_int_equal(counts.instances, 1);
	assert_int_equal(counts.lists, 1);
}

/* A new agent over old maps: slots stay, stale keys of every kind go, no key that stays is missing. */
static void test_takeover(void **state)
{
	struct fixture *f = *state;
	struct node_state *fresh = node_state_new();
	uint32_t slot = vip_of(&f->path, "2001:db8::1")->slot;
	struct draft *full = draft(&f->draft, SNAPSHOT_FULL, 0, 20);
	struct address source = ip("10.9.0.1");
	struct vip vip;

	for (unsigned i = 0; i < f->path.vip.count; i++)
		node_state_adopt(fresh, (void *)f->path.vip.key[i], (void *)f->path.vip.value[i]);
	node_state_adopted(fresh);
	assert_int_equal(node_state_add_source(fresh, &source, &vip), OK);
	table_put(&f->path.vip, &source, &vip);
	add_instance(full, 1, "192.0.2.9", "2001:db8::1");
	add_service(full, 11, 1, 80);
	f->path.fresh = f->path.vip.deletes = f->path.service.deletes = 0;
	assert_int_equal(apply(fresh, full, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->slot, slot);
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->flags, 0);
	assert_int_equal(vip_of(&f->path, "10.9.0.1")->kind, VIP_SOURCE);
	assert_non_null(vip_of(&f->path, "192.0.2.9"));
	assert_int_not_equal(vip_of(&f->path, "192.0.2.9")->slot, slot);
	assert_int_equal(f->path.vip.count, 3);
	assert_int_equal(f->path.vip.deletes, 2);
	assert_int_equal(f->path.fresh, 1);
	assert_int_equal(f->path.service.count, 1);
	assert_int_equal(f->path.service.deletes, 1);
	assert_int_equal(f->path.exact.count + f->path.prefix.count, 0);
	node_state_free(fresh);
}

/* An address that an instance had becomes this node's own. */
static void test_source_takes_adopted(void **state)
{
	struct fixture *f = *state;
	struct node_state *fresh = node_state_new();
	struct address address = ip("192.0.2.2");
	struct draft *full = draft(&f->draft, SNAPSHOT_FULL, 0, 20);
	struct vip vip;

	node_state_adopt(fresh, &address, vip_of(&f->path, "192.0.2.2"));
	node_state_adopted(fresh);
	assert_int_equal(node_state_add_source(fresh, &address, &vip), OK);
	table_put(&f->path.vip, &address, &vip);
	add_instance(full, 1, "192.0.2.1", NULL);
	assert_int_equal(apply(fresh, full, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->kind, VIP_SOURCE);
	assert_int_equal(f->path.vip.count, 2);
	node_state_free(fresh);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void test_shared_key(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_list(next, 23, 1, LIST_BLOCK, "203.0.113.1", 128, 6);
	add_list(next, 24, 1, LIST_BLOCK, "203.0.113.1", 128, INT64_MAX);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(exact_of(&f->path, 1, "203.0.113.1")->allow_until_ns, 5000000);
	assert_int_equal(exact_of(&f->path, 1, "203.0.113.1")->block_until_ns, INT64_MAX);
	next = draft(&f->draft, 0, 11, 12);
	add_remove(next, RECORD_LIST, 24);
	add_remove(next, RECORD_LIST, 21);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(exact_of(&f->path, 1, "203.0.113.1")->allow_until_ns, 0);
	assert_int_equal(exact_of(&f->path, 1, "203.0.113.1")->block_until_ns, 6000000);
	next = draft(&f->draft, 0, 12, 13);
	add_remove(next, RECORD_LIST, 23);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(exact_of(&f->path, 1, "203.0.113.1"));
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->flags, VIP_HAS_PREFIX);
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->flags, VIP_HAS_PREFIX);
}

/* Each prefix holds the latest of its own and of all around it, through insertions and removals. */
static void test_nested_prefixes(void **state)
{
	static const struct {
		const char *source;
		unsigned bits;
	} nest[] = { { "203.0.0.0", 112 }, { "203.0.113.0", 120 }, { "203.0.113.128", 121 },
		{ "203.0.114.0", 120 }, { "2001:db8::", 32 } };
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	/* 22 blocks 203.0.113.0/24 until 7. Around it an allowance, inside it a shorter block. */
	add_list(next, 31, 1, LIST_ALLOW, nest[0].source, nest[0].bits, 100);
	add_list(next, 32, 1, LIST_BLOCK, nest[2].source, nest[2].bits, 3);
	add_list(next, 33, 1, LIST_BLOCK, nest[3].source, nest[3].bits, 50);
	add_list(next, 34, 1, LIST_BLOCK, nest[4].source, nest[4].bits, 60);
	add_list(next, 35, 2, LIST_BLOCK, nest[2].source, nest[2].bits, 70);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			prefix_of(&f->path, 1, nest[i].source, nest[i].bits)->allow_until_ns,
			100000000);
	assert_int_equal(prefix_of(&f->path, 1, nest[0].source, 112)->block_until_ns, 0);
	assert_int_equal(prefix_of(&f->path, 1, nest[2].source, 121)->block_until_ns, 7000000);
	assert_int_equal(prefix_of(&f->path, 1, nest[3].source, 120)->block_until_ns, 50000000);
	assert_int_equal(prefix_of(&f->path, 1, nest[4].source, 32)->block_until_ns, 60000000);
	assert_int_equal(prefix_of(&f->path, 1, nest[4].source, 32)->allow_until_ns, 0);
	assert_int_equal(prefix_of(&f->path, 2, nest[2].source, 121)->block_until_ns, 70000000);
	assert_int_equal(prefix_of(&f->path, 2, nest[2].source, 121)->allow_until_ns, 0);
	/* The ones around go: what lay inside has its own again. */
	next = draft(&f->draft, 0, 11, 12);
	add_remove(next, RECORD_LIST, 31);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(prefix_of(&f->path, 1, nest[0].source, 112));
	assert_int_equal(prefix_of(&f->path, 1, nest[2].source, 121)->allow_until_ns, 0);
	assert_int_equal(prefix_of(&f->path, 1, nest[2].source, 121)->block_until_ns, 7000000);
	next = draft(&f->draft, 0, 12, 13);
	add_remove(next, RECORD_LIST, 22);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(prefix_of(&f->path, 1, nest[2].source, 121)->block_until_ns, 3000000);
	/* Everything: 0 bits. */
	next = draft(&f->draft, 0, 13, 14);
	add_list(next, 36, 1, LIST_BLOCK, "::", 0, 90);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	for (unsigned i = 2; i < 5; i++)
		assert_int_equal(
			prefix_of(&f->path, 1, nest[i].source, nest[i].bits)->block_until_ns,
			90000000);
}

/* Depth: every length there is, in no order. */
static void test_deepest_nest(void **state)
{
	struct fixture *f = *state;
	struct node_state *fresh = node_state_new();
	struct path *path = calloc(1, sizeof(*path));
	uint64_t generation = 1;

	(void)f;
	path_init(path);
	for (unsigned part = 0; part < 3; part++) {
		struct draft *next =
			draft(&f->draft, part ? 0 : SNAPSHOT_FULL, generation, generation + 1);

		if (part == 0)
			add_instance(next, 1, "192.0.2.1", NULL);
		for (unsigned i = part; i < 128; i += 3) {
			unsigned bits = (i * 37) % 128;

			/* Only the trie's own room limits; the little table here holds 64. */
			if (bits % 2 == 0)
				add_list(next, 100 + bits, 1, LIST_BLOCK, "::", bits, 1000 - bits);
		}
		assert_int_equal(apply(fresh, next, path), OK);
		generation++;
	}
	assert_int_equal(path->prefix.count, 64);
	for (unsigned bits = 0; bits < 128; bits += 2)
		assert_int_equal(prefix_of(path, 1, "::", bits)->block_until_ns, 1000 * 1000000);
	node_state_free(fresh);
	free(path);
}

static void test_entry_moves(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_list(next, 21, 2, LIST_BLOCK, "203.0.113.7", 128, 5);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(exact_of(&f->path, 1, "203.0.113.1"));
	assert_int_equal(exact_of(&f->path, 2, "203.0.113.7")->block_until_ns, 5000000);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->flags, VIP_HAS_PREFIX);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->flags, VIP_HAS_EXACT);
}

/* --- limits ----------------------------------------------------------------------------------- */

static unsigned puts_counted;

static void count_vip(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	(void)context, (void)key, (void)vip, (void)fresh;
	puts_counted++;
}

static void ignore_address(void *context, const struct address *key)
{
	(void)context, (void)key;
}

static void ignore_state(void *context, const struct node_state *state)
{
	(void)context, (void)state;
}

/* As many instances as fit, then one more; then all others instead, in one snapshot. */
static void test_full_tables(void **state)
{
	const struct node_output output = {
		.vip_put = count_vip, .vip_delete = ignore_address, .delete_unwanted = ignore_state
	};
	const uint32_t count = NODE_VIP_MAX + 1;
	size_t size = sizeof(struct snapshot_header) + count * sizeof(struct record_instance);
	struct snapshot_header *header = calloc(1, size);
	struct record_instance *record = (void *)(header + 1);
	struct node_state *fresh = node_state_new();
	struct snapshot snapshot;
	struct node_counts counts;
	const char *why;
	uint32_t refused;

	(void)state;
	*header = draft(&((struct fixture *)*state)->draft, SNAPSHOT_FULL, 0, 1)->header;
	header->record_count = count;
	header->byte_count = (uint32_t)(size - sizeof(*header));
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < count; i++) {
			uint32_t number = 1 + i + round * count;

			record[i].record.type = RECORD_INSTANCE;
			record[i].record.length = sizeof(*record);
			record[i].record.id = number;
			record[i].vip_count = 1;
			memcpy(record[i].vip[0].byte, &number, sizeof(number));
		}
		puts_counted = 0;
		assert_int_equal(snapshot_decode(header, size, &snapshot, &why), OK);
		assert_int_equal(node_state_apply(fresh, &snapshot, &output), OK);
		node_state_counts(fresh, &counts);
		assert_int_equal(counts.vips, NODE_VIP_MAX);
		assert_int_equal(puts_counted, NODE_VIP_MAX);
		(void)node_state_refused(fresh, &refused);
		assert_int_equal(refused, 1);
	}
	node_state_free(fresh);
	free(header);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void test_slots(void **state)
{
	static const struct {
		uint16_t weight[ORIGIN_MAX];
		unsigned count;
		unsigned share[ORIGIN_MAX];
	} cases[] = {
		{ { 100 }, 1, { 256 } },
		{ { 1 }, 1, { 256 } },
		{ { 50, 50 }, 2, { 128, 128 } },
		{ { 1, 1, 1 }, 3, { 86, 85, 85 } },
		{ { 100, 0 }, 2, { 256, 0 } },
		{ { 0, 7, 0 }, 3, { 0, 256, 0 } },
		{ { 75, 25 }, 2, { 192, 64 } },
		/* The smallest has a slot even where its part is less than one. */
		{ { 1, 100, 100, 100, 100, 100 }, 6, { 1, 51, 51, 51, 51, 51 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned got[ORIGIN_MAX] = { 0 };
		uint8_t slot[ORIGIN_SLOTS];

		assert_true(slots_fill(cases[i].weight, cases[i].count, slot));
		for (unsigned s = 0; s < ORIGIN_SLOTS; s++)
			got[slot[s]]++;
		for (unsigned j = 0; j < cases[i].count; j++) {
			/* One more or less is the slot that each has beforehand. */
			assert_in_range(got[j] + 1, cases[i].share[j] ? cases[i].share[j] : 1,
				cases[i].share[j] + 2);
			assert_int_equal(got[j] > 0, cases[i].weight[j] > 0);
		}
	}
}

static void test_slots_any_weights(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint16_t weight[ORIGIN_MAX];
		unsigned got[ORIGIN_MAX] = { 0 }, total = 0;
		unsigned count = 1 + round % ORIGIN_MAX;
		uint8_t slot[ORIGIN_SLOTS], again[ORIGIN_SLOTS];

		for (unsigned i = 0; i < count; i++) {
			random = random * 1103515245 + 12345;
			weight[i] = (uint16_t)((random >> 16) % 101);
			total += weight[i];
		}
		assert_int_equal(slots_fill(weight, count, slot), total > 0);
		(void)slots_fill(weight, count, again);
		assert_memory_equal(slot, again, sizeof(slot));
		for (unsigned s = 0; s < ORIGIN_SLOTS; s++) {
			assert_true(slot[s] < count);
			got[slot[s]]++;
		}
		for (unsigned i = 0; total > 0 && i < count; i++) {
			double exact = 256.0 * weight[i] / total;

			assert_int_equal(got[i] > 0, weight[i] > 0);
			/* The guaranteed slots shift the shares a little: less than one per origin. */
			assert_true(
				got[i] + 1 > exact * (256.0 - count) / 256.0 && got[i] < exact + 3);
		}
	}
}

static void test_slots_are_mixed(void **state)
{
	static const uint16_t even[] = { 10, 10, 10, 10 };
	uint8_t slot[ORIGIN_SLOTS];

	(void)state;
	assert_true(slots_fill(even, 4, slot));
	for (unsigned i = 1; i < ORIGIN_SLOTS; i++)
		assert_int_not_equal(slot[i], slot[i - 1]);
}

static void test_no_weight_no_origin(void **state)
{
	union {
		struct record_service service;
		uint8_t bytes[sizeof(struct record_service) + sizeof(struct record_origin)];
	} record = { .service = {
			     .record = { RECORD_SERVICE, sizeof(record), 5 }, .origin_count = 1 } };
	struct service out;

	(void)state;
	record.service.origin[0].port = 80;
	service_fill(&record.service, &out);
	assert_int_equal(out.origin_count, 0);
	assert_int_equal(out.origin[0].closed, 1);
	assert_int_equal(out.id, 5);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_full),
		WITH(test_wrong_base),
		WITH(test_vip_moves_on_removal),
		WITH(test_vips_are_traded),
		WITH(test_vip_is_dropped),
		WITH(test_payload_bounds),
		WITH(test_service_changes_hands),
		WITH(test_refusals),
		WITH(test_full_again),
		WITH(test_takeover),
		WITH(test_source_takes_adopted),
		WITH(test_shared_key),
		WITH(test_nested_prefixes),
		WITH(test_deepest_nest),
		WITH(test_entry_moves),
		WITH(test_full_tables),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_slots_any_weights),
		cmocka_unit_test(test_slots_are_mixed),
		cmocka_unit_test(test_no_weight_no_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
