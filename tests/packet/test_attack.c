/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What somebody who may send any packet can try: sources that are nobody's or the node's own,
 * circles of flows, and packets in the name of another's flow.
 */
#include "wire.h"

#include <linux/if_link.h>

#define OTHER_VIP4 "10.201.9.2"
#define OTHER_VIP6 "fd09::2"

static unsigned int entries(struct bpf_map *map)
{
	struct flow_key key, next;
	unsigned int count = 0;
	int more = bpf_map_get_next_key(bpf_map__fd(map), NULL, &next);

	for (; more == 0; count++) {
		key = next;
		more = bpf_map_get_next_key(bpf_map__fd(map), &key, &next);
	}
	return count;
}

static unsigned int flows(void)
{
	return entries(skel->maps.flow_tcp) + entries(skel->maps.flow_udp) +
	       entries(skel->maps.reverse_tcp) + entries(skel->maps.reverse_udp);
}

/* The packet is dropped for that reason, and no flow was made or lost. */
static void refused(const struct wire *w, uint32_t reason)
{
	struct frame f = frame_build(w);
	uint64_t before = reason_packets(skel, reason);
	unsigned int flows_before = flows();

	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_int_equal(reason_packets(skel, reason) - before, 1);
	assert_int_equal(flows(), flows_before);
}

/* Neither answered nor forwarded, whatever they carry and to whomever they go. */
static void impossible_sources(int version)
{
	static const char *const source[2][6] = {
		{ "127.0.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255" },
		{ "::1", "::", "::2:3", "ff02::1", "ff0e::5", "ffff::1" },
	};
	static const uint8_t protocol[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };

	for (int i = 0; i < 6; i++) {
		for (int j = 0; j < 3; j++) {
			uint8_t kind = protocol[j] == IPPROTO_ICMP && version == 6 ? IPPROTO_ICMPV6
										   : protocol[j];
			struct wire w = from_client(version, kind);

			w.flags = SYN;
			w.source = source[version == 6][i];
			refused(&w, REASON_source_impossible);
			w.destination = version == 4 ? SOURCE4 : SOURCE6;
			refused(&w, REASON_source_impossible);
		}
	}
}
TEST(impossible_sources)

/* Two protected addresses whose origins answer each other would do so for ever. */
static void own_sources(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct vip other = vip_protected();

	other.instance++;
	vip_set(skel, version == 4 ? OTHER_VIP4 : OTHER_VIP6, &other);
	w.source = version == 4 ? OTHER_VIP4 : OTHER_VIP6;
	w.source_port = 53;
	refused(&w, REASON_source_impossible);
	w.source = version == 4 ? SOURCE4 : SOURCE6;
	refused(&w, REASON_source_impossible);
}
TEST(own_sources)

/* The same with a handshake: what proves the cookie is one of the node's own addresses. */
static void own_handshake(int version)
{
	struct wire w = from_client(version, IPPROTO_TCP);
	struct frame f;

	w.source = version == 4 ? SOURCE4 : SOURCE6;
	w.flags = SYN;
	w.sequence = 5;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	w.flags = ACK;
	w.sequence = 6;
	w.acknowledgement = frame_parse(&f).sequence + 1;
	refused(&w, REASON_source_impossible);
}
TEST(own_handshake)

/* A rule whose origin is a protected address makes no flow: each would make the next. */
static void origin_protected(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);

	w.source_port = 40100;
	service_set(skel, IPPROTO_UDP, 53, VIP4, VIP6, 53);
	refused(&w, REASON_no_origin);
	service_set(skel, IPPROTO_UDP, 53, ORIGIN4, ORIGIN6, 5353);
}
TEST(origin_protected)

/* ::ffff:a.b.c.d in IPv6 packets is the key of a.b.c.d in the maps, but nobody's address. */
static void test_mapped_addresses(void **state)
{
	struct wire w = from_client(4, IPPROTO_UDP);
	struct frame f;

	(void)state;
	fill(skel);
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	w.source = "::ffff:" CLIENT4;
	w.destination = "::ffff:" VIP4;
	refused(&w, REASON_malformed);
	w.destination = VIP6;
	refused(&w, REASON_malformed);
	w.source = CLIENT6;
	w.destination = "::ffff:" VIP4;
	refused(&w, REASON_malformed);
	w.destination = "::ffff:" SOURCE4;
	refused(&w, REASON_malformed);
}

/* --- in the name of another's flow ------------------------------------------------------------ */

#define ISN	   5000u
#define ORIGIN_ISN 900000u

static struct bpf_map *flow_map(const struct wire *w)
{
	return w->protocol == IPPROTO_TCP ? skel->maps.flow_tcp : skel->maps.flow_udp;
}

static struct bpf_map *reverse_map(const struct wire *w)
{
	return w->protocol == IPPROTO_TCP ? skel->maps.reverse_tcp : skel->maps.reverse_udp;
}

static int flow_find(const struct wire *w, struct flow *flow)
{
	struct flow_key key = key_of(w);

	return bpf_map_lookup_elem(bpf_map__fd(flow_map(w)), &key, flow);
}

