/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes measure and tell: rates, reasons, port rules, health of origins, and what waits for the engine.
 */
#include "base/clock.h"
#include "control/engine/inbox.h"
#include "control/engine/measure.h"
#include "tests/support/report.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

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

static void send_at(struct nodes *nodes, const char *name, int64_t clock_ms)
{
	assert_int_equal(report_send(&report, nodes, name, clock_ms), OK);
}

static void traffic_at(
	struct nodes *nodes, const char *name, int64_t instance, uint64_t packets, int64_t clock_ms)
{
	report_start(&report, 1);
	if (instance)
		report_traffic(&report, instance, (struct counter){ packets, 100 * packets },
			(struct counter){ packets / 2, 50 * packets }, (struct counter){ 1, 1 });
	send_at(nodes, name, clock_ms);
}

static uint64_t rate_at(struct nodes *nodes, int64_t instance, int64_t clock_ms)
{
	struct node_rates rates;

	if (!nodes_rates(nodes, instance, clock_ms, &rates))
		assert_int_equal(rates.in.packets, 0);
	assert_int_equal(rates.in.bytes, 100 * rates.in.packets);
	return rates.in.packets;
}

/* After a silence with nothing to tell, rates are of the time that the report is of. */
static void test_span(void **state)
{
	struct nodes *nodes = *state;

	traffic_at(nodes, "a", 7, 1000, T0);
	for (uint64_t i = 0; i < 2; i++) {
		const uint64_t packets = 2000 + 4000 * i;
		const int64_t clock_ms = T0 + 8000 + 2000 * (int64_t)i;

		report_start(&report, 1);
		/* A longer one than between the reports says nothing. */
		REPORT_ADD(&report, (struct record_span){ RECORD_HEAD(RECORD_SPAN, 1, record_span),
					    .span_ms = i == 0 ? 500 : 60000 });
		report_traffic(&report, 7, (struct counter){ packets, 100 * packets },
			(struct counter){ 0, 0 }, (struct counter){ 1, 1 });
		send_at(nodes, "a", clock_ms);
		assert_int_equal(rate_at(nodes, 7, clock_ms), 2000);
	}
}

static void test_rates(void **state)
{
	struct nodes *nodes = *state;
	struct node_rates rates;

	assert_int_equal(rate_at(nodes, 7, T0), 0);
	traffic_at(nodes, "a", 7, 1000, T0);
	assert_int_equal(rate_at(nodes, 7, T0), 0); /* one report is no rate */
	traffic_at(nodes, "a", 7, 3000, T0 + 2000);
	assert_int_equal(rate_at(nodes, 7, T0 + 2000), 1000);
	assert_int_equal(rate_at(nodes, 7, T0 + 2000 + RATE_STALE_MS - 1), 1000);
	assert_int_equal(rate_at(nodes, 7, T0 + 2000 + RATE_STALE_MS), 0);
	assert_true(nodes_rates(nodes, 7, T0 + 2000, &rates));
	assert_int_equal(rates.dropped.packets, 500);
	assert_int_equal(rates.out.packets, 0);
	/* Two nodes add up. */
	traffic_at(nodes, "b", 7, 5, T0 + 1000);
	traffic_at(nodes, "b", 7, 25, T0 + 2000);
	assert_int_equal(rate_at(nodes, 7, T0 + 2000), 1020);
	/* What is not in a report did not change. */
	traffic_at(nodes, "a", 0, 0, T0 + 3000);
	assert_int_equal(rate_at(nodes, 7, T0 + 3000), 20);
	traffic_at(nodes, "a", 7, 3500, T0 + 4000);
	assert_int_equal(rate_at(nodes, 7, T0 + 4000), 520);
	/* Maps made anew, a clock that went back, a long silence: no rate. */
	traffic_at(nodes, "a", 7, 10, T0 + 5000);
	assert_int_equal(rate_at(nodes, 7, T0 + 6000), 0);
	traffic_at(nodes, "a", 7, 20, T0 + 4000);
	assert_int_equal(rate_at(nodes, 7, T0 + 6000), 0);
	traffic_at(nodes, "a", 7, 2000, T0 + DAY_MS);
	assert_int_equal(rate_at(nodes, 7, T0 + DAY_MS), 0);
	/* The largest numbers. */
	traffic_at(nodes, "c", 8, 0, T0);
	report_start(&report, 1);
	report_traffic(&report, 8, (struct counter){ UINT64_MAX, UINT64_MAX },
		(struct counter){ 0, 0 }, (struct counter){ 0, 0 });
	send_at(nodes, "c", T0 + 1000);
	assert_true(nodes_rates(nodes, 8, T0 + 1000, &rates));
	assert_true(rates.in.bytes >= UINT64_MAX / 1000 * 999);
}

