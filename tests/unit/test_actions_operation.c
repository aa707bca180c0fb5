/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the logs, the events and the nodes tell through signed calls.
 */
#include "tests/support/api.h"

#include "base/clock.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE "PageNumber", "1", "PageSize", "10"

static int setup(void **state)
{
	static struct api api;
	api_open(&api);
	*state = &api;
	return 0;
}

static int teardown(void **state)
{
	api_close(*state);
	return 0;
}

/* The engine does all that is due. */
static void tick(struct api *api)
{
	struct arena *mem = arena_new((size_t)16 << 20);
	bool more = true;
	assert_non_null(mem);
	for (int i = 0; more && i < 100; i++) {
		assert_int_equal(engine_tick(api->db, mem, api->clock_ms + api->life_offset_ms,
					 api->clock_ms, &more),
			OK);
		arena_reset(mem);
	}
	assert_false(more);
	arena_free(mem);
}

static int operations(struct api *api, const char *name, const char *value)
{
	char from[24], to[24];
	(void)snprintf(from, sizeof(from), "%lld", (long long)(api->clock_ms - 30 * DAY_MS));
	(void)snprintf(to, sizeof(to), "%lld", (long long)api->clock_ms);
	return api_call(api, "DescribeOpEntities", PAGE, "StartTime", from, "EndTime", to, name,
		value, NULL);
}

