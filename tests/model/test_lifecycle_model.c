/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An exhaustive walk through the life cycle: one instance, two nodes, a clock that jumps to any of
 * the moments that matter, orders that are decided later than they arrive, crashes and restarts at
 * every point. Every reachable state is visited once and checked. What is decided is decided by the
 * real functions: lifecycle.c, release_guard.c, nodes.c; only the store (one transaction at a time)
 * and the nodes (they follow the deadlines they fetched) are abstract.
 *
 * The walk itself is tested: with each of three mistakes built in on purpose, it must find that
 * mistake.
 */
#include "base/clock.h"
#include "control/engine/nodes.h"
#include "control/engine/release_guard.h"
#include "control/model/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

#define T0	 INT64_C(1767225600000)
#define NODES	 2
#define EXPIRIES 3 /* the first and two renewals */
#define DAY(n)	 (T0 + (n)*DAY_MS)

/* Days on which something can be looked at or decided: just before, at, and after each deadline
 * of the first expiry (day 10) and of renewals made at one of these days. */
static const int moments[] = { 0, 9, 10, 16, 17, 39, 40, 41, 47, 48, 70, 71, 78, 110 };
#define MOMENTS (sizeof(moments) / sizeof(moments[0]))

enum pending {
	PENDING_NONE,
	PENDING_ORDER,
	PENDING_ENGINE
};

/* Generation: the number of changes so far, so 1 when created. */
struct state {
	uint8_t clock;		  /* index of moments */
	uint8_t expiries;	  /* 1..EXPIRIES */
	uint8_t expire[EXPIRIES]; /* days after T0 */
	bool released, paused;
	uint8_t known[NODES];	  /* which expiry the node's maps hold; 0: none */
	uint8_t confirmed[NODES]; /* generation the node fetched with; 0 after a restart */
	enum pending pending;	  /* a release that was asked for and is not yet decided */
	uint8_t asked;		  /* moment at which it was asked for */
	uint8_t asked_expiries;	  /* expiries there were then; only a mistake looks at it */
};

enum mistake {
	MISTAKE_NONE,
	MISTAKE_DECIDES_EARLY,
	MISTAKE_MITIGATES_LONG,
	MISTAKE_IGNORES_PAUSE
};

struct walk {
	enum mistake mistake;
	struct nodes *nodes;
	uint64_t *seen; /* open hash set; 0: free */
	size_t slots, count;
	uint64_t *stack;
	size_t depth, stack_size;
	size_t transitions;
	const char *violated; /* first broken rule */
};

static int64_t now_of(const struct state *s)
{
	return DAY(moments[s->clock]);
}

static int64_t expire_of(const struct state *s)
{
	return DAY(s->expire[s->expiries - 1]);
}

static uint64_t generation_of(const struct state *s)
{
	return (uint64_t)s->expiries + (s->released ? 1 : 0);
}

/* ---- packing */

static uint64_t pack(const struct state *s)
{
	uint64_t key = 1; /* never 0 */

#define PUT(value, bits) key = key << (bits) | (uint64_t)(value)
	PUT(s->clock, 4);
	PUT(s->expiries, 2);
	for (int i = 1; i < EXPIRIES; i++)
		PUT(s->expire[i], 8);
	PUT(s->released, 1);
	PUT(s->paused, 1);
	for (int i = 0; i < NODES; i++) {
		PUT(s->known[i], 2);
		PUT(s->confirmed[i], 3);
	}
	PUT(s->pending, 2);
	PUT(s->asked, 4);
	PUT(s->asked_expiries, 2);
	return key;
}

static struct state unpack(uint64_t key)
{
	struct state s = { .expire = { 10 } };

#define GET(bits)                                                                                  \
	(key & ((1u << (bits)) - 1));                                                              \
	key >>= (bits)
	s.asked_expiries = (uint8_t)GET(2);
	s.asked = (uint8_t)GET(4);
	s.pending = (enum pending)GET(2);
	for (int i = NODES - 1; i >= 0; i--) {
		s.confirmed[i] = (uint8_t)GET(3);
		s.known[i] = (uint8_t)GET(2);
	}
	s.paused = GET(1);
	s.released = GET(1);
	for (int i = EXPIRIES - 1; i >= 1; i--) {
		s.expire[i] = (uint8_t)GET(8);
	}
	s.expiries = (uint8_t)GET(2);
	s.clock = (uint8_t)GET(4);
	return s;
}

/* ---- what a node does with a packet now */

static bool mitigates(const struct walk *walk, const struct state *s, int node)
{
	if (s->known[node] == 0)
		return false;

	int64_t expire = DAY(s->expire[s->known[node] - 1]);
	int64_t until = walk->mistake == MISTAKE_MITIGATES_LONG
				? lifecycle_forward_until(expire)
				: lifecycle_mitigation_until(expire);

	return now_of(s) < until;
}

static bool forwards(const struct state *s, int node)
{
	return s->known[node] != 0 &&
	       now_of(s) < lifecycle_forward_until(DAY(s->expire[s->known[node] - 1]));
}

