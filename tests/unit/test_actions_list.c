/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists and tags through signed calls, each refusal with the place it names.
 */
#include "tests/unit/rule_world.h"

static int blacklist(struct world *world, const char *entries, const char *seconds)
{
	return api_call(&world->api, "AddAutoCcBlacklist", "InstanceId", world->id, "Blacklist",
		entries, "ExpireTime", seconds, NULL);
}

static void test_lists(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *entries, *seconds, *named;
	} refused[] = {
		{ "[{\"src\":\"203.0.113.1\"}]", "299", "ExpireTime" },
		{ "[{\"src\":\"203.0.113.1\"}]", "604801", "ExpireTime" },
		{ "[{\"src\":\"203.0.113.1\"},{\"src\":\"203.0.113.256\"}]", "300",
			"Blacklist[1].src" },
		{ "[{\"src\":\"203.0.113.1/24\"}]", "300", "Blacklist[0].src" },
		{ "[{\"src\":\"2001:db8::1\"}]", "300", "Blacklist[0].src" },
		{ "[{\"src\":7}]", "300", "Blacklist[0].src" },
		{ "[\"203.0.113.1\"]", "300", "Blacklist[0]" },
		{ "203.0.113.1", "300", "Blacklist" },
	};
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(blacklist(world, refused[i].entries, refused[i].seconds), 400);
		expect(api, "InvalidParameter", refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(blacklist(world,
				 "[{\"src\":\"203.0.113.1\"},{\"src\":\"203.0.113.1\"},"
				 "{\"src\":\"198.18.0.0/15\"}]",
				 "300"),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcBlacklist", "InstanceId", world->id, PAGE, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.SourceIp"), "203.0.113.1");
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.DestIp"), "198.51.100.1");
	assert_string_equal(api_text(api, "AutoCcBlacklist.0.Type"), "manual");
	assert_int_equal(api_int(api, "AutoCcBlacklist.0.EndTime"), api->clock_ms / 1000 + 300);
	assert_string_equal(api_text(api, "AutoCcBlacklist.1.SourceIp"), "198.18.0.0/15");
	assert_int_equal(api_call(api, "DescribeAutoCcBlacklist", "InstanceId", world->id,
				 "KeyWord", "203.", PAGE, NULL),
		200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(api_call(api, "DescribeAutoCcBlacklist", "InstanceId", world->id,
				 "KeyWord", "203", PAGE, NULL),
		400);
	expect(api, "InvalidParameter", "KeyWord");
	assert_int_equal(
		api_call(api, "DeleteAutoCcBlacklist", "InstanceId", world->id, "Blacklist",
			"[{\"src\":\"203.0.113.1\"}]", "QueryType", "auto", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 2);
	assert_int_equal(api_call(api, "DeleteAutoCcBlacklist", "InstanceId", world->id,
				 "Blacklist", "[{\"src\":\"203.0.113.1\"}]", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 1);
	api->clock_ms += 300 * 1000; /* the time of the machine ends it */
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 0);
}

static void test_allow_list(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(api_call(api, "AddAutoCcWhitelist", "InstanceId", world->id6, "Whitelist",
				 "[{\"src\":\"2001:DB8:0::1\"}]", "ExpireTime", "0", NULL),
		200);
	api->clock_ms += 365 * DAY_MS;
	assert_int_equal(
		api_call(api, "DescribeAutoCcWhitelist", "InstanceId", world->id6, PAGE, NULL),
		200);
	assert_string_equal(api_text(api, "AutoCcWhitelist.0.SourceIp"), "2001:db8::1");
	assert_int_equal(api_int(api, "AutoCcWhitelist.0.EndTime"), 0);
	assert_int_equal(
		api_call(api, "EmptyAutoCcWhitelist", "InstanceId", world->id6, NULL), 200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id6, NULL), 200);
	assert_int_equal(api_int(api, "WhiteCount"), 0);
}

/* count entries from 10.second.0.0 on as JSON. */
static const char *many_entries(struct world *world, int second, int count)
{
	struct text text;
	text_init(&text, world->api.fixture, (size_t)1 << 20);
	for (int i = 0; i < count; i++)
		text_print(&text, "%s{\"src\":\"10.%d.%d.%d\"}", i ? "," : "[", second, i / 256,
			i % 256);
	text_add(&text, "]");
	assert_false(text.failed);
	return text.data;
}

static void test_list_limit(void **state)
{
	struct world *world = *state;
	assert_int_equal(blacklist(world, many_entries(world, 1, 1999), "600"), 200);
	assert_int_equal(blacklist(world, many_entries(world, 2, 2), "600"), 400);
	expect(&world->api, "InvalidParameter", "Blacklist");
	assert_int_equal(blacklist(world, many_entries(world, 2, 1), "600"), 200);
	assert_int_equal(blacklist(world, many_entries(world, 1, 2000), "700"), 400);
	assert_int_equal(
		blacklist(world, many_entries(world, 1, 1999), "700"), 200); /* prolonged */
	assert_int_equal(blacklist(world, many_entries(world, 1, 2001), "700"), 400);
	expect(&world->api, "InvalidParameter", "Blacklist");
}

