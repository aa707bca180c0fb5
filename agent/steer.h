/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ports of protected addresses belong to web sites, so that their connections end at nginx on this node. One
 * call makes a port's whole way: the packet path passes it to the host (map "local_service", VIP_HAS_LOCAL), the
 * address is local to the host while it has such ports (a route of type local), and the connection goes to one of
 * nginx's listening sockets (maps "steer_port" and "steer_listener", bpf/steer.bpf.c). All of it outlives the agent.
 *
 * What is wanted is the caller's; after a restart it is told anew:
 *
 *	steer_mark_unseen(steer);
 *	steer_put(steer, ...) for all that a full snapshot wants
 *	steer_remove_unseen(steer);	takes away what was not put, also what an earlier agent left
 *
 * and differences by steer_put and steer_delete alone: behind applier_apply, which writes the addresses, and before
 * packets_attach where that waits for the first snapshot. One thread.
 */
#ifndef AGENT_STEER_H
#define AGENT_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/packets.h"
#include "agent/settings.h"
#include "base/error.h"
#include "shared/packet_abi.h"

struct steer;

/* Loads the program, takes over what is pinned, attaches to the network namespace of the caller. packets is kept. */
enum err steer_open(const struct agent_settings *settings, struct packets *packets,
	struct steer **out) MUST_USE;
void steer_close(struct steer *steer); /* leaves everything in force; NULL is fine */

/* Connections to the port (host order) of this address, which belongs to the instance, go to the listener. Again
 * with another listener: from the next connection on. A port is one instance's: another instance takes it over.
 * false: no room or the kernel refused, and that was logged; the port is not in force then. */
bool steer_put(struct steer *steer, const struct address *vip, uint32_t instance, uint16_t port,
	enum steer_listener listener);
/* Connections that there are lose their packets, too. true also when there was no such port; false as above. */
bool steer_delete(struct steer *steer, const struct address *vip, uint32_t instance, uint16_t port);

void steer_mark_unseen(struct steer *steer);
void steer_remove_unseen(struct steer *steer);

/* Bits for the flags of the address's entry in map "vip", for whoever writes it: VIP_HAS_LOCAL or 0. */
uint32_t steer_flags(const struct steer *steer, const struct address *vip);

/* Each second: listeners that nginx opened anew learn to accept cookies; routes that somebody took are put back. */
void steer_tick(struct steer *steer, int64_t now_monotonic_ms);

/* Which listeners nginx has put in: bit of the index of map "steer_listener". */
uint32_t steer_listeners(const struct steer *steer);

/* Undoes what outlives the agent, but for the pins of maps. */
enum err steer_detach(const struct agent_settings *settings) MUST_USE;

#endif
