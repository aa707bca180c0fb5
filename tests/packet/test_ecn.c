/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ECN through a cookie: agreed with the client by the node, then asked of the origin. An origin that agrees hears and says
 * everything itself; for one that does not the node answers the client's marks.
 */
#include "sniff.h"

#define ECT	     2 /* ECT(0) */
#define CE	     3
#define CLASS	     0xb8 /* what is not ECN stays */
#define STAMP_ECN    32u
#define MIXED_PORT   81 /* IPv6 clients of an IPv4 origin */
#define CLIENT_AHEAD 5000000u

static struct wire asking(int version, uint8_t flags)
{
	struct wire w = from_client(version, IPPROTO_TCP);

	offer(&w, 1380, 10, 1, 1);
	w.flags = flags;
	w.sequence = ISN;
	return w;
}

static struct parsed said(const struct wire *w, int from_origin)
{
	struct frame f = from_origin ? origin_frame(w) : frame_build(w);

	return run_to(&f, XDP_REDIRECT);
}

/* The SYN of a client that asks, or does not, and the answer. */
static struct parsed ask(
	struct talk *t, int version, uint16_t port, uint16_t service, uint8_t flags)
{
	struct wire w = asking(version, flags);
	struct parsed out;

	w.source_port = port;
	w.destination_port = service;
	out = said(&w, 0);
	*t = (struct talk){ .version = version, .client = w };
	t->cookie = out.sequence;
	t->client.option_length = 0;
	t->client.flags = ACK;
	t->client.sequence = ISN + 1;
	t->client.acknowledgement = t->cookie + 1;
	t->our_ts = out.option_length >= 16 ? get32(out.option + 8) : 0;
	return out;
}

static void answer(struct talk *t, uint8_t flags)
{
	struct wire w = t->origin;
	struct frame f;

	offer(&w, 1400, 7, 1, 0);
	w.flags = SYN | ACK | flags;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	w.window = 65000;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
}

static struct talk asked(int version, uint16_t port)
{
	struct talk t;

	assert_int_equal(ask(&t, version, port, 80, SYN | ECE | CWR).flags, SYN | ACK | ECE);
	assert_int_equal(talk_ack(&t).flags, SYN | ECE | CWR);
	return t;
}

/* A segment of the client with payload, "at" bytes into its stream. */
static struct parsed client_says(struct talk *t, uint32_t at, uint8_t mark, uint8_t flags)
{
	struct wire w = t->client;

	w.sequence += at;
	w.payload = 10;
	w.flags = ACK | flags;
	w.traffic_class = CLASS | mark;
	stamp(&w, CLIENT_TS + 2, t->our_ts);
	return said(&w, 0);
}

static struct parsed origin_says(struct talk *t, uint8_t mark, uint8_t flags)
{
	struct wire w = t->origin;

	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1;
	w.flags = flags;
	w.payload = 10;
	w.traffic_class = CLASS | mark;
	return said(&w, 1);
}

/* Only who asks, and has room to note it, is told that it is agreed. */
static void answers(int version)
{
	static const uint8_t not_asked[] = { SYN, SYN | ECE, SYN | CWR };
	struct wire w = asking(version, SYN | ECE | CWR);
	struct parsed out;
	struct talk t;

	out = ask(&t, version, 46000, 80, SYN | ECE | CWR);
	assert_int_equal(out.flags, SYN | ACK | ECE);
	assert_int_equal(out.traffic_class, 0);
	assert_int_equal(t.our_ts & 63, 10 | 1 << 4 | STAMP_ECN);
	for (size_t i = 0; i < sizeof(not_asked); i++) {
		out = ask(&t, version, 46001, 80, not_asked[i]);
		assert_int_equal(out.flags, SYN | ACK);
		assert_int_equal(t.our_ts & STAMP_ECN, 0);
	}
	/* The answer that is not written in place. */
	w.vlan = 1;
	assert_int_equal(said(&w, 0).flags, SYN | ACK | ECE);
	w.vlan = 0;
	offer(&w, 1380, 10, 1, 0);
	assert_int_equal(said(&w, 0).flags, SYN | ACK);
	/* Timestamps without an MSS are not answered. */
	stamp(&w, CLIENT_TS, 0);
	assert_int_equal(said(&w, 0).flags, SYN | ACK);
	w.option_length = 0;
	assert_int_equal(said(&w, 0).flags, SYN | ACK);
}
TEST(answers)

static void not_asked_of_origin(int version)
{
	struct talk t;

	(void)ask(&t, version, 46010, 80, SYN);
	assert_int_equal(talk_ack(&t).flags, SYN);
	answer(&t, ECE);
	/* Nobody has agreed: what a client sends all the same is not the node's to answer. */
	assert_int_equal(client_says(&t, 0, CE, CWR).traffic_class, CLASS | CE);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK);
}
TEST(not_asked_of_origin)

