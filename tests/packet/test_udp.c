/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * UDP flows: translation and checksums, fragments in both directions, idle time, source ports, and
 * what happens when an origin leaves its rule. And the echo, which is answered on the spot.
 */
#include "wire.h"

#include <linux/if_link.h>

static struct parsed send_client(const struct wire *w)
{
	struct frame f = frame_build(w);

	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	return frame_parse_as(&f, w->more);
}

static struct flow flow_of(const struct wire *w)
{
	struct flow_key key = key_of(w);
	struct flow flow;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow), 0);
	return flow;
}

static void flow_put(const struct wire *w, const struct flow *flow)
{
	struct flow_key key = key_of(w);

	map_set(skel->maps.flow_udp, &key, flow);
}

static void both_ways(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), reply;
	struct vip_counter before = vip_counted(skel, VIP_SLOT), after;
	struct parsed out, back;
	struct frame f;

	w.source_port = 42000;
	w.hop_limit = 2;
	w.payload = 57; /* odd */
	out = send_client(&w);
	assert_address(&out.source, version == 4 ? SOURCE4 : SOURCE6);
	assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
	assert_int_equal(out.destination_port, 5353);
	assert_in_range(out.source_port, 10000, 59999);
	assert_int_equal(out.hop_limit, 1);
	assert_int_equal(out.payload_length, 57);
	assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
	reply = from_origin(&out, version);
	reply.payload = 1200;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	back = frame_parse(&f);
	assert_address(&back.source, w.destination);
	assert_address(&back.destination, w.source);
	assert_int_equal(back.source_port, 53);
	assert_int_equal(back.destination_port, 42000);
	assert_int_equal(back.hop_limit, 63);
	assert_memory_equal(back.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(back.ethernet + 6, WAN_MAC, 6);
	/* The next datagram uses the same port. */
	assert_int_equal(send_client(&w).source_port, out.source_port);
	after = vip_counted(skel, VIP_SLOT);
	assert_int_equal(after.in.packets - before.in.packets, 2);
	assert_int_equal(after.out.packets - before.out.packets, 1);
	assert_int_equal(after.out.bytes - before.out.bytes, f.size - 14);
	assert_int_equal(after.dropped.packets, before.dropped.packets);
	/* From the origin's address, but not from its port. */
	reply.source_port++;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
}
TEST(both_ways)

/* Every payload sum must come out right, the one that is written as 0xffff included. */
static void checksums(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	int zero_seen = 0;

	w.payload = 2;
	w.source_port = 42001;
	for (uint32_t i = 0; i < 65536; i += version == 4 ? 1 : 3) {
		struct frame f = frame_build(&w);
		uint32_t ip = version == 4 ? 20 : 40, at = 14 + ip;

		put16(f.byte + at + 6, 0);
		put16(f.byte + at + 8, i);
		put16(f.byte + at + 6, (uint16_t)~transport_sum(
					       f.byte + 14, version, IPPROTO_UDP, f.byte + at, 10));
		if (!get16(f.byte + at + 6))
			put16(f.byte + at + 6, 0xffff);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_not_equal(get16(f.byte + at + 6), 0);
		zero_seen |= get16(f.byte + at + 6) == 0xffff;
		(void)frame_parse(&f);
	}
	if (version == 4) {
		assert_true(zero_seen);
		w.no_checksum = 1; /* stays without */
		struct frame f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_equal(get16(f.byte + 40), 0);
	}
}
TEST(checksums)

/* A wrong checksum is not mended. */
static void damaged(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct frame f = frame_build(&w);
	uint32_t at = 14 + (version == 4 ? 20 : 40);

	put16(f.byte + at + 6, get16(f.byte + at + 6) ^ 0x5a5a);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_not_equal(
		transport_sum(f.byte + 14, version, IPPROTO_UDP, f.byte + at, 8), 0xffff);
}
TEST(damaged)

