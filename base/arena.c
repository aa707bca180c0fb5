/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain of blocks, each twice the one before up to a bound; a piece larger than a block gets one of
 * its own. The maximum counts whole blocks, so that it bounds what the process really holds.
 *
 * Subtle: memory is zero when it is handed out although nothing zeroes it then. Blocks come from calloc,
 * and whatever was used is wiped when the arena is reset or freed; that also keeps decrypted secrets
 * from outliving their request.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
/* One block serves a usual request. */
#define BLOCK_BYTES_MIN ((size_t)16 << 10)
/* Above this, doubling would waste more than it saves calls. */
#define BLOCK_BYTES_MAX ((size_t)1 << 20)

struct block {
	struct block *next; /* older block */
	size_t capacity;    /* bytes behind this header */
	size_t used;
	size_t reserved; /* keeps the header a multiple of ALIGNMENT */
};
_Static_assert(sizeof(struct block) % ALIGNMENT == 0, "content follows the header aligned");

struct arena {
	struct block *newest;
	size_t bytes_max;
	size_t bytes_held; /* capacities of all blocks */
	size_t bytes_used;
};

static _Thread_local uint64_t torture_nth;
static _Thread_local uint64_t torture_asked;
static _Thread_local int torture_persist;

static bool torture_fails(void)
{
	torture_asked++;
	if (torture_nth == 0)
		return false;
	return torture_persist ? torture_asked >= torture_nth : torture_asked == torture_nth;
}

void arena_torture(uint64_t nth, int persist)
{
	torture_nth = nth;
	torture_persist = persist;
	torture_asked = 0;
}

uint64_t arena_torture_count(void)
{
	return torture_asked;
}

static struct block *block_add(struct arena *arena, size_t size)
{
	size_t left = arena->bytes_max - arena->bytes_held;
	size_t capacity = BLOCK_BYTES_MIN;
	struct block *block;

	if (size > left)
		return NULL;
	if (arena->newest && arena->newest->capacity * 2 > capacity)
		capacity = arena->newest->capacity * 2;
	if (capacity > BLOCK_BYTES_MAX)
		capacity = BLOCK_BYTES_MAX;
	if (capacity > left)
		capacity = left;
	if (capacity < size)
		capacity = size;
	block = calloc(1, sizeof(*block) + capacity);
	if (!block)
		return NULL;
	block->capacity = capacity;
	block->next = arena->newest;
	arena->newest = block;
	arena->bytes_held += capacity;
	return block;
}

static void *block_content(struct block *block)
{
	return block + 1;
}

struct arena *arena_new(size_t bytes_max)
{
	struct arena *arena;

	if (torture_fails())
		return NULL;
	arena = calloc(1, sizeof(*arena));
	if (arena)
		/* The content stays within what the rounding below can express. */
		arena->bytes_max = bytes_max < SIZE_MAX / 2 ? bytes_max : SIZE_MAX / 2;
	return arena;
}

void arena_free(struct arena *arena)
{
	struct block *block, *next;

	if (!arena)
		return;
	for (block = arena->newest; block; block = next) {
		next = block->next;
		explicit_bzero(block_content(block), block->used);
		free(block);
	}
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *block, *next;

	for (block = arena->newest; block; block = next) {
		next = block->next;
		explicit_bzero(block_content(block), block->used);
		block->used = 0;
		if (next) {
			arena->bytes_held -= block->capacity;
			free(block);
		} else {
			arena->newest = block;
		}
	}
	arena->bytes_used = 0;
}

size_t arena_used(const struct arena *arena)
{
	return arena->bytes_used;
}

void *arena_take(struct arena *arena, size_t size)
{
	struct block *block = arena->newest;
	size_t rounded;
	char *piece;

	if (torture_fails() || size > arena->bytes_max)
		return NULL;
	/* Even an empty piece has an address of its own. */
	rounded = ((size ? size : 1) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!block || block->capacity - block->used < rounded) {
		block = block_add(arena, rounded);
		if (!block)
			return NULL;
	}
	piece = (char *)block_content(block) + block->used;
	block->used += rounded;
	arena->bytes_used += rounded;
	return piece;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_take(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *text)
{
	return text ? arena_copy_n(arena, text, strlen(text)) : NULL;
}

char *arena_copy_n(struct arena *arena, const char *text, size_t length)
{
	char *copy;

	if (!text || length == SIZE_MAX)
		return NULL;
	copy = arena_take(arena, length + 1);
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	char *out = NULL;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	if (length >= 0)
		out = arena_take(arena, (size_t)length + 1);
	if (out)
		(void)vsnprintf(out, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	return out;
}
