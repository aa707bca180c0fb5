/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances in the store: addresses, release, deadlines, and lists compared with a plain reference.
 */
#include "control/model/lifecycle.h"
#include "control/store/instance.h"
#include "control/store/query.h"
#include "base/text.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

static void assert_vip(const struct instance *instance, const char *text)
{
	char form[ADDRESS_TEXT_SIZE];

	address_format(instance->vip, form);
	assert_string_equal(form, text);
}

static void release(struct test_store *store, const struct instance *instance)
{
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_release(store->db, instance, T0), OK);
	assert_int_equal(db_commit(store->db), OK);
}

static void test_insert_and_load(void **state)
{
	struct test_store *store = *state;
	struct instance made, loaded;
	int64_t generation;

	made = test_instance(store, 1, T0 + 30 * DAY_MS);
	made.remark = "rémark";
	made.resource_group = "rg-1";
	made.switch_back_origin = true;
	made.renewal = RENEWAL_AUTO;
	made.plan.qps = 5000;
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &made), OK);
	assert_int_equal(change_generation(store->db, &generation), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(made.number, 1);
	assert_int_equal(made.deadline_generation, generation);
	assert_int_equal(made.previous_forward_until_ms, 0);
	assert_vip(&made, "192.0.2.1");
	assert_int_equal(instance_load(store->db, store->mem, made.id, &loaded), OK);
	assert_string_equal(loaded.remark, made.remark);
	assert_string_equal(loaded.resource_group, made.resource_group);
	made.remark = loaded.remark;
	made.resource_group = loaded.resource_group;
	assert_memory_equal(&loaded.plan, &made.plan, sizeof(made.plan));
	assert_memory_equal(loaded.vip, made.vip, 16);
	assert_int_equal(loaded.expire_ms, made.expire_ms);
	assert_int_equal(loaded.renewal, RENEWAL_AUTO);
	assert_true(loaded.switch_back_origin);
	assert_int_equal(instance_load(store->db, store->mem, "ddoscoo-cn-unknown0000", &loaded),
		ERR_INSTANCE_NOT_FOUND);
}

static void test_same_id_twice(void **state)
{
	struct test_store *store = *state;
	struct instance first = test_store_add(store, 1, T0), again = test_instance(store, 1, T0);

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &again), ERR_CONFLICT);
	db_rollback(store->db);
	release(store, &first);
	/* Not even after it was released. */
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &again), ERR_CONFLICT);
	db_rollback(store->db);
}

static void test_lowest_address_first(void **state)
{
	struct test_store *store = *state;
	struct instance made[6], again;

	for (unsigned i = 0; i < 6; i++)
		made[i] = test_store_add(store, i, T0);
	assert_vip(&made[5], "192.0.2.6");
	release(store, &made[3]);
	release(store, &made[1]);
	again = test_store_add(store, 10, T0);
	assert_vip(&again, "192.0.2.2");
	assert_int_equal(again.number, 7); /* numbers are never used twice */
	again = test_store_add(store, 11, T0);
	assert_vip(&again, "192.0.2.4");
	again = test_store_add(store, 12, T0);
	assert_vip(&again, "192.0.2.7");
}

static struct instance add_ipv6(struct test_store *store, unsigned index)
{
	struct instance instance = test_instance(store, index, T0);

	instance.ipv6 = true;
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &instance), OK);
	assert_int_equal(db_commit(store->db), OK);
	return instance;
}

static void test_ipv6_addresses(void **state)
{
	struct test_store *store = *state;
	struct instance first = add_ipv6(store, 1), second = add_ipv6(store, 2), third;

	assert_vip(&first, "2001:db8::1"); /* ::0 is the subnet-router anycast address */
	assert_vip(&second, "2001:db8::2");
	release(store, &first);
	third = add_ipv6(store, 3);
	assert_vip(&third, "2001:db8::1");
}