/* A node that did not notice at once that the control began anew tells first what changed, and then everything: totals that
 * stood before are no rate. An instance that is told of later has begun since. */
static void test_totals_told_late(void **state)
{
	const struct counter total = { 1000000000, 100000000000 };
	struct nodes *nodes = *state;
	struct reason_measure measure;

	traffic_at(nodes, "a", 1, 10, T0);
	for (int second = 1; second <= 2; second++) {
		report_start(&report, 1);
		report_traffic(&report, 7, total, total, total);
		report_reason(&report, 7, REASON_block_list, total);
		send_at(nodes, "a", T0 + second * SECOND_MS);
		assert_int_equal(rate_at(nodes, 7, T0 + second * SECOND_MS), 0);
		assert_true(nodes_reason(
			nodes, 7, REASON_block_list, T0 + second * SECOND_MS, &measure));
		assert_int_equal(measure.rate.packets, 0);
		assert_int_equal(measure.total.packets, total.packets);
	}
	traffic_at(nodes, "a", 7, total.packets + 500, T0 + 3 * SECOND_MS);
	assert_int_equal(rate_at(nodes, 7, T0 + 3 * SECOND_MS), 500);
	traffic_at(nodes, "a", 0, 0, T0 + 19 * SECOND_MS);
	traffic_at(nodes, "a", 8, 300, T0 + 20 * SECOND_MS);
	assert_int_equal(rate_at(nodes, 8, T0 + 20 * SECOND_MS), 300);
}

static enum err traffic_by(
	struct nodes *nodes, uint64_t agent_boot, uint64_t packets, int64_t clock_ms)
{
	report_start_by(&report, 1, agent_boot);
	report_traffic(&report, 7, (struct counter){ packets, 100 * packets },
		(struct counter){ 0, 0 }, (struct counter){ 0, 0 });
	return report_send(&report, nodes, "a", clock_ms);
}

/* Two machines that were given one name: the totals of both in turns are no traffic. */
static void test_two_agents_of_one_name(void **state)
{
	struct nodes *nodes = *state;
	int64_t clock_ms = T0;

	assert_int_equal(traffic_by(nodes, 11, 100, clock_ms), OK);
	/* Its successor, whose totals stand far above. */
	assert_int_equal(traffic_by(nodes, 12, 1000000000, clock_ms += SECOND_MS), OK);
	assert_int_equal(rate_at(nodes, 7, clock_ms), 0);
	assert_int_equal(traffic_by(nodes, 12, 1000000200, clock_ms += SECOND_MS), OK);
	assert_int_equal(rate_at(nodes, 7, clock_ms), 200);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(traffic_by(nodes, 11, 200, clock_ms + 100), ERR_CONFLICT);
		assert_int_equal(traffic_by(nodes, 12, 1000000400 + 200 * (uint64_t)i,
					 clock_ms += SECOND_MS),
			OK);
		assert_int_equal(rate_at(nodes, 7, clock_ms), 200);
	}
	/* The later one was a mistake and is gone. */
	assert_int_equal(traffic_by(nodes, 11, 200, clock_ms += 59 * SECOND_MS), ERR_CONFLICT);
	assert_int_equal(traffic_by(nodes, 11, 200, clock_ms += SECOND_MS), OK);
	assert_int_equal(traffic_by(nodes, 11, 250, clock_ms += SECOND_MS), OK);
	assert_int_equal(rate_at(nodes, 7, clock_ms), 50);
}