static void test_operations(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	(void)api_buy(api, "ddoscoo", "Ipv4");
	assert_int_equal(api_call(api, "ModifyInstance", "InstanceId", id, "ProductType", "ddoscoo",
				 "ModifyType", "UPGRADE", "Bandwidth", "300", NULL),
		200);
	assert_int_equal(api_call(api, "ModifyInstance", "InstanceId", id, "ProductType", "ddoscoo",
				 "ModifyType", "UPGRADE", "PortCount", "55", NULL),
		200);
	api->clock_ms += 1000;
	api_move_life(api, 30 * DAY_MS);
	tick(api);
	api->clock_ms += 1000;
	assert_int_equal(api_call_version(api, VERSION_BSS, "RenewInstance", "InstanceId", id,
				 "ProductCode", "ddos", "RenewPeriod", "1", NULL),
		200);
	assert_int_equal(operations(api, "EntityObject", "198.51.100.1"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 3); /* newest first */
	assert_int_equal(api_int(api, "OpEntities.0.OpAction"), 13);
	assert_int_equal(api_int(api, "OpEntities.1.OpAction"), 12);
	assert_string_equal(api_text(api, "OpEntities.1.OpDesc"),
		"{\"newEntity\":{\"elasticBandwidth\":0},"
		"\"oldEntity\":{\"elasticBandwidth\":300}}");
	assert_int_equal(api_int(api, "OpEntities.2.OpAction"), 1);
	assert_string_equal(api_text(api, "OpEntities.2.OpDesc"),
		"{\"newEntity\":{\"elasticBandwidth\":300},"
		"\"oldEntity\":{\"elasticBandwidth\":30}}");
	assert_int_equal(api_int(api, "OpEntities.2.GmtCreate"), API_CLOCK_MS);
	char account[24];
	(void)snprintf(account, sizeof(account), "%lld", (long long)api->tenant.account);
	assert_string_equal(api_text(api, "OpEntities.2.OpAccount"), account);
	assert_int_equal(operations(api, "EntityType", "1"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 4); /* the other expired too */
	assert_int_equal(operations(api, "EntityType", "3"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(operations(api, "EntityObject", "198.51.100.77"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	/* a key of one instance, and another tenant */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, &id, 1);
	assert_int_equal(operations(api, "EntityType", "1"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 3);
	api->caller = &api->other;
	assert_int_equal(operations(api, "EntityType", "1"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
}

static void test_operation_range(void **state)
{
	struct api *api = *state;
	char early[24], now[24];
	(void)snprintf(early, sizeof(early), "%lld", (long long)(api->clock_ms - 31 * DAY_MS));
	(void)snprintf(now, sizeof(now), "%lld", (long long)api->clock_ms);
	assert_int_equal(
		api_call(api, "DescribeOpEntities", PAGE, "StartTime", early, "EndTime", now, NULL),
		400);
	assert_non_null(strstr(api_text(api, "Message"), "StartTime"));
	assert_int_equal(
		api_call(api, "DescribeOpEntities", PAGE, "StartTime", now, "EndTime", early, NULL),
		400);
	assert_string_equal(api_code(api), "InvalidParameter");
}

static int audit(struct api *api, const char *name, const char *value)
{
	return api_call_version(api, VERSION_POLDER, "DescribeAuditLog", name, value, NULL);
}

static void test_audit_log(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4"), *second = api_buy(api, "ddoscoo", "Ipv4");
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", "web", NULL),
		200);
	char request[64];
	(void)snprintf(request, sizeof(request), "%s", api_text(api, "RequestId"));
	/* refused: no record */
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", id, NULL), 400);
	assert_int_equal(audit(api, "Object", id), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_string_equal(api_text(api, "Records.0.ActionName"), "ModifyInstanceRemark");
	assert_string_equal(api_text(api, "Records.0.Actor"), api->tenant.id);
	assert_string_equal(api_text(api, "Records.0.CallId"), request);
	assert_non_null(
		strstr(api_text(api, "Records.0.Detail"), "\"newEntity\":{\"remark\":\"web\"}"));
	assert_null(strstr(api_text(api, "Records.0.Detail"), "Signature"));
	assert_string_equal(api_text(api, "Records.1.ActionName"), "CreateInstance");
	assert_int_equal(audit(api, "ActionName", "CreateInstance"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, &second, 1);
	assert_int_equal(audit(api, NULL, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "Records.0.Object"), second);
	api->caller = &api->other;
	assert_int_equal(audit(api, "Object", id), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(api_call_version(api, VERSION_POLDER, "VerifyAuditLog", NULL, NULL), 403);
	api->caller = &api->root;
	assert_int_equal(api_call_version(api, VERSION_POLDER, "VerifyAuditLog", NULL, NULL), 200);
	assert_true(json_is_true(api_get(api, "Intact")));
	assert_int_equal(api_int(api, "Checked"), 3);
	/* a record that was changed behind our back */
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(db_run(api->db, "UPDATE audit SET actor = 'nobody' WHERE sequence = 2",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(api->db), OK);
	assert_int_equal(api_call_version(api, VERSION_POLDER, "VerifyAuditLog", NULL, NULL), 200);
	assert_true(json_is_false(api_get(api, "Intact")));
	assert_int_equal(api_int(api, "FirstBroken"), 2);
}

#define MANY_INSTANCES 50
#define MANY_TAGS      20
#define TAG_CHARACTERS 128

/* Tags of control characters, which take the most room in a record, on as many instances as one call takes. */
static void tag_many(struct api *api, char digit)
{
	static char keys[MANY_TAGS][TAG_CHARACTERS + 1], values[TAG_CHARACTERS + 1];
	struct pair pairs[2 + MANY_INSTANCES + 2 * MANY_TAGS];
	size_t count = 0;

	pairs[count++] = (struct pair){ "RegionId", "r" };
	pairs[count++] = (struct pair){ "ResourceType", "INSTANCE" };
	memset(values, digit, TAG_CHARACTERS);
	for (int i = 0; i < MANY_INSTANCES; i++)
		pairs[count++] = (struct pair){ arena_print(api->fixture, "ResourceIds.%d", i + 1),
			api_buy(api, "ddoscoo", "Ipv4") };
	for (int i = 0; i < MANY_TAGS; i++) {
		memset(keys[i], 1, TAG_CHARACTERS);
		keys[i][0] = (char)('a' + i);
		pairs[count++] =
			(struct pair){ arena_print(api->fixture, "Tags.%d.Key", i + 1), keys[i] };
		pairs[count++] =
			(struct pair){ arena_print(api->fixture, "Tags.%d.Value", i + 1), values };
	}
	assert_int_equal(api_call_pairs(api, "CreateTagResources", pairs, count), 200);
	memset(values, digit + 1, TAG_CHARACTERS);
	assert_int_equal(api_call_pairs(api, "CreateTagResources", pairs, count), 200);
}

/* The largest records that calls can make do not keep anyone from reading the log. */
static void test_long_records(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	tag_many(api, 1);
	for (int i = 0; i < 2; i++) {
		api->caller = i ? api_make_key(api, api->tenant.account, PERMISSION_READ, &id, 1)
				: &api->root;
		assert_int_equal(audit(api, "PageSize", "100"), 200);
		assert_int_equal(api_int(api, "TotalCount"), i ? 1 : 1 + MANY_INSTANCES + 2);
	}
	api->caller = &api->tenant;
	assert_int_equal(audit(api, "PageSize", "2"), 200);
	assert_string_equal(api_text(api, "Records.0.ActionName"), "CreateTagResources");
	assert_memory_equal(api_text(api, "Records.0.Detail"), "{\"omitted\":", 11);
	assert_int_equal(audit(api, "PageSize", "1"), 200);
	assert_in_range(strlen(api_text(api, "Records.0.Detail")), 3000000, 4000000);
	json_t *detail = json_loads(api_text(api, "Records.0.Detail"), 0, NULL);
	assert_int_equal(json_object_size(json_object_get(detail, "newEntity")), MANY_INSTANCES);
	json_decref(detail);
	assert_true(api_audit_whole(api));
}

/* A key of one instance learns nothing about others from a call that was about both. */
static void test_records_about_several(void **state)
{
	struct api *api = *state;
	const char *hidden = api_buy(api, "ddoscoo", "Ipv4"),
		   *own = api_buy(api, "ddoscoo", "Ipv4");
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", own, "Remark", "mine", NULL),
		200);
	assert_int_equal(api_call(api, "CreateTagResources", "RegionId", "r", "ResourceType",
				 "INSTANCE", "ResourceIds.1", hidden, "ResourceIds.2", own,
				 "Tags.1.Key", "secret-tag", NULL),
		200);
	assert_int_equal(audit(api, "Object", own), 200);
	assert_non_null(strstr(api_text(api, "Records.0.Detail"), hidden));
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, &own, 1);
	assert_int_equal(audit(api, NULL, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 3);
	assert_string_equal(api_text(api, "Records.0.ActionName"), "CreateTagResources");
	assert_null(strstr(api->response.body, hidden));
	assert_null(strstr(api->response.body, "secret-tag"));
	assert_non_null(strstr(api_text(api, "Records.1.Detail"), "mine"));
}

/* What operators do to an instance is in its owner's log, unless other instances are told of too. */
static void test_records_of_operators(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4"), *both;
	api->caller = &api->other;
	const char *foreign = api_buy(api, "ddoscoo", "Ipv4");
	api->caller = &api->root;
	assert_int_equal(
		api_call(api, "ModifyInstanceRemark", "InstanceId", id, "Remark", "by hand", NULL),
		200);
	both = arena_print(api->fixture, "%s,%s", foreign, id);
	assert_int_equal(api_call_version(api, VERSION_BSS, "SetRenewal", "InstanceIDs", both,
				 "ProductCode", "ddos", "RenewalStatus", "NotRenewal", NULL),
		200);
	api->caller = &api->tenant;
	assert_int_equal(audit(api, "Object", id), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_string_equal(api_text(api, "Records.0.ActionName"), "ModifyInstanceRemark");
	assert_string_equal(api_text(api, "Records.0.Actor"), api->root.id);
	assert_null(strstr(api->response.body, foreign));
	api->caller = &api->other;
	assert_int_equal(audit(api, NULL, NULL), 200);
	assert_null(strstr(api->response.body, id));
	api->caller = &api->root;
	assert_int_equal(audit(api, "ActionName", "SetRenewal"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
}

static int events(struct api *api, const char *id, const char *after, const char *size)
{
	return api_call_version(api, VERSION_POLDER, "DescribeEvents", "InstanceId", id,
		"AfterNumber", after, "PageSize", size, NULL);
}

static void test_events(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4"), *second = api_buy(api, "ddoscoo", "Ipv4");
	api_move_life(api, 30 * DAY_MS);
	tick(api);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", id, NULL), 200);
	assert_int_equal(events(api, id, "", ""), 200);
	size_t count = json_array_size(api_get(api, "Events"));
	assert_true(count >= 2);
	char path[32], next[24];
	(void)snprintf(path, sizeof(path), "Events.%zu.Kind", count - 1);
	assert_string_equal(api_text(api, path), "released");
	(void)snprintf(path, sizeof(path), "Events.%zu.Kind", count - 2);
	assert_string_equal(api_text(api, path), "expired");
	/* one by one gives the same */
	(void)snprintf(next, sizeof(next), "0");
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(events(api, id, next, "1"), 200);
		assert_int_equal(json_array_size(api_get(api, "Events")), 1);
		(void)snprintf(next, sizeof(next), "%lld", (long long)api_int(api, "NextNumber"));
	}
	assert_int_equal(events(api, id, next, "1"), 200);
	assert_int_equal(json_array_size(api_get(api, "Events")), 0);
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, &second, 1);
	assert_int_equal(events(api, id, "", ""), 400);
	assert_string_equal(api_code(api), "InstanceNotFound");
	assert_int_equal(events(api, "", "", ""), 200);
	assert_null(strstr(api->response.body, id));
	assert_non_null(strstr(api->response.body, second));
	api->caller = &api->other;
	assert_int_equal(events(api, id, "", ""), 400);
}

/* A key that may see few of very many events looks at a bounded number with each call, and comes to its own all the same. */
static void test_many_events_of_others(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	char next[24] = "";
	bool inserted;
	int calls = 0;

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(db_run(api->db,
				 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
				 " WHERE i < 20100) INSERT INTO event (time_ms, account,"
				 " instance_id, kind, expire_ms, detail)"
				 " SELECT 0, $1, 'another', 'expired', i, '' FROM n",
				 (const struct value[]){ V_INT(api->tenant.account) }, 1, NULL),
		OK);
	assert_int_equal(event_insert(api->db, api->tenant.account, id, "expired", 7, api->clock_ms,
				 "", &inserted),
		OK);
	assert_int_equal(db_commit(api->db), OK);
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, &id, 1);
	do {
		assert_int_equal(events(api, "", next, ""), 200);
		(void)snprintf(next, sizeof(next), "%lld", (long long)api_int(api, "NextNumber"));
	} while (json_array_size(api_get(api, "Events")) == 0 && ++calls < 10);
	assert_int_equal(calls, 2);
	assert_string_equal(api_text(api, "Events.0.InstanceId"), id);
}

static void test_nodes(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	assert_int_equal(api_call(api, "DescribeBackSourceCidr", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Cidrs")), 0);
	assert_true(json_is_array(api_get(api, "Cidrs")));
	assert_int_equal(
		api_call_version(api, VERSION_POLDER, "DescribeTraffic", "InstanceId", id, NULL),
		200);
	assert_true(json_is_false(api_get(api, "Reported")));
	api_node_reports(api, 1);
	assert_int_equal(api_call(api, "DescribeBackSourceCidr", "IpVersion", "IPv4", NULL), 200);
	assert_string_equal(api_text(api, "Cidrs.0"), "192.0.2.16/28");
	assert_int_equal(api_call(api, "DescribeBackSourceCidr", "IpVersion", "Ipv6", NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Cidrs")), 0);
	assert_int_equal(
		api_call(api, "DescribeBackSourceCidr", "Line", "coop-line-002", NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Cidrs")), 0);
	assert_int_equal(api_call(api, "DescribeBackSourceCidr", "IpVersion", "Ipv5", NULL), 400);
	assert_int_equal(
		api_call_version(api, VERSION_POLDER, "DescribeTraffic", "InstanceId", id, NULL),
		200);
	assert_true(json_is_true(api_get(api, "Reported")));
	assert_int_equal(api_int(api, "InPackets"), 7);
	assert_int_equal(api_int(api, "DroppedBytes"), 200);
	assert_int_equal(api_int(api, "OutPackets"), 5);
	assert_int_equal(api_int(api, "LastPacketTime"), api->clock_ms);
	assert_int_equal(api_call_version(api, VERSION_POLDER, "DescribeNodes", NULL, NULL), 403);
	api->caller = &api->root;
	assert_int_equal(api_call_version(api, VERSION_POLDER, "DescribeNodes", NULL, NULL), 200);
	assert_string_equal(api_text(api, "Nodes.0.NodeName"), "node-1");
	assert_true(json_is_true(api_get(api, "Nodes.0.UpToDate")));
	assert_int_equal(strlen(api_text(api, "Nodes.0.AgentRun")), 16);
	assert_string_equal(api_text(api, "Nodes.0.Sources.0"), "192.0.2.16/28");
	api->caller = &api->tenant;
	(void)api_buy(api, "ddoscoo", "Ipv4");
	api->caller = &api->root;
	assert_int_equal(api_call_version(api, VERSION_POLDER, "DescribeNodes", NULL, NULL), 200);
	assert_true(json_is_false(api_get(api, "Nodes.0.UpToDate")));
	/* Its addresses are told until it is deleted, which it cannot be while it is there. */
	assert_int_equal(
		api_call_version(api, VERSION_POLDER, "DeleteNode", "NodeName", "node-1", NULL),
		400);
	assert_string_equal(api_code(api), "NodePresent");
	api->clock_ms += MINUTE_MS;
	assert_int_equal(
		api_call_version(api, VERSION_POLDER, "DeleteNode", "NodeName", "node-1", NULL),
		200);
	assert_int_equal(api_call(api, "DescribeBackSourceCidr", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Cidrs")), 0);
	assert_int_equal(
		api_call_version(api, VERSION_POLDER, "DeleteNode", "NodeName", "node-1", NULL),
		400);
	assert_string_equal(api_code(api), "NodeNotFound");
	/* Also for the control that comes after this one. */
	nodes_free(api->gateway.nodes);
	api->gateway.nodes = nodes_new();
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(nodes_restore(api->gateway.nodes, api->db, api->fixture), OK);
	db_rollback(api->db);
	assert_int_equal(api_call_version(api, VERSION_POLDER, "DescribeNodes", NULL, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_operations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operation_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records_about_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records_of_operators, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_events_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
