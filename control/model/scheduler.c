/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each resource is a small automaton. A signal leaves it at once; it is returned to when there was none for the whole of its
 * delay. What is kept is since when it is quiet, so that nothing is written while an attack goes on. A clock that was set
 * back begins the delay anew.
 *
 * What the name answers is worked out from that for each IP version by itself: an attack on the IPv4 address leaves IPv6
 * clients where they are. Of those that can be answered the highest priority is. A CNAME stands alone in the DNS, so that
 * resources of a rule are either all named or all addresses.
 */
#include "control/model/scheduler.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Published. */
#define CALM_PERCENT	  80 /* of the threshold */
#define REFUSED_PERCENT	  10
#define DAY_BEGINS_HOUR	  8
#define DAY_ENDS_HOUR	  23
#define OVER_IN_A_ROW	  3
#define OVER_OF_ALL	  6 /* more than */
#define HOUR_OFFSET	  8 /* hours are those of UTC+8 */
#define CALM_HOURS	  12
#define SECONDS_OF_MINUTE 60

bool scheduler_type_valid(int64_t type)
{
	return type == SCHEDULER_TIERED || type == SCHEDULER_ACCELERATION ||
	       type == SCHEDULER_CDN || type == SCHEDULER_CLOUD || type == SCHEDULER_SECURE;
}

/* ---- one resource */

static void step_held(struct scheduler_state *state, int64_t now_ms)
{
	state->away = true;
	if (state->back_ms == 0 || now_ms < state->back_ms)
		return;
	*state = (struct scheduler_state){ .mode = SCHEDULER_EXCUSED };
}

static void step_resource(struct scheduler_state *state, const struct scheduler_signal *signal,
	int64_t delay_ms, int64_t now_ms)
{
	if (state->mode == SCHEDULER_HELD)
		step_held(state, now_ms);
	if (state->mode == SCHEDULER_HELD)
		return;
	if (state->mode == SCHEDULER_EXCUSED && !signal->attacked && !signal->blackholed &&
		!signal->unknown)
		state->mode = SCHEDULER_AUTOMATIC;
	/* Nobody can excuse a blackhole: what is in there answers nothing. */
	if (signal->blackholed || (signal->attacked && state->mode == SCHEDULER_AUTOMATIC)) {
		state->away = true;
		state->quiet_ms = 0;
		return;
	}
	if (!state->away || signal->unknown)
		return;
	if (state->quiet_ms == 0 || now_ms < state->quiet_ms)
		state->quiet_ms = now_ms;
	if (now_ms - state->quiet_ms < delay_ms || signal->withholds)
		return;
	state->away = false;
	state->quiet_ms = 0;
}

void scheduler_leave(struct scheduler_state *state)
{
	state->mode = SCHEDULER_HELD;
	state->away = true;
	state->quiet_ms = state->back_ms = 0;
}

void scheduler_return(struct scheduler_state *state, int64_t back_ms, int64_t now_ms)
{
	if (!state->away)
		return;
	state->mode = SCHEDULER_HELD;
	state->quiet_ms = 0;
	state->back_ms = back_ms;
	step_held(state, now_ms);
}

/* ---- what is answered */

#define VERSIONS 2 /* of IP: index 0 is version 4 */

struct choice {
	struct scheduler_rule *rule;
	const struct scheduler_signal *signal;
};
/* Who may be answered, from the strictest. */
enum strictness {
	AT_HOME,  /* resources that are not left */
	ALIVE,	  /* what is in no blackhole */
	FORWARDED /* whatever packets are forwarded of */
};

static bool serves(const struct scheduler_resource *resource, int version)
{
	return resource->named || address_is_ipv4(resource->address) == (version == 0);
}

static bool is_candidate(const struct choice *choice, size_t i, bool protected, int version,
	enum strictness strictness)
{
	const struct scheduler_resource *resource = &choice->rule->resource[i];

	if ((resource->value_type == SCHEDULER_PROTECTED) != protected ||
		!serves(resource, version) || !choice->signal[i].forwards)
		return false;
	if (strictness == AT_HOME)
		return !resource->state.away;
	return strictness == FORWARDED || !choice->signal[i].blackholed;
}

/* The candidates of the highest priority are answered, of names one; false: there are none. */
static bool answer(
	const struct choice *choice, bool protected, int version, enum strictness strictness)
{
	struct scheduler_rule *rule = choice->rule;
	int64_t highest = -1;

	for (size_t i = 0; i < rule->resource_count; i++) {
		if (is_candidate(choice, i, protected, version, strictness) &&
			rule->resource[i].priority > highest)
			highest = rule->resource[i].priority;
	}
	for (size_t i = 0; highest >= 0 && i < rule->resource_count; i++) {
		if (rule->resource[i].priority != highest ||
			!is_candidate(choice, i, protected, version, strictness))
			continue;
		rule->resource[i].state.answered = true;
		if (rule->resource[i].named)
			break;
	}
	return highest >= 0;
}

static bool has_resource(const struct scheduler_rule *rule, int version)
{
	for (size_t i = 0; i < rule->resource_count; i++) {
		if (rule->resource[i].value_type != SCHEDULER_PROTECTED &&
			serves(&rule->resource[i], version))
			return true;
	}
	return false;
}

static bool is_named(const struct scheduler_rule *rule)
{
	for (size_t i = 0; i < rule->resource_count; i++) {
		if (rule->resource[i].named)
			return true;
	}
	return false;
}

