/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Limits of a port rule: what one source may do, and what all may together; and the connection counts,
 * which are kept for every rule.
 *
 * Rates are counted in slots of a seventh of a second. A limit of n a second allows n at once, and no more than
 * n + n/8 + n/64 in the present slot and the seven before it, which cover more than a second: whatever the
 * moment, that is the most in any second. Without the addition who keeps to n exactly would lose an eighth
 * to the part of a slot that is too much. Packets and bytes over a limit are dropped one by one; a TCP
 * sender slows down by that. The checks read and add without a lock: CPUs that meet at a limit may let
 * pass as many more as there are CPUs.
 *
 * A source of TCP has state here only after its cookie was valid, or its SYN passed below the
 * threshold. A source of UDP may be forged: its states are in an LRU table of their own.
 *
 * A connection is counted when its flow is entered and until it closes: then a bit of the flow is
 * cleared, so that it is not taken off twice. What ends otherwise, by its idle time or by
 * eviction, the agent takes off (agent/sweep.c).
 *
 * A source over a limit is hit at most once a second for that limit. See block.bpf.h for what BLOCK_HITS of
 * them do.
 */
#ifndef BPF_MITIGATIONS_LIMIT_BPF_H
#define BPF_MITIGATIONS_LIMIT_BPF_H

#include "block.bpf.h"

#define LIMITS_OF_PACKETS (MITIGATION_BIT(source_packets) | MITIGATION_BIT(source_bytes))
#define LIMITS_OF_OPENING (MITIGATION_BIT(source_rate) | MITIGATION_BIT(source_connections))
#define LIMITS_OF_SERVICE (MITIGATION_BIT(service_rate) | MITIGATION_BIT(service_connections))

static const struct source_state source_state_blank = {};
static const struct service_state service_state_blank = {};

static __always_inline __u32 limit_second(struct packet *p)
{
	return p->now_ns / NANOSECONDS;
}

static __noinline struct source_state *source_state_find(
	const struct address *client, __u32 service_id, __u32 protocol)
{
	struct source_state_key key = { .service = service_id };

	if (!client)
		return NULL;
	key.source = *client;
	source_widen(&key.source);
	if (protocol == IPPROTO_TCP)
		return bpf_map_lookup_elem(&limit_tcp, &key);
	return bpf_map_lookup_elem(&limit_udp, &key);
}

static __noinline struct source_state *source_state_make(
	const struct address *client, __u32 service_id, __u32 protocol)
{
	struct source_state *state = source_state_find(client, service_id, protocol);
	struct source_state_key key = { .service = service_id };

	if (state || !client)
		return state;
	key.source = *client;
	source_widen(&key.source);
	if (protocol == IPPROTO_TCP)
		bpf_map_update_elem(&limit_tcp, &key, &source_state_blank, BPF_NOEXIST);
	else
		bpf_map_update_elem(&limit_udp, &key, &source_state_blank, BPF_NOEXIST);
	return source_state_find(client, service_id, protocol);
}

static __noinline struct service_state *service_state_make(__u32 id)
{
	struct service_state *state = bpf_map_lookup_elem(&service_state, &id);

	if (state)
		return state;
	bpf_map_update_elem(&service_state, &id, &service_state_blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&service_state, &id);
}

/* --- slots */

static __always_inline __u32 limit_turn(struct packet *p)
{
	return p->now_ns / LIMIT_SLOT_NS;
}

/* How many slots have begun since. Signed: another CPU's clock may be ahead, and its slot stays. */
static __always_inline __u32 slots_begun(__u32 turn, __u32 last)
{
	__s32 begun = turn - last;

	return begun <= 0 ? 0 : begun > LIMIT_SLOTS ? LIMIT_SLOTS : begun;
}

static __noinline int source_state_turn(struct source_state *state, __u32 turn)
{
	__u32 begun;

	if (!state)
		return 0;
	begun = slots_begun(turn, state->turn);
	for (__u32 i = 0; i < LIMIT_SLOTS && i < begun; i++) {
		__u32 slot = (turn - i) & (LIMIT_SLOTS - 1);

		state->rate[slot] = 0;
		state->packets[slot] = 0;
		state->bytes[slot] = 0;
	}
	if (begun)
		state->turn = turn;
	return 0;
}

static __noinline int service_state_turn(struct service_state *state, __u32 turn)
{
	__u32 begun;

	if (!state)
		return 0;
	begun = slots_begun(turn, state->turn);
	for (__u32 i = 0; i < LIMIT_SLOTS && i < begun; i++)
		state->rate[(turn - i) & (LIMIT_SLOTS - 1)] = 0;
	if (begun)
		state->turn = turn;
	return 0;
}

/* Is there no room for so much more? */
static __always_inline int slots_full(const __u32 *slot, __u32 limit, __u32 more)
{
	__u64 sum = more;

#pragma unroll
	for (int i = 0; i < LIMIT_SLOTS; i++)
		sum += slot[i];
	return sum > (__u64)limit + (limit >> 3) + (limit >> 6);
}

