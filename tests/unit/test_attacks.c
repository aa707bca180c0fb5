/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine does about attacks, on a real store with reports of nodes that never were: blackhole, its end,
 * diversion's end, sources that become block-list entries, refusals that become events.
 */
#include "control/engine/attacks.h"
#include "base/text.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"
#include "tests/support/report.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define GBIT UINT64_C(125000000) /* bytes */

struct world {
	struct test_store store;
	struct nodes *nodes;
	struct attacks attacks;
	struct instance instance;
	int64_t clock_ms;
	uint64_t bytes; /* that came so far */
};
static struct report report;

static int setup(void **state)
{
	static const struct engine_settings settings = { .blackhole = true,
		.blackhole_ms = 150 * MINUTE_MS };
	static struct world world;

	memset(&world, 0, sizeof(world));
	test_store_open(&world.store);
	world.nodes = nodes_new();
	assert_non_null(world.nodes);
	attacks_init(&world.attacks, world.nodes, &settings);
	world.instance = test_store_add(&world.store, 1, T0 + 30 * DAY_MS);
	world.clock_ms = T0;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	int64_t count, broken;
	bool ok;

	assert_int_equal(audit_verify(world->store.db, &ok, &count, &broken), OK);
	assert_true(ok);
	test_store_check(&world->store);
	attacks_free(&world->attacks);
	nodes_free(world->nodes);
	test_store_close(&world->store);
	return 0;
}

static enum err tick_at(struct world *world, int64_t now_ms)
{
	struct tick tick = {
		.db = world->store.db,
		.mem = world->store.mem,
		.now_ms = now_ms,
		.clock_ms = world->clock_ms,
		.attacks = &world->attacks,
	};

	arena_reset(world->store.mem);
	return steps_run(&tick);
}

static void tick(struct world *world)
{
	assert_int_equal(tick_at(world, world->clock_ms), OK);
}

/* A second passes in which so many bytes come; dropped of them. */
static void second(struct world *world, uint64_t bytes, uint64_t dropped)
{
	static uint64_t dropped_sum;

	world->clock_ms += SECOND_MS;
	world->bytes += bytes;
	dropped_sum = world->bytes == bytes ? dropped : dropped_sum + dropped;
	report_start(&report, 1);
	report_traffic(&report, world->instance.number,
		(struct counter){ world->bytes / 1000, world->bytes },
		(struct counter){ dropped_sum / 1000, dropped_sum }, (struct counter){ 0, 0 });
	assert_int_equal(report_send(&report, world->nodes, "n", world->clock_ms), OK);
}

static void expect_rows(struct world *world, const char *sql, const char *expected)
{
	char *rows = test_store_query(&world->store, sql);

	assert_string_equal(rows, expected);
	free(rows);
}

static void expect_events(struct world *world, const char *expected)
{
	expect_rows(world,
		"SELECT coalesce(group_concat(kind, ' '), '') FROM (SELECT kind FROM event"
		" ORDER BY number)",
		expected);
}

static void expect_audit(struct world *world, const char *expected)
{
	expect_rows(world,
		"SELECT coalesce(group_concat(action, ' '), '') FROM (SELECT action FROM audit"
		" ORDER BY sequence)",
		expected);
}

static struct protection protection_of(struct world *world)
{
	struct protection protection;

	assert_int_equal(db_begin(world->store.db, DB_READ), OK);
	assert_int_equal(protection_load(world->store.db, world->store.mem, world->instance.number,
				 &protection),
		OK);
	assert_int_equal(db_commit(world->store.db), OK);
	return protection;
}

static int64_t generation_of(struct world *world)
{
	int64_t generation;

	assert_int_equal(db_begin(world->store.db, DB_READ), OK);
	assert_int_equal(change_generation(world->store.db, &generation), OK);
	assert_int_equal(db_commit(world->store.db), OK);
	return generation;
}

/* ---- blackhole */

