/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes told and somebody has still to act on: sources that they blocked, port rules that refused
 * connections, and packets of captures. In memory, bounded, thread-safe; it belongs to struct nodes.
 *
 * The engine takes by copy and says afterwards, when the store has it, that it is done: a failing store
 * loses nothing.
 */
#ifndef CONTROL_ENGINE_INBOX_H
#define CONTROL_ENGINE_INBOX_H

#include <stdbool.h>

#include "base/arena.h"
#include "shared/snapshot_abi.h"

#define INBOX_OFFENCE_MAX 4096
#define INBOX_REFUSAL_MAX 4096
#define CAPTURE_MAX	  16   /* whose packets are kept */
#define CAPTURE_PACKETS	  1000 /* of one capture */
#define CAPTURE_KEEP_MS	  (60 * 60 * 1000)

/* Connections of a port rule were refused by its own limits, somewhere between these times. */
struct refusal {
	int64_t service;
	int64_t first_ms, last_ms; /* machine time */
};

struct inbox;
struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox);

/* Each false: full, and lost. */
bool inbox_put_offence(struct inbox *inbox, const struct record_offence *offence);
/* Adds to what is not yet taken of the same port rule. */
bool inbox_put_refusal(struct inbox *inbox, int64_t service, int64_t clock_ms);
/* Packets beyond CAPTURE_PACKETS are dropped, and so is the oldest capture for a new one. */
bool inbox_put_sample(struct inbox *inbox, const struct record_sample *sample, int64_t clock_ms);

bool inbox_has_offences(struct inbox *inbox);
bool inbox_has_refusals(struct inbox *inbox);
/* The oldest, at most max; they stay until inbox_done_* forgets so many. One reader at a time. */
size_t inbox_offences(struct inbox *inbox, struct record_offence *out, size_t max);
size_t inbox_refusals(struct inbox *inbox, struct refusal *out, size_t max);
void inbox_done_offences(struct inbox *inbox, size_t count);
void inbox_done_refusals(struct inbox *inbox, size_t count);

/* Copies the packets [offset, offset + max) of a capture; total counts all of them. out NULL: memory. */
struct record_sample *inbox_samples(struct inbox *inbox, struct arena *mem, int64_t capture,
	size_t offset, size_t max, size_t *count, size_t *total);
/* Forgets the packets of captures whose last one is older than CAPTURE_KEEP_MS. */
void inbox_prune(struct inbox *inbox, int64_t clock_ms);

#endif
