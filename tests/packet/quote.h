/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ICMP errors: built around a packet that was sent, and taken apart again. Of a packet that is
 * quoted whole every checksum is computed anew.
 */
#ifndef TESTS_PACKET_QUOTE_H
#define TESTS_PACKET_QUOTE_H

#include "wire.h"

#define ROUTER4 "10.201.7.7"
#define ROUTER6 "fd07::7"

struct icmp {
	uint8_t type;
	uint8_t code;
	uint32_t rest;
};

static inline const uint8_t *frame_ip(const struct frame *f)
{
	const uint8_t *ip = f->byte + 14;

	while (get16(ip - 2) == ETH_P_8021Q)
		ip += 4;
	return ip;
}

/* Bytes of the IP packet in the frame. */
static inline uint32_t frame_ip_length(const struct frame *f)
{
	const uint8_t *ip = frame_ip(f);

	return ip[0] >> 4 == 4 ? get16(ip + 2) : get16(ip + 4) + 40;
}

/*
 * An error of a router about the packet in "about", to "destination"; it quotes "length" bytes of
 * it.
 */
static inline struct frame error_frame(const char *destination, const struct icmp *icmp,
	const struct frame *about, uint32_t length)
{
	int version = strchr(destination, ':') ? 6 : 4;
	struct wire w = {
		.source = version == 4 ? ROUTER4 : ROUTER6,
		.destination = destination,
		.protocol = version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.payload = (uint16_t)length,
	};
	struct frame f = frame_build(&w);
	uint8_t *ip = f.byte + 14, *at = ip + (version == 4 ? 20 : 40);

	at[0] = icmp->type;
	at[1] = icmp->code;
	put16(at + 2, 0);
	put32(at + 4, icmp->rest);
	memcpy(at + 8, frame_ip(about), length);
	put16(at + 2,
		(uint16_t) ~(version == 4 ? sum_fold(sum_bytes(at, 8 + length))
					  : transport_sum(ip, 6, w.protocol, at, 8 + length)));
	return f;
}

struct quoted {
	struct parsed outer;
	struct icmp icmp;
	int version;
	struct address source;
	struct address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t sequence;
	uint8_t protocol;
	uint8_t hop_limit;
	uint32_t claimed; /* transport bytes that the quoted packet had */
	uint32_t length;  /* of them here */
	const uint8_t *transport;
};

/* Checks the error's checksums, and those of the quoted packet as far as they can be. */
static inline struct quoted quoted_parse(const struct frame *f)
{
	struct quoted q = { .outer = frame_parse(f) };
	const uint8_t *icmp = q.outer.payload, *ip = icmp + 8;
	uint32_t header;

	assert_int_equal(frame_ip_length(f) + (uint32_t)(frame_ip(f) - f->byte), f->size);
	q.icmp.type = icmp[0];
	q.icmp.code = icmp[1];
	q.icmp.rest = get32(icmp + 4);
	q.version = ip[0] >> 4;
	if (q.version == 4) {
		header = 20;
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(sum_fold(sum_bytes(ip, header)), 0xffff);
		q.source.byte[10] = q.source.byte[11] = 0xff;
		q.destination = q.source;
		memcpy(&q.source.byte[12], ip + 12, 4);
		memcpy(&q.destination.byte[12], ip + 16, 4);
		q.hop_limit = ip[8];
		q.protocol = ip[9];
		q.claimed = get16(ip + 2) - header;
	} else {
		header = 40;
		assert_int_equal(q.version, 6);
		memcpy(q.source.byte, ip + 8, 16);
		memcpy(q.destination.byte, ip + 24, 16);
		q.hop_limit = ip[7];
		q.protocol = ip[6];
		q.claimed = get16(ip + 4);
	}
	q.transport = ip + header;
	q.length = q.outer.payload_length - 8 - header;
	assert_true(q.length >= 8);
	q.source_port = (uint16_t)get16(q.transport);
	q.destination_port = (uint16_t)get16(q.transport + 2);
	q.sequence = get32(q.transport + 4);
	if (q.protocol == IPPROTO_UDP && q.length >= q.claimed && get16(q.transport + 6))
		assert_int_equal(
			transport_sum(ip, q.version, q.protocol, q.transport, q.claimed), 0xffff);
	return q;
}

#endif
