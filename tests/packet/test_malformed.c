/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Frames that lie or break off. A frame to a protected address that is cut anywhere must be dropped
 * as malformed, or, where the destination itself is cut, be left to the host: it never goes on to
 * an origin. Frames that are merely unusual go on.
 */
#include "wire.h"

#include <linux/if_link.h>

struct shape {
	const char *name;
	uint8_t protocol;
	uint8_t flags;
	uint8_t extension4;
	uint8_t extension6;
	uint8_t option;
	uint8_t vlan;
	uint8_t more;
};

static const struct shape shapes[] = {
	{ "UDP", IPPROTO_UDP, 0, 0, 0, 0, 0, 0 },
	{ "UDP with options or extensions", IPPROTO_UDP, 0, 40, 64, 0, 0, 0 },
	{ "UDP, first fragment", IPPROTO_UDP, 0, 0, 0, 0, 0, 1 },
	{ "SYN", IPPROTO_TCP, SYN, 0, 0, 0, 0, 0 },
	{ "SYN with 40 bytes of options", IPPROTO_TCP, SYN, 4, 8, 40, 0, 0 },
	{ "SYN in a VLAN", IPPROTO_TCP, SYN, 0, 0, 0, 1, 0 },
	{ "SYN in two VLANs", IPPROTO_TCP, SYN, 8, 16, 20, 2, 0 },
	{ "echo request", IPPROTO_ICMP, 0, 0, 0, 0, 0, 0 },
};

static struct frame shape_build(const struct shape *shape, int version)
{
	uint8_t protocol =
		shape->protocol == IPPROTO_ICMP && version == 6 ? IPPROTO_ICMPV6 : shape->protocol;
	struct wire w = from_client(version, protocol);

	w.flags = shape->flags;
	w.extension_length = version == 4 ? shape->extension4 : shape->extension6;
	w.option_length = shape->option;
	memset(w.option, 1, shape->option);
	w.vlan = shape->vlan;
	w.more = shape->more;
	w.payload = shape->protocol == IPPROTO_TCP ? 0 : 16;
	return frame_build(&w);
}

static void for_each_shape(void (*check)(const struct shape *shape, int version))
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		check(&shapes[i], 4);
		check(&shapes[i], 6);
	}
}

static void check_whole(const struct shape *shape, int version)
{
	struct frame f = shape_build(shape, version);
	uint32_t verdict = frame_run(skel, &f);

	if (verdict != XDP_REDIRECT)
		fail_msg("%s, IPv%d: %u", shape->name, version, verdict);
	(void)frame_parse_as(&f, shape->more);
}

static void test_whole(void **state)
{
	(void)state;
	for_each_shape(check_whole);
}

static void check_truncated(const struct shape *shape, int version)
{
	uint32_t whole = shape_build(shape, version).size;
	uint32_t base = 14u + shape->vlan * 4u + (version == 4 ? 20 : 40);

	for (uint32_t size = 14; size < whole; size++) {
		struct frame f = shape_build(shape, version);
		uint64_t malformed = reason_packets(skel, REASON_malformed);
		uint32_t want = size < base ? XDP_PASS : XDP_DROP;

		f.size = size;
		if (frame_run(skel, &f) != want)
			fail_msg("%s, IPv%d cut to %u", shape->name, version, size);
		malformed = reason_packets(skel, REASON_malformed) - malformed;
		assert_int_equal(malformed, want == XDP_DROP);
	}
}

/* Cut at every length: neither a crash nor an answer. */
static void test_truncated(void **state)
{
	(void)state;
	for_each_shape(check_truncated);
}

static void check_shortened(const struct shape *shape, int version)
{
	struct frame plain = shape_build(shape, version);
	uint32_t ip = 14u + shape->vlan * 4u;
	uint32_t needed = plain.size - ip;

	if (shape->protocol == IPPROTO_ICMP)
		needed -= 16; /* the echo's data may be any */
	if (shape->more)      /* so may the rest of a first fragment */
		needed = version == 4 ? 28 : 56;
	for (uint32_t length = version == 4 ? 0 : 40; length < needed; length++) {
		struct frame f = plain;

		put16(f.byte + ip + (version == 4 ? 2 : 4), version == 4 ? length : length - 40);
		if (frame_run(skel, &f) != XDP_DROP)
			fail_msg("%s, IPv%d shortened to %u", shape->name, version, length);
	}
}

