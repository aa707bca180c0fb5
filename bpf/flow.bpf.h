/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Flows: how one is found, refreshed and made.
 *
 * The flow map holds the state, under the client's side; the reverse map leads from the origin's
 * side to it. Either entry may be evicted alone, so a reverse entry counts only while its flow
 * names the same source port, and a new flow takes over a reverse entry that no longer does.
 *
 * Source addresses: the client's address says which, so that all flows of a client leave from the same one; some
 * origins compare them (FTP: control and data connections). Unless the client opens so many flows (SOURCE_FLOWS) that
 * they would come back to a port before the origin has forgotten the connection that used it: then, or when the
 * address has no free port, it is any.
 *
 * Source ports: each CPU counts through the ports of an address from a random start, and takes only those of its
 * own residue, so that a pair of address and port is used again as late as possible. When those at hand are in use, a UDP
 * flow that has proven nothing and is silent gives way (silence_asked): what forged datagrams open has each a port.
 *
 * UDP sources can be forged, and a table that is full forgets. Flows whose client went on after
 * answers over more than a second (proof.bpf.h) are therefore moved to tables of their own: a flood
 * of first datagrams turns over the others only. Those tables are asked first, and only where a flow may
 * be in them (known.bpf.h).
 *
 * Once a second a client's packet of the flow has its service, its reverse entry and its next hop
 * looked up again. A reverse entry that was evicted is entered anew, unless another flow has taken
 * the pair meanwhile: that one keeps it, or what two clients send would mix at the origin. The same
 * look keeps the client bound to the flow's origin.
 */
#ifndef BPF_FLOW_BPF_H
#define BPF_FLOW_BPF_H

#include "known.bpf.h"
#include "route.bpf.h"
#include "persistence.bpf.h"
#include "mitigations/empty.bpf.h"

/* struct flow: flags. */
#define FLOW_FIN_CLIENT (1u << 0)
#define FLOW_FIN_ORIGIN (1u << 1)
#define FLOW_RENEWING	(1u << 2) /* a SYN came for this tuple, ISN in scratch[SCRATCH_RENEW] */
#define FLOW_CHALLENGED (1u << 3) /* the origin has answered our SYN with a bare ACK before */
#define FLOW_RESET	(1u << 4) /* closing because of a RST that nobody has confirmed */

#define FLOW_DIRECT                                                                                \
	(1u << 5) /* the client's own SYN went to the origin: numbers and options are theirs */

/* The counted flow of which this CPU has just taken the port. */
struct flow_ended {
	struct address client;
	__u32 service; /* 0: none */
	__u32 limited;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_ended);
} flow_ended SEC(".maps");

/* struct flow: more_flags. */
#define FLOW_PREFIX_TAKEN (1u << 0) /* the origin has acknowledged the PROXY header */
#define FLOW_ANSWERED                                                                              \
	(1u << 1) /* DIRECT: the origin's SYN-ACK went to the client, its number is known */
#define FLOW_REFUSED   (1u << 3) /* the origin has answered our SYN with a RST once */
#define FLOW_KEPT      (1u << 2) /* UDP: in the tables that forged sources do not reach */
#define FLOW_ECN_PLAIN (1u << 4) /* SYNs do not ask for ECN any more: ecn.bpf.h */
#define FLOW_GREETED   (1u << 5) /* the origin spoke first: awaited.bpf.h */

/* struct flow: scratch. */
enum flow_scratch_use {
	SCRATCH_ORIGIN_VALUE, /* TSval: ours as echoed, then that of the origin's SYN-ACK */
	SCRATCH_RENEW,
	SCRATCH_CLIENT_VALUE, /* the client's TSval when it opened the flow */
};

/* Who is on the allow-list is not asked for the origin's packets. */
#define MITIGATION_OF_REPLIES (MITIGATION_BIT(reset_window) | MITIGATION_BIT(answer_bytes))

