/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The ACK of a cookie that is lost on its way, where the server speaks first: the client's stack believes in a
 * connection, waits for the server and has nothing to repeat, and the node has no state. A SYN-ACK that is repeated
 * has the client say again what it has received (RFC 9293 section 3.10.7.4), which is the ACK that is missing.
 *
 * So the SYN-ACK is kept in map "awaited" until its ACK comes, and the agent has it repeated (retry.bpf.h) after
 * AWAITED_FIRST_NS and once more after twice that. Not of everybody:
 *   - Only for port rules whose servers speak first, which is learned: an origin sent payload before it had received
 *     any. What is kept of rules for SYNs (answer.bpf.h) hears of it within a second. Other clients say what they want, again and again, and each time it carries the ACK.
 *   - Only to sources that have proven that they receive what is sent to them (proof.bpf.h). To others no more bytes
 *     go than they sent, so that forged SYNs get nothing out of it, and cannot fill the table either.
 *   - The table is small. Forged SYNs in the name of a proven source have at most NODE_AWAITED_MAX SYN-ACKs repeated
 *     in the three seconds that one is kept. Without room for it nothing is repeated.
 */
#ifndef BPF_AWAITED_BPF_H
#define BPF_AWAITED_BPF_H

#include "cookie.bpf.h"
#include "mitigations/proof.bpf.h"

#define AWAITED_FIRST_NS NANOSECONDS /* RFC 6298's first time-out: what comes later is lost */
#define AWAITED_TRIES	 2
#define AWAITED_LATE_NS                                                                            \
	(5 * NANOSECONDS) /* the agent was away: the client may have something else there by now */

/* Port rules whose servers speak first: their number, and when that was learned. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_SERVER_FIRST_MAX);
	__type(key, __u32);
	__type(value, __u64);
} server_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NODE_AWAITED_MAX);
	__type(key, struct flow_key);
	__type(value, struct awaited);
} awaited SEC(".maps");

static __always_inline int server_speaks_first(__u32 service)
{
	return bpf_map_lookup_elem(&server_first, &service) != NULL;
}

/* A segment of an open flow's origin: is it payload, and has nothing come of the client before? */
static __always_inline void server_first_learn(struct packet *p, struct flow *flow)
{
	__u32 service = flow->service;
	__u64 now = p->now_ns;

	if (flow->more_flags & FLOW_GREETED || p->acknowledgement != flow->client_isn + 1 ||
		p->transport + p->tcp_length >= p->end)
		return;
	flow->more_flags |= FLOW_GREETED;
	bpf_map_update_elem(&server_first, &service, &now, BPF_ANY);
}

/*
 * The frame has become the answer to the SYN of "p", whose acknowledgement is the cookie. Called from the top: where the
 * cookie is made the stack is full.
 */
static __noinline int awaited_note(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *ethernet;
	struct awaited value = {};

	if (!p || proof_look(p) != PROVEN_YES)
		return 0;
	ethernet = header_at(ctx, 0, sizeof(*ethernet));
	if (!ethernet || p->network != ETH_HLEN)
		return 0;
	value.due_ns = p->now_ns + AWAITED_FIRST_NS;
	value.sequence = p->acknowledgement;
	value.acknowledgement = p->sequence + 1;
	value.options = cookie_offer(p);
	value.timestamp_value = cookie_stamp(p);
	value.timestamp_echo = p->timestamp_value;
	value.ifindex = ctx->ingress_ifindex;
	mac_copy(value.mac_destination, ethernet->h_dest);
	mac_copy(value.mac_source, ethernet->h_source);
	bpf_map_update_elem(&awaited, &p->key, &value, BPF_ANY);
	return 0;
}

#endif