static bool is_synchronous(const struct state *s, int node)
{
	return s->confirmed[node] == generation_of(s);
}

/* ---- rules that hold in every state */

static bool reported_enabled(const struct walk *walk, const struct state *s)
{
	const struct instance instance = {
		.expire_ms = expire_of(s),
		.deadline_generation = s->expiries,
		.previous_forward_until_ms =
			s->expiries > 1 ? lifecycle_forward_until(DAY(s->expire[s->expiries - 2]))
					: 0,
	};

	assert_int_equal(nodes_confirm(walk->nodes, "a", s->confirmed[0], T0), OK);
	assert_int_equal(nodes_confirm(walk->nodes, "b", s->confirmed[1], T0), OK);
	return nodes_forwarding(walk->nodes, &instance, now_of(s));
}

static const char *check_node(const struct walk *walk, const struct state *s, int node)
{
	const struct lifecycle_row *row = lifecycle_at(expire_of(s), now_of(s));

	if (is_synchronous(s, node) && s->released)
		return s->known[node] ? "a node holds an instance whose release it confirmed"
				      : NULL;
	if (s->released)
		return NULL; /* until it fetches; what it then does is bound by the old deadlines */
	if (mitigates(walk, s, node) && !row->mitigation)
		return "a node mitigates for an expired instance";
	if (forwards(s, node) && !row->forwarding)
		return "a node forwards seven days after expiry";
	if (is_synchronous(s, node) && (mitigates(walk, s, node) != row->mitigation ||
					       forwards(s, node) != row->forwarding))
		return "a node with the newest generation does not do what the table says";
	return NULL;
}

static const char *check(const struct walk *walk, const struct state *s)
{
	bool recent = true;

	for (int i = 0; i < NODES; i++) {
		const char *violated = check_node(walk, s, i);

		if (violated)
			return violated;
		recent &= s->confirmed[i] + 1 >= s->expiries;
	}
	/* A node two renewals behind is known only by the last one's record: see store.h. */
	if (!s->released && recent && reported_enabled(walk, s))
		for (int i = 0; i < NODES; i++)
			if (!forwards(s, i))
				return "Enabled is reported although a node does not forward";
	return NULL;
}

/* ---- events */

static void push(struct walk *walk, const struct state *s)
{
	uint64_t key = pack(s);
	size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (walk->slots - 1);

	walk->transitions++;
	while (walk->seen[at] != 0) {
		if (walk->seen[at] == key)
			return;
		at = (at + 1) & (walk->slots - 1);
	}
	assert_true(walk->count < walk->slots / 4 * 3);
	assert_true(walk->depth < walk->stack_size);
	walk->seen[at] = key;
	walk->count++;
	walk->stack[walk->depth++] = key;
}

static void violate(struct walk *walk, const char *rule)
{
	if (!walk->violated)
		walk->violated = rule;
}

/* The clock passes or jumps, on purpose (offset) or not (machine). */
static void move_clock(struct walk *walk, const struct state *s)
{
	for (size_t to = 0; to < MOMENTS; to++) {
		struct state next = *s;
		struct release_guard guard = { 0 };

		if (to == s->clock)
			continue;
		next.clock = (uint8_t)to;
		push(walk, &next); /* passing, or the offset */
		(void)release_guard_step(&guard, now_of(s), 0);
		if (release_guard_step(&guard, now_of(&next), 1000))
			next.paused = true;
		push(walk, &next);
	}
}

static void renew(struct walk *walk, const struct state *s)
{
	struct state next = *s;

	if (s->released || s->expiries == EXPIRIES)
		return;

	const struct lifecycle_row *row = lifecycle_at(expire_of(s), now_of(s));
	int64_t expire = lifecycle_renewed_expiry(expire_of(s), now_of(s), 1);

	if (row->renew != OK)
		violate(walk, "an instance that was not released cannot be renewed");
	if (lifecycle_at(expire, now_of(s))->state != LIFECYCLE_NORMAL)
		violate(walk, "a renewed instance is not normal");
	if (expire <= expire_of(s))
		violate(walk, "a renewal took time away");
	next.expire[next.expiries++] = (uint8_t)((expire - T0) / DAY_MS);
	push(walk, &next);
}

/* A release is asked for: by an order at any time, by the engine when it is due. */
static void ask_release(struct walk *walk, const struct state *s)
{
	struct state next = *s;

	if (s->released || s->pending != PENDING_NONE)
		return;
	next.asked = s->clock;
	next.asked_expiries = s->expiries;
	next.pending = PENDING_ORDER;
	push(walk, &next);
	if (s->paused && walk->mistake != MISTAKE_IGNORES_PAUSE)
		return;
	if (now_of(s) < lifecycle_release_at(expire_of(s)))
		return;
	if (s->paused)
		violate(walk, "the engine releases although the clock is not to be trusted");
	next.pending = PENDING_ENGINE;
	push(walk, &next);
}

