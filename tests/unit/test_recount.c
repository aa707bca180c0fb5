/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connection counts against what a walk through the flows met: what is certain is corrected, what may have
 * happened meanwhile is not.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/recount.h"

#include <cmocka.h>

#define RULE 5u

static struct flow_key key_of(const char *text)
{
	struct flow_key key = { .source_port = 1 };

	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, key.source.byte), 1);
		return key;
	}
	key.source.byte[10] = key.source.byte[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, &key.source.byte[12]), 1);
	return key;
}

static void meet(struct recount *recount, const char *source, uint8_t flags, uint32_t count)
{
	struct flow flow = { .service = RULE, .limit_flags = flags };
	struct flow_key key = key_of(source);

	while (count-- > 0)
		recount_flow(recount, &key, &flow, IPPROTO_TCP);
}

static int32_t settle_rule(struct recount *recount, uint32_t opened, int32_t connections, bool full)
{
	struct source_state_key key = { .service = RULE };

	return recount_settle(recount, &key, 0, opened, connections, full);
}

static int32_t settle_source(
	struct recount *recount, const char *source, uint32_t opened, int32_t connections)
{
	struct source_state_key key = { .service = RULE, .source = key_of(source).source };

	return recount_settle(recount, &key, IPPROTO_TCP, opened, connections, false);
}

static void test_rule(void **state)
{
	static const struct {
		const char *name;
		uint32_t opened[2]; /* when settled first, and in the round that is tried */
		int32_t connections[2];
		uint32_t met;
		bool full;
		int32_t correction;
	} row[] = {
		{ "nothing happened, right", { 10, 10 }, { 10, 10 }, 10, false, 0 },
		{ "three evicted", { 10, 10 }, { 10, 10 }, 7, false, -3 },
		{ "all evicted", { 10, 10 }, { 10, 10 }, 0, false, -10 },
		{ "two too few", { 10, 10 }, { 10, 10 }, 12, false, 2 },
		{ "below nothing", { 10, 10 }, { -4, -4 }, 0, false, 4 },
		{ "four opened, not met", { 10, 14 }, { 10, 14 }, 10, false, 0 },
		{ "four opened, met", { 10, 14 }, { 10, 14 }, 14, false, 0 },
		{ "four opened, four before evicted", { 10, 14 }, { 10, 14 }, 6, false, -4 },
		{ "six closed, met before", { 10, 10 }, { 10, 4 }, 10, false, 0 },
		{ "six closed, not met", { 10, 10 }, { 10, 4 }, 4, false, 0 },
		{ "busy: anything between", { 10, 1010 }, { 10, 20 }, 300, false, 0 },
		{ "opened counter wraps", { UINT32_MAX, 2 }, { 10, 13 }, 10, false, 0 },
		{ "full: what was met counts", { 10, 100010 }, { 10, 90000 }, 512, true, -89488 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct recount *recount = recount_new();
		int32_t correction;

		assert_non_null(recount);
		/* What is seen for the first time is not known to be wrong. */
		assert_int_equal(
			settle_rule(recount, row[i].opened[0], row[i].connections[0], false), 0);
		recount_begin(recount);
		meet(recount, "10.0.0.1", FLOW_COUNTED, row[i].met);
		meet(recount, "10.0.0.1", 0, 100);
		correction =
			settle_rule(recount, row[i].opened[1], row[i].connections[1], row[i].full);
		if (correction != row[i].correction)
			fail_msg("%s: %d, not %d", row[i].name, correction, row[i].correction);
		recount_begin(recount);
		/* Corrected is right in the next round. */
		meet(recount, "10.0.0.1", FLOW_COUNTED,
			(uint32_t)(row[i].connections[1] + correction));
		assert_int_equal(settle_rule(recount, row[i].opened[1],
					 row[i].connections[1] + correction, false),
			0);
		recount_free(recount);
	}
}

/* Each source for itself, IPv6 by its /64; the rule has all of them. */
static void test_sources(void **state)
{
	struct recount *recount = recount_new();

	(void)state;
	assert_non_null(recount);
	for (int round = 0; round < 2; round++) {
		meet(recount, "10.0.0.1", FLOW_COUNTED | FLOW_LIMITED, 3);
		meet(recount, "10.0.0.2", FLOW_COUNTED | FLOW_LIMITED, 1);
		meet(recount, "2001:db8::1", FLOW_COUNTED | FLOW_LIMITED, 1);
		meet(recount, "2001:db8::2:0:0:1", FLOW_COUNTED | FLOW_LIMITED, 1);
		meet(recount, "10.0.0.9", FLOW_COUNTED, 1);
		assert_int_equal(settle_source(recount, "10.0.0.1", 9, 5), round ? -2 : 0);
		assert_int_equal(settle_source(recount, "10.0.0.2", 9, 1), 0);
		assert_int_equal(settle_source(recount, "2001:db8::", 9, 4), round ? -2 : 0);
		assert_int_equal(settle_source(recount, "10.0.0.9", 9, 0), 0);
		assert_int_equal(settle_rule(recount, 9, 8, false), round ? -1 : 0);
		recount_begin(recount);
	}
	recount_free(recount);
}

/* What is in no map any more is forgotten, and known for the first time when it is back. */
static void test_forgets(void **state)
{
	struct recount *recount = recount_new();

	(void)state;
	assert_non_null(recount);
	assert_int_equal(settle_rule(recount, 5, 5, false), 0);
	recount_begin(recount);
	recount_begin(recount);
	assert_int_equal(settle_rule(recount, 5, 5, false), 0);
	recount_begin(recount);
	assert_int_equal(settle_rule(recount, 5, 5, false), -5);
	recount_free(recount);
	recount_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
