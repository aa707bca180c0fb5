/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a machine offers for Polder: facts, each with how good it is and what to do about it.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define FACT_MAX      80
#define INTERFACE_MAX 2 /* toward clients, toward origins */

enum fact_level {
	FACT_GOOD,
	FACT_CARE, /* works, at a price that the remedy takes away */
	FACT_BAD,  /* Polder does not work so */
	FACT_LEVEL_COUNT
};

struct fact {
	const char *name;
	enum fact_level level;
	const char *value;
	const char *remedy; /* "" when it is good */
};

struct check {
	struct arena *mem;
	bool for_init;			      /* what polder init mends by itself is not bad */
	const char *interface[INTERFACE_MAX]; /* NULL: not given; the second may be the first */
	struct fact fact[FACT_MAX];
	size_t count;
};

/* Adds a fact; texts are copied. */
void check_say(struct check *check, enum fact_level level, const char *name, const char *value,
	const char *remedy);
void check_machine(struct check *check); /* check_machine.c */
void check_network(struct check *check); /* check_network.c */
/* All facts. false: at least one is bad. */
bool check_all(struct check *check);
void check_print(const struct check *check);

#endif
