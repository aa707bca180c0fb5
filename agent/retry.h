/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path has no timer: this is one, for TCP flows in their handshake. What is done for a flow
 * is decided in bpf/retry.bpf.h.
 */
#ifndef AGENT_RETRY_H
#define AGENT_RETRY_H

#include "agent/packets.h"
#include "base/error.h"

#define RETRY_TICK_MS  250
#define RETRY_RUNS_MAX 4096 /* per tick and table: about 40 ms; the rest waits for the next */

struct retry;
struct retry *retry_new(struct packets *packets); /* NULL: no memory */
void retry_free(struct retry *retry);
/* Does what is due; the number of flows for which it was. boot_now_ns: boot clock. */
uint32_t retry_tick(struct retry *retry, int64_t boot_now_ns);

#endif
