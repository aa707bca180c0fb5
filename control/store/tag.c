/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tags of instances. The account is repeated in each row, so that the index of values answers for
 * one account without visiting instances. A filter by tags names instances that carry all of them,
 * and of those instances the tags that were named.
 */
#include <string.h>

#include "control/store/query.h"
#include "control/store/store.h"

enum err tag_put(struct db *db, int64_t instance_number, const char *key, const char *value)
{
	int64_t changed;

	TRY(db_run(db,
		"INSERT INTO tag (instance_number, key, value, account)"
		" SELECT number, $2, $3, account FROM instance WHERE number = $1"
		" ON CONFLICT (instance_number, key) DO UPDATE SET value = excluded.value",
		(const struct value[]){ V_INT(instance_number), V_TEXT(key), V_TEXT(value) }, 3,
		&changed));
	return changed ? OK : ERR_INSTANCE_NOT_FOUND;
}

enum err tag_delete(struct db *db, int64_t instance_number, const char *key)
{
	if (!key)
		return db_run(db, "DELETE FROM tag WHERE instance_number = $1",
			(const struct value[]){ V_INT(instance_number) }, 1, NULL);
	return db_run(db, "DELETE FROM tag WHERE instance_number = $1 AND key = $2",
		(const struct value[]){ V_INT(instance_number), V_TEXT(key) }, 2, NULL);
}

enum err tag_count(struct db *db, int64_t instance_number, int64_t *out)
{
	return select_int(db, "SELECT count(*) FROM tag WHERE instance_number = $1",
		(const struct value[]){ V_INT(instance_number) }, 1, out);
}

static void add_named(struct query *query, const char *table, const struct pair *tag)
{
	QUERY_TEXT(query, table);
	QUERY_ADD(query, ".key = ?", V_TEXT(tag->key));
	if (!tag->value)
		return;
	QUERY_TEXT(query, " AND ");
	QUERY_TEXT(query, table);
	QUERY_ADD(query, ".value = ?", V_TEXT(tag->value));
}

static void add_where(struct query *query, const struct tag_filter *filter)
{
	QUERY_TEXT(
		query, " FROM tag t JOIN instance i ON i.number = t.instance_number WHERE 1 = 1");
	if (filter->account != 0)
		QUERY_ADD(query, " AND t.account = ?", V_INT(filter->account));
	query_in(query, " AND i.id", filter->ids, filter->id_count);
	query_in(query, filter->id_count > 0 ? " AND +i.id" : " AND i.id", filter->allowed,
		filter->allowed_count);
	for (size_t i = 0; i < filter->tag_count; i++) {
		QUERY_TEXT(query, " AND EXISTS (SELECT 1 FROM tag o WHERE"
				  " o.instance_number = t.instance_number AND ");
		add_named(query, "o", &filter->tag[i]);
		QUERY_TEXT(query, ")");
	}
	for (size_t i = 0; i < filter->tag_count; i++) {
		QUERY_TEXT(query, i == 0 ? " AND ((" : " OR (");
		add_named(query, "t", &filter->tag[i]);
		QUERY_TEXT(query, i + 1 == filter->tag_count ? "))" : ")");
	}
	if (filter->after_number != 0)
		QUERY_ADD(query,
			" AND (t.instance_number > ? OR (t.instance_number = ? AND t.key > ?))",
			V_INT(filter->after_number), V_INT(filter->after_number),
			V_TEXT(filter->after_key ? filter->after_key : ""));
}

struct tag_rows {
	struct tag_row *row;
	int64_t *number;
	size_t count, row_capacity, number_capacity;
};

static bool rows_grow(struct tag_rows *rows, struct arena *mem)
{
	struct tag_row *row =
		rows_room(mem, rows->row, rows->count, &rows->row_capacity, sizeof(*rows->row));
	int64_t *number = rows_room(
		mem, rows->number, rows->count, &rows->number_capacity, sizeof(*rows->number));

	if (row)
		rows->row = row;
	if (number)
		rows->number = number;
	return row && number;
}

enum err tag_list(struct db *db, struct arena *mem, const struct tag_filter *filter,
	struct tag_row **out, int64_t **numbers, size_t *count)
{
	struct tag_rows rows = { 0 };
	struct cursor cursor;
	struct query query;

	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT i.id, t.key, t.value, t.instance_number");
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY t.instance_number, t.key");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ?", V_INT(filter->limit));
	TRY(query_select(&query, db, &cursor));
	while (db_next(&cursor)) {
		if (!rows_grow(&rows, mem)) {
			cursor.err = ERR_MEMORY;
			break;
		}

		struct tag_row *row = &rows.row[rows.count];

		strncpy(row->instance_id, text_column(&cursor, 0, mem), INSTANCE_ID_SIZE - 1);
		row->key = text_column(&cursor, 1, mem);
		row->value = text_column(&cursor, 2, mem);
		rows.number[rows.count++] = db_int(&cursor, 3);
	}
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*numbers = rows.number;
	*count = rows.count;
	return OK;
}

enum err tag_keys(struct db *db, struct arena *mem, const struct tag_filter *filter, int64_t offset,
	struct tag_key_row **out, size_t *count, int64_t *total)
{
	struct rows rows = { 0 };
	struct tag_key_row *row;
	struct cursor cursor;
	struct query query;

	if (total) {
		query_init(&query, mem);
		QUERY_TEXT(&query, "SELECT count(DISTINCT t.key)");
		add_where(&query, filter);
		TRY(query_int(&query, db, total));
	}
	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT t.key, count(*)");
	add_where(&query, filter);
	QUERY_TEXT(&query, " GROUP BY t.key ORDER BY t.key");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(offset));
	TRY(query_select(&query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL) {
		row->key = text_column(&cursor, 0, mem);
		row->count = db_int(&cursor, 1);
	}
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}