static void test_blackhole(void **state)
{
	struct world *world = *state;
	int64_t generation, from_ms;

	/* The plan: 30 Gbit/s. At the ceiling nothing happens. */
	second(world, 0, 0);
	tick(world);
	second(world, 30 * GBIT, 30 * GBIT);
	tick(world);
	expect_events(world, "\n");
	generation = generation_of(world);
	second(world, 30 * GBIT + 1000, 30 * GBIT);
	tick(world);
	from_ms = world->clock_ms;
	assert_int_equal(protection_of(world).blackhole_from_ms, from_ms);
	assert_int_equal(protection_of(world).blackhole_until_ms, from_ms + 150 * MINUTE_MS);
	assert_int_equal(generation_of(world), generation + 1); /* nodes hear of it */
	expect_events(world, "blackhole\n");
	expect_audit(world, "engine.blackhole\n");
	/* Once, however long it goes on. */
	second(world, 40 * GBIT, 40 * GBIT);
	tick(world);
	expect_events(world, "blackhole\n");
	/* It ends by its time, and begins again when the attack goes on. */
	world->clock_ms = from_ms + 150 * MINUTE_MS - 1;
	tick(world);
	assert_true(protection_of(world).blackhole_until_ms > 0);
	world->clock_ms++;
	tick(world);
	assert_int_equal(protection_of(world).blackhole_until_ms, 0);
	expect_events(world, "blackhole blackhole_ended\n");
	second(world, 0, 0);
	second(world, 31 * GBIT, 31 * GBIT);
	tick(world);
	expect_events(world, "blackhole blackhole_ended blackhole\n");
}

static void test_blackhole_that_is_not(void **state)
{
	struct world *world = *state;

	/* Off by the settings. */
	world->attacks.settings.blackhole = false;
	second(world, 0, 0);
	second(world, 100 * GBIT, 100 * GBIT);
	tick(world);
	expect_events(world, "\n");
	world->attacks.settings.blackhole = true;
	/* Expired: no mitigation, this neither. */
	second(world, 100 * GBIT, 100 * GBIT);
	assert_int_equal(tick_at(world, world->instance.expire_ms + 1), OK);
	assert_int_equal(protection_of(world).blackhole_until_ms, 0);
	/* What came is old. */
	second(world, 100 * GBIT, 100 * GBIT);
	world->clock_ms += 3 * SECOND_MS;
	tick(world);
	assert_int_equal(protection_of(world).blackhole_until_ms, 0);
	second(world, 0, 0);
	second(world, 100 * GBIT, 100 * GBIT);
	tick(world);
	assert_true(protection_of(world).blackhole_until_ms > 0);
}

static void test_clean_bandwidth(void **state)
{
	struct world *world = *state;

	/* The plan: 100 Mbit/s, 12.5 MB/s. What is dropped does not count. */
	second(world, 0, 0);
	second(world, 20000000, 8000000);
	tick(world);
	expect_events(world, "\n");
	second(world, 20000000, 7000000);
	tick(world);
	expect_events(world, "clean_bandwidth_exceeded\n");
	for (int i = 0; i < 3; i++) {
		second(world, 20000000, 0);
		tick(world);
	}
	expect_events(world, "clean_bandwidth_exceeded\n");
	world->clock_ms += HOUR_MS;
	second(world, 0, 0);
	second(world, 20000000, 0);
	tick(world);
	expect_events(world, "clean_bandwidth_exceeded clean_bandwidth_exceeded\n");
	assert_int_equal(protection_of(world).blackhole_until_ms, 0);
}

