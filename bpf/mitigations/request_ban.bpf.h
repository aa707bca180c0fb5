/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sources that the request path has banned: its workers write them straight into the map, so that the next packet is
 * dropped, on connections that are open, too. The expiry is looked at with each packet: nobody has to take the entry away.
 */
#ifndef BPF_MITIGATIONS_REQUEST_BAN_BPF_H
#define BPF_MITIGATIONS_REQUEST_BAN_BPF_H

#include "block.bpf.h"

/* When the ban of the packet's source ends, utc; 0: there is none. */
static __noinline __s64 request_ban_until(struct packet *p)
{
	struct list_exact_key key;
	struct request_ban *ban;

	if (!p)
		return 0;
	block_key(&key, p);
	ban = bpf_map_lookup_elem(&request_ban, &key);
	return ban ? ban->until_ns : 0;
}

static __always_inline int request_ban_meets(struct packet *p, __s64 utc_offset_ns)
{
	__s64 until_ns;

	if (!(p->flags & PACKET_WEB))
		return 0;
	until_ns = request_ban_until(p);
	return until_ns && !deadline_passed(p, utc_offset_ns, until_ns);
}

#endif
