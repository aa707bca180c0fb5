/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scene policies: they come into force and end by the engine at their times, or at once by an order, and what was before
 * is in force again, whatever fails in between.
 */
#include "tests/unit/web_world.h"

#include "control/store/scene.h"

static const char *ms(struct api *api, int64_t value)
{
	return arena_print(api->fixture, "%lld", (long long)value);
}

static int scene_order(struct api *api, const char *action, const char *id, const char *template,
	int64_t from_ms, int64_t until_ms)
{
	return CALL(api, action, "Name", template, "Template", template, "StartTime",
		ms(api, from_ms), "EndTime", ms(api, until_ms), "PolicyId", id);
}

/* The newest. */
static const char *newest(struct api *api)
{
	struct scene *scene;
	size_t count;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(scene_list(api->db, api->fixture, 0, &scene, &count), OK);
	db_rollback(api->db);
	assert_true(count > 0);
	return scene[count - 1].id;
}

static const char *create(struct api *api, const char *template, int64_t from_ms, int64_t until_ms)
{
	assert_int_equal(
		scene_order(api, "CreateSceneDefensePolicy", "", template, from_ms, until_ms), 200);
	assert_true(json_is_true(api_get(api, "Success")));
	return newest(api);
}

static int with_id(struct api *api, const char *action, const char *id)
{
	return CALL(api, action, "PolicyId", id);
}

static int attach(struct api *api, const char *id, const char *objects)
{
	return CALL(api, "AttachSceneDefenseObject", "PolicyId", id, "ObjectType", "Domain",
		"Objects", objects);
}

/* "cc ai" of a site, as the switches show them: "1 1". */
static const char *switches(struct api *api, const char *domain)
{
	assert_int_equal(CALL(api, "DescribeDomainCcProtectSwitch", "Domains.1", domain), 200);
	return arena_print(api->fixture, "%lld %lld",
		(long long)api_int(api, "ProtectSwitchList.0.CcEnable"),
		(long long)api_int(api, "ProtectSwitchList.0.AiRuleEnable"));
}

static int64_t status(struct api *api)
{
	assert_int_equal(CALL(api, "DescribeSceneDefensePolicies", NULL), 200);
	return api_int(api, "Policies.0.Status");
}

static void test_by_time(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t start = api->clock_ms + HOUR_MS, end = start + HOUR_MS;
	const char *id = create(api, "promotion", start, end);

	assert_int_equal(attach(api, id, DOMAIN "," STANDARD), 200);
	assert_int_equal(CALL(api, "DisableWebCC", "Domain", STANDARD), 200);
	assert_int_equal(status(api), SCENE_PENDING);
	assert_int_equal(api_int(api, "Policies.0.Done"), 1);
	assert_int_equal(api_int(api, "Policies.0.ObjectCount"), 2);
	assert_int_equal(api_int(api, "Policies.0.RuntimePolicies.0.Status"), 1);
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	api->clock_ms = start - 1;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	api->clock_ms = start;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	assert_string_equal(switches(api, STANDARD), "0 0");
	assert_int_equal(web_site(api, DOMAIN)->pace, SITE_PACE_OFF);
	assert_int_equal(status(api), SCENE_ENABLED);
	assert_int_equal(api_int(api, "Policies.0.Done"), 0);
	assert_int_equal(api_int(api, "Policies.0.RuntimePolicies.1.Status"), 3);
	assert_string_equal(api_text(api, "Policies.0.RuntimePolicies.0.oldValue"),
		"{\"cc_rule_enable\": true}");
	/* More turns change nothing. */
	int64_t generation = web_generation(api);
	web_tick(api);
	assert_int_equal(web_generation(api), generation);
	api->clock_ms = end - 1;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	api->clock_ms = end;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	/* What was off before stays off. */
	assert_string_equal(switches(api, STANDARD), "0 1");
	assert_int_equal(status(api), SCENE_EXPIRED);
	assert_int_equal(with_id(api, "EnableSceneDefensePolicy", id), 400);
	expect(api, "PolicyExpired", "ended");
}

static void test_bypass(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *id = create(api, "bypass", now, now + HOUR_MS);

	/* Its time runs: at once, and with the other template at the same time. */
	assert_int_equal(attach(api, id, DOMAIN), 200);
	assert_true(web_site(api, DOMAIN)->flags & SITE_BYPASS);
	const char *other = create(api, "promotion", now, now + HOUR_MS);
	assert_int_equal(attach(api, other, DOMAIN), 200);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	assert_int_equal(CALL(api, "DescribeSceneDefenseObjects", "PolicyId", id), 200);
	assert_string_equal(api_text(api, "Objects.0.Domain"), DOMAIN);
	assert_true(strlen(api_text(api, "Objects.0.Vip")) > 6);
	api->clock_ms += HOUR_MS;
	web_tick(api);
	assert_false(web_site(api, DOMAIN)->flags & SITE_BYPASS);
	assert_string_equal(switches(api, DOMAIN), "1 1");
}