static enum err sync_pool(struct test_store *store, const char *prefixes)
{
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);

	enum err err = vip_pool_sync(store->db, prefixes);

	if (err == OK)
		assert_int_equal(db_commit(store->db), OK);
	else
		db_rollback(store->db);
	return err;
}

static void test_pool_ends(void **state)
{
	struct test_store *store = *state;
	struct instance instance;

	assert_int_equal(sync_pool(store, " 203.0.113.0/30  203.0.113.8/31 203.0.113.12 "), OK);
	static const char *const expected[] = { "203.0.113.1", "203.0.113.2", "203.0.113.8",
		"203.0.113.9", "203.0.113.12" };

	for (unsigned i = 0; i < 5; i++) {
		instance = test_store_add(store, i, T0);
		assert_vip(&instance, expected[i]);
	}
	instance = test_instance(store, 6, T0);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_insert(store->db, &instance), ERR_VIP_EXHAUSTED);
	instance.ipv6 = true;
	assert_int_equal(instance_insert(store->db, &instance), ERR_VIP_EXHAUSTED);
	db_rollback(store->db);
}

static void test_pool_changes(void **state)
{
	struct test_store *store = *state;
	struct instance a, b, c;

	assert_int_equal(sync_pool(store, "203.0.113.0/29"), OK);
	a = test_store_add(store, 1, T0);
	b = test_store_add(store, 2, T0);
	assert_vip(&b, "203.0.113.2");
	/* Widened: the addresses in use are stepped over. */
	assert_int_equal(sync_pool(store, "203.0.113.0/24"), OK);
	c = test_store_add(store, 3, T0);
	assert_vip(&c, "203.0.113.3");
	/* Replaced: what is in use stays, what comes back is not handed out ... */
	assert_int_equal(sync_pool(store, "198.51.100.0/24"), OK);
	release(store, &a);
	a = test_store_add(store, 4, T0);
	assert_vip(&a, "198.51.100.1");
	/* ... until its prefix is back. */
	assert_int_equal(sync_pool(store, "198.51.100.0/24 203.0.113.0/24 203.0.113.0/29"), OK);
	a = test_store_add(store, 5, T0);
	assert_vip(&a, "198.51.100.2");
	assert_int_equal(sync_pool(store, "203.0.113.0/29 203.0.113.0/24"), OK);
	a = test_store_add(store, 6, T0);
	assert_vip(&a, "203.0.113.1");
	a = test_store_add(store, 7, T0);
	assert_vip(&a, "203.0.113.4");
	a = test_store_add(store, 8, T0);
	assert_vip(&a, "203.0.113.5");
}

static void test_pool_refusals(void **state)
{
	assert_int_equal(sync_pool(*state, "203.0.113.0/24 nonsense"), ERR_INVALID_PARAMETER);
	assert_int_equal(sync_pool(*state, "203.0.113.1/24"), ERR_INVALID_PARAMETER);
	assert_int_equal(sync_pool(*state, "0.0.0.0/0"), ERR_INVALID_PARAMETER);
	assert_int_equal(sync_pool(*state, "::/0"), ERR_INVALID_PARAMETER);
	assert_int_equal(sync_pool(*state, ""), OK);
}

