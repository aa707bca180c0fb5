/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line tool's parts that must not be wrong: where the traffic generator refuses to work, what its
 * frames are, the tables of commands, drills and actions, the lab's address plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "cli/lab.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "cli/view.h"

/* After base/error.h: it has a macro named fail. */
#include <cmocka.h>

#define ATTACKER_COOKIE 4611
#define OTHER_COOKIE	4612
#define FIRST_COOKIE	1

/* ---- the generator's refusals */

static void test_generator_permitted(void **state)
{
	static const struct {
		const char *description;
		uint64_t own, first, attacker;
		const char *interface;
		bool permitted;
	} cases[] = {
		{ "the lab's first link", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "n0",
			true },
		{ "its second link", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "n1", true },
		{ "the spare", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "spare0", true },
		{ "a link of a node the lab has not", ATTACKER_COOKIE, FIRST_COOKIE,
			ATTACKER_COOKIE, "n2", false },
		{ "a card moved into the namespace", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE,
			"eth0", false },
		{ "the loopback", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "lo", false },
		{ "a prefix of a name", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "n",
			false },
		{ "the whole list as a name", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE,
			"n0 n1", false },
		{ "no name", ATTACKER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "", false },
		{ "another namespace", OTHER_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "n0", false },
		{ "the machine's namespace", FIRST_COOKIE, FIRST_COOKIE, ATTACKER_COOKIE, "n0",
			false },
		{ "the machine's, written into the state", FIRST_COOKIE, FIRST_COOKIE, FIRST_COOKIE,
			"n0", false },
		{ "no lab", 0, FIRST_COOKIE, 0, "n0", false },
	};
	struct lab lab = { .node_count = 2 };
	char why[100];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lab.cookie[LAB_ATTACKER] = cases[i].attacker;
		if (generator_permitted(&lab, cases[i].own, cases[i].first, cases[i].interface,
			    why) != cases[i].permitted)
			fail_msg("%s: %s", cases[i].description, why);
	}
}

static void test_target_permitted(void **state)
{
	static const struct {
		const char *address;
		bool permitted;
	} cases[] = {
		{ "198.18.0.0", true },
		{ "198.19.255.255", true },
		{ "198.17.255.255", false },
		{ "198.20.0.0", false },
		{ "203.0.113.200", false },
		{ "127.0.0.1", false },
		{ "8.8.8.8", false },
		{ "2001:db8:5610::1", true },
		{ "2001:db8:5610::f:ffff", true },
		{ "2001:db8:5610::10:0", false },
		{ "2001:db8:5611::1", false },
		{ "::1", false },
	};
	uint8_t address[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(text_to_address(cases[i].address, address));
		if (generator_target_permitted(address) != cases[i].permitted)
			fail_msg("%s", cases[i].address);
	}
}

/* This process is in nobody's lab: the generator must not get as far as sending. */
static void test_generator_refuses_here(void **state)
{
	struct lab lab = { .node_count = 1, .cookie = { [LAB_ATTACKER] = ATTACKER_COOKIE } };
	struct target target = { .tcp_port = 80, .udp_port = 53 };
	struct generator_result result = { 0 };

	(void)state;
	assert_true(text_to_address("198.18.0.1", target.address));
	assert_false(generator_run(&lab, drill_find("syn-flood"), &target, 1, 1, &result));
	lab.cookie[LAB_ATTACKER] = namespace_cookie_own();
	assert_false(generator_run(&lab, drill_find("syn-flood"), &target, 1, 1, &result));
	assert_false(generator_run(
		&lab, drill_find("syn-flood"), &target, GENERATOR_SECONDS_MAX + 1, 1, &result));
	assert_false(generator_run(
		&lab, drill_find("syn-flood"), &target, 1, GENERATOR_PPS_MAX + 1, &result));
	assert_int_equal(result.packets, 0);
}

/* ---- frames */

static uint32_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static uint64_t sum_from_scratch(const uint8_t *data, size_t length)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? data[i] : (uint64_t)data[i] << 8;
	return sum;
}

/* The sums that frame_finish left for the packet program, with the source filled in here as the program
 * does, must make the checksums of the finished packet right. */
