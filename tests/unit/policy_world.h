/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of actions on an instance's protection share: one instance and the reports of its nodes.
 */
#ifndef TESTS_UNIT_POLICY_WORLD_H
#define TESTS_UNIT_POLICY_WORLD_H

#include "tests/support/api.h"

#include "base/clock.h"
#include "base/text.h"
#include "control/engine/inbox.h"
#include "tests/support/report.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE "PageNumber", "1", "PageSize", "10"
/* A call of ours, and one of the published interface. */
#define OWN(api, action, ...)  api_call_version(api, VERSION_POLDER, action, __VA_ARGS__, NULL)
#define CALL(api, action, ...) api_call(api, action, __VA_ARGS__, NULL)

struct world {
	struct api api;
	const char *id;
	int64_t number;
};
static struct report report __attribute__((unused));

static inline int setup(void **state)
{
	static struct world world;
	struct instance instance;
	api_open(&world.api);
	world.id = api_buy(&world.api, "ddoscoo", "Ipv4");
	assert_int_equal(instance_load(world.api.db, world.api.fixture, world.id, &instance), OK);
	world.number = instance.number;
	*state = &world;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *world = *state;
	assert_true(api_audit_whole(&world->api));
	api_close(&world->api);
	return 0;
}

static inline void expect(struct api *api, const char *code, const char *named)
{
	if (strcmp(api_code(api), code) != 0 || !strstr(api_text(api, "Message"), named))
		fail_msg("wanted %s naming %s: %.*s", code, named, (int)api->response.body_size,
			api->response.body);
}

static inline void expect_json(struct api *api, const char *path, const char *expected)
{
	char *text = json_dumps(api_get(api, path), JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text || strcmp(text, expected) != 0)
		fail_msg("%s is %s, not %s", path, text ? text : "absent", expected);
	free(text);
}

static inline const json_t *mitigation(struct api *api, const char *id, const char *name)
{
	json_t *item;
	size_t index;
	assert_int_equal(OWN(api, "DescribeMitigations", "InstanceId", id), 200);
	json_array_foreach(api_get(api, "Mitigations"), index, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "Name")), name) == 0)
			return item;
	}
	fail_msg("no mitigation %s", name);
	return NULL;
}

static inline const char *mode_of(struct world *world, const char *name)
{
	return json_string_value(json_object_get(mitigation(&world->api, world->id, name), "Mode"));
}

static inline void set_mode(struct world *world, const char *name, const char *mode)
{
	assert_int_equal(OWN(&world->api, "ModifyMitigation", "InstanceId", world->id, "Mitigation",
				 name, "Mode", mode),
		200);
}

static inline int region(struct world *world, const char *config)
{
	return CALL(
		&world->api, "ConfigNetworkRegionBlock", "InstanceId", world->id, "Config", config);
}

static inline int undo(struct world *world, const char *id)
{
	return CALL(
		&world->api, "ModifyBlackholeStatus", "InstanceId", id, "BlackholeStatus", "undo");
}

#endif
