/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of instances: what they answer (a table), what the publisher makes of the store against a DNS
 * server in memory that fails and forgets on demand, and the driver of Knot DNS against a knotd of
 * the test's own on loopback.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/dns/known.h"
#include "control/dns/names.h"
#include "control/dns/publisher.h"
#include "control/store/name.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define T0   INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define ZONE "polder.test"
#define TTL  60

static void address(const char *text, uint8_t out[16])
{
	assert_true(text_to_address(text, out));
}

/* ---- names_answer */

struct answer_case {
	const char *name;
	bool released, ipv6, switch_back;
	int64_t after_expiry_ms;
	const char *origins; /* separated by spaces */
	const char *answer;
};

#define WEEK (7 * DAY_MS)
static const struct answer_case answer_cases[] = {
	{ "before expiry", false, false, true, -1, "10.0.0.1", "192.0.2.1" },
	{ "at expiry it still forwards", false, false, true, 0, "10.0.0.1", "192.0.2.1" },
	{ "last moment of forwarding", false, false, true, WEEK - 1, "10.0.0.1", "192.0.2.1" },
	{ "forwarding stopped: the origin", false, false, true, WEEK, "10.0.0.1", "10.0.0.1" },
	{ "stopped, not asked for", false, false, false, WEEK, "10.0.0.1", "" },
	{ "each origin once, in order", false, false, true, WEEK,
		"10.0.0.2 10.0.0.1 10.0.0.2 10.0.0.1", "10.0.0.2 10.0.0.1" },
	{ "stopped without rules", false, false, true, WEEK, "", "" },
	{ "due for release, not yet released", false, false, true, 31 * DAY_MS, "10.0.0.1",
		"10.0.0.1" },
	{ "released", true, false, true, WEEK, "10.0.0.1", "" },
	{ "released before expiry ended", true, false, true, -1, "10.0.0.1", "" },
	{ "IPv6 forwards", false, true, true, 0, "2001:db8:1::1", "2001:db8::1" },
	{ "IPv6 stopped", false, true, true, WEEK, "2001:db8:1::1 2001:db8:1::2",
		"2001:db8:1::1 2001:db8:1::2" },
	{ "IPv6 stopped, not asked for", false, true, false, WEEK, "2001:db8:1::1", "" },
	{ "an origin of the other version is left out", false, true, true, WEEK,
		"10.0.0.1 2001:db8:1::2", "2001:db8:1::2" },
};

static size_t split(const char *text, uint8_t out[][16], size_t max)
{
	char copy[256], *rest = copy, *word;
	size_t count = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) && *word) {
		assert_true(count < max);
		address(word, out[count++]);
	}
	return count;
}

static void test_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answer_cases) / sizeof(answer_cases[0]); i++) {
		const struct answer_case *c = &answer_cases[i];
		struct instance instance = {
			.ipv6 = c->ipv6, .expire_ms = T0, .switch_back_origin = c->switch_back
		};
		uint8_t origin[8][16], expected[8][16];
		size_t origins = split(c->origins, origin, 8);
		size_t count = split(c->answer, expected, 8);
		struct names_answer answer;

		address(c->ipv6 ? "2001:db8::1" : "192.0.2.1", instance.vip);
		names_answer(c->released ? NULL : &instance, origin, origins,
			T0 + c->after_expiry_ms, &answer);
		if (answer.count != count || memcmp(answer.address, expected, count * 16) != 0)
			fail_msg("%s", c->name);
		if (count > 0 && answer.ipv6 != c->ipv6)
			fail_msg("%s: wrong type", c->name);
	}
}

static void test_answer_is_bounded(void **state)
{
	uint8_t origin[NAMES_ADDRESS_MAX + 1][16];
	struct instance instance = { .expire_ms = T0, .switch_back_origin = true };
	struct names_answer answer;

	(void)state;
	for (unsigned i = 0; i <= NAMES_ADDRESS_MAX; i++) {
		address("10.0.0.0", origin[i]);
		origin[i][15] = (uint8_t)i;
	}
	names_answer(&instance, origin, NAMES_ADDRESS_MAX, T0 + WEEK, &answer);
	assert_int_equal(answer.count, NAMES_ADDRESS_MAX);
	names_answer(&instance, origin, NAMES_ADDRESS_MAX + 1, T0 + WEEK, &answer);
	assert_int_equal(answer.count, NAMES_ADDRESS_MAX);
}

static void test_digest(void **state)
{
	struct names_answer a = { .count = 2 }, b = { .count = 2 }, one = { .count = 1 };

	(void)state;
	address("10.0.0.1", a.address[0]);
	address("10.0.0.2", a.address[1]);
	memcpy(b.address[0], a.address[1], 16);
	memcpy(b.address[1], a.address[0], 16);
	memcpy(one.address[0], a.address[0], 16);
	assert_true(names_digest(&a, TTL) == names_digest(&b, TTL));
	assert_true(names_digest(&a, TTL) != names_digest(&a, TTL + 1));
	assert_true(names_digest(&a, TTL) != names_digest(&one, TTL));
	assert_true(names_digest(&(struct names_answer){ 0 }, TTL) == 0);
}

