/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sends what nodes refuse of instances, or of web sites, merged from all nodes: while somebody holds the list it grows, else it is of the
 * last seconds. In memory of fixed size. Not thread-safe but for nodes_*.
 */
#ifndef CONTROL_ENGINE_ATTACKERS_H
#define CONTROL_ENGINE_ATTACKERS_H

#include "base/arena.h"
#include "base/sighted.h"
#include "control/engine/nodes.h"
#include "control/model/attack_top.h"

#define ATTACKERS_MAX                                                                              \
	512 /* instances, or web sites, 20 KB each: whoever has least and is not held gives way */
#define ATTACKERS_FRESH_MS 10000 /* a list that nobody holds begins anew after so long */
#define ATTACKERS_HELD_MS  15000 /* how long once held is held */

struct attackers {
	struct arena *mem;
	struct attackers_of *of; /* ATTACKERS_MAX; NULL: none was told of */
};
void attackers_init(struct attackers *attackers);
void attackers_free(struct attackers *attackers);

/* A node's list of a window that ended just now. Reasons of a blackhole of an instance hold by themselves. */
void attackers_add(
	struct attackers *attackers, const struct record_sighted *sighted, int64_t clock_ms);

/* Of what all nodes reported; thread-safe. subject: number of the instance, of ATTACK_WEB_CC of the web site. An attack of the
 * kind goes on: its list is to grow. */
void nodes_attackers_hold(
	const struct nodes *nodes, enum attack_kind kind, int64_t subject, int64_t clock_ms);
/* What was remembered of before a restart. */
void nodes_attackers_restore(const struct nodes *nodes, enum attack_kind kind, int64_t subject,
	const struct attack_top *top, int64_t clock_ms);
/* An attack of the kind is over: what was of it is forgotten. */
void nodes_attackers_forget(const struct nodes *nodes, enum attack_kind kind, int64_t subject);
/* What is of such an attack; false: nothing is known. */
bool nodes_attackers(
	const struct nodes *nodes, enum attack_kind kind, int64_t subject, struct attack_top *out);

#endif