/* In this order: better what is attacked than nothing. */
static const struct {
	bool protected;
	enum strictness strictness;
} stages[] = {
	{ false, AT_HOME },
	{ true, ALIVE },
	{ false, ALIVE },
	{ true, FORWARDED },
	{ false, FORWARDED },
};

static void choose(const struct choice *choice)
{
	struct scheduler_rule *rule = choice->rule;
	bool answered[VERSIONS] = { false };

	for (size_t i = 0; i < rule->resource_count; i++)
		rule->resource[i].state.answered = false;
	for (size_t stage = 0; stage < sizeof(stages) / sizeof(stages[0]); stage++) {
		for (int version = 0; version < VERSIONS; version++)
			answered[version] =
				answered[version] || answer(choice, stages[stage].protected,
							     version, stages[stage].strictness);
		/* A name stands for both versions, and beside no address. */
		if (is_named(rule) && (answered[0] || answered[1]))
			return;
		/* A version without resources follows the other one. */
		for (int version = 0; stage == 0 && version < VERSIONS; version++)
			answered[version] |= !has_resource(rule, version) && answered[1 - version];
	}
}

/* ---- a rule */

static bool equal(const struct scheduler_state *a, const struct scheduler_state *b)
{
	return a->mode == b->mode && a->away == b->away && a->answered == b->answered &&
	       a->quiet_ms == b->quiet_ms && a->back_ms == b->back_ms;
}

bool scheduler_step(struct scheduler_rule *rule,
	const struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX], int64_t now_ms)
{
	const struct choice choice = { rule, signal };
	struct scheduler_state before[SCHEDULER_RESOURCE_MAX] = { 0 };
	bool changed = false;

	for (size_t i = 0; i < rule->resource_count; i++) {
		struct scheduler_resource *resource = &rule->resource[i];

		before[i] = resource->state;
		if (resource->value_type != SCHEDULER_PROTECTED)
			step_resource(&resource->state, &signal[i],
				resource->delay_minutes * MINUTE_MS, now_ms);
	}
	choose(&choice);
	for (size_t i = 0; i < rule->resource_count; i++)
		changed |= !equal(&before[i], &rule->resource[i].state);
	return changed;
}

/* Whether the same requests are few to both. */
static bool asks_the_same(const struct scheduler_rule *a, const struct scheduler_rule *b)
{
	return a->domain && b->domain && strcmp(a->domain, b->domain) == 0 &&
	       a->access_qps == b->access_qps && a->upstream_qps == b->upstream_qps;
}

void scheduler_keep_state(const struct scheduler_rule *before, struct scheduler_rule *after)
{
	if (asks_the_same(before, after))
		after->calm_ms = before->calm_ms;
	for (size_t i = 0; i < after->resource_count; i++) {
		struct scheduler_resource *resource = &after->resource[i];

		for (size_t j = 0; j < before->resource_count; j++) {
			const struct scheduler_resource *old = &before->resource[j];

			if (strcmp(old->value, resource->value) == 0 &&
				(old->value_type == SCHEDULER_PROTECTED) ==
					(resource->value_type == SCHEDULER_PROTECTED))
				resource->state = old->state;
		}
	}
}

bool scheduler_all_blackholed(const struct scheduler_rule *rule,
	const struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX])
{
	size_t resources = 0;

	for (size_t i = 0; i < rule->resource_count; i++) {
		if (rule->resource[i].value_type == SCHEDULER_PROTECTED)
			continue;
		if (!signal[i].blackholed)
			return false;
		resources++;
	}
	return resources > 0;
}

/* ---- a CDN */

bool scheduler_cdn_over(const struct scheduler_minute minute[SCHEDULER_OVER_MINUTES], int64_t qps)
{
	int over = 0, in_a_row = 0;

	for (size_t i = 0; i < SCHEDULER_OVER_MINUTES; i++) {
		bool is_over = minute[i].requests > (uint64_t)qps * SECONDS_OF_MINUTE;

		over += is_over;
		in_a_row = is_over ? in_a_row + 1 : 0;
	}
	return in_a_row >= OVER_IN_A_ROW || over > OVER_OF_ALL;
}

/* Rates of what is refused are of an hour: a minute at night may have one request. */
bool scheduler_cdn_calm(const struct scheduler_rule *rule,
	const struct scheduler_minute minute[SCHEDULER_CALM_MINUTES])
{
	uint64_t most = rule->upstream_qps > 0 ? (uint64_t)rule->upstream_qps * SECONDS_OF_MINUTE
					       : (uint64_t)rule->access_qps * SECONDS_OF_MINUTE *
							 CALM_PERCENT / 100;
	uint64_t requests = 0, refused = 0;

	for (size_t i = 0; i < SCHEDULER_CALM_MINUTES; i++) {
		if (minute[i].requests > 0 && minute[i].requests >= most)
			return false;
		requests += minute[i].requests;
		refused += minute[i].refused;
	}
	return refused == 0 || refused * 100 < requests * REFUSED_PERCENT;
}

bool scheduler_cdn_returns(const struct scheduler_rule *rule, int64_t clock_ms)
{
	int64_t hour = (clock_ms / HOUR_MS + HOUR_OFFSET) % 24;

	return rule->calm_ms != 0 && clock_ms - rule->calm_ms >= CALM_HOURS * HOUR_MS &&
	       hour >= DAY_BEGINS_HOUR && hour < DAY_ENDS_HOUR;
}
