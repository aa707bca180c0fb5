/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Ceilings of an instance, in bytes and packets a second: what its plan lets through to its origins, and
 * what sources that have proven nothing may send in all.
 *
 * Each budget is a moment up to which it is spent (a virtual clock): taking a share moves it on by the
 * time in which so much is earned. It may lag behind now by PLAN_BURST_NS at most, which is the burst
 * that may follow silence, and what comes when it is ahead of now is over the ceiling. So a second's
 * budget cannot be eaten in its first part.
 *
 * CPUs share the moment and take from it what is earned in PLAN_SHARE_NS at a time, or a packet where
 * that is more. What a CPU has left of its share is kept in a small table by slot. Where two slots meet
 * in a line of it, it is the one's that has it while that goes on, and the other takes packet by packet: nobody
 * pays for shares that others make it forget. Accuracy: each CPU may have a share unspent, and two that take
 * at once both may; with 16 CPUs that is 4 ms of the burst's 40.
 *
 * Charged is what is about to leave for an origin, so dropped packets eat nothing. By address: an
 * instance has one.
 */
#ifndef BPF_MITIGATIONS_PLAN_BPF_H
#define BPF_MITIGATIONS_PLAN_BPF_H

#include "bpf/mitigation.bpf.h"

#define PLAN_SHARE_NS 250000ull
#define PLAN_BURST_NS 40000000ull
#define PLAN_LINE_UNITS                                                                            \
	16u /* of 2^20 ns: who was silent for so long loses its line, and a share at most */
#define PLAN_PIECE_PACKETS 1024u
#define PLAN_PIECE_BYTES   (1u << 20)
#define PLAN_BITS	   (MITIGATION_BIT(plan_packets) | MITIGATION_BIT(plan_bytes))

/* Takes "share" of what is earned at "rate" a second. Returns it, or 0: over the ceiling. */
static __noinline __u64 plan_take(__u64 *spent_ns, __u64 now_ns, __u64 rate, __u64 share)
{
	__u64 spent;

	if (!spent_ns || !rate)
		return share;
	spent = *spent_ns;
	if ((__s64)(now_ns - spent) > (__s64)PLAN_BURST_NS) {
		spent = now_ns - PLAN_BURST_NS;
		*spent_ns = spent;
	}
	if ((__s64)(now_ns - spent) <= 0)
		return 0;
	__sync_fetch_and_add(spent_ns, share * NANOSECONDS / rate);
	return share;
}

/* This CPU's share of the packet's address; NULL: another's is in its place. */
static __always_inline struct plan_share *plan_share_of(struct packet *p)
{
	__u32 line = p->slot & (PLAN_SHARES - 1), now = p->now_ns >> 20;
	struct plan_share *share = bpf_map_lookup_elem(&plan_share, &line);

	if (!share)
		return NULL;
	if (share->slot != p->slot) {
		if (now - share->used < PLAN_LINE_UNITS)
			return NULL;
		__builtin_memset(share, 0, sizeof(*share));
		share->slot = p->slot;
	}
	if (share->used != now)
		share->used = now;
	return share;
}

/* Of one budget: is there enough for the packet? What is taken stays with this CPU, if it has a place for it. */
static __always_inline int plan_spend(
	__u32 *left, __u64 *spent_ns, __u64 now_ns, __u64 rate, __u32 want)
{
	__u64 taken, share = rate * PLAN_SHARE_NS / NANOSECONDS;

	if (!left)
		return plan_take(spent_ns, now_ns, rate, want) != 0;
	if (*left < want) {
		taken = plan_take(spent_ns, now_ns, rate, share < want ? want : share);
		if (!taken)
			return 0;
		*left += taken;
	}
	*left -= want;
	return 1;
}

/* A budget that has no ceiling is in hand in pieces, so that one that is set is soon in force. */
static __always_inline void plan_unlimited(__u32 *left, __u32 piece)
{
	if (*left < piece)
		*left = piece;
}

/* Of an address that has no share: packet by packet. */
static __noinline int plan_refuses_alone(struct packet *p)
{
	struct plan_state *state;
	struct vip *entry;
	__u64 packets, bytes;
	__u32 slot;

	if (!p)
		return 0;
	slot = p->slot;
	state = bpf_map_lookup_elem(&plan_state, &slot);
	entry = vip_find(&p->key.destination);
	if (!state || !entry)
		return 0;
	packets = mitigation_wants(p, plan_packets) ? entry->packets_max : 0;
	bytes = mitigation_wants(p, plan_bytes) ? entry->bytes_max : 0;
	if (packets && !plan_spend(NULL, &state->packets_ns, p->now_ns, packets, 1) &&
		mitigation_met(p, plan_packets))
		return REASON_plan_packets;
	if (!bytes || plan_spend(NULL, &state->bytes_ns, p->now_ns, bytes, p->length) ||
		!mitigation_met(p, plan_bytes))
		return 0;
	if (packets)
		__sync_fetch_and_add(&state->packets_ns, -(NANOSECONDS / packets));
	return REASON_plan_bytes;
}

static __noinline int plan_refuses_now(struct packet *p, struct plan_share *share)
{
	struct plan_state *state;
	struct vip *entry;
	__u32 slot;

	if (!p || !share)
		return 0;
	slot = p->slot;
	state = bpf_map_lookup_elem(&plan_state, &slot);
	entry = vip_find(&p->key.destination);
	if (!state || !entry)
		return 0;
	if (!entry->packets_max || !mitigation_wants(p, plan_packets))
		plan_unlimited(&share->packets, PLAN_PIECE_PACKETS);
	if (!entry->bytes_max || !mitigation_wants(p, plan_bytes))
		plan_unlimited(&share->bytes, PLAN_PIECE_BYTES);
	if (!plan_spend(&share->packets, &state->packets_ns, p->now_ns, entry->packets_max, 1) &&
		mitigation_met(p, plan_packets))
		return REASON_plan_packets;
	if (plan_spend(&share->bytes, &state->bytes_ns, p->now_ns, entry->bytes_max, p->length) ||
		!mitigation_met(p, plan_bytes))
		return 0;
	share->packets++;
	return REASON_plan_bytes;
}

/* A client's packet that is about to leave for an origin: 0 or the reason to drop it. */
static __always_inline int plan_refuses(struct packet *p)
{
	struct plan_share *share;

	if (!(p->mitigation_on & PLAN_BITS))
		return 0;
	share = plan_share_of(p);
	if (!share)
		return plan_refuses_alone(p);
	/* The usual case: both are in hand. */
	if (share->packets && share->bytes >= p->length) {
		share->packets--;
		share->bytes -= p->length;
		return 0;
	}
	return plan_refuses_now(p, share);
}

#endif
