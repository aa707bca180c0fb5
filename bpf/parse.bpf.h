/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Frame to struct packet, in two steps: parse_network() finds version and addresses, which is all
 * that a packet to an unprotected address needs; parse_transport() checks every length and walks
 * IPv4 options or IPv6 extension headers to the transport header.
 *
 * Accepted: up to two VLAN tags; Ethernet padding behind the IP packet; IPv6 hop-by-hop, routing
 * (nothing left to visit), destination options and fragment headers, at most HEADER_CHAIN_MAX of
 * them (RFC 8200 section 4.1 has at most seven). Everything else of an impossible form is refused
 * as malformed. Checksums are not verified: they are carried on, so the receiver still sees an
 * error.
 */
#ifndef BPF_PARSE_BPF_H
#define BPF_PARSE_BPF_H

#include "packet.bpf.h"

#define HEADER_CHAIN_MAX  8
#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET_MASK	  0x1fff
#define DATAGRAM_MAX	  65535

struct vlan_tag {
	__be16 control;
	__be16 type;
};

struct extension {
	__u8 next;
	__u8 length; /* in 8 bytes, not counting the first */
	__u8 kind;   /* routing header: type */
	__u8 left;   /* routing header: segments left */
};

struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

enum parse_result {
	PARSE_IP,
	PARSE_OTHER, /* not IP, or too short to say whom it is for */
};

static __always_inline enum parse_result parse_addresses(
	void *data, void *end, __be16 type, struct packet *p)
{
	if (type == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data;

		if ((void *)(ip + 1) > end)
			return PARSE_OTHER;
		p->version = 4;
		address_from_ipv4(&p->key.source, ip->saddr);
		address_from_ipv4(&p->key.destination, ip->daddr);
		p->length = bpf_ntohs(ip->tot_len);
		return PARSE_IP;
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data;

		if ((void *)(ip + 1) > end)
			return PARSE_OTHER;
		p->version = 6;
		address_from_ipv6(&p->key.source, &ip->saddr);
		address_from_ipv6(&p->key.destination, &ip->daddr);
		p->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
		return PARSE_IP;
	}
	return PARSE_OTHER;
}

/* Where the packet ends; 0 where the frame ends before, and then it counts for what there is of it. */
static __always_inline void parse_end(void *data, void *end, struct packet *p)
{
	__u32 room = end - data - p->network, length = p->length;

	if (length > room)
		p->length = room;
	else if (p->network + length <= DATAGRAM_MAX)
		p->end = p->network + length;
}

static __always_inline enum parse_result parse_network(void *data, void *end, struct packet *p)
{
	struct ethhdr *ethernet = data;
	struct vlan_tag *tag = (void *)(ethernet + 1);
	__be16 type;

	if ((void *)(ethernet + 1) > end)
		return PARSE_OTHER;
	type = ethernet->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end)
			return PARSE_OTHER;
		type = tag->type;
		tag++;
	}
	p->network = (void *)tag - data;
	if (parse_addresses(tag, end, type, p) != PARSE_IP)
		return PARSE_OTHER;
	parse_end(data, end, p);
	return PARSE_IP;
}

static __always_inline void *parse_at(__u8 *data, void *end, __u32 offset, __u32 size)
{
	asm volatile("" : "+r"(offset));
	if (offset > HEADER_OFFSET_MAX)
		return NULL;
	data += offset;
	if ((void *)(data + size) > end)
		return NULL;
	return data;
}

/* Offset and "more" as in the header: offset in 8 bytes. */
static __always_inline int parse_fragment(
	struct packet *p, __u32 offset, int more, __u32 id, __u32 payload)
{
	if (more && payload % 8)
		return -1;
	if (offset * 8 + payload > DATAGRAM_MAX)
		return -1;
	if (offset)
		p->fragment = FRAGMENT_LATER;
	else if (more)
		p->fragment = FRAGMENT_FIRST;
	p->fragment_id = id;
	p->fragment_position = offset | (more ? FRAGMENT_MORE : 0);
	return 0;
}

static __always_inline int parse_ipv4(void *data, void *end, struct packet *p)
{
	struct iphdr *ip = parse_at(data, end, p->network, sizeof(*ip));
	__u32 header, field;

	if (!ip || ip->version != 4)
		return -1;
	header = ip->ihl * 4;
	if (header < sizeof(*ip) || p->length < header)
		return -1;
	p->protocol = ip->protocol;
	p->transport = p->network + header;
	field = bpf_ntohs(ip->frag_off);
	return parse_fragment(p, field & IP_OFFSET_MASK, field & IP_MORE_FRAGMENTS,
		bpf_ntohs(ip->id), p->length - header);
}

/* Types of routing headers: see mitigations/ip_options.bpf.h. */
static __always_inline int routing_unwanted(__u8 kind)
{
	return kind == 0 || kind == 1 || kind == 3;
}

