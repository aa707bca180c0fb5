/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine on a real store: what each tick does at the edges of the life cycle, the clocks, the
 * race of renewal and release, and the thread.
 */
#include "control/engine/engine.h"
#include "control/engine/nodes.h"
#include "control/engine/release_guard.h"
#include "control/engine/steps.h"
#include "control/model/lifecycle.h"
#include "control/store/query.h"
#include "tests/support/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

static int teardown(void **state)
{
	struct test_store *store = *state;
	int64_t count, broken;
	bool ok;

	assert_int_equal(audit_verify(store->db, &ok, &count, &broken), OK);
	assert_true(ok);
	test_store_check(store);
	test_store_close(store);
	return 0;
}

static int tick(struct test_store *store, int64_t now_ms)
{
	bool more = true;
	int ticks = 0;

	while (more) {
		arena_reset(store->mem);
		assert_int_equal(engine_tick(store->db, store->mem, now_ms, T0, &more), OK);
		assert_true(++ticks < 1000);
	}
	return ticks;
}

/* Kinds of all events so far, by spaces; and forgets them. */
static void expect_events(struct test_store *store, const char *expected)
{
	char *rows = test_store_query(store,
		"SELECT coalesce(group_concat(kind, ' '), '') FROM"
		" (SELECT kind FROM event WHERE number > (SELECT coalesce(max(first), 0) FROM"
		" engine_state WHERE name = 'test') ORDER BY number)");

	rows[strcspn(rows, "\n")] = '\0';
	assert_string_equal(rows, expected);
	free(rows);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(db_run(store->db,
				 "INSERT INTO engine_state (name, first, second) SELECT 'test',"
				 " coalesce(max(number), 0), 0 FROM event WHERE true"
				 " ON CONFLICT (name) DO UPDATE SET first = excluded.first",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(store->db), OK);
}

static void expect_audit(struct test_store *store, const char *expected)
{
	char *rows = test_store_query(store, "SELECT coalesce(group_concat(action, ' '), '') FROM"
					     " (SELECT action FROM audit ORDER BY sequence)");

	rows[strcspn(rows, "\n")] = '\0';
	assert_string_equal(rows, expected);
	free(rows);
}

static void test_each_deadline(void **state)
{
	static const struct {
		int64_t after_ms;
		const char *events;
	} cases[] = {
		{ -7 * DAY_MS - 1, "" },
		{ -7 * DAY_MS, "expires_in_7_days" },
		{ -3 * DAY_MS - 1, "" },
		{ -3 * DAY_MS, "expires_in_3_days" },
		{ -DAY_MS, "expires_in_1_day" },
		{ -1, "" },
		{ 0, "expired" },
		{ 0, "" },
		{ 7 * DAY_MS - 1, "" },
		{ 7 * DAY_MS, "stopped" },
		{ 30 * DAY_MS - 1, "" },
		{ 30 * DAY_MS, "released" },
		{ 31 * DAY_MS, "" },
	};
	struct test_store *store = *state;
	int64_t expire = T0 + 60 * DAY_MS;
	struct instance instance = test_store_add(store, 1, expire), loaded;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)tick(store, expire + cases[i].after_ms);
		expect_events(store, cases[i].events);
		assert_int_equal(instance_load(store->db, store->mem, instance.id, &loaded),
			cases[i].after_ms < 30 * DAY_MS ? OK : ERR_INSTANCE_NOT_FOUND);
	}
	expect_audit(store, "engine.expire engine.stop engine.release");

	char *detail = test_store_query(store, "SELECT detail FROM audit WHERE sequence = 1");

	assert_string_equal(detail, "{\"oldEntity\":{\"elasticBandwidth\":30},"
				    "\"newEntity\":{\"elasticBandwidth\":0}}\n");
	free(detail);
}

static void test_late_notices_are_not_told(void **state)
{
	struct test_store *store = *state;

	(void)test_store_add(store, 1, T0 + 10 * DAY_MS);
	(void)tick(store, T0);
	expect_events(store, "");
	(void)tick(store, T0 + 8 * DAY_MS); /* two days are left */
	expect_events(store, "expires_in_3_days");
	(void)tick(store, T0 + 20 * DAY_MS);
	expect_events(store, "expired stopped");
}

