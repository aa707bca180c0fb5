/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TCP as a conversation of packets: SYN, cookie, flow, the origin's SYN, its answer, data both
 * ways. Fields are compared with what the wire must show; frame_parse() verifies every checksum.
 */
#include "talk.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

static void syn_ack_fields(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct parsed out;

	offer(&w, 1460, 10, 1, 1);
	out = talk_syn(&t, 41000, &w);
	assert_address(&out.source, w.destination);
	assert_address(&out.destination, w.source);
	assert_int_equal(out.source_port, 80);
	assert_int_equal(out.destination_port, 41000);
	assert_int_equal(out.flags, SYN | ACK);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(out.window, 0);
	assert_int_equal(out.option_length, 20);
	assert_int_equal(get32(out.option), 0x02040000 + (version == 4 ? 1460 : 1440));
	assert_int_equal(get32(out.option + 4), 0x0402080a);
	assert_int_equal(get32(out.option + 12), CLIENT_TS);
	assert_int_equal(get32(out.option + 16), 0x01030307);
	assert_int_equal(t.our_ts & 63, 10 | 1 << 4);
	assert_memory_equal(out.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(out.ethernet + 6, WAN_MAC, 6);
	assert_false(flow_exists(&t.client));
}
TEST(syn_ack_fields)

/* What the client did not offer is not answered with. */
static void syn_ack_options(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct parsed out;

	offer(&w, 536, -1, 0, 1);
	out = talk_syn(&t, 41001, &w);
	assert_int_equal(out.option_length, 16);
	assert_int_equal(get32(out.option + 4), 0x0101080a);
	assert_int_equal(t.our_ts & 63, 15);
	offer(&w, 1300, 3, 1, 0);
	out = talk_syn(&t, 41002, &w);
	assert_int_equal(out.option_length, 4);
	w.option_length = 0;
	out = talk_syn(&t, 41003, &w);
	assert_int_equal(out.option_length, 0);
	out = talk_ack(&t);
	assert_int_equal(get32(out.option), 0x02040000 + (version == 4 ? 536 : 1220));
}
TEST(syn_ack_options)

static void cookie_is_siphash(int version)
{
	struct settings s = settings_default();
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct address address[2] = { address_of(w.source), address_of(w.destination) };
	uint8_t message[39] = { 0 }, *at = message, key[16], hash[8];
	size_t size = 8, length, address_size = version == 4 ? 4 : 16;
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	unsigned int word_rounds = 1, last_rounds = 3;
	OSSL_PARAM parameter[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &word_rounds),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &last_rounds),
		OSSL_PARAM_construct_end() };
	uint32_t tail, sum;

	offer(&w, 1380, 10, 1, 1);
	talk_syn(&t, 41004, &w);
	tail = s.cookie_epoch << 3 | (t.cookie >> 28 & 7);
	assert_int_equal(t.cookie >> 31, s.cookie_epoch & 1);
	for (int i = 0; i < 2; i++) {
		memcpy(at, address[i].byte + 16 - address_size, address_size);
		at += address_size;
	}
	put16(at, 41004);
	put16(at + 2, 80);
	memcpy(at + 4, &tail, 3);
	at += 7;
	memcpy(key, s.cookie_key[s.cookie_epoch & 1], 16);
	assert_int_equal(EVP_MAC_init(context, key, 16, parameter), 1);
	assert_int_equal(EVP_MAC_update(context, message, (size_t)(at - message)), 1);
	assert_int_equal(EVP_MAC_final(context, hash, &length, sizeof(hash)), 1);
	memcpy(&sum, hash, 4);
	assert_int_equal(t.cookie & 0x0fffffff, (sum + ISN * 0x9e3779b1u) & 0x0fffffff);
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
}
TEST(cookie_is_siphash)

static void cookie_epochs(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct settings s = settings_default();
	struct frame f;

	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, 41010, &w);
	/* One epoch later, the other slot has a new key: still accepted. */
	s.cookie_epoch++;
	s.cookie_key[s.cookie_epoch & 1][0] = 99;
	settings_set(skel, &s);
	talk_ack(&t);
	/* Two epochs later the slot's key has changed: refused. */
	talk_syn(&t, 41011, &w);
	s.cookie_epoch += 2;
	s.cookie_key[0][0] = 98;
	s.cookie_key[1][0] = 97;
	settings_set(skel, &s);
	f = frame_build(&t.client);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	/* The same key, but the epoch number says that it is too old. */
	talk_syn(&t, 41012, &w);
	s.cookie_epoch += 2;
	settings_set(skel, &s);
	f = frame_build(&t.client);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	s = settings_default();
	settings_set(skel, &s);
}
TEST(cookie_epochs)

