/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Loads the packet path with small maps and fills them as the agent would. Every function asserts
 * success through cmocka, so that a test reads as what it is about.
 *
 * Two instances of the skeleton never meet: nothing is pinned. Time stands still but for time_pass(), and all packets
 * are of one CPU: what the programs keep for each second, tick or CPU is then where a test looks for it, however busy the
 * machine is.
 */
#ifndef TESTS_PACKET_HARNESS_H
#define TESTS_PACKET_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "shared/packet_abi.h"
#include "polder.skel.h"

#define HARNESS_MAP_MAX 4096
#define HARNESS_CPU_MAX 64
#define SECOND_NS	1000000000ll
#define INSTANCE	7u
#define VIP_SLOT	3u

static inline struct address address_of(const char *text)
{
	struct address a = { .byte = { 0 } };

	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, a.byte), 1);
		return a;
	}
	a.byte[10] = a.byte[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, &a.byte[12]), 1);
	return a;
}

/* What the programs take for the boot clock; 0: nobody has opened them, it is the machine's. */
static int64_t given_ns;

static inline int64_t boot_ns(void)
{
	struct timespec t;

	if (given_ns)
		return given_ns;
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static inline void time_pass(struct polder *skel, int64_t duration_ns)
{
	given_ns += duration_ns;
	skel->bss->clock_given_ns = (uint64_t)given_ns;
}

/* An LRU map forgets by CPU, and much is kept by each for itself. */
static inline void one_cpu(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	assert_true(cpu >= 0);
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* For packets that the kernel brings, at any time and on any CPU. */
static inline struct polder *harness_open_live(void)
{
	struct polder *skel = polder__open();
	struct bpf_map *map;

	assert_non_null(skel);
	skel->rodata->flow_tables_new = 1;
	bpf_object__for_each_map(map, skel->obj)
	{
		if (bpf_map__max_entries(map) > HARNESS_MAP_MAX && map != skel->maps.neighbour)
			assert_int_equal(bpf_map__set_max_entries(map, HARNESS_MAP_MAX), 0);
	}
	return skel;
}

static inline struct polder *harness_open(void)
{
	struct polder *skel = harness_open_live();

	one_cpu();
	given_ns = boot_ns();
	skel->rodata->clock_is_given = 1;
	skel->bss->clock_given_ns = (uint64_t)given_ns;
	return skel;
}

static inline struct polder *harness_load(void)
{
	struct polder *skel = harness_open();

	assert_int_equal(polder__load(skel), 0);
	return skel;
}

static inline void map_set(struct bpf_map *map, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY), 0);
}

static inline struct settings settings_default(void)
{
	struct settings s = {
		.cookie_key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 }, { 11, 13 } },
		.cookie_epoch = 1000,
		.source_count = { 1, 1 },
		.port_first = 10000,
		.port_count = 50000,
	};

	return s;
}

static inline void settings_set(struct polder *skel, const struct settings *s)
{
	uint32_t zero = 0;

	map_set(skel->maps.settings, &zero, s);
}

/* The program keeps what it has read for the rest of a tick: tests do not wait for the next. */
static inline void recent_forget(struct polder *skel)
{
	static uint8_t blank[HARNESS_CPU_MAX * 4096];
	uint32_t zero = 0;

	assert_in_range(libbpf_num_possible_cpus(), 1, HARNESS_CPU_MAX);
	assert_in_range(bpf_map__value_size(skel->maps.packet_scratch), 1, 4096 - 8);
	map_set(skel->maps.packet_scratch, &zero, blank);
}

static inline void vip_set(struct polder *skel, const char *text, const struct vip *vip)
{
	struct address address = address_of(text);

	map_set(skel->maps.vip, &address, vip);
	recent_forget(skel);
}

static inline struct vip vip_protected(void)
{
	struct vip vip = {
		.kind = VIP_PROTECTED,
		.instance = INSTANCE,
		.mitigation_until_ns = INT64_MAX,
		.forward_until_ns = INT64_MAX,
		.slot = VIP_SLOT,
	};

	return vip;
}

/* A back-to-origin address: the only one of its IP version. */
static inline void source_set(struct polder *skel, const char *text)
{
	struct vip vip = { .kind = VIP_SOURCE };
	struct address address = address_of(text);
	uint32_t index = strchr(text, ':') ? NODE_SOURCE_MAX : 0;

	vip_set(skel, text, &vip);
	map_set(skel->maps.source, &index, &address);
}

