/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table for people: columns as wide as what is in them.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define TABLE_COLUMN_MAX 12

struct table_row {
	struct table_row *next;
	const char *cell[TABLE_COLUMN_MAX];
};
struct table {
	struct arena *mem;
	size_t column_count;
	const char *title[TABLE_COLUMN_MAX];
	bool right[TABLE_COLUMN_MAX]; /* numbers */
	struct table_row *first, **end;
	size_t count;
};

void table_init(struct table *table, struct arena *mem);
void table_column(struct table *table, const char *title, bool right);
/* A new row of empty cells, to be set by the caller; NULL: memory is out. */
struct table_row *table_add(struct table *table);
/* Titles and rows, on standard output. */
void table_print(const struct table *table);

#endif