static void fragments(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), reply;
	struct parsed first, later;
	struct frame f;

	w.source_port = 42010;
	w.id = 0x4711;
	w.more = 1;
	w.payload = 1000;
	first = send_client(&w);
	assert_int_equal(first.destination_port, 5353);
	w.fragment = 126;
	later = send_client(&w);
	assert_address(&later.source, version == 4 ? SOURCE4 : SOURCE6);
	assert_address(&later.destination, version == 4 ? ORIGIN4 : ORIGIN6);
	assert_int_equal(later.hop_limit, 63);
	assert_int_equal(later.payload_length, 1000);
	assert_int_equal(later.payload[999], (uint8_t)(999 * 5 + 3));
	w.id++; /* of another datagram */
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);

	reply = from_origin(&first, version);
	reply.id = 0x1234;
	reply.more = 1;
	reply.payload = 800;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(frame_parse_as(&f, 1).destination_port, 42010);
	reply.fragment = 101;
	reply.more = 0;
	reply.payload = 33;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	later = frame_parse(&f);
	assert_address(&later.source, w.destination);
	assert_address(&later.destination, w.source);
	assert_memory_equal(later.ethernet, CLIENT_MAC, 6);
	reply.id++;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	/* The switch holds for them, too. */
	{
		struct vip vip = vip_protected();

		vip.forward_until_ns = 0;
		vip_set(skel, w.destination, &vip);
		reply.id--;
		f = origin_frame(&reply);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		fill(skel);
	}
}
TEST(fragments)

/* Idle for too long: the reply has no flow, the client gets a new one. */
static void idle(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), reply;
	struct parsed out;
	struct flow flow;
	struct frame f;

	w.source_port = 42020;
	out = send_client(&w);
	reply = from_origin(&out, version);
	flow = flow_of(&w);
	flow.seen_ns -= 301ull * SECOND_NS;
	flow_put(&w, &flow);
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_int_not_equal(send_client(&w).source_port, out.source_port);
	/* Just inside. */
	flow = flow_of(&w);
	flow.seen_ns -= 298ull * SECOND_NS;
	flow_put(&w, &flow);
	out = send_client(&w);
	assert_int_equal(htons(out.source_port), flow.local_port);
	assert_true(flow_of(&w).seen_ns > flow.seen_ns + 297ull * SECOND_NS);
}
TEST(idle)

/* The origin leaves the rule: within a second the flow goes to one that is in it. */
static void origin_removed(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct flow flow;

	w.source_port = 42030;
	(void)send_client(&w);
	service_set(skel, IPPROTO_UDP, 53, ORIGIN4, ORIGIN6, 5454);
	flow = flow_of(&w);
	flow.route_ns -= 2ull * SECOND_NS;
	flow_put(&w, &flow);
	assert_int_equal(send_client(&w).destination_port, 5454);
	service_set(skel, IPPROTO_UDP, 53, ORIGIN4, ORIGIN6, 5353);
}
TEST(origin_removed)

/* The client's link-layer address is the one it used last. */
static void client_moves(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), reply;
	struct parsed out;
	struct frame f;

	w.source_port = 42040;
	out = send_client(&w);
	f = frame_build(&w);
	f.byte[11] = 0x77;
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	reply = from_origin(&out, version);
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(f.byte[5], 0x77);
}
TEST(client_moves)

/*
 * Few ports: all are used, none twice, then there are none; a port of an idle flow is free again.
 */
static void ports(int version)
{
	struct settings s = settings_default();
	struct wire w = from_client(version, IPPROTO_UDP);
	uint32_t used = 0;
	struct flow flow;
	struct frame f;

	service_set(skel, IPPROTO_UDP, 54, ORIGIN4, ORIGIN6, 6000);
	s.port_first = 2000;
	s.port_count = 8;
	settings_set(skel, &s);
	w.destination_port = 54;
	for (uint16_t i = 0; i < 8; i++) {
		uint32_t port;

		w.source_port = (uint16_t)(43000 + i);
		port = send_client(&w).source_port;
		assert_in_range(port, 2000, 2007);
		assert_false(used & 1u << (port - 2000));
		used |= 1u << (port - 2000);
	}
	w.source_port = 43008;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	w.source_port = 43003;
	flow = flow_of(&w);
	flow.seen_ns -= 400ull * SECOND_NS;
	flow_put(&w, &flow);
	w.source_port = 43008;
	assert_int_equal(htons(send_client(&w).source_port), flow.local_port);
	s = settings_default();
	settings_set(skel, &s);
}
TEST(ports)

