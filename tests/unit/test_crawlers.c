/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crawlers against a name server of the test's own and a real table: who is verified, who is not, when it is asked about again,
 * and the bounds. The clock is the test's.
 */
#include "name_world.h"

#include "agent/crawlers.h"

#define GOOGLEBOT 1
#define BINGBOT	  2

/* --- the name server ---------------------------------------------------------------------------------------- */

/* What there is. Addresses are those of text_to_address. */
static const struct {
	const char *address, *reverse, *name;
	bool is_forward; /* the name has the address */
} zone[] = {
	{ "192.0.2.1", "1.2.0.192.in-addr.arpa", "crawl-1.googlebot.com", true },
	{ "192.0.2.2", "2.2.0.192.in-addr.arpa", "crawl-2.googlebot.com", false },
	{ "192.0.2.3", "3.2.0.192.in-addr.arpa", "crawl.googlebot.com.example", true },
	{ "192.0.2.4", "4.2.0.192.in-addr.arpa", "evilgooglebot.com", true },
	{ "192.0.2.5", "5.2.0.192.in-addr.arpa", "m.search.MSN.com", true },
	{ "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		"crawl-6.google.com", true },
};
#define ZONE_COUNT (sizeof(zone) / sizeof(*zone))

static size_t encode_name(const char *name, uint8_t *out)
{
	size_t at = 0;

	while (*name) {
		size_t length = strcspn(name, ".");

		out[at++] = (uint8_t)length;
		memcpy(out + at, name, length);
		at += length;
		name += length;
		name += *name == '.';
	}
	out[at++] = 0;
	return at;
}

static size_t answer(struct server *server, const struct question *question, uint8_t *packet)
{
	size_t at = question->end;

	(void)__atomic_fetch_add(&server->questions, 1, __ATOMIC_RELAXED);
	packet[3] = 3; /* no such name */
	for (size_t i = 0; i < ZONE_COUNT; i++) {
		uint8_t data[256] = { 0 };
		struct address address = { 0 };

		if (question->type == 12 && strcasecmp(question->name, zone[i].reverse) == 0) {
			size_t length = encode_name(zone[i].name, data);

			packet[3] = 0;
			packet[7]++;
			at += add_record(packet + at, 12, 3600, data, (uint16_t)length);
		}
		if (strcasecmp(question->name, zone[i].name) != 0)
			continue;
		packet[3] = 0;
		(void)text_to_address(zone[i].address, address.byte);
		if (!zone[i].is_forward)
			address.byte[15] ^= 64;
		if (question->type == 1 && address_is_ipv4(address.byte)) {
			packet[7]++;
			at += add_record(packet + at, 1, 3600, address.byte + 12, 4);
		} else if (question->type == 28 && !address_is_ipv4(address.byte)) {
			packet[7]++;
			at += add_record(packet + at, 28, 3600, address.byte, 16);
		}
	}
	return at;
}

/* --- the world --------------------------------------------------------------------------------------------- */

struct world {
	struct server server;
	char folder[64];
	struct request_table *table;
	struct name_server *names;
	struct crawlers *crawlers;
	int64_t now_ms, utc_ms;
};

static int up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	*state = world;
	if (!server_start(&world->server, answer))
		return -1;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-crawlers-XXXXXX");
	if (!mkdtemp(world->folder) ||
		request_table_open(world->folder, (gid_t)-1, &world->table) != OK ||
		request_table_publish(world->table) != OK)
		return -1;
	world->names = name_server_open(world->server.text);
	if (!world->names)
		return -1;
	world->crawlers = crawlers_new(world->names, world->table);
	world->now_ms = 1000000;
	world->utc_ms = 2000000000000;
	return world->crawlers ? 0 : -1;
}

