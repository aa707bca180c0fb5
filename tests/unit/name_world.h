/* SPDX-License-Identifier: BSD-2-Clause */
/* A name server of the test's own, on loopback, for tests of what the agent asks one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/name_server.h"
#include "base/text.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

#define WAIT_MS 10000 /* for an answer of the server beside: far more than it takes */

struct question {
	char name[256]; /* with dots between and none behind */
	uint16_t type;
	size_t end; /* of the question in the packet: answers come there */
};

struct server {
	int socket, stop;
	char text[32]; /* as name_server_open takes it */
	pthread_t thread;
	/* Adds answers to the packet, whose [7] counts them; returns its length. Called by the server's thread. */
	size_t (*answer)(struct server *server, const struct question *question, uint8_t *packet);
	int fails, silent; /* set by the test */
	uint32_t ttl;
	int questions;
};

static size_t add_record(
	uint8_t *out, uint16_t type, uint32_t ttl, const void *data, uint16_t length)
{
	const uint8_t head[12] = { 0xc0, 12, 0, (uint8_t)type, 0, 1, (uint8_t)(ttl >> 24),
		(uint8_t)(ttl >> 16), (uint8_t)(ttl >> 8), (uint8_t)ttl, 0, (uint8_t)length };

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), data, length);
	return sizeof(head) + length;
}

/* false: no question. */
static bool read_question(const uint8_t *packet, size_t size, struct question *out)
{
	size_t at = 12, used = 0;

	while (at < size && packet[at] != 0 && at + packet[at] + 6u <= size && used < 190) {
		if (used > 0)
			out->name[used++] = '.';
		memcpy(out->name + used, packet + at + 1, packet[at] & 63);
		used += packet[at] & 63;
		at += packet[at] + 1u;
	}
	if (at + 5 > size)
		return false;
	out->name[used] = '\0';
	out->type = (uint16_t)(packet[at + 1] << 8 | packet[at + 2]);
	out->end = at + 5;
	return true;
}

static size_t answer_packet(struct server *server, uint8_t *packet, size_t size)
{
	struct question question;

	if (!read_question(packet, size, &question))
		return 0;
	packet[2] |= 0x84;
	packet[3] = __atomic_load_n(&server->fails, __ATOMIC_RELAXED) ? 2 : 0;
	memset(packet + 6, 0, 6);
	return packet[3] ? question.end : server->answer(server, &question, packet);
}

static void *serve(void *context)
{
	struct server *server = context;

	while (!__atomic_load_n(&server->stop, __ATOMIC_RELAXED)) {
		struct pollfd wait = { .fd = server->socket, .events = POLLIN };
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		uint8_t packet[1024];
		ssize_t size;

		if (poll(&wait, 1, 50) != 1)
			continue;
		size = recvfrom(server->socket, packet, 512, 0, (struct sockaddr *)&from, &length);
		if (size < 17 || __atomic_load_n(&server->silent, __ATOMIC_RELAXED))
			continue;
		size = (ssize_t)answer_packet(server, packet, (size_t)size);
		(void)sendto(
			server->socket, packet, (size_t)size, 0, (struct sockaddr *)&from, length);
	}
	return NULL;
}

static bool server_start(struct server *server,
	size_t (*answer)(struct server *, const struct question *, uint8_t *))
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	server->answer = answer;
	server->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(server->socket, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		getsockname(server->socket, (struct sockaddr *)&address, &length) != 0)
		return false;
	(void)snprintf(server->text, sizeof(server->text), "127.0.0.1:%u", ntohs(address.sin_port));
	return pthread_create(&server->thread, NULL, serve, server) == 0;
}

static void server_stop(struct server *server)
{
	__atomic_store_n(&server->stop, 1, __ATOMIC_RELAXED);
	(void)pthread_join(server->thread, NULL);
	(void)close(server->socket);
}