static void test_diversion_ends(void **state)
{
	struct world *world = *state;
	struct policy policy;
	int64_t generation;

	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(
		policy_load(world->store.db, world->store.mem, world->instance.number, &policy),
		OK);
	policy.diversion[DIVERSION_CT].from_ms = T0;
	policy.diversion[DIVERSION_CT].until_ms = T0 + 10;
	policy.diversion[DIVERSION_CUT].from_ms = T0 + 5;
	policy.diversion[DIVERSION_CUT].until_ms = T0 + 20;
	policy.diverted = true;
	assert_int_equal(policy_put(world->store.db, world->store.mem, &policy), OK);
	assert_int_equal(db_commit(world->store.db), OK);
	generation = generation_of(world);
	world->clock_ms = T0 + 19;
	tick(world);
	assert_int_equal(generation_of(world), generation);
	world->clock_ms = T0 + 20;
	tick(world);
	tick(world);
	expect_events(world, "diversion_ended\n");
	expect_rows(world, "SELECT diverted FROM policy", "0\n");
	assert_int_equal(generation_of(world), generation + 2); /* policy and instance */
}

/* ---- sources */

static void ban_as(
	struct world *world, int64_t instance, const char *source, int64_t until_ms, uint32_t rule)
{
	struct record_request_ban ban = { RECORD_HEAD(
						  RECORD_REQUEST_BAN, instance, record_request_ban),
		.check = CHECK_frequency, .rule = rule, .until_ms = until_ms };

	assert_true(text_to_address(source, ban.source.byte));
	report_start(&report, 1);
	report_add(&report, &ban, sizeof(ban));
	assert_int_equal(report_send(&report, world->nodes, "n", world->clock_ms), OK);
}

static void offend_as(struct world *world, int64_t instance, const char *source, int64_t until_ms)
{
	struct record_offence offence = { RECORD_HEAD(RECORD_OFFENCE, instance, record_offence),
		.service = 1, .mitigation = MITIGATION_source_rate, .until_ms = until_ms };

	assert_true(text_to_address(source, offence.source.byte));
	report_start(&report, 1);
	report_add(&report, &offence, sizeof(offence));
	assert_int_equal(report_send(&report, world->nodes, "n", world->clock_ms), OK);
}

static void offend(struct world *world, const char *source, int64_t until_ms)
{
	offend_as(world, world->instance.number, source, until_ms);
}

static void expect_entries(struct world *world, const char *expected)
{
	expect_rows(world,
		"SELECT source_text, until_ms - 1767225600000, automatic, actor, mitigation"
		" FROM list_entry WHERE kind = 2 ORDER BY number",
		expected);
}

static void put_entry(struct world *world, enum list_kind kind, const char *text, int64_t until_ms)
{
	struct list_entry_row entry = { .instance_number = world->instance.number,
		.kind = kind,
		.until_ms = until_ms,
		.actor = "key" };

	assert_true(text_to_prefix(text, entry.source, &entry.prefix_bits));
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(list_entry_put(world->store.db, &entry), OK);
	assert_int_equal(db_commit(world->store.db), OK);
}

static void choose_strictness(struct world *world, enum strictness strictness, bool on)
{
	struct protection protection = protection_of(world);

	protection.strictness = strictness;
	protection.auto_block = on;
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(protection_put(world->store.db, world->store.mem, &protection), OK);
	assert_int_equal(db_commit(world->store.db), OK);
}

static void test_sources_become_entries(void **state)
{
	struct world *world = *state;

	offend(world, "203.0.113.7", T0 + 60000);
	offend(world, "203.0.113.8", T0 + 60001);
	tick(world);
	expect_entries(world, "203.0.113.7|60000|1|engine|source_rate\n"
			      "203.0.113.8|60001|1|engine|source_rate\n");
	expect_events(world, "sources_blocked\n");
	expect_audit(world, "engine.block\n"); /* one for both */
	assert_false(inbox_has_offences(nodes_inbox(world->nodes)));
	/* Again, for longer; a time that is over, too long, of another version, of nobody. */
	offend(world, "203.0.113.7", T0 + 90000);
	offend(world, "203.0.113.9", T0);
	offend(world, "203.0.113.10", T0 + 30 * DAY_MS);
	offend(world, "2001:db8::7", T0 + 60000);
	offend_as(world, 99, "203.0.113.7", T0 + 60000);
	tick(world);
	expect_entries(world, "203.0.113.7|90000|1|engine|source_rate\n"
			      "203.0.113.8|60001|1|engine|source_rate\n"
			      "203.0.113.10|604800000|1|engine|source_rate\n");
	expect_events(world, "sources_blocked\n"); /* one an hour */
}