static void test_labels(void **state)
{
	static const char *const valid[] = { "ddoscoo-cn-abcdefghij0", "ddosdip-sg-00000000000" };
	static const char *const invalid[] = { "", "_polder", "ns", "www", "ddoscoo-cn-",
		"ddoscoo-cn-abcdefghij", "ddoscoo-cn-abcdefghij01", "ddosDip-sg-00000000000",
		"ddoscoo-c-abcdefghij0", "ddoscoo-cnxabcdefghij0", "xddoscoo-cn-abcdefghij0" };
	char full[NAMES_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		assert_true(names_label_valid(valid[i]));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_false(names_label_valid(invalid[i]));
	/* Every id that is made gives a label that is taken for one. */
	for (int product = 0; product < PRODUCT_COUNT; product++) {
		char id[INSTANCE_ID_SIZE], label[INSTANCE_ID_SIZE];
		uint8_t random[16] = { 1, 2, 3, 255, 40 };

		instance_id_make((enum product)product, random, id);
		names_label(id, label);
		assert_true(names_label_valid(label));
	}
	names_full("ddosDip-sg-00000000000", ZONE, full);
	assert_string_equal(full, "ddosdip-sg-00000000000." ZONE);
}

static void test_zones(void **state)
{
	char long_zone[NAMES_ZONE_MAX + 2];

	(void)state;
	assert_true(names_zone_valid("polder.test"));
	assert_true(names_zone_valid("x"));
	assert_true(names_zone_valid("a-b.c2.Example"));
	assert_false(names_zone_valid(""));
	assert_false(names_zone_valid("polder.test."));
	assert_false(names_zone_valid(".polder.test"));
	assert_false(names_zone_valid("polder..test"));
	assert_false(names_zone_valid("-a.test"));
	assert_false(names_zone_valid("a-.test"));
	assert_false(names_zone_valid("a b"));
	assert_false(names_zone_valid("a_b"));
	for (size_t i = 0; i < sizeof(long_zone) - 1; i++)
		long_zone[i] = i % 2 ? '.' : 'a';
	long_zone[NAMES_ZONE_MAX + 1] = '\0';
	assert_false(names_zone_valid(long_zone));
	long_zone[NAMES_ZONE_MAX - 1] = '\0';
	assert_true(names_zone_valid(long_zone));
}

/* ---- known */

static void test_known(void **state)
{
	enum {
		COUNT = 500
	};
	struct known *known = known_new(COUNT);
	char label[INSTANCE_ID_SIZE];
	size_t at = 0, seen = 0;

	(void)state;
	assert_non_null(known);
	for (unsigned i = 0; i < COUNT; i++) {
		(void)snprintf(label, sizeof(label), "name-%u", i);
		known_add(known, label)->digest = i;
	}
	assert_null(known_add(known, "one-more"));
	assert_non_null(known_add(known, "name-7"));
	/* Dropping keeps all others reachable. */
	for (unsigned i = 0; i < COUNT; i += 2) {
		(void)snprintf(label, sizeof(label), "name-%u", i);
		known_drop(known, label);
	}
	known_drop(known, "never-there");
	for (unsigned i = 0; i < COUNT; i++) {
		(void)snprintf(label, sizeof(label), "name-%u", i);
		struct known_name *name = known_find(known, label);

		assert_int_equal(name != NULL, i % 2);
		if (name)
			assert_int_equal(name->digest, i);
	}
	while (known_next(known, &at))
		seen++;
	assert_int_equal(seen, COUNT / 2);
	assert_int_equal(known_count(known), COUNT / 2);
	known_clear(known);
	assert_null(known_find(known, "name-1"));
	known_free(known);
}

/* ---- a DNS server in memory */

#define FAKE_NAMES 4096
struct fake_record {
	char label[DNS_LABEL_SIZE], type[8], data[DNS_TEXT_SIZE];
	int64_t ttl_s;
};
struct dns_server {
	struct fake_record zone[FAKE_NAMES], draft[FAKE_NAMES];
	size_t count, drafts;
	bool open, transaction;
	unsigned calls, commits, sets; /* since the test asked */
	unsigned fail_at;	       /* this call fails; 0: none */
	bool down;
};
static struct dns_server fake;

static bool fake_fails(void)
{
	return fake.down || ++fake.calls == fake.fail_at;
}

static enum err fake_open(
	const struct dns_place *place, char why[DNS_WHY_SIZE], struct dns_server **out)
{
	assert_string_equal(place->zone, ZONE);
	assert_false(fake.open);
	(void)snprintf(why, DNS_WHY_SIZE, "made to fail");
	if (fake_fails())
		return ERR_UNAVAILABLE;
	fake.open = true;
	*out = &fake;
	return OK;
}

static void fake_close(struct dns_server *server)
{
	if (!server)
		return;
	assert_true(server->open);
	server->open = server->transaction = false;
}

static enum err fake_read(
	struct dns_server *server, const char *label, dns_seen seen, void *context)
{
	const struct fake_record *record = server->transaction ? server->draft : server->zone;
	size_t count = server->transaction ? server->drafts : server->count;

	if (fake_fails())
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < count; i++) {
		if ((!label || strcmp(label, record[i].label) == 0) &&
			!seen(context, record[i].label, record[i].type, record[i].ttl_s,
				record[i].data))
			return ERR_UNAVAILABLE;
	}
	return OK;
}

