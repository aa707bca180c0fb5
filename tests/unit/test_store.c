/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other nouns of the store: accounts and keys, settings, orders, rules, lists, tags, events,
 * changes and nodes.
 */
#include "base/text.h"
#include "control/store/query.h"
#include "control/store/vault.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

struct fixture {
	struct test_store store;
	struct vault *vault;
	char key_path[128];
	struct db *db;
	struct arena *mem;
	struct instance instance; /* with an open DB_WRITE transaction around each test */
};

static int setup(void **state)
{
	static struct fixture fixture;

	test_store_open(&fixture.store);
	(void)snprintf(
		fixture.key_path, sizeof(fixture.key_path), "%s/key", fixture.store.directory);
	assert_int_equal(vault_open(fixture.key_path, &fixture.vault), OK);
	fixture.db = fixture.store.db;
	fixture.mem = fixture.store.mem;
	fixture.instance = test_store_add(&fixture.store, 1, T0 + 30 * DAY_MS);
	assert_int_equal(db_begin(fixture.db, DB_WRITE), OK);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(db_commit(fixture->db), OK);
	test_store_check(&fixture->store);
	vault_close(fixture->vault);
	(void)unlink(fixture->key_path);
	test_store_close(&fixture->store);
	return 0;
}

static int64_t generation(struct fixture *fixture)
{
	int64_t out;

	assert_int_equal(change_generation(fixture->db, &out), OK);
	return out;
}

/* ---- accounts, keys, settings */

static void test_accounts(void **state)
{
	struct fixture *fixture = *state;
	int64_t second, again;
	bool exists;

	assert_int_equal(account_insert(fixture->db, "second", T0, &second), OK);
	assert_int_equal(second, fixture->store.account + 1);
	assert_int_equal(account_insert(fixture->db, "second", T0, &again), ERR_CONFLICT);
	assert_int_equal(account_exists(fixture->db, second, &exists), OK);
	assert_true(exists);
	assert_int_equal(account_exists(fixture->db, 99, &exists), OK);
	assert_false(exists);
}

static void test_access_keys(void **state)
{
	struct fixture *fixture = *state;
	const char *ids[] = { "one", "two" };
	struct access_key key = { .id = "LTAI1",
		.account = fixture->store.account,
		.permission = PERMISSION_FULL,
		.active = true,
		.secret = "the secret",
		.create_ms = T0,
		.instance = ids,
		.instance_count = 2,
		.remark = "r" };
	struct access_key loaded, *list;
	size_t count;
	char *raw;

	assert_int_equal(access_key_insert(fixture->db, fixture->vault, &key), OK);
	assert_int_equal(access_key_insert(fixture->db, fixture->vault, &key), ERR_CONFLICT);
	assert_int_equal(
		access_key_load(fixture->db, fixture->vault, fixture->mem, "LTAI1", &loaded), OK);
	assert_string_equal(loaded.secret, "the secret");
	assert_null(loaded.token);
	assert_int_equal(loaded.permission, PERMISSION_FULL);
	assert_int_equal(loaded.instance_count, 2);
	assert_string_equal(loaded.instance[1], "two");
	assert_true(loaded.active);
	assert_int_equal(access_key_set_active(fixture->db, "LTAI1", false), OK);
	assert_int_equal(access_key_list(fixture->db, fixture->mem, 0, &list, &count), OK);
	assert_int_equal(count, 1);
	assert_null(list[0].secret);
	assert_false(list[0].active);
	assert_int_equal(list[0].instance_count, 2);
	assert_int_equal(access_key_list(fixture->db, fixture->mem, 99, &list, &count), OK);
	assert_int_equal(count, 0);
	raw = test_store_query(&fixture->store, "SELECT count(*) FROM access_key");
	assert_string_equal(raw, "0\n"); /* not committed yet: a reader sees nothing */
	free(raw);
	assert_int_equal(access_key_delete(fixture->db, "LTAI1"), OK);
	assert_int_equal(access_key_delete(fixture->db, "LTAI1"), ERR_ACCESS_KEY_NOT_FOUND);
	assert_int_equal(
		access_key_set_active(fixture->db, "LTAI1", true), ERR_ACCESS_KEY_NOT_FOUND);
	assert_int_equal(
		access_key_load(fixture->db, fixture->vault, fixture->mem, "LTAI1", &loaded),
		ERR_ACCESS_KEY_NOT_FOUND);
}

