/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP options, read and translated. They are copied out (at most 40 bytes) and walked there by an
 * offset, with bpf_loop: the verifier sees one step, whatever the packet holds. A list that breaks
 * off ends the walk; what came before counts, as in every stack.
 *
 * Toward the origin, what the client acknowledges is shifted into the origin's numbers: the
 * timestamp echo and the edges of SACK blocks (RFC 7323, RFC 2018). Toward the client only the
 * timestamp value. What claims to know the client's address (KIND_TOA, KIND_EXPERIMENT) is the
 * node's to say: from a client it is overwritten.
 */
#ifndef BPF_OPTIONS_BPF_H
#define BPF_OPTIONS_BPF_H

#include "packet.bpf.h"

/* struct packet and struct flow: what was offered, or agreed with the client. */
#define OPTION_MSS_MASK	   0xffffu
#define OPTION_SCALE_SHIFT 16
#define OPTION_SCALE	   (1u << 20)
#define OPTION_SACK	   (1u << 21)
#define OPTION_TIMESTAMP   (1u << 22)
#define OPTION_MSS	   (1u << 23)
#define OPTION_ECN	   (1u << 30) /* no option, but agreed like one */
/* struct flow: what the origin agreed to. */
#define ORIGIN_SCALE_SHIFT 24
#define ORIGIN_SCALE	   (1u << 28)
#define ORIGIN_TIMESTAMP   (1u << 29)
#define ORIGIN_ECN	   (1u << 31)
#define ORIGIN_MASK	   0xbf000000u

#define OPTION_SCALE_MAX   14u /* RFC 7323 section 2.3 */
#define OPTION_SPACE	   40

/* Ethernet's 1500 less the headers: what passes the node both ways. */
#define MSS_TO_CLIENT_IPV4 1460u
#define MSS_TO_CLIENT_IPV6 1440u

enum option_kind {
	KIND_END = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_SCALE = 3,
	KIND_SACK_PERMITTED = 4,
	KIND_SACK = 5,
	KIND_TIMESTAMP = 8,
	KIND_EXPERIMENT = 253, /* RFC 6994 */
	KIND_TOA = 254,
};

struct option_walk {
	__u8 bytes[64]; /* 40 in use: an offset masked to 63 stays inside */
	__u16 offset;
	__u16 length;
	__u16 strip;   /* what clients may not say */
	__u16 mss_max; /* 0: any */
	__u32 options;
	__u32 value;
	__u32 echo;
	__u32 add_value;    /* to TSval */
	__u32 add_echo;	    /* to TSecr */
	__u32 add_sequence; /* to SACK edges */
};

/* Not on the stack, which is full: what bpf_loop() hands on has to be there, so that is a pointer. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct option_walk);
} option_scratch SEC(".maps");

struct walk_context {
	struct option_walk *walk;
};

static __always_inline struct option_walk *walk_blank(void)
{
	__u32 zero = 0;
	struct option_walk *w = bpf_map_lookup_elem(&option_scratch, &zero);

	if (w)
		__builtin_memset(w, 0, sizeof(*w));
	return w;
}

static __always_inline __u32 option_scale(__u32 options)
{
	return options >> OPTION_SCALE_SHIFT & 15;
}

static __always_inline __u32 origin_scale(__u32 options)
{
	return options & ORIGIN_SCALE ? options >> ORIGIN_SCALE_SHIFT & 15 : 0;
}

static __always_inline __u32 walk_read(struct option_walk *w, __u32 at)
{
	return (__u32)w->bytes[at & 63] << 24 | (__u32)w->bytes[(at + 1) & 63] << 16 |
	       (__u32)w->bytes[(at + 2) & 63] << 8 | w->bytes[(at + 3) & 63];
}

static __always_inline void walk_add(struct option_walk *w, __u32 at, __u32 add)
{
	__u32 value = walk_read(w, at) + add;

	w->bytes[at & 63] = value >> 24;
	w->bytes[(at + 1) & 63] = value >> 16;
	w->bytes[(at + 2) & 63] = value >> 8;
	w->bytes[(at + 3) & 63] = value;
}

static __always_inline void walk_sack(struct option_walk *w, __u32 at, __u32 length)
{
	/* At most four blocks of two edges fit beside the option's own two bytes. */
	for (__u32 i = 0; i < 8; i++) {
		if (2 + 4 * (i + 1) > length)
			break;
		walk_add(w, at + 2 + 4 * i, w->add_sequence);
	}
}

