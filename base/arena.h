/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of one request, tick or snapshot: taken piece by piece, freed whole. Bounded: an arena
 * that would exceed its maximum returns NULL as if memory were out. The only caller of malloc.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;

/* A new arena of at most bytes_max bytes; NULL when memory is out. */
struct arena *arena_new(size_t bytes_max);
void arena_free(struct arena *arena); /* accepts NULL */
/* Forgets all content; keeps the first block for reuse. */
void arena_reset(struct arena *arena);
size_t arena_used(const struct arena *arena);

/* Zeroed, aligned to 16. NULL when the maximum or memory is reached. size 0 gives a valid pointer. */
void *arena_take(struct arena *arena, size_t size);
/* count * size without overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* NUL-terminated copies; NULL on exhaustion. text may be NULL: gives NULL. */
char *arena_copy(struct arena *arena, const char *text);
char *arena_copy_n(struct arena *arena, const char *text, size_t length);
char *arena_print(struct arena *arena, const char *format, ...) PRINTF(2, 3);

/* Torture: the n-th allocation of this thread from now on (1 = next) fails, once; 0 switches off. With
 * persist every one after it fails too. arena_torture_count tells how many were asked for. */
void arena_torture(uint64_t nth, int persist);
uint64_t arena_torture_count(void);

#endif