static void check_sums(const char *name, struct frame *frame)
{
	uint8_t *ip = frame->data + sizeof(struct ethhdr);
	const bool ipv4 = frame->shape.ip_version == 4;
	const size_t header = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const size_t source = ipv4 ? 12 : 8, source_size = ipv4 ? 4 : 16;
	const size_t transport = frame->length - sizeof(struct ethhdr) - header;
	uint64_t added = 0, pseudo;

	if (frame->shape.vary & VARY_SOURCE)
		ip[source + source_size - 1] = 77;
	for (size_t i = 0; i < source_size; i += 2)
		added += *(const uint16_t *)(const void *)(ip + source + i);
	if (ipv4) {
		struct iphdr *v4 = (struct iphdr *)(void *)ip;

		v4->id = 0x1234;
		v4->check = (uint16_t)~fold(frame->shape.header_sum + added + v4->id);
		if (fold(sum_from_scratch(ip, sizeof(*v4))) != 0xffff)
			fail_msg("%s: checksum of the IPv4 header", name);
	}
	if (!frame->shape.transport)
		return;
	*(uint16_t *)(void *)(frame->data + frame->shape.checksum) =
		(uint16_t)~fold(frame->shape.transport_sum + added);
	pseudo =
		sum_from_scratch(ip + source, 2 * source_size) + transport + (ipv4 ? ip[9] : ip[6]);
	if (fold(pseudo + sum_from_scratch(ip + header, transport)) != 0xffff)
		fail_msg("%s: checksum of the transport", name);
}

static void test_frames(void **state)
{
	struct target target = { .tcp_port = 80, .udp_port = 7000 };
	static struct frame frame;

	(void)state;
	for (const struct drill *drill = drills; drill->name; drill++) {
		const bool malformed = strcmp(drill->name, "malformed") == 0;

		assert_true(text_to_address(
			drill->version == 4 ? "198.18.3.7" : "2001:db8:5610::7", target.address));
		assert_true(drill->pps >= 1 && drill->pps <= GENERATOR_PPS_MAX);
		for (uint32_t i = 0; i < drill->frame_count; i++) {
			drill->build(&target, i, &frame);
			frame_finish(&frame);
			assert_int_equal(frame.shape.ip_version, drill->version);
			assert_true(frame.length <= FRAME_MAX);
			assert_true(frame.length >= (drill->version == 4 ? GENERATOR_HEADER_IPV4
									 : GENERATOR_HEADER_IPV6));
			/* Its own address, or the lab's ranges: nothing else may be a source. */
			assert_int_equal(
				drill->block_source == NULL, (frame.shape.vary & VARY_SOURCE) != 0);
			if (!malformed)
				check_sums(drill->name, &frame);
		}
	}
	assert_null(drill_find("no-such-drill"));
}

/* ---- arguments, tables, address plan */

static void test_option_value(void **state)
{
	char *argv[] = { (char *)(uintptr_t) "--nodes", (char *)(uintptr_t) "3",
		(char *)(uintptr_t) "--nodes=4", (char *)(uintptr_t) "--nodesX",
		(char *)(uintptr_t) "--nodes" };
	bool missing = false;
	int at = 0;

	(void)state;
	assert_string_equal(option_value(5, argv, &at, "nodes", &missing), "3");
	assert_int_equal(at, 1);
	at = 2;
	assert_string_equal(option_value(5, argv, &at, "nodes", &missing), "4");
	at = 3;
	assert_null(option_value(5, argv, &at, "nodes", &missing));
	assert_false(missing);
	at = 4;
	assert_string_equal(option_value(5, argv, &at, "nodes", &missing), "");
	assert_true(missing);
}

static void test_action_list(void **state)
{
	static const char *const needed[] = { "DescribeInstances", "ReleaseInstance",
		"CreateInstance", "DescribeNodes", "DescribeTraffic" };

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!action_row(needed[i], NULL))
			fail_msg("%s is not in the table", needed[i]);
	assert_string_equal(
		action_text(action_row("CreateInstance", NULL), "version"), "2017-12-14");
	assert_null(action_row("CreateInstance", "2020-01-01"));
	assert_null(action_row("NoSuchAction", NULL));
	for (size_t i = 0; i < json_array_size(action_list()); i++) {
		const json_t *row = json_array_get(action_list(), i);

		assert_true(*action_text(row, "name") && *action_text(row, "version"));
		assert_true(*action_text(row, "summary"));
	}
}

/* No address of the plan may belong to two nodes, nor be the origin's. */
static void test_address_plan(void **state)
{
	char seen[2 * LAB_NODE_MAX * LAB_SOURCE_COUNT][ADDRESS_TEXT_SIZE];
	uint8_t address[16];
	size_t count = 0;

	(void)state;
	for (int node = 0; node < LAB_NODE_MAX; node++)
		for (int i = 0; i < LAB_SOURCE_COUNT; i++)
			for (int version = 4; version <= 6; version += 2) {
				lab_source(node, i, version, seen[count]);
				assert_true(text_to_address(seen[count], address));
				assert_int_equal(address_is_ipv4(address), version == 4);
				assert_string_not_equal(seen[count], LAB_ORIGIN_IPV4);
				for (size_t k = 0; k < count; k++)
					assert_string_not_equal(seen[k], seen[count]);
				count++;
			}
}

