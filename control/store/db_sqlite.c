/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SQLite driver. WAL lets readers go on while one writer writes; synchronous=FULL makes a
 * commit durable when it returns.
 *
 * Writers of one process queue at a gate before they ask SQLite for its lock: SQLite's own waiting
 * is sleeping and trying again, which wastes most of the time when several threads write. Other
 * processes (the command line) are waited for by SQLite's busy handler.
 *
 * Statements are prepared once per text address and kept; built texts get an address by db_intern.
 * A commit that fails leaves no transaction behind, because callers drop everything on failure.
 *
 * SQLite numbers parameters by first appearance, not by the digits of "$3": a statement whose
 * digits do not come in order is bound by name.
 */
#include "control/store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/store/schema.h"

/* Slots of the statement cache: about 120 fixed texts and room for built ones. Power of two. */
#define STATEMENT_SLOTS 1024
/* Built texts of one handle; when they exceed it, all are forgotten. */
#define INTERN_BYTES_MAX ((size_t)2 << 20)
#define INTERN_MAX	 512
/* Per connection, KiB: holds the page index of 100,000 instances. */
#define CACHE_KIB "10240"
/* The log beside the store grows while somebody reads for long, and would keep that size: it is cut to this again. */
#define LOG_BYTES "16777216"
/* A handle belongs to one thread at a time, so SQLite need not lock it. */
#define SQLITE_FLAGS (SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX)

struct statement {
	const char *sql; /* key: the address */
	sqlite3_stmt *handle;
	bool interned;
	bool in_order; /* parameter i is "$i" */
};

struct db {
	sqlite3 *handle;
	bool open; /* a transaction is */
	enum db_mode mode;
	bool gate; /* this handle holds the writers' mutex */
	struct arena *texts;
	size_t intern_count;
	size_t statement_count;
	struct statement statement[STATEMENT_SLOTS];
};

/* Whose turn to write it is: a flag and not a held mutex, since waiting for it must end by the
 * monotonic clock. */
static pthread_once_t gate_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_free;
static bool gate_taken;

static _Thread_local uint64_t torture_nth;
static _Thread_local uint64_t torture_asked;

void db_torture(uint64_t nth)
{
	torture_nth = nth;
	torture_asked = 0;
}

uint64_t db_torture_count(void)
{
	return torture_asked;
}

static bool torture_fails(void)
{
	torture_asked++;
	return torture_nth != 0 && torture_asked == torture_nth;
}

struct value db_value_text(const char *text)
{
	if (!text)
		return V_NULL;
	return (struct value){ .kind = VALUE_TEXT, .data = text, .size = strlen(text) };
}

static enum err translate(struct db *db, int code, const char *what)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return OK;
	case SQLITE_CONSTRAINT:
		if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
			return ERR_CONFLICT;
		break;
	case SQLITE_BUSY:
		return fail(ERR_UNAVAILABLE, "store is busy: %.80s", what);
	case SQLITE_FULL:
		/* Reads go on, and writes do again as soon as there is room. */
		return fail(ERR_UNAVAILABLE, "no room to write the store: %.80s", what);
	case SQLITE_NOMEM:
		return fail(ERR_MEMORY, "store is out of memory: %.80s", what);
	default:
		break;
	}
	return fail(
		ERR_STORE, "store refuses (%d, %s): %.80s", code, sqlite3_errmsg(db->handle), what);
}

static enum err execute(struct db *db, const char *sql)
{
	return translate(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL), sql);
}

/* ---- statements */

static size_t slot_of(const char *sql)
{
	return (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 54) % STATEMENT_SLOTS;
}

static void statements_drop(struct db *db, bool interned_only)
{
	struct statement kept[STATEMENT_SLOTS];
	size_t count = 0;

	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		struct statement *statement = &db->statement[i];

		if (!statement->handle)
			continue;
		if (interned_only && !statement->interned)
			kept[count++] = *statement;
		else
			(void)sqlite3_finalize(statement->handle);
	}
	memset(db->statement, 0, sizeof(db->statement));
	db->statement_count = count;
	for (size_t i = 0; i < count; i++) {
		size_t slot = slot_of(kept[i].sql);

		while (db->statement[slot].handle)
			slot = (slot + 1) % STATEMENT_SLOTS;
		db->statement[slot] = kept[i];
	}
}

static bool parameters_in_order(sqlite3_stmt *handle)
{
	for (int i = 1; i <= sqlite3_bind_parameter_count(handle); i++) {
		const char *name = sqlite3_bind_parameter_name(handle, i);

		if (!name || name[0] != '$' || strtol(name + 1, NULL, 10) != i)
			return false;
	}
	return true;
}

