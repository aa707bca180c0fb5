/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * UDP: address translation by flow, in both directions, and its fragments. A datagram without
 * checksum, which only IPv4 allows, gets one when it becomes IPv6. Each datagram of a client gets a
 * PROXY header where the port rule wants it; replies have none.
 *
 * The first fragment holds the ports: it is translated as a whole datagram would be, and its
 * identification leads the later ones, which need new addresses only, to the same flow. Later
 * fragments that arrive before the first are dropped.
 */
#ifndef BPF_UDP_BPF_H
#define BPF_UDP_BPF_H

#include "flow.bpf.h"
#include "mitigations/answer.bpf.h"
#include "mitigations/challenge.bpf.h"

/*
 * Fills the room before the payload: who the client is (the key as received). The header of a
 * fragment is padded, so that the later ones' offsets move by a whole number. Returns what it adds
 * to the checksum, or -1.
 */
__noinline __s64 udp_prefix(struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	__u32 added, at;
	struct udphdr *udp;
	__be32 *word;
	__s64 sum;

	if (!p || !t)
		return -1;
	added = prefix_length(p, t);
	at = p->transport + sizeof(*udp);
	word = header_at(ctx, at, PROXY_LENGTH_IPV4);
	if (!word)
		return -1;
	sum = proxy_write(word, (void *)(long)ctx->data_end, &p->key, PROXY_DGRAM);
	udp = header_at(ctx, p->transport, sizeof(*udp));
	if (!udp || sum < 0 || bpf_ntohs(udp->len) + added > DATAGRAM_MAX)
		return -1;
	udp->len = bpf_htons(bpf_ntohs(udp->len) + added);
	/* In the header, and in the pseudo header. */
	sum += 2ull * bpf_htons(added);
	if (!p->fragment)
		return sum;
	word = header_at(ctx, at + PROXY_HEAD - sizeof(*word), sizeof(*word));
	if (!word)
		return -1;
	*word = bpf_htonl(bpf_ntohl(*word) + PROXY_PADDING);
	word = header_at(ctx, at + t->prefix, sizeof(*word));
	if (!word)
		return -1;
	*word = bpf_htonl(PROXY_NOOP);
	return sum + bpf_htonl(PROXY_NOOP) + bpf_htonl(PROXY_PADDING);
}

/* The checksum of a datagram that came without. Returns 0 or -1. */
__noinline int udp_seal(struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	struct udphdr *udp;
	__u16 checksum;
	__u32 length;
	__s64 sum;

	if (!p || !t || p->fragment)
		return -1;
	udp = header_at(ctx, p->transport, sizeof(*udp));
	if (!udp)
		return -1;
	length = bpf_ntohs(udp->len);
	sum = sum_range(ctx, p->transport, length);
	udp = header_at(ctx, p->transport, sizeof(*udp));
	if (!udp || sum < 0)
		return -1;
	sum += pseudo_sum(&t->source, &t->destination, IPPROTO_UDP, length);
	checksum = ~checksum_fold(sum);
	udp->check = checksum ? checksum : 0xffff;
	return 0;
}

__noinline int udp_send(struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	struct udphdr *udp;
	__u16 checksum;
	__s64 sum = 0;
	int error;

	if (!p || !t)
		return XDP_DROP;
	error = network_translate(ctx, p, t);
	if (error)
		return drop(p, -error);
	if (t->prefix && p->fragment != FRAGMENT_LATER)
		sum = udp_prefix(ctx, p, t);
	if (sum < 0)
		return drop(p, REASON_malformed);
	if (p->fragment != FRAGMENT_LATER) {
		udp = header_at(ctx, p->transport, sizeof(*udp));
		if (!udp)
			return drop(p, REASON_malformed);
		udp->source = t->source_port;
		udp->dest = t->destination_port;
		if (udp->check) {
			checksum = checksum_adjust(udp->check, rewrite_sum(p, t) + sum);
			udp->check = checksum ? checksum : 0xffff;
		} else if (t->version == 6 && p->version == 4 && udp_seal(ctx, p, t)) {
			return drop(p, REASON_malformed);
		}
	}
	return transmit_to(ctx, p, t->ifindex);
}

static __always_inline void fragment_remember(
	struct packet *p, const struct flow_key *client, const struct flow *flow, int to_origin)
{
	struct fragment_key key = {
		.source = p->key.source,
		.destination = p->key.destination,
		.id = p->fragment_id,
		.protocol = p->protocol,
	};
	struct fragment value = {
		.client = *client,
		.seen_ns = p->now_ns,
		.to_origin = to_origin,
		.local_port = flow->local_port,
		.end = (__u32)(p->end - p->transport) / 8,
	};

	bpf_map_update_elem(&fragment, &key, &value, BPF_ANY);
}

