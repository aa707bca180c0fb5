/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit log. The hash of a row is SHA-256 over the hash of the row before it (32 zero bytes for
 * the first) and then every field as 8 bytes of length, big endian, and its bytes; numbers are
 * decimal text. A row that is edited, removed from the middle or moved breaks the chain after it; a
 * cut tail is seen because the newest sequence and hash also stand in audit_head, written in the
 * same transaction.
 *
 * Not seen: someone who can write the whole database and recomputes the chain from his edit on.
 * Keep the newest hash elsewhere to notice that too.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/signature.h"
#include "control/store/query.h"
#include "control/store/store.h"

#define HASH_SIZE 32
/* One row: request parameters are bounded by the gateway's body. */
#define ROW_BYTES_MAX ((size_t)4 << 20)

struct head {
	int64_t sequence;
	uint8_t hash[HASH_SIZE];
};

static void add_field(struct text *text, const char *data, size_t length)
{
	char prefix[8];

	for (int i = 0; i < 8; i++)
		prefix[i] = (char)((uint64_t)length >> (56 - 8 * i));
	text_add_n(text, prefix, sizeof(prefix));
	text_add_n(text, data, length);
}

static void add_string(struct text *text, const char *string)
{
	add_field(text, string, strlen(string));
}

static void add_number(struct text *text, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
	add_string(text, digits);
}

static enum err hash_row(struct arena *mem, const uint8_t previous[HASH_SIZE],
	const struct audit_row *row, uint8_t out[HASH_SIZE])
{
	struct text text;

	text_init(&text, mem, ROW_BYTES_MAX);
	text_add_n(&text, (const char *)previous, HASH_SIZE);
	add_number(&text, row->sequence);
	add_number(&text, row->time_ms);
	add_number(&text, row->account);
	add_string(&text, row->actor);
	add_string(&text, row->request_id);
	add_string(&text, row->action);
	add_string(&text, row->object);
	add_string(&text, row->detail);
	if (text.failed)
		return ERR_MEMORY;
	sha256(text.data, text.length, out);
	return OK;
}

static enum err head_load(struct db *db, struct head *out)
{
	struct cursor cursor;

	*out = (struct head){ 0 };
	TRY(db_select(db, "SELECT sequence, hash FROM audit_head WHERE one = 1", NULL, 0, &cursor));
	if (db_next(&cursor)) {
		out->sequence = db_int(&cursor, 0);
		(void)db_bytes(&cursor, 1, out->hash, sizeof(out->hash));
	}
	db_done(&cursor);
	return cursor.err;
}

static enum err append(struct db *db, struct arena *mem, struct audit_row *row)
{
	struct head head;
	uint8_t hash[HASH_SIZE];

	TRY(head_load(db, &head));
	row->sequence = head.sequence + 1;
	TRY(hash_row(mem, head.hash, row, hash));
	TRY(db_run(db,
		"INSERT INTO audit (sequence, time_ms, account, actor, request_id, action, object,"
		" detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		(const struct value[]){ V_INT(row->sequence), V_INT(row->time_ms),
			V_INT(row->account), V_TEXT(row->actor), V_TEXT(row->request_id),
			V_TEXT(row->action), V_TEXT(row->object), V_TEXT(row->detail),
			V_BLOB(hash, HASH_SIZE) },
		9, NULL));
	return db_run(db,
		"INSERT INTO audit_head (one, sequence, hash) VALUES (1, $1, $2)"
		" ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence, hash = "
		"excluded.hash",
		(const struct value[]){ V_INT(row->sequence), V_BLOB(hash, HASH_SIZE) }, 2, NULL);
}

enum err audit_append(struct db *db, const struct audit_row *row)
{
	struct audit_row made = *row;
	struct arena *mem = arena_new(4 * ROW_BYTES_MAX);

	if (!mem)
		return ERR_MEMORY;
	made.actor = made.actor ? made.actor : "";
	made.request_id = made.request_id ? made.request_id : "";
	made.object = made.object ? made.object : "";
	made.detail = made.detail ? made.detail : "";

	enum err err = append(db, mem, &made);

	arena_free(mem);
	return err;
}

/* ---- reading */

#define AUDIT_COLUMNS "sequence, time_ms, account, actor, request_id, action, object, detail"

