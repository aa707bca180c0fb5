/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * RST of either side inside and outside of the other's window, while acknowledgements move it.
 */
#include "talk.h"

#define GRAIN	      32768u
#define CLIENT_WINDOW (500u << 10) /* scale 10 */
#define ORIGIN_WINDOW (500u << 7)  /* scale 7 */

static void mitigate(uint32_t on, uint32_t watch)
{
	struct vip vip = vip_protected();

	vip.mitigation_on = on;
	vip.mitigation_watch = watch;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

static uint64_t counted(uint32_t reason)
{
	return vip_reason_packets(skel, reason);
}

static uint32_t client_rst(const struct talk *t, uint32_t sequence)
{
	struct wire w = t->client;
	struct frame f;

	w.flags = RST;
	w.sequence = sequence;
	f = frame_build(&w);
	return frame_run(skel, &f);
}

static uint32_t origin_rst(const struct talk *t, uint32_t sequence)
{
	struct wire w = t->origin;
	struct frame f;

	w.flags = RST;
	w.sequence = sequence;
	f = origin_frame(&w);
	return frame_run(skel, &f);
}

static void client_acks(const struct talk *t, uint32_t acknowledgement)
{
	struct wire w = t->client;
	struct frame f;

	w.acknowledgement = acknowledgement;
	f = frame_build(&w);
	run_to(&f, XDP_REDIRECT);
}

static void origin_acks(const struct talk *t, uint32_t acknowledgement)
{
	struct wire w = t->origin;
	struct frame f;

	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = acknowledgement;
	f = origin_frame(&w);
	run_to(&f, XDP_REDIRECT);
}

/* Dropped, and the flow is as it was; or carried on, and the flow closes until someone speaks. */
static void assert_verdict(const struct talk *t, uint32_t verdict, uint32_t want)
{
	assert_int_equal(verdict, want);
	assert_int_equal(flow_of(&t->client).state, want == XDP_DROP ? FLOW_OPEN : FLOW_CLOSING);
	client_acks(t, t->cookie + 1);
	assert_int_equal(flow_of(&t->client).state, FLOW_OPEN);
}

static void bounds(int version)
{
	struct talk t;

	mitigate(MITIGATION_BIT(reset_window), 0);
	t = talk_open(version, 44000, 7);
	/* The windows of both sides, as they say them in their segments. */
	origin_acks(&t, ISN + 1);
	client_acks(&t, t.cookie + 1);
	assert_verdict(&t, client_rst(&t, ISN), XDP_DROP);
	assert_verdict(&t, client_rst(&t, ISN - 70000), XDP_DROP);
	assert_verdict(&t, client_rst(&t, ISN + 1), XDP_REDIRECT);
	assert_verdict(&t, client_rst(&t, ISN + 1 + ORIGIN_WINDOW), XDP_REDIRECT);
	assert_verdict(&t, client_rst(&t, ISN + 2 + GRAIN + 2 * 65535u), XDP_DROP);
	assert_verdict(&t, client_rst(&t, ISN + 0x80000000u), XDP_DROP);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN), XDP_DROP);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN + 1), XDP_REDIRECT);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN + 1 + CLIENT_WINDOW), XDP_REDIRECT);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN + 2 + GRAIN + 2 * CLIENT_WINDOW), XDP_DROP);
}
TEST(bounds)

