/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SYN floods at local services. Above an instance's threshold its SYNs are answered here, with a cookie of the host's own
 * stack: its listener takes the ACK for that of a SYN-ACK of its own, and no SYN has cost it anything.
 *
 *   client                     here                                host's stack
 *   SYN                   ->
 *                         <-   SYN-ACK, cookie                     (no state)
 *   ACK                   ->   a valid cookie: passes          ->   connection
 *
 * The helpers compute what the stack does. What the cookie does not hold, window scale and SACK, the stack reads from
 * the low bits of the timestamp that the client echoes, as from its own: the same six bits as in cookie.bpf.h. That takes
 * timestamps without a secret offset (net.ipv4.tcp_timestamps=2), and the window scale that the stack itself would
 * offer. Both are told by the agent (map "local_cookie"), who also sees to it that listeners accept cookies at all.
 *
 * Below it SYNs pass as they are: the stack stands some, and who speaks no timestamps keeps all options. That is why the
 * threshold of local services is LOCAL_SYN_MIN at least, also where port rules answer all SYNs by cookies; but so that many
 * instances at a time cannot be too much, each CPU lets LOCAL_CPU_MAX pass at most.
 *
 * What belongs to no connection, which is what floods of ACK, RST, FIN and ICMP errors are, counts like SYNs, and ends
 * here above the threshold. Below it the stack answers: a client whose connection the node has forgotten hears so by RST.
 */
#ifndef BPF_LOCAL_COOKIE_BPF_H
#define BPF_LOCAL_COOKIE_BPF_H

#include "tcp.bpf.h"

#define LOCAL_SYN_MIN 500u   /* a second: a quarter of a per cent of a CPU */
#define LOCAL_CPU_MAX 4000u  /* a second: two per cent of it */
#define LOCAL_WINDOW  29200u /* 20 segments of Ethernet: the stack says the rest */

struct local_load {   /* of a CPU, all instances together */
	__u32 second; /* boot clock */
	__u32 passed; /* SYNs, and segments of nobody */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct local_load);
} local_load SEC(".maps");

/* Counts a SYN, or what is nobody's. May it pass to the stack? */
static __noinline int local_below(struct packet *p)
{
	__u32 zero = 0, now;
	struct local_load *load = bpf_map_lookup_elem(&local_load, &zero);

	if (!p || !load)
		return 0;
	if (p->syn_threshold < LOCAL_SYN_MIN)
		p->syn_threshold = LOCAL_SYN_MIN;
	if (!direct_below(p))
		return 0;
	now = p->now_ns / NANOSECONDS;
	if (load->second != now) {
		load->second = now;
		load->passed = 0;
	}
	return ++load->passed <= LOCAL_CPU_MAX;
}

enum local_socket {
	LOCAL_NOBODY,
	LOCAL_LISTENS,
	LOCAL_KNOWN, /* a connection, also a half-open or a closed one */
};

/* Whose the packet is, as the stack and polder_steer will find it. */
static __noinline enum local_socket local_socket_of(struct xdp_md *ctx, struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	enum local_socket found;
	struct bpf_sock *socket;

	if (!p)
		return LOCAL_NOBODY;
	if (p->version == 4) {
		tuple.ipv4.saddr = p->key.source.word[3];
		tuple.ipv4.daddr = p->key.destination.word[3];
		tuple.ipv4.sport = p->key.source_port;
		tuple.ipv4.dport = p->key.destination_port;
		socket = bpf_skc_lookup_tcp(
			ctx, &tuple, sizeof(tuple.ipv4), (__u64)BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &p->key.source, sizeof(tuple.ipv6.saddr));
		__builtin_memcpy(tuple.ipv6.daddr, &p->key.destination, sizeof(tuple.ipv6.daddr));
		tuple.ipv6.sport = p->key.source_port;
		tuple.ipv6.dport = p->key.destination_port;
		socket = bpf_skc_lookup_tcp(
			ctx, &tuple, sizeof(tuple.ipv6), (__u64)BPF_F_CURRENT_NETNS, 0);
	}
	if (!socket)
		return LOCAL_NOBODY;
	found = socket->state == BPF_TCP_LISTEN ? LOCAL_LISTENS : LOCAL_KNOWN;
	bpf_sk_release(socket);
	return found;
}

/* The helpers read addresses, ports and numbers, and of a SYN the MSS. */
struct local_headers {
	union {
		struct iphdr ipv4;
		struct ipv6hdr ipv6;
	};
	union {
		struct tcphdr tcp;
		__u8 bytes[64]; /* with its options; a power of two */
	};
};

