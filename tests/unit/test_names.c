/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of instances: what they answer, as a table, and the memory of what the zone holds.
 */
#include "control/dns/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/dns/known.h"
#include "tests/support/names.h"

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

static void test_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answer_cases) / sizeof(answer_cases[0]); i++) {
		const struct answer_case *c = &answer_cases[i];
		struct instance instance = {
			.ipv6 = c->ipv6, .expire_ms = T0, .switch_back_origin = c->switch_back
		};
		uint8_t origin[8][16], expected[8][16];
		size_t origins = names_split(c->origins, origin, 8);
		size_t count = names_split(c->answer, expected, 8);
		struct names_answer answer;

		names_address(c->ipv6 ? "2001:db8::1" : "192.0.2.1", instance.vip);
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
		names_address("10.0.0.0", origin[i]);
		origin[i][15] = (uint8_t)i;
	}
	names_answer(&instance, origin, NAMES_ADDRESS_MAX, T0 + WEEK, &answer);
	assert_int_equal(answer.count, NAMES_ADDRESS_MAX);
	names_answer(&instance, origin, NAMES_ADDRESS_MAX + 1, T0 + WEEK, &answer);
	assert_int_equal(answer.count, NAMES_ADDRESS_MAX);
}

/* ---- names_site_answer: an IPv4 instance that ends at T0, an IPv6 one that ends a day later */

struct site_case {
	const char *name;
	enum access_mode mode;
	bool switch_back;
	int64_t after_ms;
	const char *origins, *answer;
};
static const struct site_case site_cases[] = {
	{ "both forward", ACCESS_PROTECTED, true, 0, "10.0.0.1", "192.0.2.1 2001:db8::1" },
	{ "own records: the name still answers", ACCESS_ADDRESS, true, 0, "10.0.0.1",
		"192.0.2.1 2001:db8::1" },
	{ "one forwards", ACCESS_PROTECTED, true, WEEK, "10.0.0.1", "2001:db8::1" },
	{ "none forwards", ACCESS_PROTECTED, true, WEEK + DAY_MS, "10.0.0.1 2001:db8:1::1",
		"10.0.0.1 2001:db8:1::1" },
	{ "none forwards, not asked for", ACCESS_PROTECTED, false, WEEK + DAY_MS, "10.0.0.1", "" },
	{ "none forwards, named origins", ACCESS_PROTECTED, true, WEEK + DAY_MS, "", "" },
	{ "origins always", ACCESS_ORIGIN, false, 0, "10.0.0.1 10.0.0.2 10.0.0.1",
		"10.0.0.1 10.0.0.2" },
};

static void test_site_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(site_cases) / sizeof(site_cases[0]); i++) {
		const struct site_case *c = &site_cases[i];
		struct instance instance[2] = {
			{ .expire_ms = T0, .switch_back_origin = c->switch_back },
			{ .expire_ms = T0 + DAY_MS, .ipv6 = true },
		};
		uint8_t origin[8][16], expected[8][16];
		const struct names_site site = { .mode = c->mode,
			.instance = instance,
			.instance_count = 2,
			.origin = origin,
			.origin_count = names_split(c->origins, origin, 8) };
		size_t count = names_split(c->answer, expected, 8);
		struct names_answer answer;

		names_address("192.0.2.1", instance[0].vip);
		names_address("2001:db8::1", instance[1].vip);
		names_site_answer(&site, T0 + c->after_ms, &answer);
		if (answer.count != count || memcmp(answer.address, expected, count * 16) != 0)
			fail_msg("%s", c->name);
	}
}

static void test_digest(void **state)
{
	struct names_answer a = { .count = 2 }, b = { .count = 2 }, one = { .count = 1 };

	(void)state;
	names_address("10.0.0.1", a.address[0]);
	names_address("10.0.0.2", a.address[1]);
	memcpy(b.address[0], a.address[1], 16);
	memcpy(b.address[1], a.address[0], 16);
	memcpy(one.address[0], a.address[0], 16);
	assert_true(names_digest(&a, NAMES_TEST_TTL) == names_digest(&b, NAMES_TEST_TTL));
	assert_true(names_digest(&a, NAMES_TEST_TTL) != names_digest(&a, NAMES_TEST_TTL + 1));
	assert_true(names_digest(&a, NAMES_TEST_TTL) != names_digest(&one, NAMES_TEST_TTL));
	assert_true(names_digest(&(struct names_answer){ 0 }, NAMES_TEST_TTL) == 0);
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
	names_full("ddosDip-sg-00000000000", NAMES_TEST_ZONE, full);
	assert_string_equal(full, "ddosdip-sg-00000000000." NAMES_TEST_ZONE);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_answer_is_bounded),
		cmocka_unit_test(test_site_answer),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
