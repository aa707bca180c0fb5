/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SYN cookies: the SYN-ACK's sequence number proves that the client received it, without state.
 *
 *   bit 31      lowest bit of the epoch number
 *   bits 28-30  index into the table of MSS values
 *   bits 0-27   SipHash-1-3 (Aumasson and Bernstein, 2012) of addresses, ports, epoch number and MSS
 *               index under the epoch's key, plus the client's ISN times COOKIE_ISN_FACTOR
 *
 * SipHash-1-3 has one round for each word and three at the end, where SipHash-2-4 has two and four: 5 instead of 8 for
 * IPv4, 8 instead of 14 for IPv6. What is asked of it: who gets any number of cookies for tuples of their own must
 * not be able to say one for another's tuple. They see 28 of 64 bits, and the key is gone after two minutes; no attack
 * on it is known that would do better than guessing.
 *
 * The keys come from the control and are the same on all nodes: any node accepts any node's cookie.
 * A cookie is valid in its epoch and the next, 60 to 120 seconds. Guessing one takes 2^27 packets
 * on average, and yields one flow. The ISN is added, not hashed: a segment that may be the ACK or a
 * window probe costs one hash. Who knows the cookie of one ISN could make another's of the same
 * addresses and ports: it is the client whom they belong to. The factor keeps apart what a peer
 * acknowledges and what it has sent, which grow together in many conversations.
 *
 * TCP options live in the timestamp that the client echoes: the low six bits of our TSval say
 * window scale (15: none), SACK and ECN (ecn.bpf.h). They are not authenticated: a client
 * that alters them harms its own connection only. Without timestamps only the MSS survives.
 */
#ifndef BPF_COOKIE_BPF_H
#define BPF_COOKIE_BPF_H

#include "packet.bpf.h"
#include "options.bpf.h"

#define COOKIE_HASH_MASK  0x0fffffffu
#define COOKIE_ISN_FACTOR 0x9e3779b1u /* odd, without a pattern */
#define COOKIE_MSS_SHIFT  28
#define COOKIE_MSS_COUNT  8
#define COOKIE_SCALE_NONE 15u
#define COOKIE_SACK	  (1u << 4)
#define COOKIE_ECN	  (1u << 5)
#define COOKIE_STAMP_MASK 63u

/* Largest first: minimum of IPv4, tunnels, PPPoE, Ethernet of IPv6 and of IPv4. */
static __always_inline __u32 cookie_mss(__u32 index)
{
	switch (index & (COOKIE_MSS_COUNT - 1)) {
	case 0:
		return 1460;
	case 1:
		return 1440;
	case 2:
		return 1412;
	case 3:
		return 1380;
	case 4:
		return 1340;
	case 5:
		return 1220;
	case 6:
		return 1024;
	default:
		return 536;
	}
}

static __always_inline __u32 cookie_mss_index(__u32 mss)
{
#pragma unroll
	for (__u32 i = 0; i < COOKIE_MSS_COUNT - 1; i++)
		if (mss >= cookie_mss(i))
			return i;
	return COOKIE_MSS_COUNT - 1;
}

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))
#define SIPROUND                                                                                   \
	do {                                                                                       \
		v0 += v1;                                                                          \
		v1 = ROTATE(v1, 13) ^ v0;                                                          \
		v0 = ROTATE(v0, 32);                                                               \
		v2 += v3;                                                                          \
		v3 = ROTATE(v3, 16) ^ v2;                                                          \
		v0 += v3;                                                                          \
		v3 = ROTATE(v3, 21) ^ v0;                                                          \
		v2 += v1;                                                                          \
		v1 = ROTATE(v1, 17) ^ v2;                                                          \
		v2 = ROTATE(v2, 32);                                                               \
	} while (0)

/*
 * The message is 15 bytes for IPv4, 39 for IPv6: source, destination, ports as in the packet, then
 * little endian 24 bits of which the low 3 are the MSS index, the others the epoch number's. Its last
 * word carries the length in the top byte, as SipHash wants.
 */
#define COOKIE_MESSAGE_IPV4 15ull
#define COOKIE_MESSAGE_IPV6 39ull

#define SIPHASH_WORD(word)                                                                         \
	do {                                                                                       \
		v3 ^= (word);                                                                      \
		SIPROUND;                                                                          \
		v0 ^= (word);                                                                      \
	} while (0)