/* Each order that ends it puts back what was. */
static void test_by_order(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *id = create(api, "promotion", now, now + HOUR_MS);

	for (int again = 0; again < 2; again++) {
		assert_int_equal(attach(api, id, DOMAIN), 200);
		assert_string_equal(switches(api, DOMAIN), "0 0");
	}
	assert_int_equal(with_id(api, "DisableSceneDefensePolicy", id), 200);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	assert_int_equal(status(api), SCENE_DISABLED);
	assert_int_equal(with_id(api, "EnableSceneDefensePolicy", id), 200);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	/* To another time, to another template. */
	assert_int_equal(scene_order(api, "ModifySceneDefensePolicy", id, "promotion",
				 now + HOUR_MS, now + 2 * HOUR_MS),
		200);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	assert_int_equal(
		scene_order(api, "ModifySceneDefensePolicy", id, "bypass", now, now + HOUR_MS),
		200);
	assert_true(web_site(api, DOMAIN)->flags & SITE_BYPASS);
	assert_int_equal(
		scene_order(api, "ModifySceneDefensePolicy", id, "promotion", now, now + HOUR_MS),
		200);
	assert_false(web_site(api, DOMAIN)->flags & SITE_BYPASS);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	for (int again = 0; again < 2; again++) {
		assert_int_equal(
			CALL(api, "DetachSceneDefenseObject", "PolicyId", id, "Objects", DOMAIN),
			200);
		assert_string_equal(switches(api, DOMAIN), "1 1");
	}
	assert_int_equal(attach(api, id, DOMAIN), 200);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	assert_int_equal(with_id(api, "DeleteSceneDefensePolicy", id), 200);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	assert_int_equal(with_id(api, "DeleteSceneDefensePolicy", id), 400);
	expect(api, "PolicyNotExist", "policy");
}

/* What somebody switches on while it is in force stays on; what he switches off is put back. */
static void test_changed_meanwhile(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *id;

	assert_int_equal(CALL(api, "DisableWebCC", "Domain", DOMAIN), 200);
	id = create(api, "promotion", now, now + HOUR_MS);
	assert_int_equal(attach(api, id, DOMAIN), 200);
	assert_int_equal(CALL(api, "EnableWebCC", "Domain", DOMAIN), 200);
	assert_int_equal(
		CALL(api, "ConfigWebCCTemplate", "Domain", DOMAIN, "Template", "gf_under_attack"),
		200);
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 0");
	api->clock_ms += HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	assert_int_equal(web_site(api, DOMAIN)->pace, SITE_PACE_ATTACK);
}

static void test_overlap(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *first = create(api, "promotion", now + HOUR_MS, now + 2 * HOUR_MS);
	const char *second = create(api, "promotion", now + 2 * HOUR_MS, now + 3 * HOUR_MS);

	/* One may begin where the other ends. */
	assert_int_equal(attach(api, first, DOMAIN), 200);
	assert_int_equal(attach(api, second, DOMAIN), 200);
	assert_int_equal(scene_order(api, "ModifySceneDefensePolicy", second, "promotion",
				 now + 2 * HOUR_MS - 1, now + 3 * HOUR_MS),
		400);
	expect(api, "PolicyTimeConflict", DOMAIN);
	assert_int_equal(scene_order(api, "ModifySceneDefensePolicy", second, "bypass",
				 now + 2 * HOUR_MS - 1, now + 3 * HOUR_MS),
		200);
	const char *third = create(api, "promotion", now, now + HOUR_MS + 1);
	assert_int_equal(attach(api, third, STANDARD "," DOMAIN), 400);
	expect(api, "PolicyTimeConflict", DOMAIN);
	/* Nothing of it was done. */
	assert_int_equal(CALL(api, "DescribeSceneDefenseObjects", "PolicyId", third), 200);
	expect_json(api, "Objects", "[]");
	assert_int_equal(attach(api, third, STANDARD), 200);
	/* From one to the next at one instant. */
	assert_int_equal(scene_order(api, "ModifySceneDefensePolicy", second, "promotion",
				 now + 2 * HOUR_MS, now + 3 * HOUR_MS),
		200);
	api->clock_ms = now + HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	api->clock_ms = now + 2 * HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	api->clock_ms = now + 3 * HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 1");
}

/* A store that fails at each of its calls in turn: all or nothing of a scene is so, and it is tried again. What fails in another
 * step keeps none from its turn, so that each try begins where the one before began. */