static enum err fake_begin(struct dns_server *server)
{
	if (fake_fails())
		return ERR_UNAVAILABLE;
	assert_false(server->transaction);
	server->transaction = true;
	memcpy(server->draft, server->zone, sizeof(server->zone));
	server->drafts = server->count;
	return OK;
}

static enum err fake_remove(struct dns_server *server, const char *label)
{
	size_t kept = 0;

	if (fake_fails())
		return ERR_UNAVAILABLE;
	assert_true(server->transaction);
	for (size_t i = 0; i < server->drafts; i++) {
		if (strcmp(server->draft[i].label, label) != 0)
			server->draft[kept++] = server->draft[i];
	}
	server->drafts = kept;
	return OK;
}

static void put(struct fake_record *zone, size_t *count, const char *label, const char *type,
	int64_t ttl_s, const char *data)
{
	struct fake_record *record = &zone[(*count)++];

	assert_true(*count <= FAKE_NAMES);
	(void)snprintf(record->label, sizeof(record->label), "%s", label);
	(void)snprintf(record->type, sizeof(record->type), "%s", type);
	(void)snprintf(record->data, sizeof(record->data), "%s", data);
	record->ttl_s = ttl_s;
}

static enum err fake_set(
	struct dns_server *server, const char *label, const struct dns_records *records)
{
	if (fake_fails())
		return ERR_UNAVAILABLE;
	for (size_t i = 0; records->fresh && i < server->drafts; i++)
		assert_string_not_equal(server->draft[i].label, label);
	TRY(fake_remove(server, label));
	assert_true(records->count > 0);
	for (size_t i = 0; i < records->count; i++)
		put(server->draft, &server->drafts, label, records->type, records->ttl_s,
			records->data[i]);
	server->sets++;
	return OK;
}

static enum err fake_commit(struct dns_server *server)
{
	/* One that fails may have been carried out: the answer was lost. */
	bool lost = fake_fails();

	assert_true(server->transaction);
	memcpy(server->zone, server->draft, sizeof(server->zone));
	server->count = server->drafts;
	server->transaction = false;
	server->commits++;
	return lost ? ERR_UNAVAILABLE : OK;
}

static const struct dns_driver fake_driver = {
	.open = fake_open,
	.close = fake_close,
	.read = fake_read,
	.begin = fake_begin,
	.set = fake_set,
	.remove = fake_remove,
	.commit = fake_commit,
};

/* ---- the publisher over a real store */

struct fixture {
	char directory[64], path[96], url[112];
	struct db *db;
	struct arena *mem, *tick_mem;
	int64_t account;
	struct publisher *publisher;
	int64_t now_ms, monotonic_ms;
	unsigned made;
};

static const struct names_settings settings = { .zone = ZONE, .socket = "/none", .ttl_s = TTL };