static int down(void **state)
{
	struct world *world = *state;
	char path[96];

	name_server_close(world->names);
	crawlers_free(world->crawlers);
	server_stop(&world->server);
	request_table_close(world->table);
	(void)snprintf(path, sizeof(path), "%s/table", world->folder);
	(void)unlink(path);
	(void)rmdir(world->folder);
	free(world);
	return 0;
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(text_to_address(text, address.byte));
	return address;
}

static void ask(struct world *world, const char *text, uint32_t crawler)
{
	struct address address = address_of(text);

	crawlers_ask(world->crawlers, &address, crawler);
}

static void turn(struct world *world)
{
	name_server_turn(world->names, world->now_ms);
	crawlers_turn(world->crawlers, world->utc_ms);
}

/* Turns until so many were answered in all; the clock stands. */
static void turn_until(struct world *world, uint64_t results)
{
	struct crawlers_counts counts;

	for (int waited = 0; waited < 4 * WAIT_MS; waited += 10) {
		struct pollfd wait = { .fd = name_server_fd(world->names), .events = POLLIN };

		turn(world);
		crawlers_counts(world->crawlers, &counts);
		if (counts.verified + counts.refuted + counts.failed >= results)
			return;
		(void)poll(&wait, 1, 10);
	}
	fail_msg("%u verified, %u refuted, %u failed of %u", (unsigned)counts.verified,
		(unsigned)counts.refuted, (unsigned)counts.failed, (unsigned)results);
}

static const struct table_crawler *known(const struct world *world, const char *text)
{
	struct address address = address_of(text);
	struct table_key key = { TABLE_CRAWLER, sizeof(address), &address };
	size_t length;

	return request_table_find(world->table, &key, &length);
}

static int questions(struct world *world)
{
	return __atomic_load_n(&world->server.questions, __ATOMIC_RELAXED);
}

/* --- cases ------------------------------------------------------------------------------------------------- */

static void test_who(void **state)
{
	static const struct {
		const char *address;
		uint32_t crawler;
		bool verified;
	} cases[] = {
		{ "192.0.2.1", GOOGLEBOT, true },
		{ "192.0.2.2", GOOGLEBOT, false }, /* its name has another address */
		{ "192.0.2.3", GOOGLEBOT, false }, /* a name that only begins so */
		{ "192.0.2.4", GOOGLEBOT, false }, /* another domain that ends so */
		{ "192.0.2.5", BINGBOT, true },
		{ "192.0.2.99", GOOGLEBOT, false }, /* no name */
		{ "2001:db8::1", GOOGLEBOT, true },
		{ "2001:db8::2", GOOGLEBOT, false },
	};
	struct world *world = *state;
	uint64_t results = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct table_crawler *found;

		ask(world, cases[i].address, cases[i].crawler);
		turn_until(world, ++results);
		found = known(world, cases[i].address);
		if (cases[i].verified != (found != NULL))
			fail_msg("%s", cases[i].address);
		if (!found)
			continue;
		assert_int_equal(found->crawler, cases[i].crawler);
		assert_int_equal(found->until_ms, world->utc_ms + CRAWLERS_VERIFIED_MS);
	}
}

/* It is one, but not the one that it says. */
static void test_other(void **state)
{
	struct world *world = *state;

	ask(world, "192.0.2.1", BINGBOT);
	turn_until(world, 1);
	assert_null(known(world, "192.0.2.1"));
	ask(world, "192.0.2.1", GOOGLEBOT);
	turn_until(world, 2);
	assert_non_null(known(world, "192.0.2.1"));
	ask(world, "192.0.2.1", 0);
	ask(world, "192.0.2.7", 1000);
	turn(world);
}

