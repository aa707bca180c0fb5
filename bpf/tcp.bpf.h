/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP: SYN cookie, then full address translation with the origin's numbers shifted into ours.
 *
 *   client                     node                                origin
 *   SYN, seq=c            ->
 *                         <-   SYN-ACK, seq=cookie, window 0         (no state)
 *   ACK, ack=cookie+1     ->   flow made, SYN_SENT: SYN, seq=c  ->
 *                              OPEN                             <-   SYN-ACK, seq=o
 *                         <-   window update, seq=cookie+1
 *                              ACK, ack=o+1                     ->
 *   data                  <->  sequence_delta = o - cookie      <->  data
 *
 * The window of 0 keeps the client from sending before the origin has answered; the window update
 * lets it. A server that speaks first needs nothing else, so one way serves both. The SYN-ACK of
 * the origin makes two packets, which XDP cannot: it is passed on to polder_handshake
 * (handshake.bpf.h).
 *
 * Loss: any packet of the client repeats the SYN while the origin has not answered, and so does the
 * agent (retry.bpf.h): where the server speaks first the client has nothing to say. The origin repeats
 * its SYN-ACK itself, and a client's probe on an open flow draws a fresh window from the origin.
 *
 * A SYN on a known tuple is answered like every other and harms nothing: only the ACK of that
 * cookie replaces the flow, and keeps its port, so that the origin meets its old connection. An origin that still holds an older connection of the same pair
 * (TIME_WAIT) answers our SYN with a bare ACK. The RST that this asks for frees the pair, and
 * another SYN follows it: again two packets, again by polder_handshake. Only once for a flow, since
 * an origin that does not heed RST would never stop; after that the client's next packet brings the
 * SYN.
 *
 * A RST that answers our SYN is believed the second time, from another port: the first may come from what
 * is left of a connection that used the port before, at the origin or at what stands before it.
 *
 * A RST of an open flow is carried on to whom it is for, who knows whether its number is right;
 * here it is not known. The flow closes, but opens again when either side goes on talking: a forged
 * RST costs a connection neither its idle time nor its port.
 *
 * Not done: the origin's MSS is not known when the client is answered; of a smaller MTU on the way
 * the client hears by ICMP errors, which are carried on (error.bpf.h). Timestamps are offered to
 * the origin as the client has them; an origin without them answers without.
 */
#ifndef BPF_TCP_BPF_H
#define BPF_TCP_BPF_H

#include "flow.bpf.h"
#include "awaited.bpf.h"
#include "cookie.bpf.h"
#include "segment.bpf.h"
#include "direct.bpf.h"
#include "ecn.bpf.h"
#include "translate.bpf.h"
#include "syn.bpf.h"
#include "mitigations/reset.bpf.h"

#define OPENING_FIRST_NS                                                                           \
	(NANOSECONDS / 4) /* until a SYN toward the origin is repeated; then doubling */

static __always_inline int tcp_flags_impossible(__u8 flags)
{
	if (!(flags & (TCP_SYN | TCP_ACK | TCP_RST)))
		return 1;
	if (flags & TCP_SYN)
		return flags & (TCP_FIN | TCP_RST);
	return (flags & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST);
}

/* The SYN toward the origin, from what the flow holds. */
static __always_inline void segment_syn(struct segment *s, const struct flow *flow)
{
	struct translation t;

	translation_to_origin(&t, flow);
	segment_from(s, &t);
	s->flags = TCP_SYN;
	if (flow->options & OPTION_ECN && !(flow->more_flags & FLOW_ECN_PLAIN))
		s->flags |= TCP_ECE | TCP_CWR;
	s->sequence = flow->client_isn - flow->prefix;
	s->window = flow->client_window > WINDOW_MAX ? WINDOW_MAX : flow->client_window;
	segment_offer(s, flow->options, option_scale(flow->options),
		flow->scratch[SCRATCH_CLIENT_VALUE], 0);
}