static void test_release_frees_everything(void **state)
{
	struct test_store *store = *state;
	struct instance keep = test_store_add(store, 1, T0), gone = test_store_add(store, 2, T0);
	struct list_entry_row entry = { .instance_number = gone.number,
		.kind = LIST_BLOCK,
		.source = { 1 },
		.prefix_bits = 128,
		.until_ms = INT64_MAX };
	int64_t before, after, account;
	char *rows;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(test_add_rule(store->db, keep.number, 80), OK);
	assert_int_equal(test_add_rule(store->db, gone.number, 80), OK);
	assert_int_equal(test_add_rule(store->db, gone.number, 81), OK);
	assert_int_equal(list_entry_put(store->db, &entry), OK);
	assert_int_equal(tag_put(store->db, gone.number, "k", "v"), OK);
	assert_int_equal(change_generation(store->db, &before), OK);
	assert_int_equal(instance_release(store->db, &gone, T0 + 5), OK);
	assert_int_equal(change_generation(store->db, &after), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(after, before + 1); /* one change: nodes drop what belongs to it */
	rows = test_store_query(store,
		"SELECT (SELECT count(*) FROM instance), (SELECT count(*) FROM port_rule),"
		" (SELECT count(*) FROM port_rule_origin), (SELECT count(*) FROM list_entry),"
		" (SELECT count(*) FROM tag), (SELECT sum(instances) FROM instance_count),"
		" (SELECT id || number || ' ' || account || ' ' || time_ms FROM released)");
	assert_string_equal(rows, "1|1|2|0|0|1|ddoscoo-cn-test00000022 1 1767225600005\n");
	free(rows);
	assert_int_equal(instance_released_account(store->db, gone.id, &account), OK);
	assert_int_equal(account, store->account);
	assert_int_equal(
		instance_released_account(store->db, keep.id, &account), ERR_INSTANCE_NOT_FOUND);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_release(store->db, &gone, T0), ERR_INSTANCE_NOT_FOUND);
	assert_int_equal(instance_set_expiry(store->db, &gone, T0), ERR_INSTANCE_NOT_FOUND);
	assert_int_equal(instance_update(store->db, &gone), ERR_INSTANCE_NOT_FOUND);
	db_rollback(store->db);
}

static void test_set_expiry(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0), loaded;
	int64_t first = instance.deadline_generation;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_set_expiry(store->db, &instance, T0 + 90 * DAY_MS), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(instance.deadline_generation, first + 1);
	assert_int_equal(instance.previous_forward_until_ms, lifecycle_forward_until(T0));
	assert_int_equal(instance_load(store->db, store->mem, instance.id, &loaded), OK);
	assert_int_equal(loaded.expire_ms, T0 + 90 * DAY_MS);
	assert_int_equal(loaded.deadline_generation, first + 1);
	assert_int_equal(loaded.previous_forward_until_ms, lifecycle_forward_until(T0));
}

static void test_update_moves_counts(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0), loaded;
	struct instance_filter filter = { .edition = -1, .enabled = -1, .limit = 10 };
	struct instance *rows;
	int64_t total;
	size_t count;

	instance.resource_group = "new";
	instance.remark = "other";
	instance.edition = 3;
	instance.plan.ports = 100;
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_update(store->db, &instance), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_int_equal(instance_load(store->db, store->mem, instance.id, &loaded), OK);
	assert_string_equal(loaded.remark, "other");
	assert_int_equal(loaded.plan.ports, 100);
	filter.resource_group = "";
	assert_int_equal(instance_list(store->db, store->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, 0);
	filter.resource_group = "new";
	filter.edition = 3;
	assert_int_equal(instance_list(store->db, store->mem, &filter, &rows, &count, &total), OK);
	assert_int_equal(total, 1);
}

/* ---- lists against a reference that reads every row and decides in C */

#define MANY 300
#define SPAN (40 * DAY_MS)

struct many {
	struct instance instance[MANY];
	bool tagged[MANY];
};

static uint64_t dice_state;
static unsigned dice(unsigned sides)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % sides;
}

static void make_many(struct test_store *store, struct many *many)
{
	int64_t other;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(account_insert(store->db, "other", T0, &other), OK);
	for (unsigned i = 0; i < MANY; i++) {
		struct instance *instance = &many->instance[i];

		*instance = test_instance(store, i, T0 + (int64_t)dice(4000) * (SPAN / 4000));
		instance->create_ms = T0 + dice(50);
		instance->account = dice(4) ? store->account : other;
		instance->edition = dice(2) ? 9 : (int64_t)dice(4);
		instance->resource_group = dice(3) ? "" : "group";
		instance->remark = dice(2) ? "50%_off\\" : "plain";
		assert_int_equal(instance_insert(store->db, instance), OK);
		many->tagged[i] = dice(3) == 0;
		if (many->tagged[i])
			assert_int_equal(tag_put(store->db, instance->number, "env",
						 dice(2) ? "prod" : "test"),
				OK);
		if (dice(5) == 0)
			assert_int_equal(instance_set_expiry(store->db, instance,
						 T0 + (int64_t)dice(4000) * (SPAN / 4000)),
				OK);
	}
	assert_int_equal(db_commit(store->db), OK);
}

