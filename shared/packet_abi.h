/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The contract between bpf/ (reader, per packet) and agent/ (writer): map keys and values.
 *
 * Addresses are 16 bytes; IPv4 is mapped (::ffff:a.b.c.d), so that one map serves both versions.
 * Ports and addresses are in network byte order, everything else in host order. Structs that are
 * hash keys have no implicit padding. Times are nanoseconds: "utc" is the machine's UTC, "life" is
 * life-cycle time (UTC plus the control's offset); struct settings converts bpf_ktime_get_boot_ns()
 * to both. A deadline of INT64_MAX means never.
 */
#ifndef SHARED_PACKET_ABI_H
#define SHARED_PACKET_ABI_H

#include <linux/types.h>

#include "limits.h"

#ifndef static_assert
#define static_assert _Static_assert
#endif

enum reason {
#define REASON(name, verdict, text) REASON_##name,
#include "reasons.def"
#undef REASON
	REASON_COUNT
};

#define REASON_DROP_FIRST REASON_malformed

/* In the order of the packet path; bit m of a mask is mitigation m. */
enum mitigation {
#define MITIGATION(name, mode, text) MITIGATION_##name,
#include "mitigations.def"
#undef MITIGATION
	MITIGATION_COUNT
};
static_assert(MITIGATION_COUNT <= 32, "masks of mitigations are 32 bits");
enum mitigation_mode {
	MITIGATION_OFF,
	MITIGATION_WATCH,
	MITIGATION_BLOCK
};
#define MITIGATION_BIT(name) (1u << MITIGATION_##name)
/* The reason of mitigation m. */
#define MITIGATION_REASON(m) (REASON_block_list + (m))
static_assert((int)MITIGATION_REASON(MITIGATION_COUNT) == (int)REASON_forwarding_off,
	"reasons.def has all mitigations in one piece");

struct address {
	union {
		__u8 byte[16];
		__be32 word[4];
		__u64 half[2]; /* for fast compares only */
	};
};
static_assert(sizeof(struct address) == 16, "address is a map key");

/* Which back-to-origin address what a client wants leaves from: bits from 32 on, modulo their number. client: an IPv6 one is
 * its /64, the rest 0. */
static inline __u64 source_hash(const struct address *client)
{
	__u64 hash = (client->half[0] ^ client->word[3]) * 0x9e3779b97f4a7c15ull;

	return (hash ^ hash >> 32) * 0xc2b2ae3d27d4eb4full;
}

/* map "settings": ARRAY, one entry. Written whole by the agent, at start and each second. */
struct settings {
	__s64 utc_offset_ns;	/* machine UTC = bpf_ktime_get_boot_ns() + this */
	__s64 life_offset_ns;	/* life-cycle time = bpf_ktime_get_boot_ns() + this */
	__u64 cookie_key[2][2]; /* SYN cookie keys of epoch e at [e & 1]: current and previous */
	__u32 cookie_epoch; /* current epoch number: machine UTC seconds / COOKIE_EPOCH_SECONDS */
	__u32 source_count[2]; /* back-to-origin addresses in map "source": [0] IPv4, [1] IPv6 */
	__u32 port_first;      /* source ports toward origins: [first, first + count) */
	__u32 port_count;
	__u32 edition; /* another one behind every change of any map: see bpf/refusal.bpf.h; 0: none */
};
#define COOKIE_EPOCH_SECONDS 60

/* map "vip": HASH NODE_VIP_MAX, key struct address (destination of the packet). */
enum vip_kind {
	VIP_PROTECTED = 1, /* an instance's address */
	VIP_SOURCE = 2, /* a back-to-origin address of this node: replies of origins arrive here */
};
struct vip {
	__u32 kind;		   /* enum vip_kind */
	__u32 instance;		   /* instance number; 0 for VIP_SOURCE */
	__s64 mitigation_until_ns; /* life: mitigations apply while now < this */
	__s64 forward_until_ns;	   /* life: packets are forwarded while now < this */
	__u32 slot;		   /* index into map "vip_counter", dense, given by the agent */
	__u32 flags;		   /* VIP_HAS_* */
	__u32 mitigation_on;	   /* bits: not off, and there is something to do */
	__u32 mitigation_watch;	   /* bits: of these, counted only */
	__s64 blackhole_until_ns;  /* utc: every packet is dropped while now < this; 0: never */
	__u64 bytes_max;	   /* a second, toward origins: clean bandwidth; 0: unlimited */
	__u32 packets_max;	   /* the same in packets; 0: unlimited */
	__u32 unproven_max;	   /* UDP packets a second of all unproven sources; 0: unlimited */
	__u32 syn_threshold; /* SYNs a second up to which they pass as they are; 0: all get cookies */
	__u32 reserved;
};
#define VIP_HAS_EXACT  (1u << 0) /* the instance has entries in "list_exact" */
#define VIP_HAS_PREFIX (1u << 1) /* the instance has entries in "list_prefix" */
#define VIP_HAS_LOCAL  (1u << 2) /* ports of the address are local services: see "local_service" */

/*
 * map "range": LPM_TRIE NODE_RANGE_MAX, BPF_F_NO_PREALLOC, key struct range_key -> __u32 1: where protected addresses lie. What
 * is for one of them that map "vip" does not have is for nobody.
 */
struct range_key {
	__u32 prefix_bits; /* 32 + 0..128 of the mapped address */
	__u32 reserved;	   /* 0; the trie compares it too */
	struct address address;
};

/* map "list_exact": HASH NODE_LIST_EXACT_MAX, BPF_F_NO_PREALLOC. One entry may allow and block: allow wins. */
struct list_exact_key {
	__u32 instance;
	__u32 reserved; /* 0 */
	struct address source;
};
/* map "list_prefix": LPM_TRIE NODE_LIST_PREFIX_MAX. prefix_bits counts the instance's 32 bits too. */
struct list_prefix_key {
	__u32 prefix_bits; /* 32 + 0..128 */
	__be32 instance;   /* big endian: the trie compares from the first byte */
	struct address source;
};
struct list_entry {
	__s64 allow_until_ns; /* utc; 0: not allowed by this entry, INT64_MAX: for ever */
	__s64 block_until_ns; /* utc; 0: not blocked by this entry */
};
/*
 * Prefixes nest and the trie gives only the longest: the agent therefore writes into each prefix
 * entry the maximum of its own and all covering prefixes' times.
 */

/* map "service": HASH NODE_SERVICE_MAX, BPF_F_NO_PREALLOC. */
struct service_key {
	__u32 instance;
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 reserved; /* 0 */
};
struct origin {
	struct address address;
	__be16 port;
	__u8 closed; /* its weight is 0: no new flows */
	__u8 reserved[5];
};
/* When a SYN is answered with a cookie. */
enum syn_mode {
	SYN_THRESHOLD, /* above the instance's syn_threshold */
	SYN_ALWAYS,
	SYN_NEVER
};
/* How the origin learns the client's address. */
enum client_address {
	CLIENT_ADDRESS_NONE,
	CLIENT_ADDRESS_TOA, /* TCP: option 254 in the ACK that ends the handshake; IPv6: 16 bytes of address */
	CLIENT_ADDRESS_PROXY, /* PROXY protocol v2: TCP before the first byte, UDP in each datagram */
	CLIENT_ADDRESS_COUNT
};
/* What payloads of a port rule have to look like. A rule holds one of them + 1; 0: anything. */
enum payload_form {
#define FORM(name, transport, text) FORM_##name,
#include "forms.def"
	FORM_COUNT
};
/* Limits of a port rule; 0: none. Rates are per second. */
enum limit_kind { /* in the published order of Sblack's types */
	LIMIT_RATE,
	LIMIT_CONNECTIONS,
	LIMIT_PACKETS,
	LIMIT_BYTES,
	LIMIT_COUNT
};
struct service_limits {
	__u32 source[LIMIT_COUNT]; /* of one source */
	__u32 rate;		   /* new connections of all sources */
	__u32 connections;	   /* open ones of all sources */
	/* A source over a limit BLOCK_HITS times in BLOCK_WINDOW_SECONDS is blocked so long; 0: not. */
	__u32 block_seconds[LIMIT_COUNT];
};
#define BLOCK_HITS	     5
#define BLOCK_WINDOW_SECONDS 60
#define SERVICE_LIMITED	     (1u << 0) /* a limit of a source is set */
#define SERVICE_NO_EMPTY     (1u << 1) /* connections that carry nothing count against their source */
#define SERVICE_CHALLENGE                                                                          \
	(1u << 2) /* unproven UDP sources are challenged, where the form has a way */
struct service {
	__u32 id; /* port rule number, for reports */
	__u32 idle_seconds;
	__u32 origin_count;	   /* 0: nothing is forwarded (REASON_no_origin) */
	__u32 persistence_seconds; /* 0: off */
	__u16 payload_min;	   /* bytes */
	__u16 payload_max;	   /* PAYLOAD_UNBOUNDED: any */
	__u8 syn_mode;		   /* enum syn_mode */
	__u8 client_address;	   /* enum client_address */
	__u8 form;		   /* enum payload_form + 1; 0: any */
	__u8 flags;		   /* SERVICE_* */
	struct service_limits limits;
	struct origin origin[ORIGIN_MAX];
	__u8 slot[ORIGIN_SLOTS]; /* index into origin[], filled in proportion to the weights */
};

/*
 * map "persistence": LRU_HASH NODE_PERSISTENCE_MAX, private to the packet path: where the last flow of a
 * client went. How long that binds is the service's, so that a change of it is in force at once.
 */
struct persistence_key {
	struct address client;
	__u32 service;	/* its id: numbers are never reused */
	__u32 reserved; /* 0 */
};
struct persistence {
	struct address origin;
	__be16 port;
	__u8 reserved[6];
	__u64 seen_ns; /* boot clock: last flow opened, or about the last packet of one */
};

/* map "source": ARRAY 2 * NODE_SOURCE_MAX of struct address: IPv4 at [0, 64), IPv6 at [64, 128). */

/*
 * maps "flow_tcp", "flow_udp": LRU_HASH, key struct flow_key, value struct flow.
 * maps "reverse_tcp", "reverse_udp": LRU_HASH, key struct flow_key of the origin's reply (source =
 * origin, destination = back-to-origin address), value struct flow_key of the client's side.
 * maps "flow_udp_kept", "reverse_udp_kept": the same, of UDP flows whose client went on after answers over
 * more than a second (FLOW_PROVEN): they are moved there, where forged sources cannot evict them.
 * The flow has one state, in the first; a reverse entry whose flow is gone, or whose flow names
 * another source port, is void.
 */
struct flow_key {
	struct address source;
	struct address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 reserved; /* 0 */
};
static_assert(sizeof(struct flow_key) == 40, "flow_key is a map key");

enum flow_state {
	FLOW_SYN_SENT = 1, /* TCP: origin SYN sent, nothing heard */
	FLOW_OPEN = 2,
	/* TCP: FIN of both sides, or RST, seen: kept briefly for retransmissions */
	FLOW_CLOSING = 3,
};
struct flow {
	struct address origin; /* chosen at creation, never changed */
	struct address local;  /* back-to-origin source address */
	__be16 origin_port;
	__be16 local_port;
	__u32 instance;
	__u64 seen_ns; /* boot clock: last packet of either side */
	__u32 idle_seconds;
	__u8 state;		  /* enum flow_state */
	__u8 flags;		  /* private to bpf/ */
	__u8 client_mac[6];	  /* as last seen: replies go back the way packets come */
	__u8 local_client_mac[6]; /* own address on that link */
	__u8 origin_mac[6];
	__u8 local_origin_mac[6];
	__u16 origin_mtu; /* of that side's link and route; 0: not known */
	__u32 client_ifindex;
	__u32 origin_ifindex;
	__u64 route_ns;	  /* boot clock: when the origin side's next hop was looked up */
	__u32 client_isn; /* TCP, host order: private to bpf/ from here */
	__u32 proxy_isn;
	__u32 sequence_delta; /* origin ISN - proxy ISN */
	__u32 timestamp_delta;
	__u32 client_window;
	__u32 options; /* MSS, window scale, SACK, timestamps as agreed */
	__u32 slot;    /* vip_counter slot */
	__u32 scratch[3];
	__u32 service; /* port rule number */
	__u32 client_next; /* about what the origin last acknowledged: where the client's RST has to be */
	__u32 origin_next;   /* the same of the client, in the client's numbers */
	__u8 client_address; /* enum client_address */
	__u8 prefix;	     /* bytes of PROXY header before the client's first */
	__u8 more_flags;     /* private to bpf/ */
	__u8 limit_flags;    /* FLOW_* below */
	__u32 origin_window; /* TCP: the largest that the origin has said, bytes; client_window alike when open */
	__u16 client_mtu; /* of that side's link; 0: not known */
	__u8 ecn;	  /* TCP: private to bpf/ */
	__u8 spare;
	__u32 opened_second; /* boot clock in seconds */
};
#define FLOW_COUNTED	(1u << 0) /* in the connection counts */
#define FLOW_LIMITED	(1u << 1) /* the rule limits each source; counted for its source, too */
#define FLOW_NO_EMPTY	(1u << 2) /* TCP: counts against its source if the client says nothing */
#define FLOW_EMPTY_ENDS (1u << 3) /* and is ended after EMPTY_SECONDS of that */
#define FLOW_SPOKE	(1u << 4) /* the client sent payload */
#define FLOW_PROVEN	(1u << 5) /* the client receives what is sent to its address */
#define EMPTY_SECONDS	15

/*
 * map "opening": HASH NODE_OPENING_MAX, key struct flow_key of the client's side: TCP flows in their
 * handshake. The agent runs the program polder_retry for those that are due; it repeats what was lost,
 * or gives up, and removes the entry when the handshake is at its end. A frame for it is an Ethernet
 * header of the type of the key's IP version, and the key.
 */
struct opening {
	__u64 due_ns; /* boot clock: when something is to be done */
	__u32 tries;  /* done so far */
	__u32 reserved;
};

/*
 * map "awaited": HASH NODE_AWAITED_MAX, key struct flow_key of the client's side: SYN-ACKs with a cookie whose ACK may be
 * lost and will not be repeated. The agent runs polder_retry for those, too, that are due.
 */
struct awaited {
	__u64 due_ns; /* boot clock; private to bpf/ from here */
	__u32 tries;  /* done so far */
	__u32 sequence;
	__u32 acknowledgement;
	__u32 options; /* as the client has them */
	__u32 timestamp_value;
	__u32 timestamp_echo;
	__u32 ifindex;
	__u8 mac_destination[6];
	__u8 mac_source[6];
};
static_assert(sizeof(struct awaited) == 48, "no padding");

/*
 * map "region_exact": ARRAY REGION_BLOCKS of struct region_block: for IPv4 address a.b.c.d, entry a.b, byte c: the
 * country (its row in shared/countries.def + 1; 0: unknown), or REGION_FINER: ask "region_prefix". The first byte of
 * all, for 0.0.0.0/24 where no packet comes from, is not 0 when a database is loaded: without one nothing is
 * known of anybody, and nobody is refused for being unknown.
 * map "region_prefix": LPM_TRIE NODE_REGION_PREFIX_MAX, BPF_F_NO_PREALLOC, key struct region_key -> __u32 country:
 * IPv6, and IPv4 finer than /24.
 * map "region_policy": HASH NODE_VIP_MAX, BPF_F_NO_PREALLOC, key __u32 instance -> struct region_policy.
 */
#define REGION_BLOCKS 65536
struct region_block {
	__u8 country[256];
};
#define REGION_FINER 255
struct region_key {
	__u32 prefix_bits; /* 32 + 0..128 */
	__u32 reserved;	   /* 0; the trie compares it too */
	struct address source;
};
struct region_policy {
	__u64 blocked[4]; /* bit of each country; bit 0: unknown */
};

/* map "reflection": HASH, BPF_F_NO_PREALLOC, key struct reflection_key -> __u32 1. */
struct reflection_key {
	__u32 instance;
	__be16 source_port;
	__u16 reserved; /* 0 */
};

/* map "pattern": HASH, BPF_F_NO_PREALLOC, key __u32 instance -> struct pattern_set: drop what matches one. */
struct pattern {
	__u8 protocol; /* 0: TCP and UDP */
	__u8 length;   /* bytes compared, 1..PATTERN_BYTES_MAX */
	__u16 offset;  /* in the payload, 0..PATTERN_OFFSET_MAX */
	__be16 port;   /* destination; 0: any */
	__u16 reserved;
	__u8 value[PATTERN_BYTES_MAX]; /* masked */
	__u8 mask[PATTERN_BYTES_MAX];
};
struct pattern_set {
	__u32 count;
	__u32 reserved;
	struct pattern pattern[PATTERN_MAX];
};

/*
 * State of the limits. Private to the packet path but for the connection counts, which the agent sets right
 * while it walks the flows, by the program polder_adjust: its addition is one step for all CPUs.
 * A source of IPv6 is its /64 in all of them: who has one address there has them all. Its last 8 bytes are 0.
 * maps "limit_tcp", "limit_udp": LRU_HASH NODE_SOURCE_STATE_MAX, key struct source_state_key -> struct
 * source_state. Two, so that forged sources, which UDP cannot refuse, push out no source of TCP.
 * map "service_state": HASH NODE_SERVICE_MAX, BPF_F_NO_PREALLOC, key __u32 port rule number: totals since made.
 * map "auto_block": LRU_HASH NODE_AUTO_BLOCK_MAX, key struct list_exact_key -> __s64 until, utc ns.
 * map "proven": LRU_HASH NODE_PROVEN_MAX, key struct address -> __u64 boot ns until which it counts as proven:
 * a valid cookie or an answered challenge. map "answered": the same for what a patient forger can do, too:
 * sources that went on talking with an origin (bpf/mitigations/proof.bpf.h).
 * map "plan_state": ARRAY NODE_VIP_MAX, key slot: budgets of all CPUs together.
 */
struct source_state_key {
	__u32 service;	/* port rule number */
	__u32 reserved; /* 0 */
	struct address source;
};
enum hit_kind { /* up to here as enum limit_kind */
	HIT_EMPTY = LIMIT_COUNT,
	HIT_COUNT
};
/* A rate is counted in slots of time: the present one and those before it are never less than a second. */
#define LIMIT_SLOTS   8
#define LIMIT_SLOT_NS 142857143ull /* a second is 7 of them */
struct source_state {
	__u32 turn;	   /* boot clock in slots: the present one is "turn" modulo LIMIT_SLOTS */
	__s32 connections; /* open ones; what is below 0 is none */
	__u32 rate[LIMIT_SLOTS]; /* connections opened */
	__u32 packets[LIMIT_SLOTS];
	__u32 bytes[LIMIT_SLOTS]; /* a slot of 240 Gbit/s fits */
	/* Seconds of the boot clock in which the source was over the limit, the latest first; 0: none. */
	__u32 hit[HIT_COUNT][BLOCK_HITS];
	__u32 opened; /* connections in all */
};
struct service_state {
	__u32 turn; /* as above */
	__u32 reserved;
	__u32 rate[LIMIT_SLOTS]; /* opened */
	__s64 connections;	 /* open ones */
	__u64 opened;		 /* in all */
	__u64 refused_rate;	 /* by the port rule's own limits, in all */
	__u64 refused_connections;
};
/* Budgets as the time up to which they are spent: behind now there is some left. Boot ns. */
struct plan_state {
	__u64 bytes_ns, packets_ns, unproven_ns;
	__u32 syn_second;    /* boot clock in seconds */
	__u32 syns;	     /* in it; counted up to one more than the threshold */
	__u32 cookies_until; /* second up to which all SYNs get cookies */
	__u32 reserved;
};
/* map "plan_share": PERCPU_ARRAY PLAN_SHARES, key slot modulo PLAN_SHARES: taken from these and not spent. */
struct plan_share {
	__u32 slot; /* whose it is */
	__u32 packets, bytes, unproven;
	__u32 used; /* last, boot clock in 2^20 ns, about milliseconds */
	__u32 reserved;
};
#define PLAN_SHARES 4096

/* What polder_adjust is run with: adds to the connection counts of a port rule, or of a source of it. */
struct adjust {
	struct source_state_key key; /* source all 0: the port rule */
	__u32 protocol;
	__s32 connections;
};

/*
 * map "request_ban": LRU_HASH NODE_REQUEST_BAN_MAX, key struct list_exact_key: sources that the request path
 * (nginx/) refuses; written by its workers, who have no more rights than the pin's group. Of IPv6 the /64, with 0 behind
 * it. Mitigation request_ban, for addresses with VIP_HAS_LOCAL: all packets of the source to the instance. A deletion is
 * obeyed within 250 ms, or at once behind another edition of the settings.
 */
struct request_ban {
	__s64 until_ns; /* utc */
	__u32 check;	/* enum check of request_abi.h */
	__u32 rule;	/* that asked for it; 0: none */
};

/*
 * Local services: TCP ports of protected addresses whose connections end on this node, at nginx. What passed all that
 * is asked of their packets goes to the host.
 * map "local_service": HASH NODE_STEER_MAX, BPF_F_NO_PREALLOC, key struct service_key -> __u32 1. Asked for addresses
 * with VIP_HAS_LOCAL; goes before a port rule of the same port.
 * map "local_cookie": ARRAY, one entry, written by the agent: what the host's stack makes of cookies.
 */
struct local_cookie {
	__u64 until_ns; /* boot clock: listeners accept those that they have not sent; 0: they do not */
	__u8 timestamps; /* may be offered, from the stack's clock; without them nothing below */
	__u8 sack;
	__u8 scale; /* that the stack offers; LOCAL_SCALE_NONE */
	__u8 reserved[5];
};
#define LOCAL_SCALE_NONE 15

/*
 * Steering of TCP connections to nginx (bpf/steer.bpf.c, sk_lookup).
 * map "steer_port": HASH NODE_STEER_MAX, BPF_F_NO_PREALLOC, key struct steer_key -> __u32 enum steer_listener.
 * map "steer_listener": SOCKMAP STEER_LISTENERS, index 2 * enum steer_listener + (IPv6: 1): listening sockets, put
 * there by nginx's master when it starts.
 */
struct steer_key {
	struct address vip;
	__be16 port;
	__u16 reserved[3]; /* 0 */
};
enum steer_listener {
	STEER_PLAIN,
	STEER_TLS,
	STEER_PLAIN_PROXY, /* connections begin with a PROXY header */
	STEER_TLS_PROXY,
	STEER_COUNT
};
#define STEER_LISTENERS (2 * STEER_COUNT)

/*
 * map "offence": RINGBUF 64 KiB: sources that were blocked for hits. One record each.
 */
struct offence {
	struct address source; /* IPv6: the /64, 0 behind it */
	__u32 instance;
	__u32 service;
	__u32 mitigation; /* enum mitigation: which limit */
	__u32 seconds;
};

/*
 * map "capture": ARRAY, one entry, written by the agent. Packets that match are copied into map "sample", RINGBUF 1
 * MiB, while "left" is not used up.
 */
struct capture {
	__u32 id;	/* 0: off */
	__u32 instance; /* 0: any */
	__u64 reasons;	/* bit r: reason r */
	__u64 left;	/* packets still wanted; counted down by the packet path */
};
#define SAMPLE_BYTES 256
static_assert(REASON_COUNT <= 64, "a capture names reasons by bits");
struct packet_sample {
	__s64 time_ns; /* utc */
	__u32 capture;
	__u32 instance;
	__u32 reason; /* with REASON_WATCHED */
	__u32 ifindex;
	__u16 length;	/* of the frame */
	__u16 captured; /* bytes of it below */
	__u32 reserved;
	__u8 frame[SAMPLE_BYTES];
};

/*
 * map "sighting": RINGBUF 256 KiB, read by the agent once a second: refused packets of protected addresses, and SYNs that
 * were answered with a cookie, as samples. weight: for how many packets it stands. Of each address and CPU at most
 * 2 * SIGHTING_FEW in a window where packets come evenly; of each CPU at most SIGHTING_BUDGET.
 */
#define SIGHTING_TICKS	32 /* of the kernel's clock: a window of 32 to 320 ms */
#define SIGHTING_FEW	15
#define SIGHTING_BUDGET 128
struct sighting {
	struct address source;
	__u32 instance;
	__u32 weight;
	__u32 reason;
	__u16 port;   /* destination, host order; 0: none is known */
	__u16 length; /* of the IP packet */
	__u8 protocol;
	__u8 reserved[7];
};
static_assert(sizeof(struct sighting) == 40, "no padding");

/* map "transmit": DEVMAP_HASH NODE_INTERFACE_MAX, key ifindex, value ifindex: where a redirect may go. */

/* map "reason_counter": PERCPU_ARRAY REASON_COUNT of struct counter; all VIPs together.
 * map "vip_counter": PERCPU_ARRAY NODE_VIP_MAX of struct vip_counter.
 * map "vip_reason": LRU_PERCPU_HASH 65536, key struct vip_reason_key -> struct counter, from 0 again after eviction: DROP
 * reasons, and with REASON_WATCHED those that would have been one if the mitigation were not only watched. */
struct counter {
	__u64 packets;
	__u64 bytes; /* IP and above, without Ethernet */
};
/*
 * Reasons that follow from a packet's addresses are counted with the VIP, and so is that of a flood of ACKs; others in
 * "vip_reason". With the VIP, too: SYNs answered with a cookie, and cookies that came back. What is missing of these
 * is a flood of SYNs.
 */
#define REFUSED_FIRST		 REASON_blackhole
#define REFUSED_COUNT		 (REASON_bogon - REASON_blackhole + 1)
#define VIP_REASONS		 (REFUSED_COUNT + 3)
#define VIP_PLACE_COOKIE_INVALID ((__u32)REFUSED_COUNT)
#define VIP_PLACE_COOKIE_SENT	 ((__u32)REFUSED_COUNT + 1)
#define VIP_PLACE_FLOW_OPENED	 ((__u32)REFUSED_COUNT + 2)
/* The place of a DROP reason in vip_counter.reason; VIP_REASONS: none. And the reason of a place. */
#define VIP_REASON_PLACE(reason)                                                                   \
	((reason) == REASON_cookie_invalid			? VIP_PLACE_COOKIE_INVALID         \
		: (__u32)(reason)-REFUSED_FIRST < REFUSED_COUNT ? (__u32)(reason)-REFUSED_FIRST    \
								: (__u32)VIP_REASONS)
#define VIP_REASON_AT(place)                                                                       \
	((place) < REFUSED_COUNT		      ? REFUSED_FIRST + (place)                    \
		: (place) == VIP_PLACE_COOKIE_INVALID ? (__u32)REASON_cookie_invalid               \
		: (place) == VIP_PLACE_COOKIE_SENT    ? (__u32)REASON_cookie_sent                  \
						      : (__u32)REASON_flow_opened)
/* Which of an address's refused packets a CPU looks at next (bpf/sighting.bpf.h). */
struct sighting_state {
	__u32 unseen; /* refused packets since the last sighting */
	__u16 left;   /* packets until the next one */
	__u8 window;  /* ticks of the kernel's clock / SIGHTING_TICKS, its last 8 bits */
	__u8 shift : 4, taken : 4; /* about one in 2^shift; sightings since shift was so */
};
static_assert(sizeof(struct sighting_state) == 8, "has room in struct vip_counter");
struct vip_counter {
	struct counter in;	/* all packets to the VIP, whatever became of them */
	struct counter dropped; /* of them */
	struct counter out;	/* packets sent to clients for the VIP */
	__u64 last_in_ns;	/* boot clock of the last packet to the VIP */
	struct sighting_state sighting;
	struct counter reason[VIP_REASONS]; /* by place; a cookie that came back is a flow_opened */
};
struct vip_reason_key {
	__u32 instance;
	__u32 reason; /* enum reason, or REASON_WATCHED | it */
};
#define REASON_WATCHED 0x100u

/* map "neighbour": RINGBUF 64 KiB: next hops that bpf_fib_lookup could not resolve; the agent makes
 * the kernel resolve them. Rate: at most one record per address and second (map "neighbour_asked"). */
struct neighbour_wanted {
	struct address address; /* next hop, or the destination itself */
	__u32 ifindex;
	__u32 reserved;
};

#endif