#define PORT_TRIES	      16
#define PORT_TRIES_FREE	      4	 /* the first ones: only ports that nobody uses */
#define PORT_TRIES_LAST	      12 /* from here on any that may be taken at all */
#define SOURCE_FLOWS                                                                               \
	256 /* of a client, a second and CPU: 50,000 ports last for the minute of TIME_WAIT even for three CPUs */
#define CLOSING_TAKE_NS NANOSECONDS	   /* a closed connection's port may be taken after this */
#define SILENT_TAKE_NS	(10 * NANOSECONDS) /* most answers that are late are not so late */
/* The agent ends expired flows and takes them off the counts; after so long it must be away. */
#define EXPIRED_TAKE_NS (75 * NANOSECONDS)
#define CLOSING_IDLE_NS (60 * NANOSECONDS) /* also of a flow whose origin never answered */
#define SEEN_GRAIN_NS	(NANOSECONDS / 10)

enum refresh_result {
	REFRESH_OK,
	REFRESH_GONE,	    /* the service is gone */
	REFRESH_NOT_ORIGIN, /* the service has this origin no more */
	REFRESH_TAKEN,	    /* another flow has the source address and port */
};

static __always_inline __u64 flow_idle_ns(const struct flow *flow, __u8 protocol)
{
	if (protocol == IPPROTO_TCP && flow->state != FLOW_OPEN)
		return CLOSING_IDLE_NS;
	return flow->idle_seconds * NANOSECONDS;
}

static __always_inline int flow_expired(const struct flow *flow, __u64 now_ns, __u8 protocol)
{
	/* Another CPU may have written a later time than ours. */
	return (__s64)(now_ns - flow->seen_ns) > (__s64)flow_idle_ns(flow, protocol);
}

/* Written rarely: the entry is shared by the CPUs of both directions. */
static __always_inline void flow_seen(
	struct packet *p, const struct flow_key *client, struct flow *flow)
{
	if ((__s64)(p->now_ns - flow->seen_ns) <= (__s64)SEEN_GRAIN_NS)
		return;
	flow->seen_ns = p->now_ns;
	if (p->protocol == IPPROTO_TCP || flow->more_flags & FLOW_KEPT)
		known_touch(client, p->now_ns);
}

static __always_inline struct flow *flow_lookup(const struct flow_key *client, __u8 protocol)
{
	struct flow *flow;

	if (protocol == IPPROTO_TCP)
		return bpf_map_lookup_elem(&flow_tcp, client);
	flow = bpf_map_lookup_elem(&flow_udp_kept, client);
	return flow ? flow : bpf_map_lookup_elem(&flow_udp, client);
}

/* A TCP flow of a tuple that may be anybody's. */
static __always_inline struct flow *flow_lookup_known(struct packet *p)
{
	return known_maybe(&p->key, p->now_ns) ? flow_lookup(&p->key, IPPROTO_TCP) : NULL;
}

/* Of a client's datagram. */
static __always_inline struct flow *flow_lookup_udp(struct packet *p)
{
	struct flow *flow = NULL;

	if (known_maybe(&p->key, p->now_ns))
		flow = bpf_map_lookup_elem(&flow_udp_kept, &p->key);
	return flow ? flow : bpf_map_lookup_elem(&flow_udp, &p->key);
}

static __always_inline void flow_delete(const struct flow_key *client, __u8 protocol)
{
	if (protocol == IPPROTO_TCP) {
		bpf_map_delete_elem(&flow_tcp, client);
	} else {
		bpf_map_delete_elem(&flow_udp, client);
		bpf_map_delete_elem(&flow_udp_kept, client);
	}
}

/* The client's flow, or NULL when there is none, it has expired or is another instance's. */
static __always_inline struct flow *flow_of_client(struct packet *p, __u8 protocol)
{
	struct flow *flow = protocol == IPPROTO_TCP ? flow_lookup_known(p) : flow_lookup_udp(p);

	if (!flow || flow->instance != p->instance || flow_expired(flow, p->now_ns, protocol))
		return NULL;
	return flow;
}

