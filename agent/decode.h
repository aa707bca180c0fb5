/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots as they come over the wire (shared/snapshot_abi.h): checked whole before any record is
 * used, so that the readers of the records need no bounds of their own. Pure; fuzzed.
 */
#ifndef AGENT_DECODE_H
#define AGENT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "shared/snapshot_abi.h"

struct snapshot {
	struct snapshot_header header;
	const uint8_t *record; /* header.byte_count bytes, inside the caller's data */
};

/* data is aligned to 8 and outlives out. ERR_FORMAT: why (never NULL then) says what is wrong, and
 * nothing of it may be used. */
enum err snapshot_decode(
	const void *data, size_t size, struct snapshot *out, const char **why) MUST_USE;

/* The record at *offset, which moves on; NULL at the end. Start with 0. */
const struct record *snapshot_next(const struct snapshot *snapshot, size_t *offset);
static inline bool snapshot_is_full(const struct snapshot *snapshot)
{
	return (snapshot->header.flags & SNAPSHOT_FULL) != 0;
}

/* Whether no bit of address beyond the first bits is set. */
bool prefix_is_clean(const struct address *address, unsigned bits);

#endif
