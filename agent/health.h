/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health checks of port rules: which origins are probed, and what the results mean. The node's state tells of checks
 * and asks for verdicts when it writes a service; verdicts that change in between are fetched by
 * health_next_changed.
 */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/probe.h"
#include "shared/snapshot_abi.h"

struct health;

/* NULL: no memory or descriptors. */
struct health *health_new(const struct agent_settings *settings);
void health_free(struct health *health);

/* The check of a service: new, changed or the same again. false: no memory, it has none then. */
bool health_put(struct health *health, const struct record_health *record);
void health_delete(struct health *health, uint32_t service); /* there need not be one */

/* Probes the origins of the record, which has a check, from now on, and returns which of them are down: bit i for
 * origin i. An origin that is new here is up until found otherwise, or, where assumed_down has its bit, down
 * until found otherwise. One whose check changed keeps its verdict. all: false
 * when there was no room to probe every origin; the others are up. */
uint32_t health_bind(struct health *health, const struct record_service *record,
	uint32_t assumed_down, bool *all);

/* The next service of whose origins one went up or down since it was bound or fetched; false: none. */
bool health_next_changed(struct health *health, uint32_t *service, uint32_t *down);
bool health_has_changed(const struct health *health);

/* States for reports: those of all services after health_tell_all, else those that changed; false: no more. */
void health_tell_all(struct health *health);
bool health_has_state(const struct health *health);
bool health_next_state(struct health *health, struct record_health_state *out);

/* A descriptor to wait for, and what is to be done then. now_ms: monotonic. */
int health_fd(const struct health *health);
void health_turn(struct health *health, int64_t now_ms);

uint32_t health_probes(const struct health *health); /* distinct origins that are probed */
/* The result of a probe, for tests: what the prober calls. utc_now_ms: machine UTC. */
void health_result(struct health *health, uint32_t probe, bool up, int64_t utc_now_ms);

#endif
