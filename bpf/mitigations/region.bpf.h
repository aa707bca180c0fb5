/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Countries and areas that an instance refuses. One lookup serves all instances: an address has one
 * country, whoever is asked; then the instance's bitmap is tested. IPv4 down to /24 is an array that
 * answers with one read; what is finer, and IPv6, is a trie.
 */
#ifndef BPF_MITIGATIONS_REGION_BPF_H
#define BPF_MITIGATIONS_REGION_BPF_H

#include "../packet.bpf.h"

static __always_inline __u32 region_finer(const struct packet *p)
{
	struct region_key key = { .prefix_bits = 32 + 128, .source = p->key.source };
	__u32 *country = bpf_map_lookup_elem(&region_prefix, &key);

	return country ? *country : 0;
}

/* Row of countries.def + 1; 0: unknown. */
static __always_inline __u32 region_of(const struct packet *p)
{
	__u32 pair = (__u32)p->key.source.byte[12] << 8 | p->key.source.byte[13];
	struct region_block *block;
	__u32 country;

	if (p->version == 6)
		return region_finer(p);
	block = bpf_map_lookup_elem(&region_exact, &pair);
	if (!block)
		return 0;
	country = block->country[p->key.source.byte[14]];
	return country == REGION_FINER ? region_finer(p) : country;
}

static __always_inline int region_loaded(void)
{
	__u32 zero = 0;
	struct region_block *block = bpf_map_lookup_elem(&region_exact, &zero);

	return block && block->country[0];
}

static __noinline int region_meets(struct packet *p)
{
	struct region_policy *policy;
	__u32 instance, country;

	if (!p)
		return 0;
	instance = p->instance;
	policy = bpf_map_lookup_elem(&region_policy, &instance);
	if (!policy)
		return 0;
	country = region_of(p);
	if (!country && !region_loaded())
		return 0;
	return policy->blocked[country >> 6 & 3] >> (country & 63) & 1;
}

#endif
