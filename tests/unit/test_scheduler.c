/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling rules: what their names answer, by tables and by a walk through all signals; then orders and the engine on a real
 * store.
 */
#include "tests/unit/web_world.h"

#include "base/log.h"
#include "control/engine/attacks.h"
#include "control/engine/scheduling.h"
#include "control/engine/steps.h"
#include "control/store/attack.h"
#include "control/store/scheduler.h"

#define T0    API_CLOCK_MS
#define DELAY 30

/* ---- the model */

/* "r4 r6:50 p4" for a rule's values: kind (resource, named resource, protected) and IP version, with a priority. */
static void make_rule(struct scheduler_rule *rule, const char *text)
{
	*rule = (struct scheduler_rule){ .type = SCHEDULER_TIERED };
	for (const char *at = text; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
		struct scheduler_resource *resource = &rule->resource[rule->resource_count];

		*resource = (struct scheduler_resource){ .value = at,
			.named = at[0] == 'n',
			.value_type = at[0] == 'p' ? SCHEDULER_PROTECTED : SCHEDULER_TIERED,
			.priority = at[2] == ':' ? strtoll(at + 3, NULL, 10) : 80,
			.delay_minutes = DELAY };
		resource->address[0] = at[1] == '6' ? 0x20 : 0;
		if (at[1] == '4')
			resource->address[10] = resource->address[11] = 0xff;
		resource->address[15] = (uint8_t)++rule->resource_count;
	}
}

/* A letter for each value: '.' nothing, 'a' attacked, 'b' in the blackhole, 's' forwarded no more. */
static void make_signals(struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX], const char *text)
{
	memset(signal, 0, SCHEDULER_RESOURCE_MAX * sizeof(*signal));
	for (size_t i = 0; text[i]; i++)
		signal[i] = (struct scheduler_signal){ .attacked = text[i] == 'a',
			.blackholed = text[i] == 'b',
			.forwards = text[i] != 's' };
}

/* '1' for each value that is answered. */
static const char *answered(const struct scheduler_rule *rule)
{
	static char out[SCHEDULER_RESOURCE_MAX + 1];

	for (size_t i = 0; i < rule->resource_count; i++)
		out[i] = rule->resource[i].state.answered ? '1' : '0';
	out[rule->resource_count] = '\0';
	return out;
}

static void test_answers(void **state)
{
	static const struct {
		const char *what, *rule, *signals, *expected;
	} cases[] = {
		{ "in peace the resource", "r4 p4", "..", "10" },
		{ "under attack the protected address", "r4 p4", "a.", "01" },
		{ "in the blackhole, too", "r4 p4", "b.", "01" },
		{ "what forwards no more is not answered", "r4 p4", "s.", "01" },
		{ "two share", "r4 r4 p4", "...", "110" },
		{ "one of two is attacked: the other stays", "r4 r4 p4", "a..", "010" },
		{ "both are attacked", "r4 r4 p4", "aa.", "001" },
		{ "the higher priority alone", "r4:90 r4:80 p4", "...", "100" },
		{ "the lower one when that is attacked", "r4:90 r4:80 p4", "a..", "010" },
		{ "protected ones by priority", "r4 p4:10 p4:20", "a..", "001" },
		{ "but one that forwards", "r4 p4:10 p4:20", "a.s", "010" },
		{ "and is in no blackhole", "r4 p4:10 p4:20", "a.b", "010" },
		{ "nothing protected is left: the attacked one", "r4 p4", "as", "10" },
		{ "protected in the blackhole: the attacked one", "r4 p4", "ab", "10" },
		{ "both in the blackhole", "r4 p4", "bb", "01" },
		{ "in the blackhole, and nothing else", "r4 p4", "bs", "10" },
		{ "nothing forwards", "r4 p4", "ss", "00" },
		{ "versions go by themselves", "r4 r6 p4 p6", "a...", "0110" },
		{ "both of them", "r4 r6 p4 p6", "aa..", "0011" },
		{ "a version without protection stays", "r4 r6 p4", "aa.", "011" },
		{ "one without resources has none in peace", "r4 p4 p6", "...", "100" },
		{ "and follows", "r4 p4 p6", "a..", "011" },
		{ "a name for both versions", "n p4 p6", "...", "100" },
		{ "it is attacked", "n p4 p6", "a..", "011" },
		{ "it is attacked, one version is protected", "n p4", "a.", "01" },
		{ "the first of two names", "n n p4", "...", "100" },
		{ "the other name", "n n p4", "a..", "010" },
		{ "no address beside a name", "n p4 p6", "ass", "100" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];
		struct scheduler_rule rule;

		make_rule(&rule, cases[i].rule);
		make_signals(signal, cases[i].signals);
		(void)scheduler_step(&rule, signal, T0);
		if (strcmp(answered(&rule), cases[i].expected) != 0)
			fail_msg("%s: %s, not %s", cases[i].what, answered(&rule),
				cases[i].expected);
		/* Standing still it stays as it is, and nothing is to be written. */
		assert_false(scheduler_step(&rule, signal, T0));
	}
}