static void publisher_anew(struct fixture *f)
{
	publisher_free(f->publisher);
	assert_int_equal(publisher_new(&fake_driver, &settings, FAKE_NAMES, &f->publisher), OK);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->directory, sizeof(f->directory), "/tmp/polder-names-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->path, sizeof(f->path), "%s/store.db", f->directory);
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s", f->path);
	assert_int_equal(db_open(f->url, true, &f->db), OK);
	f->mem = arena_new((size_t)64 << 20);
	f->tick_mem = arena_new((size_t)32 << 20);
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	assert_int_equal(account_insert(f->db, "first", T0, &f->account), OK);
	assert_int_equal(vip_pool_sync(f->db, "198.18.0.0/15 2001:db8::/64"), OK);
	assert_int_equal(db_commit(f->db), OK);
	memset(&fake, 0, sizeof(fake));
	put(fake.zone, &fake.count, "", "SOA", TTL, "ns hostmaster 1 3600 600 86400 5");
	put(fake.zone, &fake.count, "ns", "A", TTL, "192.0.2.53");
	f->now_ms = T0;
	publisher_anew(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	struct fixture *f = *state;
	char path[128];

	publisher_free(f->publisher);
	db_close(f->db);
	arena_free(f->mem);
	arena_free(f->tick_mem);
	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, suffix[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->directory);
	free(f);
	return 0;
}

static struct instance add(struct fixture *f, bool ipv6, int64_t expire_ms, bool switch_back)
{
	struct instance instance = { .account = f->account,
		.product = ipv6 ? PRODUCT_DDOSDIP : PRODUCT_DDOSCOO,
		.edition = 9,
		.ipv6 = ipv6,
		.create_ms = T0,
		.expire_ms = expire_ms,
		.switch_back_origin = switch_back,
		.remark = "",
		.resource_group = "" };
	uint8_t random[16] = { 0 };

	memcpy(random, &f->made, sizeof(f->made));
	random[0] = (uint8_t)(f->made % 36);
	random[1] = (uint8_t)(f->made / 36 % 36);
	random[2] = (uint8_t)(f->made / 1296 % 36);
	random[3] = 0;
	f->made++;
	instance_id_make(instance.product, random, instance.id);
	assert_int_equal(instance_insert(f->db, &instance), OK);
	return instance;
}

static struct instance buy(struct fixture *f, bool ipv6, int64_t expire_ms, bool switch_back)
{
	struct instance instance;

	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	instance = add(f, ipv6, expire_ms, switch_back);
	assert_int_equal(db_commit(f->db), OK);
	return instance;
}

static struct port_rule rule(
	struct fixture *f, const struct instance *instance, int64_t port, const char *origins)
{
	struct port_rule made = { .instance_number = instance->number,
		.protocol = PROTOCOL_TCP,
		.frontend_port = port,
		.backend_port = port,
		.remark = "" };
	uint8_t origin[ORIGIN_MAX][16];

	made.origin_count = split(origins, origin, ORIGIN_MAX);
	for (size_t i = 0; i < made.origin_count; i++) {
		memcpy(made.origin[i].address, origin[i], 16);
		made.origin[i].weight = 100;
	}
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	assert_int_equal(port_rule_insert(f->db, &made), OK);
	assert_int_equal(db_commit(f->db), OK);
	return made;
}

static void release(struct fixture *f, const struct instance *instance)
{
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	assert_int_equal(instance_release(f->db, instance, f->now_ms), OK);
	assert_int_equal(db_commit(f->db), OK);
}

/* One tick, a tick's time after the last one; its outcome shows in what is settled. */
static bool step(struct fixture *f)
{
	bool more;
	enum err err;

	f->monotonic_ms += ENGINE_TICK_MS;
	arena_reset(f->tick_mem);
	err = publisher_tick(f->publisher, f->db, f->tick_mem, f->now_ms, f->monotonic_ms, &more);
	assert_true(err == OK || err == ERR_UNAVAILABLE);
	return more;
}

/* Ticks until nothing more is due; at most so many. The number of ticks. */
static unsigned settle(struct fixture *f, unsigned ticks_max)
{
	bool more = true;
	unsigned ticks = 0;

	while (more || !publisher_settled(f->publisher)) {
		if (++ticks > ticks_max)
			fail_msg("not settled after %u ticks", ticks_max);
		more = step(f);
	}
	return ticks;
}

static void tick(struct fixture *f)
{
	(void)settle(f, 200);
}

/* What the fake's zone answers for an instance, separated by spaces, in its order. */
static const char *answers(const struct instance *instance)
{
	static char text[2048];
	char label[INSTANCE_ID_SIZE];
	size_t used = 0;

	text[0] = '\0';
	names_label(instance->id, label);
	for (size_t i = 0; i < fake.count; i++) {
		if (strcmp(fake.zone[i].label, label) != 0)
			continue;
		assert_string_equal(fake.zone[i].type, instance->ipv6 ? "AAAA" : "A");
		assert_int_equal(fake.zone[i].ttl_s, TTL);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
			fake.zone[i].data);
	}
	return text;
}

static const char *vip(const struct instance *instance)
{
	static char text[ADDRESS_TEXT_SIZE];

	address_format(instance->vip, text);
	return text;
}

/* Each name of the store answers what the pure function says, and there are no others. */
static void check_all(struct fixture *f)
{
	struct instance *row;
	size_t count, names = 0;

	arena_reset(f->mem);
	assert_int_equal(db_begin(f->db, DB_READ), OK);
	assert_int_equal(name_instances(f->db, f->mem, 0, 100000, &row, &count), OK);
	for (size_t i = 0; i < count; i++) {
		uint8_t(*origin)[16];
		size_t origins;
		struct names_answer answer;
		char text[2048] = "", one[ADDRESS_TEXT_SIZE];

		assert_int_equal(name_origins(f->db, f->mem, row[i].number, NAMES_ADDRESS_MAX,
					 &origin, &origins),
			OK);
		names_answer(&row[i], origin, origins, f->now_ms, &answer);
		for (size_t k = 0; k < answer.count; k++) {
			address_format(answer.address[k], one);
			(void)strncat(text, k ? " " : "", sizeof(text) - strlen(text) - 1);
			(void)strncat(text, one, sizeof(text) - strlen(text) - 1);
		}
		assert_string_equal(answers(&row[i]), text);
		names += answer.count;
	}
	db_rollback(f->db);
	/* The zone's own SOA and ns, and the mark. */
	assert_int_equal(fake.count, names + 3);
}

