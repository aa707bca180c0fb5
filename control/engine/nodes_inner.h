/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What struct nodes holds. Private to engine/nodes*.c.
 */
#ifndef CONTROL_ENGINE_NODES_INNER_H
#define CONTROL_ENGINE_NODES_INNER_H

#include <pthread.h>

#include "base/clock.h"
#include "control/engine/answers.h"
#include "control/engine/attackers.h"
#include "control/engine/connections.h"
#include "control/engine/inbox.h"
#include "control/engine/measure.h"
#include "control/engine/nodes.h"
#include "control/engine/statistics.h"
#include "control/engine/visits.h"
#include "control/engine/volumes.h"

/* Back-to-origin prefixes of one node: both IP versions. */
#define PREFIX_MAX (2 * NODE_SOURCE_MAX)

/* A node that was heard of within this is there. */
#define PRESENT_MS (30 * SECOND_MS)

/* What a node refuses beyond this is logged and counted, not remembered by number. */
#define REFUSED_MAX 1000

struct prefix {
	uint8_t address[16];
	unsigned bits;
};

struct node {
	char name[NODE_NAME_MAX]; /* "": none, its place is free */
	uint64_t generation;
	int64_t seen_ms, persisted_ms;
	uint64_t version;	   /* counts what must be written ... */
	uint64_t written, durable; /* ... what was, and what was committed */
	int64_t written_ms;
	size_t prefix_count;
	struct prefix prefix[PREFIX_MAX];
	struct measures measures;
	bool reported;			 /* since this process started */
	uint64_t boot_before;		 /* of the agent that facts.agent_boot took the place of */
	int64_t report_ms, twin_told_ms; /* last report; last warning of a second agent */
	struct record_requests requests; /* id 0: it has no request path */
	struct record_node facts;
	struct node_reason reason[REASON_COUNT];
	size_t refused_count;
	uint32_t refused[REFUSED_MAX]; /* instances that the node could not apply */
};

struct inner {
	pthread_mutex_t lock;
	pthread_cond_t news;
	uint64_t newest;
	int64_t offset_ms;
	bool closed;
	size_t count; /* places of node that were ever used */
	struct inbox *inbox;
	struct answers *answers;
	struct statistics statistics;
	struct volumes volumes;
	struct connections connections;
	struct attackers attackers, site_attackers;
	struct visits visits;
	struct node node[NODE_MAX];
};

/* Readers take a const struct nodes and must lock all the same. */
struct nodes {
	struct inner *inner;
};

static inline struct inner *nodes_lock(const struct nodes *nodes)
{
	(void)pthread_mutex_lock(&nodes->inner->lock);
	return nodes->inner;
}

/* Books a record of a node's report; before measures_take, with the lock held. */
void inner_take_volume(struct inner *inner, const struct node *node,
	const union report_record *record, int64_t clock_ms);

static inline void nodes_unlock(struct inner *inner)
{
	(void)pthread_mutex_unlock(&inner->lock);
}

#endif
