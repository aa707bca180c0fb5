/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Challenges: a UDP source that has proven nothing is answered in the place of its port rule's origin, in a
 * way that makes a real client come back and prove itself. Only for rules with SERVICE_CHALLENGE, where the
 * form has such a way, before a flow is opened; nothing is kept of who was asked, and no answer is longer
 * than its request, so that nobody gains by forging.
 *
 * a2s: queries of game servers (developer.valvesoftware.com/wiki/Server_queries). The answer is
 * S2C_CHALLENGE, 9 bytes, with a keyed hash of addresses and ports for a challenge, under the cookies'
 * key of the minute; who repeats the query with it is proven. The query then goes to the origin, which
 * finds a challenge that is not its own and sends another: clients heed the latest.
 *
 * dns: the query comes back with TC (RFC 1035 section 4.2.2), as long as it was: a resolver asks again by
 * TCP and proves itself by the cookie. Only where the address has a TCP rule on the port. Options of the
 * query come back unread: resolvers turn to TCP whatever else is in a truncated answer.
 *
 * Not done. QUIC's Retry has to carry an AES-GCM tag (RFC 9001 section 5.8), which is dear here, and the
 * origin would have to share the token's key. RakNet's cookie is part of a handshake that the origin must
 * lead itself: one that asked for none refuses a client that brings one. What origins may be made to send
 * is bounded by the ceiling for unproven sources, and by what these sent themselves where mitigation
 * answer_bytes is on (answer.bpf.h).
 */
#ifndef BPF_MITIGATIONS_CHALLENGE_BPF_H
#define BPF_MITIGATIONS_CHALLENGE_BPF_H

#include "bpf/cookie.bpf.h"
#include "bpf/icmp.bpf.h"
#include "proof.bpf.h"
#include "bpf/service.bpf.h"

#define A2S_INFO       0x54
#define A2S_PLAYER     0x55
#define A2S_RULES      0x56
#define A2S_CHALLENGE  0x57
#define S2C_CHALLENGE  0x41
#define A2S_INFO_BYTES 25u	   /* without challenge */
#define A2S_NONE       0xffffffffu /* "give me a challenge" */

struct a2s_challenge {
	__be32 simple; /* all ones: not split */
	__u8 kind;
	__u8 challenge[4];
} __attribute__((packed));

struct dns_header {
	__be16 id;
	__u8 flags[2];
	__be16 questions, answers, authorities, more;
};

/* The challenge for this packet's source in this epoch. */
static __always_inline __u32 challenge_value(struct packet *p, struct settings *s, __u32 epoch)
{
	__u64 *key = s->cookie_key[epoch & 1];
	/* Another key than cookies have: what is told here says nothing about them. */
	__u32 value = cookie_siphash(p, epoch & 0xffffff, key[0], ~key[1]);

	return value == A2S_NONE ? 0 : value;
}

/* Turns the datagram around: to where it came from, as it is. Returns 0 or -1. */
static __always_inline int challenge_turn(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *ethernet = header_at(ctx, 0, sizeof(*ethernet));
	struct udphdr *udp = header_at(ctx, p->transport, sizeof(*udp));
	__u8 mac[ETH_ALEN];

	if (!ethernet || !udp)
		return -1;
	udp->source = p->key.destination_port;
	udp->dest = p->key.source_port;
	mac_copy(mac, ethernet->h_dest);
	mac_copy(ethernet->h_dest, ethernet->h_source);
	mac_copy(ethernet->h_source, mac);
	return p->version == 4 ? echo_swap_ipv4(ctx, p) : echo_swap_ipv6(ctx, p);
}

/* Sets the lengths of IP and UDP for so many bytes of payload. Returns 0 or -1. */
static __always_inline int challenge_length(struct xdp_md *ctx, struct packet *p, __u32 payload)
{
	__be16 length = bpf_htons(sizeof(struct udphdr) + payload), total;
	struct udphdr *udp = header_at(ctx, p->transport, sizeof(*udp));
	struct ipv6hdr *ip6;
	struct iphdr *ip;

	if (!udp)
		return -1;
	udp->len = length;
	if (p->version == 6) {
		ip6 = header_at(ctx, p->network, sizeof(*ip6));
		if (!ip6)
			return -1;
		ip6->payload_len = length;
		return 0;
	}
	ip = header_at(ctx, p->network, sizeof(*ip));
	if (!ip)
		return -1;
	total = bpf_htons(sizeof(*ip) + sizeof(*udp) + payload);
	ip->check = checksum_adjust(ip->check, (__u16)~ip->tot_len + (__u64)total);
	ip->tot_len = total;
	return 0;
}

/* The answer to an A2S query, in its frame. Returns 0 or -1. */
static __always_inline int a2s_answer(struct xdp_md *ctx, struct packet *p, __u32 value)
{
	__u32 at = p->transport + sizeof(struct udphdr);
	__u32 want = at + sizeof(struct a2s_challenge), size;
	struct a2s_challenge *answer;
	struct udphdr *udp;
	__u64 sum;

	if (challenge_turn(ctx, p) || challenge_length(ctx, p, sizeof(*answer)))
		return -1;
	udp = header_at(ctx, p->transport, sizeof(*udp) + sizeof(*answer));
	if (!udp)
		return -1;
	answer = (void *)(udp + 1);
	answer->simple = A2S_NONE;
	answer->kind = S2C_CHALLENGE;
	answer->challenge[0] = value;
	answer->challenge[1] = value >> 8;
	answer->challenge[2] = value >> 16;
	answer->challenge[3] = value >> 24;
	sum = address_sum(&p->key.source, p->version) +
	      address_sum(&p->key.destination, p->version);
	sum += (__u64)bpf_htons(IPPROTO_UDP) + 2ull * udp->len + udp->source + udp->dest;
	sum += 2ull * 0xffff + bpf_htons(S2C_CHALLENGE << 8 | answer->challenge[0]);
	sum += (__u64)bpf_htons(answer->challenge[1] << 8 | answer->challenge[2]);
	sum += (__u64)bpf_htons(answer->challenge[3] << 8);
	udp->check = ~checksum_fold(sum);
	if (!udp->check)
		udp->check = 0xffff;
	size = ctx->data_end - ctx->data;
	/* The difference first: the packet's end is no number to take something off. */
	asm volatile("" : "+r"(size));
	return bpf_xdp_adjust_tail(ctx, (int)(want - size)) ? -1 : 0;
}

