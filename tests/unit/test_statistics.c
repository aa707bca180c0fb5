/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures of web sites over time: the ring that remembers them, points of a second and a minute, what was frequent, and
 * answers from access logs.
 */
#include "base/clock.h"
#include "control/engine/answers.h"
#include "control/engine/statistics.h"
#include "tests/support/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 INT64_C(1767225600000) /* a whole minute */

/* ---- the ring */

struct walked {
	size_t count;
	int64_t first_ms, last_ms;
	uint64_t first;
};

static bool walk(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct walked *walked = context;

	assert_int_equal(length, sizeof(uint64_t));
	if (walked->count++ == 0) {
		walked->first_ms = time_ms;
		memcpy(&walked->first, data, sizeof(walked->first));
	}
	walked->last_ms = time_ms;
	return true;
}

static struct walked walked(const struct trail *trail, uint64_t key)
{
	struct walked out = { 0 };

	trail_walk(trail, key, walk, &out);
	return out;
}

static void test_trail(void **state)
{
	struct trail trail;
	struct walked out;
	(void)state;

	trail_init(&trail, 16384, 256); /* 409 items of 40 bytes */
	assert_int_equal(walked(&trail, 1).count, 0);
	for (uint64_t i = 0; i < 300; i++)
		assert_true(trail_add(&trail, 1 + i % 3, T0 + (int64_t)i, &i, sizeof(i)));
	out = walked(&trail, 1);
	assert_int_equal(out.count, 100);
	assert_int_equal(out.first, 297);
	assert_int_equal(out.last_ms, T0);
	/* One key alone pushes the others out, and itself. */
	for (uint64_t i = 0; i < 5000; i++) {
		assert_true(trail_add(&trail, 9, T0 + (int64_t)i, &i, sizeof(i)));
		out = walked(&trail, 9);
		assert_true(out.count == i + 1 || out.count >= 400);
		assert_int_equal(out.first, i);
		assert_int_equal(out.last_ms, T0 + (int64_t)(i + 1 - out.count));
	}
	assert_int_equal(walked(&trail, 1).count, 0);
	trail_free(&trail);
}

/* ---- points */

static struct statistics *make(void)
{
	struct statistics *statistics = calloc(1, sizeof(*statistics));

	assert_non_null(statistics);
	statistics_init(statistics);
	return statistics;
}

static void drop(struct statistics *statistics)
{
	statistics_free(statistics);
	free(statistics);
}

static void add(struct statistics *statistics, uint32_t site, int64_t time_ms, uint64_t requests,
	uint64_t refused)
{
	struct site_counter change = { .number = site,
		.requests = requests,
		.bytes_in = UINT64_C(1) << 40,
		.status = { 0, 0, requests, 0, 0, 0 },
		.code = { [SITE_CODE_504] = 1 } };

	change.refused[CHECK_precise] = refused;
	statistics_add(statistics, &change, time_ms, time_ms);
}

static void test_points(void **state)
{
	struct statistics *statistics = make();
	struct site_point point[180];
	struct site_recent sum;
	(void)state;

	/* Three minutes of a site: n requests in second n of each, a tenth of them refused. */
	for (int64_t i = 0; i < 180; i++)
		add(statistics, 7, T0 + i * SECOND_MS + 300, (uint64_t)(i % 60),
			(uint64_t)(i % 60) / 10);
	add(statistics, 8, T0, 1000, 0);
	memset(point, 0, sizeof(point));
	statistics_series(statistics, 7, T0, SECOND_MS, point, 180);
	for (int64_t i = 0; i < 180; i++) {
		assert_int_equal(point[i].time_ms, T0 + i * SECOND_MS);
		assert_int_equal(point[i].requests, i % 60);
		assert_int_equal(point[i].attacks, i % 60 / 10);
		assert_int_equal(point[i].bytes_in, UINT64_C(1) << 40);
		assert_int_equal(point[i].code[SITE_CODE_504], 1);
		assert_int_equal(point[i].peak_requests, i % 60);
	}
	memset(point, 0, sizeof(point));
	statistics_series(statistics, 7, T0 - MINUTE_MS, MINUTE_MS, point, 5);
	assert_int_equal(point[0].requests, 0);
	for (int i = 1; i < 4; i++) { /* the last one goes on */
		assert_int_equal(point[i].requests, 1770);
		assert_int_equal(point[i].status[2], 1770);
		assert_int_equal(point[i].attacks, 150);
		assert_int_equal(point[i].peak_requests, 59);
		assert_int_equal(point[i].peak_attacks, 5);
		assert_int_equal(point[i].peak_passed, 54);
		assert_int_equal(point[i].peak_plain, 59);
	}
	assert_int_equal(point[4].requests, 0);
	/* Steps of a series are sums; another site adds up. */
	memset(point, 0, sizeof(point));
	statistics_series(statistics, 7, T0, 3 * MINUTE_MS, point, 1);
	statistics_series(statistics, 8, T0, 3 * MINUTE_MS, point, 1);
	assert_int_equal(point[0].requests, 3 * 1770 + 1000);
	assert_int_equal(point[0].peak_requests, 1000);
	statistics_recent(statistics, 7, T0 + 179 * SECOND_MS + 400, 10, &sum);
	assert_int_equal(sum.until_ms, T0 + 179 * SECOND_MS);
	assert_int_equal(sum.requests, 49 + 50 + 51 + 52 + 53 + 54 + 55 + 56 + 57 + 58);
	drop(statistics);
}

