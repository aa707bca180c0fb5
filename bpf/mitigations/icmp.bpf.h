/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ICMP to a protected address: echo requests and whatever else asks for something. Errors are not met:
 * they are taken only for packets of a flow, and without them path MTU discovery ends.
 */
#ifndef BPF_MITIGATIONS_ICMP_BPF_H
#define BPF_MITIGATIONS_ICMP_BPF_H

#include "../packet.bpf.h"

#define ICMP_UNREACHABLE   3
#define ICMP_TIME	   11
#define ICMP_PARAMETER	   12
#define ICMPV6_ERROR_FIRST 1 /* all below 128 are errors: RFC 4443, section 2.1 */
#define ICMPV6_INFORMATION 128

static __noinline int icmp_meets(struct xdp_md *ctx, struct packet *p)
{
	__u8 *type;

	if (!p || p->protocol != (p->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return 0;
	type = header_at(ctx, p->transport, 1);
	if (!type || p->fragment != FRAGMENT_NONE)
		return 1;
	if (p->version == 6)
		return *type >= ICMPV6_INFORMATION || *type < ICMPV6_ERROR_FIRST;
	return *type != ICMP_UNREACHABLE && *type != ICMP_TIME && *type != ICMP_PARAMETER;
}

#endif