__noinline int tcp_send_syn(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	struct segment s = {};

	if (!p || !flow)
		return XDP_DROP;
	segment_syn(&s, flow);
	if (segment_build(ctx, p, &s))
		return drop(p, REASON_malformed);
	return transmit_to(ctx, p, flow->origin_ifindex);
}

/*
 * The ACK that ends the origin's handshake, with what it is to know of the client. The flow is open. Also
 * again, when the origin lacks the header.
 */
static __always_inline void segment_acknowledge(
	struct segment *s, const struct flow *flow, const struct flow_key *client)
{
	__u32 window = flow->client_window;
	struct translation t;

	translation_to_origin(&t, flow);
	segment_from(s, &t);
	s->flags = TCP_ACK;
	s->sequence = flow->client_isn + 1 - flow->prefix;
	s->acknowledgement = flow->proxy_isn + flow->sequence_delta + 1;
	if (flow->options & ORIGIN_SCALE)
		window >>= option_scale(flow->options);
	s->window = window > WINDOW_MAX ? WINDOW_MAX : window;
	if (flow->options & ORIGIN_TIMESTAMP)
		segment_timestamp(s, flow->scratch[SCRATCH_CLIENT_VALUE],
			flow->scratch[SCRATCH_ORIGIN_VALUE]);
	if (flow->client_address == CLIENT_ADDRESS_TOA)
		segment_toa(s, client);
	s->payload = flow->prefix;
}

/* The origin has said that it lacks the header: it is what it gets for that. */
__noinline int tcp_acknowledge(
	struct xdp_md *ctx, struct packet *p, struct flow *flow, struct flow_key *client)
{
	struct segment s = {};
	void *ip;

	if (!p || !flow || !client)
		return XDP_DROP;
	segment_acknowledge(&s, flow, client);
	if (segment_build(ctx, p, &s))
		return drop(p, REASON_malformed);
	ip = header_at(ctx, p->network, sizeof(struct iphdr));
	if (!ip || segment_add_proxy(ip, (void *)(long)ctx->data_end, &s, client))
		return drop(p, REASON_malformed);
	p->flags = 0;
	p->reason = REASON_forwarded_tcp;
	return transmit_to(ctx, p, flow->origin_ifindex);
}

/* Is this the ACK of a cookie? Sets the client's ISN. */
static __always_inline int tcp_has_cookie(struct packet *p)
{
	struct settings *keys = settings_get();
	__u32 cookie = p->acknowledgement - 1;

	if (!keys || (p->tcp_flags & (TCP_ACK | TCP_RST)) != TCP_ACK)
		return 0;
	/* A probe of the zero window repeats the byte before: the SYN, if the ACK was lost. */
	return cookie_valid(p, keys, cookie, p->sequence - 1,
		p->transport + p->tcp_length == p->end, &p->client_isn);
}

/* What the client's latest packet says, for the SYN and the ACK that are sent in its name. */
static __always_inline void tcp_note_client(struct packet *p, struct flow *flow)
{
	flow->client_window = (__u32)p->window << option_scale(flow->options);
	flow->scratch[SCRATCH_CLIENT_VALUE] = p->timestamp_value;
	flow->scratch[SCRATCH_ORIGIN_VALUE] = p->timestamp_echo;
}

/*
 * The flow is in its handshake: the agent looks after it (retry.bpf.h). When there is no room only the
 * client's own packets do.
 */
static __always_inline int opening_note(struct packet *p, __u64 delay_ns)
{
	struct opening value = { .due_ns = p->now_ns + delay_ns };

	return bpf_map_update_elem(&opening, &p->key, &value, BPF_ANY);
}