static void test_rates_above(void **state)
{
	struct nodes *nodes = *state;
	struct arena *mem = arena_new(1 << 20);
	struct instance_rates *rows;
	size_t count;

	assert_int_equal(nodes_rates_above(nodes, mem, 1000, T0, &rows, &count), OK);
	assert_int_equal(count, 0);
	for (int second = 0; second < 2; second++) {
		static const char *const names[] = { "a", "b" };

		for (int node = 0; node < 2; node++) {
			report_start(&report, 1);
			for (uint64_t i = 1; i <= 40; i++) {
				uint64_t packets = i * (uint64_t)second;

				report_traffic(&report, (int64_t)i,
					(struct counter){ packets, 100 * packets },
					(struct counter){ 0, 0 }, (struct counter){ 0, 0 });
			}
			send_at(nodes, names[node], T0 + second * SECOND_MS);
		}
	}
	/* Each instance i has 100 * i a second at both nodes. */
	assert_int_equal(nodes_rates_above(nodes, mem, 6000, T0 + SECOND_MS, &rows, &count), OK);
	assert_int_equal(count, 11);
	assert_int_equal(rows[0].instance_number, 30);
	assert_int_equal(rows[0].rates.in.bytes, 6000);
	assert_int_equal(rows[10].instance_number, 40);
	assert_int_equal(nodes_rates_above(nodes, mem, 8001, T0 + SECOND_MS, &rows, &count), OK);
	assert_int_equal(count, 0);
	assert_int_equal(nodes_rates_above(nodes, mem, 6000, T0 + MINUTE_MS, &rows, &count), OK);
	assert_int_equal(count, 0);
	arena_free(mem);
}

static void test_reasons(void **state)
{
	struct nodes *nodes = *state;
	struct reason_measure measure;
	uint32_t watched = REASON_WATCHED | REASON_region;

	for (uint64_t second = 0; second < 2; second++) {
		report_start(&report, 1);
		report_reason(&report, 7, REASON_block_list,
			(struct counter){ 10 + 5 * second, 100 + 50 * second });
		report_reason(&report, 7, watched, (struct counter){ 3, 30 });
		send_at(nodes, "a", T0 + (int64_t)second * SECOND_MS);
	}
	assert_true(nodes_reason(nodes, 7, REASON_block_list, T0 + SECOND_MS, &measure));
	assert_int_equal(measure.total.packets, 15);
	assert_int_equal(measure.rate.packets, 5);
	assert_int_equal(measure.rate.bytes, 50);
	assert_true(nodes_reason(nodes, 7, watched, T0 + SECOND_MS, &measure));
	assert_int_equal(measure.total.packets, 3);
	assert_int_equal(measure.rate.packets, 0);
	assert_false(nodes_reason(nodes, 7, REASON_region, T0, &measure));
	assert_false(nodes_reason(nodes, 8, REASON_block_list, T0, &measure));
	assert_int_equal(measure.total.packets, 0);
	assert_true(nodes_reason(nodes, 7, REASON_block_list, T0 + HOUR_MS, &measure));
	assert_int_equal(measure.total.packets, 15);
	assert_int_equal(measure.rate.packets, 0);
}

static void service_at(struct nodes *nodes, const char *name, uint64_t opened, uint64_t rate,
	uint64_t connections, int64_t clock_ms)
{
	report_start(&report, 1);
	REPORT_ADD(&report, (struct record_service_state){
				    RECORD_HEAD(RECORD_SERVICE_STATE, 5, record_service_state),
				    .connections = 4, .opened = opened, .refused_rate = rate,
				    .refused_connections = connections });
	send_at(nodes, name, clock_ms);
}

