/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ICMP errors about packets of flows, carried to whom they concern. An error quotes the packet that
 * it is about; the quoted addresses and ports lead to the flow.
 *
 *	about a packet (back-to-origin address -> origin): goes to the client, from the protected address
 *	about a packet (protected address -> client): goes to the origin, from the back-to-origin address
 *
 * Its sender is a router of the other side, which the receiver's network need not know and may
 * filter, and which would tell clients where the origin is; the node therefore answers for what is
 * behind it. The quoted packet becomes the one that the receiver has sent: addresses, ports and TCP
 * sequence number. Path MTU discovery, and every program that reads its socket's errors, works
 * through the node so.
 *
 * Everything before the quoted transport header is written anew, without options or extension
 * headers; of what is behind it ERROR_QUOTE_MAX bytes are kept. The checksum is verified before and
 * computed in full after. One packet makes one packet, 40 bytes larger at most (an IPv4 error that
 * becomes an IPv6 one).
 *
 * Believed is only what quotes a packet of an open flow, of TCP near what the other side has
 * acknowledged; whether the number is in flight, the receiver's stack knows. Types and codes: RFC
 * 792, RFC 4443; between the versions RFC 7915 sections 4.2 and 5.2. Redirects and source quench
 * are not carried.
 */
#ifndef BPF_ERROR_BPF_H
#define BPF_ERROR_BPF_H

#include "flow.bpf.h"

#define ICMP_LENGTH	   8
#define ERROR4_UNREACHABLE 3
#define ERROR4_PROTOCOL	   2 /* codes of it */
#define ERROR4_PORT	   3
#define ERROR4_TOO_BIG	   4
#define ERROR4_TIME	   11
#define ERROR4_PARAMETER   12
#define ERROR6_UNREACHABLE 1
#define ERROR6_TOO_BIG	   2
#define ERROR6_TIME	   3
#define ERROR6_PARAMETER   4

#define ERROR_QUOTE_MAX	   512u /* errors of IPv4 stay within 576 bytes: RFC 1812 section 4.3.2.3 */
#define ERROR_HOP_LIMIT	   64
#define ERROR_QUOTE_MIN	   8	      /* ports, and the sequence number of TCP */
#define ERROR_SEQUENCE_MAX (16 << 20) /* bytes: windows are smaller */

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be32 rest;
};

struct error {
	struct packet quoted;	/* the packet that the error is about */
	struct translation to;	/* whom it goes to; what it quotes came from there */
	struct flow_key client; /* of the flow */
	__u32 add_sequence;
	__be32 rest; /* of the ICMP header: MTU, pointer */
	__u8 type;
	__u8 code;
	__u8 hop_limit;
	__u8 quoted_hop_limit;
	__u8 reserved[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct error);
} error_scratch SEC(".maps");

static __always_inline int error_is(int version, __u8 type)
{
	if (version == 6)
		return type >= ERROR6_UNREACHABLE && type <= ERROR6_PARAMETER;
	return type == ERROR4_UNREACHABLE || type == ERROR4_TIME || type == ERROR4_PARAMETER;
}

/* Reads what is quoted, up to its ports. Returns 0 or -1: not a packet that a flow has sent. */
static __noinline int error_read_quote(struct xdp_md *ctx, struct packet *p, struct packet *q)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *at;
	__be32 *word;

	q->network = p->transport + ICMP_LENGTH;
	at = parse_at(data, end, q->network, sizeof(struct iphdr));
	if (!at || parse_addresses(at, end, ip_type(p->version), q) != PARSE_IP)
		return -1;
	q->end = q->network + q->length;
	if (p->version == 4 ? parse_ipv4(data, end, q) : parse_ipv6(data, end, q))
		return -1;
	if (q->protocol != IPPROTO_TCP && q->protocol != IPPROTO_UDP)
		return -1;
	word = parse_at(data, end, q->transport, ERROR_QUOTE_MIN);
	if (!word || q->fragment == FRAGMENT_LATER || q->transport + ERROR_QUOTE_MIN > p->end)
		return -1;
	q->key.source_port = word[0];
	q->key.destination_port = word[0] >> 16;
	q->sequence = bpf_ntohl(word[1]);
	/* Errors come to who has sent the packet. */
	return address_equal(&q->key.source, &p->key.destination) ? 0 : -1;
}