/* However seldom nodes report, the rate of the time they told of is the same; a clock that was set back begins anew. */
static void test_recent(void **state)
{
	static const int64_t spans[] = { 500, 1000, 1300, 5000, 9900, 29000 };
	(void)state;

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct statistics *statistics = make();
		struct site_recent recent;
		int64_t at_ms = T0, span_ms = spans[i];

		for (; at_ms < T0 + 3 * MINUTE_MS; at_ms += span_ms) {
			const struct site_counter change = { .number = 7,
				.requests = (uint64_t)span_ms / 10,
				.origin_requests = (uint64_t)span_ms / 20,
				.origin_status = { [0] = 1, [5] = (uint64_t)span_ms / 50 } };

			statistics_add(statistics, &change, at_ms, at_ms + span_ms);
			if (at_ms + span_ms - T0 < 6 * SECOND_MS)
				continue;
			statistics_recent(statistics, 7, at_ms + span_ms, 5, &recent);
			assert_in_range(recent.requests, 490, 510);
			assert_in_range(recent.origin_requests, 245, 255);
			assert_in_range(recent.failures, 95, 125);
			assert_int_equal(recent.span_ms, span_ms);
		}
		/* What is told of a minute later is nothing. */
		statistics_recent(statistics, 7, at_ms + MINUTE_MS, 5, &recent);
		assert_int_equal(recent.requests, 0);
		add(statistics, 7, T0 - HOUR_MS, 5, 0);
		statistics_recent(statistics, 7, T0 - HOUR_MS + SECOND_MS, 5, &recent);
		assert_int_equal(recent.requests, 5);
		drop(statistics);
	}
}

