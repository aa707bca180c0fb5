/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drills: which frames they consist of. A frame is written whole but for what varies per packet;
 * frame_finish sums up the rest. Sources are 10.0.0.0/8 and 2001:db8:f000::/40 at random, or the
 * fixed block-listed ones below; they exist nowhere in the lab.
 */
#include "cli/generator.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>

#define BLOCKED_IPV4 "198.51.100.66"
#define BLOCKED_IPV6 "2001:db8:a::bad"
#define HOP_LIMIT    64
/* IPv4 flags and fragment offset; offsets count 8 bytes. */
#define MORE_FRAGMENTS 0x2000
#define ETHERNET_SIZE  sizeof(struct ethhdr)

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
/* DNS, NTP, SSDP, CLDAP, memcached, character generator, SNMP, portmap. */
static const uint16_t reflectors[REFLECTOR_COUNT] = { 53, 123, 1900, 389, 11211, 19, 161, 111 };

/* ---- headers */

static void *at(struct frame *frame, size_t offset)
{
	return frame->data + offset;
}

static size_t transport_offset(const struct frame *frame)
{
	return ETHERNET_SIZE +
	       (frame->shape.ip_version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Ethernet and IP for a payload of so many bytes. source NULL: it varies. */
static void start(struct frame *frame, const struct target *target, uint8_t protocol,
	size_t payload, const char *source)
{
	const bool ipv4 = memcmp(target->address, mapped, sizeof(mapped)) == 0;
	struct ethhdr *ethernet = at(frame, 0);

	memset(frame, 0, sizeof(*frame));
	frame->shape.ip_version = ipv4 ? 4 : 6;
	frame->shape.vary = source ? 0 : VARY_SOURCE;
	ethernet->h_proto = htons(ipv4 ? ETH_P_IP : ETH_P_IPV6);
	frame->length = (uint32_t)(transport_offset(frame) + payload);
	if (ipv4) {
		struct iphdr *ip = at(frame, ETHERNET_SIZE);

		ip->version = 4;
		ip->ihl = 5;
		ip->tot_len = htons((uint16_t)(frame->length - ETHERNET_SIZE));
		ip->ttl = HOP_LIMIT;
		ip->protocol = protocol;
		memcpy(&ip->daddr, target->address + 12, 4);
		if (source)
			(void)inet_pton(AF_INET, source, &ip->saddr);
		frame->shape.vary |= VARY_IDENTIFIER;
	} else {
		struct ipv6hdr *ip = at(frame, ETHERNET_SIZE);

		ip->version = 6;
		ip->payload_len = htons((uint16_t)payload);
		ip->hop_limit = HOP_LIMIT;
		ip->nexthdr = protocol;
		memcpy(&ip->daddr, target->address, 16);
		(void)inet_pton(AF_INET6, source ? source : "2001:db8:f000::", &ip->saddr);
	}
}

static struct tcphdr *add_tcp(struct frame *frame, uint16_t port)
{
	struct tcphdr *tcp = at(frame, transport_offset(frame));

	tcp->dest = htons(port);
	tcp->doff = 5;
	tcp->window = htons(64240);
	frame->shape.vary |= VARY_SOURCE_PORT | VARY_SEQUENCE;
	frame->shape.transport = (uint32_t)transport_offset(frame);
	frame->shape.checksum = frame->shape.transport + offsetof(struct tcphdr, check);
	return tcp;
}

static struct udphdr *add_udp(struct frame *frame, uint16_t port, size_t payload)
{
	struct udphdr *udp = at(frame, transport_offset(frame));

	udp->dest = htons(port);
	udp->len = htons((uint16_t)(sizeof(*udp) + payload));
	memset(udp + 1, 0x5a, payload);
	frame->shape.vary |= VARY_SOURCE_PORT;
	frame->shape.transport = (uint32_t)transport_offset(frame);
	frame->shape.checksum = frame->shape.transport + offsetof(struct udphdr, check);
	return udp;
}

/* ---- sums of everything that does not vary */

static uint32_t sum16(const uint8_t *data, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i += 2) {
		uint16_t word = data[i];

		/* In memory order, as the packet program adds them; an odd end is padded. */
		memcpy(&word, data + i, length - i > 1 ? 2 : 1);
		sum += word;
	}
	return sum;
}

static uint32_t pseudo_header(struct frame *frame, size_t length)
{
	const struct iphdr *ip = at(frame, ETHERNET_SIZE);
	const struct ipv6hdr *ipv6 = at(frame, ETHERNET_SIZE);
	const bool ipv4 = frame->shape.ip_version == 4;
	const uint8_t protocol = ipv4 ? ip->protocol : ipv6->nexthdr;

	return htons((uint16_t)length) + htons(protocol) +
	       (ipv4 ? sum16((const uint8_t *)&ip->daddr, 4)
		     : sum16((const uint8_t *)&ipv6->daddr, 16));
}

void frame_finish(struct frame *frame)
{
	struct generator_shape *shape = &frame->shape;
	const size_t offset = transport_offset(frame);

	shape->length = frame->length;
	for (size_t i = 0; i < REFLECTOR_COUNT; i++)
		shape->reflector[i] = htons(reflectors[i]);
	if (shape->ip_version == 4) {
		const struct iphdr *ip = at(frame, ETHERNET_SIZE);

		/* The packet program adds source and identification. */
		shape->header_sum = sum16(frame->data + ETHERNET_SIZE, sizeof(*ip)) -
				    sum16((const uint8_t *)&ip->saddr, 4) - ip->id;
	}
	if (shape->transport) {
		const size_t length = frame->length - offset;

		/* Source port, and the sequence if it varies, are still 0 here. */
		shape->transport_sum =
			sum16(frame->data + offset, length) + pseudo_header(frame, length);
	}
}

/* ---- one function per kind */

static void build_syn(const struct target *target, uint32_t i, struct frame *out)
{
	struct tcphdr *tcp;

	(void)i;
	start(out, target, IPPROTO_TCP, sizeof(*tcp), NULL);
	tcp = add_tcp(out, target->tcp_port);
	tcp->syn = 1;
}

static void build_ack(const struct target *target, uint32_t i, struct frame *out)
{
	struct tcphdr *tcp;

	(void)i;
	start(out, target, IPPROTO_TCP, sizeof(*tcp), NULL);
	tcp = add_tcp(out, target->tcp_port);
	tcp->ack = 1;
}

static void build_udp(const struct target *target, uint32_t i, struct frame *out)
{
	(void)i;
	start(out, target, IPPROTO_UDP, sizeof(struct udphdr) + 64, NULL);
	(void)add_udp(out, target->udp_port, 64);
}

/* Answers of public services to requests in the target's name: to a random port of it. */
static void build_reflection(const struct target *target, uint32_t i, struct frame *out)
{
	(void)i;
	start(out, target, IPPROTO_UDP, sizeof(struct udphdr) + 468, NULL);
	(void)add_udp(out, target->udp_port, 468);
	out->shape.vary = (out->shape.vary & ~VARY_SOURCE_PORT) | VARY_REFLECTOR;
}

/* Middle and last fragments of datagrams whose beginning never comes. */
static void build_fragment(const struct target *target, uint32_t i, struct frame *out)
{
	struct iphdr *ip = at(out, ETHERNET_SIZE);

	start(out, target, IPPROTO_UDP, 512, NULL);
	ip->frag_off = htons((uint16_t)((i ? 0 : MORE_FRAGMENTS) | 64 * (i + 1)));
}

/* Headers that contradict themselves; each frame another one. */
static void build_malformed(const struct target *target, uint32_t i, struct frame *out)
{
	struct iphdr *ip = at(out, ETHERNET_SIZE);
	struct tcphdr *tcp;

	start(out, target, IPPROTO_TCP, sizeof(*tcp), NULL);
	tcp = add_tcp(out, target->tcp_port);
	switch (i) {
	case 0: /* a header of 16 bytes */
		ip->ihl = 4;
		break;
	case 1: /* longer than the frame */
		ip->tot_len = htons(1400);
		break;
	case 2: /* TCP header of 16 bytes */
		tcp->doff = 4;
		tcp->ack = 1;
		break;
	case 3: /* TCP header longer than the packet */
		tcp->doff = 15;
		tcp->ack = 1;
		break;
	case 4: /* no flag at all */
		break;
	default: /* SYN and FIN and RST together */
		tcp->syn = tcp->fin = tcp->rst = 1;
		break;
	}
}

static void build_block_listed(const struct target *target, uint32_t i, struct frame *out)
{
	const bool ipv4 = memcmp(target->address, mapped, sizeof(mapped)) == 0;

	(void)i;
	start(out, target, IPPROTO_UDP, sizeof(struct udphdr) + 64,
		ipv4 ? BLOCKED_IPV4 : BLOCKED_IPV6);
	(void)add_udp(out, target->udp_port, 64);
}

const struct drill drills[] = {
	{ "syn-flood", "SYNs from random sources", 200000, 4, 1, build_syn, NULL },
	{ "syn-flood-ipv6", "the same over IPv6", 200000, 6, 1, build_syn, NULL },
	{ "ack-flood", "ACKs of no connection, random sources", 200000, 4, 1, build_ack, NULL },
	{ "udp-flood", "datagrams to an open port, random sources", 50000, 4, 1, build_udp, NULL },
	{ "udp-flood-ipv6", "the same over IPv6", 50000, 6, 1, build_udp, NULL },
	{ "udp-reflection", "answers of DNS, NTP, SSDP and other reflectors", 100000, 4, 1,
		build_reflection, NULL },
	{ "fragment-flood", "fragments of datagrams that never began", 200000, 4, 2, build_fragment,
		NULL },
	{ "malformed", "headers that contradict themselves", 100000, 4, 6, build_malformed, NULL },
	{ "block-listed", "datagrams of " BLOCKED_IPV4 ", which the drill puts on the block-list",
		200000, 4, 1, build_block_listed, BLOCKED_IPV4 },
	{ NULL, NULL, 0, 0, 0, NULL, NULL },
};

const struct drill *drill_find(const char *name)
{
	for (const struct drill *drill = drills; drill->name; drill++)
		if (strcmp(drill->name, name) == 0)
			return drill;
	return NULL;
}
