/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hundred thousand instances, each with an address, a port rule with limits and a health check, and a policy,
 * through the maps of the real kernel: all of it is there, a change of one writes one, and all of it leaves. What
 * it took is printed; nothing here depends on it.
 */
#include "node_world.h"

#include "agent/sweep.h"
#include "base/clock.h"

#define COUNT 100000
#define PORTS 2

struct whole {
	struct record_instance instance;
	uint8_t service[sizeof(struct record_service) + sizeof(struct record_origin)];
	struct record_health health;
	uint8_t policy[sizeof(struct record_policy) + sizeof(struct record_pattern)];
};

/* Patterns are for few: their table is smaller. */
static bool has_pattern(uint32_t number)
{
	return number % 8 == 0;
}

static uint8_t *put(uint8_t *at, const void *record, size_t size)
{
	memcpy(at, record, size);
	return at + size;
}

static uint8_t *put_service(uint8_t *at, uint32_t number)
{
	uint8_t bytes[sizeof(struct record_service) + sizeof(struct record_origin)] = { 0 };
	struct record_service *service = (void *)bytes;

	*service = (struct record_service){ .record = { RECORD_SERVICE, sizeof(bytes), number },
		.instance = number,
		.port = 80,
		.protocol = IPPROTO_TCP,
		.origin_count = 1,
		.idle_seconds = 900,
		.payload_max = PAYLOAD_UNBOUNDED };
	service->limits.source[LIMIT_RATE] = 10;
	service->origin[0] = (struct record_origin){
		.address = ip("10.9.0.2"), .port = (uint16_t)(1 + number % 5000), .weight = 1
	};
	return put(at, bytes, sizeof(bytes));
}

static uint8_t *put_policy(uint8_t *at, uint32_t number)
{
	uint8_t bytes[sizeof(struct record_policy) + sizeof(struct record_pattern)] = { 0 };
	struct record_policy *policy = (void *)bytes;
	size_t size = sizeof(bytes) - (has_pattern(number) ? 0 : sizeof(struct record_pattern));

	policy->record = (struct record){ RECORD_POLICY, (uint16_t)size, number };
	policy->region[0] = number;
	policy->pattern_count = has_pattern(number);
	policy->pattern[0].length = has_pattern(number);
	policy->reflection_count = PORTS;
	policy->reflection[0] = 53;
	policy->reflection[1] = 123;
	return put(at, bytes, size);
}

static uint8_t *put_instance(uint8_t *at, uint32_t number)
{
	struct record_instance instance = { .record = { RECORD_INSTANCE, sizeof(instance), number },
		.mitigation_until_ms = INT64_MAX,
		.forward_until_ms = INT64_MAX,
		.mitigation_block = (1u << MITIGATION_COUNT) - 1,
		.vip_count = 1 };

	instance.vip[0].half[0] = 0xb80d0120;
	instance.vip[0].word[3] = number;
	return put(at, &instance, sizeof(instance));
}

static uint8_t *put_health(uint8_t *at, uint32_t number)
{
	const struct record_health health = { .record = { RECORD_HEALTH, sizeof(health), number },
		.kind = HEALTH_TCP,
		.timeout_seconds = 5,
		.interval_seconds = 15,
		.up = 3,
		.down = 3 };

	return put(at, &health, sizeof(health));
}

static enum err apply_bytes(struct node *node, const void *data, size_t size, int64_t *took_ms)
{
	int64_t start_ms = clock_monotonic_ms();
	struct snapshot snapshot;
	const char *why;
	enum err err = snapshot_decode(data, size, &snapshot, &why);

	if (err == OK)
		err = applier_apply(node->applier, &snapshot);
	*took_ms = clock_monotonic_ms() - start_ms;
	return err;
}

