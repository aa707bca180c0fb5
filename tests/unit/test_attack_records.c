/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of attacks, on a real store with reports of nodes that never were.
 */
#include "base/text.h"
#include "control/engine/attackers.h"
#include "control/engine/attacks.h"
#include "control/store/attack.h"
#include "control/store/website.h"
#include "tests/support/report.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define REASONS 3
static const uint32_t reasons[REASONS] = { REASON_tcp_flags, REASON_cookie_sent,
	REASON_source_rate };

struct counted { /* by one node since its maps were made */
	uint64_t packets, dropped, reason[REASONS];
};
struct world {
	struct test_store store;
	struct nodes *nodes;
	struct attacks attacks;
	struct instance instance;
	int64_t clock_ms;
	struct counted node[2];
};
static const struct engine_settings settings = { .blackhole = true, .blackhole_ms = HOUR_MS };
static struct report report;

static void start(struct world *world)
{
	world->nodes = nodes_new();
	assert_non_null(world->nodes);
	attacks_init(&world->attacks, world->nodes, &settings);
}

static void stop(struct world *world)
{
	attacks_free(&world->attacks);
	nodes_free(world->nodes);
}

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	test_store_open(&world.store);
	start(&world);
	world.instance = test_store_add(&world.store, 1, T0 + 30 * DAY_MS);
	world.clock_ms = T0;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	test_store_check(&world->store);
	stop(world);
	test_store_close(&world->store);
	return 0;
}

static enum err tick_now(struct world *world)
{
	struct tick tick = {
		.db = world->store.db,
		.mem = world->store.mem,
		.now_ms = world->clock_ms,
		.clock_ms = world->clock_ms,
		.attacks = &world->attacks,
	};

	arena_reset(world->store.mem);
	return steps_run(&tick);
}

static void tell(struct world *world, size_t node)
{
	struct counted *counted = &world->node[node];

	report_start(&report, 1);
	if (counted->packets > 0)
		report_traffic(&report, world->instance.number,
			(struct counter){ counted->packets, counted->packets * 100 },
			(struct counter){ counted->dropped, counted->dropped * 100 },
			(struct counter){ 0, 0 });
	for (int i = 0; i < REASONS; i++)
		if (counted->reason[i] > 0)
			report_reason(&report, world->instance.number, reasons[i],
				(struct counter){ counted->reason[i], counted->reason[i] * 100 });
	assert_int_equal(
		report_send(&report, world->nodes, node == 0 ? "a" : "b", world->clock_ms), OK);
}

/* Seconds pass in which so many packets a second come to a node, and so many are refused by the reason. */
static void seconds(struct world *world, int64_t count, size_t node, uint64_t packets,
	uint64_t refused, int reason)
{
	for (int64_t i = 0; i < count; i++) {
		struct counted *counted = &world->node[node];

		world->clock_ms += SECOND_MS;
		counted->packets += packets;
		counted->reason[reason] += refused;
		if (reasons[reason] >= REASON_DROP_FIRST)
			counted->dropped += refused;
		tell(world, node);
		assert_int_equal(tick_now(world), OK);
	}
}

static void expect_rows(struct world *world, const char *sql, const char *expected)
{
	char *rows = test_store_query(&world->store, sql);

	assert_string_equal(rows, expected);
	free(rows);
}

/* Times in seconds since T0; end -1: it goes on. */
#define RECORDS                                                                                    \
	"SELECT kind, (begin_ms - 1767225600000) / 1000, (mitigated_ms - 1767225600000) / 1000,"   \
	" CASE end_ms WHEN 0 THEN -1 ELSE (end_ms - 1767225600000) / 1000 END, refused_packets,"   \
	" peak_refused_packets, parts FROM attack ORDER BY number"

static void expect_events(struct world *world, const char *expected)
{
	expect_rows(world,
		"SELECT coalesce(group_concat(kind, ' '), '') FROM (SELECT kind FROM event"
		" ORDER BY number)",
		expected);
}

