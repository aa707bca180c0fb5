/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites and certificates in snapshots: what is in their records, that a difference holds what changed and what is
 * gone, and that many of them fit and are made in a time that is told.
 */
#include "base/site.h"
#include "control/engine/engine.h"
#include "control/model/web_global.h"
#include "control/model/website_setting.h"
#include "control/store/vault.h"
#include "control/store/website.h"
#include "tests/support/certificate.h"
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

struct world {
	struct test_store store;
	struct vault *vault;
	char key_path[96];
	struct arena *mem; /* of the snapshot */
	const uint8_t *bytes;
	struct snapshot_header header;
	uint64_t base;
	struct instance instance[2];
	unsigned sites;
};

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	test_store_open(&world.store);
	(void)snprintf(world.key_path, sizeof(world.key_path), "%s/key", world.store.directory);
	assert_int_equal(vault_open(world.key_path, &world.vault), OK);
	world.mem = arena_new((size_t)SNAPSHOT_BYTES_MAX * 4);
	assert_non_null(world.mem);
	world.instance[0] = test_store_add(&world.store, 1, T0 + DAY_MS);
	world.instance[1] = test_store_add(&world.store, 2, T0 + DAY_MS);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	vault_close(world->vault);
	(void)unlink(world->key_path);
	arena_free(world->mem);
	test_store_close(&world->store);
	return 0;
}

static void begin(struct world *world)
{
	assert_int_equal(db_begin(world->store.db, DB_WRITE), OK);
}

static void commit(struct world *world)
{
	assert_int_equal(db_commit(world->store.db), OK);
}

static void build(struct world *world, uint64_t base)
{
	static const uint8_t secret[32];
	const struct snapshot_terms terms = { .cookie_secret = secret, .vault = world->vault };
	size_t size;

	arena_reset(world->mem);
	assert_int_equal(db_begin(world->store.db, DB_READ), OK);
	assert_int_equal(
		snapshot_build(world->store.db, world->mem, base, &terms, &world->bytes, &size),
		OK);
	db_rollback(world->store.db);
	memcpy(&world->header, world->bytes, sizeof(world->header));
	assert_int_equal(world->header.byte_count, size - sizeof(world->header));
	world->base = world->header.generation;
}

/* The record of that type and number; NULL: there is none. Every site and certificate is checked as nodes do. */
static const void *find(const struct world *world, uint16_t type, int64_t id, size_t *count)
{
	const uint8_t *at = world->bytes + sizeof(world->header);
	const struct record *found = NULL;
	size_t of_type = 0;

	for (uint32_t i = 0; i < world->header.record_count; i++) {
		const struct record *record = (const void *)at;
		const void *body = record + 1;

		if (record->type == RECORD_SITE)
			assert_null(site_check(body, record->length - sizeof(*record)));
		if (record->type == RECORD_CERTIFICATE)
			assert_null(certificate_check(body, record->length - sizeof(*record)));
		of_type += record->type == type;
		if (record->type == type && record->id == id)
			found = record;
		at += record->length;
	}
	if (count)
		*count = of_type;
	return found;
}

static const struct site *find_site(const struct world *world, const struct website *website)
{
	const struct record_site *record = find(world, RECORD_SITE, website->number, NULL);

	return record ? (const void *)record->site : NULL;
}

/* On both instances, ports 80 and 443; inserted in the caller's transaction. */
static struct website add_site(struct world *world, int64_t certificate)
{
	static const char *origin[] = { "10.0.0.1", "2001:db8:1::1" };
	struct website_instance on[2] = { { .number = world->instance[0].number },
		{ .number = world->instance[1].number } };
	struct website_port port[2] = { { 80, SITE_SCHEME_HTTP | SITE_SCHEME_WEBSOCKET },
		{ 443, SITE_SCHEME_HTTPS } };
	char *cname = arena_take(world->store.mem, CNAME_SIZE);
	uint8_t random[16] = { 0 };
	struct website site = { .account = world->store.account,
		.domain = arena_print(world->store.mem, "www%u.example.com", ++world->sites),
		.http2 = true,
		.access_mode = ACCESS_PROTECTED,
		.reuse_cname = "",
		.certificate = certificate,
		.instance_count = 2,
		.port_count = 2,
		.origin_count = 2,
		.origin = origin };

	for (size_t i = 0; i < sizeof(world->sites); i++)
		random[i] = (uint8_t)(world->sites >> (i * 5) & 31);
	cname_make(CNAME_WEBSITE, random, cname);
	site.cname = cname;
	site.instance = arena_take(world->store.mem, sizeof(on));
	site.port = arena_take(world->store.mem, sizeof(port));
	memcpy(site.instance, on, sizeof(on));
	memcpy(site.port, port, sizeof(port));
	assert_int_equal(website_insert(world->store.db, &site), OK);
	return site;
}

static struct certificate_row add_certificate(
	struct world *world, const char *name, const struct test_certificate *made)
{
	struct certificate_row row = { .account = world->store.account,
		.name = name,
		.common = "c",
		.issuer = "i",
		.names = "www.example.com",
		.chain = made->chain };

