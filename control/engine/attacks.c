/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates are looked at once a second. An instance whose attack is above its plan's ceiling goes into the
 * blackhole, by a time that nodes compare with the clock, so that its end needs no message; the end is only told
 * and tidied here. Clean traffic above the plan is told, not dropped: docs/decisions/007.
 *
 * An expired instance is not mitigated, so that nothing here happens to it.
 *
 * Diversion has no time of its own at nodes. Its end is an order that the engine gives when the time has come.
 */
#include "control/engine/attacks.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/engine/answers.h"
#include "control/model/burst.h"
#include "control/model/lifecycle.h"
#include "control/store/attack.h"
#include "control/store/policy.h"
#include "control/store/query.h"
#include "control/store/web_policy.h"

#define SCAN_EVERY_MS SECOND_MS
/* No plan has less clean bandwidth, or a lower ceiling: 100 Mbit/s, 30 Gbit/s. */
#define CLEAN_LEAST_BYTES   UINT64_C(12500000)
#define CEILING_LEAST_BYTES UINT64_C(3750000000)
#define BYTES_OF_MBPS	    UINT64_C(125000)
/* Clean traffic over the plan is looked into and told so often. */
#define TELL_EVERY_MS HOUR_MS
#define TOLD_SLOTS    131072
/* Refusals that follow each other within this are one event. */
#define LIMIT_EVENT_GAP_MS MINUTE_MS
/* How long refusals are kept as events. */
#define LIMIT_EVENT_KEEP_MS (30 * DAY_MS)

void attacks_init(
	struct attacks *attacks, const struct nodes *nodes, const struct engine_settings *settings)
{
	*attacks = (struct attacks){ .nodes = nodes, .settings = *settings };
	table_init(&attacks->told, sizeof(struct entry), TOLD_SLOTS);
	attack_records_init(&attacks->records, settings);
}

void attacks_free(struct attacks *attacks)
{
	table_free(&attacks->told);
	attack_records_free(&attacks->records);
}

/* ---- over the plan */

static bool was_told(struct attacks *attacks, int64_t instance, int64_t clock_ms)
{
	const struct entry *entry = table_find(&attacks->told, (uint64_t)instance);

	return entry && clock_ms >= entry->put_ms && clock_ms - entry->put_ms < TELL_EVERY_MS;
}

static bool is_of_interest(
	struct attacks *attacks, const struct instance_rates *busy, int64_t clock_ms)
{
	uint64_t in = busy->rates.in.bytes, dropped = busy->rates.dropped.bytes;

	if (attacks->settings.blackhole && in > CEILING_LEAST_BYTES)
		return true;
	return in > dropped && in - dropped > CLEAN_LEAST_BYTES &&
	       !was_told(attacks, busy->instance_number, clock_ms);
}

enum err blackhole_due(const struct tick *tick, bool *out)
{
	struct attacks *attacks = tick->attacks;
	struct instance_rates *busy;
	size_t count;

	*out = false;
	if (!attacks || (tick->clock_ms >= attacks->scanned_ms &&
				tick->clock_ms - attacks->scanned_ms < SCAN_EVERY_MS))
		return OK;
	attacks->scanned_ms = tick->clock_ms;
	attacks->busy_count = 0;
	TRY(nodes_rates_above(
		attacks->nodes, tick->mem, CLEAN_LEAST_BYTES, tick->clock_ms, &busy, &count));
	for (size_t i = 0; i < count && attacks->busy_count < BUSY_BATCH; i++)
		if (is_of_interest(attacks, &busy[i], tick->clock_ms))
			attacks->busy[attacks->busy_count++] = busy[i];
	*out = attacks->busy_count > 0;
	return OK;
}

static enum err tell_clean(
	struct tick *tick, const struct instance *instance, const struct node_rates *rates)
{
	uint64_t clean = rates->in.bytes - rates->dropped.bytes;
	int64_t plan_mbps = burst_bandwidth_max(&instance->plan);