static void test_begin_and_end(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 20, 0, 500, 0, 0);
	expect_rows(world, RECORDS, "");
	/* Known with the first report of it, a second after its begin. */
	seconds(world, 1, 0, 5500, 5000, 0);
	expect_rows(world, RECORDS, "0|20|20|-1|5000|5000|tcp_flags 5000 500000\n");
	expect_events(world, "attack_began\n");
	/* Written down now and then. */
	seconds(world, 9, 0, 6500, 6000, 0);
	expect_rows(world, "SELECT refused_packets > 20000, peak_refused_packets FROM attack",
		"1|6000\n");
	seconds(world, 59, 0, 500, 0, 0);
	expect_events(world, "attack_began\n");
	seconds(world, 2, 0, 500, 0, 0);
	expect_rows(world, RECORDS, "0|20|20|30|59000|6000|tcp_flags 59000 5900000\n");
	expect_events(world, "attack_began attack_ended\n");
	expect_rows(world, "SELECT detail FROM event WHERE kind = 'attack_ended'",
		"{\"attack\":1,\"type\":\"defense\",\"begin\":1767225620000,\"end\":1767225630000,"
		"\"secondsToMitigate\":0,"
		"\"peakPps\":6000,\"peakBps\":4800000,\"reasons\":\"tcp_flags\"}\n");
	/* And again. */
	seconds(world, 1, 0, 5500, 5000, 0);
	expect_events(world, "attack_began attack_ended attack_began\n");
}

/* SYNs that got a cookie which did not come back; and at the same time refused connections: two kinds. */
static void test_kinds(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 1, 0, 3000, 3000, 1);
	seconds(world, 1, 0, 3000, 2000, 2);
	expect_rows(world, RECORDS,
		"0|12|12|-1|3000|3000|cookie_sent 3000 300000\n"
		"2|13|13|-1|2000|2000|source_rate 2000 200000\n");
	expect_events(world, "attack_began attack_began\n");
}

static void test_two_nodes(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	tell(world, 1);
	for (int i = 0; i < 13; i++) {
		world->node[1].packets += 700;
		world->node[1].dropped += i == 12 ? 600 : 0;
		world->node[1].reason[0] += i == 12 ? 600 : 0;
		world->clock_ms += SECOND_MS;
		tell(world, 1);
		world->clock_ms -= SECOND_MS;
		seconds(world, 1, 0, 700, i == 12 ? 600 : 0, 0);
	}
	/* Neither is over the threshold alone. */
	expect_rows(world, RECORDS, "0|12|12|-1|1200|1200|tcp_flags 1200 120000\n");
}

static void test_node_restarts(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 5, 0, 5000, 5000, 0);
	/* Its maps are new: it counts from 0, and that report is of nobody knows when. */
	world->node[0] = (struct counted){ .packets = 10 };
	seconds(world, 1, 0, 5000, 5000, 0);
	seconds(world, 4, 0, 5000, 5000, 0);
	seconds(world, 62, 0, 10, 0, 0);
	expect_rows(world, RECORDS, "0|12|12|22|45000|5000|tcp_flags 45000 4500000\n");
}

/* Nobody tells of it any more: it is not over. */
static void test_silence(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 5, 0, 5000, 5000, 0);
	world->clock_ms += 10 * MINUTE_MS;
	assert_int_equal(tick_now(world), OK);
	expect_events(world, "attack_began\n");
	seconds(world, 1, 0, 10, 0, 0);
	expect_events(world, "attack_began attack_ended\n");
}

static void test_control_restarts(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 11, 0, 5000, 5000, 0);
	stop(world);
	start(world);
	world->clock_ms += 3 * SECOND_MS;
	tell(world, 0);
	seconds(world, 4, 0, 5000, 5000, 0);
	expect_events(world, "attack_began\n");
	seconds(world, 62, 0, 10, 0, 0);
	/* What came while it was away is not counted. */
	expect_rows(world,
		"SELECT (begin_ms - 1767225600000) / 1000, (end_ms - 1767225600000) / 1000,"
		" refused_packets BETWEEN 50000 AND 75000 FROM attack",
		"12|30|1\n");
	expect_events(world, "attack_began attack_ended\n");
}

