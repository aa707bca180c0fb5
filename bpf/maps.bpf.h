/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The maps of the packet path. Keys, values and who writes them: shared/packet_abi.h. The agent
 * pins those named there; "flow_scratch" and "packet_scratch" are private to the programs.
 */
#ifndef BPF_MAPS_BPF_H
#define BPF_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "shared/packet_abi.h"

#define NANOSECONDS	 1000000000ull
#define FRAGMENT_LIFE_NS (30 * NANOSECONDS) /* as long as stacks wait for the rest */

/* A fragment's translation is that of its datagram's flow. */
struct fragment_key {
	struct address source;
	struct address destination;
	__u32 id;
	__u32 protocol;
};
struct fragment {
	struct flow_key client; /* key in flow_udp */
	__u64 seen_ns;		/* boot clock: when the first fragment came */
	__u32 to_origin;
	__be16 local_port; /* the flow's, so that a successor of the flow is not mistaken for it */
	__u16 end;	   /* of the first fragment, in 8 bytes */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NODE_VIP_MAX);
	__type(key, struct address);
	__type(value, struct vip);
} vip SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_RANGE_MAX);
	__type(key, struct range_key);
	__type(value, __u32);
} range SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_LIST_EXACT_MAX);
	__type(key, struct list_exact_key);
	__type(value, struct list_entry);
} list_exact SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_LIST_PREFIX_MAX);
	__type(key, struct list_prefix_key);
	__type(value, struct list_entry);
} list_prefix SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_SERVICE_MAX);
	__type(key, struct service_key);
	__type(value, struct service);
} service SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_STEER_MAX);
	__type(key, struct service_key);
	__type(value, __u32);
} local_service SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct local_cookie);
} local_cookie SEC(".maps");

/* The agent makes it one entry when it has no database. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REGION_BLOCKS);
	__type(key, __u32);
	__type(value, struct region_block);
} region_exact SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_REGION_PREFIX_MAX);
	__type(key, struct region_key);
	__type(value, __u32);
} region_prefix SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_VIP_MAX);
	__type(key, __u32);
	__type(value, struct region_policy);
} region_policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_REFLECTION_MAX);
	__type(key, struct reflection_key);
	__type(value, __u32);
} reflection SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_PATTERN_MAX);
	__type(key, __u32);
	__type(value, struct pattern_set);
} pattern SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture);
} capture SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} sample SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} sighting SEC(".maps");

/* Sightings of this CPU in the window at hand. */
struct sighting_budget {
	__u32 window;
	__u32 taken;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sighting_budget);
} sighting_budget SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * NODE_SOURCE_MAX);
	__type(key, __u32);
	__type(value, struct address);
} source SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_SERVICE_MAX);
	__type(key, __u32);
	__type(value, struct service_state);
} service_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_AUTO_BLOCK_MAX);
	__type(key, struct list_exact_key);
	__type(value, __s64);
} auto_block SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_REQUEST_BAN_MAX);
	__type(key, struct list_exact_key);
	__type(value, struct request_ban);
} request_ban SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} offence SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FLOW_TCP_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flow_tcp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FLOW_TCP_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow_key);
} reverse_tcp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FLOW_UDP_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flow_udp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FLOW_UDP_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow_key);
} reverse_udp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FLOW_KEPT_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flow_udp_kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FLOW_KEPT_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow_key);
} reverse_udp_kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NODE_OPENING_MAX);
	__type(key, struct flow_key);
	__type(value, struct opening);
} opening SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_PERSISTENCE_MAX);
	__type(key, struct persistence_key);
	__type(value, struct persistence);
} persistence SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_FRAGMENT_MAX);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragment SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, NODE_INTERFACE_MAX);
	__type(key, __u32);
	__type(value, __u32);
} transmit SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_COUNT);
	__type(key, __u32);
	__type(value, struct counter);
} reason_counter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NODE_VIP_MAX);
	__type(key, __u32);
	__type(value, struct vip_counter);
} vip_counter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct vip_reason_key);
	__type(value, struct counter);
} vip_reason SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_SOURCE_STATE_MAX);
	__type(key, struct source_state_key);
	__type(value, struct source_state);
} limit_tcp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_SOURCE_STATE_MAX);
	__type(key, struct source_state_key);
	__type(value, struct source_state);
} limit_udp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_PROVEN_MAX);
	__type(key, struct address);
	__type(value, __u64);
} proven SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NODE_PROVEN_MAX);
	__type(key, struct address);
	__type(value, __u64);
} answered SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NODE_VIP_MAX);
	__type(key, __u32);
	__type(value, struct plan_state);
} plan_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PLAN_SHARES);
	__type(key, __u32);
	__type(value, struct plan_share);
} plan_share SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} neighbour SEC(".maps");

/* When a next hop was last asked for, boot clock. 1,024 unresolved next hops at a time suffice. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct address);
	__type(value, __u64);
} neighbour_asked SEC(".maps");

/* How many ports of each back-to-origin address this CPU has taken so far; 0: none yet, a random start is due. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * NODE_SOURCE_MAX);
	__type(key, __u32);
	__type(value, __u64);
} port_next SEC(".maps");

/* Flows that clients have opened in this second, by a hash of the client: 32 KiB for each CPU. */
#define SOURCE_USES 4096
struct source_use {
	__u32 second; /* boot clock */
	__u32 flows;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOURCE_USES);
	__type(key, __u32);
	__type(value, struct source_use);
} source_use SEC(".maps");

/* A new flow is too large for the stack beside what its callers hold. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} flow_scratch SEC(".maps");

/* CPUs that may run the program: their source ports are disjoint. Set before load; 1 is safe. */
const volatile __u32 cpu_count = 1;

/* Answer by XDP_TX instead of a redirect: for nodes without veth. See transmit_back(). */
const volatile __u32 transmit_directly = 0;

static __always_inline struct settings *settings_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

#endif