/* Reports that come a little early or late are not two in one second. */
static void test_reports(void **state)
{
	static struct report report;
	struct nodes *nodes = nodes_new();
	struct record_site_traffic traffic = { RECORD_HEAD(
		RECORD_SITE_TRAFFIC, 7, record_site_traffic) };
	struct site_point point[12] = { { 0 } };
	int64_t clock_ms = T0;
	struct site_recent recent;
	uint32_t busy[4];
	(void)state;

	assert_non_null(nodes);
	traffic.counter.number = 7;
	traffic.counter.requests = 1000000; /* of days before */
	for (int i = 0; i < 12; i++) {
		report_start(&report, 1);
		report_add(&report, &traffic, sizeof(traffic));
		clock_ms = T0 + i * SECOND_MS + (i % 2 ? 120 : 980);
		assert_int_equal(report_send(&report, nodes, "a", clock_ms), OK);
		traffic.counter.requests += 100;
	}
	nodes_site_series(nodes, 7, T0, SECOND_MS, point, 12);
	for (int i = 1; i < 11; i++)
		assert_true(point[i].requests <= 100);
	assert_int_equal(nodes_sites_busy(nodes, clock_ms, 5000, busy, 4), 1);
	assert_int_equal(busy[0], 7);
	assert_int_equal(nodes_sites_busy(nodes, clock_ms + 10000, 5000, busy, 4), 0);
	/* A node that is silent does not make the rate fall, for a time; nor does one that has nothing of the site. */
	report_start(&report, 1);
	assert_int_equal(report_send(&report, nodes, "b", clock_ms - 20000), OK);
	nodes_site_recent(nodes, 7, clock_ms + 20000, 5, &recent);
	assert_int_equal(recent.until_ms, T0 + 11000);
	assert_in_range(recent.requests, 400, 600);
	nodes_site_recent(nodes, 7, clock_ms + 30000, 5, &recent);
	assert_int_equal(recent.requests, 0);
	/* What a node counts for the first time began behind its last look, if it says so, also when it begins anew. */
	traffic.record.id = traffic.counter.number = 8;
	traffic.counter.requests = 30;
	traffic.age_ms = 1500;
	report_start(&report, 1);
	report_add(&report, &traffic, sizeof(traffic));
	assert_int_equal(report_send(&report, nodes, "a", T0 + 11900), OK);
	memset(point, 0, sizeof(point));
	nodes_site_series(nodes, 8, T0, SECOND_MS, point, 12);
	assert_int_equal(point[11].requests, 30);
	traffic.counter.requests = 20;
	traffic.age_ms = 1000;
	report_start(&report, 1);
	report_add(&report, &traffic, sizeof(traffic));
	assert_int_equal(report_send(&report, nodes, "a", T0 + 11950), OK);
	memset(point, 0, sizeof(point));
	nodes_site_series(nodes, 8, T0, 20 * SECOND_MS, point, 1);
	assert_int_equal(point[0].requests, 50);
	/* Totals of nobody knows when are no requests. */
	traffic.record.id = traffic.counter.number = 7;
	traffic.age_ms = 0;
	traffic.counter.requests = 5;
	report_start(&report, 1);
	report_add(&report, &traffic, sizeof(traffic));
	assert_int_equal(report_send(&report, nodes, "a", clock_ms + SECOND_MS), OK);
	memset(point, 0, sizeof(point));
	nodes_site_series(nodes, 7, T0, 60 * SECOND_MS, point, 1);
	assert_int_equal(point[0].requests, 1100);
	nodes_free(nodes);
}

/* ---- tops */

static void add_top(struct statistics *statistics, int64_t until_ms, const char *key,
	uint64_t count, uint64_t total)
{
	struct record_site_top top = { .record = { .id = 7 },
		.kind = TOP_URL,
		.entry_count = 1,
		.window_ms = 10000,
		.until_ms = until_ms,
		.total = total };

	top.entry[0] = (struct top_entry){
		.count = count, .error = 1, .hits = 2, .length = (uint16_t)strlen(key)
	};
	memcpy(top.entry[0].key, key, strlen(key));
	statistics_top_add(statistics, &top);
}

