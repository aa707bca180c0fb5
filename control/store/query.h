/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building a query whose conditions depend on the request. The text is made of literals and
 * parameter numbers only, so that equal shapes give equal texts and their statements are reused.
 */
#ifndef CONTROL_STORE_QUERY_H
#define CONTROL_STORE_QUERY_H

#include "base/text.h"
#include "control/store/db.h"

/* Two lists of KEY_INSTANCE_MAX rounded up to a power of two, and what else a filter holds. */
#define QUERY_VALUE_MAX 640
#define QUERY_IN_MAX	256

struct query {
	struct text sql;
	struct value *value; /* QUERY_VALUE_MAX, in the arena */
	size_t count;
	enum err err; /* first failure; nothing more is added after it */
};

void query_init(struct query *query, struct arena *mem);
/* Appends sql, in which each '?' stands for the next of the given values. */
void query_add(struct query *query, const char *sql, const struct value *values, size_t count);
#define QUERY_ADD(query, sql, ...)                                                                 \
	query_add(query, sql, (const struct value[]){ __VA_ARGS__ },                               \
		sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))
#define QUERY_TEXT(query, sql) query_add(query, sql, NULL, 0)
/* Appends "prefix IN (...)"; ERR_LIMIT above QUERY_IN_MAX. count 0: nothing is appended. */
void query_in(struct query *query, const char *prefix, const char *const *item, size_t count);
/* Starts the select. */
enum err query_select(struct query *query, struct db *db, struct cursor *out) MUST_USE;
/* The one number that the query gives. */
enum err query_int(struct query *query, struct db *db, int64_t *out) MUST_USE;

/* The one number that a fixed select gives; ERR_NOT_FOUND without a row. */
enum err select_int(struct db *db, const char *sql, const struct value *values, size_t count,
	int64_t *out) MUST_USE;

/* The bytes in the first column of the row that a fixed select with one value gives, in mem; ERR_NOT_FOUND without a row. */
enum err select_blob(struct db *db, struct arena *mem, const char *sql, struct value value,
	const void **out, size_t *size) MUST_USE;

/* The numbers in the first column of a select that has a LIMIT. */
enum err select_numbers(struct db *db, struct arena *mem, const char *sql,
	const struct value *values, size_t value_count, int64_t **out, size_t *count) MUST_USE;

/* Room for one more row in an array that grows in mem; NULL when memory is out. */
void *rows_room(struct arena *mem, void *rows, size_t count, size_t *capacity, size_t size);
/* An array of rows that grows in mem while a select is read. Begins as { 0 }. */
struct rows {
	void *row;
	size_t count, capacity;
};
/* Room for the row at which the cursor now is, not initialised; NULL at the end, or when it failed: see cursor->err. Rows move when
 * more of them come. */
void *rows_next(struct rows *rows, struct cursor *cursor, struct arena *mem, size_t size);
/* The texts in the first column of every row; ends the cursor. */
enum err texts_read(
	struct cursor *cursor, struct arena *mem, const char ***out, size_t *count) MUST_USE;
/* A text column; never NULL: on exhaustion cursor->err is ERR_MEMORY and "" is returned. */
const char *text_column(struct cursor *cursor, int column, struct arena *mem);
/* A 16-byte address column. */
void address_column(const struct cursor *cursor, int column, uint8_t out[16]);

#endif