static int64_t connections_of(uint32_t service)
{
	struct service_state state;

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.service_state), &service, &state), 0);
	return state.connections;
}

/*
 * Forged sources open a flow each, and each has a port until it is idle for minutes: who comes then takes the port of one
 * that has proven nothing and is silent, soon if there is no other. One that has proven itself keeps its own.
 */
static void ports_of_silent(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct settings s = settings_default();
	const uint32_t service = 1;
	int64_t connections;
	struct flow flow;
	struct frame f;

	service_set(skel, IPPROTO_UDP, 57, ORIGIN4, ORIGIN6, 6002);
	s.port_first = 2200;
	s.port_count = 8;
	settings_set(skel, &s);
	w.destination_port = 57;
	for (uint16_t i = 0; i < 8; i++) {
		w.source_port = (uint16_t)(43100 + i);
		(void)send_client(&w);
	}
	connections = connections_of(service);
	w.source_port = 43200;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	time_pass(skel, 2 * SECOND_NS);
	for (uint16_t i = 0; i < 4; i++) {
		w.source_port = (uint16_t)(43200 + i);
		assert_in_range(send_client(&w).source_port, 2200, 2207);
	}
	/* Those four are younger, and the other four gave way. */
	assert_int_equal(connections_of(service), connections);
	time_pass(skel, 11 * SECOND_NS);
	for (uint16_t i = 0; i < 8; i++) {
		w.source_port = (uint16_t)(43300 + i);
		(void)send_client(&w);
		flow = flow_of(&w);
		flow.limit_flags |= FLOW_PROVEN;
		flow_put(&w, &flow);
	}
	assert_int_equal(connections_of(service), connections);
	time_pass(skel, 20 * SECOND_NS);
	w.source_port = 43400;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	for (uint16_t i = 0; i < 8; i++) {
		w.source_port = (uint16_t)(43300 + i);
		(void)send_client(&w);
	}
	s = settings_default();
	settings_set(skel, &s);
}
TEST(ports_of_silent)

/* Weights: the slots decide, and an origin of the other version is passed over. */
static void weights(int version)
{
	struct service_key key = service_key_of(IPPROTO_UDP, 55);
	struct service service = { .id = 2, .idle_seconds = 60, .origin_count = 3 };
	struct wire w = from_client(version, IPPROTO_UDP);
	uint32_t seen[2] = { 0, 0 };

	service.origin[0].address = address_of(version == 4 ? ORIGIN6 : ORIGIN4);
	service.origin[1].address = address_of(version == 4 ? ORIGIN4 : ORIGIN6);
	service.origin[2].address = service.origin[1].address;
	for (uint16_t i = 0; i < 3; i++)
		service.origin[i].port = htons((uint16_t)(7000 + i));
	for (int i = 0; i < ORIGIN_SLOTS; i++)
		service.slot[i] = (uint8_t)(i % 4 ? 1 : 2);
	map_set(skel->maps.service, &key, &service);
	w.destination_port = 55;
	for (uint16_t i = 0; i < 2000; i++) {
		w.source_port = (uint16_t)(44000 + i);
		seen[send_client(&w).destination_port - 7001]++;
	}
	/* 1 of 4: 500 expected, standard deviation 19. */
	assert_in_range(seen[1], 380, 620);
	memset(service.slot, 0, sizeof(service.slot));
	map_set(skel->maps.service, &key, &service);
	w.source_port = 47000;
	assert_int_equal(send_client(&w).destination_port, 7001);
}
TEST(weights)

