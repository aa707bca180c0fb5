/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops as the kernel knows them, in a network namespace of the test's own: what nobody knows is asked for,
 * what an administrator has written stays as it is.
 */
#include "agent/neighbour.h"
#include "base/text.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define COMMAND_MAX 160

static bool ready;

static int world_make(void **state)
{
	(void)state;
	ready = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
		system("ip link add one type veth peer name other && ip link set one up &&"
		       " ip link set other up && ip addr add 192.0.2.1/24 dev one &&"
		       " ip addr add 2001:db8::1/64 dev one nodad") == 0;
	return 0;
}

/* Does the kernel have such an entry? words: what "ip neigh show" is asked, NULL-terminated text. */
static bool has_entry(const char *address, const char *words)
{
	char command[COMMAND_MAX];

	(void)snprintf(command, sizeof(command), "[ -n \"$(ip neigh show to %s dev one %s)\" ]",
		address, words);
	return system(command) == 0;
}

static void entry_put(const char *address, const char *words)
{
	char command[COMMAND_MAX];

	(void)snprintf(command, sizeof(command),
		"ip neigh replace %s lladdr 02:00:00:00:00:99 %s dev one", address, words);
	assert_int_equal(system(command), 0);
}

static void test_entries(void **state)
{
	static const struct {
		const char *address;
		const char *words; /* NULL: no entry; else what is written before */
	} row[] = {
		{ "192.0.2.9", "nud permanent" },
		{ "2001:db8::9", "nud permanent" },
		{ "192.0.2.10", "nud noarp" },
		{ "192.0.2.11", NULL },
		{ "2001:db8::b", NULL },
		{ "192.0.2.12", "nud stale" },
		{ "2001:db8::c", "nud stale" },
	};
	struct neighbours *neighbours;

	(void)state;
	if (!ready)
		skip();
	assert_int_equal(neighbours_open(&neighbours), OK);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct address address;
		bool written = row[i].words && strcmp(row[i].words, "nud stale") != 0;

		assert_true(text_to_address(row[i].address, address.byte));
		if (row[i].words)
			entry_put(row[i].address, row[i].words);
		/* At once, and again when it is due. */
		for (int64_t time = 1; time <= 2; time++) {
			neighbours_want(neighbours, &address, 0, time);
			neighbours_tick(neighbours, time * NEIGHBOUR_REFRESH_MS);
		}
		if (written && !has_entry(row[i].address, row[i].words))
			fail_msg("%s is not %s any more", row[i].address, row[i].words);
		/* Without an entry there is one now; a stale one is being probed. */
		if (!written && (!has_entry(row[i].address, "nud all") ||
					has_entry(row[i].address, "nud stale")))
			fail_msg("%s was not asked for", row[i].address);
	}
	neighbours_close(neighbours);
}

static struct address address_number(uint32_t number)
{
	struct address address;
	char text[64];

	(void)snprintf(text, sizeof(text), "2001:db8::1:%x:%x", (unsigned)number >> 16,
		(unsigned)number & 65535);
	assert_true(text_to_address(text, address.byte));
	return address;
}

static long entries_count(void)
{
	FILE *list = popen("ip neigh show dev one nud all | grep -c '^2001:db8::1:'", "r");
	char count[32];

	assert_non_null(list);
	assert_non_null(fgets(count, sizeof(count), list));
	(void)pclose(list);
	return strtol(count, NULL, 10);
}

/* Next hops that nobody has: they are asked for so slowly that the kernel has room for others, and take no other's turn. */
static void test_nobody(void **state)
{
	struct neighbours *neighbours;
	struct address address;
	int64_t now_ms = 1;

	(void)state;
	if (!ready)
		skip();
	assert_int_equal(neighbours_open(&neighbours), OK);
	entry_put("2001:db8::d", "nud stale");
	assert_true(text_to_address("2001:db8::d", address.byte));
	neighbours_want(neighbours, &address, 0, now_ms);
	for (uint32_t i = 0; i < NEIGHBOUR_HOP_MAX; i++) {
		struct address nobody = address_number(i);

		neighbours_want(neighbours, &nobody, 0, now_ms);
	}
	for (int tick = 0; tick < 10; tick++, now_ms += 1000)
		neighbours_tick(neighbours, now_ms);
	assert_in_range(entries_count(), 1,
		NEIGHBOUR_FRESH_MAX + 10 * (NEIGHBOUR_FRESH_TICK + NEIGHBOUR_SILENT_TICK));
	/* The packet path asks for them again and again. */
	for (uint32_t i = 0; i < NEIGHBOUR_HOP_MAX; i++) {
		struct address nobody = address_number(i);

		neighbours_want(neighbours, &nobody, 1, now_ms);
	}
	entry_put("2001:db8::d", "nud stale");
	neighbours_want(neighbours, &address, 1, now_ms);
	assert_false(has_entry("2001:db8::d", "nud stale"));
	/* One that was not known yet has a place, too. */
	entry_put("2001:db8::e", "nud stale");
	assert_true(text_to_address("2001:db8::e", address.byte));
	neighbours_tick(neighbours, now_ms += 1000);
	neighbours_want(neighbours, &address, 1, now_ms);
	assert_false(has_entry("2001:db8::e", "nud stale"));
	neighbours_close(neighbours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
