/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots: full and by difference, and that a node which applies differences ends up with what a
 * full one says.
 */
#include "control/engine/engine.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

static const uint8_t secret[32] = { 1, 2, 3 };
static const struct snapshot_terms terms = {
	.life_offset_ms = -5, .control_boot = 77, .cookie_secret = secret
};

struct snapshot {
	struct snapshot_header header;
	const uint8_t *records;
};

static struct snapshot build(struct test_store *store, uint64_t base)
{
	struct snapshot snapshot;
	const uint8_t *bytes;
	size_t size, offset = 0;
	uint32_t count = 0;

	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(snapshot_build(store->db, store->mem, base, &terms, &bytes, &size), OK);
	assert_int_equal(db_commit(store->db), OK);
	memcpy(&snapshot.header, bytes, sizeof(snapshot.header));
	snapshot.records = bytes + sizeof(snapshot.header);
	assert_int_equal(snapshot.header.magic, SNAPSHOT_MAGIC);
	assert_int_equal(snapshot.header.version, SNAPSHOT_VERSION);
	assert_int_equal(snapshot.header.life_offset_ms, -5);
	assert_int_equal(snapshot.header.control_boot, 77);
	assert_memory_equal(snapshot.header.cookie_secret, secret, 32);
	assert_int_equal(snapshot.header.byte_count, size - sizeof(snapshot.header));
	for (; offset < snapshot.header.byte_count; count++) {
		struct record record;

		memcpy(&record, snapshot.records + offset, sizeof(record));
		assert_int_equal(record.length % 8, 0);
		assert_true(record.length >= sizeof(record));
		offset += record.length;
	}
	assert_int_equal(offset, snapshot.header.byte_count);
	assert_int_equal(count, snapshot.header.record_count);
	return snapshot;
}

static const struct record *record_at(const struct snapshot *snapshot, uint32_t index)
{
	const uint8_t *at = snapshot->records;

	for (; index > 0; index--)
		at += ((const struct record *)(const void *)at)->length;
	return (const struct record *)(const void *)at;
}

static void test_empty(void **state)
{
	struct snapshot snapshot = build(*state, 0);

	assert_int_equal(snapshot.header.flags, SNAPSHOT_FULL);
	assert_int_equal(snapshot.header.generation, 0);
	assert_int_equal(snapshot.header.record_count, 0);
}

static void add_everything(struct test_store *store, struct instance *instance)
{
	struct port_rule bare = {
		.protocol = PROTOCOL_UDP, .frontend_port = 99, .backend_port = 100
	};
	const struct rule_health health = { .kind = HEALTH_HTTP,
		.domain = "www.example.com",
		.path = "/",
		.port = 8080,
		.timeout_seconds = 1,
		.interval_seconds = 2,
		.up = 3,
		.down = 4 };
	struct list_entry_row entry = {
		.kind = LIST_BLOCK, .prefix_bits = 120, .until_ms = T0 + 9, .source = { [15] = 0 }
	};

	*instance = test_store_add(store, 1, T0 + DAY_MS);
	bare.instance_number = entry.instance_number = instance->number;
	entry.source[0] = 0x20;
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(test_add_rule(store->db, instance->number, 8080), OK);
	assert_int_equal(port_rule_insert(store->db, &bare), OK);
	bare.attributes = rule_attributes_fallback();
	bare.attributes.persistence_seconds = 3600;
	bare.attributes.payload_min = 7;
	bare.attributes.payload_max = 1500;
	bare.attributes.source_rate = 10;
	bare.attributes.source_connections = 20;
	bare.attributes.source_connections_on = 1;
	bare.attributes.block_connections = 600;
	bare.attributes.no_empty = 1;
	bare.attributes.client_address = CLIENT_ADDRESS_PROXY;
	assert_int_equal(port_rule_set_attributes(store->db, store->mem, &bare), OK);
	assert_int_equal(rule_health_put(store->db, &bare, &health), OK);
	assert_int_equal(list_entry_put(store->db, &entry), OK);
	assert_int_equal(db_commit(store->db), OK);
}

