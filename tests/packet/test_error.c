/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ICMP errors about packets of flows: both directions, TCP and UDP, every kind that is carried,
 * quotes of any length; and those that are not: of no flow, damaged, forged.
 */
#include "talk.h"
#include "quote.h"

#include <linux/if_link.h>

static const struct icmp kinds[2][6] = {
	{ { 3, 1, 0 }, { 3, 3, 0 }, { 3, 4, 1400 }, { 3, 13, 0 }, { 11, 0, 0 },
		{ 12, 0, 9u << 24 } },
	{ { 1, 0, 0 }, { 1, 4, 0 }, { 2, 0, 1400 }, { 1, 1, 0 }, { 3, 0, 0 }, { 4, 0, 6 } },
};
#define KIND_COUNT   6
#define KIND_TOO_BIG 2

/* What the node has sent of a flow, to either side, and what was sent to it. */
struct passed {
	struct wire client;
	struct wire origin;
	struct frame to_origin;
	struct frame to_client;
	uint32_t client_sequence; /* TCP: as these two said it */
	uint32_t origin_sequence;
};

static struct passed pass_udp(int version, uint16_t port, uint16_t payload)
{
	struct passed s = { .client = from_client(version, IPPROTO_UDP) };
	struct parsed out;

	s.client.source_port = port;
	s.client.payload = payload;
	s.to_origin = frame_build(&s.client);
	out = run_to(&s.to_origin, XDP_REDIRECT);
	s.origin = from_origin(&out, version);
	s.origin.payload = payload;
	s.to_client = origin_frame(&s.origin);
	(void)run_to(&s.to_client, XDP_REDIRECT);
	return s;
}

static struct passed pass_tcp(int version, uint16_t port, uint16_t payload)
{
	struct talk t = talk_open(version, port, 7);
	struct passed s = { .client = t.client, .origin = t.origin };

	s.client.payload = s.origin.payload = payload;
	s.client_sequence = s.client.sequence;
	stamp(&s.client, CLIENT_TS + 2, t.our_ts);
	s.to_origin = frame_build(&s.client);
	(void)run_to(&s.to_origin, XDP_REDIRECT);
	s.origin.flags = ACK;
	s.origin.sequence = s.origin_sequence = ORIGIN_ISN + 1;
	s.origin.acknowledgement = ISN + 1;
	stamp(&s.origin, ORIGIN_TS + 1, CLIENT_TS + 2);
	s.to_client = origin_frame(&s.origin);
	(void)run_to(&s.to_client, XDP_REDIRECT);
	return s;
}

static void check_to_client(const struct passed *s, const struct frame *f, const struct icmp *want)
{
	struct quoted q = quoted_parse(f);

	assert_address(&q.outer.source, s->client.destination);
	assert_address(&q.outer.destination, s->client.source);
	assert_int_equal(q.outer.hop_limit, 63);
	assert_memory_equal(q.outer.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(q.outer.ethernet + 6, WAN_MAC, 6);
	assert_int_equal(q.icmp.type, want->type);
	assert_int_equal(q.icmp.code, want->code);
	assert_int_equal(q.icmp.rest, want->rest);
	assert_int_equal(q.protocol, s->client.protocol);
	assert_address(&q.source, s->client.source);
	assert_address(&q.destination, s->client.destination);
	assert_int_equal(q.source_port, s->client.source_port);
	assert_int_equal(q.destination_port, s->client.destination_port);
	if (s->client.protocol == IPPROTO_TCP)
		assert_int_equal(q.sequence, s->client_sequence);
}

static void check_to_origin(const struct passed *s, const struct frame *f, const struct icmp *want)
{
	struct quoted q = quoted_parse(f);

	assert_address(&q.outer.source, s->origin.destination);
	assert_address(&q.outer.destination, s->origin.source);
	assert_int_equal(q.outer.hop_limit, 63);
	assert_memory_equal(q.outer.ethernet, ORIGIN_MAC, 6);
	assert_int_equal(q.icmp.type, want->type);
	assert_int_equal(q.icmp.code, want->code);
	assert_int_equal(q.icmp.rest, want->rest);
	assert_address(&q.source, s->origin.source);
	assert_address(&q.destination, s->origin.destination);
	assert_int_equal(q.source_port, s->origin.source_port);
	assert_int_equal(q.destination_port, s->origin.destination_port);
	if (s->origin.protocol == IPPROTO_TCP)
		assert_int_equal(q.sequence, s->origin_sequence);
}

static struct frame error_at_node(const struct icmp *icmp, const struct frame *about,
	const char *to, uint32_t length, const char *interface)
{
	struct frame f = error_frame(to, icmp, about, length);

	f.ifindex = if_nametoindex(interface);
	return f;
}

/* Both directions of what has passed, each kind, quotes of different lengths. */
static void carry(int version, const struct passed *s)
{
	uint32_t header = version == 4 ? 20 : 40;
	uint64_t before = reason_packets(skel, REASON_error_translated), count = 0;

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct icmp *icmp = &kinds[version == 6][kind];
		uint32_t whole = frame_ip_length(&s->to_origin);
		uint32_t lengths[] = { header + 8, header + 9, header + 20, whole };

		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct frame f = error_at_node(
				icmp, &s->to_origin, s->origin.destination, lengths[i], "l0");

			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
			check_to_client(s, &f, icmp);
			f = error_at_node(
				icmp, &s->to_client, s->client.destination, lengths[i], "w0");
			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
			check_to_origin(s, &f, icmp);
			count += 2;
		}
	}
	assert_int_equal(reason_packets(skel, REASON_error_translated), before + count);
}

