/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protected addresses over time, from reports of nodes that never were.
 */
#include "base/clock.h"
#include "control/engine/volumes.h"
#include "control/engine/words.h"
#include "tests/support/report.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define INSTANCE 7
static struct report report;

static int setup(void **state)
{
	*state = nodes_new();
	return *state ? 0 : 1;
}

static int teardown(void **state)
{
	nodes_free(*state);
	return 0;
}

/* What a node has counted since its maps were made. */
static void tell(
	struct nodes *nodes, const char *node, int64_t clock_ms, uint64_t packets, uint64_t dropped)
{
	report_start(&report, 1);
	if (packets > 0)
		report_traffic(&report, INSTANCE, (struct counter){ packets, packets * 100 },
			(struct counter){ dropped, dropped * 100 }, (struct counter){ 1, 1 });
	if (dropped > 0)
		report_reason(&report, INSTANCE, REASON_tcp_flags,
			(struct counter){ dropped, dropped * 100 });
	assert_int_equal(report_send(&report, nodes, node, clock_ms), OK);
}

static size_t seconds_of(struct nodes *nodes, struct volume_second out[20])
{
	return nodes_volume_seconds(nodes, INSTANCE, 0, out, 20);
}

static void test_seconds(void **state)
{
	struct nodes *nodes = *state;
	struct volume_second second[20];
	uint32_t number[4];

	/* A first report is of nobody knows when. */
	tell(nodes, "a", T0 + 900, 1000, 100);
	tell(nodes, "a", T0 + 1900, 1500, 100);
	tell(nodes, "a", T0 + 2900, 2500, 900);
	assert_int_equal(seconds_of(nodes, second), 2);
	assert_int_equal(second[0].volume.time_ms, T0 + 1000);
	assert_int_equal(second[0].volume.in.packets, 500);
	assert_int_equal(second[0].volume.attack.packets, 0);
	assert_int_equal(second[1].volume.in.packets, 1000);
	assert_int_equal(second[1].volume.in.bytes, 100000);
	assert_int_equal(second[1].volume.dropped.packets, 800);
	assert_int_equal(second[1].reason[REASON_tcp_flags].packets, 800);
	assert_int_equal(second[1].volume.attack.packets, 800);
	assert_int_equal(second[1].volume.span_ms, 1000);
	/* Two nodes add up, and are no longer than one. */
	tell(nodes, "b", T0 + 1800, 5, 0);
	tell(nodes, "b", T0 + 2800, 105, 0);
	assert_int_equal(seconds_of(nodes, second), 2);
	assert_int_equal(second[1].volume.in.packets, 1100);
	assert_int_equal(second[1].volume.span_ms, 1000);
	/* A late one is of more than a second. */
	tell(nodes, "a", T0 + 7900, 7500, 900);
	assert_int_equal(seconds_of(nodes, second), 3);
	assert_int_equal(second[2].volume.time_ms, T0 + 5000);
	assert_int_equal(second[2].volume.in.packets, 5000);
	assert_int_equal(second[2].volume.span_ms, 5000);
	assert_int_equal(second[2].volume.peak_in.packets, 1000);
	/* The node made its maps anew. */
	tell(nodes, "a", T0 + 8900, 10, 5);
	assert_int_equal(seconds_of(nodes, second), 3);
	tell(nodes, "a", T0 + 9900, 30, 5);
	assert_int_equal(seconds_of(nodes, second), 4);
	assert_int_equal(second[3].volume.in.packets, 20);
	assert_int_equal(nodes_volume_attacked(nodes, T0 + 3000, 1000, number, 4), 1);
	assert_int_equal(number[0], INSTANCE);
	assert_int_equal(nodes_volume_attacked(nodes, T0 + 9900, 1000, number, 4), 0);
	assert_int_equal(nodes_volume_seconds(nodes, INSTANCE, T0 + 5000, second, 20), 2);
	assert_int_equal(nodes_volume_seconds(nodes, INSTANCE, T0, second, 1), 1);
	assert_int_equal(second[0].volume.in.packets, 20);
}

/* What is new at a node that has told all it had begins with its first packet. */
static void test_new_instances(void **state)
{
	struct nodes *nodes = *state;
	struct volume_second second[20];

	tell(nodes, "a", T0, 0, 0);
	for (int i = 1; i <= 10; i++)
		tell(nodes, "a", T0 + i * SECOND_MS, 0, 0);
	tell(nodes, "a", T0 + 11 * SECOND_MS, 300, 200);
	assert_int_equal(seconds_of(nodes, second), 1);
	assert_int_equal(second[0].volume.in.packets, 300);
	assert_int_equal(second[0].reason[REASON_tcp_flags].packets, 200);
}

static void test_series(void **state)
{
	struct volume point[4] = { 0 };
	struct nodes *nodes = *state;
	uint64_t packets = 1;

	for (int i = 0; i <= 150; i++) {
		packets += i == 70 ? 500 : 10;
		tell(nodes, "a", T0 + 500 + i * SECOND_MS, packets, i > 100 ? 7 : 0);
	}
	nodes_volume_series(nodes, INSTANCE, T0, MINUTE_MS, point, 4);
	assert_int_equal(point[0].time_ms, T0);
	assert_int_equal(point[0].in.packets, 590); /* nothing is known of the first report */
	assert_int_equal(point[1].in.packets, 59 * 10 + 500);
	assert_int_equal(point[1].peak_in.packets, 500);
	assert_int_equal(point[1].attack.packets, 7);
	assert_int_equal(point[2].in.packets, 310);
	assert_int_equal(point[3].in.packets, 0);
	memset(point, 0, sizeof(point));
	nodes_volume_series(nodes, INSTANCE, T0 + 68 * SECOND_MS, SECOND_MS, point, 4);
	assert_int_equal(point[0].in.packets + point[1].in.packets + point[2].in.packets +
				 point[3].in.packets,
		530);
	/* One step for all: what the last minute had. */
	memset(point, 0, sizeof(point));
	nodes_volume_series(nodes, INSTANCE, T0 + 91 * SECOND_MS, MINUTE_MS - SECOND_MS, point, 1);
	assert_int_equal(point[0].in.packets, 590);
}

static void test_words(void **state)
{
	uint64_t word[600] = { 0 }, back[600];
	uint8_t packed[WORDS_PACKED_MAX(600)];
	size_t used;

	(void)state;
	word[0] = UINT64_MAX;
	word[1] = 127;
	word[2] = 128;
	word[599] = 1; /* behind more zeros than one run has */
	used = words_pack(word, 600, packed);
	assert_in_range(used, 1, 30);
	words_unpack(packed, used, back, 600);
	assert_memory_equal(word, back, sizeof(word));
	words_unpack(packed, 3, back, 600);
	assert_int_equal(back[1], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_seconds),
		TEST(test_new_instances),
		TEST(test_series),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
