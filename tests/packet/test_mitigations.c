/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Mitigations that need no flow: each row is one packet that meets one of them, and what was arranged for it. It is
 * dropped in mode block, counted and passed in mode watch, and not met when the mode is off, the source is allowed
 * or the instance has expired. The tests after that look at what each check takes for a match.
 */
#include "wire.h"

#include <linux/if_link.h>

#define COUNTRY 37

struct row {
	const char *name;
	enum mitigation mitigation;
	uint8_t protocol;
	void (*arrange)(int version); /* NULL: nothing */
	void (*change)(struct wire *w);
};

static uint64_t counted(uint32_t reason)
{
	return vip_reason_packets(skel, reason);
}

static void vips_set(uint32_t on, uint32_t watch, int64_t until_ns)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = on;
	vip.mitigation_watch = watch;
	vip.mitigation_until_ns = until_ns;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

static void list_set(const char *source, int64_t allow_ns, int64_t block_ns)
{
	struct list_exact_key key = { .instance = INSTANCE, .source = address_of(source) };
	struct list_entry entry = { .allow_until_ns = allow_ns, .block_until_ns = block_ns };

	map_set(skel->maps.list_exact, &key, &entry);
}

static void list_clear(const char *source)
{
	struct list_exact_key key = { .instance = INSTANCE, .source = address_of(source) };

	(void)bpf_map_delete_elem(bpf_map__fd(skel->maps.list_exact), &key);
}

/* Whether the packet ended for this mitigation; what it became is in *f. */
static bool meets(const struct wire *w, enum mitigation m)
{
	uint64_t before = reason_packets(skel, MITIGATION_REASON(m));
	struct frame f = frame_build(w);
	uint32_t verdict = frame_run(skel, &f);

	if (reason_packets(skel, MITIGATION_REASON(m)) == before)
		return false;
	assert_int_equal(verdict, XDP_DROP);
	return true;
}

/* --- what is arranged, and the packets */

static void region_put(const char *text, uint8_t bits, uint32_t country)
{
	struct address address = address_of(text);
	struct region_key key = { .prefix_bits = 32u + bits, .source = address };
	uint32_t pair = (uint32_t)(address.byte[12] << 8 | address.byte[13]);
	struct region_block block;

	if (strchr(text, ':') || bits > 96 + 24) {
		map_set(skel->maps.region_prefix, &key, &country);
		country = REGION_FINER;
	}
	if (strchr(text, ':'))
		return;
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.region_exact), &pair, &block), 0);
	block.country[address.byte[14]] = (uint8_t)country;
	map_set(skel->maps.region_exact, &pair, &block);
}

static void region_policy_set(uint32_t country)
{
	struct region_policy policy = { .blocked = { 0 } };
	uint32_t instance = INSTANCE;

	policy.blocked[country / 64] = 1ull << country % 64;
	map_set(skel->maps.region_policy, &instance, &policy);
}

static void region_arrange(int version)
{
	region_put(version == 4 ? CLIENT4 : CLIENT6, version == 4 ? 96 + 24 : 64, COUNTRY);
	region_policy_set(COUNTRY);
}

static void reflection_arrange(int version)
{
	struct reflection_key key = { .instance = INSTANCE, .source_port = htons(11211) };
	uint32_t one = 1;

	(void)version;
	map_set(skel->maps.reflection, &key, &one);
}

/* The third to the fifth byte of a payload as wire.h makes it. */
static struct pattern pattern_usual(void)
{
	struct pattern pattern = {
		.length = 3, .offset = 2, .value = { 13, 18, 23 }, .mask = { 255, 255, 255 }
	};

	return pattern;
}

static void patterns_set(const struct pattern *pattern, uint32_t count)
{
	struct pattern_set set = { .count = count };
	uint32_t instance = INSTANCE;

	memcpy(set.pattern, pattern, count * sizeof(*pattern));
	map_set(skel->maps.pattern, &instance, &set);
}

static void pattern_arrange(int version)
{
	struct pattern pattern = pattern_usual();

	(void)version;
	patterns_set(&pattern, 1);
}