static __always_inline __u32 a2s_read(const __u8 *at)
{
	return at[0] | (__u32)at[1] << 8 | (__u32)at[2] << 16 | (__u32)at[3] << 24;
}

/* 1: answered; 0: not to be challenged, or the source has proven itself; -1: malformed. */
static __noinline int challenge_a2s(struct xdp_md *ctx, struct packet *p)
{
	struct settings *s = settings_get();
	__u32 length, challenge = A2S_NONE;
	struct a2s_challenge *query;
	__u8 *tail;

	if (!p || !s)
		return 0;
	length = p->end - p->transport - sizeof(struct udphdr);
	query = header_at(ctx, p->transport + sizeof(struct udphdr), sizeof(*query));
	if (!query || length < sizeof(*query) || query->simple != A2S_NONE)
		return 0;
	if (query->kind == A2S_INFO) {
		if (length == A2S_INFO_BYTES + 4) {
			tail = header_at(
				ctx, p->transport + sizeof(struct udphdr) + A2S_INFO_BYTES, 4);
			if (!tail)
				return 0;
			challenge = a2s_read(tail);
		} else if (length != A2S_INFO_BYTES) {
			return 0;
		}
	} else if (query->kind >= A2S_PLAYER && query->kind <= A2S_CHALLENGE &&
		   length == sizeof(*query)) {
		challenge = a2s_read(query->challenge);
	} else {
		return 0;
	}
	if (challenge != A2S_NONE &&
		(challenge == challenge_value(p, s, s->cookie_epoch) ||
			challenge == challenge_value(p, s, s->cookie_epoch - 1))) {
		proof_set(p, 0);
		p->proven = PROVEN_YES;
		return 0;
	}
	return a2s_answer(ctx, p, challenge_value(p, s, s->cookie_epoch)) ? -1 : 1;
}

/* Can the client come by TCP instead? */
static __always_inline int challenge_has_tcp(struct packet *p)
{
	struct service_key key = {
		.instance = p->instance,
		.port = p->key.destination_port,
		.protocol = IPPROTO_TCP,
	};
	struct service *entry = bpf_map_lookup_elem(&service, &key);

	return entry && entry->origin_count;
}

/* As challenge_a2s(). */
static __noinline int challenge_dns(struct xdp_md *ctx, struct packet *p)
{
	struct dns_header *dns;
	struct udphdr *udp;
	__be16 before, *flags;

	if (!p || !challenge_has_tcp(p))
		return 0;
	if (p->transport + sizeof(*udp) + sizeof(*dns) > p->end)
		return 0;
	dns = header_at(ctx, p->transport + sizeof(*udp), sizeof(*dns));
	/* A query of opcode 0, one question, nothing answered. */
	if (!dns || dns->flags[0] & 0xf8 || dns->questions != bpf_htons(1) || dns->answers ||
		dns->authorities)
		return 0;
	if (challenge_turn(ctx, p))
		return -1;
	udp = header_at(ctx, p->transport, sizeof(*udp) + sizeof(*dns));
	if (!udp)
		return -1;
	dns = (void *)(udp + 1);
	flags = (void *)dns->flags;
	before = *flags;
	/* QR, TC; RD and CD as asked. */
	*flags = (before & bpf_htons(0x0110)) | bpf_htons(0x8200);
	if (udp->check) {
		udp->check = checksum_adjust(udp->check, (__u16)~before + (__u64)*flags);
		if (!udp->check)
			udp->check = 0xffff;
	}
	return 1;
}

static __noinline int challenge_now(struct xdp_md *ctx, struct packet *p)
{
	struct service *entry;
	__u32 header;

	if (!p)
		return 0;
	entry = service_find(p);
	header = p->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (!entry || !(entry->flags & SERVICE_CHALLENGE) || p->fragment != FRAGMENT_NONE ||
		p->transport != p->network + header)
		return 0;
	if (entry->form == FORM_a2s + 1)
		return challenge_a2s(ctx, p);
	if (entry->form == FORM_dns + 1)
		return challenge_dns(ctx, p);
	return 0;
}

/* What is left to do after challenge() said so. */
static __always_inline int challenge_sent(struct xdp_md *ctx, struct packet *p, int result)
{
	if (result < 0)
		return drop(p, REASON_malformed);
	p->flags |= PACKET_OUT;
	p->reason = REASON_challenge_sent;
	return transmit_back(ctx);
}

/* A datagram of no flow. 1: the packet is the answer, to be sent back; 0: it goes on; -1: malformed. */
static __always_inline int challenge(struct xdp_md *ctx, struct packet *p)
{
	if (!mitigation_wants(p, unproven) || p->mitigation_watch & MITIGATION_BIT(unproven) ||
		proof_look(p) == PROVEN_YES)
		return 0;
	return challenge_now(ctx, p);
}

#endif