static void test_exchanged_secrets_do_not_open(void **state)
{
	struct fixture *fixture = *state;
	struct access_key key = { .id = "A", .account = 1, .secret = "sa" }, loaded;

	assert_int_equal(access_key_insert(fixture->db, fixture->vault, &key), OK);
	memcpy(key.id, "B", 2);
	key.secret = "sb";
	assert_int_equal(access_key_insert(fixture->db, fixture->vault, &key), OK);
	assert_int_equal(db_run(fixture->db,
				 "UPDATE access_key SET secret ="
				 " (SELECT secret FROM access_key WHERE id = 'B') WHERE id = 'A'",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(access_key_load(fixture->db, fixture->vault, fixture->mem, "A", &loaded),
		ERR_STORE);
	assert_int_equal(
		access_key_load(fixture->db, fixture->vault, fixture->mem, "B", &loaded), OK);
}

static void test_temporary_keys(void **state)
{
	static const struct {
		const char *id, *token;
		int64_t expires_ms;
	} keys[] = { { "permanent", NULL, 0 }, { "over", "t1", T0 }, { "valid", "t2", T0 + 1 } };
	struct fixture *fixture = *state;
	struct access_key *list, loaded;
	size_t count;

	for (size_t i = 0; i < 3; i++) {
		struct access_key key = { .account = 1,
			.secret = "s",
			.token = keys[i].token,
			.expires_ms = keys[i].expires_ms };

		(void)snprintf(key.id, sizeof(key.id), "%s", keys[i].id);
		assert_int_equal(access_key_insert(fixture->db, fixture->vault, &key), OK);
	}
	assert_int_equal(access_key_prune(fixture->db, T0), OK);
	assert_int_equal(access_key_list(fixture->db, fixture->mem, 1, &list, &count), OK);
	assert_int_equal(count, 2);
	assert_int_equal(
		access_key_load(fixture->db, fixture->vault, fixture->mem, "valid", &loaded), OK);
	assert_string_equal(loaded.token, "t2");
	assert_int_equal(loaded.expires_ms, T0 + 1);
}

static void test_permission_names(void **state)
{
	enum permission permission;

	(void)state;
	for (int i = 0; i < PERMISSION_COUNT; i++) {
		assert_true(permission_from_name(permission_name((enum permission)i), &permission));
		assert_int_equal(permission, i);
	}
	assert_false(permission_from_name("root", &permission));
}

static void test_settings(void **state)
{
	struct fixture *fixture = *state;
	const void *out;
	size_t size;

	assert_int_equal(setting_get_secret(
				 fixture->db, fixture->vault, fixture->mem, "cookie", &out, &size),
		ERR_NOT_FOUND);
	assert_int_equal(setting_put_secret(fixture->db, fixture->vault, "cookie", "a\0b", 3), OK);
	assert_int_equal(setting_put_secret(fixture->db, fixture->vault, "cookie", "c\0d", 3), OK);
	assert_int_equal(setting_get_secret(
				 fixture->db, fixture->vault, fixture->mem, "cookie", &out, &size),
		OK);
	assert_int_equal(size, 3);
	assert_memory_equal(out, "c\0d", 3);
}

/* ---- orders and events */

static void test_orders(void **state)
{
	struct fixture *fixture = *state;
	int64_t first, second, found, other;
	const char *id;

	assert_int_equal(order_insert(fixture->db, 1, "buy", "i-1", "token", T0, &first), OK);
	assert_int_equal(
		order_insert(fixture->db, 1, "buy", "i-2", "token", T0, &second), ERR_CONFLICT);
	assert_int_equal(order_insert(fixture->db, 1, "buy", "i-2", NULL, T0, &second), OK);
	assert_int_equal(order_insert(fixture->db, 1, "buy", "i-3", NULL, T0, &second), OK);
	assert_int_equal(account_insert(fixture->db, "other", T0, &other), OK);
	assert_int_equal(order_insert(fixture->db, other, "buy", "i-4", "token", T0, &second), OK);
	assert_int_equal(order_by_token(fixture->db, fixture->mem, 1, "token", &found, &id), OK);
	assert_int_equal(found, first);
	assert_string_equal(id, "i-1");
	assert_int_equal(
		order_by_token(fixture->db, fixture->mem, 1, "none", &found, &id), ERR_NOT_FOUND);
}

static void test_events(void **state)
{
	struct fixture *fixture = *state;
	struct event_row *rows;
	bool inserted;
	size_t count;

	assert_int_equal(event_insert(fixture->db, 1, "i", "expired", T0, T0, "{}", &inserted), OK);
	assert_true(inserted);
	assert_int_equal(event_insert(fixture->db, 1, "i", "expired", T0, T0, "{}", &inserted), OK);
	assert_false(inserted);
	assert_int_equal(event_insert(fixture->db, 1, "i", "expired", T0 + 1, T0, NULL, NULL), OK);
	assert_int_equal(event_insert(fixture->db, 1, "j", "expired", T0, T0, "{}", NULL), OK);
	assert_int_equal(event_insert(fixture->db, 2, "k", "stopped", T0, T0, "{}", NULL), OK);
	assert_int_equal(event_list(fixture->db, fixture->mem,
				 &(struct event_filter){ .account = 1 }, &rows, &count),
		OK);
	assert_int_equal(count, 3);
	assert_int_equal(
		event_list(fixture->db, fixture->mem,
			&(struct event_filter){ .after_number = rows[0].number, .limit = 2 }, &rows,
			&count),
		OK);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].detail, "");
	assert_int_equal(
		event_list(fixture->db, fixture->mem,
			&(struct event_filter){ .instance_id = "k", .limit = 9 }, &rows, &count),
		OK);
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].kind, "stopped");
}

