/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of actions on port rules, lists and tags share: two instances and the rules of one.
 */
#ifndef TESTS_UNIT_RULE_WORLD_H
#define TESTS_UNIT_RULE_WORLD_H

#include "tests/support/api.h"

#include "base/clock.h"
#include "base/text.h"
#include "control/store/query.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE "PageNumber", "1", "PageSize", "10"
#define TAGS "RegionId", "cn-hangzhou", "ResourceType", "INSTANCE"

struct world {
	struct api api;
	const char *id;	 /* IPv4 */
	const char *id6; /* IPv6 */
};

static inline int setup(void **state)
{
	static struct world world;
	api_open(&world.api);
	world.id = api_buy(&world.api, "ddoscoo", "Ipv4");
	world.id6 = api_buy(&world.api, "ddoscoo", "Ipv6");
	*state = &world;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *world = *state;
	api_close(&world->api);
	return 0;
}

static inline void expect(struct api *api, const char *code, const char *named)
{
	if (strcmp(api_code(api), code) != 0 || !strstr(api_text(api, "Message"), named))
		fail_msg("wanted %s naming %s: %.*s", code, named, (int)api->response.body_size,
			api->response.body);
}

static inline int port(struct api *api, const char *action, const char *id, const char *protocol,
	const char *frontend, const char *origin)
{
	return api_call(api, action, "InstanceId", id, "FrontendProtocol", protocol, "FrontendPort",
		frontend, "BackendPort", "8080", "RealServers.1", origin, NULL);
}

#endif
