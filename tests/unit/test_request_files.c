/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access logs on disk: their bounds, what accounts ask for, and looking for requests in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/log_search.h"
#include "agent/request_files.h"
#include "base/clock.h"
#include "base/text.h"
#include "shared/snapshot_abi.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

struct world {
	char folder[64], logs[80];
};

static int up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	*state = world;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-log-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	(void)snprintf(world->logs, sizeof(world->logs), "%s/logs", world->folder);
	return 0;
}

static int down(void **state)
{
	struct world *world = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", world->folder);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

static int64_t bytes_of(const struct world *world, const char *name)
{
	char path[200];
	struct stat info;

	(void)snprintf(path, sizeof(path), "%s/%s", world->logs, name);
	return stat(path, &info) == 0 ? info.st_size : -1;
}

static void add_lines(struct request_files *files, uint32_t site, unsigned count, int64_t now_ms)
{
	char text[1000];
	struct request_line line = { .site = site,
		.account = site == 1 ? 7 : 8,
		.time_ms = now_ms,
		.domain = site == 1 ? "a.example" : "*.b.example",
		.text = text,
		.length = 1000 };

	memset(text, 'x', sizeof(text));
	text[999] = '\n';
	for (unsigned i = 0; i < count; i++)
		request_files_add(files, &line, now_ms);
	request_files_flush(files);
}

#define HOUR_0 INT64_C(1764000000000) /* 2025-11-24T16:00:00Z */

static struct request_files *open_files(
	const struct world *world, uint32_t days, uint64_t site, uint64_t all)
{
	struct request_files_limits limits = { days, site, all };
	struct request_files *files = NULL;

	if (request_files_open(world->logs, &limits, HOUR_0, &files) != OK)
		abort();
	return files;
}

static void test_files(void **state)
{
	struct world *world = *state;
	struct request_files *files = open_files(world, 7, 1 << 20, 4 << 20);
	struct request_files_counts counts;

	add_lines(files, 1, 10, HOUR_0);
	add_lines(files, 2, 5, HOUR_0);
	add_lines(files, 1, 1, HOUR_0 + HOUR_MS);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), 10000);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112417.jsonl"), 1000);
	assert_int_equal(bytes_of(world, "2-_.b.example~8/2025112416.jsonl"), 5000);
	request_files_counts(files, &counts);
	assert_int_equal(counts.bytes, 16000);
	assert_int_equal(counts.lines, 16);
	request_files_close(files);
	/* A new start counts what is there, and goes on behind it. */
	files = open_files(world, 7, 1 << 20, 4 << 20);
	add_lines(files, 1, 1, HOUR_0);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), 11000);
	request_files_counts(files, &counts);
	assert_int_equal(counts.bytes, 17000);
	/* Seven days later to the hour. */
	request_files_sweep(files, HOUR_0 + 7 * DAY_MS);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), 11000);
	request_files_sweep(files, HOUR_0 + 7 * DAY_MS + HOUR_MS);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), -1);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112417.jsonl"), 1000);
	/* And with its last hour a site's folder. */
	assert_int_equal(bytes_of(world, "2-_.b.example~8"), -1);
	request_files_close(files);
}

static void test_site_bound(void **state)
{
	struct world *world = *state;
	struct request_files *files = open_files(world, 7, 100000, 4 << 20);
	struct request_files_counts counts;

	for (int hour = 0; hour < 3; hour++)
		add_lines(files, 1, 40, HOUR_0 + hour * HOUR_MS);
	/* The oldest hour made room. */
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), -1);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112417.jsonl"), 40000);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112418.jsonl"), 40000);
	/* One hour alone is too much: the rest of it is dropped. */
	add_lines(files, 1, 200, HOUR_0 + 2 * HOUR_MS);
	request_files_counts(files, &counts);
	assert_int_equal(counts.dropped_lines, 140);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112417.jsonl"), -1);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112418.jsonl"), 100000);
	assert_int_equal(counts.bytes, 100000);
	/* Another site has its own. */
	add_lines(files, 2, 10, HOUR_0 + 2 * HOUR_MS);
	assert_int_equal(bytes_of(world, "2-_.b.example~8/2025112418.jsonl"), 10000);
	request_files_close(files);
}

