/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of a site's origins gets a request. Pure but for the turns and times in the origins' states. */
#ifndef NGINX_BALANCE_H
#define NGINX_BALANCE_H

#include "nginx/origin_state.h"

#define CANDIDATES_MAX (SITE_ORIGIN_MAX * NAME_ADDRESS_MAX)

struct candidate { /* an address of an origin */
	const struct site_origin *origin;
	const struct address *address;
	uint16_t port;	 /* host order */
	uint16_t number; /* the same in each look at the same site */
	uint64_t key;
	struct origin_state *state; /* NULL: not looked up yet */
};

/* Index of the chosen one; count is at least 1. client: of SITE_IP_HASH, by its /64 when IPv6. Who is down was left out
 * before. */
unsigned balance_pick(struct candidate *candidates, unsigned count, enum site_balance balance,
	const struct address *client);

#endif
