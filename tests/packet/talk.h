/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A TCP conversation packet by packet, as Linux would lead it on both sides.
 */
#ifndef TESTS_PACKET_TALK_H
#define TESTS_PACKET_TALK_H

#include "wire.h"

#define ISN	   1000000u
#define CLIENT_TS  777000u
#define ORIGIN_ISN 0xfffffff0u /* wraps within the first bytes */
#define ORIGIN_TS  50u

/* What Linux offers: MSS, SACK, timestamps, scale 10. */
static inline void offer(struct wire *w, uint16_t mss, int scale, int sack, int timestamp)
{
	uint8_t *at = w->option;

	*at++ = 2;
	*at++ = 4;
	put16(at, mss);
	at += 2;
	*at++ = sack ? 4 : 1;
	*at++ = sack ? 2 : 1;
	if (timestamp) {
		*at++ = 8;
		*at++ = 10;
		put32(at, CLIENT_TS);
		put32(at + 4, 0);
		at += 8;
	} else {
		*at++ = 1;
		*at++ = 1;
	}
	if (scale >= 0) {
		*at++ = 1;
		*at++ = 3;
		*at++ = 3;
		*at++ = (uint8_t)scale;
	}
	w->option_length = (uint8_t)(at - w->option);
	assert_int_equal(w->option_length % 4, 0);
}

static inline void stamp(struct wire *w, uint32_t value, uint32_t echo)
{
	static const uint8_t head[4] = { 1, 1, 8, 10 };

	memcpy(w->option, head, 4);
	put32(w->option + 4, value);
	put32(w->option + 8, echo);
	w->option_length = 12;
}

static inline struct parsed run_to(struct frame *f, uint32_t verdict)
{
	assert_int_equal(frame_run(skel, f), verdict);
	return frame_parse(f);
}

static inline struct flow flow_of(const struct wire *w)
{
	struct flow_key key = {
		.source = address_of(w->source),
		.destination = address_of(w->destination),
		.source_port = htons(w->source_port),
		.destination_port = htons(w->destination_port),
	};
	struct flow flow;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_tcp), &key, &flow), 0);
	return flow;
}

static inline int flow_exists(const struct wire *w)
{
	struct flow_key key = {
		.source = address_of(w->source),
		.destination = address_of(w->destination),
		.source_port = htons(w->source_port),
		.destination_port = htons(w->destination_port),
	};
	struct flow flow;

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_tcp), &key, &flow) == 0;
}

/* A conversation and where it stands. */
struct talk {
	int version;
	struct wire client; /* addresses and ports */
	struct wire origin;
	uint32_t cookie;
	uint32_t our_ts;
	uint32_t delta; /* of timestamps */
};

static inline struct parsed talk_syn(struct talk *t, uint16_t port, const struct wire *offered)
{
	struct wire w = *offered;
	struct frame f;
	struct parsed out;

	w.source_port = port;
	w.flags = SYN;
	w.sequence = ISN;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	t->cookie = out.sequence;
	t->client = from_client(t->version, IPPROTO_TCP);
	t->client.source_port = port;
	t->client.flags = ACK;
	t->client.sequence = ISN + 1;
	t->client.acknowledgement = t->cookie + 1;
	t->our_ts = out.option_length >= 16 ? get32(out.option + 8) : 0;
	return out;
}

static inline struct parsed talk_ack(struct talk *t)
{
	struct wire w = t->client;
	struct frame f;
	struct parsed out;

	if (t->our_ts)
		stamp(&w, CLIENT_TS + 1, t->our_ts);
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	t->origin = from_origin(&out, t->version);
	return out;
}

static inline void talk_answer(struct talk *t, int scale, int timestamp)
{
	struct wire w = t->origin;
	struct frame f;

	offer(&w, 1400, scale, 1, timestamp);
	if (timestamp) {
		put32(w.option + 8, ORIGIN_TS);
		put32(w.option + 12, CLIENT_TS + 1);
		t->delta = ORIGIN_TS - t->our_ts;
	}
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
}

/* SYN to open flow, as Linux would on both sides. */
static inline struct talk talk_open(int version, uint16_t port, int origin_scale)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);

	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, port, &w);
	talk_ack(&t);
	talk_answer(&t, origin_scale, 1);
	return t;
}

/* Cookies from so many SYNs a second on, and none was counted yet. */
static inline void threshold(uint32_t syns)
{
	struct plan_state blank = { 0 };
	struct vip vip = vip_protected();
	uint32_t slot = VIP_SLOT;

	vip.syn_threshold = syns;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
	map_set(skel->maps.plan_state, &slot, &blank);
}

#endif