/* A cookie is good for its addresses, ports, ISN and MSS index only. */
static void cookie_bound(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP), x;
	struct frame f;

	offer(&w, 1460, 10, 1, 1);
	service_set(skel, IPPROTO_TCP, 81, ORIGIN4, ORIGIN6, 8080);
	talk_syn(&t, 41020, &w);
	for (int i = 0; i < 7; i++) {
		x = t.client;
		x.source_port = (uint16_t)(x.source_port + (i == 0));
		x.destination_port = (uint16_t)(x.destination_port + (i == 1));
		x.sequence += i == 2 ? 2 : 0;
		x.acknowledgement += i == 3;
		x.acknowledgement ^= i == 4 ? 1u << 28 : i == 5 ? 1u << 31 : 0;
		if (i == 6)
			x.source = version == 4 ? "10.201.1.3" : "fd01::3";
		f = frame_build(&x);
		if (frame_run(skel, &f) != XDP_DROP)
			fail_msg("case %d was accepted", i);
	}
	talk_ack(&t);
}
TEST(cookie_bound)

/* The SYN toward the origin, and its repetition by a later packet of the client. */
static void origin_syn(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct parsed out, again;
	struct frame f;
	struct flow flow;

	uint64_t sent = vip_place_packets(skel, VIP_PLACE_COOKIE_SENT);
	uint64_t opened = vip_place_packets(skel, VIP_PLACE_FLOW_OPENED);

	offer(&w, 1380, 10, 1, 1);
	talk_syn(&t, 41030, &w);
	assert_int_equal(vip_place_packets(skel, VIP_PLACE_COOKIE_SENT), sent + 1);
	assert_int_equal(vip_place_packets(skel, VIP_PLACE_FLOW_OPENED), opened);
	out = talk_ack(&t);
	assert_int_equal(vip_place_packets(skel, VIP_PLACE_COOKIE_SENT), sent + 1);
	assert_int_equal(vip_place_packets(skel, VIP_PLACE_FLOW_OPENED), opened + 1);
	assert_address(&out.source, version == 4 ? SOURCE4 : SOURCE6);
	assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
	assert_int_equal(out.destination_port, 8080);
	assert_in_range(out.source_port, 10000, 59999);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN);
	assert_int_equal(out.acknowledgement, 0);
	assert_int_equal(out.window, 65535);
	assert_int_equal(out.payload_length, 0);
	assert_int_equal(out.option_length, 20);
	assert_int_equal(get32(out.option), 0x02040000 + 1380);
	assert_int_equal(get32(out.option + 4), 0x0402080a);
	assert_int_equal(get32(out.option + 8), CLIENT_TS + 1);
	assert_int_equal(get32(out.option + 12), 0);
	assert_int_equal(get32(out.option + 16), 0x0103030a);
	assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
	assert_memory_equal(out.ethernet + 6, "\x02\x00\x00\x00\x00\x03", 6);
	flow = flow_of(&t.client);
	assert_int_equal(flow.state, FLOW_SYN_SENT);
	/* A probe of the zero window: same port, same number. */
	w = t.client;
	w.sequence = ISN;
	f = frame_build(&w);
	again = run_to(&f, XDP_REDIRECT);
	assert_int_equal(again.flags, SYN);
	assert_int_equal(again.sequence, ISN);
	assert_int_equal(again.source_port, out.source_port);
}
TEST(origin_syn)

/* The ACK was lost: a probe, which repeats the byte before, carries the cookie too. */
static void probe_opens(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct frame f;
	struct parsed out;

	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, 41040, &w);
	t.client.sequence = ISN;
	f = frame_build(&t.client);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN);
}
TEST(probe_opens)