/*
 * One extension header. Returns 1: another header follows, 0: transport is reached, -1: malformed.
 * A function of its own: inlined, clang lays out the loop around it in a way that Linux 6.1 refuses
 * (an instruction that is no jump falls into a loop's middle).
 */
static __noinline int parse_extension(void *data, void *end, struct packet *p)
{
	__u32 offset = p->transport;
	struct extension *extension;
	struct fragment_header *fragment;
	__u32 field;

	switch (p->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		extension = parse_at(data, end, offset, sizeof(*extension));
		if (!extension || (p->protocol == IPPROTO_ROUTING && extension->left))
			return -1;
		if (p->protocol == IPPROTO_ROUTING && routing_unwanted(extension->kind))
			p->flags |= PACKET_ROUTED;
		p->protocol = extension->next;
		p->transport = offset + 8 + extension->length * 8;
		return 1;
	case IPPROTO_FRAGMENT:
		fragment = parse_at(data, end, offset, sizeof(*fragment));
		if (!fragment || p->fragment || offset + sizeof(*fragment) > p->end)
			return -1;
		p->protocol = fragment->next;
		p->transport = offset + sizeof(*fragment);
		field = bpf_ntohs(fragment->offset);
		if (parse_fragment(p, field >> 3, field & 1, bpf_ntohl(fragment->id),
			    p->end - p->transport) < 0)
			return -1;
		return p->fragment != FRAGMENT_LATER;
	default:
		return 0;
	}
}

static __always_inline int parse_ipv6(void *data, void *end, struct packet *p)
{
	struct ipv6hdr *ip = parse_at(data, end, p->network, sizeof(*ip));
	int more = 1;

	if (!ip || ip->version != 6)
		return -1;
	p->protocol = ip->nexthdr;
	p->transport = p->network + sizeof(*ip);
	for (int i = 0; i < HEADER_CHAIN_MAX && more > 0; i++)
		more = parse_extension(data, end, p);
	return more ? -1 : 0;
}

static __always_inline int parse_tcp(void *data, void *end, struct packet *p)
{
	struct tcphdr *tcp = parse_at(data, end, p->transport, sizeof(*tcp));

	if (!tcp || p->transport + sizeof(*tcp) > p->end)
		return -1;
	p->tcp_length = tcp->doff * 4;
	if (p->tcp_length < sizeof(*tcp) || p->transport + p->tcp_length > p->end)
		return -1;
	p->key.source_port = tcp->source;
	p->key.destination_port = tcp->dest;
	p->tcp_flags = ((__u8 *)tcp)[13];
	p->sequence = bpf_ntohl(tcp->seq);
	p->acknowledgement = bpf_ntohl(tcp->ack_seq);
	p->window = bpf_ntohs(tcp->window);
	return 0;
}

static __always_inline int parse_udp(void *data, void *end, struct packet *p)
{
	struct udphdr *udp = parse_at(data, end, p->transport, sizeof(*udp));
	__u32 length;

	if (!udp || p->transport + sizeof(*udp) > p->end)
		return -1;
	length = bpf_ntohs(udp->len);
	if (length < sizeof(*udp))
		return -1;
	if (p->fragment == FRAGMENT_NONE) {
		if (p->transport + length > p->end)
			return -1;
		/* What IP has beyond is no payload: receivers cut it off. */
		p->end = p->transport + length;
	}
	p->key.source_port = udp->source;
	p->key.destination_port = udp->dest;
	return 0;
}

/* After parse_network() said PARSE_IP. Returns 0, or -1: malformed. */
static __always_inline int parse_transport(void *data, void *end, struct packet *p)
{
	if (!p->end)
		return -1;
	if (p->version == 4 ? parse_ipv4(data, end, p) : parse_ipv6(data, end, p))
		return -1;
	/* A packet from its own destination would be answered for ever. */
	if (p->transport > p->end || address_equal(&p->key.source, &p->key.destination))
		return -1;
	/* IPv6 packets between mapped addresses would meet the flows and addresses of IPv4. */
	if (p->version == 6 &&
		(address_is_ipv4(&p->key.source) || address_is_ipv4(&p->key.destination)))
		return -1;
	if (p->fragment == FRAGMENT_LATER)
		return 0;
	switch (p->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(data, end, p);
	case IPPROTO_UDP:
		return parse_udp(data, end, p);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return p->transport + 8 > p->end ? -1 : 0;
	default:
		return 0;
	}
}

static __always_inline int parse_transport_xdp(struct xdp_md *ctx, struct packet *p)
{
	if (!p)
		return -1;
	return parse_transport((void *)(long)ctx->data, (void *)(long)ctx->data_end, p);
}

__noinline int parse_transport_skb(struct __sk_buff *skb, struct packet *p)
{
	if (!p)
		return -1;
	return parse_transport((void *)(long)skb->data, (void *)(long)skb->data_end, p);
}

#endif