static bool named(const char *const *ids, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return count == 0;
}

static bool tags_match(struct test_store *store, const struct instance_filter *f, int64_t number)
{
	for (size_t i = 0; i < f->tag_count; i++) {
		int64_t count;

		assert_int_equal(select_int(store->db,
					 "SELECT count(*) FROM tag WHERE instance_number = $1 AND"
					 " key = $2 AND ($3 IS NULL OR value = $3)",
					 (const struct value[]){ V_INT(number),
						 V_TEXT(f->tag[i].key), V_TEXT(f->tag[i].value) },
					 3, &count),
			OK);
		if (count == 0)
			return false;
	}
	return true;
}

static bool is_forwarded(const struct instance_filter *f, const struct instance *instance)
{
	if (f->confirmed_generation == 0)
		return false;
	if (instance->deadline_generation <= f->confirmed_generation)
		return f->now_ms < lifecycle_forward_until(instance->expire_ms);
	return f->now_ms < instance->previous_forward_until_ms;
}

static bool matches(
	struct test_store *store, const struct instance_filter *f, const struct instance *i)
{
	int status = lifecycle_at(i->expire_ms, f->now_ms)->status;
	uint8_t vip[16];

	if (f->ip && (!text_to_address(f->ip, vip) || memcmp(vip, i->vip, 16) != 0))
		return false;
	return (f->account == 0 || f->account == i->account) && named(f->ids, f->id_count, i->id) &&
	       named(f->allowed, f->allowed_count, i->id) &&
	       (!f->remark || strstr(i->remark, f->remark)) &&
	       (f->edition < 0 || f->edition == i->edition) &&
	       (f->expire_after_ms == 0 || i->expire_ms > f->expire_after_ms) &&
	       (f->expire_before_ms == 0 || i->expire_ms < f->expire_before_ms) &&
	       (f->status_count == 0 || f->status[0] == status ||
		       (f->status_count == 2 && f->status[1] == status)) &&
	       (f->enabled < 0 || f->enabled == is_forwarded(f, i)) &&
	       (!f->resource_group || strcmp(f->resource_group, i->resource_group) == 0) &&
	       tags_match(store, f, i->number);
}

static int newest_first(const void *a, const void *b)
{
	const struct instance *left = *(const struct instance *const *)a;
	const struct instance *right = *(const struct instance *const *)b;

	if (left->create_ms != right->create_ms)
		return left->create_ms < right->create_ms ? 1 : -1;
	return left->number < right->number ? 1 : -1;
}

static void compare(struct test_store *store, struct many *many, const struct instance_filter *f)
{
	const struct instance *expected[MANY];
	struct instance *rows;
	size_t count, wanted = 0, first, last;
	int64_t total;

	for (size_t i = 0; i < MANY; i++)
		if (matches(store, f, &many->instance[i]))
			expected[wanted++] = &many->instance[i];
	qsort(expected, wanted, sizeof(expected[0]), newest_first);
	assert_int_equal(instance_list(store->db, store->mem, f, &rows, &count, &total), OK);
	assert_int_equal(total, wanted);
	first = f->limit == 0 || (size_t)f->offset > wanted ? 0 : (size_t)f->offset;
	last = f->limit == 0 || first + (size_t)f->limit > wanted ? wanted
								  : first + (size_t)f->limit;
	if (f->limit != 0 && (size_t)f->offset > wanted)
		first = last = 0;
	assert_int_equal(count, last - first);
	for (size_t i = first; i < last; i++)
		assert_int_equal(rows[i - first].number, expected[i]->number);
}

