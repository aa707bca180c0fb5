/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites of snapshots while memory and the file system's room run out: each growth of a table or of the file fails in
 * turn, once or from then on. Nothing may be steered that is not served (request_world.h checks at each step), what
 * could not be taken is refused by name, and the next full snapshot makes all good.
 */
#include <errno.h>
#include <fcntl.h>

#include "../unit/request_world.h"

/* Before those of the C library: the agent's tables grow by the one, the table's file by the other. */
static unsigned fail_at, calls; /* fail_at 0: none fails */
static bool persists;

static bool fails(void)
{
	calls++;
	return fail_at != 0 && (calls == fail_at || (persists && calls > fail_at));
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (fails() || __builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

int posix_fallocate(int file, off_t from, off_t length)
{
	if (fails())
		return ENOSPC;
	return ftruncate(file, from + length) == 0 ? 0 : errno;
}

/* Many enough that all tables and the file grow several times. */
#define SITES	  150
#define INSTANCES 70

static void add_all(struct draft *draft, uint32_t first, uint32_t step)
{
	char text[64];

	for (uint32_t i = 1; i <= INSTANCES; i++) {
		(void)snprintf(text, sizeof(text), "192.0.2.%u", i);
		draft_instance(draft, i, text);
	}
	for (uint32_t i = first; i <= SITES; i += step) {
		char key[12000];

		memset(key, 'k', sizeof(key) - 1);
		key[sizeof(key) - 1] = '\0';
		draft_certificate(draft, i, 1, key);
		(void)snprintf(text, sizeof(text), "%u.example", i);
		draft_site(draft, &(struct draft_site){ .number = i,
					  .domain = text,
					  .instance = { i % INSTANCES + 1 },
					  .port = { { (uint16_t)(80 + i % 3), SITE_SCHEME_HTTP },
						  { (uint16_t)(443 + i % 2), SITE_SCHEME_HTTPS } },
					  .certificate = i });
	}
}

/* Half of the sites, the other half as a difference that takes some of the first away, and everything anew. */
static void run_all(struct request_world *world, unsigned at)
{
	struct requests_counts counts;
	struct draft *draft;

	calls = 0;
	fail_at = at;
	draft = draft_new(world, true);
	add_all(draft, 1, 2);
	(void)draft_apply(world, draft);
	draft = draft_new(world, false);
	for (uint32_t i = 1; i <= SITES; i += 6)
		draft_remove(draft, RECORD_SITE, i);
	add_all(draft, 2, 2);
	(void)draft_apply(world, draft);
	fail_at = 0;
	draft = draft_new(world, true);
	world->refused = 0;
	add_all(draft, 1, 1);
	assert_int_equal(draft_apply(world, draft), OK);
	assert_int_equal(world->refused, 0);
	assert_true(request_table_is_published(world->table));
	requests_counts(world->requests, &counts);
	assert_int_equal(counts.sites, SITES);
	assert_int_equal(counts.certificates, SITES);
	assert_int_equal(counts.vips, INSTANCES);
	assert_int_equal(counts.ports, world->steered_count);
	for (uint32_t i = 1; i <= SITES; i++) {
		char domain[32];

		(void)snprintf(domain, sizeof(domain), "%u.example", i);
		assert_true(has_domain(world, domain));
		assert_true(has_certificate(world, i));
	}
}

static void run_from(bool persist)
{
	unsigned total = 1;

	persists = persist;
	for (unsigned at = 0; at <= total; at++) {
		void *state = NULL;

		fail_at = 0;
		assert_int_equal(request_world_up(&state), 0);
		if (!state)
			abort();
		run_all(state, at);
		if (at == 0)
			total = calls;
		(void)request_world_down(&state);
	}
	/* A sequence that asked for nothing would prove nothing. */
	assert_true(total > 10);
}

static void test_once(void **state)
{
	(void)state;
	run_from(false);
}

static void test_from_then_on(void **state)
{
	(void)state;
	run_from(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_from_then_on),
	};

	return cmocka_run_group_tests_name("requests without memory", tests, NULL, NULL);
}