static void test_services_and_refusals(void **state)
{
	struct nodes *nodes = *state;
	struct inbox *inbox = nodes_inbox(nodes);
	struct service_measure measure;
	struct refusal refusal[2];

	assert_false(nodes_service(nodes, 5, &measure));
	service_at(nodes, "a", 100, 9, 9, T0);
	assert_false(inbox_has_refusals(inbox)); /* where totals stand is no news */
	service_at(nodes, "a", 150, 9, 9, T0 + 1000);
	assert_false(inbox_has_refusals(inbox));
	assert_true(nodes_service(nodes, 5, &measure));
	assert_int_equal(measure.opened, 150);
	assert_int_equal(measure.opened_rate, 50);
	assert_int_equal(measure.connections, 4);
	service_at(nodes, "a", 150, 10, 9, T0 + 2000);
	service_at(nodes, "a", 150, 10, 11, T0 + 3000);
	assert_true(inbox_has_refusals(inbox));
	assert_int_equal(inbox_refusals(inbox, refusal, 2), 1);
	assert_int_equal(refusal[0].service, 5);
	assert_int_equal(refusal[0].first_ms, T0 + 2000);
	assert_int_equal(refusal[0].last_ms, T0 + 3000);
	/* What comes while it is written is another one. */
	service_at(nodes, "a", 150, 11, 11, T0 + 4000);
	inbox_done_refusals(inbox, 1);
	assert_int_equal(inbox_refusals(inbox, refusal, 2), 1);
	assert_int_equal(refusal[0].first_ms, T0 + 4000);
	/* Not done: they are there again. */
	assert_int_equal(inbox_refusals(inbox, refusal, 2), 1);
	inbox_done_refusals(inbox, 1);
	assert_false(inbox_has_refusals(inbox));
	service_at(nodes, "b", 1, 1, 1, T0);
	assert_true(nodes_service(nodes, 5, &measure));
	assert_int_equal(measure.connections, 8);
	assert_int_equal(measure.refused_connections, 12);
}

static void health_at(struct nodes *nodes, const char *name, bool first, bool second)
{
	struct record_health_state state = {
		RECORD_HEAD(RECORD_HEALTH_STATE, 5, record_health_state), .origin_count = 3
	};

	for (unsigned i = 0; i < 3; i++) {
		state.origin[i].address.byte[15] = (uint8_t)(i + 1);
		state.origin[i].port = 80;
		state.origin[i].checked = i < 2;
		state.origin[i].since_ms = T0 + (int64_t)i;
	}
	state.origin[0].healthy = first;
	state.origin[1].healthy = second;
	report_start(&report, 1);
	report_add(&report, &state, sizeof(state));
	send_at(nodes, name, T0);
}

static void test_health(void **state)
{
	struct nodes *nodes = *state;
	struct origin_health health;
	uint8_t address[16] = { [15] = 1 };

	assert_false(nodes_health(nodes, 5, address, 80, &health));
	health_at(nodes, "a", true, false);
	health_at(nodes, "b", true, true);
	assert_true(nodes_health(nodes, 5, address, 80, &health));
	assert_int_equal(health.nodes, 2);
	assert_int_equal(health.unhealthy_nodes, 0);
	assert_false(nodes_health(nodes, 5, address, 81, &health));
	assert_false(nodes_health(nodes, 6, address, 80, &health));
	address[15] = 2;
	assert_true(nodes_health(nodes, 5, address, 80, &health));
	assert_int_equal(health.nodes, 2);
	assert_int_equal(health.unhealthy_nodes, 1);
	assert_int_equal(health.since_ms, T0 + 1);
	address[15] = 3; /* no verdict yet */
	assert_false(nodes_health(nodes, 5, address, 80, &health));
}

static void site_at(struct nodes *nodes, const char *name, uint64_t requests, uint64_t refused,
	int64_t clock_ms)
{
	struct record_site_traffic traffic = { RECORD_HEAD(
						       RECORD_SITE_TRAFFIC, 9, record_site_traffic),
		.counter = { .number = 9,
			.requests = requests,
			.bytes_out = 10 * requests,
			.challenged = refused,
			.refused = { [CHECK_frequency] = refused } } };

	report_start(&report, 1);
	if (requests)
		report_add(&report, &traffic, sizeof(traffic));
	send_at(nodes, name, clock_ms);
}

