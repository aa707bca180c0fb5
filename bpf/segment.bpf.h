/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP segments that the path builds itself: SYN-ACK with cookie, SYN toward the origin, RST, the
 * client's window update and the ACK that ends the origin's handshake, which may carry a PROXY header. The packet at hand gives the
 * frame, everything in it is written anew and checksums are computed in full.
 *
 * In XDP the frame grows or shrinks at its head: a bare ACK on veth has no room at its tail.
 */
#ifndef BPF_SEGMENT_BPF_H
#define BPF_SEGMENT_BPF_H

#include "rewrite.bpf.h"
#include "options.bpf.h"
#include "proxy.bpf.h"

#define SEGMENT_OPTION_MAX 8
#define SEGMENT_HOP_LIMIT  64

/* What is offered to clients that scale windows: covers 8 MiB in flight. */
#define CLIENT_SCALE 7u

#define WINDOW_MAX   65535u

struct segment {
	struct address source;
	struct address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 sequence; /* host order */
	__u32 acknowledgement;
	__be32 option[SEGMENT_OPTION_MAX];
	__u16 window;
	__u8 flags;
	__u8 option_count; /* words */
	__u8 mac_destination[6];
	__u8 mac_source[6];
	__u8 version; /* of the side that it goes to */
	__u8 payload; /* bytes: room for a PROXY header, see segment_add_proxy() */
	__u8 reserved[2];
};
_Static_assert(sizeof(struct segment) == 96, "no padding");

