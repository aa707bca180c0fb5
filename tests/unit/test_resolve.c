/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of origins against a name server of the test's own, on loopback: what is found, when it is asked for again, and
 * that a server which fails takes nothing away. The clock is the test's.
 */
#include "name_world.h"

#include "agent/resolve.h"

/* --- the name server ---------------------------------------------------------------------------------------------- */

/* Two addresses of each IP version, and one of this host; turned round with each question. */
static size_t answer(struct server *server, const struct question *question, uint8_t *packet)
{
	static const uint8_t ipv4[3][4] = { { 203, 0, 113, 9 }, { 203, 0, 113, 8 },
		{ 127, 0, 0, 1 } };
	static const uint8_t ipv6[2][16] = { { 0x20, 1, 0xd, 0xb8, [15] = 9 },
		{ 0x20, 1, 0xd, 0xb8, [15] = 8 } };
	uint32_t ttl = __atomic_load_n(&server->ttl, __ATOMIC_RELAXED);
	unsigned turn = (unsigned)__atomic_fetch_add(&server->questions, 1, __ATOMIC_RELAXED);
	size_t at = question->end;

	if (question->type == 1) {
		packet[7] = 3;
		for (unsigned i = 0; i < 3; i++)
			at += add_record(packet + at, 1, ttl, ipv4[(turn + i) % 3], 4);
	} else if (question->type == 28) {
		packet[7] = 2;
		for (unsigned i = 0; i < 2; i++)
			at += add_record(packet + at, 28, ttl, ipv6[(turn + i) % 2], 16);
	}
	return at;
}

/* --- the world --------------------------------------------------------------------------------------------- */

struct world {
	struct server server;
	struct name_server *names;
	struct resolve *resolve;
	struct table_name last;
	char last_name[TABLE_KEY_MAX];
	unsigned found, gone;
	int64_t now_ms;
};

static void found(void *context, const char *name, size_t length, const struct table_name *list)
{
	struct world *world = context;

	world->found++;
	world->last = *list;
	(void)snprintf(world->last_name, sizeof(world->last_name), "%.*s", (int)length, name);
}

static void gone(void *context, const char *name, size_t length)
{
	struct world *world = context;

	(void)name, (void)length;
	world->gone++;
}

static int up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct resolve_output output = { .context = world, .found = found, .gone = gone };

	if (!world)
		return -1;
	*state = world;
	if (!server_start(&world->server, answer))
		return -1;
	__atomic_store_n(&world->server.ttl, 3600, __ATOMIC_RELAXED);
	world->names = name_server_open(world->server.text);
	world->now_ms = 1000000;
	if (!world->names)
		return -1;
	world->resolve = resolve_new(world->names, &output);
	return world->resolve ? 0 : -1;
}

static int down(void **state)
{
	struct world *world = *state;

	name_server_close(world->names);
	resolve_free(world->resolve);
	server_stop(&world->server);
	free(world);
	return 0;
}

static void turn(struct world *world)
{
	name_server_turn(world->names, world->now_ms);
	resolve_turn(world->resolve);
}

static void want(struct world *world, const char *name)
{
	assert_true(resolve_want(world->resolve, name, strlen(name)));
}

/* Turns until so many answers or failures were counted in all; the clock stands. */
static void turn_until(struct world *world, uint64_t results)
{
	struct resolve_counts counts;

	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		struct pollfd wait = { .fd = name_server_fd(world->names), .events = POLLIN };

		turn(world);
		resolve_counts(world->resolve, &counts);
		if (counts.answers + counts.failures >= results)
			return;
		(void)poll(&wait, 1, 10);
	}
	fail_msg("%u answers, %u failures of %u", (unsigned)counts.answers,
		(unsigned)counts.failures, (unsigned)results);
}

static int questions(struct world *world)
{
	return __atomic_load_n(&world->server.questions, __ATOMIC_RELAXED);
}

static void assert_addresses(const struct table_name *list)
{
	static const char *const expected[] = { "203.0.113.8", "203.0.113.9", "2001:db8::8",
		"2001:db8::9" };

	assert_int_equal(list->count, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct address address;

		assert_true(text_to_address(expected[i], address.byte));
		assert_memory_equal(&list->address[i], &address, sizeof(address));
	}
}

