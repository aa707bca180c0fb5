/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* TCP conversations of a recording: handshake with the node, then segments in shifted numbers. */
#ifndef TESTS_WIRE_REPLAY_TCP_H
#define TESTS_WIRE_REPLAY_TCP_H

#include "tests/wire/replay_world.h"

struct segment_view {
	uint8_t *tcp;
	uint32_t header, payload; /* bytes */
	uint8_t flags;
	uint32_t sequence, acknowledgement;
};

static inline bool tcp_is_whole(const struct datagram *d)
{
	return !d->later && !d->more && d->transport + 20 <= d->length &&
	       d->ip[d->transport + 12] >> 4 >= 5 &&
	       d->transport + (d->ip[d->transport + 12] >> 4) * 4u <= d->length;
}

static inline struct segment_view tcp_view(struct datagram *d)
{
	uint8_t *tcp = d->ip + d->transport;
	const uint32_t header = (tcp[12] >> 4) * 4u;

	return (struct segment_view){ .tcp = tcp,
		.header = header,
		.payload = d->length - d->transport - header,
		.flags = tcp[13],
		.sequence = get32(tcp + 4),
		.acknowledgement = get32(tcp + 8) };
}

/* The n-th byte behind kind and length of an option, or NULL. */
static inline uint8_t *tcp_option(const struct segment_view *s, uint8_t kind, uint8_t length)
{
	uint8_t *at = s->tcp + 20, *end = s->tcp + s->header;

	while (at < end && *at) {
		if (*at == 1) {
			at++;
			continue;
		}
		if (at + 2 > end || at[1] < 2 || at + at[1] > end)
			return NULL;
		if (at[0] == kind && (length ? at[1] == length : 1))
			return at + 2;
		at += at[1];
	}
	return NULL;
}

/* What the client acknowledges, in its numbers: "delta" and "stamp" less than the origin's. */
static inline void tcp_shift(struct segment_view *s, uint32_t delta, uint32_t stamp)
{
	uint8_t *stamps = tcp_option(s, 8, 10), *sack = tcp_option(s, 5, 0);

	if (s->flags & ACK)
		put32(s->tcp + 8, s->acknowledgement - delta);
	if (stamps && s->flags & ACK)
		put32(stamps + 4, get32(stamps + 4) - stamp);
	for (int i = 0; sack && i < (sack[-1] - 2) / 4; i++)
		put32(sack + i * 4, get32(sack + i * 4) - delta);
}

/* Does "got" say what "want" says, but for ports, window and checksum? */
static inline bool tcp_same(struct datagram *want, struct datagram *got, char *text, size_t size)
{
	const struct segment_view a = tcp_view(want), b = tcp_view(got);
	const char *what = NULL;

	if (a.sequence != b.sequence)
		what = "sequence";
	else if (a.flags & ACK && a.acknowledgement != b.acknowledgement)
		what = "acknowledgement";
	else if (a.flags != b.flags || a.header != b.header || a.payload != b.payload)
		what = "flags or lengths";
	else if (memcmp(a.tcp + 18, b.tcp + 18, a.header - 18) != 0)
		what = "urgent pointer or options";
	else if (memcmp(a.tcp + a.header, b.tcp + b.header, a.payload) != 0)
		what = "payload";
	if (what)
		(void)snprintf(text, size, "%s", what);
	return !what;
}

static inline bool tcp_flow(const struct conversation *c, struct flow *flow)
{
	const struct flow_key key = conversation_key(c);

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_tcp), &key, flow) == 0;
}

/* A segment without payload that nobody recorded. */
static inline struct datagram tcp_make(const struct conversation *c, int version, uint8_t flags,
	uint32_t sequence, uint32_t acknowledgement)
{
	struct datagram d = { .version = version, .protocol = IPPROTO_TCP };
	uint8_t *tcp;

	d.transport = version == 4 ? 20 : 40;
	tcp = d.ip + d.transport;
	put16(tcp, c->client_port);
	put16(tcp + 2, c->server_port);
	put32(tcp + 4, sequence);
	put32(tcp + 8, acknowledgement);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 64240);
	d.length = d.transport + 20;
	if (version == 4) {
		d.ip[0] = 0x45;
		put16(d.ip + 2, d.length);
		d.ip[8] = 64;
		d.ip[9] = IPPROTO_TCP;
	} else {
		d.ip[0] = 0x60;
		put16(d.ip + 4, 20);
		d.ip[6] = IPPROTO_TCP;
		d.ip[7] = 64;
	}
	return d;
}

static inline void tcp_append(struct datagram *d, const uint8_t *option, uint32_t length)
{
	uint8_t *tcp = d->ip + d->transport;

	memcpy(d->ip + d->length, option, length);
	d->length += length;
	tcp[12] = (uint8_t)((d->length - d->transport) / 4 << 4);
	if (d->version == 4)
		put16(d->ip + 2, d->length);
	else
		put16(d->ip + 4, d->length - 40);
}

static inline void tcp_append_stamps(struct datagram *d, uint32_t value, uint32_t echo)
{
	uint8_t option[12] = { 1, 1, 8, 10 };

	put32(option + 4, value);
	put32(option + 8, echo);
	tcp_append(d, option, sizeof(option));
}

