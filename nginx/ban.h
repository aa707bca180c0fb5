/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is refused again and again, or does what no client does, is banned: written into the pinned map "request_ban"
 * (shared/packet_abi.h), so that the packet path drops what he sends from then on, and into the log, so that the agent
 * and other nodes hear of it. Only the other end of a TCP connection of his own is banned: never an address that a
 * proxy names, a trusted proxy, the peer of a PROXY listener, or a white-listed one.
 */
#ifndef NGINX_BAN_H
#define NGINX_BAN_H

#include "nginx/module.h"

/* In the master, as root: opens the map, which workers inherit. Without one nothing is banned, and that is said. */
void ban_open(ngx_cycle_t *cycle);

/* A request of the connection was refused by check; banned when that happened too often (ban.c: thresholds).
 * Returns how many refusals of the source there were lately. site: number; 0: none. */
uint32_t ban_note(
	const struct polder_connection *connection, enum check check, uint32_t rule, uint32_t site);
/* At once. */
void ban_now(
	const struct polder_connection *connection, enum check check, uint32_t rule, uint32_t site);

#endif
