/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Loss, duplication and reordering of TCP at one interface, both ways, at tc: impair.c loads this. A packet
 * to be late goes through "hold", a veth pair with impair.c at its other end, which sends it again with
 * a mark. Packets with the mark have been here before.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/wire/impair.h"

const volatile __u32 drop_permille, duplicate_permille, late_permille;
const volatile __u32 interface, hold;

__u64 impaired[2][IMPAIR_COUNT];

static __always_inline int is_tcp(struct __sk_buff *skb)
{
	__u8 protocol = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &protocol, 1);
	return protocol == IPPROTO_TCP;
}

static __always_inline int count(int inward, enum impair_kind kind)
{
	__sync_fetch_and_add(&impaired[inward][kind], 1);
	return 0;
}

static __always_inline int impair(struct __sk_buff *skb, int inward)
{
	__u32 dice = bpf_get_prandom_u32() % 1000;

	if (skb->mark == IMPAIR_MARK || !is_tcp(skb))
		return TC_ACT_UNSPEC;
	count(inward, IMPAIR_SEEN);
	if (dice < drop_permille) {
		count(inward, IMPAIR_DROPPED);
		/* Not SHOT: a sender that hears of the loss does not treat it as one of the wire. */
		return TC_ACT_STOLEN;
	}
	dice -= drop_permille;
	if (dice < late_permille) {
		count(inward, IMPAIR_LATE);
		return bpf_redirect(hold, 0);
	}
	dice -= late_permille;
	if (dice < duplicate_permille) {
		count(inward, IMPAIR_DUPLICATED);
		skb->mark = IMPAIR_MARK;
		bpf_clone_redirect(skb, interface, inward ? BPF_F_INGRESS : 0);
		skb->mark = 0;
	}
	return TC_ACT_UNSPEC;
}

SEC("tc")
int impair_in(struct __sk_buff *skb)
{
	return impair(skb, 1);
}

SEC("tc")
int impair_out(struct __sk_buff *skb)
{
	return impair(skb, 0);
}

/* At hold's near end: what impair.c gives back goes up as if it had just arrived at the interface. */
SEC("tc")
int impair_back(struct __sk_buff *skb)
{
	if (skb->mark != IMPAIR_MARK)
		return TC_ACT_SHOT;
	return bpf_redirect(interface, BPF_F_INGRESS);
}

char impair_license[] SEC("license") = "Dual BSD/GPL";