static void data_both_ways(int version)
{
	struct talk t = talk_open(version, 41050, 10);
	struct wire w = t.client;
	struct frame f;
	struct parsed out;

	w.payload = 333;
	w.flags = ACK | PSH;
	stamp(&w, CLIENT_TS + 9, t.our_ts + 5);
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.sequence, ISN + 1);
	assert_int_equal(out.acknowledgement, ORIGIN_ISN + 1);
	assert_int_equal(out.hop_limit, 63);
	assert_int_equal(out.window, 500);
	assert_int_equal(out.payload_length, 333);
	assert_int_equal(out.payload[332], (uint8_t)(332 * 5 + 3));
	assert_int_equal(get32(out.option + 4), CLIENT_TS + 9);
	assert_int_equal(get32(out.option + 8), t.our_ts + 5 + t.delta);

	w = t.origin;
	w.flags = ACK | PSH;
	w.sequence = ORIGIN_ISN + 101;
	w.acknowledgement = ISN + 334;
	w.payload = 200;
	w.window = 60;
	stamp(&w, ORIGIN_TS + 7, CLIENT_TS + 9);
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_address(&out.source, t.client.destination);
	assert_address(&out.destination, t.client.source);
	assert_int_equal(out.source_port, 80);
	assert_int_equal(out.destination_port, 41050);
	assert_int_equal(out.sequence, t.cookie + 101);
	assert_int_equal(out.acknowledgement, ISN + 334);
	assert_int_equal(out.window, 60 << 3); /* scale 10 in units of scale 7 */
	assert_int_equal(get32(out.option + 4), t.our_ts + 7);
	assert_int_equal(get32(out.option + 8), CLIENT_TS + 9);
	assert_memory_equal(out.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(out.ethernet + 6, WAN_MAC, 6);
}
TEST(data_both_ways)

/* SACK blocks and timestamps in an unusual layout, at odd offsets. */
static void sack_blocks(int version)
{
	struct talk t = talk_open(version, 41060, 7);
	struct wire w = t.client;
	struct frame f;
	struct parsed out;

	w.option[0] = 1;
	w.option[1] = 5;
	w.option[2] = 18;
	put32(w.option + 3, t.cookie + 1000);
	put32(w.option + 7, t.cookie + 2000);
	put32(w.option + 11, t.cookie + 3000);
	put32(w.option + 15, t.cookie + 4000);
	w.option[19] = 8;
	w.option[20] = 10;
	put32(w.option + 21, CLIENT_TS + 3);
	put32(w.option + 25, t.our_ts);
	memset(w.option + 29, 1, 3);
	w.option_length = 32;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(get32(out.option + 3), ORIGIN_ISN + 1000);
	assert_int_equal(get32(out.option + 7), ORIGIN_ISN + 2000);
	assert_int_equal(get32(out.option + 11), ORIGIN_ISN + 3000);
	assert_int_equal(get32(out.option + 15), ORIGIN_ISN + 4000);
	assert_int_equal(get32(out.option + 21), CLIENT_TS + 3);
	assert_int_equal(get32(out.option + 25), ORIGIN_TS);
	/* The client's numbers, which the origin's blocks are in, stay. */
	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1;
	stamp(&w, ORIGIN_TS, CLIENT_TS);
	memcpy(w.option + 12, "\x01\x01\x05\x0a", 4);
	put32(w.option + 16, ISN + 500);
	put32(w.option + 20, ISN + 900);
	w.option_length = 24;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(get32(out.option + 4), t.our_ts);
	assert_int_equal(get32(out.option + 16), ISN + 500);
	assert_int_equal(get32(out.option + 20), ISN + 900);
}
TEST(sack_blocks)

/* Four blocks fill the header; a list that breaks off must not reach beyond it. */
static void odd_options(int version)
{
	struct talk t = talk_open(version, 41065, 7);
	struct wire w = t.client;
	struct frame f;
	struct parsed out;

	memcpy(w.option, "\x01\x01\x05\x22", 4);
	for (uint32_t i = 0; i < 8; i++)
		put32(w.option + 4 + 4 * i, t.cookie + i);
	w.option_length = 36;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(get32(out.option + 4 + 4 * i), ORIGIN_ISN + i);
	for (uint32_t kind = 0; kind < 256; kind++) {
		for (uint32_t length = 0; length < 48; length += length < 12 ? 1 : 5) {
			w.option_length = 8;
			memset(w.option, 1, 8);
			w.option[4] = (uint8_t)kind;
			w.option[5] = (uint8_t)length;
			w.payload = 40;
			f = frame_build(&w);
			out = run_to(&f, XDP_REDIRECT);
			for (uint32_t i = 0; i < 40; i++)
				assert_int_equal(out.payload[i], (uint8_t)(i * 5 + 3));
		}
	}
}
TEST(odd_options)

