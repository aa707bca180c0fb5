/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Local services: TCP to a port of a web site. Its connections end at nginx on this node, so after all mitigations the
 * packet passes to the host, whose stack keeps the connection's state; steer.bpf.c says which socket it is for.
 *
 * What the stack would refuse anyhow ends here, where it is cheap: impossible flags, a SYN-ACK that nobody asked
 * for, fragments (the first alone has the ports, and no stack sends TCP in fragments). ICMP errors pass when they
 * quote a segment of a local service: path MTU discovery needs them, and the stack looks whether the quoted
 * number is in flight. Floods of segments of no connection, and of errors about such: local_cookie.bpf.h.
 */
#ifndef BPF_LOCAL_BPF_H
#define BPF_LOCAL_BPF_H

#include "error.bpf.h"
#include "local_cookie.bpf.h"
#include "mitigations/plan.bpf.h"

static __always_inline int local_find(struct packet *p, __be16 port)
{
	struct service_key key = {
		.instance = p->instance,
		.port = port,
		.protocol = IPPROTO_TCP,
	};

	return p->flags & PACKET_WEB && bpf_map_lookup_elem(&local_service, &key);
}

/* Is the segment for a local service? Later fragments have no port: they are of no service. */
static __always_inline int local_is_for(struct packet *p)
{
	return local_find(p, p->key.destination_port);
}

static __always_inline int local_pass(struct packet *p)
{
	int reason = plan_refuses(p);

	if (reason)
		return drop(p, reason);
	p->reason = REASON_local;
	return XDP_PASS;
}

/* A SYN while mitigation is on. */
static __always_inline int local_of_syn(struct xdp_md *ctx, struct packet *p)
{
	struct local_cookie *host;

	if (local_below(p))
		return local_pass(p);
	/* Without the agent the stack looks after itself: it sends cookies when its queue is full. */
	host = local_cookie_ready(p);
	if (!host)
		return local_pass(p);
	switch (local_socket_of(ctx, p)) {
	case LOCAL_KNOWN:
		/* It may follow a connection that is closed but not forgotten: only the stack knows. */
		return local_pass(p);
	case LOCAL_LISTENS:
		return local_answer_syn(ctx, p, host);
	default:
		return drop(p, REASON_no_service);
	}
}

/* From a client to a local service. guarded: mitigation is on. */
static __noinline int local_from_client(struct xdp_md *ctx, struct packet *p, int guarded)
{
	int reason;

	if (!p)
		return XDP_DROP;
	if (p->fragment != FRAGMENT_NONE)
		return drop(p, REASON_fragment_unknown);
	if (tcp_flags_impossible(p->tcp_flags))
		return drop(p, REASON_tcp_flags);
	if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return drop(p, REASON_syn_ack_unknown);
	if (!guarded)
		return local_pass(p);
	if (p->tcp_flags & TCP_SYN)
		return local_of_syn(ctx, p);
	reason = local_refuses(ctx, p);
	return reason ? drop(p, reason) : local_pass(p);
}

/*
 * An ICMP packet: 1: an error about a segment of a local service, to be passed; -1: to be dropped, like a segment of no
 * connection (local_cookie.bpf.h); 0: something else.
 */
static __noinline int local_error(struct xdp_md *ctx, struct packet *p, int guarded)
{
	struct error *e;

	if (!p || !(p->flags & PACKET_WEB) || !error_at_hand(ctx, p))
		return 0;
	e = error_blank();
	if (!e || error_read_quote(ctx, p, &e->quoted) || e->quoted.protocol != IPPROTO_TCP ||
		!local_find(p, e->quoted.key.source_port))
		return 0;
	if (!guarded)
		return 1;
	error_turn(&e->quoted.key);
	return local_socket_of(ctx, &e->quoted) == LOCAL_KNOWN || local_below(p) ? 1 : -1;
}

#endif
