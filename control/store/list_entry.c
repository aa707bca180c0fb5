/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of allow- and block-lists. Nodes let an entry end by its own time; pruning only removes
 * the rows, later and in small pieces. The text form is kept beside the bytes, since keywords
 * search it.
 */
#include "control/store/query.h"
#include "control/store/store.h"

/* One delete statement of an emptied or pruned list at most. */
#define NUMBERS_MAX 4096

static enum err record(struct db *db, int64_t number)
{
	int64_t generation;

	return change_record(db, RECORD_LIST, number, &generation);
}

/* ---- adding */

struct known {
	int64_t number; /* 0: none */
	int64_t until_ms;
	bool automatic;
};

static enum err find(struct db *db, const struct list_entry_row *entry, struct known *out)
{
	struct cursor cursor;

	*out = (struct known){ 0 };
	TRY(db_select(db,
		"SELECT number, until_ms, automatic FROM list_entry WHERE instance_number = $1"
		" AND kind = $2 AND source = $3 AND prefix_bits = $4",
		(const struct value[]){ V_INT(entry->instance_number), V_INT(entry->kind),
			V_BLOB(entry->source, 16), V_INT(entry->prefix_bits) },
		4, &cursor));
	if (db_next(&cursor))
		*out = (struct known){
			.number = db_int(&cursor, 0),
			.until_ms = db_int(&cursor, 1),
			.automatic = db_int(&cursor, 2) != 0,
		};
	db_done(&cursor);
	return cursor.err;
}

/* A longer time wins, and what a person asked for is no more automatic. */
static enum err extend(struct db *db, const struct known *known, const struct list_entry_row *entry)
{
	int64_t until_ms = entry->until_ms > known->until_ms ? entry->until_ms : known->until_ms;
	bool automatic = known->automatic && entry->automatic;

	if (until_ms == known->until_ms && automatic == known->automatic)
		return OK;
	TRY(db_run(db,
		"UPDATE list_entry SET until_ms = $2, automatic = $3, since_ms = $4, actor = $5,"
		" mitigation = $6 WHERE number = $1",
		(const struct value[]){ V_INT(known->number), V_INT(until_ms), V_INT(automatic),
			V_INT(entry->since_ms), V_TEXT(entry->actor ? entry->actor : ""),
			V_TEXT(entry->mitigation ? entry->mitigation : "") },
		6, NULL));
	return until_ms == known->until_ms ? OK : record(db, known->number);
}

enum err list_entry_put(struct db *db, const struct list_entry_row *entry)
{
	char text[PREFIX_TEXT_SIZE];
	struct known known;
	int64_t number;

	TRY(find(db, entry, &known));
	if (known.number != 0)
		return extend(db, &known, entry);
	prefix_format(entry->source, entry->prefix_bits, text);
	TRY(select_int(db,
		"INSERT INTO list_entry (instance_number, kind, source, prefix_bits, source_text,"
		" until_ms, automatic, since_ms, actor, mitigation)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING number",
		(const struct value[]){ V_INT(entry->instance_number), V_INT(entry->kind),
			V_BLOB(entry->source, 16), V_INT(entry->prefix_bits), V_TEXT(text),
			V_INT(entry->until_ms), V_INT(entry->automatic), V_INT(entry->since_ms),
			V_TEXT(entry->actor ? entry->actor : ""),
			V_TEXT(entry->mitigation ? entry->mitigation : "") },
		10, &number));
	return record(db, number);
}

/* ---- removing */