/* The transaction: decides on the row as it is now, at the time that the order or the tick read. */
static void decide_release(struct walk *walk, const struct state *s)
{
	struct state next = *s;
	int64_t at = DAY(moments[s->asked]);

	if (s->pending == PENDING_NONE)
		return;
	next.pending = PENDING_NONE;
	next.asked = next.asked_expiries = 0;

	int64_t expire = walk->mistake == MISTAKE_DECIDES_EARLY
				 ? DAY(s->expire[s->asked_expiries - 1])
				 : expire_of(s);
	bool allowed = s->pending == PENDING_ORDER ? lifecycle_at(expire, at)->release == OK
						   : at >= lifecycle_release_at(expire);

	if (s->released || !allowed) {
		push(walk, &next);
		return;
	}
	if (at < expire_of(s))
		violate(walk, "an unexpired instance is released");
	if (s->pending == PENDING_ENGINE && at < lifecycle_release_at(expire_of(s)))
		violate(walk, "the engine releases before thirty days are over");
	next.released = true;
	push(walk, &next);
}

static void crash(struct walk *walk, const struct state *s)
{
	struct state next = *s;

	/* What was not committed is forgotten; what was, is not. */
	next.pending = PENDING_NONE;
	next.asked = next.asked_expiries = 0;
	push(walk, &next);
	/* A day of monotonic time passed. */
	next = *s;
	next.paused = false;
	push(walk, &next);
}

static void move_node(struct walk *walk, const struct state *s, int node)
{
	struct state next = *s;

	/* Fetches, applies, and says so. The last two may be apart: maps hold it, nobody knows. */
	next.known[node] = s->released ? 0 : s->expiries;
	next.confirmed[node] = 0;
	push(walk, &next);
	next.confirmed[node] = (uint8_t)generation_of(s);
	push(walk, &next);
	/* The agent restarts: the pinned maps go on. */
	next = *s;
	next.confirmed[node] = 0;
	push(walk, &next);
	/* The machine restarts: nothing is left. */
	next.known[node] = 0;
	push(walk, &next);
}

/* ---- the walk */

static void walk_all(struct walk *walk, enum mistake mistake)
{
	const struct state first = { .expiries = 1, .expire = { 10 } };

	*walk = (struct walk){ .mistake = mistake,
		.slots = (size_t)1 << 24,
		.stack_size = (size_t)1 << 23,
		.nodes = nodes_new() };
	walk->seen = calloc(walk->slots, sizeof(*walk->seen));
	walk->stack = calloc(walk->stack_size, sizeof(*walk->stack));
	assert_non_null(walk->seen);
	assert_non_null(walk->stack);
	push(walk, &first);
	while (walk->depth > 0 && !walk->violated) {
		struct state s = unpack(walk->stack[--walk->depth]);
		const char *violated = check(walk, &s);

		if (violated)
			violate(walk, violated);
		move_clock(walk, &s);
		renew(walk, &s);
		ask_release(walk, &s);
		decide_release(walk, &s);
		crash(walk, &s);
		for (int i = 0; i < NODES; i++)
			move_node(walk, &s, i);
	}
	free(walk->seen);
	free(walk->stack);
	nodes_free(walk->nodes);
}

static void test_packing(void **state)
{
	struct state s = { .clock = 13,
		.expiries = 3,
		.expire = { 10, 200, 255 },
		.released = true,
		.paused = true,
		.known = { 3, 1 },
		.confirmed = { 4, 7 },
		.pending = PENDING_ENGINE,
		.asked = 15,
		.asked_expiries = 3 };
	struct state again = unpack(pack(&s));

	(void)state;
	assert_int_equal(pack(&again), pack(&s));
	assert_int_equal(again.confirmed[0], 4);
	assert_int_equal(again.expire[1], 200);
	assert_int_equal(again.clock, 13);
	assert_true(MOMENTS <= 16);
}

static void test_every_state_is_right(void **state)
{
	struct walk walk;

	(void)state;
	walk_all(&walk, MISTAKE_NONE);
	print_message("%zu states, %zu transitions\n", walk.count, walk.transitions);
	if (walk.violated)
		print_error("%s\n", walk.violated);
	assert_null(walk.violated);
	assert_true(walk.count > 100000);
}

static void test_mistakes_are_found(void **state)
{
	static const struct {
		enum mistake mistake;
		const char *rule;
	} cases[] = {
		{ MISTAKE_DECIDES_EARLY, "an unexpired instance is released" },
		{ MISTAKE_MITIGATES_LONG, "a node mitigates for an expired instance" },
		{ MISTAKE_IGNORES_PAUSE,
			"the engine releases although the clock is not to be trusted" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct walk walk;

		walk_all(&walk, cases[i].mistake);
		assert_non_null(walk.violated);
		assert_string_equal(walk.violated, cases[i].rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packing),
		cmocka_unit_test(test_every_state_is_right),
		cmocka_unit_test(test_mistakes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
