/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Bounds of a port rule on what its packets carry: bytes behind the TCP or UDP header, of each packet
 * for itself. Segments without data are TCP's own business and are never too short. Of a datagram
 * in fragments the first one decides: the later ones follow it.
 */
#ifndef BPF_PAYLOAD_BPF_H
#define BPF_PAYLOAD_BPF_H

#include "flow.bpf.h"

static __noinline int payload_refused(struct packet *p)
{
	struct service *entry;
	__u32 header, length;

	if (!p || p->fragment == FRAGMENT_LATER)
		return 0;
	if (p->protocol == IPPROTO_TCP)
		header = p->tcp_length;
	else if (p->protocol == IPPROTO_UDP)
		header = sizeof(struct udphdr);
	else
		return 0;
	length = p->end - p->transport - header;
	if (!length && p->protocol == IPPROTO_TCP)
		return 0;
	entry = service_find(p);
	return entry && (length < entry->payload_min || length > entry->payload_max);
}

#endif