/* 40 bytes at most, as the whole list is. */
static __always_inline void walk_erase(struct option_walk *w, __u32 at, __u32 length)
{
	for (__u32 i = 0; i < OPTION_SPACE; i++) {
		if (i >= length)
			break;
		w->bytes[(at + i) & 63] = KIND_NOP;
	}
}

static long walk_step(__u32 index, void *context)
{
	struct option_walk *w = ((struct walk_context *)context)->walk;
	__u32 at = w->offset, kind, length, scale;

	(void)index;
	if (at >= w->length)
		return 1;
	kind = w->bytes[at & 63];
	if (kind == KIND_END)
		return 1;
	if (kind == KIND_NOP) {
		w->offset = at + 1;
		return 0;
	}
	length = w->bytes[(at + 1) & 63];
	if (length < 2 || at + length > w->length)
		return 1;
	if (kind == KIND_MSS && length == 4) {
		w->options &= ~OPTION_MSS_MASK;
		w->options |= OPTION_MSS | (walk_read(w, at) & OPTION_MSS_MASK);
		if (w->mss_max && (walk_read(w, at) & OPTION_MSS_MASK) > w->mss_max) {
			w->bytes[(at + 2) & 63] = w->mss_max >> 8;
			w->bytes[(at + 3) & 63] = w->mss_max;
		}
	} else if (kind == KIND_SCALE && length == 3) {
		scale = w->bytes[(at + 2) & 63];
		if (scale > OPTION_SCALE_MAX)
			scale = OPTION_SCALE_MAX;
		w->options &= ~(15u << OPTION_SCALE_SHIFT);
		w->options |= OPTION_SCALE | scale << OPTION_SCALE_SHIFT;
	} else if (kind == KIND_SACK_PERMITTED && length == 2) {
		w->options |= OPTION_SACK;
	} else if (kind == KIND_TIMESTAMP && length == 10) {
		w->options |= OPTION_TIMESTAMP;
		w->value = walk_read(w, at + 2);
		w->echo = walk_read(w, at + 6);
		walk_add(w, at + 2, w->add_value);
		walk_add(w, at + 6, w->add_echo);
	} else if (kind == KIND_SACK && w->add_sequence) {
		walk_sack(w, at, length);
	} else if (w->strip && (kind == KIND_TOA || kind == KIND_EXPERIMENT)) {
		walk_erase(w, at, length);
	}
	w->offset = at + length;
	return 0;
}

/* 0 for what is no length of options. The mask tells Linux 6.1 that what is left is not 0. */
static __always_inline __u64 walk_bound(__u64 length)
{
	asm volatile("" : "+r"(length));
	length = ((length - 1) & 63) + 1;
	asm volatile("" : "+r"(length));
	return length > OPTION_SPACE ? 0 : length;
}

/* Returns 0 and the options' bytes, or -1. */
static __always_inline int walk_load(struct xdp_md *ctx, struct packet *p, struct option_walk *w)
{
	__u64 length = walk_bound(p->tcp_length - sizeof(struct tcphdr));

	if (!length)
		return -1;
	w->length = length;
	return bpf_xdp_load_bytes(ctx, p->transport + sizeof(struct tcphdr), w->bytes, length) ? -1
											       : 0;
}

/*
 * What Linux sends in a SYN (MSS, SACK permitted, timestamp, NOP, scale) and in every other segment
 * (NOP, NOP, timestamp), by words. Returns 0 when it is neither.
 */
