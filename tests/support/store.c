/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test stores. Dumps go past the store's own code, by SQLite itself, so that what is compared is
 * what is on disk.
 */
#include "tests/support/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"

#define POOL "192.0.2.0/24 198.18.0.0/15 2001:db8::/64"

void test_store_open(struct test_store *store)
{
	memset(store, 0, sizeof(*store));
	(void)snprintf(store->directory, sizeof(store->directory), "/tmp/polder-test-XXXXXX");
	assert_non_null(mkdtemp(store->directory));
	(void)snprintf(store->path, sizeof(store->path), "%s/store.db", store->directory);
	(void)snprintf(store->url, sizeof(store->url), "sqlite:%s", store->path);
	assert_int_equal(db_open(store->url, true, &store->db), OK);
	store->mem = arena_new((size_t)256 << 20);
	assert_non_null(store->mem);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(account_insert(store->db, "first", T0, &store->account), OK);
	assert_int_equal(vip_pool_sync(store->db, POOL), OK);
	assert_int_equal(db_commit(store->db), OK);
}

void test_store_close(struct test_store *store)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	char path[128];

	db_close(store->db);
	arena_free(store->mem);
	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", store->path, suffix[i]);
		(void)unlink(path);
	}
	(void)rmdir(store->directory);
}

struct instance test_instance(const struct test_store *store, unsigned index, int64_t expire_ms)
{
	struct instance instance = {
		.account = store->account,
		.product = PRODUCT_DDOSCOO,
		.edition = 9,
		.create_ms = T0 + index,
		.expire_ms = expire_ms,
		.renewal = RENEWAL_MANUAL,
		.renewal_months = 1,
		.remark = "remark",
		.resource_group = "",
		.plan = plan_default(PRODUCT_DDOSCOO),
	};

	(void)snprintf(instance.id, sizeof(instance.id), "ddoscoo-cn-test%07u", index);
	return instance;
}

struct instance test_store_add(struct test_store *store, unsigned index, int64_t expire_ms)
{
	struct instance instance = test_instance(store, index, expire_ms);

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &instance), OK);
	assert_int_equal(db_commit(store->db), OK);
	return instance;
}

enum err test_add_rule(struct db *db, int64_t instance_number, int64_t port)
{
	struct port_rule rule = {
		.instance_number = instance_number,
		.protocol = PROTOCOL_TCP,
		.frontend_port = port,
		.backend_port = port,
		.remark = "",
	};

	TRY(port_rule_add_origin(&rule, false, "10.0.0.1"));
	TRY(port_rule_add_origin(&rule, false, "10.0.0.2"));
	return port_rule_insert(db, &rule);
}

/* ---- dumps */

static void dump_cell(FILE *out, sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) != SQLITE_BLOB) {
		const unsigned char *text = sqlite3_column_text(statement, column);

		(void)fputs(text ? (const char *)text : "NULL", out);
		return;
	}

	const uint8_t *bytes = sqlite3_column_blob(statement, column);

	for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
		(void)fprintf(out, "%02x", bytes[i]);
}

static void dump_rows(FILE *out, sqlite3 *handle, const char *sql)
{
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			if (i > 0)
				(void)fputc('|', out);
			dump_cell(out, statement, i);
		}
		(void)fputc('\n', out);
	}
	assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static sqlite3 *open_raw(const struct test_store *store)
{
	sqlite3 *handle;

	assert_int_equal(
		sqlite3_open_v2(store->path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(handle, 5000);
	return handle;
}

char *test_store_query(const struct test_store *store, const char *sql)
{
	sqlite3 *handle = open_raw(store);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	dump_rows(out, handle, sql);
	(void)fclose(out);
	(void)sqlite3_close(handle);
	return text;
}

char *test_store_dump(const struct test_store *store)
{
	sqlite3 *handle = open_raw(store);
	sqlite3_stmt *tables;
	char *text = NULL, sql[160];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	/* One view of all tables. */
	assert_int_equal(sqlite3_exec(handle, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(handle,
			"SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", -1,
			&tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);

		(void)fprintf(out, "== %s\n", name);
		(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1, 2", name);
		if (strcmp(name, "schema_version") == 0)
			(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", name);
		dump_rows(out, handle, sql);
	}
	(void)sqlite3_finalize(tables);
	(void)fclose(out);
	(void)sqlite3_close(handle);
	return text;
}

void test_store_check(const struct test_store *store)
{
	char *integrity = test_store_query(store, "PRAGMA integrity_check");
	char *foreign = test_store_query(store, "PRAGMA foreign_key_check");

	assert_string_equal(integrity, "ok\n");
	assert_string_equal(foreign, "");
	free(integrity);
	free(foreign);
}

int test_store_setup(void **state)
{
	static struct test_store store;

	test_store_open(&store);
	*state = &store;
	return 0;
}

int test_store_teardown(void **state)
{
	test_store_check(*state);
	test_store_close(*state);
	return 0;
}
