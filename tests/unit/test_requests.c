/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites of snapshots: what is in the table and what is steered after full snapshots, differences and restarts. The
 * steering itself checks at each step that what it is told is served.
 */
#include "agent/request_keys.h"
#include "request_world.h"

#define HTTP                                                                                       \
	{                                                                                          \
		80, SITE_SCHEME_HTTP                                                               \
	}
#define HTTPS                                                                                      \
	{                                                                                          \
		443, SITE_SCHEME_HTTPS                                                             \
	}

static struct draft *draft_base(struct request_world *world, bool full)
{
	struct draft *draft = draft_new(world, full);

	draft_instance(draft, 1, "192.0.2.1 2001:db8::1");
	draft_instance(draft, 2, "192.0.2.2");
	draft_instance(draft, 3, "192.0.2.3");
	draft_certificate(draft, 5, 1, "secret");
	draft_site(draft, &(struct draft_site){ .number = 10,
				  .domain = "a.example",
				  .instance = { 1, 2 },
				  .port = { HTTP, HTTPS },
				  .certificate = 5 });
	draft_site(draft, &(struct draft_site){ .number = 11,
				  .domain = "*.b.example",
				  .instance = { 1 },
				  .port = { HTTP, { 8080, SITE_SCHEME_WEBSOCKET } } });
	return draft;
}

static void assert_base(struct request_world *world)
{
	struct requests_counts counts;

	requests_counts(world->requests, &counts);
	assert_int_equal(counts.sites, 2);
	assert_int_equal(counts.certificates, 1);
	assert_int_equal(counts.vips, 3);
	assert_int_equal(counts.ports, 3 + 3 + 2);
	assert_int_equal(world->steered_count, 8);
	assert_true(has_domain(world, "a.example"));
	assert_true(has_domain(world, "*.b.example"));
	assert_true(has_certificate(world, 5));
	assert_true(has_vip(world, "192.0.2.1"));
	assert_true(has_vip(world, "2001:db8::1"));
	assert_true(has_vip(world, "192.0.2.2"));
	/* Without sites an instance has nothing here. */
	assert_false(has_vip(world, "192.0.2.3"));
	assert_int_equal(steered_to(world, "192.0.2.1", 80), STEER_PLAIN);
	assert_int_equal(steered_to(world, "2001:db8::1", 443), STEER_TLS);
	assert_int_equal(steered_to(world, "2001:db8::1", 8080), STEER_PLAIN);
	assert_int_equal(steered_to(world, "192.0.2.2", 443), STEER_TLS);
	assert_int_equal(steered_to(world, "192.0.2.2", 8080), -1);
	assert_int_equal(world->refused, 0);
}

/* The number of the shipped rule in the table; 0: there are none. */
static uint32_t shipped_number(struct request_world *world)
{
	struct table_key key = { TABLE_RULES, 0, NULL };
	size_t length;
	const struct site *site = request_table_find(world->table, &key, &length);

	if (!site)
		return 0;
	assert_null(site_check_rules(site, length));
	assert_int_equal(site->rules.count, 1);
	return ((const struct site_rule *)site_list_at(site, site->rules))->number;
}

/* Shipped rules come with sites, are there after a restart, and stay while a snapshot says nothing of them. */
static void test_rules(void **state)
{
	struct request_world *world = *state;
	struct draft *draft = draft_base(world, true);

	assert_int_equal(shipped_number(world), 0);
	draft_rules(draft, 7);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(shipped_number(world), CHOICE_NUMBER(7));
	world_stop(world);
	world_start(world);
	assert_int_equal(shipped_number(world), CHOICE_NUMBER(7));
	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	assert_int_equal(shipped_number(world), CHOICE_NUMBER(7));
	draft = draft_new(world, false);
	draft_rules(draft, 8);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(shipped_number(world), CHOICE_NUMBER(8));
	assert_base(world);
}