static __always_inline __u32 segment_length(const struct segment *s)
{
	return (s->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
	       sizeof(struct tcphdr) + s->option_count * 4 + s->payload;
}

static __always_inline void segment_from(struct segment *s, const struct translation *t)
{
	s->source = t->source;
	s->destination = t->destination;
	s->source_port = t->source_port;
	s->destination_port = t->destination_port;
	s->version = t->version;
	mac_copy(s->mac_destination, t->mac_destination);
	mac_copy(s->mac_source, t->mac_source);
}

/* Options of a SYN or SYN-ACK, in the layout that stacks use. */
static __always_inline void segment_offer(
	struct segment *s, __u32 options, __u32 scale, __u32 value, __u32 echo)
{
	s->option[0] = bpf_htonl(0x02040000 | (options & OPTION_MSS_MASK));
	s->option_count = 1;
	if (!(options & OPTION_TIMESTAMP))
		return;
	s->option[1] = bpf_htonl(options & OPTION_SACK ? 0x0402080a : 0x0101080a);
	s->option[2] = bpf_htonl(value);
	s->option[3] = bpf_htonl(echo);
	s->option_count = 4;
	if (!(options & OPTION_SCALE))
		return;
	s->option[4] = bpf_htonl(0x01030300 | scale);
	s->option_count = 5;
}

static __always_inline void segment_timestamp(struct segment *s, __u32 value, __u32 echo)
{
	s->option[0] = bpf_htonl(0x0101080a);
	s->option[1] = bpf_htonl(value);
	s->option[2] = bpf_htonl(echo);
	s->option_count = 3;
}

/* The client's port and address, as the kernel modules that read option 254 expect them. */
static __always_inline void segment_toa(struct segment *s, const struct flow_key *client)
{
	__u32 at = s->option_count, length = 8;

	if (at > 3)
		return;
	if (address_is_ipv4(&client->source)) {
		s->option[at + 1] = client->source.word[3];
	} else {
		length = 20;
		for (int i = 0; i < 4; i++)
			s->option[at + 1 + i] = client->source.word[i];
	}
	s->option[at] =
		bpf_htonl((__u32)KIND_TOA << 24 | length << 16 | bpf_ntohs(client->source_port));
	s->option_count = at + length / 4;
}

static __always_inline void *segment_write_ipv4(void *at, void *end, const struct segment *s)
{
	struct iphdr *ip = at;
	__be16 *half = at;
	__u64 sum = 0;

	if ((void *)(ip + 1) > end)
		return NULL;
	half[0] = bpf_htons(0x4500);
	half[1] = bpf_htons(segment_length(s));
	half[2] = 0;
	half[3] = bpf_htons(0x4000); /* do not fragment */
	half[4] = bpf_htons(SEGMENT_HOP_LIMIT << 8 | IPPROTO_TCP);
	half[5] = 0;
	ip->saddr = s->source.word[3];
	ip->daddr = s->destination.word[3];
#pragma unroll
	for (int i = 0; i < 5; i++)
		sum += half[i];
	sum += (__u64)ip->saddr + ip->daddr;
	ip->check = ~checksum_fold(sum);
	return ip + 1;
}

static __always_inline void *segment_write_ipv6(void *at, void *end, const struct segment *s)
{
	struct ipv6hdr *ip = at;
	__be32 *word = at;

	if ((void *)(ip + 1) > end)
		return NULL;
	word[0] = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(segment_length(s) - sizeof(*ip));
	ip->nexthdr = IPPROTO_TCP;
	ip->hop_limit = SEGMENT_HOP_LIMIT;
	__builtin_memcpy(&ip->saddr, &s->source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &s->destination, sizeof(ip->daddr));
	return ip + 1;
}

static __always_inline int segment_write_tcp(void *at, void *end, const struct segment *s)
{
	__be32 *word = at;
	__u32 length = sizeof(struct tcphdr) + s->option_count * 4;
	__u64 sum;

	if (at + sizeof(struct tcphdr) > end)
		return -1;
	word[0] = (__u32)s->source_port | (__u32)s->destination_port << 16;
	word[1] = bpf_htonl(s->sequence);
	word[2] = bpf_htonl(s->acknowledgement);
	word[3] = bpf_htonl((length / 4) << 28 | (__u32)s->flags << 16 | s->window);
	sum = (__u64)word[0] + word[1] + word[2] + word[3];
	sum += address_sum(&s->source, s->version) + address_sum(&s->destination, s->version);
	sum += bpf_htons(IPPROTO_TCP) + bpf_htons(length + s->payload);
	for (int i = 0; i < SEGMENT_OPTION_MAX; i++) {
		if (i >= s->option_count)
			break;
		if ((void *)(word + 6 + i) > end)
			return -1;
		word[5 + i] = s->option[i];
		sum += s->option[i];
	}
	word[4] = checksum_fold(~checksum_fold(sum));
	return 0;
}

/* IP and TCP headers from "at" on. Returns 0, or -1 when the frame is too short. */
static __always_inline int segment_write(void *at, void *end, const struct segment *s)
{
	at = s->version == 4 ? segment_write_ipv4(at, end, s) : segment_write_ipv6(at, end, s);
	return at ? segment_write_tcp(at, end, s) : -1;
}

/* Fills the room that was left for a PROXY header; the IP header is at "at". Returns 0 or -1. */
static __always_inline int segment_add_proxy(
	void *at, void *end, const struct segment *s, const struct flow_key *client)
{
	struct tcphdr *tcp = at + (s->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u32 options = s->option_count * 4;
	__s64 sum;

	if ((void *)(tcp + 1) > end || options > SEGMENT_OPTION_MAX * 4)
		return -1;
	sum = proxy_write((void *)(tcp + 1) + options, end, client, PROXY_STREAM);
	if (sum < 0)
		return -1;
	tcp->check = checksum_adjust(tcp->check, sum);
	return 0;
}

/* Turns the frame at hand into the segment. Returns 0 or -1. */
__noinline int segment_build(struct xdp_md *ctx, struct packet *p, struct segment *s)
{
	struct frame_tags tags;
	__u32 network, want;
	void *ip;

	if (!p || !s)
		return -1;
	network = p->network;
	if (s->option_count > SEGMENT_OPTION_MAX)
		return -1;
	want = network + segment_length(s);
	if (frame_tags_read(ctx, &tags))
		return -1;
	if ((__u32)(ctx->data_end - ctx->data) != want &&
		bpf_xdp_adjust_head(ctx, (int)(ctx->data_end - ctx->data) - (int)want))
		return -1;
	if (frame_head_write(ctx, network, &tags, s->version) ||
		frame_macs_write(ctx, s->mac_destination, s->mac_source))
		return -1;
	ip = header_at(ctx, network, sizeof(struct iphdr));
	if (!ip)
		return -1;
	return segment_write(ip, (void *)(long)ctx->data_end, s);
}

#endif
