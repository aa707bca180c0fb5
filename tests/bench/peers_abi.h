/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Between the stand-ins for peers (peers.bpf.c) and who fills their maps. Addresses are 16 bytes; IPv4 is the
 * first word, as in Katran.
 */
#ifndef TESTS_BENCH_PEERS_ABI_H
#define TESTS_BENCH_PEERS_ABI_H

#include <linux/types.h>

#define PEER_SERVICE_MAX  512
#define PEER_ORIGIN_MAX	  4096
#define PEER_FLOW_MAX	  262144
#define PEER_CPU_MAX	  2 /* one table of flows each; what runs on another CPU is dropped */
#define PEER_FLOW_LIFE_NS 30000000000ull

struct peer_service_key {
	__be32 address[4];
	__be16 port;
	__u16 protocol;
};
struct peer_service {
	__u32 flags;
	__u32 slot; /* of its counter */
};
struct peer_flow_key {
	__be32 source[4];
	__be32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u32 protocol;
};
struct peer_flow {
	__u32 origin;
	__u32 reserved;
	__u64 seen_ns; /* monotonic clock */
};
struct peer_origin {
	__be32 address[4];
	__u8 mac[6], own_mac[6];
};
struct peer_counter {
	__u64 packets, bytes;
};

#endif
