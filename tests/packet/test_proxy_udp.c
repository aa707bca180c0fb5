/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * PROXY protocol before each datagram of a client: its bytes, lengths and checksums, fragments put together
 * again, what becomes too big, and that replies are as they were. IPv4, IPv6, and IPv6 clients of IPv4.
 */
#include "talk.h"
#include "quote.h"

#include <linux/if_link.h>

#define PORT	       57
#define DATAGRAM_SPACE 8192

/* 46: an IPv6 client of an IPv4 origin. */
static void each_way(void (*body)(int way))
{
	body(4);
	body(6);
	body(46);
}

#define WAYS(name)                                                                                 \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		each_way(name);                                                                    \
	}

static int client_version(int way)
{
	return way == 4 ? 4 : 6;
}

static int origin_version(int way)
{
	return way == 6 ? 6 : 4;
}

static uint32_t header_size(int version)
{
	return version == 4 ? 20 : 40;
}

static uint32_t proxy_size(int way)
{
	return way == 4 ? 28 : 52;
}

static void service_tells(uint16_t port, const char *origin4, const char *origin6)
{
	struct service_key key = service_key_of(IPPROTO_UDP, port);
	struct service service;

	service_set(skel, IPPROTO_UDP, port, origin4, origin6, 5357);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.client_address = CLIENT_ADDRESS_PROXY;
	map_set(skel->maps.service, &key, &service);
}

static struct wire client_of(int way, uint16_t port)
{
	struct wire w = from_client(client_version(way), IPPROTO_UDP);

	w.destination_port = way == 46 ? PORT + 1 : PORT;
	w.source_port = port;
	return w;
}

/* The header that is wanted, as the specification has it; padded: with a field that says nothing. */
static uint32_t proxy_want(const struct wire *w, uint8_t *out, int padded)
{
	static const uint8_t head[13] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55,
		0x49, 0x54, 0x0a, 0x21 };
	static const uint8_t padding[4] = { 0x04, 0x00, 0x01, 0x00 };
	struct address source = address_of(w->source), destination = address_of(w->destination);
	int ipv4 = !strchr(w->source, ':');
	uint32_t size = ipv4 ? 4 : 16, at = 16;

	bytes_copy(out, head, sizeof(head));
	out[13] = ipv4 ? 0x12 : 0x22;
	put16(out + 14, 2 * size + 4 + (padded ? 4 : 0));
	memcpy(out + at, source.byte + 16 - size, size);
	memcpy(out + at + size, destination.byte + 16 - size, size);
	at += 2 * size;
	put16(out + at, w->source_port);
	put16(out + at + 2, w->destination_port);
	at += 4;
	if (!padded)
		return at;
	bytes_copy(out + at, padding, sizeof(padding));
	return at + 4;
}

static void datagrams(int way)
{
	struct wire w = client_of(way, 46000), reply;
	uint8_t want[64];
	struct parsed out;
	struct frame f, sent;

	for (uint16_t payload = 0; payload < 1300; payload = (uint16_t)(payload + 7)) {
		uint32_t size = proxy_want(&w, want, 0);

		assert_int_equal(size, proxy_size(way));
		w.payload = payload;
		f = sent = frame_build(&w);
		out = run_to(&f, XDP_REDIRECT);
		assert_int_equal(
			f.size, 14 + header_size(origin_version(way)) + 8 + size + payload);
		assert_address(&out.destination, origin_version(way) == 4 ? ORIGIN4 : ORIGIN6);
		assert_int_equal(out.destination_port, 5357);
		assert_int_equal(out.hop_limit, 63);
		assert_int_equal(out.payload_length, size + payload);
		assert_int_equal(get16(out.payload - 4), 8 + size + payload);
		assert_memory_equal(out.payload, want, size);
		assert_memory_equal(out.payload + size, sent.byte + sent.size - payload, payload);
	}
	reply = from_origin(&out, origin_version(way));
	reply.payload = 77;
	f = origin_frame(&reply);
	out = run_to(&f, XDP_REDIRECT);
	assert_address(&out.destination, w.source);
	assert_int_equal(out.payload_length, 77);
}
WAYS(datagrams)