static void test_settings(void **state)
{
	static const char *const bad_names[] = { "", "Polder", "a/b", "..",
		"a-name-that-is-too-long-for-it" };
	static const char *const bad_ports[] = { "0", "65536", "8080x", "-1", "" };
	struct lab lab;

	(void)state;
	(void)unsetenv("POLDER_API_PORT");
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		(void)setenv("POLDER_LAB_NAME", bad_names[i], 1);
		assert_false(lab_settings(&lab));
	}
	(void)setenv("POLDER_LAB_NAME", "polder-unit-test", 1);
	for (size_t i = 0; i < sizeof(bad_ports) / sizeof(bad_ports[0]); i++) {
		(void)setenv("POLDER_API_PORT", bad_ports[i], 1);
		assert_false(lab_settings(&lab));
	}
	(void)setenv("POLDER_API_PORT", "18081", 1);
	assert_true(lab_settings(&lab));
	assert_int_equal(lab.api_port, 18081);
	assert_string_equal(lab.directory, "/run/polder-unit-test-lab");
	assert_false(lab_load(&lab));
}

/* What tells namespaces apart must be of this one, and of none where there is none. */
static void test_namespaces(void **state)
{
	(void)state;
	assert_true(namespace_cookie("no-such-namespace") == 0);
	assert_true(namespace_inode("no-such-namespace") == 0);
	assert_int_equal(process_in_namespace("no-such-namespace", NULL, NULL), -1);
}

/* The rows of commands that are one call each say what the table of actions knows. */
static bool takes(const json_t *action, const char *parameter)
{
	const size_t length = strcspn(parameter, ".");
	const json_t *list = json_object_get(action, "parameters");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = action_text(json_array_get(list, i), "name");

		if (strlen(name) == length && strncmp(name, parameter, length) == 0)
			return true;
	}
	return false;
}

static void test_views(void **state)
{
	(void)state;
	for (const struct view *view = views; view->name; view++) {
		const json_t *action = action_row(view->action, view->version);

		assert_non_null(action);
		assert_ptr_equal(view_find(view->name), view);
		for (size_t i = 0; i < VIEW_WORD_MAX && view->word[i].name; i++)
			assert_true(takes(action, view->word[i].parameter));
		for (size_t i = 0; i < VIEW_OPTION_MAX && view->option[i].name; i++)
			assert_true(
				takes(action, view->option[i].parameter ? view->option[i].parameter
									: "Parameter"));
		for (const char *const *fixed = view->fixed; *fixed; fixed += 2)
			assert_true(takes(action, fixed[0]));
		assert_true(!view->page_size || takes(action, "PageNumber"));
		/* What changes something says so; what stops something asks. */
		assert_int_equal(
			strcmp(action_text(action, "mode"), "write") == 0, view->done != NULL);
		assert_true(!view->stops || view->word[0].parameter);
	}
	assert_null(view_find("call"));
}

/* Whether the page has name as a word of its own, among those that .Cm marks. */
static bool page_has(const char *page, const char *name)
{
	const size_t length = strlen(name);

	for (const char *at = page; (at = strstr(at, name)) != NULL; at += length) {
		const char *line = at;

		while (line > page && line[-1] != '\n')
			line--;
		if (strchr(" \n", at[length]) && at > page && strchr(" ", at[-1]) &&
			(strncmp(line, ".It Cm", 6) == 0 || strncmp(line, ".Cm", 3) == 0))
			return true;
	}
	return false;
}

static void test_manual_page(void **state)
{
	static char page[1 << 18];

	(void)state;
	assert_true(file_read("man/polder.1", page, sizeof(page)) > 0);
	for (const struct view *view = views; view->name; view++)
		if (!page_has(page, view->name))
			fail_msg("man/polder.1 says nothing of %s", view->name);
	for (const struct command *command = commands; command->name; command++)
		if (command->summary && strcmp(command->name, "help") != 0 &&
			!page_has(page, command->name))
			fail_msg("man/polder.1 says nothing of %s", command->name);
	assert_false(page_has(page, "lab-service"));
}

/* What others wrote cannot drive the terminal, and takes the room that it takes. */
static void test_text_columns(void **state)
{
	(void)state;
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("\033[2Jx"), 5);
	assert_int_equal(text_columns("\xe5\xae\x9e\xe4\xbe\x8b"), 4);
	assert_int_equal(text_columns("\xff\xfe"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generator_permitted),
		cmocka_unit_test(test_target_permitted),
		cmocka_unit_test(test_generator_refuses_here),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_option_value),
		cmocka_unit_test(test_action_list),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_manual_page),
		cmocka_unit_test(test_text_columns),
		cmocka_unit_test(test_address_plan),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