static void test_released(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 2, 0, 5000, 5000, 0);
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(instance_release(world->store.db, &world->instance, T0), OK);
	assert_int_equal(db_commit(world->store.db), OK);
	seconds(world, 10, 0, 5000, 5000, 0);
	/* It ended with its instance, and is remembered for half a year. */
	expect_rows(world, "SELECT count(*), end_ms > 0 FROM attack", "1|1\n");
	world->clock_ms += ATTACK_KEEP_MS - MINUTE_MS;
	assert_int_equal(tick_now(world), OK);
	expect_rows(world, "SELECT count(*) FROM attack", "1\n");
	world->clock_ms += 2 * MINUTE_MS;
	assert_int_equal(tick_now(world), OK);
	expect_rows(world, "SELECT count(*) FROM attack", "0\n");
}

static void test_blackhole(void **state)
{
	const uint64_t packets = UINT64_C(50000000); /* 40 Gbit/s, over the plan's 30 */
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 1, 0, packets, 0, 0);
	expect_rows(world, "SELECT kind, end_ms, peak_refused_packets FROM attack WHERE kind = 1",
		"1|0|50000000\n");
	seconds(world, 3, 0, packets, packets, 0);
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(db_run(world->store.db,
				 "UPDATE protection SET blackhole_until_ms = 0,"
				 " blackhole_from_ms = 0",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(world->store.db), OK);
	seconds(world, 1, 0, 10, 0, 0);
	expect_rows(world,
		"SELECT (end_ms - begin_ms) / 1000, refused_packets FROM attack WHERE kind = 1",
		"4|150000000\n");
}

/* ---- who attacks */

struct sight {
	const char *source;
	uint32_t reason;
	uint64_t packets;
};

/* A node tells of a window of samples: all of it went to port 53 of UDP. */
static void sight(struct world *world, size_t node, const struct sight *sights, size_t count)
{
	for (unsigned kind = 0; kind < SIGHTED_KINDS; kind++) {
		struct record_sighted sighted = {
			.record = { RECORD_SIGHTED, 0, (uint32_t)world->instance.number },
			.kind = (uint8_t)kind,
			.entry_count = (uint8_t)count,
			.window_ms = 5000,
		};

		sighted.record.length = (uint16_t)(offsetof(struct record_sighted, entry) +
						   count * sizeof(sighted.entry[0]));
		for (size_t i = 0; i < count; i++) {
			struct sighted *entry = &sighted.entry[i];

			*entry = (struct sighted){ .key = { .reason = sights[i].reason },
				.count = sights[i].packets,
				.votes = sights[i].packets,
				.to = SIGHTED_TO(17, 53),
				.hits = 3 };
			if (kind == SIGHTED_SOURCE)
				assert_true(
					text_to_address(sights[i].source, entry->key.source.byte));
			else
				entry->key.value = kind == SIGHTED_PORT ? entry->to : 128;
			sighted.total += sights[i].packets;
		}
		report_start(&report, 1);
		report_add(&report, &sighted, sighted.record.length);
		assert_int_equal(
			report_send(&report, world->nodes, node == 0 ? "a" : "b", world->clock_ms),
			OK);
	}
}
#define SIGHT(world, node, ...)                                                                    \
	do {                                                                                       \
		const struct sight sights_[] = { __VA_ARGS__ };                                    \
		sight(world, node, sights_, sizeof(sights_) / sizeof(sights_[0]));                 \
	} while (0)
#define PLACES "SELECT attack, places FROM attack_top ORDER BY attack"

