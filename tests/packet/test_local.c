/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Local services: what passes to the host and what ends before it.
 */
#include "local.h"

#include <linux/if_link.h>

/* Segments of every kind pass as they are, and are traffic of the address. */
static void passes(int version)
{
	static const uint8_t kinds[] = { SYN, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK,
		SYN | 0xc0 };
	struct vip_counter before, after;
	uint64_t bytes = 0;

	local_begin(ALL & ~MITIGATION_BIT(icmp));
	before = vip_counted(skel, VIP_SLOT);
	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct wire w = to_web(version, kinds[i]);
		struct frame sent, f;

		w.payload = kinds[i] & PSH ? 500 : 0;
		f = sent = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_PASS);
		assert_int_equal(f.size, sent.size);
		assert_memory_equal(f.byte, sent.byte, sent.size);
		bytes += sent.size - 14;
	}
	after = vip_counted(skel, VIP_SLOT);
	assert_int_equal(after.in.packets - before.in.packets, sizeof(kinds));
	assert_int_equal(after.in.bytes - before.in.bytes, bytes);
	assert_int_equal(after.dropped.packets, before.dropped.packets);
	assert_int_equal(after.out.packets, before.out.packets);
}

/* Only the port of that protocol and instance, and only while the address is said to have some. */
static void others(int version)
{
	struct wire w = to_web(version, SYN);
	struct vip vip = vip_of_web(0);

	local_begin(0);
	w.destination_port = WEB_PORT + 1;
	ends_by(&w, XDP_DROP, REASON_no_service);
	w = from_client(version, IPPROTO_UDP);
	w.destination_port = WEB_PORT; /* HTTP/3 */
	ends_by(&w, XDP_DROP, REASON_no_service);
	vip.instance = INSTANCE + 1;
	vips_put(&vip);
	web_ends_by(version, SYN, XDP_DROP, REASON_no_service);
	vip = vip_of_web(0);
	vip.flags &= ~VIP_HAS_LOCAL;
	vips_put(&vip);
	web_ends_by(version, SYN, XDP_DROP, REASON_no_service);
}

/* A port rule of the same port waits; one of another port goes on. */
static void before_rules(int version)
{
	struct wire w = to_web(version, SYN);

	local_begin(0);
	w.destination_port = 80;
	ends_by(&w, XDP_REDIRECT, REASON_syn_passed);
	local_put(80);
	ends_by(&w, XDP_PASS, REASON_local);
}

static void impossible(int version)
{
	struct wire w;

	local_begin(0);
	web_ends_by(version, 0, XDP_DROP, REASON_tcp_flags);
	web_ends_by(version, SYN | FIN, XDP_DROP, REASON_tcp_flags);
	web_ends_by(version, SYN | RST, XDP_DROP, REASON_tcp_flags);
	web_ends_by(version, FIN | RST, XDP_DROP, REASON_tcp_flags);
	web_ends_by(version, FIN | PSH | URG, XDP_DROP, REASON_tcp_flags);
	web_ends_by(version, SYN | ACK, XDP_DROP, REASON_syn_ack_unknown);
	w = to_web(version, ACK);
	w.more = 1;
	w.payload = 4;
	ends_by(&w, XDP_DROP, REASON_fragment_unknown);
	w.more = 0;
	w.fragment = 10;
	ends_by(&w, XDP_DROP, REASON_fragment_unknown);
	w = to_web(version, SYN);
	w.source = version == 4 ? "127.0.0.1" : "::1";
	ends_by(&w, XDP_DROP, REASON_source_impossible);
}

static void listed(int version)
{
	struct list_exact_key key = { .instance = INSTANCE,
		.source = address_of(version == 4 ? CLIENT4 : CLIENT6) };
	struct list_entry entry = { .block_until_ns = INT64_MAX };

	local_begin(MITIGATION_BIT(block_list) | MITIGATION_BIT(bogon));
	web_ends_by(version, ACK, XDP_DROP, REASON_bogon);
	map_set(skel->maps.list_exact, &key, &entry);
	web_ends_by(version, ACK, XDP_DROP, REASON_block_list);
	entry.allow_until_ns = INT64_MAX;
	map_set(skel->maps.list_exact, &key, &entry);
	web_passes(version);
}

/* Mitigation ends with the instance, forwarding seven days later: connections that are open included. */
static void life_cycle(int version)
{
	struct vip vip = vip_of_web(MITIGATION_BIT(bogon));

	local_begin(0);
	vip.mitigation_until_ns = boot_ns() + SECOND_NS;
	vips_put(&vip);
	web_ends_by(version, ACK, XDP_DROP, REASON_bogon);
	vip.mitigation_until_ns = boot_ns() - 1;
	vip.forward_until_ns = boot_ns() + SECOND_NS;
	vips_put(&vip);
	web_passes(version);
	vip.forward_until_ns = boot_ns() - 1;
	vips_put(&vip);
	web_ends_by(version, ACK, XDP_DROP, REASON_forwarding_off);
	web_ends_by(version, SYN, XDP_DROP, REASON_forwarding_off);
}