/* The IP length says less than the frame holds: cut inside, padding outside. */
static void test_shortened(void **state)
{
	(void)state;
	for_each_shape(check_shortened);
}

/* Bytes of the address, of all packets and of its refused ones, and of the reason. */
static struct counter counted_of(uint32_t reason, uint64_t *in)
{
	struct counter value[HARNESS_CPU_MAX], sum = { 0 };
	struct vip_counter total = vip_counted(skel, VIP_SLOT);

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.reason_counter), &reason, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum.bytes += value[i].bytes;
	sum.packets = total.dropped.bytes;
	*in = total.in.bytes;
	return sum;
}

static void claim(int version, uint32_t reason, uint8_t vlan)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct counter before, after;
	uint64_t in_before, in_after;
	struct frame f;

	w.vlan = vlan;
	f = frame_build(&w);
	put16(f.byte + 14 + vlan * 4 + (version == 4 ? 2 : 4), version == 4 ? 65535 : 65490);
	before = counted_of(reason, &in_before);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	after = counted_of(reason, &in_after);
	assert_int_equal(after.bytes - before.bytes, f.size - 14 - vlan * 4);
	assert_int_equal(after.packets - before.packets, f.size - 14 - vlan * 4);
	assert_int_equal(in_after - in_before, f.size - 14 - vlan * 4);
}

/* What it says of its length makes no traffic: the blackhole begins above so many bytes a second. */
static void claims(int version)
{
	struct vip vip = vip_protected();

	claim(version, REASON_malformed, 0);
	claim(version, REASON_malformed, 1);
	vip.blackhole_until_ns = INT64_MAX;
	vip_set(skel, version == 4 ? VIP4 : VIP6, &vip);
	claim(version, REASON_blackhole, 0);
	claim(version, REASON_blackhole, 2);
	vip.blackhole_until_ns = 0;
	vip_set(skel, version == 4 ? VIP4 : VIP6, &vip);
}
TEST(claims)

/* One byte of a good frame is changed. */
struct edit {
	const char *name;
	int version;
	uint8_t protocol;
	uint32_t at;
	uint8_t value;
	uint32_t reason;
};

static const struct edit edits[] = {
	{ "version 5", 4, IPPROTO_UDP, 14, 0x55, REASON_malformed },
	{ "header of 16 bytes", 4, IPPROTO_UDP, 14, 0x44, REASON_malformed },
	{ "header of 60 bytes", 4, IPPROTO_UDP, 14, 0x4f, REASON_malformed },
	{ "total length too large", 4, IPPROTO_UDP, 16, 0xff, REASON_malformed },
	{ "UDP length 0", 4, IPPROTO_UDP, 39, 0, REASON_malformed },
	{ "UDP length 7", 4, IPPROTO_UDP, 39, 7, REASON_malformed },
	{ "UDP length too large", 4, IPPROTO_UDP, 38, 1, REASON_malformed },
	{ "TCP header of 16 bytes", 4, IPPROTO_TCP, 46, 0x40, REASON_malformed },
	{ "TCP header of 60 bytes", 4, IPPROTO_TCP, 46, 0xf0, REASON_malformed },
	{ "fragment beyond 65,535", 4, IPPROTO_UDP, 20, 0x1f, REASON_malformed },
	{ "version 4 in IPv6", 6, IPPROTO_UDP, 14, 0x45, REASON_malformed },
	{ "payload length too large", 6, IPPROTO_UDP, 18, 0xff, REASON_malformed },
	{ "UDP length 7", 6, IPPROTO_UDP, 59, 7, REASON_malformed },
	{ "TCP header of 16 bytes", 6, IPPROTO_TCP, 66, 0x40, REASON_malformed },
	{ "authentication header", 6, IPPROTO_UDP, 20, IPPROTO_AH, REASON_no_service },
	{ "no next header", 6, IPPROTO_UDP, 20, IPPROTO_NONE, REASON_no_service },
	{ "ICMP of the other version", 6, IPPROTO_ICMPV6, 20, IPPROTO_ICMP, REASON_no_service },
	{ "echo reply", 4, IPPROTO_ICMP, 34, 0, REASON_no_service },
	{ "redirect", 4, IPPROTO_ICMP, 34, 5, REASON_no_service },
	{ "neighbour solicitation", 6, IPPROTO_ICMPV6, 54, 135, REASON_no_service },
};

