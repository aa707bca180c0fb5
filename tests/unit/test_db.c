/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SQLite driver: opening, transactions, two connections, statements, and what survives a kill.
 */
#include "control/store/policy.h"
#include "control/store/query.h"
#include "control/store/schema.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>
#include <sqlite3.h>

static int64_t number(struct db *db, const char *sql)
{
	int64_t out = -1;

	assert_int_equal(select_int(db, sql, NULL, 0, &out), OK);
	return out;
}

static void put_setting(struct db *db, const char *name)
{
	assert_int_equal(db_run(db, "INSERT INTO setting (name, secret) VALUES ($1, $2)",
				 (const struct value[]){ V_TEXT(name), V_BLOB("x", 1) }, 2, NULL),
		OK);
}

static void test_open(void **state)
{
	struct test_store *store = *state;
	struct stat status;
	struct db *db = NULL;
	char url[160];

	assert_int_equal(
		number(store->db, "SELECT max(version) FROM schema_version"), schema_count);
	assert_int_equal(stat(store->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	/* Again, with and without migrating. */
	assert_int_equal(db_open(store->url, true, &db), OK);
	db_close(db);
	assert_int_equal(db_open(store->url, false, &db), OK);
	db_close(db);
	db_close(NULL);
	assert_int_equal(db_open("mysql:nothing", true, &db), ERR_STORE);
	(void)snprintf(url, sizeof(url), "sqlite:%s/none/store.db", store->directory);
	assert_int_equal(db_open(url, true, &db), ERR_STORE);
	(void)snprintf(url, sizeof(url), "sqlite:%s/other.db", store->directory);
	assert_int_equal(db_open(url, false, &db), ERR_STORE); /* nothing is made */
	assert_int_not_equal(access(url + 7, F_OK), 0);
}

/* A store of the first version, with a key in it, becomes one of today. */
static void test_older_schema_is_migrated(void **state)
{
	struct test_store *store = *state;
	struct db *db = NULL;
	sqlite3 *handle;
	char url[160];

	(void)snprintf(url, sizeof(url), "sqlite:%s/old.db", store->directory);
	assert_int_equal(sqlite3_open(url + 7, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, schema_steps[0], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(handle,
			"CREATE TABLE schema_version (version INTEGER NOT NULL);"
			"INSERT INTO schema_version (version) VALUES (1);"
			"INSERT INTO account (name, create_ms) VALUES ('root', 1);"
			"INSERT INTO access_key VALUES ('LTAI', 1, 2, 1, x'00', NULL, 0, 1, '');",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	assert_int_equal(db_open(url, false, &db), ERR_STORE);
	assert_int_equal(db_open(url, true, &db), OK);
	assert_int_equal(number(db, "SELECT max(version) FROM schema_version"), schema_count);
	assert_int_equal(number(db, "SELECT count(*) FROM access_key WHERE parent = ''"), 1);
	db_close(db);
	assert_int_equal(unlink(url + 7), 0);
}

static void assert_protection_default_but_cookies(struct db *db, int64_t instance)
{
	struct arena *mem = arena_new(1 << 16);
	struct protection wanted = protection_default(instance), is;

	assert_non_null(mem);
	wanted.syn_threshold = 0;
	assert_int_equal(protection_load(db, mem, instance, &is), OK);
	assert_memory_equal(is.mode, wanted.mode, sizeof(wanted.mode));
	assert_int_equal(is.auto_block, wanted.auto_block);
	assert_int_equal(is.strictness, wanted.strictness);
	assert_int_equal(is.real_limit_mbps, wanted.real_limit_mbps);
	assert_int_equal(is.syn_threshold, wanted.syn_threshold);
	assert_int_equal(is.unproven_max, wanted.unproven_max);
	assert_int_equal(is.packets_max, wanted.packets_max);
	assert_int_equal(is.blackhole_until_ms, wanted.blackhole_until_ms);
	arena_free(mem);
}

/* What cookies did before there was a default threshold they go on doing; a number that was chosen stays. */
static void test_older_instances_keep_cookies(void **state)
{
	const int64_t before = 6; /* elements of the schema */
	struct test_store *store = *state;
	struct db *db = NULL;
	sqlite3 *handle;
	char url[160];

	(void)snprintf(url, sizeof(url), "sqlite:%s/cookies.db", store->directory);
	assert_int_equal(sqlite3_open(url + 7, &handle), SQLITE_OK);
	for (int64_t i = 0; i < before; i++)
		assert_int_equal(
			sqlite3_exec(handle, schema_steps[i], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(handle,
			"CREATE TABLE schema_version (version INTEGER NOT NULL);"
			"INSERT INTO schema_version (version) VALUES (6);"
			"INSERT INTO account (name, create_ms) VALUES ('root', 1);"
			"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 3)"
			" INSERT INTO instance SELECT n, 'id' || n, 1, 1, 9, 0, CAST(n AS BLOB), "
			"1, 2, 0, 0,"
			" 0, 0, 0, '', '', 30, 300, 100, 3000, 50, 50, 1, 0, 0, 0 FROM n;"
			"INSERT INTO protection VALUES (1, 'icmp=block', 0, 2, 8, -1, 5, 6, 7, 8);"
			"INSERT INTO protection VALUES (2, '', 1, 1, 0, 77, 0, 0, 0, 0);",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	assert_int_equal(db_open(url, true, &db), OK);
	assert_int_equal(number(db, "SELECT count(*) FROM protection"), 3);
	assert_int_equal(
		number(db, "SELECT count(*) FROM protection WHERE instance_number = 1 AND"
			   " modes = 'icmp=block' AND auto_block = 0 AND strictness = 2 AND"
			   " real_limit_mbps = 8 AND syn_threshold = 0 AND unproven_max = 5 AND"
			   " packets_max = 6 AND blackhole_from_ms = 7 AND blackhole_until_ms = 8"),
		1);
	assert_int_equal(
		number(db, "SELECT syn_threshold FROM protection WHERE instance_number = 2"), 77);
	assert_protection_default_but_cookies(db, 3);
	db_close(db);
	assert_int_equal(unlink(url + 7), 0);
}

static void test_newer_schema_is_refused(void **state)
{
	struct test_store *store = *state;
	struct db *db = NULL;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(db_run(store->db, "INSERT INTO schema_version (version) VALUES (1000)",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(db_open(store->url, true, &db), ERR_STORE);
	assert_int_equal(db_open(store->url, false, &db), ERR_STORE);
	assert_null(db);
}

static void test_rollback_and_commit(void **state)
{
	struct test_store *store = *state;

	db_rollback(store->db); /* none open: nothing happens */
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	put_setting(store->db, "a");
	db_rollback(store->db);
	assert_int_equal(number(store->db, "SELECT count(*) FROM setting"), 0);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	put_setting(store->db, "a");
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(number(store->db, "SELECT count(*) FROM setting"), 1);
}

static void test_conflict(void **state)
{
	struct test_store *store = *state;
	const struct value values[] = { V_TEXT("a"), V_BLOB("y", 1) };

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	put_setting(store->db, "a");
	assert_int_equal(db_run(store->db, "INSERT INTO setting (name, secret) VALUES ($1, $2)",
				 values, 2, NULL),
		ERR_CONFLICT);
	/* The transaction goes on. */
	put_setting(store->db, "b");
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(number(store->db, "SELECT count(*) FROM setting"), 2);
}

static void test_readers_see_one_view(void **state)
{
	struct test_store *store = *state;
	struct db *reader;

	assert_int_equal(db_open(store->url, false, &reader), OK);
	assert_int_equal(db_begin(reader, DB_READ), OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM setting"), 0);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	put_setting(store->db, "a");
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM setting"), 0);
	assert_int_equal(db_commit(reader), OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM setting"), 1);
	db_close(reader);
}

/* Who reads for long makes the log grow, but not for ever. */
static void test_log_shrinks(void **state)
{
	static uint8_t blob[1 << 20];
	struct test_store *store = *state;
	const struct value put[] = { V_BLOB(blob, sizeof(blob)) };
	struct db *reader = NULL;
	struct stat status;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s-wal", store->path);
	assert_int_equal(db_open(store->url, false, &reader), OK);
	assert_int_equal(db_begin(reader, DB_READ), OK);
	assert_int_equal(number(reader, "SELECT count(*) FROM setting"), 0);
	for (int i = 0; i < 24; i++) {
		memset(blob, i, sizeof(blob));
		assert_int_equal(db_begin(store->db, DB_WRITE), OK);
		assert_int_equal(
			db_run(store->db,
				"INSERT INTO setting (name, secret) VALUES ('big', $1)"
				" ON CONFLICT (name) DO UPDATE SET secret = excluded.secret",
				put, 1, NULL),
			OK);
		assert_int_equal(db_commit(store->db), OK);
	}
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size > 20 << 20);
	db_rollback(reader);
	for (int i = 0; i < 3; i++) {
		memset(blob, 0x80 + i, sizeof(blob));
		assert_int_equal(db_begin(store->db, DB_WRITE), OK);
		assert_int_equal(
			db_run(store->db, "UPDATE setting SET secret = $1", put, 1, NULL), OK);
		assert_int_equal(db_commit(store->db), OK);
	}
	assert_int_equal(stat(path, &status), 0);
	assert_in_range(status.st_size, 1, 16 << 20);
	db_close(reader);
}

static void test_second_writer_waits_and_gives_up(void **state)
{
	struct test_store *store = *state;
	int64_t from = clock_monotonic_ms();
	struct db *other;

	assert_int_equal(db_open(store->url, false, &other), OK);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(db_begin(other, DB_WRITE), ERR_UNAVAILABLE);
	assert_true(clock_monotonic_ms() - from >= DB_BUSY_MS - 100);
	assert_true(clock_monotonic_ms() - from < 2 * DB_BUSY_MS);
	db_rollback(store->db);
	assert_int_equal(db_begin(other, DB_WRITE), OK);
	db_close(other); /* rolls back and gives its turn away */
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	db_rollback(store->db);
}

static void test_values_and_columns(void **state)
{
	struct test_store *store = *state;
	struct cursor cursor;
	size_t size;

	/* Numbered out of order and used twice: bound by number, not by position. */
	assert_int_equal(db_select(store->db, "SELECT $2, $1, $2, $3, $4",
				 (const struct value[]){
					 V_INT(-7), V_TEXT("two"), V_NULL, V_BLOB("\0\1", 2) },
				 4, &cursor),
		OK);
	assert_true(db_next(&cursor));
	assert_string_equal(db_text(&cursor, 0, store->mem), "two");
	assert_int_equal(db_int(&cursor, 1), -7);
	assert_string_equal(db_text(&cursor, 2, store->mem), "two");
	assert_true(db_is_null(&cursor, 3));
	assert_null(db_text(&cursor, 3, store->mem));
	assert_int_equal(db_int(&cursor, 3), 0);
	assert_memory_equal(db_blob(&cursor, 4, store->mem, &size), "\0\1", 2);
	assert_int_equal(size, 2);
	assert_false(db_next(&cursor));
	assert_int_equal(cursor.err, OK);
	db_done(&cursor);
	db_done(&cursor);
	assert_int_equal(V_TEXT(NULL).kind, VALUE_NULL);
}

static void test_forgotten_cursor_ends_with_the_transaction(void **state)
{
	struct test_store *store = *state;
	static const char sql[] = "SELECT name FROM setting";
	struct cursor cursor;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	put_setting(store->db, "a");
	put_setting(store->db, "b");
	assert_int_equal(db_select(store->db, sql, NULL, 0, &cursor), OK);
	assert_true(db_next(&cursor));
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(db_select(store->db, sql, NULL, 0, &cursor), OK);
	assert_true(db_next(&cursor));
	db_done(&cursor);
}

static void test_interned_texts_are_bounded(void **state)
{
	struct test_store *store = *state;
	char sql[64];

	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 1000; i++) {
			int64_t out;
			const char *text;

			(void)snprintf(sql, sizeof(sql), "SELECT %d", i);
			text = db_intern(store->db, sql);
			assert_non_null(text);
			assert_ptr_equal(text, db_intern(store->db, sql));
			assert_int_equal(select_int(store->db, text, NULL, 0, &out), OK);
			assert_int_equal(out, i);
		}
	assert_null(db_intern(store->db, "not sql"));
}

static void test_torture_counts_and_fails_once(void **state)
{
	struct test_store *store = *state;
	int64_t out;

	db_torture(2);
	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(select_int(store->db, "SELECT 1", NULL, 0, &out), ERR_STORE);
	assert_int_equal(select_int(store->db, "SELECT 1", NULL, 0, &out), OK);
	assert_int_equal(db_torture_count(), 4); /* begin, select, select, next */
	db_torture(1);
	assert_int_equal(db_commit(store->db), ERR_STORE);
	db_torture(0);
	/* Nothing is open after a failed commit. */
	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(db_commit(store->db), OK);
}

/* ---- crash: a child writes until it is killed */

static void write_for_ever(const struct test_store *store, int report)
{
	struct test_store mine = *store;
	unsigned i = 0;

	assert_int_equal(db_open(store->url, false, &mine.db), OK);
	while (true) {
		struct instance instance = test_instance(&mine, i, T0);
		struct audit_row row = { .actor = "a", .action = "make", .object = instance.id };

		assert_int_equal(db_begin(mine.db, DB_WRITE), OK);
		assert_int_equal(instance_insert(mine.db, &instance), OK);
		assert_int_equal(test_add_rule(mine.db, instance.number, 80), OK);
		assert_int_equal(audit_append(mine.db, &row), OK);
		if (i % 3 == 2) {
			assert_int_equal(instance_release(mine.db, &instance, T0), OK);
			row.action = "release";
			assert_int_equal(audit_append(mine.db, &row), OK);
		}
		assert_int_equal(db_commit(mine.db), OK);
		i++;
		/* Told only after the commit: what was told must be there. */
		assert_int_equal(write(report, &i, sizeof(i)), sizeof(i));
	}
}

static unsigned run_and_kill(struct test_store *store, long wait_ns)
{
	unsigned told = 0, more;
	int pipes[2], status;

	assert_int_equal(pipe(pipes), 0);
	db_close(store->db);
	store->db = NULL;

	pid_t child = fork();

	if (child == 0) {
		write_for_ever(store, pipes[1]);
		_exit(0);
	}
	assert_true(child > 0);
	(void)close(pipes[1]);
	assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
	(void)nanosleep(&(struct timespec){ .tv_nsec = wait_ns }, NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	while (read(pipes[0], &more, sizeof(more)) == sizeof(more))
		told = more;
	(void)close(pipes[0]);
	assert_int_equal(db_open(store->url, true, &store->db), OK);
	return told;
}

static void test_kill_at_any_point(void **state)
{
	(void)state;
	for (int round = 0; round < 12; round++) {
		struct test_store store;
		int64_t walked, broken;
		bool ok;

		test_store_open(&store);

		int64_t told = run_and_kill(&store, 1000000L + round * 1700000L);
		int64_t made = number(store.db, "SELECT count(*) FROM audit WHERE action = 'make'");

		test_store_check(&store);
		assert_in_range(made, told, told + 1);
		assert_int_equal(audit_verify(store.db, &ok, &walked, &broken), OK);
		assert_true(ok);
		/* Each transaction is there whole or not at all. */
		assert_int_equal(number(store.db, "SELECT count(*) FROM released"), made / 3);
		assert_int_equal(
			number(store.db, "SELECT count(*) FROM instance"), made - made / 3);
		assert_int_equal(
			number(store.db, "SELECT count(*) FROM port_rule"), made - made / 3);
		assert_int_equal(number(store.db, "SELECT coalesce(sum(instances), 0)"
						  " FROM instance_count"),
			made - made / 3);
		assert_int_equal(walked, made + made / 3);
		test_store_close(&store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_CASE(test_open),
		STORE_CASE(test_newer_schema_is_refused),
		STORE_CASE(test_older_schema_is_migrated),
		STORE_CASE(test_older_instances_keep_cookies),
		STORE_CASE(test_rollback_and_commit),
		STORE_CASE(test_conflict),
		STORE_CASE(test_readers_see_one_view),
		STORE_CASE(test_log_shrinks),
		STORE_CASE(test_second_writer_waits_and_gives_up),
		STORE_CASE(test_values_and_columns),
		STORE_CASE(test_forgotten_cursor_ends_with_the_transaction),
		STORE_CASE(test_interned_texts_are_bounded),
		STORE_CASE(test_torture_counts_and_fails_once),
		cmocka_unit_test(test_kill_at_any_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
