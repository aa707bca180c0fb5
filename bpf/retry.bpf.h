/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a timer would do, if the packet path had one: the agent reads the map "opening" a few times a
 * second and runs polder_retry for what is due. A SYN that the origin has not answered is repeated
 * after 250 ms, then at doubled intervals; after RETRY_MAX of them, about half a minute, the client is
 * told by a RST and the flow ends. A SYN that passed as it is (direct.bpf.h) is the client's to repeat; it
 * has a few seconds, and then both sides are told. The same for the PROXY header that an open flow's origin lacks, and
 * for SYN-ACKs of clients that will not speak (map "awaited").
 *
 * The program is run by BPF_PROG_TEST_RUN, which gives it a frame and does with it nothing afterwards;
 * what is to leave leaves as a clone. State is looked at and changed here, where packets change it too,
 * so that the agent needs to know nothing of it.
 */
#ifndef BPF_RETRY_BPF_H
#define BPF_RETRY_BPF_H

#include "handshake.bpf.h"

#define RETRY_MAX 7

/* Sends the segment in the frame, whatever that held. */
static __always_inline int retry_send(struct __sk_buff *skb, struct segment *s, __u32 ifindex)
{
	return segment_build_skb(skb, s) ? -1 : bpf_clone_redirect(skb, ifindex, 0);
}

__noinline int retry_syn(struct __sk_buff *skb, struct flow *flow)
{
	struct segment s = {};

	if (!flow)
		return -1;
	flow->more_flags |= FLOW_ECN_PLAIN;
	segment_syn(&s, flow);
	return retry_send(skb, &s, flow->origin_ifindex);
}

__noinline int retry_acknowledge(struct __sk_buff *skb, struct flow *flow, struct flow_key *client)
{
	if (!flow || !client || handshake_acknowledge(skb, flow, client))
		return -1;
	return bpf_clone_redirect(skb, flow->origin_ifindex, 0);
}

__noinline int retry_reset_client(struct __sk_buff *skb, struct flow *flow, struct flow_key *client)
{
	struct segment s = { .flags = TCP_RST | TCP_ACK };
	struct translation t;

	if (!flow || !client)
		return -1;
	translation_to_client(&t, flow, client);
	segment_from(&s, &t);
	s.sequence = flow->proxy_isn + 1;
	s.acknowledgement = flow->client_isn + 1;
	return retry_send(skb, &s, flow->client_ifindex);
}

/*
 * The same to a client whose SYN passed: its ACK may be what was lost, and if it waits for the server to speak
 * it would wait for ever. Without ACK, so that a client which has not heard of the origin yet, and repeats
 * its SYN, takes no notice (RFC 9293 section 3.10.7.3).
 */
__noinline int retry_reset_silent(struct __sk_buff *skb, struct flow *flow, struct flow_key *client)
{
	struct segment s = { .flags = TCP_RST };
	struct translation t;

	if (!flow || !client || !(flow->more_flags & FLOW_ANSWERED))
		return -1;
	translation_to_client(&t, flow, client);
	segment_from(&s, &t);
	s.sequence = flow->proxy_isn + 1;
	return retry_send(skb, &s, flow->client_ifindex);
}

/* A client that was not heard of again: the origin need not wait longer than the node does. The number is the one that it
 * waits for, since the client has sent nothing. */
__noinline int retry_reset_origin(struct __sk_buff *skb, struct flow *flow)
{
	struct segment s = { .flags = TCP_RST };
	struct translation t;

	if (!flow)
		return -1;
	translation_to_origin(&t, flow);
	segment_from(&s, &t);
	s.sequence = flow->client_isn + 1;
	return retry_send(skb, &s, flow->origin_ifindex);
}

static __always_inline void retry_end(struct packet *p, struct flow *flow)
{
	p->protocol = IPPROTO_TCP;
	limit_closed(flow, &p->key.source, IPPROTO_TCP);
	flow_release(p, flow);
	bpf_map_delete_elem(&flow_tcp, &p->key);
}

/* Does the flow still lack what only the origin can give? */
static __always_inline int retry_wants(const struct flow *flow)
{
	if (flow->state == FLOW_SYN_SENT)
		return 1;
	return flow->state == FLOW_OPEN && flow->prefix && !(flow->more_flags & FLOW_PREFIX_TAKEN);
}

