/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is switched on for a web site, as a document and back; entries of its lists, regions; times of scene policies.
 */
#include "base/text.h"
#include "control/model/country.h"
#include "control/model/scene.h"
#include "control/model/web_cache.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena *mem;

static int setup(void **state)
{
	(void)state;
	mem = arena_new((size_t)64 << 20);
	return mem ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static unsigned long seed = 7;
static unsigned roll(unsigned below)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % below;
}

static struct web_prefixes random_list(void)
{
	struct web_prefixes list = { arena_array(mem, 5, sizeof(*list.text)), roll(6) };

	for (size_t i = 0; i < list.count; i++)
		list.text[i] = arena_print(mem, "192.0.2.%u/%u", roll(256), roll(33));
	return list;
}

static struct web_policy random_policy(void)
{
	struct web_policy policy = { .cc_open = roll(2),
		.cc_on = roll(2),
		.cc_rules_on = roll(2),
		.pace = (enum site_pace)(SITE_PACE_NORMAL + roll(4)),
		.precise_on = roll(2),
		.lists_on = roll(2),
		.black = random_list(),
		.white = random_list(),
		.area_on = roll(2),
		.regions = random_list(),
		.ai_on = roll(2),
		.ai_defense = roll(2),
		.ai_level = (enum web_ai_level)roll(WEB_AI_COUNT),
		.global_on = roll(2),
		.global_level = (enum web_level)roll(WEB_LEVEL_COUNT),
		.cache_on = roll(2),
		.cache = (enum site_cache)(SITE_CACHE_STATIC + roll(3)),
		.cache_edition = (uint32_t)roll(1000),
		.log_on = roll(2),
		.bypass = roll(2) };

	for (unsigned i = 0; i < CHECK_COUNT; i++)
		policy.check[i] = (uint8_t)roll(CHECK_UNSET + 1);
	return policy;
}

/* Whatever a policy is, its document says all of it. */
static void test_round_trip(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct web_policy policy = random_policy(), again;
		const char *text, *second;

		assert_int_equal(web_policy_format(mem, &policy, &text), OK);
		assert_int_equal(web_policy_parse(mem, text, &again), OK);
		assert_int_equal(web_policy_format(mem, &again, &second), OK);
		assert_string_equal(text, second);
		assert_int_equal(again.cc_open, policy.cc_open);
		assert_int_equal(again.bypass, policy.bypass);
		assert_int_equal(again.pace, policy.pace);
		assert_int_equal(again.cache, policy.cache);
		assert_int_equal(again.cache_edition, policy.cache_edition);
		assert_int_equal(again.black.count, policy.black.count);
		assert_memory_equal(again.check, policy.check, sizeof(policy.check));
	}
}