static struct flow flow_of(const struct wire *w)
{
	struct flow flow;

	assert_int_equal(flow_find(w, &flow), 0);
	return flow;
}

/* As if the flow had last been looked after two seconds ago. */
static void flow_due(const struct wire *w)
{
	struct flow_key key = key_of(w);
	struct flow flow = flow_of(w);

	flow.route_ns -= 2ull * SECOND_NS;
	map_set(flow_map(w), &key, &flow);
}

static struct parsed forward(const struct wire *w)
{
	struct frame f = frame_build(w);

	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	return frame_parse_as(&f, w->more);
}

/* The client's proof of a cookie: the flow waits for the origin. */
static struct wire connect_to(int version, uint16_t port, struct wire *origin)
{
	struct wire w = from_client(version, IPPROTO_TCP);
	struct parsed out;

	w.source_port = port;
	w.flags = SYN;
	w.sequence = ISN;
	out = forward(&w);
	w.flags = ACK;
	w.sequence = ISN + 1;
	w.acknowledgement = out.sequence + 1;
	out = forward(&w);
	*origin = from_origin(&out, version);
	return w;
}

static struct wire open_to(int version, uint16_t port, struct wire *origin)
{
	struct wire w = connect_to(version, port, origin);
	struct frame f;

	origin->flags = SYN | ACK;
	origin->sequence = ORIGIN_ISN;
	origin->acknowledgement = ISN + 1;
	f = origin_frame(origin);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	origin->flags = ACK;
	origin->sequence++;
	assert_int_equal(flow_of(&w).state, FLOW_OPEN);
	return w;
}

static void reply(const struct wire *origin, uint32_t verdict)
{
	struct frame f = origin_frame(origin);

	assert_int_equal(frame_run(skel, &f), verdict);
}

/* A forged RST closes nothing for good: either side's next segment shows that it was not taken. */
static void forged_reset(int version)
{
	struct wire origin, w = open_to(version, 40200, &origin), rst = w;

	rst.flags = RST;
	rst.sequence += 0x40000000;
	forward(&rst);
	assert_int_equal(flow_of(&w).state, FLOW_CLOSING);
	forward(&w);
	assert_int_equal(flow_of(&w).state, FLOW_OPEN);
	forward(&rst);
	reply(&origin, XDP_REDIRECT);
	assert_int_equal(flow_of(&w).state, FLOW_OPEN);
	/* In the origin's name. */
	rst = origin;
	rst.flags = RST;
	rst.sequence += 0x40000000;
	reply(&rst, XDP_REDIRECT);
	assert_int_equal(flow_of(&w).state, FLOW_CLOSING);
	forward(&w);
	assert_int_equal(flow_of(&w).state, FLOW_OPEN);
	/* Repeated RST do not; nor does what follows FIN of both sides. */
	w.flags = FIN | ACK;
	forward(&w);
	origin.flags = FIN | ACK;
	reply(&origin, XDP_REDIRECT);
	assert_int_equal(flow_of(&w).state, FLOW_CLOSING);
	w.flags = RST;
	forward(&w);
	forward(&w);
	w.flags = ACK;
	forward(&w);
	assert_int_equal(flow_of(&w).state, FLOW_CLOSING);
}
TEST(forged_reset)

/* Before the origin has answered the number of a RST is known, and is looked at. */
static void forged_reset_early(int version)
{
	struct wire origin, w = connect_to(version, 40201, &origin);

	w.flags = RST;
	w.sequence += 2;
	refused(&w, REASON_cookie_invalid);
	w.sequence -= 3;
	refused(&w, REASON_cookie_invalid);
	assert_int_equal(flow_of(&w).state, FLOW_SYN_SENT);
	w.sequence = ISN + 1;
	forward(&w);
	assert_int_equal(flow_of(&w).state, FLOW_CLOSING);
	/* Nothing has been shifted yet: it never opens again. */
	w.flags = ACK;
	forward(&w);
	assert_int_equal(flow_of(&w).state, FLOW_CLOSING);
}
TEST(forged_reset_early)

/* A flood evicts entries one by one: a reverse entry alone comes back with the client's packets. */
static void reverse_evicted(int version)
{
	static const uint8_t protocol[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (int i = 0; i < 2; i++) {
		struct wire origin, w = from_client(version, protocol[i]);
		struct flow_key key;
		struct parsed out;

		w.source_port = 40202;
		if (w.protocol == IPPROTO_TCP) {
			w = open_to(version, 40202, &origin);
		} else {
			out = forward(&w);
			origin = from_origin(&out, version);
		}
		key = key_of(&origin);
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(reverse_map(&w)), &key), 0);
		reply(&origin, XDP_DROP);
		flow_due(&w);
		out = forward(&w);
		assert_int_equal(out.source_port, origin.destination_port);
		reply(&origin, XDP_REDIRECT);
	}
}
TEST(reverse_evicted)

