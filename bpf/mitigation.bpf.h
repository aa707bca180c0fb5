/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What all mitigations share: whether one is to be asked about a packet, and what follows when the
 * packet meets it. The rows are in shared/mitigations.def, each check in mitigations/NAME.bpf.h. A check
 * only says whether the packet meets it:
 *
 *	if (MITIGATION_MET(p, region, region_meets(p)))
 *		return REASON_region;
 *
 * Watched ones are counted under their reason with REASON_WATCHED, and the packet goes on.
 */
#ifndef BPF_MITIGATION_BPF_H
#define BPF_MITIGATION_BPF_H

#include "count.bpf.h"

/* Is the mitigation on for this packet? Cheap: the bits are in the packet. */
#define mitigation_wants(p, name) ((p)->mitigation_on & MITIGATION_BIT(name))
/* The packet meets it: 1 when it is to be dropped for that; else it was counted. */
#define mitigation_met(p, name) mitigation_is_met(p, MITIGATION_##name)
/* All of it: check is evaluated when the mitigation is on. */
#define MITIGATION_MET(p, name, check)                                                             \
	(mitigation_wants(p, name) && (check) && mitigation_met(p, name))

static __noinline int mitigation_is_met(struct packet *p, __u32 mitigation)
{
	if (!p)
		return 0;
	if (!(p->mitigation_watch >> (mitigation & 31) & 1))
		return 1;
	p->watched |= 1u << (mitigation & 31);
	count_vip_reason(p, MITIGATION_REASON(mitigation) | REASON_WATCHED);
	return 0;
}

#endif