/* The ACK of a valid cookie: makes the flow and becomes the SYN to the origin. */
static __noinline int tcp_open(struct xdp_md *ctx, struct packet *p)
{
	struct flow *fresh = flow_blank();
	int reason;

	if (!p || !fresh)
		return XDP_DROP;
	options_read(ctx, p);
	p->proven = PROVEN_YES;
	reason = flow_prepare(ctx, p, fresh);
	if (reason)
		return drop(p, reason);
	fresh->limit_flags |= FLOW_PROVEN;
	fresh->state = FLOW_SYN_SENT;
	fresh->client_isn = p->client_isn;
	fresh->proxy_isn = p->acknowledgement - 1;
	fresh->options = cookie_options(p, fresh->proxy_isn);
	if (fresh->client_address == CLIENT_ADDRESS_PROXY)
		fresh->prefix = proxy_length(&p->key);
	tcp_note_client(p, fresh);
	reason = flow_insert(p, fresh);
	if (reason)
		return drop(p, reason);
	opening_note(p, OPENING_FIRST_NS);
	if (server_speaks_first(fresh->service))
		bpf_map_delete_elem(&awaited, &p->key);
	proof_set(p, 0);
	p->reason = REASON_flow_opened;
	p->flags |= PACKET_PROVEN;
	return tcp_send_syn(ctx, p, fresh);
}

/* The flow for a SYN that is to pass: a new one, or the one that it made before. NULL: the reason is set. */
static __always_inline struct flow *direct_flow(struct xdp_md *ctx, struct packet *p)
{
	struct flow *fresh = flow_blank();
	int reason;

	if (!fresh)
		return NULL;
	reason = flow_prepare(ctx, p, fresh);
	if (!reason) {
		fresh->state = FLOW_SYN_SENT;
		fresh->flags = FLOW_DIRECT;
		fresh->client_isn = p->sequence;
		fresh->options = p->options;
		fresh->client_window = p->window;
		fresh->scratch[SCRATCH_CLIENT_VALUE] = p->timestamp_value;
		reason = flow_insert(p, fresh);
	}
	if (!reason)
		return fresh;
	bpf_map_delete_elem(&opening, &p->key);
	drop(p, reason);
	return NULL;
}

/* A step of its own, for the stack's sake. */
__noinline int tcp_send_to_origin(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	struct translation t;

	if (!p || !flow)
		return XDP_DROP;
	translation_to_origin(&t, flow);
	return tcp_send(ctx, p, flow, &t, 1);
}

/* The flow on which a SYN below the threshold is to pass. NULL: a cookie, or the reason to drop is set. */
static __noinline struct flow *tcp_pass_syn(struct xdp_md *ctx, struct packet *p)
{
	struct flow *flow;

	if (!p)
		return NULL;
	flow = flow_of_client(p, IPPROTO_TCP);
	if (flow && flow_is_over(p, flow))
		flow = NULL;
	/* An older connection of the tuple goes on until a cookie says that this one is real. */
	if (flow && (!flow_is_half_open(flow) || flow->client_isn != p->sequence ||
			    flow_refresh(ctx, p, flow) != REFRESH_OK))
		return NULL;
	if (opening_note(p, DIRECT_LIFE_NS))
		return NULL;
	options_read(ctx, p);
	return flow ? flow : direct_flow(ctx, p);
}

/* A SYN of which nothing is kept yet: what its port rule says. */
static __noinline int tcp_ask_syn(struct xdp_md *ctx, struct packet *p, __u32 edition)
{
	struct service *entry;
	struct flow *flow = NULL;

	if (!p)
		return XDP_DROP;
	entry = service_find(p);
	if (!entry)
		return drop(p, REASON_no_service);
	if (direct_wanted(p, entry))
		flow = tcp_pass_syn(ctx, p);
	if (flow) {
		p->reason = REASON_syn_passed;
		return tcp_send_to_origin(ctx, p, flow);
	}
	if (p->reason >= REASON_DROP_FIRST)
		return XDP_DROP;
	if (origin_pick(entry, p, 0) < 0)
		return drop(p, REASON_no_origin);
	if (server_speaks_first(entry->id))
		p->flags |= PACKET_SILENT;
	syn_keep(p, edition, entry);
	return tcp_answer_syn(ctx, p);
}