/* Does the flow use this source address and port? */
static __always_inline int flow_owns(
	const struct flow *flow, const struct address *local, __be16 local_port)
{
	return flow->local_port == local_port && address_equal(&flow->local, local);
}

static __always_inline void flow_learn_client(struct xdp_md *ctx, struct flow *flow)
{
	struct ethhdr *ethernet = header_at(ctx, 0, sizeof(*ethernet));

	if (!ethernet)
		return;
	if (!mac_equal(flow->client_mac, ethernet->h_source))
		mac_copy(flow->client_mac, ethernet->h_source);
	if (!mac_equal(flow->local_client_mac, ethernet->h_dest))
		mac_copy(flow->local_client_mac, ethernet->h_dest);
	if (flow->client_ifindex != ctx->ingress_ifindex)
		flow->client_ifindex = ctx->ingress_ifindex;
}

static __always_inline int origin_usable(struct service *entry, __u64 index, int version)
{
	/* One 64-bit register holds what is checked and what is used. */
	asm volatile("" : "+r"(index));
	if (index >= ORIGIN_MAX)
		return 0;
	if (index >= entry->origin_count || entry->origin[index].closed)
		return 0;
	return address_is_ipv4(&entry->origin[index].address) == (version == 4);
}

static __always_inline int origin_pick_of(struct service *entry, __u32 random, int version)
{
	__u64 index = entry->slot[random & (ORIGIN_SLOTS - 1)];

	if (origin_usable(entry, index, version))
		return index;
	/* The table mixes versions: the next one that fits. */
	for (__u32 i = 0; i < ORIGIN_MAX; i++) {
		if (++index >= ORIGIN_MAX)
			index = 0;
		if (origin_usable(entry, index, version))
			return index;
	}
	return -1;
}

/*
 * Index of an origin of the packet's IP version, by weight; for an IPv6 client of a service that
 * has none, of an IPv4 one. -1: there is none.
 */
__noinline int origin_pick(struct service *entry, struct packet *p, __u32 random)
{
	int index;

	if (!entry || !p)
		return -1;
	index = origin_pick_of(entry, random, p->version);
	if (index >= 0 || p->version == 4)
		return index;
	return origin_pick_of(entry, random, 4);
}

static __always_inline int origin_listed(struct service *entry, struct flow *flow)
{
	for (__u32 i = 0; i < ORIGIN_MAX; i++) {
		if (i >= entry->origin_count)
			break;
		if (entry->origin[i].port == flow->origin_port &&
			address_equal(&entry->origin[i].address, &flow->origin))
			return 1;
	}
	return 0;
}

static __always_inline int reverse_insert(
	const struct flow_key *reply, const struct flow_key *client, __u8 protocol, __u64 flags)
{
	if (protocol == IPPROTO_TCP)
		return bpf_map_update_elem(&reverse_tcp, reply, client, flags);
	return bpf_map_update_elem(&reverse_udp, reply, client, flags);
}

static __always_inline struct flow_key *reverse_lookup(const struct flow_key *reply, __u8 protocol)
{
	struct flow_key *found;

	if (protocol == IPPROTO_TCP)
		return bpf_map_lookup_elem(&reverse_tcp, reply);
	found = bpf_map_lookup_elem(&reverse_udp_kept, reply);
	return found ? found : bpf_map_lookup_elem(&reverse_udp, reply);
}

/* Does the flow still have its reverse entry, or is it free to be entered again? */
static __always_inline int flow_keeps_pair(struct packet *p, const struct flow *flow)
{
	struct flow_key reply = {
		.source = flow->origin,
		.destination = flow->local,
		.source_port = flow->origin_port,
		.destination_port = flow->local_port,
	};
	struct flow_key *client = reverse_lookup(&reply, p->protocol);

	if (!client && flow->more_flags & FLOW_KEPT)
		return !bpf_map_update_elem(&reverse_udp_kept, &reply, &p->key, BPF_NOEXIST);
	if (!client)
		return !reverse_insert(&reply, &p->key, p->protocol, BPF_NOEXIST);
	return address_equal(&client->source, &p->key.source) &&
	       address_equal(&client->destination, &p->key.destination) &&
	       client->source_port == p->key.source_port &&
	       client->destination_port == p->key.destination_port;
}

