/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the packet path says once and the control must hear: offences and samples of captured packets. They are kept
 * until a report with them was accepted. When the outbox is full, the rest waits in the packet path's own rings,
 * which drop what does not fit.
 */
#ifndef AGENT_OUTBOX_H
#define AGENT_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/packets.h"
#include "shared/snapshot_abi.h"

#define OUTBOX_OFFENCES 4096
#define OUTBOX_SAMPLES	1024 /* 300 KB: one report stays small */

struct outbox;
struct outbox *outbox_new(struct packets *packets); /* NULL: no memory */
void outbox_free(struct outbox *outbox);

/* Takes in what the packet path has to say; true if something is to be told. utc_now_ms: machine UTC. */
bool outbox_fill(struct outbox *outbox, int64_t utc_now_ms);
/* All of it, oldest first; they count as sent until outbox_sent says what became of that. */
const struct record_offence *outbox_offences(struct outbox *outbox, uint32_t *count);
const struct record_sample *outbox_samples(struct outbox *outbox, uint32_t *count);
/* accepted: what was sent is forgotten; else it is sent again. */
void outbox_sent(struct outbox *outbox, bool accepted);

#endif