static void ceiling(int version)
{
	struct vip vip = vip_of_web(MITIGATION_BIT(plan_packets));
	struct plan_share none[HARNESS_CPU_MAX];
	struct plan_state state = { .syns = 0 };
	uint32_t slot = VIP_SLOT;

	local_begin(0);
	vip.packets_max = 1;
	vips_put(&vip);
	memset(none, 0, sizeof(none));
	map_set(skel->maps.plan_share, &slot, none);
	map_set(skel->maps.plan_state, &slot, &state);
	web_passes(version);
	web_ends_by(version, ACK, XDP_DROP, REASON_plan_packets);
	memset(none, 0, sizeof(none));
	map_set(skel->maps.plan_share, &slot, none);
	map_set(skel->maps.plan_state, &slot, &state);
}

static void errors(int version)
{
	struct vip vip = vip_of_web(MITIGATION_BIT(icmp));
	uint32_t header = version == 4 ? 20 : 40;
	struct frame f;

	local_begin(0);
	vips_put(&vip);
	for (uint32_t length = header + 8; length < 500; length += 100) {
		struct frame sent = error_about(version, WEB_PORT, length);

		f = sent;
		assert_int_equal(frame_run(skel, &f), XDP_PASS);
		assert_int_equal(f.size, sent.size);
		assert_memory_equal(f.byte, sent.byte, sent.size);
	}
	f = error_about(version, WEB_PORT, header + 7);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	f = error_about(version, WEB_PORT + 1, header + 8);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	vip.flags &= ~VIP_HAS_LOCAL;
	vips_put(&vip);
	f = error_about(version, WEB_PORT, header + 8);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
}

/* What polder_out adds to the address's counter for a frame that is so much on the wire. */
static struct counter counted_out(const struct wire *w, uint32_t segments, uint32_t wire_length)
{
	struct frame f = frame_build(w);
	struct __sk_buff skb = { .gso_segs = segments, .wire_len = wire_length };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f.byte, .data_size_in = f.size,
		.ctx_in = &skb, .ctx_size_in = sizeof(skb));
	struct vip_counter before = vip_counted(skel, VIP_SLOT), after;

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_out), &run), 0);
	assert_int_equal((int)run.retval, -1); /* TC_ACT_UNSPEC: others are asked, too */
	after = vip_counted(skel, VIP_SLOT);
	return (struct counter){ after.out.packets - before.out.packets,
		after.out.bytes - before.out.bytes };
}

/* What a web server sends to a client. */
static struct wire web_answer(int version)
{
	return (struct wire){ .source = version == 4 ? VIP4 : VIP6,
		.destination = version == 4 ? CLIENT4 : CLIENT6,
		.source_port = WEB_PORT,
		.destination_port = 40000,
		.protocol = IPPROTO_TCP,
		.flags = ACK | PSH,
		.payload = 1000 };
}

static void out(int version)
{
	struct wire sent = web_answer(version);
	struct frame f = frame_build(&sent);
	struct vip vip = vip_of_web(0);
	struct wire other = sent;
	struct counter added;

	local_begin(0);
	added = counted_out(&sent, 0, 0);
	assert_int_equal(added.packets, 1);
	assert_int_equal(added.bytes, f.size - 14);
	added = counted_out(&sent, 3, f.size + 108);
	assert_int_equal(added.packets, 3);
	assert_int_equal(added.bytes, f.size + 108 - 3 * 14);
	other.source_port = 80;
	assert_int_equal(counted_out(&other, 0, 0).packets, 0);
	other = sent;
	other.protocol = IPPROTO_UDP;
	assert_int_equal(counted_out(&other, 0, 0).packets, 0);
	other = sent;
	other.source = version == 4 ? "10.201.9.2" : "fd09::2";
	assert_int_equal(counted_out(&other, 0, 0).packets, 0);
	vip.flags &= ~VIP_HAS_LOCAL;
	vips_put(&vip);
	assert_int_equal(counted_out(&sent, 0, 0).packets, 0);
}

static uint32_t out_verdict(const struct wire *w)
{
	struct frame f = frame_build(w);
	struct __sk_buff skb = { .gso_segs = 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f.byte, .data_size_in = f.size,
		.ctx_in = &skb, .ctx_size_in = sizeof(skb));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_out), &run), 0);
	return run.retval;
}

/* What a web server has still to say when forwarding ends is not said. */
static void out_ends(int version)
{
	struct wire sent = web_answer(version);
	struct vip vip = vip_of_web(0);
	struct vip_counter before;
	uint64_t refused;

	local_begin(0);
	vip.forward_until_ns = boot_ns() + 1;
	vips_put(&vip);
	assert_int_equal((int)out_verdict(&sent), -1);
	time_pass(skel, 1);
	before = vip_counted(skel, VIP_SLOT);
	refused = counted(REASON_forwarding_off);
	assert_int_equal(out_verdict(&sent), 2); /* TC_ACT_SHOT */
	assert_int_equal(vip_counted(skel, VIP_SLOT).out.packets, before.out.packets);
	assert_int_equal(counted(REASON_forwarding_off) - refused, 1);
	sent.source_port = 22;
	assert_int_equal(out_verdict(&sent), 2);
	sent.source = version == 4 ? CLIENT4 : CLIENT6;
	assert_int_equal((int)out_verdict(&sent), -1);
	vip.forward_until_ns = INT64_MAX;
	vips_put(&vip);
}

TEST(passes)
TEST(others)
TEST(before_rules)
TEST(impossible)
TEST(listed)
TEST(life_cycle)
TEST(ceiling)
TEST(errors)
TEST(out)
TEST(out_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_before_rules),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_life_cycle),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_out_ends),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