static void form_set(uint8_t protocol, uint8_t form)
{
	struct service_key key = service_key_of(protocol, protocol == IPPROTO_TCP ? 80 : 53);
	struct service service;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.form = form;
	service.payload_max = PAYLOAD_UNBOUNDED;
	map_set(skel->maps.service, &key, &service);
}

static void form_arrange(int version)
{
	(void)version;
	form_set(IPPROTO_UDP, FORM_wireguard + 1);
}

static void length_arrange(int version)
{
	struct service_key key = service_key_of(IPPROTO_UDP, 53);
	struct service service;

	(void)version;
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.payload_min = 200;
	service.payload_max = 300;
	map_set(skel->maps.service, &key, &service);
}

static void block_arrange(int version)
{
	list_set(version == 4 ? CLIENT4 : CLIENT6, 0, INT64_MAX);
}

/* A first fragment of 808 bytes went by. */
static void overlap_arrange(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct frame f;

	w.payload = 800;
	w.more = 1;
	w.id = 99;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
}

static void data(struct wire *w)
{
	w->payload = 100;
}

static void routed(struct wire *w)
{
	w->payload = 100;
	w->extension_length = 8;
	w->routed = 1;
}

static void tiny(struct wire *w)
{
	w->payload = 8;
	w->more = 1;
}

static void overlap(struct wire *w)
{
	w->payload = 900;
	w->fragment = 800 / 8;
	w->id = 99;
}

static void fragment_first(struct wire *w)
{
	w->payload = 800;
	w->more = 1;
}

static void reflected(struct wire *w)
{
	w->payload = 100;
	w->source_port = 11211;
}

static const struct row rows[] = {
	{ "block-list", MITIGATION_block_list, IPPROTO_UDP, block_arrange, data },
	{ "region", MITIGATION_region, IPPROTO_UDP, region_arrange, data },
	{ "region, echo", MITIGATION_region, IPPROTO_ICMP, region_arrange, data },
	{ "bogon", MITIGATION_bogon, IPPROTO_UDP, NULL, data },
	{ "source route", MITIGATION_ip_options, IPPROTO_UDP, NULL, routed },
	{ "source route, echo", MITIGATION_ip_options, IPPROTO_ICMP, NULL, routed },
	{ "tiny fragment", MITIGATION_fragment_tiny, IPPROTO_UDP, NULL, tiny },
	{ "overlap", MITIGATION_fragment_overlap, IPPROTO_UDP, overlap_arrange, overlap },
	{ "fragment", MITIGATION_fragment, IPPROTO_UDP, NULL, fragment_first },
	{ "echo request", MITIGATION_icmp, IPPROTO_ICMP, NULL, data },
	{ "reflection", MITIGATION_reflection, IPPROTO_UDP, reflection_arrange, reflected },
	{ "pattern", MITIGATION_payload_match, IPPROTO_UDP, pattern_arrange, data },
	{ "length", MITIGATION_payload_length, IPPROTO_UDP, length_arrange, data },
	{ "form", MITIGATION_payload_form, IPPROTO_UDP, form_arrange, data },
};

static void check(const struct row *row, int version)
{
	uint32_t bit = 1u << row->mitigation, reason = MITIGATION_REASON(row->mitigation);
	uint8_t protocol =
		row->protocol == IPPROTO_ICMP && version == 6 ? IPPROTO_ICMPV6 : row->protocol;
	struct wire w = from_client(version, protocol);
	uint64_t watched, dropped;
	struct frame f;

	print_message("%s, IPv%d\n", row->name, version);
	fill(skel);
	list_clear(w.source);
	if (row->arrange)
		row->arrange(version);
	row->change(&w);
	watched = counted(reason | REASON_WATCHED);
	dropped = counted(reason);

	vips_set(~bit, ~bit, INT64_MAX);
	assert_false(meets(&w, row->mitigation));
	vips_set(bit, 0, boot_ns() + 60 * SECOND_NS);
	assert_true(meets(&w, row->mitigation));
	assert_int_equal(counted(reason) - dropped, 1);
	assert_int_equal(counted(reason | REASON_WATCHED) - watched, 0);
	vips_set(bit, bit, INT64_MAX);
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(counted(reason) - dropped, 1);
	assert_int_equal(counted(reason | REASON_WATCHED) - watched, 1);
	vips_set(bit, 0, boot_ns());
	assert_false(meets(&w, row->mitigation));
	vips_set(bit, 0, INT64_MAX);
	list_set(w.source, INT64_MAX, row->mitigation == MITIGATION_block_list ? INT64_MAX : 0);
	assert_false(meets(&w, row->mitigation));
	list_clear(w.source);
	assert_int_equal(counted(reason) - dropped, 1);
	assert_int_equal(counted(reason | REASON_WATCHED) - watched, 1);
}

