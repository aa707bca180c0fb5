/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port is bound with SO_REUSEADDR, so that sockets to other origins may have it, too; whether the tuple is free shows when
 * it connects. Two workers that go on at the same time would meet at each port: each takes those of its own residue, from a
 * random start on.
 *
 * An address that is not on the node just now is passed over for a while. A socket that failed to connect keeps its port: the
 * next try is by a new one.
 */
#include "nginx/outgoing.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum outcome {
	PORT_TAKEN = -1,
	ADDRESS_AWAY = -2,
	UNREACHABLE = -3
};

static unsigned version_of(const struct sockaddr *to)
{
	return to->sa_family == AF_INET6;
}

static uint32_t port_count(const struct table_sources *sources)
{
	return (uint32_t)sources->ports[0].count + sources->ports[1].count;
}

bool outgoing_has(const struct table_sources *sources, const struct sockaddr *to)
{
	return sources && sources->count[version_of(to)] > 0 && port_count(sources) > 0;
}

static uint16_t port_take(
	struct outgoing *own, struct outgoing_address *at, const struct table_sources *sources)
{
	const uint32_t workers = own->workers ? own->workers : 1;
	uint32_t place;

	/* Without random bytes all begin alike, and meet taken ports. */
	if (at->next == 0 && getrandom(&at->next, sizeof(at->next), GRND_NONBLOCK) < 0)
		at->next = 0;
	place = (uint32_t)(((uint64_t)at->next++ * workers + own->worker) % port_count(sources));
	if (place < sources->ports[0].count)
		return (uint16_t)(sources->ports[0].first + place);
	return (uint16_t)(sources->ports[1].first + place - sources->ports[0].count);
}

static int bind_to(int fd, const struct address *address, uint16_t port, sa_family_t family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
		return -1;
	if (family == AF_INET) {
		memcpy(&four.sin_addr, address->byte + 12, 4);
		return bind(fd, (const void *)&four, sizeof(four));
	}
	memcpy(&six.sin6_addr, address->byte, 16);
	return bind(fd, (const void *)&six, sizeof(six));
}

/* A socket, or why not. */
static int try_port(const struct address *address, uint16_t port, const struct sockaddr *to,
	socklen_t to_length)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int outcome = UNREACHABLE;

	if (fd < 0)
		return UNREACHABLE;
	if (bind_to(fd, address, port, to->sa_family) != 0) {
		if (errno == EADDRINUSE)
			outcome = PORT_TAKEN;
		else if (errno == EADDRNOTAVAIL)
			outcome = ADDRESS_AWAY;
	} else if (connect(fd, to, to_length) == 0 || errno == EINPROGRESS) {
		return fd;
	} else if (errno == EADDRNOTAVAIL) {
		outcome = PORT_TAKEN;
	}
	(void)close(fd);
	return outcome;
}

static bool is_away(struct outgoing_address *at, int64_t now_ms)
{
	if (at->away && now_ms - at->away_ms >= OUTGOING_AWAY_MS)
		at->away = false;
	return at->away;
}

int outgoing_open(struct outgoing *own, const struct table_sources *sources,
	const struct address *client, const struct sockaddr *to, socklen_t to_length,
	int64_t now_ms)
{
	const unsigned version = version_of(to);
	const uint32_t count = sources->count[version];
	struct address wide = *client;
	uint32_t chosen, tried = 0;

	assert(outgoing_has(sources, to) && count <= NODE_SOURCE_MAX);
	if (own->edition != sources->edition) {
		memset(own->address, 0, sizeof(own->address));
		own->edition = sources->edition;
	}
	if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)&wide))
		wide.half[1] = 0;
	chosen = (uint32_t)((source_hash(&wide) >> 32) % count);
	for (uint32_t i = 0; i < count && tried < OUTGOING_ADDRESSES; i++) {
		const uint32_t index = (chosen + i) % count;
		struct outgoing_address *at = &own->address[version][index];
		int fd = PORT_TAKEN;

		if (is_away(at, now_ms))
			continue;
		tried++;
		for (unsigned j = 0; j < OUTGOING_PORTS && fd == PORT_TAKEN; j++)
			fd = try_port(&sources->address[version][index],
				port_take(own, at, sources), to, to_length);
		if (fd >= 0)
			return fd;
		if (fd == UNREACHABLE)
			return -1;
		if (fd == ADDRESS_AWAY) {
			at->away = true;
			at->away_ms = now_ms;
		}
	}
	return -1;
}
