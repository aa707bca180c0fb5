/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who came to instances and web sites: samples that nodes took in windows of time, as addresses, so that where these are can
 * be looked up when somebody asks. In memory, in a trail of fixed size that is used as it fills: about 250 bytes for each
 * window of half a minute that is full, a day of 90 instances that always have somebody, for longer with less. Not
 * thread-safe but for nodes_*.
 */
#ifndef CONTROL_ENGINE_VISITS_H
#define CONTROL_ENGINE_VISITS_H

#include "control/engine/nodes.h"
#include "control/engine/trail.h"
#include "shared/snapshot_abi.h"

#define VISITS_BYTES ((size_t)64 << 20)

struct visits {
	struct trail trail;
};
void visits_init(struct visits *visits);
void visits_free(struct visits *visits);

/* A node's window that ended just now. */
void visits_add(struct visits *visits, const struct record_visitors *visitors, int64_t clock_ms);

/* One of the sample: it stands for so many connections or requests. */
struct visit_place {
	struct address source; /* of IPv6 the /64 */
	uint64_t count;
};
/* Those of the windows that touch the time, at most max (more than 0): of more every so manieth stands for the ones between.
 * Returns how many; the counts' sum is that of all windows. */
size_t visits_get(const struct visits *visits, enum visitors_of of, int64_t number, int64_t from_ms,
	int64_t until_ms, struct visit_place *out, size_t max);

/* The same of what all nodes reported; thread-safe. */
size_t nodes_visits(const struct nodes *nodes, enum visitors_of of, int64_t number, int64_t from_ms,
	int64_t until_ms, struct visit_place *out, size_t max);

#endif