static void test_full(void **state)
{
	struct request_world *world = *state;
	struct address address = address_of("2001:db8::1");
	struct table_key key = { TABLE_VIP, sizeof(address), &address };
	const struct table_vip *vip;
	size_t length;

	assert_false(request_table_is_published(world->table));
	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	assert_true(request_table_is_published(world->table));
	assert_int_equal(request_table_generation(world->table), 1);
	assert_base(world);
	vip = request_table_find(world->table, &key, &length);
	assert_int_equal(vip->instance, 1);
	assert_int_equal(vip->requests_max, 500);
	assert_int_equal(vip->mitigation_until_ms, 1001);
	assert_int_equal(vip->forward_until_ms, 2001);
	assert_true(requests_changed(world->requests));
	assert_false(requests_changed(world->requests));
	assert_int_equal(requests_site(world->requests, 10)->certificate, 5);
	assert_null(requests_site(world->requests, 12));

	/* The same once more changes nothing; an empty one takes everything away. */
	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	assert_base(world);
	assert_int_equal(draft_apply(world, draft_new(world, true)), OK);
	assert_int_equal(world->steered_count, 0);
	assert_false(has_domain(world, "a.example"));
	assert_false(has_certificate(world, 5));
	assert_false(has_vip(world, "192.0.2.1"));
}

static void test_difference(void **state)
{
	struct request_world *world = *state;
	struct draft *draft;

	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	world->puts = world->deletes = 0;

	/* Of another base. */
	draft = draft_new(world, false);
	draft->header.base_generation++;
	draft->header.generation++;
	draft_remove(draft, RECORD_SITE, 10);
	assert_int_equal(draft_apply(world, draft), ERR_CONFLICT);
	assert_base(world);

	/* One site loses a port and has another; nothing else is touched. */
	draft = draft_new(world, false);
	draft_site(draft, &(struct draft_site){ .number = 11,
				  .domain = "*.b.example",
				  .instance = { 1 },
				  .port = { HTTP, { 8443, SITE_SCHEME_TLS } } });
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(world->puts, 2);
	assert_int_equal(world->deletes, 2);
	assert_int_equal(steered_to(world, "192.0.2.1", 8080), -1);
	assert_int_equal(steered_to(world, "192.0.2.1", 8443), STEER_TLS);

	/* A port of two sites stays while one of them wants it. */
	draft = draft_new(world, false);
	draft_remove(draft, RECORD_SITE, 10);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(steered_to(world, "192.0.2.1", 80), STEER_PLAIN);
	assert_int_equal(steered_to(world, "192.0.2.1", 443), -1);
	assert_int_equal(steered_to(world, "192.0.2.2", 80), -1);
	assert_false(has_vip(world, "192.0.2.2"));
	assert_false(has_domain(world, "a.example"));

	/* Removing what is not there is no error. */
	draft = draft_new(world, false);
	draft_remove(draft, RECORD_SITE, 10);
	draft_remove(draft, RECORD_CERTIFICATE, 6);
	draft_remove(draft, RECORD_INSTANCE, 9);
	draft_remove(draft, RECORD_INSTANCE, 1);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(world->steered_count, 0);
	assert_true(has_domain(world, "*.b.example"));

	/* The instance comes behind its site. */
	draft = draft_new(world, false);
	draft_instance(draft, 1, "192.0.2.9");
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(steered_to(world, "192.0.2.9", 80), STEER_PLAIN);
	assert_int_equal(world->steered_count, 2);
	assert_int_equal(world->refused, 0);
}

static void test_address_moves(void **state)
{
	struct request_world *world = *state;
	struct address address = address_of("192.0.2.1");
	struct draft *draft;
	const struct steered *steered;

	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	for (int round = 0; round < 2; round++) {
		uint32_t from = round ? 2 : 1, to = round ? 1 : 2;

		/* In both orders of the records. */
		draft = draft_new(world, false);
		draft_instance(draft, round ? to : from, round ? "192.0.2.1" : "192.0.2.7");
		draft_instance(draft, round ? from : to, round ? "192.0.2.7" : "192.0.2.1");
		assert_int_equal(draft_apply(world, draft), OK);
		steered = find_steered(world, &address, 80);
		assert_non_null(steered);
		assert_int_equal(steered->instance, to);
		assert_true(has_vip(world, "192.0.2.1"));
		assert_true(has_vip(world, "192.0.2.7"));
		assert_false(has_vip(world, "192.0.2.2"));
		assert_int_equal(world->steered_count, 5);
	}
}