/* Over time: what happens in a minute, and what is answered then. */
static void test_times(void **state)
{
	static const struct {
		int64_t minute;
		char order; /* 'l'eave, 'r'eturn now, 'd': return in 10 minutes */
		char signal;
		char answer; /* 'r'esource or 'p'rotected */
	} steps[] = {
		{ 0, ' ', '.', 'r' },
		{ 1, ' ', 'a', 'p' },
		{ 5, ' ', '.', 'p' }, /* quiet */
		{ 34, ' ', '.', 'p' },
		{ 35, ' ', '.', 'r' },
		{ 40, ' ', 'a', 'p' },
		{ 41, ' ', '.', 'p' },
		{ 60, ' ', 'a', 'p' }, /* again: the delay begins anew */
		{ 61, ' ', '.', 'p' },
		{ 80, ' ', '.', 'p' },
		{ 50, ' ', '.', 'p' }, /* the clock goes back */
		{ 79, ' ', '.', 'p' },
		{ 80, ' ', '.', 'r' },
		{ 81, 'l', '.', 'p' }, /* an order: for ever */
		{ 9999, ' ', '.', 'p' },
		{ 10000, 'd', '.', 'p' },
		{ 10009, ' ', '.', 'p' },
		{ 10010, ' ', '.', 'r' },
		{ 10011, ' ', 'a', 'p' },
		{ 10012, 'r', 'a', 'r' }, /* returned to although it is attacked */
		{ 10100, ' ', 'a', 'r' },
		{ 10101, ' ', 'b', 'p' }, /* but not in the blackhole */
		{ 10102, ' ', '.', 'p' },
		{ 10132, ' ', '.', 'r' },
		{ 10133, ' ', 'a', 'p' }, /* the next attack counts */
		{ 10134, ' ', '.', 'p' },
		{ 10164, ' ', 'w', 'p' }, /* something withholds */
		{ 10165, ' ', '.', 'r' },
		{ 10166, ' ', 'a', 'p' },
		{ 10167, ' ', 'u', 'p' }, /* nobody looked */
		{ 10300, ' ', 'u', 'p' },
	};
	struct scheduler_rule rule;

	(void)state;
	make_rule(&rule, "r4 p4");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int64_t now_ms = T0 + steps[i].minute * MINUTE_MS;
		struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];

		make_signals(signal, (const char[]){ steps[i].signal, '.', '\0' });
		signal[0].withholds = steps[i].signal == 'w';
		signal[0].unknown = steps[i].signal == 'u';
		if (steps[i].order == 'l')
			scheduler_leave(&rule.resource[0].state);
		if (steps[i].order == 'r')
			scheduler_return(&rule.resource[0].state, now_ms, now_ms);
		if (steps[i].order == 'd')
			scheduler_return(&rule.resource[0].state, now_ms + 10 * MINUTE_MS, now_ms);
		(void)scheduler_step(&rule, signal, now_ms);
		if (strcmp(answered(&rule), steps[i].answer == 'r' ? "10" : "01") != 0)
			fail_msg("minute %lld (row %zu): %s", (long long)steps[i].minute, i,
				answered(&rule));
	}
}

/* Every sequence of some signals and orders on two resources: what must hold in each state. */
#define WALK_DEPTH 4
static const char walk_signals[] = ".abs";