/* The key under which the receiver of the quoted packet would answer it. */
static __always_inline void error_turn(struct flow_key *key)
{
	struct address source = key->source;
	__be16 port = key->source_port;

	key->source = key->destination;
	key->destination = source;
	key->source_port = key->destination_port;
	key->destination_port = port;
}

/* next: what the packet's receiver has acknowledged; 0: not known. */
static __always_inline int error_plausible(
	const struct packet *q, const struct flow *flow, __u32 next)
{
	__s32 distance = q->sequence - next;

	if (q->protocol != IPPROTO_TCP || !next || flow->state == FLOW_SYN_SENT)
		return 1;
	return distance > -ERROR_SEQUENCE_MAX && distance < ERROR_SEQUENCE_MAX;
}

/* The checksum of the whole message must be right: it is computed anew. */
static __always_inline int error_intact(struct xdp_md *ctx, struct packet *p)
{
	__u32 length = p->end - p->transport;
	__s64 sum = sum_range(ctx, p->transport, length);

	if (sum < 0)
		return 0;
	if (p->version == 6)
		sum += pseudo_sum(&p->key.source, &p->key.destination, IPPROTO_ICMPV6, length);
	return checksum_fold(sum) == 0xffff;
}

/*
 * The MTU toward the receiver, where packets have "shrink" bytes more, or less, than beyond the
 * node.
 */
static __always_inline __be32 error_mtu(struct error *e, __be32 rest, int version, __s32 shrink)
{
	__s32 mtu = version == 4 ? bpf_ntohl(rest) & 0xffff : bpf_ntohl(rest);

	/* Routers older than RFC 1191 name none: the receiver guesses. */
	if (mtu || e->to.version == 6)
		mtu += shrink;
	if (mtu < 0 || mtu > 65535)
		mtu = 65535;
	if (e->to.version == 6 && mtu < IPV6_MTU_MIN)
		mtu = IPV6_MTU_MIN;
	return bpf_htonl(mtu);
}

static __always_inline void error_say(struct error *e, __u8 type, __u8 code)
{
	e->type = type;
	e->code = code;
}

/* RFC 7915 section 4.2. Returns 0, or -1: nothing corresponds. */
static __always_inline int error_to_ipv6(struct error *e, __be32 rest)
{
	__u32 pointer = bpf_ntohl(rest) >> 24;

	e->rest = 0;
	if (e->type == ERROR4_TIME) {
		e->type = ERROR6_TIME;
		return 0;
	}
	if (e->type == ERROR4_PARAMETER) {
		/* The fields of the header that both have. */
		if (e->code == 1 || pointer >= 20 || (pointer >= 4 && pointer <= 7) ||
			pointer == 10 || pointer == 11)
			return -1;
		error_say(e, ERROR6_PARAMETER, 0);
		pointer = pointer >= 16	  ? 24
			  : pointer >= 12 ? 8
			  : pointer == 9  ? 6
			  : pointer == 8  ? 7
			  : pointer >= 2  ? 4
					  : pointer;
		e->rest = bpf_htonl(pointer);
		return 0;
	}
	switch (e->code) {
	case ERROR4_PROTOCOL:
		error_say(e, ERROR6_PARAMETER, 1);
		e->rest = bpf_htonl(6); /* next header */
		return 0;
	case ERROR4_PORT:
		error_say(e, ERROR6_UNREACHABLE, 4);
		return 0;
	case 9:
	case 10:
	case 13:
	case 15:
		error_say(e, ERROR6_UNREACHABLE, 1); /* prohibited */
		return 0;
	case 14:
		return -1;
	default:
		error_say(e, ERROR6_UNREACHABLE, 0); /* no route */
		return 0;
	}
}

