/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * tc ingress: where one packet of the origin makes two. polder_filter has checked it, noted it in
 * the flow and passed it on.
 *
 * A SYN-ACK becomes the window update that lets the client send, and the ACK that ends the origin's
 * handshake. A repeated SYN-ACK does the same again, which mends the loss of either. A challenge
 * ACK becomes the RST that it asks for, and another SYN. A first refusal becomes a SYN from another port.
 *
 * The flow holds what is needed; the packet gives sequence number and window, and the frame.
 */
#ifndef BPF_HANDSHAKE_BPF_H
#define BPF_HANDSHAKE_BPF_H

#include <linux/pkt_cls.h>

#include "tcp.bpf.h"
#include "count.bpf.h"

/* Shapes the frame like the segment. VLAN tags are beside the data here and stay. */
static __always_inline int segment_build_skb(struct __sk_buff *skb, struct segment *s)
{
	__be16 type = s->version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	struct ethhdr *ethernet;
	void *data, *end;

	if (skb->protocol != type && bpf_skb_change_proto(skb, type, 0))
		return -1;
	if (bpf_skb_change_tail(skb, ETH_HLEN + segment_length(s), 0))
		return -1;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return -1;
	mac_copy(ethernet->h_dest, s->mac_destination);
	mac_copy(ethernet->h_source, s->mac_source);
	ethernet->h_proto = type;
	return segment_write(ethernet + 1, end, s);
}

__noinline int handshake_open_window(
	struct __sk_buff *skb, struct packet *p, struct flow *flow, struct flow_key *client)
{
	struct segment s = { .flags = TCP_ACK };
	struct translation t;

	if (!p || !flow || !client)
		return -1;
	translation_to_client(&t, flow, client);
	segment_from(&s, &t);
	s.sequence = flow->proxy_isn + 1;
	s.acknowledgement = flow->client_isn + 1;
	/* The window of a SYN-ACK is in bytes whatever scale it announces. */
	s.window = flow->options & OPTION_SCALE ? window_convert(p->window, 0, CLIENT_SCALE)
						: p->window;
	if (flow->options & ORIGIN_TIMESTAMP)
		segment_timestamp(&s, flow->scratch[SCRATCH_ORIGIN_VALUE] - flow->timestamp_delta,
			flow->scratch[SCRATCH_CLIENT_VALUE]);
	if (segment_build_skb(skb, &s))
		return -1;
	return bpf_clone_redirect(skb, flow->client_ifindex, 0);
}

__noinline int handshake_acknowledge(
	struct __sk_buff *skb, struct flow *flow, struct flow_key *client)
{
	struct segment s = {};
	void *data, *end;

	if (!flow || !client)
		return -1;
	segment_acknowledge(&s, flow, client);
	if (segment_build_skb(skb, &s))
		return -1;
	if (!s.payload)
		return 0;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	return segment_add_proxy(data + ETH_HLEN, end, &s, client);
}

__noinline int handshake_syn(struct __sk_buff *skb, struct flow *flow)
{
	struct segment s = {};

	if (!flow)
		return -1;
	segment_syn(&s, flow);
	return segment_build_skb(skb, &s);
}

/* The RST that frees the origin's old connection; the SYN for the new one is left in the frame. */
__noinline int handshake_again(struct __sk_buff *skb, struct packet *p, struct flow *flow)
{
	struct segment s = { .flags = TCP_RST };
	struct translation t;

	if (!p || !flow)
		return -1;
	translation_to_origin(&t, flow);
	segment_from(&s, &t);
	s.sequence = p->acknowledgement;
	if (segment_build_skb(skb, &s) || bpf_clone_redirect(skb, flow->origin_ifindex, 0))
		return -1;
	segment_syn(&s, flow);
	s.acknowledgement = 0;
	return segment_build_skb(skb, &s);
}

static __always_inline int handshake_is_agreed(struct packet *p, struct flow *flow)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) &&
	       !(flow->flags & FLOW_DIRECT) && flow->state != FLOW_SYN_SENT &&
	       p->acknowledgement == flow->client_isn + 1 - flow->prefix &&
	       p->sequence - flow->sequence_delta == flow->proxy_isn;
}

static __always_inline int handshake_is_challenge(struct packet *p, struct flow *flow)
{
	return !(p->tcp_flags & (TCP_SYN | TCP_RST)) && flow->state == FLOW_SYN_SENT &&
	       flow->flags & FLOW_CHALLENGED;
}

static __always_inline int handshake_is_refused(struct packet *p, struct flow *flow)
{
	return p->tcp_flags & TCP_RST && flow->state == FLOW_SYN_SENT &&
	       flow->more_flags & FLOW_REFUSED && !(flow->flags & FLOW_DIRECT);
}

/* The SYN once more, from another port. */
static __always_inline int handshake_elsewhere(
	struct __sk_buff *skb, struct packet *p, struct flow *flow, struct flow_key *client)
{
	p->key = *client;
	flow_release(p, flow);
	if (flow_reserve(p, flow))
		return -1;
	flow->more_flags |= FLOW_ECN_PLAIN;
	return handshake_syn(skb, flow);
}

/* The key of the client's side of a TCP packet to a back-to-origin address, or NULL. */
static __always_inline struct flow_key *handshake_client(struct __sk_buff *skb, struct packet *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct vip *entry;

	if (parse_network(data, end, p) != PARSE_IP || p->network != ETH_HLEN)
		return NULL;
	entry = bpf_map_lookup_elem(&vip, &p->key.destination);
	if (!entry || entry->kind != VIP_SOURCE || parse_transport_skb(skb, p) < 0)
		return NULL;
	if (p->protocol != IPPROTO_TCP || p->fragment != FRAGMENT_NONE)
		return NULL;
	return reverse_lookup(&p->key, IPPROTO_TCP);
}

static __always_inline int handshake_agreed(
	struct __sk_buff *skb, struct packet *p, struct flow *flow, struct flow_key *client)
{
	/* Until the origin has the header the agent looks after the flow. */
	if (!flow->prefix)
		bpf_map_delete_elem(&opening, client);
	if (handshake_open_window(skb, p, flow, client) == 0) {
		p->flags = PACKET_OUT;
		p->slot = flow->slot;
		p->reason = REASON_forwarded_tcp;
		count(p);
	}
	return handshake_acknowledge(skb, flow, client);
}

static __always_inline int handshake_run(struct __sk_buff *skb)
{
	struct packet p = {};
	struct flow_key *client = handshake_client(skb, &p);
	struct flow *flow;
	int error;

	if (!client)
		return TC_ACT_UNSPEC;
	flow = flow_lookup(client, IPPROTO_TCP);
	if (!flow || !flow_owns(flow, &p.key.destination, p.key.destination_port))
		return TC_ACT_UNSPEC;
	if (handshake_is_agreed(&p, flow))
		error = handshake_agreed(skb, &p, flow, client);
	else if (handshake_is_challenge(&p, flow))
		error = handshake_again(skb, &p, flow);
	else if (handshake_is_refused(&p, flow))
		error = handshake_elsewhere(skb, &p, flow, client);
	else
		return TC_ACT_UNSPEC;
	return error ? TC_ACT_SHOT : bpf_redirect(flow->origin_ifindex, 0);
}

#endif