static void check_state(const struct scheduler_rule *rule,
	const struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX])
{
	bool any = false, forwarded = false, home = false;

	for (size_t i = 0; i < rule->resource_count; i++) {
		const struct scheduler_state *own = &rule->resource[i].state;

		any |= own->answered;
		forwarded |= signal[i].forwards;
		home |= i < 2 && !own->away && signal[i].forwards;
		/* What forwards no more is never answered. */
		assert_false(own->answered && !signal[i].forwards);
		/* In the blackhole nothing stays at home. */
		assert_false(i < 2 && signal[i].blackholed && !own->away);
		assert_false(own->quiet_ms != 0 && !own->away);
		assert_false(own->back_ms != 0 && own->mode != SCHEDULER_HELD);
	}
	/* Something is answered whenever anything could be; protected ones only when no resource is at home. */
	assert_int_equal(any, forwarded);
	assert_int_equal(home && rule->resource[2].state.answered, false);
}

static unsigned walk(const struct scheduler_rule *from, int64_t now_ms, int depth)
{
	unsigned count = 0;

	for (int pick = 0; depth > 0 && pick < 4 * 4 * 2 * 4; pick++) {
		struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];
		struct scheduler_rule rule = *from;
		int64_t then_ms = now_ms + (pick & 1 ? DELAY * MINUTE_MS : MINUTE_MS);
		int order = pick >> 1 & 3;

		make_signals(
			signal, (const char[]){ walk_signals[pick >> 3 & 3],
					walk_signals[pick >> 5 & 3], depth & 1 ? '.' : 's', '\0' });
		if (order == 1)
			scheduler_leave(&rule.resource[0].state);
		if (order == 2)
			scheduler_return(&rule.resource[0].state, then_ms, then_ms);
		if (order == 3)
			scheduler_return(&rule.resource[0].state, then_ms + MINUTE_MS, then_ms);
		(void)scheduler_step(&rule, signal, then_ms);
		check_state(&rule, signal);
		/* A step twice in one moment is one. */
		assert_false(scheduler_step(&rule, signal, then_ms));
		count += 1 + walk(&rule, then_ms, depth - 1);
	}
	return count;
}

static void test_walk(void **state)
{
	struct scheduler_rule rule;

	(void)state;
	make_rule(&rule, "r4 r4 p4");
	assert_int_equal(walk(&rule, T0, WALK_DEPTH - 1), 128 + 128 * 128 + 128 * 128 * 128);
}

static void test_cdn(void **state)
{
	static struct scheduler_minute minute[SCHEDULER_CALM_MINUTES];
	struct scheduler_rule rule = { .type = SCHEDULER_CDN, .access_qps = 100 };
	const int64_t noon_ms = INT64_C(1795406400000); /* 04:00 UTC, 12:00 UTC+8 */
	static const struct {
		const char *over; /* of 10 minutes */
		bool expected;
	} cases[] = { { "..........", false }, { ".......xxx", true }, { "......xxx.", false },
		{ "xxxxxx....", false }, { "xxxxxxx...", true }, { "xx.xx.xx.x", true },
		{ "xx.xx.x..x", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < SCHEDULER_OVER_MINUTES; j++)
			minute[j] =
				(struct scheduler_minute){ cases[i].over[j] == 'x' ? 6001 : 6000,
					0 };
		assert_int_equal(scheduler_cdn_over(minute, 100), cases[i].expected);
	}
	for (size_t i = 0; i < SCHEDULER_CALM_MINUTES; i++)
		minute[i] = (struct scheduler_minute){ 4799, 0 };
	assert_true(scheduler_cdn_calm(&rule, minute));
	minute[50].requests = 4800;
	assert_false(scheduler_cdn_calm(&rule, minute));
	rule.upstream_qps = 90;
	assert_true(scheduler_cdn_calm(&rule, minute));
	minute[50].requests = 4799;
	/* A tenth of an hour's requests was refused. */
	minute[0].refused = 28794;
	assert_false(scheduler_cdn_calm(&rule, minute));
	minute[0].refused = 28000;
	assert_true(scheduler_cdn_calm(&rule, minute));
	memset(minute, 0, sizeof(minute));
	assert_true(scheduler_cdn_calm(&rule, minute));
	/* For twelve hours. Nobody would see it at night. */
	assert_false(scheduler_cdn_returns(&rule, noon_ms));
	rule.calm_ms = noon_ms - 12 * HOUR_MS;
	assert_true(scheduler_cdn_returns(&rule, noon_ms));
	assert_false(scheduler_cdn_returns(&rule, noon_ms - 1));
	rule.calm_ms = noon_ms - DAY_MS;
	assert_false(scheduler_cdn_returns(&rule, noon_ms - 4 * HOUR_MS - 1));
	assert_true(scheduler_cdn_returns(&rule, noon_ms - 4 * HOUR_MS));
	assert_true(scheduler_cdn_returns(&rule, noon_ms + 11 * HOUR_MS - 1));
	assert_false(scheduler_cdn_returns(&rule, noon_ms + 11 * HOUR_MS));
}