static void test_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(&rows[i], 4);
		check(&rows[i], 6);
	}
	fill(skel);
}

/* --- what each one takes for a match */

struct source_row {
	const char *source;
	bool met;
};

static void test_bogons(void **state)
{
	static const struct source_row source[] = {
		{ "10.0.0.0", true },
		{ "10.255.255.255", true },
		{ "9.255.255.255", false },
		{ "11.0.0.0", false },
		{ "100.63.255.255", false },
		{ "100.64.0.0", true },
		{ "100.127.255.255", true },
		{ "100.128.0.0", false },
		{ "169.253.255.255", false },
		{ "169.254.0.1", true },
		{ "172.15.255.255", false },
		{ "172.16.0.0", true },
		{ "172.31.255.255", true },
		{ "172.32.0.0", false },
		{ "192.0.0.8", true },
		{ "192.0.1.0", false },
		{ "192.0.2.1", true },
		{ "192.0.3.1", false },
		{ "192.88.99.1", true },
		{ "192.88.98.1", false },
		{ "192.168.255.1", true },
		{ "192.169.0.0", false },
		{ "198.17.255.255", false },
		{ "198.18.0.0", true },
		{ "198.19.255.255", true },
		{ "198.20.0.0", false },
		{ "198.51.100.7", true },
		{ "198.51.101.7", false },
		{ "203.0.113.7", true },
		{ "203.0.114.7", false },
		{ "223.255.255.254", false },
		{ "1.1.1.1", false },
		{ "fc00::1", true },
		{ "fe80::1", true },
		{ "fec0::1", true },
		{ "100::1", true },
		{ "64:ff9b::808:808", false },
		{ "64:ff9b:1::1", true },
		{ "5f00::1", true },
		{ "2001:2::1", true },
		{ "2001:3::1", false },
		{ "2001:10::1", true },
		{ "2001:1f::1", true },
		{ "2001:20::1", false },
		{ "2001:db8::1", true },
		{ "2001:db9::1", false },
		{ "2002:a00:1::1", true },
		{ "2002:808:808::1", false },
		{ "3fff:fff::1", true },
		{ "3fff:1000::1", false },
		{ "2a00::1", false },
		{ "4000::1", true },
	};

	(void)state;
	vips_set(MITIGATION_BIT(bogon), 0, INT64_MAX);
	for (size_t i = 0; i < sizeof(source) / sizeof(source[0]); i++) {
		struct wire w = from_client(strchr(source[i].source, ':') ? 6 : 4, IPPROTO_UDP);

		w.source = source[i].source;
		if (meets(&w, MITIGATION_bogon) != source[i].met)
			fail_msg("%s: met %d", source[i].source, !source[i].met);
	}
	fill(skel);
}

/* Runs a frame whose IPv4 options or IPv6 routing header were written over. */
static bool options_meet(struct frame f, const void *bytes, size_t count)
{
	uint64_t before = reason_packets(skel, REASON_ip_options);
	uint32_t verdict;

	bytes_copy(f.byte + 14 + (f.byte[12] == 8 ? 20 : 40) + (f.byte[12] == 8 ? 0 : 2), bytes,
		count);
	verdict = frame_run(skel, &f);
	if (reason_packets(skel, REASON_ip_options) == before)
		return false;
	assert_int_equal(verdict, XDP_DROP);
	return true;
}