static void test_follows_the_life(void **state)
{
	struct fixture *f = *state;
	struct instance four = buy(f, false, T0 + DAY_MS, true);
	struct instance six = buy(f, true, T0 + DAY_MS, true);
	struct instance none = buy(f, false, T0 + DAY_MS, false);
	struct port_rule gone;

	(void)rule(f, &four, 80, "10.0.0.1 10.0.0.2");
	gone = rule(f, &four, 443, "10.0.0.2 10.0.0.3");
	(void)rule(f, &six, 80, "2001:db8:1::1");
	(void)rule(f, &none, 80, "10.0.0.9");
	(void)settle(f, 20);
	check_all(f);
	assert_string_equal(answers(&four), vip(&four));

	f->now_ms = T0 + 8 * DAY_MS - 1;
	tick(f);
	assert_string_equal(answers(&four), vip(&four));
	f->now_ms++;
	tick(f);
	assert_string_equal(answers(&four), "10.0.0.1 10.0.0.2 10.0.0.3");
	assert_string_equal(answers(&six), "2001:db8:1::1");
	assert_string_equal(answers(&none), "");
	check_all(f);

	/* Origins change while names answer them. */
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	assert_int_equal(port_rule_delete(f->db, &gone), OK);
	assert_int_equal(db_commit(f->db), OK);
	tick(f);
	assert_string_equal(answers(&four), "10.0.0.1 10.0.0.2");

	/* Renewal, and the clock back and forth across the deadline. */
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	assert_int_equal(instance_set_expiry(f->db, &four, f->now_ms + DAY_MS), OK);
	assert_int_equal(db_commit(f->db), OK);
	tick(f);
	assert_string_equal(answers(&four), vip(&four));
	f->now_ms = T0;
	tick(f);
	assert_string_equal(answers(&six), vip(&six));
	assert_string_equal(answers(&none), vip(&none));
	f->now_ms = T0 + 30 * DAY_MS;
	tick(f);
	assert_string_equal(answers(&four), "10.0.0.1 10.0.0.2");
	check_all(f);

	/* SwitchBack is set when forwarding has stopped already. */
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	none.switch_back_origin = true;
	assert_int_equal(instance_update(f->db, &none), OK);
	assert_int_equal(db_commit(f->db), OK);
	tick(f);
	assert_string_equal(answers(&none), "10.0.0.9");

	release(f, &four);
	release(f, &six);
	tick(f);
	assert_string_equal(answers(&four), "");
	assert_string_equal(answers(&six), "");
	check_all(f);
}

static void test_idle_writes_nothing(void **state)
{
	struct fixture *f = *state;

	(void)buy(f, false, T0 + DAY_MS, true);
	(void)settle(f, 20);
	fake.commits = fake.calls = 0;
	for (unsigned i = 0; i < 100; i++) {
		f->now_ms += ENGINE_TICK_MS;
		tick(f);
	}
	assert_int_equal(fake.commits, 0);
	/* 10 s: one check is an open and a read, twice a second. */
	assert_in_range(fake.calls, 2 * 18, 2 * 22);
}

/* A new publisher finds a zone that is right but for one name of an instance released meanwhile. */
static void test_restart_of_control(void **state)
{
	struct fixture *f = *state;
	struct instance stays = buy(f, false, T0 + DAY_MS, true), goes = buy(f, false, T0, true);

	(void)settle(f, 20);
	publisher_free(f->publisher);
	f->publisher = NULL;
	release(f, &goes);
	fake.sets = 0;
	publisher_anew(f);
	(void)settle(f, 20);
	assert_string_equal(answers(&goes), "");
	assert_string_equal(answers(&stays), vip(&stays));
	/* Only the mark: what was right was not written again (one per commit). */
	assert_in_range(fake.sets, 1, 2);
	check_all(f);
}

static void test_restart_of_server(void **state)
{
	struct fixture *f = *state;
	struct instance instance = buy(f, false, T0 + DAY_MS, true), late;
	struct dns_server *old = malloc(sizeof(*old));

	(void)settle(f, 20);
	*old = fake;
	late = buy(f, true, T0 + DAY_MS, true);
	tick(f);
	/* Empty, and nothing else happens: found by the check. */
	fake.count = 2;
	f->monotonic_ms += NAMES_CHECK_MS;
	tick(f);
	tick(f);
	assert_string_equal(answers(&instance), vip(&instance));
	assert_string_equal(answers(&late), vip(&late));
	/* An older zone, and a change at the same moment: the change must not stand alone. */
	memcpy(fake.zone, old->zone, sizeof(fake.zone));
	fake.count = old->count;
	(void)buy(f, false, T0 + DAY_MS, false);
	tick(f);
	tick(f);
	check_all(f);
	free(old);
}

