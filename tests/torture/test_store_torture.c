/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every store call and every allocation of a script fails in turn. After a failure the store holds,
 * byte for byte, what it held before; after the last run, in which nothing fails any more, it holds
 * what the same script leaves without torture.
 */
#include "control/engine/engine.h"
#include "control/engine/nodes.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"
#include "control/store/scheduler.h"
#include "control/store/website.h"
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

#define EXPIRE	     (T0 + 30 * DAY_MS)
#define ATTEMPTS_MAX 5000

struct fixture {
	struct test_store store;
	struct vault *vault;
	struct nodes *nodes;
};

/* One operation, inside a transaction that the runner opens and ends. */
typedef enum err (*operation)(struct fixture *fixture, struct arena *mem);

static enum err load(struct fixture *fixture, struct arena *mem, struct instance *out)
{
	return instance_load(fixture->store.db, mem, "ddoscoo-cn-test0000001", out);
}

static enum err audit(struct fixture *fixture, const char *action)
{
	return audit_append(fixture->store.db, &(struct audit_row){ .time_ms = T0,
						       .account = 1,
						       .actor = "key",
						       .request_id = "r",
						       .action = action,
						       .object = "o",
						       .detail = "{}" });
}

static enum err op_insert(struct fixture *fixture, struct arena *mem)
{
	struct instance instance = test_instance(&fixture->store, 1, EXPIRE);

	(void)mem;
	TRY(instance_insert(fixture->store.db, &instance));
	return audit(fixture, "CreateInstance");
}

static enum err op_key(struct fixture *fixture, struct arena *mem)
{
	const char *ids[] = { "a", "b" };
	struct access_key key = { .id = "K",
		.account = 1,
		.secret = "s",
		.token = "t",
		.instance = ids,
		.instance_count = 2,
		.expires_ms = T0 },
			  loaded, *list;
	size_t count;

	TRY(access_key_insert(fixture->store.db, fixture->vault, &key));
	TRY(access_key_load(fixture->store.db, fixture->vault, mem, "K", &loaded));
	TRY(access_key_list(fixture->store.db, mem, 0, &list, &count));
	assert_string_equal(loaded.secret, "s");
	return setting_put_secret(fixture->store.db, fixture->vault, "cookie", "x", 1);
}

static enum err op_rule(struct fixture *fixture, struct arena *mem)
{
	struct port_rule rule;
	struct instance instance;

	TRY(load(fixture, mem, &instance));
	TRY(test_add_rule(fixture->store.db, instance.number, 80));
	TRY(test_add_rule(fixture->store.db, instance.number, 81));
	TRY(port_rule_load(fixture->store.db, mem, instance.number, PROTOCOL_TCP, 80, &rule));
	rule.origin_count = 1;
	TRY(port_rule_update(fixture->store.db, &rule));
	return audit(fixture, "CreatePort");
}

static enum err op_list(struct fixture *fixture, struct arena *mem)
{
	struct list_entry_row entry = { .kind = LIST_BLOCK, .prefix_bits = 128, .until_ms = T0 };
	struct instance instance;
	bool changed;

	TRY(load(fixture, mem, &instance));
	entry.instance_number = instance.number;
	for (uint8_t i = 0; i < 4; i++) {
		entry.source[15] = i;
		TRY(list_entry_put(fixture->store.db, &entry));
	}
	entry.until_ms = T0 + 1;
	TRY(list_entry_put(fixture->store.db, &entry));
	TRY(list_entry_delete(fixture->store.db, &entry, -1, &changed));
	return audit(fixture, "AddAutoCcBlacklist");
}

static enum err op_policy(struct fixture *fixture, struct arena *mem)
{
	struct capture_row capture = { .reasons = 1, .packets = 1, .until_ms = T0 };
	struct limit_event_filter filter = { .account = 1, .to_ms = T0, .limit = 10 };
	struct db *db = fixture->store.db;
	struct limit_event *events;
	struct protection protection;
	struct instance instance;
	struct policy policy;
	int64_t total, last_ms;
	size_t count;