/* Marks and flags are between the two. */
static void agreed(int version)
{
	struct talk t = asked(version, 46020);
	struct parsed out;

	answer(&t, ECE);
	out = client_says(&t, 0, ECT, CWR);
	assert_int_equal(out.traffic_class, CLASS | ECT);
	assert_int_equal(out.flags, ACK | CWR);
	out = client_says(&t, 10, CE, ECE);
	assert_int_equal(out.traffic_class, CLASS | CE);
	assert_int_equal(out.flags, ACK | ECE);
	out = origin_says(&t, CE, ACK);
	assert_int_equal(out.traffic_class, CLASS | CE);
	assert_int_equal(out.flags, ACK);
	assert_int_equal(origin_says(&t, ECT, ACK | ECE | CWR).flags, ACK | ECE | CWR);
}
TEST(agreed)

static void split_by(int version, uint16_t port, uint8_t flags)
{
	struct talk t = asked(version, port);
	struct parsed out;

	answer(&t, flags);
	out = client_says(&t, 0, ECT, 0);
	assert_int_equal(out.traffic_class, CLASS);
	assert_int_equal(out.flags, ACK);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK);
	/* A mark: not for the origin, and answered until the client has heard it. */
	assert_int_equal(client_says(&t, 10, CE, PSH).traffic_class, CLASS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(origin_says(&t, 0, ACK).flags, ACK | ECE);
		assert_int_equal(client_says(&t, 20, ECT, 0).flags, ACK);
	}
	assert_int_equal(origin_says(&t, 0, ACK | FIN).flags, ACK | FIN | ECE);
	out = client_says(&t, 30, ECT, CWR);
	assert_int_equal(out.flags, ACK);
	assert_int_equal(out.traffic_class, CLASS);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK);
	/* A new mark on what says CWR. */
	assert_int_equal(client_says(&t, 40, CE, CWR).flags, ACK);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK | ECE);
	assert_int_equal(client_says(&t, 50, 0, CWR).flags, ACK);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK);
	/* What is outside the window says nothing, and is not marked any more either. */
	assert_int_equal(client_says(&t, CLIENT_AHEAD, CE, 0).traffic_class, CLASS);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK);
	/* The client's answer to a mark goes on; it should have none. */
	assert_int_equal(client_says(&t, 60, ECT, ECE).flags, ACK | ECE);
}

/* The origin does not agree, or reflects what it does not know. */
static void split(int version)
{
	split_by(version, 46030, 0);
	split_by(version, 46031, ECE | CWR);
}
TEST(split)

static void split_reset(int version)
{
	struct talk t = asked(version, 46032);

	answer(&t, 0);
	assert_int_equal(client_says(&t, 0, CE, 0).traffic_class, CLASS);
	assert_int_equal(origin_says(&t, 0, RST | ACK).flags, RST | ACK);
}
TEST(split_reset)

/* A SYN that has to be repeated asks no more, and what the origin says then is not believed. */
static void repeated(int version)
{
	struct talk t = asked(version, 46040);

	retry_due(&t.client);
	assert_int_equal(sniff(origin_link).flags, SYN);
	answer(&t, ECE);
	assert_int_equal(client_says(&t, 0, CE, 0).traffic_class, CLASS);
	assert_int_equal(origin_says(&t, 0, ACK).flags, ACK | ECE);
	/* by the client's own packet */
	t = asked(version, 46041);
	assert_int_equal(talk_ack(&t).flags, SYN);
	assert_int_equal(talk_ack(&t).flags, SYN);
}
TEST(repeated)

/* The next SYN after a refusal does not ask; the one after a challenge does: the first was heard. */
static void again(int version)
{
	struct talk t = asked(version, 46050);
	struct wire w = t.origin;
	struct frame f;

	w.flags = RST | ACK;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	assert_int_equal(handshake_of(&f), TC_ACT_REDIRECT);
	assert_int_equal(frame_parse(&f).flags, SYN);
	t = asked(version, 46051);
	w = t.origin;
	w.flags = ACK;
	w.sequence = 77;
	w.acknowledgement = 99;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	assert_int_equal(handshake_of(&f), TC_ACT_REDIRECT);
	assert_int_equal(sniff(origin_link).flags, RST);
	assert_int_equal(frame_parse(&f).flags, SYN | ECE | CWR);
}
TEST(again)

/* From one IP version to the other. */
static void test_mixed(void **state)
{
	struct parsed out;
	struct talk t;

	(void)state;
	fill(skel);
	service_set(skel, IPPROTO_TCP, MIXED_PORT, ORIGIN4, NULL, 8081);
	for (uint16_t i = 0; i < 2; i++) {
		(void)ask(&t, 6, 46060 + i, MIXED_PORT, SYN | ECE | CWR);
		assert_int_equal(talk_ack(&t).flags, SYN | ECE | CWR);
		t.origin.source = ORIGIN4;
		t.origin.destination = SOURCE4;
		answer(&t, i ? ECE : 0);
		out = client_says(&t, 0, CE, 0);
		assert_address(&out.destination, ORIGIN4);
		assert_int_equal(out.traffic_class, i ? CLASS | CE : CLASS);
		out = origin_says(&t, i ? CE : 0, ACK);
		assert_address(&out.destination, CLIENT6);
		assert_int_equal(out.traffic_class, i ? CLASS | CE : CLASS);
		assert_int_equal(out.flags, i ? ACK : ACK | ECE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_not_asked_of_origin),
		cmocka_unit_test(test_agreed),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_reset),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_mixed),
	};

	return PACKET_TESTS(tests, sniff_setup, sniff_teardown);
}
