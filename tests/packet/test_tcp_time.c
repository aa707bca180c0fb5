/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections over time: timestamps that must never seem to go back, or their receiver discards the segment
 * (PAWS, RFC 7323 section 5), and connections of which one side has ended long before the other.
 */
#include "talk.h"

#define IDLE_S 300 /* of the tests' port rule */

/* The origin agrees with a timestamp of its own. */
static void answer_at(struct talk *t, uint32_t value)
{
	struct wire w = t->origin;
	struct frame f;

	offer(&w, 1400, 7, 1, 1);
	put32(w.option + 8, value);
	put32(w.option + 12, CLIENT_TS + 1);
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
}

static struct parsed from_origin_at(
	const struct talk *t, uint8_t flags, uint32_t value, uint32_t echo)
{
	struct wire w = t->origin;
	struct frame f;

	w.flags = flags;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1;
	stamp(&w, value, echo);
	w.payload = flags & FIN ? 0 : 10;
	f = origin_frame(&w);
	return run_to(&f, XDP_REDIRECT);
}

static struct parsed from_client_at(
	const struct talk *t, uint8_t flags, uint32_t value, uint32_t echo)
{
	struct wire w = t->client;
	struct frame f;

	w.flags = flags;
	stamp(&w, value, echo);
	f = frame_build(&w);
	return run_to(&f, XDP_REDIRECT);
}

/* What the client hears begins with the cookie's timestamp and goes on as the origin's does, past its wrap, too. */
static void stamps(int version)
{
	static const uint32_t first[] = { 0, 50, 0x7ffffff0u, 0x80000000u, 0xfffffff0u };
	static const uint32_t later[] = { 0, 1, 15, 16, 1000, 0x7fffffffu };

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		struct talk t = { .version = version };
		struct wire w = from_client(version, IPPROTO_TCP);

		offer(&w, 1460, 10, 1, 1);
		talk_syn(&t, (uint16_t)(46000 + i), &w);
		assert_int_equal(get32(talk_ack(&t).option + 8), CLIENT_TS + 1);
		answer_at(&t, first[i]);
		for (size_t j = 0; j < sizeof(later) / sizeof(later[0]); j++) {
			uint32_t value = first[i] + later[j];
			struct parsed out = from_origin_at(&t, ACK, value, CLIENT_TS + 1);

			assert_int_equal(get32(out.option + 4), t.our_ts + later[j]);
			assert_int_equal(get32(out.option + 8), CLIENT_TS + 1);
			out = from_client_at(&t, ACK, CLIENT_TS + later[j], t.our_ts + later[j]);
			assert_int_equal(get32(out.option + 4), CLIENT_TS + later[j]);
			assert_int_equal(get32(out.option + 8), value);
		}
	}
}
TEST(stamps)

/* Two cookies for one tuple: whichever the client took first, the other is not from before it. */
static void cookies(int version)
{
	struct wire w = from_client(version, IPPROTO_TCP);
	struct talk t = { .version = version };
	uint32_t before = 0;

	offer(&w, 1460, 10, 1, 1);
	for (int i = 0; i < 10; i++) {
		talk_syn(&t, 46010, &w);
		if (i && (int32_t)(t.our_ts - before) < 0)
			fail_msg("cookie %d: %u after %u", i, t.our_ts, before);
		before = t.our_ts;
		time_pass(skel, SECOND_NS / 50);
	}
	/* The ACK echoes it: the flow's numbers go on from the cookie that was taken. */
	talk_ack(&t);
	answer_at(&t, 7);
	assert_int_equal(get32(from_origin_at(&t, ACK, 7, CLIENT_TS + 1).option + 4), before);
}
TEST(cookies)

/* So much time passes in which neither side says anything. */
static void pass_time(const struct talk *t, int64_t seconds)
{
	struct flow_key key = {
		.source = address_of(t->client.source),
		.destination = address_of(t->client.destination),
		.source_port = htons(t->client.source_port),
		.destination_port = htons(t->client.destination_port),
	};
	struct flow flow = flow_of(&t->client);

	flow.seen_ns -= (uint64_t)(seconds * SECOND_NS);
	flow.route_ns = 0;
	map_set(skel->maps.flow_tcp, &key, &flow);
}

/* One side has ended; the other goes on for as long as any connection may be idle, again and again. */
static void half_closed(int version)
{
	for (int by_client = 0; by_client < 2; by_client++) {
		struct talk t = talk_open(version, (uint16_t)(46020 + by_client), 7);

		(void)(by_client ? from_client_at(&t, FIN | ACK, CLIENT_TS, t.our_ts)
				 : from_origin_at(&t, FIN | ACK, ORIGIN_TS, CLIENT_TS));
		for (int i = 0; i < 5; i++) {
			pass_time(&t, IDLE_S - 5);
			assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
			if (by_client)
				from_origin_at(&t, ACK, ORIGIN_TS, CLIENT_TS);
			else
				from_client_at(&t, ACK, CLIENT_TS, t.our_ts);
			pass_time(&t, IDLE_S - 5);
			/* What it says is acknowledged. */
			if (by_client)
				from_client_at(&t, ACK, CLIENT_TS, t.our_ts);
			else
				from_origin_at(&t, ACK, ORIGIN_TS, CLIENT_TS);
		}
		/* The first FIN once more is no second one. */
		if (by_client)
			from_client_at(&t, FIN | ACK, CLIENT_TS, t.our_ts);
		else
			from_origin_at(&t, FIN | ACK, ORIGIN_TS, CLIENT_TS);
		assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
		if (by_client)
			from_origin_at(&t, FIN | ACK, ORIGIN_TS, CLIENT_TS);
		else
			from_client_at(&t, FIN | ACK, CLIENT_TS, t.our_ts);
		assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
		/* The last ACK still passes. */
		from_client_at(&t, ACK, CLIENT_TS, t.our_ts);
	}
}
TEST(half_closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_half_closed),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