static void test_ip_options(void **state)
{
	static const struct {
		const char *name, *bytes;
		uint8_t length;
		bool met;
	} row[] = {
		{ "no operation", "\1\1\1\1", 4, false },
		{ "end of options", "\1\1\0\0", 4, false },
		{ "loose source route", "\x83\x03\x04\0", 4, true },
		{ "strict source route", "\x89\x07\x04\1\2\3\4\0", 8, true },
		{ "record route", "\x07\x07\x04\0\0\0\0\0", 8, true },
		{ "timestamp", "\x44\x0c\x05\0\0\0\0\0\0\0\0\0", 12, true },
		{ "router alert", "\x94\x04\0\0", 4, true },
		{ "security", "\x82\x03\0\0", 4, true },
		{ "behind padding, not aligned", "\1\1\1\1\1\x83\x03\x04", 8, true },
		{ "behind the end", "\0\x83\x03\x04", 4, true },
		{ "in the last word",
			"\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
			"\1\1\1\1\1\1\1\2",
			40, true },
	};
	static const uint8_t unwanted[] = { 0, 1, 3 }, wanted[] = { 2, 4, 254, 255 };

	(void)state;
	vips_set(MITIGATION_BIT(ip_options), 0, INT64_MAX);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct wire w = from_client(4, i % 2 ? IPPROTO_UDP : IPPROTO_TCP);

		w.flags = SYN;
		w.payload = w.protocol == IPPROTO_UDP ? 30 : 0;
		w.extension_length = row[i].length;
		if (options_meet(frame_build(&w), row[i].bytes, row[i].length) != row[i].met)
			fail_msg("%s: met %d", row[i].name, !row[i].met);
	}
	for (size_t i = 0; i < sizeof(unwanted) + sizeof(wanted); i++) {
		bool met = i < sizeof(unwanted);
		struct wire w = from_client(6, IPPROTO_UDP);

		w.routed = 1;
		w.extension_length = 8;
		if (options_meet(frame_build(&w),
			    met ? unwanted + i : wanted + (i - sizeof(unwanted)), 1) != met)
			fail_msg("routing header %zu: met %d", i, !met);
	}
	fill(skel);
}

static void test_fragments(void **state)
{
	static const struct {
		const char *name;
		uint16_t payload, fragment;
		uint8_t more;
		bool tiny;
	} row[] = {
		{ "first, below", 240, 0, 1, true }, /* with the header: 248 */
		{ "first, at the least", 248, 0, 1, false },
		{ "middle, below", 248, 100, 1, true },
		{ "middle, at the least", 256, 100, 1, false },
		{ "last, one byte", 1, 100, 0, false },
		{ "last, inside the header", 500, 1, 0, true },
		{ "last, inside the least", 500, 31, 0, true },
		{ "last, behind the least", 500, 32, 0, false },
		{ "no fragment", 1, 0, 0, false },
	};

	(void)state;
	vips_set(MITIGATION_BIT(fragment_tiny), 0, INT64_MAX);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int version = 4; version <= 6; version += 2) {
			struct wire w = from_client(version, IPPROTO_UDP);

			w.payload = row[i].payload;
			w.fragment = row[i].fragment;
			w.more = row[i].more;
			if (meets(&w, MITIGATION_fragment_tiny) != row[i].tiny)
				fail_msg("%s, IPv%d: met %d", row[i].name, version, !row[i].tiny);
		}
	}
	fill(skel);
}

static void test_overlaps(void **state)
{
	(void)state;
	vips_set(MITIGATION_BIT(fragment_overlap), 0, INT64_MAX);
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);

		overlap_arrange(version); /* 808 bytes */
		overlap(&w);
		assert_true(meets(&w, MITIGATION_fragment_overlap));
		w.fragment = 808 / 8;
		assert_false(meets(&w, MITIGATION_fragment_overlap));
		/* The first one once more, and another first one. */
		w.fragment = 0;
		w.more = 1;
		w.payload = 800;
		assert_false(meets(&w, MITIGATION_fragment_overlap));
		w.payload = 792;
		assert_true(meets(&w, MITIGATION_fragment_overlap));
		/* Of another datagram. */
		w.id = 100;
		assert_false(meets(&w, MITIGATION_fragment_overlap));
	}
	fill(skel);
}

