/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Patterns of an instance: bytes under a mask at an offset of the payload; what matches one is met. Each packet
 * is looked at for itself, streams are not put together.
 */
#ifndef BPF_MITIGATIONS_PATTERN_BPF_H
#define BPF_MITIGATIONS_PATTERN_BPF_H

#include "../payload.bpf.h"

/* value and mask are 0 behind the pattern's length: all 16 bytes are compared. */
static __always_inline int pattern_matches(
	const struct packet *p, const struct payload *payload, const struct pattern *pattern)
{
	__u32 offset = pattern->offset;

	if (offset > PATTERN_OFFSET_MAX || offset + pattern->length > payload->length)
		return 0;
	if (pattern->protocol && pattern->protocol != p->protocol)
		return 0;
	if (pattern->port && pattern->port != p->key.destination_port)
		return 0;
	return !((payload_u64(payload, offset) ^ *(const __u64 *)&pattern->value[0]) &
		       *(const __u64 *)&pattern->mask[0]) &&
	       !((payload_u64(payload, offset + 8) ^ *(const __u64 *)&pattern->value[8]) &
		       *(const __u64 *)&pattern->mask[8]);
}

static __noinline int pattern_meets(struct packet *p, struct payload *payload)
{
	struct pattern_set *set;
	__u32 instance;

	if (!p || !payload)
		return 0;
	instance = p->instance;
	set = bpf_map_lookup_elem(&pattern, &instance);
	if (!set)
		return 0;
	for (__u32 i = 0; i < PATTERN_MAX; i++) {
		if (i >= set->count)
			break;
		if (pattern_matches(p, payload, &set->pattern[i]))
			return 1;
	}
	return 0;
}

#endif
