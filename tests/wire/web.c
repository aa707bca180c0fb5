/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nginx is to a node's packet path, and nothing more of it: listening sockets that connections to web sites are
 * steered to, and bans. Run in the node's network namespace.
 *
 *   web serve PIN-FOLDER PORT                              echo service; ends with its standard input
 *   web ban   PIN-FOLDER INSTANCE SOURCE SECONDS CHECK RULE
 *   web unban PIN-FOLDER INSTANCE SOURCE
 *   web instance PIN-FOLDER ADDRESS                         prints whose protected address it is
 *
 * "serve" listens on loopback, plain and "TLS" (the same service on the next port), IPv4 and IPv6, and enters its four
 * sockets. It prints a line when it is ready. "ban" is what a worker does, with the rights of whoever runs it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "shared/packet_abi.h"

#define LISTENERS  (2 * (STEER_TLS + 1))
#define BACKLOG	   1024
#define EVENTS_MAX 64
#define CHUNK	   16384
#define FILES_MAX  16384

static void die(const char *what)
{
	fprintf(stderr, "web: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int pinned(const char *folder, const char *name)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(path);
	return fd;
}

/* --- the service ------------------------------------------------------------------------------ */

static int listen_at(bool ipv6, uint16_t port)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, ipv6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in4,
			ipv6 ? sizeof(in6) : sizeof(in4)) != 0 ||
		listen(fd, BACKLOG) != 0)
		die("listen");
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("watch a socket");
}

static void take(int epoll, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		watch(epoll, fd);
}

/* What is read fits the peer's window or waits for it: the clients of tests read what they have sent. */
static void echo(int fd)
{
	static char data[CHUNK];
	ssize_t size = read(fd, data, sizeof(data)), done = 0;

	while (size > done) {
		ssize_t part = send(fd, data + done, (size_t)(size - done), MSG_NOSIGNAL);

		if (part <= 0)
			break;
		done += part;
	}
	if (size <= 0 || done < size)
		(void)close(fd);
}

static int serve(const char *folder, uint16_t port)
{
	const struct rlimit files = { FILES_MAX, FILES_MAX };
	int map = pinned(folder, "steer_listener"), epoll = epoll_create1(0), listener[LISTENERS];

	(void)setrlimit(RLIMIT_NOFILE, &files);
	watch(epoll, STDIN_FILENO);
	for (uint32_t i = 0; i < LISTENERS; i++) {
		uint64_t value;

		listener[i] = listen_at(i & 1, (uint16_t)(port + i / 2));
		value = (uint64_t)listener[i];
		if (bpf_map_update_elem(map, &i, &value, BPF_ANY) != 0)
			die("enter a listener");
		watch(epoll, listener[i]);
	}
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		struct epoll_event event[EVENTS_MAX];
		int count = epoll_wait(epoll, event, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = event[i].data.fd;

			if (fd == STDIN_FILENO)
				return 0;
			if (fd >= listener[0] && fd <= listener[LISTENERS - 1])
				take(epoll, fd);
			else
				echo(fd);
		}
	}
}

/* --- bans ------------------------------------------------------------------------------------- */

static struct list_exact_key key_of(const char *instance, const char *source)
{
	struct list_exact_key key = { .instance = (uint32_t)strtoul(instance, NULL, 10) };

	if (strchr(source, ':')) {
		if (inet_pton(AF_INET6, source, key.source.byte) != 1)
			die(source);
		memset(key.source.byte + 8, 0, 8);
		return key;
	}
	key.source.byte[10] = key.source.byte[11] = 0xff;
	if (inet_pton(AF_INET, source, key.source.byte + 12) != 1)
		die(source);
	return key;
}

static int ban(const char *folder, char **argument)
{
	struct list_exact_key key = key_of(argument[0], argument[1]);
	struct request_ban value = { .check = (uint32_t)strtoul(argument[3], NULL, 10),
		.rule = (uint32_t)strtoul(argument[4], NULL, 10) };
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	value.until_ns = (now.tv_sec + strtol(argument[2], NULL, 10)) * 1000000000 + now.tv_nsec;
	if (bpf_map_update_elem(pinned(folder, "request_ban"), &key, &value, BPF_ANY) != 0)
		die("ban");
	return 0;
}

static int unban(const char *folder, char **argument)
{
	struct list_exact_key key = key_of(argument[0], argument[1]);

	if (bpf_map_delete_elem(pinned(folder, "request_ban"), &key) != 0)
		die("unban");
	return 0;
}

static int instance(const char *folder, const char *text)
{
	struct address address = { .byte = { [10] = 0xff, [11] = 0xff } };
	struct vip vip;

	if (inet_pton(AF_INET, text, address.byte + 12) != 1 &&
		inet_pton(AF_INET6, text, address.byte) != 1)
		die(text);
	if (bpf_map_lookup_elem(pinned(folder, "vip"), &address, &vip) != 0)
		die(text);
	printf("%u\n", vip.instance);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], (uint16_t)strtoul(argv[3], NULL, 10));
	if (argc == 8 && strcmp(argv[1], "ban") == 0)
		return ban(argv[2], argv + 3);
	if (argc == 5 && strcmp(argv[1], "unban") == 0)
		return unban(argv[2], argv + 3);
	if (argc == 4 && strcmp(argv[1], "instance") == 0)
		return instance(argv[2], argv[3]);
	fprintf(stderr, "web: serve FOLDER PORT | ban FOLDER INSTANCE SOURCE SECONDS CHECK RULE |"
			" unban FOLDER INSTANCE SOURCE | instance FOLDER ADDRESS\n");
	return 2;
}
