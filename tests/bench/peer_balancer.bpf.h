/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * peer_balancer is Katran's way of a datagram whose flow it knows: protected address, flow in an LRU of this CPU,
 * origin, counters, IP in IP, back out. Left out: consistent hashing, QUIC, ICMP, fragments, the lookup of source
 * addresses, flags of a service, TCP.
 */
#ifndef TESTS_BENCH_PEER_BALANCER_BPF_H
#define TESTS_BENCH_PEER_BALANCER_BPF_H

#include "tests/bench/peers_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PEER_SERVICE_MAX);
	__type(key, struct peer_service_key);
	__type(value, struct peer_service);
} peer_service SEC(".maps");

struct peer_flows {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PEER_FLOW_MAX);
	__type(key, struct peer_flow_key);
	__type(value, struct peer_flow);
} peer_flows0 SEC(".maps"), peer_flows1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PEER_CPU_MAX);
	__type(key, __u32);
	__array(values, struct peer_flows);
} peer_flows_of_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PEER_ORIGIN_MAX);
	__type(key, __u32);
	__type(value, struct peer_origin);
} peer_origin SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PEER_SERVICE_MAX);
	__type(key, __u32);
	__type(value, struct peer_counter);
} peer_service_counter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PEER_ORIGIN_MAX);
	__type(key, __u32);
	__type(value, struct peer_counter);
} peer_origin_counter SEC(".maps");

static __always_inline void count(void *map, __u32 index, __u32 bytes)
{
	struct peer_counter *counter = bpf_map_lookup_elem(map, &index);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* Finds the flow's origin. Returns its length on the wire, or 0. */
static __always_inline __u32 balance(
	struct xdp_md *ctx, struct peer_flow_key *key, bool *ipv6, __u32 *origin)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct peer_service_key service = {};
	struct peer_service *found;
	struct udphdr *udp;
	struct peer_flow *flow;
	void *flows;
	__u32 cpu = bpf_get_smp_processor_id(), length;

	if ((void *)(ethernet + 1) > end)
		return 0;
	*ipv6 = ethernet->h_proto == bpf_htons(ETH_P_IPV6);
	if (*ipv6) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);

		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end || ip->nexthdr != IPPROTO_UDP)
			return 0;
		__builtin_memcpy(key->source, &ip->saddr, 16);
		__builtin_memcpy(key->destination, &ip->daddr, 16);
		length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	} else {
		struct iphdr *ip = (void *)(ethernet + 1);

		udp = (void *)(ip + 1);
		if (ethernet->h_proto != bpf_htons(ETH_P_IP) || (void *)(udp + 1) > end ||
			ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
			ip->frag_off & bpf_htons(0x3fff) || ip->ttl == 1)
			return 0;
		key->source[0] = ip->saddr;
		key->destination[0] = ip->daddr;
		length = bpf_ntohs(ip->tot_len);
	}
	key->source_port = udp->source;
	key->destination_port = service.port = udp->dest;
	key->protocol = service.protocol = IPPROTO_UDP;
	__builtin_memcpy(service.address, key->destination, 16);
	found = bpf_map_lookup_elem(&peer_service, &service);
	flows = bpf_map_lookup_elem(&peer_flows_of_cpu, &cpu);
	if (!found || !flows)
		return 0;
	flow = bpf_map_lookup_elem(flows, key);
	if (!flow || bpf_ktime_get_ns() - flow->seen_ns > PEER_FLOW_LIFE_NS)
		return 0;
	flow->seen_ns = bpf_ktime_get_ns();
	*origin = flow->origin;
	count(&peer_service_counter, found->slot, length);
	return length;
}

static __always_inline int wrap_ipv4(
	struct xdp_md *ctx, struct peer_origin *to, struct peer_flow_key *key, __u32 length)
{
	struct ethhdr *ethernet;
	struct iphdr *ip;
	__u16 *half;
	__u64 sum = 0;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))
		return XDP_DROP;
	ethernet = (void *)(long)ctx->data;
	ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(ethernet->h_dest, to->mac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, to->own_mac, ETH_ALEN);
	ethernet->h_proto = bpf_htons(ETH_P_IP);
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_IPIP;
	ip->tot_len = bpf_htons(length + sizeof(*ip));
	/* As Katran does: the inner source and port spread packets over the receiver's queues. */
	ip->saddr = bpf_htonl(0xac100000) | ((key->source_port ^ key->source[0]) & 0xffff0000);
	ip->daddr = to->address[0];
	half = (void *)ip;
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += half[i];
	ip->check = fold(sum);
	return XDP_TX;
}

static __always_inline int wrap_ipv6(
	struct xdp_md *ctx, struct peer_origin *to, struct peer_flow_key *key, __u32 length)
{
	struct ethhdr *ethernet;
	struct ipv6hdr *ip;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))
		return XDP_DROP;
	ethernet = (void *)(long)ctx->data;
	ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(ethernet->h_dest, to->mac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, to->own_mac, ETH_ALEN);
	ethernet->h_proto = bpf_htons(ETH_P_IPV6);
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->nexthdr = IPPROTO_IPV6;
	ip->hop_limit = 64;
	ip->payload_len = bpf_htons(length);
	ip->saddr.in6_u.u6_addr32[0] = bpf_htonl(0x01000000);
	ip->saddr.in6_u.u6_addr32[3] = key->source[3] ^ key->source_port;
	__builtin_memcpy(&ip->daddr, to->address, 16);
	return XDP_TX;
}

SEC("xdp")
int peer_balancer(struct xdp_md *ctx)
{
	struct peer_flow_key key = {};
	struct peer_origin *to;
	__u32 origin = 0, length;
	bool ipv6 = false;

	length = balance(ctx, &key, &ipv6, &origin);
	if (!length)
		return XDP_DROP;
	to = bpf_map_lookup_elem(&peer_origin, &origin);
	if (!to)
		return XDP_DROP;
	count(&peer_origin_counter, origin, length);
	return ipv6 ? wrap_ipv6(ctx, to, &key, length) : wrap_ipv4(ctx, to, &key, length);
}

#endif