static void test_sites(void **state)
{
	struct nodes *nodes = *state;
	struct site_measure site;

	assert_false(nodes_site(nodes, 9, T0, &site));
	site_at(nodes, "a", 1000, 10, T0);
	site_at(nodes, "b", 500, 0, T0);
	assert_true(nodes_site(nodes, 9, T0, &site));
	assert_int_equal(site.total.requests, 1500);
	assert_int_equal(site.total.refused[CHECK_frequency], 10);
	assert_int_equal(site.requests_rate, 0); /* one report is no rate */
	site_at(nodes, "a", 3000, 40, T0 + 2000);
	site_at(nodes, "b", 501, 0, T0 + 1000);
	assert_true(nodes_site(nodes, 9, T0 + 2000, &site));
	assert_int_equal(site.total.number, 9);
	assert_int_equal(site.total.requests, 3501);
	assert_int_equal(site.requests_rate, 1001);
	assert_int_equal(site.bytes_out_rate, 10010);
	assert_int_equal(site.refused_rate, 30);
	assert_false(nodes_site(nodes, 8, T0, &site));
	/* A node that says nothing of it any more has no rate, and its totals stay. */
	site_at(nodes, "a", 0, 0, T0 + 3000);
	assert_true(nodes_site(nodes, 9, T0 + 3000, &site));
	assert_int_equal(site.requests_rate, 1);
	/* A file that was made anew counts from zero. */
	site_at(nodes, "a", 5, 0, T0 + 4000);
	assert_true(nodes_site(nodes, 9, T0 + 4000, &site));
	assert_int_equal(site.total.requests, 506);
	assert_int_equal(site.requests_rate, 0);
}

static void test_request_bans(void **state)
{
	struct record_request_ban ban = { RECORD_HEAD(RECORD_REQUEST_BAN, 7, record_request_ban),
		.source.byte = { [15] = 4 }, .site = 9, .check = CHECK_frequency,
		.until_ms = T0 + 5 };
	struct inbox *inbox = nodes_inbox(*state);
	struct record_offence taken;

	report_start(&report, 1);
	report_add(&report, &ban, sizeof(ban));
	send_at(*state, "a", T0);
	assert_int_equal(inbox_offences(inbox, &taken, 1), 1);
	assert_int_equal(taken.record.id, 7);
	assert_int_equal(taken.source.byte[15], 4);
	assert_int_equal(taken.mitigation, MITIGATION_request_ban);
	assert_int_equal(taken.until_ms, T0 + 5);
}

static struct record_offence offence(uint8_t last)
{
	return (struct record_offence){ RECORD_HEAD(RECORD_OFFENCE, 7, record_offence),
		.source.byte = { [15] = last }, .service = 5, .mitigation = MITIGATION_source_rate,
		.until_ms = T0 };
}

static void test_offences(void **state)
{
	struct inbox *inbox = nodes_inbox(*state);
	struct record_offence taken[3], one = offence(9);
	static struct record_offence all[INBOX_OFFENCE_MAX];

	for (uint8_t i = 0; i < 3; i++) {
		report_start(&report, 1);
		REPORT_ADD(&report, offence(i));
		send_at(*state, "a", T0);
	}
	assert_true(inbox_has_offences(inbox));
	assert_int_equal(inbox_offences(inbox, taken, 2), 2);
	assert_int_equal(inbox_offences(inbox, taken, 2), 2); /* until they are done */
	assert_int_equal(taken[1].source.byte[15], 1);
	inbox_done_offences(inbox, 2);
	assert_int_equal(inbox_offences(inbox, taken, 3), 1);
	assert_int_equal(taken[0].source.byte[15], 2);
	for (size_t i = 1; i < INBOX_OFFENCE_MAX; i++)
		assert_true(inbox_put_offence(inbox, &one));
	assert_false(inbox_put_offence(inbox, &one));
	assert_int_equal(inbox_offences(inbox, all, INBOX_OFFENCE_MAX), INBOX_OFFENCE_MAX);
	inbox_done_offences(inbox, INBOX_OFFENCE_MAX);
	assert_false(inbox_has_offences(inbox));
}

static struct record_sample sample(int64_t capture, uint8_t first)
{
	return (struct record_sample){ RECORD_HEAD(RECORD_SAMPLE, capture, record_sample),
		.length = 60, .captured = 60, .frame = { first } };
}

static size_t packets_of(struct inbox *inbox, int64_t capture)
{
	struct arena *mem = arena_new(1 << 20);
	size_t count, total;

	assert_non_null(inbox_samples(inbox, mem, capture, 0, 1, &count, &total));
	assert_int_equal(count, total ? 1 : 0);
	arena_free(mem);
	return total;
}