static __noinline int flow_refresh_now(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	struct service *entry;

	if (!p || !flow)
		return REFRESH_OK;
	entry = service_find(p);
	if (!entry)
		return REFRESH_GONE;
	if (!flow_keeps_pair(p, flow))
		return REFRESH_TAKEN;
	/* A connection goes on as it began; each datagram begins anew. */
	if (p->protocol == IPPROTO_UDP && flow->client_address != entry->client_address)
		flow->client_address = entry->client_address;
	if (flow->idle_seconds != entry->idle_seconds)
		flow->idle_seconds = entry->idle_seconds;
	persistence_touch(p, entry, flow);
	limit_refresh(p, entry, flow);
	proof_refresh(p, flow);
	/*
	 * Set before the lookup: other CPUs need not repeat it, and a failure keeps the old next
	 * hop.
	 */
	flow->route_ns = p->now_ns;
	route_find(ctx, p, flow);
	mtu_learn(ctx, flow);
	return origin_listed(entry, flow) ? REFRESH_OK : REFRESH_NOT_ORIGIN;
}

static __always_inline int flow_refresh(struct xdp_md *ctx, struct packet *p, struct flow *flow)
{
	if ((__s64)(p->now_ns - flow->route_ns) <= (__s64)ROUTE_LIFE_NS)
		return REFRESH_OK;
	return flow_refresh_now(ctx, p, flow);
}

/*
 * Whether the protected address of an origin's reply still forwards: 0 or the reason why not. Names
 * the address for counting.
 */
static __always_inline int reply_refused(
	struct packet *p, const struct flow_key *client, const struct flow *flow)
{
	struct vip *entry = vip_find(&client->destination);
	struct settings *s = settings_get();

	if (!entry || !s || entry->kind != VIP_PROTECTED || entry->instance != flow->instance)
		return REASON_source_unknown;
	p->instance = entry->instance;
	p->slot = entry->slot;
	if (deadline_passed(p, s->life_offset_ns, entry->forward_until_ns))
		return REASON_forwarding_off;
	if (entry->mitigation_on &&
		!deadline_passed(p, s->life_offset_ns, entry->mitigation_until_ns)) {
		p->mitigation_on = entry->mitigation_on & MITIGATION_OF_REPLIES;
		p->mitigation_watch = entry->mitigation_watch;
	}
	p->flags = PACKET_OUT;
	return 0;
}

/* Have both sides closed it, and is nothing of that under way any more? A RST alone may be forged. */
static __always_inline int flow_is_over(struct packet *p, const struct flow *flow)
{
	return flow->state == FLOW_CLOSING && !(flow->flags & FLOW_RESET) &&
	       (__s64)(p->now_ns - flow->seen_ns) > (__s64)CLOSING_TAKE_NS;
}

/* How long a UDP flow that has proven nothing must be silent for the next try to take its port; 0: it keeps it. */
static __always_inline __u64 silence_asked(int tries)
{
	if (tries < PORT_TRIES_FREE)
		return 0;
	return tries < PORT_TRIES_LAST ? SILENT_TAKE_NS : CLOSING_TAKE_NS;
}

/*
 * May the owner's port be taken? A closed connection keeps it for what is still under way, but not
 * for the whole of its idle time: 50,000 ports would then allow 800 connections a second. Nor does a datagram
 * that nothing followed, whose source may be forged: 170 of them a second would take all ports.
 */
