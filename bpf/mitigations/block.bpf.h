/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sources that went over a limit of a port rule too often: they are dropped on this node at once, for
 * all rules of the instance, and the control is told, which lists them for every node.
 *
 * Only a source that has proven to receive what is sent to it is blocked for the time of the rule and
 * told. A datagram's source may be forged, to have somebody else blocked or the list filled: without
 * proof it is blocked for BLOCK_UNPROVEN_SECONDS, here only.
 *
 * A limit that is only watched has no hits. Where auto_block itself is only watched the entry is made, so
 * that what it would drop is counted, and nobody is told.
 */
#ifndef BPF_MITIGATIONS_BLOCK_BPF_H
#define BPF_MITIGATIONS_BLOCK_BPF_H

#include "bpf/mitigation.bpf.h"
#include "bpf/service.bpf.h"
#include "proof.bpf.h"

#define EMPTY_BLOCK_SECONDS    600 /* where the rule names no time for connections */
#define BLOCK_UNPROVEN_SECONDS BLOCK_WINDOW_SECONDS

static __always_inline void block_key(struct list_exact_key *key, struct packet *p)
{
	key->instance = p->instance;
	key->reserved = 0;
	key->source = p->key.source;
	source_widen(&key->source);
}

static __noinline int block_is_on(struct packet *p, __s64 now_utc_ns)
{
	struct list_exact_key key;
	__s64 *until;

	if (!p)
		return 0;
	block_key(&key, p);
	until = bpf_map_lookup_elem(&auto_block, &key);
	return until && now_utc_ns < *until;
}

static __always_inline void block_tell(struct packet *p, __u32 service_id, __u32 seconds)
{
	struct offence *record = bpf_ringbuf_reserve(&offence, sizeof(*record), 0);

	/* Full: the agent is away. The source stays blocked here, and is told at its next offence. */
	if (!record)
		return;
	record->source = p->key.source;
	source_widen(&record->source);
	record->instance = p->instance;
	record->service = service_id;
	record->mitigation = p->offence - 1;
	record->seconds = seconds;
	bpf_ringbuf_submit(record, 0);
}

static __always_inline __u32 block_seconds(const struct service *entry, __u32 mitigation)
{
	switch (mitigation) {
	case MITIGATION_source_rate:
		return entry->limits.block_seconds[LIMIT_RATE];
	case MITIGATION_source_connections:
		return entry->limits.block_seconds[LIMIT_CONNECTIONS];
	case MITIGATION_source_packets:
		return entry->limits.block_seconds[LIMIT_PACKETS];
	case MITIGATION_source_bytes:
		return entry->limits.block_seconds[LIMIT_BYTES];
	case MITIGATION_empty_connection:
		return entry->limits.block_seconds[LIMIT_CONNECTIONS]
			       ? entry->limits.block_seconds[LIMIT_CONNECTIONS]
			       : EMPTY_BLOCK_SECONDS;
	default:
		return 0;
	}
}

/* Blocks the packet's source, which met a mitigation too often. */
static __noinline int block_source(struct packet *p)
{
	struct settings *s = settings_get();
	struct list_exact_key key;
	struct service *entry;
	__s64 now_utc_ns, until;
	__u32 seconds;
	int proven;

	if (!p || !s || !mitigation_wants(p, auto_block))
		return 0;
	entry = service_find(p);
	if (!entry)
		return 0;
	seconds = block_seconds(entry, p->offence - 1);
	now_utc_ns = p->now_ns + s->utc_offset_ns;
	/* Or another CPU was quicker. */
	if (!seconds || block_is_on(p, now_utc_ns))
		return 0;
	proven = proof_look(p) == PROVEN_YES;
	if (!proven && seconds > BLOCK_UNPROVEN_SECONDS)
		seconds = BLOCK_UNPROVEN_SECONDS;
	block_key(&key, p);
	until = now_utc_ns + seconds * NANOSECONDS;
	bpf_map_update_elem(&auto_block, &key, &until, BPF_ANY);
	if (proven && !(p->mitigation_watch & MITIGATION_BIT(auto_block)))
		block_tell(p, entry->id, seconds);
	return 0;
}

#endif
