/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sources that are known to receive what is sent to their address, and the ceiling for all UDP of those
 * that are not.
 *
 * A TCP connection shows it by its cookie, an answered challenge does too: map "proven". Both take
 * reading what Polder sent to the address, under a key that changes each minute.
 *
 * A UDP client that is heard again after the origin has answered it twice, more than a second apart,
 * is in map "answered". Polder cannot see that these answers were read: forging it takes packets
 * from one address and port for longer than a second, to a service that answers them, for each
 * address. A flood whose sources change from packet to packet never gets there; who does it for many
 * addresses fills this table, and not the one of real proofs.
 *
 * A source of IPv6 is its /64. A proof is good for PROOF_NS, and anew with each later one; a flow of a
 * proven source remembers it by a flag and renews it each second that it is used.
 */
#ifndef BPF_MITIGATIONS_PROOF_BPF_H
#define BPF_MITIGATIONS_PROOF_BPF_H

#include "plan.bpf.h"

#define PROOF_NS	 (600 * NANOSECONDS)
#define PROOF_ANSWERS	 2
#define PROOF_ANSWER_MS	 1000u		/* between the first and a later answer */
#define PROOF_REFRESH_NS (PROOF_NS / 2) /* a proof that is as young is not written again */

/* struct flow: scratch, of UDP. */
enum proof_scratch_use {
	SCRATCH_ANSWER_MS,    /* when the first answer came */
	SCRATCH_ANSWERS,      /* how many that count, up to PROOF_ANSWERS */
	SCRATCH_ANSWER_BYTES, /* that the origin may still send: answer.bpf.h */
};

/* What a source is in all tables of sources: its address, or the /64 of IPv6. */
static __always_inline void source_widen(struct address *source)
{
	if (!address_is_ipv4(source))
		source->half[1] = 0;
}

/* The packet's source has proven itself: by a cookie or challenge, or (weak) by going on after answers. */
static __noinline int proof_set(struct packet *p, int weak)
{
	struct address source;
	__u64 *until, then;

	if (!p)
		return 0;
	source = p->key.source;
	source_widen(&source);
	then = p->now_ns + PROOF_NS;
	until = weak ? bpf_map_lookup_elem(&answered, &source)
		     : bpf_map_lookup_elem(&proven, &source);
	if (until && (__s64)(then - *until) < (__s64)PROOF_REFRESH_NS)
		return 0;
	if (weak)
		bpf_map_update_elem(&answered, &source, &then, BPF_ANY);
	else
		bpf_map_update_elem(&proven, &source, &then, BPF_ANY);
	return 0;
}

static __noinline int proof_has(struct packet *p)
{
	struct address source;
	__u64 *until;

	if (!p)
		return 0;
	source = p->key.source;
	source_widen(&source);
	until = bpf_map_lookup_elem(&proven, &source);
	if (until && (__s64)(*until - p->now_ns) > 0)
		return 1;
	until = bpf_map_lookup_elem(&answered, &source);
	return until && (__s64)(*until - p->now_ns) > 0;
}

/* enum packet_proven, looked up once. */
static __always_inline __u32 proof_look(struct packet *p)
{
	if (p->proven == PROVEN_UNKNOWN)
		p->proven = proof_has(p) ? PROVEN_YES : PROVEN_NO;
	return p->proven;
}

/* Each second of a flow that is used by its client. */
static __always_inline void proof_refresh(struct packet *p, struct flow *flow)
{
	if (flow->limit_flags & FLOW_PROVEN)
		proof_set(p, p->protocol == IPPROTO_UDP);
}

/* UDP: the origin has answered. */
static __always_inline void proof_answer(struct packet *p, struct flow *flow)
{
	__u32 now_ms = p->now_ns / 1000000;

	if (flow->scratch[SCRATCH_ANSWERS] >= PROOF_ANSWERS)
		return;
	if (!flow->scratch[SCRATCH_ANSWERS]) {
		flow->scratch[SCRATCH_ANSWER_MS] = now_ms;
		flow->scratch[SCRATCH_ANSWERS] = 1;
	} else if (now_ms - flow->scratch[SCRATCH_ANSWER_MS] > PROOF_ANSWER_MS) {
		flow->scratch[SCRATCH_ANSWERS] = PROOF_ANSWERS;
	}
}

/* UDP: the client goes on. */
static __always_inline void proof_continue(struct packet *p, struct flow *flow)
{
	if (flow->limit_flags & FLOW_PROVEN || flow->scratch[SCRATCH_ANSWERS] < PROOF_ANSWERS)
		return;
	flow->limit_flags |= FLOW_PROVEN;
	proof_set(p, 1);
}

static __noinline int unproven_over(struct packet *p)
{
	struct plan_share *share;
	struct plan_state *state;
	struct vip *entry;
	__u32 slot;

	if (!p)
		return 0;
	slot = p->slot;
	share = plan_share_of(p);
	state = bpf_map_lookup_elem(&plan_state, &slot);
	entry = vip_find(&p->key.destination);
	if (!state || !entry || !entry->unproven_max)
		return 0;
	if (!share)
		return !plan_spend(NULL, &state->unproven_ns, p->now_ns, entry->unproven_max, 1);
	return !plan_spend(
		&share->unproven, &state->unproven_ns, p->now_ns, entry->unproven_max, 1);
}

/* A datagram of a client, of this flow if there is one: 0 or the reason to drop it. */
static __always_inline int unproven_refuses(struct packet *p, struct flow *flow)
{
	if (flow)
		proof_continue(p, flow);
	if (!mitigation_wants(p, unproven) || (flow && flow->limit_flags & FLOW_PROVEN))
		return 0;
	if (proof_look(p) == PROVEN_YES) {
		if (flow)
			flow->limit_flags |= FLOW_PROVEN;
		return 0;
	}
	return unproven_over(p) && mitigation_met(p, unproven) ? REASON_unproven : 0;
}

#endif