static void test_tops(void **state)
{
	const struct top_span ten = { .from_ms = T0, .until_ms = T0 + 10000 };
	struct statistics *statistics = make();
	struct top_entry entry[TOP_MERGED];
	struct top_span span;
	uint64_t total, window_ms;
	char key[16];
	(void)state;

	add_top(statistics, T0, "/a", 10, 30);
	add_top(statistics, T0 + 10000, "/b", 15, 20);
	add_top(statistics, T0 + 20000, "/a", 20, 25);
	assert_int_equal(statistics_top(statistics, 7, TOP_URL,
				 &(struct top_span){ .from_ms = T0 - 5000, .until_ms = T0 + 20000 },
				 entry, &total, &window_ms),
		2);
	assert_string_equal(entry[0].key, "/a");
	assert_int_equal(entry[0].count, 30);
	assert_int_equal(entry[0].error, 2);
	assert_int_equal(entry[0].hits, 4);
	assert_string_equal(entry[1].key, "/b");
	assert_int_equal(total, 75);
	assert_int_equal(window_ms, 30000);
	/* A window that only begins where the time ends, or ends where it begins, is none of it. */
	assert_int_equal(statistics_top(statistics, 7, TOP_URL, &ten, entry, &total, NULL), 1);
	assert_string_equal(entry[0].key, "/b");
	assert_int_equal(statistics_top(statistics, 7, TOP_SOURCE, &ten, entry, &total, NULL), 0);
	/* Those that began behind a time, ended before one, or had not more than so many a second. */
	span = (struct top_span){ T0 - 5000, T0 + 20000, .begin_ms = T0 + 1 };
	assert_int_equal(statistics_top(statistics, 7, TOP_URL, &span, entry, &total, NULL), 1);
	assert_int_equal(total, 25);
	span = (struct top_span){ T0 - 5000, T0 + 20000, .end_ms = T0 + 19999 };
	assert_int_equal(statistics_top(statistics, 7, TOP_URL, &span, entry, &total, NULL), 2);
	assert_int_equal(total, 50);
	span = (struct top_span){ T0 - 5000, T0 + 20000, .rate_max = 2 };
	assert_int_equal(statistics_top(statistics, 7, TOP_URL, &span, entry, &total, NULL), 1);
	assert_int_equal(total, 20);
	/* More keys than have a place: the most frequent stays, and nobody is counted too little. */
	for (unsigned i = 0; i < 3 * TOP_MERGED; i++) {
		(void)snprintf(key, sizeof(key), "/%u", i);
		add_top(statistics, T0 + 30000, key, 2, 2);
		add_top(statistics, T0 + 30000, "/often", 3, 3);
	}
	span = (struct top_span){ .from_ms = T0 + 20000, .until_ms = T0 + 30000 };
	assert_int_equal(
		statistics_top(statistics, 7, TOP_URL, &span, entry, &total, NULL), TOP_MERGED);
	assert_string_equal(entry[0].key, "/often");
	assert_in_range(entry[0].count, 9 * TOP_MERGED, 9 * TOP_MERGED + entry[0].error);
	drop(statistics);
}

/* ---- answers */

static void put_line(struct answers *answers, size_t node, uint32_t sequence, int64_t time_ms)
{
	static struct record_log_line line;

	line = (struct record_log_line){
		.record = { .id = 5 }, .sequence = sequence, .time_ms = time_ms
	};
	line.length = (uint32_t)snprintf(line.text, sizeof(line.text), "{\"at\":%d}", (int)time_ms);
	answers_line(answers, node, &line, T0);
}

static void test_answers(void **state)
{
	const struct record_log_done done = { .record = { .id = 5 } },
				     partial = { .record = { .id = 5 }, .partial = 1 };
	struct answers *answers = answers_new();
	struct arena *mem = arena_new(1 << 20);
	struct answer answer;
	(void)state;

	assert_non_null(answers);
	assert_int_equal(answers_get(answers, mem, 5, 10, &answer), OK);
	assert_int_equal(answer.count + answer.nodes, 0);
	/* Two nodes; one tells the same twice. */
	put_line(answers, 0, 0, 50);
	put_line(answers, 0, 1, 20);
	put_line(answers, 1, 0, 30);
	put_line(answers, 0, 0, 50);
	put_line(answers, 0, 1, 20);
	put_line(answers, 0, 2, 10);
	answers_done(answers, 0, &done, T0);
	assert_int_equal(answers_get(answers, mem, 5, 10, &answer), OK);
	assert_int_equal(answer.nodes, 1);
	assert_false(answer.partial);
	assert_int_equal(answer.count, 4);
	assert_string_equal(answer.line[0].text, "{\"at\":50}");
	assert_int_equal(answer.line[1].time_ms, 30);
	assert_int_equal(answer.line[3].time_ms, 10);
	answers_done(answers, 1, &partial, T0);
	assert_int_equal(answers_get(answers, mem, 5, 2, &answer), OK);
	assert_int_equal(answer.nodes, 2);
	assert_true(answer.partial);
	assert_int_equal(answer.count, 2);
	answers_prune(answers, T0 + ANSWER_KEEP_MS);
	assert_int_equal(answers_get(answers, mem, 5, 2, &answer), OK);
	assert_int_equal(answer.count, 2);
	answers_prune(answers, T0 + ANSWER_KEEP_MS + 1);
	assert_int_equal(answers_get(answers, mem, 5, 2, &answer), OK);
	assert_int_equal(answer.count, 0);
	arena_free(mem);
	answers_free(answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trail),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_recent),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_tops),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
