/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/table.h"

#include <assert.h>
#include <stdio.h>

#include "cli/terminal.h"

void table_init(struct table *table, struct arena *mem)
{
	*table = (struct table){ .mem = mem };
	table->end = &table->first;
}

void table_column(struct table *table, const char *title, bool right)
{
	assert(table->column_count < TABLE_COLUMN_MAX);
	table->title[table->column_count] = title;
	table->right[table->column_count++] = right;
}

struct table_row *table_add(struct table *table)
{
	struct table_row *row = arena_take(table->mem, sizeof(*row));

	if (!row)
		return NULL;
	for (size_t i = 0; i < TABLE_COLUMN_MAX; i++)
		row->cell[i] = "";
	*table->end = row;
	table->end = &row->next;
	table->count++;
	return row;
}

/* Lines do not end with blanks. */
static bool rest_is_empty(const struct table *table, const char *const *cell, size_t from)
{
	while (from < table->column_count && !cell[from][0])
		from++;
	return from == table->column_count;
}

static void print_cells(
	const struct table *table, const char *const *cell, const int width[TABLE_COLUMN_MAX])
{
	for (size_t i = 0; i < table->column_count; i++) {
		const bool last = i + 1 == table->column_count;
		const int room = width[i] - text_columns(cell[i]);

		if (table->right[i])
			printf("%*s", room, "");
		text_shown(cell[i]);
		if (!last && !rest_is_empty(table, cell, i + 1))
			printf("%*s", (table->right[i] ? 0 : room) + 2, "");
	}
	printf("\n");
}

void table_print(const struct table *table)
{
	int width[TABLE_COLUMN_MAX];

	for (size_t i = 0; i < table->column_count; i++) {
		width[i] = text_columns(table->title[i]);
		for (const struct table_row *row = table->first; row; row = row->next)
			if (text_columns(row->cell[i]) > width[i])
				width[i] = text_columns(row->cell[i]);
	}
	fputs(colour(COLOUR_BOLD), stdout);
	print_cells(table, table->title, width);
	fputs(colour(COLOUR_PLAIN), stdout);
	for (const struct table_row *row = table->first; row; row = row->next)
		print_cells(table, row->cell, width);
}
