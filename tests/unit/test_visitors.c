/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who came: a node's samples, in which everybody has the same chance; what workers' records say about visitors and about
 * refused requests; and the control's memory of samples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "agent/requesters.h"
#include "agent/sweep.h"
#include "agent/visitors.h"
#include "base/text.h"
#include "control/engine/visits.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(text_to_address(text, address.byte));
	return address;
}

static struct address numbered(uint32_t number)
{
	struct address address = { .byte = { [10] = 0xff, 0xff } };

	address.word[3] = number;
	return address;
}

/* ---- samples */

/* As long as there is room, all of them; one window each, told once. */
static void test_few(void **state)
{
	struct visitors *visitors = visitors_new(VISITORS_INSTANCE);
	struct record_visitors out;
	struct address source = address_of("192.0.2.1");

	(void)state;
	assert_non_null(visitors);
	visitors_add(visitors, 7, &source, 1, 1000);
	source = address_of("2001:db8:0:1:2:3:4:5");
	visitors_add(visitors, 7, &source, 2, 2000);
	visitors_add(visitors, 8, &source, 1, 3000);
	visitors_add(visitors, 0, &source, 1, 1000);
	visitors_add(visitors, 9, &source, 0, 1000);
	assert_false(visitors_has_next(visitors, 999 + VISITORS_WINDOW_MS));
	assert_false(visitors_take(visitors, 999 + VISITORS_WINDOW_MS, &out));
	assert_true(visitors_has_next(visitors, 1000 + VISITORS_WINDOW_MS));
	assert_true(visitors_take(visitors, 1000 + VISITORS_WINDOW_MS, &out));
	assert_int_equal(out.record.type, RECORD_VISITORS);
	assert_int_equal(out.record.id, 7);
	assert_int_equal(
		out.record.length, offsetof(struct record_visitors, sample) + 2 * sizeof(source));
	assert_int_equal(out.of, VISITORS_INSTANCE);
	assert_int_equal(out.sample_count, 2);
	assert_int_equal(out.total, 3);
	assert_int_equal(out.window_ms, VISITORS_WINDOW_MS);
	source = address_of("192.0.2.1");
	assert_memory_equal(&out.sample[0], &source, sizeof(source));
	source = address_of("2001:db8:0:1::");
	assert_memory_equal(&out.sample[1], &source, sizeof(source));
	/* The window of 8 goes on; 7 begins with its next. */
	assert_false(visitors_take(visitors, 1000 + VISITORS_WINDOW_MS, &out));
	visitors_add(visitors, 7, &source, 1, 50000);
	assert_true(visitors_take(visitors, 60000, &out));
	assert_int_equal(out.record.id, 8);
	assert_false(visitors_take(visitors, 60000, &out));
	assert_true(visitors_take(visitors, 50000 + VISITORS_WINDOW_MS, &out));
	assert_int_equal(out.total, 1);
	assert_int_equal(out.sample_count, 1);
	visitors_free(visitors);
}

/* Of each so many windows' samples, how often a source of the first, middle and last hundredth of those who came is in. */
static void test_everybody_has_the_same_chance(void **state)
{
	static const struct {
		const char *what;
		uint32_t came, weight;
	} rows[] = {
		{ "more than fit", 1000, 1 },
		{ "many more", 20000, 1 },
		{ "records that stand for several", 2000, 16 },
	};
	enum {
		WINDOWS = 200
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct visitors *visitors = visitors_new(VISITORS_SITE);
		uint32_t tenth[10] = { 0 };
		struct record_visitors out;

		assert_non_null(visitors);
		for (uint32_t window = 0; window < WINDOWS; window++) {
			int64_t now_ms = window * INT64_C(1000000);

			for (uint32_t n = 0; n < rows[i].came; n++) {
				struct address source = numbered(n);

				visitors_add(visitors, 1, &source, rows[i].weight, now_ms);
			}
			assert_true(visitors_take(visitors, now_ms + VISITORS_WINDOW_MS, &out));
			assert_int_equal(out.sample_count, VISITORS_SAMPLES);
			assert_int_equal(out.total, (uint64_t)rows[i].came * rows[i].weight);
			for (unsigned k = 0; k < VISITORS_SAMPLES; k++)
				tenth[out.sample[k].word[3] / (rows[i].came / 10)]++;
		}
		/* 960 are expected of each, give or take 30: six times that is no chance. */
		for (int k = 0; k < 10; k++)
			if (tenth[k] < 960 - 180 || tenth[k] > 960 + 180)
				fail_msg("%s: the tenth %d is met %u times", rows[i].what, k,
					tenth[k]);
		visitors_free(visitors);
	}
}