static __always_inline int flow_yields(struct packet *p, struct flow *flow, __u64 silence_ns)
{
	__s64 silent_ns = p->now_ns - flow->seen_ns;

	if (p->protocol == IPPROTO_UDP && silence_ns && !(flow->limit_flags & FLOW_PROVEN) &&
		silent_ns > (__s64)silence_ns)
		return 1;
	if (flow_expired(flow, p->now_ns - EXPIRED_TAKE_NS, p->protocol))
		return 1;
	if (flow_expired(flow, p->now_ns, p->protocol))
		return !(flow->limit_flags & FLOW_COUNTED);
	return flow->state == FLOW_CLOSING && silent_ns > (__s64)CLOSING_TAKE_NS;
}

static __always_inline void ended_note(const struct flow_key *owner, const struct flow *flow)
{
	__u32 zero = 0;
	struct flow_ended *ended = bpf_map_lookup_elem(&flow_ended, &zero);

	if (!ended)
		return;
	ended->client = owner->source;
	ended->limited = flow->limit_flags & FLOW_LIMITED;
	ended->service = flow->service;
}

/* Takes the flow whose port was taken off the counts: where it ended there is no room for that on the stack. */
static __always_inline void ended_settle(struct packet *p)
{
	__u32 zero = 0;
	struct flow_ended *ended = bpf_map_lookup_elem(&flow_ended, &zero);

	if (!ended || !ended->service)
		return;
	limit_take_off(ended->service, &ended->client, p->protocol, ended->limited);
	ended->service = 0;
}

/* Is the pair free, or does its owner yield it (silence_asked)? The owner's flow ends then. */
static __always_inline int reverse_take(
	const struct flow_key *reply, struct packet *p, struct flow *fresh, __u64 silence_ns)
{
	struct flow_key *found, owner;
	struct flow *flow;

	found = p->protocol == IPPROTO_UDP ? bpf_map_lookup_elem(&reverse_udp_kept, reply) : NULL;
	if (!found && !reverse_insert(reply, &p->key, p->protocol, BPF_NOEXIST))
		return 1;
	if (!found)
		found = reverse_lookup(reply, p->protocol);
	if (!found)
		return 0;
	owner = *found;
	flow = flow_lookup(&owner, p->protocol);
	if (flow && flow_owns(flow, &fresh->local, fresh->local_port)) {
		if (!flow_yields(p, flow, silence_ns))
			return 0;
		if (flow->limit_flags & FLOW_COUNTED)
			ended_note(&owner, flow);
		flow_delete(&owner, p->protocol);
	}
	if (p->protocol == IPPROTO_UDP)
		bpf_map_delete_elem(&reverse_udp_kept, reply);
	return !reverse_insert(reply, &p->key, p->protocol, BPF_ANY);
}

/* Index: of the address in map "source". */
static __always_inline __u64 port_take(__u32 index)
{
	__u32 cpus = cpu_count ? cpu_count : 1;
	__u64 *next = bpf_map_lookup_elem(&port_next, &index);

	if (!next)
		return 0;
	if (!*next)
		*next = bpf_get_prandom_u32() | 1;
	return (*next)++ * cpus + bpf_get_smp_processor_id();
}

/* Which of so many back-to-origin addresses the client's flows leave from. IPv6: those of its /64. */
static __always_inline __u32 source_of_client(struct packet *p, __u32 sources)
{
	struct address client = p->key.source;
	__u32 now = p->now_ns / NANOSECONDS, line;
	struct source_use *use;
	__u64 hash;

	source_widen(&client);
	hash = source_hash(&client);
	line = hash & (SOURCE_USES - 1);
	use = bpf_map_lookup_elem(&source_use, &line);
	if (use && use->second != now) {
		use->second = now;
		use->flows = 0;
	}
	if (use && use->flows++ >= SOURCE_FLOWS)
		return bpf_get_prandom_u32() % sources;
	return (hash >> 32) % sources;
}