static __always_inline int local_headers_load(
	struct xdp_md *ctx, struct packet *p, struct local_headers *out, __u32 length)
{
	if (p->version == 4) {
		out->ipv4.saddr = p->key.source.word[3];
		out->ipv4.daddr = p->key.destination.word[3];
	} else {
		__builtin_memcpy(&out->ipv6.saddr, &p->key.source, sizeof(out->ipv6.saddr));
		__builtin_memcpy(&out->ipv6.daddr, &p->key.destination, sizeof(out->ipv6.daddr));
	}
	return frame_copy(ctx, p->transport, out->bytes, length, sizeof(out->bytes));
}

/* Negative: there is none. */
static __noinline __s64 local_cookie_make(struct xdp_md *ctx, struct packet *p)
{
	struct local_headers headers = {};
	__u64 length;

	if (!p)
		return -1;
	length = p->tcp_length;
	/* One register holds what is checked and what is used. */
	asm volatile("" : "+r"(length));
	if (length < sizeof(struct tcphdr) || length > 60)
		return -1;
	if (local_headers_load(ctx, p, &headers, length))
		return -1;
	if (p->version == 4)
		return bpf_tcp_raw_gen_syncookie_ipv4(&headers.ipv4, &headers.tcp, length);
	return bpf_tcp_raw_gen_syncookie_ipv6(&headers.ipv6, &headers.tcp, length);
}

static __noinline int local_cookie_valid(struct xdp_md *ctx, struct packet *p)
{
	struct local_headers headers = {};

	if (!p || (p->tcp_flags & (TCP_ACK | TCP_RST)) != TCP_ACK ||
		local_headers_load(ctx, p, &headers, sizeof(headers.tcp)))
		return 0;
	if (p->version == 4)
		return !bpf_tcp_raw_check_syncookie_ipv4(&headers.ipv4, &headers.tcp);
	return !bpf_tcp_raw_check_syncookie_ipv6(&headers.ipv6, &headers.tcp);
}

/* As the stack makes it: milliseconds of its clock, never ahead of them, over the options that were agreed. */
static __always_inline __u32 local_stamp(struct packet *p)
{
	__u32 now = bpf_ktime_get_ns() / 1000000, stamp;

	stamp = (now & ~COOKIE_STAMP_MASK) | (cookie_stamp(p) & COOKIE_STAMP_MASK);
	return (__s32)(stamp - now) > 0 ? stamp - (COOKIE_STAMP_MASK + 1) : stamp;
}

static __noinline int local_answer_syn(
	struct xdp_md *ctx, struct packet *p, struct local_cookie *host)
{
	struct segment s = { .flags = TCP_SYN | TCP_ACK, .window = LOCAL_WINDOW };
	__s64 cookie;
	__u32 options;

	if (!p || !host)
		return XDP_DROP;
	cookie = local_cookie_make(ctx, p);
	if (cookie < 0)
		return drop(p, REASON_malformed);
	s.sequence = cookie;
	s.acknowledgement = p->sequence + 1;
	options_read(ctx, p);
	if (!host->timestamps)
		p->options &= ~OPTION_TIMESTAMP;
	if (!host->sack)
		p->options &= ~OPTION_SACK;
	if (host->scale == LOCAL_SCALE_NONE)
		p->options &= ~OPTION_SCALE;
	options = p->options & ~OPTION_MSS_MASK;
	options |= p->version == 4 ? MSS_TO_CLIENT_IPV4 : MSS_TO_CLIENT_IPV6;
	/* Every stack offers an MSS. Without it our options would be longer than what was sent. */
	if (options & OPTION_MSS)
		segment_offer(&s, options, host->scale, local_stamp(p), p->timestamp_value);
	if (segment_reply(ctx, p, &s))
		return drop(p, REASON_malformed);
	p->flags |= PACKET_OUT;
	p->reason = REASON_cookie_sent;
	return transmit_back(ctx);
}

/* The entry, while listeners accept cookies; else NULL. */
static __always_inline struct local_cookie *local_cookie_ready(struct packet *p)
{
	__u32 zero = 0;
	struct local_cookie *host = bpf_map_lookup_elem(&local_cookie, &zero);

	return host && p->now_ns < host->until_ns ? host : NULL;
}

/* A segment, but for a SYN: 0, or the reason to drop it. */
static __always_inline int local_refuses(struct xdp_md *ctx, struct packet *p)
{
	enum local_socket found = local_socket_of(ctx, p);

	if (found == LOCAL_KNOWN)
		return 0;
	if (found == LOCAL_LISTENS && local_cookie_valid(ctx, p)) {
		p->flags |= PACKET_PROVEN;
		return 0;
	}
	if (local_below(p))
		return 0;
	return tcp_reason_unknown(p->tcp_flags);
}

#endif
