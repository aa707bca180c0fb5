/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `ip route add local ADDRESS dev lo table local`: what comes for the address is delivered to sockets here, and
 * sockets answer from it. Nothing else changes: no interface has the address, so no connection of the host starts from
 * it. IPv4 answers ARP for it on every link, where somebody asks; IPv6 does not answer neighbour solicitations.
 *
 * Requests over one rtnetlink socket; the kernel answers within the call. A dump is read whole before anything
 * is deleted, since a table that changes under it is told in part.
 */
#include "agent/local_route.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/netlink.h"
#include "agent/pool.h"
#include "base/clock.h"
#include "base/text.h"

#define DUMP_BYTES 32768 /* what the kernel fills at most at a time */

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

struct local_routes {
	int socket;
	uint32_t loopback;
	uint32_t sequence;
	struct address *found; /* of a dump */
	uint32_t found_count, found_capacity;
	union {
		struct nlmsghdr header;
		uint8_t bytes[DUMP_BYTES];
	} answer;
};

struct request {
	struct nlmsghdr header;
	struct rtmsg route;
	uint8_t attribute[64];
};

static struct request request_of(struct local_routes *routes, uint16_t type, uint16_t flags)
{
	return (struct request){
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			.nlmsg_type = type,
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
			.nlmsg_seq = ++routes->sequence },
		.route = { .rtm_table = RT_TABLE_LOCAL,
			.rtm_protocol = LOCAL_ROUTE_PROTOCOL,
			.rtm_scope = RT_SCOPE_HOST,
			.rtm_type = RTN_LOCAL },
	};
}

static ssize_t receive(struct local_routes *routes)
{
	return netlink_receive(
		routes->socket, routes->sequence, routes->answer.bytes, sizeof(routes->answer));
}

static int error_in(struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);

	return header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) ? -EPROTO : error->error;
}

static int change(
	struct local_routes *routes, uint16_t type, uint16_t flags, const struct address *address)
{
	struct request request = request_of(routes, type, NLM_F_ACK | flags);
	bool ipv4 = address_is_ipv4(address->byte);
	ssize_t length;

	request.route.rtm_family = ipv4 ? AF_INET : AF_INET6;
	request.route.rtm_dst_len = ipv4 ? 32 : 128;
	netlink_add(
		&request.header, RTA_DST, ipv4 ? address->byte + 12 : address->byte, ipv4 ? 4 : 16);
	netlink_add(&request.header, RTA_OIF, &routes->loopback, sizeof(routes->loopback));
	if (send(routes->socket, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	length = receive(routes);
	if (length < 0)
		return (int)length;
	return routes->answer.header.nlmsg_type == NLMSG_ERROR ? error_in(&routes->answer.header)
							       : -EPROTO;
}

int local_route_put(struct local_routes *routes, const struct address *address)
{
	int result = change(routes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, address);

	return result == -EEXIST ? 0 : result;
}

int local_route_delete(struct local_routes *routes, const struct address *address)
{
	int result = change(routes, RTM_DELROUTE, 0, address);

	return result == -ESRCH ? 0 : result;
}

/* --- dump ------------------------------------------------------------------------------------ */

static int note(struct local_routes *routes, const struct address *address)
{
	void *items = routes->found;

	/* As many as steering has at most, for those of an agent before. */
	if (!pool_grow(&items, &routes->found_capacity, sizeof(*address), routes->found_count + 1,
		    NODE_VIP_MAX))
		return -ENOMEM;
	routes->found = items;
	routes->found[routes->found_count++] = *address;
	return 0;
}

/* Nothing is written through these: the kernel's macros take no pointer to const. */
static int note_route(struct local_routes *routes, struct nlmsghdr *header)
{
	struct rtmsg *body = NLMSG_DATA(header);
	size_t left = RTM_PAYLOAD(header), size = body->rtm_family == AF_INET ? 4 : 16;
	struct address address = { .byte = { [10] = 0xff, [11] = 0xff } };

	if (header->nlmsg_type != RTM_NEWROUTE || body->rtm_protocol != LOCAL_ROUTE_PROTOCOL ||
		body->rtm_table != RT_TABLE_LOCAL || body->rtm_dst_len != size * 8)
		return 0;
	for (struct rtattr *at = RTM_RTA(body); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if (at->rta_type != RTA_DST || RTA_PAYLOAD(at) != size)
			continue;
		memcpy(address.byte + 16 - size, RTA_DATA(at), size);
		return note(routes, &address);
	}
	return 0;
}

/* 1: the end; 0: more follows; or a negative errno. */
static int read_part(struct local_routes *routes, size_t length)
{
	for (struct nlmsghdr *header = &routes->answer.header; NLMSG_OK(header, length);
		header = NLMSG_NEXT(header, length)) {
		int result;

		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		result = header->nlmsg_type == NLMSG_ERROR ? error_in(header)
							   : note_route(routes, header);
		if (result != 0)
			return result;
	}
	return 0;
}

static int dump(struct local_routes *routes, uint8_t family)
{
	struct request request = request_of(routes, RTM_GETROUTE, NLM_F_DUMP);
	int result = 0;

	/* A strict dump takes these as what to select, and only these. */
	request.route = (struct rtmsg){ .rtm_family = family,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = LOCAL_ROUTE_PROTOCOL };
	if (send(routes->socket, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	while (result == 0) {
		ssize_t length = receive(routes);

		result = length < 0 ? (int)length : read_part(routes, (size_t)length);
	}
	return result < 0 ? result : 0;
}

int local_routes_prune(struct local_routes *routes,
	bool (*keep)(void *context, const struct address *address), void *context)
{
	int result;

	routes->found_count = 0;
	result = dump(routes, AF_INET);
	if (result == 0)
		result = dump(routes, AF_INET6);
	for (uint32_t i = 0; i < routes->found_count; i++) {
		int gone = keep(context, &routes->found[i])
				   ? 0
				   : local_route_delete(routes, &routes->found[i]);

		if (result == 0)
			result = gone;
	}
	free(routes->found);
	routes->found = NULL;
	routes->found_count = routes->found_capacity = 0;
	return result;
}

enum err local_routes_open(struct local_routes **out)
{
	struct local_routes *routes = calloc(1, sizeof(*routes));
	int strict = 1;

	if (!routes)
		return ERR_MEMORY;
	routes->loopback = if_nametoindex("lo");
	routes->socket = netlink_open(SECOND_MS);
	if (routes->loopback == 0 || routes->socket < 0 ||
		setsockopt(routes->socket, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict,
			sizeof(strict)) != 0) {
		int error = errno;

		local_routes_close(routes);
		return fail(ERR_SYSTEM, "open rtnetlink for local routes: %s", strerror(error));
	}
	*out = routes;
	return OK;
}

void local_routes_close(struct local_routes *routes)
{
	if (!routes)
		return;
	if (routes->socket >= 0)
		(void)close(routes->socket);
	free(routes->found);
	free(routes);
}
