/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The packet path. polder_filter runs in XDP on every interface of the node, WAN side and origin
 * side alike; the destination address says which side a packet is of. polder_handshake runs at tc
 * ingress of the same interfaces for the one packet that has to become two.
 *
 * What is not for a protected or back-to-origin address goes to the host untouched, but for what is for an address that
 * could be protected and is no instance's: the host would send it back to the router that routes such addresses here, and
 * that would again, until its hop limit is used up. Every packet is
 * counted once, by the reason for its verdict. Maps and their contract: shared/packet_abi.h.
 */
#include "packet.bpf.h"
#include "parse.bpf.h"
#include "mitigation.bpf.h"
#include "list.bpf.h"
#include "udp.bpf.h"
#include "tcp.bpf.h"
#include "local.bpf.h"
#include "icmp.bpf.h"
#include "count.bpf.h"
#include "capture.bpf.h"
#include "mitigations/bogon.bpf.h"
#include "mitigations/fragment.bpf.h"
#include "mitigations/icmp.bpf.h"
#include "mitigations/ip_options.bpf.h"
#include "mitigations/reflection.bpf.h"
#include "mitigations/region.bpf.h"
#include "mitigations/request_ban.bpf.h"
#include "mitigations/service.bpf.h"
#include "refusal.bpf.h"
#include "handshake.bpf.h"
#include "out.bpf.h"
#include "retry.bpf.h"
#include "end.bpf.h"

/*
 * What applies while mitigation is on and needs no flow, in the order of mitigations.def. Returns 0 or
 * the reason to drop. What needs a flow or its opening is asked where these are: p->mitigation_on says
 * for how long a packet is subject to it.
 */
static __always_inline int mitigate(
	struct xdp_md *ctx, struct packet *p, struct vip *entry, __s64 utc_offset_ns)
{
	int listed = list_verdict(p, entry, utc_offset_ns);

	if (listed == LISTED_ALLOWED)
		return 0;
	p->mitigation_on = entry->mitigation_on;
	p->mitigation_watch = entry->mitigation_watch;
	if (MITIGATION_MET(p, block_list, listed == LISTED_BLOCKED))
		return REASON_block_list;
	if (MITIGATION_MET(p, auto_block, block_is_on(p, p->now_ns + utc_offset_ns)))
		return REASON_auto_block;
	if (MITIGATION_MET(p, request_ban, request_ban_meets(p, utc_offset_ns)))
		return REASON_request_ban;
	if (MITIGATION_MET(p, region, region_meets(p)))
		return REASON_region;
	if (MITIGATION_MET(p, bogon, bogon_meets(p)))
		return REASON_bogon;
	if (MITIGATION_MET(p, ip_options, ip_options_meets(ctx, p)))
		return REASON_ip_options;
	if (p->fragment != FRAGMENT_NONE) {
		if (MITIGATION_MET(p, fragment_tiny, fragment_tiny_meets(p)))
			return REASON_fragment_tiny;
		if (MITIGATION_MET(p, fragment_overlap, fragment_overlap_meets(p)))
			return REASON_fragment_overlap;
		if (MITIGATION_MET(p, fragment, 1))
			return REASON_fragment;
	}
	if (MITIGATION_MET(p, icmp, icmp_meets(ctx, p)))
		return REASON_icmp;
	if (MITIGATION_MET(p, reflection, reflection_meets(p)))
		return REASON_reflection;
	if (p->mitigation_on & PAYLOAD_MITIGATIONS)
		return payload_refused(ctx, p);
	return 0;
}

/* From a client to a protected address. */
static __always_inline int protect(
	struct xdp_md *ctx, struct packet *p, struct vip *entry, struct settings *s)
{
	int reason, guarded, local;