/* ---- port rules */

static void test_port_rules(void **state)
{
	struct fixture *fixture = *state;
	int64_t before = generation(fixture);
	struct port_rule rule = { .instance_number = fixture->instance.number,
		.protocol = PROTOCOL_UDP,
		.frontend_port = 53,
		.backend_port = 5353 };
	struct port_rule loaded;
	struct instance_usage usage;

	assert_int_equal(port_rule_add_origin(&rule, false, "10.0.0.2"), OK);
	assert_int_equal(port_rule_add_origin(&rule, false, "10.0.0.1"), OK);
	rule.origin[1].weight = 7;
	assert_int_equal(port_rule_insert(fixture->db, &rule), OK);
	assert_int_equal(generation(fixture), before + 1);
	assert_int_equal(port_rule_insert(fixture->db, &rule), ERR_PORT_RULE_EXISTS);
	assert_int_equal(port_rule_load(fixture->db, fixture->mem, rule.instance_number,
				 PROTOCOL_UDP, 53, &loaded),
		OK);
	assert_int_equal(loaded.number, rule.number);
	assert_int_equal(loaded.backend_port, 5353);
	assert_int_equal(loaded.origin_count, 2); /* in their order */
	assert_memory_equal(loaded.origin, rule.origin, 2 * sizeof(rule.origin[0]));
	assert_string_equal(loaded.remark, "");
	assert_int_equal(port_rule_load(fixture->db, fixture->mem, rule.instance_number,
				 PROTOCOL_TCP, 53, &loaded),
		ERR_PORT_RULE_NOT_FOUND);
	assert_int_equal(instance_usage(fixture->db, rule.instance_number, &usage), OK);
	assert_int_equal(usage.ports, 1);
	rule.origin_count = 1;
	rule.remark = "changed";
	assert_int_equal(port_rule_update(fixture->db, &rule), OK);
	assert_int_equal(port_rule_load(fixture->db, fixture->mem, rule.instance_number,
				 PROTOCOL_UDP, 53, &loaded),
		OK);
	assert_int_equal(loaded.origin_count, 1);
	assert_string_equal(loaded.remark, "changed");
	assert_int_equal(port_rule_delete(fixture->db, &rule), OK);
	assert_int_equal(generation(fixture), before + 3);
	assert_int_equal(port_rule_delete(fixture->db, &rule), ERR_PORT_RULE_NOT_FOUND);
	assert_int_equal(port_rule_update(fixture->db, &rule), ERR_PORT_RULE_NOT_FOUND);
	assert_int_equal(instance_usage(fixture->db, rule.instance_number, &usage), OK);
	assert_int_equal(usage.ports, 0);
}