static void test_clock_jumps(void **state)
{
	struct test_store *store = *state;

	(void)test_store_add(store, 1, T0 + 10 * DAY_MS);
	(void)tick(store, T0 + 11 * DAY_MS);
	expect_events(store, "expired");
	(void)tick(store, T0); /* back: nothing is told again */
	(void)tick(store, T0 + 11 * DAY_MS);
	expect_events(store, "");
	/* An instance that came while the clock was back is told of. */
	(void)tick(store, T0);
	(void)test_store_add(store, 2, T0 + 5 * DAY_MS);
	(void)tick(store, T0 + 6 * DAY_MS);
	expect_events(store, "expires_in_7_days expired");
	/* A new expiry is told again. */
	struct instance instance;

	assert_int_equal(
		instance_load(store->db, store->mem, "ddoscoo-cn-test0000001", &instance), OK);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_set_expiry(store->db, &instance, T0 + 40 * DAY_MS), OK);
	assert_int_equal(db_commit(store->db), OK);
	(void)tick(store, T0 + 40 * DAY_MS);
	expect_events(store, "expired stopped released");
}

static void test_automatic_renewal(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_instance(store, 1, T0 + 10 * DAY_MS), loaded;
	char *rows;

	instance.renewal = RENEWAL_AUTO;
	instance.renewal_months = 3;
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &instance), OK);
	assert_int_equal(db_commit(store->db), OK);
	(void)tick(store, T0 + 9 * DAY_MS - 1);
	expect_events(store, "expires_in_3_days");
	(void)tick(store, T0 + 9 * DAY_MS);
	expect_events(store, "renewed");
	assert_int_equal(instance_load(store->db, store->mem, instance.id, &loaded), OK);
	assert_int_equal(loaded.expire_ms, clock_add_months(T0 + 10 * DAY_MS, 3));
	rows = test_store_query(store, "SELECT kind, instance_id FROM ledger");
	assert_string_equal(rows, "engine.renew|ddoscoo-cn-test0000001\n");
	free(rows);
	(void)tick(store, T0 + 9 * DAY_MS + 1);
	expect_events(store, "");
	/* The control was off for a year: renewed from now, neither told expired nor released. */
	(void)tick(store, T0 + 400 * DAY_MS);
	expect_events(store, "renewed");
	assert_int_equal(instance_load(store->db, store->mem, instance.id, &loaded), OK);
	assert_int_equal(loaded.expire_ms, clock_add_months(T0 + 400 * DAY_MS, 3));
	expect_audit(store, "engine.renew engine.renew");
}

