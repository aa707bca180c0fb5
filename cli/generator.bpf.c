/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Makes a flood out of one frame. BPF_PROG_TEST_RUN with live frames runs this for each frame and sends
 * it by the redirect. Frames are recycled with what was last written into them, by this program or by who
 * got them (a node makes its answer out of the packet), so all headers are written anew; checksums
 * come from sums that leave the varying fields out.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "cli/generator_abi.h"

struct generator_shape shape;

/* from, size: constants at each call. */
static __always_inline bool copy(void *data, void *end, __u32 from, __u32 size)
{
	__u16 *word = data;

	if (data + from + size > end)
		return false;
#pragma unroll
	for (__u32 i = from / 2; i < (from + size) / 2; i++)
		word[i] = shape.header[i];
	return true;
}

/* size: a constant at each call. The node that answered wrote its own options behind the header. */
static __always_inline bool begin(void *data, void *end, __u32 size)
{
	if (!copy(data, end, 0, size))
		return false;
	(void)copy(data, end, size, GENERATOR_OPTIONS);
	return true;
}

struct ports {
	__be16 source, destination;
	__be32 sequence, acknowledgement; /* TCP */
};

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* 10.0.0.0/8: never anybody's on the lab's links, 16 million sources. Sum of the new address. */
static __always_inline __u64 vary_ipv4(struct iphdr *ip)
{
	__u64 source;

	if (shape.vary & VARY_SOURCE)
		ip->saddr = bpf_htonl(0x0a000000 | (bpf_get_prandom_u32() & 0x00ffffff));
	if (shape.vary & VARY_IDENTIFIER)
		ip->id = (__u16)bpf_get_prandom_u32();
	source = (ip->saddr & 0xffff) + (ip->saddr >> 16);
	ip->check = fold(shape.header_sum + source + ip->id);
	return source;
}

static __always_inline __u64 vary_ipv6(struct ipv6hdr *ip)
{
	__u64 sum = 0;

	if (shape.vary & VARY_SOURCE) {
		ip->saddr.s6_addr32[1] = bpf_htonl(0xf0000000 | (bpf_get_prandom_u32() & 0xffffff));
		ip->saddr.s6_addr32[2] = bpf_get_prandom_u32();
		ip->saddr.s6_addr32[3] = bpf_get_prandom_u32();
	}
#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += ip->saddr.s6_addr32[i];
	return sum;
}

static __always_inline __u64 vary_transport(struct ports *ports)
{
	__u64 sum = 0;

	if (shape.vary & VARY_REFLECTOR)
		ports->source = shape.reflector[bpf_get_prandom_u32() & (REFLECTOR_COUNT - 1)];
	else if (shape.vary & VARY_SOURCE_PORT)
		ports->source = bpf_htons((__u16)(1024 + bpf_get_prandom_u32() % 64512));
	if (shape.vary & VARY_SEQUENCE) {
		ports->sequence = bpf_get_prandom_u32();
		ports->acknowledgement = bpf_get_prandom_u32();
		sum = (__u64)ports->sequence + ports->acknowledgement;
	}
	return sum + ports->source;
}

/* transport: a constant at each call, so that the verifier sees fixed offsets. */
static __always_inline void finish(void *data, void *end, __u32 transport, __u64 sum)
{
	struct ports *ports = data + transport;
	__be16 *checksum;

	if (!shape.transport || (void *)(ports + 1) > end)
		return;
	sum += shape.transport_sum + vary_transport(ports);
	checksum = data + transport + ((shape.checksum - shape.transport) & 31);
	if ((void *)(checksum + 1) <= end) {
		const __u16 folded = fold(sum);

		/* UDP takes 0 for "none"; both mean the same otherwise. */
		*checksum = folded ? folded : 0xffff;
	}
}

SEC("xdp")
int polder_generator(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct ipv6hdr *ipv6 = data + sizeof(struct ethhdr);

	if (shape.ip_version == 4 && begin(data, end, GENERATOR_HEADER_IPV4))
		finish(data, end, sizeof(struct ethhdr) + sizeof(*ip), vary_ipv4(ip));
	else if (shape.ip_version == 6 && begin(data, end, GENERATOR_HEADER_IPV6))
		finish(data, end, sizeof(struct ethhdr) + sizeof(*ipv6), vary_ipv6(ipv6));
	else
		return XDP_DROP;
	__sync_fetch_and_add(&shape.packets, 1);
	__sync_fetch_and_add(&shape.bytes, shape.length);
	return bpf_redirect(shape.ifindex, 0);
}

/* For the far ends of the nodes' links: see passive_attach. What is sent back to made-up sources would be
 * lost in the Internet; it is lost here, or the attacker's stack would take the time of the nodes. */
SEC("xdp")
int polder_passive(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	const struct ethhdr *ethernet = data;
	const struct iphdr *ip = data + sizeof(*ethernet);
	const struct ipv6hdr *ipv6 = data + sizeof(*ethernet);

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return bpf_ntohl(ip->daddr) >> 24 == 10 ? XDP_DROP : XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6) && (void *)(ipv6 + 1) <= end &&
		ipv6->daddr.s6_addr32[0] == bpf_htonl(0x20010db8) && ipv6->daddr.s6_addr[4] == 0xf0)
		return XDP_DROP;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