static enum err statement_get(struct db *db, const char *sql, struct statement **out)
{
	size_t slot = slot_of(sql);

	for (; db->statement[slot].handle; slot = (slot + 1) % STATEMENT_SLOTS) {
		if (db->statement[slot].sql != sql)
			continue;
		*out = &db->statement[slot];
		return OK;
	}
	assert(db->statement_count < STATEMENT_SLOTS / 4 * 3);

	sqlite3_stmt *handle;

	TRY(translate(db,
		sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL),
		sql));
	db->statement[slot] = (struct statement){
		.sql = sql,
		.handle = handle,
		.in_order = parameters_in_order(handle),
	};
	db->statement_count++;
	*out = &db->statement[slot];
	return OK;
}

static int bind_one(sqlite3_stmt *handle, int index, const struct value *value)
{
	switch (value->kind) {
	case VALUE_INT:
		return sqlite3_bind_int64(handle, index, value->number);
	case VALUE_TEXT:
		return sqlite3_bind_text64(
			handle, index, value->data, value->size, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(handle, index, value->data, value->size, SQLITE_STATIC);
	case VALUE_NULL:
	default:
		return sqlite3_bind_null(handle, index);
	}
}

static enum err bind(
	struct db *db, const struct statement *statement, const struct value *values, size_t count)
{
	assert(!sqlite3_stmt_busy(statement->handle)); /* nested selects of the same text */
	for (size_t i = 0; i < count; i++) {
		int index = (int)i + 1;

		if (!statement->in_order) {
			char name[24];

			(void)snprintf(name, sizeof(name), "$%zu", i + 1);
			index = sqlite3_bind_parameter_index(statement->handle, name);
			if (index == 0) /* given, but this text does not use it */
				continue;
		}
		TRY(translate(db, bind_one(statement->handle, index, &values[i]), statement->sql));
	}
	return OK;
}

static void statement_reset(sqlite3_stmt *handle)
{
	(void)sqlite3_reset(handle);
	/* Values were bound by reference: the caller's memory may be gone before the next use. */
	(void)sqlite3_clear_bindings(handle);
}

const char *db_intern(struct db *db, const char *sql)
{
	for (size_t i = 0; i < STATEMENT_SLOTS; i++)
		if (db->statement[i].interned && strcmp(db->statement[i].sql, sql) == 0)
			return db->statement[i].sql;
	if (db->intern_count >= INTERN_MAX || db->statement_count >= STATEMENT_SLOTS / 2) {
		for (sqlite3_stmt *s = sqlite3_next_stmt(db->handle, NULL); s;
			s = sqlite3_next_stmt(db->handle, s))
			if (sqlite3_stmt_busy(s))
				return NULL;
		statements_drop(db, true);
		arena_reset(db->texts);
		db->intern_count = 0;
	}

	struct statement *statement;
	char *copy = arena_copy(db->texts, sql);

	if (!copy || statement_get(db, copy, &statement) != OK)
		return NULL;
	statement->interned = true;
	db->intern_count++;
	return copy;
}

/* ---- opening */

static enum err schema_version(struct db *db, int *out)
{
	sqlite3_stmt *handle;

	TRY(execute(db, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"));
	TRY(translate(db,
		sqlite3_prepare_v2(
			db->handle, "SELECT max(version) FROM schema_version", -1, &handle, NULL),
		"schema version"));

	int code = sqlite3_step(handle);

	*out = code == SQLITE_ROW ? sqlite3_column_int(handle, 0) : 0;
	(void)sqlite3_finalize(handle);
	return translate(db, code, "schema version");
}

static enum err migrate_step(struct db *db, int version)
{
	char record[80];

	TRY(execute(db, schema_steps[version - 1]));
	(void)snprintf(record, sizeof(record), "INSERT INTO schema_version (version) VALUES (%d)",
		version);
	return execute(db, record);
}

/* Each step is a transaction; the version is read inside it, because two programs may start at
 * once. */
static enum err migrate_all(struct db *db)
{
	int version = 0;

	while (version < schema_count) {
		TRY(execute(db, "BEGIN IMMEDIATE"));

		enum err err = schema_version(db, &version);

		if (err == OK && version < schema_count) {
			err = migrate_step(db, ++version);
			if (err == OK)
				log_info("schema is now at version %d", version);
		}
		if (err == OK)
			err = execute(db, "COMMIT");
		if (err != OK) {
			(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
			return err;
		}
	}
	return OK;
}

static enum err check_version(struct db *db)
{
	sqlite3_stmt *handle;
	int version = 0;

	/* Not by translate: a file without the table is an old or foreign one, said in our
	 * words. */
	if (sqlite3_prepare_v2(db->handle, "SELECT max(version) FROM schema_version", -1, &handle,
		    NULL) == SQLITE_OK) {
		if (sqlite3_step(handle) == SQLITE_ROW)
			version = sqlite3_column_int(handle, 0);
		(void)sqlite3_finalize(handle);
	}
	if (version > schema_count)
		return fail(ERR_STORE,
			"store has schema version %d, newer than this program's %d: upgrade the "
			"program",
			version, schema_count);
	if (version < schema_count)
		return fail(ERR_STORE, "store has schema version %d, this program needs %d",
			version, schema_count);
	return OK;
}

static enum err configure(struct db *db, bool migrate)
{
	(void)sqlite3_extended_result_codes(db->handle, 1);
	(void)sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
	TRY(execute(db, "PRAGMA journal_mode = WAL"));
	TRY(execute(db, "PRAGMA synchronous = FULL"));
	TRY(execute(db, "PRAGMA foreign_keys = ON"));
	/* What is deleted, keys among it, is overwritten. */
	TRY(execute(db, "PRAGMA secure_delete = ON"));
	TRY(execute(db, "PRAGMA journal_size_limit = " LOG_BYTES));
	TRY(execute(db, "PRAGMA cache_size = -" CACHE_KIB));
	TRY(execute(db, "PRAGMA temp_store = MEMORY"));
	if (migrate)
		TRY(migrate_all(db));
	return check_version(db);
}

/* Secrets are sealed, but names and addresses of customers are nobody else's business either.
 * SQLite gives its side files the mode of the main one. An existing file is only looked at,
 * never opened: closing any descriptor of a database drops all locks that this process has on
 * it, and another process would then take itself for the last user and remove the log under our
 * feet. */
static enum err file_make(const char *path, bool create)
{
	int fd = create ? open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600) : -1;

	if (fd >= 0)
		(void)close(fd);
	else if (access(path, R_OK | W_OK) != 0)
		return fail(ERR_STORE, "open store %s: %s", path, strerror(errno));
	return OK;
}

static const char scheme[] = "sqlite:";

bool db_exists(const char *url)
{
	return strncmp(url, scheme, sizeof(scheme) - 1) == 0 &&
	       access(url + sizeof(scheme) - 1, F_OK) == 0;
}

enum err db_open(const char *url, bool migrate, struct db **out)
{
	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return fail(ERR_STORE, "unknown kind of store: %.40s", url);

	const char *path = url + sizeof(scheme) - 1;
	struct db *db = calloc(1, sizeof(*db));

	if (!db)
		return ERR_MEMORY;
	db->texts = arena_new(INTERN_BYTES_MAX);
	if (!db->texts) {
		db_close(db);
		return ERR_MEMORY;
	}
	enum err err = file_make(path, migrate);

	if (err == OK) {
		int code = sqlite3_open_v2(path, &db->handle, SQLITE_FLAGS, NULL);

		err = code == SQLITE_OK
			      ? configure(db, migrate)
			      : fail(ERR_STORE, "open store %s: %s", path, sqlite3_errstr(code));
	}
	if (err != OK) {
		db_close(db);
		return err;
	}
	*out = db;
	return OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (db->handle) {
		db_rollback(db);
		statements_drop(db, false);
		(void)sqlite3_close(db->handle);
	}
	arena_free(db->texts);
	free(db);
}

/* ---- transactions */

static void gate_init(void)
{
	clock_condition(&gate_free);
}

static enum err gate_take(struct db *db)
{
	struct timespec until = clock_deadline(DB_BUSY_MS);
	int waited = 0;

	(void)pthread_once(&gate_once, gate_init);
	(void)pthread_mutex_lock(&gate_lock);
	while (gate_taken && waited == 0)
		waited = pthread_cond_timedwait(&gate_free, &gate_lock, &until);
	db->gate = !gate_taken;
	gate_taken = true;
	(void)pthread_mutex_unlock(&gate_lock);
	if (!db->gate)
		return fail(
			ERR_UNAVAILABLE, "store is busy: no turn to write in %d ms", DB_BUSY_MS);
	return OK;
}

static void gate_give(struct db *db)
{
	if (!db->gate)
		return;
	(void)pthread_mutex_lock(&gate_lock);
	gate_taken = false;
	(void)pthread_cond_signal(&gate_free);
	(void)pthread_mutex_unlock(&gate_lock);
	db->gate = false;
}

static enum err step_once(struct db *db, const char *sql)
{
	struct statement *statement;

	TRY(statement_get(db, sql, &statement));

	int code = sqlite3_step(statement->handle);

	(void)sqlite3_reset(statement->handle);
	return translate(db, code, sql);
}

/* A cursor that was left open would keep its view of the store and could not be used again. */
static void cursors_end(struct db *db)
{
	for (sqlite3_stmt *s = sqlite3_next_stmt(db->handle, NULL); s;
		s = sqlite3_next_stmt(db->handle, s))
		if (sqlite3_stmt_busy(s))
			statement_reset(s);
}

enum err db_begin(struct db *db, enum db_mode mode)
{
	assert(!db->open);
	if (torture_fails())
		return ERR_STORE;
	if (mode == DB_WRITE)
		TRY(gate_take(db));

	enum err err = step_once(db, mode == DB_WRITE ? "BEGIN IMMEDIATE" : "BEGIN");

	if (err != OK) {
		gate_give(db);
		return err;
	}
	db->open = true;
	db->mode = mode;
	return OK;
}

enum err db_commit(struct db *db)
{
	assert(db->open);
	cursors_end(db);

	enum err err = torture_fails() ? ERR_STORE : step_once(db, "COMMIT");

	if (err != OK) {
		db_rollback(db);
		return err;
	}
	db->open = false;
	gate_give(db);
	return OK;
}

void db_rollback(struct db *db)
{
	if (!db->open)
		return;
	cursors_end(db);
	/* Some failures (full disk, I/O) have rolled back already. */
	if (!sqlite3_get_autocommit(db->handle))
		(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	db->open = false;
	gate_give(db);
}

/* ---- running */

static void assert_may_write(const struct db *db, sqlite3_stmt *handle)
{
	assert(sqlite3_stmt_readonly(handle) || (db->open && db->mode == DB_WRITE));
	(void)db;
	(void)handle;
}

enum err db_run(
	struct db *db, const char *sql, const struct value *values, size_t count, int64_t *changed)
{
	struct statement *statement;

	if (torture_fails())
		return ERR_STORE;
	TRY(statement_get(db, sql, &statement));
	assert_may_write(db, statement->handle);
	TRY(bind(db, statement, values, count));

	int code = sqlite3_step(statement->handle);
	enum err err = translate(db, code, sql);

	statement_reset(statement->handle);
	if (err == OK && changed)
		*changed = sqlite3_changes64(db->handle);
	return err;
}

enum err db_select(struct db *db, const char *sql, const struct value *values, size_t count,
	struct cursor *out)
{
	struct statement *statement;

	*out = (struct cursor){ .db = db };
	if (torture_fails())
		return out->err = ERR_STORE;
	out->err = statement_get(db, sql, &statement);
	if (out->err != OK)
		return out->err;
	assert_may_write(db, statement->handle);
	out->err = bind(db, statement, values, count);
	if (out->err == OK)
		out->statement = statement->handle;
	return out->err;
}

bool db_next(struct cursor *cursor)
{
	if (!cursor->statement || cursor->err != OK)
		return false;
	if (torture_fails()) {
		cursor->err = ERR_STORE;
		return false;
	}

	int code = sqlite3_step(cursor->statement);

	if (code == SQLITE_ROW)
		return true;
	cursor->err = translate(cursor->db, code, sqlite3_sql(cursor->statement));
	db_done(cursor);
	return false;
}

void db_done(struct cursor *cursor)
{
	if (cursor->statement)
		statement_reset(cursor->statement);
	cursor->statement = NULL;
}

int64_t db_int(const struct cursor *cursor, int column)
{
	return sqlite3_column_int64(cursor->statement, column);
}

bool db_is_null(const struct cursor *cursor, int column)
{
	return sqlite3_column_type(cursor->statement, column) == SQLITE_NULL;
}

char *db_text(const struct cursor *cursor, int column, struct arena *mem)
{
	const void *text = sqlite3_column_text(cursor->statement, column);

	if (!text)
		return NULL;
	return arena_copy_n(mem, text, (size_t)sqlite3_column_bytes(cursor->statement, column));
}

const void *db_blob(const struct cursor *cursor, int column, struct arena *mem, size_t *size)
{
	const void *data = sqlite3_column_blob(cursor->statement, column);
	size_t length = (size_t)sqlite3_column_bytes(cursor->statement, column);
	void *copy = data ? arena_take(mem, length) : NULL;

	*size = 0;
	if (!copy)
		return NULL;
	memcpy(copy, data, length);
	*size = length;
	return copy;
}

size_t db_bytes(const struct cursor *cursor, int column, void *out, size_t size)
{
	const void *data = sqlite3_column_blob(cursor->statement, column);
	size_t length = (size_t)sqlite3_column_bytes(cursor->statement, column);

	if (data)
		memcpy(out, data, length < size ? length : size);
	return length;
}