static void test_again(void **state)
{
	struct world *world = *state;
	int before;

	ask(world, "192.0.2.2", GOOGLEBOT);
	ask(world, "192.0.2.2", GOOGLEBOT);
	turn_until(world, 1);
	before = questions(world);
	world->now_ms += CRAWLERS_REFUTED_MS - 1;
	turn(world);
	ask(world, "192.0.2.2", GOOGLEBOT);
	turn(world);
	assert_int_equal(questions(world), before);
	world->now_ms += 1;
	turn(world);
	ask(world, "192.0.2.2", GOOGLEBOT);
	turn_until(world, 2);
	assert_true(questions(world) > before);

	/* A server that fails has said nothing: what is known stays, and it is asked again soon. */
	ask(world, "192.0.2.1", GOOGLEBOT);
	turn_until(world, 3);
	__atomic_store_n(&world->server.fails, 1, __ATOMIC_RELAXED);
	world->now_ms += CRAWLERS_RETRY_MS;
	turn(world);
	ask(world, "192.0.2.1", GOOGLEBOT);
	turn_until(world, 4);
	assert_non_null(known(world, "192.0.2.1"));
	__atomic_store_n(&world->server.fails, 0, __ATOMIC_RELAXED);
	world->now_ms += CRAWLERS_RETRY_MS;
	world->utc_ms += CRAWLERS_VERIFIED_MS / 2;
	turn(world);
	ask(world, "192.0.2.1", GOOGLEBOT);
	turn_until(world, 5);
	assert_int_equal(known(world, "192.0.2.1")->until_ms, world->utc_ms + CRAWLERS_VERIFIED_MS);
}

static void test_age(void **state)
{
	struct world *world = *state;

	ask(world, "192.0.2.1", GOOGLEBOT);
	turn_until(world, 1);
	crawlers_age(world->crawlers, world->utc_ms + CRAWLERS_VERIFIED_MS - 1);
	assert_non_null(known(world, "192.0.2.1"));
	crawlers_age(world->crawlers, world->utc_ms + CRAWLERS_VERIFIED_MS);
	assert_null(known(world, "192.0.2.1"));
}

/* More than have room: those that wait keep their places, the others are counted, and all that were taken are answered. */
static void test_many(void **state)
{
	struct world *world = *state;
	struct crawlers_counts counts;
	char text[32];

	for (unsigned i = 0; i < CRAWLERS_SOURCE_MAX + 100; i++) {
		(void)snprintf(text, sizeof(text), "198.18.%u.%u", i / 250, i % 250 + 1);
		ask(world, text, GOOGLEBOT);
	}
	crawlers_counts(world->crawlers, &counts);
	assert_int_equal(counts.dropped, 100);
	turn_until(world, CRAWLERS_SOURCE_MAX);
	ask(world, "192.0.2.1", GOOGLEBOT);
	turn_until(world, CRAWLERS_SOURCE_MAX + 1);
	assert_non_null(known(world, "192.0.2.1"));
}

/* An end while questions go on. */
static void test_end(void **state)
{
	struct world *world = *state;

	__atomic_store_n(&world->server.silent, 1, __ATOMIC_RELAXED);
	ask(world, "192.0.2.1", GOOGLEBOT);
	ask(world, "2001:db8::1", GOOGLEBOT);
	turn(world);
}

static void test_domains(void **state)
{
	static const struct {
		const char *name, *domains;
		bool fits;
	} cases[] = {
		{ "a.example", "example", true },
		{ "a.EXAMPLE", "example", true },
		{ "example", "example", false },
		{ ".example", "example", true },
		{ "aexample", "example", false },
		{ "a.one.test", "example one.test", true },
		{ "a.one.test", "one.test two.test", true },
		{ "one.test.a", "one.test two.test", false },
		{ "", "example", false },
		{ "a.example", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (crawlers_domain_fits(cases[i].name, cases[i].domains) != cases[i].fits)
			fail_msg("%s in %s", cases[i].name, cases[i].domains);
	}
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_who),
		IN_WORLD(test_other),
		IN_WORLD(test_again),
		IN_WORLD(test_age),
		IN_WORLD(test_many),
		IN_WORLD(test_end),
		cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests_name("crawlers", tests, NULL, NULL);
}
