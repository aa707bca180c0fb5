/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Source ports from which an instance takes no UDP: what reflectors answer from. A datagram's first
 * fragment decides for it: the later ones of a refused one lead to no flow (fragment_unknown).
 */
#ifndef BPF_MITIGATIONS_REFLECTION_BPF_H
#define BPF_MITIGATIONS_REFLECTION_BPF_H

#include "../packet.bpf.h"

static __noinline int reflection_meets(struct packet *p)
{
	struct reflection_key key = {};

	if (!p || p->protocol != IPPROTO_UDP || p->fragment == FRAGMENT_LATER)
		return 0;
	key.instance = p->instance;
	key.source_port = p->key.source_port;
	return bpf_map_lookup_elem(&reflection, &key) != NULL;
}

#endif