static void check_records(const struct snapshot *snapshot, const struct instance *instance)
{
	const struct record_instance *vip = (const void *)record_at(snapshot, 0);
	const struct record_service *service = (const void *)record_at(snapshot, 1);
	const struct record_service *bare = (const void *)record_at(snapshot, 2);
	const struct record_list *list = (const void *)record_at(snapshot, 3);
	const struct record_health *health = (const void *)record_at(snapshot, 4);

	assert_int_equal(vip->record.type, RECORD_INSTANCE);
	assert_int_equal(vip->record.length, sizeof(*vip));
	assert_int_equal(vip->record.id, instance->number);
	assert_int_equal(vip->mitigation_until_ms, T0 + DAY_MS);
	assert_int_equal(vip->forward_until_ms, T0 + 8 * DAY_MS);
	assert_int_equal(vip->vip_count, 1);
	assert_memory_equal(vip->vip[0].byte, instance->vip, 16);
	assert_int_equal(service->record.type, RECORD_SERVICE);
	assert_int_equal(
		service->record.length, sizeof(*service) + 2 * sizeof(struct record_origin));
	assert_int_equal(service->instance, instance->number);
	assert_int_equal(service->port, 8080);
	assert_int_equal(service->protocol, 6);
	assert_int_equal(service->idle_seconds, TCP_IDLE_SECONDS);
	assert_int_equal(service->origin_count, 2);
	assert_int_equal(service->origin[1].address.byte[15], 2);
	assert_int_equal(service->origin[1].port, 8080);
	assert_int_equal(service->origin[1].weight, 100);
	assert_int_equal(bare->origin_count, 0);
	assert_int_equal(bare->port, 99);
	assert_int_equal(bare->idle_seconds, UDP_IDLE_SECONDS);
	assert_int_equal(service->persistence_seconds, 0);
	assert_int_equal(service->payload_min, 0);
	assert_int_equal(service->payload_max, PAYLOAD_UNBOUNDED);
	assert_int_equal(bare->persistence_seconds, 3600);
	assert_int_equal(bare->payload_min, 7);
	assert_int_equal(bare->payload_max, 1500);
	/* a limit counts while it is switched on */
	assert_int_equal(bare->limits.source[LIMIT_RATE], 0);
	assert_int_equal(bare->limits.source[LIMIT_CONNECTIONS], 20);
	assert_int_equal(bare->limits.block_seconds[LIMIT_CONNECTIONS], 600);
	assert_int_equal(bare->flags, SERVICE_NO_EMPTY);
	assert_int_equal(bare->client_address, CLIENT_ADDRESS_PROXY);
	assert_int_equal(bare->syn_mode, SYN_THRESHOLD);
	assert_int_equal(health->record.type, RECORD_HEALTH);
	assert_int_equal(health->record.id, bare->record.id);
	assert_int_equal(health->kind, HEALTH_HTTP);
	assert_string_equal(health->domain, "www.example.com");
	assert_string_equal(health->path, "/");
	assert_int_equal(health->port, 8080);
	assert_int_equal(health->timeout_seconds, 1);
	assert_int_equal(health->interval_seconds, 2);
	assert_int_equal(health->up, 3);
	assert_int_equal(health->down, 4);
	assert_int_equal(list->record.type, RECORD_LIST);
	assert_int_equal(list->instance, instance->number);
	assert_int_equal(list->kind, LIST_BLOCK);
	assert_int_equal(list->prefix_bits, 120);
	assert_int_equal(list->until_ms, T0 + 9);
	assert_int_equal(list->source.byte[0], 0x20);
}

static void test_full_and_difference_say_the_same(void **state)
{
	struct test_store *store = *state;
	struct snapshot full, difference;
	struct instance first, instance;

	first = test_store_add(store, 50, T0);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_release(store->db, &first, T0), OK);
	assert_int_equal(db_commit(store->db), OK);

	uint64_t base = build(store, 0).header.generation;

	add_everything(store, &instance);
	full = build(store, 0);
	difference = build(store, base);
	assert_int_equal(full.header.flags, SNAPSHOT_FULL);
	assert_int_equal(full.header.base_generation, 0);
	assert_int_equal(difference.header.flags, 0);
	assert_int_equal(difference.header.base_generation, base);
	assert_int_equal(difference.header.generation, full.header.generation);
	check_records(&full, &instance);
	check_records(&difference, &instance);
}