/* RFC 7915 section 5.2. */
static __always_inline int error_to_ipv4(struct error *e, __be32 rest)
{
	__u32 pointer = bpf_ntohl(rest);

	e->rest = 0;
	if (e->type == ERROR6_TIME) {
		e->type = ERROR4_TIME;
		return 0;
	}
	if (e->type == ERROR6_UNREACHABLE) {
		__u8 code = e->code;

		/* Prohibited, port, host. */
		error_say(e, ERROR4_UNREACHABLE, code == 1 ? 10 : code == 4 ? ERROR4_PORT : 1);
		return 0;
	}
	if (e->code == 1) {
		error_say(e, ERROR4_UNREACHABLE, ERROR4_PROTOCOL);
		return 0;
	}
	if (e->code || pointer == 2 || pointer == 3 || pointer >= 40)
		return -1;
	error_say(e, ERROR4_PARAMETER, 0);
	pointer = pointer >= 24	 ? 16
		  : pointer >= 8 ? 12
		  : pointer == 7 ? 8
		  : pointer == 6 ? 9
		  : pointer >= 4 ? 2
				 : pointer;
	e->rest = bpf_htonl(pointer << 24);
	return 0;
}

/* What the error says in the receiver's version. Returns 0, or -1: it has no word for it. */
static __always_inline int error_map(struct error *e, int version, __be32 rest, __s32 shrink)
{
	if (version == 4 ? e->type == ERROR4_UNREACHABLE && e->code == ERROR4_TOO_BIG
			 : e->type == ERROR6_TOO_BIG) {
		e->rest = error_mtu(e, rest, version, shrink);
		if (e->to.version == 4)
			error_say(e, ERROR4_UNREACHABLE, ERROR4_TOO_BIG);
		else
			error_say(e, ERROR6_TOO_BIG, 0);
		return 0;
	}
	if (e->to.version != version)
		return version == 4 ? error_to_ipv6(e, rest) : error_to_ipv4(e, rest);
	/* A pointer; never the length of an extension (RFC 4884), which may have been cut off. */
	if (version == 6)
		e->rest = e->type == ERROR6_PARAMETER ? rest : 0;
	else
		e->rest = e->type == ERROR4_PARAMETER ? rest & bpf_htonl(0xff000000) : 0;
	return 0;
}

/* IP header and ICMP header without checksum, of an error with "length" bytes of quote. */
static __always_inline int error_write(
	struct xdp_md *ctx, struct error *e, __u32 network, __u32 length)
{
	struct ip_fields outer = {
		.source = &e->to.source,
		.destination = &e->to.destination,
		.payload = ICMP_LENGTH + length,
		.flags = IP_DONT_FRAGMENT,
		.version = e->to.version,
		.protocol = e->to.version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.hop_limit = e->hop_limit,
	};
	struct icmp_header *icmp;

	if (ip_write(ctx, network, &outer))
		return -1;
	icmp = header_at(ctx, network + ip_length(e->to.version), sizeof(*icmp));
	if (!icmp)
		return -1;
	icmp->type = e->type;
	icmp->code = e->code;
	icmp->checksum = 0;
	icmp->rest = e->rest;
	return 0;
}

/* The header of the quoted packet. */
static __always_inline int error_write_quoted(struct xdp_md *ctx, struct error *e, __u32 offset)
{
	struct packet *q = &e->quoted;
	struct ip_fields inner = {
		.source = &e->to.destination,
		.destination = &e->to.source,
		.payload = q->end - q->transport,
		.id = q->fragment_id,
		.flags = IP_DONT_FRAGMENT,
		.version = e->to.version,
		.protocol = q->protocol,
		.hop_limit = e->quoted_hop_limit,
	};

	return ip_write(ctx, offset, &inner);
}

/*
 * Ports and sequence number of the quoted packet. Its checksum is adjusted where it was quoted,
 * though not for window and timestamps, which stay as the node made them: nobody verifies a part of
 * a packet.
 */
static __always_inline int error_write_ports(
	struct xdp_md *ctx, struct error *e, __u32 transport, __u32 quoted)
{
	struct packet *q = &e->quoted;
	__u32 *word = header_at(ctx, transport, ERROR_QUOTE_MIN), offset = 6;
	__u64 sum = 0;
	__u16 *check;

	if (!word)
		return -1;
	sum += (__u32)~word[0];
	word[0] = (__u32)e->to.destination_port | (__u32)e->to.source_port << 16;
	sum += word[0];
	if (q->protocol == IPPROTO_TCP) {
		offset = 16;
		sum += (__u32)~word[1];
		word[1] = bpf_htonl(q->sequence + e->add_sequence);
		sum += word[1];
	}
	/* The key was turned: what was its source is its destination. */
	sum += address_change(&q->key.destination, &e->to.destination);
	sum += address_change(&q->key.source, &e->to.source);
	if (quoted < offset + sizeof(*check))
		return 0;
	check = header_at(ctx, transport + offset, sizeof(*check));
	if (!check)
		return -1;
	if (*check || q->protocol == IPPROTO_TCP)
		*check = checksum_adjust(*check, sum);
	return 0;
}

