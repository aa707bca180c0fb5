/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sources that the Internet does not route: RFC 6890 with the IANA special-purpose registries as they
 * stand, where "globally reachable" is false. For IPv6 all of what is not 2000::/3 is one row: nothing else is
 * allocated for hosts (RFC 4291, section 2.4), but for the prefix of translators (RFC 6052). Loopback,
 * multicast and unspecified sources are dropped always (source_impossible).
 */
#ifndef BPF_MITIGATIONS_BOGON_BPF_H
#define BPF_MITIGATIONS_BOGON_BPF_H

#include "../packet.bpf.h"

struct bogon {
	__u32 value, mask; /* host order: of an IPv4 address, or of the first word of an IPv6 one */
};

static const volatile struct bogon bogon_ipv4[] = {
	{ 0x0a000000, 0xff000000 }, /* 10/8, RFC 1918 */
	{ 0x64400000, 0xffc00000 }, /* 100.64/10, shared by providers, RFC 6598 */
	{ 0xa9fe0000, 0xffff0000 }, /* 169.254/16, link local, RFC 3927 */
	{ 0xac100000, 0xfff00000 }, /* 172.16/12, RFC 1918 */
	{ 0xc0000000, 0xffffff00 }, /* 192.0.0/24, protocol assignments, RFC 6890 */
	{ 0xc0000200, 0xffffff00 }, /* 192.0.2/24, documentation, RFC 5737 */
	{ 0xc0586300, 0xffffff00 }, /* 192.88.99/24, relays of 6to4, withdrawn by RFC 7526 */
	{ 0xc0a80000, 0xffff0000 }, /* 192.168/16, RFC 1918 */
	{ 0xc6120000, 0xfffe0000 }, /* 198.18/15, benchmarks, RFC 2544 */
	{ 0xc6336400, 0xffffff00 }, /* 198.51.100/24, documentation, RFC 5737 */
	{ 0xcb007100, 0xffffff00 }, /* 203.0.113/24, documentation, RFC 5737 */
	{ 0xf0000000, 0xf0000000 }, /* 240/4, reserved, RFC 1112 */
};

static const volatile struct bogon bogon_ipv6[] = {
	{ 0x20010002,
		0xffffffff }, /* 2001:2::/48, benchmarks, RFC 5180; the /32 holds nothing else */
	{ 0x20010010, 0xfffffff0 }, /* 2001:10::/28, ORCHID, ended, RFC 4843 */
	{ 0x20010db8, 0xffffffff }, /* 2001:db8::/32, documentation, RFC 3849 */
	{ 0x3fff0000, 0xfffff000 }, /* 3fff::/20, documentation, RFC 9637 */
};

#define BOGON_ROWS(table) (sizeof(table) / sizeof((table)[0]))

static __always_inline int bogon_ipv4_meets(__u32 address)
{
	for (__u32 i = 0; i < BOGON_ROWS(bogon_ipv4); i++) {
		if ((address & bogon_ipv4[i].mask) == bogon_ipv4[i].value)
			return 1;
	}
	return 0;
}

static __noinline int bogon_meets(struct packet *p)
{
	__u32 first;

	if (!p)
		return 0;
	if (p->version == 4)
		return bogon_ipv4_meets(bpf_ntohl(p->key.source.word[3]));
	first = bpf_ntohl(p->key.source.word[0]);
	if (first >> 29 != 1)
		return first != 0x0064ff9b || p->key.source.word[1] || p->key.source.word[2];
	/* 6to4 has an IPv4 address inside, which must be a real one (RFC 3964). */
	if (first >> 16 == 0x2002)
		return bogon_ipv4_meets(first << 16 | bpf_ntohl(p->key.source.word[1]) >> 16);
	for (__u32 i = 0; i < BOGON_ROWS(bogon_ipv6); i++) {
		if ((first & bogon_ipv6[i].mask) == bogon_ipv6[i].value)
			return 1;
	}
	return 0;
}

#endif
