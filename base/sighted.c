/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Space-saving (Metwally, Agrawal, El Abbadi, 2005), as in agent/request_top.c, with keys of one size and with entries that
 * may be lists' of before: a key that has no place takes that of the least frequent one and goes on from its count, which is
 * then part of its error. A sample that stands for many packets may be the only one of its key: a key that was met once is
 * not certain, unless that was one packet and there is room for all.
 *
 * To which port most packets of a source go is found by majority vote (Boyer, Moore): a port that has more than half of them
 * is never outvoted.
 */
#include "base/sighted.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	uint32_t first, count;
} rows[SIGHTED_KINDS] = {
	[SIGHTED_SOURCE] = { 0, SIGHTED_SOURCES },
	[SIGHTED_PORT] = { SIGHTED_SOURCES, SIGHTED_PORTS },
	[SIGHTED_LENGTH] = { SIGHTED_SOURCES + SIGHTED_PORTS, SIGHTED_LENGTHS },
};

struct sighted *sighted_entries(struct sighted_list *list, enum sighted_kind kind)
{
	return list->entry + rows[kind].first;
}

static void vote(struct sighted *entry, const struct sighted *more)
{
	if (entry->to == more->to) {
		entry->votes += more->votes;
	} else if (entry->votes >= more->votes) {
		entry->votes -= more->votes;
	} else {
		entry->to = more->to;
		entry->votes = more->votes - entry->votes;
	}
}

void sighted_add(struct sighted_list *list, enum sighted_kind kind, const struct sighted *more)
{
	struct sighted *entry = sighted_entries(list, kind);
	uint32_t least = 0;
	uint64_t before = 0;

	for (uint32_t i = 0; i < list->used[kind]; i++) {
		if (memcmp(&entry[i].key, &more->key, sizeof(more->key)) == 0) {
			entry[i].count += more->count;
			entry[i].error += more->error;
			entry[i].hits += more->hits;
			vote(&entry[i], more);
			return;
		}
		if (entry[i].count < entry[least].count)
			least = i;
	}
	if (list->used[kind] < rows[kind].count) {
		least = list->used[kind]++;
	} else {
		list->full[kind] = true;
		before = entry[least].count;
	}
	entry[least] = *more;
	entry[least].count += before;
	entry[least].error += before;
}

uint64_t sighted_certain(
	const struct sighted_list *list, enum sighted_kind kind, const struct sighted *entry)
{
	uint64_t packets = entry->count - entry->error;
	bool once = entry->hits < 2 && (list->full[kind] || packets > entry->hits);

	return entry->count <= entry->error || once ? 0 : packets;
}

/* By what is certain of them, but for how often they were met. */
static int compare(const void *a, const void *b)
{
	const struct sighted *left = a, *right = b;
	uint64_t more = left->count - left->error, less = right->count - right->error;

	if (more != less)
		return more > less ? -1 : 1;
	return memcmp(&left->key, &right->key, sizeof(left->key));
}

size_t sighted_sort(struct sighted_list *list, enum sighted_kind kind)
{
	struct sighted *entry = sighted_entries(list, kind);
	size_t kept = 0;

	for (uint32_t i = 0; i < list->used[kind]; i++)
		if (sighted_certain(list, kind, &entry[i]) > 0) {
			struct sighted certain = entry[i];

			entry[i] = entry[kept];
			entry[kept++] = certain;
		}
	qsort(entry, kept, sizeof(*entry), compare);
	return kept;
}