static __always_inline void slots_add(__u32 *slot, __u32 turn, __u32 more)
{
	__sync_fetch_and_add(&slot[turn & (LIMIT_SLOTS - 1)], more);
}

/* --- hits */

static __always_inline void hit_note(__u32 *hit, __u32 second)
{
#pragma unroll
	for (int i = BLOCK_HITS - 1; i > 0; i--)
		hit[i] = hit[i - 1];
	hit[0] = second;
}

/* Were there BLOCK_HITS in the window that ends now? */
static __always_inline int hits_enough(const __u32 *hit, __u32 second)
{
	__u32 first = hit[BLOCK_HITS - 1];

	return first && second - first < BLOCK_WINDOW_SECONDS;
}

/* The source is over a limit that is in force. */
static __noinline int limit_hit(
	struct packet *p, struct service *entry, struct source_state *state, __u32 kind)
{
	__u32 second;

	if (!p || !entry || !state || kind >= LIMIT_COUNT || !entry->limits.block_seconds[kind])
		return 0;
	second = limit_second(p);
	if (state->hit[kind][0] == second)
		return 0;
	hit_note(state->hit[kind], second);
	return hits_enough(state->hit[kind], second);
}

/* The source is over a limit, which drops the packet. */
#define limit_refuses(p, entry, state, kind, name)                                                 \
	({                                                                                         \
		if (limit_hit(p, entry, state, kind))                                              \
			(p)->offence = MITIGATION_##name + 1;                                      \
		REASON_##name;                                                                     \
	})

/* --- opening a flow */

static __noinline int limit_open_source(struct packet *p, struct service *entry)
{
	struct source_state *state;
	__u32 rate, connections, turn;

	if (!p || !entry)
		return 0;
	rate = entry->limits.source[LIMIT_RATE];
	connections = entry->limits.source[LIMIT_CONNECTIONS];
	state = source_state_make(&p->key.source, entry->id, p->protocol);
	if (!state)
		return 0;
	turn = limit_turn(p);
	source_state_turn(state, turn);
	if (rate && mitigation_wants(p, source_rate) && slots_full(state->rate, rate, 1) &&
		mitigation_met(p, source_rate))
		return limit_refuses(p, entry, state, LIMIT_RATE, source_rate);
	if (connections && mitigation_wants(p, source_connections) &&
		state->connections >= (__s64)connections && mitigation_met(p, source_connections))
		return limit_refuses(p, entry, state, LIMIT_CONNECTIONS, source_connections);
	slots_add(state->rate, turn, 1);
	return 0;
}

static __noinline int limit_open_service(struct packet *p, struct service *entry)
{
	struct service_state *state;
	__u32 turn;

	if (!p || !entry)
		return 0;
	state = service_state_make(entry->id);
	if (!state)
		return 0;
	turn = limit_turn(p);
	service_state_turn(state, turn);
	if (entry->limits.rate && mitigation_wants(p, service_rate) &&
		slots_full(state->rate, entry->limits.rate, 1) && mitigation_met(p, service_rate)) {
		__sync_fetch_and_add(&state->refused_rate, 1);
		return REASON_service_rate;
	}
	if (entry->limits.connections && mitigation_wants(p, service_connections) &&
		state->connections >= (__s64)entry->limits.connections &&
		mitigation_met(p, service_connections)) {
		__sync_fetch_and_add(&state->refused_connections, 1);
		return REASON_service_connections;
	}
	slots_add(state->rate, turn, 1);
	return 0;
}

/* May a flow of this rule be opened? 0 or the reason why not. */
static __always_inline int limit_open(struct packet *p, struct service *entry)
{
	int reason;

	if (p->mitigation_on & LIMITS_OF_OPENING && entry->flags & SERVICE_LIMITED) {
		reason = limit_open_source(p, entry);
		if (reason)
			return reason;
	}
	if (p->mitigation_on & LIMITS_OF_SERVICE &&
		(entry->limits.rate || entry->limits.connections))
		return limit_open_service(p, entry);
	return 0;
}

/* --- connection counts */

static __noinline int limit_count(
	const struct flow *flow, const struct address *client, __u32 protocol)
{
	struct source_state *source;
	struct service_state *state;

	if (!flow || !client)
		return 0;
	state = service_state_make(flow->service);
	if (state)
		__sync_fetch_and_add(&state->connections, 1);
	if (!(flow->limit_flags & FLOW_LIMITED))
		return 0;
	source = source_state_make(client, flow->service, protocol);
	if (!source)
		return 0;
	__sync_fetch_and_add(&source->connections, 1);
	__sync_fetch_and_add(&source->opened, 1);
	return 0;
}