/* A heavy record is met as often as what it stands for. */
static void test_weights(void **state)
{
	struct visitors *visitors = visitors_new(VISITORS_SITE);
	struct record_visitors out;
	uint32_t heavy = 0;

	(void)state;
	assert_non_null(visitors);
	for (uint32_t window = 0; window < 200; window++) {
		int64_t now_ms = window * INT64_C(1000000);

		for (uint32_t n = 0; n < 1200; n++) {
			struct address source = numbered(n % 4);

			visitors_add(visitors, 1, &source, n % 4 == 0 ? 3 : 1, now_ms);
		}
		assert_true(visitors_take(visitors, now_ms + VISITORS_WINDOW_MS, &out));
		for (unsigned k = 0; k < VISITORS_SAMPLES; k++)
			heavy += out.sample[k].word[3] == 0;
	}
	/* Half of 9,600. */
	assert_in_range(heavy, 4800 - 300, 4800 + 300);
	visitors_free(visitors);
}

/* When all places are taken, others are not counted, until a window ends. */
static void test_places(void **state)
{
	struct visitors *visitors = visitors_new(VISITORS_INSTANCE);
	struct record_visitors out;
	struct address source = numbered(1);
	uint32_t told = 0;

	(void)state;
	assert_non_null(visitors);
	for (uint32_t number = 1; number <= VISITORS_MAX + 1; number++)
		visitors_add(visitors, number, &source, 1, 0);
	while (visitors_take(visitors, VISITORS_WINDOW_MS, &out)) {
		assert_in_range(out.record.id, 1, VISITORS_MAX);
		told++;
	}
	assert_int_equal(told, VISITORS_MAX);
	visitors_add(visitors, VISITORS_MAX + 1, &source, 1, 0);
	assert_true(visitors_take(visitors, VISITORS_WINDOW_MS, &out));
	assert_int_equal(out.record.id, VISITORS_MAX + 1);
	visitors_free(visitors);
}

/* ---- flows */

