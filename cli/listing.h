/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table for people: columns as wide as what is in them.
 */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define LISTING_COLUMN_MAX 12

struct listing_row {
	struct listing_row *next;
	const char *cell[LISTING_COLUMN_MAX];
};
struct listing {
	struct arena *mem;
	size_t column_count;
	const char *title[LISTING_COLUMN_MAX];
	bool right[LISTING_COLUMN_MAX]; /* numbers */
	struct listing_row *first, **end;
	size_t count;
};

void listing_init(struct listing *listing, struct arena *mem);
void listing_column(struct listing *listing, const char *title, bool right);
/* A new row of empty cells, to be set by the caller; NULL: memory is out. */
struct listing_row *listing_add(struct listing *listing);
/* Titles and rows, on standard output. */
void listing_print(const struct listing *listing);

#endif