static void test_port_rule_lists(void **state)
{
	struct fixture *fixture = *state;
	const char *allowed[] = { fixture->instance.id };
	struct instance other = test_instance(&fixture->store, 2, T0);
	struct port_rule_filter filter = { .limit = 3, .offset = 1 };
	struct port_rule_row *rows;
	int64_t total;
	size_t count;

	assert_int_equal(instance_insert(fixture->db, &other), OK);
	for (int port = 80; port < 85; port++)
		assert_int_equal(test_add_rule(fixture->db, fixture->instance.number, port), OK);
	assert_int_equal(test_add_rule(fixture->db, other.number, 80), OK);
	filter.instance_number = fixture->instance.number;
	assert_int_equal(
		port_rule_list(fixture->db, fixture->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, 5);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].rule.frontend_port, 81);
	assert_int_equal(rows[0].rule.origin_count, 2);
	assert_string_equal(rows[0].instance_id, fixture->instance.id);
	filter = (struct port_rule_filter){
		.account = 1, .protocol = PROTOCOL_TCP, .frontend_port = 80
	};
	assert_int_equal(
		port_rule_list(fixture->db, fixture->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, 2);
	assert_int_equal(count, 2);
	filter = (struct port_rule_filter){ .account = 1, .allowed = allowed, .allowed_count = 1 };
	assert_int_equal(
		port_rule_list(fixture->db, fixture->mem, &filter, &rows, &count, NULL), OK);
	assert_int_equal(count, 5);
	filter = (struct port_rule_filter){ .account = 2 };
	assert_int_equal(
		port_rule_list(fixture->db, fixture->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, 0);
}

/* ---- allow- and block-lists */

static struct list_entry_row entry_of(
	struct fixture *fixture, enum list_kind kind, const char *text)
{
	struct list_entry_row entry = {
		.instance_number = fixture->instance.number, .kind = kind, .until_ms = T0 + 1000
	};

	assert_true(text_to_prefix(text, entry.source, &entry.prefix_bits));
	return entry;
}

static size_t list_count(struct fixture *fixture, const struct list_entry_filter *filter)
{
	struct list_entry_row *rows;
	int64_t total;
	size_t count;

	assert_int_equal(
		list_entry_list(fixture->db, fixture->mem, filter, &rows, &count, &total), OK);
	if (filter->limit == 0)
		assert_int_equal(total, count);
	return count;
}

static void test_list_entries(void **state)
{
	static const char *const texts[] = { "203.0.113.1", "203.0.113.0/24", "2001:db8::/32",
		"203.0.114.9" };
	struct fixture *fixture = *state;
	struct list_entry_filter filter = {
		.instance_number = fixture->instance.number, .kind = LIST_BLOCK, .automatic = -1
	};
	int64_t before;

	for (size_t i = 0; i < 4; i++) {
		struct list_entry_row entry = entry_of(fixture, LIST_BLOCK, texts[i]);

		entry.automatic = i == 3;
		assert_int_equal(list_entry_put(fixture->db, &entry), OK);
	}
	assert_int_equal(list_count(fixture, &filter), 4);
	filter.keyword = "203.0.113";
	assert_int_equal(list_count(fixture, &filter), 2);
	filter.keyword = "03.0";
	assert_int_equal(list_count(fixture, &filter), 0); /* a prefix, not any part */
	filter.keyword = NULL;
	filter.automatic = 1;
	assert_int_equal(list_count(fixture, &filter), 1);
	filter.automatic = 0;
	assert_int_equal(list_count(fixture, &filter), 3);
	filter.automatic = -1;
	filter.limit = 2;
	filter.offset = 3;
	assert_int_equal(list_count(fixture, &filter), 1);
	filter.limit = filter.offset = 0;
	filter.clock_ms = T0 + 1000;
	assert_int_equal(list_count(fixture, &filter), 0);
	filter.clock_ms = 0;
	filter.kind = LIST_ALLOW;
	assert_int_equal(list_count(fixture, &filter), 0);
	before = generation(fixture);
	assert_int_equal(list_entry_empty(fixture->db, filter.instance_number, LIST_BLOCK), OK);
	assert_int_equal(generation(fixture), before + 4);
	filter.kind = LIST_BLOCK;
	assert_int_equal(list_count(fixture, &filter), 0);
}

static void test_list_entry_extends(void **state)
{
	struct fixture *fixture = *state;
	struct list_entry_row entry = entry_of(fixture, LIST_BLOCK, "203.0.113.1"), *rows;
	struct list_entry_filter filter = {
		.instance_number = fixture->instance.number, .kind = LIST_BLOCK, .automatic = -1
	};
	int64_t before;
	size_t count;

	entry.automatic = true;
	assert_int_equal(list_entry_put(fixture->db, &entry), OK);
	before = generation(fixture);
	entry.until_ms = T0; /* shorter: the longer time stays, nodes hear nothing */
	entry.automatic = false;
	assert_int_equal(list_entry_put(fixture->db, &entry), OK);
	assert_int_equal(generation(fixture), before);
	assert_int_equal(
		list_entry_list(fixture->db, fixture->mem, &filter, &rows, &count, NULL), OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].until_ms, T0 + 1000);
	assert_false(rows[0].automatic);
	entry.until_ms = INT64_MAX;
	assert_int_equal(list_entry_put(fixture->db, &entry), OK);
	assert_int_equal(generation(fixture), before + 1);
	assert_int_equal(
		list_entry_list(fixture->db, fixture->mem, &filter, &rows, &count, NULL), OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].until_ms, INT64_MAX);
	assert_memory_equal(rows[0].source, entry.source, 16);
	assert_int_equal(rows[0].prefix_bits, 128);
}

