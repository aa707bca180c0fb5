/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drills are offered by a lab alone: everywhere else each action of theirs is refused, by a sentence that says so, and nothing is
 * written. What a lab's service does is shown on the wire, by tests/net/97-drills.sh.
 */
#include "tests/support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OWN "2026-11-01"

static int setup(void **state)
{
	static struct api api;

	api_open(&api);
	api.caller = &api.root;
	*state = &api;
	return 0;
}

static int teardown(void **state)
{
	api_close(*state);
	return 0;
}

static const char *const actions[] = { "DescribeDrills", "DescribeDrill", "StartDrill",
	"StopDrill" };
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static int call_each(struct api *api, const char *action, const char *id)
{
	return strcmp(action, "StartDrill") == 0 ? api_call_version(api, OWN, action, "InstanceId",
							   id, "DrillName", "syn-flood", NULL)
						 : api_call_version(api, OWN, action, NULL);
}

static void test_not_offered(void **state)
{
	static const char *const sockets[] = { NULL, "" };
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < ACTION_COUNT; i++) {
			api->gateway.drill_socket = sockets[s];
			assert_int_equal(call_each(api, actions[i], id), 400);
			assert_string_equal(api_code(api), "DrillNotOffered");
			assert_non_null(strstr(api_text(api, "Message"), "lab"));
		}
	(void)api_call_version(api, OWN, "DescribeAuditLog", "ActionName", "StartDrill", NULL);
	assert_int_equal(api_int(api, "TotalCount"), 0);
}

/* The lab's service is away: a failure for now, and nothing more. */
static void test_nobody_listens(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");

	api->gateway.drill_socket = "/nowhere/drill.sock";
	for (size_t i = 0; i < ACTION_COUNT; i++)
		assert_int_equal(call_each(api, actions[i], id), 503);
}

static void test_parameters(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");

	api->gateway.drill_socket = "/nowhere/drill.sock";
	assert_int_equal(api_call_version(api, OWN, "StartDrill", "InstanceId", "ddoscoo-cn-none",
				 "DrillName", "syn-flood", NULL),
		400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	assert_int_equal(api_call_version(api, OWN, "StartDrill", "InstanceId", id, "DrillName",
				 "syn-flood", "Seconds", "61", NULL),
		400);
	assert_int_equal(api_call_version(api, OWN, "StartDrill", "InstanceId", id, "DrillName",
				 "syn-flood", "PacketsPerSecond", "1000001", NULL),
		400);
	assert_int_equal(api_call_version(api, OWN, "StartDrill", "InstanceId", id, NULL), 400);
	assert_string_equal(api_code(api), "MissingParameter");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_not_offered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parameters, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