static void choose_states(struct instance_filter *f)
{
	if (dice(3) == 0) {
		f->status_count = 1 + dice(2);
		f->status[0] = 1 + (int)dice(2);
		f->status[1] = 1 + (int)dice(2);
	}
	f->enabled = (int)dice(4) - 2;
	if (f->enabled < -1)
		f->enabled = -1;
	switch (dice(3)) {
	case 0:
		f->confirmed_generation = dice(400);
		break;
	case 1:
		f->confirmed_generation = 100000;
		break;
	default:
		break;
	}
}

static void test_lists_agree_with_the_reference(void **state)
{
	static const struct pair tags[] = { { "env", "prod" }, { "env", NULL } };
	struct test_store *store = *state;
	static struct many many;
	const char *ids[KEY_INSTANCE_MAX], *allowed[KEY_INSTANCE_MAX];

	dice_state = 42;
	make_many(store, &many);
	for (int round = 0; round < 3000; round++) {
		struct instance_filter f = { .edition = -1,
			.now_ms = T0 + (int64_t)dice(60) * DAY_MS };

		f.account = dice(3) ? store->account : 0;
		choose_states(&f);
		if (dice(6) == 0) {
			f.id_count = 1 + dice(KEY_INSTANCE_MAX);
			for (size_t i = 0; i < f.id_count; i++)
				ids[i] = many.instance[dice(MANY)].id;
			f.ids = ids;
		}
		if (dice(6) == 0) {
			f.allowed_count = 1 + dice(KEY_INSTANCE_MAX);
			for (size_t i = 0; i < f.allowed_count; i++)
				allowed[i] = many.instance[dice(MANY)].id;
			f.allowed = allowed;
		}
		f.remark = dice(6) ? NULL : dice(2) ? "0%_o" : "f\\";
		f.ip = dice(12) ? NULL : dice(3) ? "192.0.2.77" : "nonsense";
		f.edition = dice(3) ? -1 : dice(2) ? 9 : 2;
		f.resource_group = dice(4) ? NULL : dice(2) ? "" : "group";
		f.expire_after_ms = dice(5) ? 0 : T0 + (int64_t)dice(4000) * (SPAN / 4000);
		f.expire_before_ms = dice(5) ? 0 : T0 + (int64_t)dice(4000) * (SPAN / 4000);
		f.tag = tags;
		f.tag_count = dice(5) ? 0 : 1 + dice(2);
		f.limit = dice(3) ? 1 + dice(50) : 0;
		f.offset = f.limit && dice(2) ? dice(60) : 0;
		arena_reset(store->mem);
		instance_list_tune(-1);
		compare(store, &many, &f);
		instance_list_tune(0); /* the other way gives the same */
		compare(store, &many, &f);
	}
}

static void test_too_many_ids(void **state)
{
	struct test_store *store = *state;
	const char *ids[QUERY_IN_MAX + 1];
	struct instance_filter f = { .edition = -1, .enabled = -1, .ids = ids, .limit = 1 };
	struct instance *rows;
	int64_t total;
	size_t count;

	for (size_t i = 0; i <= QUERY_IN_MAX; i++)
		ids[i] = "x";
	f.id_count = QUERY_IN_MAX;
	assert_int_equal(instance_list(store->db, store->mem, &f, &rows, &count, &total), OK);
	f.id_count++;
	assert_int_equal(
		instance_list(store->db, store->mem, &f, &rows, &count, &total), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_CASE(test_insert_and_load),
		STORE_CASE(test_same_id_twice),
		STORE_CASE(test_lowest_address_first),
		STORE_CASE(test_ipv6_addresses),
		STORE_CASE(test_pool_ends),
		STORE_CASE(test_pool_changes),
		STORE_CASE(test_pool_refusals),
		STORE_CASE(test_release_frees_everything),
		STORE_CASE(test_set_expiry),
		STORE_CASE(test_update_moves_counts),
		STORE_CASE(test_lists_agree_with_the_reference),
		STORE_CASE(test_too_many_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
