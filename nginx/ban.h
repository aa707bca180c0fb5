/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is refused again and again, or does what no client does, is banned: written into the pinned map "request_ban"
 * (shared/packet_abi.h), so that the packet path drops what he sends from then on, and into the log, so that the agent
 * and other nodes hear of it. Only the other end of a TCP connection of his own is banned: never an address that a
 * proxy names, a trusted proxy, the peer of a PROXY listener, or one that was white-listed for what it asked in the last minutes: a
 * connection or a handshake is refused before it is known for which site it is.
 */
#ifndef NGINX_BAN_H
#define NGINX_BAN_H

#include "nginx/module.h"

/* In the master, as root: opens the map, which workers inherit. Without one nothing is banned, and that is said. */
void ban_open(ngx_cycle_t *cycle);

/* source was refused on the connection by check; when that happened too often (ban.c: thresholds), and it is the connection's
 * own, it is banned. Returns how many refusals of the source there were lately. site: number; 0: none. */
struct refusal {
	enum check check;
	uint32_t rule, site;
};
uint32_t ban_note(const struct polder_connection *connection, const struct address *source,
	const struct refusal *refusal);
/* The other end of the connection is white-listed: for BAN_SPARED_MS it is not banned, nor is, of IPv6, its /64. */
void ban_spare(const struct polder_connection *connection, int64_t now_ms);
/* At once. */
void ban_now(const struct polder_connection *connection, const struct refusal *refusal);

#endif