static void test_renewal_restores_every_byte(void **state)
{
	static const uint8_t secret[32];
	const struct snapshot_terms terms = { .cookie_secret = secret };
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0 + DAY_MS);
	struct list_entry_row entry = { .instance_number = instance.number,
		.kind = LIST_ALLOW,
		.prefix_bits = 128,
		.until_ms = INT64_MAX };
	static const char rows_sql[] =
		"SELECT number, id, account, product, edition, ipv6, hex(vip), create_ms, renewal,"
		" renewal_months, switch_back_origin, remark, resource_group,"
		" base_bandwidth_gbps, elastic_bandwidth_gbps, clean_bandwidth_mbps, qps, ports,"
		" domains, function_version, product_plan, burst_mode, defense_count"
		" FROM instance";
	static const char *const tables[] = { rows_sql, "SELECT * FROM port_rule",
		"SELECT * FROM port_rule_origin", "SELECT * FROM list_entry", "SELECT * FROM tag" };
	char *before[5], *after;
	const uint8_t *first, *second;
	size_t first_size, second_size;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(test_add_rule(store->db, instance.number, 443), OK);
	assert_int_equal(list_entry_put(store->db, &entry), OK);
	assert_int_equal(tag_put(store->db, instance.number, "k", "v"), OK);
	assert_int_equal(snapshot_build(store->db, store->mem, 0, &terms, &first, &first_size), OK);

	/* engine_tick resets the arena. */
	uint8_t *kept = malloc(first_size);

	memcpy(kept, first, first_size);
	assert_int_equal(db_commit(store->db), OK);
	for (int i = 0; i < 5; i++)
		before[i] = test_store_query(store, tables[i]);
	(void)tick(store, T0 + DAY_MS);	     /* expired */
	(void)tick(store, T0 + 8 * DAY_MS);  /* stopped */
	(void)tick(store, T0 + 30 * DAY_MS); /* a day before release */
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_set_expiry(store->db, &instance,
				 lifecycle_renewed_expiry(T0 + DAY_MS, T0 + 30 * DAY_MS, 1)),
		OK);
	assert_int_equal(
		snapshot_build(store->db, store->mem, 0, &terms, &second, &second_size), OK);
	assert_int_equal(db_commit(store->db), OK);
	for (int i = 0; i < 5; i++) {
		after = test_store_query(store, tables[i]);
		assert_string_equal(after, before[i]);
		assert_true(strlen(after) > 4);
		free(after);
		free(before[i]);
	}
	/* The records differ in the two deadlines of the instance and in nothing else. */
	assert_int_equal(second_size, first_size);
	struct record_instance *old = (void *)(kept + sizeof(struct snapshot_header)), renewed;

	memcpy(&renewed, second + sizeof(struct snapshot_header), sizeof(renewed));
	assert_true(renewed.forward_until_ms > old->forward_until_ms);
	old->mitigation_until_ms = renewed.mitigation_until_ms;
	old->forward_until_ms = renewed.forward_until_ms;
	assert_memory_equal(kept + sizeof(struct snapshot_header),
		second + sizeof(struct snapshot_header),
		first_size - sizeof(struct snapshot_header));
	free(kept);
}

static void test_ten_thousand_at_once(void **state)
{
	struct test_store *store = *state;
	char *rows;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	for (unsigned i = 0; i < 10000; i++) {
		struct instance instance = test_instance(store, i, T0);

		assert_int_equal(instance_insert(store->db, &instance), OK);
	}
	assert_int_equal(db_commit(store->db), OK);
	assert_in_range(tick(store, T0), 10, 12);
	assert_in_range(tick(store, T0 + 7 * DAY_MS), 10, 12);
	assert_in_range(tick(store, T0 + 30 * DAY_MS), 10, 12);
	rows = test_store_query(store,
		"SELECT (SELECT count(*) FROM instance), (SELECT count(*) FROM released),"
		" (SELECT count(*) FROM vip_free), (SELECT count(*) FROM audit),"
		" (SELECT count(*) FROM event WHERE kind IN ('expired', 'stopped', 'released')),"
		" (SELECT sum(instances) FROM instance_count)");
	assert_string_equal(rows, "0|10000|10000|30000|30000|0\n");
	free(rows);
}

static void test_pruning(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0 + 300 * DAY_MS);
	struct list_entry_row entry = { .instance_number = instance.number,
		.kind = LIST_BLOCK,
		.prefix_bits = 128,
		.until_ms = T0 + 1 };
	bool more;
	char *rows;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(list_entry_put(store->db, &entry), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(engine_tick(store->db, store->mem, T0, T0, &more), OK);
	assert_int_equal(engine_tick(store->db, store->mem, T0, T0 + 59999, &more), OK);
	rows = test_store_query(store, "SELECT count(*) FROM list_entry");
	assert_string_equal(rows, "1\n"); /* once a minute */
	free(rows);
	assert_int_equal(engine_tick(store->db, store->mem, T0, T0 + 60000, &more), OK);
	rows = test_store_query(store, "SELECT count(*) FROM list_entry");
	assert_string_equal(rows, "0\n");
	free(rows);
}