/* Every sum of the payload; and none stays none where that is allowed. */
static void checksums(int way)
{
	struct wire w = client_of(way, 46001);

	w.payload = 2;
	for (uint32_t i = 0; i < 65536; i += 3) {
		struct frame f = frame_build(&w);
		uint8_t *at = f.byte + 14 + header_size(client_version(way));

		put16(at + 6, 0);
		put16(at + 8, i);
		put16(at + 6, (uint16_t)~transport_sum(
				      f.byte + 14, client_version(way), IPPROTO_UDP, at, 10));
		if (!get16(at + 6))
			put16(at + 6, 0xffff);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_not_equal(get16(f.byte + 14 + header_size(origin_version(way)) + 6), 0);
		(void)frame_parse(&f);
	}
	if (way == 4) {
		struct frame f;

		w.no_checksum = 1;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_equal(get16(f.byte + 40), 0);
	}
}
WAYS(checksums)

/* Options, extension headers and VLAN tags; the identification and "do not fragment" of IPv4. */
static void unusual(int way)
{
	struct wire w = client_of(way, 46002);
	struct parsed out;
	struct frame f;

	w.extension_length = 16;
	w.payload = 30;
	w.id = 0x7654;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.payload_length, proxy_size(way) + 30);
	if (way != 4)
		return;
	w.extension_length = 0;
	f = frame_build(&w);
	f.byte[20] |= 0x40;
	put16(f.byte + 24, get16(f.byte + 24) - 0x4000);
	(void)run_to(&f, XDP_REDIRECT);
	assert_int_equal(get16(f.byte + 20), 0x4000);
}
WAYS(unusual)

/* A datagram put together from fragments as they leave the node. */
struct whole {
	uint8_t byte[DATAGRAM_SPACE];
	uint32_t length; /* when the last has come */
	uint32_t filled;
	uint32_t id;
};

static void whole_add(struct whole *whole, const struct frame *f)
{
	const uint8_t *ip = frame_ip(f), *at;
	uint32_t field, length, offset, id;
	int more;

	if (ip[0] >> 4 == 4) {
		assert_int_equal(sum_fold(sum_bytes(ip, 20)), 0xffff);
		field = get16(ip + 6);
		offset = (field & 0x1fff) * 8;
		more = field >> 13 & 1;
		at = ip + 20;
		length = get16(ip + 2) - 20;
		id = get16(ip + 4);
	} else {
		assert_int_equal(ip[6], IPPROTO_FRAGMENT);
		assert_int_equal(ip[40], IPPROTO_UDP);
		field = get16(ip + 42);
		offset = field & 0xfff8;
		more = field & 1;
		at = ip + 48;
		length = get16(ip + 4) - 8;
		id = get32(ip + 44);
	}
	assert_true(offset + length <= DATAGRAM_SPACE);
	assert_true(at + length <= f->byte + f->size);
	assert_int_equal(offset, whole->filled); /* in order here, without holes */
	if (whole->filled)
		assert_int_equal(id, whole->id);
	whole->id = id;
	memcpy(whole->byte + offset, at, length);
	whole->filled += length;
	if (!more)
		whole->length = offset + length;
}

static void fragments(int way)
{
	static struct whole given, whole;
	struct wire w = client_of(way, 46003);
	uint32_t size, first = 1008, rest = 777, total = first + rest;
	uint8_t want[64], pseudo[40] = { 0 };
	struct frame f[2];

	/* Two fragments of one datagram, whose checksum covers both. */
	w.id = 0x4321;
	w.more = 1;
	w.payload = (uint16_t)(first - 8);
	f[0] = frame_build(&w);
	w.fragment = (uint16_t)(first / 8);
	w.more = 0;
	w.payload = (uint16_t)rest;
	f[1] = frame_build(&w);
	memset(&given, 0, sizeof(given));
	memset(&whole, 0, sizeof(whole));
	{
		uint8_t *udp = f[0].byte + f[0].size - first;

		put16(udp + 4, total);
		put16(udp + 6, 0);
		whole_add(&given, &f[0]);
		whole_add(&given, &f[1]);
		put16(udp + 6, (uint16_t)~transport_sum(f[0].byte + 14, client_version(way),
				       IPPROTO_UDP, given.byte, total));
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(frame_run(skel, &f[i]), XDP_REDIRECT);
		whole_add(&whole, &f[i]);
	}
	size = proxy_want(&w, want, 1);
	assert_int_equal(size % 8, 0);
	assert_int_equal(whole.length, total + size);
	assert_int_equal(get16(whole.byte + 4), total + size);
	assert_memory_equal(whole.byte + 8, want, size);
	assert_memory_equal(whole.byte + 8 + size, given.byte + 8, total - 8);
	memcpy(pseudo, frame_ip(&f[0]), header_size(origin_version(way)));
	assert_int_equal(
		transport_sum(pseudo, origin_version(way), IPPROTO_UDP, whole.byte, whole.length),
		0xffff);
}
WAYS(fragments)