static void test_made_again(void **state)
{
	struct request_world *world = *state;
	struct draft *draft;

	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	draft = draft_new(world, false);
	draft_remove(draft, RECORD_SITE, 10);
	draft_site(draft,
		&(struct draft_site){
			.number = 20, .domain = "a.example", .instance = { 2 }, .port = { HTTP } });
	world->deletes = 0;
	assert_int_equal(draft_apply(world, draft), OK);
	assert_null(requests_site(world->requests, 10));
	assert_non_null(requests_site(world->requests, 20));
	assert_true(has_domain(world, "a.example"));
	assert_int_equal(steered_to(world, "192.0.2.2", 80), STEER_PLAIN);
	/* 443 of both instances' three addresses; 80 stayed. */
	assert_int_equal(world->deletes, 3);

	/* Two sites of one name: the first stays. */
	draft = draft_new(world, false);
	draft_site(draft, &(struct draft_site){ .number = 21, .domain = "a.example" });
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(world->refused, 1);
	assert_int_equal(world->refused_type, RECORD_SITE);
	assert_int_equal(world->refused_id, 21);
	assert_non_null(requests_site(world->requests, 20));
	/* Under another name. */
	draft = draft_new(world, false);
	draft_site(draft, &(struct draft_site){ .number = 20,
				  .domain = "c.example",
				  .instance = { 2 },
				  .port = { HTTPS } });
	assert_int_equal(draft_apply(world, draft), OK);
	assert_false(has_domain(world, "a.example"));
	assert_true(has_domain(world, "c.example"));
	assert_int_equal(steered_to(world, "192.0.2.2", 80), -1);
	assert_int_equal(steered_to(world, "192.0.2.2", 443), STEER_TLS);
	assert_int_equal(world->refused, 1);
}

static void put_staple(const struct request_world *world, uint32_t number)
{
	struct table_key key = { TABLE_OCSP, sizeof(number), &number };

	assert_int_equal(request_table_put(world->table, &key, "response", 8), OK);
}

static void test_certificates(void **state)
{
	struct request_world *world = *state;
	uint32_t number = 5;
	struct draft *draft;

	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	put_staple(world, 5);
	draft = draft_new(world, false);
	draft_certificate(draft, 5, 1, "secret");
	assert_int_equal(draft_apply(world, draft), OK);
	assert_true(in_table(world, TABLE_OCSP, &number, sizeof(number)));
	draft = draft_new(world, false);
	draft_certificate(draft, 5, 2, "other");
	assert_int_equal(draft_apply(world, draft), OK);
	assert_false(in_table(world, TABLE_OCSP, &number, sizeof(number)));
	put_staple(world, 5);
	draft = draft_new(world, false);
	draft_remove(draft, RECORD_CERTIFICATE, 5);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_false(has_certificate(world, 5));
	assert_false(in_table(world, TABLE_OCSP, &number, sizeof(number)));
}

static void test_restart(void **state)
{
	struct request_world *world = *state;
	struct draft *draft;
	uint32_t number = 99;
	struct table_key broken = { TABLE_SITE, 7, "broken." };
	struct table_key certificate = { TABLE_CERTIFICATE, sizeof(number), &number };

	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	assert_int_equal(request_table_put(world->table, &broken, "no site", 7), OK);
	assert_int_equal(request_table_put(world->table, &certificate, "none", 4), OK);
	world_stop(world);
	world_start(world);
	/* Before the first snapshot everything goes on; what is none is gone. */
	assert_true(has_domain(world, "a.example"));
	assert_true(has_vip(world, "192.0.2.2"));
	assert_true(has_certificate(world, 5));
	assert_false(has_domain(world, "broken."));
	assert_false(has_certificate(world, 99));
	assert_int_equal(world->steered_count, 8);
	assert_int_equal(request_table_generation(world->table), 1);

	/* Meanwhile instance 1 and site 11 have gone. */
	draft = draft_new(world, true);
	draft_instance(draft, 2, "192.0.2.2");
	draft_certificate(draft, 5, 1, "secret");
	draft_site(draft, &(struct draft_site){ .number = 10,
				  .domain = "a.example",
				  .instance = { 1, 2 },
				  .port = { HTTP, HTTPS },
				  .certificate = 5 });
	assert_int_equal(draft_apply(world, draft), OK);
	assert_false(has_vip(world, "192.0.2.1"));
	assert_false(has_vip(world, "2001:db8::1"));
	assert_true(has_vip(world, "192.0.2.2"));
	assert_false(has_domain(world, "*.b.example"));
	assert_int_equal(world->steered_count, 2);
	assert_int_equal(steered_to(world, "192.0.2.2", 80), STEER_PLAIN);
}