/* While it was away another flow took the pair: two clients must not share it at the origin. */
static void pair_taken(int version)
{
	struct wire origin, w = from_client(version, IPPROTO_UDP), other = w;
	struct flow_key key, client, found;
	struct parsed out;
	struct flow flow;

	w.source_port = 40203;
	other.source_port = 40204;
	out = forward(&w);
	origin = from_origin(&out, version);
	key = key_of(&origin);
	client = key_of(&other);
	map_set(skel->maps.reverse_udp, &key, &client);
	flow_due(&w);
	assert_int_not_equal(forward(&w).source_port, origin.destination_port);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.reverse_udp), &key, &found), 0);
	assert_memory_equal(&found, &client, sizeof(found));

	w = open_to(version, 40203, &origin);
	other = w;
	other.source_port = 40204;
	key = key_of(&origin);
	client = key_of(&other);
	map_set(skel->maps.reverse_tcp, &key, &client);
	flow_due(&w);
	{
		struct frame f = frame_build(&w);

		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
	assert_int_not_equal(flow_find(&w, &flow), 0);
}
TEST(pair_taken)

/* A fragment of a datagram to the instance that had the address before is not for this one. */
static void fragment_of_other(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct vip vip = vip_protected();

	w.source_port = 40205;
	w.id = 77;
	w.more = 1;
	w.payload = 800;
	(void)forward(&w);
	w.fragment = 101;
	(void)forward(&w);
	vip.instance++;
	vip_set(skel, w.destination, &vip);
	refused(&w, REASON_fragment_unknown);
	fill(skel);
}
TEST(fragment_of_other)

/* An answer to a source that has proved nothing is never longer than what it sent. */
static void no_amplification(int version)
{
	static const struct {
		uint8_t length;
		uint8_t option[20];
	} row[] = {
		{ 0, { 0 } },
		{ 4, { 2, 4, 5, 180 } },
		{ 4, { 4, 2, 1, 1 } },
		{ 4, { 3, 3, 7, 1 } },
		{ 12, { 1, 1, 8, 10, 0, 0, 0, 1 } },
		{ 16, { 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 } },
		{ 16, { 2, 4, 5, 180, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 4, 2 } },
		{ 20, { 2, 4, 5, 180, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 4, 2, 3, 3, 7, 0 } },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct wire w = from_client(version, IPPROTO_TCP);
		struct frame f;
		uint32_t size;

		w.flags = SYN;
		w.option_length = row[i].length;
		memcpy(w.option, row[i].option, sizeof(row[i].option));
		f = frame_build(&w);
		size = f.size;
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		if (f.size > size)
			fail_msg("row %zu: %u bytes for %u", i, f.size, size);
	}
}
TEST(no_amplification)

/* An origin that leaves its rule keeps its connections, and they its next hop as it changes. */
static void test_origin_leaves(void **state)
{
	struct wire origin, w;
	struct frame f;

	(void)state;
	fill(skel);
	w = open_to(4, 40206, &origin);
	service_set(skel, IPPROTO_TCP, 80, "10.201.2.3", NULL, 8080);
	assert_int_equal(system("ip neigh replace 10.201.2.2 lladdr 02:00:00:00:00:05 dev l0"), 0);
	flow_due(&w);
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(f.byte[5], 5);
	assert_int_equal(system("ip neigh replace 10.201.2.2 lladdr 02:00:00:00:00:04 dev l0"), 0);
}

/*
 * Two CPUs that take the same pair at once would both believe that it is theirs. Of 8 ports and 3
 * CPUs this one may therefore have 2, which are those of its own residue, however often it counts
 * through them.
 */
static void test_residues(void **state)
{
	struct polder *usual = skel;
	struct settings s = settings_default();
	struct wire w = from_client(4, IPPROTO_UDP);
	uint32_t seen = 0, residue = 0;

	(void)state;
	skel = harness_open();
	skel->rodata->cpu_count = 3;
	assert_int_equal(polder__load(skel), 0);
	fill(skel);
	s.port_first = 3000;
	s.port_count = 8;
	settings_set(skel, &s);
	for (uint16_t i = 0; i < 2; i++) {
		uint32_t port;

		w.source_port = (uint16_t)(40300 + i);
		port = forward(&w).source_port - 3000u;
		assert_true(port < 6);
		if (i > 0)
			assert_int_equal(port % 3, residue);
		residue = port % 3;
		assert_false(seen & 1u << port);
		seen |= 1u << port;
	}
	w.source_port = 40302;
	refused(&w, REASON_source_exhausted);
	polder__destroy(skel);
	skel = usual;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_impossible_sources),
		cmocka_unit_test(test_own_sources),
		cmocka_unit_test(test_own_handshake),
		cmocka_unit_test(test_origin_protected),
		cmocka_unit_test(test_mapped_addresses),
		cmocka_unit_test(test_forged_reset),
		cmocka_unit_test(test_forged_reset_early),
		cmocka_unit_test(test_reverse_evicted),
		cmocka_unit_test(test_pair_taken),
		cmocka_unit_test(test_fragment_of_other),
		cmocka_unit_test(test_no_amplification),
		cmocka_unit_test(test_origin_leaves),
		cmocka_unit_test(test_residues),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