/* An attack makes entries faster than one batch a minute removes: they do not pile up. */
static void test_many_entries_end(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0 + 300 * DAY_MS);
	struct list_entry_row entry = {
		.instance_number = instance.number, .kind = LIST_BLOCK, .prefix_bits = 128
	};
	bool more = true;
	char *rows;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	for (unsigned i = 0; i < 3 * ENGINE_BATCH; i++) {
		entry.source[0] = (uint8_t)i;
		entry.source[1] = (uint8_t)(i >> 8);
		entry.until_ms = T0 + i % 2;
		assert_int_equal(list_entry_put(store->db, &entry), OK);
	}
	assert_int_equal(db_commit(store->db), OK);
	for (int ticks = 0; more && ticks < 10; ticks++) {
		arena_reset(store->mem);
		assert_int_equal(
			engine_tick(store->db, store->mem, T0, T0 + 2 * MINUTE_MS, &more), OK);
	}
	rows = test_store_query(store, "SELECT count(*) FROM list_entry");
	assert_string_equal(rows, "0\n");
	free(rows);
}

static void expect_rows(const struct test_store *store, const char *sql, const char *expected)
{
	char *rows = test_store_query(store, sql);

	assert_string_equal(rows, expected);
	free(rows);
}

/* A step that fails keeps no other from its turn, but for what must not be done before renewal. */
static void test_a_step_fails(void **state)
{
	struct test_store *store = *state;
	int64_t expire_ms = T0 + 30 * DAY_MS;
	struct instance renewed = test_store_add(store, 1, expire_ms);
	struct instance manual = test_store_add(store, 2, expire_ms);
	bool more;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	renewed.renewal = RENEWAL_AUTO;
	assert_int_equal(instance_update(store->db, &renewed), OK);
	assert_int_equal(db_run(store->db,
				 "INSERT INTO protection (instance_number, modes, auto_block,"
				 " strictness, real_limit_mbps, syn_threshold, unproven_max,"
				 " packets_max, blackhole_from_ms, blackhole_until_ms)"
				 " VALUES ($1, '', 1, 1, 0, 0, 0, 0, 1, 2)",
				 (const struct value[]){ V_INT(manual.number) }, 1, NULL),
		OK);
	assert_int_equal(db_commit(store->db), OK);
	expect_rows(store,
		"CREATE TRIGGER ends BEFORE UPDATE ON protection BEGIN"
		" SELECT RAISE(ABORT, 'damaged'); END",
		"");
	assert_int_equal(engine_tick(store->db, store->mem, T0, T0, &more), ERR_STORE);
	expect_rows(store, "SELECT first - 1767225600000 FROM engine_state WHERE name = 'prune'",
		"0\n");
	expect_rows(store, "DROP TRIGGER ends", "");
	expect_rows(store,
		"CREATE TRIGGER renews BEFORE INSERT ON ledger BEGIN"
		" SELECT RAISE(ABORT, 'damaged'); END",
		"");
	assert_int_equal(
		engine_tick(store->db, store->mem, expire_ms + 31 * DAY_MS, T0 + MINUTE_MS, &more),
		ERR_STORE);
	expect_rows(store, "SELECT first - 1767225600000 FROM engine_state WHERE name = 'prune'",
		"60000\n");
	expect_rows(store, "SELECT count(*) FROM instance", "2\n");
	expect_rows(store, "SELECT kind FROM event", "blackhole_ended\n");
	expect_rows(store, "DROP TRIGGER renews", "");
	(void)tick(store, expire_ms + 31 * DAY_MS);
	expect_rows(store, "SELECT renewal FROM instance", "1\n");
}

static void test_paused_releases(void **state)
{
	struct test_store *store = *state;
	struct tick paused = { .db = store->db,
		.mem = store->mem,
		.now_ms = T0 + 40 * DAY_MS,
		.clock_ms = T0,
		.release_paused = true };

	(void)test_store_add(store, 1, T0);
	assert_int_equal(steps_run(&paused), OK);
	expect_events(store, "expired stopped"); /* only what cannot be undone waits */
	assert_int_equal(steps_tell_pause(&paused), OK);
	expect_events(store, "automatic_release_paused");
	paused.release_paused = false;
	assert_int_equal(steps_run(&paused), OK);
	expect_events(store, "released");
}

