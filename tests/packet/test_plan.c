/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Ceilings of an instance: packets, bytes, and UDP of sources that have proven nothing. Rates are so low that
 * one packet costs more than a second: time passes by moving the moment up to which a budget is spent.
 */
#include "mitigate.h"

#include <linux/if_link.h>

static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

static struct vip vip_limited(uint32_t mitigation)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = ALL;
	vip.packets_max = mitigation == MITIGATION_plan_packets;
	vip.bytes_max = mitigation == MITIGATION_plan_bytes ? 100 : 0;
	vip.unproven_max = mitigation == MITIGATION_unproven;
	return vip;
}

static struct plan_state plan_get(void)
{
	struct plan_state state;
	uint32_t slot = VIP_SLOT;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.plan_state), &slot, &state), 0);
	return state;
}

static void plan_put(const struct plan_state *state)
{
	uint32_t slot = VIP_SLOT;

	map_set(skel->maps.plan_state, &slot, state);
}

/* As after silence: nothing is spent, and no CPU has anything in hand. */
static void plan_clear(void)
{
	struct plan_share none[HARNESS_CPU_MAX];
	struct plan_state state = { .syns = 0 };
	uint32_t line = VIP_SLOT;

	memset(none, 0, sizeof(none));
	plan_put(&state);
	map_set(skel->maps.plan_share, &line, none);
}

static void plan_pass(int64_t seconds)
{
	struct plan_state state = plan_get();

	state.bytes_ns -= (uint64_t)(seconds * SECOND_NS);
	state.packets_ns -= (uint64_t)(seconds * SECOND_NS);
	state.unproven_ns -= (uint64_t)(seconds * SECOND_NS);
	plan_put(&state);
}

/* An established flow; its packets have 100 bytes of payload. */
static struct wire flow_open(int version, uint8_t protocol)
{
	struct wire w = from_client(version, protocol);
	struct frame f;

	modes_set(0, 0);
	limits_set(protocol, &(struct service_limits){ .rate = 0 }, 0);
	if (protocol == IPPROTO_TCP) {
		w = talk_open(version, 31000, 7).client;
	} else {
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	}
	w.payload = 100;
	return w;
}

static void ceiling(uint32_t mitigation, int version, uint8_t protocol)
{
	uint32_t reason = MITIGATION_REASON(mitigation);
	struct vip vip = vip_limited(mitigation);
	struct wire w;

	forget();
	w = flow_open(version, protocol);
	plan_clear();
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 10), 1);
	assert_int_equal(counted(reason), 9);
	plan_pass(2);
	assert_int_equal(try_packets(&w, 10), 1);
	/* A long silence earns a burst, not more. */
	plan_pass(1000);
	assert_int_equal(try_packets(&w, 10), 1);
	assert_int_equal(counted(reason), 27);
	vip.mitigation_watch = 1u << mitigation;
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 10), 10);
	assert_int_equal(counted(reason | REASON_WATCHED), 10);
	vip.mitigation_watch = 0;
	vip.mitigation_on = ALL & ~(1u << mitigation);
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 10), 10);
	vip.mitigation_on = ALL;
	vip.mitigation_until_ns = boot_ns();
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 10), 10);
	vip.mitigation_until_ns = INT64_MAX;
	vips_put(&vip);
	plan_clear();
	allow(w.source, INT64_MAX);
	assert_int_equal(try_packets(&w, 10), 10);
	assert_int_equal(counted(reason), 27);
}

static void ceilings(int version)
{
	for (int i = 0; i < 2; i++) {
		ceiling(MITIGATION_plan_packets, version, protocols[i]);
		ceiling(MITIGATION_plan_bytes, version, protocols[i]);
	}
	ceiling(MITIGATION_unproven, version, IPPROTO_UDP);
}
TEST(ceilings)

/* Without a ceiling, and below it, everything passes. */
static void below(int version)
{
	struct vip vip = vip_limited(MITIGATION_COUNT);
	struct wire w;

	forget();
	w = flow_open(version, IPPROTO_UDP);
	plan_clear();
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 3000), 3000);
	vip.packets_max = vip.unproven_max = 100000000;
	vip.bytes_max = 12500000000;
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 3000), 3000);
}
TEST(below)

