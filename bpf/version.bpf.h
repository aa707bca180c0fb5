/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a received packet's network header to that of the side it goes to, and the case in which the
 * two are of different IP versions: an IPv6 client of an origin that has IPv4 only.
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
 * Makes it a packet of the translation's version. Returns 0, or -reason: then nothing is changed.
 */
__noinline int version_change(struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	struct ip_fields f = {};
	struct frame_tags tags;
	__u32 network, header;
	__s32 field = 0, move;

	if (!p || !t)
		return -REASON_malformed;
	network = p->network;
	header = header_length_after(p, t->version);
	f.hop_limit = ip_hop_limit(ctx, network, p->version) - 1;
	if (f.hop_limit == 0 || f.hop_limit == 255)
		return -REASON_hop_limit;
	if (p->fragment)
		field = fragment_field(ctx, p);
	if (field < 0 || frame_tags_read(ctx, &tags))
		return -REASON_malformed;
	f.source = &t->source;
	f.destination = &t->destination;
	f.version = t->version;
	f.traffic_class = traffic_class(ctx, p);
	f.protocol = p->protocol;
	f.payload = p->end - p->transport;
	if (p->fragment) {
		f.flags = field;
		f.id = p->fragment_id;
		if (t->version == 6) {
			f.protocol = IPPROTO_FRAGMENT;
			f.payload += sizeof(struct fragment_header);
		}
	} else if (f.payload > UNFRAGMENTED_MAX - sizeof(struct iphdr)) {
		f.flags = IP_DONT_FRAGMENT;
	} else {
		f.id = bpf_get_prandom_u32();
	}
	move = (__s32)p->transport - (__s32)(network + header);
	if (bpf_xdp_adjust_head(ctx, move) || frame_head_write(ctx, network, &tags, t->version) ||
		ip_write(ctx, network, &f))
		return -REASON_malformed;
	if (t->version == 6 && p->fragment &&
		fragment_header_write(ctx, p, network + sizeof(struct ipv6hdr), field))
		return -REASON_malformed;
	p->transport -= move;
	p->end -= move;
	if (p->flags & PACKET_OUT)
		p->length = p->end - network;
	return 0;
}

/* Bytes of IP that the packet has when it has been translated. */
static __always_inline __u32 length_after(const struct packet *p, const struct translation *t)
{
	if (p->version == t->version)
		return p->length;
	return p->end - p->transport + header_length_after(p, t->version);
}

/*
 * The MTU that the sender of a packet that is too big is told; nobody sends a later fragment. Also where
 * IPv4 would allow to fragment it, which is not done here: stacks heed the MTU for such packets, too.
 */
static __always_inline __u16 mtu_to_tell(const struct packet *p, const struct translation *t)
{
	__s32 mtu = (__s32)p->length + t->mtu - (__s32)length_after(p, t);

	if (p->fragment == FRAGMENT_LATER)
		return 0;
	return p->version == 6 && mtu < IPV6_MTU_MIN ? IPV6_MTU_MIN : mtu;
}

/*
 * Ethernet and IP. Returns 0 or -reason; nothing is changed then, and the packet says whether its sender is
 * to be told.
 */
static __always_inline int network_translate(
	struct xdp_md *ctx, struct packet *p, struct translation *t)
{
	int error;

	if (t->mtu && length_after(p, t) > t->mtu) {
		p->mtu = mtu_to_tell(p, t);
		return -REASON_too_big;
	}
	if (p->version != t->version)
		error = version_change(ctx, p, t);
	else
		error = p->version == 4 ? rewrite_ipv4(ctx, p, t) : rewrite_ipv6(ctx, p, t);
	if (error)
		return error;
	return frame_macs_write(ctx, t->mac_destination, t->mac_source) ? -REASON_malformed : 0;
}

#endif
