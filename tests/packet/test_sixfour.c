/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * IPv6 clients of a port rule whose origins have IPv4 only: UDP, TCP, fragments, errors, and what
 * is too big for the side it goes to. That real stacks talk so is in test_conversation.
 */
#include "talk.h"
#include "quote.h"

#include <linux/if_link.h>

#define UDP_PORT 54
#define TCP_PORT 81

static void setup_world(void)
{
	fill(skel);
	service_set(skel, IPPROTO_UDP, UDP_PORT, ORIGIN4, NULL, 5354);
	service_set(skel, IPPROTO_TCP, TCP_PORT, ORIGIN4, NULL, 8081);
	service_set(skel, IPPROTO_UDP, 55, NULL, ORIGIN6, 5355);
	service_set(skel, IPPROTO_TCP, 82, NULL, ORIGIN6, 8082);
}

static struct wire client_of(uint8_t protocol, uint16_t port)
{
	struct wire w = from_client(6, protocol);

	w.destination_port = protocol == IPPROTO_TCP ? TCP_PORT : UDP_PORT;
	w.source_port = port;
	return w;
}

static int frame_version(const struct frame *f)
{
	assert_int_equal(get16(frame_ip(f) - 2), frame_ip(f)[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
	return frame_ip(f)[0] >> 4;
}

static void udp_both_ways(void **state)
{
	struct wire w = client_of(IPPROTO_UDP, 42000), reply;
	struct vip_counter before = vip_counted(skel, VIP_SLOT), after;
	struct parsed out, back;
	struct frame f;

	(void)state;
	w.payload = 57;
	w.hop_limit = 9;
	f = frame_build(&w);
	put16(f.byte + 14, 0x62e0); /* traffic class 0x2e: its bits lie in two bytes */
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(frame_version(&f), 4);
	assert_int_equal(f.size, 14 + 20 + 8 + 57);
	assert_int_equal(f.byte[15], 0x2e);
	assert_address(&out.source, SOURCE4);
	assert_address(&out.destination, ORIGIN4);
	assert_int_equal(out.destination_port, 5354);
	assert_int_equal(out.hop_limit, 8);
	assert_int_equal(out.payload_length, 57);
	assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
	assert_int_equal(out.payload[56], (uint8_t)(56 * 5 + 3));
	reply = from_origin(&out, 4);
	reply.payload = 1200;
	f = origin_frame(&reply);
	f.byte[15] = 0x2e;
	put16(f.byte + 24, get16(f.byte + 24) - 0x2e);
	back = run_to(&f, XDP_REDIRECT);
	assert_int_equal(frame_version(&f), 6);
	assert_int_equal(f.size, 14 + 40 + 8 + 1200);
	assert_int_equal(get16(f.byte + 14), 0x62e0);
	assert_address(&back.source, w.destination);
	assert_address(&back.destination, w.source);
	assert_int_equal(back.source_port, UDP_PORT);
	assert_int_equal(back.destination_port, 42000);
	assert_int_equal(back.hop_limit, 63);
	assert_memory_equal(back.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(back.ethernet + 6, WAN_MAC, 6);
	after = vip_counted(skel, VIP_SLOT);
	assert_int_equal(after.in.bytes - before.in.bytes, 40 + 8 + 57);
	assert_int_equal(after.out.bytes - before.out.bytes, 40 + 8 + 1200);
	/* Used up on the way. */
	w.hop_limit = 1;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	/* IPv4 of more than 1,260 bytes may not be fragmented. */
	w.hop_limit = 0;
	f = frame_build(&w);
	(void)run_to(&f, XDP_REDIRECT);
	assert_int_equal(get16(f.byte + 20), 0);
	w.payload = 1300;
	f = frame_build(&w);
	(void)run_to(&f, XDP_REDIRECT);
	assert_int_equal(get16(f.byte + 20), 0x4000);
}

/* Every sum, among them those that are written as 0xffff; and IPv4's datagrams without one. */
static void udp_checksums(void **state)
{
	struct wire w = client_of(IPPROTO_UDP, 42001), reply;
	struct parsed out;
	struct frame f;

	(void)state;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	reply = from_origin(&out, 4);
	w.payload = reply.payload = 2;
	for (uint32_t i = 0; i < 65536; i += 3) {
		uint8_t *at;

		f = frame_build(&w);
		at = f.byte + 14 + 40;
		put16(at + 6, 0);
		put16(at + 8, i);
		put16(at + 6, (uint16_t)~transport_sum(f.byte + 14, 6, IPPROTO_UDP, at, 10));
		if (!get16(at + 6))
			put16(at + 6, 0xffff);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_not_equal(get16(f.byte + 14 + 20 + 6), 0);
		(void)frame_parse(&f);
		reply.no_checksum = i & 1;
		f = origin_frame(&reply);
		at = f.byte + 14 + 20;
		put16(at + 8, i);
		put16(at + 6, 0);
		if (!reply.no_checksum)
			put16(at + 6,
				(uint16_t)~transport_sum(f.byte + 14, 4, IPPROTO_UDP, at, 10));
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_not_equal(get16(f.byte + 14 + 40 + 6), 0);
		(void)frame_parse(&f);
	}
	for (uint16_t payload = 0; payload <= 1440; payload++) {
		reply.no_checksum = 1;
		reply.payload = payload;
		f = origin_frame(&reply);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_not_equal(get16(f.byte + 14 + 40 + 6), 0);
		assert_int_equal(frame_parse(&f).payload_length, payload);
	}
	reply.no_checksum = 0;
	f = origin_frame(&reply);
	put16(f.byte + 40, get16(f.byte + 40) ^ 0x0101);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_not_equal(transport_sum(f.byte + 14, 6, IPPROTO_UDP, f.byte + 54, 1448), 0xffff);
}

/* Options and extension headers stay behind. */
static void udp_unusual(void **state)
{
	struct wire w = client_of(IPPROTO_UDP, 42002), reply;
	struct parsed out, back;
	struct frame f;

	(void)state;
	w.extension_length = 16;
	w.payload = 33;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(f.size, 14 + 20 + 8 + 33);
	assert_int_equal(out.payload_length, 33);
	reply = from_origin(&out, 4);
	reply.payload = 33;
	reply.extension_length = 8;
	f = origin_frame(&reply);
	back = run_to(&f, XDP_REDIRECT);
	assert_int_equal(f.size, 14 + 40 + 8 + 33);
	assert_int_equal(back.destination_port, 42002);
}

static void fragments(void **state)
{
	struct wire w = client_of(IPPROTO_UDP, 42010), reply;
	struct parsed first, later;
	struct frame f;

	(void)state;
	w.id = 0xabcd4711;
	w.more = 1;
	w.payload = 1000;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	first = frame_parse_as(&f, 1);
	assert_int_equal(f.size, 14 + 20 + 8 + 1000);
	assert_int_equal(get16(f.byte + 20), 0x2000);
	w.fragment = 126;
	w.more = 0;
	w.payload = 999;
	{
		uint32_t id = get16(f.byte + 18);

		f = frame_build(&w);
		later = run_to(&f, XDP_REDIRECT);
		assert_int_equal(get16(f.byte + 18), id);
	}
	assert_int_equal(get16(f.byte + 20), 126);
	assert_address(&later.destination, ORIGIN4);
	assert_int_equal(later.payload_length, 999);
	assert_int_equal(later.payload[998], (uint8_t)(998 * 5 + 3));

	reply = from_origin(&first, 4);
	reply.id = 0x1234;
	reply.more = 1;
	reply.payload = 800;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(frame_parse_as(&f, 1).destination_port, 42010);
	assert_int_equal(f.size, 14 + 48 + 8 + 800);
	assert_int_equal(f.byte[20], IPPROTO_FRAGMENT);
	assert_int_equal(f.byte[54], IPPROTO_UDP);
	assert_int_equal(get16(f.byte + 56), 1);
	assert_int_equal(get32(f.byte + 58), 0x1234);
	reply.fragment = 101;
	reply.more = 0;
	reply.payload = 33;
	f = origin_frame(&reply);
	later = run_to(&f, XDP_REDIRECT);
	assert_address(&later.destination, CLIENT6);
	assert_int_equal(get16(f.byte + 56), 101 << 3);
	assert_int_equal(later.payload_length, 33);
	/* The whole datagram would have to be summed. */
	reply.fragment = 0;
	reply.more = 1;
	reply.payload = 800;
	reply.no_checksum = 1;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	/* Headers behind the fragment's would be lost to the later fragments' offsets. */
	w.fragment = 0;
	w.more = 1;
	w.payload = 1000;
	f = frame_build(&w);
	memmove(f.byte + 14 + 56, f.byte + 14 + 48, f.size - 14 - 48);
	memset(f.byte + 14 + 48, 0, 8);
	f.byte[14 + 48] = IPPROTO_UDP;
	f.byte[14 + 40] = IPPROTO_DSTOPTS;
	f.byte[14 + 48 + 2] = 1;
	f.byte[14 + 48 + 3] = 4;
	put16(f.byte + 18, get16(f.byte + 18) + 8);
	f.size += 8;
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
}

/* What grows beyond the client's link comes back as an error about itself. */
static void too_big(void **state)
{
	struct wire w = client_of(IPPROTO_UDP, 42020), reply;
	uint64_t before = reason_packets(skel, REASON_too_big);
	struct parsed out;
	struct frame f, sent;
	struct quoted q;

	(void)state;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	reply = from_origin(&out, 4);
	reply.payload = 1480 - 28;
	f = origin_frame(&reply);
	(void)run_to(&f, XDP_REDIRECT);
	assert_int_equal(f.size, 1514);
	reply.payload++;
	f = sent = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_true(f.size < 600);
	q = quoted_parse(&f);
	assert_address(&q.outer.source, SOURCE4);
	assert_address(&q.outer.destination, ORIGIN4);
	assert_memory_equal(q.outer.ethernet, ORIGIN_MAC, 6);
	assert_int_equal(q.icmp.type, 3);
	assert_int_equal(q.icmp.code, 4);
	assert_int_equal(q.icmp.rest, 1480);
	assert_memory_equal(q.outer.payload + 8, sent.byte + 14, q.outer.payload_length - 8);
	assert_int_equal(reason_packets(skel, REASON_too_big), before + 1);
	/* A fragment has 8 bytes more. */
	reply.more = 1;
	reply.payload = 1440;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(f.size, 14 + 48 + 1448);
	reply.payload += 8;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	q = quoted_parse(&f);
	assert_int_equal(q.icmp.rest, 1472);
	/* Later fragments have nobody to tell. */
	reply.more = 0;
	reply.fragment = 20;
	reply.payload = 1480;
	f = origin_frame(&reply);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
}

static struct talk tcp_open(uint16_t port, struct parsed *syn)
{
	struct talk t = { .version = 6 };
	struct wire w = client_of(IPPROTO_TCP, port);
	struct frame f;

	offer(&w, 1460, 10, 1, 1);
	(void)talk_syn(&t, port, &w);
	t.client.destination_port = TCP_PORT;
	w = t.client;
	stamp(&w, CLIENT_TS + 1, t.our_ts);
	f = frame_build(&w);
	*syn = run_to(&f, XDP_REDIRECT);
	assert_int_equal(frame_version(&f), 4);
	t.origin = from_origin(syn, 4);
	talk_answer(&t, 7, 1);
	return t;
}

/* From SYN to data, with options that are shifted. */
static void tcp(void **state)
{
	struct parsed out;
	struct talk t = tcp_open(43000, &out);
	struct wire w = t.client;
	struct frame f;

	(void)state;
	assert_address(&out.source, SOURCE4);
	assert_address(&out.destination, ORIGIN4);
	assert_int_equal(out.destination_port, 8081);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN);
	assert_int_equal(get32(out.option), 0x020405a0); /* 1,440, though it said 1,460 */
	stamp(&w, CLIENT_TS + 2, t.our_ts + 5);
	w.payload = 1428;
	f = frame_build(&w);
	assert_int_equal(f.size, 1514);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(f.size, 1494);
	assert_address(&out.destination, ORIGIN4);
	assert_int_equal(out.sequence, ISN + 1);
	assert_int_equal(out.acknowledgement, ORIGIN_ISN + 1);
	assert_int_equal(get32(out.option + 8), t.our_ts + 5 + t.delta);
	assert_int_equal(out.payload_length, 1428);

	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1 + 1428;
	w.payload = 1428;
	stamp(&w, ORIGIN_TS + 9, CLIENT_TS + 2);
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(frame_version(&f), 6);
	assert_int_equal(f.size, 1514);
	assert_address(&out.source, VIP6);
	assert_address(&out.destination, CLIENT6);
	assert_int_equal(out.sequence, t.cookie + 1);
	assert_int_equal(out.acknowledgement, ISN + 1 + 1428);
	assert_int_equal(get32(out.option + 4), t.our_ts + 9);
	/* An odd option that needs the walk: SACK beside a timestamp. */
	w = t.client;
	stamp(&w, CLIENT_TS + 3, t.our_ts + 6);
	memcpy(w.option + 12, "\x01\x01\x05\x0a", 4);
	put32(w.option + 16, t.cookie + 11);
	put32(w.option + 20, t.cookie + 21);
	w.option_length = 24;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(get32(out.option + 16), ORIGIN_ISN + 11);
	assert_int_equal(get32(out.option + 20), ORIGIN_ISN + 21);
	/* Too big: in the middle of a path that was larger before. */
	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1;
	w.payload = 1460;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(quoted_parse(&f).icmp.rest, 1480);
}

/*
 * The tc program's last packet: the ACK to the origin, IPv4 again after the IPv6 that was cloned.
 */
static void handshake(void **state)
{
	struct wire w = client_of(IPPROTO_TCP, 43001);
	struct talk t = { .version = 6 };
	static uint8_t out[FRAME_MAX];
	struct __sk_buff context = { .ifindex = if_nametoindex("l0") };
	struct parsed parsed;
	struct frame f;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_out = out, .data_size_out = sizeof(out),
		.ctx_in = &context, .ctx_size_in = sizeof(context));

	(void)state;
	offer(&w, 1460, 10, 1, 1);
	(void)talk_syn(&t, 43001, &w);
	t.client.destination_port = TCP_PORT;
	(void)talk_ack(&t);
	t.origin.source = ORIGIN4;
	t.origin.destination = SOURCE4;
	w = t.origin;
	offer(&w, 1460, 7, 1, 1);
	put32(w.option + 8, ORIGIN_TS);
	put32(w.option + 12, CLIENT_TS + 1);
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	run.data_in = f.byte;
	run.data_size_in = f.size;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_handshake), &run), 0);
	assert_int_equal(run.retval, 7); /* TC_ACT_REDIRECT */
	memcpy(f.byte, out, run.data_size_out);
	f.size = run.data_size_out;
	assert_int_equal(frame_version(&f), 4);
	parsed = frame_parse(&f);
	assert_address(&parsed.destination, ORIGIN4);
	assert_address(&parsed.source, SOURCE4);
	assert_int_equal(parsed.flags, ACK);
	assert_int_equal(parsed.acknowledgement, ORIGIN_ISN + 1);
	assert_int_equal(parsed.sequence, ISN + 1);
}