	assert_int_equal(certificate_insert(
				 world->store.db, world->vault, world->store.mem, &row, made->key),
		OK);
	return row;
}

static void test_records(void **state)
{
	struct world *world = *state;
	struct test_certificate made =
		test_certificate(world->store.mem, "www.example.com", T0, T0 + DAY_MS);
	struct certificate_row row;
	struct website website;

	begin(world);
	row = add_certificate(world, "a", &made);
	website = add_site(world, row.number);
	assert_int_equal(website_setting_put(world->store.db, &website, SETTING_KEEPALIVE,
				 "{\"enabled\":true,\"keepalive_requests\":5,"
				 "\"keepalive_timeout\":6}"),
		OK);
	commit(world);
	build(world, 0);

	const struct site *site = find_site(world, &website);
	const struct record_certificate *record = find(world, RECORD_CERTIFICATE, row.number, NULL);
	const struct record_instance *instance =
		find(world, RECORD_INSTANCE, world->instance[0].number, NULL);

	assert_non_null(site);
	assert_int_equal(site->number, website.number);
	assert_int_equal(site->certificate, row.number);
	assert_int_equal(site->domain.length, strlen(website.domain));
	assert_memory_equal(site_text_at(site, site->domain), website.domain, site->domain.length);
	assert_int_equal(site->instances.count, 2);
	assert_true(site_has_instance(site, (uint32_t)world->instance[1].number));
	assert_int_equal(site_port_find(site, 80)->schemes, 5);
	assert_int_equal(site_port_find(site, 443)->schemes, SITE_SCHEME_HTTPS);
	assert_int_equal(site->keepalive_requests, 5);
	assert_true(site->flags & SITE_HTTP2);
	assert_int_equal(site->mode[CHECK_frequency], CHECK_BLOCK);
	assert_int_equal(site->mode[CHECK_smart], CHECK_WATCH);
	assert_int_equal(instance->requests_max, 3000);

	const struct certificate *certificate = (const void *)record->certificate;

	assert_int_equal(certificate->chain_length, strlen(made.chain));
	assert_memory_equal(certificate_chain(certificate), made.chain, strlen(made.chain));
	assert_memory_equal(certificate_key(certificate), made.key, strlen(made.key));
}

static void test_differences(void **state)
{
	struct world *world = *state;
	struct test_certificate made =
		test_certificate(world->store.mem, "www.example.com", T0, T0 + DAY_MS);
	struct certificate_row row;
	const struct record_certificate *record;
	struct website second;
	uint32_t generation;

	begin(world);
	row = add_certificate(world, "a", &made);
	(void)add_site(world, row.number);
	second = add_site(world, 0);
	commit(world);
	build(world, 0);
	generation = find_site(world, &second)->generation;

	begin(world);
	assert_int_equal(website_setting_put(world->store.db, &second, "any", "{}"), OK);
	commit(world);
	build(world, world->base);
	assert_int_equal(world->header.flags, 0);
	/* the rules it chooses from, and the site */
	assert_int_equal(world->header.record_count, 2);
	assert_int_not_equal(find_site(world, &second)->generation, generation);

	/* a certificate replaced: the site that has it is as it was */
	row.chain = made.leaf;
	begin(world);
	assert_int_equal(certificate_replace(
				 world->store.db, world->vault, world->store.mem, &row, made.key),
		OK);
	commit(world);
	build(world, world->base);
	assert_int_equal(world->header.record_count, 1);
	record = find(world, RECORD_CERTIFICATE, row.number, NULL);
	assert_non_null(record);
	assert_int_equal(
		((const struct certificate *)(const void *)record->certificate)->version, 2);
}

static void test_removals(void **state)
{
	struct world *world = *state;
	struct test_certificate made =
		test_certificate(world->store.mem, "www.example.com", T0, T0 + DAY_MS);
	struct website first, second;
	size_t count;

	begin(world);
	first = add_site(world, add_certificate(world, "a", &made).number);
	second = add_site(world, 0);
	commit(world);
	build(world, 0);

	/* the site goes, and with it the certificate that nobody has */
	begin(world);
	assert_int_equal(website_delete(world->store.db, &first), OK);
	commit(world);
	build(world, world->base);
	(void)find(world, RECORD_REMOVE, 0, &count);
	assert_int_equal(count, 2);
	assert_non_null(find(world, RECORD_REMOVE, first.number, NULL));

	/* an instance goes: its site is told anew, then removed with the last one */
	begin(world);
	assert_int_equal(instance_release(world->store.db, &world->instance[0], T0), OK);
	commit(world);
	build(world, world->base);
	assert_int_equal(find_site(world, &second)->instances.count, 1);
	begin(world);
	assert_int_equal(instance_release(world->store.db, &world->instance[1], T0), OK);
	commit(world);
	build(world, world->base);
	assert_null(find_site(world, &second));
	(void)find(world, RECORD_REMOVE, 0, &count);
	assert_int_equal(count, 2);
	/* names of what is gone are remembered as long as changes are */
	begin(world);
	assert_int_equal(change_prune(world->store.db, 1), OK);
	commit(world);
	char *gone = test_store_query(&world->store, "SELECT count(*) FROM website_gone");
	assert_string_equal(gone, "0\n");
	free(gone);
}

