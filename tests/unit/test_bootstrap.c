/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first start: one key, known before it can be used, and one secret of SYN cookies; later starts add
 * nothing.
 */
#include "control/auth/password.h"
#include "control/bootstrap.h"
#include "control/store/user.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1795428000000)

struct store {
	char folder[32], url[64], key_file[64], first_file[64];
	struct arena *mem;
	struct vault *vault;
	struct db *db;
};

static int open_store(void **state)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return -1;
	log_open("test", LOG_LEVEL_ERROR);
	(void)snprintf(store->folder, sizeof(store->folder), "/tmp/polder-test-XXXXXX");
	if (!mkdtemp(store->folder)) {
		free(store);
		return -1;
	}
	(void)snprintf(store->url, sizeof(store->url), "sqlite:%s/db", store->folder);
	(void)snprintf(store->key_file, sizeof(store->key_file), "%s/key", store->folder);
	(void)snprintf(store->first_file, sizeof(store->first_file), "%s/first", store->folder);
	store->mem = arena_new((size_t)16 << 20);
	*state = store;
	return db_open(store->url, true, &store->db) == OK &&
			       vault_open(store->key_file, &store->vault) == OK
		       ? 0
		       : -1;
}

static int close_store(void **state)
{
	struct store *store = *state;
	static const char *const names[] = { "db", "db-wal", "db-shm", "key", "first",
		"first.new" };
	char path[64];
	size_t i;

	db_close(store->db);
	vault_close(store->vault);
	arena_free(store->mem);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", store->folder, names[i]);
		(void)unlink(path);
	}
	i = (size_t)rmdir(store->folder);
	free(store);
	return (int)i;
}

static size_t count_keys(const struct store *store, struct access_key **keys)
{
	size_t count;

	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(access_key_list(store->db, store->mem, 0, keys, &count), OK);
	db_rollback(store->db);
	return count;
}

static void first_key_is_made_once(void **state)
{
	struct store *store = *state;
	struct access_key *keys, key;
	struct stat status;
	struct user user;
	json_t *first;
	bool good;

	assert_int_equal(
		bootstrap_key(store->db, store->vault, store->mem, store->first_file, NOW), OK);
	assert_int_equal(stat(store->first_file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	first = json_load_file(store->first_file, 0, NULL);
	assert_int_equal(json_object_size(first), 4);
	assert_int_equal(count_keys(store, &keys), 1);
	assert_string_equal(keys[0].id, json_string_value(json_object_get(first, "access_key_id")));
	assert_int_equal(keys[0].permission, PERMISSION_OPERATOR);
	assert_int_equal(keys[0].account, 1);
	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(
		access_key_load(store->db, store->vault, store->mem, keys[0].id, &key), OK);
	assert_int_equal(user_load(store->db, store->vault, store->mem, "operator", &user), OK);
	db_rollback(store->db);
	assert_string_equal(json_string_value(json_object_get(first, "user")), user.name);
	assert_int_equal(user.permission, PERMISSION_OPERATOR);
	assert_int_equal(user.account, 1);
	assert_int_equal(password_check(user.password, PASSWORD_COST_LOG2,
				 json_string_value(json_object_get(first, "password")), &good),
		OK);
	assert_true(good);
	assert_string_equal(
		key.secret, json_string_value(json_object_get(first, "access_key_secret")));
	json_decref(first);
	/* Another start, also when the file was taken away. */
	assert_int_equal(unlink(store->first_file), 0);
	assert_int_equal(
		bootstrap_key(store->db, store->vault, store->mem, store->first_file, NOW), OK);
	assert_int_equal(count_keys(store, &keys), 1);
	assert_int_equal(access(store->first_file, F_OK), -1);
}

static void no_key_that_nobody_knows(void **state)
{
	struct store *store = *state;
	struct access_key *keys;
	uint64_t n;

	assert_int_equal(bootstrap_key(store->db, store->vault, store->mem, "/nowhere/first", NOW),
		ERR_SYSTEM);
	assert_int_equal(count_keys(store, &keys), 0);
	assert_int_equal(bootstrap_key(store->db, store->vault, store->mem, NULL, NOW), OK);
	assert_int_equal(count_keys(store, &keys), 0);
	/* Whichever call of the store fails, a key in it is in the file too. */
	for (n = 1;; n++) {
		db_torture(n);
		enum err err =
			bootstrap_key(store->db, store->vault, store->mem, store->first_file, NOW);
		db_torture(0);
		if (err == OK)
			break;
		assert_int_equal(count_keys(store, &keys), 0);
	}
	assert_true(n > 4);
	assert_int_equal(count_keys(store, &keys), 1);
	assert_int_equal(access(store->first_file, F_OK), 0);
}

static void cookie_secret_stays(void **state)
{
	struct store *store = *state;
	uint8_t first[32] = { 0 }, again[32] = { 0 }, zero[32] = { 0 };

	assert_int_equal(bootstrap_cookie_secret(store->db, store->vault, store->mem, first), OK);
	assert_memory_not_equal(first, zero, 32);
	assert_int_equal(bootstrap_cookie_secret(store->db, store->vault, store->mem, again), OK);
	assert_memory_equal(first, again, 32);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(first_key_is_made_once),
		CASE(no_key_that_nobody_knows),
		CASE(cookie_secret_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
