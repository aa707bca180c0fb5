/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Address translation of a packet in place. Checksums are adjusted by the difference (RFC 1624,
 * equation 3), never computed anew: a packet that arrived damaged leaves damaged.
 *
 * Sums are kept in 64 bits, of 16- or 32-bit words in network order, and folded once.
 */
#ifndef BPF_REWRITE_BPF_H
#define BPF_REWRITE_BPF_H

#include "packet.bpf.h"

struct translation {
	struct address source;
	struct address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 ifindex;
	__u8 mac_destination[6];
	__u8 mac_source[6];
	__u8 version; /* of the side that it goes to */
	__u8 prefix;  /* bytes of PROXY header that a datagram gets */
	__u16 mtu;    /* of that side; 0: not known */
};
_Static_assert(sizeof(struct translation) == 56, "no padding");

static __always_inline __u16 checksum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The checksum after "sum" (new words and complements of old ones) has been added. */
static __always_inline __u16 checksum_adjust(__u16 checksum, __u64 sum)
{
	return ~checksum_fold((__u64)(__u16)~checksum + sum);
}

static __always_inline __u64 checksum_change(__u32 from, __u32 to)
{
	return (__u64)(__u32)~from + to;
}

static __always_inline __u64 address_sum(const struct address *a, int version)
{
	if (version == 4)
		return a->word[3];
	return (__u64)a->word[0] + a->word[1] + a->word[2] + a->word[3];
}

/* What the change of one address adds to a sum; the two may be of different versions. */
static __always_inline __u64 address_change(const struct address *from, const struct address *to)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += checksum_change(from->word[i], to->word[i]);
	return sum;
}

static __always_inline __be16 ip_type(int version)
{
	return version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
}

static __always_inline void mac_copy(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, ETH_ALEN);
}

static __always_inline int mac_equal(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	/* At even offsets wherever they are kept. */
	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline int frame_macs_write(
	struct xdp_md *ctx, const __u8 *destination, const __u8 *source)
{
	struct ethhdr *ethernet = header_at(ctx, 0, sizeof(*ethernet));

	if (!ethernet)
		return -1;
	mac_copy(ethernet->h_dest, destination);
	mac_copy(ethernet->h_source, source);
	return 0;
}

/* What is between the addresses and the IP header: VLAN tags and the type, as received. */
struct frame_tags {
	__be16 half[6];
};

static __always_inline int frame_tags_read(struct xdp_md *ctx, struct frame_tags *tags)
{
	struct frame_tags *from = header_at(ctx, 2 * ETH_ALEN, sizeof(*from));

	if (!from)
		return -1;
	*tags = *from;
	return 0;
}

/*
 * After the head of the frame moved: tags and type before the IP header at "network". Returns 0 or
 * -1.
 */
static __always_inline int frame_head_write(
	struct xdp_md *ctx, __u32 network, const struct frame_tags *tags, int version)
{
	struct frame_tags *to = header_at(ctx, 2 * ETH_ALEN, sizeof(*to));
	__be16 *type;

	if (!to)
		return -1;
	/* Beyond the type these are bytes of the IP header, which is written later. */
	*to = *tags;
	type = header_at(ctx, network - sizeof(*type), sizeof(*type));
	if (!type)
		return -1;
	*type = ip_type(version);
	return 0;
}

static __always_inline int rewrite_ipv4(
	struct xdp_md *ctx, struct packet *p, const struct translation *t)
{
	struct iphdr *ip = header_at(ctx, p->network, sizeof(*ip));
	__u64 sum;

	if (!ip)
		return -REASON_malformed;
	if (ip->ttl <= 1)
		return -REASON_hop_limit;
	sum = checksum_change(ip->saddr, t->source.word[3]);
	sum += checksum_change(ip->daddr, t->destination.word[3]);
	/* TTL is the high byte of its word. */
	sum += (__u16)~bpf_htons(0x0100);
	ip->check = checksum_adjust(ip->check, sum);
	ip->ttl--;
	ip->saddr = t->source.word[3];
	ip->daddr = t->destination.word[3];
	return 0;
}

static __always_inline int rewrite_ipv6(
	struct xdp_md *ctx, struct packet *p, const struct translation *t)
{
	struct ipv6hdr *ip = header_at(ctx, p->network, sizeof(*ip));

	if (!ip)
		return -REASON_malformed;
	if (ip->hop_limit <= 1)
		return -REASON_hop_limit;
	ip->hop_limit--;
	__builtin_memcpy(&ip->saddr, &t->source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &t->destination, sizeof(ip->daddr));
	return 0;
}

/* What the change of addresses and ports adds to the transport checksum. */
static __always_inline __u64 rewrite_sum(struct packet *p, const struct translation *t)
{
	__u64 sum = 0;

	if (p->version == 4 && t->version == 4) {
		sum += checksum_change(p->key.source.word[3], t->source.word[3]);
		sum += checksum_change(p->key.destination.word[3], t->destination.word[3]);
	} else {
		sum += address_change(&p->key.source, &t->source);
		sum += address_change(&p->key.destination, &t->destination);
	}
	sum += checksum_change(p->key.source_port, t->source_port);
	sum += checksum_change(p->key.destination_port, t->destination_port);
	return sum;
}

static __always_inline void translation_finish(struct translation *t)
{
	t->version = address_is_ipv4(&t->destination) ? 4 : 6;
	t->prefix = 0;
}

static __always_inline void translation_to_origin(struct translation *t, const struct flow *flow)
{
	t->source = flow->local;
	t->destination = flow->origin;
	t->source_port = flow->local_port;
	t->destination_port = flow->origin_port;
	t->ifindex = flow->origin_ifindex;
	t->mtu = flow->origin_mtu;
	mac_copy(t->mac_destination, flow->origin_mac);
	mac_copy(t->mac_source, flow->local_origin_mac);
	translation_finish(t);
}

static __always_inline void translation_to_client(
	struct translation *t, const struct flow *flow, const struct flow_key *client)
{
	t->source = client->destination;
	t->destination = client->source;
	t->source_port = client->destination_port;
	t->destination_port = client->source_port;
	t->ifindex = flow->client_ifindex;
	t->mtu = flow->client_mtu;
	mac_copy(t->mac_destination, flow->client_mac);
	mac_copy(t->mac_source, flow->local_client_mac);
	translation_finish(t);
}

/*
 * Back out of the interface that the packet came by. veth does not wake a peer that has no program
 * of its own after XDP_TX (the frame waits for the next one), but does after a redirect; drivers of
 * NICs are quicker with XDP_TX. Which one is a constant, set before load; the slower is always
 * right.
 */
static __always_inline int transmit_back(struct xdp_md *ctx)
{
	if (transmit_directly)
		return XDP_TX;
	return bpf_redirect_map(&transmit, ctx->ingress_ifindex, XDP_TX);
}

/*
 * VLAN tags are left as received. They are right on the way out only where both sides are on one
 * VLAN of one interface; a tagged packet that would leave by another interface is refused.
 */
static __always_inline int transmit_to(struct xdp_md *ctx, struct packet *p, __u32 ifindex)
{
	if (ifindex == ctx->ingress_ifindex)
		return transmit_back(ctx);
	if (p->network != ETH_HLEN)
		return drop(p, REASON_malformed);
	if (bpf_redirect_map(&transmit, ifindex, 0) != XDP_REDIRECT)
		return drop(p, REASON_origin_unreachable);
	return XDP_REDIRECT;
}

#endif
