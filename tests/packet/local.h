/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What tests of local services share: an address with one, and packets to it.
 */
#ifndef TESTS_PACKET_LOCAL_H
#define TESTS_PACKET_LOCAL_H

#include "mitigate.h"
#include "quote.h"

#define WEB_PORT      443
#define THRESHOLD_OFF 1000000u

static inline struct vip vip_of_web(uint32_t mitigations)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT | VIP_HAS_LOCAL;
	vip.mitigation_on = mitigations;
	vip.syn_threshold = THRESHOLD_OFF;
	return vip;
}

static inline void local_put(uint16_t port)
{
	struct service_key key = service_key_of(IPPROTO_TCP, port);
	uint32_t one = 1;

	map_set(skel->maps.local_service, &key, &one);
}

static inline void local_begin(uint32_t mitigations)
{
	struct vip vip = vip_of_web(mitigations);

	forget();
	map_clear(skel->maps.request_ban);
	map_clear(skel->maps.local_service);
	vips_put(&vip);
	local_put(WEB_PORT);
}

static inline struct wire to_web(int version, uint8_t flags)
{
	struct wire w = from_client(version, IPPROTO_TCP);

	w.destination_port = WEB_PORT;
	w.flags = flags;
	w.sequence = ISN;
	w.acknowledgement = flags & ACK ? 4711 : 0;
	return w;
}

/* The packet has this verdict for this reason. */
static inline void ends_by(const struct wire *w, uint32_t verdict, uint32_t reason)
{
	uint64_t before = reason_packets(skel, reason);
	struct frame f = frame_build(w);

	assert_int_equal(frame_run(skel, &f), verdict);
	assert_int_equal(reason_packets(skel, reason) - before, 1);
}

static inline void web_ends_by(int version, uint8_t flags, uint32_t verdict, uint32_t reason)
{
	struct wire w = to_web(version, flags);

	ends_by(&w, verdict, reason);
}

static inline void web_passes(int version)
{
	web_ends_by(version, ACK | PSH, XDP_PASS, REASON_local);
}

/* An error about what the local service of "port" has sent. */
static inline struct frame error_about(int version, uint16_t port, uint32_t length)
{
	const struct icmp too_big =
		version == 4 ? (struct icmp){ 3, 4, 1400 } : (struct icmp){ 2, 0, 1400 };
	struct wire sent = { .source = version == 4 ? VIP4 : VIP6,
		.destination = version == 4 ? CLIENT4 : CLIENT6,
		.source_port = port,
		.destination_port = 40000,
		.protocol = IPPROTO_TCP,
		.flags = ACK,
		.payload = 1000 };
	struct frame about = frame_build(&sent);

	return error_frame(version == 4 ? VIP4 : VIP6, &too_big, &about, length);
}

#endif
