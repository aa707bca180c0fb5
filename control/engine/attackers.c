/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes tell windows of some seconds after these are over, and an attack is known within two: so whoever holds the list from
 * then on misses nothing, and a list that is not held needs no memory of more than a window of each node.
 */
#include "control/engine/attackers.h"

#include <string.h>

#include "control/engine/nodes_inner.h"

struct attackers_of {
	uint32_t subject;	   /* instance or web site; 0: free */
	int64_t since_ms, held_ms; /* held_ms 0: by nobody */
	struct sighted_list list;
};

void attackers_init(struct attackers *attackers)
{
	*attackers = (struct attackers){ .mem = NULL };
}

void attackers_free(struct attackers *attackers)
{
	arena_free(attackers->mem);
	attackers_init(attackers);
}

static struct attackers_of *find(const struct attackers *attackers, int64_t subject)
{
	for (size_t i = 0; attackers->of && i < ATTACKERS_MAX; i++)
		if (attackers->of[i].subject == (uint32_t)subject)
			return &attackers->of[i];
	return NULL;
}

static bool is_held(const struct attackers_of *of, int64_t clock_ms)
{
	return of->held_ms != 0 && clock_ms - of->held_ms < ATTACKERS_HELD_MS;
}

static void begin(struct attackers_of *of, uint32_t subject, int64_t clock_ms)
{
	memset(of, 0, sizeof(*of));
	of->subject = subject;
	of->since_ms = clock_ms;
}

/* A free place, or that of whom has least; NULL: all are held, or there is no memory. */
static struct attackers_of *place(struct attackers *attackers, int64_t clock_ms)
{
	struct attackers_of *least = NULL;

	if (!attackers->of) {
		const size_t bytes = ATTACKERS_MAX * sizeof(*attackers->of);

		attackers->mem = arena_new(bytes + 4096);
		attackers->of = attackers->mem ? arena_take(attackers->mem, bytes) : NULL;
		if (!attackers->of) {
			attackers_free(attackers);
			return NULL;
		}
	}
	for (size_t i = 0; i < ATTACKERS_MAX; i++) {
		struct attackers_of *of = &attackers->of[i];

		if (of->subject == 0)
			return of;
		if (!is_held(of, clock_ms) && (!least || of->list.total < least->list.total))
			least = of;
	}
	return least;
}

/* A list of some time ago is of no attack of now. */
static void refresh(struct attackers_of *of, int64_t clock_ms)
{
	if (!is_held(of, clock_ms) && clock_ms - of->since_ms > ATTACKERS_FRESH_MS)
		begin(of, of->subject, clock_ms);
}

static struct attackers_of *get(struct attackers *attackers, int64_t subject, int64_t clock_ms)
{
	struct attackers_of *of = find(attackers, subject);

	if (!of) {
		of = place(attackers, clock_ms);
		if (of)
			begin(of, (uint32_t)subject, clock_ms);
	}
	return of;
}

void attackers_add(
	struct attackers *attackers, const struct record_sighted *sighted, int64_t clock_ms)
{
	enum sighted_kind kind = (enum sighted_kind)sighted->kind;
	struct attackers_of *of = get(attackers, sighted->record.id, clock_ms);

	if (!of)
		return;
	refresh(of, clock_ms);
	if (kind == SIGHTED_SOURCE)
		of->list.total += sighted->total;
	for (unsigned i = 0; i < sighted->entry_count; i++) {
		sighted_add(&of->list, kind, &sighted->entry[i]);
		if (sighted->record.type == RECORD_SIGHTED &&
			sighted->entry[i].key.reason == REASON_blackhole)
			of->held_ms = clock_ms;
	}
}

/* ---- under the nodes' lock */

static struct attackers *of_kind(struct inner *inner, enum attack_kind kind)
{
	return kind == ATTACK_WEB_CC ? &inner->site_attackers : &inner->attackers;
}

void nodes_attackers_hold(
	const struct nodes *nodes, enum attack_kind kind, int64_t subject, int64_t clock_ms)
{
	struct inner *inner = nodes_lock(nodes);
	struct attackers_of *of = find(of_kind(inner, kind), subject);

	if (of) {
		refresh(of, clock_ms);
		of->held_ms = clock_ms;
	}
	nodes_unlock(inner);
}

void nodes_attackers_restore(const struct nodes *nodes, enum attack_kind kind, int64_t subject,
	const struct attack_top *top, int64_t clock_ms)
{
	struct inner *inner = nodes_lock(nodes);
	struct attackers_of *of = get(of_kind(inner, kind), subject, clock_ms);

	if (of) {
		attack_top_restore(top, &of->list);
		of->held_ms = clock_ms;
	}
	nodes_unlock(inner);
}

void nodes_attackers_forget(const struct nodes *nodes, enum attack_kind kind, int64_t subject)
{
	struct inner *inner = nodes_lock(nodes);
	struct attackers_of *of = find(of_kind(inner, kind), subject);

	if (of)
		attack_top_forget(&of->list, kind);
	nodes_unlock(inner);
}

bool nodes_attackers(
	const struct nodes *nodes, enum attack_kind kind, int64_t subject, struct attack_top *out)
{
	struct inner *inner = nodes_lock(nodes);
	struct attackers_of *of = find(of_kind(inner, kind), subject);

	if (of)
		attack_top_pick(&of->list, kind, out);
	nodes_unlock(inner);
	return of != NULL;
}
