/* SPDX-License-Identifier: BSD-2-Clause */
/* c-ares keeps the epoll descriptor by telling which of its sockets it waits for. */
#include "agent/name_server.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define ANSWER_MS     2000
#define ANSWER_TRIES  2
#define EVENT_MAX     64
#define CONFIGURATION "/etc/resolv.conf"

struct name_server {
	const char *servers;
	ares_channel channel;
	bool open;
	struct timespec configured; /* when the configuration was changed last */
	int epoll;
	int64_t now_ms;
};

static void watch(void *context, ares_socket_t socket, int readable, int writable)
{
	struct name_server *server = context;
	struct epoll_event event = { .data.fd = socket };

	if (!readable && !writable) {
		(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, socket, NULL);
		return;
	}
	event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, socket, &event) != 0)
		(void)epoll_ctl(server->epoll, EPOLL_CTL_ADD, socket, &event);
}

static struct timespec configuration_time(void)
{
	struct stat info;

	return stat(CONFIGURATION, &info) == 0 ? info.st_mtim : (struct timespec){ 0 };
}

static bool open_channel(struct name_server *server)
{
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH,
		.timeout = ANSWER_MS,
		.tries = ANSWER_TRIES,
		.sock_state_cb = watch,
		.sock_state_cb_data = server };
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

	server->configured = configuration_time();
	if (ares_init_options(&server->channel, &options, mask) != ARES_SUCCESS)
		return false;
	server->open = true;
	return !server->servers ||
	       ares_set_servers_ports_csv(server->channel, server->servers) == ARES_SUCCESS;
}

/* Closed first: who is told that its question ends asks nothing here. */
static void close_channel(struct name_server *server)
{
	if (!server->open)
		return;
	server->open = false;
	ares_destroy(server->channel);
}

/* Other name servers: the library reads of them once. */
static void follow_configuration(struct name_server *server)
{
	struct timespec now = configuration_time();

	if (server->open && (server->servers || (now.tv_sec == server->configured.tv_sec &&
							now.tv_nsec == server->configured.tv_nsec)))
		return;
	close_channel(server);
	if (!open_channel(server)) {
		log_error("the resolver cannot be set up");
		close_channel(server);
	}
}

static void take_answers(struct name_server *server)
{
	struct epoll_event event[EVENT_MAX];
	int count = epoll_wait(server->epoll, event, EVENT_MAX, 0);

	for (int i = 0; i < count; i++) {
		ares_socket_t socket = event[i].data.fd;
		bool in = (event[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
		bool out = (event[i].events & EPOLLOUT) != 0;

		ares_process_fd(server->channel, in ? socket : ARES_SOCKET_BAD,
			out ? socket : ARES_SOCKET_BAD);
	}
	/* Those whose time is over. */
	ares_process_fd(server->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void name_server_turn(struct name_server *server, int64_t monotonic_now_ms)
{
	server->now_ms = monotonic_now_ms;
	follow_configuration(server);
	if (server->open)
		take_answers(server);
}

struct name_server *name_server_open(const char *servers)
{
	struct name_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->servers = servers;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0 || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		if (server->epoll >= 0)
			(void)close(server->epoll);
		free(server);
		return NULL;
	}
	if (!open_channel(server)) {
		name_server_close(server);
		return NULL;
	}
	return server;
}

void name_server_close(struct name_server *server)
{
	if (!server)
		return;
	close_channel(server);
	ares_library_cleanup();
	(void)close(server->epoll);
	free(server);
}

int name_server_fd(const struct name_server *server)
{
	return server->epoll;
}

int64_t name_server_now_ms(const struct name_server *server)
{
	return server->now_ms;
}

ares_channel name_server_channel(const struct name_server *server)
{
	return server->open ? server->channel : NULL;
}
