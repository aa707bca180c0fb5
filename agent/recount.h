/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connection counts set right. The packet path counts at opening and closing, and the agent takes off what
 * it ends; what the kernel evicts nobody sees. So the flows are counted while they are walked, and what
 * the maps say is compared with that once both tables were walked from end to end.
 */
#ifndef AGENT_RECOUNT_H
#define AGENT_RECOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/packet_abi.h"

struct recount;
struct recount *recount_new(void); /* NULL: no memory */
void recount_free(struct recount *recount);

/* A flow that was met in this round; protocol: IPPROTO_*. */
void recount_flow(
	struct recount *recount, const struct flow_key *key, const struct flow *flow, int protocol);

/* What the map says of a port rule (source all 0, protocol 0) or of a source of it: its open connections
 * and, in all, opened ones, modulo 2^32. Once a round for each. Returns what is to be added to the
 * connections: 0 unless it is certain that they are wrong. full: a table of flows was (almost) full in this
 * round, so flows were evicted: what was met counts. */
int32_t recount_settle(struct recount *recount, const struct source_state_key *key, int protocol,
	uint32_t opened, int32_t connections, bool full);

/* The next round begins; the one before counts for nothing more. */
void recount_begin(struct recount *recount);

#endif
