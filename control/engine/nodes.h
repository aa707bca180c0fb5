/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the nodes confirmed and counted, in memory, shared by the node socket (writer), the engine
 * (persists) and the actions (readers). Thread-safe; bounded by NODE_MAX nodes.
 */
#ifndef CONTROL_ENGINE_NODES_H
#define CONTROL_ENGINE_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "control/store/store.h"

struct nodes;
struct nodes *nodes_new(void);
void nodes_free(struct nodes *nodes);

/* Restores what was persisted. */
enum err nodes_restore(struct nodes *nodes, struct db *db, struct arena *mem) MUST_USE;
/* Node name fetched with generation: it has applied it. ERR_LIMIT: more than NODE_MAX nodes. */
enum err nodes_confirm(
	struct nodes *nodes, const char *name, uint64_t generation, int64_t clock_ms) MUST_USE;
/* Decodes a report (snapshot_abi.h). Nothing is taken over with ERR_FORMAT: not one, and ERR_CONFLICT: another agent of the
 * name started later. */
enum err nodes_report(struct nodes *nodes, const char *name, const void *data, size_t size,
	int64_t clock_ms) MUST_USE;
/* A node that is no more: nothing of it counts any longer. ERR_NODE_NOT_FOUND; ERR_NODE_PRESENT: it was here lately. Its row
 * in the store is the caller's. */
enum err nodes_forget(const struct nodes *nodes, const char *name, int64_t clock_ms) MUST_USE;
/* Writes changed nodes to the store (caller's DB_WRITE transaction). dirty tells if there is
 * anything. */
bool nodes_dirty(const struct nodes *nodes);
enum err nodes_persist(struct nodes *nodes, struct db *db) MUST_USE;
/* After the commit: what was written is not dirty any more. Without it, it is written again. */
void nodes_persisted(struct nodes *nodes);

/* The lowest generation applied by all known nodes; 0 when there is none. */
uint64_t nodes_confirmed(const struct nodes *nodes);
/* Whether packets of this instance are forwarded now, as confirmed by the nodes. */
bool nodes_forwarding(const struct nodes *nodes, const struct instance *instance, int64_t now_ms);
/* What each node said last. */
struct node_reason {
	char name[32];		/* of reasons.def; "" ends the list */
	struct counter counter; /* total since the node's maps were made */
};
struct node_uplink {				/* of an interface of the node */
	char name[16];				/* "": there is none at this place */
	uint32_t speed_mbps;			/* 0: not known */
	uint64_t in_bytes, out_bytes;		/* totals */
	uint64_t in_bytes_rate, out_bytes_rate; /* a second, of the last report */
};
struct node_facts {
	char name[NODE_NAME_MAX];
	uint64_t generation;
	int64_t seen_ms; /* machine time */
	bool reported;	 /* since the control started: report holds something */
	struct record_node report;
	struct node_reason reason[REASON_COUNT + 1];
	bool has_requests; /* it serves web sites: requests holds something */
	struct record_requests requests;
	struct node_uplink uplink[NODE_INTERFACE_MAX];
	size_t refused_instances; /* that it could not apply, for want of room */
};
enum err nodes_facts(const struct nodes *nodes, struct arena *mem, struct node_facts **out,
	size_t *count) MUST_USE;
struct node_traffic {
	struct counter in, dropped, out; /* sums over nodes, since their maps were made */
	int64_t last_in_ms;		 /* machine time; 0: never */
};
/* false: no node reported the instance. */
bool nodes_traffic(const struct nodes *nodes, int64_t instance_number, struct node_traffic *out);

/* What follows is of the nodes' last reports, summed over them; clock_ms is machine time. false: no node reported
 * it, and out is all 0. */
struct node_rates { /* a second */
	struct counter in, dropped, out;
};
bool nodes_rates(const struct nodes *nodes, int64_t instance_number, int64_t clock_ms,
	struct node_rates *out);
struct instance_rates {
	int64_t instance_number;
	struct node_rates rates;
};
/* All instances to which at least so many bytes a second arrive. */
enum err nodes_rates_above(const struct nodes *nodes, struct arena *mem, uint64_t bytes,
	int64_t clock_ms, struct instance_rates **out, size_t *count) MUST_USE;
struct reason_measure {
	struct counter total, rate; /* since the nodes' maps were made; a second */
};
/* reason: enum reason, or REASON_WATCHED | it. */
bool nodes_reason(const struct nodes *nodes, int64_t instance_number, uint32_t reason,
	int64_t clock_ms, struct reason_measure *out);
/* Rates by reason, summed over instances: dropped and watched have REASON_COUNT entries, to which they are added. */
void nodes_reason_rates(const struct nodes *nodes, const int64_t *instances, size_t count,
	int64_t clock_ms, struct counter *dropped, struct counter *watched);
struct service_measure {
	uint64_t connections; /* open now */
	uint64_t opened, refused_rate, refused_connections;
	uint64_t opened_rate; /* a second */
};
bool nodes_service(const struct nodes *nodes, int64_t service, struct service_measure *out);
/* A web site: totals since the nodes' files were made, and rates a second. */
struct site_measure {
	struct site_counter total;
	uint64_t requests_rate, refused_rate; /* refused and challenged */
	uint64_t bytes_in_rate, bytes_out_rate;
	uint64_t origin_requests_rate;
};
/* Adds the rates of all counters of a site to out and to sum. */
void nodes_site_rates(const struct nodes *nodes, int64_t site, int64_t clock_ms,
	struct site_counter *out, struct site_counter *sum);
bool nodes_site(
	const struct nodes *nodes, int64_t site, int64_t clock_ms, struct site_measure *out);
struct origin_health {
	int nodes;	     /* that have a verdict; 0: taken for healthy */
	int unhealthy_nodes; /* of them */
	int64_t since_ms;    /* machine time: of the newest verdict */
};
/* An origin of a port rule; each node checks for itself. */
bool nodes_health(const struct nodes *nodes, int64_t service, const uint8_t address[16],
	int64_t port, struct origin_health *out);
/* Bytes of an account's access logs on all nodes, as they last said. */
uint64_t nodes_log_used(const struct nodes *nodes, int64_t account);
/* How much all nodes may keep, of all accounts; 0: none said so. */
uint64_t nodes_log_max(const struct nodes *nodes);
/* Nodes that were heard of within the last half minute. */
size_t nodes_present(const struct nodes *nodes, int64_t clock_ms);
struct answers; /* answers.h: what nodes found in access logs */
struct answers *nodes_answers(const struct nodes *nodes);
struct inbox; /* inbox.h: what the engine acts on, and packets of captures */
struct inbox *nodes_inbox(const struct nodes *nodes);

/* Back-to-origin prefixes of all nodes as text, without repeats, sorted; only IPv4 or IPv6 ones if
 * version is 4 or 6. */
enum err nodes_sources(const struct nodes *nodes, struct arena *mem, int version, const char ***out,
	size_t *count) MUST_USE;

/* Long poll: waits until newest > generation or the offset differs from offset_ms, at most wait_ms.
 * nodes_announce wakes the waiters; the engine calls it with the newest committed generation. */
void nodes_announce(struct nodes *nodes, uint64_t newest, int64_t life_offset_ms);
bool nodes_wait(struct nodes *nodes, uint64_t generation, int64_t offset_ms, int64_t wait_ms);
/* Newest announced. */
uint64_t nodes_newest(const struct nodes *nodes);
/* For shutdown: all waiters return at once from now on. */
void nodes_close(struct nodes *nodes);

#endif
