/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of the frequent: what is certain of them in whatever order the keys come, merged lists, the ports of sources; and the
 * agent's windows of them, with more instances than there are places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/sightings.h"
#include "base/sighted.h"

/* ---- lists */

static struct sighted sample(uint32_t source, uint64_t weight, uint32_t to)
{
	struct sighted one = { .key = { .reason = REASON_bogon },
		.count = weight,
		.votes = weight,
		.to = to,
		.hits = 1 };

	one.key.source.word[2] = 0xffff0000;
	one.key.source.word[3] = source;
	return one;
}

static void put(struct sighted_list *list, uint32_t source, uint64_t weight)
{
	struct sighted one = sample(source, weight, 0);

	list->total += weight;
	sighted_add(list, SIGHTED_SOURCE, &one);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The order in which packets of a few heavy sources and of many light ones come: number n of so many; 0: a light one. */
enum order {
	MIXED,
	HEAVY_FIRST, /* and then everything that may push them out */
	HEAVY_LAST,  /* behind a list that is full of others */
	IN_TURNS,
	BURSTS
};
#define PACKETS	   60000u
#define HEAVY	   4u
#define HEAVY_EACH 6000u /* of each, 40 per cent in all */

static uint32_t source_at(enum order order, uint32_t n, uint32_t *left, uint32_t *random)
{
	uint32_t light = PACKETS - HEAVY * HEAVY_EACH, heavy = n % HEAVY;
	bool wants = false;

	switch (order) {
	case MIXED:
		wants = next_random(random) % 10 < 4;
		break;
	case HEAVY_FIRST:
		wants = n < PACKETS - light;
		break;
	case HEAVY_LAST:
		wants = n >= light;
		break;
	case IN_TURNS:
		wants = n % 5 < 2;
		heavy = n / 5 % HEAVY;
		break;
	case BURSTS:
		wants = n / 600 % 5 < 2;
		heavy = n / 3000 % HEAVY;
		break;
	}
	for (uint32_t i = 0; wants && i < HEAVY; i++) {
		uint32_t which = (heavy + i) % HEAVY;

		if (left[which] > 0) {
			left[which]--;
			return which + 1;
		}
	}
	return 0;
}

static void test_orders(void **state)
{
	static const struct {
		const char *what;
		enum order order;
		uint32_t light; /* sources that the light packets are of */
	} rows[] = {
		{ "mixed with forged sources", MIXED, UINT32_MAX },
		{ "mixed with a thousand", MIXED, 1000 },
		{ "first", HEAVY_FIRST, UINT32_MAX },
		{ "last", HEAVY_LAST, UINT32_MAX },
		{ "in turns", IN_TURNS, UINT32_MAX },
		{ "in turns with as many as there are places", IN_TURNS, SIGHTED_SOURCES },
		{ "in bursts", BURSTS, UINT32_MAX },
		{ "in bursts, among one more than there are places", BURSTS, SIGHTED_SOURCES + 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sighted_list *list = calloc(1, sizeof(*list));
		uint32_t left[HEAVY], sent[HEAVY] = { 0 }, random = 12345, light = 0;
		const struct sighted *entry;
		size_t count, heavy = 0;

		assert_non_null(list);
		for (uint32_t h = 0; h < HEAVY; h++)
			left[h] = HEAVY_EACH;
		for (uint32_t n = 0; n < PACKETS; n++) {
			uint32_t source = source_at(rows[i].order, n, left, &random);

			if (source > 0)
				sent[source - 1]++;
			put(list, source > 0 ? source : 1000 + light++ % rows[i].light, 1);
		}
		count = sighted_sort(list, SIGHTED_SOURCE);
		entry = sighted_entries(list, SIGHTED_SOURCE);
		for (size_t k = 0; k < count; k++) {
			uint32_t source = entry[k].key.source.word[3];
			uint64_t certain = sighted_certain(list, SIGHTED_SOURCE, &entry[k]);

			if (k > 0 && certain > sighted_certain(list, SIGHTED_SOURCE, &entry[k - 1]))
				fail_msg("%s: not in order", rows[i].what);
			if (source > HEAVY)
				continue;
			heavy++;
			/* Never more than it sent, and at most one in "size" of all less. */
			if (certain > sent[source - 1] ||
				certain + PACKETS / SIGHTED_SOURCES < sent[source - 1])
				fail_msg("%s: %u sent %u, certain are %llu", rows[i].what, source,
					sent[source - 1], (unsigned long long)certain);
		}
		if (heavy != HEAVY)
			fail_msg("%s: %zu heavy sources", rows[i].what, heavy);
		for (size_t k = 0; k < HEAVY && rows[i].light == UINT32_MAX; k++)
			if (entry[k].key.source.word[3] > HEAVY)
				fail_msg("%s: a light source is place %zu", rows[i].what, k);
		free(list);
	}
}

/* Of forged sources none is named, however many come; few are named each. */
static void test_forged(void **state)
{
	struct sighted_list *list = calloc(1, sizeof(*list));

	(void)state;
	assert_non_null(list);
	/* Each packet was seen, and there is room for all. */
	for (uint32_t n = 0; n < SIGHTED_SOURCES; n++)
		put(list, n, 1);
	assert_int_equal(sighted_sort(list, SIGHTED_SOURCE), SIGHTED_SOURCES);
	for (uint32_t n = SIGHTED_SOURCES; n < 100000; n++)
		put(list, n, 30);
	assert_int_equal(sighted_sort(list, SIGHTED_SOURCE), 0);
	assert_int_equal(list->used[SIGHTED_SOURCE], SIGHTED_SOURCES);
	/* One sample of ten packets may be of one of ten sources. */
	memset(list, 0, sizeof(*list));
	put(list, 1, 10);
	put(list, 2, 10);
	put(list, 2, 1);
	assert_int_equal(sighted_sort(list, SIGHTED_SOURCE), 1);
	assert_int_equal(sighted_entries(list, SIGHTED_SOURCE)->key.source.word[3], 2);
	free(list);
}

/* Two nodes' lists: sums, and no more than that. */
static void test_merge(void **state)
{
	struct sighted_list *node[2], *all = calloc(1, sizeof(*all));
	const struct sighted *entry;

	(void)state;
	assert_non_null(all);
	for (int i = 0; i < 2; i++) {
		node[i] = calloc(1, sizeof(*node[i]));
		assert_non_null(node[i]);
		for (uint32_t n = 0; n < 20000; n++) {
			put(node[i], 1, 2);
			put(node[i], i == 0 ? 2 : 3, 1);
			put(node[i], 1000 + n * 2 + (uint32_t)i, 1);
		}
		(void)sighted_sort(node[i], SIGHTED_SOURCE);
		for (size_t k = 0; k < SIGHTED_REPORT; k++)
			sighted_add(
				all, SIGHTED_SOURCE, &sighted_entries(node[i], SIGHTED_SOURCE)[k]);
	}
	assert_true(sighted_sort(all, SIGHTED_SOURCE) >= 3);
	entry = sighted_entries(all, SIGHTED_SOURCE);
	assert_int_equal(entry[0].key.source.word[3], 1);
	assert_in_range(sighted_certain(all, SIGHTED_SOURCE, &entry[0]), 79000, 80000);
	assert_in_range(entry[1].key.source.word[3], 2, 3);
	assert_in_range(sighted_certain(all, SIGHTED_SOURCE, &entry[1]), 19000, 20000);
	for (int i = 0; i < 2; i++)
		free(node[i]);
	free(all);
}

/* The port that most packets of a source go to. */
static void test_votes(void **state)
{
	static const struct {
		const char *what;
		uint32_t every; /* so manieth packet is to port 80, others to all ports in turns */
		bool found;
	} rows[] = {
		{ "all", 1, true },
		{ "two of three", 3, true },
	};
	uint32_t other = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sighted_list *list = calloc(1, sizeof(*list));

		assert_non_null(list);
		for (uint32_t n = 0; n < 9000; n++) {
			bool main = rows[i].every == 1 || n % rows[i].every > 0;
			struct sighted one =
				sample(1, 5, SIGHTED_TO(6, main ? 80 : 1000 + other++ % 60000));

			sighted_add(list, SIGHTED_SOURCE, &one);
		}
		assert_int_equal(list->used[SIGHTED_SOURCE], 1);
		if (sighted_entries(list, SIGHTED_SOURCE)->to != SIGHTED_TO(6, 80))
			fail_msg("%s: not found", rows[i].what);
		free(list);
	}
}

/* ---- windows */

static struct sighting from(uint32_t instance, const uint8_t address[16], uint16_t port)
{
	struct sighting one = { .instance = instance,
		.weight = 10,
		.reason = REASON_bogon,
		.port = port,
		.length = 128,
		.protocol = 17 };

	memcpy(one.source.byte, address, 16);
	return one;
}

static const uint8_t four[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7 };
static const uint8_t six[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8 };

static void test_windows(void **state)
{
	struct sightings *sightings = sightings_new(RECORD_SIGHTED);
	struct record_sighted out[SIGHTED_KINDS];
	struct sighting one;

	(void)state;
	assert_non_null(sightings);
	one = from(7, four, 53);
	for (int i = 0; i < 3; i++)
		sightings_add(sightings, &one, 1000 + i);
	one = from(7, six, 443);
	sightings_add(sightings, &one, 1100);
	one.source.byte[15] = 99; /* of the same /64 */
	one.port = one.protocol = 0;
	sightings_add(sightings, &one, 1100);
	assert_false(sightings_has_next(sightings, 1000 + SIGHTINGS_WINDOW_MS - 1));
	assert_int_equal(sightings_take(sightings, 1000 + SIGHTINGS_WINDOW_MS - 1, out), 0);
	assert_true(sightings_has_next(sightings, 1000 + SIGHTINGS_WINDOW_MS));
	assert_int_equal(sightings_take(sightings, 1000 + SIGHTINGS_WINDOW_MS, out), SIGHTED_KINDS);
	for (int kind = 0; kind < SIGHTED_KINDS; kind++) {
		assert_int_equal(out[kind].record.id, 7);
		assert_int_equal(out[kind].kind, kind);
		assert_int_equal(out[kind].total, 50);
		assert_int_equal(out[kind].window_ms, SIGHTINGS_WINDOW_MS);
	}
	assert_int_equal(out[SIGHTED_SOURCE].entry_count, 2);
	assert_memory_equal(out[SIGHTED_SOURCE].entry[0].key.source.byte, four, 16);
	assert_int_equal(out[SIGHTED_SOURCE].entry[0].count, 30);
	assert_int_equal(out[SIGHTED_SOURCE].entry[0].to, SIGHTED_TO(17, 53));
	assert_memory_equal(out[SIGHTED_SOURCE].entry[1].key.source.byte, six, 8);
	assert_int_equal(out[SIGHTED_SOURCE].entry[1].key.source.half[1], 0);
	assert_int_equal(out[SIGHTED_SOURCE].entry[1].count, 20);
	/* What has no port counts for none; port 443 was met once. */
	assert_int_equal(out[SIGHTED_PORT].entry_count, 1);
	assert_int_equal(out[SIGHTED_PORT].entry[0].key.value, SIGHTED_TO(17, 53));
	assert_int_equal(out[SIGHTED_LENGTH].entry_count, 1);
	assert_int_equal(out[SIGHTED_LENGTH].entry[0].key.value, 128);
	/* A window is told once, and the next one begins with its first sample. */
	assert_int_equal(sightings_take(sightings, 100000, out), 0);
	sightings_add(sightings, &one, 100000);
	assert_false(sightings_has_next(sightings, 100000 + SIGHTINGS_WINDOW_MS - 1));
	assert_int_equal(sightings_take(sightings, 100000 + SIGHTINGS_WINDOW_MS, out), 3);
	assert_int_equal(out[SIGHTED_SOURCE].total, 10);
	sightings_free(sightings);
}

/* Scans of ten thousand addresses do not push out the flooded one. */
static void test_places(void **state)
{
	struct sightings *sightings = sightings_new(RECORD_SIGHTED);
	struct record_sighted out[SIGHTED_KINDS];
	uint64_t flooded = 0;
	unsigned told = 0;

	(void)state;
	assert_non_null(sightings);
	for (uint32_t n = 0; n < 30000; n++) {
		struct sighting one = from(n % 3 == 0 ? 7 : 100 + n % 10000, four, 53);

		sightings_add(sightings, &one, 1000 + n / 10);
	}
	while (sightings_take(sightings, 20000, out) > 0) {
		told++;
		if (out[0].record.id == 7)
			flooded += out[0].total;
	}
	assert_int_equal(told, SIGHTINGS_MAX);
	assert_int_equal(flooded, 100000);
	sightings_free(sightings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_votes),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