static int in_map(struct bpf_map *map, const struct wire *w)
{
	struct flow_key key = key_of(w);
	struct flow flow;

	return bpf_map_lookup_elem(bpf_map__fd(map), &key, &flow) == 0;
}

/* A flow whose client went on after answers over more than a second. Returns what the node sent last. */
static struct parsed grow_proven(const struct wire *w, int version)
{
	struct parsed out = send_client(w);
	struct wire reply = from_origin(&out, version);
	struct frame f = origin_frame(&reply);
	struct flow flow;

	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	flow = flow_of(w);
	flow.scratch[0] -= 1500; /* the first answer's time */
	flow_put(w, &flow);
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_true(in_map(skel->maps.flow_udp, w));
	return send_client(w);
}

/*
 * Forged sources, far more than the table holds: who has shown to hear the answers keeps flow and port, in
 * both directions; who has not is forgotten.
 */
static void flood(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), other = w, forged = w, reply;
	struct parsed out;
	struct frame f;
	char text[64];

	w.source_port = 42050;
	other.source_port = 42051;
	out = grow_proven(&w, version);
	assert_true(in_map(skel->maps.flow_udp_kept, &w));
	assert_false(in_map(skel->maps.flow_udp, &w));
	(void)send_client(&other);
	forged.source = text;
	for (uint32_t i = 0; i < 3 * HARNESS_MAP_MAX; i++) {
		snprintf(text, sizeof(text), version == 4 ? "10.77.%u.%u" : "fd77::%x:%x", i >> 8,
			i & 255);
		(void)send_client(&forged);
	}
	assert_false(in_map(skel->maps.flow_udp, &other));
	assert_true(in_map(skel->maps.flow_udp_kept, &w));
	reply = from_origin(&out, version);
	reply.payload = 9;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(frame_parse(&f).destination_port, 42050);
	assert_int_equal(send_client(&w).source_port, out.source_port);
}
TEST(flood)

/* Who is in those tables is looked for there: its byte (bpf/known.bpf.h) is kept fresh from either side. */
static void kept_is_known(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), reply;
	struct parsed out;
	struct frame f;

	w.source_port = 42052;
	out = grow_proven(&w, version);
	reply = from_origin(&out, version);
	known_fill(skel, 0);
	time_pass(skel, SECOND_NS * 12 / 100);
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(send_client(&w).source_port, out.source_port);
	assert_true(in_map(skel->maps.flow_udp_kept, &w));
	known_fill(skel, 0);
	assert_int_not_equal(send_client(&w).source_port, out.source_port);
	assert_true(in_map(skel->maps.flow_udp, &w));
	assert_false(in_map(skel->maps.flow_udp_kept, &w));
}
TEST(kept_is_known)

/* A kept flow ends like any other: idle for too long, and its port can be taken. */
static void kept_ends(int version)
{
	struct settings s = settings_default();
	struct wire w = from_client(version, IPPROTO_UDP), other = w, reply;
	struct flow_key key;
	struct flow flow;
	struct parsed out;
	struct frame f;

	service_set(skel, IPPROTO_UDP, 56, ORIGIN4, ORIGIN6, 6001);
	s.port_first = 2100;
	s.port_count = 1;
	settings_set(skel, &s);
	w.destination_port = other.destination_port = 56;
	w.source_port = 42060;
	other.source_port = 42061;
	out = grow_proven(&w, version);
	reply = from_origin(&out, version);
	f = frame_build(&other);
	assert_int_equal(frame_run(skel, &f), XDP_DROP); /* the only port is in use */
	key = key_of(&w);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp_kept), &key, &flow), 0);
	flow.seen_ns -= 400ull * SECOND_NS;
	map_set(skel->maps.flow_udp_kept, &key, &flow);
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	(void)send_client(&other);
	assert_false(in_map(skel->maps.flow_udp_kept, &w));
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(frame_parse(&f).destination_port, 42061);
	/* And one that begins anew is found where it is then. */
	flow = flow_of(&other);
	flow.seen_ns -= 400ull * SECOND_NS;
	flow_put(&other, &flow);
	(void)grow_proven(&w, version);
	key = key_of(&w);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp_kept), &key, &flow), 0);
	flow.seen_ns -= 400ull * SECOND_NS;
	map_set(skel->maps.flow_udp_kept, &key, &flow);
	(void)send_client(&w);
	assert_false(in_map(skel->maps.flow_udp_kept, &w));
	assert_true(in_map(skel->maps.flow_udp, &w));
	s = settings_default();
	settings_set(skel, &s);
}
TEST(kept_ends)