static __always_inline int tcp_of_syn(struct xdp_md *ctx, struct packet *p)
{
	struct settings *s = settings_get();
	__u32 edition = s ? *(volatile __u32 *)&s->edition : 0;

	return syn_is_kept(p, edition) ? tcp_answer_syn(ctx, p) : tcp_ask_syn(ctx, p, edition);
}

static __always_inline void tcp_note_end(struct packet *p, struct flow *flow, __u8 fin)
{
	if (p->tcp_flags & TCP_RST && flow->state == FLOW_OPEN)
		flow->flags |= FLOW_RESET;
	if (p->tcp_flags & TCP_FIN)
		flow->flags |= fin;
	if (p->tcp_flags & TCP_RST || (flow->flags & (FLOW_FIN_CLIENT | FLOW_FIN_ORIGIN)) ==
					      (FLOW_FIN_CLIENT | FLOW_FIN_ORIGIN))
		flow->state = FLOW_CLOSING;
}

/* A segment of one side: what closed the flow before was no RST that the other side took. */
static __always_inline void tcp_note_life(struct packet *p, struct flow *flow)
{
	if (flow->state != FLOW_CLOSING || !(flow->flags & FLOW_RESET) || p->tcp_flags & TCP_RST)
		return;
	flow->flags &= ~FLOW_RESET;
	flow->state = FLOW_OPEN;
}

/* May this be the ACK of a newer cookie on the flow's tuple? */
static __always_inline int tcp_may_renew(struct packet *p, struct flow *flow)
{
	__u32 isn = flow->scratch[SCRATCH_RENEW];

	return flow->flags & FLOW_RENEWING && (p->sequence == isn || p->sequence == isn + 1) &&
	       !(isn == flow->client_isn && p->acknowledgement == flow->proxy_isn + 1);
}

static __noinline int tcp_of_flow(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	struct translation t;
	int reason;

	if (!p || !flow)
		return XDP_DROP;
	p->proven = flow->limit_flags & FLOW_PROVEN ? PROVEN_YES : PROVEN_NO;
	switch (flow_refresh(ctx, p, flow)) {
	case REFRESH_GONE:
		return drop(p, REASON_no_service);
	case REFRESH_TAKEN:
		limit_closed(flow, &p->key.source, IPPROTO_TCP);
		bpf_map_delete_elem(&flow_tcp, &p->key);
		return drop(p, REASON_cookie_invalid);
	default:
		break;
	}
	/* Only SYN and window probes are before it: the number of a RST is known. */
	if (flow->state == FLOW_SYN_SENT && p->tcp_flags & TCP_RST &&
		p->sequence - (flow->client_isn + 1) > 1)
		return drop(p, REASON_cookie_invalid);
	if (flow->state == FLOW_OPEN && p->tcp_flags & TCP_RST &&
		reset_refused(p, p->sequence, flow->client_next, flow->origin_window))
		return drop(p, REASON_reset_window);
	reason = limit_packet(p, flow);
	if (!reason)
		reason = plan_refuses(p);
	if (reason)
		return drop(p, reason);
	flow_seen(p, &p->key, flow);
	flow_learn_client(ctx, flow);
	p->reason = REASON_forwarded_tcp;
	if (flow->state == FLOW_SYN_SENT && !(p->tcp_flags & TCP_RST)) {
		options_read(ctx, p);
		tcp_note_client(p, flow);
		flow->more_flags |= FLOW_ECN_PLAIN;
		return tcp_send_syn(ctx, p, flow);
	}
	tcp_note_life(p, flow);
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		tcp_note_end(p, flow, FLOW_FIN_CLIENT);
	if ((p->tcp_flags & (TCP_ACK | TCP_RST)) == TCP_ACK)
		reset_note(&flow->origin_next, &flow->client_window, p->acknowledgement,
			(__u32)p->window << option_scale(flow->options));
	empty_note(p, flow);
	empty_follow(p, flow, &p->key.source);
	limit_follow(flow, &p->key.source);
	if (ecn_is_split(flow) && ecn_to_origin(ctx, p, flow))
		return drop(p, REASON_malformed);
	translation_to_origin(&t, flow);
	return tcp_send(ctx, p, flow, &t, 1);
}

