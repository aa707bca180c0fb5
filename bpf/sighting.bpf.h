/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Samples of refused packets: who sends what to an attacked address. Each CPU takes about one in 2^shift of what it
 * refuses of an address, after a random number of packets, so that no order of sources hides one; a sample stands for all
 * that came since the one before, so that their weights add up to what was refused.
 *
 * shift follows the flood by itself: SIGHTING_FEW samples within a window and it is one more, a new window and it is one
 * less. A thin flood is seen packet by packet, a thick one a few dozen times in a window; the first window of one takes a
 * few dozen for each doubling. A flood of many addresses meets the CPU's budget. Without room a sample is not taken, and the
 * next one stands for its packets, too. What this costs a packet that is not looked at is a few instructions beside its
 * counter. Nothing is woken: the agent comes once a second, and the ring holds what one second may cost it.
 */
#ifndef BPF_SIGHTING_BPF_H
#define BPF_SIGHTING_BPF_H

#include "packet.bpf.h"

#define SIGHTING_SHIFT_MAX 14

/* 0: no samples, to measure what they cost. Set before load: the verifier leaves what is not used out. */
const volatile __u32 sighting_is_on = 1;

/* Counts a refused packet; 1: it is to be looked at. */
static __always_inline int sighting_due(struct sighting_state *state)
{
	__u8 window, passed;
	__u32 most;

	if (!sighting_is_on)
		return 0;
	window = clock_tick() / SIGHTING_TICKS;
	passed = window - state->window;
	state->unseen++;
	if (state->left)
		state->left--;
	if (passed) {
		state->window = window;
		state->taken = 0;
		state->shift = state->shift > passed ? state->shift - passed : 0;
		most = (2u << state->shift) - 1;
		if (state->left > most)
			state->left = most;
	}
	return !state->left;
}

/* Whether this CPU may take one more. */
static __always_inline int sighting_allowed(void)
{
	__u32 window = clock_tick() / SIGHTING_TICKS, zero = 0;
	struct sighting_budget *budget = bpf_map_lookup_elem(&sighting_budget, &zero);

	if (!budget)
		return 0;
	if (budget->window != window) {
		budget->window = window;
		budget->taken = 0;
	}
	return budget->taken < SIGHTING_BUDGET && ++budget->taken;
}

/* When the next one is due: in 1 to 2^(shift + 1) packets. */
static __always_inline void sighting_next(struct sighting_state *state)
{
	if (state->taken < SIGHTING_FEW)
		state->taken++;
	if (state->taken == SIGHTING_FEW && state->shift < SIGHTING_SHIFT_MAX) {
		state->taken = 0;
		state->shift++;
	}
	state->left = bpf_get_prandom_u32() & ((2u << state->shift) - 1);
}

/* Takes the sample that is due. Static, as its caller's own part of the stack would not do. */
static __noinline int sighting_put(struct sighting_state *state, const struct address *source,
	__u32 instance, __u32 reason, __u64 what)
{
	struct sighting *out = NULL;

	if (sighting_allowed())
		out = bpf_ringbuf_reserve(&sighting, sizeof(*out), 0);
	if (out) {
		out->source = *source;
		out->instance = instance;
		out->weight = state->unseen;
		out->reason = reason;
		out->port = what;
		out->length = what >> 16;
		out->protocol = what >> 32;
		__builtin_memset(out->reserved, 0, sizeof(out->reserved));
		state->unseen = 0;
		bpf_ringbuf_submit(out, BPF_RB_NO_WAKEUP);
	}
	sighting_next(state);
	return out != NULL;
}

/* What of a packet's form a sample tells. */
static __always_inline __u64 sighting_what(__u8 protocol, __be16 port, __u16 length)
{
	return (__u64)protocol << 32 | (__u32)length << 16 | bpf_ntohs(port);
}

#endif
