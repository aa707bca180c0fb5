/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries of access logs as rows, so that nodes hear of them like of everything else. What they answer is in memory: it is
 * much, and of interest for some minutes.
 */
#include <string.h>

#include "control/store/query.h"
#include "control/store/web_policy.h"

enum err log_query_insert(struct db *db, struct log_query *query)
{
	int64_t generation;

	TRY(select_int(db,
		"INSERT INTO log_query (account, website, from_ms, until_ms, expires_ms, lines, "
		"source,"
		" source_bits, status_min, status_max, check_number, verdict, path)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING number",
		(const struct value[]){ V_INT(query->account), V_INT(query->website),
			V_INT(query->from_ms), V_INT(query->until_ms), V_INT(query->expires_ms),
			V_INT(query->lines), V_BLOB(query->source, sizeof(query->source)),
			V_INT(query->source_bits), V_INT(query->status_min),
			V_INT(query->status_max), V_INT(query->check), V_INT(query->verdict),
			V_TEXT(query->path) },
		13, &query->number));
	return change_record(db, RECORD_LOG_QUERY, query->number, &generation);
}

enum err log_query_load(struct db *db, struct arena *mem, int64_t number, struct log_query *out)
{
	struct cursor cursor;
	bool found;

	TRY(db_select(db,
		"SELECT number, account, website, from_ms, until_ms, expires_ms, lines, source,"
		" source_bits, status_min, status_max, check_number, verdict, path FROM log_query"
		" WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	found = db_next(&cursor);
	if (found) {
		*out = (struct log_query){ .number = db_int(&cursor, 0),
			.account = db_int(&cursor, 1),
			.website = db_int(&cursor, 2),
			.from_ms = db_int(&cursor, 3),
			.until_ms = db_int(&cursor, 4),
			.expires_ms = db_int(&cursor, 5),
			.lines = db_int(&cursor, 6),
			.source_bits = db_int(&cursor, 8),
			.status_min = db_int(&cursor, 9),
			.status_max = db_int(&cursor, 10),
			.check = db_int(&cursor, 11),
			.verdict = db_int(&cursor, 12),
			.path = text_column(&cursor, 13, mem) };
		address_column(&cursor, 7, out->source);
	}
	db_done(&cursor);
	TRY(cursor.err);
	return found ? OK : ERR_NOT_FOUND;
}

enum err log_query_running(struct db *db, int64_t account, int64_t clock_ms, int64_t *out)
{
	return select_int(db,
		"SELECT count(*) FROM log_query WHERE account = $1 AND expires_ms > $2",
		(const struct value[]){ V_INT(account), V_INT(clock_ms) }, 2, out);
}

/* Nodes have forgotten it by themselves, and are told so that what they know of is what is there. */
enum err log_query_prune(struct db *db, int64_t before_ms)
{
	const struct value values[] = { V_INT(before_ms), V_INT(RECORD_LOG_QUERY) };

	TRY(db_run(db,
		"INSERT INTO change (type, number) SELECT $2, number FROM log_query"
		" WHERE expires_ms < $1",
		values, 2, NULL));
	return db_run(db, "DELETE FROM log_query WHERE expires_ms < $1", values, 1, NULL);
}