	TRY(load(fixture, mem, &instance));
	TRY(protection_load(db, mem, instance.number, &protection));
	protection.mode[MITIGATION_region] = MITIGATION_WATCH;
	TRY(protection_put(db, mem, &protection));
	TRY(policy_load(db, mem, instance.number, &policy));
	policy.reflection[policy.reflection_count++] = 17;
	policy.pattern[policy.pattern_count++] = (struct payload_pattern){ .length = 3 };
	policy.countries = "AD";
	policy.diverted = true;
	TRY(policy_put(db, mem, &policy));
	capture.instance_number = instance.number;
	TRY(capture_insert(db, &capture));
	TRY(capture_newest(db, instance.number, &capture));
	TRY(capture_stop(db, &capture, T0 - 1));
	TRY(quota_use(db, 1, "kind", T0));
	TRY(quota_used(db, 1, "kind", 0, &total, &last_ms));
	TRY(limit_event_put(db, instance.number, T0, T0, 1));
	TRY(limit_event_put(db, instance.number, T0 + 1, T0 + 1, 1));
	TRY(limit_event_list(db, mem, &filter, &events, &count, &total));
	assert_int_equal(count, total);
	return audit(fixture, "ModifyMitigation");
}

static enum err use_website(struct fixture *fixture, struct arena *mem, struct website *site)
{
	struct certificate_row row = {
		.account = 1, .name = "n", .common = "", .issuer = "", .names = "", .chain = "chain"
	};
	struct website_rule rule = { .kind = "cc", .name = "r", .owner = "", .json = "{}" };
	struct db *db = fixture->store.db;
	const char *key;
	bool changed;

	TRY(certificate_insert(db, fixture->vault, mem, &row, "key"));
	site->certificate = row.number;
	TRY(website_update(db, site));
	TRY(certificate_replace(db, fixture->vault, mem, &row, "other"));
	TRY(certificate_load(db, mem, 1, row.number, &row));
	TRY(certificate_open_key(db, fixture->vault, mem, &row, &key));
	assert_string_equal(key, "other");
	TRY(website_setting_put(db, site, "tls", "{}"));
	TRY(website_rule_put(db, site, &rule));
	rule.name = "s";
	TRY(website_rule_put(db, site, &rule));
	return website_rule_delete(db, site, "cc", "r", &changed);
}

static enum err op_website(struct fixture *fixture, struct arena *mem)
{
	struct website_instance on[1] = { { .number = 1 } };
	struct website_port port[1] = { { 443, SITE_SCHEME_HTTPS } };
	const char *origin[1] = { "10.0.0.1" }, **domains;
	struct website site = { .account = 1,
		.domain = "www.example.com",
		.cname = "web-0123456789abcdef",
		.reuse_cname = "",
		.instance = on,
		.instance_count = 1,
		.port = port,
		.port_count = 1,
		.origin = origin,
		.origin_count = 1 };
	struct website second = site, *list;
	struct website_filter filter = { .domain = "example", .limit = 10 };
	struct db *db = fixture->store.db;
	int64_t total;
	size_t count;

	second.domain = "*.example.com";
	second.cname = "web-0123456789abcdeg";
	TRY(website_insert(db, &site));
	TRY(website_insert(db, &second));
	TRY(use_website(fixture, mem, &site));
	TRY(website_list(db, mem, &filter, &list, &count, &total));
	assert_int_equal(count, total);
	TRY(website_domains(db, mem, &filter, &domains, &count));
	TRY(website_delete(db, &second));
	return audit(fixture, "CreateWebRule");
}

static enum err op_scheduler(struct fixture *fixture, struct arena *mem)
{
	struct scheduler_rule rule = { .account = 1,
		.name = "r",
		.type = SCHEDULER_TIERED,
		.cname = "sch-0123456789abcdef",
		.domain = "",
		.cdn_name = "",
		.param_type = "",
		.cloud_instance = "",
		.resource_count = 2 };
	struct scheduler_filter filter = { .account = 1, .limit = 10 };
	const struct scheduler_times times = { T0, T0 };
	struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];
	struct db *db = fixture->store.db;
	struct scheduler_rule *list;
	struct instance instance;
	int64_t total, *number;
	size_t count;

	TRY(load(fixture, mem, &instance));
	for (size_t i = 0; i < rule.resource_count; i++)
		rule.resource[i] = (struct scheduler_resource){ .position = (int64_t)i,
			.value = i ? "192.0.2.1" : "192.0.2.2",
			.value_type = i ? SCHEDULER_TIERED : SCHEDULER_PROTECTED,
			.label = "",
			.region = "" };
	memcpy(rule.resource[0].address, instance.vip, sizeof(instance.vip));
	TRY(scheduler_insert(db, &rule));
	TRY(scheduler_update(db, &rule));
	TRY(scheduler_list(db, mem, &filter, &list, &count, &total));
	assert_int_equal(count, total);
	TRY(scheduler_numbers(db, mem, 0, 10, &number, &count));
	TRY(scheduler_signals(db, &list[0], &times, signal));
	(void)scheduler_step(&list[0], signal, T0);
	TRY(scheduler_put_state(db, &list[0], true));
	return audit(fixture, "CreateSchedulerRule");
}