/* Merged from all nodes, of the attack's reasons only, written when first known, each minute and at the end. */
static void test_top(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	tell(world, 1);
	/* What was seen before is of no attack. */
	SIGHT(world, 0, { "198.51.100.1", REASON_tcp_flags, 7 });
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 5, 0, 5000, 5000, 0);
	expect_rows(world, PLACES, "");
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 4000 },
		{ "2001:db8:0:1::", REASON_tcp_flags, 500 }, { "192.0.2.9", REASON_plan_bytes, 9 });
	SIGHT(world, 1, { "2001:db8:0:1::", REASON_bogon, 2000 },
		{ "2001:db8:0:1::", REASON_tcp_flags, 3000 });
	seconds(world, 5, 0, 5000, 5000, 0);
#define FIRST                                                                                      \
	"1|{\"sources\":[[\"2001:db8:0:1::\",5500,\"tcp_flags\",1114165],[\"192.0.2.1\",4000,"     \
	"\"tcp_flags\",1114165]],\"ports\":[[1114165,9500,\"tcp_flags\"]],"                        \
	"\"lengths\":[[128,9500,\"tcp_flags\"]]}\n"
	expect_rows(world, PLACES, FIRST);
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 90000 });
	seconds(world, 50, 0, 5000, 5000, 0);
	expect_rows(world, PLACES, FIRST);
	seconds(world, 12, 0, 5000, 5000, 0);
	expect_rows(world, "SELECT places LIKE '%[\"192.0.2.1\",94000,%' FROM attack_top", "1\n");
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 1000 });
	seconds(world, 62, 0, 10, 0, 0);
	expect_rows(world, "SELECT places LIKE '%[\"192.0.2.1\",95000,%' FROM attack_top", "1\n");
	/* The next one has its own. */
	seconds(world, 5, 0, 5000, 5000, 0);
	SIGHT(world, 0, { "203.0.113.5", REASON_tcp_flags, 100 });
	seconds(world, 6, 0, 5000, 5000, 0);
	expect_rows(world, "SELECT places FROM attack_top WHERE attack = 2",
		"{\"sources\":[[\"203.0.113.5\",100,\"tcp_flags\",1114165]],\"ports\":[[1114165,"
		"100,"
		"\"tcp_flags\"]],\"lengths\":[[128,100,\"tcp_flags\"]]}\n");
	/* They are gone with their attacks. */
	world->clock_ms += ATTACK_KEEP_MS + HOUR_MS;
	assert_int_equal(tick_now(world), OK);
	expect_rows(world, PLACES, "");
}

static void test_top_of_two_kinds(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 1, 0, 3000, 3000, 0);
	seconds(world, 4, 0, 3000, 2000, 2);
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 100 },
		{ "192.0.2.1", REASON_source_rate, 50 }, { "192.0.2.2", REASON_source_rate, 20 });
	seconds(world, 6, 0, 3000, 2000, 2);
	expect_rows(world,
		"SELECT attack, places LIKE "
		"'{\"sources\":[[\"192.0.2.1\",100,\"tcp_flags\",1114165]],%',"
		" places LIKE '{\"sources\":[[\"192.0.2.1\",50,\"source_rate\",1114165],"
		"[\"192.0.2.2\",20,%' FROM attack_top ORDER BY attack",
		"1|1|0\n2|0|1\n");
}

/* After a restart it goes on from what was written. */
static void test_top_restarts(void **state)
{
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 5, 0, 5000, 5000, 0);
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 4000 });
	seconds(world, 6, 0, 5000, 5000, 0);
	stop(world);
	start(world);
	world->clock_ms += 3 * SECOND_MS;
	tell(world, 0);
	seconds(world, 4, 0, 5000, 5000, 0);
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 1000 },
		{ "192.0.2.2", REASON_tcp_flags, 600 });
	seconds(world, 62, 0, 10, 0, 0);
	expect_rows(world,
		"SELECT places LIKE '{\"sources\":[[\"192.0.2.1\",5000,\"tcp_flags\",1114165],"
		"[\"192.0.2.2\",600,%' FROM attack_top",
		"1\n");
}