static void test_steering_fails(void **state)
{
	struct request_world *world = *state;

	world->steer_fails = true;
	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	assert_true(world->refused > 0);
	assert_int_equal(world->refused_type, RECORD_INSTANCE);
	assert_int_equal(world->steered_count, 0);
	/* The next full snapshot, for which a refusal is the reason, tries all again. */
	world->steer_fails = false;
	world->refused = 0;
	assert_int_equal(draft_apply(world, draft_base(world, true)), OK);
	assert_base(world);
}

static void add_many(struct draft *draft, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		char domain[32];

		(void)snprintf(domain, sizeof(domain), "%u.example", i);
		draft_site(draft, &(struct draft_site){ .number = i + 1, .domain = domain });
		draft_certificate(draft, i + 1, 1, "key");
	}
}

static void test_most(void **state)
{
	struct request_world *world = *state;
	struct requests_counts counts;
	struct draft *draft = draft_new(world, true);

	add_many(draft, 0, NODE_SITE_MAX / 4);
	assert_int_equal(draft_apply(world, draft), OK);
	for (uint32_t i = 1; i < 4; i++) {
		draft = draft_new(world, false);
		add_many(draft, i * (NODE_SITE_MAX / 4), NODE_SITE_MAX / 4);
		assert_int_equal(draft_apply(world, draft), OK);
	}
	requests_counts(world->requests, &counts);
	assert_int_equal(counts.sites, NODE_SITE_MAX);
	assert_int_equal(counts.certificates, NODE_CERTIFICATE_MAX);
	assert_int_equal(world->refused, 0);
	draft = draft_new(world, false);
	add_many(draft, NODE_SITE_MAX, 1);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(world->refused, 2);
	/* Room is made by what leaves, within the same snapshot. */
	draft = draft_new(world, false);
	draft_remove(draft, RECORD_SITE, 1);
	draft_remove(draft, RECORD_CERTIFICATE, 1);
	add_many(draft, NODE_SITE_MAX, 1);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(world->refused, 2);
	requests_counts(world->requests, &counts);
	assert_int_equal(counts.sites, NODE_SITE_MAX);
	assert_int_equal(counts.certificates, NODE_CERTIFICATE_MAX);
	assert_false(has_domain(world, "0.example"));
}

/* --- what the decoder takes ---------------------------------------------------------------------------------- */

/* One record, and the change that a case makes to it. */
static bool decodes(struct request_world *world, bool site, void (*change)(struct draft *))
{
	struct draft *draft = draft_new(world, true);
	struct snapshot snapshot;
	const char *why = NULL;
	bool good;

	if (site)
		draft_site(draft, &(struct draft_site){ .number = 10,
					  .domain = "a.example",
					  .instance = { 1 },
					  .port = { HTTP } });
	else
		draft_certificate(draft, 5, 1, "secret"); /* 8 + 16 + 5 + 6 bytes, 5 behind */
	if (change)
		change(draft);
	good = snapshot_decode(draft, sizeof(draft->header) + draft->header.byte_count, &snapshot,
		       &why) == OK;
	assert_int_equal(good, why == NULL);
	free(draft);
	return good;
}

static struct site *site_of(struct draft *draft)
{
	return (void *)((struct record_site *)(void *)draft->record)->site;
}

static struct certificate *certificate_of(struct draft *draft)
{
	return (void *)((struct record_certificate *)(void *)draft->record)->certificate;
}

