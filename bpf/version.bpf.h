/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a received packet's network header to that of the side it goes to, and the cases in which it
 * is not enough to change it: the two sides are of different IP versions (an IPv6 client of an
 * origin that has IPv4 only), or a datagram gets a PROXY header before its payload. The header is
 * then written anew.
 *
 * As RFC 7915 has it, but for the addresses, which are the flow's: traffic class with its ECN bits,
 * hop limit and payload are carried; the flow label, IPv4 options and IPv6 extension headers are
 * not. IPv4 packets of more than 1,260 bytes may not be fragmented on their way, shorter ones may:
 * an IPv6 sender need not go below 1,280. Fragments stay fragments, with the low 16 bits of the
 * identification. The payload's checksum changes by the difference of the pseudo headers, of which
 * only the addresses differ.
 *
 * The frame's head moves, so nothing that pointed into the packet holds any more; offsets are in
 * struct packet.
 *
 * Not translated (dropped as malformed): fragments of IPv4 UDP without checksum, because it would
 * have to cover the whole datagram, and IPv6 first fragments with an extension header behind the
 * fragment's.
 */
#ifndef BPF_VERSION_BPF_H
#define BPF_VERSION_BPF_H

#include "header.bpf.h"
#include "parse.bpf.h"
#include "proxy.bpf.h"

#define IPV6_MTU_MIN	 1280
#define UNFRAGMENTED_MAX 1260u /* RFC 7915 section 5.1 */

/* Offset and "more" of a fragment, as the IPv4 header has them; -1: not to be translated. */
static __always_inline __s32 fragment_field(struct xdp_md *ctx, struct packet *p)
{
	struct fragment_header *header;
	struct iphdr *ip;
	__u32 field;

	if (p->version == 4) {
		ip = header_at(ctx, p->network, sizeof(*ip));
		if (!ip)
			return -1;
		return bpf_ntohs(ip->frag_off) & (IP_MORE_FRAGMENTS | IP_OFFSET_MASK);
	}
	/* It has to be the last before the payload. */
	header = header_at(ctx, p->transport - sizeof(*header), sizeof(*header));
	if (!header || bpf_ntohl(header->id) != p->fragment_id || header->next != p->protocol)
		return -1;
	field = bpf_ntohs(header->offset);
	return field >> 3 | (field & 1 ? IP_MORE_FRAGMENTS : 0);
}

static __always_inline __u8 traffic_class(struct xdp_md *ctx, struct packet *p)
{
	__be16 *half = header_at(ctx, p->network, sizeof(*half));

	if (!half)
		return 0;
	return p->version == 4 ? bpf_ntohs(*half) : bpf_ntohs(*half) >> 4;
}

static __always_inline int fragment_header_write(
	struct xdp_md *ctx, struct packet *p, __u32 offset, __u32 field)
{
	struct fragment_header *header = header_at(ctx, offset, sizeof(*header));

	if (!header)
		return -1;
	header->next = p->protocol;
	header->reserved = 0;
	header->offset = bpf_htons(field << 3 | (field & IP_MORE_FRAGMENTS ? 1 : 0));
	header->id = bpf_htonl(p->fragment_id);
	return 0;
}

static __always_inline __u32 header_length_after(const struct packet *p, int version)
{
	if (version == 6 && p->fragment)
		return sizeof(struct ipv6hdr) + sizeof(struct fragment_header);
	return ip_length(version);
}

/*
 * Bytes of PROXY header that the datagram gets, were it the first fragment; offsets count in 8
 * bytes.
 */
static __always_inline __u32 prefix_length(const struct packet *p, const struct translation *t)
{
	return t->prefix && p->fragment ? t->prefix + PROXY_PADDING : t->prefix;
}

/* Bytes of IP that the packet has when it has been translated. */
static __always_inline __u32 length_after(const struct packet *p, const struct translation *t)
{
	__u32 prefix = p->fragment == FRAGMENT_LATER ? 0 : prefix_length(p, t);

	if (p->version == t->version && !t->prefix)
		return p->length;
	return p->end - p->transport + header_length_after(p, t->version) + prefix;
}

/* What the new header says of fragments. Returns 0 or -1. */
static __always_inline int rebuild_fragment(
	struct xdp_md *ctx, struct packet *p, const struct translation *t, struct ip_fields *f)
{
	struct iphdr *ip;
	__s32 field;

