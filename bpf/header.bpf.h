/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * IP headers written anew, and checksums computed in full: for errors that the path carries on or
 * makes, and for packets that change their IP version.
 */
#ifndef BPF_HEADER_BPF_H
#define BPF_HEADER_BPF_H

#include "rewrite.bpf.h"

#define IP_DONT_FRAGMENT 0x4000

/* helper calls sum at most SUM_CHUNK bytes each; three cover what fits into an Ethernet frame. */
#define SUM_CHUNK     512u
#define SUM_CHUNKS    3
#define SUM_BYTES_MAX (SUM_CHUNK * SUM_CHUNKS)

struct sum_buffer {
	__u8 byte[SUM_CHUNK +
		  4]; /* the verifier takes a rounded length for larger than it can be */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sum_buffer);
} sum_scratch SEC(".maps");

struct ip_fields {
	const struct address *source;
	const struct address *destination;
	__u16 payload; /* bytes behind the header */
	__u16 id;      /* IPv4, with flags 0: of its fragments */
	__u16 flags;   /* IPv4: as in the header */
	__u8 version;
	__u8 protocol;
	__u8 hop_limit;
	__u8 traffic_class;
};

static __always_inline __u32 ip_length(int version)
{
	return version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static __always_inline int ip_write_ipv4(
	struct xdp_md *ctx, __u32 offset, const struct ip_fields *f)
{
	struct iphdr *ip = header_at(ctx, offset, sizeof(*ip));
	__be16 *half = (void *)ip;
	__u64 sum = 0;

	if (!ip)
		return -1;
	half[0] = bpf_htons(0x4500 | f->traffic_class);
	half[1] = bpf_htons(sizeof(*ip) + f->payload);
	half[2] = bpf_htons(f->id);
	half[3] = bpf_htons(f->flags);
	half[4] = bpf_htons((__u16)f->hop_limit << 8 | f->protocol);
	half[5] = 0;
	ip->saddr = f->source->word[3];
	ip->daddr = f->destination->word[3];
#pragma unroll
	for (int i = 0; i < 5; i++)
		sum += half[i];
	sum += (__u64)ip->saddr + ip->daddr;
	ip->check = ~checksum_fold(sum);
	return 0;
}

static __always_inline int ip_write_ipv6(
	struct xdp_md *ctx, __u32 offset, const struct ip_fields *f)
{
	struct ipv6hdr *ip = header_at(ctx, offset, sizeof(*ip));

	if (!ip)
		return -1;
	*(__be32 *)ip = bpf_htonl(6u << 28 | (__u32)f->traffic_class << 20);
	ip->payload_len = bpf_htons(f->payload);
	ip->nexthdr = f->protocol;
	ip->hop_limit = f->hop_limit;
	__builtin_memcpy(&ip->saddr, f->source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, f->destination, sizeof(ip->daddr));
	return 0;
}

/* Returns 0 or -1. */
static __always_inline int ip_write(struct xdp_md *ctx, __u32 offset, const struct ip_fields *f)
{
	return f->version == 4 ? ip_write_ipv4(ctx, offset, f) : ip_write_ipv6(ctx, offset, f);
}

/* 0: it is not there. */
static __always_inline __u8 ip_hop_limit(struct xdp_md *ctx, __u32 offset, int version)
{
	struct iphdr *ip = header_at(ctx, offset, sizeof(*ip));

	if (!ip)
		return 0;
	return version == 4 ? ip->ttl : ((struct ipv6hdr *)ip)->hop_limit;
}

/*
 * Sum of the bytes of the frame, as words in network order; -1: more than SUM_BYTES_MAX, or not
 * there.
 */
__noinline __s64 sum_range(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	__u32 zero = 0;
	struct sum_buffer *buffer = bpf_map_lookup_elem(&sum_scratch, &zero);
	__s64 sum = 0;

	if (!buffer || length > SUM_BYTES_MAX)
		return -1;
	for (int i = 0; i < SUM_CHUNKS; i++) {
		__u64 n = length < SUM_CHUNK ? length : SUM_CHUNK;

		if (!length)
			break;
		/* Linux 6.1 has to be told that what is left is not 0. */
		asm volatile("" : "+r"(n));
		n = ((n - 1) & (SUM_CHUNK - 1)) + 1;
		asm volatile("" : "+r"(n));
		/* Behind an odd end are zeroes. */
		*(__u32 *)(buffer->byte + ((n - 1) & (SUM_CHUNK - 4))) = 0;
		if (bpf_xdp_load_bytes(ctx, offset, buffer->byte, n))
			return -1;
		sum = bpf_csum_diff(0, 0, (void *)buffer->byte, (n + 3) & ~3ull, sum);
		sum &= 0xffffffff;
		offset += n;
		length -= n;
	}
	return checksum_fold(sum);
}

/* Sum of the pseudo header. That of IPv4-mapped addresses is that of the IPv4 ones. */
static __always_inline __u64 pseudo_sum(const struct address *source,
	const struct address *destination, __u8 protocol, __u32 length)
{
	return address_sum(source, 6) + address_sum(destination, 6) + bpf_htonl(protocol) +
	       bpf_htonl(length);
}

#endif
