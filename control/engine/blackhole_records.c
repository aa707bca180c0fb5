/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of blackholes. One begins when the engine puts an instance there, and ends when the store says that the instance is
 * there no more, whoever took it out: so nobody who does has to know of records.
 */
#include "control/engine/attack_records.h"

#include <string.h>

#include "base/clock.h"
#include "control/engine/attacks.h"
#include "control/engine/volumes.h"
#include "control/store/attack.h"
#include "control/store/query.h"

enum err blackhole_record(
	struct tick *tick, const struct instance *instance, const struct node_rates *rates)
{
	struct attack_row row = {
		.account = instance->account,
		.kind = ATTACK_BLACKHOLE,
		.subject = instance->number,
		.product = instance->product,
		.domain = "",
		.attack = { .begin_ms = tick->clock_ms,
			.mitigated_ms = tick->clock_ms,
			.last_ms = tick->clock_ms,
			.peak_in = rates->in,
			.peak_refused = rates->in },
	};
	enum err err = attack_open_number(tick->db, row.kind, row.subject, &row.number);

	if (err != ERR_NOT_FOUND)
		return err;
	memcpy(row.instance_id, instance->id, sizeof(row.instance_id));
	memcpy(row.vip, instance->vip, sizeof(row.vip));
	return attack_insert(tick->db, tick->mem, &row);
}

#define BLACKHOLES_OVER                                                                            \
	" FROM attack a WHERE a.end_ms = 0 AND a.kind = $1 AND NOT EXISTS (SELECT 1"               \
	" FROM protection p WHERE p.instance_number = a.subject AND p.blackhole_until_ms > $2)"

enum err blackhole_records_due(const struct tick *tick, bool *out)
{
	*out = false;
	if (!tick->attacks)
		return OK;
	return tick_exists(tick, "SELECT 1" BLACKHOLES_OVER " LIMIT 1",
		(const struct value[]){ V_INT(ATTACK_BLACKHOLE), V_INT(tick->clock_ms) }, 2, out);
}

/* What nodes dropped meanwhile, as far as this control remembers. */
static void sum_up(struct tick *tick, int64_t subject, struct attack *attack)
{
	int64_t from_ms = attack->begin_ms / MINUTE_MS * MINUTE_MS;
	int64_t step_ms = (tick->clock_ms - from_ms) / MINUTE_MS * MINUTE_MS + MINUTE_MS;
	struct volume sum = { 0 };

	nodes_volume_series(tick->attacks->nodes, subject, from_ms, step_ms, &sum, 1);
	attack->in = sum.in;
	attack->refused = attack->part[REASON_blackhole] = sum.dropped;
	if (sum.peak_in.bytes > attack->peak_in.bytes)
		attack->peak_in = attack->peak_refused = sum.peak_in;
	attack->last_ms = attack->end_ms = tick->clock_ms;
}

enum err blackhole_records_run(struct tick *tick)
{
	struct attack_row row;
	int64_t *number;
	int64_t top_ms = 0;
	size_t count;

	TRY(select_numbers(tick->db, tick->mem,
		"SELECT a.number" BLACKHOLES_OVER " ORDER BY a.number LIMIT 1000",
		(const struct value[]){ V_INT(ATTACK_BLACKHOLE), V_INT(tick->clock_ms) }, 2,
		&number, &count));
	for (size_t i = 0; i < count; i++) {
		TRY(attack_load(tick->db, tick->mem, number[i], &row));
		sum_up(tick, row.subject, &row.attack);
		TRY(attack_update(tick->db, tick->mem, row.number, row.kind, &row.attack));
		TRY(attack_top_keep(tick, &row, &top_ms));
	}
	return OK;
}
