/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops toward origins. The packet path asks the kernel for a next hop's link address and cannot wait
 * for one; this file has the kernel resolve them beforehand and keeps them fresh.
 */
#ifndef AGENT_NEIGHBOUR_H
#define AGENT_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "shared/packet_abi.h"

#define NEIGHBOUR_HOP_MAX  4096 /* distinct next hops: more origins than these share them */
#define NEIGHBOUR_TICK_MAX 64	/* solicitations per tick, so that ARP and ND stay a trickle */
/* Beside these, for next hops that have not answered yet: the first time, at once and more per tick; and again, per tick.
 * The kernel remembers for about a minute that there is nobody, and throws out others, gateways too, when it has to know
 * more than 512 neighbours of an IP version. */
#define NEIGHBOUR_FRESH_MAX   128
#define NEIGHBOUR_FRESH_TICK  3
#define NEIGHBOUR_SILENT_TICK 1
#define NEIGHBOUR_REFRESH_MS  15000
#define NEIGHBOUR_FORGET_MS   300000 /* a next hop that no origin named for so long */

struct neighbours;
enum err neighbours_open(struct neighbours **out) MUST_USE;
void neighbours_close(struct neighbours *neighbours);

/* destination is needed, through ifindex if that is not 0: its next hop is remembered and, if new, asked
 * for at once. now_ms: monotonic. */
void neighbours_want(struct neighbours *neighbours, const struct address *destination,
	uint32_t ifindex, int64_t now_ms);
/* Once a second: asks for the next hops that are due, forgets the unused. */
void neighbours_tick(struct neighbours *neighbours, int64_t now_ms);
/* Whether address is local to this network namespace. */
bool neighbours_is_local(struct neighbours *neighbours, const struct address *address);

#endif