static void test_failures(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	struct arena *mem = arena_new((size_t)64 << 20);
	const char *id = create(api, "promotion", now + 1, now + HOUR_MS);
	bool more;

	assert_non_null(mem);
	assert_int_equal(attach(api, id, DOMAIN "," STANDARD), 200);
	for (int part = 0; part < 2; part++) {
		const char *before = part ? "0 0" : "1 1", *after = part ? "1 1" : "0 0";
		uint64_t nth = 0, asked = 1;
		int failed = 0;
		enum err err = ERR_STORE;

		while (err != OK && asked >= nth) {
			api->clock_ms = part ? now + 1 : now;
			web_tick(api);
			assert_string_equal(switches(api, DOMAIN), before);
			api->clock_ms = part ? now + HOUR_MS : now + 1;
			db_torture(++nth);
			err = engine_tick(api->db, mem, api->clock_ms, api->clock_ms, &more);
			asked = db_torture_count();
			db_torture(0);
			arena_reset(mem);
			assert_string_equal(switches(api, DOMAIN), switches(api, STANDARD));
			failed += strcmp(switches(api, DOMAIN), before) == 0;
			web_tick(api);
			assert_string_equal(switches(api, DOMAIN), after);
		}
		assert_true(failed > 10);
	}
	arena_free(mem);
}

/* A clock that goes back ends a scene that has not begun, and it begins again. */
static void test_clock_goes_back(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *id = create(api, "promotion", now + HOUR_MS, now + 2 * HOUR_MS);

	assert_int_equal(attach(api, id, DOMAIN), 200);
	api->clock_ms = now + HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "0 0");
	api->clock_ms = now;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "1 1");
	api->clock_ms = now + HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, DOMAIN), "0 0");
}

static void test_refused(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *id = create(api, "promotion", now, now + HOUR_MS);

	assert_int_equal(
		scene_order(api, "CreateSceneDefensePolicy", "", "promotion", now, now), 400);
	expect(api, "InvalidParameter", "EndTime");
	assert_int_equal(
		scene_order(api, "CreateSceneDefensePolicy", "", "promotion", 1, now), 400);
	expect(api, "InvalidParameter", "EndTime");
	assert_int_equal(attach(api, id, "no.example.com"), 400);
	expect(api, "DomainNotExist", "domain");
	assert_int_equal(attach(api, "none", DOMAIN), 400);
	expect(api, "PolicyNotExist", "policy");
	/* Another tenant sees and does nothing. */
	assert_int_equal(attach(api, id, DOMAIN), 200);
	api->caller = &api->other;
	assert_int_equal(with_id(api, "DeleteSceneDefensePolicy", id), 400);
	expect(api, "PolicyNotExist", "policy");
	assert_int_equal(CALL(api, "DescribeSceneDefensePolicies", NULL), 200);
	expect_json(api, "Policies", "[]");
	/* A key for one instance sees no policy of a site of another. */
	const char *plain[] = { "" };
	assert_int_equal(CALL(api, "DescribeInstanceIds", NULL), 200);
	api->caller = &api->tenant;
	assert_int_equal(CALL(api, "DescribeWebInstanceRelations", "Domains.1", STANDARD), 200);
	plain[0] = arena_copy(
		api->fixture, api_text(api, "WebInstanceRelations.0.InstanceDetails.0.InstanceId"));
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, plain, 1);
	assert_int_equal(CALL(api, "DescribeSceneDefensePolicies", NULL), 200);
	expect_json(api, "Policies", "[]");
	assert_int_equal(with_id(api, "DisableSceneDefensePolicy", id), 400);
	expect(api, "PolicyNotExist", "policy");
	api->caller = &api->tenant;
	/* Filters. */
	assert_int_equal(CALL(api, "DescribeSceneDefensePolicies", "Status", "2"), 200);
	assert_int_equal(json_array_size(api_get(api, "Policies")), 1);
	assert_int_equal(CALL(api, "DescribeSceneDefensePolicies", "Status", "1"), 200);
	assert_int_equal(json_array_size(api_get(api, "Policies")), 0);
	assert_int_equal(CALL(api, "DescribeSceneDefensePolicies", "Template", "bypass"), 200);
	assert_int_equal(json_array_size(api_get(api, "Policies")), 0);
}

/* A site that is deleted leaves its scenes; as many policies as there can be. */
static void test_ends_of_things(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	int64_t now = api->clock_ms;
	const char *id = create(api, "promotion", now, now + HOUR_MS);

	assert_int_equal(attach(api, id, DOMAIN "," STANDARD), 200);
	assert_int_equal(CALL(api, "DeleteDomainResource", "Domain", DOMAIN), 200);
	assert_int_equal(CALL(api, "DescribeSceneDefenseObjects", "PolicyId", id), 200);
	assert_int_equal(json_array_size(api_get(api, "Objects")), 1);
	api->clock_ms += HOUR_MS;
	web_tick(api);
	assert_string_equal(switches(api, STANDARD), "1 1");
	now = api->clock_ms;
	for (int i = 1; i <= SCENE_MAX; i++)
		assert_int_equal(scene_order(api, "CreateSceneDefensePolicy", "", "bypass", now,
					 now + HOUR_MS),
			i < SCENE_MAX ? 200 : 400);
	expect(api, "PolicyLimit", "at most 100");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, web_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_time),
		TEST(test_bypass),
		TEST(test_by_order),
		TEST(test_changed_meanwhile),
		TEST(test_overlap),
		TEST(test_failures),
		TEST(test_clock_goes_back),
		TEST(test_refused),
		TEST(test_ends_of_things),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