/* Sets the flow's source address and port and inserts its reverse entry. Returns 0 or -1. */
static __noinline int flow_reserve(struct packet *p, struct flow *fresh)
{
	struct settings *s = settings_get();
	struct flow_key reply = {};
	__u32 ipv6, sources, ports, first, chosen, cpus = cpu_count ? cpu_count : 1;

	if (!p || !fresh || !s)
		return -1;
	ipv6 = !address_is_ipv4(&fresh->origin);
	sources = s->source_count[ipv6];
	ports = s->port_count;
	first = ipv6 ? NODE_SOURCE_MAX : 0;
	if (!sources || sources > NODE_SOURCE_MAX || !ports || ports > 65536)
		return -1;
	/* The last few are left unused, or a CPU's residue would change when it begins anew. */
	if (ports > cpus)
		ports -= ports % cpus;
	chosen = source_of_client(p, sources);
	reply.source = fresh->origin;
	reply.source_port = fresh->origin_port;
	for (int i = 0; i < PORT_TRIES; i++) {
		__u32 index = first + (i < PORT_TRIES / 2 ? chosen : (chosen + i) % sources);
		struct address *local = bpf_map_lookup_elem(&source, &index);

		if (!local)
			return -1;
		fresh->local = *local;
		fresh->local_port = bpf_htons(s->port_first + port_take(index) % ports);
		reply.destination = fresh->local;
		reply.destination_port = fresh->local_port;
		if (reverse_take(&reply, p, fresh, silence_asked(i)))
			return 0;
	}
	return -1;
}

/* A slot that every CPU has for the flow it is making; NULL never happens. */
static __always_inline struct flow *flow_blank(void)
{
	__u32 zero = 0;
	struct flow *fresh = bpf_map_lookup_elem(&flow_scratch, &zero);

	if (fresh)
		__builtin_memset(fresh, 0, sizeof(*fresh));
	return fresh;
}

static __always_inline void flow_release(struct packet *p, struct flow *fresh)
{
	struct flow_key reply = {
		.source = fresh->origin,
		.destination = fresh->local,
		.source_port = fresh->origin_port,
		.destination_port = fresh->local_port,
	};

	if (p->protocol == IPPROTO_TCP)
		bpf_map_delete_elem(&reverse_tcp, &reply);
	else
		bpf_map_delete_elem(&reverse_udp, &reply);
}

/*
 * A flow from one of the node's own addresses, or to a protected one, would feed on itself: what it
 * sends comes back as a packet for another flow, with a fresh hop limit. Returns 0 or the reason.
 */
static __always_inline int flow_loops(struct packet *p, struct flow *fresh)
{
	struct vip *entry = bpf_map_lookup_elem(&vip, &p->key.source);

	if (entry)
		return REASON_source_impossible;
	entry = bpf_map_lookup_elem(&vip, &fresh->origin);
	return entry && entry->kind == VIP_PROTECTED ? REASON_no_origin : 0;
}

/*
 * The client begins anew on the tuple of a connection that neither side has closed. Its source address and
 * port are kept: the origin answers the new SYN with what it expects of the old connection, and the RST
 * that this asks for ends it there, too. Returns 1 then.
 */
static __noinline int flow_inherit(struct packet *p, struct flow *fresh)
{
	struct flow *old;

	if (!p || !fresh || p->protocol != IPPROTO_TCP)
		return 0;
	old = flow_lookup_known(p);
	if (!old || old->state == FLOW_CLOSING || old->instance != p->instance ||
		old->origin_port != fresh->origin_port ||
		!address_equal(&old->origin, &fresh->origin) || !flow_keeps_pair(p, old))
		return 0;
	fresh->local = old->local;
	fresh->local_port = old->local_port;
	return 1;
}

/*
 * Fills a blank flow: origin, source address and port, next hop. Returns 0 or the reason why not;
 * then nothing is left behind.
 */
