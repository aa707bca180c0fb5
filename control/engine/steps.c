/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine does by itself, as a table of steps. Each has a question, asked in a read
 * transaction that all share and that costs a few index lookups, and a run, made in a write
 * transaction of its own and bounded by ENGINE_BATCH. What a run decides, it decides on rows read
 * inside that transaction, so an order that commits at the same instant is either seen or comes
 * after.
 *
 * Renewal comes first: an instance that renews itself never gets as far as being told that it
 * expired, nor is it released because the control was off for a month. Whoever is released was told of his expiry before. So
 * these three end where one of them fails. Of all other steps one that fails keeps none from its turn: a row that cannot be
 * read must not end what is done about attacks.
 *
 * Notices keep a cursor (expiry, number) per kind: everything up to it was told. The cursor moves
 * in the transaction that tells, so a crash repeats nothing. When the clock was moved back, the
 * cursor is taken back too; what is then met again is known by its event and not told twice.
 */
#include "control/engine/steps.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/engine/attacks.h"
#include "control/engine/metering.h"
#include "control/engine/scenes.h"
#include "control/engine/scheduling.h"
#include "control/engine/smart.h"
#include "control/model/lifecycle.h"
#include "control/store/instance.h"
#include "control/store/metering.h"
#include "control/store/query.h"

/* Changes kept for nodes that are behind; beyond, a full snapshot is not much more than a
 * difference. */
#define CHANGE_KEEP    20000
#define PRUNE_EVERY_MS MINUTE_MS

struct step {
	const char *name;
	enum err (*due)(const struct tick *tick, bool *out);
	enum err (*run)(struct tick *tick);
	void (*done)(struct tick *tick); /* after the commit of run; NULL: nothing is to do */
	bool life_cycle;		 /* not behind another of the life cycle that failed */
};

/* ---- shared by the steps */

enum err tick_exists(const struct tick *tick, const char *sql, const struct value *values,
	size_t count, bool *out)
{
	int64_t one;
	enum err err = select_int(tick->db, sql, values, count, &one);

	*out = err == OK;
	return err == ERR_NOT_FOUND ? OK : err;
}

enum err tick_instances(struct tick *tick, const char *sql, const struct value *values,
	size_t value_count, struct instance **out, size_t *count)
{
	struct instance *rows = arena_array(tick->mem, ENGINE_BATCH, sizeof(*rows));
	struct cursor cursor;
	enum err err = OK;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	TRY(db_select(tick->db, sql, values, value_count, &cursor));
	while (err == OK && used < ENGINE_BATCH && db_next(&cursor))
		err = instance_row(&cursor, tick->mem, &rows[used++]);
	db_done(&cursor);
	TRY(err);
	TRY(cursor.err);
	if (used == ENGINE_BATCH)
		tick->more = true;
	*out = rows;
	*count = used;
	return OK;
}

enum err tick_record(
	struct tick *tick, const struct instance *instance, const char *action, const char *detail)
{
	if (!detail)
		return ERR_MEMORY;
	return audit_append(tick->db, &(struct audit_row){
					      .time_ms = tick->clock_ms,
					      .account = instance->account,
					      .actor = "engine",
					      .request_id = "",
					      .action = action,
					      .object = instance->id,
					      .detail = detail,
				      });
}

enum err tick_event(struct tick *tick, const struct instance *instance, const char *kind,
	int64_t occasion_ms, const char *detail, bool *inserted)
{
	if (!detail)
		return ERR_MEMORY;
	return event_insert(tick->db, instance->account, instance->id, kind, occasion_ms,
		tick->now_ms, detail, inserted);
}

/* Of the life cycle: an event belongs to one expiry. */
static enum err tell_event(struct tick *tick, const struct instance *instance, const char *kind,
	const char *detail, bool *inserted)
{
	return tick_event(tick, instance, kind, instance->expire_ms, detail, inserted);
}

static const char *expiry_detail(struct tick *tick, int64_t expire_ms)
{
	return arena_print(tick->mem, "{\"expireTime\":%lld}", (long long)expire_ms);
}

enum err tick_state_get(struct db *db, const char *name, int64_t *first, int64_t *second)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT first, second FROM engine_state WHERE name = $1",
		(const struct value[]){ V_TEXT(name) }, 1, &cursor));
	*first = INT64_MIN;
	*second = 0;
	if (db_next(&cursor)) {
		*first = db_int(&cursor, 0);
		*second = db_int(&cursor, 1);
	}
	db_done(&cursor);
	return cursor.err;
}

