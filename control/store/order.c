/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shop's ledger. A client token is unique per account, so that of two equal orders the second
 * finds the first instead of being carried out again.
 */
#include "control/store/query.h"
#include "control/store/store.h"

enum err order_insert(struct db *db, int64_t account, const char *kind, const char *instance_id,
	const char *client_token, int64_t now_ms, int64_t *out_order)
{
	return select_int(db,
		"INSERT INTO ledger (account, kind, instance_id, client_token, create_ms)"
		" VALUES ($1, $2, $3, $4, $5) RETURNING number",
		(const struct value[]){ V_INT(account), V_TEXT(kind), V_TEXT(instance_id),
			V_TEXT(client_token), V_INT(now_ms) },
		5, out_order);
}

enum err order_by_token(struct db *db, struct arena *mem, int64_t account, const char *client_token,
	int64_t *out_order, const char **out_instance_id)
{
	struct cursor cursor;
	const char *id = NULL;
	int64_t number = 0;

	TRY(db_select(db,
		"SELECT number, instance_id FROM ledger WHERE account = $1 AND client_token = $2",
		(const struct value[]){ V_INT(account), V_TEXT(client_token) }, 2, &cursor));
	if (db_next(&cursor)) {
		number = db_int(&cursor, 0);
		id = text_column(&cursor, 1, mem);
	}
	db_done(&cursor);
	TRY(cursor.err);
	if (!id)
		return ERR_NOT_FOUND;
	*out_order = number;
	*out_instance_id = id;
	return OK;
}

enum err order_set_request(struct db *db, int64_t order, const char *request)
{
	return db_run(db, "UPDATE ledger SET request = $2 WHERE number = $1",
		(const struct value[]){ V_INT(order), V_TEXT(request) }, 2, NULL);
}

enum err order_request(struct db *db, struct arena *mem, int64_t order, const char **out)
{
	struct cursor cursor;
	const char *request = NULL;

	TRY(db_select(db, "SELECT request FROM ledger WHERE number = $1",
		(const struct value[]){ V_INT(order) }, 1, &cursor));
	if (db_next(&cursor))
		request = text_column(&cursor, 0, mem);
	db_done(&cursor);
	TRY(cursor.err);
	if (!request)
		return ERR_NOT_FOUND;
	*out = request;
	return OK;
}
