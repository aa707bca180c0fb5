/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened to instances. An event belongs to one expiry time, so that a renewed instance is
 * told again, and a clock that jumped back tells nothing twice.
 */
#include "control/store/query.h"
#include "control/store/store.h"

enum err event_insert(struct db *db, int64_t account, const char *instance_id, const char *kind,
	int64_t expire_ms, int64_t time_ms, const char *detail, bool *inserted)
{
	int64_t changed;

	TRY(db_run(db,
		"INSERT INTO event (time_ms, account, instance_id, kind, expire_ms, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (instance_id, kind, expire_ms) DO NOTHING",
		(const struct value[]){ V_INT(time_ms), V_INT(account), V_TEXT(instance_id),
			V_TEXT(kind), V_INT(expire_ms), V_TEXT(detail ? detail : "") },
		6, &changed));
	if (inserted)
		*inserted = changed > 0;
	return OK;
}

enum err event_list(struct db *db, struct arena *mem, const struct event_filter *filter,
	struct event_row **out, size_t *count)
{
	struct rows rows = { 0 };
	struct event_row *row;
	struct cursor cursor;
	struct query query;

	query_init(&query, mem);
	QUERY_ADD(&query,
		"SELECT number, time_ms, account, instance_id, kind, detail FROM event"
		" WHERE number > ?",
		V_INT(filter->after_number));
	if (filter->before_number > 0)
		QUERY_ADD(&query, " AND number < ?", V_INT(filter->before_number));
	if (filter->account != 0)
		QUERY_ADD(&query, " AND account = ?", V_INT(filter->account));
	if (filter->instance_id)
		QUERY_ADD(&query, " AND instance_id = ?", V_TEXT(filter->instance_id));
	if (filter->kind)
		QUERY_ADD(&query, " AND kind = ?", V_TEXT(filter->kind));
	QUERY_TEXT(&query, filter->newest_first ? " ORDER BY number DESC" : " ORDER BY number");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ?", V_INT(filter->limit));
	TRY(query_select(&query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL) {
		*row = (struct event_row){
			.number = db_int(&cursor, 0),
			.time_ms = db_int(&cursor, 1),
			.account = db_int(&cursor, 2),
			.instance_id = text_column(&cursor, 3, mem),
			.kind = text_column(&cursor, 4, mem),
			.detail = text_column(&cursor, 5, mem),
		};
	}
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}
