/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which socket a new connection to a web site's port is for. Web sites have any port of any protected address, and
 * nginx a fixed set of listening sockets: polder_steer (sk_lookup, of the node's network namespace) leads the one to the
 * other, so that a port is added by a map's entry. The kernel asks it when no connection of the packet's addresses
 * exists; those that exist are found before.
 *
 * Other ports fall through to the host's own sockets. A web site's port without a listener refuses its connections:
 * they are for nobody else on the node.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "shared/packet_abi.h"

#define FAMILY_IPV4 2 /* AF_INET */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_STEER_MAX);
	__type(key, struct steer_key);
	__type(value, __u32);
} steer_port SEC(".maps");

/* A value of 8 bytes lets user space read sockets' cookies. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, STEER_LISTENERS);
	__type(key, __u32);
	__type(value, __u64);
} steer_listener SEC(".maps");

static __always_inline void key_of(struct bpf_sk_lookup *ctx, struct steer_key *key)
{
	__u32 ipv4 = ctx->local_ip4;

	/* Not joined with the read of another field: that would be through a pointer that was moved. */
	asm volatile("" : "+r"(ipv4));
	key->port = bpf_htons(ctx->local_port);
	if (ctx->family == FAMILY_IPV4) {
		key->vip.word[2] = bpf_htonl(0xffff);
		key->vip.word[3] = ipv4;
		return;
	}
	key->vip.word[0] = ctx->local_ip6[0];
	key->vip.word[1] = ctx->local_ip6[1];
	key->vip.word[2] = ctx->local_ip6[2];
	key->vip.word[3] = ctx->local_ip6[3];
}

SEC("sk_lookup")
int polder_steer(struct bpf_sk_lookup *ctx)
{
	struct steer_key key = {};
	struct bpf_sock *listener;
	__u32 *kind, index;
	long refused;

	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	key_of(ctx, &key);
	kind = bpf_map_lookup_elem(&steer_port, &key);
	if (!kind)
		return SK_PASS;
	index = 2 * *kind + (ctx->family != FAMILY_IPV4);
	listener = bpf_map_lookup_elem(&steer_listener, &index);
	if (!listener)
		return SK_DROP;
	refused = bpf_sk_assign(ctx, listener, 0);
	bpf_sk_release(listener);
	return refused ? SK_DROP : SK_PASS;
}

/*
 * Run by the agent, attached nowhere: makes the listener at an index, the frame's first 4 bytes, accept cookies that it
 * has not sent. A listener does so for two minutes after it had to send one itself, and this helper notes that it
 * had, where net.ipv4.tcp_syncookies is 2 at the moment. XDP_PASS: it is noted.
 */
SEC("xdp")
int polder_stamp(struct xdp_md *ctx)
{
	__u32 *data = (void *)(long)ctx->data, index;
	struct tcphdr tcp = { .doff = sizeof(tcp) / 4, .syn = 1 };
	struct ipv6hdr ipv6 = { .version = 6 };
	struct iphdr ipv4 = { .version = 4, .ihl = sizeof(ipv4) / 4 };
	struct bpf_sock *listener;
	__s64 cookie;

	if ((void *)(data + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	index = *data;
	listener = bpf_map_lookup_elem(&steer_listener, &index);
	if (!listener)
		return XDP_DROP;
	cookie = index & 1
			 ? bpf_tcp_gen_syncookie(listener, &ipv6, sizeof(ipv6), &tcp, sizeof(tcp))
			 : bpf_tcp_gen_syncookie(listener, &ipv4, sizeof(ipv4), &tcp, sizeof(tcp));
	bpf_sk_release(listener);
	return cookie > 0 ? XDP_PASS : XDP_DROP;
}

char polder_license[] SEC("license") = "Dual BSD/GPL";