struct mapped {
	struct icmp from;
	struct icmp to;
	int carried;
};

static const struct mapped to_client[] = {
	{ { 3, 0, 0 }, { 1, 0, 0 }, 1 },
	{ { 3, 1, 0 }, { 1, 0, 0 }, 1 },
	{ { 3, 2, 0 }, { 4, 1, 6 }, 1 },
	{ { 3, 3, 0 }, { 1, 4, 0 }, 1 },
	{ { 3, 4, 1400 }, { 2, 0, 1420 }, 1 },
	{ { 3, 4, 0 }, { 2, 0, 1280 }, 1 },
	{ { 3, 4, 576 }, { 2, 0, 1280 }, 1 },
	{ { 3, 13, 0 }, { 1, 1, 0 }, 1 },
	{ { 3, 14, 0 }, { 0, 0, 0 }, 0 },
	{ { 11, 0, 0 }, { 3, 0, 0 }, 1 },
	{ { 11, 1, 0 }, { 3, 1, 0 }, 1 },
	{ { 12, 0, 8u << 24 }, { 4, 0, 7 }, 1 },
	{ { 12, 0, 16u << 24 }, { 4, 0, 24 }, 1 },
	{ { 12, 0, 5u << 24 }, { 0, 0, 0 }, 0 },
	{ { 12, 1, 0 }, { 0, 0, 0 }, 0 },
};
static const struct mapped to_origin[] = {
	{ { 1, 0, 0 }, { 3, 1, 0 }, 1 },
	{ { 1, 1, 0 }, { 3, 10, 0 }, 1 },
	{ { 1, 4, 0 }, { 3, 3, 0 }, 1 },
	{ { 2, 0, 1400 }, { 3, 4, 1380 }, 1 },
	{ { 2, 0, 1280 }, { 3, 4, 1260 }, 1 },
	{ { 3, 0, 0 }, { 11, 0, 0 }, 1 },
	{ { 3, 1, 0 }, { 11, 1, 0 }, 1 },
	{ { 4, 0, 7 }, { 12, 0, 8u << 24 }, 1 },
	{ { 4, 0, 24 }, { 12, 0, 16u << 24 }, 1 },
	{ { 4, 1, 6 }, { 3, 2, 0 }, 1 },
	{ { 4, 0, 2 }, { 0, 0, 0 }, 0 },
	{ { 4, 2, 0 }, { 0, 0, 0 }, 0 },
};

