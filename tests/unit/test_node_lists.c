/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allow- and block-lists in a node's state: keys that entries share, prefixes that nest, entries that
 * move. Expected times are worked out by hand.
 */
#include "node_path.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_shared_key),
		WITH(test_nested_prefixes),
		WITH(test_deepest_nest),
		WITH(test_entry_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
