/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The switches of the packet path: mitigation ends at ExpireTime, forwarding seven days later, on
 * the second, in both directions; the clock's offset moves both. Lists: allow wins, entries end.
 *
 * Deadlines are placed around the machine's clock: a second before and after is far more than a
 * test run takes between reading the clock and sending the packet.
 */
#include "wire.h"

#include <linux/if_link.h>

#define DAY_NS (86400 * SECOND_NS)

static uint32_t send_new(int version, uint8_t protocol)
{
	static uint16_t port = 30000;
	struct wire w = from_client(version, protocol);
	struct frame f;

	w.source_port = ++port;
	w.flags = SYN;
	f = frame_build(&w);
	return frame_run(skel, &f);
}

static void vips_set(struct vip vip)
{
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

static void exact_set(const char *text, uint32_t instance, int64_t allow, int64_t block)
{
	struct list_exact_key key = { .instance = instance, .source = address_of(text) };
	struct list_entry entry = { .allow_until_ns = allow, .block_until_ns = block };

	map_set(skel->maps.list_exact, &key, &entry);
}

static void prefix_set(const char *text, uint32_t bits, int64_t allow, int64_t block)
{
	struct list_prefix_key key = {
		.prefix_bits = 32 + bits,
		.instance = htonl(INSTANCE),
		.source = address_of(text),
	};
	struct list_entry entry = { .allow_until_ns = allow, .block_until_ns = block };

	map_set(skel->maps.list_prefix, &key, &entry);
}

static void lists_clear(void)
{
	struct list_exact_key exact;
	struct list_prefix_key prefix;

	while (!bpf_map_get_next_key(bpf_map__fd(skel->maps.list_exact), NULL, &exact))
		assert_int_equal(
			bpf_map_delete_elem(bpf_map__fd(skel->maps.list_exact), &exact), 0);
	while (!bpf_map_get_next_key(bpf_map__fd(skel->maps.list_prefix), NULL, &prefix))
		assert_int_equal(
			bpf_map_delete_elem(bpf_map__fd(skel->maps.list_prefix), &prefix), 0);
}

/*
 * Life-cycle time "now" relative to expiry, by the clock's offset: one row of the founding table.
 */
static void test_expiry(void **state)
{
	static const struct {
		const char *name;
		int64_t since_expiry_ns;
		int mitigates;
		int forwards;
	} row[] = {
		{ "a year before", -365 * DAY_NS, 1, 1 },
		{ "T - 1 s", -SECOND_NS, 1, 1 },
		{ "T", 0, 0, 1 },
		{ "T + 1 s", SECOND_NS, 0, 1 },
		{ "T + 7 d - 1 s", 7 * DAY_NS - SECOND_NS, 0, 1 },
		{ "T + 7 d", 7 * DAY_NS, 0, 0 },
		{ "T + 7 d + 1 s", 7 * DAY_NS + SECOND_NS, 0, 0 },
		{ "T + 29 d", 29 * DAY_NS, 0, 0 },
	};
	int64_t expiry = 1700000000ll * SECOND_NS;
	struct settings s = settings_default();
	struct vip vip = vip_protected();

	(void)state;
	vip.mitigation_until_ns = expiry;
	vip.forward_until_ns = expiry + 7 * DAY_NS;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int version = 4; version <= 6; version += 2) {
			const char *client = version == 4 ? CLIENT4 : CLIENT6;
			uint32_t clean, blocked;

			vip.flags = VIP_HAS_EXACT;
			vip.mitigation_on = MITIGATION_BIT(block_list);
			vips_set(vip);
			s.life_offset_ns = expiry + row[i].since_expiry_ns - boot_ns();
			settings_set(skel, &s);
			clean = send_new(version, IPPROTO_UDP);
			exact_set(client, INSTANCE, 0, INT64_MAX);
			blocked = send_new(version, IPPROTO_UDP);
			lists_clear();
			if (clean != (row[i].forwards ? XDP_REDIRECT : XDP_DROP))
				fail_msg("%s: clean packet: %u", row[i].name, clean);
			if (blocked !=
				(row[i].forwards && !row[i].mitigates ? XDP_REDIRECT : XDP_DROP))
				fail_msg("%s: blocked source: %u", row[i].name, blocked);
		}
	}
	fill(skel);
}

/* A flow that exists ends in both directions, and goes on after a renewal. */
static void test_open_flow(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP), reply;
		struct vip vip = vip_protected();
		struct frame f, sent = frame_build(&w);
		struct parsed out;

		assert_int_equal(frame_run(skel, &sent), XDP_REDIRECT);
		out = frame_parse(&sent);
		reply = from_origin(&out, version);
		vip.forward_until_ns = boot_ns();
		vips_set(vip);
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		f = origin_frame(&reply);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		fill(skel);
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_equal(frame_parse(&f).source_port, out.source_port);
		f = origin_frame(&reply);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	}
}

