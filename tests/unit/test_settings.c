/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's settings of the request path: what is taken, and which setting a refusal names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/settings.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

static enum err read_with(
	struct arena *mem, const char *const *more, struct agent_settings *out, char *why)
{
	static const char *const base[] = { "polder-agent", "--node", "edge", "--control",
		"unix:/run/node.sock", "--pin", "/pin", "--interface", "eth0", "--source",
		"192.0.2.9" };
	char *argv[32];
	int argc = 0;

	for (size_t i = 0; i < sizeof(base) / sizeof(*base); i++)
		argv[argc++] = (char *)(uintptr_t)base[i];
	for (; *more; more++)
		argv[argc++] = (char *)(uintptr_t)*more;
	return settings_read(mem, argc, argv, out, why);
}

static void test_requests(void **state)
{
	struct arena *mem = arena_new(1 << 20);
	struct agent_settings settings;
	char why[SPEC_WHY_SIZE];

	(void)state;
	assert_int_equal(read_with(mem, (const char *[]){ NULL }, &settings, why), OK);
	assert_null(settings.requests);
	assert_int_equal(settings.trusted_proxy.count, 0);
	assert_int_equal(read_with(mem,
				 (const char *[]){ "--requests", "/run/requests", "--trusted-proxy",
					 "192.0.2.0/24", "--trusted-proxy", "2001:db8::1", NULL },
				 &settings, why),
		OK);
	assert_string_equal(settings.requests, "/run/requests");
	assert_int_equal(settings.trusted_proxy.count, 2);
	arena_free(mem);
}

static void test_protected(void **state)
{
	struct arena *mem = arena_new(1 << 20);
	struct agent_settings settings;
	char why[SPEC_WHY_SIZE];

	(void)state;
	assert_int_equal(read_with(mem, (const char *[]){ NULL }, &settings, why), OK);
	assert_int_equal(settings.range_count, 0);
	assert_int_equal(read_with(mem,
				 (const char *[]){ "--protected", "198.51.100.0/24", "--protected",
					 "2001:db8::1", NULL },
				 &settings, why),
		OK);
	assert_int_equal(settings.range_count, 2);
	assert_int_equal(settings.range[0].bits, 120);
	assert_int_equal(settings.range[1].bits, 128);
	arena_free(mem);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *value;
	} cases[] = {
		{ "--requests", "run/requests" },
		{ "--requests", "/" },
		{ "--trusted-proxy", "192.0.2.1/24" },
		{ "--trusted-proxy", "proxy.example" },
		{ "--protected", "198.51.100.1/24" },
		{ "--protected", "vip.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *mem = arena_new(1 << 20);
		struct agent_settings settings;
		char why[SPEC_WHY_SIZE] = "";

		assert_int_equal(
			read_with(mem, (const char *[]){ cases[i].name, cases[i].value, NULL },
				&settings, why),
			ERR_INVALID_PARAMETER);
		assert_non_null(strstr(why, cases[i].name + 2));
		arena_free(mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_protected),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