/* Who attacks does not choose how much is written for ever. */
static void test_many_sources_are_one_short_record(void **state)
{
	struct world *world = *state;
	char source[ADDRESS_TEXT_SIZE];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(source, sizeof(source), "203.0.%d.%d", i / 200, i % 200);
		offend(world, source, T0 + 60000);
	}
	tick(world);
	expect_rows(world, "SELECT count(*) FROM list_entry", "300\n");
	expect_rows(world,
		"SELECT action, json_extract(detail, '$.newEntity.count'),"
		" json_array_length(detail, '$.newEntity.blocked') FROM audit",
		"engine.block|300|10\n");
}

/* What the request path bans needs no auto_block, but its own mitigation. */
static void test_bans_of_requests(void **state)
{
	struct world *world = *state;

	choose_strictness(world, STRICTNESS_NORMAL, false);
	ban_as(world, world->instance.number, "203.0.113.7", T0 + 60000, 12);
	ban_as(world, world->instance.number, "203.0.113.9", T0 + 60000, 0);
	offend(world, "203.0.113.8", T0 + 60000);
	tick(world);
	expect_entries(world, "203.0.113.7|60000|1|engine|request_ban by frequency, rule 12\n"
			      "203.0.113.9|60000|1|engine|request_ban by frequency\n");
}

static void test_source_of_ipv6(void **state)
{
	struct world *world = *state;
	struct instance instance = test_instance(&world->store, 2, T0 + DAY_MS);

	instance.ipv6 = true;
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(instance_insert(world->store.db, &instance), OK);
	assert_int_equal(db_commit(world->store.db), OK);
	offend_as(world, instance.number, "2001:db8:1:2::", T0 + 60000);
	offend_as(world, instance.number, "2001:db8:1:3:4::5", T0 + 60000);
	offend_as(world, instance.number, "203.0.113.7", T0 + 60000);
	tick(world);
	expect_entries(world, "2001:db8:1:2::/64|60000|1|engine|source_rate\n"
			      "2001:db8:1:3::/64|60000|1|engine|source_rate\n");
}

static void test_sources_that_do_not(void **state)
{
	struct world *world = *state;

	/* Allowed ones, and those that a person blocked for longer. */
	put_entry(world, LIST_ALLOW, "203.0.113.0/28", INT64_MAX);
	put_entry(world, LIST_BLOCK, "203.0.113.99", T0 + DAY_MS);
	offend(world, "203.0.113.7", T0 + 60000);
	offend(world, "203.0.113.99", T0 + 60000);
	tick(world);
	expect_entries(world, "203.0.113.99|86400000|0|key|\n");
	/* Loose counts only; off is off; an expired instance is not mitigated. */
	choose_strictness(world, STRICTNESS_LOOSE, true);
	offend(world, "203.0.113.100", T0 + 60000);
	tick(world);
	choose_strictness(world, STRICTNESS_NORMAL, false);
	offend(world, "203.0.113.100", T0 + 60000);
	tick(world);
	choose_strictness(world, STRICTNESS_STRICT, true);
	offend(world, "203.0.113.100", T0 + 60000);
	assert_int_equal(tick_at(world, world->instance.expire_ms), OK);
	expect_entries(world, "203.0.113.99|86400000|0|key|\n");
	/* Strict: an hour at least. */
	offend(world, "203.0.113.100", T0 + 60000);
	tick(world);
	expect_entries(world, "203.0.113.99|86400000|0|key|\n"
			      "203.0.113.100|3600000|1|engine|source_rate\n");
}