static void test_samples(void **state)
{
	struct inbox *inbox = nodes_inbox(*state);
	struct arena *mem = arena_new(1 << 20);
	struct record_sample one, *list;
	size_t count, total;

	for (int i = 0; i < CAPTURE_PACKETS; i++) {
		one = sample(3, (uint8_t)i);
		assert_true(inbox_put_sample(inbox, &one, T0));
	}
	assert_false(inbox_put_sample(inbox, &one, T0));
	list = inbox_samples(inbox, mem, 3, 250, 10, &count, &total);
	assert_int_equal(count, 10);
	assert_int_equal(total, CAPTURE_PACKETS);
	assert_int_equal(list[0].frame[0], 250);
	assert_non_null(inbox_samples(inbox, mem, 3, CAPTURE_PACKETS, 10, &count, &total));
	assert_int_equal(count, 0);
	assert_int_equal(packets_of(inbox, 4), 0);
	/* One more than are kept: the oldest goes. */
	for (int64_t i = 10; i < 10 + CAPTURE_MAX; i++) {
		one = sample(i, 1);
		assert_true(inbox_put_sample(inbox, &one, T0 + i));
	}
	assert_int_equal(packets_of(inbox, 3), 0);
	assert_int_equal(packets_of(inbox, 10), 1);
	inbox_prune(inbox, T0 + 10 + CAPTURE_KEEP_MS);
	assert_int_equal(packets_of(inbox, 10), 1);
	inbox_prune(inbox, T0 + 11 + CAPTURE_KEEP_MS);
	assert_int_equal(packets_of(inbox, 10), 0);
	assert_int_equal(packets_of(inbox, 11), 1);
	arena_free(mem);
}

/* One bad member each, and the nearest good one. */
static void test_wrong_records(void **state)
{
#define TRY_RECORD(expected, kind, tag, ...)                                                       \
	do {                                                                                       \
		report_start(&report, 1);                                                          \
		REPORT_ADD(&report, (struct tag){ RECORD_HEAD(kind, 1, tag), __VA_ARGS__ });       \
		assert_int_equal(report_send(&report, *state, "n", T0), expected);                 \
	} while (0)
#define PAIR(kind, tag, member, good)                                                              \
	TRY_RECORD(OK, kind, tag, member = (good));                                                \
	TRY_RECORD(ERR_FORMAT, kind, tag, member = (good) + 1)
#define NUMBER(kind, tag)                                                                          \
	do {                                                                                       \
		report_start(&report, 1);                                                          \
		REPORT_ADD(&report, (struct tag){ RECORD_HEAD(kind, 0, tag) });                    \
		assert_int_equal(report_send(&report, *state, "n", T0), ERR_FORMAT);               \
	} while (0)
	PAIR(RECORD_VIP_REASON, record_vip_reason, .reason, REASON_COUNT - 1);
	PAIR(RECORD_VIP_REASON, record_vip_reason, .reason, REASON_WATCHED | (REASON_COUNT - 1));
	PAIR(RECORD_HEALTH_STATE, record_health_state, .origin_count, ORIGIN_MAX);
	PAIR(RECORD_OFFENCE, record_offence, .mitigation, MITIGATION_COUNT - 1);
	PAIR(RECORD_SAMPLE, record_sample, .reason, REASON_COUNT - 1);
	TRY_RECORD(OK, RECORD_SAMPLE, record_sample, .length = 1500, .captured = SAMPLE_BYTES);
	TRY_RECORD(ERR_FORMAT, RECORD_SAMPLE, record_sample, .length = 1500,
		.captured = SAMPLE_BYTES + 1);
	TRY_RECORD(OK, RECORD_SAMPLE, record_sample, .length = 60, .captured = 60);
	TRY_RECORD(ERR_FORMAT, RECORD_SAMPLE, record_sample, .length = 60, .captured = 61);
	NUMBER(RECORD_VIP_REASON, record_vip_reason);
	NUMBER(RECORD_SERVICE_STATE, record_service_state);
	NUMBER(RECORD_HEALTH_STATE, record_health_state);
	NUMBER(RECORD_OFFENCE, record_offence);
	NUMBER(RECORD_SAMPLE, record_sample);
	PAIR(RECORD_REQUEST_BAN, record_request_ban, .check, CHECK_COUNT - 1);
	NUMBER(RECORD_REQUEST_BAN, record_request_ban);
	PAIR(RECORD_SITE_TRAFFIC, record_site_traffic, .counter.number, 1);
	NUMBER(RECORD_SITE_TRAFFIC, record_site_traffic);
}