/*
 * The protected address of a client's side while it forwards, NULL else: nothing is sent in its name then. instance: whose
 * it has to be; 0: anybody's. Not vip_find(): a packet may come to this CPU while the agent's program runs.
 */
static __always_inline struct vip *retry_address(struct packet *p, __u32 instance)
{
	struct vip *entry = bpf_map_lookup_elem(&vip, &p->key.destination);
	struct settings *s = settings_get();

	if (!entry || !s || entry->kind != VIP_PROTECTED)
		return NULL;
	if ((instance && entry->instance != instance) ||
		deadline_passed(p, s->life_offset_ns, entry->forward_until_ns))
		return NULL;
	return entry;
}

static __always_inline void segment_awaited(
	struct segment *s, const struct awaited *entry, const struct flow_key *client)
{
	s->source = client->destination;
	s->destination = client->source;
	s->source_port = client->destination_port;
	s->destination_port = client->source_port;
	s->version = address_is_ipv4(&client->source) ? 4 : 6;
	mac_copy(s->mac_destination, entry->mac_destination);
	mac_copy(s->mac_source, entry->mac_source);
	s->sequence = entry->sequence;
	s->acknowledgement = entry->acknowledgement;
	if (!(entry->options & OPTION_MSS))
		return;
	segment_offer(
		s, entry->options, CLIENT_SCALE, entry->timestamp_value, entry->timestamp_echo);
	if (entry->options & OPTION_ECN)
		s->flags |= TCP_ECE;
}

/* A SYN-ACK whose ACK has not come (awaited.bpf.h). */
static __noinline int retry_awaited(struct __sk_buff *skb, struct packet *p)
{
	struct segment s = { .flags = TCP_SYN | TCP_ACK };
	struct awaited *entry;
	__s64 late;
	__u32 ifindex;

	if (!p)
		return 0;
	entry = bpf_map_lookup_elem(&awaited, &p->key);
	if (!entry)
		return 0;
	late = p->now_ns - entry->due_ns;
	if (flow_lookup(&p->key, IPPROTO_TCP) || late > (__s64)AWAITED_LATE_NS ||
		!retry_address(p, 0)) {
		bpf_map_delete_elem(&awaited, &p->key);
		return 0;
	}
	if (late < 0)
		return 0;
	segment_awaited(&s, entry, &p->key);
	ifindex = entry->ifindex;
	entry->due_ns = p->now_ns + (AWAITED_FIRST_NS << (++entry->tries & 15));
	if (entry->tries >= AWAITED_TRIES)
		bpf_map_delete_elem(&awaited, &p->key);
	return retry_send(skb, &s, ifindex);
}

static __always_inline int retry_run(struct __sk_buff *skb)
{
	struct opening *entry;
	struct packet p = {};
	struct flow *flow;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &p.key, sizeof(p.key)))
		return TC_ACT_SHOT;
	p.now_ns = clock_now_ns();
	entry = bpf_map_lookup_elem(&opening, &p.key);
	if (!entry)
		return retry_awaited(skb, &p) ? TC_ACT_SHOT : TC_ACT_OK;
	flow = flow_lookup(&p.key, IPPROTO_TCP);
	if (!flow || !retry_wants(flow) || !retry_address(&p, flow->instance)) {
		bpf_map_delete_elem(&opening, &p.key);
		return TC_ACT_OK;
	}
	if ((__s64)(p.now_ns - entry->due_ns) < 0)
		return TC_ACT_OK;
	if (flow_is_half_open(flow)) {
		retry_reset_origin(skb, flow);
		retry_reset_silent(skb, flow, &p.key);
		retry_end(&p, flow);
		bpf_map_delete_elem(&opening, &p.key);
		return TC_ACT_OK;
	}
	if (entry->tries >= RETRY_MAX) {
		retry_reset_client(skb, flow, &p.key);
		retry_end(&p, flow);
		bpf_map_delete_elem(&opening, &p.key);
		return TC_ACT_OK;
	}
	entry->due_ns = p.now_ns + (OPENING_FIRST_NS << (++entry->tries & 15));
	if (flow->state == FLOW_SYN_SENT)
		retry_syn(skb, flow);
	else
		retry_acknowledge(skb, flow, &p.key);
	return TC_ACT_OK;
}

#endif