static void test_top_of_blackhole(void **state)
{
	const uint64_t packets = UINT64_C(50000000);
	struct world *world = *state;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 3, 0, packets, 0, 0);
	for (int i = 0; i < 10; i++) {
		SIGHT(world, 0, { "192.0.2.1", REASON_blackhole, 4000 });
		seconds(world, 5, 0, packets, packets, 0);
	}
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(db_run(world->store.db,
				 "UPDATE protection SET blackhole_until_ms = 0,"
				 " blackhole_from_ms = 0",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(world->store.db), OK);
	seconds(world, 1, 0, 10, 0, 0);
	expect_rows(world,
		"SELECT kind, places LIKE '{\"sources\":[[\"192.0.2.1\",40000,\"blackhole\",%'"
		" FROM attack_top, attack WHERE attack = number AND kind = 1",
		"1|1\n");
}

/* A node's list of an instance that nobody attacks takes no place from one that is attacked. */
static void test_top_of_many(void **state)
{
	struct world *world = *state;
	int64_t number = world->instance.number;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	seconds(world, 5, 0, 5000, 5000, 0);
	SIGHT(world, 0, { "192.0.2.1", REASON_tcp_flags, 10 });
	assert_int_equal(tick_now(world), OK);
	world->clock_ms += SECOND_MS;
	assert_int_equal(tick_now(world), OK);
	for (int i = 1; i <= ATTACKERS_MAX + 8; i++) {
		world->instance.number = number + i;
		SIGHT(world, 1, { "198.51.100.7", REASON_tcp_flags, 1000 });
	}
	world->instance.number = number;
	seconds(world, 6, 0, 5000, 5000, 0);
	expect_rows(world, "SELECT places LIKE '{\"sources\":[[\"192.0.2.1\",10,%' FROM attack_top",
		"1\n");
}

/* ---- web sites */

static struct website add_site(struct world *world)
{
	static const char *origin[] = { "10.0.0.1" };
	static struct website_instance on;
	static struct website_port port = { 80, SITE_SCHEME_HTTP };
	struct website site = { .account = 1,
		.domain = "www.example.com",
		.cname = "x.example.net",
		.access_mode = ACCESS_PROTECTED,
		.reuse_cname = "",
		.instance_count = 1,
		.port_count = 1,
		.origin_count = 1,
		.instance = &on,
		.port = &port,
		.origin = origin };

	on.number = world->instance.number;
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(website_insert(world->store.db, &site), OK);
	assert_int_equal(db_commit(world->store.db), OK);
	return site;
}

/* Seconds pass in which so many requests come to the site, and so many are refused. */
static void web_seconds(struct world *world, struct site_counter *counter, int64_t count,
	uint64_t requests, uint64_t refused)
{
	for (int64_t i = 0; i < count; i++) {
		world->clock_ms += SECOND_MS;
		counter->requests += requests;
		counter->refused[CHECK_frequency] += refused;
		report_start(&report, 1);
		REPORT_ADD(&report,
			(struct record_site_traffic){ RECORD_HEAD(RECORD_SITE_TRAFFIC,
							      counter->number, record_site_traffic),
				.age_ms = 1000, .counter = *counter });
		assert_int_equal(report_send(&report, world->nodes, "a", world->clock_ms), OK);
		assert_int_equal(tick_now(world), OK);
	}
}

static void sight_requests(
	struct world *world, uint32_t site, const char *source, uint32_t check, uint64_t requests)
{
	struct record_sighted sighted = {
		.record = { RECORD_SITE_SIGHTED,
			offsetof(struct record_sighted, entry) + sizeof(struct sighted), site },
		.kind = SIGHTED_SOURCE,
		.entry_count = 1,
		.window_ms = 5000,
		.total = requests,
		.entry = { { .key.reason = check,
			.count = requests,
			.votes = requests,
			.to = SIGHTED_TO(6, 80),
			.hits = (uint32_t)requests } },
	};