static void test_removals_come_first(void **state)
{
	struct test_store *store = *state;
	struct instance gone, taker;
	struct snapshot difference;
	const struct record_remove *removal;

	add_everything(store, &gone);

	uint64_t base = build(store, 0).header.generation;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_release(store->db, &gone, T0), OK);
	assert_int_equal(db_commit(store->db), OK);
	taker = test_store_add(store, 2, T0);
	assert_memory_equal(taker.vip, gone.vip, 16);
	difference = build(store, base);
	assert_int_equal(difference.header.record_count, 2);
	removal = (const void *)record_at(&difference, 0);
	assert_int_equal(removal->record.type, RECORD_REMOVE);
	assert_int_equal(removal->removed_type, RECORD_INSTANCE);
	assert_int_equal(removal->record.id, gone.number);
	assert_int_equal(record_at(&difference, 1)->type, RECORD_INSTANCE);
	assert_int_equal(record_at(&difference, 1)->id, taker.number);
}

static void test_many_changes_of_one_object_are_one_record(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0);
	uint64_t base = build(store, 0).header.generation;
	struct snapshot difference;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(instance_set_expiry(store->db, &instance, T0 + i), OK);
	assert_int_equal(db_commit(store->db), OK);
	difference = build(store, base);
	assert_int_equal(difference.header.record_count, 1);
	assert_int_equal(((const struct record_instance *)(const void *)record_at(&difference, 0))
				 ->mitigation_until_ms,
		T0 + 5);
	assert_int_equal(difference.header.generation, base + 5);
	/* Up to date: an empty difference. */
	difference = build(store, base + 5);
	assert_int_equal(difference.header.flags, 0);
	assert_int_equal(difference.header.record_count, 0);
}

static void test_out_of_reach(void **state)
{
	struct test_store *store = *state;

	for (unsigned i = 0; i < 10; i++)
		(void)test_store_add(store, i, T0);
	/* Newer than the log: the store was replaced. */
	assert_int_equal(build(store, 11).header.flags, SNAPSHOT_FULL);
	assert_int_equal(build(store, UINT64_MAX).header.flags, SNAPSHOT_FULL);
	assert_int_equal(build(store, 10).header.flags, 0);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(change_prune(store->db, 4), OK);
	assert_int_equal(db_commit(store->db), OK);
	/* 7..10 are left: a node at 6 can still follow, one at 5 cannot. */
	assert_int_equal(build(store, 6).header.flags, 0);
	assert_int_equal(build(store, 6).header.record_count, 4);
	assert_int_equal(build(store, 5).header.flags, SNAPSHOT_FULL);
	assert_int_equal(build(store, 5).header.record_count, 10);
}

static void test_arena_too_small(void **state)
{
	struct test_store *store = *state;
	struct arena *small = arena_new(16384);
	const uint8_t *bytes;
	size_t size;

	for (unsigned i = 0; i < 200; i++)
		(void)test_store_add(store, i, T0);
	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(snapshot_build(store->db, small, 0, &terms, &bytes, &size), ERR_MEMORY);
	assert_int_equal(db_commit(store->db), OK);
	arena_free(small);
}

/* ---- a node that follows differences */

#define IDS   600
#define TYPES (RECORD_CAPTURE - RECORD_INSTANCE + 1)
struct node {
	uint64_t generation;
	uint16_t size[TYPES][IDS]; /* by type - RECORD_INSTANCE */
	uint8_t bytes[TYPES][IDS][512];
};

static void node_drop_instance(struct node *node, uint32_t instance)
{
	node->size[RECORD_POLICY - RECORD_INSTANCE][instance] = 0;
	for (int id = 0; id < IDS; id++) {
		const struct record_service *service = (const void *)node->bytes[1][id];
		const struct record_list *list = (const void *)node->bytes[2][id];

		if (node->size[1][id] && service->instance == instance)
			node->size[1][id] = 0;
		if (node->size[2][id] && list->instance == instance)
			node->size[2][id] = 0;
	}
}

