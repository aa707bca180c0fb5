/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What tests of mitigations share: modes of an instance, limits of its port rules, counters, and the state
 * that the packet path keeps.
 */
#ifndef TESTS_PACKET_MITIGATE_H
#define TESTS_PACKET_MITIGATE_H

#include "talk.h"

#define SERVICE 1u
/* The client of the tests is a bogon; answers are limited where that is the subject. */
#define ALL (~(MITIGATION_BIT(bogon) | MITIGATION_BIT(answer_bytes)))

static inline void vips_put(const struct vip *vip)
{
	vip_set(skel, VIP4, vip);
	vip_set(skel, VIP6, vip);
}

static inline void modes_set(uint32_t on, uint32_t watch)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = on;
	vip.mitigation_watch = watch;
	vips_put(&vip);
}

static inline uint16_t service_port(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 80 : 53;
}

static inline void limits_set(uint8_t protocol, const struct service_limits *limits, uint8_t flags)
{
	struct service_key key = service_key_of(protocol, service_port(protocol));
	struct service service;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.id = SERVICE;
	service.payload_max = PAYLOAD_UNBOUNDED;
	service.limits = *limits;
	service.flags = flags;
	map_set(skel->maps.service, &key, &service);
}

static inline void map_clear(struct bpf_map *map)
{
	uint8_t key[64];

	while (bpf_map_get_next_key(bpf_map__fd(map), NULL, key) == 0)
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(map), key), 0);
}

static inline void forget(void)
{
	struct vip_counter none[HARNESS_CPU_MAX];
	uint32_t slot = VIP_SLOT;

	memset(none, 0, sizeof(none));
	map_set(skel->maps.vip_counter, &slot, none);
	map_clear(skel->maps.limit_tcp);
	map_clear(skel->maps.limit_udp);
	map_clear(skel->maps.service_state);
	map_clear(skel->maps.auto_block);
	map_clear(skel->maps.list_exact);
	map_clear(skel->maps.vip_reason);
	map_clear(skel->maps.flow_tcp);
	map_clear(skel->maps.flow_udp);
	map_clear(skel->maps.proven);
	map_clear(skel->maps.answered);
}

static inline uint64_t counted(uint32_t reason)
{
	return vip_reason_packets(skel, reason);
}

static inline int try_packets(const struct wire *w, int count)
{
	int passed = 0;

	for (int i = 0; i < count; i++) {
		struct frame f = frame_build(w);

		passed += frame_run(skel, &f) == XDP_REDIRECT;
	}
	return passed;
}

static inline void allow(const char *source, int64_t until)
{
	struct list_exact_key key = { .instance = INSTANCE, .source = address_of(source) };
	struct list_entry entry = { .allow_until_ns = until };

	map_set(skel->maps.list_exact, &key, &entry);
}

#endif
