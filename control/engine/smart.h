/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that make themselves: the engine learns how many requests each web site usually has, and makes rules for what
 * distinguishes an attack from them (docs/decisions/021). Steps of its table, see steps.c.
 */
#ifndef CONTROL_ENGINE_SMART_H
#define CONTROL_ENGINE_SMART_H

#include "control/engine/nodes.h"
#include "control/engine/steps.h"
#include "control/engine/table.h"

#define SMART_BATCH	16 /* attacked sites that are looked into in one transaction */
#define SMART_STORE_MAX 50 /* sites whose usual requests are written in one */
#define SMART_RULE_MS	(30 * 60 * 1000) /* a rule that nothing meets any more ends then */
#define SMART_RULE_NAME "smartcc_"

struct smart {
	const struct nodes *nodes;
	int64_t rule_ms;    /* 0: SMART_RULE_MS */
	int64_t learn_ms;   /* a piece of time that is learned from; 0: a minute */
	struct table site;  /* what is known of each; by number */
	int64_t scanned_ms; /* machine time: when rates were looked at */
	int64_t minute_ms;  /* begin of the newest piece that was learned from */
	/* Found by "due", for "run". */
	uint32_t due[SMART_BATCH], store[SMART_STORE_MAX];
	size_t due_count, store_count;
	uint32_t busy[NODE_SITE_MAX];
};

void smart_init(struct smart *smart, const struct nodes *nodes, int64_t rule_ms, int64_t learn_ms);
void smart_free(struct smart *smart);

/* Sites with far more requests than usual get rules; what met rules lately keeps them. */
enum err smart_due(const struct tick *tick, bool *out) MUST_USE;
enum err smart_run(struct tick *tick) MUST_USE;
/* What was learned goes to the store, and to nodes when it is another rate. */
enum err usual_due(const struct tick *tick, bool *out) MUST_USE;
enum err usual_run(struct tick *tick) MUST_USE;
void usual_done(struct tick *tick);

#endif