static void test_regions(void **state)
{
	(void)state;
	vips_set(MITIGATION_BIT(region), 0, INT64_MAX);
	for (int version = 4; version <= 6; version += 2) {
		const char *near = version == 4 ? "10.201.1.77" : "fd01::ffff:1";
		struct wire w = from_client(version, IPPROTO_UDP);

		region_arrange(version);
		assert_true(meets(&w, MITIGATION_region));
		w.source = near;
		assert_true(meets(&w, MITIGATION_region));
		w.source = version == 4 ? "10.201.2.77" : "fd01:0:0:1::1";
		assert_false(meets(&w, MITIGATION_region));
		/* A finer network of another country. */
		region_put(CLIENT4, 96 + 24, COUNTRY);
		region_put(version == 4 ? "10.201.1.64" : "fd01::ffff:0",
			version == 4 ? 96 + 26 : 112, COUNTRY + 1);
		w.source = near;
		assert_false(meets(&w, MITIGATION_region));
		region_policy_set(COUNTRY + 1);
		assert_true(meets(&w, MITIGATION_region));
		region_policy_set(255);
		assert_false(meets(&w, MITIGATION_region));
	}
	fill(skel);
}

/* Who is unknown is refused only when there is a database to be unknown to. */
static void test_region_unknown(void **state)
{
	(void)state;
	vips_set(MITIGATION_BIT(region), 0, INT64_MAX);
	region_policy_set(0);
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);

		w.source = version == 4 ? "1.2.3.4" : "2a00::1";
		region_put("0.0.0.0", 96 + 24, 0);
		assert_false(meets(&w, MITIGATION_region));
		region_put("0.0.0.0", 96 + 24, REGION_FINER);
		assert_true(meets(&w, MITIGATION_region));
		/* Beyond the array, as when no database is set. */
		w.source = version == 4 ? "203.0.114.1" : "2a00::1";
		assert_true(meets(&w, MITIGATION_region));
	}
	region_put("0.0.0.0", 96 + 24, 0);
	fill(skel);
}

static void test_reflections(void **state)
{
	(void)state;
	vips_set(MITIGATION_BIT(reflection), 0, INT64_MAX);
	reflection_arrange(4);
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);
		uint64_t unknown = reason_packets(skel, REASON_fragment_unknown);
		struct frame f;

		w.source_port = 11212;
		assert_false(meets(&w, MITIGATION_reflection));
		w.protocol = IPPROTO_TCP;
		w.destination_port = 80;
		w.source_port = 11211;
		w.flags = SYN;
		assert_false(meets(&w, MITIGATION_reflection));
		/* A datagram in fragments: the second leads nowhere. */
		w = from_client(version, IPPROTO_UDP);
		w.source_port = 11211;
		w.id = 1234;
		w.payload = 800;
		w.more = 1;
		assert_true(meets(&w, MITIGATION_reflection));
		w.more = 0;
		w.fragment = 808 / 8;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		assert_int_equal(reason_packets(skel, REASON_fragment_unknown) - unknown, 1);
	}
	fill(skel);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *name;
		struct pattern pattern;
		uint16_t payload;
		bool met;
	} row[] = {
		{ "at the start", { .length = 1, .value = { 3 }, .mask = { 255 } }, 100, true },
		{ "other byte", { .length = 1, .value = { 4 }, .mask = { 255 } }, 100, false },
		{ "masked bits", { .length = 1, .value = { 2 }, .mask = { 2 } }, 100, true },
		{ "16 bytes",
			{ .length = 16,
				.offset = 1,
				.value = { 8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58, 63, 68, 73,
					78, 83 },
				.mask = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
					255, 255, 255, 255, 255 } },
			17, true },
		{ "16 bytes, the last another",
			{ .length = 16,
				.offset = 1,
				.value = { 8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58, 63, 68, 73,
					78, 84 },
				.mask = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
					255, 255, 255, 255, 255 } },
			17, false },
		{ "payload one byte too short",
			{ .length = 16, .offset = 1, .value = { 0 }, .mask = { 0 } }, 16, false },
		{ "anything so long", { .length = 16, .offset = 1 }, 17, true },
		{ "the last offset",
			{ .length = 1, .offset = 256, .value = { 3 }, .mask = { 255 } }, 257,
			true },
		{ "the last offset, all bytes", { .length = 16, .offset = 256 }, 272, true },
		{ "the last offset, too short",
			{ .length = 1, .offset = 256, .value = { 3 }, .mask = { 255 } }, 256,
			false },
		{ "behind the last offset", { .length = 1, .offset = 257 }, 1000, false },
		{ "large payload",
			{ .length = 1, .offset = 255, .value = { 0xfe }, .mask = { 255 } }, 1400,
			true },
		{ "of UDP", { .protocol = IPPROTO_UDP, .length = 1 }, 100, true },
		{ "of TCP", { .protocol = IPPROTO_TCP, .length = 1 }, 100, false },
	};

	(void)state;
	vips_set(MITIGATION_BIT(payload_match), 0, INT64_MAX);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int version = 4; version <= 6; version += 2) {
			struct wire w = from_client(version, IPPROTO_UDP);

			patterns_set(&row[i].pattern, 1);
			w.payload = row[i].payload;
			if (meets(&w, MITIGATION_payload_match) != row[i].met)
				fail_msg("%s, IPv%d: met %d", row[i].name, version, !row[i].met);
		}
	}
	fill(skel);
}