static inline struct service_key service_key_of(uint8_t protocol, uint16_t port)
{
	struct service_key key = {
		.instance = INSTANCE, .port = htons(port), .protocol = protocol
	};

	return key;
}

/* One origin of each IP version that is given, behind the same port. */
static inline void service_set(struct polder *skel, uint8_t protocol, uint16_t port,
	const char *origin4, const char *origin6, uint16_t origin_port)
{
	struct service_key key = service_key_of(protocol, port);
	struct service service = { .id = 1, .idle_seconds = 300 };
	const char *text[2] = { origin4, origin6 };

	for (int i = 0; i < 2; i++) {
		if (!text[i])
			continue;
		service.origin[service.origin_count].address = address_of(text[i]);
		service.origin[service.origin_count].port = htons(origin_port);
		service.origin_count++;
	}
	for (unsigned int i = 0; i < ORIGIN_SLOTS; i++)
		service.slot[i] = (uint8_t)(service.origin_count ? i % service.origin_count : 0);
	map_set(skel->maps.service, &key, &service);
}

/* Both tables of bpf/known.bpf.h: all tuples, as if they had been seen at that time. 0: never. */
static inline void known_fill(struct polder *skel, uint8_t stamp)
{
	memset(skel->bss->flow_known, stamp, sizeof(skel->bss->flow_known));
	memset(skel->bss->flow_known_few, stamp, sizeof(skel->bss->flow_known_few));
}

/* For flows that are put into the table from here: only the program knows where their bytes are. */
static inline void known_everywhere(struct polder *skel)
{
	uint8_t stamp = (uint8_t)(boot_ns() >> 36);

	known_fill(skel, stamp ? stamp : 1);
}

static inline void transmit_set(struct polder *skel, uint32_t ifindex)
{
	map_set(skel->maps.transmit, &ifindex, &ifindex);
}

static inline uint64_t reason_packets(struct polder *skel, uint32_t reason)
{
	struct counter value[HARNESS_CPU_MAX];
	uint64_t sum = 0;

	assert_in_range(libbpf_num_possible_cpus(), 1, HARNESS_CPU_MAX);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.reason_counter), &reason, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += value[i].packets;
	return sum;
}

static inline struct vip_counter vip_counted(struct polder *skel, uint32_t slot)
{
	struct vip_counter value[HARNESS_CPU_MAX], sum = { .last_in_ns = 0 };

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_counter), &slot, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		sum.in.packets += value[i].in.packets;
		sum.in.bytes += value[i].in.bytes;
		sum.dropped.packets += value[i].dropped.packets;
		sum.dropped.bytes += value[i].dropped.bytes;
		sum.out.packets += value[i].out.packets;
		sum.out.bytes += value[i].out.bytes;
		if (value[i].last_in_ns > sum.last_in_ns)
			sum.last_in_ns = value[i].last_in_ns;
	}
	return sum;
}

/* Packets of INSTANCE that ended by the reason, wherever they are counted. */
static inline uint64_t vip_reason_packets(struct polder *skel, uint32_t reason)
{
	struct vip_reason_key key = { .instance = INSTANCE, .reason = reason };
	struct vip_counter total[HARNESS_CPU_MAX];
	struct counter value[HARNESS_CPU_MAX];
	uint32_t slot = VIP_SLOT;
	uint64_t sum = 0;

	memset(value, 0, sizeof(value));
	(void)bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_reason), &key, value);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_counter), &slot, total), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		sum += value[i].packets;
		if (VIP_REASON_PLACE(reason) < VIP_REASONS)
			sum += total[i].reason[VIP_REASON_PLACE(reason)].packets;
	}
	return sum;
}

/* What is counted with the VIP at this place. */
static inline uint64_t vip_place_packets(struct polder *skel, uint32_t place)
{
	struct vip_counter total[HARNESS_CPU_MAX];
	uint32_t slot = VIP_SLOT;
	uint64_t sum = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_counter), &slot, total), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += total[i].reason[place].packets;
	return sum;
}

/* What main returns. */
#define PACKET_TESTS(tests, setup, teardown)                                                       \
	(geteuid() == 0 ? cmocka_run_group_tests(tests, setup, teardown)                           \
			: (puts("1..1\nok 1 # SKIP needs root: network namespaces and BPF"), 0))

#endif