	if (rates->in.bytes < rates->dropped.bytes || clean <= (uint64_t)plan_mbps * BYTES_OF_MBPS)
		return OK;
	return tick_event(tick, instance, "clean_bandwidth_exceeded",
		tick->clock_ms / TELL_EVERY_MS * TELL_EVERY_MS,
		arena_print(tick->mem, "{\"mbps\":%llu,\"planMbps\":%lld}",
			(unsigned long long)(clean / BYTES_OF_MBPS), (long long)plan_mbps),
		NULL);
}

static enum err blackhole(struct tick *tick, const struct instance *instance,
	struct protection *protection, const struct node_rates *rates)
{
	uint64_t ceiling = protection_ceiling(&instance->plan);
	const char *detail;

	protection->blackhole_from_ms = tick->clock_ms;
	protection->blackhole_until_ms = tick->clock_ms + tick->attacks->settings.blackhole_ms;
	TRY(blackhole_record(tick, instance, rates));
	TRY(protection_put(tick->db, tick->mem, protection));
	detail = arena_print(tick->mem, "{\"mbps\":%llu,\"planMbps\":%llu,\"until\":%lld}",
		(unsigned long long)(rates->in.bytes / BYTES_OF_MBPS),
		(unsigned long long)(ceiling / BYTES_OF_MBPS),
		(long long)protection->blackhole_until_ms);
	TRY(tick_event(tick, instance, "blackhole", tick->clock_ms, detail, NULL));
	log_warn("instance %s is in the blackhole: %llu Mbit/s", instance->id,
		(unsigned long long)(rates->in.bytes / BYTES_OF_MBPS));
	return tick_record(tick, instance, "engine.blackhole",
		arena_print(tick->mem,
			"{\"oldEntity\":{\"blackholeUntil\":0},"
			"\"newEntity\":{\"blackholeUntil\":%lld}}",
			(long long)protection->blackhole_until_ms));
}

static enum err look_into(struct tick *tick, const struct instance_rates *busy)
{
	struct protection protection;
	struct instance instance;
	enum err err = instance_load_number(tick->db, tick->mem, busy->instance_number, &instance);

	/* Released meanwhile. */
	if (err == ERR_INSTANCE_NOT_FOUND)
		return OK;
	TRY(err);
	if (!lifecycle_at(instance.expire_ms, tick->now_ms)->mitigation)
		return OK;
	TRY(protection_load(tick->db, tick->mem, instance.number, &protection));
	if (tick->clock_ms < protection.blackhole_until_ms)
		return OK;
	if (tick->attacks->settings.blackhole &&
		busy->rates.in.bytes > protection_ceiling(&instance.plan))
		return blackhole(tick, &instance, &protection, &busy->rates);
	return tell_clean(tick, &instance, &busy->rates);
}

enum err blackhole_run(struct tick *tick)
{
	struct attacks *attacks = tick->attacks;

	for (size_t i = 0; i < attacks->busy_count; i++) {
		TRY(look_into(tick, &attacks->busy[i]));
		(void)table_put(
			&attacks->told, (uint64_t)attacks->busy[i].instance_number, tick->clock_ms);
	}
	return OK;
}

/* ---- what ends by its time */

enum err blackhole_over_due(const struct tick *tick, bool *out)
{
	return tick_exists(tick,
		"SELECT 1 FROM protection WHERE blackhole_until_ms > 0"
		" AND blackhole_until_ms <= $1 LIMIT 1",
		(const struct value[]){ V_INT(tick->clock_ms) }, 1, out);
}

static enum err end_blackhole(struct tick *tick, int64_t number)
{
	struct protection protection;
	struct instance instance;
	const char *detail;

	TRY(instance_load_number(tick->db, tick->mem, number, &instance));
	TRY(protection_load(tick->db, tick->mem, number, &protection));
	detail = arena_print(tick->mem, "{\"blackholeUntil\":%lld,\"ended\":\"time\"}",
		(long long)protection.blackhole_until_ms);
	TRY(tick_event(
		tick, &instance, "blackhole_ended", protection.blackhole_from_ms, detail, NULL));
	protection.blackhole_from_ms = protection.blackhole_until_ms = 0;
	return protection_put(tick->db, tick->mem, &protection);
}

enum err blackhole_over_run(struct tick *tick)
{
	int64_t *number;
	size_t count;

