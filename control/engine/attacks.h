/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine does about attacks: steps of its table, see steps.c.
 */
#ifndef CONTROL_ENGINE_ATTACKS_H
#define CONTROL_ENGINE_ATTACKS_H

#include "control/engine/attack_records.h"
#include "control/engine/inbox.h"
#include "control/engine/nodes.h"
#include "control/engine/steps.h"
#include "control/engine/table.h"

#define OFFENCE_BATCH 500 /* of one transaction */
#define REFUSAL_BATCH 500
#define BUSY_BATCH    64 /* instances that go into the blackhole in one transaction */

struct attacks {
	const struct nodes *nodes;
	struct engine_settings settings;
	int64_t scanned_ms; /* machine time: when rates were looked at */
	/* Found by "due", for "run": the instances over what they have. */
	size_t busy_count;
	struct instance_rates busy[BUSY_BATCH];
	struct attack_records records;
	struct table told; /* instances whose bandwidth was looked into lately */
	/* Taken by "run", forgotten when that is in the store. */
	size_t offence_count, refusal_count;
	struct record_offence offence[OFFENCE_BATCH];
	struct refusal refusal[REFUSAL_BATCH];
};

void attacks_init(
	struct attacks *attacks, const struct nodes *nodes, const struct engine_settings *settings);
void attacks_free(struct attacks *attacks);

/* Attacks over the plan, and clean traffic over it. */
enum err blackhole_due(const struct tick *tick, bool *out) MUST_USE;
enum err blackhole_run(struct tick *tick) MUST_USE;
enum err blackhole_over_due(const struct tick *tick, bool *out) MUST_USE;
enum err blackhole_over_run(struct tick *tick) MUST_USE;
enum err diversion_over_due(const struct tick *tick, bool *out) MUST_USE;
enum err diversion_over_run(struct tick *tick) MUST_USE;
/* Sources that nodes block become entries of the block-list, for all nodes. */
enum err offences_due(const struct tick *tick, bool *out) MUST_USE;
enum err offences_run(struct tick *tick) MUST_USE;
void offences_done(struct tick *tick);
/* Refused connections become events of limits. */
enum err refusals_due(const struct tick *tick, bool *out) MUST_USE;
enum err refusals_run(struct tick *tick) MUST_USE;
void refusals_done(struct tick *tick);
/* Captures and events that nobody asks for any more. */
enum err attacks_prune(struct tick *tick) MUST_USE;

#endif
