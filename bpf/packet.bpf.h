/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is known about the packet at hand, and access to its bytes.
 *
 * Most larger steps are global functions: the verifier checks each once, knowing nothing of its
 * arguments. Offsets kept in struct packet are therefore bounded anew at each access, by
 * header_at(), and pointers into the packet never cross a call. Steps that use what they are given
 * as key or value of a map are static: Linux 6.1 takes a map's memory for that, but not an
 * argument's.
 */
#ifndef BPF_PACKET_BPF_H
#define BPF_PACKET_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "clock.bpf.h"
#include "maps.bpf.h"

/* Headers end within this many bytes of the frame: 14 + 8 of VLAN, 40 + 256 of IPv6, 60 of TCP. */
#define HEADER_OFFSET_MAX 512

enum packet_fragment {
	FRAGMENT_NONE,
	FRAGMENT_FIRST, /* holds the transport header */
	FRAGMENT_LATER, /* has no ports */
};

#define FRAGMENT_MORE	     0x8000 /* another fragment follows */
#define FRAGMENT_OFFSET_MASK 0x1fff

/* Does the client receive what is sent to its address? */
enum packet_proven {
	PROVEN_UNKNOWN,
	PROVEN_YES,
	PROVEN_NO, /* so far */
};

#define PACKET_IN     (1u << 0) /* to a protected address */
#define PACKET_OUT    (1u << 1) /* sent to a client for a protected address */
#define PACKET_WEB    (1u << 2) /* its address has local services */
#define PACKET_ROUTED (1u << 3) /* has an IPv6 routing header that mitigation ip_options is about */
#define PACKET_SILENT (1u << 4) /* a SYN: its sender may wait until the server has spoken */
#define PACKET_PROVEN (1u << 5) /* brought back a cookie that this node sent */

#define TCP_FIN	      0x01
#define TCP_SYN	      0x02
#define TCP_RST	      0x04
#define TCP_PSH	      0x08
#define TCP_ACK	      0x10
#define TCP_ECE	      0x40
#define TCP_CWR	      0x80

/* No implicit padding: global functions want every byte initialised. Begins as zeroes. */
struct packet {
	struct flow_key key; /* as received: key of the client's side, or of the origin's reply */
	__u64 now_ns;	     /* boot clock, at most NOW_COARSE_NS behind: see deadline_passed() */
	__u32 instance;
	__u32 slot; /* vip_counter slot */
	__u32 fragment_id;
	__u32 sequence; /* TCP, host order */
	__u32 acknowledgement;
	__u32 client_isn;      /* host order; set when a cookie was accepted */
	__u32 timestamp_value; /* TCP option, host order; valid with OPTION_TIMESTAMP */
	__u32 timestamp_echo;
	__u32 options; /* OPTION_*, MSS and window scale as offered: see options.bpf.h */
	__u16 network; /* offsets from the start of the frame */
	__u16 transport;
	__u16 end;    /* of the IP packet, or of its datagram: what follows is padding */
	__u16 length; /* of the IP packet, as far as it is there */
	__u16 window;
	__u8 version; /* 4 or 6 */
	__u8 protocol;
	__u8 fragment; /* enum packet_fragment */
	__u8 reason;   /* enum reason: why the verdict */
	__u8 flags;    /* PACKET_* */
	__u8 tcp_flags;
	__u8 tcp_length; /* bytes of header */
	__u8 offence;	 /* enum mitigation + 1: met too often now, the source is to be blocked */
	__u32 mitigation_on; /* bits: still to be asked; 0 for an allowed source, or after expiry */
	__u32 mitigation_watch; /* bits: of them, those that are only counted */
	__u32 proven;		/* enum packet_proven */
	__u16 mtu; /* not 0: the packet is too big, and its sender is to be told this */
	__u16 fragment_position; /* offset in 8 bytes, and FRAGMENT_MORE */
	__u32 watched;		 /* bits of mitigation_watch: those that the packet met */
	__u32 syn_threshold;	 /* of the instance: SYNs a second that pass as they are */
};
_Static_assert(sizeof(struct packet) == 128, "no padding");

#define RECENT_COUNT 4

/*
 * Of each CPU. The packet is not on the stack: five calls deep, its 512 bytes would not do. Reading the
 * clock costs as much as two lookups, so it is done once a tick. What map "vip" said about an address
 * is good for a tick, too.
 */
struct packet_cpu {
	struct packet packet;
	__u64 tick;   /* when the clock was read, in jiffies */
	__u64 now_ns; /* what it said */
	struct {
		struct address address;
		__u64 tick;
		struct vip vip;
	} recent[RECENT_COUNT];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_cpu);
} packet_scratch SEC(".maps");