static void test_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const struct edit *e = &edits[i];
		struct wire w = from_client(e->version, e->protocol);
		uint64_t before = reason_packets(skel, e->reason);
		struct frame f;

		w.flags = SYN;
		w.payload = e->protocol == IPPROTO_UDP ? 32 : 0;
		f = frame_build(&w);
		assert_true(f.byte[e->at] != e->value);
		f.byte[e->at] = e->value;
		if (e->at == 20 && e->version == 4)
			f.byte[21] = 0xff; /* the largest offset */
		if (frame_run(skel, &f) != XDP_DROP ||
			reason_packets(skel, e->reason) != before + 1)
			fail_msg("%s, IPv%d", e->name, e->version);
	}
}

/* Chains of IPv6 extension headers: endless, too long, with a route still to go. */
static void test_extensions(void **state)
{
	struct wire w = from_client(6, IPPROTO_UDP);
	struct frame f;
	uint64_t malformed;

	(void)state;
	for (uint32_t count = 0; count <= 20; count++) {
		struct frame chain;
		uint8_t *at;

		f = frame_build(&w);
		chain = f;
		at = chain.byte + 54;
		for (uint32_t i = 0; i < count; i++, at += 8) {
			memset(at, 0, 8);
			at[0] = i + 1 < count ? IPPROTO_DSTOPTS : IPPROTO_UDP;
			at[2] = 1;
			at[3] = 4;
		}
		memcpy(at, f.byte + 54, f.size - 54);
		if (count)
			chain.byte[20] = count == 1 ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS;
		put16(chain.byte + 18, f.size - 54 + count * 8);
		chain.size = f.size + count * 8;
		assert_int_equal(frame_run(skel, &chain), count < 8 ? XDP_REDIRECT : XDP_DROP);
	}
	w.extension_length = 8;
	f = frame_build(&w);
	f.byte[20] = IPPROTO_ROUTING;
	f.byte[57] = 0;
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	f = frame_build(&w);
	f.byte[20] = IPPROTO_ROUTING;
	f.byte[57] = 1; /* segments left */
	malformed = reason_packets(skel, REASON_malformed);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	/* An extension header that claims more than there is. */
	f = frame_build(&w);
	f.byte[55] = 200;
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_true(reason_packets(skel, REASON_malformed) == malformed + 2);
}

/* Short packets come padded to Ethernet's minimum. */
static void test_padding(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		for (uint32_t padding = 1; padding < 40; padding++) {
			struct wire w = from_client(version, IPPROTO_TCP);
			struct frame f;

			w.flags = SYN;
			f = frame_build(&w);
			memset(f.byte + f.size, 0xa5, padding);
			f.size += padding;
			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
			assert_int_equal(frame_parse(&f).flags, SYN | ACK);
			w = from_client(version, IPPROTO_UDP);
			w.payload = 3;
			f = frame_build(&w);
			memset(f.byte + f.size, 0xa5, padding);
			f.size += padding;
			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
			assert_int_equal(frame_parse(&f).payload_length, 3);
		}
	}
}

/* Tags survive an answer; a tagged packet that would leave by another interface is refused. */
static void test_vlan(void **state)
{
	(void)state;
	for (uint8_t tags = 1; tags <= 2; tags++) {
		struct wire w = from_client(4, IPPROTO_TCP);
		struct frame f, sent;

		w.vlan = tags;
		w.flags = SYN;
		f = sent = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_memory_equal(f.byte + 12, sent.byte + 12, tags * 4u + 2);
		assert_int_equal(frame_parse(&f).flags, SYN | ACK);
		w = from_client(4, IPPROTO_UDP);
		w.vlan = tags;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
}

/* Not IP at all goes to the host; damaged frames end in one of three ways, none in an abort. */
static void test_noise(void **state)
{
	struct frame f = { .ifindex = if_nametoindex("w0") };
	uint32_t random = 1;

	(void)state;
	f.size = 64;
	put16(f.byte + 12, ETH_P_ARP);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	for (int i = 0; i < 20000; i++) {
		struct shape shape = shapes[i % (int)(sizeof(shapes) / sizeof(shapes[0]))];
		uint32_t verdict;

		f = shape_build(&shape, i % 2 ? 4 : 6);
		for (int j = 0; j < 3; j++) {
			random = random * 1664525 + 1013904223;
			f.byte[12 + (random >> 8) % (f.size - 12)] = (uint8_t)(random >> 24);
		}
		verdict = frame_run(skel, &f);
		assert_true(verdict == XDP_PASS || verdict == XDP_DROP || verdict == XDP_REDIRECT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_shortened),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_whole),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
