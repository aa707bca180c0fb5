/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name server as the agent asks it: c-ares with its sockets in one epoll descriptor. One thread, nothing waits.
 *
 * Who asks gives the library a function and a context. Each question is answered once, at the latest by name_server_close or
 * when /etc/resolv.conf changed, with ARES_EDESTRUCTION: so what a context points at lives until then.
 */
#ifndef AGENT_NAME_SERVER_H
#define AGENT_NAME_SERVER_H

#include <ares.h>
#include <stdint.h>

struct name_server;

/* servers: "ADDRESS[:PORT][,...]", outlives it; NULL: as /etc/resolv.conf says, also when that changes. NULL: no memory, or a
 * server that is none. */
struct name_server *name_server_open(const char *servers);
void name_server_close(struct name_server *server); /* accepts NULL */

/* Readable when there is something to do. */
int name_server_fd(const struct name_server *server);
/* Takes answers. When name_server_fd is readable, and each second. */
void name_server_turn(struct name_server *server, int64_t monotonic_now_ms);
int64_t name_server_now_ms(const struct name_server *server); /* of the turn */
/* To ask by; NULL: it cannot be set up at present. Not kept over turns. */
ares_channel name_server_channel(const struct name_server *server);

#endif