	f->id = p->fragment_id;
	if (p->fragment) {
		field = fragment_field(ctx, p);
		if (field < 0)
			return -1;
		if (p->fragment == FRAGMENT_LATER)
			field += prefix_length(p, t) / 8;
		/* Never into the bit beside the offset: that datagram would be too long. */
		if ((field & IP_OFFSET_MASK) * 8 + f->payload > DATAGRAM_MAX)
			return -1;
		f->flags = field;
	} else if (p->version == 4 && t->version == 4) {
		ip = header_at(ctx, p->network, sizeof(*ip));
		if (!ip)
			return -1;
		f->flags = bpf_ntohs(ip->frag_off) & IP_DONT_FRAGMENT;
	} else if (f->payload > UNFRAGMENTED_MAX - sizeof(struct iphdr)) {
		f->flags = IP_DONT_FRAGMENT;
		f->id = 0;
	} else {
		f->id = bpf_get_prandom_u32();
	}
	return 0;
}

/*
 * Writes the network header anew, for the translation's version and with room for what it puts
 * before the payload. Returns 0, or -reason: then nothing is changed, or the frame is of no use any
 * more.
 */
__noinline int network_rebuild(struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	struct udphdr *udp, kept = {};
	struct ip_fields f = {};
	struct frame_tags tags;
	__u32 header, prefix;
	__s32 move;

	if (!p || !t)
		return -REASON_malformed;
	f.hop_limit = ip_hop_limit(ctx, p->network, p->version) - 1;
	if (f.hop_limit == 0 || f.hop_limit == 255)
		return -REASON_hop_limit;
	prefix = p->fragment == FRAGMENT_LATER ? 0 : prefix_length(p, t);
	header = header_length_after(p, t->version);
	f.payload = p->end - p->transport + prefix;
	f.source = &t->source;
	f.destination = &t->destination;
	f.version = t->version;
	f.traffic_class = traffic_class(ctx, p);
	f.protocol = p->protocol;
	if (rebuild_fragment(ctx, p, t, &f) || frame_tags_read(ctx, &tags))
		return -REASON_malformed;
	if (prefix) {
		udp = header_at(ctx, p->transport, sizeof(*udp));
		if (!udp)
			return -REASON_malformed;
		kept = *udp;
	}
	move = (__s32)p->transport - (__s32)(p->network + header + prefix);
	if (t->version == 6 && p->fragment) {
		f.protocol = IPPROTO_FRAGMENT;
		f.payload += sizeof(struct fragment_header);
	}
	if (bpf_xdp_adjust_head(ctx, move) ||
		frame_head_write(ctx, p->network, &tags, t->version) ||
		ip_write(ctx, p->network, &f))
		return -REASON_malformed;
	if (t->version == 6 && p->fragment &&
		fragment_header_write(ctx, p, p->network + sizeof(struct ipv6hdr), f.flags))
		return -REASON_malformed;
	p->transport = p->network + header;
	p->end -= move;
	if (prefix) {
		udp = header_at(ctx, p->transport, sizeof(*udp));
		if (!udp)
			return -REASON_malformed;
		*udp = kept;
	}
	if (p->flags & PACKET_OUT)
		p->length = p->end - p->network;
	return 0;
}

/*
 * The MTU that the sender of a packet that is too big is told; nobody sends a later fragment. Also
 * where IPv4 would allow to fragment it, which is not done here: stacks heed the MTU for such
 * packets, too.
 */
static __always_inline __u16 mtu_to_tell(const struct packet *p, const struct translation *t)
{
	__s32 mtu = (__s32)p->length + t->mtu - (__s32)length_after(p, t);

	if (p->fragment == FRAGMENT_LATER)
		return 0;
	return p->version == 6 && mtu < IPV6_MTU_MIN ? IPV6_MTU_MIN : mtu;
}

/*
 * Ethernet and IP. Returns 0 or -reason; nothing is changed then, and the packet says whether its
 * sender is to be told.
 */
static __always_inline int network_translate(
	struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	int error;

	if (t->mtu && length_after(p, t) > t->mtu) {
		p->mtu = mtu_to_tell(p, t);
		return -REASON_too_big;
	}
	if (p->version != t->version || t->prefix)
		error = network_rebuild(ctx, p, t);
	else
		error = p->version == 4 ? rewrite_ipv4(ctx, p, t) : rewrite_ipv6(ctx, p, t);
	if (error)
		return error;
	return frame_macs_write(ctx, t->mac_destination, t->mac_source) ? -REASON_malformed : 0;
}

#endif
