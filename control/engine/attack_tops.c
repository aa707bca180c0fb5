/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who attacks, between what nodes tell (attackers.c) and the store. It is written whole each time, so that a write that fails
 * is made good by the next. What a control did not write before it ended is lost: a minute at most.
 */
#include "base/clock.h"
#include "control/engine/attack_records.h"
#include "control/engine/attackers.h"
#include "control/engine/attacks.h"

#define WRITE_EVERY_MS MINUTE_MS

void attack_top_hold(const struct tick *tick, enum attack_kind kind, int64_t subject)
{
	nodes_attackers_hold(tick->attacks->nodes, kind, subject, tick->clock_ms);
}

enum err attack_top_keep(struct tick *tick, const struct attack_row *row, int64_t *top_ms)
{
	bool over = row->attack.end_ms != 0;
	struct attack_top *top;

	if (row->number == 0 ||
		(!over && *top_ms != 0 && tick->clock_ms - *top_ms < WRITE_EVERY_MS))
		return OK;
	top = arena_take(tick->mem, sizeof(*top));
	if (!top)
		return ERR_MEMORY;
	if (nodes_attackers(tick->attacks->nodes, row->kind, row->subject, top) &&
		!attack_top_is_empty(top)) {
		TRY(attack_top_write(tick->db, tick->mem, row->number, row->kind, top));
		*top_ms = tick->clock_ms;
	}
	if (over)
		*top_ms = 0;
	return OK;
}

enum err attack_top_resume(const struct tick *tick, const struct attack_row *row)
{
	struct attack_top *top = arena_take(tick->mem, sizeof(*top));

	if (!top)
		return ERR_MEMORY;
	TRY(attack_top_load(tick->db, tick->mem, row->number, row->kind, top));
	if (!attack_top_is_empty(top))
		nodes_attackers_restore(
			tick->attacks->nodes, row->kind, row->subject, top, tick->clock_ms);
	return OK;
}

void attack_top_over(const struct tick *tick, enum attack_kind kind, int64_t subject)
{
	nodes_attackers_forget(tick->attacks->nodes, kind, subject);
}