static void test_release_guard(void **state)
{
	struct release_guard guard = { 0 };
	int64_t clock = T0, mono = 5000;

	(void)state;
	assert_false(release_guard_start(&guard, 0, clock, mono));
	for (int i = 0; i < 100000; i++)
		assert_false(release_guard_step(&guard, clock += 1000, mono += 1000));
	assert_false(release_guard_step(&guard, clock += HOUR_MS, mono)); /* not yet */
	assert_false(release_guard_paused(&guard, mono));
	assert_true(release_guard_step(&guard, clock += 1, mono));
	assert_true(release_guard_paused(&guard, mono));
	assert_false(release_guard_step(&guard, clock += 1000, mono += 1000)); /* said once */
	assert_true(release_guard_paused(&guard, mono + DAY_MS - 1001));
	assert_false(release_guard_paused(&guard, mono + DAY_MS - 1000));
	/* Back and forth: the way forth is a jump of its own. */
	assert_false(release_guard_step(&guard, clock -= 2 * HOUR_MS, mono));
	assert_true(release_guard_step(&guard, clock += 2 * HOUR_MS, mono));
	/* Small steps add up. */
	guard = (struct release_guard){ 0 };
	assert_false(release_guard_step(&guard, clock, mono));
	int jumps = 0;

	for (int i = 0; i < 100; i++)
		jumps += release_guard_step(&guard, clock += 2 * MINUTE_MS, mono += 100);
	assert_in_range(jumps, 3, 4);
	/* A control that was off for too long to tell. */
	guard = (struct release_guard){ 0 };
	assert_false(release_guard_start(&guard, T0, T0 + GUARD_DOWNTIME_MS, 0));
	assert_true(release_guard_start(&guard, T0, T0 + GUARD_DOWNTIME_MS + 1, 0));
	assert_true(release_guard_paused(&guard, 1));
}

/* ---- renewal against release, two threads, two connections */

struct racer {
	const struct test_store *store;
	pthread_barrier_t *barrier;
	const char *id;
	bool renews;
	enum err result;
};

static enum err order(struct db *db, struct arena *mem, const struct racer *racer)
{
	struct instance instance;

	TRY(instance_load(db, mem, racer->id, &instance));
	const struct lifecycle_row *row = lifecycle_at(instance.expire_ms, T0);

	TRY(racer->renews ? row->renew : row->release);
	if (racer->renews)
		return instance_set_expiry(
			db, &instance, lifecycle_renewed_expiry(instance.expire_ms, T0, 1));
	return instance_release(db, &instance, T0);
}

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct arena *mem = arena_new(1 << 20);
	struct db *db;

	racer->result = db_open(racer->store->url, false, &db);
	(void)pthread_barrier_wait(racer->barrier);
	if (racer->result == OK)
		racer->result = db_begin(db, DB_WRITE);
	if (racer->result == OK)
		racer->result = order(db, mem, racer);
	if (racer->result == OK)
		racer->result = db_commit(db);
	db_close(db);
	arena_free(mem);
	return NULL;
}

static void test_renewal_races_release(void **state)
{
	struct test_store *store = *state;
	pthread_barrier_t barrier;
	int renewed = 0;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct instance instance = test_store_add(store, i, T0 - DAY_MS), loaded;
		struct racer racer[2] = { { store, &barrier, instance.id, true, OK },
			{ store, &barrier, instance.id, false, OK } };
		pthread_t thread[2];

		for (int t = 0; t < 2; t++)
			assert_int_equal(
				pthread_create(&thread[t], NULL, race, &racer[(t + (int)i) % 2]),
				0);
		for (int t = 0; t < 2; t++)
			assert_int_equal(pthread_join(thread[t], NULL), 0);
		/* One wins, the other is told why not. */
		enum err err = instance_load(store->db, store->mem, instance.id, &loaded);

		if (racer[0].result == OK) {
			assert_int_equal(racer[1].result, ERR_INSTANCE_NOT_EXPIRED);
			assert_int_equal(err, OK);
			assert_true(loaded.expire_ms > T0);
			renewed++;
		} else {
			assert_int_equal(racer[0].result, ERR_INSTANCE_NOT_FOUND);
			assert_int_equal(racer[1].result, OK);
			assert_int_equal(err, ERR_INSTANCE_NOT_FOUND);
		}
	}
	assert_int_equal(pthread_barrier_destroy(&barrier), 0);
	print_message("renewal won %d of 100 races\n", renewed);
}