static void test_wrong_records_are_replaced(void **state)
{
	struct fixture *f = *state;
	struct instance instance = buy(f, false, T0 + DAY_MS, true);

	put(fake.zone, &fake.count, instance.id, "A", TTL, "203.0.113.1");
	put(fake.zone, &fake.count, "ddoscoo-cn-00000stale0", "A", TTL, "203.0.113.2");
	put(fake.zone, &fake.count, "ddoscoo-cn-00000stale0", "TXT", TTL, "\"x\"");
	(void)settle(f, 20);
	assert_string_equal(answers(&instance), vip(&instance));
	check_all(f);
}

/* Each call to the server fails in turn: a later tick makes it right. */
static void test_every_failure(void **state)
{
	struct fixture *f = *state;
	struct instance instance = buy(f, false, T0 + DAY_MS, true);
	unsigned total;

	(void)rule(f, &instance, 80, "10.0.0.1");
	(void)buy(f, true, T0 + 2 * DAY_MS, false);
	fake.calls = 0;
	(void)settle(f, 20);
	total = fake.calls + 20;
	for (unsigned n = 1; n <= total; n++) {
		publisher_anew(f);
		fake.calls = 0;
		fake.fail_at = n;
		f->now_ms = T0 + (n % 2 ? 9 : 0) * DAY_MS;
		(void)settle(f, 60);
		fake.fail_at = 0;
		tick(f);
		check_all(f);
	}
}

static void test_absence_is_waited_out(void **state)
{
	struct fixture *f = *state;
	struct instance instance = buy(f, false, T0 + DAY_MS, true);
	bool more;

	fake.down = true;
	for (unsigned i = 0; i < 50; i++) {
		f->monotonic_ms += ENGINE_TICK_MS;
		assert_int_equal(publisher_tick(f->publisher, f->db, f->tick_mem, f->now_ms,
					 f->monotonic_ms, &more),
			ERR_UNAVAILABLE);
		assert_false(more);
	}
	assert_false(publisher_settled(f->publisher));
	fake.down = false;
	assert_in_range(settle(f, 20), 1, 1 + NAMES_RETRY_MAX_MS / ENGINE_TICK_MS + 3);
	assert_string_equal(answers(&instance), vip(&instance));
}

/* Each call to the store, and each allocation, fails in turn: no harm is done, a later tick goes on. */
static void test_every_failure_of_the_store(void **state)
{
	struct fixture *f = *state;
	struct instance instance = buy(f, false, T0 + DAY_MS, true), goes;
	unsigned failures = 0;
	bool more;

	(void)rule(f, &instance, 80, "10.0.0.1");
	for (uint64_t n = 1; n <= 40; n++) {
		publisher_anew(f);
		goes = buy(f, n % 2, T0 + (int64_t)(n % 3) * DAY_MS, false);
		f->now_ms = T0 + (int64_t)(n % 2 ? 9 : 0) * DAY_MS;
		for (unsigned i = 0; i < 4; i++) {
			db_torture(n % 2 ? n / 2 + 1 : 0);
			arena_torture(n % 2 ? 0 : n / 2, false);
			f->monotonic_ms += ENGINE_TICK_MS;
			arena_reset(f->tick_mem);
			failures += publisher_tick(f->publisher, f->db, f->tick_mem, f->now_ms,
					    f->monotonic_ms, &more) != OK;
			if (i == 1)
				f->now_ms = T0;
		}
		db_torture(0);
		arena_torture(0, false);
		release(f, &goes);
		tick(f);
		check_all(f);
	}
	assert_in_range(failures, 20, 160);
}

/* More than a batch crosses its deadline, while the clock jumps there and back. */
static void test_many_and_jumps(void **state)
{
	enum {
		COUNT = 2500
	};
	struct fixture *f = *state;
	bool more;

	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	for (unsigned i = 0; i < COUNT; i++)
		(void)add(f, false, T0 + DAY_MS + i, false);
	assert_int_equal(db_commit(f->db), OK);
	assert_in_range(settle(f, 20), COUNT / NAMES_BATCH, 8);
	check_all(f);
	/* The first 1,000 are evaluated as stopped, then the clock is back before all deadlines. */
	f->now_ms = T0 + 20 * DAY_MS;
	assert_int_equal(publisher_tick(f->publisher, f->db, f->tick_mem, f->now_ms,
				 f->monotonic_ms += 100, &more),
		OK);
	assert_true(more);
	f->now_ms = T0;
	tick(f);
	tick(f);
	check_all(f);
	/* Half-way: one deadline of many is the border. */
	f->now_ms = T0 + 8 * DAY_MS + COUNT / 2;
	tick(f);
	check_all(f);
	for (unsigned i = 0; i < 12; i++) {
		/* A tick with the clock elsewhere each time; then it stays. */
		f->now_ms = T0 + (i * 7 % 12) * DAY_MS;
		(void)step(f);
	}
	tick(f);
	tick(f);
	check_all(f);
}

