/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Between the generator's packet program and the command: what of each frame is made anew. Everything
 * else comes from the frame that the command hands in.
 */
#ifndef CLI_GENERATOR_ABI_H
#define CLI_GENERATOR_ABI_H

#include <linux/types.h>

#define VARY_SOURCE	 (1u << 0) /* address: low bits random below the frame's own prefix */
#define VARY_SOURCE_PORT (1u << 1) /* 1024..65535 */
#define VARY_REFLECTOR	 (1u << 2) /* source port of a service that attackers reflect from */
#define VARY_SEQUENCE	 (1u << 3) /* TCP sequence and acknowledgement */
#define VARY_IDENTIFIER	 (1u << 4) /* IPv4 identification, IPv6 fragment identification */

/* Ethernet, IP and TCP headers; a UDP frame is at least as long. */
#define GENERATOR_HEADER_IPV4 54
#define GENERATOR_HEADER_IPV6 74
#define GENERATOR_OPTIONS                                                                          \
	20 /* of TCP, or the payload's beginning: where a frame is long enough for them */
#define GENERATOR_HEADER_SIZE (GENERATOR_HEADER_IPV6 + GENERATOR_OPTIONS)

#define REFLECTOR_COUNT	      8 /* a power of two */

struct generator_shape {
	__u32 vary;
	__u32 ifindex; /* leaves by */
	__u32 length;  /* of the frame */
	__u32 ip_version;
	__u32 transport;     /* offset of the transport header; 0: none that carries a checksum */
	__u32 checksum;	     /* offset of its checksum */
	__u32 header_sum;    /* of the IPv4 header, varying fields 0, not folded */
	__u32 transport_sum; /* of pseudo header, transport header, payload, likewise */
	__u16 header[GENERATOR_HEADER_SIZE / 2]; /* how each frame begins */
	__u16 reflector[REFLECTOR_COUNT];	 /* network order */
	__u64 packets, bytes;			 /* what was made */
};

#endif