static __always_inline int error_seal(struct xdp_md *ctx, struct error *e, __u32 icmp, __u32 length)
{
	struct icmp_header *header;
	__s64 sum = sum_range(ctx, icmp, length);

	if (sum < 0)
		return -1;
	if (e->to.version == 6)
		sum += pseudo_sum(&e->to.source, &e->to.destination, IPPROTO_ICMPV6, length);
	header = header_at(ctx, icmp, sizeof(*header));
	if (!header)
		return -1;
	header->checksum = ~checksum_fold(sum);
	return 0;
}

/*
 * Makes room for the error: what is "from" bytes into the frame comes to be "to" bytes into it, and
 * "length" bytes of that are kept.
 */
static __always_inline int error_frame(
	struct xdp_md *ctx, struct error *e, __u32 network, __u32 from, __u32 to, __u32 length)
{
	struct frame_tags tags;
	int surplus;

	if (frame_tags_read(ctx, &tags) || bpf_xdp_adjust_head(ctx, (int)from - (int)to))
		return -1;
	surplus = (int)(ctx->data_end - ctx->data) - (int)(to + length);
	if (surplus > 0 && bpf_xdp_adjust_tail(ctx, -surplus))
		return -1;
	if (frame_head_write(ctx, network, &tags, e->to.version))
		return -1;
	return frame_macs_write(ctx, e->to.mac_destination, e->to.mac_source);
}

/* Turns the frame into what "e" says. Returns 0 or -1. */
__noinline int error_build(struct xdp_md *ctx, struct packet *p, struct error *e)
{
	__u32 network, quoted, header, inner, transport;

	if (!p || !e)
		return -1;
	network = p->network;
	header = ip_length(e->to.version);
	inner = network + header + ICMP_LENGTH;
	transport = inner + header;
	quoted = p->end - e->quoted.transport;
	if (quoted > ERROR_QUOTE_MAX)
		quoted = ERROR_QUOTE_MAX;
	if (error_frame(ctx, e, network, e->quoted.transport, transport, quoted) ||
		error_write(ctx, e, network, header + quoted) ||
		error_write_quoted(ctx, e, inner) || error_write_ports(ctx, e, transport, quoted) ||
		error_seal(ctx, e, network + header, ICMP_LENGTH + header + quoted))
		return -1;
	p->length = transport + quoted - network;
	return 0;
}

/* The packet is an error, and what it quotes is read: it goes where "e" says. */
static __always_inline int error_send(
	struct xdp_md *ctx, struct packet *p, struct error *e, __s32 shrink)
{
	struct icmp_header *icmp = header_at(ctx, p->transport, sizeof(*icmp));
	int hop_limit = ip_hop_limit(ctx, p->network, p->version);
	__be32 rest;

	if (!icmp || !error_intact(ctx, p))
		return drop(p, REASON_malformed);
	rest = icmp->rest;
	e->type = icmp->type;
	e->code = icmp->code;
	if (hop_limit <= 1)
		return drop(p, REASON_hop_limit);
	e->hop_limit = hop_limit - 1;
	e->quoted_hop_limit = ip_hop_limit(ctx, e->quoted.network, p->version);
	if (error_map(e, p->version, rest, shrink))
		return drop(p, REASON_no_service);
	if (error_build(ctx, p, e))
		return drop(p, REASON_malformed);
	p->reason = REASON_error_translated;
	return transmit_to(ctx, p, e->to.ifindex);
}

/* Is it one of the errors that are carried? */
static __always_inline int error_at_hand(struct xdp_md *ctx, struct packet *p)
{
	struct icmp_header *icmp = header_at(ctx, p->transport, sizeof(*icmp));

	return icmp && error_is(p->version, icmp->type) && p->fragment == FRAGMENT_NONE;
}

