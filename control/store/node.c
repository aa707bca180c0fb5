/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes confirmed, kept across restarts of the control.
 */
#include <string.h>

#include "base/log.h"
#include "control/store/query.h"
#include "control/store/store.h"

enum err node_put(struct db *db, const struct node_row *node)
{
	return db_run(db,
		"INSERT INTO node (name, generation, seen_ms, sources) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (name) DO UPDATE SET generation = excluded.generation,"
		" seen_ms = excluded.seen_ms, sources = excluded.sources",
		(const struct value[]){ V_TEXT(node->name), V_INT(node->generation),
			V_INT(node->seen_ms), V_TEXT(node->sources ? node->sources : "") },
		4, NULL);
}

enum err node_list(struct db *db, struct arena *mem, struct node_row **out, size_t *count)
{
	struct node_row *rows = arena_array(mem, NODE_MAX, sizeof(*rows));
	struct cursor cursor;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	TRY(db_select(db, "SELECT name, generation, seen_ms, sources FROM node ORDER BY name", NULL,
		0, &cursor));
	while (used < NODE_MAX && db_next(&cursor)) {
		struct node_row *row = &rows[used++];
		const char *name = text_column(&cursor, 0, mem);

		strncpy(row->name, name, sizeof(row->name) - 1);
		row->generation = db_int(&cursor, 1);
		row->seen_ms = db_int(&cursor, 2);
		row->sources = text_column(&cursor, 3, mem);
	}
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows;
	*count = used;
	return OK;
}

enum err node_delete(struct db *db, const char *name, bool *deleted)
{
	int64_t changed;

	TRY(db_run(db, "DELETE FROM node WHERE name = $1", (const struct value[]){ V_TEXT(name) },
		1, &changed));
	*deleted = changed > 0;
	return OK;
}
