/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The query builder. Lists are padded to a power of two by repeating their last item, so that a
 * filter by 1..200 ids has nine texts and not two hundred.
 */
#include "control/store/query.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"

#define SQL_BYTES_MAX 16384

void query_init(struct query *query, struct arena *mem)
{
	*query = (struct query){ 0 };
	text_init(&query->sql, mem, SQL_BYTES_MAX);
	query->value = arena_array(mem, QUERY_VALUE_MAX, sizeof(*query->value));
	if (!query->value)
		query->err = ERR_MEMORY;
}

static void add_parameter(struct query *query, struct value value)
{
	if (query->err != OK)
		return;
	if (query->count == QUERY_VALUE_MAX) {
		query->err = ERR_LIMIT;
		return;
	}
	query->value[query->count++] = value;
	text_print(&query->sql, "$%zu", query->count);
}

void query_add(struct query *query, const char *sql, const struct value *values, size_t count)
{
	size_t used = 0;

	for (const char *c = sql; *c; c++) {
		if (*c == '?') {
			assert(used < count);
			add_parameter(query, values[used++]);
		} else {
			text_add_char(&query->sql, *c);
		}
	}
	assert(used == count);
}

void query_in(struct query *query, const char *prefix, const char *const *item, size_t count)
{
	size_t padded = 1;

	if (count == 0)
		return;
	if (count > QUERY_IN_MAX) {
		query->err = query->err == OK ? ERR_LIMIT : query->err;
		return;
	}
	while (padded < count)
		padded *= 2;
	text_add(&query->sql, prefix);
	text_add(&query->sql, " IN (");
	for (size_t i = 0; i < padded; i++) {
		if (i > 0)
			text_add_char(&query->sql, ',');
		add_parameter(query, V_TEXT(item[i < count ? i : count - 1]));
	}
	text_add_char(&query->sql, ')');
}

enum err query_select(struct query *query, struct db *db, struct cursor *out)
{
	*out = (struct cursor){ .db = db };
	if (query->sql.failed && query->err == OK)
		query->err = ERR_MEMORY;
	TRY(query->err);

	const char *sql = db_intern(db, query->sql.data);

	if (!sql)
		return fail(ERR_STORE, "no statement for a built query");
	return db_select(db, sql, query->value, query->count, out);
}

static enum err first_int(struct cursor *cursor, int64_t *out)
{
	bool found = db_next(cursor);

	if (found)
		*out = db_int(cursor, 0);
	db_done(cursor);
	TRY(cursor->err);
	return found ? OK : ERR_NOT_FOUND;
}

enum err query_int(struct query *query, struct db *db, int64_t *out)
{
	struct cursor cursor;

	TRY(query_select(query, db, &cursor));
	return first_int(&cursor, out);
}

enum err select_int(
	struct db *db, const char *sql, const struct value *values, size_t count, int64_t *out)
{
	struct cursor cursor;

	TRY(db_select(db, sql, values, count, &cursor));
	return first_int(&cursor, out);
}

enum err select_blob(struct db *db, struct arena *mem, const char *sql, struct value value,
	const void **out, size_t *size)
{
	struct cursor cursor;
	bool found;

	*out = NULL;
	TRY(db_select(db, sql, &value, 1, &cursor));
	found = db_next(&cursor);
	if (found)
		*out = db_blob(&cursor, 0, mem, size);
	db_done(&cursor);
	TRY(cursor.err);
	if (!found)
		return ERR_NOT_FOUND;
	return *out ? OK : ERR_MEMORY;
}

void *rows_room(struct arena *mem, void *rows, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return rows;

	size_t larger = *capacity ? *capacity * 2 : 16;
	void *copy = arena_array(mem, larger, size);

	if (!copy)
		return NULL;
	if (count > 0)
		memcpy(copy, rows, count * size);
	*capacity = larger;
	return copy;
}

void *rows_next(struct rows *rows, struct cursor *cursor, struct arena *mem, size_t size)
{
	void *room;

	if (!db_next(cursor))
		return NULL;
	room = rows_room(mem, rows->row, rows->count, &rows->capacity, size);
	if (!room) {
		cursor->err = ERR_MEMORY;
		return NULL;
	}
	rows->row = room;
	return (char *)room + size * rows->count++;
}

enum err texts_read(struct cursor *cursor, struct arena *mem, const char ***out, size_t *count)
{
	struct rows rows = { 0 };
	const char **row;

	while ((row = rows_next(&rows, cursor, mem, sizeof(*row))) != NULL)
		*row = text_column(cursor, 0, mem);
	db_done(cursor);
	TRY(cursor->err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err select_numbers(struct db *db, struct arena *mem, const char *sql,
	const struct value *values, size_t value_count, int64_t **out, size_t *count)
{
	int64_t *numbers = NULL, *room;
	size_t used = 0, capacity = 0;
	struct cursor cursor;

	TRY(db_select(db, sql, values, value_count, &cursor));
	while (db_next(&cursor)) {
		room = rows_room(mem, numbers, used, &capacity, sizeof(*numbers));
		if (!room) {
			cursor.err = ERR_MEMORY;
			break;
		}
		numbers = room;
		numbers[used++] = db_int(&cursor, 0);
	}
	db_done(&cursor);
	TRY(cursor.err);
	*out = numbers;
	*count = used;
	return OK;
}

const char *text_column(struct cursor *cursor, int column, struct arena *mem)
{
	const char *text = db_text(cursor, column, mem);

	if (text)
		return text;
	if (!db_is_null(cursor, column))
		cursor->err = ERR_MEMORY;
	return "";
}

void address_column(const struct cursor *cursor, int column, uint8_t out[16])
{
	size_t size = db_bytes(cursor, column, out, 16);

	if (size != 16)
		memset(out, 0, 16);
}