static void windows(int version)
{
	static const struct {
		int scale; /* of the origin; -1: none */
		uint16_t from_origin;
		uint16_t to_client;
		uint16_t from_client;
		uint16_t to_origin;
	} row[] = {
		{ 7, 12345, 12345, 600, 600 },
		{ 10, 65535, 65535, 600, 600 }, /* more than can be said */
		{ 0, 65535, 511, 600, 600 },
		{ 14, 1, 128, 600, 600 },
		{ -1, 1280, 10, 63, 64512 },
		{ -1, 100, 1, 600, 65535 }, /* small: not closed, and a segment stays one */
		{ -1, 576, 5, 600, 65535 },
	};

	for (uint32_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct talk t = talk_open(version, (uint16_t)(41070 + i), row[i].scale);
		struct wire w = t.client;
		struct frame f;

		w.window = row[i].from_client;
		f = frame_build(&w);
		assert_int_equal(run_to(&f, XDP_REDIRECT).window, row[i].to_origin);
		w = t.origin;
		w.flags = ACK;
		w.sequence = ORIGIN_ISN + 1;
		w.acknowledgement = ISN + 1;
		w.window = row[i].from_origin;
		f = origin_frame(&w);
		assert_int_equal(run_to(&f, XDP_REDIRECT).window, row[i].to_client);
	}
}
TEST(windows)

/* A client without timestamps: MSS only, windows unscaled. */
static void plain_client(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct frame f;
	struct parsed out;

	offer(&w, 1220, 9, 1, 0);
	talk_syn(&t, 41080, &w);
	out = talk_ack(&t);
	assert_int_equal(out.option_length, 4);
	assert_int_equal(get32(out.option), 0x02040000 + 1220);
	assert_int_equal(out.window, 500);
	w = t.origin;
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.window = 4000;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.window, 4000);
	assert_int_equal(out.sequence, t.cookie + 1);
}
TEST(plain_client)

static void origin_refuses(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct frame f;
	struct parsed out;

	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, 41090, &w);
	talk_ack(&t);
	w = t.origin;
	w.flags = RST | ACK;
	w.acknowledgement = ISN; /* of something else */
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS); /* once more: polder_handshake */
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, RST | ACK);
	assert_int_equal(out.sequence, t.cookie + 1);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
}
TEST(origin_refuses)

/* An origin in TIME_WAIT answers with what it remembers, and is answered with RST. */
static void challenge(int version)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct frame f;
	struct parsed out;

	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, 41091, &w);
	talk_ack(&t);
	w = t.origin;
	w.flags = ACK;
	w.sequence = 4242;
	w.acknowledgement = 999;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS); /* RST and SYN: polder_handshake */
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT); /* RST only: no endless exchange */
	assert_int_equal(out.flags, RST);
	assert_int_equal(out.sequence, 999);
	assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
	assert_int_equal(out.source_port, w.destination_port);
	assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
	assert_int_equal(flow_of(&t.client).state, FLOW_SYN_SENT);
}
TEST(challenge)

static void closing(int version)
{
	struct talk t = talk_open(version, 41092, 7);
	struct wire w = t.client;
	struct frame f;

	w.flags = FIN | ACK;
	f = frame_build(&w);
	run_to(&f, XDP_REDIRECT);
	assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
	w = t.origin;
	w.flags = FIN | ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 2;
	f = origin_frame(&w);
	run_to(&f, XDP_REDIRECT);
	assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
	/* Retransmissions still pass. */
	f = frame_build(&t.client);
	run_to(&f, XDP_REDIRECT);
	t = talk_open(version, 41093, 7);
	w = t.client;
	w.flags = RST;
	f = frame_build(&w);
	assert_int_equal(run_to(&f, XDP_REDIRECT).flags, RST);
	assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
}
TEST(closing)