/* The change log was cut further than the publisher had read. */
static void test_gap_in_the_log(void **state)
{
	struct fixture *f = *state;
	struct instance goes = buy(f, false, T0 + DAY_MS, true);

	(void)settle(f, 20);
	release(f, &goes);
	for (unsigned i = 0; i < 5; i++)
		(void)buy(f, false, T0 + DAY_MS, true);
	assert_int_equal(db_begin(f->db, DB_WRITE), OK);
	assert_int_equal(change_prune(f->db, 2), OK);
	assert_int_equal(db_commit(f->db), OK);
	tick(f);
	tick(f);
	check_all(f);
}

/* ---- Knot DNS itself */

struct knot {
	char directory[64], socket[96];
	pid_t pid;
	struct dns_place place;
};

static const char *find_knotd(void)
{
	static const char *const paths[] = { "/usr/sbin/knotd", "/usr/local/sbin/knotd" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	}
	return NULL;
}

static void write_file(const struct knot *knot, const char *name, const char *content)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", knot->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void knot_start(struct knot *knot, const char *program)
{
	char path[128], why[DNS_WHY_SIZE];
	struct dns_server *server;
	int waited = 0;

	(void)snprintf(path, sizeof(path), "%s/knot.conf", knot->directory);
	(void)unlink(knot->socket);
	knot->pid = fork();
	assert_true(knot->pid >= 0);
	if (knot->pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		(void)dup2(null, 1);
		(void)dup2(null, 2);
		(void)execl(program, program, "-c", path, (char *)NULL);
		_exit(127);
	}
	while (dns_knot.open(&knot->place, why, &server) != OK) {
		if (++waited > 500)
			fail_msg("knotd does not answer: %s", why);
		(void)usleep(10000);
	}
	dns_knot.close(server);
}

static void knot_kill(struct knot *knot)
{
	assert_int_equal(kill(knot->pid, SIGKILL), 0);
	assert_int_equal(waitpid(knot->pid, NULL, 0), knot->pid);
	knot->pid = 0;
}

static void knot_make(struct knot *knot)
{
	char text[1024];

	memset(knot, 0, sizeof(*knot));
	(void)snprintf(knot->directory, sizeof(knot->directory), "/tmp/polder-knot-XXXXXX");
	assert_non_null(mkdtemp(knot->directory));
	(void)snprintf(knot->socket, sizeof(knot->socket), "%s/knot.sock", knot->directory);
	knot->place = (struct dns_place){ .socket = knot->socket, .zone = ZONE };
	/* It listens on its control socket only: no port is taken. */
	(void)snprintf(text, sizeof(text),
		"server:\n  rundir: \"%s\"\n  udp-workers: 1\n  tcp-workers: 1\n"
		"  background-workers: 1\n"
		"control:\n  listen: \"%s\"\n"
		"database:\n  storage: \"%s\"\n"
		"zone:\n  - domain: " ZONE "\n    storage: \"%s\"\n    file: \"zone\"\n"
		"    journal-content: none\n    zonefile-sync: -1\n    zonefile-load: whole\n",
		knot->directory, knot->socket, knot->directory, knot->directory);
	write_file(knot, "knot.conf", text);
	write_file(knot, "zone",
		"$ORIGIN " ZONE ".\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\n"
		"ns A 192.0.2.53\n");
}

static void knot_remove(struct knot *knot)
{
	char command[128];

	if (knot->pid > 0)
		knot_kill(knot);
	(void)snprintf(command, sizeof(command), "rm -rf -- '%s'", knot->directory);
	assert_int_equal(system(command), 0);
}

/* Records of one name, "TYPE TTL DATA;" each. */
struct listing {
	char text[1024];
	unsigned count;
};

static bool list_one(
	void *context, const char *label, const char *type, int64_t ttl_s, const char *data)
{
	struct listing *listing = context;
	size_t used = strlen(listing->text);

	listing->count++;
	(void)snprintf(listing->text + used, sizeof(listing->text) - used, "%s %s %lld %s;", label,
		type, (long long)ttl_s, data);
	return true;
}

static void expect(struct dns_server *server, const char *label, const char *expected)
{
	struct listing listing = { .count = 0 };

	assert_int_equal(dns_knot.read(server, label, list_one, &listing), OK);
	assert_string_equal(listing.text, expected);
}

