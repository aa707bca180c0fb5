/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what the node's state says into the maps of the packet path.
 */
#ifndef AGENT_APPLY_H
#define AGENT_APPLY_H

#include "agent/health.h"
#include "agent/node_state.h"
#include "agent/packets.h"
#include "agent/steer.h"
#include "base/error.h"

struct applier;

/* origin is told the address of origins as services are written, so that next hops are known before the
 * first packet: at most APPLY_ORIGIN_MAX per snapshot. */
#define APPLY_ORIGIN_MAX 256
struct applier *applier_new(struct packets *packets, struct node_state *state,
	void (*origin)(void *context, const struct address *address), void *context);
void applier_free(struct applier *applier);

/* Health checks of snapshots go there, and verdicts come from there, from the next snapshot on. */
void applier_use_health(struct applier *applier, struct health *health);
/* Writes the services whose origins went up or down: at most APPLY_VERDICTS_MAX, health_has_changed tells of more. */
#define APPLY_VERDICTS_MAX 512
void applier_take_verdicts(struct applier *applier);

/* Flags of addresses that have web sites' ports come from there. */
void applier_use_steer(struct applier *applier, const struct steer *steer);

/* Takes over what the pinned maps hold, enters the sources, all before the first packet is filtered. */
enum err applier_begin(struct applier *applier, const struct agent_settings *settings) MUST_USE;
/* As node_state_apply; entries that the kernel refused are in the state's refusals. */
enum err applier_apply(struct applier *applier, const struct snapshot *snapshot) MUST_USE;

#endif