	p->instance = entry->instance;
	p->slot = entry->slot;
	p->syn_threshold = entry->syn_threshold;
	p->flags = PACKET_IN;
	if (entry->flags & VIP_HAS_LOCAL)
		p->flags |= PACKET_WEB;
	if (entry->blackhole_until_ns &&
		!deadline_passed(p, s->life_offset_ns, entry->mitigation_until_ns) &&
		!deadline_passed(p, s->utc_offset_ns, entry->blackhole_until_ns))
		return drop(p, REASON_blackhole);
	if (parse_transport_xdp(ctx, p) < 0)
		return drop(p, REASON_malformed);
	if (source_impossible(p))
		return drop(p, REASON_source_impossible);
	if (entry->mitigation_on &&
		!deadline_passed(p, s->life_offset_ns, entry->mitigation_until_ns)) {
		reason = mitigate(ctx, p, entry, s->utc_offset_ns);
		if (reason)
			return drop(p, reason);
	}
	if (deadline_passed(p, s->life_offset_ns, entry->forward_until_ns))
		return drop(p, REASON_forwarding_off);
	guarded = !deadline_passed(p, s->life_offset_ns, entry->mitigation_until_ns);
	if (p->protocol == IPPROTO_TCP && local_is_for(p))
		return local_from_client(ctx, p, guarded);
	if (p->protocol == IPPROTO_TCP)
		return tcp_from_client(ctx, p);
	if (p->protocol == IPPROTO_UDP)
		return udp_from_client(ctx, p);
	if (p->protocol != (p->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return drop(p, REASON_no_service);
	local = local_error(ctx, p, guarded);
	if (local < 0)
		return drop(p, REASON_no_service);
	return local ? local_pass(p) : icmp_from_client(ctx, p);
}

/* From an origin to one of the node's own addresses; the host uses these for itself, too. */
static __always_inline int reply_unknown(struct packet *p, struct settings *s)
{
	__u32 port = bpf_ntohs(p->key.destination_port);

	if (port - s->port_first >= s->port_count)
		return pass(p);
	return drop(p, REASON_source_unknown);
}

static __always_inline int reply_to_client(struct xdp_md *ctx, struct packet *p, struct settings *s)
{
	struct flow_key *client = reverse_lookup(&p->key, p->protocol);
	struct flow *flow;
	int reason;

	if (!client)
		return reply_unknown(p, s);
	flow = flow_lookup(client, p->protocol);
	if (!flow || !flow_owns(flow, &p->key.destination, p->key.destination_port) ||
		flow_expired(flow, p->now_ns, p->protocol))
		return drop(p, REASON_source_unknown);
	reason = reply_refused(p, client, flow);
	if (reason)
		return drop(p, reason);
	if (p->protocol == IPPROTO_TCP)
		return tcp_from_origin(ctx, p, flow, client);
	return udp_from_origin(ctx, p, flow, client);
}

static __always_inline int reply(struct xdp_md *ctx, struct packet *p, struct settings *s)
{
	if (parse_transport_xdp(ctx, p) < 0)
		return drop(p, REASON_malformed);
	if (source_impossible(p))
		return drop(p, REASON_source_impossible);
	if (p->protocol == (p->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
		error_at_hand(ctx, p))
		return error_from_origin(ctx, p);
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		return pass(p);
	if (p->protocol == IPPROTO_TCP && p->fragment != FRAGMENT_NONE)
		return drop(p, REASON_fragment_unknown);
	if (p->fragment == FRAGMENT_LATER)
		return udp_fragment(ctx, p, 0);
	return reply_to_client(ctx, p, s);
}

/* For no address that is known here. */
static __noinline int elsewhere(struct packet *p)
{
	struct range_key key = { .prefix_bits = 32 + 128 };

	if (!p)
		return XDP_PASS;
	key.address = p->key.destination;
	return bpf_map_lookup_elem(&range, &key) ? drop(p, REASON_no_service) : pass(p);
}

SEC("xdp")
int polder_filter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct settings *s = settings_get();
	struct packet *p;
	struct vip *entry = NULL;
	int verdict;

	if (!s)
		return XDP_PASS;
	if (refusal_repeats(ctx, s))
		return XDP_DROP;
	p = packet_blank();
	if (!p)
		return XDP_PASS;
	if (parse_network(data, end, p) == PARSE_IP)
		entry = vip_find(&p->key.destination);
	if (!entry)
		verdict = p->version ? elsewhere(p) : pass(p);
	else if (entry->kind == VIP_PROTECTED) {
		verdict = protect(ctx, p, entry, s);
		refusal_keep(p, entry, s);
	} else
		verdict = reply(ctx, p, s);
	if (p->mtu)
		verdict = error_too_big(ctx, p);
	if (p->offence)
		block_source(p);
	if (p->flags & PACKET_SILENT && p->reason == REASON_cookie_sent)
		awaited_note(ctx, p);
	count(p);
	capture_packet(ctx, p, s);
	return verdict;
}

SEC("tc")
int polder_handshake(struct __sk_buff *skb)
{
	return handshake_run(skb);
}

/* At tc egress. */
SEC("tc")
int polder_out(struct __sk_buff *skb)
{
	return out_run(skb);
}

/* Run by the agent, attached nowhere. */
SEC("tc")
int polder_retry(struct __sk_buff *skb)
{
	return retry_run(skb);
}

SEC("tc")
int polder_end(struct __sk_buff *skb)
{
	return end_run(skb);
}

SEC("syscall")
int polder_adjust(struct adjust *change)
{
	return limit_adjust(change);
}

char polder_license[] SEC("license") = "Dual BSD/GPL";
