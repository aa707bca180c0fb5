/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit chain: its hash by an own computation, and every way of tampering.
 */
#include "base/signature.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define ROWS 10

static void append(struct test_store *store, int64_t index)
{
	char object[32];
	const struct audit_row row = {
		.time_ms = T0 + index,
		.account = index % 2 ? 1 : 2,
		.actor = index % 3 ? "engine" : "key",
		.request_id = "r",
		.action = index % 2 ? "CreatePort" : "DeletePort",
		.object = object,
		.detail = "{\"a\":1}",
	};

	(void)snprintf(object, sizeof(object), "object-%lld", (long long)index);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(audit_append(store->db, &row), OK);
	assert_int_equal(db_commit(store->db), OK);
}

static int setup(void **state)
{
	static struct test_store store;

	test_store_open(&store);
	for (int i = 1; i <= ROWS; i++)
		append(&store, i);
	*state = &store;
	return 0;
}

static void tamper(const struct test_store *store, const char *sql)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(store->path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void expect(struct test_store *store, bool ok, int64_t count, int64_t broken)
{
	int64_t walked = -1, first = -1;
	bool whole = !ok;

	assert_int_equal(audit_verify(store->db, &whole, &walked, &first), OK);
	assert_int_equal(whole, ok);
	assert_int_equal(walked, count);
	assert_int_equal(first, broken);
}

static void test_whole(void **state)
{
	expect(*state, true, ROWS, 0);
}

static void test_empty(void **state)
{
	tamper(*state, "DELETE FROM audit; DELETE FROM audit_head");
	expect(*state, true, 0, 0);
}

/* The documented form, written out by hand for the first row. */
static void test_hash_is_as_documented(void **state)
{
	static const char *const fields[] = { "1", "1767225600001", "1", "engine", "r",
		"CreatePort", "object-1", "{\"a\":1}" };
	uint8_t bytes[512] = { 0 }, hash[32];
	size_t used = 32;
	char hex[66], *stored;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		bytes[used + 7] = (uint8_t)strlen(fields[i]);
		memcpy(bytes + used + 8, fields[i], strlen(fields[i]));
		used += 8 + strlen(fields[i]);
	}
	sha256(bytes, used, hash);
	for (int i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	memcpy(hex + 64, "\n", 2);
	stored = test_store_query(*state, "SELECT hash FROM audit WHERE sequence = 1");
	assert_string_equal(stored, hex);
	free(stored);
}

static void test_edits(void **state)
{
	static const char *const fields[] = { "time_ms = time_ms + 1", "account = 9", "actor = 'x'",
		"request_id = ''", "action = 'x'", "object = 'x'", "detail = '{}'",
		"hash = zeroblob(32)", "hash = x'00'" };
	struct test_store *store = *state;
	char sql[128];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		tamper(store, "CREATE TABLE kept AS SELECT * FROM audit");
		(void)snprintf(
			sql, sizeof(sql), "UPDATE audit SET %s WHERE sequence = 4", fields[i]);
		tamper(store, sql);
		expect(store, false, 3, 4);
		tamper(store, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept;"
			      " DROP TABLE kept");
		expect(store, true, ROWS, 0);
	}
}

static void test_moved_boundary(void **state)
{
	/* Same bytes in a row, other fields: the lengths tell. */
	tamper(*state, "UPDATE audit SET action = 'CreatePortobject-', object = '5'"
		       " WHERE sequence = 5");
	expect(*state, false, 4, 5);
}

static void test_deleted_from_the_middle(void **state)
{
	tamper(*state, "DELETE FROM audit WHERE sequence = 6");
	expect(*state, false, 5, 6);
}

static void test_deleted_and_renumbered(void **state)
{
	tamper(*state, "DELETE FROM audit WHERE sequence = 6;"
		       " UPDATE audit SET sequence = sequence - 1 WHERE sequence > 6;"
		       " UPDATE audit_head SET sequence = 9");
	expect(*state, false, 5, 6);
}

static void test_reordered(void **state)
{
	tamper(*state, "UPDATE audit SET sequence = 100 WHERE sequence = 3;"
		       " UPDATE audit SET sequence = 3 WHERE sequence = 4;"
		       " UPDATE audit SET sequence = 4 WHERE sequence = 100");
	expect(*state, false, 2, 3);
}

static void test_cut_tail(void **state)
{
	tamper(*state, "DELETE FROM audit WHERE sequence > 8");
	expect(*state, false, 8, 9);
}

static void test_cut_tail_with_head(void **state)
{
	/* The head's hash is not that of row 8. */
	tamper(*state, "DELETE FROM audit WHERE sequence > 8; UPDATE audit_head SET sequence = 8");
	expect(*state, false, 8, 9);
}

static void test_everything_deleted(void **state)
{
	tamper(*state, "DELETE FROM audit");
	expect(*state, false, 0, 1);
}

static void test_head_deleted(void **state)
{
	tamper(*state, "DELETE FROM audit_head");
	expect(*state, false, ROWS, ROWS + 1);
}

static void test_appended_by_another(void **state)
{
	tamper(*state, "INSERT INTO audit SELECT 11, time_ms, account, actor, request_id, action,"
		       " object, detail, hash FROM audit WHERE sequence = 10");
	expect(*state, false, ROWS, ROWS + 1);
}

static void test_list(void **state)
{
	struct test_store *store = *state;
	static const char *const actions[] = { "CreatePort", "Other" };
	struct audit_filter filter = { .limit = 3 };
	struct audit_row *rows;
	int64_t total;
	size_t count;

	assert_int_equal(audit_list(store->db, store->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, ROWS);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].sequence, ROWS); /* newest first */
	assert_string_equal(rows[0].object, "object-10");
	filter = (struct audit_filter){ .account = 1, .limit = 50, .offset = 1 };
	assert_int_equal(audit_list(store->db, store->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, 5);
	assert_int_equal(count, 4);
	assert_int_equal(rows[0].sequence, 7);
	filter = (struct audit_filter){ .actions = actions, .action_count = 2 };
	assert_int_equal(audit_list(store->db, store->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(count, 5);
	filter = (struct audit_filter){ .object = "object-3" };
	assert_int_equal(audit_list(store->db, store->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(count, 1);
	filter = (struct audit_filter){ .from_ms = T0 + 3, .to_ms = T0 + 5 };
	assert_int_equal(audit_list(store->db, store->mem, &filter, &rows, &count, NULL), OK);
	assert_int_equal(count, 3);
}

static void test_null_fields(void **state)
{
	struct test_store *store = *state;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(audit_append(store->db, &(struct audit_row){ .action = "x" }), OK);
	assert_int_equal(db_commit(store->db), OK);
	expect(store, true, ROWS + 1, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_store_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_empty),
		TEST(test_hash_is_as_documented),
		TEST(test_edits),
		TEST(test_moved_boundary),
		TEST(test_deleted_from_the_middle),
		TEST(test_deleted_and_renumbered),
		TEST(test_reordered),
		TEST(test_cut_tail),
		TEST(test_cut_tail_with_head),
		TEST(test_everything_deleted),
		TEST(test_head_deleted),
		TEST(test_appended_by_another),
		TEST(test_list),
		TEST(test_null_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
