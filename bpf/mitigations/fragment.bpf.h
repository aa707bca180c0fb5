/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Fragments that no stack makes, and fragments at all.
 *
 * Tiny: a fragment with another behind it fills its link, so it is hardly ever below half of the smallest MTU
 * in use, 576 bytes (RFC 791). Smaller ones hide the transport header from filters (RFC 1858, RFC 3128) or
 * make reassembly expensive. A later fragment that begins within the first FRAGMENT_LEAST bytes says that its
 * first one was tiny. First fragments without a whole transport header are malformed, whatever the mode.
 *
 * Overlap: RFC 5722 forbids it for IPv6, and no stack does it for IPv4. What is known of a datagram is
 * where its first fragment ended: a later one that begins before, or another first one that ends elsewhere, is
 * dropped alone: the datagram of who sent the true ones is still whole.
 */
#ifndef BPF_MITIGATIONS_FRAGMENT_BPF_H
#define BPF_MITIGATIONS_FRAGMENT_BPF_H

#include "../packet.bpf.h"

#define FRAGMENT_LEAST 256 /* bytes behind the IP headers */

static __always_inline int fragment_tiny_meets(const struct packet *p)
{
	__u32 begin = (p->fragment_position & FRAGMENT_OFFSET_MASK) * 8;

	if (begin && begin < FRAGMENT_LEAST)
		return 1;
	return p->fragment_position & FRAGMENT_MORE && p->end - p->transport < FRAGMENT_LEAST;
}

static __noinline int fragment_overlap_meets(struct packet *p)
{
	struct fragment_key key;
	struct fragment *first;

	if (!p)
		return 0;
	__builtin_memset(&key, 0, sizeof(key));
	key.source = p->key.source;
	key.destination = p->key.destination;
	key.id = p->fragment_id;
	key.protocol = p->protocol;
	first = bpf_map_lookup_elem(&fragment, &key);
	if (!first || (__s64)(p->now_ns - first->seen_ns) > (__s64)FRAGMENT_LIFE_NS)
		return 0;
	if (p->fragment == FRAGMENT_FIRST)
		return first->end != (__u32)(p->end - p->transport) / 8;
	return (p->fragment_position & FRAGMENT_OFFSET_MASK) < first->end;
}

#endif