/* Acknowledgements move it, from either side, around the end of the numbers. */
static void moved(int version)
{
	struct talk t;
	uint32_t step = 60000, reached = 0;

	mitigate(MITIGATION_BIT(reset_window), 0);
	t = talk_open(version, 44010, 7);
	for (; reached < 20 * step; reached += step)
		origin_acks(&t, ISN + 1 + reached + step);
	assert_verdict(&t, client_rst(&t, ISN + 1), XDP_DROP);
	assert_verdict(&t, client_rst(&t, ISN + 1 + reached - GRAIN), XDP_DROP);
	assert_verdict(&t, client_rst(&t, ISN + 1 + reached), XDP_REDIRECT);
	/* Too small a step is not written down, but the window reaches far enough. */
	origin_acks(&t, ISN + 1 + reached + GRAIN - 1);
	assert_int_equal(flow_of(&t.client).client_next, ISN + 1 + reached);
	assert_verdict(&t, client_rst(&t, ISN + reached + GRAIN + ORIGIN_WINDOW), XDP_REDIRECT);
	/* An acknowledgement of what cannot have been sent is forged: it moves nothing. */
	origin_acks(&t, ISN + 1 + reached + 50000000u);
	assert_int_equal(flow_of(&t.client).client_next, ISN + 1 + reached);
	origin_acks(&t, ISN + 1);
	assert_int_equal(flow_of(&t.client).client_next, ISN + 1 + reached);
	for (uint32_t i = 1; i <= 10; i++)
		client_acks(&t, t.cookie + 1 + i * 400000u);
	assert_int_equal(flow_of(&t.client).origin_next, t.cookie + 1 + 4000000u);
	assert_int_equal(origin_rst(&t, ORIGIN_ISN + 1), XDP_DROP);
	assert_int_equal(origin_rst(&t, ORIGIN_ISN + 1 + 4000000u), XDP_REDIRECT);
}
TEST(moved)

/* A window that shrinks is remembered: the side that was told the larger one may have used it. */
static void window_grows(int version)
{
	struct talk t;
	struct wire w;
	struct frame f;

	mitigate(MITIGATION_BIT(reset_window), 0);
	t = talk_open(version, 44020, 7);
	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1;
	w.window = 60000;
	f = origin_frame(&w);
	run_to(&f, XDP_REDIRECT);
	w.window = 1;
	f = origin_frame(&w);
	run_to(&f, XDP_REDIRECT);
	assert_verdict(&t, client_rst(&t, ISN + 1 + (60000u << 7)), XDP_REDIRECT);
}
TEST(window_grows)

/* Off, watched, for a source on the allow-list, after expiry: carried on. */
static void modes(int version)
{
	struct list_entry allowed = { .allow_until_ns = INT64_MAX };
	struct list_exact_key key = { .instance = INSTANCE };
	struct vip vip = vip_protected();
	struct talk t = talk_open(version, 44030, 7);
	uint64_t watched = counted(REASON_reset_window | REASON_WATCHED);
	uint64_t dropped = counted(REASON_reset_window), all;

	mitigate(0, 0);
	assert_verdict(&t, client_rst(&t, ISN - 9), XDP_REDIRECT);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN - 9), XDP_REDIRECT);
	assert_int_equal(counted(REASON_reset_window | REASON_WATCHED), watched);
	mitigate(MITIGATION_BIT(reset_window), MITIGATION_BIT(reset_window));
	assert_verdict(&t, client_rst(&t, ISN - 9), XDP_REDIRECT);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN - 9), XDP_REDIRECT);
	assert_int_equal(counted(REASON_reset_window | REASON_WATCHED), watched + 2);
	vip.mitigation_on = MITIGATION_BIT(reset_window);
	vip.flags = VIP_HAS_EXACT;
	vip_set(skel, t.client.destination, &vip);
	key.source = address_of(t.client.source);
	map_set(skel->maps.list_exact, &key, &allowed);
	assert_verdict(&t, client_rst(&t, ISN - 9), XDP_REDIRECT);
	vip.flags = 0;
	vip.mitigation_until_ns = boot_ns() - 1;
	vip_set(skel, t.client.destination, &vip);
	assert_verdict(&t, client_rst(&t, ISN - 9), XDP_REDIRECT);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN - 9), XDP_REDIRECT);
	assert_int_equal(counted(REASON_reset_window), dropped);
	mitigate(MITIGATION_BIT(reset_window), 0);
	all = reason_packets(skel, REASON_reset_window);
	assert_verdict(&t, client_rst(&t, ISN - 9), XDP_DROP);
	assert_verdict(&t, origin_rst(&t, ORIGIN_ISN - 9), XDP_DROP);
	assert_int_equal(counted(REASON_reset_window), dropped + 2);
	assert_int_equal(reason_packets(skel, REASON_reset_window), all + 2);
}
TEST(modes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_window_grows),
		cmocka_unit_test(test_modes),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