/* One whose key does not open keeps nobody else from his. */
static void test_damaged_key(void **state)
{
	struct world *world = *state;
	struct test_certificate made =
		test_certificate(world->store.mem, "www.example.com", T0, T0 + DAY_MS);
	struct certificate_row bad, good;
	size_t count;

	begin(world);
	bad = add_certificate(world, "bad", &made);
	good = add_certificate(world, "good", &made);
	(void)add_site(world, bad.number);
	(void)add_site(world, good.number);
	assert_int_equal(
		db_run(world->store.db, "UPDATE certificate SET secret = x'00' WHERE number = $1",
			(const struct value[]){ V_INT(bad.number) }, 1, NULL),
		OK);
	commit(world);
	build(world, 0);
	assert_null(find(world, RECORD_CERTIFICATE, bad.number, NULL));
	assert_non_null(find(world, RECORD_CERTIFICATE, good.number, &count));
	assert_int_equal(count, 1);
	(void)find(world, RECORD_SITE, 0, &count);
	assert_int_equal(count, 2);
}

/* Shipped rules are there once, before all sites, and these say which of them they have. */
static void test_rules(void **state)
{
	struct world *world = *state;
	const struct record_rules *record;
	const struct site_rule *rule, *choosing;
	const struct site *rules, *site;
	struct website first;
	size_t count;

	begin(world);
	first = add_site(world, 0);
	(void)add_site(world, 0);
	commit(world);
	build(world, 0);
	record = find(world, RECORD_RULES, RULES_ID, &count);
	assert_int_equal(count, 1);
	assert_non_null(record);
	rules = (const void *)record->site;
	assert_null(site_check_rules(rules, record->record.length - sizeof(*record)));
	assert_int_equal(rules->rules.count, global_rule_count());
	site = find_site(world, &first);
	assert_true((const void *)site > (const void *)rules);
	rule = site_list_at(rules, rules->rules);
	choosing = site_list_at(site, site->rules);
	assert_int_equal(site->rules.count, 1);
	assert_int_equal(site->steps.count, 0);
	assert_int_equal(choosing->action, RULE_CHOOSE);
	assert_in_range(site_choice_count(choosing), 10, global_rule_count() - 1);
	/* in their order: those of the usual level, as they are shipped */
	for (unsigned i = 0, at = 0; i < rules->rules.count; i++) {
		struct site_choice choice;

		assert_int_equal(rule[i].number, GLOBAL_RULE_NUMBER(global_rule_number(i)));
		assert_true(rule[i].step_count > 0);
		if (!global_rule_active(i, WEB_LEVEL_DEFAULT))
			continue;
		choice = site_choice_at(site, choosing, at++);
		assert_int_equal(CHOICE_NUMBER(choice.number), rule[i].number);
		assert_int_equal(choice.action, rule[i].action);
	}
	assert_true(site->length < 1024);
}

/* A site that is more than nodes take is left out; orders refuse it before. */
static void test_too_large(void **state)
{
	struct world *world = *state;
	struct website small, large;
	char *header, json[4096];

	begin(world);
	small = add_site(world, 0);
	large = add_site(world, 0);
	/* more than SITE_TEXT_MAX */
	header = arena_take(world->store.mem, 16384);
	memset(header, 'x', 13000);
	(void)snprintf(json, sizeof(json), "{\"X-Large\":\"%.3000s\"}", header);
	assert_int_equal(website_setting_put(world->store.db, &large, SETTING_HEADERS,
				 arena_print(world->store.mem, "{\"X-Large\":\"%s\"}", header)),
		OK);
	assert_int_equal(website_setting_put(world->store.db, &small, SETTING_HEADERS, json), OK);
	commit(world);
	build(world, 0);
	assert_non_null(find_site(world, &small));
	assert_null(find_site(world, &large));
}

#define MANY 5000
static void test_many(void **state)
{
	struct world *world = *state;
	struct test_certificate made =
		test_certificate(world->store.mem, "www.example.com", T0, T0 + DAY_MS);
	char name[16];
	int64_t start;
	size_t count;

	begin(world);
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "c%u", i);
		(void)add_site(world, add_certificate(world, name, &made).number);
	}
	commit(world);
	start = clock_monotonic_ms();
	build(world, 0);
	print_message("%d sites with certificates: %u bytes in %lld ms\n", MANY,
		world->header.byte_count, (long long)(clock_monotonic_ms() - start));
	(void)find(world, RECORD_SITE, 0, &count);
	assert_int_equal(count, MANY);
	(void)find(world, RECORD_CERTIFICATE, 0, &count);
	assert_int_equal(count, MANY);
	/* and as a difference, when all came since */
	build(world, 2);
	assert_int_equal(world->header.flags, 0);
	assert_int_equal(world->header.record_count, 2 * MANY + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_differences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
