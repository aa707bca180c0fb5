/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which tuples may have a TCP flow, or one of UDP that is kept (flow.bpf.h). A flood's tuples are all
 * different, so that each look into the flow table misses the processor's caches, which costs more than all
 * else that is done to such a packet. These bytes stay in them: one for each hash of a tuple, with the
 * time at which a flow of that hash was last opened or seen. A byte of the recent past proves nothing and
 * the table is asked; one that is older than any flow may be idle proves that there is none.
 *
 * There are two tables of them, and either may prove it. The small one stays in the caches even where
 * a flood is what the CPU does least: a look into the large one costs such a packet about 100 ns. With some 15,000
 * flows and more the small one proves little, and the large one is what it was.
 *
 * They belong to the program, not to the tables: a program that finds tables with flows asks them always,
 * until every flow that it does not know of must have ended. The agent says when the tables are new.
 */
#ifndef BPF_KNOWN_BPF_H
#define BPF_KNOWN_BPF_H

#include "packet.bpf.h"

#define KNOWN_BITS	 18
#define KNOWN_FEW_BITS	 14
#define KNOWN_UNIT_SHIFT 36 /* a unit is 2^36 ns, 69 s; bytes begin anew after five hours */
#define KNOWN_UNITS	 16u
_Static_assert(TCP_IDLE_SECONDS * 10 < KNOWN_UNITS * 687 - 687, "a flow may be idle for less");
_Static_assert(UDP_IDLE_SECONDS <= TCP_IDLE_SECONDS, "or for no more than one of TCP");

/* Set before load: nothing was in the flow tables. */
const volatile __u32 flow_tables_new = 0;

__u8 flow_known[1 << KNOWN_BITS]; /* 0: never */
__u8 flow_known_few[1 << KNOWN_FEW_BITS];
__u64 flow_known_since; /* boot clock; 0: nothing has come yet */

static __always_inline __u64 known_hash(const struct flow_key *key)
{
	__u64 a = (key->source.half[0] ^ key->source_port) * 0x9e3779b97f4a7c15ull;
	__u64 b = (key->destination.half[0] ^ (__u64)key->destination_port << 32) *
		  0xc2b2ae3d27d4eb4full;

	a = (a ^ key->source.half[1]) * 0xff51afd7ed558ccdull;
	b = (b ^ key->destination.half[1]) * 0xc4ceb9fe1a85ec53ull;
	a ^= a >> 32;
	return (a + b) * 0x9e3779b97f4a7c15ull;
}

/* Of bits that the other one does not have. */
static __always_inline __u32 known_few_index(__u64 hash)
{
	return hash >> (64 - KNOWN_BITS - KNOWN_FEW_BITS) & ((1 << KNOWN_FEW_BITS) - 1);
}

static __always_inline __u8 known_stamp(__u64 now_ns)
{
	__u8 stamp = now_ns >> KNOWN_UNIT_SHIFT;

	return stamp ? stamp : 1;
}

/* Before a flow is entered, and whenever it is noted as seen. */
static __always_inline void known_touch(const struct flow_key *key, __u64 now_ns)
{
	__u64 hash = known_hash(key);
	__u32 many = hash >> (64 - KNOWN_BITS), few = known_few_index(hash);
	__u8 stamp = known_stamp(now_ns);

	if (flow_known[many] != stamp)
		flow_known[many] = stamp;
	if (flow_known_few[few] != stamp)
		flow_known_few[few] = stamp;
}

/*
 * -1 or 0. One more unit, because another CPU's clock may have been read later than ours. Without branches: each
 * doubles what the verifier has to follow behind it.
 */
static __always_inline __s32 known_recent(__u8 byte, __u8 stamp)
{
	__s32 age = (__u8)(stamp - byte + 1), some = byte;

	asm volatile("" : "+r"(age), "+r"(some));
	return (age - (__s32)(KNOWN_UNITS + 2)) >> 31 & -some >> 31;
}

/* 0: there is no flow of this tuple. */
static __always_inline int known_maybe(const struct flow_key *key, __u64 now_ns)
{
	__u64 hash = known_hash(key);
	__u8 stamp = known_stamp(now_ns);

	if (known_recent(flow_known_few[known_few_index(hash)], stamp) &&
		known_recent(flow_known[hash >> (64 - KNOWN_BITS)], stamp))
		return 1;
	if (flow_tables_new)
		return 0;
	if (!flow_known_since)
		flow_known_since = now_ns;
	return now_ns - flow_known_since <= (__u64)KNOWN_UNITS << KNOWN_UNIT_SHIFT;
}

#endif