static void test_knot(void **state)
{
	static const char *const two[] = { "10.0.0.1", "10.0.0.2" };
	static const char *const one[] = { "2001:db8::7" };
	static const char *const bad[] = { "not-an-address" };
	struct dns_records records = { "A", 60, 2, two, false };
	const char *program = find_knotd();
	char why[DNS_WHY_SIZE];
	struct dns_server *server;
	struct knot knot;

	(void)state;
	if (!program) {
		print_message("SKIP: knotd is not installed\n");
		skip();
	}
	knot_make(&knot);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), ERR_UNAVAILABLE);
	assert_true(strlen(why) > 0);
	knot_start(&knot, program);

	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.set(server, "a", &records), OK);
	expect(server, "a", "a A 60 10.0.0.1;a A 60 10.0.0.2;");
	records = (struct dns_records){ "AAAA", 30, 1, one, true };
	assert_int_equal(dns_knot.set(server, "b", &records), OK);
	assert_int_equal(dns_knot.commit(server), OK);
	expect(server, "a", "a A 60 10.0.0.1;a A 60 10.0.0.2;");
	expect(server, "nothing", "");

	/* Set replaces, of whatever type; remove is content with nothing. */
	records.fresh = false;
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.set(server, "a", &records), OK);
	assert_int_equal(dns_knot.remove(server, "b"), OK);
	assert_int_equal(dns_knot.remove(server, "b"), OK);
	assert_int_equal(dns_knot.remove(server, "nothing"), OK);
	assert_int_equal(dns_knot.commit(server), OK);
	expect(server, "a", "a AAAA 30 2001:db8::7;");
	expect(server, "b", "");

	/* What is not committed is not there, and hinders nobody. */
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.remove(server, "a"), OK);
	dns_knot.close(server);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	expect(server, "a", "a AAAA 30 2001:db8::7;");
	records = (struct dns_records){ "A", 60, 1, bad, false };
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.set(server, "c", &records), ERR_UNAVAILABLE);
	dns_knot.close(server);

	/* The whole zone, and after the server was killed the one of its file. */
	struct listing all = { .count = 0 };

	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	assert_int_equal(dns_knot.read(server, NULL, list_one, &all), OK);
	assert_int_equal(all.count, 4); /* SOA, NS, ns, a */
	knot_kill(&knot);
	assert_int_equal(dns_knot.begin(server), ERR_UNAVAILABLE);
	dns_knot.close(server);
	knot_start(&knot, program);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	expect(server, "a", "");
	dns_knot.close(server);
	knot_remove(&knot);
}

/* The publisher against the real server: names are there, and again after it was killed. */
static void test_publisher_with_knot(void **state)
{
	struct fixture *f = *state;
	struct instance four = buy(f, false, T0 + DAY_MS, true);
	struct instance six = buy(f, true, T0 + DAY_MS, false);
	struct names_settings real = settings;
	const char *program = find_knotd();
	char expected[256], label[INSTANCE_ID_SIZE], why[DNS_WHY_SIZE];
	struct dns_server *server;
	struct knot knot;

	if (!program) {
		print_message("SKIP: knotd is not installed\n");
		skip();
	}
	(void)rule(f, &four, 80, "10.0.0.2 10.0.0.1");
	knot_make(&knot);
	knot_start(&knot, program);
	real.socket = knot.socket;
	publisher_free(f->publisher);
	assert_int_equal(publisher_new(&dns_knot, &real, FAKE_NAMES, &f->publisher), OK);
	(void)settle(f, 20);
	for (unsigned killed = 0; killed < 2; killed++) {
		assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
		names_label(four.id, label);
		(void)snprintf(expected, sizeof(expected), "%s A 60 %s;", label, vip(&four));
		expect(server, label, expected);
		names_label(six.id, label);
		(void)snprintf(expected, sizeof(expected), "%s AAAA 60 %s;", label, vip(&six));
		expect(server, label, expected);
		dns_knot.close(server);
		if (killed == 0) {
			knot_kill(&knot);
			knot_start(&knot, program);
			f->monotonic_ms += NAMES_CHECK_MS;
			tick(f);
		}
	}
	f->now_ms = T0 + 9 * DAY_MS;
	tick(f);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	names_label(four.id, label);
	(void)snprintf(
		expected, sizeof(expected), "%s A 60 10.0.0.1;%s A 60 10.0.0.2;", label, label);
	expect(server, label, expected);
	names_label(six.id, label);
	expect(server, label, "");
	dns_knot.close(server);
	knot_remove(&knot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_answer_is_bounded),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_known),
		cmocka_unit_test_setup_teardown(test_follows_the_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_of_control, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_of_server, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_records_are_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_failure_of_the_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absence_is_waited_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_and_jumps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_in_the_log, setup, teardown),
		cmocka_unit_test(test_knot),
		cmocka_unit_test_setup_teardown(test_publisher_with_knot, setup, teardown),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
