/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What somebody who may send any packet can try: sources that are nobody's or the node's own,
 * circles of flows, and packets in the name of another's flow.
 */
#include "wire.h"

#include <linux/if_link.h>

#define OTHER_VIP4 "10.201.9.2"
#define OTHER_VIP6 "fd09::2"

static struct polder *skel;

static void each_version(void (*body)(int version))
{
	body(4);
	body(6);
}

#define TEST(name)                                                                                 \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		fill(skel);                                                                        \
		each_version(name);                                                                \
	}

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

static int setup(void **state)
{
	(void)state;
	network_make();
	skel = world_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	polder__destroy(skel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_impossible_sources),
		cmocka_unit_test(test_own_sources),
		cmocka_unit_test(test_own_handshake),
		cmocka_unit_test(test_origin_protected),
		cmocka_unit_test(test_mapped_addresses),
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root: network namespaces and BPF");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
