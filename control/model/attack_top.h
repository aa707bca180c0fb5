/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is remembered of who attacked: the most frequent sources, ports and lengths, as samples told. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_ATTACK_TOP_H
#define CONTROL_MODEL_ATTACK_TOP_H

#include "base/arena.h"
#include "base/sighted.h"
#include "control/model/attack.h"

#define ATTACK_TOP_MAX 100 /* sources; of ports and lengths ATTACK_TOP_FEW */
#define ATTACK_TOP_FEW 20

struct attack_place {
	struct address source; /* SIGHTED_SOURCE: IPv4 mapped; of IPv6 the /64 */
	uint32_t value;	       /* SIGHTED_PORT: as SIGHTED_TO; SIGHTED_LENGTH: bytes */
	uint32_t reason;       /* by which most of it was refused; of ATTACK_WEB_CC an enum check */
	uint32_t to; /* SIGHTED_SOURCE: the port that most of it went to, as SIGHTED_TO; 0: none */
	uint64_t packets; /* an estimate, on the low side; of ATTACK_WEB_CC requests */
};
struct attack_top {
	size_t count[SIGHTED_KINDS];
	struct attack_place place[SIGHTED_KINDS][ATTACK_TOP_MAX]; /* the most packets first */
};

bool attack_top_is_empty(const struct attack_top *top);

/* What of the lists means an attack of the kind; sorts them. */
void attack_top_pick(struct sighted_list *list, enum attack_kind kind, struct attack_top *out);
/* The other way round: adds what is remembered to lists. */
void attack_top_restore(const struct attack_top *top, struct sighted_list *list);
/* Takes out of the lists what means an attack of the kind. */
void attack_top_forget(struct sighted_list *list, enum attack_kind kind);

const char *attack_place_reason(
	enum attack_kind kind, const struct attack_place *place); /* its name */

/* As text and back; NULL: no memory. What is not understood is left out. */
const char *attack_top_format(
	struct arena *mem, enum attack_kind kind, const struct attack_top *top);
void attack_top_read(enum attack_kind kind, const char *text, struct attack_top *out);

#endif
