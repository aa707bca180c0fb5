/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened, by key and time, in one ring of bytes: the oldest of all keys makes room. So memory is bounded whatever the
 * number of keys, and who has little to tell is remembered for longer. Memory is used as it fills. Not thread-safe.
 */
#ifndef CONTROL_ENGINE_TRAIL_H
#define CONTROL_ENGINE_TRAIL_H

#include "control/engine/table.h"

#define TRAIL_ITEM_MAX 4096 /* bytes of one */

struct trail {
	struct arena *mem;
	uint8_t *bytes;
	size_t size;	     /* a multiple of 8 */
	uint64_t head;	     /* bytes ever used: what is less than size before it is there */
	struct table newest; /* of each key */
};

/* keys_max: as table_init. Memory is taken with the first item. */
void trail_init(struct trail *trail, size_t size, size_t keys_max);
void trail_free(struct trail *trail);
/* key is not 0; times of a key do not go back. false: no memory, or too many keys. */
bool trail_add(struct trail *trail, uint64_t key, int64_t time_ms, const void *data, size_t length);
/* The key's items, the newest first, until visit says false. */
typedef bool (*trail_visit)(void *context, int64_t time_ms, const uint8_t *data, size_t length);
void trail_walk(const struct trail *trail, uint64_t key, trail_visit visit, void *context);

#endif
