/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row is written when an attack begins and while it goes on. Counters fit 63 bits; by what it was refused is one text
 * (attack_parts_format), which nobody searches.
 */
#include "control/store/attack.h"

#include <string.h>

#include "control/store/query.h"

#define COLUMNS                                                                                    \
	"number, account, kind, subject, instance_id, product, vip, domain, begin_ms,"             \
	" mitigated_ms, last_ms, end_ms, in_packets, in_bytes, refused_packets, refused_bytes,"    \
	" peak_in_packets, peak_in_bytes, peak_refused_packets, peak_refused_bytes, parts"

static struct value counted(uint64_t number)
{
	return V_INT(number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

static enum err forget_oldest(struct db *db, int64_t account)
{
	return db_run(db,
		"DELETE FROM attack WHERE account = $1 AND end_ms > 0 AND number <= ("
		"SELECT number FROM attack WHERE account = $1 ORDER BY number DESC"
		" LIMIT 1 OFFSET $2)",
		(const struct value[]){ V_INT(account), V_INT(ATTACK_KEEP_MAX) }, 2, NULL);
}

enum err attack_insert(struct db *db, struct arena *mem, struct attack_row *row)
{
	TRY(select_int(db,
		"INSERT INTO attack (account, kind, subject, instance_id, product, vip, domain,"
		" begin_ms, mitigated_ms, last_ms, end_ms, in_packets, in_bytes, refused_packets,"
		" refused_bytes, peak_in_packets, peak_in_bytes, peak_refused_packets,"
		" peak_refused_bytes, parts)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '')"
		" RETURNING number",
		(const struct value[]){ V_INT(row->account), V_INT(row->kind), V_INT(row->subject),
			V_TEXT(row->instance_id), V_INT(row->product), V_BLOB(row->vip, 16),
			V_TEXT(row->domain), V_INT(row->attack.begin_ms) },
		8, &row->number));
	TRY(attack_update(db, mem, row->number, row->kind, &row->attack));
	return forget_oldest(db, row->account);
}

enum err attack_update(struct db *db, struct arena *mem, int64_t number, enum attack_kind kind,
	const struct attack *attack)
{
	const char *parts = attack_parts_format(mem, kind, attack->part);

	if (!parts)
		return ERR_MEMORY;
	return db_run(db,
		"UPDATE attack SET begin_ms = $2, mitigated_ms = $3, last_ms = $4, end_ms = $5,"
		" in_packets = $6, in_bytes = $7, refused_packets = $8, refused_bytes = $9,"
		" peak_in_packets = $10, peak_in_bytes = $11, peak_refused_packets = $12,"
		" peak_refused_bytes = $13, parts = $14 WHERE number = $1",
		(const struct value[]){ V_INT(number), V_INT(attack->begin_ms),
			V_INT(attack->mitigated_ms), V_INT(attack->last_ms), V_INT(attack->end_ms),
			counted(attack->in.packets), counted(attack->in.bytes),
			counted(attack->refused.packets), counted(attack->refused.bytes),
			counted(attack->peak_in.packets), counted(attack->peak_in.bytes),
			counted(attack->peak_refused.packets), counted(attack->peak_refused.bytes),
			V_TEXT(parts) },
		14, NULL);
}

/* ---- reading */

static struct counter counter_columns(const struct cursor *cursor, int first)
{
	return (struct counter){ (uint64_t)db_int(cursor, first),
		(uint64_t)db_int(cursor, first + 1) };
}

static void read_row(struct cursor *cursor, struct arena *mem, struct attack_row *row)
{
	const char *id = text_column(cursor, 4, mem);
	size_t length = strnlen(id, INSTANCE_ID_SIZE - 1);

	*row = (struct attack_row){
		.number = db_int(cursor, 0),
		.account = db_int(cursor, 1),
		.kind = (enum attack_kind)db_int(cursor, 2),
		.subject = db_int(cursor, 3),
		.product = (enum product)db_int(cursor, 5),
		.domain = text_column(cursor, 7, mem),
		.attack = { .begin_ms = db_int(cursor, 8),
			.mitigated_ms = db_int(cursor, 9),
			.last_ms = db_int(cursor, 10),
			.end_ms = db_int(cursor, 11),
			.in = counter_columns(cursor, 12),
			.refused = counter_columns(cursor, 14),
			.peak_in = counter_columns(cursor, 16),
			.peak_refused = counter_columns(cursor, 18) },
	};
	memcpy(row->instance_id, id, length);
	address_column(cursor, 6, row->vip);
	attack_parts_read(row->kind, text_column(cursor, 20, mem), row->attack.part);
}

static enum err read_rows(
	struct cursor *cursor, struct arena *mem, struct attack_row **out, size_t *count)
{
	struct attack_row *rows = NULL, *room;
	size_t used = 0, capacity = 0;

	while (db_next(cursor)) {
		room = rows_room(mem, rows, used, &capacity, sizeof(*rows));
		if (!room) {
			cursor->err = ERR_MEMORY;
			break;
		}
		rows = room;
		read_row(cursor, mem, &rows[used++]);
	}
	db_done(cursor);
	TRY(cursor->err);
	*out = rows;
	*count = used;
	return OK;
}

enum err attack_open_list(
	struct db *db, struct arena *mem, int64_t limit, struct attack_row **out, size_t *count)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " COLUMNS " FROM attack WHERE end_ms = 0 ORDER BY number LIMIT $1",
		(const struct value[]){ V_INT(limit) }, 1, &cursor));
	return read_rows(&cursor, mem, out, count);
}

