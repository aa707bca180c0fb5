/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weights into slots: every origin with a weight has its share, none without one, well mixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/node_state.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

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
	service_fill(&record.service, 0, &out);
	assert_int_equal(out.origin_count, 0);
	assert_int_equal(out.origin[0].closed, 1);
	assert_int_equal(out.id, 5);
}

/* Origins that are down take no slot, unless all of their IP version are: then nobody is believed. */
static void test_down(void **state)
{
	static const struct {
		uint32_t down,
			closed; /* bits of origins; 0 1 2: IPv4, 3 4: IPv6; 2 has no weight */
	} cases[] = { { 0, 4 }, { 1, 5 }, { 2, 6 }, { 3, 4 }, { 7, 4 }, { 8, 12 }, { 24, 4 },
		{ 1 | 24, 5 }, { 3 | 8, 12 }, { 31, 4 }, { UINT32_MAX, 4 } };
	union {
		struct record_service service;
		uint8_t bytes[sizeof(struct record_service) + 5 * sizeof(struct record_origin)];
	} record = { .service = {
			     .record = { RECORD_SERVICE, sizeof(record), 5 }, .origin_count = 5 } };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		record.service.origin[i].weight = i == 2 ? 0 : 10;
		record.service.origin[i].address.byte[0] = i < 3 ? 0 : 0x20;
		record.service.origin[i].address.byte[10] = 0xff;
		record.service.origin[i].address.byte[11] = 0xff;
	}
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		uint32_t used = 0, closed = 0;
		struct service out;

		service_fill(&record.service, cases[c].down, &out);
		assert_int_equal(out.origin_count, 5);
		for (unsigned s = 0; s < ORIGIN_SLOTS; s++)
			used |= 1u << out.slot[s];
		for (unsigned i = 0; i < 5; i++)
			closed |= out.origin[i].closed ? 1u << i : 0;
		assert_int_equal(closed, cases[c].closed);
		assert_int_equal(used, 31u & ~cases[c].closed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_slots_any_weights),
		cmocka_unit_test(test_slots_are_mixed),
		cmocka_unit_test(test_no_weight_no_origin),
		cmocka_unit_test(test_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
