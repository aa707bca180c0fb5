/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The answer to a SYN: a SYN-ACK with a cookie and window 0, and no state.
 */
#ifndef BPF_SYN_BPF_H
#define BPF_SYN_BPF_H

#include "flow.bpf.h"
#include "answer.bpf.h"
#include "cookie.bpf.h"
#include "ecn.bpf.h"
#include "segment.bpf.h"

#define MSS_DEFAULT_IPV4 536u /* RFC 9293 section 3.7.1 */
#define MSS_DEFAULT_IPV6 1220u

/* Answers to where the packet came from. */
static __always_inline int segment_reply(struct xdp_md *ctx, struct packet *p, struct segment *s)
{
	struct ethhdr *ethernet = header_at(ctx, 0, sizeof(*ethernet));

	if (!ethernet)
		return -1;
	s->source = p->key.destination;
	s->destination = p->key.source;
	s->source_port = p->key.destination_port;
	s->destination_port = p->key.source_port;
	s->version = p->version;
	mac_copy(s->mac_destination, ethernet->h_source);
	mac_copy(s->mac_source, ethernet->h_dest);
	return segment_build(ctx, p, s);
}

static __always_inline __u32 offered_mss(struct packet *p)
{
	__u32 mss = p->options & OPTION_MSS_MASK;

	if (!(p->options & OPTION_MSS))
		return p->version == 4 ? MSS_DEFAULT_IPV4 : MSS_DEFAULT_IPV6;
	/* An IPv4 origin has 20 bytes more in each segment than IPv6 leaves. */
	return p->version == 6 && mss > MSS_TO_CLIENT_IPV6 ? MSS_TO_CLIENT_IPV6 : mss;
}

/* 0: the answer is as long as the SYN, and was written over it. */
static __always_inline int tcp_answer_over(
	struct xdp_md *ctx, struct packet *p, const struct segment *s)
{
	if (s->option_count != ANSWER_OPTIONS / 4 || p->tcp_length != ANSWER_BYTES ||
		p->network != ETH_HLEN)
		return -1;
	return p->version == 4 ? answer_over(ctx, p, s, 4) : answer_over(ctx, p, s, 6);
}

/* The SYN-ACK. A function of its own: what it keeps on the stack is not there while options are read. */
static __noinline int tcp_send_cookie(struct xdp_md *ctx, struct packet *p)
{
	struct segment s = { .flags = TCP_SYN | TCP_ACK };
	struct settings *keys = settings_get();
	__u32 options;

	if (!p || !keys)
		return XDP_DROP;
	s.sequence = cookie_make(p, keys, offered_mss(p));
	s.acknowledgement = p->sequence + 1;
	options = cookie_offer(p);
	/* Every stack offers an MSS. Without it our options would be longer than what was sent. */
	if (options & OPTION_MSS) {
		segment_offer(&s, options, CLIENT_SCALE, cookie_stamp(p), p->timestamp_value);
		if (options & OPTION_ECN)
			s.flags |= TCP_ECE;
	}
	p->acknowledgement = s.sequence;
	if (tcp_answer_over(ctx, p, &s) && segment_reply(ctx, p, &s))
		return drop(p, REASON_malformed);
	p->flags |= PACKET_OUT;
	p->reason = REASON_cookie_sent;
	return transmit_back(ctx);
}

/* A SYN: answered with a cookie. Leaves no state. */
static __noinline int tcp_answer_syn(struct xdp_md *ctx, struct packet *p)
{
	struct flow *flow;

	if (!p)
		return XDP_DROP;
	flow = flow_lookup_known(p);
	if (flow) {
		flow->scratch[SCRATCH_RENEW] = p->sequence;
		flow->flags |= FLOW_RENEWING;
	}
	options_read(ctx, p);
	if (p->options & OPTION_TIMESTAMP && ecn_is_asked(p))
		p->options |= OPTION_ECN;
	return tcp_send_cookie(ctx, p);
}

#endif