static void check_icmp(const struct quoted *q, const struct icmp *want)
{
	assert_int_equal(q->icmp.type, want->type);
	assert_int_equal(q->icmp.code, want->code);
	assert_int_equal(q->icmp.rest, want->rest);
}

static void errors(void **state)
{
	struct wire w = client_of(IPPROTO_UDP, 42030), reply;
	struct frame sent, answered, f;
	struct parsed out;
	struct quoted q;

	(void)state;
	w.payload = 45;
	sent = frame_build(&w);
	out = run_to(&sent, XDP_REDIRECT);
	reply = from_origin(&out, 4);
	reply.payload = 99;
	answered = origin_frame(&reply);
	(void)run_to(&answered, XDP_REDIRECT);
	for (size_t i = 0; i < sizeof(to_client) / sizeof(to_client[0]); i++) {
		f = error_frame(SOURCE4, &to_client[i].from, &sent, frame_ip_length(&sent));
		f.ifindex = if_nametoindex("l0");
		assert_int_equal(
			frame_run(skel, &f), to_client[i].carried ? XDP_REDIRECT : XDP_DROP);
		if (!to_client[i].carried)
			continue;
		assert_int_equal(frame_version(&f), 6);
		q = quoted_parse(&f);
		check_icmp(&q, &to_client[i].to);
		assert_int_equal(q.version, 6);
		assert_address(&q.outer.source, VIP6);
		assert_address(&q.outer.destination, CLIENT6);
		assert_address(&q.source, CLIENT6);
		assert_address(&q.destination, VIP6);
		assert_int_equal(q.source_port, 42030);
		assert_int_equal(q.destination_port, UDP_PORT);
		assert_int_equal(q.length, 53);
	}
	for (size_t i = 0; i < sizeof(to_origin) / sizeof(to_origin[0]); i++) {
		f = error_frame(VIP6, &to_origin[i].from, &answered, frame_ip_length(&answered));
		assert_int_equal(
			frame_run(skel, &f), to_origin[i].carried ? XDP_REDIRECT : XDP_DROP);
		if (!to_origin[i].carried)
			continue;
		assert_int_equal(frame_version(&f), 4);
		q = quoted_parse(&f);
		check_icmp(&q, &to_origin[i].to);
		assert_int_equal(q.version, 4);
		assert_address(&q.outer.source, SOURCE4);
		assert_address(&q.outer.destination, ORIGIN4);
		assert_address(&q.source, ORIGIN4);
		assert_address(&q.destination, SOURCE4);
		assert_int_equal(q.source_port, 5354);
		assert_int_equal(q.length, 107);
	}
}

