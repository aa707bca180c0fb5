/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows are kept until they are printed: only then is it known how wide a column is. Widths are
 * columns of the terminal, not bytes.
 */
#include "cli/listing.h"

#include <assert.h>
#include <stdio.h>

#include "cli/terminal.h"

void listing_init(struct listing *listing, struct arena *mem)
{
	*listing = (struct listing){ .mem = mem };
	listing->end = &listing->first;
}

void listing_column(struct listing *listing, const char *title, bool right)
{
	assert(listing->column_count < LISTING_COLUMN_MAX);
	listing->title[listing->column_count] = title;
	listing->right[listing->column_count++] = right;
}

struct listing_row *listing_add(struct listing *listing)
{
	struct listing_row *row = arena_take(listing->mem, sizeof(*row));

	if (!row)
		return NULL;
	for (size_t i = 0; i < LISTING_COLUMN_MAX; i++)
		row->cell[i] = "";
	*listing->end = row;
	listing->end = &row->next;
	listing->count++;
	return row;
}

/* Lines do not end with blanks. */
static bool rest_is_empty(const struct listing *listing, const char *const *cell, size_t from)
{
	while (from < listing->column_count && !cell[from][0])
		from++;
	return from == listing->column_count;
}

static void print_cells(
	const struct listing *listing, const char *const *cell, const int width[LISTING_COLUMN_MAX])
{
	for (size_t i = 0; i < listing->column_count; i++) {
		const bool last = i + 1 == listing->column_count;
		const int room = width[i] - text_columns(cell[i]);

		if (listing->right[i])
			printf("%*s", room, "");
		text_shown(cell[i]);
		if (!last && !rest_is_empty(listing, cell, i + 1))
			printf("%*s", (listing->right[i] ? 0 : room) + 2, "");
	}
	printf("\n");
}

void listing_print(const struct listing *listing)
{
	int width[LISTING_COLUMN_MAX];

	for (size_t i = 0; i < listing->column_count; i++) {
		width[i] = text_columns(listing->title[i]);
		for (const struct listing_row *row = listing->first; row; row = row->next)
			if (text_columns(row->cell[i]) > width[i])
				width[i] = text_columns(row->cell[i]);
	}
	fputs(colour(COLOUR_BOLD), stdout);
	print_cells(listing, listing->title, width);
	fputs(colour(COLOUR_PLAIN), stdout);
	for (const struct listing_row *row = listing->first; row; row = row->next)
		print_cells(listing, row->cell, width);
}
