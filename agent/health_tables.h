/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of health checks, private to health*.c.
 */
#ifndef AGENT_HEALTH_TABLES_H
#define AGENT_HEALTH_TABLES_H

#include "agent/health.h"
#include "agent/pool.h"

#define BINDING_MAX  (4 * NODE_SERVICE_MAX)
#define SETTINGS_MAX (2 * NODE_SERVICE_MAX) /* the old and the new while one changes */

struct settings_entry {
	struct pool_link link;
	uint32_t references;
	uint32_t hash;
	uint16_t port;
	uint8_t kind, timeout_seconds, interval_seconds, up, down;
	char *text; /* domain, NUL, path, NUL */
};

struct probe_entry {
	struct pool_link link;
	struct address address;
	uint32_t settings;
	uint32_t bindings; /* first */
	uint16_t port;
	bool down;
	bool checked; /* there is a verdict */
	uint8_t run;  /* results in a row against it */
	int64_t since_ms;
};

struct binding_entry {
	struct pool_link link;
	uint32_t check, probe;
	uint32_t check_next;		 /* of the check: in the order of its origins */
	uint32_t probe_prev, probe_next; /* of the probe */
	uint8_t origin;			 /* index */
	uint16_t port;			 /* the origin's own, whatever is probed */
};

struct check_entry {
	struct pool_link link;
	uint32_t service;
	uint32_t settings;
	uint32_t bindings; /* first */
	bool queued;	   /* verdicts changed */
	uint32_t queue_prev, queue_next;
	bool untold; /* not yet reported */
};

struct health {
	struct prober *prober;
	struct pool settings, probes, bindings, checks;
	struct index settings_by_hash, probe_by_key, check_by_service;
	uint32_t queue_first, queue_last; /* checks whose verdicts changed */
	uint32_t untold;		  /* checks */
	uint32_t tell_at;
	uint32_t logged;
	int64_t logged_second;
};

static inline struct settings_entry *settings_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->settings, index);
}

static inline struct probe_entry *probe_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->probes, index);
}

static inline struct binding_entry *binding_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->bindings, index);
}

static inline struct check_entry *check_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->checks, index);
}

/* health_probes.c. Settings of the record, or the probe, with one reference more; NONE: no memory or room. */
uint32_t settings_take(struct health *health, const struct record_health *record);
void settings_give(struct health *health, uint32_t index);
/* NONE: there is none. */
uint32_t probe_find(const struct health *health, const struct address *address, uint16_t port,
	uint32_t settings);
uint32_t probe_make(
	struct health *health, const struct address *address, uint16_t port, uint32_t settings);
void probe_give(struct health *health, uint32_t index); /* nothing is bound to it */
bool probe_is_of(const struct probe_entry *probe, const struct address *address, uint16_t port);

#endif