static void audit_read(struct cursor *cursor, struct arena *mem, struct audit_row *out)
{
	*out = (struct audit_row){
		.sequence = db_int(cursor, 0),
		.time_ms = db_int(cursor, 1),
		.account = db_int(cursor, 2),
		.actor = text_column(cursor, 3, mem),
		.request_id = text_column(cursor, 4, mem),
		.action = text_column(cursor, 5, mem),
		.object = text_column(cursor, 6, mem),
		.detail = text_column(cursor, 7, mem),
	};
}

static void add_where(struct query *query, const struct audit_filter *filter)
{
	QUERY_TEXT(query, " FROM audit WHERE 1 = 1");
	if (filter->account != 0)
		QUERY_ADD(query, " AND account = ?", V_INT(filter->account));
	if (filter->object)
		QUERY_ADD(query, " AND object = ?", V_TEXT(filter->object));
	if (filter->from_ms != 0)
		QUERY_ADD(query, " AND time_ms >= ?", V_INT(filter->from_ms));
	if (filter->to_ms != 0)
		QUERY_ADD(query, " AND time_ms <= ?", V_INT(filter->to_ms));
	query_in(query, " AND action", filter->actions, filter->action_count);
}

enum err audit_list(struct db *db, struct arena *mem, const struct audit_filter *filter,
	struct audit_row **out, size_t *count, int64_t *total)
{
	struct rows rows = { 0 };
	struct audit_row *row;
	struct cursor cursor;
	struct query query;

	if (total) {
		query_init(&query, mem);
		QUERY_TEXT(&query, "SELECT count(*)");
		add_where(&query, filter);
		TRY(query_int(&query, db, total));
	}
	query_init(&query, mem);
	if (filter->detail_max > 0)
		QUERY_ADD(&query,
			"SELECT sequence, time_ms, account, actor, request_id, action, object,"
			" CASE WHEN length(detail) <= ? THEN detail"
			" ELSE '{\"omitted\":' || length(detail) || '}' END",
			V_INT(filter->detail_max));
	else
		QUERY_TEXT(&query, "SELECT " AUDIT_COLUMNS);
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY sequence DESC");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
	TRY(query_select(&query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		audit_read(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

/* ---- verifying */

struct walk {
	struct head last;
	int64_t count;
	bool ok;
};

/* One row after walk->last; mem is scratch. */
static enum err walk_row(struct walk *walk, struct cursor *cursor, struct arena *mem)
{
	uint8_t expected[HASH_SIZE], stored[HASH_SIZE];
	struct audit_row row;

	audit_read(cursor, mem, &row);
	TRY(cursor->err);
	TRY(hash_row(mem, walk->last.hash, &row, expected));
	walk->ok = row.sequence == walk->last.sequence + 1 &&
		   db_bytes(cursor, 8, stored, sizeof(stored)) == sizeof(stored) &&
		   memcmp(stored, expected, sizeof(stored)) == 0;
	if (!walk->ok)
		return OK;
	walk->last.sequence = row.sequence;
	memcpy(walk->last.hash, expected, HASH_SIZE);
	walk->count++;
	return OK;
}

static enum err walk_all(struct db *db, struct walk *walk)
{
	struct arena *mem = arena_new(4 * ROW_BYTES_MAX);
	struct cursor cursor;
	enum err err;

	if (!mem)
		return ERR_MEMORY;
	err = db_select(db, "SELECT " AUDIT_COLUMNS ", hash FROM audit ORDER BY sequence", NULL, 0,
		&cursor);
	while (err == OK && walk->ok && db_next(&cursor)) {
		err = walk_row(walk, &cursor, mem);
		arena_reset(mem);
	}
	db_done(&cursor);
	arena_free(mem);
	TRY(err);
	return cursor.err;
}

enum err audit_verify(struct db *db, bool *ok, int64_t *count, int64_t *broken)
{
	struct walk walk = { .ok = true };
	struct head head;

	TRY(head_load(db, &head));
	TRY(walk_all(db, &walk));
	/* The chain must end where the head says: not before (a cut tail) and not after. */
	if (walk.ok && (head.sequence != walk.last.sequence ||
			       memcmp(head.hash, walk.last.hash, HASH_SIZE) != 0))
		walk.ok = false;
	*ok = walk.ok;
	*count = walk.count;
	*broken = walk.ok ? 0 : walk.last.sequence + 1;
	return OK;
}
