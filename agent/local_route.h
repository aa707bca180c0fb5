/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses that the host takes for its own without having them on an interface: routes of type local in the
 * kernel's table local, marked with a protocol number of ours, so that nobody else's are touched.
 */
#ifndef AGENT_LOCAL_ROUTE_H
#define AGENT_LOCAL_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "shared/packet_abi.h"

#define LOCAL_ROUTE_PROTOCOL                                                                       \
	80 /* what `ip route` shows as proto; no number that others are known to use */

struct local_routes;

enum err local_routes_open(struct local_routes **out) MUST_USE;
void local_routes_close(struct local_routes *routes); /* leaves the routes; NULL is fine */

/* 0, or a negative errno. One that is there, whoever's, is no error; nor is one that is gone. */
int local_route_put(struct local_routes *routes, const struct address *address);
int local_route_delete(struct local_routes *routes, const struct address *address);

/* Deletes all of ours that keep denies. 0 or a negative errno. */
int local_routes_prune(struct local_routes *routes,
	bool (*keep)(void *context, const struct address *address), void *context);

#endif
