/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SYNs that pass to the origin as they are, while an instance gets few of them: client and origin agree
 * on all their options themselves, ECN and what is new included, and the node only translates addresses.
 *
 *   client                     node                                origin
 *   SYN, seq=c            ->   flow made, SYN_SENT, DIRECT     ->   SYN, seq=c
 *                         <-                                   <-   SYN-ACK, seq=o
 *   ACK, ack=o+1          ->   OPEN                            ->   ACK
 *
 * Above the instance's threshold SYNs get cookies, for as long as it is exceeded and DIRECT_HOLD_SECONDS
 * more, so that a steady flood does not get its first SYNs of every second through. A cookie may be
 * given to a tuple whose SYN passed before: its ACK replaces that flow.
 *
 * What forged SYNs can cost is bounded. A flow in this state has an entry in the map "opening"; without
 * room there a SYN gets a cookie. The agent ends it after DIRECT_LIFE_NS, two lost SYN-ACKs and a
 * margin, and resets it on both sides, so that there are never more of them at an origin than the
 * threshold lets pass in that time, and no client waits for a server that has given up. It proves nothing of the client until the client acknowledges
 * the origin's number, which is 32 bits of chance.
 *
 * Not for port rules with limits: forged SYNs would count against the clients that they name. Not where the
 * origin is told the client's address: the client's own ACK would have to carry it.
 */
#ifndef BPF_DIRECT_BPF_H
#define BPF_DIRECT_BPF_H

#include "flow.bpf.h"
#include "segment.bpf.h"

#define DIRECT_HOLD_SECONDS 10
#define DIRECT_LIFE_NS	    (5 * NANOSECONDS)

/* SYN passed, and the client has not acknowledged the origin's. */
static __always_inline int flow_is_half_open(const struct flow *flow)
{
	return flow->state == FLOW_SYN_SENT && flow->flags & FLOW_DIRECT;
}

/* Counts the SYN. Is the instance below its threshold? CPUs may lose each other's first of a second. */
static __always_inline int direct_below(struct packet *p)
{
	__u32 slot = p->slot, now = p->now_ns / NANOSECONDS, threshold = p->syn_threshold;
	struct plan_state *state = bpf_map_lookup_elem(&plan_state, &slot);

	if (!state)
		return 0;
	if (state->syn_second != now) {
		state->syn_second = now;
		state->syns = 0;
	}
	/* Under a flood nothing is written any more until the second ends. */
	if (state->syns <= threshold)
		__sync_fetch_and_add(&state->syns, 1);
	if (state->syns > threshold) {
		if (state->cookies_until != now + DIRECT_HOLD_SECONDS)
			state->cookies_until = now + DIRECT_HOLD_SECONDS;
		return 0;
	}
	return (__s32)(now - state->cookies_until) >= 0;
}

/* The instance has had too many SYNs in this second already: nothing is to be counted any more. */
static __always_inline int direct_is_over(struct packet *p)
{
	__u32 slot = p->slot;
	struct plan_state *state = bpf_map_lookup_elem(&plan_state, &slot);

	return state && state->syn_second == (__u32)(p->now_ns / NANOSECONDS) &&
	       state->syns > p->syn_threshold;
}

/* May a SYN for this rule pass as it is, at some rate of them? */
static __always_inline int direct_possible(struct packet *p, const struct service *entry)
{
	const struct service_limits *limits = &entry->limits;

	if (entry->syn_mode == SYN_ALWAYS ||
		(entry->syn_mode == SYN_THRESHOLD && !p->syn_threshold))
		return 0;
	return entry->client_address == CLIENT_ADDRESS_NONE &&
	       !(entry->flags & (SERVICE_LIMITED | SERVICE_NO_EMPTY)) && !limits->rate &&
	       !limits->connections;
}

static __always_inline int direct_wanted(struct packet *p, const struct service *entry)
{
	return direct_possible(p, entry) && (entry->syn_mode == SYN_NEVER || direct_below(p));
}

/* May this packet of the client pass on a half-open flow? Opens it. Returns 0 or the reason. */
static __always_inline int direct_prove(struct packet *p, struct flow *flow)
{
	/* Somebody whose address was forged resets what it knows nothing of. */
	if (p->tcp_flags & TCP_RST)
		return p->sequence == flow->client_isn + 1 ? 0 : REASON_reset_unknown;
	if (!(flow->more_flags & FLOW_ANSWERED) || !(p->tcp_flags & TCP_ACK) ||
		p->acknowledgement != flow->proxy_isn + 1 ||
		p->sequence - (flow->client_isn + 1) > WINDOW_MAX)
		return REASON_cookie_invalid;
	flow->state = FLOW_OPEN;
	flow->limit_flags |= FLOW_PROVEN;
	bpf_map_delete_elem(&opening, &p->key);
	return 0;
}

#endif
