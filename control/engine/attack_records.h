/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks as records of the store: a step of the engine's table. What is an attack is decided in control/model/attack.c.
 */
#ifndef CONTROL_ENGINE_ATTACK_RECORDS_H
#define CONTROL_ENGINE_ATTACK_RECORDS_H

#include "control/engine/nodes.h"
#include "control/engine/steps.h"
#include "control/engine/table.h"
#include "control/model/attack.h"
#include "control/store/attack.h"

#define ATTACK_BATCH 32 /* written in one transaction */

enum attack_change {
	ATTACK_BEGINS,
	ATTACK_GOES_ON,
	ATTACK_ENDS
};
/* An address or web site that is or was attacked, by one kind of attack. */
struct watched {
	struct entry entry; /* key: see attack_records.c */
	enum attack_kind kind;
	int64_t subject; /* number of the instance or web site */
	int64_t number;	 /* of the record; 0: none goes on */
	int64_t written_ms, scanned_ms;
	int64_t top_ms; /* when who attacks was written; 0: not yet */
	struct attack_watch watch;
};
struct attack_work {
	enum attack_change change;
	struct watched watched; /* as it is when this is in the store */
	struct attack attack;	/* to write */
};

struct attack_records {
	struct attack_terms terms[ATTACK_KIND_COUNT];
	struct table watched;
	bool loaded; /* what went on when the control started is watched */
	int64_t scanned_ms, sites_scanned_ms;
	/* Found by "due", for "run" and "done". */
	size_t work_count;
	struct attack_work work[ATTACK_BATCH];
};
void attack_records_init(struct attack_records *records, const struct engine_settings *settings);
void attack_records_free(struct attack_records *records);

enum err attack_records_due(const struct tick *tick, bool *out) MUST_USE;
enum err attack_records_run(struct tick *tick) MUST_USE;
void attack_records_done(struct tick *tick);

/* Who attacks (attack_tops.c). The list grows while this is called for an attack that goes on. */
void attack_top_hold(const struct tick *tick, enum attack_kind kind, int64_t subject);
/* Writes what is known with the record: as soon as there is something, each minute, and at the end. *top_ms: when it was
 * written last, 0 at the begin. */
enum err attack_top_keep(struct tick *tick, const struct attack_row *row, int64_t *top_ms) MUST_USE;
/* Goes on with what was written before a restart. */
enum err attack_top_resume(const struct tick *tick, const struct attack_row *row) MUST_USE;
/* The end is written: the next attack has a list of its own. */
void attack_top_over(const struct tick *tick, enum attack_kind kind, int64_t subject);

/* The instance goes into the blackhole: a record of that, which ends with it. */
enum err blackhole_record(struct tick *tick, const struct instance *instance,
	const struct node_rates *rates) MUST_USE;
enum err blackhole_records_due(const struct tick *tick, bool *out) MUST_USE;
enum err blackhole_records_run(struct tick *tick) MUST_USE;

#endif