enum err tick_state_put(struct db *db, const char *name, int64_t first, int64_t second)
{
	return db_run(db,
		"INSERT INTO engine_state (name, first, second) VALUES ($1, $2, $3)"
		" ON CONFLICT (name) DO UPDATE SET first = excluded.first, second = "
		"excluded.second",
		(const struct value[]){ V_TEXT(name), V_INT(first), V_INT(second) }, 3, NULL);
}

/* ---- automatic renewal */

#define RENEWAL_WHERE " FROM instance WHERE renewal = $1 AND expire_ms <= $2"

static enum err renewal_due(const struct tick *tick, bool *out)
{
	return tick_exists(tick, "SELECT 1" RENEWAL_WHERE " LIMIT 1",
		(const struct value[]){
			V_INT(RENEWAL_AUTO), V_INT(tick->now_ms + LIFECYCLE_AUTO_RENEW_MS) },
		2, out);
}

static enum err renew(struct tick *tick, struct instance *instance)
{
	int months = instance->renewal_months > 0 ? (int)instance->renewal_months : 1;
	int64_t old_ms = instance->expire_ms, new_ms = old_ms, order;
	int64_t elastic = instance->plan.elastic_bandwidth_gbps;
	bool mitigated = lifecycle_at(old_ms, tick->now_ms)->mitigation;

	do
		new_ms = lifecycle_renewed_expiry(new_ms, tick->now_ms, months);
	while (lifecycle_at(new_ms, tick->now_ms)->state != LIFECYCLE_NORMAL);
	/* First: an event belongs to the expiry that was in force. */
	TRY(tell_event(tick, instance, "renewed", expiry_detail(tick, new_ms), NULL));
	TRY(instance_set_expiry(tick->db, instance, new_ms));
	TRY(order_insert(tick->db, instance->account, "engine.renew", instance->id, NULL,
		tick->now_ms, &order));
	return tick_record(tick, instance, "engine.renew",
		arena_print(tick->mem,
			"{\"oldEntity\":{\"elasticBandwidth\":%lld,\"expireTime\":%lld},"
			"\"newEntity\":{\"elasticBandwidth\":%lld,\"expireTime\":%lld}}",
			(long long)(mitigated ? elastic : 0), (long long)old_ms, (long long)elastic,
			(long long)new_ms));
}

static enum err renewal_run(struct tick *tick)
{
	struct instance *instance;
	size_t count;

	TRY(tick_instances(tick,
		"SELECT " INSTANCE_COLUMNS RENEWAL_WHERE " ORDER BY expire_ms, number LIMIT $3",
		(const struct value[]){ V_INT(RENEWAL_AUTO),
			V_INT(tick->now_ms + LIFECYCLE_AUTO_RENEW_MS), V_INT(ENGINE_BATCH) },
		3, &instance, &count));
	for (size_t i = 0; i < count; i++)
		TRY(renew(tick, &instance[i]));
	if (count > 0)
		log_info("renewed %zu instances automatically", count);
	return OK;
}

/* ---- notices */

struct position {
	int64_t expire_ms, number;
};

static const char *notice_name(const struct lifecycle_notice *notice, char out[64])
{
	(void)snprintf(out, 64, "notice.%s", notice->kind);
	return out;
}

static enum err position_get(
	struct db *db, const struct lifecycle_notice *notice, struct position *out)
{
	char name[64];

	return tick_state_get(db, notice_name(notice, name), &out->expire_ms, &out->number);
}

#define NOTICE_WHERE " FROM instance WHERE (expire_ms, number) > ($1, $2) AND expire_ms <= $3"

static enum err one_notice_due(
	const struct tick *tick, const struct lifecycle_notice *notice, bool *out)
{
	int64_t until_ms = tick->now_ms - notice->from_ms;
	struct position told;

	TRY(position_get(tick->db, notice, &told));
	*out = told.expire_ms > until_ms; /* the clock went back */
	if (*out)
		return OK;
	return tick_exists(tick, "SELECT 1" NOTICE_WHERE " LIMIT 1",
		(const struct value[]){
			V_INT(told.expire_ms), V_INT(told.number), V_INT(until_ms) },
		3, out);
}

static enum err notices_due(const struct tick *tick, bool *out)
{
	*out = false;
	for (unsigned i = 0; i < lifecycle_notice_count && !*out; i++)
		TRY(one_notice_due(tick, &lifecycle_notices[i], out));
	return OK;
}

/* "Expires in 7 days" is not said of an instance that has 2 left: the next notice says it. */
static bool is_outdated(const struct tick *tick, unsigned notice, int64_t expire_ms)
{
	return lifecycle_notices[notice].from_ms < 0 && notice + 1 < lifecycle_notice_count &&
	       expire_ms + lifecycle_notices[notice + 1].from_ms <= tick->now_ms;
}

static enum err tell(struct tick *tick, unsigned index, const struct instance *instance)
{
	const struct lifecycle_notice *notice = &lifecycle_notices[index];
	bool inserted;

