/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Each packet is counted once, by its reason; packets of a protected address also for that address.
 */
#ifndef BPF_COUNT_BPF_H
#define BPF_COUNT_BPF_H

#include "sighting.bpf.h"

static __always_inline void counter_add(struct counter *counter, __u32 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

/* reason: enum reason, or REASON_WATCHED | it. */
static __always_inline void count_vip_reason(struct packet *p, __u32 reason)
{
	struct vip_reason_key key = { .instance = p->instance, .reason = reason };
	struct counter *found = bpf_map_lookup_elem(&vip_reason, &key);
	struct counter first = { .packets = 1, .bytes = p->length };

	if (found)
		counter_add(found, p->length);
	else
		bpf_map_update_elem(&vip_reason, &key, &first, BPF_ANY);
}

/* Of the reasons that are counted with the VIP. */
static __always_inline void count_place(struct vip_counter *total, __u32 index, __u32 bytes)
{
	/* One register holds what is checked and what is used. */
	asm volatile("" : "+r"(index));
	if (index < VIP_REASONS)
		counter_add(&total->reason[index], bytes);
}

/* Of a packet to a protected address that was refused, or a SYN whose sender has to prove itself. */
static __always_inline void count_sight(struct packet *p, struct vip_counter *total)
{
	if (sighting_due(&total->sighting))
		sighting_put(&total->sighting, &p->key.source, p->instance, p->reason,
			sighting_what(p->protocol, p->key.destination_port, p->length));
}

static __always_inline int count(struct packet *p)
{
	struct vip_counter *total;
	struct counter *counter;
	__u32 reason, slot;
	int dropped;

	if (!p)
		return 0;
	reason = p->reason;
	dropped = reason >= REASON_DROP_FIRST;
	counter = bpf_map_lookup_elem(&reason_counter, &reason);
	if (counter)
		counter_add(counter, p->length);
	if (dropped && VIP_REASON_PLACE(reason) == VIP_REASONS)
		count_vip_reason(p, reason);
	if (!(p->flags & (PACKET_IN | PACKET_OUT)))
		return 0;
	slot = p->slot;
	total = bpf_map_lookup_elem(&vip_counter, &slot);
	if (!total)
		return 0;
	if (p->flags & PACKET_IN) {
		counter_add(&total->in, p->length);
		total->last_in_ns = p->now_ns;
		if (dropped) {
			counter_add(&total->dropped, p->length);
			count_place(total, VIP_REASON_PLACE(reason), p->length);
			count_sight(p, total);
		} else if (reason == REASON_cookie_sent) {
			count_place(total, VIP_PLACE_COOKIE_SENT, p->length);
			count_sight(p, total);
		} else if (p->flags & PACKET_PROVEN) {
			count_place(total, VIP_PLACE_FLOW_OPENED, p->length);
		}
	}
	if (p->flags & PACKET_OUT && !dropped)
		counter_add(&total->out, p->length);
	return 0;
}

#endif