/* A later fragment, in the direction in which its first one went. */
static __noinline int udp_fragment(struct xdp_md *ctx, struct packet *p, int to_origin)
{
	struct fragment_key key;
	struct fragment *first;
	struct translation t;
	struct flow *flow;
	int reason;

	if (!p)
		return XDP_DROP;
	__builtin_memset(&key, 0, sizeof(key));
	key.source = p->key.source;
	key.destination = p->key.destination;
	key.id = p->fragment_id;
	key.protocol = p->protocol;
	first = bpf_map_lookup_elem(&fragment, &key);
	/* Signed: another CPU may have seen the first one after this one's clock was read. */
	if (!first || (__s64)(p->now_ns - first->seen_ns) > (__s64)FRAGMENT_LIFE_NS ||
		first->to_origin != (__u32)to_origin)
		return drop(p, REASON_fragment_unknown);
	flow = flow_lookup(&first->client, IPPROTO_UDP);
	if (!flow || flow->local_port != first->local_port)
		return drop(p, REASON_fragment_unknown);
	if (to_origin) {
		if (flow->instance != p->instance)
			return drop(p, REASON_fragment_unknown);
		p->key.destination_port = first->client.destination_port;
		reason = limit_packet(p, flow);
		if (!reason)
			reason = unproven_refuses(p, flow);
		if (!reason)
			reason = plan_refuses(p);
		if (reason)
			return drop(p, reason);
		answer_earn(p, flow);
		translation_to_origin(&t, flow);
		t.prefix = flow->prefix;
	} else {
		reason = reply_refused(p, &first->client, flow);
		if (!reason)
			reason = answer_refuses(p, flow, &first->client);
		if (reason)
			return drop(p, reason);
		translation_to_client(&t, flow, &first->client);
	}
	p->reason = REASON_forwarded_udp;
	return udp_send(ctx, p, &t);
}

static __always_inline void udp_note_prefix(struct packet *p, struct flow *flow)
{
	__u8 prefix = flow->client_address == CLIENT_ADDRESS_PROXY ? proxy_length(&p->key) : 0;

	if (flow->prefix != prefix)
		flow->prefix = prefix;
}

/* Returns 0 and the reason in the packet, or the reason why there is no flow. */
static __always_inline int udp_open(struct xdp_md *ctx, struct packet *p, struct flow **out)
{
	struct flow *fresh = flow_blank();
	int reason;

	if (!fresh)
		return REASON_flow_table_full;
	reason = flow_prepare(ctx, p, fresh);
	if (reason)
		return reason;
	udp_note_prefix(p, fresh);
	answer_earn(p, fresh);
	reason = flow_insert(p, fresh);
	if (reason)
		return reason;
	p->reason = REASON_flow_opened;
	*out = fresh;
	return 0;
}

/* What has ports: a whole datagram, or its first fragment. */
static __noinline int udp_datagram(struct xdp_md *ctx, struct packet *p)
{
	struct translation t;
	struct flow *flow;
	int reason;

	if (!p)
		return XDP_DROP;
	flow = flow_of_client(p, IPPROTO_UDP);
	if (flow && flow_refresh(ctx, p, flow) != REFRESH_OK)
		flow = NULL;
	if (!flow) {
		reason = challenge(ctx, p);
		if (reason)
			return challenge_sent(ctx, p, reason);
	}
	p->reason = REASON_forwarded_udp;
	reason = unproven_refuses(p, flow);
	if (reason)
		return drop(p, reason);
	if (flow) {
		if (flow->limit_flags & FLOW_PROVEN && !(flow->more_flags & FLOW_KEPT))
			flow = flow_keep(p, flow);
		if (!flow)
			return XDP_DROP;
		flow_seen(p, &p->key, flow);
		flow_learn_client(ctx, flow);
		udp_note_prefix(p, flow);
		answer_earn(p, flow);
	} else {
		reason = udp_open(ctx, p, &flow);
		if (reason || !flow)
			return drop(p, reason);
	}
	reason = limit_packet(p, flow);
	if (!reason)
		reason = plan_refuses(p);
	if (reason)
		return drop(p, reason);
	if (p->fragment == FRAGMENT_FIRST)
		fragment_remember(p, &p->key, flow, 1);
	translation_to_origin(&t, flow);
	t.prefix = flow->prefix;
	return udp_send(ctx, p, &t);
}

/* From a client to a protected address. */
static __always_inline int udp_from_client(struct xdp_md *ctx, struct packet *p)
{
	return p->fragment == FRAGMENT_LATER ? udp_fragment(ctx, p, 1) : udp_datagram(ctx, p);
}

/* From an origin; flow and client belong together. */
static __noinline int udp_from_origin(
	struct xdp_md *ctx, struct packet *p, struct flow *flow, struct flow_key *client)
{
	int reason = answer_refuses(p, flow, client);
	struct translation t;

	if (reason)
		return drop(p, reason);
	flow_seen(p, client, flow);
	proof_answer(p, flow);
	if (p->fragment == FRAGMENT_FIRST)
		fragment_remember(p, client, flow, 0);
	translation_to_client(&t, flow, client);
	p->reason = REASON_forwarded_udp;
	return udp_send(ctx, p, &t);
}

#endif
