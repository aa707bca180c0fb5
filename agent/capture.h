/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Map "capture": which packets the packet path copies out.
 */
#ifndef AGENT_CAPTURE_H
#define AGENT_CAPTURE_H

#include <stdint.h>

#include "agent/node_state.h"
#include "agent/packets.h"

/* Puts the newest capture that is not over into force, or none: after each snapshot and each second. */
void capture_settle(struct packets *packets, const struct node_state *state, int64_t utc_now_ms);

#endif