static enum err op_tag(struct fixture *fixture, struct arena *mem)
{
	struct instance instance;

	TRY(load(fixture, mem, &instance));
	TRY(tag_put(fixture->store.db, instance.number, "k", "v"));
	TRY(tag_put(fixture->store.db, instance.number, "k2", "v"));
	TRY(tag_delete(fixture->store.db, instance.number, "k2"));
	return audit(fixture, "CreateTagResources");
}

static enum err op_update(struct fixture *fixture, struct arena *mem)
{
	struct instance instance;

	TRY(load(fixture, mem, &instance));
	instance.remark = "new";
	instance.resource_group = "group";
	TRY(instance_update(fixture->store.db, &instance));
	return audit(fixture, "ModifyInstanceRemark");
}

static enum err op_renew(struct fixture *fixture, struct arena *mem)
{
	struct instance instance;
	int64_t order;

	TRY(load(fixture, mem, &instance));
	TRY(instance_set_expiry(fixture->store.db, &instance,
		lifecycle_renewed_expiry(instance.expire_ms, EXPIRE + DAY_MS, 1)));
	TRY(order_insert(fixture->store.db, 1, "RenewInstance", instance.id, "token", T0, &order));
	TRY(event_insert(fixture->store.db, 1, instance.id, "renewed", EXPIRE, T0, "{}", NULL));
	return audit(fixture, "RenewInstance");
}

/* Reads everything; changes one row, so that "applied" can be told from "not applied". */
static enum err op_read(struct fixture *fixture, struct arena *mem)
{
	static const uint8_t secret[32];
	const struct snapshot_terms terms = { .cookie_secret = secret, .vault = fixture->vault };
	const struct pair tag = { "k", NULL };
	struct instance_filter filter = { .account = 1,
		.edition = 9,
		.enabled = 0,
		.limit = 10,
		.now_ms = T0,
		.confirmed_generation = 2,
		.tag = &tag,
		.tag_count = 1,
		.remark = "new" };
	struct port_rule_filter rule_filter = { .account = 1 };
	struct list_entry_filter list_filter = {
		.instance_number = 1, .kind = LIST_BLOCK, .automatic = -1
	};
	struct tag_filter tag_filter = { .account = 1 };
	struct audit_filter audit_filter = { .account = 1 };
	struct db *db = fixture->store.db;
	struct instance *instances;
	struct port_rule_row *rules;
	struct list_entry_row *entries;
	struct tag_row *tags;
	struct tag_key_row *keys;
	struct audit_row *rows;
	const uint8_t *bytes;
	int64_t *numbers, total, broken;
	size_t count;
	bool ok;

	TRY(instance_list(db, mem, &filter, &instances, &count, &total));
	assert_int_equal(count, total);
	TRY(port_rule_list(db, mem, &rule_filter, &rules, &count, &total));
	assert_int_equal(count, total);
	TRY(list_entry_list(db, mem, &list_filter, &entries, &count, &total));
	assert_int_equal(count, total);
	TRY(tag_list(db, mem, &tag_filter, &tags, &numbers, &count));
	TRY(tag_keys(db, mem, &tag_filter, 0, &keys, &count, &total));
	assert_int_equal(count, total);
	TRY(audit_list(db, mem, &audit_filter, &rows, &count, &total));
	assert_int_equal(count, total);
	TRY(snapshot_build(db, mem, 0, &terms, &bytes, &count));
	TRY(snapshot_build(db, mem, 1, &terms, &bytes, &count));
	TRY(nodes_restore(fixture->nodes, db, mem));
	TRY(nodes_confirm(fixture->nodes, "n1", (uint64_t)total, T0));
	TRY(nodes_persist(fixture->nodes, db));
	TRY(audit_verify(db, &ok, &total, &broken));
	assert_true(ok);
	return audit(fixture, "read");
}