static void test_sum_bound(void **state)
{
	struct world *world = *state;
	struct request_files *files = open_files(world, 7, 1 << 20, 100000);
	struct request_files_counts counts;

	add_lines(files, 1, 40, HOUR_0);
	add_lines(files, 2, 10, HOUR_0);
	add_lines(files, 2, 30, HOUR_0 + HOUR_MS);
	add_lines(files, 1, 40, HOUR_0 + 2 * HOUR_MS);
	/* The oldest hour of all sites. */
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), -1);
	assert_int_equal(bytes_of(world, "2-_.b.example~8/2025112416.jsonl"), -1);
	assert_int_equal(bytes_of(world, "2-_.b.example~8/2025112417.jsonl"), 30000);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112418.jsonl"), 40000);
	request_files_counts(files, &counts);
	assert_int_equal(counts.bytes, 70000);
	assert_int_equal(counts.dropped_lines, 0);
	add_lines(files, 1, 200, HOUR_0 + 2 * HOUR_MS);
	request_files_counts(files, &counts);
	assert_true(counts.bytes <= 100000);
	request_files_close(files);
}

/* --- what an account asks for ------------------------------------------------------------------------------ */

static void put_line(struct request_files *files, uint32_t site, int64_t time_ms, const char *path,
	unsigned status)
{
	char text[400], time[32];
	struct request_line line = {
		.site = site, .account = 7, .time_ms = time_ms, .domain = "a.example", .text = text
	};
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm parts;

	assert_non_null(gmtime_r(&seconds, &parts));
	(void)strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &parts);
	line.length = (size_t)snprintf(text, sizeof(text),
		"{\"time\":\"%s.%03uZ\",\"matched_host\":\"a.example\",\"real_client_ip\":"
		"\"192.0.2.%u\",\"request_path\":\"%s\",\"status\":%u,\"cc_action\":\"%s\","
		"\"cc_phase\":\"%s\",\"rule\":0}\n",
		time, (unsigned)(time_ms % 1000), status % 100, path, status,
		status == 403 ? "close" : "none", status == 403 ? "precise" : "");
	request_files_add(files, &line, time_ms);
}

static void test_terms(void **state)
{
	struct world *world = *state;
	struct request_files *files = open_files(world, 100, 1 << 20, 4 << 20);
	struct log_term other = { 8, 7, HOUR_0 + DAY_MS }, none = { 7, 100, 0 };
	struct log_term days = { 7, 7, 0 }, emptied = { 7, 7, HOUR_0 + 10 * DAY_MS + 30 };
	int64_t now_ms = HOUR_0 + 10 * DAY_MS;
	struct log_used used[4];
	int64_t bytes;

	put_line(files, 1, HOUR_0, "/old", 200);
	add_lines(files, 2, 2, HOUR_0 + 2 * DAY_MS);
	for (int i = 0; i < 6; i++)
		put_line(files, 1, now_ms + i * 10, "/new", 200);
	request_files_terms(files, &none, 1, now_ms);
	assert_true(bytes_of(world, "1-a.example~7/2025112416.jsonl") > 0);
	bytes = bytes_of(world, "1-a.example~7/2025120416.jsonl") / 6;
	assert_int_equal(request_files_used(files, used, 4), 2);
	assert_int_equal(used[0].account, 7);
	assert_int_equal(
		used[0].bytes, bytes * 6 + bytes_of(world, "1-a.example~7/2025112416.jsonl"));
	assert_int_equal(used[1].account, 8);
	assert_int_equal(used[1].bytes, 2000);
	/* Fewer days than the node's; another account's terms are another's. */
	request_files_terms(files, &days, 1, now_ms);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025112416.jsonl"), -1);
	request_files_terms(files, &other, 1, now_ms);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025120416.jsonl"), bytes * 6);
	/* Emptied in the middle of an hour, twice: the three requests since then stay. */
	request_files_terms(files, &emptied, 1, now_ms + 100);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025120416.jsonl"), bytes * 3);
	request_files_sweep(files, now_ms + 200);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025120416.jsonl"), bytes * 3);
	assert_int_equal(request_files_used(files, used, 4), 2);
	assert_int_equal(used[0].bytes, bytes * 3);
	/* One that waited meanwhile is not kept; what comes now is. */
	put_line(files, 1, now_ms + 20, "/new", 200);
	put_line(files, 1, now_ms + 300, "/new", 200);
	request_files_flush(files);
	assert_int_equal(bytes_of(world, "1-a.example~7/2025120416.jsonl"), bytes * 4);
	/* All of it. */
	emptied.emptied_ms = now_ms + 400;
	request_files_terms(files, &emptied, 1, now_ms + 400);
	assert_int_equal(bytes_of(world, "1-a.example~7"), -1);
	assert_int_equal(request_files_used(files, used, 1), 1);
	assert_int_equal(used[0].bytes, 0);
	request_files_close(files);
}

