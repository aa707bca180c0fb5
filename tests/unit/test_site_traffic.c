/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of web sites: what is told when, and which slots are cleared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/site_traffic.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

#define SITES_AT 4096
#define SIZE	 (SITES_AT + NODE_SITE_MAX * sizeof(struct site_counter))

struct world {
	char folder[64], path[80];
	struct counters_header *header;
	struct site_counter *site;
	struct site_traffic *traffic;
	int64_t now_ms;
};

static void make_file(struct world *world)
{
	int file;

	(void)unlink(world->path);
	file = open(world->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, (off_t)SIZE) != 0)
		abort();
	if (world->header)
		(void)munmap(world->header, SIZE);
	world->header = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	(void)close(file);
	*world->header = (struct counters_header){ .magic = COUNTERS_MAGIC,
		.version = COUNTERS_VERSION,
		.size = SIZE,
		.sites = SITES_AT };
	world->site = (void *)((uint8_t *)world->header + SITES_AT);
}

static int up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	*state = world;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-counters-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	(void)snprintf(world->path, sizeof(world->path), "%s/counters", world->folder);
	world->traffic = site_traffic_new(world->folder);
	return world->traffic ? 0 : -1;
}

static int down(void **state)
{
	struct world *world = *state;

	site_traffic_free(world->traffic);
	if (world->header)
		(void)munmap(world->header, SIZE);
	(void)unlink(world->path);
	(void)rmdir(world->folder);
	free(world);
	return 0;
}

static bool is_below_100(void *context, uint32_t number)
{
	(void)context;
	return number < 100;
}

static void test_told(void **state)
{
	struct world *world = *state;
	struct site_counter counter;
	int64_t begun_ms;

	/* Without a file there is nothing. */
	site_traffic_read(world->traffic, is_below_100, NULL, ++world->now_ms);
	assert_false(site_traffic_next(world->traffic, &counter, &begun_ms));
	make_file(world);
	world->site[5] = (struct site_counter){ .number = 5, .requests = 3 };
	world->site[6] = (struct site_counter){ .number = 6 };
	world->site[NODE_SITE_MAX - 1] = (struct site_counter){ .number = 7, .cache_hits = 2 };
	world->site[NODE_SITE_MAX - 1].refused[CHECK_MAX - 1] = 1;
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_true(site_traffic_has_next(world->traffic));
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(counter.number, 5);
	assert_int_equal(begun_ms, 1);
	assert_int_equal(counter.requests, 3);
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(counter.number, 7);
	assert_int_equal(counter.refused[CHECK_MAX - 1], 1);
	assert_int_equal(counter.cache_hits, 2);
	assert_false(site_traffic_next(world->traffic, &counter, &begun_ms));
	/* Only what moved. */
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_false(site_traffic_has_next(world->traffic));
	world->site[6].bytes_in = 1;
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(counter.number, 6);
	assert_false(site_traffic_has_next(world->traffic));
	/* All that is not zero. */
	site_traffic_tell_all(world->traffic);
	for (int i = 0; i < 3; i++)
		assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_false(site_traffic_next(world->traffic, &counter, &begun_ms));
}

static void test_cleared(void **state)
{
	static const struct site_counter none;
	struct world *world = *state;
	struct site_counter counter;
	int64_t begun_ms;

	make_file(world);
	world->site[1] = (struct site_counter){ .number = 101, .requests = 3 };
	world->site[2] = (struct site_counter){ .number = 2, .requests = 3 };
	/* What sites there are is not known yet. */
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_int_equal(world->site[1].number, 101);
	site_traffic_read(world->traffic, is_below_100, NULL, ++world->now_ms);
	assert_memory_equal(&world->site[1], &none, sizeof(none));
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(counter.number, 2);
	assert_int_equal(begun_ms, 0); /* it was there at the first look */
	assert_false(site_traffic_has_next(world->traffic));
	/* Another site in its place begins at zero. */
	world->site[1] = (struct site_counter){ .number = 3, .requests = 3 };
	site_traffic_read(world->traffic, is_below_100, NULL, ++world->now_ms);
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(counter.number, 3);
	assert_int_equal(begun_ms, 2);
	world->site[1].requests++;
	site_traffic_read(world->traffic, is_below_100, NULL, ++world->now_ms);
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(begun_ms, 2);
}

static void test_another_file(void **state)
{
	struct world *world = *state;
	struct site_counter counter;
	int64_t begun_ms;

	make_file(world);
	world->site[2] = (struct site_counter){ .number = 2, .requests = 3 };
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	make_file(world);
	world->site[2] = (struct site_counter){ .number = 2, .requests = 1 };
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_true(site_traffic_next(world->traffic, &counter, &begun_ms));
	assert_int_equal(counter.requests, 1);
	assert_int_equal(begun_ms, 1);
	/* One that is none is left alone. */
	make_file(world);
	world->header->sites = SIZE;
	site_traffic_read(world->traffic, NULL, NULL, ++world->now_ms);
	assert_false(site_traffic_next(world->traffic, &counter, &begun_ms));
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_told),
		IN_WORLD(test_cleared),
		IN_WORLD(test_another_file),
	};

	return cmocka_run_group_tests_name("site traffic", tests, NULL, NULL);
}