/* MSS, SACK and, when the conversation has them, timestamps. */
static inline void tcp_append_offer(struct datagram *d, bool stamped, uint32_t value, uint32_t echo)
{
	static const uint8_t option[8] = { 2, 4, MADE_MSS >> 8, MADE_MSS & 255, 1, 1, 4, 2 };

	tcp_append(d, option, sizeof(option));
	if (stamped)
		tcp_append_stamps(d, value, echo);
}

static inline uint32_t tcp_run_client(const struct conversation *c, struct datagram *d)
{
	const struct flow_key key = conversation_key(c);

	datagram_address(d, &key.source, &key.destination);
	datagram_checksums(d);
	return datagram_run(d, true);
}

/* As the origin sends it: from its address to the flow's. */
static inline uint32_t tcp_run_origin(const struct flow *flow, struct datagram *d)
{
	put16(d->ip + d->transport, ntohs(flow->origin_port));
	put16(d->ip + d->transport + 2, ntohs(flow->local_port));
	datagram_address(d, &flow->origin, &flow->local);
	datagram_checksums(d);
	return datagram_run(d, false);
}

static inline void tcp_wrong(struct outcome *o, uint32_t verdict, const char *where)
{
	if (verdict == XDP_DROP) {
		o->result = OUTCOME_DROPPED;
		o->reason = replay_why();
	} else {
		o->result = OUTCOME_CHANGED;
	}
	if (where)
		(void)snprintf(o->text, sizeof(o->text), "%s", where);
}

/* The SYN, recorded or made: gets its cookie, or passes. */
static inline bool tcp_cookie(struct conversation *c, struct datagram *d, struct outcome *o)
{
	struct segment_view s = tcp_view(d);
	const uint8_t *stamps;
	uint32_t verdict;

	c->client_isn = s.sequence;
	c->stamped = tcp_option(&s, 8, 10) && tcp_option(&s, 2, 4);
	verdict = tcp_run_client(c, d);
	d->transport = d->version == 4 ? 20 : 40;
	s = tcp_view(d);
	if (verdict != XDP_REDIRECT || !(s.flags & SYN)) {
		tcp_wrong(o, verdict, "no cookie for the SYN");
		return false;
	}
	c->direct = !(s.flags & ACK);
	c->stage = STAGE_SYN;
	if (c->direct)
		return true;
	stamps = tcp_option(&s, 8, 10);
	c->cookie = s.sequence;
	c->our_stamp = stamps ? get32(stamps) : 0;
	c->stamped = stamps != NULL;
	return true;
}

/* The client's ACK of the cookie: a flow, whose SYN goes to the origin. "stamp": the client's. */
static inline bool tcp_prove(
	struct conversation *c, int version, uint32_t stamp, struct flow *flow, struct outcome *o)
{
	struct datagram d = tcp_make(c, version, ACK, c->client_isn + 1, c->cookie + 1);
	uint32_t verdict;

	if (c->direct)
		return tcp_flow(c, flow);
	if (c->stamped)
		tcp_append_stamps(&d, stamp, c->our_stamp);
	verdict = tcp_run_client(c, &d);
	if (verdict == XDP_REDIRECT && tcp_flow(c, flow))
		return true;
	tcp_wrong(o, verdict, "the cookie's ACK opened no flow");
	return false;
}

/* The origin's SYN-ACK, recorded or made. The tc program would take it from there. */
static inline bool tcp_agree(
	struct conversation *c, struct flow *flow, struct datagram *d, struct outcome *o)
{
	const struct segment_view s = tcp_view(d);
	const uint8_t *stamps = tcp_option(&s, 8, 10);
	struct datagram ack = tcp_make(c, d->version, ACK, c->client_isn + 1, s.sequence + 1);
	uint32_t verdict;

	if (stamps)
		tcp_append_stamps(&ack, get32(stamps + 4), get32(stamps));
	verdict = tcp_run_origin(flow, d);
	if (c->direct && verdict == XDP_REDIRECT)
		verdict = tcp_run_client(c, &ack);
	if (verdict != (c->direct ? XDP_REDIRECT : XDP_PASS) || !tcp_flow(c, flow) ||
		flow->state != FLOW_OPEN) {
		tcp_wrong(o, verdict, "the SYN-ACK did not open the flow");
		return false;
	}
	c->sequence_delta = flow->sequence_delta;
	c->stamp_delta = flow->timestamp_delta;
	c->stage = STAGE_OPEN;
	return true;
}

/* A conversation that is met in the middle: a handshake just before the segment's numbers. */
static inline bool tcp_invent(
	struct conversation *c, struct datagram *d, bool from_client, struct outcome *o)
{
	const struct segment_view s = tcp_view(d);
	const uint8_t *stamps = tcp_option(&s, 8, 10);
	const uint32_t peer = s.flags & ACK ? s.acknowledgement - 1 : 77777;
	const uint32_t origin_isn = from_client ? peer : s.sequence - 1;
	uint32_t own_stamp = stamps ? get32(stamps) - MADE_TS : 0;
	uint32_t peer_stamp = stamps ? get32(stamps + 4) - MADE_TS : 0;
	struct datagram made;
	struct flow flow;