static enum err op_release(struct fixture *fixture, struct arena *mem)
{
	struct instance instance;

	TRY(load(fixture, mem, &instance));
	TRY(instance_release(fixture->store.db, &instance, T0));
	TRY(event_insert(fixture->store.db, 1, instance.id, "released", EXPIRE, T0, "{}", NULL));
	return audit(fixture, "ReleaseInstance");
}

static const struct {
	const char *name;
	operation run;
} script[] = {
	{ "insert", op_insert },
	{ "key", op_key },
	{ "rule", op_rule },
	{ "list", op_list },
	{ "policy", op_policy },
	{ "website", op_website },
	{ "scheduler", op_scheduler },
	{ "tag", op_tag },
	{ "update", op_update },
	{ "renew", op_renew },
	{ "read", op_read },
	{ "release", op_release },
};
#define SCRIPT_COUNT (sizeof(script) / sizeof(script[0]))

/* ---- the runner */

enum torture {
	TORTURE_STORE,
	TORTURE_MEMORY_ONCE,
	TORTURE_MEMORY_OUT
};

static void torture_on(enum torture torture, uint64_t nth)
{
	if (torture == TORTURE_STORE)
		db_torture(nth);
	else
		arena_torture(nth, torture == TORTURE_MEMORY_OUT);
}

/* Whether the nth call came at all; switches off. */
static bool torture_off(enum torture torture, uint64_t nth)
{
	uint64_t asked = torture == TORTURE_STORE ? db_torture_count() : arena_torture_count();

	db_torture(0);
	arena_torture(0, 0);
	return asked >= nth;
}

static enum err run_once(struct fixture *fixture, operation run, struct arena *mem)
{
	TRY(db_begin(fixture->store.db, DB_WRITE));

	enum err err = run(fixture, mem);

	if (err == OK)
		return db_commit(fixture->store.db);
	db_rollback(fixture->store.db);
	return err;
}

static void fixture_open(struct fixture *fixture)
{
	char path[128];

	test_store_open(&fixture->store);
	(void)snprintf(path, sizeof(path), "%s/key", fixture->store.directory);
	assert_int_equal(vault_open(path, &fixture->vault), OK);
	(void)unlink(path); /* it is in memory */
	fixture->nodes = nodes_new();
}

static void fixture_close(struct fixture *fixture)
{
	int64_t count, broken;
	bool ok;

	assert_int_equal(audit_verify(fixture->store.db, &ok, &count, &broken), OK);
	assert_true(ok);
	test_store_check(&fixture->store);
	nodes_free(fixture->nodes);
	vault_close(fixture->vault);
	test_store_close(&fixture->store);
}

/* Until nothing fails any more; how often something did. */
static unsigned torture_one(struct fixture *fixture, enum torture torture, size_t index)
{
	char *before = test_store_dump(&fixture->store), *after;
	enum err err = ERR_STORE;
	unsigned failures = 0;

	for (uint64_t nth = 1; err != OK; nth++) {
		struct arena *mem = arena_new((size_t)8 << 20);
		bool struck;

		assert_non_null(mem);
		assert_true(nth < ATTEMPTS_MAX);
		torture_on(torture, nth);
		err = run_once(fixture, script[index].run, mem);
		struck = torture_off(torture, nth);
		arena_free(mem);
		after = test_store_dump(&fixture->store);
		if (err != OK) {
			assert_true(struck); /* nothing fails by itself */
			assert_string_equal(after, before);
			failures++;
		} else {
			assert_string_not_equal(after, before);
		}
		free(after);
	}
	free(before);
	return failures;
}

/* Secrets have random nonces: left out of the comparison. */
static char *comparable(struct fixture *fixture)
{
	char *dump;

	assert_int_equal(db_begin(fixture->store.db, DB_WRITE), OK);
	assert_int_equal(
		db_run(fixture->store.db, "UPDATE access_key SET secret = x'00', token = x'00'",
			NULL, 0, NULL),
		OK);
	assert_int_equal(
		db_run(fixture->store.db, "UPDATE setting SET secret = x'00'", NULL, 0, NULL), OK);
	assert_int_equal(db_commit(fixture->store.db), OK);
	dump = test_store_dump(&fixture->store);
	return dump;
}

