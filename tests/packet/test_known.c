/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The bytes that say which tuples may have a flow: kept fresh by both sides, asked for every segment, and not
 * believed by a program that was loaded beside tables with flows.
 */
#include "talk.h"

#define KNOWN_SHIFT 36 /* as in bpf/known.bpf.h */
#define KNOWN_UNITS 16

static uint8_t stamp_ago(unsigned int units)
{
	uint8_t byte = (uint8_t)((boot_ns() >> KNOWN_SHIFT) - units);

	return byte ? byte : 1; /* 0: never */
}

/* All tuples, as if they had been seen so many units ago. */
static void age(unsigned int units)
{
	known_fill(skel, stamp_ago(units));
}

static unsigned int fresh_in(const uint8_t *table, size_t size)
{
	uint8_t now = stamp_ago(0);
	unsigned int count = 0;

	for (size_t i = 0; i < size; i++)
		count += table[i] == now;
	return count;
}

static void assert_fresh(unsigned int count)
{
	assert_int_equal(fresh_in(skel->bss->flow_known, sizeof(skel->bss->flow_known)), count);
	assert_int_equal(
		fresh_in(skel->bss->flow_known_few, sizeof(skel->bss->flow_known_few)), count);
}

static uint32_t say(const struct wire *w, int from_origin)
{
	struct frame f = from_origin ? origin_frame(w) : frame_build(w);

	return frame_run(skel, &f);
}

/* Data further on, which the cookie does not open a flow for again. */
static void later(struct wire *w)
{
	w->payload = 10;
	w->sequence += 1000;
	w->acknowledgement += 500;
}

static void not_seen_lately(int version)
{
	struct talk t = talk_open(version, 42001, 7);
	struct wire w = t.client;

	later(&w);
	assert_int_equal(say(&w, 0), XDP_REDIRECT);
	age(KNOWN_UNITS - 1);
	assert_int_equal(say(&w, 0), XDP_REDIRECT);
	/* Another CPU's clock may be ahead. */
	age((unsigned int)-1);
	assert_int_equal(say(&w, 0), XDP_REDIRECT);
	age(KNOWN_UNITS + 2);
	assert_int_equal(say(&w, 0), XDP_DROP);
	/* Either table alone proves it. */
	for (int i = 0; i < 2; i++) {
		age(0);
		assert_int_equal(say(&w, 0), XDP_REDIRECT);
		if (i)
			memset(skel->bss->flow_known, 0, sizeof(skel->bss->flow_known));
		else
			memset(skel->bss->flow_known_few, 0, sizeof(skel->bss->flow_known_few));
		assert_int_equal(say(&w, 0), XDP_DROP);
	}
	known_fill(skel, 0);
	assert_int_equal(say(&w, 0), XDP_DROP);
}
TEST(not_seen_lately)

/* Opening a flow and segments of either side keep the tuple's one byte in each table fresh. */
static void kept_fresh(int version)
{
	struct talk t;
	struct wire w;

	known_fill(skel, 0);
	t = talk_open(version, 42002, 7);
	assert_fresh(1);
	for (int from_origin = 0; from_origin < 2; from_origin++) {
		age(KNOWN_UNITS - 1);
		time_pass(skel, SECOND_NS * 12 / 100);
		w = from_origin ? t.origin : t.client;
		w.flags = ACK;
		w.payload = 10;
		if (from_origin) {
			w.sequence = ORIGIN_ISN + 1;
			w.acknowledgement = ISN + 1;
		}
		assert_int_equal(say(&w, from_origin), XDP_REDIRECT);
		assert_fresh(1);
	}
}
TEST(kept_fresh)

/* A SYN flood marks nothing. */
static void syn_marks_nothing(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);

	known_fill(skel, 0);
	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, 42003, &w);
	assert_fresh(0);
}
TEST(syn_marks_nothing)

/* The tables may hold flows of a program before: they are asked, until such a flow must have ended. */
static void beside_flows(int version)
{
	struct talk t = talk_open(version, 42004, 7);
	struct wire w = t.client;

	later(&w);
	known_fill(skel, 0);
	assert_int_equal(say(&w, 0), XDP_REDIRECT);
	assert_int_not_equal(skel->bss->flow_known_since, 0);
	skel->bss->flow_known_since = (uint64_t)boot_ns() - ((KNOWN_UNITS + 1ull) << KNOWN_SHIFT);
	known_fill(skel, 0);
	assert_int_equal(say(&w, 0), XDP_DROP);
	skel->bss->flow_known_since = 0;
}
TEST(beside_flows)

static int setup_old(void **state)
{
	(void)state;
	skel = harness_open();
	skel->rodata->flow_tables_new = 0;
	assert_int_equal(polder__load(skel), 0);
	fill(skel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest with_new[] = {
		cmocka_unit_test(test_not_seen_lately),
		cmocka_unit_test(test_kept_fresh),
		cmocka_unit_test(test_syn_marks_nothing),
	};
	const struct CMUnitTest with_old[] = {
		cmocka_unit_test(test_beside_flows),
	};

	return PACKET_TESTS(with_new, world_setup, world_teardown) ||
	       PACKET_TESTS(with_old, setup_old, world_teardown);
}
