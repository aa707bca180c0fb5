/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SYN cookies: the SYN-ACK's sequence number proves that the client received it, without state.
 *
 *   bit 31      lowest bit of the epoch number
 *   bits 28-30  index into the table of MSS values
 *   bits 0-27   SipHash-2-4 (Aumasson and Bernstein, 2012) of addresses, ports, the client's ISN,
 *               epoch number and MSS index, under the epoch's key
 *
 * The keys come from the control and are the same on all nodes: any node accepts any node's cookie.
 * A cookie is valid in its epoch and the next, 60 to 120 seconds. Guessing one takes 2^27 packets
 * on average, and yields one flow.
 *
 * TCP options live in the timestamp that the client echoes: the low six bits of our TSval say
 * window scale (15: none) and SACK; bit 5 is kept for ECN, which is not agreed, because the
 * origin's consent is not known when the client is answered. They are not authenticated: a client
 * that alters them harms its own connection only. Without timestamps only the MSS survives.
 */
#ifndef BPF_COOKIE_BPF_H
#define BPF_COOKIE_BPF_H

#include "packet.bpf.h"
#include "options.bpf.h"

#define COOKIE_HASH_MASK  0x0fffffffu
#define COOKIE_MSS_SHIFT  28
#define COOKIE_MSS_COUNT  8
#define COOKIE_SCALE_NONE 15u
#define COOKIE_SACK	  (1u << 4)
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
 * The message is 47 bytes: source, destination, ports as in the packet (36), then little endian ISN
 * (4), epoch (4), MSS index (3). Its last word carries the length in the top byte, as SipHash
 * wants.
 */
__noinline __u64 cookie_siphash(struct packet *p, __u64 isn, __u64 last, __u64 key0, __u64 key1)
{
	__u64 v0 = key0 ^ 0x736f6d6570736575ull, v1 = key1 ^ 0x646f72616e646f6dull;
	__u64 v2 = key0 ^ 0x6c7967656e657261ull, v3 = key1 ^ 0x7465646279746573ull;
	__u64 word[6];

	if (!p)
		return 0;
	word[0] = p->key.source.half[0];
	word[1] = p->key.source.half[1];
	word[2] = p->key.destination.half[0];
	word[3] = p->key.destination.half[1];
	word[4] = (__u64)p->key.source_port | (__u64)p->key.destination_port << 16 | isn << 32;
	word[5] = last | 47ull << 56;
#pragma unroll
	for (int i = 0; i < 6; i++) {
		v3 ^= word[i];
		SIPROUND;
		SIPROUND;
		v0 ^= word[i];
	}
	v2 ^= 0xff;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

static __always_inline __u32 cookie_compute(
	struct packet *p, struct settings *s, __u32 isn, __u32 epoch, __u32 index)
{
	__u64 *key = s->cookie_key[epoch & 1];
	__u64 hash = cookie_siphash(p, isn, epoch | (__u64)index << 32, key[0], key[1]);

	return (epoch & 1) << 31 | index << COOKIE_MSS_SHIFT | ((__u32)hash & COOKIE_HASH_MASK);
}

static __always_inline __u32 cookie_make(struct packet *p, struct settings *s, __u32 mss)
{
	return cookie_compute(p, s, p->sequence, s->cookie_epoch, cookie_mss_index(mss));
}

static __always_inline int cookie_valid(
	struct packet *p, struct settings *s, __u32 cookie, __u32 isn)
{
	__u32 epoch = s->cookie_epoch, index = cookie >> COOKIE_MSS_SHIFT & 7;

	if (cookie >> 31 != (epoch & 1))
		epoch--;
	return cookie == cookie_compute(p, s, isn, epoch, index);
}

/* Our TSval: milliseconds of the boot clock, rounded down to make room for the options. */
static __always_inline __u32 cookie_stamp(struct packet *p)
{
	__u32 bits = COOKIE_SCALE_NONE;

	if (p->options & OPTION_SCALE)
		bits = option_scale(p->options);
	if (p->options & OPTION_SACK)
		bits |= COOKIE_SACK;
	return ((__u32)(p->now_ns / 1000000) & ~COOKIE_STAMP_MASK) | bits;
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
	if (scale <= OPTION_SCALE_MAX)
		options |= OPTION_SCALE | scale << OPTION_SCALE_SHIFT;
	return options;
}

#endif
