/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What changed in a large map of counters since it was last told: the map is read a bounded piece at a time, and
 * sums are remembered, so that a report names only what moved.
 */
#ifndef AGENT_TALLY_H
#define AGENT_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/packets.h"

#define TALLY_VALUES   4
#define TALLY_READ_MAX 16384 /* entries per call: the largest map is passed in eight seconds */

enum tally_kind {
	TALLY_VIP_REASON,   /* key struct vip_reason_key; values: packets, bytes */
	TALLY_SERVICE_STATE /* key port rule; values as in struct record_service_state */
};

struct tally;
struct tally *tally_new(struct packets *packets, enum tally_kind kind); /* NULL: no memory */
void tally_free(struct tally *tally);

/* Reads on where the last call ended; entries that are gone are forgotten once a pass ends. */
void tally_read(struct tally *tally);
/* The next entry that changed and was not told; false: no more. key: as in the map, at the start of 8 bytes. */
bool tally_next(struct tally *tally, uint64_t *key, uint64_t value[TALLY_VALUES]);
bool tally_has_next(const struct tally *tally);
void tally_tell_all(struct tally *tally); /* all that are not zero, once more */

#endif
