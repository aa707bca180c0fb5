/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections of port rules over time: points of a minute in which something changed, in memory, in a trail of fixed size:
 * about 50 bytes each, a day of 900 rules that always change. Not thread-safe but for nodes_*.
 */
#ifndef CONTROL_ENGINE_CONNECTIONS_H
#define CONTROL_ENGINE_CONNECTIONS_H

#include "control/engine/nodes.h"
#include "control/engine/trail.h"

#define CONNECTIONS_BYTES    ((size_t)64 << 20)
#define CONNECTION_STEPS_MAX 1440 /* of one question: a day by the minute */

struct connection_point {
	int64_t time_ms;	  /* machine time: its begin */
	uint64_t open, open_most; /* at its end; the most in it */
	uint64_t opened;	  /* in it */
	uint64_t opened_most;	  /* a second, in it */
};

struct connections {
	struct trail minutes;
	struct table current; /* points that go on, by rule */
};
void connections_init(struct connections *connections);
void connections_free(struct connections *connections);
/* What a report said of a rule: open of all nodes now, opened since the report before, and the rate of that. */
void connections_add(struct connections *connections, uint32_t rule, int64_t clock_ms,
	uint64_t open, uint64_t opened, uint64_t opened_rate);
/* Adds the rule's points to out, whose times are from_ms, from_ms + step_ms and so on: whole minutes. What nobody told of
 * since a point is as it was then. */
void connections_series(const struct connections *connections, int64_t rule, int64_t from_ms,
	int64_t step_ms, struct connection_point *out, size_t count);

/* The same of what all nodes reported; thread-safe. */
void nodes_connection_series(const struct nodes *nodes, int64_t rule, int64_t from_ms,
	int64_t step_ms, struct connection_point *out, size_t count);

#endif