/*
 * An IPv4 client of IPv6 origins has none; a rule with both gives an IPv6 client its own version's.
 */
static void choice(void **state)
{
	struct wire w = from_client(4, IPPROTO_UDP);
	uint64_t before = reason_packets(skel, REASON_no_origin);
	struct frame f;

	(void)state;
	w.destination_port = 55;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	w = from_client(4, IPPROTO_TCP);
	w.destination_port = 82;
	w.flags = SYN;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_int_equal(reason_packets(skel, REASON_no_origin), before + 2);
	for (uint16_t i = 0; i < 64; i++) {
		struct parsed out;

		w = from_client(6, IPPROTO_UDP);
		w.source_port = (uint16_t)(42100 + i);
		f = frame_build(&w);
		out = run_to(&f, XDP_REDIRECT);
		assert_address(&out.destination, ORIGIN6);
	}
}

static int setup(void **state)
{
	(void)state;
	network_make();
	skel = world_make();
	setup_world();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_both_ways),
		cmocka_unit_test(udp_checksums),
		cmocka_unit_test(udp_unusual),
		cmocka_unit_test(fragments),
		cmocka_unit_test(too_big),
		cmocka_unit_test(tcp),
		cmocka_unit_test(handshake),
		cmocka_unit_test(errors),
		cmocka_unit_test(choice),
	};

	return PACKET_TESTS(tests, setup, world_teardown);
}
