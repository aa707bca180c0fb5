/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Explicit congestion notification (RFC 3168) on flows that began with a cookie. The client asks for it in its SYN and
 * has to be answered before the origin is asked; that it was agreed is in the cookie's timestamp (cookie.bpf.h), and
 * the origin is asked in turn by the SYN that it gets.
 *
 * The origin agrees: marks and flags are between client and origin and pass as they are, also where one side is IPv6
 * and the other IPv4.
 *
 * It does not: the client believes in ECN, the origin knows nothing of it. What goes to the client is not
 * ECN-capable, which every peer may send at any time (section 6.1.4), so nobody marks it. What comes from the client
 * is, and a mark that the origin does not understand would be a congestion that nobody answers. Therefore
 *  - packets leave for the origin as not ECN-capable (section 5): from here on routers drop instead of mark;
 *  - a mark that was set on the way here is answered from here, as the origin would (section 6.1.3): every
 *    acknowledgement toward the client carries ECE until the client says CWR. One that carries a new mark and CWR
 *    begins anew. Marks on segments outside the window are nobody's (section 6.1.5);
 *  - CWR answers the node and does not go on to the origin.
 * To drop marked packets instead, as a tunnel's end does (RFC 6040), would be right, too, and needs no state; it costs
 * a retransmission for each mark.
 *
 * A SYN that asks may be lost because it asks. When it has to be repeated, or was refused, the next one does not
 * ask (section 6.1.1.1). Whatever the origin answers then, it does not count as agreed: who has sent
 * both must not send ECN-capable packets (section 6.1.1). ECE of the client goes on nevertheless: should the
 * origin have heard the first SYN only, its own packets may be marked, and the client's answer is for it.
 *
 * Where the client sends no timestamps there is no room to note it, and ECN is not agreed.
 */
#ifndef BPF_ECN_BPF_H
#define BPF_ECN_BPF_H

#include "flow.bpf.h"
#include "mitigations/reset.bpf.h"

#define ECN_CE	 3u
#define ECN_MASK 3u

/* struct flow: ecn. Written by the client's packets only. */
#define ECN_ECHO (1u << 0) /* a mark of the client's side is not answered by CWR yet */

/* A SYN that asks for ECN. The newer form, with one flag more, asks for this at least. */
static __always_inline int ecn_is_asked(const struct packet *p)
{
	return (p->tcp_flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

/* Does the origin's SYN-ACK agree? Both flags are what somebody reflects who knows neither. */
static __always_inline int ecn_is_agreed(const struct packet *p, const struct flow *flow)
{
	return flow->options & OPTION_ECN && !(flow->more_flags & FLOW_ECN_PLAIN) &&
	       (p->tcp_flags & (TCP_ECE | TCP_CWR)) == TCP_ECE;
}

/* The client has agreed on it with the node, the origin has not. */
static __always_inline int ecn_is_split(const struct flow *flow)
{
	return (flow->options & (OPTION_ECN | ORIGIN_ECN)) == OPTION_ECN;
}

/* Sets and clears flags of the TCP header. Returns 0 or -1. */
static __always_inline int ecn_change_flags(
	struct xdp_md *ctx, struct packet *p, __u16 set, __u16 clear)
{
	struct tcphdr *tcp = header_at(ctx, p->transport, sizeof(*tcp));
	__be16 *half = (void *)tcp, old;

	if (!tcp)
		return -1;
	old = half[6];
	half[6] = (old | bpf_htons(set)) & ~bpf_htons(clear);
	tcp->check = checksum_adjust(tcp->check, (__u64)(__u16)~old + half[6]);
	return 0;
}

/* Makes the packet not ECN-capable. Returns what it was, or -1. */
static __always_inline int ecn_clear(struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = header_at(ctx, p->network, sizeof(*ip));
	__be16 *half = (void *)ip, old;
	__u32 shift = p->version == 4 ? 0 : 4;

	if (!ip)
		return -1;
	old = half[0];
	half[0] = old & ~bpf_htons(ECN_MASK << shift);
	if (p->version == 4)
		ip->check = checksum_adjust(ip->check, (__u64)(__u16)~old + half[0]);
	return bpf_ntohs(old) >> shift & ECN_MASK;
}

/* A segment of the client on its way to an origin without ECN. Returns 0 or -1. */
__noinline int ecn_to_origin(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	int mark;

	if (!p || !flow)
		return -1;
	mark = ecn_clear(ctx, p);
	if (mark < 0)
		return -1;
	if (p->sequence - flow->client_next <= reset_window(flow->origin_window)) {
		if (p->tcp_flags & TCP_CWR)
			flow->ecn &= ~ECN_ECHO;
		if (mark == ECN_CE)
			flow->ecn |= ECN_ECHO;
	}
	return p->tcp_flags & TCP_CWR ? ecn_change_flags(ctx, p, 0, TCP_CWR) : 0;
}

/* A segment of such an origin on its way to the client. Returns 0 or -1. */
static __always_inline int ecn_to_client(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	if (!(flow->ecn & ECN_ECHO) || (p->tcp_flags & (TCP_ACK | TCP_RST)) != TCP_ACK)
		return 0;
	return ecn_change_flags(ctx, p, TCP_ECE, 0);
}

#endif
