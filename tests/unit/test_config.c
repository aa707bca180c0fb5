/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings: where they come from, which wins, and that a wrong one is named.
 */
#include "control/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#define WORDS_MAX 8

static char path[] = "/tmp/polder-test-config-XXXXXX";

static void write_settings(const char *content)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool read_words(struct arena *mem, const char *const *words, struct config *out, char *why)
{
	char *argv[WORDS_MAX + 1] = { arena_copy(mem, "polder-control") };
	int argc;

	for (argc = 1; argc < WORDS_MAX && words[argc - 1]; argc++)
		argv[argc] =
			arena_copy(mem, strcmp(words[argc - 1], "FILE") ? words[argc - 1] : path);
	return config_read(mem, argc, argv, out, why);
}

static void defaults_and_sources(void **state)
{
	struct arena *mem = arena_new((size_t)4 << 20);
	char why[SPEC_WHY_SIZE];
	struct config config;

	(void)state;
	assert_true(read_words(mem, (const char *const[]){ NULL }, &config, why));
	assert_int_equal(config.command, CONFIG_RUN);
	assert_string_equal(config.database, "sqlite:/var/lib/polder/control.db");
	assert_int_equal(config.calls_per_second, 10);
	assert_int_equal(config.threads, 4);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_null(config.clock_offset_file);
	assert_null(config.bootstrap_file);
	assert_string_equal(config.dns_zone, "");
	assert_int_equal(config.dns_ttl_s, 60);
	assert_false(config.watch_first);
	assert_string_equal(config.drill_socket, "");
	write_settings("# a comment\n\n  threads =  8 \r\nvip-pool = 192.0.2.0/24 2001:db8::/64\n"
		       "host-id=a=b\nlog-level = debug\nnew-instances = watch");
	assert_true(read_words(mem,
		(const char *const[]){
			"--threads", "2", "--config", "FILE", "--calls-per-second=0", NULL },
		&config, why));
	assert_int_equal(config.threads, 2);
	assert_int_equal(config.calls_per_second, 0);
	assert_string_equal(config.vip_pool, "192.0.2.0/24 2001:db8::/64");
	assert_string_equal(config.host_id, "a=b");
	assert_true(config.watch_first);
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	assert_true(read_words(mem, (const char *const[]){ "--help", NULL }, &config, why));
	assert_int_equal(config.command, CONFIG_HELP);
	assert_true(read_words(mem, (const char *const[]){ "--describe", NULL }, &config, why));
	assert_int_equal(config.command, CONFIG_DESCRIBE);
	arena_free(mem);
}

static const struct {
	const char *content;
	const char *word[WORDS_MAX];
	const char *named; /* in why */
} wrong[] = {
	{ "", { "--thread", "1" }, "thread" },
	{ "", { "--threads" }, "threads" },
	{ "", { "--threads", "0" }, "\"threads\"" },
	{ "", { "--threads", "65" }, "\"threads\"" },
	{ "", { "--threads", "two" }, "\"threads\"" },
	{ "", { "--threads", "1", "--threads", "2" }, "threads" },
	{ "", { "threads", "1" }, "threads" },
	{ "", { "--log-level", "loud" }, "error warn info debug" },
	{ "", { "--socket", "" }, "\"socket\"" },
	{ "", { "--dns-zone", "polder.test." }, "dns-zone" },
	{ "", { "--dns-zone", "-polder" }, "dns-zone" },
	{ "", { "--dns-ttl", "0" }, "\"dns-ttl\"" },
	{ "", { "--new-instances", "sleep" }, "\"new-instances\"" },
	{ "", { "--blackhole", "maybe" }, "\"blackhole\"" },
	{ "", { "--blackhole-minutes", "29" }, "\"blackhole-minutes\"" },
	{ "", { "--blackhole-minutes", "1441" }, "\"blackhole-minutes\"" },
	{ "", { "--config", "/nowhere/file" }, "/nowhere/file" },
	{ "no equals\n", { "--config", "FILE" }, "no equals" },
	{ "unknown = 1\n", { "--config", "FILE" }, "unknown" },
	{ "threads = 1\nthreads = 1\n", { "--config", "FILE" }, "threads" },
	{ "config = /x\n", { "--config", "FILE" }, "config" },
	{ "region-override = 192.0.2.0/24=ZZ\n", { "--config", "FILE" }, "region-override" },
	{ "region-override = 192.0.2.1/24=US\n", { "--config", "FILE" }, "region-override" },
	{ "region-override = 192.0.2.0/24=US 1\n", { "--config", "FILE" }, "region-override" },
	{ "",
		{ "--socket", "/0123456789012345678901234567890123456789012345678901234567890123456"
			      "7890123456789"
			      "0123456789012345678901234567" },
		"\"socket\"" },
};

static void wrong_ones_are_named(void **state)
{
	struct arena *mem = arena_new((size_t)4 << 20);
	char why[SPEC_WHY_SIZE];
	struct config config;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		write_settings(wrong[i].content);
		if (read_words(mem, wrong[i].word, &config, why) || !strstr(why, wrong[i].named))
			fail_msg("case %zu: %s", i, why);
		assert_null(strchr(why, '\n'));
	}
	arena_free(mem);
}

static void help_lists_every_row(void **state)
{
	static const char *const names[] = { "--socket", "--node-socket", "--database",
		"--key-file", "--nonce-file", "--vip-pool", "--clock-offset-file",
		"--bootstrap-file", "--calls-per-second", "--threads", "--log-level", "--host-id",
		"--dns-zone", "--dns-socket", "--dns-ttl", "--blackhole", "--blackhole-minutes" };
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	config_help(out);
	assert_int_equal(fclose(out), 0);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_non_null(strstr(text, names[i]));
	free(text);
}

static int make_file(void **state)
{
	(void)state;
	return mkstemp(path) < 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_sources),
		cmocka_unit_test(wrong_ones_are_named),
		cmocka_unit_test(help_lists_every_row),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