/* A blank packet that has the time. */
static __always_inline struct packet *packet_blank(void)
{
	__u64 tick = clock_tick();
	__u32 zero = 0;
	struct packet_cpu *cpu = bpf_map_lookup_elem(&packet_scratch, &zero);

	if (!cpu)
		return NULL;
	if (cpu->tick != tick) {
		cpu->tick = tick;
		cpu->now_ns = clock_now_ns();
	}
	__builtin_memset(&cpu->packet, 0, sizeof(cpu->packet));
	cpu->packet.now_ns = cpu->now_ns;
	return &cpu->packet;
}

static __always_inline int address_equal(const struct address *a, const struct address *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* The entry of an address of the node, at most a tick old, or NULL. */
static __always_inline struct vip *vip_find(const struct address *address)
{
	__u32 zero = 0, index = (address->word[3] * 0x9e3779b1u) >> 30 & (RECENT_COUNT - 1);
	struct packet_cpu *cpu = bpf_map_lookup_elem(&packet_scratch, &zero);
	__u64 tick = clock_tick();
	struct vip *found;

	if (!cpu)
		return NULL;
	if (cpu->recent[index].tick == tick && address_equal(&cpu->recent[index].address, address))
		return &cpu->recent[index].vip;
	found = bpf_map_lookup_elem(&vip, address);
	if (!found)
		return NULL;
	cpu->recent[index].address = *address;
	cpu->recent[index].vip = *found;
	cpu->recent[index].tick = tick;
	return &cpu->recent[index].vip;
}

/* A tick is 10 ms at most; a busy CPU that keeps the time may be late. */
#define NOW_COARSE_NS (50 * NANOSECONDS / 1000)

/*
 * Is it the deadline, or past it, by the clock that is the boot clock + offset_ns? Exact: where it may
 * matter the clock is read.
 */
static __always_inline int deadline_passed(struct packet *p, __s64 offset_ns, __s64 deadline_ns)
{
	__s64 now_ns = p->now_ns + offset_ns;

	if (now_ns >= deadline_ns)
		return 1;
	if (now_ns + (__s64)NOW_COARSE_NS < deadline_ns)
		return 0;
	p->now_ns = clock_now_ns();
	return (__s64)(p->now_ns + offset_ns) >= deadline_ns;
}

static __always_inline void *header_at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *end = (void *)(long)ctx->data_end;
	__u8 *start = (void *)(long)ctx->data;

	/* Kept in one register, or the bound is checked on one copy and another is added. */
	asm volatile("" : "+r"(offset));
	if (offset > HEADER_OFFSET_MAX)
		return NULL;
	start += offset;
	if ((void *)(start + size) > end)
		return NULL;
	return start;
}

/* 1..max bytes of the frame from the offset on; max is a power of two. 0, or negative: not so many. */
static __always_inline long frame_copy(
	struct xdp_md *ctx, __u32 offset, void *to, __u64 size, const __u64 max)
{
	if (size < 1 || size > max)
		return -1;
	/* Said once more in a way that the verifier follows. */
	size--;
	asm volatile("" : "+r"(size));
	return bpf_xdp_load_bytes(ctx, offset, to, (size & (max - 1)) + 1);
}

static __always_inline int drop(struct packet *p, enum reason reason)
{
	p->reason = reason;
	return XDP_DROP;
}

static __always_inline int pass(struct packet *p)
{
	p->reason = REASON_host;
	return XDP_PASS;
}

static __always_inline int address_is_ipv4(const struct address *a)
{
	return a->word[0] == 0 && a->word[1] == 0 && a->word[2] == bpf_htonl(0xffff);
}

static __always_inline void address_from_ipv4(struct address *out, __be32 address)
{
	out->word[0] = 0;
	out->word[1] = 0;
	out->word[2] = bpf_htonl(0xffff);
	out->word[3] = address;
}

static __always_inline void address_from_ipv6(struct address *out, const struct in6_addr *address)
{
	out->word[0] = address->in6_u.u6_addr32[0];
	out->word[1] = address->in6_u.u6_addr32[1];
	out->word[2] = address->in6_u.u6_addr32[2];
	out->word[3] = address->in6_u.u6_addr32[3];
}

/* Loopback, unspecified, multicast: nobody can be answered there. */
static __always_inline int source_impossible(const struct packet *p)
{
	const struct address *a = &p->key.source;

	if (p->version == 4)
		return a->byte[12] == 0 || a->byte[12] == 127 || a->byte[12] >= 224;
	return a->byte[0] == 0xff || (a->half[0] == 0 && a->word[2] == 0);
}

#endif
