/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A TCP segment of a flow on its way to the other side: addresses, ports, numbers, window, timestamps and SACK blocks, and the
 * checksum by what has changed. The segment's length stays.
 */
#ifndef BPF_TRANSLATE_BPF_H
#define BPF_TRANSLATE_BPF_H

#include "flow.bpf.h"
#include "options.bpf.h"
#include "segment.bpf.h"

#define WINDOW_SMALL 4096u /* bytes: below two or three segments */

/*
 * A window in the units of "from" bits, in those of "to" bits; what does not fit is cut. A small one is
 * rounded up: cut, 64 bytes would look closed and 576 less than a segment, and the sender would wait.
 */
static __always_inline __u32 window_convert(__u32 window, __u32 from, __u32 to)
{
	window <<= from & 15;
	if (window < WINDOW_SMALL)
		window += (1u << (to & 15)) - 1;
	window >>= to & 15;
	return window > WINDOW_MAX ? WINDOW_MAX : window;
}

static __always_inline __u32 window_to_client(__u32 options, __u32 window)
{
	return options & OPTION_SCALE ? window_convert(window, origin_scale(options), CLIENT_SCALE)
				      : window;
}

static __always_inline __u32 window_to_origin(__u32 options, __u32 window)
{
	if (!(options & OPTION_SCALE) || options & ORIGIN_SCALE)
		return window;
	return window_convert(window, option_scale(options), 0);
}

/* The usual layout, NOP NOP timestamp, is changed in place; the sum's change or -1 is returned. */
static __always_inline __s64 tcp_shift_options(
	struct xdp_md *ctx, struct packet *p, struct flow *flow, int to_origin)
{
	__u32 value = to_origin ? 0 : -flow->timestamp_delta;
	__u32 echo = to_origin ? flow->timestamp_delta : 0;
	__be32 *word, old_value, old_echo;

	if (p->tcp_length == sizeof(struct tcphdr))
		return 0;
	word = header_at(ctx, p->transport + sizeof(struct tcphdr), 12);
	if (p->tcp_length == 32 && word && word[0] == bpf_htonl(0x0101080a)) {
		old_value = word[1];
		old_echo = word[2];
		word[1] = bpf_htonl(bpf_ntohl(old_value) + value);
		word[2] = bpf_htonl(bpf_ntohl(old_echo) + echo);
		return checksum_change(old_value, word[1]) + checksum_change(old_echo, word[2]);
	}
	return options_translate(ctx, p, flow, to_origin);
}

/*
 * The origin's stream begins flow->prefix bytes before the client's, with a PROXY header: its SYN has so
 * much less, and then the numbers are the same. Does this segment of the origin say that it lacks some?
 */
static __always_inline int tcp_prefix_lacks(const struct packet *p, const struct flow *flow)
{
	return flow->prefix && !(flow->more_flags & FLOW_PREFIX_TAKEN) && p->tcp_flags & TCP_ACK &&
	       (__s32)(p->acknowledgement - (flow->client_isn + 1)) < 0;
}

/* A segment of an established flow, in either direction. */
__noinline int tcp_send(struct xdp_md *ctx, struct packet *p, struct flow *flow,
	struct translation *t, int to_origin)
{
	__u32 sequence, acknowledgement, window;
	__u64 sum;
	__s64 shift;
	struct tcphdr *tcp;
	int error;

	if (!p || !flow || !t)
		return XDP_DROP;
	error = network_translate(ctx, p, t);
	if (error)
		return drop(p, -error);
	shift = tcp_shift_options(ctx, p, flow, to_origin);
	tcp = header_at(ctx, p->transport, sizeof(*tcp));
	if (!tcp || shift < 0)
		return drop(p, REASON_malformed);
	sequence = tcp->seq;
	acknowledgement = tcp->ack_seq;
	window = tcp->window;
	if (flow->flags & FLOW_DIRECT) {
		/* Client and origin have agreed on their numbers and scales themselves. */
	} else if (!to_origin) {
		if (tcp_prefix_lacks(p, flow))
			tcp->ack_seq = bpf_htonl(flow->client_isn + 1);
		tcp->seq = bpf_htonl(p->sequence - flow->sequence_delta);
		tcp->window = bpf_htons(window_to_client(flow->options, p->window));
	} else {
		if (p->tcp_flags & TCP_ACK)
			tcp->ack_seq = bpf_htonl(p->acknowledgement + flow->sequence_delta);
		tcp->window = bpf_htons(window_to_origin(flow->options, p->window));
	}
	tcp->source = t->source_port;
	tcp->dest = t->destination_port;
	sum = rewrite_sum(p, t) + shift;
	sum += checksum_change(sequence, tcp->seq);
	sum += checksum_change(acknowledgement, tcp->ack_seq);
	sum += checksum_change(window, tcp->window);
	tcp->check = checksum_adjust(tcp->check, sum);
	return transmit_to(ctx, p, t->ifindex);
}

#endif
