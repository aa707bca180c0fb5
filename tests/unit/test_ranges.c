/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of protected addresses in the packet path: they are what the settings say, whatever an agent before had.
 */
#include "node_world.h"

#include "agent/ranges.h"

static bool has_range(struct node *node, const struct source_prefix *range)
{
	const struct range_key key = { .prefix_bits = 32 + range->bits, .address = range->address };
	struct range_key at;
	const struct range_key *previous = NULL;

	while (packets_next_key(node->packets, PACKET_RANGE, previous, &at) == 0) {
		if (memcmp(&at, &key, sizeof(at)) == 0)
			return true;
		previous = &at;
	}
	return false;
}

static uint32_t ranges_in_force(struct node *node)
{
	struct range_key at;
	const struct range_key *previous = NULL;
	uint32_t count = 0;

	for (; packets_next_key(node->packets, PACKET_RANGE, previous, &at) == 0; count++)
		previous = &at;
	return count;
}

static void test_ranges(void **state)
{
	struct source_prefix range[NODE_RANGE_MAX];
	struct node node;

	(void)state;
	NEED_WORLD();
	for (uint32_t i = 0; i < NODE_RANGE_MAX; i++) {
		range[i] = (struct source_prefix){ .bits = i % 2 ? 120 : 64 };
		range[i].address.word[0] = i % 2 ? 0 : i + 1;
		range[i].address.word[2] = i % 2 ? 0xffff0000u : 0;
		range[i].address.byte[12] = i % 2 ? 198 : 0;
		range[i].address.byte[14] = i % 2 ? (uint8_t)i : 0;
	}
	node_up(&node);
	node.settings.range = range;
	node.settings.range_count = NODE_RANGE_MAX;
	assert_int_equal(ranges_write(node.packets, &node.settings), OK);
	assert_int_equal(ranges_in_force(&node), NODE_RANGE_MAX);
	for (uint32_t i = 0; i < NODE_RANGE_MAX; i++)
		assert_true(has_range(&node, &range[i]));
	node_down(&node);
	/* The next agent has others; one of them is as before. */
	node_up(&node);
	assert_int_equal(ranges_in_force(&node), NODE_RANGE_MAX);
	range[0].bits = 48;
	node.settings.range = range;
	node.settings.range_count = 2;
	assert_int_equal(ranges_write(node.packets, &node.settings), OK);
	assert_int_equal(ranges_in_force(&node), 2);
	assert_true(has_range(&node, &range[0]));
	assert_true(has_range(&node, &range[1]));
	node.settings.range_count = 0;
	assert_int_equal(ranges_write(node.packets, &node.settings), OK);
	assert_int_equal(ranges_in_force(&node), 0);
	node_down(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
