/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is asked of a payload: by the instance (patterns) and by the port rule (length, form). Of a datagram in
 * fragments the first one decides: the later ones follow it. Segments without data are TCP's own business.
 */
#ifndef BPF_MITIGATIONS_SERVICE_BPF_H
#define BPF_MITIGATIONS_SERVICE_BPF_H

#include "../flow.bpf.h"
#include "../mitigation.bpf.h"
#include "form.bpf.h"
#include "pattern.bpf.h"

#define PAYLOAD_LOOKED_INTO (MITIGATION_BIT(payload_match) | MITIGATION_BIT(payload_form))
#define PAYLOAD_OF_SERVICE  (MITIGATION_BIT(payload_length) | MITIGATION_BIT(payload_form))
#define PAYLOAD_MITIGATIONS (PAYLOAD_LOOKED_INTO | PAYLOAD_OF_SERVICE)

static __noinline int payload_refused(struct xdp_md *ctx, struct packet *p)
{
	struct payload *payload = NULL;
	struct service *entry;
	__u32 header, length;

	if (!p)
		return 0;
	header = payload_header(p);
	length = p->end - p->transport - header;
	if (!header || (!length && p->protocol == IPPROTO_TCP))
		return 0;
	if (p->mitigation_on & PAYLOAD_LOOKED_INTO) {
		payload = payload_load(ctx, p, header, length);
		if (!payload)
			return REASON_malformed;
	}
	if (MITIGATION_MET(p, payload_match, pattern_meets(p, payload)))
		return REASON_payload_match;
	if (!(p->mitigation_on & PAYLOAD_OF_SERVICE))
		return 0;
	entry = service_find(p);
	if (!entry)
		return 0;
	if (MITIGATION_MET(
		    p, payload_length, length < entry->payload_min || length > entry->payload_max))
		return REASON_payload_length;
	if (entry->form && MITIGATION_MET(p, payload_form, form_meets(p, payload, entry->form)))
		return REASON_payload_form;
	return 0;
}

#endif
