/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sends what is refused, address by address: samples of the packet path, or refused requests, become lists of the
 * frequent, in windows of time that are told once. Memory and time do not depend on how many sources there are. Pure.
 */
#ifndef AGENT_SIGHTINGS_H
#define AGENT_SIGHTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/snapshot_abi.h"

/* Instances or web sites that are looked at, 20 KB each: whoever has least refused gives way. */
#define SIGHTINGS_MAX	    256
#define SIGHTINGS_WINDOW_MS 5000

struct sightings;
/* record: RECORD_SIGHTED of instances, RECORD_SITE_SIGHTED of web sites. NULL: no memory. */
struct sightings *sightings_new(uint16_t record);
void sightings_free(struct sightings *sightings);

/* instance of a sample: a site's number with RECORD_SITE_SIGHTED; length 0: it has none. now_ms: any clock that does not go
 * back. No memory: not counted. */
void sightings_add(struct sightings *sightings, const struct sighting *from, int64_t now_ms);
/* The lists of the next instance whose window has ended, which begins anew; returns how many, 0: there is none. */
uint32_t sightings_take(
	struct sightings *sightings, int64_t now_ms, struct record_sighted out[SIGHTED_KINDS]);
bool sightings_has_next(const struct sightings *sightings, int64_t now_ms);

#endif