	assert_true(text_to_address(source, sighted.entry[0].key.source.byte));
	report_start(&report, 1);
	report_add(&report, &sighted, sighted.record.length);
	assert_int_equal(report_send(&report, world->nodes, "a", world->clock_ms), OK);
}

/* Of a web site, by checks, also over a restart; and not mixed up with an instance that has the same number. */
static void test_top_of_web_site(void **state)
{
	struct world *world = *state;
	struct website site = add_site(world);
	struct site_counter counter = { .number = (uint32_t)site.number };

	assert_int_equal(site.number, world->instance.number);
	tell(world, 0);
	web_seconds(world, &counter, 12, 10, 0);
	web_seconds(world, &counter, 4, 500, 400);
	expect_rows(world, "SELECT kind, subject FROM attack", "3|1\n");
	expect_rows(world, PLACES, "");
	SIGHT(world, 0, { "198.51.100.1", REASON_tcp_flags, 7 });
	sight_requests(world, counter.number, "192.0.2.1", CHECK_frequency, 2000);
	sight_requests(world, counter.number, "2001:db8:0:1::", CHECK_region, 300);
	sight_requests(world, counter.number + 1, "192.0.2.99", CHECK_frequency, 5000);
	web_seconds(world, &counter, 6, 500, 400);
	expect_rows(world, PLACES,
		"1|{\"sources\":[[\"192.0.2.1\",2000,\"frequency\",393296],[\"2001:db8:0:1::\",300,"
		"\"region\",393296]],\"ports\":[],\"lengths\":[]}\n");
	stop(world);
	start(world);
	world->clock_ms += 3 * SECOND_MS;
	web_seconds(world, &counter, 4, 500, 400);
	sight_requests(world, counter.number, "192.0.2.1", CHECK_frequency, 500);
	web_seconds(world, &counter, 66, 10, 0);
	expect_rows(world, "SELECT count(*), end_ms > 0 FROM attack", "1|1\n");
	expect_rows(world,
		"SELECT places LIKE '{\"sources\":[[\"192.0.2.1\",2500,%' FROM attack_top", "1\n");
	/* The next one has its own. */
	web_seconds(world, &counter, 4, 500, 400);
	sight_requests(world, counter.number, "203.0.113.5", CHECK_pace, 100);
	web_seconds(world, &counter, 66, 10, 0);
	expect_rows(world,
		"SELECT places LIKE '{\"sources\":[[\"203.0.113.5\",100,\"pace\",393296]],%'"
		" FROM attack_top WHERE attack = 2",
		"1\n");
}

static void test_a_failing_store_loses_nothing(void **state)
{
	struct world *world = *state;
	char *rows;

	tell(world, 0);
	seconds(world, 12, 0, 10, 0, 0);
	world->clock_ms += SECOND_MS;
	world->node[0].packets += 5000;
	world->node[0].dropped += 5000;
	world->node[0].reason[0] += 5000;
	tell(world, 0);
	for (uint64_t nth = 1; nth < 500; nth++) {
		db_torture(nth);
		(void)tick_now(world);
		db_torture(0);
		world->clock_ms += 200;
		rows = test_store_query(&world->store, RECORDS);
		if (rows[0] != '\0')
			nth = 500;
		free(rows);
	}
	expect_rows(world, RECORDS, "0|12|12|-1|5000|5000|tcp_flags 5000 500000\n");
	expect_events(world, "attack_began\n");
	assert_int_equal(tick_now(world), OK);
	expect_events(world, "attack_began\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_begin_and_end),
		TEST(test_kinds),
		TEST(test_two_nodes),
		TEST(test_node_restarts),
		TEST(test_silence),
		TEST(test_control_restarts),
		TEST(test_released),
		TEST(test_blackhole),
		TEST(test_top),
		TEST(test_top_of_two_kinds),
		TEST(test_top_restarts),
		TEST(test_top_of_blackhole),
		TEST(test_top_of_many),
		TEST(test_top_of_web_site),
		TEST(test_a_failing_store_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
