/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three requests over one rtnetlink socket: RTM_GETROUTE tells the next hop of a destination, and RTM_NEWNEIGH
 * with NTF_USE makes the kernel behave as if a packet had just gone there: it resolves an unknown neighbour
 * and probes a stale one. It would also take from an administrator's entry that it is permanent (Linux since
 * 5.17), so RTM_GETNEIGH asks before. Repeated each NEIGHBOUR_REFRESH_MS while wanted. A route through an IPv6
 * next hop for IPv4 (RTA_VIA) is left to the first packet: bpf_fib_lookup answers it with the same record.
 *
 * Who names origins that nobody has must not keep others' from being found: a next hop that has answered once is asked
 * for by a budget of its own, and keeps its place.
 */
#include "agent/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/netlink.h"
#include "base/log.h"
#include "base/text.h"

#define PATIENCE_MS 100

struct hop {
	struct address address;
	uint32_t ifindex;
	int64_t wanted_ms;
	int64_t asked_ms; /* 0: not yet */
	bool answered;	  /* the kernel has known it once */
};

struct neighbours {
	int socket;
	uint32_t sequence;
	uint32_t budget; /* solicitations left in this tick, for who has answered before */
	uint32_t fresh;	 /* for who was never asked: left */
	uint32_t silent; /* for the others: left in this tick */
	uint32_t count;
	uint32_t cursor; /* where the next tick goes on */
	uint32_t victim; /* where the next place is looked for when all are taken */
	struct hop hop[NEIGHBOUR_HOP_MAX];
};

struct request {
	struct nlmsghdr header;
	union {
		struct rtmsg route;
		struct ndmsg neighbour;
	} body;
	uint8_t attribute[64];
};

struct route {
	struct address next_hop;
	uint32_t ifindex;
	uint8_t type; /* RTN_* */
};

/* The address as netlink wants it: 4 or 16 bytes. */
static const uint8_t *wire_address(const struct address *address, uint8_t *family, size_t *size)
{
	bool ipv4 = address_is_ipv4(address->byte);

	*family = ipv4 ? AF_INET : AF_INET6;
	*size = ipv4 ? 4 : 16;
	return ipv4 ? address->byte + 12 : address->byte;
}

/* Sends and reads the one answer; the length of it, or a negative errno. */
static ssize_t exchange(
	struct neighbours *neighbours, struct request *request, void *answer, size_t size)
{
	const struct nlmsghdr *header = answer;
	ssize_t length;

	request->header.nlmsg_seq = ++neighbours->sequence;
	if (send(neighbours->socket, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	length = netlink_receive(neighbours->socket, neighbours->sequence, answer, size);
	return length < 0 ? length : (ssize_t)header->nlmsg_len;
}

/* Nothing is written through these: the kernel's macros take no pointer to const. */
static void read_next_hop(struct nlmsghdr *header, struct route *out)
{
	struct rtmsg *body = NLMSG_DATA(header);
	size_t left = RTM_PAYLOAD(header);

	out->type = body->rtm_type;
	for (struct rtattr *at = RTM_RTA(body); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		size_t size = RTA_PAYLOAD(at);

		if (at->rta_type == RTA_OIF && size == 4)
			memcpy(&out->ifindex, RTA_DATA(at), 4);
		else if (at->rta_type == RTA_GATEWAY && size == 4)
			memcpy(out->next_hop.byte + 12, RTA_DATA(at), 4);
		else if (at->rta_type == RTA_GATEWAY && size == 16)
			memcpy(out->next_hop.byte, RTA_DATA(at), 16);
	}
}

static bool find_route(struct neighbours *neighbours, const struct address *destination,
	uint32_t ifindex, struct route *out)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[4096];
	} answer = { .header = { 0 } };
	struct request request = { .header = { .nlmsg_type = RTM_GETROUTE,
					   .nlmsg_flags = NLM_F_REQUEST,
					   .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)) } };
	size_t size;
	const uint8_t *bytes = wire_address(destination, &request.body.route.rtm_family, &size);

	request.body.route.rtm_dst_len = (uint8_t)(size * 8);
	netlink_add(&request.header, RTA_DST, bytes, size);
	if (ifindex)
		netlink_add(&request.header, RTA_OIF, &ifindex, sizeof(ifindex));
	if (exchange(neighbours, &request, &answer, sizeof(answer)) < 0 ||
		answer.header.nlmsg_type != RTM_NEWROUTE)
		return false;
	*out = (struct route){ .next_hop = *destination };
	read_next_hop(&answer.header, out);
	return out->ifindex != 0;
}

