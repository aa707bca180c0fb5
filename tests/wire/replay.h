/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A recording's packets through polder_filter, each from the side it came from. Included by one program: the
 * packet tests' harness is static. A conversation is found by its addresses and ports, and knows which
 * side is the client: who sent the SYN, else, of TCP, the side with the higher port, of UDP who spoke first.
 */
#ifndef TESTS_WIRE_REPLAY_H
#define TESTS_WIRE_REPLAY_H

#include "tests/wire/replay_tcp.h"

#define PIECE 1400u

/* --- conversations ------------------------------------------------------------------------------- */

static inline bool same_address(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline uint32_t conversation_slot(const struct datagram *d)
{
	/* The same from both sides. */
	const uint32_t a = hash_bytes(d->source.byte, 16) + d->source_port * 2654435761u;
	const uint32_t b = hash_bytes(d->destination.byte, 16) + d->destination_port * 2654435761u;
	uint32_t slot = (a ^ b) * 2246822519u >> 16;

	for (;; slot++) {
		const int32_t i = conversation_hash[slot %= CONVERSATION_MAX * 4];
		const struct conversation *c = &conversation[i];

		if (i < 0)
			return slot;
		if (c->protocol != d->protocol)
			continue;
		if (same_address(&c->client, &d->source) && c->client_port == d->source_port &&
			same_address(&c->server, &d->destination) &&
			c->server_port == d->destination_port)
			return slot;
		if (same_address(&c->server, &d->source) && c->server_port == d->source_port &&
			same_address(&c->client, &d->destination) &&
			c->client_port == d->destination_port)
			return slot;
	}
}

static inline bool first_is_client(const struct datagram *d)
{
	uint8_t flags;

	if (d->protocol != IPPROTO_TCP || d->transport + 14 > d->length)
		return true;
	flags = d->ip[d->transport + 13];
	if (flags & SYN)
		return !(flags & ACK);
	return d->source_port >= d->destination_port;
}

static inline struct conversation *conversation_of(const struct datagram *d, bool *from_client)
{
	const uint32_t slot = conversation_slot(d);
	struct conversation *c;
	struct address vip;

	if (conversation_hash[slot] < 0) {
		const bool client = first_is_client(d);

		assert_true(conversations < CONVERSATION_MAX);
		conversation_hash[slot] = (int32_t)conversations;
		c = &conversation[conversations++];
		*c = (struct conversation){ .client = client ? d->source : d->destination,
			.server = client ? d->destination : d->source,
			.client_port = client ? d->source_port : d->destination_port,
			.server_port = client ? d->destination_port : d->source_port,
			.protocol = d->protocol };
		vip = address_map(&c->server, false);
		serve(&vip, c->protocol, c->server_port);
	}
	c = &conversation[conversation_hash[slot]];
	*from_client = same_address(&c->client, &d->source) && c->client_port == d->source_port;
	return c;
}

/* --- a packet of a recording ---------------------------------------------------------------------- */

static inline void outcome_of(struct outcome *o, uint32_t verdict, const struct datagram *sent,
	const struct datagram *got)
{
	if (verdict == XDP_DROP) {
		o->result = OUTCOME_DROPPED;
		o->reason = replay_why();
		return;
	}
	if (verdict == XDP_REDIRECT &&
		got->length - got->transport == sent->length - sent->transport)
		return;
	o->result = OUTCOME_CHANGED;
	(void)snprintf(o->text, sizeof(o->text), "verdict %u, %u bytes instead of %u", verdict,
		got->length, sent->length);
}

/* UDP and everything that has no ports, from the client. */
static inline void replay_forward(struct conversation *c, struct datagram *d, struct outcome *o)
{
	const struct address source = address_map(&c->client, true);
	const struct address vip = address_map(&c->server, false);
	struct datagram got;
	const uint32_t skip = c->protocol == IPPROTO_UDP && !d->later ? 8 : 0;

	datagram_address(d, &source, &vip);
	datagram_checksums(d);
	got = *d;
	outcome_of(o, datagram_run(&got, true), d, &got);
	if (o->result == OUTCOME_PASSED && c->protocol == IPPROTO_UDP &&
		memcmp(got.ip + got.transport + skip, d->ip + d->transport + skip,
			d->length - d->transport - skip) != 0) {
		o->result = OUTCOME_CHANGED;
		(void)snprintf(o->text, sizeof(o->text), "payload");
	}
}

/* UDP from the server: as the origin would send it to the flow's address. */
static inline void replay_back(struct conversation *c, struct datagram *d, struct outcome *o)
{
	const struct flow_key key = conversation_key(c);
	struct datagram got;
	struct flow flow;
	const uint32_t skip = d->later ? 0 : 8;

	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp_kept), &key, &flow) != 0 &&
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow) != 0) {
		o->result = OUTCOME_DROPPED;
		o->reason = REASON_source_unknown;
		(void)snprintf(o->text, sizeof(o->text), "the flow was never opened");
		return;
	}
	datagram_address(d, &flow.origin, &flow.local);
	if (!d->later)
		put16(d->ip + d->transport + 2, ntohs(flow.local_port));
	datagram_checksums(d);
	got = *d;
	outcome_of(o, datagram_run(&got, false), d, &got);
	if (o->result == OUTCOME_PASSED &&
		memcmp(got.ip + got.transport + skip, d->ip + d->transport + skip,
			d->length - d->transport - skip) != 0) {
		o->result = OUTCOME_CHANGED;
		(void)snprintf(o->text, sizeof(o->text), "payload");
	}
}

