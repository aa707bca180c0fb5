/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of probes come from a back-to-origin address, since origins admit these, and from a port that no
 * flow uses: so the packet path leaves the answers to the host. A source port is taken in turn, since the
 * kernel's own choice would fall into the range of flows.
 */
#include "agent/probe_socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define PORTS_WANTED 1024
#define PORT_TRIES   16

/* Above the ports of flows, or right below them. */
void probe_ports_choose(const struct agent_settings *settings, struct probe_ports *out)
{
	const uint32_t first = settings->port_first;
	const uint32_t end = first + settings->port_count;

	if (65536 - end >= PORTS_WANTED || 65536 - end >= first - 1024) {
		out->first = (uint16_t)end;
		out->count = (uint16_t)(65536 - end);
	} else {
		uint32_t count = first - 1024 < 4 * PORTS_WANTED ? first - 1024 : 4 * PORTS_WANTED;

		out->first = (uint16_t)(first - count);
		out->count = (uint16_t)count;
	}
	if (out->count == 0)
		log_warn("flows may use every port: answers to health checks may be taken for "
			 "theirs");
}

bool probe_failed_here(int error)
{
	switch (error) {
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EPERM:
	case EACCES:
	case EAFNOSUPPORT:
	case EINVAL:
		return true;
	default:
		return false;
	}
}

static socklen_t fill_address(
	const struct address *address, uint16_t port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (address_is_ipv4(address->byte)) {
		struct sockaddr_in *in = (void *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->byte + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (void *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->byte, 16);
	return sizeof(*in6);
}

static int bind_to(struct probe_ports *ports, int fd, const struct address *source)
{
	struct sockaddr_storage address;
	socklen_t size;

	for (int i = 0; i < PORT_TRIES; i++) {
		uint16_t port = 0;

		if (ports->count > 0)
			port = (uint16_t)(ports->first + ports->next++ % ports->count);
		size = fill_address(source, port, &address);
		if (bind(fd, (void *)&address, size) == 0)
			return 0;
		if (errno != EADDRINUSE)
			break;
	}
	return -1;
}

/* From a back-to-origin address where this node has one, else from any of its own. */
static int bind_source(const struct agent_settings *settings, struct probe_ports *ports, int fd,
	const struct address *target)
{
	const bool ipv4 = address_is_ipv4(target->byte);
	struct address any = { .byte = { [10] = ipv4 ? 0xff : 0, [11] = ipv4 ? 0xff : 0 } };
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (settings->source_count[ipv4 ? 0 : 1] > 0 &&
		bind_to(ports, fd, &settings->source[ipv4 ? 0 : 1][0]) == 0)
		return 0;
	return bind_to(ports, fd, &any);
}

static int give_up(int fd)
{
	int error = errno;

	(void)close(fd);
	return -error;
}

int probe_connect(const struct probe_target *target, const struct agent_settings *settings,
	struct probe_ports *ports)
{
	const bool ipv4 = address_is_ipv4(target->address.byte), udp = target->kind == HEALTH_UDP;
	struct sockaddr_storage address;
	socklen_t size = fill_address(&target->address, target->port, &address);
	int fd = socket(ipv4 ? AF_INET : AF_INET6,
		(udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	if (udp) /* hear that a host is unreachable, not only that a port is */
		(void)setsockopt(fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
			ipv4 ? IP_RECVERR : IPV6_RECVERR, &one, sizeof(one));
	if (bind_source(settings, ports, fd, &target->address) != 0)
		return give_up(fd);
	if (connect(fd, (void *)&address, size) != 0 && errno != EINPROGRESS)
		return give_up(fd);
	if (udp && send(fd, "", 0, MSG_NOSIGNAL) < 0)
		return give_up(fd);
	return fd;
}

enum http_verdict http_verdict(const char *data, uint32_t size)
{
	static const char form[] = "HTTP/1.# ###";

	for (uint32_t i = 0; i < size && i < HTTP_STATUS_BYTES; i++) {
		if (form[i] == '#' ? data[i] < '0' || data[i] > '9' : data[i] != form[i])
			return HTTP_DOWN;
	}
	if (size < HTTP_STATUS_BYTES)
		return HTTP_MORE;
	return data[9] == '2' || data[9] == '3' ? HTTP_UP : HTTP_DOWN;
}

uint32_t http_request(const struct probe_target *target, char out[HTTP_REQUEST_SIZE])
{
	char host[ADDRESS_TEXT_SIZE + 10], text[ADDRESS_TEXT_SIZE];
	int length;

	address_format(target->address.byte, text);
	(void)snprintf(host, sizeof(host),
		address_is_ipv4(target->address.byte) ? "%s:%u" : "[%s]:%u", text, target->port);
	length = snprintf(out, HTTP_REQUEST_SIZE,
		"HEAD %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: polder\r\nConnection: close\r\n\r\n",
		target->path[0] ? target->path : "/", target->domain[0] ? target->domain : host);
	assert(length > 0 && length < HTTP_REQUEST_SIZE);
	return (uint32_t)length;
}