static __always_inline struct error *error_blank(void)
{
	__u32 zero = 0;
	struct error *e = bpf_map_lookup_elem(&error_scratch, &zero);

	if (e)
		__builtin_memset(e, 0, sizeof(*e));
	return e;
}

/* How much larger a packet of the flow is on the client's side. */
static __always_inline __s32 error_shrink(const struct flow *flow, const struct flow_key *client)
{
	if (address_is_ipv4(&flow->origin) && !address_is_ipv4(&client->source))
		return sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	return 0;
}

/* An error of the client's side, to a protected address. */
static __noinline int error_from_client(struct xdp_md *ctx, struct packet *p)
{
	struct error *e = error_blank();
	struct flow *flow;

	if (!p || !e)
		return XDP_DROP;
	if (error_read_quote(ctx, p, &e->quoted))
		return drop(p, REASON_no_service);
	error_turn(&e->quoted.key);
	flow = flow_lookup(&e->quoted.key, e->quoted.protocol);
	if (!flow || flow->instance != p->instance ||
		flow_expired(flow, p->now_ns, e->quoted.protocol) ||
		!error_plausible(&e->quoted, flow, flow->origin_next))
		return drop(p, REASON_no_service);
	translation_to_origin(&e->to, flow);
	e->add_sequence = flow->sequence_delta;
	return error_send(ctx, p, e, -error_shrink(flow, &e->quoted.key));
}

/*
 * An error of an origin's side, to one of the node's own addresses; the host has its own there,
 * too.
 */
static __noinline int error_from_origin(struct xdp_md *ctx, struct packet *p)
{
	struct settings *s = settings_get();
	struct error *e = error_blank();
	struct flow_key *found;
	struct flow *flow;
	__s32 shrink;
	int reason;

	if (!p || !e || !s)
		return XDP_DROP;
	if (error_read_quote(ctx, p, &e->quoted))
		return pass(p);
	error_turn(&e->quoted.key);
	found = reverse_lookup(&e->quoted.key, e->quoted.protocol);
	if (!found) {
		if (bpf_ntohs(e->quoted.key.destination_port) - s->port_first >= s->port_count)
			return pass(p);
		return drop(p, REASON_source_unknown);
	}
	e->client = *found;
	flow = flow_lookup(&e->client, e->quoted.protocol);
	if (!flow || !flow_owns(flow, &e->quoted.key.destination, e->quoted.key.destination_port) ||
		flow_expired(flow, p->now_ns, e->quoted.protocol) ||
		!error_plausible(&e->quoted, flow, flow->client_next))
		return drop(p, REASON_source_unknown);
	reason = reply_refused(p, &e->client, flow);
	if (reason)
		return drop(p, reason);
	translation_to_client(&e->to, flow, &e->client);
	shrink = error_shrink(flow, &e->client);
	if (e->quoted.protocol == IPPROTO_UDP)
		shrink -= flow->prefix;
	return error_send(ctx, p, e, shrink);
}

/*
 * The packet is too big for the side that it would go to, and untouched: its sender is told, with less than
 * it has sent. At the end of all steps, where there is room on the stack.
 */
__noinline int error_too_big(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *ethernet = header_at(ctx, 0, sizeof(*ethernet));
	struct error *e = error_blank();
	__u32 quoted, icmp;

	if (!p || !e || !ethernet)
		return XDP_DROP;
	if (p->version == 4)
		error_say(e, ERROR4_UNREACHABLE, ERROR4_TOO_BIG);
	else
		error_say(e, ERROR6_TOO_BIG, 0);
	e->rest = bpf_htonl(p->mtu);
	e->hop_limit = ERROR_HOP_LIMIT;
	e->to.source = p->key.destination;
	e->to.destination = p->key.source;
	e->to.version = p->version;
	mac_copy(e->to.mac_destination, ethernet->h_source);
	mac_copy(e->to.mac_source, ethernet->h_dest);
	icmp = p->network + ip_length(p->version);
	quoted = p->length < ERROR_QUOTE_MAX ? p->length : ERROR_QUOTE_MAX;
	if (error_frame(ctx, e, p->network, p->network, icmp + ICMP_LENGTH, quoted) ||
		error_write(ctx, e, p->network, quoted) ||
		error_seal(ctx, e, icmp, ICMP_LENGTH + quoted))
		return XDP_DROP;
	return transmit_back(ctx);
}

#endif
