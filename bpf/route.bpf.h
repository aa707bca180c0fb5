/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The next hop toward an origin, by the kernel's routing table, as if the packet were forwarded
 * from the interface it came by: forwarding must be on there. It is kept in the flow for
 * ROUTE_LIFE_NS.
 *
 * A next hop that the kernel has not resolved cannot be waited for here: the agent is asked to have
 * it resolved, and the client's retransmission finds it.
 */
#ifndef BPF_ROUTE_BPF_H
#define BPF_ROUTE_BPF_H

#include "version.bpf.h"

#define ROUTE_LIFE_NS	  NANOSECONDS
#define ROUTE_FAMILY_IPV4 2  /* AF_INET */
#define ROUTE_FAMILY_IPV6 10 /* AF_INET6 */

static __always_inline void neighbour_ask(struct packet *p, struct bpf_fib_lookup *fib)
{
	struct neighbour_wanted wanted = { .ifindex = fib->ifindex };
	__u64 *asked, now_ns = p->now_ns;

	if (fib->family == ROUTE_FAMILY_IPV4)
		address_from_ipv4(&wanted.address, fib->ipv4_dst);
	else
		__builtin_memcpy(&wanted.address, fib->ipv6_dst, sizeof(wanted.address));
	asked = bpf_map_lookup_elem(&neighbour_asked, &wanted.address);
	if (asked && now_ns - *asked < NANOSECONDS)
		return;
	bpf_map_update_elem(&neighbour_asked, &wanted.address, &now_ns, BPF_ANY);
	bpf_ringbuf_output(&neighbour, &wanted, sizeof(wanted), 0);
}

/* The client's side: what is known of it is its link. */
static __always_inline void mtu_learn(struct xdp_md *ctx, struct flow *flow)
{
	__u32 mtu = 0;

	if (bpf_check_mtu(ctx, flow->client_ifindex, &mtu, 0, 0) < 0)
		return;
	flow->client_mtu = mtu > 65535 ? 65535 : mtu;
}

/* Fills the origin side of the flow. Returns 0, or -1: no route, or the next hop is unresolved. */
__noinline int route_find(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	struct bpf_fib_lookup fib = {};
	long result;

	if (!p || !flow)
		return -1;
	if (address_is_ipv4(&flow->origin)) {
		fib.family = ROUTE_FAMILY_IPV4;
		fib.ipv4_src = flow->local.word[3];
		fib.ipv4_dst = flow->origin.word[3];
	} else {
		fib.family = ROUTE_FAMILY_IPV6;
		__builtin_memcpy(fib.ipv6_src, &flow->local, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &flow->origin, sizeof(fib.ipv6_dst));
	}
	fib.ifindex = ctx->ingress_ifindex;
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (result == BPF_FIB_LKUP_RET_NO_NEIGH)
		neighbour_ask(p, &fib);
	if (result != BPF_FIB_LKUP_RET_SUCCESS)
		return -1;
	mac_copy(flow->origin_mac, fib.dmac);
	mac_copy(flow->local_origin_mac, fib.smac);
	flow->origin_ifindex = fib.ifindex;
	flow->origin_mtu = fib.mtu_result;
	flow->route_ns = p->now_ns;
	return 0;
}

#endif