static void test_full_list(void **state)
{
	struct world *world = *state;
	char source[ADDRESS_TEXT_SIZE];

	put_entry(world, LIST_BLOCK, "192.0.2.1", T0 + 1000);
	for (int i = 0; i < BLOCK_ENTRY_MAX + 10; i++) {
		(void)snprintf(source, sizeof(source), "10.0.%d.%d", i / 250, i % 250);
		offend(world, source, T0 + 60000 + i);
	}
	for (int i = 0; i < 6; i++)
		tick(world);
	/* The ten that end first made room; the manual one, which ends sooner, did not. */
	expect_rows(world,
		"SELECT automatic, count(*), min(until_ms) - 1767225600000 FROM list_entry"
		" GROUP BY automatic ORDER BY automatic",
		"0|1|1000\n1|2000|60010\n");
}

static void test_a_failing_store_loses_nothing(void **state)
{
	struct world *world = *state;

	offend(world, "203.0.113.7", T0 + 60000);
	for (uint64_t nth = 1; nth < 500; nth++) {
		enum err err;

		db_torture(nth);
		err = tick_at(world, world->clock_ms);
		db_torture(0);
		/* Also when a later step fails. */
		if (err == OK || !inbox_has_offences(nodes_inbox(world->nodes)))
			break;
		expect_entries(world, "");
		expect_audit(world, "\n");
	}
	expect_entries(world, "203.0.113.7|60000|1|engine|source_rate\n");
	assert_false(inbox_has_offences(nodes_inbox(world->nodes)));
}

/* ---- refusals */

static void refuse_at(struct world *world, int64_t service, uint64_t refused, int64_t clock_ms)
{
	report_start(&report, 1);
	REPORT_ADD(&report, (struct record_service_state){ RECORD_HEAD(RECORD_SERVICE_STATE,
								   service, record_service_state),
				    .refused_rate = refused });
	assert_int_equal(report_send(&report, world->nodes, "n", clock_ms), OK);
}

static void test_refusals_become_events(void **state)
{
	static const char events[] = "SELECT from_ms - 1767225600000, until_ms - 1767225600000"
				     " FROM limit_event ORDER BY number";
	struct world *world = *state;
	char *text;
	int64_t number;

	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
	assert_int_equal(test_add_rule(world->store.db, world->instance.number, 80), OK);
	assert_int_equal(db_commit(world->store.db), OK);
	text = test_store_query(&world->store, "SELECT number FROM port_rule");
	number = strtol(text, NULL, 10);
	free(text);
	refuse_at(world, number, 5, T0);
	refuse_at(world, 999, 5, T0);
	tick(world);
	expect_rows(world, events, "");
	refuse_at(world, number, 6, T0 + 1000);
	refuse_at(world, 999, 6, T0 + 1000); /* of no rule any more */
	refuse_at(world, number, 7, T0 + 2000);
	tick(world);
	expect_rows(world, events, "1000|2000\n");
	/* Within a minute it is the same event; later it is another one. */
	refuse_at(world, number, 8, T0 + 62000);
	tick(world);
	expect_rows(world, events, "1000|62000\n");
	refuse_at(world, number, 9, T0 + 122001);
	tick(world);
	expect_rows(world, events, "1000|62000\n122001|122001\n");
	expect_events(world, "limit_reached\n");
	/* Forgotten after a month. */
	world->clock_ms = T0 + 122001 + 30 * DAY_MS;
	assert_int_equal(tick_at(world, T0), OK);
	expect_rows(world, events, "122001|122001\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_blackhole),
		TEST(test_blackhole_that_is_not),
		TEST(test_clean_bandwidth),
		TEST(test_diversion_ends),
		TEST(test_sources_become_entries),
		TEST(test_many_sources_are_one_short_record),
		TEST(test_bans_of_requests),
		TEST(test_source_of_ipv6),
		TEST(test_sources_that_do_not),
		TEST(test_full_list),
		TEST(test_a_failing_store_loses_nothing),
		TEST(test_refusals_become_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
