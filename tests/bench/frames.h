/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames of the benches: those of the drills, some with more in them. For one program each: everything here is
 * static.
 */
#ifndef TESTS_BENCH_FRAMES_H
#define TESTS_BENCH_FRAMES_H

#include <stdlib.h>

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "cli/generator.h"
/* Behind all others: its test library takes the name fail(). */
#include "tests/packet/harness.h"

#define TCP_PORT    80
#define UDP_PORT    7000
#define CLIENT_PORT 40000
#define BLOCKED	    "198.51.100.66" /* source of the drill "block-listed" */

static const char *const vip_text[] = { "198.18.0.1", "2001:db8:5610::1" };

static inline void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline void *frame_at(struct frame *frame, size_t offset)
{
	return frame->data + offset;
}

static inline void frame_from_drill(const char *name, int version, struct frame *out)
{
	const struct drill *drill = drill_find(name);
	struct target target = { .tcp_port = TCP_PORT, .udp_port = UDP_PORT };
	struct address vip = address_of(vip_text[version == 6]);

	must(drill != NULL, name);
	memcpy(target.address, vip.byte, sizeof(target.address));
	drill->build(&target, 0, out);
	memcpy(out->data, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
}

/* Behind the TCP header of a frame that ends with it. */
static inline void frame_add_options(struct frame *frame, const uint32_t *word, uint32_t count)
{
	struct tcphdr *tcp = frame_at(frame, frame->shape.transport);
	struct iphdr *ip = frame_at(frame, ETH_HLEN);
	struct ipv6hdr *ipv6 = frame_at(frame, ETH_HLEN);

	for (uint32_t i = 0; i < count; i++)
		((uint32_t *)(tcp + 1))[i] = htonl(word[i]);
	tcp->doff = (tcp->doff + count) & 15;
	frame->length += count * 4;
	if (frame->shape.ip_version == 4) {
		ip->tot_len = htons((uint16_t)(ntohs(ip->tot_len) + count * 4));
		ip->frag_off = htons(0x4000); /* do not fragment: as all stacks */
	} else {
		ipv6->payload_len = htons((uint16_t)(ntohs(ipv6->payload_len) + count * 4));
	}
}

/* One client only, which is the flow that frame_flow() makes. */
static inline void frame_fix_client(struct frame *frame)
{
	struct iphdr *ip = frame_at(frame, ETH_HLEN);
	struct ipv6hdr *ipv6 = frame_at(frame, ETH_HLEN);
	struct udphdr *ports = frame_at(frame, frame->shape.transport);

	if (frame->shape.ip_version == 4)
		ip->saddr = htonl(0x0a010203);
	else
		ipv6->saddr.s6_addr[15] = 1;
	ports->source = htons(CLIENT_PORT);
	frame->shape.vary = 0;
}

static inline void syn(int version, struct frame *out)
{
	/* MSS, SACK permitted and timestamp, NOP and window scale: as Linux sends them. */
	static const uint32_t options[] = { 0x020405b4, 0x0402080a, 0x12345678, 0, 0x01030307 };

	frame_from_drill("syn-flood", version, out);
	frame_add_options(out, options, 5);
}

static inline void ack(int version, struct frame *out)
{
	static const uint32_t options[] = { 0x0101080a, 0x12345678, 0x9abcdef0 };

	frame_from_drill("ack-flood", version, out);
	frame_add_options(out, options, 3);
}

static inline void tcp_known(int version, struct frame *out)
{
	ack(version, out);
	frame_fix_client(out);
}

static inline void udp_known(int version, struct frame *out)
{
	frame_from_drill("udp-flood", version, out);
	frame_fix_client(out);
}

static inline void block_listed(int version, struct frame *out)
{
	frame_from_drill("block-listed", version, out);
}

/* Datagrams of random sources in 10.0.0.0/8, which is on the list as a prefix. */
static inline void prefix_listed(int version, struct frame *out)
{
	frame_from_drill("udp-flood", version, out);
}

#endif