/* What a document does not say, or says in another form, is as nobody had chosen. */
static void test_fallback(void **state)
{
	static const char *const documents[] = { "", "{}", "{\"cc_on\":0,\"pace\":\"fast\"}",
		"{\"black\":\"192.0.2.1\",\"checks\":{\"precise\":\"on\",\"none\":\"off\"}}",
		"{\"cache\":7,\"later\":true}" };
	const struct web_policy fallback = web_policy_fallback();
	const char *expected, *text;

	(void)state;
	assert_int_equal(web_policy_format(mem, &fallback, &expected), OK);
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct web_policy policy;

		assert_int_equal(web_policy_parse(mem, documents[i], &policy), OK);
		assert_int_equal(web_policy_format(mem, &policy, &text), OK);
		assert_string_equal(text, expected);
	}
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		assert_int_equal(
			web_check_mode(&fallback, (enum check)i), web_check_default((enum check)i));
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text, *address;
		unsigned bits;
	} good[] = {
		{ "192.0.2.7", "192.0.2.7", 128 },
		{ "192.0.2.7/32", "192.0.2.7", 128 },
		{ "2.2.2.2/24", "2.2.2.0", 96 + 24 },
		{ "2.2.2.2/23", "2.2.2.0", 96 + 23 },
		{ "255.255.255.255/0", "0.0.0.0", 96 },
		{ "2001:db8:ffff::1/33", "2001:db8:8000::", 33 },
		{ "2001:db8::1", "2001:db8::1", 128 },
		{ "::/0", "::", 0 },
	};
	static const char *const bad[] = { "", "/", "192.0.2.7/", "192.0.2.7/33", "192.0.2.7/-1",
		"192.0.2.7/08", "192.0.2/24", "2001:db8::/129", "example.com",
		"192.0.2.1,192.0.2.2", "192.0.2.1/24/8" };
	uint8_t address[16];
	char text[ADDRESS_TEXT_SIZE];
	unsigned bits;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(web_prefix(good[i].text, address, &bits));
		address_format(address, text);
		assert_string_equal(text, good[i].address);
		assert_int_equal(bits, good[i].bits);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (web_prefix(bad[i], address, &bits))
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void test_regions(void **state)
{
	static const struct {
		const char *text, *region, *country;
		enum err err;
	} cases[] = {
		{ "US", "US", "US", OK },
		{ "CN", "CN", "CN", OK },
		{ "CN-HONGKONG", "CN-HONGKONG", "HK", OK },
		{ "CN-MACAO", "CN-MACAO", "MO", OK },
		{ "CN-TAIWAN", "CN-TAIWAN", "TW", OK },
		{ "CN-INNERMONGOLIA", "", "", ERR_NOT_ENFORCEABLE },
		{ "CN-", "", "", ERR_INVALID_PARAMETER },
		{ "CN-Shanghai", "", "", ERR_INVALID_PARAMETER },
		{ "USA", "", "", ERR_INVALID_PARAMETER },
		{ "", "", "", ERR_INVALID_PARAMETER },
		{ "0", "", "", ERR_INVALID_PARAMETER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bits[4] = { 0 }, expected[4] = { 0 };
		char region[WEB_REGION_SIZE];

		assert_int_equal(web_region(cases[i].text, region), cases[i].err);
		if (cases[i].err != OK)
			continue;
		assert_string_equal(region, cases[i].region);
		web_region_set(region, bits);
		countries_to_bits(cases[i].country, expected);
		assert_memory_equal(bits, expected, sizeof(bits));
	}
	/* Every country by its letters. */
	for (size_t i = 0; i < country_count; i++) {
		char region[WEB_REGION_SIZE];

		assert_int_equal(web_region(countries[i].code, region), OK);
	}
}

static void test_scene_times(void **state)
{
	struct scene scene = { .enabled = true, .from_ms = 1000, .until_ms = 2000 };
	static const struct {
		int64_t clock_ms;
		enum scene_status on, off;
	} cases[] = {
		{ 0, SCENE_PENDING, SCENE_DISABLED },
		{ 999, SCENE_PENDING, SCENE_DISABLED },
		{ 1000, SCENE_ENABLED, SCENE_DISABLED },
		{ 1999, SCENE_ENABLED, SCENE_DISABLED },
		{ 2000, SCENE_EXPIRED, SCENE_EXPIRED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scene.enabled = true;
		assert_int_equal(scene_status(&scene, cases[i].clock_ms), cases[i].on);
		scene.enabled = false;
		assert_int_equal(scene_status(&scene, cases[i].clock_ms), cases[i].off);
	}
}

/* In force and back, from every policy: all is as before. */
static void test_scene_apply(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct scene scene = { .template = (enum scene_template)(i % 2) };
		struct web_policy policy = random_policy(), before;
		struct scene_object object = { 0 };

		policy.bypass = false;
		before = policy;
		assert_true(scene_apply(&scene, true, &object, &policy));
		assert_false(scene_apply(&scene, true, &object, &policy));
		if (scene.template == SCENE_BYPASS)
			assert_true(policy.bypass);
		else
			assert_false(policy.cc_on || policy.ai_on);
		assert_true(scene_apply(&scene, false, &object, &policy));
		assert_false(scene_apply(&scene, false, &object, &policy));
		assert_int_equal(policy.bypass, before.bypass);
		assert_int_equal(policy.cc_on, before.cc_on);
		assert_int_equal(policy.ai_on, before.ai_on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_scene_times),
		cmocka_unit_test(test_scene_apply),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