/* ---- orders and the engine */

static const char *vip_of(struct api *api, const char *id)
{
	char text[ADDRESS_TEXT_SIZE];
	struct instance instance;

	assert_int_equal(instance_load(api->db, api->fixture, id, &instance), OK);
	address_format(instance.vip, text);
	return arena_copy(api->fixture, text);
}

static const char *value(struct api *api, const char *text, int type)
{
	return arena_print(api->fixture,
		"{\"Type\":\"%s\",\"Value\":\"%s\",\"Priority\":80,\"ValueType\":%d,"
		"\"RegionId\":\"cn-hangzhou\"}",
		text[strspn(text, "0123456789abcdef.:")] ? "CNAME" : "A", text, type);
}

static const char *pair_of(struct api *api, const char *resource, const char *protected)
{
	return arena_print(api->fixture, "[%s,%s]", value(api, resource, 2),
		value(api, protected, SCHEDULER_PROTECTED));
}

static int create(struct api *api, const char *name, const char *type, const char *rules)
{
	return CALL(api, "CreateSchedulerRule", "RuleName", name, "RuleType", type, "Rules", rules);
}

static int switch_to(struct api *api, const char *name, const char *data)
{
	return CALL(
		api, "SwitchSchedulerRule", "RuleName", name, "RuleType", "2", "SwitchData", data);
}

/* Status of the values of the account's rule of the name: "10". */
static const char *statuses(struct api *api, const char *name)
{
	static char out[SCHEDULER_RESOURCE_MAX + 1];
	size_t count;

	assert_int_equal(
		CALL(api, "DescribeSchedulerRules", "RuleName", name, "PageSize", "10"), 200);
	count = json_array_size(api_get(api, "SchedulerRules.0.Rules"));
	for (size_t i = 0; i < count; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "SchedulerRules.0.Rules.%zu.Status", i);
		out[i] = (char)('0' + api_int(api, path));
	}
	out[count] = '\0';
	return out;
}

static struct scheduling scheduling;

static void engine(struct api *api)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	struct tick tick = { .db = api->db,
		.mem = mem,
		.now_ms = api->clock_ms + api->life_offset_ms,
		.clock_ms = api->clock_ms += 2 * SECOND_MS,
		.scheduling = &scheduling };

	assert_non_null(mem);
	assert_int_equal(steps_run(&tick), OK);
	arena_free(mem);
}

static void begin_attack(struct api *api, const char *id, enum attack_kind kind)
{
	const struct attack attack = { .begin_ms = api->clock_ms, .last_ms = api->clock_ms };

	api_attack(api, id, NULL, kind, &attack);
}

static void end_attacks(struct api *api)
{
	struct attack_row *row;
	size_t count;

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(attack_open_list(api->db, api->fixture, 100, &row, &count), OK);
	for (size_t i = 0; i < count; i++) {
		row[i].attack.end_ms = api->clock_ms;
		assert_int_equal(attack_update(api->db, api->fixture, row[i].number, row[i].kind,
					 &row[i].attack),
			OK);
	}
	assert_int_equal(db_commit(api->db), OK);
}

static void test_attacked_and_back(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *shield = api_buy(api, "ddoscoo", "Ipv4");

	scheduling = (struct scheduling){ 0 };
	api->gateway.dns_zone = "polder.test";
	assert_int_equal(create(api, "tiered", "2",
				 pair_of(api, vip_of(api, world->id), vip_of(api, shield))),
		200);
	assert_non_null(strstr(api_text(api, "Cname"), "sch-"));
	assert_string_equal(statuses(api, "tiered"), "10");
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "10");
	begin_attack(api, world->id, ATTACK_DEFENSE);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "01");
	end_attacks(api);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "01");
	api_move_life(api, 59 * MINUTE_MS);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "01");
	api_move_life(api, 2 * MINUTE_MS);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "10");
	/* Connections, too; and the blackhole, which nobody can return from. */
	begin_attack(api, world->id, ATTACK_CC);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "01");
	assert_int_equal(switch_to(api, "tiered",
				 arena_print(api->fixture, "[{\"Value\":\"%s\",\"State\":1}]",
					 vip_of(api, world->id))),
		200);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "10");
	api_blackhole(api, world->id, HOUR_MS);
	engine(api);
	assert_string_equal(statuses(api, "tiered"), "01");
	assert_int_equal(switch_to(api, "tiered",
				 arena_print(api->fixture, "[{\"Value\":\"%s\",\"State\":1}]",
					 vip_of(api, world->id))),
		400);
	expect(api, "SchedulerRuleBlackholed", "blackhole");
}

