/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a second a pass over all scheduling rules begins, and goes on in batches, tick by tick. "due" works out a batch and
 * writes nothing; when a state became another one, "run" works it out again in its own transaction and writes. So rules that
 * stay as they are, which is nearly all of them nearly always, cost a few index lookups.
 *
 * Rules of a CDN are looked at once a minute, since their figures are of minutes. Of the calm hours after which one is returned
 * to, the store has since when they last: figures in memory are those of this control alone. Each minute the last hour is looked
 * at. Calm goes on over a restart, as over any time in which nobody watched, if that was short.
 */
#include "control/engine/scheduling.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/engine/attacks.h"
#include "control/engine/statistics.h"
#include "control/engine/volumes.h"
#include "control/store/scheduler.h"

#define PASS_EVERY_MS SECOND_MS
#define BATCH	      200
#define SCRUBBED_MS   HOUR_MS /* published: no attack in so long */
#define ANSWERS_BYTES 8192    /* of a record: 20 domains and their quotes */
#define CALM_MS	      (SCHEDULER_CALM_MINUTES * MINUTE_MS)
/* An upgrade of the control, a restart of the machine: what is not watched for so long is taken as what it was before. */
#define UNWATCHED_MS (10 * MINUTE_MS)

/* ---- a CDN */

/* Room for the figures of one rule after the other; NULL until one asks. */
struct figures {
	struct site_point *point;
	struct scheduler_minute *minute;
};

/* Minutes of the site up to the one that goes on, the newest last. */
static enum err load_minutes(const struct tick *tick, int64_t site, struct figures *figures)
{
	size_t count = SCHEDULER_CALM_MINUTES;

	if (!figures->point)
		figures->point = arena_array(tick->mem, count, sizeof(*figures->point));
	if (!figures->minute)
		figures->minute = arena_array(tick->mem, count, sizeof(*figures->minute));
	if (!figures->point || !figures->minute)
		return ERR_MEMORY;
	memset(figures->point, 0, count * sizeof(*figures->point));
	nodes_site_series(tick->attacks->nodes, site,
		tick->clock_ms / MINUTE_MS * MINUTE_MS - CALM_MS, MINUTE_MS, figures->point, count);
	for (size_t i = 0; i < count; i++)
		figures->minute[i] = (struct scheduler_minute){ figures->point[i].requests,
			figures->point[i].attacks };
	return OK;
}

static bool is_left(const struct scheduler_rule *rule)
{
	for (size_t i = 0; i < rule->resource_count; i++)
		if (rule->resource[i].state.away)
			return true;
	return false;
}

/* Since when it is calm, of a rule that is left: others have nothing to return to, and nothing to write. */
static int64_t calm_since(const struct tick *tick, const struct scheduler_rule *rule,
	const struct scheduler_minute minute[SCHEDULER_CALM_MINUTES], int64_t heard_ms)
{
	int64_t hour_ms = tick->clock_ms - CALM_MS;

	if (!is_left(rule) || tick->scheduling->unwatched || !scheduler_cdn_calm(rule, minute))
		return 0;
	if (rule->calm_ms != 0 && rule->calm_ms <= tick->clock_ms)
		return rule->calm_ms;
	return heard_ms > hour_ms ? heard_ms : hour_ms;
}

static enum err look_at_requests(const struct tick *tick, struct scheduler_rule *rule,
	struct figures *figures, struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX])
{
	int64_t site, first_ms, last_ms;
	bool over, withholds;

	TRY(scheduler_website(tick->db, rule, &site));
	TRY(scheduler_scrubbed(tick->db, rule, tick->clock_ms - SCRUBBED_MS, &withholds));
	TRY(load_minutes(tick, site, figures));
	nodes_heard(tick->attacks->nodes, &first_ms, &last_ms);
	over = site != 0 &&
	       scheduler_cdn_over(&figures->minute[SCHEDULER_CALM_MINUTES - SCHEDULER_OVER_MINUTES],
		       rule->access_qps);
	rule->calm_ms = calm_since(tick, rule, figures->minute, first_ms);
	/* Without a site of ours there are no figures that could withhold anything. */
	withholds |= site != 0 && !scheduler_cdn_returns(rule, tick->clock_ms);
	for (size_t i = 0; i < rule->resource_count; i++) {
		signal[i].attacked |= over;
		signal[i].withholds = withholds;
		signal[i].unknown = false;
	}
	return OK;
}

/* ---- a rule */

static void keep_answered(const struct scheduler_rule *rule, bool out[SCHEDULER_RESOURCE_MAX])
{
	for (size_t i = 0; i < rule->resource_count; i++)
		out[i] = rule->resource[i].state.answered;
}

static const char *answers(struct arena *mem, const struct scheduler_rule *rule, const bool *set)
{
	struct text text;
	bool first = true;

	text_init(&text, mem, ANSWERS_BYTES);
	/* Addresses and domains: nothing in them is to be escaped. */
	for (size_t i = 0; i < rule->resource_count; i++) {
		if (!set[i])
			continue;
		text_print(&text, "%s\"%s\"", first ? "" : ",", rule->resource[i].value);
		first = false;
	}
	return text.failed ? NULL : text.data ? text.data : "";
}