static __noinline int limit_take_off(
	__u32 id, const struct address *client, __u32 protocol, __u32 limited)
{
	struct source_state *source;
	struct service_state *state;

	if (!client)
		return 0;
	state = bpf_map_lookup_elem(&service_state, &id);
	if (state)
		__sync_fetch_and_add(&state->connections, -1);
	if (!limited)
		return 0;
	source = source_state_find(client, id, protocol);
	if (source)
		__sync_fetch_and_add(&source->connections, -1);
	return 0;
}

/* A blank flow of this rule is filled. */
static __always_inline void limit_prepare(const struct service *entry, struct flow *fresh)
{
	fresh->service = entry->id;
	fresh->limit_flags = FLOW_COUNTED;
	if (entry->flags & SERVICE_LIMITED)
		fresh->limit_flags |= FLOW_LIMITED;
}

/* A prepared flow was entered. */
static __always_inline void limit_opened(
	const struct flow *flow, const struct address *client, __u32 protocol)
{
	struct service_state *state = service_state_make(flow->service);

	if (state)
		__sync_fetch_and_add(&state->opened, 1);
	limit_count(flow, client, protocol);
}

/* The flow closes, or is about to be deleted or replaced. */
static __always_inline void limit_closed(
	struct flow *flow, const struct address *client, __u32 protocol)
{
	if (!(flow->limit_flags & FLOW_COUNTED))
		return;
	flow->limit_flags &= ~FLOW_COUNTED;
	limit_take_off(flow->service, client, protocol, flow->limit_flags & FLOW_LIMITED);
}

/* TCP: after the flow's state may have changed. */
static __always_inline void limit_follow(struct flow *flow, const struct address *client)
{
	if (flow->state == FLOW_CLOSING) {
		limit_closed(flow, client, IPPROTO_TCP);
	} else if (!(flow->limit_flags & FLOW_COUNTED)) {
		flow->limit_flags |= FLOW_COUNTED;
		limit_count(flow, client, IPPROTO_TCP);
	}
}

/* Each second: a rule that limits sources from now on counts what they have open. */
static __always_inline void limit_refresh(
	struct packet *p, const struct service *entry, struct flow *flow)
{
	struct source_state *source;

	if (!(entry->flags & SERVICE_LIMITED) == !(flow->limit_flags & FLOW_LIMITED))
		return;
	flow->limit_flags ^= FLOW_LIMITED;
	if (!(flow->limit_flags & FLOW_LIMITED) || !(flow->limit_flags & FLOW_COUNTED))
		return;
	source = source_state_make(&p->key.source, flow->service, p->protocol);
	if (!source)
		return;
	__sync_fetch_and_add(&source->connections, 1);
	__sync_fetch_and_add(&source->opened, 1);
}

/* What the agent found to be missing or too much. Nothing is made: the packet path does that. */
static __always_inline int limit_adjust(struct adjust *change)
{
	struct address address = change->key.source;
	struct source_state *source;
	struct service_state *state;
	__u32 id = change->key.service;

	if (!address.half[0] && !address.half[1]) {
		state = bpf_map_lookup_elem(&service_state, &id);
		if (state)
			__sync_fetch_and_add(&state->connections, change->connections);
		return 0;
	}
	source = source_state_find(&address, id, change->protocol);
	if (source)
		__sync_fetch_and_add(&source->connections, change->connections);
	return 0;
}

/* --- packets of a flow */

static __noinline int limit_packet_now(struct packet *p, struct flow *flow)
{
	struct source_state *state;
	struct service *entry;
	__u32 packets, bytes, turn;

	if (!p || !flow)
		return 0;
	entry = service_find(p);
	if (!entry)
		return 0;
	packets = entry->limits.source[LIMIT_PACKETS];
	bytes = entry->limits.source[LIMIT_BYTES];
	if (!packets && !bytes)
		return 0;
	state = source_state_make(&p->key.source, entry->id, p->protocol);
	if (!state)
		return 0;
	turn = limit_turn(p);
	source_state_turn(state, turn);
	if (packets && mitigation_wants(p, source_packets) &&
		slots_full(state->packets, packets, 1) && mitigation_met(p, source_packets))
		return limit_refuses(p, entry, state, LIMIT_PACKETS, source_packets);
	if (bytes && mitigation_wants(p, source_bytes) &&
		slots_full(state->bytes, bytes, p->length) && mitigation_met(p, source_bytes))
		return limit_refuses(p, entry, state, LIMIT_BYTES, source_bytes);
	slots_add(state->packets, turn, 1);
	slots_add(state->bytes, turn, p->length);
	return 0;
}

/* A client's packet of this flow: 0 or the reason to drop it. */
static __always_inline int limit_packet(struct packet *p, struct flow *flow)
{
	if (!(flow->limit_flags & FLOW_LIMITED) || !(p->mitigation_on & LIMITS_OF_PACKETS))
		return 0;
	return limit_packet_now(p, flow);
}

#endif