static void test_list_entry_delete_and_prune(void **state)
{
	struct fixture *fixture = *state;
	struct list_entry_row entry = entry_of(fixture, LIST_ALLOW, "203.0.113.1");
	struct list_entry_filter filter = {
		.instance_number = fixture->instance.number, .kind = LIST_ALLOW, .automatic = -1
	};
	struct list_entry_row other;
	bool changed;

	assert_int_equal(list_entry_put(fixture->db, &entry), OK);
	other = entry;
	other.kind = LIST_BLOCK;
	assert_int_equal(list_entry_delete(fixture->db, &other, -1, &changed), OK);
	assert_false(changed);
	assert_int_equal(list_entry_delete(fixture->db, &entry, 1, &changed), OK);
	assert_false(changed);
	assert_int_equal(list_entry_delete(fixture->db, &entry, 0, &changed), OK);
	assert_true(changed);
	for (int i = 0; i < 10; i++) {
		entry.source[15] = (uint8_t)i;
		entry.until_ms = T0 + i;
		assert_int_equal(list_entry_put(fixture->db, &entry), OK);
	}
	assert_int_equal(list_entry_prune(fixture->db, T0 + 5, 4), OK);
	assert_int_equal(list_count(fixture, &filter), 6);
	assert_int_equal(list_entry_prune(fixture->db, T0 + 5, 4), OK);
	assert_int_equal(list_count(fixture, &filter), 4);
	assert_int_equal(list_entry_prune(fixture->db, T0 + 5, 4), OK);
	assert_int_equal(list_count(fixture, &filter), 4);
}

/* ---- tags */