/* Later fragments have no ports: they go the way of their first. */
static inline struct conversation *fragment_conversation(
	const struct datagram *d, bool *from_client)
{
	struct conversation *c;

	if (d->later) {
		for (uint32_t i = 0; i < FRAGMENT_KEPT; i++)
			if (fragment_of[i].conversation && fragment_of[i].id == d->id &&
				fragment_of[i].protocol == d->protocol &&
				same_address(&fragment_of[i].source, &d->source) &&
				same_address(&fragment_of[i].destination, &d->destination)) {
				*from_client = fragment_of[i].from_client;
				return &conversation[fragment_of[i].conversation - 1];
			}
		return conversation_of(d, from_client);
	}
	c = conversation_of(d, from_client);
	if (d->more) {
		fragment_turn = (fragment_turn + 1) % FRAGMENT_KEPT;
		fragment_of[fragment_turn].source = d->source;
		fragment_of[fragment_turn].destination = d->destination;
		fragment_of[fragment_turn].id = d->id;
		fragment_of[fragment_turn].protocol = d->protocol;
		fragment_of[fragment_turn].conversation = (int32_t)(c - conversation) + 1;
		fragment_of[fragment_turn].from_client = *from_client;
	}
	return c;
}

static inline void outcome_kind(struct outcome *o, const struct datagram *d)
{
	if (d->protocol == IPPROTO_TCP)
		o->kind = "tcp";
	else if (d->protocol == IPPROTO_UDP)
		o->kind = "udp";
	else if (d->protocol == IPPROTO_ICMP || d->protocol == IPPROTO_ICMPV6)
		o->kind = "icmp";
	else
		o->kind = "protocol";
}

/* A TCP segment that the recording machine's hardware had put together, as the segments of the wire. */
static inline bool replay_pieces(const struct recording_packet *packet, struct outcome *o);

static inline void replay_packet(const struct recording_packet *packet, struct outcome *o)
{
	struct datagram d;
	struct conversation *c;
	bool from_client;

	*o = (struct outcome){ .number = packet->number, .kind = "?" };
	if (!datagram_take(packet, &d)) {
		if (!replay_pieces(packet, o))
			o->result = OUTCOME_SKIPPED;
		return;
	}
	outcome_kind(o, &d);
	(void)snprintf(o->text, sizeof(o->text), "%u to %u, %u bytes", d.source_port,
		d.destination_port, d.length);
	c = fragment_conversation(&d, &from_client);
	if (d.protocol == IPPROTO_TCP && tcp_is_whole(&d))
		replay_tcp(c, &d, from_client, o);
	else if (d.protocol == IPPROTO_UDP && !from_client)
		replay_back(c, &d, o);
	else
		replay_forward(c, &d, o);
}

static inline bool replay_pieces(const struct recording_packet *packet, struct outcome *o)
{
	const uint8_t *ip = packet->ip, *tcp;
	const uint32_t version = ip[0] >> 4;
	const uint32_t network = version == 4 ? (ip[0] & 15) * 4u : 40;
	uint32_t end = version == 4 ? get16(ip + 2) : 40 + get16(ip + 4), header, payload, size;

	if (end == (version == 4 ? 0u : 40u))
		end = packet->captured;
	if (ip[version == 4 ? 9 : 6] != IPPROTO_TCP || end > packet->captured || network + 20 > end)
		return false;
	tcp = ip + network;
	header = (tcp[12] >> 4) * 4u;
	if (header < 20 || network + header >= end)
		return false;
	payload = end - network - header;
	for (uint32_t at = 0; at < payload && o->result == OUTCOME_PASSED; at += size) {
		uint8_t piece[REPLAY_FRAME_MAX];
		const struct recording_packet one = { .ip = piece,
			.number = packet->number,
			.captured =
				network + header + (payload - at < PIECE ? payload - at : PIECE) };

		size = one.captured - network - header;
		memcpy(piece, ip, network + header);
		memcpy(piece + network + header, tcp + header + at, size);
		put16(piece + (version == 4 ? 2 : 4), one.captured - (version == 4 ? 0 : 40));
		put32(piece + network + 4, get32(tcp + 4) + at);
		if (at + size < payload)
			piece[network + 13] &= (uint8_t) ~(FIN | PSH);
		replay_packet(&one, o);
	}
	return true;
}

/* --- attacks ------------------------------------------------------------------------------------- */

/* UDP source ports of protocols that answer more than they are asked, as operators list them. */
static const uint16_t reflector[] = { 17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 500, 520, 623,
	1194, 1434, 1900, 3283, 3478, 3702, 4500, 5093, 5351, 5353, 5683, 10001, 11211, 27015,
	30718, 32414, 37810, 47808 };

static inline void replay_refuse_reflectors(void)
{
	const uint32_t one = 1;

	for (size_t i = 0; i < sizeof(reflector) / sizeof(reflector[0]); i++) {
		struct reflection_key key = { .instance = INSTANCE,
			.source_port = htons(reflector[i]) };

		map_set(skel->maps.reflection, &key, &one);
	}
}

/* 1: the packet, to a protected address whose port is served, went on to the origin. */
static inline unsigned int replay_attack(const struct recording_packet *packet)
{
	const struct address origin4 = address_of(ORIGIN4), origin6 = address_of(ORIGIN6);
	struct datagram d;
	struct address vip;
	uint32_t verdict;

	if (!datagram_take(packet, &d))
		return 0;
	vip = address_map(&d.destination, false);
	serve(&vip, d.protocol, d.destination_port);
	datagram_address(&d, &d.source, &vip);
	datagram_checksums(&d);
	verdict = datagram_run(&d, true);
	if (verdict != XDP_REDIRECT)
		return verdict != XDP_DROP;
	return d.version == 4 ? memcmp(d.ip + 16, origin4.byte + 12, 4) == 0
			      : memcmp(d.ip + 24, origin6.byte, 16) == 0;
}

#endif