/* Records that are as long as their lists. */
static enum err send_visitors(struct nodes *nodes, const struct record_visitors *record)
{
	report_start(&report, 1);
	report_add(&report, record, record->record.length);
	return report_send(&report, nodes, "n", T0);
}

static void test_wrong_visitors(void **state)
{
#define LENGTH(count) (offsetof(struct record_visitors, sample) + (count) * sizeof(struct address))
#define VISITORS(expected, count, bytes, ...)                                                      \
	do {                                                                                       \
		const struct record_visitors record_ = { .record = { RECORD_VISITORS,              \
								 (uint16_t)(bytes), 1 },           \
			.sample_count = (count),                                                   \
			__VA_ARGS__ };                                                             \
		assert_int_equal(send_visitors(*state, &record_), expected);                       \
	} while (0)
	VISITORS(OK, 1, LENGTH(1), .total = 1, .of = VISITORS_SITE);
	VISITORS(OK, VISITORS_SAMPLES, LENGTH(VISITORS_SAMPLES), .total = VISITORS_SAMPLES);
	VISITORS(OK, 2, LENGTH(2), .total = UINT64_MAX);
	VISITORS(ERR_FORMAT, 1, LENGTH(1), .total = 1, .of = VISITORS_SITE + 1);
	VISITORS(ERR_FORMAT, 0, LENGTH(0), .total = 1);
	VISITORS(ERR_FORMAT, 2, LENGTH(1), .total = 2);
	VISITORS(ERR_FORMAT, 1, LENGTH(2), .total = 2);
	VISITORS(ERR_FORMAT, 2, LENGTH(2), .total = 1);
	VISITORS(ERR_FORMAT, VISITORS_SAMPLES + 1, LENGTH(VISITORS_SAMPLES), .total = 100);
}

/* What refused them is a reason of packets, or a check of requests. */
static void test_wrong_sighted(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t reason;
		enum err expected;
	} rows[] = {
		{ RECORD_SIGHTED, REASON_COUNT - 1, OK },
		{ RECORD_SIGHTED, REASON_COUNT, ERR_FORMAT },
		{ RECORD_SITE_SIGHTED, CHECK_COUNT - 1, OK },
		{ RECORD_SITE_SIGHTED, CHECK_COUNT, ERR_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record_sighted record = {
			.record = { rows[i].type,
				offsetof(struct record_sighted, entry) + sizeof(struct sighted),
				1 },
			.entry_count = 1,
			.total = 1,
			.entry = { { .key.reason = rows[i].reason, .count = 1, .hits = 1 } },
		};

		report_start(&report, 1);
		report_add(&report, &record, record.record.length);
		if (report_send(&report, *state, "n", T0) != rows[i].expected)
			fail_msg("row %zu", i);
	}
}

static void test_table_at_its_maximum(void **state)
{
	struct wide {
		struct entry entry;
		uint64_t value;
	} * entry;
	struct table table;
	(void)state;

	table_init(&table, sizeof(struct wide), 256);
	assert_null(table_find(&table, 1));
	for (uint64_t key = 1; key <= 192; key++) {
		entry = table_put(&table, key, T0 + (int64_t)key);
		assert_non_null(entry);
		entry->value = key;
	}
	assert_null(table_put(&table, 193, T0 + 193));
	assert_non_null(table_put(&table, 192, T0 + 193)); /* known */
	/* A week later the first ones make room. */
	entry = table_put(&table, 193, T0 + 7 * DAY_MS + 10);
	assert_non_null(entry);
	assert_int_equal(entry->value, 0);
	assert_null(table_find(&table, 9));
	for (uint64_t key = 10; key <= 192; key++) {
		entry = table_find(&table, key);
		assert_non_null(entry);
		assert_int_equal(entry->value, key);
	}
	table_free(&table);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rates),
		TEST(test_span),
		TEST(test_totals_told_late),
		TEST(test_two_agents_of_one_name),
		TEST(test_rates_above),
		TEST(test_reasons),
		TEST(test_services_and_refusals),
		TEST(test_health),
		TEST(test_sites),
		TEST(test_request_bans),
		TEST(test_offences),
		TEST(test_samples),
		TEST(test_wrong_records),
		TEST(test_wrong_visitors),
		TEST(test_wrong_sighted),
		TEST(test_table_at_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