	if (!from_client) {
		const uint32_t swap = own_stamp;

		own_stamp = peer_stamp;
		peer_stamp = swap;
	}
	if (c->stage == STAGE_NEW) {
		made = tcp_make(c, d->version, SYN, from_client ? s.sequence - 1 : peer, 0);
		tcp_append_offer(&made, stamps != NULL, own_stamp, 0);
		if (!tcp_cookie(c, &made, o))
			return false;
	}
	if (!tcp_prove(c, d->version, own_stamp, &flow, o))
		return false;
	made = tcp_make(c, d->version, SYN | ACK, origin_isn, c->client_isn + 1);
	tcp_append_offer(&made, c->stamped, peer_stamp, own_stamp);
	return tcp_agree(c, &flow, &made, o);
}

/* The origin refuses: the client's ACK brought it the SYN, as it would have. */
static inline void tcp_refuse(struct conversation *c, struct datagram *d, struct outcome *o)
{
	struct flow flow;
	uint32_t verdict;

	if (!tcp_prove(c, d->version, 1, &flow, o))
		return;
	verdict = tcp_run_origin(&flow, d);
	if (verdict != XDP_REDIRECT)
		tcp_wrong(o, verdict, "refusal");
	c->stage = STAGE_NEW;
}

static inline void tcp_segment(
	struct conversation *c, struct datagram *d, bool from_client, struct outcome *o)
{
	struct datagram sent = *d, want = *d;
	struct segment_view s = tcp_view(&sent), w = tcp_view(&want);
	struct flow flow;
	uint32_t verdict;

	if (!tcp_flow(c, &flow)) {
		tcp_wrong(o, XDP_PASS, "the flow is gone");
		return;
	}
	if (from_client) {
		tcp_shift(&s, c->sequence_delta, c->stamp_delta);
		verdict = tcp_run_client(c, &sent);
	} else {
		uint8_t *stamps = tcp_option(&w, 8, 10);

		put32(w.tcp + 4, w.sequence - c->sequence_delta);
		if (stamps)
			put32(stamps, get32(stamps) - c->stamp_delta);
		verdict = tcp_run_origin(&flow, &sent);
	}
	if (verdict != XDP_REDIRECT)
		tcp_wrong(o, verdict, NULL);
	else if (!tcp_same(&want, &sent, o->text, sizeof(o->text)))
		o->result = OUTCOME_CHANGED;
}

static inline void tcp_from_server(struct conversation *c, struct datagram *d, struct outcome *o)
{
	struct segment_view s = tcp_view(d);
	const uint8_t *stamps = tcp_option(&s, 8, 10);
	struct datagram syn;
	struct flow flow;

	if (s.flags & RST && c->stage == STAGE_SYN) {
		tcp_refuse(c, d, o);
		return;
	}
	if ((s.flags & (SYN | ACK)) == (SYN | ACK)) {
		if (c->stage == STAGE_NEW || c->client_isn + 1 != s.acknowledgement) {
			syn = tcp_make(c, d->version, SYN, s.acknowledgement - 1, 0);
			tcp_append_offer(&syn, stamps != NULL, stamps ? get32(stamps + 4) : 0, 0);
			if (!tcp_cookie(c, &syn, o))
				return;
		}
		if (c->stage == STAGE_OPEN) {
			if (!tcp_flow(c, &flow) ||
				tcp_run_origin(&flow, d) != (c->direct ? XDP_REDIRECT : XDP_PASS))
				tcp_wrong(o, XDP_DROP, "a repeated SYN-ACK");
			return;
		}
		if (tcp_prove(c, d->version, stamps ? get32(stamps + 4) : 0, &flow, o))
			(void)tcp_agree(c, &flow, d, o);
		return;
	}
	if (c->stage != STAGE_OPEN && !tcp_invent(c, d, false, o))
		return;
	tcp_segment(c, d, false, o);
}

static inline void replay_tcp(
	struct conversation *c, struct datagram *d, bool from_client, struct outcome *o)
{
	const struct segment_view s = tcp_view(d);
	struct datagram copy = *d;

	if (!from_client) {
		tcp_from_server(c, &copy, o);
		return;
	}
	if ((s.flags & (SYN | ACK)) == SYN) {
		if (s.flags & (FIN | RST)) {
			const uint32_t verdict = tcp_run_client(c, &copy);

			tcp_wrong(o, verdict, "a SYN with FIN or RST");
			return;
		}
		/* The same SYN again on an open flow: an answer, and nothing changes. */
		if (c->stage == STAGE_OPEN && s.sequence == c->client_isn) {
			const struct conversation before = *c;

			if (tcp_cookie(c, &copy, o))
				*c = before;
			return;
		}
		(void)tcp_cookie(c, &copy, o);
		return;
	}
	if (c->stage != STAGE_OPEN && !tcp_invent(c, &copy, true, o))
		return;
	tcp_segment(c, &copy, true, o);
}

#endif