static void site_of_another(struct draft *draft)
{
	site_of(draft)->number++;
}
static void site_longer(struct draft *draft)
{
	site_of(draft)->length += 8;
}
static void site_outside(struct draft *draft)
{
	site_of(draft)->domain.offset = UINT16_MAX;
}
static void site_cut(struct draft *draft)
{
	struct record *record = (void *)draft->record;

	draft->header.byte_count = record->length = sizeof(*record) + sizeof(struct site) - 8;
}
static void key_longer(struct draft *draft)
{
	certificate_of(draft)->key_length += 6;
}
static void key_within(struct draft *draft)
{
	certificate_of(draft)->key_length += 5;
}
static void key_shorter(struct draft *draft)
{
	certificate_of(draft)->key_length -= 3;
}
static void key_empty(struct draft *draft)
{
	certificate_of(draft)->chain_length += certificate_of(draft)->key_length;
	certificate_of(draft)->key_length = 0;
}
static void chain_huge(struct draft *draft)
{
	certificate_of(draft)->chain_length = UINT32_MAX;
}
static void certificate_of_another(struct draft *draft)
{
	certificate_of(draft)->number++;
}
static void certificate_cut(struct draft *draft)
{
	struct record *record = (void *)draft->record;

	draft->header.byte_count = record->length = sizeof(*record) + 8;
}

static void test_decode(void **state)
{
	void (*const site[])(
		struct draft *) = { site_of_another, site_longer, site_outside, site_cut };
	void (*const certificate[])(struct draft *) = { key_longer, key_shorter, key_empty,
		chain_huge, certificate_of_another, certificate_cut };

	assert_true(decodes(*state, true, NULL));
	assert_true(decodes(*state, false, NULL));
	assert_true(decodes(*state, false, key_within));
	for (size_t i = 0; i < sizeof(site) / sizeof(*site); i++)
		assert_false(decodes(*state, true, site[i]));
	for (size_t i = 0; i < sizeof(certificate) / sizeof(*certificate); i++)
		assert_false(decodes(*state, false, certificate[i]));
}

/* --- keys -------------------------------------------------------------------------------------------------- */

static void assert_hex(const uint8_t *bytes, size_t length, const char *hex)
{
	char text[2 * 80 + 1];

	text_hex(bytes, length, text);
	assert_string_equal(text, hex);
}

/* By another implementation of RFC 5869, from the secret 00 01 .. 1f. */
static void test_keys(void **state)
{
	const int64_t now_ms = INT64_C(1764000000000);
	struct table_settings settings = { .life_offset_ms = 7 }, next = { 0 };
	uint8_t secret[32];

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		secret[i] = i;
	assert_true(request_keys_fill(secret, now_ms, &settings));
	assert_int_equal(settings.life_offset_ms, 7);
	assert_int_equal(settings.challenge_epoch, 40833);
	assert_hex(settings.challenge_key[1], 32,
		"b17a5062f04db86508477ffbd8a3a436d5324efb49f17a4381f110cd4d5c92e7");
	assert_hex(settings.challenge_key[0], 32,
		"d62b91fa0c14c9dbf3e1097c98f5600f37f6ec802b3be3be246370f0440b5056");
	assert_hex(settings.ticket_key[2], 80,
		"803733277701b6dddc2dd4dd8bc3b8134285e77176f117ac514283c3c33ad779"
		"0075389ad6286ea78a5dacff1a2c9788f543730365e451426b4c1db8ef25319e"
		"5e4014bc099bbc5883499a15f5aed832");
	assert_hex((const uint8_t *)&settings.loop_mark, 4, "7ad58634");
	/* An epoch on: what was used is still taken, what was taken ahead is used. */
	assert_true(
		request_keys_fill(secret, now_ms + INT64_C(1000) * TICKET_EPOCH_SECONDS, &next));
	assert_memory_equal(next.ticket_key[1], settings.ticket_key[0], 80);
	assert_memory_equal(next.ticket_key[0], settings.ticket_key[2], 80);
	assert_memory_equal(next.challenge_key[1], settings.challenge_key[1], 32);
	assert_memory_not_equal(next.challenge_key[0], settings.challenge_key[0], 32);
	assert_int_equal(next.loop_mark, settings.loop_mark);
	secret[31] ^= 1;
	assert_true(request_keys_fill(secret, now_ms, &next));
	assert_memory_not_equal(next.ticket_key[0], settings.ticket_key[0], 80);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, request_world_up, request_world_down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_rules),
		IN_WORLD(test_full),
		IN_WORLD(test_difference),
		IN_WORLD(test_address_moves),
		IN_WORLD(test_made_again),
		IN_WORLD(test_certificates),
		IN_WORLD(test_restart),
		IN_WORLD(test_steering_fails),
		IN_WORLD(test_most),
		IN_WORLD(test_decode),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
