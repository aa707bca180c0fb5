/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slow walks through large maps, a bounded piece each second: flows that ended, counters of instances
 * that are gone, and the origins of all services, whose next hops have to stay known.
 */
#ifndef AGENT_SWEEP_H
#define AGENT_SWEEP_H

#include "agent/node_state.h"
#include "agent/packets.h"
#include "base/error.h"

#define SWEEP_FLOWS_MAX	   4096 /* per table and tick: a full one is passed in about a minute */
#define SWEEP_SERVICES_MAX 1024 /* per tick */
#define SWEEP_REASONS_MAX  1024 /* per tick */
#define SWEEP_STATES_MAX   1024 /* per tick */

struct sweep;
struct sweep *sweep_new(struct packets *packets, const struct node_state *state,
	void (*origin)(void *context, const struct address *address), void *context);
void sweep_free(struct sweep *sweep);
void sweep_tick(struct sweep *sweep, int64_t boot_now_ns);

/* Pure: whether the packet path treats the flow as gone. protocol: IPPROTO_*. */
bool flow_is_over(const struct flow *flow, int protocol, int64_t boot_now_ns);
/* Pure: whether the flow is a TCP connection to be ended because its client has said nothing for too long. */
bool flow_is_empty(const struct flow *flow, int64_t boot_now_ns);

#endif