static void test_tags(void **state)
{
	struct fixture *fixture = *state;
	int64_t number = fixture->instance.number, count, *numbers, total;
	struct tag_filter filter = { .account = 1, .limit = 2 };
	const struct pair wanted[] = { { "a", NULL }, { "b", "2" } };
	struct tag_key_row *keys;
	struct tag_row *rows;
	size_t used;

	assert_int_equal(tag_put(fixture->db, number, "a", "1"), OK);
	assert_int_equal(tag_put(fixture->db, number, "b", "2"), OK);
	assert_int_equal(tag_put(fixture->db, number, "c", "3"), OK);
	assert_int_equal(tag_put(fixture->db, number, "c", "4"), OK);
	assert_int_equal(tag_put(fixture->db, 99, "c", "4"), ERR_INSTANCE_NOT_FOUND);
	assert_int_equal(tag_count(fixture->db, number, &count), OK);
	assert_int_equal(count, 3);

	struct instance other = test_instance(&fixture->store, 2, T0);

	assert_int_equal(instance_insert(fixture->db, &other), OK);
	assert_int_equal(tag_put(fixture->db, other.number, "a", "1"), OK);
	assert_int_equal(tag_list(fixture->db, fixture->mem, &filter, &rows, &numbers, &used), OK);
	assert_int_equal(used, 2);
	filter.after_number = numbers[1];
	filter.after_key = rows[1].key;
	assert_int_equal(tag_list(fixture->db, fixture->mem, &filter, &rows, &numbers, &used), OK);
	assert_int_equal(used, 2);
	assert_string_equal(rows[0].key, "c");
	assert_string_equal(rows[0].value, "4");
	assert_string_equal(rows[1].instance_id, other.id);
	filter = (struct tag_filter){ .account = 1, .tag = wanted, .tag_count = 2, .limit = 10 };
	assert_int_equal(tag_list(fixture->db, fixture->mem, &filter, &rows, &numbers, &used), OK);
	assert_int_equal(used, 2); /* only the first instance has both */
	assert_string_equal(rows[1].instance_id, fixture->instance.id);
	filter = (struct tag_filter){ .account = 1, .limit = 1 };
	assert_int_equal(tag_keys(fixture->db, fixture->mem, &filter, 0, &keys, &used, &total), OK);
	assert_int_equal(total, 3);
	assert_int_equal(used, 1);
	assert_string_equal(keys[0].key, "a");
	assert_int_equal(keys[0].count, 2);
	assert_int_equal(tag_delete(fixture->db, number, "a"), OK);
	assert_int_equal(tag_count(fixture->db, number, &count), OK);
	assert_int_equal(count, 2);
	assert_int_equal(tag_delete(fixture->db, number, NULL), OK);
	assert_int_equal(tag_count(fixture->db, number, &count), OK);
	assert_int_equal(count, 0);
}

/* ---- changes and nodes */

static void test_changes(void **state)
{
	struct fixture *fixture = *state;
	int64_t first = generation(fixture), made;
	char *rows;

	for (int i = 1; i <= 10; i++) {
		assert_int_equal(change_record(fixture->db, RECORD_LIST, i, &made), OK);
		assert_int_equal(made, first + i);
	}
	assert_int_equal(change_prune(fixture->db, 3), OK);
	assert_int_equal(generation(fixture), made);
	assert_int_equal(change_prune(fixture->db, 0), OK);
	assert_int_equal(generation(fixture), made); /* the newest always stays */
	assert_int_equal(change_record(fixture->db, RECORD_LIST, 1, &first), OK);
	assert_int_equal(first, made + 1);
	assert_int_equal(db_commit(fixture->db), OK);
	rows = test_store_query(&fixture->store, "SELECT count(*) FROM change");
	assert_string_equal(rows, "2\n");
	free(rows);
	assert_int_equal(db_begin(fixture->db, DB_WRITE), OK);
}

static void test_nodes(void **state)
{
	struct fixture *fixture = *state;
	struct node_row node = { .name = "n1", .generation = 5, .seen_ms = T0, .sources = "s" };
	struct node_row *rows;
	bool deleted;
	size_t count;

	assert_int_equal(node_put(fixture->db, &node), OK);
	node.generation = 6;
	node.sources = NULL;
	assert_int_equal(node_put(fixture->db, &node), OK);
	assert_int_equal(node_list(fixture->db, fixture->mem, &rows, &count), OK);
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].name, "n1");
	assert_int_equal(rows[0].generation, 6);
	assert_string_equal(rows[0].sources, "");
	assert_int_equal(node_delete(fixture->db, "n1", &deleted), OK);
	assert_true(deleted);
	assert_int_equal(node_delete(fixture->db, "n1", &deleted), OK);
	assert_false(deleted);
	assert_int_equal(node_list(fixture->db, fixture->mem, &rows, &count), OK);
	assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_accounts),
		TEST(test_access_keys),
		TEST(test_exchanged_secrets_do_not_open),
		TEST(test_temporary_keys),
		TEST(test_permission_names),
		TEST(test_settings),
		TEST(test_orders),
		TEST(test_events),
		TEST(test_port_rules),
		TEST(test_port_rule_lists),
		TEST(test_list_entries),
		TEST(test_list_entry_extends),
		TEST(test_list_entry_delete_and_prune),
		TEST(test_tags),
		TEST(test_changes),
		TEST(test_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