static __always_inline int tcp_reason_unknown(__u8 flags)
{
	if (flags & TCP_RST)
		return REASON_reset_unknown;
	return flags & TCP_FIN ? REASON_fin_unknown : REASON_cookie_invalid;
}

/* From a client to a protected address. */
static __noinline int tcp_from_client(struct xdp_md *ctx, struct packet *p)
{
	struct flow *flow;
	int reason;

	if (!p)
		return XDP_DROP;
	if (p->fragment != FRAGMENT_NONE)
		return drop(p, REASON_fragment_unknown);
	if (tcp_flags_impossible(p->tcp_flags))
		return drop(p, REASON_tcp_flags);
	if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return tcp_of_syn(ctx, p);
	if (p->tcp_flags & TCP_SYN)
		return drop(p, REASON_syn_ack_unknown);
	flow = flow_of_client(p, IPPROTO_TCP);
	if ((!flow || tcp_may_renew(p, flow)) && tcp_has_cookie(p))
		return tcp_open(ctx, p);
	if (!flow)
		return drop(p, tcp_reason_unknown(p->tcp_flags));
	if (flow_is_half_open(flow)) {
		reason = direct_prove(p, flow);
		if (reason)
			return drop(p, reason);
	}
	return tcp_of_flow(ctx, p, flow);
}

/* From here on both sides acknowledge. The window of a SYN-ACK is not scaled. */
static __always_inline void tcp_note_agreed(struct packet *p, struct flow *flow)
{
	flow->client_next = flow->client_isn + 1;
	flow->origin_next = flow->proxy_isn + 1;
	flow->origin_window = p->window;
}

/*
 * The origin agreed: fixes the deltas. The host's stack never sees it, polder_handshake takes it.
 */
static __always_inline int tcp_origin_agreed(
	struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	__u32 agreed = 0;

	options_read(ctx, p);
	if (p->options & OPTION_TIMESTAMP) {
		if (flow->state == FLOW_SYN_SENT)
			flow->timestamp_delta =
				p->timestamp_value - flow->scratch[SCRATCH_ORIGIN_VALUE];
		flow->scratch[SCRATCH_ORIGIN_VALUE] = p->timestamp_value;
		agreed |= ORIGIN_TIMESTAMP;
	}
	if (p->options & OPTION_SCALE)
		agreed |= ORIGIN_SCALE | option_scale(p->options) << ORIGIN_SCALE_SHIFT;
	if (ecn_is_agreed(p, flow))
		agreed |= ORIGIN_ECN;
	if (flow->state == FLOW_SYN_SENT) {
		flow->sequence_delta = p->sequence - flow->proxy_isn;
		flow->options = (flow->options & ~ORIGIN_MASK) | agreed;
		tcp_note_agreed(p, flow);
		/* Whoever sees the flow open, on another CPU, must see how far to shift. */
		asm volatile("" ::: "memory");
		flow->state = FLOW_OPEN;
	}
	/* Counted as sent when it is sent. */
	p->flags = 0;
	p->reason = REASON_forwarded_tcp;
	return XDP_PASS;
}

/* The origin's SYN-ACK is about to go to the client as it is. */
static __always_inline void direct_answered(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	options_read(ctx, p);
	flow->proxy_isn = p->sequence;
	flow->options &= ~ORIGIN_MASK;
	if (p->options & OPTION_SCALE)
		flow->options |= ORIGIN_SCALE | option_scale(p->options) << ORIGIN_SCALE_SHIFT;
	tcp_note_agreed(p, flow);
	/* Whoever sees it, on another CPU, must see the number. */
	asm volatile("" ::: "memory");
	flow->more_flags |= FLOW_ANSWERED;
}