	TRY(protection_blackholes_over(
		tick->db, tick->mem, tick->clock_ms, ENGINE_BATCH, &number, &count));
	for (size_t i = 0; i < count; i++)
		TRY(end_blackhole(tick, number[i]));
	tick->more = tick->more || count == ENGINE_BATCH;
	return OK;
}

enum err diversion_over_due(const struct tick *tick, bool *out)
{
	return tick_exists(tick,
		"SELECT 1 FROM policy WHERE diverted = 1 AND ct_until_ms <= $1"
		" AND cut_until_ms <= $1 LIMIT 1",
		(const struct value[]){ V_INT(tick->clock_ms) }, 1, out);
}

static enum err end_diversion(struct tick *tick, int64_t number)
{
	struct instance instance;
	struct policy policy;
	int64_t from_ms = 0;

	TRY(instance_load_number(tick->db, tick->mem, number, &instance));
	TRY(policy_load(tick->db, tick->mem, number, &policy));
	for (unsigned line = 0; line < DIVERSION_COUNT; line++)
		if (policy.diversion[line].from_ms > from_ms)
			from_ms = policy.diversion[line].from_ms;
	TRY(tick_event(tick, &instance, "diversion_ended", from_ms,
		arena_print(tick->mem, "{\"from\":%lld}", (long long)from_ms), NULL));
	policy.diverted = false;
	return policy_put(tick->db, tick->mem, &policy);
}

enum err diversion_over_run(struct tick *tick)
{
	int64_t *number;
	size_t count;

	TRY(policy_diversions_over(
		tick->db, tick->mem, tick->clock_ms, ENGINE_BATCH, &number, &count));
	for (size_t i = 0; i < count; i++)
		TRY(end_diversion(tick, number[i]));
	tick->more = tick->more || count == ENGINE_BATCH;
	return OK;
}

/* ---- refused connections */

enum err refusals_due(const struct tick *tick, bool *out)
{
	*out = tick->attacks && inbox_has_refusals(nodes_inbox(tick->attacks->nodes));
	return OK;
}

static enum err tell_refusal(struct tick *tick, const struct refusal *refusal)
{
	struct instance instance;
	int64_t number;
	enum err err =
		select_int(tick->db, "SELECT instance_number FROM port_rule WHERE number = $1",
			(const struct value[]){ V_INT(refusal->service) }, 1, &number);

	/* The rule was deleted meanwhile. */
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	TRY(instance_load_number(tick->db, tick->mem, number, &instance));
	TRY(limit_event_put(
		tick->db, number, refusal->first_ms, refusal->last_ms, LIMIT_EVENT_GAP_MS));
	return tick_event(tick, &instance, "limit_reached",
		refusal->first_ms / TELL_EVERY_MS * TELL_EVERY_MS,
		arena_print(tick->mem, "{\"from\":%lld}", (long long)refusal->first_ms), NULL);
}

enum err refusals_run(struct tick *tick)
{
	struct attacks *attacks = tick->attacks;

	attacks->refusal_count =
		inbox_refusals(nodes_inbox(attacks->nodes), attacks->refusal, REFUSAL_BATCH);
	for (size_t i = 0; i < attacks->refusal_count; i++)
		TRY(tell_refusal(tick, &attacks->refusal[i]));
	tick->more = tick->more || attacks->refusal_count == REFUSAL_BATCH;
	return OK;
}

void refusals_done(struct tick *tick)
{
	inbox_done_refusals(nodes_inbox(tick->attacks->nodes), tick->attacks->refusal_count);
}

/* ---- pruning */

enum err attacks_prune(struct tick *tick)
{
	if (tick->attacks) {
		inbox_prune(nodes_inbox(tick->attacks->nodes), tick->clock_ms);
		answers_prune(nodes_answers(tick->attacks->nodes), tick->clock_ms);
	}
	TRY(log_query_prune(tick->db, tick->clock_ms - ANSWER_KEEP_MS));
	TRY(attack_prune(tick->db, tick->clock_ms - ATTACK_KEEP_MS));
	TRY(limit_event_prune(tick->db, tick->clock_ms - LIMIT_EVENT_KEEP_MS));
	return capture_prune(tick->db, tick->clock_ms - CAPTURE_KEEP_MS);
}
