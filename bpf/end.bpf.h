/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Ends a connection that is empty for too long. The agent finds it while it walks the flows and runs
 * polder_end with its key, in a frame as for polder_retry; whether it is still to be ended is looked up
 * here, and whether mitigation is still on. Both sides get the RSTs of retry.bpf.h: the client has sent nothing here either.
 */
#ifndef BPF_END_BPF_H
#define BPF_END_BPF_H

#include "retry.bpf.h"
#include "mitigations/empty.bpf.h"

/* Does the mitigation end connections now? It did when the flow was opened. */
static __always_inline int end_is_on(struct packet *p, const struct flow *flow)
{
	struct vip *entry = retry_address(p, flow->instance);
	struct settings *s = settings_get();

	return entry && s &&
	       entry->mitigation_on & ~entry->mitigation_watch & MITIGATION_BIT(empty_connection) &&
	       !deadline_passed(p, s->life_offset_ns, entry->mitigation_until_ns);
}

static __always_inline int end_run(struct __sk_buff *skb)
{
	struct packet p = {};
	struct flow *flow;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &p.key, sizeof(p.key)))
		return TC_ACT_SHOT;
	p.now_ns = clock_now_ns();
	flow = flow_lookup(&p.key, IPPROTO_TCP);
	if (!flow || flow->state != FLOW_OPEN || !empty_so_far(flow) ||
		!(flow->limit_flags & FLOW_EMPTY_ENDS) ||
		limit_second(&p) - flow->opened_second < EMPTY_SECONDS || !end_is_on(&p, flow))
		return TC_ACT_OK;
	empty_hit(flow, &p.key.source, limit_second(&p));
	retry_reset_origin(skb, flow);
	retry_reset_client(skb, flow, &p.key);
	retry_end(&p, flow);
	return TC_ACT_OK;
}

#endif