static __always_inline int options_usual(struct xdp_md *ctx, struct packet *p)
{
	__be32 *word = header_at(ctx, p->transport + sizeof(struct tcphdr), 20);
	__u32 scale;

	if (word && p->tcp_length == 40 &&
		(word[0] & bpf_htonl(0xffff0000)) == bpf_htonl(0x02040000) &&
		word[1] == bpf_htonl(0x0402080a) &&
		(word[4] & bpf_htonl(0xffffff00)) == bpf_htonl(0x01030300)) {
		scale = bpf_ntohl(word[4]) & 0xff;
		if (scale > OPTION_SCALE_MAX)
			scale = OPTION_SCALE_MAX;
		p->options = OPTION_MSS | (bpf_ntohl(word[0]) & OPTION_MSS_MASK) | OPTION_SACK |
			     OPTION_TIMESTAMP | OPTION_SCALE | scale << OPTION_SCALE_SHIFT;
		p->timestamp_value = bpf_ntohl(word[2]);
		p->timestamp_echo = bpf_ntohl(word[3]);
		return 1;
	}
	word = header_at(ctx, p->transport + sizeof(struct tcphdr), 12);
	if (!word || p->tcp_length != 32 || word[0] != bpf_htonl(0x0101080a))
		return 0;
	p->options = OPTION_TIMESTAMP;
	p->timestamp_value = bpf_ntohl(word[1]);
	p->timestamp_echo = bpf_ntohl(word[2]);
	return 1;
}

static __always_inline void walk_run(struct option_walk *w)
{
	struct walk_context context = { .walk = w };

	bpf_loop(OPTION_SPACE, walk_step, &context, 0);
}

/* Another layout than the usual. A function of its own: what it calls is not free for those who do not. */
static __noinline int options_walk(struct xdp_md *ctx, struct packet *p)
{
	struct option_walk *w = walk_blank();

	if (!p || !w || walk_load(ctx, p, w) < 0)
		return 0;
	walk_run(w);
	p->options = w->options;
	p->timestamp_value = w->value;
	p->timestamp_echo = w->echo;
	return 0;
}

/* Sets options and timestamps of the packet. */
static __always_inline void options_read(struct xdp_md *ctx, struct packet *p)
{
	p->options = 0;
	if (p->tcp_length > sizeof(struct tcphdr) && !options_usual(ctx, p))
		options_walk(ctx, p);
}

/*
 * Shifts the options of a segment of an open flow; returns what that adds to the checksum, or -1.
 */
__noinline __s64 options_translate(
	struct xdp_md *ctx, struct packet *p, const struct flow *flow, int to_origin)
{
	struct option_walk *w = walk_blank();
	__u64 length; /* 64 bits: checked and used in one register */
	__s64 before, after;

	if (!p || !flow || !w)
		return -1;
	if (to_origin) {
		w->add_echo = flow->timestamp_delta;
		w->add_sequence = flow->sequence_delta;
		w->strip = 1;
	} else {
		w->add_value = -flow->timestamp_delta;
	}
	if (p->tcp_flags & TCP_SYN)
		w->mss_max = p->version == 4 ? MSS_TO_CLIENT_IPV4 : MSS_TO_CLIENT_IPV6;
	if (walk_load(ctx, p, w) < 0)
		return -1;
	before = bpf_csum_diff(0, 0, (__be32 *)w->bytes, OPTION_SPACE, 0);
	walk_run(w);
	after = bpf_csum_diff(0, 0, (__be32 *)w->bytes, OPTION_SPACE, 0);
	length = walk_bound(w->length);
	if (!length)
		return -1;
	if (bpf_xdp_store_bytes(ctx, p->transport + sizeof(struct tcphdr), w->bytes, length))
		return -1;
	return (__u64)(__u32)after + (__u32)~before;
}

#endif
