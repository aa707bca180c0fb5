/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * peer_synproxy is what xdp_synproxy of the kernel's tests does to a packet of no connection: conntrack lookup,
 * checksums of the SYN, the kernel's own cookie, options kept in the timestamp, SYN-ACK; an ACK without a valid
 * cookie is dropped. Left out: its look through the allowed ports and at the values that user space sets, IPv4
 * options, and the netfilter SYNPROXY target that it needs behind it.
 */
#ifndef TESTS_BENCH_PEER_SYNPROXY_BPF_H
#define TESTS_BENCH_PEER_SYNPROXY_BPF_H

#define TCP_HEADER_MAX 60
#define OPTION_MAX     20 /* in a SYN's 40 bytes there are no more that stacks send */
#define STAMP_MASK     63u
#define SCALE_NONE     15u
#define STAMP_SACK     (1u << 4)
#define NOT_FOUND      (-2) /* -ENOENT */
#define CONFIRMED      (1ul << 3)

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));
struct bpf_ct_opts___local {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
} __attribute__((preserve_access_index));
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
	__u32 tuple_size, struct bpf_ct_opts___local *options, __u32 options_size) __ksym;
extern void bpf_ct_release(struct nf_conn *conntrack) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} peer_answered SEC(".maps");

struct headers {
	struct ethhdr *ethernet;
	struct iphdr *ipv4; /* one of these is NULL, which the verifier is shown at each use */
	struct ipv6hdr *ipv6;
	struct tcphdr *tcp; /* TCP_HEADER_MAX bytes of it, when asked for */
};

static __always_inline int find_headers(struct xdp_md *ctx, struct headers *h, __u32 tcp_bytes)
{
	void *end = (void *)(long)ctx->data_end;

	h->ethernet = (void *)(long)ctx->data;
	h->ipv4 = NULL;
	h->ipv6 = NULL;
	if ((void *)(h->ethernet + 1) > end)
		return -1;
	if (h->ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		h->ipv4 = (void *)(h->ethernet + 1);
		if ((void *)(h->ipv4 + 1) > end || h->ipv4->version != 4 || h->ipv4->ihl != 5 ||
			h->ipv4->protocol != IPPROTO_TCP)
			return -1;
		h->tcp = (void *)(h->ipv4 + 1);
	} else if (h->ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		h->ipv6 = (void *)(h->ethernet + 1);
		if ((void *)(h->ipv6 + 1) > end || h->ipv6->version != 6 ||
			h->ipv6->nexthdr != IPPROTO_TCP)
			return -1;
		h->tcp = (void *)(h->ipv6 + 1);
	} else {
		return -1;
	}
	return (void *)h->tcp + tcp_bytes > end ? -1 : 0;
}

/* Is the packet of a connection that the kernel knows? */
static __always_inline bool is_known(struct xdp_md *ctx, struct headers *h)
{
	struct bpf_ct_opts___local options = { .netns_id = -1, .l4proto = IPPROTO_TCP };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *conntrack;
	unsigned long status;
	__u32 size;

	if (h->ipv4) {
		tuple.ipv4.saddr = h->ipv4->saddr;
		tuple.ipv4.daddr = h->ipv4->daddr;
		tuple.ipv4.sport = h->tcp->source;
		tuple.ipv4.dport = h->tcp->dest;
		size = sizeof(tuple.ipv4);
	} else if (h->ipv6) {
		__builtin_memcpy(tuple.ipv6.saddr, &h->ipv6->saddr, 16);
		__builtin_memcpy(tuple.ipv6.daddr, &h->ipv6->daddr, 16);
		tuple.ipv6.sport = h->tcp->source;
		tuple.ipv6.dport = h->tcp->dest;
		size = sizeof(tuple.ipv6);
	} else {
		return true;
	}
	conntrack = bpf_xdp_ct_lookup(ctx, &tuple, size, &options, sizeof(options));
	if (!conntrack)
		return options.error != NOT_FOUND;
	status = conntrack->status;
	bpf_ct_release(conntrack);
	return status & CONFIRMED;
}

static __always_inline __u64 pseudo_sum(struct headers *h, __u32 length)
{
	__u64 sum = bpf_htons(IPPROTO_TCP) + bpf_htons(length);
	__be32 *word;

	if (h->ipv4)
		return sum + h->ipv4->saddr + h->ipv4->daddr;
	if (!h->ipv6)
		return sum;
	word = (void *)&h->ipv6->saddr;
#pragma unroll
	for (int i = 0; i < 8; i++)
		sum += word[i];
	return sum;
}

struct option_walk {
	__u8 bytes[64]; /* 40 in use: an offset masked to 63 stays inside */
	__u32 offset, length;
	__u32 bits; /* as in the cookie's timestamp */
	__be32 value;
	__u32 has_timestamp;
};

static long walk_step(__u32 index, void *context)
{
	struct option_walk *w = context;
	__u32 at = w->offset, kind, length;

	(void)index;
	if (at >= w->length)
		return 1;
	kind = w->bytes[at & 63];
	if (kind == 0)
		return 1;
	if (kind == 1) {
		w->offset = at + 1;
		return 0;
	}
	length = w->bytes[(at + 1) & 63];
	if (length < 2)
		return 1;
	if (kind == 3)
		w->bits = (w->bits & ~SCALE_NONE) | (w->bytes[(at + 2) & 63] & SCALE_NONE);
	else if (kind == 4)
		w->bits |= STAMP_SACK;
	else if (kind == 8) {
		w->has_timestamp = 1;
		w->value = (__u32)w->bytes[(at + 2) & 63] | (__u32)w->bytes[(at + 3) & 63] << 8 |
			   (__u32)w->bytes[(at + 4) & 63] << 16 |
			   (__u32)w->bytes[(at + 5) & 63] << 24;
	}
	w->offset = at + length;
	return 0;
}