	if (is_outdated(tick, index, instance->expire_ms))
		return OK;
	TRY(tell_event(
		tick, instance, notice->kind, expiry_detail(tick, instance->expire_ms), &inserted));
	if (!inserted || notice->from_ms < 0)
		return OK;
	if (notice->from_ms == 0)
		return tick_record(tick, instance, "engine.expire",
			arena_print(tick->mem,
				"{\"oldEntity\":{\"elasticBandwidth\":%lld},"
				"\"newEntity\":{\"elasticBandwidth\":0}}",
				(long long)instance->plan.elastic_bandwidth_gbps));
	return tick_record(tick, instance, "engine.stop",
		"{\"oldEntity\":{\"enabled\":1},\"newEntity\":{\"enabled\":0}}");
}

static enum err notice_run(struct tick *tick, unsigned index)
{
	const struct lifecycle_notice *notice = &lifecycle_notices[index];
	int64_t until_ms = tick->now_ms - notice->from_ms;
	struct instance *instance;
	struct position told;
	char name[64];
	size_t count;

	TRY(position_get(tick->db, notice, &told));
	if (told.expire_ms > until_ms)
		return tick_state_put(tick->db, notice_name(notice, name), until_ms, INT64_MAX);
	TRY(tick_instances(tick,
		"SELECT " INSTANCE_COLUMNS NOTICE_WHERE " ORDER BY expire_ms, number LIMIT $4",
		(const struct value[]){ V_INT(told.expire_ms), V_INT(told.number), V_INT(until_ms),
			V_INT(ENGINE_BATCH) },
		4, &instance, &count));
	for (size_t i = 0; i < count; i++)
		TRY(tell(tick, index, &instance[i]));
	if (count == 0)
		return OK;
	return tick_state_put(tick->db, notice_name(notice, name), instance[count - 1].expire_ms,
		instance[count - 1].number);
}

static enum err notices_run(struct tick *tick)
{
	for (unsigned i = 0; i < lifecycle_notice_count; i++)
		TRY(notice_run(tick, i));
	return OK;
}

/* ---- automatic release */

#define RELEASE_WHERE " FROM instance WHERE expire_ms <= $1"

/* lifecycle_release_at(expire) <= now, turned so that the column stands alone. */
static int64_t release_before(const struct tick *tick)
{
	return tick->now_ms - lifecycle_release_at(0);
}

static enum err release_due(const struct tick *tick, bool *out)
{
	*out = false;
	if (tick->release_paused)
		return OK;
	return tick_exists(tick, "SELECT 1" RELEASE_WHERE " LIMIT 1",
		(const struct value[]){ V_INT(release_before(tick)) }, 1, out);
}

static enum err release(struct tick *tick, const struct instance *instance)
{
	TRY(instance_release(tick->db, instance, tick->now_ms));
	TRY(tell_event(tick, instance, "released", expiry_detail(tick, instance->expire_ms), NULL));
	return tick_record(tick, instance, "engine.release",
		arena_print(tick->mem,
			"{\"oldEntity\":{\"state\":\"stopped\",\"expireTime\":%lld},"
			"\"newEntity\":{\"state\":\"released\"}}",
			(long long)instance->expire_ms));
}

static enum err release_run(struct tick *tick)
{
	struct instance *instance;
	size_t count;

	TRY(tick_instances(tick,
		"SELECT " INSTANCE_COLUMNS RELEASE_WHERE " ORDER BY expire_ms, number LIMIT $2",
		(const struct value[]){ V_INT(release_before(tick)), V_INT(ENGINE_BATCH) }, 2,
		&instance, &count));
	for (size_t i = 0; i < count; i++)
		TRY(release(tick, &instance[i]));
	if (count > 0)
		log_info("released %zu instances thirty days after expiry", count);
	return OK;
}

/* ---- entries of lists that ended and wait for longer than until the next pruning */

static enum err entries_over_due(const struct tick *tick, bool *out)
{
	return tick_exists(tick, "SELECT 1 FROM list_entry WHERE until_ms <= $1 LIMIT 1",
		(const struct value[]){ V_INT(tick->clock_ms - PRUNE_EVERY_MS) }, 1, out);
}

static enum err entries_over_run(struct tick *tick)
{
	/* Behind a full batch there are more, which the next tick finds due. */
	tick->more = true;
	return list_entry_prune(tick->db, tick->clock_ms, ENGINE_BATCH);
}

/* ---- pruning; its row also tells until when an engine was alive */

static enum err prune_due(const struct tick *tick, bool *out)
{
	int64_t last_ms;