/* A resource that is not ours has no signal: orders move it. */
static void test_orders(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *vip = vip_of(api, world->id);

	scheduling = (struct scheduling){ 0 };
	assert_int_equal(create(api, "r", "2", pair_of(api, "192.0.2.7", vip)), 200);
	assert_int_equal(
		switch_to(api, "r", "[{\"Value\":\"192.0.2.7\",\"State\":0,\"Interval\":-1}]"),
		200);
	assert_string_equal(statuses(api, "r"), "01");
	api_move_life(api, DAY_MS);
	engine(api);
	assert_string_equal(statuses(api, "r"), "01");
	/* What stays keeps its state; another type does, too. */
	assert_int_equal(CALL(api, "ModifySchedulerRule", "RuleName", "r", "RuleType", "6", "Rules",
				 arena_print(api->fixture, "[%s,%s]", value(api, "192.0.2.7", 6),
					 value(api, vip, 1))),
		200);
	assert_string_equal(statuses(api, "r"), "01");
	assert_int_equal(switch_to(api, "r", "[{\"Value\":\"192.0.2.7\",\"State\":1}]"), 400);
	expect(api, "InvalidParameter", "RuleType must be 6");
	assert_int_equal(
		CALL(api, "SwitchSchedulerRule", "RuleName", "r", "RuleType", "6", "SwitchData",
			"[{\"Value\":\"192.0.2.7\",\"State\":1,\"Interval\":5}]"),
		200);
	assert_string_equal(statuses(api, "r"), "01");
	api_move_life(api, 6 * MINUTE_MS);
	engine(api);
	assert_string_equal(statuses(api, "r"), "10");
	assert_int_equal(CALL(api, "DeleteSchedulerRule", "RuleName", "r"), 200);
	assert_int_equal(CALL(api, "DeleteSchedulerRule", "RuleName", "r"), 400);
	expect(api, "SchedulerRuleNotExist", "does not exist");
}

/* Forwarding ends seven days after expiry, and the instance a month after: with it its address. */
static void test_life(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *six = api_buy(api, "ddoscoo", "Ipv6");
	const char *rules = arena_print(api->fixture, "[%s,%s,%s]", value(api, "192.0.2.7", 2),
		value(api, vip_of(api, world->id), 1), value(api, vip_of(api, six), 1));

	scheduling = (struct scheduling){ 0 };
	assert_int_equal(create(api, "r", "2", rules), 200);
	assert_int_equal(
		create(api, "own", "2", pair_of(api, vip_of(api, six), vip_of(api, world->id))),
		200);
	assert_int_equal(
		switch_to(api, "r", "[{\"Value\":\"192.0.2.7\",\"State\":0,\"Interval\":-1}]"),
		200);
	assert_string_equal(statuses(api, "r"), "011");
	api_move_life(api, 39 * DAY_MS);
	assert_int_equal(CALL(api, "ReleaseInstance", "InstanceId", six), 200);
	assert_string_equal(statuses(api, "own"), "0");
	engine(api);
	/* Protected no more: better the resource than nothing. */
	assert_string_equal(statuses(api, "r"), "10");
	assert_string_equal(statuses(api, "own"), "0");
	assert_int_equal(CALL(api, "ReleaseInstance", "InstanceId", world->id), 200);
	assert_string_equal(statuses(api, "r"), "1");
	assert_int_equal(
		CALL(api, "DescribeSchedulerRules", "RuleName", "own", "PageSize", "10"), 200);
	assert_string_equal(api_text(api, "TotalCount"), "0");
}

