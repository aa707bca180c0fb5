/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the host sends to clients of local services leaves by its stack, past XDP: it is counted here, at tc egress of the
 * same interfaces, as it is on the wire. A large segment that the device will cut counts as what it is cut into.
 *
 * It ends here when forwarding has ended: the stack goes on with what it was told to send, and repeats it for minutes.
 */
#ifndef BPF_OUT_BPF_H
#define BPF_OUT_BPF_H

#include "local.bpf.h"

/* Source and length of the header of a TCP packet; 0: it is none. */
static __always_inline __u32 out_read(struct __sk_buff *skb, struct address *source)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP)
			return 0;
		address_from_ipv4(source, ip->saddr);
		return ip->ihl * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_TCP)
			return 0;
		address_from_ipv6(source, &ip->saddr);
		return sizeof(*ip);
	}
	return 0;
}

static __always_inline void out_count(struct __sk_buff *skb, __u32 slot)
{
	struct vip_counter *total = bpf_map_lookup_elem(&vip_counter, &slot);
	__u32 segments = skb->gso_segs ? skb->gso_segs : 1;

	if (!total)
		return;
	total->out.packets += segments;
	total->out.bytes += skb->wire_len - segments * ETH_HLEN;
}

/* Does the protected address forward no more? Then the packet is counted as one that ends. */
static __always_inline int out_is_over(struct __sk_buff *skb, const struct vip *entry)
{
	struct settings *s = settings_get();
	struct packet p = { .flags = PACKET_OUT, .reason = REASON_forwarding_off };

	if (!s || (__s64)(clock_now_ns() + s->life_offset_ns) < entry->forward_until_ns)
		return 0;
	p.instance = entry->instance;
	p.slot = entry->slot;
	p.length = skb->len - ETH_HLEN;
	count(&p);
	return 1;
}

static __always_inline int out_run(struct __sk_buff *skb)
{
	struct service_key key = { .protocol = IPPROTO_TCP };
	struct address source;
	struct vip *entry;
	__u32 header = out_read(skb, &source);

	if (!header)
		return TC_ACT_UNSPEC;
	entry = vip_find(&source);
	if (!entry || entry->kind != VIP_PROTECTED)
		return TC_ACT_UNSPEC;
	if (out_is_over(skb, entry))
		return TC_ACT_SHOT;
	if (!(entry->flags & VIP_HAS_LOCAL))
		return TC_ACT_UNSPEC;
	key.instance = entry->instance;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + header, &key.port, sizeof(key.port)))
		return TC_ACT_UNSPEC;
	/* Segments of flows that polder_handshake has cloned were counted when that did it. */
	if (bpf_map_lookup_elem(&local_service, &key))
		out_count(skb, entry->slot);
	return TC_ACT_UNSPEC;
}

#endif
