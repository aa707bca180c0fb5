/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which UDP sources count as proven, and what a flood of forged ones can do to the others.
 */
#include "mitigate.h"

#include <linux/if_link.h>

/* One packet of unproven sources each second. */
static void ceiling_set(void)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = ALL;
	vip.unproven_max = 1;
	vips_put(&vip);
	limits_set(IPPROTO_UDP, &(struct service_limits){ .rate = 0 }, 0);
	limits_set(IPPROTO_TCP, &(struct service_limits){ .rate = 0 }, 0);
}

/* The budget of unproven sources is spent up to this moment. */
static void ceiling_spent(int64_t ns)
{
	struct plan_state state = { .unproven_ns = (uint64_t)ns };
	struct plan_share none[HARNESS_CPU_MAX];
	uint32_t slot = VIP_SLOT;

	memset(none, 0, sizeof(none));
	map_set(skel->maps.plan_state, &slot, &state);
	map_set(skel->maps.plan_share, &slot, none);
}

static void ceiling_reach(void)
{
	ceiling_spent(boot_ns() + 3600 * SECOND_NS);
}

static int is_proven(const struct wire *w)
{
	struct wire fresh = *w;
	static uint16_t port = 50000;

	fresh.protocol = IPPROTO_UDP;
	fresh.destination_port = 53;
	fresh.source_port = ++port;
	fresh.option_length = 0;
	return try_packets(&fresh, 1);
}

/* So long ago was the proof of the source, in this map. */
static void proof_age(struct bpf_map *map, const char *source, int64_t seconds)
{
	struct address key = address_of(source);
	uint64_t until;

	if (strchr(source, ':'))
		key.half[1] = 0;
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &key, &until), 0);
	until -= (uint64_t)(seconds * SECOND_NS);
	map_set(map, &key, &until);
}

static void cookie_proves(int version)
{
	struct wire near, w = from_client(version, IPPROTO_UDP);
	struct talk t;

	forget();
	ceiling_set();
	ceiling_reach();
	assert_false(is_proven(&w));
	assert_int_equal(counted(REASON_unproven), 1);
	t = talk_open(version, 32000, 7);
	assert_true(is_proven(&t.client));
	near = w;
	near.source = version == 4 ? "10.201.1.3" : "fd01::3:4:5:6";
	assert_int_equal(is_proven(&near), version == 6); /* the same /64 */
	near.source = version == 4 ? "10.201.1.4" : "fd01:0:0:9::2";
	assert_false(is_proven(&near));
	proof_age(skel->maps.proven, w.source, 590);
	assert_true(is_proven(&w));
	proof_age(skel->maps.proven, w.source, 20);
	assert_false(is_proven(&w));
}
TEST(cookie_proves)

/* The origin's answers so far came so long ago. */
static void answers_age(const struct wire *w, uint32_t ms)
{
	struct flow_key key = key_of(w);
	struct flow flow;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow), 0);
	flow.scratch[0] -= ms;
	map_set(skel->maps.flow_udp, &key, &flow);
}

static void answer(const struct wire *from)
{
	struct frame f = origin_frame(from);

	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
}

/* Two answers more than a second apart, and the client goes on: nothing less. */
static void answers_prove(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), origin;
	struct parsed sent;
	struct frame f;

	forget();
	ceiling_set();
	modes_set(ALL & ~MITIGATION_BIT(unproven), 0);
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	sent = frame_parse(&f);
	origin = from_origin(&sent, version);
	for (int i = 0; i < 3; i++)
		answer(&origin);
	assert_int_equal(try_packets(&w, 3), 3);
	ceiling_set();
	ceiling_reach();
	assert_int_equal(try_packets(&w, 1), 0);
	answers_age(&w, 2000);
	assert_int_equal(try_packets(&w, 1), 0);
	answer(&origin);
	assert_false(is_proven(&w));
	assert_int_equal(try_packets(&w, 3), 3);
	assert_true(is_proven(&w));
	proof_age(skel->maps.answered, w.source, 700);
	assert_false(is_proven(&w));
	assert_int_equal(try_packets(&w, 3), 3); /* the flow remembers */
}
TEST(answers_prove)

/* --- answers against what was sent */

static int answers(const struct wire *from, uint16_t payload, int count)
{
	struct wire w = *from;
	int passed = 0;

	w.payload = payload;
	for (int i = 0; i < count; i++) {
		struct frame f = origin_frame(&w);

		passed += frame_run(skel, &f) == XDP_REDIRECT;
	}
	return passed;
}

static struct wire asked(struct wire *w, uint16_t port, uint16_t payload)
{
	struct parsed sent;
	struct frame f;