enum err attack_load(struct db *db, struct arena *mem, int64_t number, struct attack_row *out)
{
	struct attack_row *row;
	struct cursor cursor;
	size_t count;

	TRY(db_select(db, "SELECT " COLUMNS " FROM attack WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	TRY(read_rows(&cursor, mem, &row, &count));
	if (count == 0)
		return ERR_NOT_FOUND;
	*out = row[0];
	return OK;
}

enum err attack_open_number(struct db *db, enum attack_kind kind, int64_t subject, int64_t *out)
{
	return select_int(db,
		"SELECT number FROM attack WHERE end_ms = 0 AND kind = $1 AND subject = $2",
		(const struct value[]){ V_INT(kind), V_INT(subject) }, 2, out);
}

/* An attack that goes on touches all times from its begin on. */
static void add_where(struct query *query, const struct attack_filter *filter)
{
	QUERY_TEXT(query, " FROM attack WHERE 1 = 1");
	if (filter->account != 0)
		QUERY_ADD(query, " AND account = ?", V_INT(filter->account));
	if (filter->to_ms != 0)
		QUERY_ADD(query, " AND begin_ms <= ? AND (end_ms >= ? OR end_ms = 0)",
			V_INT(filter->to_ms), V_INT(filter->from_ms));
	if (filter->vip)
		QUERY_ADD(query, " AND vip = ?", V_BLOB(filter->vip, 16));
	if (filter->domain)
		QUERY_ADD(query, " AND domain = ?", V_TEXT(filter->domain));
	if (filter->open)
		QUERY_TEXT(query, " AND end_ms = 0");
	if (filter->kinds != 0)
		QUERY_ADD(query, " AND (1 << kind) & ? <> 0", V_INT(filter->kinds));
	if (filter->id_count)
		query_in(query, " AND instance_id", filter->ids, filter->id_count);
	if (filter->allowed_count)
		query_in(query, " AND instance_id", filter->allowed, filter->allowed_count);
}

enum err attack_list(struct db *db, struct arena *mem, const struct attack_filter *filter,
	struct attack_row **out, size_t *count, int64_t *total)
{
	struct cursor cursor;
	struct query query;

	if (total) {
		query_init(&query, mem);
		QUERY_TEXT(&query, "SELECT count(*)");
		add_where(&query, filter);
		TRY(query_int(&query, db, total));
	}
	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT " COLUMNS);
	add_where(&query, filter);
	QUERY_ADD(&query, " ORDER BY begin_ms DESC, number DESC LIMIT ? OFFSET ?",
		V_INT(filter->limit), V_INT(filter->offset));
	TRY(query_select(&query, db, &cursor));
	return read_rows(&cursor, mem, out, count);
}

enum err attack_peak(
	struct db *db, struct arena *mem, const struct attack_filter *filter, struct counter *out)
{
	struct cursor cursor;
	struct query query;

	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT max(peak_refused_packets), max(peak_refused_bytes)");
	add_where(&query, filter);
	TRY(query_select(&query, db, &cursor));
	*out = (struct counter){ 0, 0 };
	if (db_next(&cursor))
		*out = counter_columns(&cursor, 0);
	db_done(&cursor);
	return cursor.err;
}

enum err attack_prune(struct db *db, int64_t before_ms)
{
	return db_run(db, "DELETE FROM attack WHERE end_ms > 0 AND end_ms < $1",
		(const struct value[]){ V_INT(before_ms) }, 1, NULL);
}

/* ---- who attacked */

enum err attack_top_write(struct db *db, struct arena *mem, int64_t number, enum attack_kind kind,
	const struct attack_top *top)
{
	const char *places = attack_top_format(mem, kind, top);

	if (!places)
		return ERR_MEMORY;
	return db_run(db,
		"INSERT INTO attack_top (attack, places) VALUES ($1, $2)"
		" ON CONFLICT (attack) DO UPDATE SET places = excluded.places",
		(const struct value[]){ V_INT(number), V_TEXT(places) }, 2, NULL);
}

enum err attack_top_load(struct db *db, struct arena *mem, int64_t number, enum attack_kind kind,
	struct attack_top *out)
{
	struct cursor cursor;

	memset(out, 0, sizeof(*out));
	TRY(db_select(db, "SELECT places FROM attack_top WHERE attack = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	if (db_next(&cursor))
		attack_top_read(kind, text_column(&cursor, 0, mem), out);
	db_done(&cursor);
	return cursor.err;
}
