/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Echo requests to a protected address are answered here, with what they brought and not a byte
 * more; errors about packets of flows are carried on (error.bpf.h); all other ICMP ends. Neighbour
 * discovery never comes: routers route protected addresses to the node, they are on no link.
 */
#ifndef BPF_ICMP_BPF_H
#define BPF_ICMP_BPF_H

#include "error.bpf.h"

#define ICMP_ECHO_REQUEST   8
#define ICMP_ECHO_REPLY	    0
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY   129
#define ECHO_HOP_LIMIT	    64

static __always_inline int echo_swap_ipv4(struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = header_at(ctx, p->network, sizeof(*ip));

	if (!ip)
		return -1;
	/* Swapping the addresses leaves the sum as it is; the TTL is the high byte of its word. */
	ip->check = checksum_adjust(ip->check,
		(__u16)~bpf_htons((__u16)ip->ttl << 8) + (__u64)bpf_htons(ECHO_HOP_LIMIT << 8));
	ip->ttl = ECHO_HOP_LIMIT;
	ip->saddr = p->key.destination.word[3];
	ip->daddr = p->key.source.word[3];
	return 0;
}

static __always_inline int echo_swap_ipv6(struct xdp_md *ctx, struct packet *p)
{
	struct ipv6hdr *ip = header_at(ctx, p->network, sizeof(*ip));

	if (!ip)
		return -1;
	ip->hop_limit = ECHO_HOP_LIMIT;
	__builtin_memcpy(&ip->saddr, &p->key.destination, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &p->key.source, sizeof(ip->daddr));
	return 0;
}

__noinline int icmp_from_client(struct xdp_md *ctx, struct packet *p)
{
	__u8 request = ICMP_ECHO_REQUEST, reply = ICMP_ECHO_REPLY, mac[ETH_ALEN];
	struct icmp_header *icmp;
	struct ethhdr *ethernet;

	if (!p)
		return XDP_DROP;
	if (p->fragment == FRAGMENT_LATER)
		return drop(p, REASON_fragment_unknown);
	if (error_at_hand(ctx, p))
		return error_from_client(ctx, p);
	if (p->version == 6) {
		request = ICMPV6_ECHO_REQUEST;
		reply = ICMPV6_ECHO_REPLY;
	}
	icmp = header_at(ctx, p->transport, sizeof(*icmp));
	ethernet = header_at(ctx, 0, sizeof(*ethernet));
	if (!icmp || !ethernet)
		return drop(p, REASON_malformed);
	if (p->fragment != FRAGMENT_NONE || icmp->type != request || icmp->code)
		return drop(p, REASON_no_service);
	icmp->type = reply;
	icmp->checksum = checksum_adjust(icmp->checksum,
		(__u16)~bpf_htons((__u16)request << 8) + (__u64)bpf_htons((__u16)reply << 8));
	mac_copy(mac, ethernet->h_dest);
	mac_copy(ethernet->h_dest, ethernet->h_source);
	mac_copy(ethernet->h_source, mac);
	if (p->version == 4 ? echo_swap_ipv4(ctx, p) : echo_swap_ipv6(ctx, p))
		return drop(p, REASON_malformed);
	p->flags |= PACKET_OUT;
	p->reason = REASON_echo_answered;
	return transmit_back(ctx);
}

#endif