/*
 * A new connection on an old tuple: the SYN changes nothing, the ACK of its cookie replaces the
 * flow.
 */
static void renewed(int version)
{
	struct talk t = talk_open(version, 41094, 7), next = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct flow old = flow_of(&t.client), fresh;
	struct frame f;
	struct parsed out;

	offer(&w, 1460, 10, 1, 1);
	w.source_port = 41094;
	w.flags = SYN;
	w.sequence = ISN + 77777;
	f = frame_build(&w);
	next.cookie = run_to(&f, XDP_REDIRECT).sequence;
	/* The old connection goes on. */
	f = frame_build(&t.client);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.acknowledgement, ORIGIN_ISN + 1);
	/* The right number with a wrong cookie is not enough. */
	w = t.client;
	w.sequence = ISN + 77778;
	w.acknowledgement = next.cookie + 2;
	f = frame_build(&w);
	assert_int_equal(run_to(&f, XDP_REDIRECT).flags, ACK);
	w.acknowledgement = next.cookie + 1;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN + 77777);
	fresh = flow_of(&t.client);
	assert_int_equal(fresh.state, FLOW_SYN_SENT);
	/* By the same port: the origin says where its old connection stands, which is reset then. */
	assert_int_equal(fresh.local_port, old.local_port);
	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 500;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, RST);
	assert_int_equal(out.sequence, ISN + 500);
	assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
}
TEST(renewed)

/* An open flow takes no other SYN-ACK than its own again. */
static void syn_ack_again(int version)
{
	struct talk t = talk_open(version, 41095, 7);
	struct wire w = t.origin;
	struct frame f;

	talk_answer(&t, 7, 1);
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN + 5;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_int_equal(flow_of(&t.client).sequence_delta, ORIGIN_ISN - t.cookie);
}
TEST(syn_ack_again)

static void rule_removed(int version)
{
	struct talk t = talk_open(version, 41096, 7);
	struct service_key key = service_key_of(IPPROTO_TCP, 80);
	struct frame f = frame_build(&t.client);

	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.service), &key), 0);
	time_pass(skel, SECOND_NS * 11 / 10); /* looked up once a second */
	f = frame_build(&t.client);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	service_set(skel, IPPROTO_TCP, 80, ORIGIN4, ORIGIN6, 8080);
}
TEST(rule_removed)

/* One port: a closed connection yields it after a second, an open one never. */
static void port_yielded(int version)
{
	struct settings s = settings_default();
	struct wire w = from_client(version, IPPROTO_TCP);
	struct talk t, next = { .version = version };
	struct frame f;

	s.port_first = 3000;
	s.port_count = 1;
	settings_set(skel, &s);
	t = talk_open(version, 41097, 7);
	assert_int_equal(flow_of(&t.client).local_port, htons(3000));
	offer(&w, 1460, 10, 1, 1);
	talk_syn(&next, 41098, &w);
	time_pass(skel, SECOND_NS * 11 / 10);
	f = frame_build(&next.client);
	assert_int_equal(frame_run(skel, &f), XDP_DROP); /* open */
	t.client.flags = RST;
	f = frame_build(&t.client);
	run_to(&f, XDP_REDIRECT);
	f = frame_build(&next.client);
	assert_int_equal(frame_run(skel, &f), XDP_DROP); /* just closed */
	time_pass(skel, SECOND_NS * 11 / 10);
	assert_int_equal(talk_ack(&next).source_port, 3000);
	assert_false(flow_exists(&t.client));
	s = settings_default();
	settings_set(skel, &s);
}
TEST(port_yielded)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_ack_fields),
		cmocka_unit_test(test_syn_ack_options),
		cmocka_unit_test(test_cookie_is_siphash),
		cmocka_unit_test(test_cookie_epochs),
		cmocka_unit_test(test_cookie_bound),
		cmocka_unit_test(test_origin_syn),
		cmocka_unit_test(test_probe_opens),
		cmocka_unit_test(test_data_both_ways),
		cmocka_unit_test(test_sack_blocks),
		cmocka_unit_test(test_odd_options),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_plain_client),
		cmocka_unit_test(test_origin_refuses),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_syn_ack_again),
		cmocka_unit_test(test_rule_removed),
		cmocka_unit_test(test_port_yielded),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
