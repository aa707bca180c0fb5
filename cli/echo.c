/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The origin's echo services: what comes over TCP or UDP goes back as it was; a third port greets first, as
 * mail and database servers do, and then echoes. One epoll loop. A connection has no buffer of its own:
 * data is looked at (MSG_PEEK), sent, and only what was sent is taken off the receive queue, so that
 * the kernel's queues hold everything that a slow reader leaves behind.
 *
 *   polder lab-service echo --tcp PORT --udp PORT --banner PORT
 */
#include "cli/echo.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/drill_service.h"

#define CONNECTION_MAX 20000
#define DATAGRAM_BATCH 64
#define EVENT_BATCH    256
#define BANNER	       "220 polder-origin ready\r\n"

enum kind {
	KIND_TCP,
	KIND_BANNER,
	KIND_UDP,
	KIND_CONNECTION
};
/* epoll's data: kind in the upper half, descriptor in the lower. */
#define TAG(kind, fd) ((uint64_t)(kind) << 32 | (uint32_t)(fd))

struct echo {
	int epoll;
	int connection_count;
	char buffer[65536];
};

static int open_socket(int type, int port)
{
	const int on = 1, off = 0, big = 4 << 20;
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_ANY_INIT };
	const int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (type == SOCK_DGRAM) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 16384) < 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool watch(struct echo *echo, int fd, uint32_t events, enum kind kind)
{
	struct epoll_event event = { .events = events, .data.u64 = TAG(kind, fd) };

	return epoll_ctl(echo->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
	       (errno == EEXIST && epoll_ctl(echo->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

static void end_connection(struct echo *echo, int fd)
{
	(void)close(fd);
	echo->connection_count--;
}

static void accept_all(struct echo *echo, int listener, bool banner)
{
	const int on = 1;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (echo->connection_count >= CONNECTION_MAX) {
			(void)close(fd);
			continue;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if ((banner && send(fd, BANNER, sizeof(BANNER) - 1, MSG_NOSIGNAL) < 0) ||
			!watch(echo, fd, EPOLLIN | EPOLLRDHUP, KIND_CONNECTION)) {
			(void)close(fd);
			continue;
		}
		echo->connection_count++;
	}
}

/* Sends back what can be sent at once. */
static void echo_connection(struct echo *echo, int fd)
{
	for (int turn = 0; turn < 16; turn++) {
		const ssize_t seen = recv(fd, echo->buffer, sizeof(echo->buffer), MSG_PEEK);
		ssize_t sent;

		if (seen < 0 && (errno == EAGAIN || errno == EINTR)) {
			(void)watch(echo, fd, EPOLLIN | EPOLLRDHUP, KIND_CONNECTION);
			return;
		}
		if (seen <= 0) {
			end_connection(echo, fd);
			return;
		}
		sent = send(fd, echo->buffer, (size_t)seen, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			end_connection(echo, fd);
			return;
		}
		if (sent > 0)
			(void)recv(fd, echo->buffer, (size_t)sent, MSG_TRUNC);
		if (sent < seen) {
			(void)watch(echo, fd, EPOLLOUT, KIND_CONNECTION);
			return;
		}
	}
}

/* The reply leaves from the address that was asked: the origin has several. */
static void echo_datagrams(struct echo *echo, int fd)
{
	for (int i = 0; i < DATAGRAM_BATCH; i++) {
		union {
			char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
			struct cmsghdr align;
		} control;
		struct sockaddr_in6 from;
		struct iovec data = { .iov_base = echo->buffer, .iov_len = sizeof(echo->buffer) };
		struct msghdr message = { .msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &data,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes) };
		const ssize_t got = recvmsg(fd, &message, 0);
		struct cmsghdr *part;

		if (got < 0)
			return;
		part = CMSG_FIRSTHDR(&message);
		if (part && part->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)(void *)CMSG_DATA(part))->ipi6_ifindex = 0;
		data.iov_len = (size_t)got;
		message.msg_flags = 0;
		(void)sendmsg(fd, &message, 0);
	}
}

static void serve(struct echo *echo, uint64_t tag, uint32_t events)
{
	const int fd = (int)(uint32_t)tag;

	switch ((enum kind)(tag >> 32)) {
	case KIND_TCP:
	case KIND_BANNER:
		accept_all(echo, fd, tag >> 32 == KIND_BANNER);
		break;
	case KIND_UDP:
		echo_datagrams(echo, fd);
		break;
	case KIND_CONNECTION:
		if (events & EPOLLERR)
			end_connection(echo, fd);
		else
			echo_connection(echo, fd);
		break;
	}
}

static bool listen_on(struct echo *echo, int type, int port, enum kind kind)
{
	const int fd = open_socket(type, port);

	if (fd < 0 || !watch(echo, fd, EPOLLIN, kind))
		return complain("port %d: %s", port, strerror(errno));
	return true;
}

int echo_run(int tcp, int udp, int banner)
{
	static struct echo echo;
	struct rlimit files;
	struct epoll_event event[EVENT_BATCH];

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	echo.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (echo.epoll < 0 || !listen_on(&echo, SOCK_STREAM, tcp, KIND_TCP) ||
		!listen_on(&echo, SOCK_DGRAM, udp, KIND_UDP) ||
		!listen_on(&echo, SOCK_STREAM, banner, KIND_BANNER))
		return STATUS_FAILED;
	log_info("ready");
	for (;;) {
		const int count = epoll_wait(echo.epoll, event, EVENT_BATCH, -1);

		for (int i = 0; i < count; i++)
			serve(&echo, event[i].data.u64, event[i].events);
		if (count < 0 && errno != EINTR)
			return STATUS_FAILED;
	}
}

int lab_service_command(int argc, char **argv)
{
	int64_t tcp = 0, udp = 0, banner = 0;
	bool missing = false;

	if (argc == 2 && strcmp(argv[1], "drills") == 0)
		return drill_service_run();
	if (argc < 2 || strcmp(argv[1], "echo") != 0)
		return STATUS_USAGE;
	for (int i = 2; i < argc; i++) {
		const char *value;

		if ((value = option_value(argc, argv, &i, "tcp", &missing)) != NULL)
			(void)text_to_int(value, &tcp);
		else if ((value = option_value(argc, argv, &i, "udp", &missing)) != NULL)
			(void)text_to_int(value, &udp);
		else if ((value = option_value(argc, argv, &i, "banner", &missing)) != NULL)
			(void)text_to_int(value, &banner);
	}
	if (tcp < 1 || udp < 1 || banner < 1 || tcp > 65535 || udp > 65535 || banner > 65535) {
		printf("usage: polder lab-service echo --tcp PORT --udp PORT --banner PORT\n");
		return STATUS_USAGE;
	}
	return echo_run((int)tcp, (int)udp, (int)banner);
}