static void test_tags(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(api_call(api, "CreateTagResources", TAGS, "ResourceIds.1", world->id,
				 "ResourceIds.2", world->id6, "Tags.1.Key", "team", "Tags.1.Value",
				 "red", "Tags.2.Key", "stage", NULL),
		200);
	assert_int_equal(api_call(api, "DescribeTagKeys", TAGS, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_int_equal(api_int(api, "TagKeys.0.TagCount"), 2);
	assert_int_equal(
		api_call(api, "DescribeTagResources", TAGS, "Tags.1.Key", "team", NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 2);
	assert_string_equal(api_text(api, "TagResources.TagResource.0.TagValue"), "red");
	assert_string_equal(api_text(api, "NextToken"), "");
	assert_int_equal(api_call(api, "DescribeTagResources", TAGS, NULL), 400);
	expect(api, "MissingParameter", "ResourceIds");
	assert_int_equal(
		api_call(api, "CreateTagResources", TAGS, "ResourceIds.1", world->id, NULL), 400);
	expect(api, "MissingParameter", "Tags");
	assert_int_equal(
		api_call(api, "DeleteTagResources", TAGS, "ResourceIds.1", world->id, NULL), 400);
	expect(api, "MissingParameter", "TagKey");
	assert_int_equal(api_call(api, "DescribeTagResources", TAGS, "ResourceIds.1", world->id,
				 "NextToken", "zz", NULL),
		400);
	expect(api, "InvalidParameter", "NextToken");
	assert_int_equal(api_call(api, "DeleteTagResources", TAGS, "ResourceIds.1", world->id,
				 "All", "true", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeTagResources", TAGS, "ResourceIds.1", world->id, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 0);
	api->format = "XML";
	assert_int_equal(
		api_call(api, "DescribeTagResources", TAGS, "ResourceIds.1", world->id6, NULL),
		200);
	assert_non_null(strstr(api->response.body, "<TagResources><TagResource><ResourceId>"));
}

static void test_tag_pages_and_limit(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct pair pairs[64] = { { "RegionId", "x" }, { "ResourceType", "INSTANCE" },
		{ "ResourceIds.1", world->id }, { "ResourceIds.2", world->id6 } };
	const char *third = api_buy(api, "ddoscoo", "Ipv4");
	for (int i = 0; i < 20; i++) {
		pairs[5 + i].key = arena_print(api->fixture, "Tags.%d.Key", i + 1);
		pairs[5 + i].value = arena_print(api->fixture, "key%02d", i);
	}
	pairs[4] = (struct pair){ "ResourceIds.3", third };
	assert_int_equal(api_call_pairs(api, "CreateTagResources", pairs, 25), 200);
	assert_int_equal(api_call(api, "CreateTagResources", TAGS, "ResourceIds.1", third,
				 "Tags.1.Key", "one more", NULL),
		400);
	expect(api, "InvalidParameter", "Tags");
	/* 60 tags: a page of 50 and one of 10, without repeats */
	assert_int_equal(api_call_pairs(api, "DescribeTagResources", pairs, 5), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 50);
	pairs[5].key = "NextToken";
	pairs[5].value = arena_copy(api->fixture, api_text(api, "NextToken"));
	assert_int_equal(api_call_pairs(api, "DescribeTagResources", pairs, 6), 200);
	assert_int_equal(json_array_size(api_get(api, "TagResources.TagResource")), 10);
	assert_string_equal(api_text(api, "TagResources.TagResource.0.TagKey"), "key10");
	assert_string_equal(api_text(api, "NextToken"), "");
}

/* As many as a list holds, of which those of one type go. */
static void test_delete_of_one_type(void **state)
{
	static char entries[64 * BLOCK_ENTRY_MAX];
	struct world *world = *state;
	struct api *api = &world->api;
	size_t length = 0;

	for (int i = 0; i < BLOCK_ENTRY_MAX; i++)
		length += (size_t)snprintf(entries + length, sizeof(entries) - length,
			"%s{\"src\":\"203.%d.%d.1\"}", i ? "," : "[", i / 200, i % 200);
	(void)snprintf(entries + length, sizeof(entries) - length, "]");
	assert_int_equal(blacklist(world, entries, "300"), 200);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(db_run(api->db, "UPDATE list_entry SET automatic = 1 WHERE number % 4 = 0",
				 NULL, 0, NULL),
		OK);
	assert_int_equal(db_commit(api->db), OK);
	assert_int_equal(api_call(api, "DeleteAutoCcBlacklist", "InstanceId", world->id,
				 "Blacklist", entries, "QueryType", "auto", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), BLOCK_ENTRY_MAX - BLOCK_ENTRY_MAX / 4);
	assert_int_equal(api_call(api, "DeleteAutoCcBlacklist", "InstanceId", world->id,
				 "Blacklist", entries, "QueryType", "manual", NULL),
		200);
	assert_int_equal(
		api_call(api, "DescribeAutoCcListCount", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_int(api, "BlackCount"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allow_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete_of_one_type, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tag_pages_and_limit, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