/* The RST that a challenge ACK asks for (RFC 9293 section 3.10.7.3). */
__noinline int tcp_answer_challenge(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	struct segment s = { .flags = TCP_RST };

	if (!p || !flow)
		return XDP_DROP;
	s.sequence = p->acknowledgement;
	p->flags = 0;
	p->reason = REASON_forwarded_tcp;
	if (!(flow->flags & FLOW_CHALLENGED)) {
		flow->flags |= FLOW_CHALLENGED;
		return XDP_PASS;
	}
	if (segment_reply(ctx, p, &s))
		return drop(p, REASON_malformed);
	return transmit_back(ctx);
}

/* From an origin; flow and client belong together. */
__noinline int tcp_from_origin(
	struct xdp_md *ctx, struct packet *p, struct flow *flow, struct flow_key *client)
{
	struct translation t;
	__u8 flags;
	int answers;

	if (!p || !flow || !client)
		return XDP_DROP;
	flags = p->tcp_flags;
	if (tcp_flags_impossible(flags))
		return drop(p, REASON_tcp_flags);
	answers = flags & TCP_ACK && p->acknowledgement == flow->client_isn + 1 - flow->prefix;
	if (flags & TCP_SYN) {
		if (!answers || (flow->state != FLOW_SYN_SENT &&
					p->sequence - flow->sequence_delta != flow->proxy_isn))
			return drop(p, REASON_source_unknown);
		if (!(flow->flags & FLOW_DIRECT))
			return tcp_origin_agreed(ctx, p, flow);
		if (flow->state == FLOW_SYN_SENT)
			direct_answered(ctx, p, flow);
	} else if (flow->state == FLOW_SYN_SENT) {
		if (!(flags & TCP_RST))
			return tcp_answer_challenge(ctx, p, flow);
		if (!answers)
			return drop(p, REASON_source_unknown);
		/* It may have been meant for what used the port before: polder_handshake takes another. */
		if (!(flow->flags & FLOW_DIRECT) && !(flow->more_flags & FLOW_REFUSED)) {
			flow->more_flags |= FLOW_REFUSED;
			p->flags = 0;
			p->reason = REASON_forwarded_tcp;
			return XDP_PASS;
		}
		/* Refused: the client's next expected number is the one behind the cookie. */
		if (!(flow->flags & FLOW_DIRECT))
			flow->sequence_delta = p->sequence - (flow->proxy_isn + 1);
		flow->limit_flags &= ~FLOW_NO_EMPTY;
	}
	if (flow->state == FLOW_OPEN && flags & TCP_RST &&
		reset_refused(p, p->sequence - flow->sequence_delta, flow->origin_next,
			flow->client_window))
		return drop(p, REASON_reset_window);
	flow_seen(p, client, flow);
	tcp_note_life(p, flow);
	if (flow->state == FLOW_OPEN)
		server_first_learn(p, flow);
	if (flow->prefix && !(flow->more_flags & FLOW_PREFIX_TAKEN) && flags & TCP_ACK) {
		if (!tcp_prefix_lacks(p, flow))
			flow->more_flags |= FLOW_PREFIX_TAKEN;
		else if (!(flags & (TCP_FIN | TCP_RST)) && p->transport + p->tcp_length == p->end)
			return tcp_acknowledge(ctx, p, flow, client);
	}
	if (flags & (TCP_FIN | TCP_RST))
		tcp_note_end(p, flow, FLOW_FIN_ORIGIN);
	if ((flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK)
		reset_note(&flow->client_next, &flow->origin_window, p->acknowledgement,
			(__u32)p->window << origin_scale(flow->options));
	empty_follow(p, flow, &client->source);
	limit_follow(flow, &client->source);
	if (ecn_is_split(flow) && ecn_to_client(ctx, p, flow))
		return drop(p, REASON_malformed);
	translation_to_client(&t, flow, client);
	p->reason = REASON_forwarded_tcp;
	return tcp_send(ctx, p, flow, &t, 0);
}

#endif
