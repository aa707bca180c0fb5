/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Headers that steer the packet itself: IPv4 options, and IPv6 routing headers of a type that is no more or
 * not for the Internet.
 *
 * IPv4: everything but padding (End of Options List, No Operation) is met. RFC 7126 would have routers drop by
 * default what names a route or has it recorded (LSRR, SSRR, Record Route, Timestamp) and what is obsolete, and
 * leave to their site what depends on it. Here the site is one protected address of which TCP, UDP and echo
 * are carried on, none of which needs an option (tests/wire/test_corpus: in recorded ordinary traffic IGMP alone has
 * any): Router Alert is for RSVP and IGMP, and makes every router on the way to the origin stop at the packet
 * (RFC 6398); security labels are for closed networks, which
 * can switch this row off. So no option has to be told from another, and no walk from option to option is
 * needed: each byte behind the fixed header is 0 or 1, or the packet is met. An option that hides behind an End of
 * Options List is met, too.
 *
 * IPv6: type 0 (RFC 5095), and 1 and 3 by the advice of RFC 9288 section 3.5.5. A routing header of any
 * type with addresses left to visit is malformed here (parse.bpf.h).
 */
#ifndef BPF_MITIGATIONS_IP_OPTIONS_BPF_H
#define BPF_MITIGATIONS_IP_OPTIONS_BPF_H

#include "../packet.bpf.h"

#define IP_OPTION_WORDS 10 /* the longest header has 60 bytes */
#define IP_PADDING	0x01010101u

static __noinline int ip_options_walk(struct xdp_md *ctx, struct packet *p)
{
	__u32 at;

	if (!p)
		return 0;
	at = p->network + sizeof(struct iphdr);
	for (int i = 0; i < IP_OPTION_WORDS; i++, at += sizeof(__be32)) {
		__be32 *word;

		if (at >= p->transport)
			return 0;
		word = header_at(ctx, at, sizeof(*word));
		if (!word || *word & ~IP_PADDING)
			return 1;
	}
	return 0;
}

static __always_inline int ip_options_meets(struct xdp_md *ctx, struct packet *p)
{
	if (p->version == 6)
		return p->flags & PACKET_ROUTED;
	return p->transport != p->network + sizeof(struct iphdr) && ip_options_walk(ctx, p);
}

#endif