static void node_apply(struct node *node, const struct snapshot *snapshot)
{
	if (snapshot->header.flags & SNAPSHOT_FULL)
		memset(node->size, 0, sizeof(node->size));
	for (uint32_t i = 0; i < snapshot->header.record_count; i++) {
		const struct record *record = record_at(snapshot, i);

		if (record->type == RECORD_REMOVE) {
			const struct record_remove *removal = (const void *)record;

			node->size[removal->removed_type - RECORD_INSTANCE][record->id] = 0;
			if (removal->removed_type == RECORD_INSTANCE)
				node_drop_instance(node, record->id);
			continue;
		}
		assert_true(record->length <= 512 && record->id < IDS);
		node->size[record->type - RECORD_INSTANCE][record->id] = record->length;
		memcpy(node->bytes[record->type - RECORD_INSTANCE][record->id], record,
			record->length);
	}
	node->generation = snapshot->header.generation;
}

static void nodes_equal(const struct node *a, const struct node *b)
{
	for (int type = 0; type < TYPES; type++)
		for (int id = 0; id < IDS; id++) {
			assert_int_equal(a->size[type][id], b->size[type][id]);
			assert_memory_equal(
				a->bytes[type][id], b->bytes[type][id], a->size[type][id]);
		}
}

static void change_something(struct test_store *store, struct instance *alive, int *count, int step)
{
	struct instance *one = *count ? &alive[rand() % *count] : NULL;
	struct list_entry_row entry = { .kind = LIST_BLOCK, .prefix_bits = 128, .until_ms = step };
	struct protection protection;
	struct capture_row capture;
	struct policy policy;
	bool changed;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	switch (one ? rand() % 9 : 0) {
	case 0:
		alive[*count] = test_instance(store, (unsigned)step, T0);
		assert_int_equal(instance_insert(store->db, &alive[(*count)++]), OK);
		break;
	case 1:
		assert_int_equal(instance_release(store->db, one, T0), OK);
		*one = alive[--*count];
		break;
	case 2:
		assert_int_equal(test_add_rule(store->db, one->number, 1 + step), OK);
		break;
	case 6:
		protection = protection_default(one->number);
		protection.mode[rand() % MITIGATION_COUNT] = MITIGATION_WATCH;
		protection.packets_max = step;
		assert_int_equal(protection_put(store->db, store->mem, &protection), OK);
		break;
	case 7:
		policy = (struct policy){ .instance_number = one->number,
			.region_on = true,
			.countries = "AD",
			.provinces = "",
			.diverted = rand() % 2,
			.pattern_count = (size_t)(rand() % (PATTERN_MAX + 1)) };
		for (size_t i = 0; i < policy.pattern_count; i++)
			policy.pattern[i].length = 1 + i;
		assert_int_equal(policy_put(store->db, store->mem, &policy), OK);
		break;
	case 8:
		capture = (struct capture_row){ .instance_number = one->number, .until_ms = step };
		assert_int_equal(capture_insert(store->db, &capture), OK);
		assert_int_equal(capture_prune(store->db, step - 40), OK);
		break;
	case 3:
		assert_int_equal(instance_set_expiry(store->db, one, T0 + step), OK);
		break;
	case 4:
		entry.instance_number = one->number;
		entry.source[0] = (uint8_t)(rand() % 4);
		assert_int_equal(list_entry_put(store->db, &entry), OK);
		break;
	default:
		entry.instance_number = one->number;
		entry.source[0] = (uint8_t)(rand() % 4);
		assert_int_equal(list_entry_delete(store->db, &entry, -1, &changed), OK);
		break;
	}
	assert_int_equal(db_commit(store->db), OK);
}

static void test_differences_add_up(void **state)
{
	static struct node follower, fresh;
	static struct instance alive[IDS];
	struct test_store *store = *state;
	int count = 0;

	srand(7);
	for (int step = 0; step < 500; step++) {
		struct snapshot snapshot;

		change_something(store, alive, &count, step);
		if (rand() % 4)
			continue;
		arena_reset(store->mem);
		snapshot = build(store, follower.generation);
		node_apply(&follower, &snapshot);
		snapshot = build(store, 0);
		memset(&fresh, 0, sizeof(fresh));
		node_apply(&fresh, &snapshot);
		nodes_equal(&follower, &fresh);
	}
	assert_true(follower.generation > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_CASE(test_empty),
		STORE_CASE(test_full_and_difference_say_the_same),
		STORE_CASE(test_removals_come_first),
		STORE_CASE(test_many_changes_of_one_object_are_one_record),
		STORE_CASE(test_out_of_reach),
		STORE_CASE(test_arena_too_small),
		STORE_CASE(test_differences_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