static void echo(int version)
{
	struct wire w = from_client(version, version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	struct frame sent, f;
	struct parsed out;

	w.payload = 57;
	w.hop_limit = 200;
	f = sent = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(f.size, sent.size);
	out = frame_parse(&f);
	assert_address(&out.source, w.destination);
	assert_address(&out.destination, w.source);
	assert_int_equal(out.hop_limit, 64);
	assert_int_equal(out.payload[0], version == 4 ? 0 : 129);
	assert_int_equal(get32(out.payload + 4), 0x12340001);
	assert_memory_equal(out.payload + 8, sent.byte + sent.size - 57, 57);
	assert_memory_equal(out.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(out.ethernet + 6, WAN_MAC, 6);
}
TEST(echo)

/* --- which back-to-origin address */

#define SOURCES 4u

static void sources_set(uint32_t sources)
{
	struct settings s = settings_default();

	/* Downwards: each is the first for a moment. */
	for (uint32_t i = sources; i-- > 0;) {
		char text4[32], text6[32];
		struct address address;
		uint32_t index = i;

		(void)snprintf(text4, sizeof(text4), "10.201.2.%u", 100 + i);
		(void)snprintf(text6, sizeof(text6), "fd02::%x", 0x100 + i);
		source_set(skel, text4);
		source_set(skel, text6);
		address = address_of(text4);
		map_set(skel->maps.source, &index, &address);
		index += NODE_SOURCE_MAX;
		address = address_of(text6);
		map_set(skel->maps.source, &index, &address);
	}
	s.source_count[0] = s.source_count[1] = sources;
	settings_set(skel, &s);
}

/* Opens a flow; which of the addresses does it leave from? */
static uint32_t leaves_from(const char *source, uint16_t port)
{
	struct wire w = from_client(strchr(source, ':') ? 6 : 4, IPPROTO_UDP);
	struct parsed out;
	struct frame f;

	w.source = source;
	w.source_port = port;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	out = frame_parse(&f);
	return strchr(source, ':') ? out.source.byte[15] : out.source.byte[15] - 100u;
}

/* A client's flows leave from one address, those of many clients from all. */
static void test_sources(void **state)
{
	(void)state;
	sources_set(SOURCES);
	for (int version = 4; version <= 6; version += 2) {
		uint32_t used[SOURCES] = { 0 }, other = 0, from = 0;
		char client[32], neighbour[32];

		for (uint32_t i = 0; i < 100; i++) {
			(void)snprintf(client, sizeof(client),
				version == 4 ? "10.200.%u.7" : "fd01:%x::7", i + 1);
			(void)snprintf(neighbour, sizeof(neighbour),
				version == 4 ? "10.200.%u.7" : "fd01:%x::8", i + 1);
			from = leaves_from(client, 1000);
			assert_in_range(from, 0, SOURCES - 1);
			used[from]++;
			for (uint16_t port = 1001; port < 1010; port++)
				assert_int_equal(
					leaves_from(port % 2 ? client : neighbour, port), from);
		}
		for (uint32_t i = 0; i < SOURCES; i++)
			assert_in_range(used[i], 100 / SOURCES / 2, 100 / SOURCES * 2);
		/* One that opens very many has them all. */
		for (uint16_t port = 2000; port < 4000; port++)
			other += leaves_from(client, port) != from;
		assert_true(other > 0);
	}
	fill(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_origin_removed),
		cmocka_unit_test(test_client_moves),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_of_silent),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_kept_is_known),
		cmocka_unit_test(test_kept_ends),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_sources),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