/* What is dropped before eats nothing: packets of no flow, and those of blocked sources. */
static void dropped_is_free(int version)
{
	struct vip vip = vip_limited(MITIGATION_plan_packets);
	struct wire w, stray;

	forget();
	w = flow_open(version, IPPROTO_TCP);
	stray = w;
	stray.source_port = 5;
	plan_clear();
	vips_put(&vip);
	assert_int_equal(try_packets(&stray, 20), 0);
	assert_int_equal(counted(REASON_plan_packets), 0);
	assert_int_equal(try_packets(&w, 1), 1);
}
TEST(dropped_is_free)

/* The first part of a second does not get the whole second's budget, however fast packets come. */
static void no_bite(int version)
{
	struct vip vip = vip_limited(MITIGATION_plan_bytes);
	struct wire w;
	uint64_t passed = 0, size;
	int64_t took = 0;

	forget();
	w = flow_open(version, IPPROTO_UDP);
	size = 100 + 8 + (version == 4 ? 20 : 40);
	plan_clear();
	vip.bytes_max = 1000000;
	vips_put(&vip);
	while (took < SECOND_NS / 10) {
		passed += size * (uint64_t)try_packets(&w, 10);
		time_pass(skel, SECOND_NS / 10000);
		took += SECOND_NS / 10000;
	}
	/* 40 ms of burst, what was earned meanwhile, and a share or packet of one CPU. */
	assert_true(passed <= (uint64_t)(took + 41 * SECOND_NS / 1000) / 1000 + 2 * size);
	assert_true(passed >= 40000);
}
TEST(no_bite)

#define OTHER_VIP4     "10.201.9.7"
#define OTHER_VIP6     "fd09::7"
#define OTHER_INSTANCE (INSTANCE + 1)

/* Another instance, whose slot has the same line of CPUs' shares, with a ceiling that it never meets. */
static struct wire neighbour_of(const struct wire *w, int version)
{
	struct service_key key = service_key_of(w->protocol, w->destination_port);
	struct vip vip = vip_limited(MITIGATION_plan_packets);
	struct wire other = *w;
	struct service service;
	struct frame f;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	key.instance = vip.instance = OTHER_INSTANCE;
	service.id = 2;
	map_set(skel->maps.service, &key, &service);
	vip.slot = VIP_SLOT + PLAN_SHARES;
	vip.packets_max = 100000000;
	other.destination = version == 4 ? OTHER_VIP4 : OTHER_VIP6;
	vip_set(skel, other.destination, &vip);
	f = frame_build(&other);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	return other;
}

/* What an instance may have is not less because others on the node have something to do. */
static void others_take_nothing(uint32_t mitigation, int version)
{
	struct vip vip = vip_limited(mitigation);
	struct wire w, other;
	int passed = 0, size;

	forget();
	w = flow_open(version, IPPROTO_UDP);
	other = neighbour_of(&w, version);
	plan_clear();
	size = w.payload + 8 + (version == 4 ? 20 : 40);
	vip.packets_max = mitigation == MITIGATION_plan_packets ? 100000 : 0;
	vip.bytes_max = mitigation == MITIGATION_plan_bytes ? 100000 * (uint64_t)size : 0;
	vip.unproven_max = mitigation == MITIGATION_unproven ? 100000 : 0;
	vips_put(&vip);
	/* A tenth of a second, in which each sends half of what this one may. */
	for (int i = 0; i < 1000; i++) {
		for (int j = 0; j < 5; j++) {
			passed += try_packets(&w, 1);
			assert_int_equal(try_packets(&other, 1), 1);
		}
		time_pass(skel, SECOND_NS / 10000);
	}
	assert_int_equal(passed, 5000);
}

static void others(int version)
{
	others_take_nothing(MITIGATION_plan_packets, version);
	others_take_nothing(MITIGATION_plan_bytes, version);
	others_take_nothing(MITIGATION_unproven, version);
}
TEST(others)

/* Nor is it more. */
static void others_give_nothing(int version)
{
	struct vip vip = vip_limited(MITIGATION_plan_packets);
	struct wire w, other;
	int passed = 0;

	forget();
	w = flow_open(version, IPPROTO_UDP);
	other = neighbour_of(&w, version);
	plan_clear();
	vip.packets_max = 20000;
	vips_put(&vip);
	for (int i = 0; i < 1000; i++) {
		for (int j = 0; j < 5; j++) {
			assert_int_equal(try_packets(&other, 1), 1);
			passed += try_packets(&w, 1);
		}
		time_pass(skel, SECOND_NS / 10000);
	}
	/* 100 ms, 40 ms of burst, a share. */
	assert_in_range(passed, 2000, 2800 + 5);
}
TEST(others_give_nothing)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_dropped_is_free),
		cmocka_unit_test(test_no_bite),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_others_give_nothing),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
