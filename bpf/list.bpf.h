/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Allow- and block-list of an instance. One entry can do both and allow wins, over exact and prefix
 * entries alike: the address that is allowed by a prefix is not blocked by its own entry.
 */
#ifndef BPF_LIST_BPF_H
#define BPF_LIST_BPF_H

#include "packet.bpf.h"

enum list_verdict {
	LISTED_NOT,
	LISTED_ALLOWED,
	LISTED_BLOCKED,
};

static __always_inline int list_verdict(struct packet *p, struct vip *entry, __s64 utc_offset_ns)
{
	struct list_entry *exact = NULL, *prefix = NULL;

	if (!p || !entry)
		return LISTED_NOT;
	if (entry->flags & VIP_HAS_EXACT) {
		struct list_exact_key key = { .instance = entry->instance,
			.source = p->key.source };

		exact = bpf_map_lookup_elem(&list_exact, &key);
		if (exact && !deadline_passed(p, utc_offset_ns, exact->allow_until_ns))
			return LISTED_ALLOWED;
	}
	if (entry->flags & VIP_HAS_PREFIX) {
		struct list_prefix_key key = {
			.prefix_bits = 160,
			.instance = bpf_htonl(entry->instance),
			.source = p->key.source,
		};

		prefix = bpf_map_lookup_elem(&list_prefix, &key);
		if (prefix && !deadline_passed(p, utc_offset_ns, prefix->allow_until_ns))
			return LISTED_ALLOWED;
	}
	if ((exact && !deadline_passed(p, utc_offset_ns, exact->block_until_ns)) ||
		(prefix && !deadline_passed(p, utc_offset_ns, prefix->block_until_ns)))
		return LISTED_BLOCKED;
	return LISTED_NOT;
}

#endif
