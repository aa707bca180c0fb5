/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections that carry nothing: they pass the handshake, which costs a bot little, and tie up the
 * origin's sockets. For port rules with SERVICE_NO_EMPTY a connection that closes without payload of its client
 * is a hit of its source, and so is one that is EMPTY_SECONDS old without any, which the agent ends with
 * a RST for the origin and one for the client (polder_end). A source with BLOCK_HITS hits in the window may
 * open no more, and is blocked.
 *
 * What an origin refuses, or never answers, is not held against the client. Nor are connections that proved
 * nothing: a forged SYN below the threshold must not have its alleged sender blocked. Services whose
 * clients only listen must not use this; browsers that open a connection in advance may be hit, a few a
 * minute, and are blocked only above that.
 */
#ifndef BPF_MITIGATIONS_EMPTY_BPF_H
#define BPF_MITIGATIONS_EMPTY_BPF_H

#include "limit.bpf.h"

static __always_inline int empty_so_far(const struct flow *flow)
{
	return (flow->limit_flags & (FLOW_NO_EMPTY | FLOW_SPOKE)) == FLOW_NO_EMPTY;
}

/* A blank flow of this rule is filled. */
static __always_inline void empty_prepare(
	struct packet *p, const struct service *entry, struct flow *fresh)
{
	fresh->opened_second = limit_second(p);
	if (p->protocol != IPPROTO_TCP || p->proven != PROVEN_YES ||
		!(entry->flags & SERVICE_NO_EMPTY) || !mitigation_wants(p, empty_connection))
		return;
	fresh->limit_flags |= FLOW_NO_EMPTY;
	if (!(p->mitigation_watch & MITIGATION_BIT(empty_connection)))
		fresh->limit_flags |= FLOW_EMPTY_ENDS;
}

/* TCP: a client's segment that is forwarded. A keep-alive probe may repeat a byte that is none. */
static __always_inline void empty_note(struct packet *p, struct flow *flow)
{
	__u32 end = p->sequence + p->end - p->transport - p->tcp_length;

	if (empty_so_far(flow) && (__s32)(end - (flow->client_isn + 1)) > 0)
		flow->limit_flags |= FLOW_SPOKE;
}

static __noinline int empty_hit(const struct flow *flow, const struct address *client, __u32 second)
{
	struct source_state *state;

	if (!flow || !client)
		return 0;
	state = source_state_make(client, flow->service, IPPROTO_TCP);
	if (state)
		hit_note(state->hit[HIT_EMPTY], second);
	return 0;
}

/* TCP: after the flow's state may have changed, by a packet of either side. */
static __always_inline void empty_follow(
	struct packet *p, struct flow *flow, const struct address *client)
{
	if (flow->state != FLOW_CLOSING || !empty_so_far(flow))
		return;
	/* Once: it may open again, and close. */
	flow->limit_flags &= ~FLOW_NO_EMPTY;
	empty_hit(flow, client, limit_second(p));
}

static __noinline int empty_refuses_now(struct packet *p, struct service *entry)
{
	struct source_state *state;

	if (!p || !entry)
		return 0;
	state = source_state_find(&p->key.source, entry->id, IPPROTO_TCP);
	if (!state || !hits_enough(state->hit[HIT_EMPTY], limit_second(p)) ||
		!mitigation_met(p, empty_connection))
		return 0;
	p->offence = MITIGATION_empty_connection + 1;
	return REASON_empty_connection;
}

/* May a flow of this rule be opened? 0 or the reason why not. */
static __always_inline int empty_refuses(struct packet *p, struct service *entry)
{
	if (!(entry->flags & SERVICE_NO_EMPTY) || p->protocol != IPPROTO_TCP ||
		p->proven != PROVEN_YES || !mitigation_wants(p, empty_connection))
		return 0;
	return empty_refuses_now(p, entry);
}

#endif
