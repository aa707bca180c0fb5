/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who comes to each instance or web site: a random sample of a few sources in each window of time, which is told once. What
 * is frequent says nothing about the many that came once: where they come from is told by a sample. Pure.
 */
#ifndef AGENT_VISITORS_H
#define AGENT_VISITORS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/snapshot_abi.h"

/* Who has somebody in one window, 800 bytes each: all sites of a node; of instances, those that come first. */
#define VISITORS_MAX	   16384
#define VISITORS_WINDOW_MS 30000

struct visitors;
struct visitors *visitors_new(enum visitors_of of); /* NULL: no memory */
void visitors_free(struct visitors *visitors);

/* weight: how many connections or requests it stands for. now_ms: any clock that does not go back. No memory, or no place:
 * not counted. */
void visitors_add(struct visitors *visitors, uint32_t number, const struct address *source,
	uint64_t weight, int64_t now_ms);
/* The next window that has ended; it is forgotten. false: there is none. */
bool visitors_take(struct visitors *visitors, int64_t now_ms, struct record_visitors *out);
bool visitors_has_next(const struct visitors *visitors, int64_t now_ms);

#endif