static __always_inline __s64 sum_of(void *from, __u32 size)
{
	return bpf_csum_diff(0, 0, from, size, 0);
}

/* Returns the length of the TCP header. */
static __always_inline __u32 write_answer(
	struct headers *h, struct option_walk *w, __u32 cookie, __u64 now_ns)
{
	__be32 *word = (void *)h->tcp, *option = (void *)(h->tcp + 1);
	__u32 stamp = ((__u32)(now_ns / 1000000) & ~STAMP_MASK) | w->bits, words = 6;

	word[0] = word[0] << 16 | word[0] >> 16;
	word[2] = bpf_htonl(bpf_ntohl(h->tcp->seq) + 1);
	word[1] = bpf_htonl(cookie);
	option[0] = bpf_htonl(0x02040000 | (h->ipv4 ? 1460 : 1440));
	if (w->has_timestamp) {
		option[1] = bpf_htonl(w->bits & STAMP_SACK ? 0x0402080a : 0x0101080a);
		option[2] = bpf_htonl(stamp);
		option[3] = w->value;
		words = 9;
		if ((w->bits & SCALE_NONE) != SCALE_NONE) {
			option[4] = bpf_htonl(0x01030307);
			words = 10;
		}
	}
	word[3] = bpf_htonl(words << 28 | 0x12 << 16);
	word[4] = 0;
	return words * 4;
}

/* Addresses, lengths and checksums around the answer. */
static __always_inline void write_around(struct headers *h, __u32 length)
{
	__u64 sum;

	turn_ethernet(h->ethernet);
	if (h->ipv4) {
		__be32 source = h->ipv4->saddr;

		h->ipv4->saddr = h->ipv4->daddr;
		h->ipv4->daddr = source;
		h->ipv4->check = 0;
		h->ipv4->tos = 0;
		h->ipv4->id = 0;
		h->ipv4->ttl = 64;
		h->ipv4->tot_len = bpf_htons(sizeof(*h->ipv4) + length);
		h->ipv4->check = fold((__u64)sum_of(h->ipv4, sizeof(*h->ipv4)));
	} else if (h->ipv6) {
		struct in6_addr source = h->ipv6->saddr;

		h->ipv6->saddr = h->ipv6->daddr;
		h->ipv6->daddr = source;
		*(__be32 *)h->ipv6 = bpf_htonl(6u << 28);
		h->ipv6->hop_limit = 64;
		h->ipv6->payload_len = bpf_htons(length);
	}
	sum = (__u64)(__u32)sum_of(h->tcp, length == 40 ? 40 : 24);
	h->tcp->check = fold(sum + pseudo_sum(h, length));
}

static __always_inline int answer_syn(struct xdp_md *ctx, struct headers *h, __u32 length)
{
	struct option_walk w = { .bits = SCALE_NONE, .length = length - sizeof(struct tcphdr) };
	__u32 zero = 0, size;
	__u64 *answered;
	__s64 cookie;

	if (h->ipv4 && fold((__u64)sum_of(h->ipv4, sizeof(*h->ipv4))))
		return XDP_DROP;
	if (fold((__u64)(__u32)sum_of(h->tcp, length) + pseudo_sum(h, length)))
		return XDP_DROP;
	if (h->ipv4)
		cookie = bpf_tcp_raw_gen_syncookie_ipv4(h->ipv4, h->tcp, length);
	else if (h->ipv6)
		cookie = bpf_tcp_raw_gen_syncookie_ipv6(h->ipv6, h->tcp, length);
	else
		return XDP_ABORTED;
	if (cookie < 0)
		return XDP_ABORTED;
	__builtin_memcpy(w.bytes, h->tcp + 1, TCP_HEADER_MAX - sizeof(struct tcphdr));
	bpf_loop(OPTION_MAX, walk_step, &w, 0);
	size = write_answer(h, &w, (__u32)cookie, bpf_ktime_get_ns());
	/* What is not 40 bytes of options has none but the MSS: a stack sends all or little. */
	write_around(h, size);
	if (bpf_xdp_adjust_tail(ctx, (int)size - TCP_HEADER_MAX))
		return XDP_ABORTED;
	answered = bpf_map_lookup_elem(&peer_answered, &zero);
	if (answered)
		__sync_fetch_and_add(answered, 1);
	return XDP_TX;
}

SEC("xdp")
int peer_synproxy(struct xdp_md *ctx)
{
	struct headers h;
	__u32 length;

	if (find_headers(ctx, &h, sizeof(struct tcphdr)) || is_known(ctx, &h))
		return XDP_PASS;
	if ((h.tcp->syn ^ h.tcp->ack) != 1)
		return XDP_DROP;
	/* Room for any header, so that the verifier knows it is there. */
	if (bpf_xdp_adjust_tail(ctx, TCP_HEADER_MAX - h.tcp->doff * 4))
		return XDP_ABORTED;
	if (find_headers(ctx, &h, TCP_HEADER_MAX))
		return XDP_ABORTED;
	length = h.tcp->doff * 4;
	if (length < sizeof(struct tcphdr))
		return XDP_DROP;
	if (h.tcp->syn)
		return answer_syn(ctx, &h, length);
	if (h.ipv4)
		return bpf_tcp_raw_check_syncookie_ipv4(h.ipv4, h.tcp) ? XDP_DROP : XDP_PASS;
	if (!h.ipv6)
		return XDP_ABORTED;
	return bpf_tcp_raw_check_syncookie_ipv6(h.ipv6, h.tcp) ? XDP_DROP : XDP_PASS;
}

#endif
