/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slow walks through large maps, a bounded piece each second: flows that ended, counters of instances
 * that are gone, who opened flows since the walk before, and the origins of all services, whose next hops have to stay
 * known.
 */
#ifndef AGENT_SWEEP_H
#define AGENT_SWEEP_H

#include "agent/node_state.h"
#include "agent/packets.h"
#include "agent/visitors.h"
#include "base/error.h"

#define SWEEP_FLOWS_MAX	   4096 /* per table and tick: a full one is passed in about a minute */
#define SWEEP_SERVICES_MAX 1024 /* per tick */
#define SWEEP_REASONS_MAX  1024 /* per tick */
#define SWEEP_STATES_MAX   1024 /* per tick */

struct sweep;
struct sweep *sweep_new(struct packets *packets, const struct node_state *state,
	void (*origin)(void *context, const struct address *address), void *context);
void sweep_free(struct sweep *sweep);
/* New flows are told to it, each once; NULL: nobody is told. Those of before the first tick are not new. */
void sweep_use_visitors(struct sweep *sweep, struct visitors *visitors);
void sweep_tick(struct sweep *sweep, int64_t boot_now_ns, int64_t monotonic_now_ms);

/* Pure: whether the packet path treats the flow as gone. protocol: IPPROTO_*. */
bool flow_is_over(const struct flow *flow, int protocol, int64_t boot_now_ns);
/* Pure: whether the flow is a TCP connection to be ended because its client has said nothing for too long. */
bool flow_is_empty(const struct flow *flow, int64_t boot_now_ns);
/* Pure: whether the flow shows somebody who came within [since, until) seconds of the boot clock. Who did not prove its
 * address over TCP did not; over UDP an address may be forged. */
bool flow_is_visit(const struct flow *flow, int protocol, uint32_t since, uint32_t until);

#endif
