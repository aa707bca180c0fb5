/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A flood from refused sources puts the same question (source, destination) a million times a second, and
 * the address, the lists and the region are asked each time: most of what such a packet costs. The last
 * refusals are therefore kept, each CPU for itself, in a table of direct slots, and a packet whose slot
 * holds its own addresses ends there, before anything else is looked at.
 *
 * A refusal is kept for REFUSAL_TICKS, never beyond the end of mitigation or of a ban of the request path, which
 * nobody but its workers knows, and only in the edition of
 * the settings in which it was found: the agent gives a new edition behind every change that it
 * writes, so that orders are obeyed as quickly as without this. Only refusals that follow from the
 * addresses alone are kept (REFUSED_FIRST and what follows), never a packet that passed. What ends here is
 * counted as it would have been.
 */
#ifndef BPF_REFUSAL_BPF_H
#define BPF_REFUSAL_BPF_H

#include "count.bpf.h"
#include "mitigations/request_ban.bpf.h"
#include "sighting.bpf.h"

#define REFUSAL_BITS	12 /* 256 KiB for each CPU: stays in its second cache */
#define REFUSAL_TICKS	25 /* of the kernel's clock: 25 to 250 ms */
#define REFUSAL_LIFE_NS (NANOSECONDS / 4)

struct refusal {
	struct address source;
	struct address destination;
	__u64 until;   /* kernel's tick */
	__u32 edition; /* 0: empty */
	__u32 slot;    /* vip_counter slot */
	__u32 reason;
	__u32 instance;
	__u32 reserved[2];
};
_Static_assert(sizeof(struct refusal) == 64, "one cache line");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << REFUSAL_BITS);
	__type(key, __u32);
	__type(value, struct refusal);
} refusal SEC(".maps");

/* Edition in which a CPU kept one last: without any, packets are not even looked up. */
__u32 refusal_edition;

static __always_inline struct refusal *refusal_slot(
	const struct address *source, const struct address *destination)
{
	__u64 hash = (source->half[0] ^ destination->half[1]) * 0x9e3779b97f4a7c15ull;
	__u32 index;

	hash = (hash ^ source->half[1] ^ hash >> 32) * 0xc2b2ae3d27d4eb4full;
	hash = (hash ^ destination->half[0]) * 0xff51afd7ed558ccdull;
	index = hash >> (64 - REFUSAL_BITS);
	return bpf_map_lookup_elem(&refusal, &index);
}

/* The addresses of an untagged IP packet and the length that it says; 0: anything else. */
static __always_inline __u32 refusal_read(
	void *data, void *end, struct address *source, struct address *destination)
{
	struct ethhdr *ethernet = data;

	if (data + ETH_HLEN + sizeof(struct iphdr) > end)
		return 0;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + ETH_HLEN;

		address_from_ipv4(source, ip->saddr);
		address_from_ipv4(destination, ip->daddr);
		return bpf_ntohs(ip->tot_len);
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end)
			return 0;
		address_from_ipv6(source, &ip->saddr);
		address_from_ipv6(destination, &ip->daddr);
		return bpf_ntohs(ip->payload_len) + sizeof(*ip);
	}
	return 0;
}

/* Protocol, port and length of an untagged packet without IP options or extensions, for a sample. */
static __always_inline __u64 refusal_what(void *data, void *end, __u32 length)
{
	struct iphdr *four = data + ETH_HLEN;
	struct ipv6hdr *six = data + ETH_HLEN;
	__be16 *ports = NULL;
	__u8 protocol = 0;

	if (length && ((struct ethhdr *)data)->h_proto == bpf_htons(ETH_P_IP)) {
		protocol = four->protocol;
		if (four->ihl == 5 && !(four->frag_off & bpf_htons(FRAGMENT_OFFSET_MASK)))
			ports = (void *)(four + 1);
	} else if ((void *)(six + 1) <= end) {
		protocol = six->nexthdr;
		ports = (void *)(six + 1);
	}
	if (!ports || (void *)(ports + 2) > end ||
		(protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return sighting_what(protocol, 0, length);
	return sighting_what(protocol, ports[1], length);
}

/* The address's counters; NULL: it has none. */
static __always_inline struct vip_counter *refusal_count(const struct refusal *kept, __u32 bytes)
{
	__u32 reason = kept->reason, slot = kept->slot;
	struct counter *counter = bpf_map_lookup_elem(&reason_counter, &reason);
	struct vip_counter *total = bpf_map_lookup_elem(&vip_counter, &slot);

	if (counter)
		counter_add(counter, bytes);
	if (!total)
		return NULL;
	counter_add(&total->in, bytes);
	counter_add(&total->dropped, bytes);
	count_place(total, VIP_REASON_PLACE(reason), bytes);
	/* When the last one came was noted when the refusal was kept: near enough. */
	return total;
}

/* 1: the packet is refused as one before it, and counted. Has its own stack: the caller's is full. */
static __noinline int refusal_find(struct xdp_md *ctx, struct settings *s)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct address source, destination;
	struct vip_counter *total;
	struct refusal *kept;
	__u32 bytes;

	if (!s)
		return 0;
	bytes = refusal_read(data, end, &source, &destination);
	if (!bytes)
		return 0;
	if (bytes > end - data - ETH_HLEN)
		bytes = end - data - ETH_HLEN;
	kept = refusal_slot(&source, &destination);
	if (!kept || kept->edition != s->edition || !address_equal(&kept->source, &source) ||
		!address_equal(&kept->destination, &destination))
		return 0;
	if (clock_tick() >= kept->until)
		return 0;
	total = refusal_count(kept, bytes);
	if (total && sighting_due(&total->sighting))
		sighting_put(&total->sighting, &source, kept->instance, kept->reason,
			refusal_what(data, end, bytes));
	return 1;
}

static __always_inline int refusal_repeats(struct xdp_md *ctx, struct settings *s)
{
	return s->edition && refusal_edition == s->edition && refusal_find(ctx, s);
}

static __noinline void refusal_write(
	struct packet *p, const struct vip *entry, const struct settings *s)
{
	struct capture *wanted;
	struct refusal *kept;
	__u32 zero = 0;

	/* What a mitigation before only watched has to be counted for each packet. */
	if (!p || !entry || !s || p->network != ETH_HLEN || p->watched)
		return;
	if ((__s64)(p->now_ns + REFUSAL_LIFE_NS + s->life_offset_ns) > entry->mitigation_until_ns)
		return;
	if (p->reason == REASON_request_ban &&
		(__s64)(p->now_ns + REFUSAL_LIFE_NS + s->utc_offset_ns) > request_ban_until(p))
		return;
	/* Captures look at what ends where the others do. */
	wanted = bpf_map_lookup_elem(&capture, &zero);
	if (!wanted || wanted->id)
		return;
	kept = refusal_slot(&p->key.source, &p->key.destination);
	if (!kept)
		return;
	kept->source = p->key.source;
	kept->destination = p->key.destination;
	kept->until = clock_tick() + REFUSAL_TICKS;
	kept->slot = p->slot;
	kept->instance = p->instance;
	kept->reason = p->reason;
	kept->edition = s->edition;
	if (refusal_edition != s->edition)
		refusal_edition = s->edition;
}

/* Keeps why the packet was refused, if that follows from its addresses. */
static __always_inline void refusal_keep(
	struct packet *p, const struct vip *entry, const struct settings *s)
{
	if (s->edition && (__u32)p->reason - REFUSED_FIRST < REFUSED_COUNT)
		refusal_write(p, entry, s);
}

#endif