/* A function of its own: inlined, its registers are spilled where the stack of Linux 6.1 has no room for them. */
__noinline __u64 cookie_siphash(struct packet *p, __u64 tail, __u64 key0, __u64 key1)
{
	__u64 v0 = key0 ^ 0x736f6d6570736575ull, v1 = key1 ^ 0x646f72616e646f6dull;
	__u64 v2 = key0 ^ 0x6c7967656e657261ull, v3 = key1 ^ 0x7465646279746573ull;
	__u64 last;

	if (!p)
		return 0;
	last = (__u64)p->key.source_port | (__u64)p->key.destination_port << 16 | tail << 32;
	if (p->version == 4) {
		SIPHASH_WORD(
			(__u64)p->key.source.word[3] | (__u64)p->key.destination.word[3] << 32);
		last |= COOKIE_MESSAGE_IPV4 << 56;
	} else {
		SIPHASH_WORD(p->key.source.half[0]);
		SIPHASH_WORD(p->key.source.half[1]);
		SIPHASH_WORD(p->key.destination.half[0]);
		SIPHASH_WORD(p->key.destination.half[1]);
		last |= COOKIE_MESSAGE_IPV6 << 56;
	}
	SIPHASH_WORD(last);
	v2 ^= 0xff;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

static __always_inline __u32 cookie_hash(
	struct packet *p, struct settings *s, __u32 epoch, __u32 index)
{
	__u64 *key = s->cookie_key[epoch & 1];

	return cookie_siphash(p, (epoch << 3 | index) & 0xffffff, key[0], key[1]);
}

static __always_inline __u32 cookie_make(struct packet *p, struct settings *s, __u32 mss)
{
	__u32 epoch = s->cookie_epoch, index = cookie_mss_index(mss);
	__u32 sum = cookie_hash(p, s, epoch, index) + p->sequence * COOKIE_ISN_FACTOR;

	return (epoch & 1) << 31 | index << COOKIE_MSS_SHIFT | (sum & COOKIE_HASH_MASK);
}

/* Is it the cookie of this ISN or, with "or_next", of the one after? "found" is which. */
static __always_inline int cookie_valid(
	struct packet *p, struct settings *s, __u32 cookie, __u32 isn, int or_next, __u32 *found)
{
	__u32 epoch = s->cookie_epoch, index = cookie >> COOKIE_MSS_SHIFT & 7, rest;

	if (cookie >> 31 != (epoch & 1))
		epoch--;
	rest = cookie - cookie_hash(p, s, epoch, index) - isn * COOKIE_ISN_FACTOR;
	*found = rest & COOKIE_HASH_MASK ? isn + 1 : isn;
	if (*found != isn && or_next)
		rest -= COOKIE_ISN_FACTOR;
	return !(rest & COOKIE_HASH_MASK);
}

/* Our TSval: 2^20 ns, about milliseconds, of the boot clock, rounded down to make room for the options. */
static __always_inline __u32 cookie_stamp(struct packet *p)
{
	__u32 bits = COOKIE_SCALE_NONE;

	if (p->options & OPTION_SCALE)
		bits = option_scale(p->options);
	if (p->options & OPTION_SACK)
		bits |= COOKIE_SACK;
	if (p->options & OPTION_ECN)
		bits |= COOKIE_ECN;
	return ((__u32)(p->now_ns >> 20) & ~COOKIE_STAMP_MASK) | bits;
}

/* What the SYN-ACK has of the options that the SYN offers. */
static __always_inline __u32 cookie_offer(const struct packet *p)
{
	return (p->options & ~OPTION_MSS_MASK) |
	       (p->version == 4 ? MSS_TO_CLIENT_IPV4 : MSS_TO_CLIENT_IPV6);
}

/* Options agreed with the client, from its cookie and the echo of our timestamp. */
static __always_inline __u32 cookie_options(struct packet *p, __u32 cookie)
{
	__u32 options = cookie_mss(cookie >> COOKIE_MSS_SHIFT) | OPTION_MSS;
	__u32 echo = p->timestamp_echo, scale = echo & 15;

	if (!(p->options & OPTION_TIMESTAMP))
		return options;
	options |= OPTION_TIMESTAMP;
	if (echo & COOKIE_SACK)
		options |= OPTION_SACK;
	if (echo & COOKIE_ECN)
		options |= OPTION_ECN;
	if (scale <= OPTION_SCALE_MAX)
		options |= OPTION_SCALE | scale << OPTION_SCALE_SHIFT;
	return options;
}

#endif
