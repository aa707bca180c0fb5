/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access logs as nodes hear of them: for how long an account's are kept, and what somebody looks for in them.
 */
#include <string.h>

#include "control/engine/publish_records.h"
#include "control/store/query.h"

const char log_store_select[] = "SELECT account, days, emptied_ms FROM log_store";

enum err add_log_store(struct draft *draft, const struct cursor *cursor)
{
	struct record_log_store *record =
		draft_take(draft, RECORD_LOG_STORE, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	record->days = (uint32_t)db_int(cursor, 1);
	record->emptied_ms = db_int(cursor, 2);
	return OK;
}

const char log_query_select[] =
	"SELECT number, website, lines, from_ms, until_ms, expires_ms, source, source_bits,"
	" status_min, status_max, check_number, verdict, path FROM log_query";

enum err add_log_query(struct draft *draft, const struct cursor *cursor)
{
	struct record_log_query *record =
		draft_take(draft, RECORD_LOG_QUERY, db_int(cursor, 0), sizeof(*record));
	const char *path = db_text(cursor, 12, draft->mem);

	if (!record)
		return draft_full();
	if (!path)
		return ERR_MEMORY;
	record->site = (uint32_t)db_int(cursor, 1);
	record->lines = (uint32_t)db_int(cursor, 2);
	record->from_ms = db_int(cursor, 3);
	record->until_ms = db_int(cursor, 4);
	record->expires_ms = db_int(cursor, 5);
	address_column(cursor, 6, record->source.byte);
	record->source_bits = (uint32_t)db_int(cursor, 7);
	record->status_min = (uint16_t)db_int(cursor, 8);
	record->status_max = (uint16_t)db_int(cursor, 9);
	record->check = (uint8_t)db_int(cursor, 10);
	record->verdict = (uint8_t)db_int(cursor, 11);
	record->path_length = (uint16_t)strnlen(path, LOG_PATH_MAX);
	memcpy(record->path, path, record->path_length);
	return OK;
}
