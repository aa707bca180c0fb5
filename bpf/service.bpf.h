/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The port rule that a client's packet is for.
 */
#ifndef BPF_SERVICE_BPF_H
#define BPF_SERVICE_BPF_H

#include "packet.bpf.h"

static __always_inline struct service *service_find(struct packet *p)
{
	struct service_key key = {
		.instance = p->instance,
		.port = p->key.destination_port,
		.protocol = p->protocol,
	};

	return bpf_map_lookup_elem(&service, &key);
}

#endif