static void udp(int version)
{
	struct passed s = pass_udp(version, 45000, 57);
	struct vip_counter before = vip_counted(skel, VIP_SLOT), after;

	carry(version, &s);
	after = vip_counted(skel, VIP_SLOT);
	assert_int_equal(after.in.packets - before.in.packets, KIND_COUNT * 4);
	assert_int_equal(after.out.packets - before.out.packets, KIND_COUNT * 4);
	assert_int_equal(after.dropped.packets, before.dropped.packets);
	s.client.no_checksum = version == 4;
	s.to_origin = frame_build(&s.client);
	(void)run_to(&s.to_origin, XDP_REDIRECT);
	carry(version, &s);
}
TEST(udp)

static void tcp(int version)
{
	struct passed s = pass_tcp(version, 45001, 60);

	carry(version, &s);
}
TEST(tcp)

/* A long quote is cut, so that errors stay small; what is there is right. */
static void long_quote(int version)
{
	struct passed s = pass_udp(version, 45002, 1300);
	const struct icmp *icmp = &kinds[version == 6][KIND_TOO_BIG];
	struct frame f = error_at_node(
		icmp, &s.to_origin, s.origin.destination, frame_ip_length(&s.to_origin), "l0");
	struct quoted q;

	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	check_to_client(&s, &f, icmp);
	assert_true(f.size - 14 <= (version == 4 ? 576 : 1280));
	q = quoted_parse(&f);
	assert_int_equal(q.claimed, 1308);
	assert_memory_equal(
		q.transport + 8, frame_ip(&s.to_origin) + (version == 4 ? 28 : 48), q.length - 8);
}
TEST(long_quote)

/* Options and extension headers, of the error and of the quoted packet, and VLAN tags. */
static void unusual(int version)
{
	struct passed s = pass_udp(version, 45003, 40);
	const struct icmp *icmp = &kinds[version == 6][0];
	struct frame f, tagged;

	s.client.extension_length = 8;
	s.to_origin = frame_build(&s.client);
	(void)run_to(&s.to_origin, XDP_REDIRECT);
	f = error_at_node(
		icmp, &s.to_origin, s.origin.destination, frame_ip_length(&s.to_origin), "l0");
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	check_to_client(&s, &f, icmp);

	f = error_at_node(
		icmp, &s.to_origin, s.origin.destination, frame_ip_length(&s.to_origin), "w0");
	tagged = f;
	memcpy(tagged.byte + 12, "\x81\x00\x00\x64\x81\x00\x00\x65", 8);
	memcpy(tagged.byte + 20, f.byte + 12, f.size - 12);
	tagged.size = f.size + 8;
	assert_int_equal(frame_run(skel, &tagged), XDP_REDIRECT);
	assert_memory_equal(tagged.byte + 12, "\x81\x00\x00\x64\x81\x00\x00\x65", 8);
	check_to_client(&s, &tagged, icmp);
}
TEST(unusual)

static void expect(struct frame f, uint32_t verdict, uint32_t reason)
{
	uint64_t before = reason_packets(skel, reason);

	assert_int_equal(frame_run(skel, &f), verdict);
	assert_int_equal(reason_packets(skel, reason), before + 1);
}

/*
 * Errors about what no flow has sent end, or are the host's: it has sockets on these addresses,
 * too.
 */