/* The client is told what is left to it. */
static void too_big(int way)
{
	struct wire w = client_of(way, 46004);
	uint32_t room = 1500 - 8 - header_size(origin_version(way)) - proxy_size(way);
	uint64_t before = reason_packets(skel, REASON_too_big);
	uint32_t mtu = room + 8 + header_size(client_version(way));
	struct quoted q;
	struct frame f;

	w.payload = (uint16_t)room;
	f = frame_build(&w);
	(void)run_to(&f, XDP_REDIRECT);
	assert_int_equal(f.size, 1514);
	w.payload++;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_true(f.size < 620);
	q = quoted_parse(&f);
	assert_address(&q.outer.source, w.destination);
	assert_address(&q.outer.destination, w.source);
	assert_memory_equal(q.outer.ethernet, CLIENT_MAC, 6);
	assert_int_equal(q.icmp.type, way == 4 ? 3 : 2);
	assert_int_equal(q.icmp.code, way == 4 ? 4 : 0);
	assert_int_equal(q.icmp.rest, mtu);
	assert_int_equal(q.source_port, 46004);
	assert_int_equal(reason_packets(skel, REASON_too_big), before + 1);
	/* First fragments alike. */
	w.more = 1;
	w.payload = way == 4 ? 1448 : 1440;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(reason_packets(skel, REASON_too_big), before + 2);
	q = quoted_parse(&f);
	assert_int_equal(q.icmp.type, way == 4 ? 3 : 2);
}
WAYS(too_big)

/* An MTU on the way to the origin is told without what is added to each datagram. */
static void errors(int way)
{
	struct wire w = client_of(way, 46005);
	struct icmp icmp = { .type = origin_version(way) == 4 ? 3 : 2,
		.code = origin_version(way) == 4 ? 4 : 0,
		.rest = 1400 };
	struct quoted q;
	struct frame f, sent;

	w.payload = 200;
	sent = frame_build(&w);
	(void)run_to(&sent, XDP_REDIRECT);
	f = error_frame(origin_version(way) == 4 ? SOURCE4 : SOURCE6, &icmp, &sent,
		header_size(origin_version(way)) + 8);
	f.ifindex = if_nametoindex("l0");
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	q = quoted_parse(&f);
	assert_int_equal(q.icmp.rest, 1400 - proxy_size(way) + (way == 46 ? 20 : 0));
}
WAYS(errors)

/* Turned off, it is off for open flows, too: at their next look at the rule. */
static void turned_off(int way)
{
	struct wire w = client_of(way, 46006);
	struct flow_key key = {
		.source = address_of(w.source),
		.destination = address_of(w.destination),
		.source_port = htons(w.source_port),
		.destination_port = htons(w.destination_port),
	};
	struct flow flow;
	struct frame f = frame_build(&w);

	assert_int_equal(run_to(&f, XDP_REDIRECT).payload_length, proxy_size(way));
	service_set(skel, IPPROTO_UDP, w.destination_port, way == 6 ? NULL : ORIGIN4,
		way == 6 ? ORIGIN6 : NULL, 5357);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow), 0);
	flow.route_ns -= 2ull * SECOND_NS;
	map_set(skel->maps.flow_udp, &key, &flow);
	f = frame_build(&w);
	assert_int_equal(run_to(&f, XDP_REDIRECT).payload_length, 0);
	service_tells(PORT, ORIGIN4, ORIGIN6);
	service_tells(PORT + 1, ORIGIN4, NULL);
}
WAYS(turned_off)

static int setup(void **state)
{
	(void)state;
	network_make();
	skel = world_make();
	service_tells(PORT, ORIGIN4, ORIGIN6);
	service_tells(PORT + 1, ORIGIN4, NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_unusual),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_turned_off),
	};

	return PACKET_TESTS(tests, setup, world_teardown);
}