/* ---- the clock's file and the thread */

static void write_offset(const char *path, const char *text)
{
	char draft[200];
	FILE *file;

	(void)snprintf(draft, sizeof(draft), "%s.new", path);
	file = fopen(draft, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(draft, path), 0);
}

static void test_life_clock(void **state)
{
	struct test_store *store = *state;
	struct life_clock *none = life_clock_new(NULL), *clock;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/offset", store->directory);
	assert_int_equal(life_clock_offset_ms(none), 0);
	assert_false(life_clock_refresh(none));
	life_clock_free(none);
	life_clock_free(NULL);
	clock = life_clock_new(path);
	assert_int_equal(life_clock_offset_ms(clock), 0);
	write_offset(path, "691200000\n");
	assert_true(life_clock_refresh(clock));
	assert_false(life_clock_refresh(clock));
	assert_int_equal(life_clock_offset_ms(clock), 8 * DAY_MS);
	write_offset(path, "-5");
	assert_int_equal(life_clock_offset_ms(clock), -5);
	write_offset(path, "eight days\n");
	assert_int_equal(life_clock_offset_ms(clock), -5);
	write_offset(path, "");
	assert_int_equal(life_clock_offset_ms(clock), -5);
	write_offset(path, "99999999999999999\n");
	assert_int_equal(life_clock_offset_ms(clock), -5);
	write_offset(path, "12\n");
	assert_int_equal(life_clock_offset_ms(clock), 12);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(life_clock_offset_ms(clock), 0);
	life_clock_free(clock);
}

static void test_thread(void **state)
{
	struct test_store *store = *state;
	int64_t now = clock_utc_ms();
	struct instance instance = test_store_add(store, 1, now + DAY_MS), loaded;
	const struct engine_settings settings = { .blackhole = true, .blackhole_ms = HOUR_MS };
	struct nodes *nodes = nodes_new();
	struct engine *engine = NULL;
	struct life_clock *clock;
	uint64_t generation;
	char path[128];
	enum err err = OK;

	(void)snprintf(path, sizeof(path), "%s/offset", store->directory);
	clock = life_clock_new(path);
	assert_int_equal(engine_start(store->url, clock, nodes, &settings, &engine), OK);
	/* It announces what is there, and what comes, and where the clock stands. */
	assert_true(nodes_wait(nodes, 0, 0, 5000));
	generation = nodes_newest(nodes);
	assert_int_equal(generation, 1);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(test_add_rule(store->db, instance.number, 80), OK);
	assert_int_equal(db_commit(store->db), OK);
	engine_wake(engine);
	assert_true(nodes_wait(nodes, generation, 0, 5000));
	assert_int_equal(nodes_newest(nodes), 2);
	assert_int_equal(nodes_confirm(nodes, "n1", 2, now), OK);
	write_offset(path, "2764800000\n"); /* 32 days: a deliberate jump does not pause anything */
	assert_true(nodes_wait(nodes, 2, 0, 5000));
	for (int i = 0; i < 100 && err == OK; i++) {
		(void)nodes_wait(nodes, 100, 32 * DAY_MS, 50);
		err = instance_load(store->db, store->mem, instance.id, &loaded);
	}
	assert_int_equal(err, ERR_INSTANCE_NOT_FOUND);
	engine_stop(engine);
	engine_stop(NULL);
	expect_events(store, "expires_in_1_day expired stopped released");

	char *rows = test_store_query(store, "SELECT name, generation FROM node");

	assert_string_equal(rows, "n1|2\n");
	free(rows);
	life_clock_free(clock);
	nodes_free(nodes);
	(void)unlink(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_store_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_each_deadline),
		TEST(test_late_notices_are_not_told),
		TEST(test_clock_jumps),
		TEST(test_automatic_renewal),
		TEST(test_renewal_restores_every_byte),
		TEST(test_ten_thousand_at_once),
		TEST(test_pruning),
		TEST(test_many_entries_end),
		TEST(test_a_step_fails),
		TEST(test_paused_releases),
		TEST(test_release_guard),
		TEST(test_renewal_races_release),
		TEST(test_life_clock),
		TEST(test_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
