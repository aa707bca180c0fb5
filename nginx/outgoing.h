/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets to origins, bound to a back-to-origin address of the node and to a port that no flow of the packet path uses.
 * Needs nothing of nginx.
 */
#ifndef NGINX_OUTGOING_H
#define NGINX_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/request_abi.h"

#define OUTGOING_ADDRESSES 4  /* so many addresses are tried for one connection */
#define OUTGOING_PORTS	   16 /* and so many ports of each */
#define OUTGOING_AWAY_MS   5000

/* What one worker remembers. All 0 at first. */
struct outgoing_address {
	uint32_t next;	 /* its port, counted; 0: none was taken yet */
	int64_t away_ms; /* it is not on the node, as was seen at that time */
	bool away;
};
struct outgoing {
	uint32_t worker, workers; /* this one's number, of how many */
	uint32_t edition;	  /* of the addresses that the rest is about */
	struct outgoing_address address[2][NODE_SOURCE_MAX];
};

/* Whether sources can be used at all, and have an address of the version of "to". */
bool outgoing_has(const struct table_sources *sources, const struct sockaddr *to);
/* A socket that does not block, on its way to "to" or there already; -1: no address has a free port toward it, or it cannot
 * be reached at all. client chooses the address. now_ms: monotonic. */
int outgoing_open(struct outgoing *own, const struct table_sources *sources,
	const struct address *client, const struct sockaddr *to, socklen_t to_length,
	int64_t now_ms);

#endif
