/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The state of limits, as tests look at it and make it older, and flows to be counted.
 */
#ifndef TESTS_PACKET_LIMITS_H
#define TESTS_PACKET_LIMITS_H

#include "mitigate.h"

static inline struct source_state_key state_key(const char *source)
{
	struct source_state_key key = { .service = SERVICE, .source = address_of(source) };

	if (strchr(source, ':'))
		key.source.half[1] = 0;
	return key;
}

static inline struct bpf_map *states(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? skel->maps.limit_tcp : skel->maps.limit_udp;
}

static inline int state_get(const struct wire *w, struct source_state *out)
{
	struct source_state_key key = state_key(w->source);

	return bpf_map_lookup_elem(bpf_map__fd(states(w->protocol)), &key, out);
}

static inline struct service_state service_counts(void)
{
	struct service_state state = { .opened = 0 };
	uint32_t id = SERVICE;

	(void)bpf_map_lookup_elem(bpf_map__fd(skel->maps.service_state), &id, &state);
	return state;
}

/* Slots as the program counts them are older by so many. */
static inline void slots_age(uint32_t *slot, uint32_t slots)
{
	uint32_t old[LIMIT_SLOTS];

	memcpy(old, slot, sizeof(old));
	for (uint32_t i = 0; i < LIMIT_SLOTS; i++)
		slot[(i - slots) % LIMIT_SLOTS] = old[i];
}

static inline void pass_slots(const struct wire *w, uint32_t slots)
{
	struct source_state_key key = state_key(w->source);
	struct source_state state;
	struct service_state rule = service_counts();
	uint32_t id = SERVICE;

	if (rule.turn) {
		rule.turn -= slots;
		slots_age(rule.rate, slots);
		map_set(skel->maps.service_state, &id, &rule);
	}
	if (state_get(w, &state) != 0)
		return;
	state.turn -= slots;
	slots_age(state.rate, slots);
	slots_age(state.packets, slots);
	slots_age(state.bytes, slots);
	map_set(states(w->protocol), &key, &state);
}

/* So many seconds pass: what was counted, and when hits were, moves into the past. */
static inline void pass_seconds(const struct wire *w, uint32_t seconds)
{
	struct source_state_key key = state_key(w->source);
	struct source_state state;

	pass_slots(w, seconds * LIMIT_SLOTS);
	if (state_get(w, &state) != 0)
		return;
	for (int kind = 0; kind < HIT_COUNT; kind++) {
		for (int i = 0; i < BLOCK_HITS; i++)
			state.hit[kind][i] -= state.hit[kind][i] ? seconds : 0;
	}
	map_set(states(w->protocol), &key, &state);
}

/* The next second begins. */
static inline void align(void)
{
	time_pass(skel, SECOND_NS - boot_ns() % SECOND_NS);
}

/* Opens a flow; 0 when it was dropped. TCP: the SYN always has its answer. */
static inline int try_open_from(struct wire *w, uint16_t port, uint32_t isn)
{
	struct parsed out;
	struct frame f;

	w->source_port = port;
	w->sequence = isn;
	w->flags = SYN;
	if (w->protocol == IPPROTO_TCP) {
		f = frame_build(w);
		if (frame_run(skel, &f) != XDP_REDIRECT)
			return 0;
		out = frame_parse(&f);
		w->flags = ACK;
		w->sequence = isn + 1;
		w->acknowledgement = out.sequence + 1;
	}
	f = frame_build(w);
	return frame_run(skel, &f) == XDP_REDIRECT;
}

static inline int try_open(struct wire *w)
{
	static uint16_t port = 20000;

	return try_open_from(w, ++port, 1000);
}

static inline int try_opens(struct wire *w, int count)
{
	int opened = 0;

	for (int i = 0; i < count; i++)
		opened += try_open(w);
	return opened;
}

#endif