static size_t heap(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void check_all(struct node *node, uint32_t count)
{
	uint32_t refused;

	(void)node_state_refused(node->state, &refused);
	assert_int_equal(refused, 0);
	assert_int_equal(entries(node, PACKET_VIP), count + 5);
	assert_int_equal(entries(node, PACKET_SERVICE), count);
	assert_int_equal(entries(node, PACKET_REGION_POLICY), count);
	assert_int_equal(entries(node, PACKET_REFLECTION), PORTS * count);
	assert_int_equal(entries(node, PACKET_PATTERN), count / 8);
}

static void change_one(struct node *node)
{
	struct draft draft;
	struct record_policy *policy;
	struct record_instance *instance;
	uint32_t number = COUNT / 2;
	struct region_policy region;
	int64_t took_ms;

	draft_init(&draft, 0, 1, 2);
	instance = add(&draft, RECORD_INSTANCE, sizeof(*instance), number);
	(void)put_instance((void *)instance, number);
	policy = add(&draft, RECORD_POLICY, sizeof(*policy), number);
	policy->region[0] = 2;
	assert_int_equal(
		apply_bytes(node, &draft, sizeof(draft.header) + draft.header.byte_count, &took_ms),
		OK);
	assert_int_equal(packets_get(node->packets, PACKET_REGION_POLICY, &number, &region), 0);
	assert_int_equal(region.blocked[0], 2);
	assert_int_equal(entries(node, PACKET_REFLECTION), PORTS * (COUNT - 1));
	print_message("a difference of one instance and its policy: %lld ms\n", (long long)took_ms);
}

static void test_many(void **state)
{
	size_t room = sizeof(struct snapshot_header) + COUNT * sizeof(struct whole);
	uint8_t *data = calloc(1, room), *at = data + sizeof(struct snapshot_header);
	struct snapshot_header *header = (void *)data;
	struct node node;
	size_t before;
	int64_t took_ms;

	(void)state;
	NEED_WORLD();
	assert_non_null(data);
	node_up(&node);
	before = heap();
	for (uint32_t number = 1; number <= COUNT; number++) {
		at = put_instance(at, number);
		at = put_service(at, number);
		at = put_health(at, number);
		at = put_policy(at, number);
	}
	*header = (struct snapshot_header){ .magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.flags = SNAPSHOT_FULL,
		.generation = 1,
		.record_count = 4 * COUNT,
		.byte_count = (uint32_t)((size_t)(at - data) - sizeof(*header)) };
	assert_int_equal(apply_bytes(&node, data, (size_t)(at - data), &took_ms), OK);
	print_message("%d instances, %u bytes: applied in %lld ms, %zu MB in the agent, %llu MB of "
		      "maps, %u distinct origins\n",
		COUNT, header->byte_count, (long long)took_ms, (heap() - before) >> 20,
		(unsigned long long)packets_bytes(node.packets) >> 20, health_probes(node.health));
	check_all(&node, COUNT);
	assert_int_equal(health_probes(node.health), 5000);
	assert_int_equal(apply_bytes(&node, data, (size_t)(at - data), &took_ms), OK);
	print_message("the same again: %lld ms\n", (long long)took_ms);
	check_all(&node, COUNT);
	change_one(&node);
	header->record_count = header->byte_count = 0;
	assert_int_equal(apply_bytes(&node, data, sizeof(*header), &took_ms), OK);
	print_message("all of it leaves: %lld ms\n", (long long)took_ms);
	check_all(&node, 0);
	assert_int_equal(health_probes(node.health), 0);
	node_down(&node);
	free(data);
}

/* States of port rules that are gone leave the packet path, those of the others stay. */
static void test_states_of_gone_rules(void **state)
{
	struct node node;
	struct draft draft;
	struct sweep *sweep;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	sweep = sweep_new(node.packets, node.state, told, &node);
	assert_non_null(sweep);
	for (uint32_t id = 1; id <= 100; id++) {
		struct service_state rule = { .opened = id };

		assert_int_equal(packets_put(node.packets, PACKET_SERVICE_STATE, &id, &rule), 0);
	}
	sweep_tick(sweep, boot_ns(), 0);
	assert_int_equal(entries(&node, PACKET_SERVICE_STATE), 100);
	draft_init(&draft, SNAPSHOT_FULL, 0, 1);
	add_instance(&draft, 1, "192.0.2.1");
	add_service(&draft, 11, 1);
	assert_int_equal(apply(&node, &draft), OK);
	for (int i = 0; i < 3; i++)
		sweep_tick(sweep, boot_ns(), 0);
	assert_int_equal(entries(&node, PACKET_SERVICE_STATE), 1);
	sweep_free(sweep);
	node_down(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_states_of_gone_rules),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