/* Released and given to another instance: the old one's flow is nobody's. */
static void test_vip_moves(void **state)
{
	struct wire w = from_client(4, IPPROTO_UDP), reply;
	struct vip vip = vip_protected();
	struct frame f = frame_build(&w);
	struct parsed out;

	(void)state;
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	out = frame_parse(&f);
	reply = from_origin(&out, 4);
	vip.instance = INSTANCE + 1;
	vips_set(vip);
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	fill(skel);
}

/* Which entry there is for the source, and what becomes of it. Prefixes cover the source. */
static void test_lists(void **state)
{
	static const struct {
		const char *name;
		int64_t exact_allow, exact_block; /* seconds from now; 0: none */
		int64_t prefix_allow, prefix_block;
		int passes;
	} row[] = {
		{ "no entry", 0, 0, 0, 0, 1 },
		{ "blocked", 0, 100, 0, 0, 0 },
		{ "block has ended", 0, -1, 0, 0, 1 },
		{ "allowed", 100, 0, 0, 0, 1 },
		{ "allowed and blocked", 100, 100, 0, 0, 1 },
		{ "allow has ended, block has not", -1, 100, 0, 0, 0 },
		{ "prefix blocked", 0, 0, 0, 100, 0 },
		{ "prefix block has ended", 0, 0, 0, -1, 1 },
		{ "prefix blocked, address allowed", 100, 0, 0, 100, 1 },
		{ "prefix allowed, address blocked", 0, 100, 100, 0, 1 },
		{ "prefix allowed and blocked", 0, 0, 100, 100, 1 },
		{ "prefix allow has ended", 0, 100, -1, 0, 0 },
		{ "both blocked", 0, 100, 0, 100, 0 },
	};
	struct settings s = settings_default();
	struct vip vip = vip_protected();
	int64_t now;

	(void)state;
	/* Lists follow the machine's time, not the life cycle's. */
	s.utc_offset_ns = 123456 * SECOND_NS;
	s.life_offset_ns = 5000 * DAY_NS;
	settings_set(skel, &s);
	vip.flags = VIP_HAS_EXACT | VIP_HAS_PREFIX;
	vip.mitigation_on = MITIGATION_BIT(block_list);
	vips_set(vip);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int version = 4; version <= 6; version += 2) {
			const char *text = version == 4 ? CLIENT4 : CLIENT6;
			uint32_t verdict;

			now = boot_ns() + s.utc_offset_ns;
#define AT(seconds) ((seconds) ? now + (seconds)*SECOND_NS : 0)
			if (row[i].exact_allow || row[i].exact_block)
				exact_set(text, INSTANCE, AT(row[i].exact_allow),
					AT(row[i].exact_block));
			if (row[i].prefix_allow || row[i].prefix_block)
				prefix_set(version == 4 ? "10.201.0.0" : "fd01::",
					version == 4 ? 96 + 16 : 16, AT(row[i].prefix_allow),
					AT(row[i].prefix_block));
			verdict = send_new(version, IPPROTO_TCP);
			lists_clear();
			if (verdict != (row[i].passes ? XDP_REDIRECT : XDP_DROP))
				fail_msg("%s, IPv%d: %u", row[i].name, version, verdict);
		}
	}
	fill(skel);
}

/* Lists are per instance, prefixes end where they end, and flags spare the lookups. */
static void test_list_scope(void **state)
{
	struct vip vip = vip_protected();

	(void)state;
	vip.flags = VIP_HAS_EXACT | VIP_HAS_PREFIX;
	vip.mitigation_on = MITIGATION_BIT(block_list);
	vips_set(vip);
	exact_set(CLIENT4, INSTANCE + 1, 0, INT64_MAX);
	assert_int_equal(send_new(4, IPPROTO_TCP), XDP_REDIRECT);
	prefix_set("10.201.1.0", 96 + 31, 0, INT64_MAX); /* .0 and .1, the client is .2 */
	assert_int_equal(send_new(4, IPPROTO_TCP), XDP_REDIRECT);
	prefix_set("10.201.1.0", 96 + 30, 0, INT64_MAX);
	assert_int_equal(send_new(4, IPPROTO_TCP), XDP_DROP);
	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = MITIGATION_BIT(block_list);
	vips_set(vip);
	assert_int_equal(send_new(4, IPPROTO_TCP), XDP_REDIRECT);
	exact_set(CLIENT4, INSTANCE, 0, INT64_MAX);
	assert_int_equal(send_new(4, IPPROTO_TCP), XDP_DROP);
	vip.flags = VIP_HAS_PREFIX;
	vip.mitigation_on = MITIGATION_BIT(block_list);
	vips_set(vip);
	assert_int_equal(send_new(4, IPPROTO_TCP), XDP_DROP);
	lists_clear();
	fill(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_open_flow),
		cmocka_unit_test(test_vip_moves),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_list_scope),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