static __noinline int flow_prepare(struct xdp_md *ctx, struct packet *p, struct flow *fresh)
{
	struct service *entry;
	__s64 index;
	int reason;

	if (!p || !fresh)
		return REASON_malformed;
	entry = service_find(p);
	if (!entry)
		return REASON_no_service;
	reason = empty_refuses(p, entry);
	if (!reason)
		reason = limit_open(p, entry);
	if (reason)
		return reason;
	index = persistence_find(p, entry);
	if (index < 0)
		index = origin_pick(entry, p, bpf_get_prandom_u32());
	/* One 64-bit register holds what is checked and what is used. */
	asm volatile("" : "+r"(index));
	if (index < 0 || index >= ORIGIN_MAX)
		return REASON_no_origin;
	fresh->origin = entry->origin[index].address;
	fresh->origin_port = entry->origin[index].port;
	reason = flow_loops(p, fresh);
	if (reason)
		return reason;
	fresh->instance = p->instance;
	fresh->slot = p->slot;
	fresh->idle_seconds = entry->idle_seconds;
	fresh->client_address = entry->client_address;
	fresh->seen_ns = p->now_ns;
	fresh->state = FLOW_OPEN;
	limit_prepare(entry, fresh);
	empty_prepare(p, entry, fresh);
	flow_learn_client(ctx, fresh);
	mtu_learn(ctx, fresh);
	if (!flow_inherit(p, fresh) && flow_reserve(p, fresh))
		return REASON_source_exhausted;
	ended_settle(p);
	if (route_find(ctx, p, fresh)) {
		flow_release(p, fresh);
		return REASON_origin_unreachable;
	}
	persistence_bind(p, entry, fresh);
	return 0;
}

/* Enters the flow; on failure its reverse entry is withdrawn. Returns 0 or the reason. */
static __noinline int flow_insert(struct packet *p, struct flow *fresh)
{
	struct flow *old;
	long error;

	if (!p || !fresh)
		return REASON_malformed;
	old = flow_lookup(&p->key, p->protocol);
	if (old)
		limit_closed(old, &p->key.source, p->protocol);
	/* It would be found before the new one. */
	if (old && p->protocol == IPPROTO_UDP)
		bpf_map_delete_elem(&flow_udp_kept, &p->key);
	if (p->protocol == IPPROTO_TCP) {
		known_touch(&p->key, p->now_ns);
		error = bpf_map_update_elem(&flow_tcp, &p->key, fresh, BPF_ANY);
	} else {
		error = bpf_map_update_elem(&flow_udp, &p->key, fresh, BPF_ANY);
	}
	if (!error) {
		limit_opened(fresh, &p->key.source, p->protocol);
		return 0;
	}
	flow_release(p, fresh);
	return REASON_flow_table_full;
}

/*
 * UDP: its client is known to hear the answers, and the flow is moved to where no forged source
 * comes. Returns it as it is there, or where it was when there is no room.
 */
static __noinline struct flow *flow_keep(struct packet *p, struct flow *flow)
{
	struct flow_key reply = {};
	struct flow *kept;

	if (!p || !flow)
		return NULL;
	reply.source = flow->origin;
	reply.destination = flow->local;
	reply.source_port = flow->origin_port;
	reply.destination_port = flow->local_port;
	if (bpf_map_update_elem(&reverse_udp_kept, &reply, &p->key, BPF_ANY))
		return flow;
	flow->more_flags |= FLOW_KEPT;
	known_touch(&p->key, p->now_ns);
	if (bpf_map_update_elem(&flow_udp_kept, &p->key, flow, BPF_ANY)) {
		flow->more_flags &= ~FLOW_KEPT;
		bpf_map_delete_elem(&reverse_udp_kept, &reply);
		return flow;
	}
	kept = bpf_map_lookup_elem(&flow_udp_kept, &p->key);
	if (!kept)
		return flow;
	/* Not before: what was deleted may be another flow at once. */
	bpf_map_delete_elem(&flow_udp, &p->key);
	bpf_map_delete_elem(&reverse_udp, &reply);
	return kept;
}

#endif
