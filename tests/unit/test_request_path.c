/* SPDX-License-Identifier: BSD-2-Clause */
/* What of an agent's settings is in the table: there with the agent that has them, gone with the next that has not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/request_path.h"
#include "agent/table.h"
#include "base/text.h"

#include <cmocka.h>

static char folder[64];

static int begin(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/polder-path.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char path[96];

	(void)state;
	for (const char *const *name = (const char *const[]){ "table", "table.new", "lock", NULL };
		*name; name++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, *name);
		(void)unlink(path);
	}
	return rmdir(folder);
}

/* An agent with these settings comes and goes. */
static void run(const struct agent_settings *settings)
{
	struct request_path *path;

	assert_int_equal(request_path_open(settings, NULL, NULL, NULL, &path), OK);
	assert_non_null(path);
	request_path_close(path);
}

/* The body of a record without key, copied; its length, 0: there is none. */
static size_t read_record(uint16_t kind, void *out, size_t size)
{
	struct table_key key = { kind, 0, NULL };
	struct request_table *table;
	size_t length = 0;
	const void *body;

	assert_int_equal(request_table_open(folder, (gid_t)-1, &table), OK);
	body = request_table_find(table, &key, &length);
	assert_true(length <= size);
	if (body)
		memcpy(out, body, length);
	request_table_close(table);
	return body ? length : 0;
}

static struct agent_settings settings_default(void)
{
	return (struct agent_settings){ .requests = folder,
		.port_first = 20000,
		.port_count = 40000,
		.request_log_days = 1,
		.request_log_bytes = 1 << 20,
		.request_log_site_bytes = 1 << 20 };
}

static void publish(void)
{
	struct request_table *table;

	assert_int_equal(request_table_open(folder, (gid_t)-1, &table), OK);
	assert_int_equal(request_table_publish(table), OK);
	request_table_close(table);
}

static void test_regions(void **state)
{
	struct agent_settings settings = settings_default();
	const char *overrides[] = { "192.0.2.0/24=NL" };
	struct table_prefix prefix = { .bits = 0 };

	(void)state;
	publish();
	settings.region_override.item = overrides;
	settings.region_override.count = 1;
	run(&settings);
	assert_int_equal(read_record(TABLE_REGIONS, &prefix, sizeof(prefix)), sizeof(prefix));
	assert_int_equal(prefix.bits, 120);
	settings.region_override.count = 0;
	run(&settings);
	assert_int_equal(read_record(TABLE_REGIONS, &prefix, sizeof(prefix)), 0);
}

/* Where nginx leaves from, without a snapshot. */
static void test_sources(void **state)
{
	struct agent_settings settings = settings_default();
	struct table_sources first = { .edition = 0 }, second = { .edition = 0 };

	(void)state;
	assert_true(text_to_address("2001:db8::9", settings.source[1][0].byte));
	settings.source_count[1] = 1;
	run(&settings);
	assert_int_equal(read_record(TABLE_SOURCES, &first, sizeof(first)), sizeof(first));
	assert_int_equal(first.count[0], 0);
	assert_int_equal(first.count[1], 1);
	assert_memory_equal(&first.address[1][0], &settings.source[1][0], 16);
	assert_int_equal(first.ports[0].first, 60000);
	settings.port_first = 30000;
	run(&settings);
	assert_int_equal(read_record(TABLE_SOURCES, &second, sizeof(second)), sizeof(second));
	assert_int_equal(second.ports[1].first + second.ports[1].count, 30000);
	assert_int_not_equal(first.edition, second.edition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