union neighbour_answer {
	struct nlmsghdr header;
	uint8_t bytes[1024];
};

/* As exchange(), of a request about the hop. */
static ssize_t exchange_hop(struct neighbours *neighbours, const struct hop *hop,
	struct request *request, union neighbour_answer *answer)
{
	struct ndmsg *body = &request->body.neighbour;
	size_t size;
	const uint8_t *bytes = wire_address(&hop->address, &body->ndm_family, &size);

	request->header.nlmsg_len = NLMSG_LENGTH(sizeof(*body));
	body->ndm_ifindex = (int)hop->ifindex;
	netlink_add(&request->header, NDA_DST, bytes, size);
	return exchange(neighbours, request, answer, sizeof(*answer));
}

/* Of the kernel's entry, NUD_*; NUD_NONE: it has none. */
static uint16_t state_of(struct neighbours *neighbours, const struct hop *hop)
{
	struct request request = {
		.header = { .nlmsg_type = RTM_GETNEIGH, .nlmsg_flags = NLM_F_REQUEST },
	};
	union neighbour_answer answer = { .header = { 0 } };
	const struct ndmsg *entry = NLMSG_DATA(&answer.header);

	if (exchange_hop(neighbours, hop, &request, &answer) <
			(ssize_t)NLMSG_LENGTH(sizeof(*entry)) ||
		answer.header.nlmsg_type != RTM_NEWNEIGH)
		return NUD_NONE;
	return entry->ndm_state;
}

/* What the next solicitation of the hop is taken from. */
static uint32_t *left_for(struct neighbours *neighbours, const struct hop *hop)
{
	if (hop->answered)
		return &neighbours->budget;
	return hop->asked_ms == 0 ? &neighbours->fresh : &neighbours->silent;
}

/* False: the budget is used up. */
static bool ask(struct neighbours *neighbours, struct hop *hop, int64_t now_ms)
{
	const uint16_t settled =
		NUD_PERMANENT | NUD_NOARP; /* written, or a link without neighbours */
	const uint16_t known = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
	struct request request = {
		.header = { .nlmsg_type = RTM_NEWNEIGH,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK },
		.body.neighbour.ndm_flags = NTF_USE,
	};
	uint32_t *left = left_for(neighbours, hop);
	union neighbour_answer answer;
	uint16_t state;
	ssize_t length;

	if (*left == 0)
		return false;
	(*left)--;
	hop->asked_ms = now_ms;
	state = state_of(neighbours, hop);
	if (state & (settled | known))
		hop->answered = true;
	if (state & settled)
		return true;
	length = exchange_hop(neighbours, hop, &request, &answer);
	if (length < 0)
		log_debug("ask for a neighbour: %s", strerror((int)-length));
	return true;
}

static struct hop *find_hop(struct neighbours *neighbours, const struct route *route)
{
	for (uint32_t i = 0; i < neighbours->count; i++) {
		struct hop *hop = &neighbours->hop[i];

		if (hop->ifindex == route->ifindex &&
			memcmp(&hop->address, &route->next_hop, sizeof(hop->address)) == 0)
			return hop;
	}
	return NULL;
}

/* A place for a new hop; when all are taken, that of one which has never answered. NULL: there is none. */
static struct hop *take_place(struct neighbours *neighbours)
{
	if (neighbours->count < NEIGHBOUR_HOP_MAX)
		return &neighbours->hop[neighbours->count++];
	for (uint32_t i = 0; i < neighbours->count; i++) {
		struct hop *hop = &neighbours->hop[neighbours->victim];

		neighbours->victim = (neighbours->victim + 1) % neighbours->count;
		if (!hop->answered)
			return hop;
	}
	return NULL;
}