struct found {
	unsigned count;
	int64_t time_ms[64];
	size_t length;
};

static void take_found(void *context, int64_t time_ms, const char *line, size_t length)
{
	struct found *found = context;

	assert_in_range(found->count, 0, 63);
	assert_int_equal(line[0], '{');
	assert_int_equal(line[length - 1], '}');
	found->time_ms[found->count++] = time_ms;
	found->length = length;
}

static struct found search(struct request_files *files, const struct record_log_query *query)
{
	struct log_search *log = log_search_new(request_files_folder(files), query);
	struct found found = { 0 };

	assert_non_null(log);
	while (!log_search_step(log, take_found, &found))
		;
	assert_int_equal(log_search_found(log), found.count);
	assert_false(log_search_partial(log));
	log_search_free(log);
	return found;
}

static void test_search(void **state)
{
	struct world *world = *state;
	struct request_files *files = open_files(world, 100, 64 << 20, 64 << 20);
	const struct record_log_query all = { .site = 1,
		.lines = 10,
		.until_ms = INT64_MAX / 2,
		.status_max = UINT16_MAX,
		.check = CHECK_COUNT,
		.verdict = LOG_VERDICT_NONE };
	struct record_log_query query;
	struct found found;

	/* Two hours, some blocks of a file; another site's beside them. */
	for (int i = 0; i < 2000; i++) {
		put_line(files, 1, HOUR_0 + i, i % 100 == 7 ? "/a/\\\"b" : "/a",
			i % 50 == 0 ? 403 : 200);
		put_line(files, 11, HOUR_0 + i, "/a", 200);
	}
	for (int i = 0; i < 3; i++)
		put_line(files, 1, HOUR_0 + HOUR_MS + i, "/later", 404);
	request_files_flush(files);
	found = search(files, &all);
	assert_int_equal(found.count, 10);
	for (int i = 0; i < 3; i++)
		assert_int_equal(found.time_ms[i], HOUR_0 + HOUR_MS + 2 - i);
	assert_int_equal(found.time_ms[3], HOUR_0 + 1999);
	assert_int_equal(found.time_ms[9], HOUR_0 + 1993);
	query = all;
	query.status_min = query.status_max = 403;
	query.lines = 60;
	found = search(files, &query);
	assert_int_equal(found.count, 40);
	assert_int_equal(found.time_ms[39], HOUR_0);
	query.check = CHECK_precise;
	query.verdict = LOG_REFUSED;
	assert_int_equal(search(files, &query).count, 40);
	query.verdict = LOG_CHALLENGED;
	assert_int_equal(search(files, &query).count, 0);
	query.verdict = LOG_REFUSED;
	query.check = CHECK_global;
	assert_int_equal(search(files, &query).count, 0);
	query = all;
	query.from_ms = HOUR_0 + 1995;
	query.until_ms = HOUR_0 + HOUR_MS;
	assert_int_equal(search(files, &query).count, 6);
	/* Of 192.0.2.3 and .4 is only what was 403 or 404. */
	query = all;
	query.lines = 60;
	assert_true(text_to_prefix("192.0.2.2/31", query.source.byte, &query.source_bits));
	assert_int_equal(search(files, &query).count, 40);
	query = all;
	query.path_length = (uint16_t)snprintf(query.path, sizeof(query.path), "/lat");
	assert_int_equal(search(files, &query).count, 3);
	query.path_length = (uint16_t)snprintf(query.path, sizeof(query.path), "/a/\"");
	query.lines = 60;
	assert_int_equal(search(files, &query).count, 20);
	query.site = 2;
	assert_int_equal(search(files, &query).count, 0);
	request_files_close(files);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_files),
		IN_WORLD(test_site_bound),
		IN_WORLD(test_sum_bound),
		IN_WORLD(test_terms),
		IN_WORLD(test_search),
	};

	return cmocka_run_group_tests_name("request files", tests, NULL, NULL);
}