/* Ports, TCP, the last of a full set, an empty set. */
static void test_pattern_sets(void **state)
{
	struct pattern set[PATTERN_MAX] = { { .length = 1, .value = { 4 }, .mask = { 255 } } };

	(void)state;
	vips_set(MITIGATION_BIT(payload_match), 0, INT64_MAX);
	for (int i = 1; i < PATTERN_MAX; i++)
		set[i] = set[0];
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_TCP);

		w.flags = ACK | PSH;
		w.option_length = 12;
		memset(w.option, 1, 12);
		w.payload = 60;
		patterns_set(set, PATTERN_MAX);
		assert_false(meets(&w, MITIGATION_payload_match));
		set[PATTERN_MAX - 1] = pattern_usual();
		set[PATTERN_MAX - 1].port = htons(80);
		patterns_set(set, PATTERN_MAX);
		assert_true(meets(&w, MITIGATION_payload_match));
		w.payload = 0;
		assert_false(meets(&w, MITIGATION_payload_match));
		w.payload = 60;
		set[PATTERN_MAX - 1].port = htons(81);
		patterns_set(set, PATTERN_MAX);
		assert_false(meets(&w, MITIGATION_payload_match));
		set[PATTERN_MAX - 1].port = 0;
		patterns_set(set, PATTERN_MAX);
		assert_true(meets(&w, MITIGATION_payload_match));
		patterns_set(set, 0);
		assert_false(meets(&w, MITIGATION_payload_match));
		set[PATTERN_MAX - 1] = set[0];
	}
	fill(skel);
}

/* Errors are what path MTU discovery lives from. */
static void test_icmp_errors(void **state)
{
	static const struct {
		uint8_t type4, type6;
		bool met;
	} row[] = { { 8, 128, true }, { 3, 1, false }, { 11, 3, false }, { 12, 4, false },
		{ 13, 135, true }, { 3, 2, false }, { 5, 0, true }, { 0, 129, true } };

	(void)state;
	vips_set(MITIGATION_BIT(icmp), 0, INT64_MAX);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int version = 4; version <= 6; version += 2) {
			struct wire w =
				from_client(version, version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
			uint64_t before = reason_packets(skel, REASON_icmp);
			struct frame f;

			w.payload = 64;
			f = frame_build(&w);
			f.byte[14 + (version == 4 ? 20 : 40)] =
				version == 4 ? row[i].type4 : row[i].type6;
			(void)frame_run(skel, &f);
			assert_int_equal(reason_packets(skel, REASON_icmp) - before, row[i].met);
		}
	}
	fill(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_bogons),
		cmocka_unit_test(test_ip_options),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_region_unknown),
		cmocka_unit_test(test_reflections),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_pattern_sets),
		cmocka_unit_test(test_icmp_errors),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