static enum err record(
	struct tick *tick, const struct scheduler_rule *rule, const bool *before, const bool *after)
{
	const char *old = answers(tick->mem, rule, before), *new = answers(tick->mem, rule, after);
	const char *detail = NULL;

	if (old && new)
		detail = arena_print(tick->mem,
			"{\"oldEntity\":{\"answers\":[%s]},\"newEntity\":{\"answers\":[%s]}}", old,
			new);
	if (!detail)
		return ERR_MEMORY;
	return audit_append(tick->db, &(struct audit_row){ .time_ms = tick->clock_ms,
					      .account = rule->account,
					      .actor = "engine",
					      .request_id = "",
					      .action = "engine.scheduler_switch",
					      .object = rule->name,
					      .detail = detail });
}

/* figures NULL: nobody looks at requests now. */
static enum err look_at(const struct tick *tick, struct figures *figures,
	struct scheduler_rule *rule, bool *changed)
{
	const struct scheduler_times times = { tick->now_ms, tick->clock_ms };
	struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];
	int64_t calm_ms = rule->calm_ms;

	*changed = false;
	if (rule->type == SCHEDULER_CDN && !figures)
		return OK;
	TRY(scheduler_signals(tick->db, rule, &times, signal));
	if (rule->type == SCHEDULER_CDN)
		TRY(look_at_requests(tick, rule, figures, signal));
	*changed = scheduler_step(rule, signal, tick->now_ms) || rule->calm_ms != calm_ms;
	return OK;
}

static enum err write(struct tick *tick, const struct scheduler_rule *rule, const bool *before)
{
	bool after[SCHEDULER_RESOURCE_MAX] = { false }, renamed = false;

	keep_answered(rule, after);
	for (size_t i = 0; i < rule->resource_count; i++)
		renamed |= before[i] != after[i];
	TRY(scheduler_put_state(tick->db, rule, renamed));
	return renamed ? record(tick, rule, before, after) : OK;
}

/* ---- a batch */

/* writer NULL: stops at the first rule whose state became another one. */
static enum err look_at_batch(
	const struct tick *tick, struct scheduling *pass, struct tick *writer, bool *changed)
{
	struct figures figures = { NULL, NULL };
	int64_t *number;
	size_t count;

	*changed = false;
	TRY(scheduler_numbers(tick->db, tick->mem, pass->after, BATCH, &number, &count));
	pass->newest = count > 0 ? number[count - 1] : pass->after;
	pass->ended = count < BATCH;
	for (size_t i = 0; i < count; i++) {
		bool before[SCHEDULER_RESOURCE_MAX] = { false }, is_other;
		struct scheduler_rule rule;

		TRY(scheduler_load_number(tick->db, tick->mem, number[i], &rule));
		keep_answered(&rule, before);
		TRY(look_at(tick, pass->with_requests ? &figures : NULL, &rule, &is_other));
		if (!is_other)
			continue;
		*changed = true;
		if (!writer)
			return OK;
		TRY(write(writer, &rule, before));
	}
	return OK;
}

static void advance(struct scheduling *pass)
{
	pass->after = pass->ended ? 0 : pass->newest;
}

/* false: the pass before has ended, and it is too early for another one. */
static bool go_on(const struct tick *tick, struct scheduling *pass)
{
	int64_t minute = tick->clock_ms / MINUTE_MS, first_ms = 0, last_ms = 0;

	if (pass->after != 0)
		return true;
	if (tick->clock_ms >= pass->began_ms && tick->clock_ms - pass->began_ms < PASS_EVERY_MS)
		return false;
	pass->began_ms = tick->clock_ms;
	if (tick->attacks)
		nodes_heard(tick->attacks->nodes, &first_ms, &last_ms);
	/* Before a node told anything nobody knows what decides. */
	pass->with_requests = last_ms != 0 && minute != pass->minute;
	if (!pass->with_requests)
		return true;
	pass->unwatched = tick->clock_ms < pass->watched_ms ||
			  tick->clock_ms - pass->watched_ms > UNWATCHED_MS;
	pass->watched_ms = last_ms;
	pass->minute = minute;
	return true;
}

enum err scheduling_due(const struct tick *tick, bool *out)
{
	*out = false;
	if (!tick->scheduling)
		return OK;
	/* At the first tick, before this engine writes that it is alive. */
	if (tick->scheduling->watched_ms == 0)
		TRY(steps_last_clock(tick->db, &tick->scheduling->watched_ms));
	if (!go_on(tick, tick->scheduling))
		return OK;
	TRY(look_at_batch(tick, tick->scheduling, NULL, out));
	if (!*out)
		advance(tick->scheduling);
	return OK;
}

enum err scheduling_run(struct tick *tick)
{
	bool changed;

	return look_at_batch(tick, tick->scheduling, tick, &changed);
}

void scheduling_done(struct tick *tick)
{
	advance(tick->scheduling);
}