	w->source_port = port;
	w->payload = payload;
	f = frame_build(w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	sent = frame_parse(&f);
	return from_origin(&sent, strchr(w->source, ':') ? 6 : 4);
}

static void answers_limited(int version)
{
	const uint32_t bit = MITIGATION_BIT(answer_bytes);
	struct wire w = from_client(version, IPPROTO_UDP), origin;
	uint16_t headers = version == 4 ? 28 : 48;

	forget();
	modes_set(bit, 0);
	origin = asked(&w, 41000, 100);
	/* One byte too many; all but one; what is left. */
	assert_int_equal(answers(&origin, 101, 1), 0);
	assert_int_equal(answers(&origin, 99 - headers, 1), 1);
	assert_int_equal(answers(&origin, 2, 1), 0);
	assert_int_equal(answers(&origin, 1, 2), 1);
	assert_int_equal(counted(REASON_answer_bytes), 3);
	/* Each question adds to it. */
	assert_int_equal(try_packets(&w, 3), 3);
	assert_int_equal(answers(&origin, 100, 10), 3);
	/* Only watched; off; the source is allowed. */
	modes_set(bit, bit);
	assert_int_equal(answers(&origin, 1000, 5), 5);
	assert_int_equal(counted(REASON_answer_bytes | REASON_WATCHED), 5);
	modes_set(bit, 0);
	assert_int_equal(answers(&origin, 1000, 5), 0);
	modes_set(0, 0);
	assert_int_equal(answers(&origin, 1000, 5), 5);
	assert_int_equal(try_packets(&w, 1), 1);
	modes_set(bit, 0);
	assert_int_equal(answers(&origin, 1000, 5), 5);
	assert_int_equal(try_packets(&w, 1), 1); /* counted from here on */
	assert_int_equal(answers(&origin, 100, 5), 1);
	allow(w.source, INT64_MAX);
	assert_int_equal(try_packets(&w, 1), 1);
	assert_int_equal(answers(&origin, 1000, 5), 5);
	/* Proven by a cookie. */
	forget();
	(void)talk_open(version, 32003, 7);
	origin = asked(&w, 41001, 10);
	assert_int_equal(answers(&origin, 1000, 5), 5);
}
TEST(answers_limited)

/* Fragments of an answer are parts of it, those of a question, too. */
static void answers_in_fragments(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), origin, part;
	struct frame f;

	forget();
	modes_set(MITIGATION_BIT(answer_bytes), 0);
	w.more = 1;
	w.id = 7;
	origin = asked(&w, 41010, 800);
	part = w;
	part.fragment = 808 / 8;
	part.more = 0;
	part.payload = 200;
	f = frame_build(&part);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	origin.more = 1;
	origin.id = 8;
	assert_int_equal(answers(&origin, 800, 1), 1);
	part = origin;
	part.fragment = 808 / 8;
	part.more = 0;
	assert_int_equal(answers(&part, 200, 2), 1);
	assert_int_equal(counted(REASON_answer_bytes), 1);
}
TEST(answers_in_fragments)

/* A flow in use renews its source's proof. */
static void use_renews(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct flow_key key;
	struct talk t;
	struct flow flow;

	forget();
	ceiling_set();
	t = talk_open(version, 32001, 7);
	ceiling_reach();
	proof_age(skel->maps.proven, w.source, 500);
	key = key_of(&t.client);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_tcp), &key, &flow), 0);
	flow.route_ns = 0;
	map_set(skel->maps.flow_tcp, &key, &flow);
	t.client.option_length = 0;
	assert_int_equal(try_packets(&t.client, 1), 1);
	proof_age(skel->maps.proven, w.source, 500);
	assert_true(is_proven(&w));
}
TEST(use_renews)

/* --- a flood of forged sources */

static uint32_t entries(struct bpf_map *map)
{
	uint8_t key[2][64], *at = NULL;
	uint32_t count = 0;

	while (bpf_map_get_next_key(bpf_map__fd(map), at, key[count & 1]) == 0)
		at = key[count++ & 1];
	return count;
}

#define FORGED 20000

static void forged_flood(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP), forged = w;
	struct service_limits limits = { .source = { 5, 5, 1000, 1000000 }, .rate = 100000 };
	struct bpf_map *maps[] = { skel->maps.limit_udp, skel->maps.limit_tcp, skel->maps.flow_udp,
		skel->maps.auto_block, skel->maps.proven, skel->maps.answered,
		skel->maps.service_state };
	struct vip vip = vip_protected();
	struct source_state state;
	struct source_state_key key = { .service = SERVICE, .source = address_of(w.source) };
	struct talk t;

	if (version == 6)
		key.source.half[1] = 0;
	forget();
	ceiling_set();
	limits_set(IPPROTO_UDP, &limits, SERVICE_LIMITED);
	limits_set(IPPROTO_TCP, &limits, SERVICE_LIMITED);
	t = talk_open(version, 32002, 7);
	t.client.option_length = 0;
	assert_int_equal(try_packets(&w, 2), 2);
	vip.mitigation_on = ALL;
	vip.unproven_max = 100;
	vips_put(&vip);
	ceiling_spent(0);
	for (uint32_t i = 0; i < FORGED; i++) {
		char text[64];
		struct frame f;

		(void)snprintf(text, sizeof(text),
			version == 4 ? "11.%u.%u.%u" : "2001:%x:%x:%x::1", i >> 16, i >> 8 & 255,
			i & 255);
		forged.source = text;
		f = frame_build(&forged);
		(void)frame_run(skel, &f);
	}
	/* Some passed, below the ceiling; most did not. */
	assert_in_range(counted(REASON_unproven), FORGED / 2, FORGED - 1);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		assert_true(entries(maps[i]) <= HARNESS_MAP_MAX);
	assert_int_equal(entries(skel->maps.auto_block), 0);
	/* Who was there before goes on, and what was counted of its connection is known. */
	assert_int_equal(try_packets(&w, 2), 2);
	assert_int_equal(try_packets(&t.client, 2), 2);
	assert_true(is_proven(&w));
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.limit_tcp), &key, &state), 0);
	assert_int_equal(state.connections, 1);
}
TEST(forged_flood)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookie_proves),
		cmocka_unit_test(test_answers_prove),
		cmocka_unit_test(test_answers_limited),
		cmocka_unit_test(test_answers_in_fragments),
		cmocka_unit_test(test_use_renews),
		cmocka_unit_test(test_forged_flood),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
