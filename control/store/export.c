/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task that is deleted stays as a row until its file is removed, so that no file is ever left behind: what ends in between
 * goes on with the row after the next start.
 */
#include "control/store/export.h"

#include <assert.h>

#include "base/log.h"
#include "control/store/query.h"

#define COLUMNS "number, account, type, state, instance_id, domain, reason, bytes, begin_ms, end_ms"
#define LIVES	"state <> 4" /* EXPORT_GONE */
static_assert(EXPORT_GONE == 4 && EXPORT_WAITING == 0 && EXPORT_RUNNING == 1, "as written below");

static void read_row(struct cursor *cursor, struct arena *mem, struct export_task *out)
{
	*out = (struct export_task){ .number = db_int(cursor, 0),
		.account = db_int(cursor, 1),
		.type = db_int(cursor, 2),
		.state = db_int(cursor, 3),
		.instance_id = text_column(cursor, 4, mem),
		.domain = text_column(cursor, 5, mem),
		.reason = text_column(cursor, 6, mem),
		.bytes = db_int(cursor, 7),
		.begin_ms = db_int(cursor, 8),
		.end_ms = db_int(cursor, 9) };
}

static enum err read_first(
	struct cursor *cursor, struct arena *mem, enum err none, struct export_task *out)
{
	bool found = db_next(cursor);

	if (found)
		read_row(cursor, mem, out);
	db_done(cursor);
	TRY(cursor->err);
	return found ? OK : none;
}

enum err export_insert(struct db *db, struct export_task *task)
{
	return select_int(db,
		"INSERT INTO export (account, type, state, instance_id, domain, reason, bytes,"
		" begin_ms, end_ms) VALUES ($1, $2, $3, $4, $5, '', 0, $6, 0) RETURNING number",
		(const struct value[]){ V_INT(task->account), V_INT(task->type),
			V_INT(EXPORT_WAITING), V_TEXT(task->instance_id), V_TEXT(task->domain),
			V_INT(task->begin_ms) },
		6, &task->number);
}

enum err export_load(struct db *db, struct arena *mem, int64_t number, struct export_task *out)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT " COLUMNS " FROM export WHERE number = $1 AND " LIVES,
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	return read_first(&cursor, mem, ERR_EXPORT_NOT_FOUND, out);
}

enum err export_list(struct db *db, struct arena *mem, int64_t account, int64_t offset,
	int64_t limit, struct export_task **out, size_t *count, int64_t *total)
{
	const struct value values[] = { V_INT(account), V_INT(limit > 0 ? limit : INT32_MAX),
		V_INT(offset) };
	struct rows rows = { 0 };
	struct export_task *task;
	struct cursor cursor;

	TRY(select_int(db, "SELECT count(*) FROM export WHERE ($1 = 0 OR account = $1) AND " LIVES,
		values, 1, total));
	TRY(db_select(db,
		"SELECT " COLUMNS " FROM export WHERE ($1 = 0 OR account = $1) AND " LIVES
		" ORDER BY number DESC LIMIT $2 OFFSET $3",
		values, 3, &cursor));
	while ((task = rows_next(&rows, &cursor, mem, sizeof(*task))) != NULL)
		read_row(&cursor, mem, task);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err export_usage(struct db *db, int64_t account, int64_t *tasks, int64_t *bytes)
{
	const struct value values[] = { V_INT(account) };

	TRY(select_int(
		db, "SELECT count(*) FROM export WHERE account = $1 AND " LIVES, values, 1, tasks));
	return select_int(db,
		"SELECT coalesce(sum(bytes), 0) FROM export WHERE account = $1 AND " LIVES, values,
		1, bytes);
}

enum err export_next(
	struct db *db, struct arena *mem, int64_t after_number, struct export_task *out)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " COLUMNS " FROM export WHERE state IN (0, 1) AND number > $1"
		" ORDER BY number LIMIT 1",
		(const struct value[]){ V_INT(after_number) }, 1, &cursor));
	return read_first(&cursor, mem, ERR_NOT_FOUND, out);
}

enum err export_update(struct db *db, const struct export_task *task)
{
	return db_run(db,
		"UPDATE export SET state = $2, bytes = $3, end_ms = $4, reason = $5"
		" WHERE number = $1 AND " LIVES,
		(const struct value[]){ V_INT(task->number), V_INT(task->state), V_INT(task->bytes),
			V_INT(task->end_ms), V_TEXT(task->reason) },
		5, NULL);
}

enum err export_delete(struct db *db, int64_t number)
{
	int64_t changed;

	TRY(db_run(db, "UPDATE export SET state = $2 WHERE number = $1 AND " LIVES,
		(const struct value[]){ V_INT(number), V_INT(EXPORT_GONE) }, 2, &changed));
	return changed > 0 ? OK : ERR_EXPORT_NOT_FOUND;
}

enum err export_gone(struct db *db, int64_t after_number, int64_t *number)
{
	return select_int(db,
		"SELECT number FROM export WHERE state = 4 AND number > $1 ORDER BY number LIMIT 1",
		(const struct value[]){ V_INT(after_number) }, 1, number);
}

enum err export_forget(struct db *db, int64_t number)
{
	return db_run(db, "DELETE FROM export WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, NULL);
}
