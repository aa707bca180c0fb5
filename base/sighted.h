/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of what is frequent among keys of any number, in memory that does not grow: whoever has more than one in "size" of
 * all packets is in it. Nodes make such lists of samples, the control merges theirs. Pure.
 */
#ifndef BASE_SIGHTED_H
#define BASE_SIGHTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/snapshot_abi.h"

/* Keys of each kind: more than are told, so that those are the frequent ones. */
#define SIGHTED_SOURCES 256
#define SIGHTED_PORTS	64
#define SIGHTED_LENGTHS 32
#define SIGHTED_KEYS	(SIGHTED_SOURCES + SIGHTED_PORTS + SIGHTED_LENGTHS)

struct sighted_list {
	uint32_t used[SIGHTED_KINDS];
	bool full[SIGHTED_KINDS]; /* a key had to give way */
	uint64_t total;		  /* packets in all */
	struct sighted entry[SIGHTED_KEYS];
};

/* The keys of one kind, used[kind] of them. */
struct sighted *sighted_entries(struct sighted_list *list, enum sighted_kind kind);
/* Adds what is known of a key: a sample, or an entry of another list. */
void sighted_add(struct sighted_list *list, enum sighted_kind kind, const struct sighted *more);
/* The packets that a key most likely has had at least; 0: it may have been met by chance. */
uint64_t sighted_certain(
	const struct sighted_list *list, enum sighted_kind kind, const struct sighted *entry);
/* Puts the most frequent first, and returns how many of them are certain. */
size_t sighted_sort(struct sighted_list *list, enum sighted_kind kind);

#endif