static enum err delete_number(struct db *db, int64_t number)
{
	TRY(db_run(db, "DELETE FROM list_entry WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, NULL));
	return record(db, number);
}

/* Deletes what the select names, up to NUMBERS_MAX; count tells how many. */
static enum err delete_selected(struct db *db, const char *sql, const struct value *values,
	size_t value_count, size_t *count)
{
	int64_t number[NUMBERS_MAX];
	struct cursor cursor;

	*count = 0;
	TRY(db_select(db, sql, values, value_count, &cursor));
	while (*count < NUMBERS_MAX && db_next(&cursor))
		number[(*count)++] = db_int(&cursor, 0);
	db_done(&cursor);
	TRY(cursor.err);
	for (size_t i = 0; i < *count; i++)
		TRY(delete_number(db, number[i]));
	return OK;
}

enum err list_entry_delete(
	struct db *db, const struct list_entry_row *entry, int automatic, bool *changed)
{
	size_t count;

	TRY(delete_selected(db,
		"SELECT number FROM list_entry WHERE instance_number = $1 AND kind = $2"
		" AND source = $3 AND prefix_bits = $4 AND ($5 < 0 OR automatic = $5)",
		(const struct value[]){ V_INT(entry->instance_number), V_INT(entry->kind),
			V_BLOB(entry->source, 16), V_INT(entry->prefix_bits), V_INT(automatic) },
		5, &count));
	*changed = count > 0;
	return OK;
}

enum err list_entry_evict(struct db *db, int64_t instance_number, int64_t clock_ms, int64_t keep)
{
	size_t count;

	return delete_selected(db,
		"SELECT number FROM list_entry WHERE instance_number = $1 AND kind = $2"
		" AND automatic = 1 AND until_ms > $3 ORDER BY until_ms DESC, number DESC"
		" LIMIT -1 OFFSET $4",
		(const struct value[]){
			V_INT(instance_number), V_INT(LIST_BLOCK), V_INT(clock_ms), V_INT(keep) },
		4, &count);
}

enum err list_entry_empty(struct db *db, int64_t instance_number, enum list_kind kind)
{
	size_t count;

	do
		TRY(delete_selected(db,
			"SELECT number FROM list_entry WHERE instance_number = $1 AND kind = $2",
			(const struct value[]){ V_INT(instance_number), V_INT(kind) }, 2, &count));
	while (count == NUMBERS_MAX);
	return OK;
}

enum err list_entry_prune(struct db *db, int64_t clock_ms, int64_t limit)
{
	size_t count;

	return delete_selected(db,
		"SELECT number FROM list_entry WHERE until_ms <= $1 ORDER BY until_ms LIMIT $2",
		(const struct value[]){ V_INT(clock_ms), V_INT(limit) }, 2, &count);
}

/* ---- listing */

static void add_where(struct query *query, const struct list_entry_filter *filter)
{
	QUERY_ADD(query, " FROM list_entry WHERE instance_number = ? AND kind = ? AND until_ms > ?",
		V_INT(filter->instance_number), V_INT(filter->kind), V_INT(filter->clock_ms));
	if (filter->automatic >= 0)
		QUERY_ADD(query, " AND automatic = ?", V_INT(filter->automatic));
	if (filter->keyword)
		QUERY_ADD(query, " AND substr(source_text, 1, length(?)) = ?",
			V_TEXT(filter->keyword), V_TEXT(filter->keyword));
}

static void entry_row(struct cursor *cursor, struct arena *mem, struct list_entry_row *out)
{
	*out = (struct list_entry_row){
		.number = db_int(cursor, 0),
		.instance_number = db_int(cursor, 1),
		.kind = (enum list_kind)db_int(cursor, 2),
		.prefix_bits = (unsigned)db_int(cursor, 4),
		.until_ms = db_int(cursor, 5),
		.automatic = db_int(cursor, 6) != 0,
		.since_ms = db_int(cursor, 7),
		.actor = text_column(cursor, 8, mem),
		.mitigation = text_column(cursor, 9, mem),
	};
	address_column(cursor, 3, out->source);
}

enum err list_entry_list(struct db *db, struct arena *mem, const struct list_entry_filter *filter,
	struct list_entry_row **out, size_t *count, int64_t *total)
{
	struct rows rows = { 0 };
	struct list_entry_row *row;
	struct cursor cursor;
	struct query query;

	if (total) {
		query_init(&query, mem);
		QUERY_TEXT(&query, "SELECT count(*)");
		add_where(&query, filter);
		TRY(query_int(&query, db, total));
	}
	query_init(&query, mem);
	QUERY_TEXT(&query,
		"SELECT number, instance_number, kind, source, prefix_bits, until_ms, automatic,"
		" since_ms, actor, mitigation");
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY number");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
	TRY(query_select(&query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		entry_row(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}