	TRY(steps_last_clock(tick->db, &last_ms));
	*out = tick->clock_ms < last_ms || tick->clock_ms - last_ms >= PRUNE_EVERY_MS;
	return OK;
}

static enum err prune_run(struct tick *tick)
{
	TRY(access_key_prune(tick->db, tick->clock_ms));
	TRY(list_entry_prune(tick->db, tick->clock_ms, ENGINE_BATCH));
	TRY(change_prune(tick->db, CHANGE_KEEP));
	TRY(attacks_prune(tick));
	TRY(metering_prune(tick->db, tick->clock_ms - METERING_KEEP_MS));
	return tick_state_put(tick->db, "prune", tick->clock_ms, 0);
}

enum err steps_last_clock(struct db *db, int64_t *out)
{
	int64_t first, second;

	TRY(tick_state_get(db, "prune", &first, &second));
	*out = first == INT64_MIN ? 0 : first;
	return OK;
}

/* ---- the table */

static const struct step steps[] = {
	{ "renewal", renewal_due, renewal_run, NULL, true },
	{ "notices", notices_due, notices_run, NULL, true },
	{ "release", release_due, release_run, NULL, true },
	{ "blackhole", blackhole_due, blackhole_run, NULL, false },
	{ "blackhole ends", blackhole_over_due, blackhole_over_run, NULL, false },
	{ "attacks", attack_records_due, attack_records_run, attack_records_done, false },
	{ "blackhole records end", blackhole_records_due, blackhole_records_run, NULL, false },
	{ "diversion ends", diversion_over_due, diversion_over_run, NULL, false },
	{ "offences", offences_due, offences_run, offences_done, false },
	{ "refusals", refusals_due, refusals_run, refusals_done, false },
	{ "scenes", scenes_begin_end_due, scenes_begin_end_run, NULL, false },
	{ "smart rules", smart_due, smart_run, NULL, false },
	{ "usual requests", usual_due, usual_run, usual_done, false },
	{ "rules end", rules_over_due, rules_over_run, NULL, false },
	{ "scheduling", scheduling_due, scheduling_run, scheduling_done, false },
	{ "metering", metering_due, metering_run, NULL, false },
	{ "entries end", entries_over_due, entries_over_run, NULL, false },
	{ "prune", prune_due, prune_run, NULL, false },
};
#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

/* What the steps came to in one tick. */
struct outcome {
	bool due[STEP_COUNT];
	bool life_cycle_failed;
	enum err first; /* failure */
};

static void failed(struct outcome *outcome, const struct step *step, enum err err)
{
	(void)fail(err, "engine step %s failed and is tried again", step->name);
	outcome->life_cycle_failed |= step->life_cycle;
	if (outcome->first == OK)
		outcome->first = err;
}

static enum err ask(const struct tick *tick, struct outcome *outcome)
{
	TRY(db_begin(tick->db, DB_READ));
	for (size_t i = 0; i < STEP_COUNT; i++) {
		enum err err = steps[i].due(tick, &outcome->due[i]);

		if (err == OK)
			continue;
		outcome->due[i] = false;
		failed(outcome, &steps[i], err);
	}
	return db_commit(tick->db);
}

/* A store that takes no transaction takes none of the others, either: that is returned. */
static enum err run(struct tick *tick, const struct step *step, struct outcome *outcome)
{
	TRY(db_begin(tick->db, DB_WRITE));

	enum err err = step->run(tick);

	if (err == OK) {
		TRY(db_commit(tick->db));
		if (step->done)
			step->done(tick);
		return OK;
	}
	db_rollback(tick->db);
	failed(outcome, step, err);
	return OK;
}

enum err steps_run(struct tick *tick)
{
	struct outcome outcome = { .first = OK };

	TRY(ask(tick, &outcome));
	for (size_t i = 0; i < STEP_COUNT; i++)
		if (outcome.due[i] && !(steps[i].life_cycle && outcome.life_cycle_failed))
			TRY(run(tick, &steps[i], &outcome));
	return outcome.first;
}

enum err steps_tell_pause(struct tick *tick)
{
	TRY(db_begin(tick->db, DB_WRITE));

	/* Of no account and no instance: only operators see it. */
	enum err err = event_insert(tick->db, 0, "", "automatic_release_paused", tick->clock_ms,
		tick->now_ms, "{\"reason\":\"machine clock jumped forward\"}", NULL);

	if (err == OK)
		return db_commit(tick->db);
	db_rollback(tick->db);
	return err;
}

enum err engine_tick(struct db *db, struct arena *mem, int64_t now_ms, int64_t clock_ms, bool *more)
{
	struct tick tick = { .db = db, .mem = mem, .now_ms = now_ms, .clock_ms = clock_ms };

	TRY(steps_run(&tick));
	*more = tick.more;
	return OK;
}