/* Who has nothing to do with a rule. */
static void test_others(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *second = api_buy(api, "ddoscoo", "Ipv4"), *vip = vip_of(api, world->id);
	const char *rules = pair_of(api, "192.0.2.7", vip);
	struct api_key *limited =
		api_make_key(api, api->tenant.account, PERMISSION_FULL, &second, 1);

	assert_int_equal(create(api, "r", "2", rules), 200);
	assert_int_equal(create(api, "r", "2", rules), 400);
	expect(api, "SchedulerRuleExist", "exists");
	api->caller = &api->other;
	assert_int_equal(create(api, "r", "2", rules), 400);
	expect(api, "InvalidParameter", "Rules[1].Value");
	assert_int_equal(CALL(api, "DeleteSchedulerRule", "RuleName", "r"), 400);
	expect(api, "SchedulerRuleNotExist", "");
	assert_string_equal(statuses(api, "r"), "");
	api->caller = limited;
	assert_string_equal(statuses(api, "r"), "");
	assert_int_equal(create(api, "q", "2", rules), 400);
	expect(api, "InvalidParameter", "Rules[1].Value");
	/* Not even as a resource. */
	assert_int_equal(create(api, "q", "2", pair_of(api, vip, vip_of(api, second))), 400);
	expect(api, "InvalidParameter", "Rules");
	assert_int_equal(
		create(api, "q", "2", pair_of(api, "2001:db8::7", vip_of(api, second))), 200);
	assert_string_equal(statuses(api, "q"), "10");
	api->caller = &api->tenant;
	assert_int_equal(CALL(api, "DescribeSchedulerRules", "Domain", "q", "PageSize", "10"), 200);
	assert_string_equal(api_text(api, "TotalCount"), "1");
	/* What an operator does for one account is nothing to another that has a rule of the name. */
	api->caller = &api->other;
	rules = pair_of(api, "192.0.2.8", vip_of(api, api_buy(api, "ddoscoo", "Ipv4")));
	api->caller = &api->root;
	assert_int_equal(create(api, "r", "2", rules), 200);
	assert_int_equal(
		CALL(api, "ModifySchedulerRule", "RuleName", "r", "RuleType", "2", "Rules", rules),
		200);
	api->caller = &api->tenant;
	assert_int_equal(OWN(api, "DescribeAuditLog", "Object", "r"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	api->caller = &api->other;
	assert_int_equal(OWN(api, "DescribeAuditLog", "Object", "r"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 2);
}

static void test_refused(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *own = value(api, vip_of(api, world->id), 1);
	static const struct {
		const char *rules; /* "%" stands for the protected address */
		const char *named;
	} cases[] = {
		{ "{}", "Rules must be a JSON array" },
		{ "[]", "Rules must be a JSON array" },
		{ "[%]", "Rules must have a protected address" },
		{ "[%,7]", "Rules[1] must be an object" },
		{ "[%,{\"Type\":\"A\"}]", "Rules[1].Priority" },
		{ "[%,{\"Type\":\"A\",\"Value\":\"192.0.2.1\",\"Priority\":101,\"ValueType\":2,"
		  "\"RegionId\":\"r\"}]",
			"Rules[1].Priority must be 0..100" },
		{ "[%,{\"Type\":\"A\",\"Value\":\"192.0.2.1\",\"Priority\":1,\"ValueType\":3}]",
			"Rules[1].ValueType must be 1, or 2" },
		{ "[%,{\"Type\":\"A\",\"Value\":\"192.0.2.1\",\"Priority\":1,\"ValueType\":2}]",
			"Rules[1].RegionId is mandatory" },
		{ "[%,{\"Type\":\"B\",\"Value\":\"192.0.2.1\",\"Priority\":1,\"ValueType\":2,"
		  "\"RegionId\":\"r\"}]",
			"Rules[1].Type must be A or CNAME" },
		{ "[%,{\"Type\":\"A\",\"Value\":\"192.0.2\",\"Priority\":1,\"ValueType\":2,"
		  "\"RegionId\":\"r\"}]",
			"Rules[1].Value is not an IP address" },
		{ "[%,{\"Type\":\"CNAME\",\"Value\":\"a_b.example.com\",\"Priority\":1,"
		  "\"ValueType\":2,\"RegionId\":\"r\"}]",
			"Rules[1].Value may have letters" },
		{ "[%,{\"Type\":\"A\",\"Value\":\"192.0.2.1\",\"Priority\":1,\"ValueType\":2,"
		  "\"RegionId\":\"r\",\"RestoreDelay\":29}]",
			"Rules[1].RestoreDelay must be 30.." },
		{ "[%,%]", "is there twice" },
		{ "[%,{\"Type\":\"A\",\"Value\":\"192.0.2.1\",\"Priority\":1,\"ValueType\":2,"
		  "\"RegionId\":\"r\"},{\"Type\":\"CNAME\",\"Value\":\"a.example\",\"Priority\":1,"
		  "\"ValueType\":2,\"RegionId\":\"r\"}]",
			"Rules[2].Type must be A, as that of Rules[1]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char rules[2048] = "";

		for (const char *at = cases[i].rules; *at; at++)
			(void)snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules),
				*at == '%' ? "%s" : "%.1s", *at == '%' ? own : at);
		assert_int_equal(create(api, "r", "2", rules), 400);
		if (!strstr(api_text(api, "Message"), cases[i].named))
			fail_msg("%s: %s", rules, api_text(api, "Message"));
	}
	assert_int_equal(create(api, "r", "4", pair_of(api, "192.0.2.1", "192.0.2.2")), 400);
	expect(api, "InvalidParameter", "RuleType must be");
	assert_int_equal(
		create(api, "r", "5",
			arena_print(api->fixture, "[%s,%s]", value(api, "a.cdn.example", 5), own)),
		400);
	expect(api, "MissingParameter", "Param");
}

/* So many reports, each of such a time with so many requests a second at the site, and a turn of the engine after some. */
static void report_requests(struct api *api, struct attacks *attacks,
	struct record_site_traffic *traffic, int reports, int64_t each_ms, unsigned rate, int turn)
{
	struct arena *mem = arena_new((size_t)64 << 20);

	assert_non_null(mem);
	for (int i = 1; i <= reports; i++) {
		struct tick tick = {
			.db = api->db, .mem = mem, .attacks = attacks, .scheduling = &scheduling
		};

		api->clock_ms += each_ms;
		traffic->counter.requests += (uint64_t)(each_ms / SECOND_MS) * rate;
		report_start(&report, 1);
		report_add(&report, traffic, sizeof(*traffic));
		assert_int_equal(report_send(&report, api->gateway.nodes, "n", api->clock_ms), OK);
		if (i % turn != 0)
			continue;
		tick.now_ms = tick.clock_ms = api->clock_ms;
		arena_reset(mem);
		assert_int_equal(steps_run(&tick), OK);
	}
	arena_free(mem);
}

static void serve(struct api *api, struct attacks *attacks, struct record_site_traffic *traffic,
	int minutes, unsigned rate)
{
	report_requests(api, attacks, traffic, 3 * minutes, 20 * SECOND_MS, rate, 3);
}

/* The same with few requests, by fewer reports and turns. */
static void serve_calmly(
	struct api *api, struct attacks *attacks, struct record_site_traffic *traffic, int minutes)
{
	report_requests(api, attacks, traffic, minutes, MINUTE_MS, 50, 5);
}

/* A site behind a CDN that takes over above a number of requests; figures of it are told by "traffic". */
static void cdn_begin(
	struct world *world, struct attacks *attacks, struct record_site_traffic *traffic)
{
	static const char param[] = "{\"ParamType\":\"cdn\",\"ParamData\":{\"Domain\":\"" DOMAIN
				    "\",\"Cname\":\"www.cdn.example\",\"AccessQps\":100}}";
	static const struct engine_settings settings = { .blackhole = false };
	struct api *api = &world->api;
	const char *rules = arena_print(api->fixture, "[%s,%s]", value(api, "www.cdn.example", 5),
		value(api, vip_of(api, world->id), 1));
	struct website website;

	*traffic = (struct record_site_traffic){ RECORD_HEAD(
		RECORD_SITE_TRAFFIC, 0, record_site_traffic) };
	scheduling = (struct scheduling){ 0 };
	attacks_init(attacks, api->gateway.nodes, &settings);
	web_create(api, world->id, DOMAIN);
	assert_int_equal(website_load(api->db, api->fixture, 0, DOMAIN, &website), OK);
	traffic->record.id = traffic->counter.number = (uint32_t)website.number;
	assert_int_equal(CALL(api, "CreateSchedulerRule", "RuleName", "cdn", "RuleType", "5",
				 "Rules", rules, "Param", param),
		200);
}

static void test_requests(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static struct attacks attacks;
	struct record_site_traffic traffic;

	cdn_begin(world, &attacks, &traffic);
	/* 10:00, which is 18:00 in UTC+8. */
	serve(api, &attacks, &traffic, 5, 90);
	assert_string_equal(statuses(api, "cdn"), "10");
	serve(api, &attacks, &traffic, 2, 150);
	assert_string_equal(statuses(api, "cdn"), "10");
	serve(api, &attacks, &traffic, 2, 150);
	assert_string_equal(statuses(api, "cdn"), "01");
	/* Twelve calm hours end at night. */
	serve(api, &attacks, &traffic, 13 * 60, 50);
	assert_string_equal(statuses(api, "cdn"), "01");
	serve(api, &attacks, &traffic, 60, 50);
	assert_string_equal(statuses(api, "cdn"), "10");
	/* By an order; too many requests do not undo it. */
	serve(api, &attacks, &traffic, 5, 150);
	assert_string_equal(statuses(api, "cdn"), "01");
	assert_int_equal(CALL(api, "SwitchSchedulerRule", "RuleName", "cdn", "RuleType", "5",
				 "SwitchData", "[{\"Value\":\"www.cdn.example\",\"State\":1}]"),
		200);
	assert_string_equal(statuses(api, "cdn"), "10");
	serve(api, &attacks, &traffic, 5, 150);
	assert_string_equal(statuses(api, "cdn"), "10");
	attacks_free(&attacks);
}

/* Another control, which remembers no figures. */
static void begin_anew(struct api *api, struct attacks *attacks)
{
	const struct engine_settings settings = { .blackhole = false };

	scheduling = (struct scheduling){ 0 };
	attacks_free(attacks);
	nodes_free(api->gateway.nodes);
	api->gateway.nodes = nodes_new();
	attacks_init(attacks, api->gateway.nodes, &settings);
}

/* Calm hours go on over a restart of the control, unless it was away for long. */
static void test_calm_over_restarts(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static struct attacks attacks;
	struct record_site_traffic traffic;

	cdn_begin(world, &attacks, &traffic);
	/* 19:00 UTC: the twelve hours end by day. */
	api->clock_ms += 9 * HOUR_MS;
	serve(api, &attacks, &traffic, 10, 150);
	assert_string_equal(statuses(api, "cdn"), "01");
	serve_calmly(api, &attacks, &traffic, 6 * 60);
	begin_anew(api, &attacks);
	api->clock_ms += 3 * MINUTE_MS;
	serve_calmly(api, &attacks, &traffic, 5 * 60);
	assert_string_equal(statuses(api, "cdn"), "01");
	serve_calmly(api, &attacks, &traffic, 70);
	assert_string_equal(statuses(api, "cdn"), "10");
	/* Left again; what was not watched for an hour is not calm. */
	serve(api, &attacks, &traffic, 10, 150);
	assert_string_equal(statuses(api, "cdn"), "01");
	api->clock_ms += 12 * HOUR_MS;
	serve_calmly(api, &attacks, &traffic, 6 * 60);
	begin_anew(api, &attacks);
	api->clock_ms += HOUR_MS;
	serve_calmly(api, &attacks, &traffic, 7 * 60);
	assert_string_equal(statuses(api, "cdn"), "01");
	serve_calmly(api, &attacks, &traffic, 6 * 60);
	assert_string_equal(statuses(api, "cdn"), "10");
	attacks_free(&attacks);
}

static void test_linkage(void **state)
{
	static const char param[] =
		"{\"ParamType\":\"cdn\",\"ParamData\":{\"Domain\":\"WWW.example.com\","
		"\"Cname\":\"www.cdn.example\",\"AccessQps\":500}}";
	struct world *world = *state;
	struct api *api = &world->api;
	const char *rules = arena_print(api->fixture, "[%s,%s]", value(api, "www.cdn.example", 5),
		value(api, vip_of(api, world->id), 1));

	assert_int_equal(CALL(api, "CreateSchedulerRule", "RuleName", "cdn", "RuleType", "5",
				 "Rules", rules, "Param", param),
		200);
	assert_int_equal(
		CALL(api, "DescribeCdnLinkageRules", PAGE, "Domain", "www.example.com"), 200);
	assert_string_equal(api_text(api, "TotalCount"), "1");
	assert_int_equal(api_int(api, "SchedulerRules.0.CdnLinkageEnable"), 0);
	assert_int_equal(
		api_int(api, "SchedulerRules.0.CdnLinkageRule.Param.ParamData.AccessQps"), 500);
	assert_int_equal(
		CALL(api, "DescribeCdnLinkageRules", PAGE, "Domain", "b.example.com"), 200);
	assert_string_equal(api_text(api, "TotalCount"), "0");
	assert_string_equal(statuses(api, "cdn"), "10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_cdn),
		cmocka_unit_test_setup_teardown(test_attacked_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calm_over_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_linkage, setup, teardown),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