static char *reference(void)
{
	struct fixture fixture;
	char *dump;

	fixture_open(&fixture);
	for (size_t i = 0; i < SCRIPT_COUNT; i++) {
		struct arena *mem = arena_new((size_t)8 << 20);

		assert_int_equal(run_once(&fixture, script[i].run, mem), OK);
		arena_free(mem);
	}
	dump = comparable(&fixture);
	fixture_close(&fixture);
	return dump;
}

static void torture_script(enum torture torture)
{
	char *expected = reference(), *dump;
	struct fixture fixture;
	unsigned failures = 0;

	fixture_open(&fixture);
	for (size_t i = 0; i < SCRIPT_COUNT; i++) {
		unsigned of_one = torture_one(&fixture, torture, i);

		assert_true(of_one > 0);
		failures += of_one;
	}
	dump = comparable(&fixture);
	assert_string_equal(dump, expected);
	free(dump);
	free(expected);
	fixture_close(&fixture);
	print_message("%u failures survived\n", failures);
}

static void test_store_calls(void **state)
{
	(void)state;
	torture_script(TORTURE_STORE);
}

static void test_allocations_once(void **state)
{
	(void)state;
	torture_script(TORTURE_MEMORY_ONCE);
}

static void test_allocations_from_then_on(void **state)
{
	(void)state;
	torture_script(TORTURE_MEMORY_OUT);
}

/* ---- the engine: several transactions, so a failure may come between them; later ticks catch
 * up */

static void engine_store(struct fixture *fixture)
{
	fixture_open(fixture);
	assert_int_equal(db_begin(fixture->store.db, DB_WRITE), OK);
	for (unsigned i = 0; i < 6; i++) {
		/* Expired, stopped, to be released, soon to expire, to be renewed. */
		static const int64_t after[] = { -DAY_MS, -8 * DAY_MS, -31 * DAY_MS, 2 * DAY_MS,
			DAY_MS / 2, 90 * DAY_MS };
		struct instance instance = test_instance(&fixture->store, i, T0 + after[i]);

		instance.renewal = i == 4 ? RENEWAL_AUTO : RENEWAL_MANUAL;
		assert_int_equal(instance_insert(fixture->store.db, &instance), OK);
		assert_int_equal(test_add_rule(fixture->store.db, instance.number, 80), OK);
	}
	assert_int_equal(db_commit(fixture->store.db), OK);
}

static char *tick_tortured(enum torture torture, uint64_t nth, bool *struck)
{
	struct fixture fixture;
	struct arena *mem = arena_new((size_t)64 << 20);
	enum err err;
	bool more;
	char *dump;

	engine_store(&fixture);
	torture_on(torture, nth);
	err = engine_tick(fixture.store.db, mem, T0, T0, &more);
	*struck = torture_off(torture, nth);
	if (!*struck)
		assert_int_equal(err, OK);
	test_store_check(&fixture.store);
	arena_reset(mem);
	assert_int_equal(engine_tick(fixture.store.db, mem, T0, T0, &more), OK);
	dump = test_store_dump(&fixture.store);
	arena_free(mem);
	fixture_close(&fixture);
	return dump;
}

static void torture_engine(enum torture torture)
{
	bool struck;
	char *expected = tick_tortured(torture, 0, &struck);
	unsigned attempts = 0;

	assert_non_null(strstr(expected, "engine.release"));
	assert_non_null(strstr(expected, "engine.renew"));
	struck = true;
	for (uint64_t nth = 1; struck; nth++) {
		char *dump = tick_tortured(torture, nth, &struck);

		assert_string_equal(dump, expected);
		free(dump);
		assert_true(++attempts < ATTEMPTS_MAX);
	}
	free(expected);
	assert_true(attempts > 5);
	print_message("%u ticks interrupted\n", attempts - 1);
}

static void test_engine_store_calls(void **state)
{
	(void)state;
	torture_engine(TORTURE_STORE);
}

static void test_engine_allocations(void **state)
{
	(void)state;
	torture_engine(TORTURE_MEMORY_ONCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_calls),
		cmocka_unit_test(test_allocations_once),
		cmocka_unit_test(test_allocations_from_then_on),
		cmocka_unit_test(test_engine_store_calls),
		cmocka_unit_test(test_engine_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
