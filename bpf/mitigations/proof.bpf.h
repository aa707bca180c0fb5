/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sources that are known to receive what is sent to their address. A TCP connection shows that by its
 * cookie, an answered challenge does too: map "proven". Both take reading what Polder sent to the address,
 * under a key that changes each minute.
 *
 * A source of IPv6 is its /64. A proof is good for PROOF_NS, and anew with each later one.
 */
#ifndef BPF_MITIGATIONS_PROOF_BPF_H
#define BPF_MITIGATIONS_PROOF_BPF_H

#include "bpf/packet.bpf.h"

#define PROOF_NS	 (600 * NANOSECONDS)
#define PROOF_REFRESH_NS (PROOF_NS / 2) /* a proof that is as young is not written again */

/* What a source is in all tables of sources: its address, or the /64 of IPv6. */
static __always_inline void source_widen(struct address *source)
{
	if (!address_is_ipv4(source))
		source->half[1] = 0;
}

/* The packet's source has proven itself. */
static __noinline int proof_set(struct packet *p)
{
	struct address source;
	__u64 *until, then;

	if (!p)
		return 0;
	source = p->key.source;
	source_widen(&source);
	then = p->now_ns + PROOF_NS;
	until = bpf_map_lookup_elem(&proven, &source);
	if (until && (__s64)(then - *until) < (__s64)PROOF_REFRESH_NS)
		return 0;
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

#endif