void neighbours_want(struct neighbours *neighbours, const struct address *destination,
	uint32_t ifindex, int64_t now_ms)
{
	bool link_local = destination->byte[0] == 0xfe && (destination->byte[1] & 0xc0) == 0x80;
	struct route route;
	struct hop *hop;

	/* The route decides where a packet leaves, but for an address that each link has anew. */
	if (!find_route(neighbours, destination, link_local ? ifindex : 0, &route) ||
		route.type != RTN_UNICAST)
		return;
	hop = find_hop(neighbours, &route);
	if (!hop) {
		hop = take_place(neighbours);
		if (!hop)
			return;
		*hop = (struct hop){ .address = route.next_hop, .ifindex = route.ifindex };
	}
	hop->wanted_ms = now_ms;
	/* ifindex: the packet path asks, once a second at most, so what the kernel knew is no longer so. */
	if (hop->asked_ms == 0 || ifindex)
		(void)ask(neighbours, hop, now_ms);
}

/* In this turn: silent ones have theirs in ask_silent(), and half of the fresh ones are for who is wanted now. */
static bool is_due(const struct neighbours *neighbours, const struct hop *hop, int64_t now_ms)
{
	if (hop->asked_ms == 0)
		return neighbours->fresh > NEIGHBOUR_FRESH_MAX / 2;
	return hop->answered && now_ms - hop->asked_ms >= NEIGHBOUR_REFRESH_MS;
}

static void ask_silent(struct neighbours *neighbours, int64_t now_ms)
{
	struct hop *longest = NULL;

	for (uint32_t i = 0; i < neighbours->count; i++) {
		struct hop *hop = &neighbours->hop[i];

		if (!hop->answered && hop->asked_ms != 0 &&
			(!longest || hop->asked_ms < longest->asked_ms))
			longest = hop;
	}
	if (longest && now_ms - longest->asked_ms >= NEIGHBOUR_REFRESH_MS)
		(void)ask(neighbours, longest, now_ms);
}

void neighbours_tick(struct neighbours *neighbours, int64_t now_ms)
{
	uint32_t rounds = neighbours->count;

	neighbours->budget = NEIGHBOUR_TICK_MAX;
	neighbours->silent = NEIGHBOUR_SILENT_TICK;
	neighbours->fresh += NEIGHBOUR_FRESH_TICK;
	if (neighbours->fresh > NEIGHBOUR_FRESH_MAX)
		neighbours->fresh = NEIGHBOUR_FRESH_MAX;
	for (uint32_t i = 0; i < rounds && neighbours->count > 0; i++) {
		struct hop *hop;

		if (neighbours->cursor >= neighbours->count)
			neighbours->cursor = 0;
		hop = &neighbours->hop[neighbours->cursor];
		if (now_ms - hop->wanted_ms > NEIGHBOUR_FORGET_MS) {
			*hop = neighbours->hop[--neighbours->count];
			continue;
		}
		if (is_due(neighbours, hop, now_ms) && !ask(neighbours, hop, now_ms))
			break;
		neighbours->cursor++;
	}
	ask_silent(neighbours, now_ms);
}

bool neighbours_is_local(struct neighbours *neighbours, const struct address *address)
{
	struct route route;

	return find_route(neighbours, address, 0, &route) && route.type == RTN_LOCAL;
}

enum err neighbours_open(struct neighbours **out)
{
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));

	if (!neighbours)
		return ERR_MEMORY;
	neighbours->budget = NEIGHBOUR_TICK_MAX;
	neighbours->fresh = NEIGHBOUR_FRESH_MAX;
	neighbours->silent = NEIGHBOUR_SILENT_TICK;
	neighbours->socket = netlink_open(PATIENCE_MS);
	if (neighbours->socket < 0) {
		int error = errno;

		neighbours_close(neighbours);
		return fail(ERR_SYSTEM, "open rtnetlink: %s", strerror(error));
	}
	*out = neighbours;
	return OK;
}

void neighbours_close(struct neighbours *neighbours)
{
	if (!neighbours)
		return;
	if (neighbours->socket >= 0)
		(void)close(neighbours->socket);
	free(neighbours);
}