/* --- cases ------------------------------------------------------------------------------------------------- */

static void test_found(void **state)
{
	struct world *world = *state;

	want(world, "origin.example");
	want(world, "origin.example");
	turn_until(world, 1);
	assert_int_equal(world->found, 1);
	assert_string_equal(world->last_name, "origin.example");
	assert_addresses(&world->last);
}

static void test_time_to_live(void **state)
{
	static const struct {
		uint32_t ttl;
		int64_t again_ms;
	} cases[] = { { 0, RESOLVE_MIN_MS }, { 1, RESOLVE_MIN_MS }, { 7, 7000 },
		{ 30, RESOLVE_MAX_MS }, { 86400, RESOLVE_MAX_MS } };
	struct world *world = *state;
	uint64_t results = 0;

	want(world, "origin.example");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int before;

		__atomic_store_n(&world->server.ttl, cases[i].ttl, __ATOMIC_RELAXED);
		turn_until(world, ++results);
		before = questions(world);
		world->now_ms += cases[i].again_ms - 1;
		turn(world);
		assert_int_equal(questions(world), before);
		world->now_ms += 1;
		turn_until(world, ++results);
		assert_int_equal(questions(world), before + 2);
		/* The order of the answers is no change. */
		assert_addresses(&world->last);
		world->now_ms += RESOLVE_MAX_MS;
	}
}

static void test_failure(void **state)
{
	struct world *world = *state;
	struct resolve_counts counts;

	want(world, "origin.example");
	turn_until(world, 1);
	__atomic_store_n(&world->server.fails, 1, __ATOMIC_RELAXED);
	world->now_ms += RESOLVE_MAX_MS;
	turn_until(world, 2);
	resolve_counts(world->resolve, &counts);
	assert_int_equal(counts.failures, 1);
	assert_int_equal(counts.known, 1);
	assert_int_equal(world->found, 1);
	assert_int_equal(world->gone, 0);
	__atomic_store_n(&world->server.fails, 0, __ATOMIC_RELAXED);
	world->now_ms += RESOLVE_MIN_MS;
	turn_until(world, 3);
	assert_int_equal(world->found, 2);
}

/* A name that goes while it is asked for, and another one in its place. */
static void test_gone(void **state)
{
	struct world *world = *state;

	__atomic_store_n(&world->server.silent, 1, __ATOMIC_RELAXED);
	want(world, "old.example");
	turn(world);
	resolve_mark_unseen(world->resolve);
	want(world, "new.example");
	resolve_remove_unseen(world->resolve);
	assert_int_equal(world->gone, 1);
	assert_false(resolve_wants(world->resolve, "old.example", 11));
	assert_true(resolve_wants(world->resolve, "new.example", 11));
	__atomic_store_n(&world->server.silent, 0, __ATOMIC_RELAXED);
	turn_until(world, 1);
	assert_int_equal(world->found, 1);
	assert_string_equal(world->last_name, "new.example");
}

/* More names than questions at once. */
static void test_many(void **state)
{
	struct world *world = *state;
	char name[32];

	for (unsigned i = 0; i < 5 * RESOLVE_RUNNING_MAX; i++) {
		(void)snprintf(name, sizeof(name), "o%u.example", i);
		want(world, name);
	}
	turn_until(world, 5 * RESOLVE_RUNNING_MAX);
	assert_int_equal(world->found, 5 * RESOLVE_RUNNING_MAX);
}

static void test_limits(void **state)
{
	struct world *world = *state;
	char name[300];

	memset(name, 'a', sizeof(name));
	assert_false(resolve_want(world->resolve, name, 0));
	assert_false(resolve_want(world->resolve, name, TABLE_KEY_MAX));
	for (uint32_t i = 0; i < RESOLVE_NAME_MAX; i++) {
		int length = snprintf(name, sizeof(name), "%u", i);

		assert_true(resolve_want(world->resolve, name, (size_t)length));
	}
	assert_false(resolve_want(world->resolve, "one.more", 8));
	assert_null(name_server_open("no address"));
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_found),
		IN_WORLD(test_time_to_live),
		IN_WORLD(test_failure),
		IN_WORLD(test_gone),
		IN_WORLD(test_many),
		IN_WORLD(test_limits),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
