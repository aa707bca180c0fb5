/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Session persistence: new flows of a client go to the origin of its last one, for the service's time
 * after that flow was opened or last used, and as long as the origin is in the rule and takes new
 * flows. By address alone, as published: clients behind one address share an origin.
 *
 * UDP sources can be forged, so the table may fill with addresses that nobody has. It then forgets
 * the least recently used: those clients are spread anew, nothing else is lost.
 */
#ifndef BPF_PERSISTENCE_BPF_H
#define BPF_PERSISTENCE_BPF_H

#include "packet.bpf.h"

/* Index of the origin that the client is bound to; -1: none. */
static __noinline int persistence_find(struct packet *p, struct service *entry)
{
	struct persistence_key key = {};
	struct persistence *bound;

	if (!p || !entry || !entry->persistence_seconds)
		return -1;
	key.client = p->key.source;
	key.service = entry->id;
	bound = bpf_map_lookup_elem(&persistence, &key);
	if (!bound || (__s64)(p->now_ns - bound->seen_ns) >
			      (__s64)(entry->persistence_seconds * NANOSECONDS))
		return -1;
	for (__u32 i = 0; i < ORIGIN_MAX; i++) {
		if (i >= entry->origin_count)
			break;
		if (entry->origin[i].port == bound->port && !entry->origin[i].closed &&
			address_equal(&entry->origin[i].address, &bound->origin))
			return i;
	}
	return -1;
}

/* The client has opened this flow. */
static __noinline void persistence_bind(struct packet *p, struct service *entry, struct flow *flow)
{
	struct persistence_key key = {};
	struct persistence value = {};

	if (!p || !entry || !flow || !entry->persistence_seconds)
		return;
	key.client = p->key.source;
	key.service = entry->id;
	value.origin = flow->origin;
	value.port = flow->origin_port;
	value.seen_ns = p->now_ns;
	/* On failure the next flow is spread like any other. */
	bpf_map_update_elem(&persistence, &key, &value, BPF_ANY);
}

/* The client uses this flow. One that goes elsewhere is older than what the client is bound to. */
static __noinline void persistence_touch(struct packet *p, struct service *entry, struct flow *flow)
{
	struct persistence_key key = {};
	struct persistence *bound;

	if (!p || !entry || !flow || !entry->persistence_seconds)
		return;
	key.client = p->key.source;
	key.service = entry->id;
	bound = bpf_map_lookup_elem(&persistence, &key);
	if (bound && bound->port == flow->origin_port &&
		address_equal(&bound->origin, &flow->origin))
		bound->seen_ns = p->now_ns;
}

#endif
