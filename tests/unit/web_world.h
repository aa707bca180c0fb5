/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of the protection of web sites share: two sites of one tenant, one of them with the enhanced function, and
 * what nodes are sent about a site.
 */
#ifndef TESTS_UNIT_WEB_WORLD_H
#define TESTS_UNIT_WEB_WORLD_H

#include "control/model/country.h"
#include "control/store/web_policy.h"
#include "tests/unit/policy_world.h"

#include "base/site.h"
#include "control/engine/engine.h"
#include "control/engine/steps.h"

#define DOMAIN	 "www.example.com" /* enhanced */
#define STANDARD "plain.example.net"

/* Only RequestId. */
#define EMPTY_REPLY(api) assert_int_equal(json_object_size((api)->reply), 1)

static uint64_t site_bytes[SITE_BYTES_MAX / 8];

static inline void web_create(struct api *api, const char *id, const char *domain)
{
	assert_int_equal(
		CALL(api, "CreateDomainResource", "Domain", domain, "InstanceIds.1", id, "RsType",
			"0", "RealServers.1", "10.0.0.1", "ProxyTypes.1.ProxyType", "http",
			"ProxyTypes.1.ProxyPorts.1", "80"),
		200);
}

static inline int web_setup(void **state)
{
	(void)setup(state);
	struct world *world = *state;
	struct api *api = &world->api;
	const char *plain = api_buy(api, "ddoscoo", "Ipv4");

	assert_int_equal(CALL(api, "ModifyInstance", "InstanceId", world->id, "ProductType",
				 "ddoscoo", "ModifyType", "UPGRADE", "FunctionVersion", "1"),
		200);
	web_create(api, world->id, DOMAIN);
	web_create(api, plain, STANDARD);
	return 0;
}

/* What nodes get about the site; it passes their check. Valid until the next call. */
static inline const struct site *web_site(struct api *api, const char *domain)
{
	struct website website;
	size_t length;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(website_load(api->db, api->fixture, 0, domain, &website), OK);
	assert_int_equal(site_build(api->db, api->fixture, &website, site_bytes, &length), OK);
	db_rollback(api->db);
	const char *why = site_check(site_bytes, length);
	if (why)
		fail_msg("%s: %s", domain, why);
	return (const struct site *)site_bytes;
}

/* The rule of that name in the site; NULL: it has none. */
static inline const struct site_rule *web_rule(const struct site *site, const char *name)
{
	const struct site_rule *rule = site_list_at(site, site->rules);

	for (unsigned i = 0; i < site->rules.count; i++) {
		if (rule[i].name.length == strlen(name) &&
			memcmp(site_text_at(site, rule[i].name), name, strlen(name)) == 0)
			return &rule[i];
	}
	return NULL;
}

static inline void describe_switches(struct api *api)
{
	assert_int_equal(CALL(api, "DescribeDomainCcProtectSwitch", "Domains.1", DOMAIN), 200);
}

/* So many rules of a check. */
static inline unsigned web_rules(const struct site *site, enum check check)
{
	const struct site_rule *rule = site_list_at(site, site->rules);
	unsigned count = 0;

	for (unsigned i = 0; i < site->rules.count; i++)
		if (rule[i].check == check)
			count += rule[i].action == RULE_CHOOSE ? site_choice_count(&rule[i]) : 1;
	return count;
}

/* What a shipped rule does at the site; -1: it has not chosen it. */
static inline int web_chosen(const struct site *site, unsigned number)
{
	const struct site_rule *rule = site_list_at(site, site->rules);

	for (unsigned i = 0; i < site->rules.count; i++) {
		if (rule[i].action != RULE_CHOOSE)
			continue;
		for (unsigned j = 0; j < site_choice_count(&rule[i]); j++)
			if (site_choice_at(site, &rule[i], j).number == number)
				return site_choice_at(site, &rule[i], j).action;
	}
	return -1;
}

static inline int64_t web_generation(struct api *api)
{
	int64_t generation;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(change_generation(api->db, &generation), OK);
	db_rollback(api->db);
	return generation;
}

/* One turn of the engine at the world's time. */
static inline void web_tick(struct api *api)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	bool more = true;

	assert_non_null(mem);
	for (int i = 0; more && i < 10; i++)
		assert_int_equal(engine_tick(api->db, mem, api->clock_ms + api->life_offset_ms,
					 api->clock_ms, &more),
			OK);
	assert_false(more);
	arena_free(mem);
}

#endif
