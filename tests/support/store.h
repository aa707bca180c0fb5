/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real store in a directory of its own, for tests. Everything here fails the test on error.
 */
#ifndef TESTS_SUPPORT_STORE_H
#define TESTS_SUPPORT_STORE_H

#include "base/clock.h"
#include "control/store/store.h"

/* A moment that tests count from: 2026-01-01T00:00:00Z. */
#define T0 INT64_C(1767225600000)

struct test_store {
	char directory[64];
	char path[96];
	char url[112];
	struct db *db;
	struct arena *mem;
	int64_t account;
};

/* Opens a new store with one account and the pools 192.0.2.0/24, 198.18.0.0/15 and
 * 2001:db8::/64. */
void test_store_open(struct test_store *store);
/* Closes and removes it with its directory. */
void test_store_close(struct test_store *store);
/* A test with a store of its own in *state, which must be sound at its end. */
int test_store_setup(void **state);
int test_store_teardown(void **state);
#define STORE_CASE(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, test_store_setup, test_store_teardown)
/* An instance of the first account as an order makes it; not inserted. */
struct instance test_instance(const struct test_store *store, unsigned index, int64_t expire_ms);
/* The same, inserted in a transaction of its own. */
struct instance test_store_add(struct test_store *store, unsigned index, int64_t expire_ms);
/* A TCP rule with two origins; inserted in the caller's transaction. */
enum err test_add_rule(struct db *db, int64_t instance_number, int64_t port);
/* Every row of every table as text, read by a connection of its own; free() it. */
char *test_store_dump(const struct test_store *store);
/* What one statement gives, rows by newlines, columns by '|'; free() it. */
char *test_store_query(const struct test_store *store, const char *sql);
/* PRAGMA integrity_check and foreign_key_check. */
void test_store_check(const struct test_store *store);

#endif