static void test_visits(void **state)
{
	static const struct {
		const char *what;
		int protocol;
		uint8_t limit_flags;
		uint32_t opened;
		bool is_visit;
	} rows[] = {
		{ "in the first second", 6, FLOW_PROVEN, 100, true },
		{ "in the last", 6, FLOW_PROVEN | FLOW_COUNTED, 109, true },
		{ "before", 6, FLOW_PROVEN, 99, false },
		{ "behind: of the next walk", 6, FLOW_PROVEN, 110, false },
		{ "a forged SYN", 6, FLOW_COUNTED, 105, false },
		{ "a datagram", 17, FLOW_COUNTED, 105, true },
		{ "one of before", 17, FLOW_PROVEN, 7, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct flow flow = { .limit_flags = rows[i].limit_flags,
			.opened_second = rows[i].opened };

		if (flow_is_visit(&flow, rows[i].protocol, 100, 110) != rows[i].is_visit)
			fail_msg("%s: %s", rows[i].what, rows[i].is_visit ? "is one" : "is none");
	}
}

/* ---- requests */

static void ask(struct requesters *requesters, const char *client, enum log_verdict verdict,
	uint8_t check, uint16_t weight)
{
	struct log_request request = { .record = { .kind = LOG_REQUEST, .site = 3 },
		.client = address_of(client),
		.peer = address_of("192.0.2.250"),
		.vip_port = 443,
		.verdict = (uint8_t)verdict,
		.check = check,
		.weight = weight };

	requesters_add(requesters, &request, 1000);
}

static void test_requesters(void **state)
{
	struct requesters *requesters = requesters_new();
	struct record_sighted refused[SIGHTED_KINDS] = { { .kind = 0 } };
	struct record_visitors visitors;
	const struct sighted *entry = refused[SIGHTED_SOURCE].entry;
	struct address source;

	(void)state;
	assert_non_null(requesters);
	ask(requesters, "192.0.2.1", LOG_PASSED, CHECK_COUNT, 16);
	ask(requesters, "192.0.2.1", LOG_WATCHED, CHECK_precise, 0);
	ask(requesters, "192.0.2.1", LOG_CACHED, CHECK_COUNT, 1);
	for (int i = 0; i < 3; i++)
		ask(requesters, "203.0.113.5", LOG_REFUSED, CHECK_frequency, 1);
	/* Of one /64. */
	ask(requesters, "2001:db8:0:5::1", LOG_CHALLENGED, CHECK_challenge, 0);
	ask(requesters, "2001:db8:0:5::2", LOG_CHALLENGED, CHECK_challenge, 1);
	ask(requesters, "203.0.113.6", LOG_REFUSED, CHECK_COUNT, 1);
	assert_false(requesters_has_next(requesters, 1000));
	assert_true(requesters_has_next(requesters, 1000 + SIGHTINGS_WINDOW_MS));
	assert_int_equal(requesters_take_refused(requesters, 1000, refused), 0);
	assert_int_equal(
		requesters_take_refused(requesters, 1000 + SIGHTINGS_WINDOW_MS, refused), 3);
	assert_int_equal(refused[SIGHTED_SOURCE].record.type, RECORD_SITE_SIGHTED);
	assert_int_equal(refused[SIGHTED_SOURCE].record.id, 3);
	assert_int_equal(refused[SIGHTED_SOURCE].total, 5);
	assert_int_equal(refused[SIGHTED_SOURCE].entry_count, 2);
	source = address_of("203.0.113.5");
	assert_memory_equal(&entry[0].key.source, &source, sizeof(source));
	assert_int_equal(entry[0].key.reason, CHECK_frequency);
	assert_int_equal(entry[0].count, 3);
	assert_int_equal(entry[0].to, SIGHTED_TO(6, 443));
	source = address_of("2001:db8:0:5::");
	assert_memory_equal(&entry[1].key.source, &source, sizeof(source));
	assert_int_equal(entry[1].key.reason, CHECK_challenge);
	assert_int_equal(entry[1].count, 2);
	/* A check for each; a request has no length. */
	assert_int_equal(refused[SIGHTED_PORT].entry_count, 2);
	assert_int_equal(refused[SIGHTED_LENGTH].entry_count, 0);
	assert_false(requesters_has_next(requesters, 1000 + SIGHTINGS_WINDOW_MS));
	assert_true(requesters_take_visitors(requesters, 1000 + VISITORS_WINDOW_MS, &visitors));
	assert_int_equal(visitors.of, VISITORS_SITE);
	assert_int_equal(visitors.record.id, 3);
	assert_int_equal(visitors.sample_count, 9);
	assert_int_equal(visitors.total, 24);
	assert_false(requesters_take_visitors(requesters, 1000 + VISITORS_WINDOW_MS, &visitors));
	requesters_free(requesters);
}

/* ---- the control's memory */

static void remember(struct visits *visits, enum visitors_of of, uint32_t number, uint64_t total,
	uint32_t first, unsigned count, int64_t clock_ms)
{
	struct record_visitors record = { .record = { RECORD_VISITORS, 0, number },
		.of = (uint8_t)of,
		.sample_count = (uint8_t)count,
		.window_ms = 30000,
		.total = total };

	for (unsigned i = 0; i < count; i++)
		record.sample[i] = numbered(first + i);
	visits_add(visits, &record, clock_ms);
}

static uint64_t sum_of(const struct visit_place *place, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += place[i].count;
	return sum;
}

static void test_memory(void **state)
{
	static struct visit_place place[256];
	struct record_visitors mixed = { .record = { RECORD_VISITORS, 0, 5 },
		.of = VISITORS_SITE,
		.sample_count = 3,
		.window_ms = 30000,
		.total = 100,
		.sample = { address_of("2001:db8:0:7::"), address_of("192.0.2.9"),
			address_of("2001:db8:0:8::") } };
	struct visits visits;

	(void)state;
	visits_init(&visits);
	assert_int_equal(visits_get(&visits, VISITORS_SITE, 5, 0, 1000000, place, 256), 0);
	visits_add(&visits, &mixed, 100000);
	remember(&visits, VISITORS_INSTANCE, 5, 7, 10, 7, 110000);
	remember(&visits, VISITORS_SITE, 6, 8, 10, 8, 120000);
	assert_int_equal(visits_get(&visits, VISITORS_SITE, 5, 0, 1000000, place, 256), 3);
	/* IPv4 first; the sum is all that came. */
	assert_memory_equal(&place[0].source, &mixed.sample[1], sizeof(struct address));
	assert_memory_equal(&place[1].source, &mixed.sample[0], sizeof(struct address));
	assert_memory_equal(&place[2].source, &mixed.sample[2], sizeof(struct address));
	assert_int_equal(place[0].count, 33);
	assert_int_equal(sum_of(place, 3), 100);
	/* A window counts whose time is touched: from 70,000 to 100,000. */
	assert_int_equal(visits_get(&visits, VISITORS_SITE, 5, 99999, 1000000, place, 256), 3);
	assert_int_equal(visits_get(&visits, VISITORS_SITE, 5, 100000, 1000000, place, 256), 0);
	assert_int_equal(visits_get(&visits, VISITORS_SITE, 5, 0, 70001, place, 256), 3);
	assert_int_equal(visits_get(&visits, VISITORS_SITE, 5, 0, 70000, place, 256), 0);
	visits_free(&visits);
}

/* Of more than there is room for, every so manieth; the sum stays. */
static void test_thinned(void **state)
{
	static struct visit_place place[100];
	struct visits visits;
	uint64_t low = 0;
	size_t count;

	(void)state;
	visits_init(&visits);
	for (uint32_t i = 0; i < 100; i++)
		remember(&visits, VISITORS_INSTANCE, 1, 480 + i, i < 25 ? 0 : 1000, 48,
			(int64_t)i * 30000 + 30000);
	count = visits_get(&visits, VISITORS_INSTANCE, 1, 0, 1000000000, place, 100);
	assert_in_range(count, 90, 100);
	assert_int_equal(sum_of(place, count), 48000 + 99 * 50);
	for (size_t i = 0; i < count; i++)
		low += place[i].source.word[3] < 1000 ? place[i].count : 0;
	/* A quarter of the windows, which had a little less. */
	assert_in_range(low, 11000, 13500);
	assert_int_equal(visits_get(&visits, VISITORS_INSTANCE, 1, 0, 1000000000, place, 1), 1);
	assert_int_equal(place[0].count, 48000 + 99 * 50);
	visits_free(&visits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_everybody_has_the_same_chance),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_visits),
		cmocka_unit_test(test_requesters),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_thinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
