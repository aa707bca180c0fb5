/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is done for a flood's SYNs so that each costs little; who sends other SYNs is answered alike, by
 * segment.bpf.h.
 *
 * Whether a SYN gets a cookie follows from the port rule alone, but for what is counted below a threshold. What the
 * last rules said is kept, each CPU for itself, in the edition of the settings in which they were read
 * (refusal.bpf.h says more of editions). The agent gives one each second, too: an origin that a health check closes
 * is known within that.
 *
 * A SYN as most stacks send it, with the options that Linux sends, is as long as its answer, which is therefore
 * written over it.
 */
#ifndef BPF_ANSWER_BPF_H
#define BPF_ANSWER_BPF_H

#include "awaited.bpf.h"
#include "cookie.bpf.h"
#include "direct.bpf.h"
#include "segment.bpf.h"

#define SYN_KEPT_BITS  6 /* 1 KiB for each CPU */
#define ANSWER_OPTIONS 20
#define ANSWER_BYTES   (sizeof(struct tcphdr) + ANSWER_OPTIONS)

enum syn_kept_mode {
	SYN_KEPT_COOKIE = 1, /* whatever comes */
	SYN_KEPT_THRESHOLD,  /* above the instance's threshold */
};
/* The rule has an origin, and no limit that a SYN has to be asked about. */
struct syn_kept {
	__u32 instance;
	__u32 edition; /* 0: empty */
	__be16 port;
	__u8 version; /* of the SYN */
	__u8 mode;    /* enum syn_kept_mode */
	__u32 silent; /* its servers speak first: awaited.bpf.h */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << SYN_KEPT_BITS);
	__type(key, __u32);
	__type(value, struct syn_kept);
} syn_kept SEC(".maps");

static __always_inline struct syn_kept *syn_kept_slot(struct packet *p)
{
	__u32 key = p->instance ^ (__u32)p->key.destination_port << 16 ^ p->version;
	__u32 index = key * 0x9e3779b1u >> (32 - SYN_KEPT_BITS);

	return bpf_map_lookup_elem(&syn_kept, &index);
}

/* 1: the SYN is to get a cookie, and its port rule need not be looked at. */
static __always_inline int syn_is_kept(struct packet *p, __u32 edition)
{
	struct syn_kept *kept = syn_kept_slot(p);

	if (!edition || !kept || kept->edition != edition || kept->instance != p->instance ||
		kept->port != p->key.destination_port || kept->version != p->version)
		return 0;
	if (kept->silent)
		p->flags |= PACKET_SILENT;
	return kept->mode == SYN_KEPT_COOKIE || direct_is_over(p);
}

/* The rule's SYNs of this IP version have an origin to go to. "edition" was read before the rule was. */
static __always_inline void syn_keep(struct packet *p, __u32 edition, const struct service *entry)
{
	struct syn_kept *kept = syn_kept_slot(p);

	if (!edition || !kept || entry->syn_mode == SYN_NEVER)
		return;
	kept->instance = p->instance;
	kept->port = p->key.destination_port;
	kept->version = p->version;
	kept->mode = direct_possible(p, entry) ? SYN_KEPT_THRESHOLD : SYN_KEPT_COOKIE;
	kept->silent = p->flags & PACKET_SILENT;
	kept->edition = edition;
}

static __always_inline void macs_swap(void *data)
{
	__u16 *half = data, kept;

#pragma unroll
	for (int i = 0; i < 3; i++) {
		kept = half[i];
		half[i] = half[i + 3];
		half[i + 3] = kept;
	}
}

/* version: a constant at each call. Returns where TCP begins, and the sum of the addresses. */
static __always_inline __be32 *answer_ip(void *ip, struct packet *p, int version, __u64 *sum)
{
	struct ipv6hdr *ipv6 = ip;
	struct iphdr *ipv4 = ip;
	__be16 *half = ip;

	*sum = address_sum(&p->key.source, version) + address_sum(&p->key.destination, version);
	if (version == 6) {
		*(__be32 *)ip = bpf_htonl(6u << 28);
		ipv6->payload_len = bpf_htons(ANSWER_BYTES);
		ipv6->nexthdr = IPPROTO_TCP;
		ipv6->hop_limit = SEGMENT_HOP_LIMIT;
		__builtin_memcpy(&ipv6->saddr, &p->key.destination, sizeof(ipv6->saddr));
		__builtin_memcpy(&ipv6->daddr, &p->key.source, sizeof(ipv6->daddr));
		return (__be32 *)(ipv6 + 1);
	}
	half[0] = bpf_htons(0x4500);
	half[1] = bpf_htons(sizeof(*ipv4) + ANSWER_BYTES);
	half[2] = 0;
	half[3] = bpf_htons(IP_DONT_FRAGMENT);
	half[4] = bpf_htons(SEGMENT_HOP_LIMIT << 8 | IPPROTO_TCP);
	ipv4->check = ~checksum_fold(
		*sum + bpf_htons(0x4500) + bpf_htons(sizeof(*ipv4) + ANSWER_BYTES) +
		bpf_htons(IP_DONT_FRAGMENT) + bpf_htons(SEGMENT_HOP_LIMIT << 8 | IPPROTO_TCP));
	ipv4->saddr = p->key.destination.word[3];
	ipv4->daddr = p->key.source.word[3];
	return (__be32 *)(ipv4 + 1);
}

/*
 * The SYN-ACK over the SYN, if they are of one size: "s" has what is in it but for its addresses. Returns 0, or -1:
 * nothing is changed.
 */
static __always_inline int answer_over(
	struct xdp_md *ctx, struct packet *p, const struct segment *s, int version)
{
	const __u32 transport =
		ETH_HLEN + (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be32 *word;
	__u64 sum;

	if (p->transport != transport || p->end != transport + ANSWER_BYTES ||
		data + transport + ANSWER_BYTES > end)
		return -1;
	macs_swap(data);
	word = answer_ip(data + ETH_HLEN, p, version, &sum);
	word[0] = p->key.destination_port | (__u32)p->key.source_port << 16;
	word[1] = bpf_htonl(s->sequence);
	word[2] = bpf_htonl(s->acknowledgement);
	word[3] = bpf_htonl((ANSWER_BYTES / 4) << 28 | (__u32)s->flags << 16);
	sum += bpf_htons(IPPROTO_TCP) + bpf_htons(ANSWER_BYTES);
	sum += (__u64)word[0] + word[1] + word[2] + word[3];
#pragma unroll
	for (int i = 0; i < ANSWER_OPTIONS / 4; i++) {
		word[5 + i] = s->option[i];
		sum += s->option[i];
	}
	word[4] = checksum_fold(~checksum_fold(sum));
	return 0;
}

#endif