static void unknown(int version)
{
	struct passed s = pass_udp(version, 45004, 40);
	const struct icmp *icmp = &kinds[version == 6][0];
	uint32_t whole = frame_ip_length(&s.to_origin), ports = version == 4 ? 20 : 40;
	struct frame about = s.to_origin;
	uint8_t *at = about.byte + 14 + ports;
	const char *source = s.origin.destination, *vip = s.client.destination;

	put16(at, get16(at) == 10000 ? 10001 : 10000);
	expect(error_at_node(icmp, &about, source, whole, "l0"), XDP_DROP, REASON_source_unknown);
	put16(at, 9999); /* not a port of flows */
	expect(error_at_node(icmp, &about, source, whole, "l0"), XDP_PASS, REASON_host);
	about = s.to_origin;
	put16(at + 2, 1);
	expect(error_at_node(icmp, &about, source, whole, "l0"), XDP_DROP, REASON_source_unknown);
	about = s.to_client;
	put16(at + 2, 1);
	expect(error_at_node(icmp, &about, vip, whole, "w0"), XDP_DROP, REASON_no_service);
	/* Sent to another than who has sent the packet. */
	expect(error_at_node(icmp, &s.to_origin, vip, whole, "w0"), XDP_DROP, REASON_no_service);
	expect(error_at_node(icmp, &s.to_client, source, whole, "l0"), XDP_PASS, REASON_host);
	/* Not errors that are carried. */
	expect(error_at_node(&(struct icmp){ version == 4 ? 5 : 137, 0, 0 }, &s.to_client, vip,
		       whole, "w0"),
		XDP_DROP, REASON_no_service);
	expect(error_at_node(&(struct icmp){ version == 4 ? 5 : 137, 0, 0 }, &s.to_origin, source,
		       whole, "l0"),
		XDP_PASS, REASON_host);
}
TEST(unknown)

/* A quote that breaks off before its sequence number says too little. */
static void truncated(int version)
{
	struct passed s = pass_udp(version, 45005, 40);
	const struct icmp *icmp = &kinds[version == 6][0];

	for (uint32_t length = 0; length < (version == 4 ? 28u : 48u); length++) {
		expect(error_at_node(icmp, &s.to_client, s.client.destination, length, "w0"),
			XDP_DROP, REASON_no_service);
		expect(error_at_node(icmp, &s.to_origin, s.origin.destination, length, "l0"),
			XDP_PASS, REASON_host);
	}
}
TEST(truncated)

/* Damaged, used up, or a fragment. */
static void refused(int version)
{
	struct passed s = pass_udp(version, 45006, 40);
	const struct icmp *icmp = &kinds[version == 6][0];
	uint32_t whole = frame_ip_length(&s.to_origin);
	struct frame f = error_at_node(icmp, &s.to_origin, s.origin.destination, whole, "l0");

	f.byte[f.size - 1] ^= 0x40;
	expect(f, XDP_DROP, REASON_malformed);
	f = error_at_node(icmp, &s.to_client, s.client.destination, whole, "w0");
	f.byte[f.size - 1] ^= 0x40;
	expect(f, XDP_DROP, REASON_malformed);
	f = error_at_node(icmp, &s.to_origin, s.origin.destination, whole, "l0");
	if (version == 4) {
		f.byte[22] = 1;
		put16(f.byte + 24, 0);
		put16(f.byte + 24, (uint16_t)~sum_fold(sum_bytes(f.byte + 14, 20)));
	} else {
		f.byte[21] = 1;
	}
	expect(f, XDP_DROP, REASON_hop_limit);
}
TEST(refused)

/* The switches hold for errors, too. */
static void forwarding_off(int version)
{
	struct passed s = pass_udp(version, 45007, 40);
	const struct icmp *icmp = &kinds[version == 6][0];
	uint32_t whole = frame_ip_length(&s.to_origin);
	struct vip vip = vip_protected();

	vip.forward_until_ns = 0;
	vip_set(skel, s.client.destination, &vip);
	expect(error_at_node(icmp, &s.to_origin, s.origin.destination, whole, "l0"), XDP_DROP,
		REASON_forwarding_off);
	expect(error_at_node(icmp, &s.to_client, s.client.destination, whole, "w0"), XDP_DROP,
		REASON_forwarding_off);
	fill(skel);
}
TEST(forwarding_off)

/* TCP: a number far from what was acknowledged is a guess. */
static void forged(int version)
{
	struct passed s = pass_tcp(version, 45008, 60);
	const struct icmp *icmp = &kinds[version == 6][KIND_TOO_BIG];
	uint32_t whole = frame_ip_length(&s.to_origin), ports = version == 4 ? 20 : 40;
	struct flow_key key = {
		.source = address_of(s.client.source),
		.destination = address_of(s.client.destination),
		.source_port = htons(s.client.source_port),
		.destination_port = htons(s.client.destination_port),
	};
	struct flow flow = flow_of(&s.client);
	uint8_t *at;

	flow.client_next = ISN + 1;
	flow.origin_next = get32(frame_ip(&s.to_client) + ports + 4);
	map_set(skel->maps.flow_tcp, &key, &flow);
	carry(version, &s);
	at = s.to_origin.byte + 14 + ports + 4;
	put32(at, get32(at) + 0x2000000);
	expect(error_at_node(icmp, &s.to_origin, s.origin.destination, whole, "l0"), XDP_DROP,
		REASON_source_unknown);
	at = s.to_client.byte + 14 + ports + 4;
	put32(at, get32(at) - 0x2000000);
	expect(error_at_node(icmp, &s.to_client, s.client.destination, whole, "w0"), XDP_DROP,
		REASON_no_service);
}
TEST(forged)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_long_quote),
		cmocka_unit_test(test_unusual),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_forwarding_off),
		cmocka_unit_test(test_forged),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
