/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a database must do for Polder. One SQL text for all drivers: parameters are $1, $2, ...;
 * RETURNING and ON CONFLICT are available, nothing more exotic. A struct db belongs to one thread
 * at a time. Only db_sqlite.c includes sqlite3.h.
 */
#ifndef CONTROL_STORE_DB_H
#define CONTROL_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct db;

enum db_mode {
	DB_READ,  /* a consistent view; writing is a programmer error */
	DB_WRITE, /* the one writer; waits its turn, at most DB_BUSY_MS, then ERR_UNAVAILABLE */
};
#define DB_BUSY_MS 5000

struct value {
	enum {
		VALUE_NULL,
		VALUE_INT,
		VALUE_TEXT,
		VALUE_BLOB
	} kind;
	int64_t number;
	const void *data; /* TEXT: NUL-terminated; BLOB: size bytes; valid until db_* returns */
	size_t size;
};
#define V_NULL	     ((struct value){ .kind = VALUE_NULL })
#define V_INT(n)     ((struct value){ .kind = VALUE_INT, .number = (n) })
#define V_TEXT(s)    db_value_text(s) /* NULL gives VALUE_NULL */
#define V_BLOB(p, n) ((struct value){ .kind = VALUE_BLOB, .data = (p), .size = (n) })
struct value db_value_text(const char *text);

/* Whether a store was made there, of whatever content. */
bool db_exists(const char *url);
/* Opens and, if migrate, brings the schema up to date. url: "sqlite:PATH". */
enum err db_open(const char *url, bool migrate, struct db **out) MUST_USE;
void db_close(struct db *db); /* NULL is fine; an open transaction is rolled back */

enum err db_begin(struct db *db, enum db_mode mode) MUST_USE;
/* Durable when it returns OK (WAL and synchronous=FULL). On failure everything was rolled back. */
enum err db_commit(struct db *db) MUST_USE;
void db_rollback(struct db *db); /* no open transaction: nothing happens */

/* Runs a statement without rows. changed (may be NULL): rows affected. ERR_CONFLICT: a unique
 * constraint refused it; ERR_STORE: anything else, logged. */
enum err db_run(struct db *db, const char *sql, const struct value *values, size_t count,
	int64_t *changed) MUST_USE;

/* Rows: db_select, then while (db_next(...)). The statement is cached by the address of sql,
 * which must be a string literal or live as long as db. Nested selects of the same sql are a
 * programmer error. */
struct cursor {
	struct db *db;
	void *statement;
	enum err err; /* why db_next ended: OK after the last row */
};
enum err db_select(struct db *db, const char *sql, const struct value *values, size_t count,
	struct cursor *out) MUST_USE;
/* A copy of a built text that lives until many others were made: valid for the db_select that
 * follows. Equal texts give the same copy. NULL: not valid SQL, or no memory (logged). Build
 * texts from literals and parameter numbers only, never from values. */
const char *db_intern(struct db *db, const char *sql);
bool db_next(struct cursor *cursor);
void db_done(struct cursor *cursor);			 /* always call it; safe twice */
int64_t db_int(const struct cursor *cursor, int column); /* NULL reads as 0 */
bool db_is_null(const struct cursor *cursor, int column);
/* Copies into mem; NULL column or no memory: NULL. */
char *db_text(const struct cursor *cursor, int column, struct arena *mem);
const void *db_blob(const struct cursor *cursor, int column, struct arena *mem, size_t *size);
/* Copies at most size bytes of a blob to out; the blob's whole size is returned. */
size_t db_bytes(const struct cursor *cursor, int column, void *out, size_t size);

/* Torture: the n-th db_begin, db_run, db_select, db_next or db_commit of this thread fails with
 * ERR_STORE (1 = next; 0 = off). */
void db_torture(uint64_t nth);
uint64_t db_torture_count(void);

#endif
