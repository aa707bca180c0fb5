/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts and access keys. Secret and token are sealed with the key's id as context, so that a row
 * of another key put in its place does not open.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/store/query.h"
#include "control/store/store.h"
#include "control/store/vault.h"

static const char *const permission_names[PERMISSION_COUNT] = {
	[PERMISSION_READ] = "read-only",
	[PERMISSION_FULL] = "full",
	[PERMISSION_OPERATOR] = "operator",
};

/* Sealing one key: its secret, its token, their contexts. */
#define SEAL_BYTES_MAX 65536

const char *permission_name(enum permission permission)
{
	assert(permission < PERMISSION_COUNT);
	return permission_names[permission];
}

bool permission_from_name(const char *name, enum permission *out)
{
	for (int i = 0; i < PERMISSION_COUNT; i++) {
		if (strcmp(permission_names[i], name) != 0)
			continue;
		*out = (enum permission)i;
		return true;
	}
	return false;
}

enum err account_insert(struct db *db, const char *name, int64_t now_ms, int64_t *out)
{
	return select_int(db,
		"INSERT INTO account (name, create_ms) VALUES ($1, $2) RETURNING number",
		(const struct value[]){ V_TEXT(name), V_INT(now_ms) }, 2, out);
}

enum err account_exists(struct db *db, int64_t account, bool *out)
{
	int64_t count;

	TRY(select_int(db, "SELECT count(*) FROM account WHERE number = $1",
		(const struct value[]){ V_INT(account) }, 1, &count));
	*out = count > 0;
	return OK;
}

enum err account_name(struct db *db, struct arena *mem, int64_t account, const char **out)
{
	const char *name = NULL;
	struct cursor cursor;

	TRY(db_select(db, "SELECT name FROM account WHERE number = $1",
		(const struct value[]){ V_INT(account) }, 1, &cursor));
	if (db_next(&cursor))
		name = text_column(&cursor, 0, mem);
	db_done(&cursor);
	TRY(cursor.err);
	if (!name)
		return ERR_ACCOUNT_NOT_FOUND;
	*out = name;
	return OK;
}

enum err account_list(struct db *db, struct arena *mem, int64_t offset, int64_t limit,
	struct account **out, size_t *count, int64_t *total)
{
	struct rows rows = { 0 };
	struct account *row;
	struct cursor cursor;

	TRY(select_int(db, "SELECT count(*) FROM account", NULL, 0, total));
	TRY(db_select(db,
		"SELECT a.number, a.create_ms, a.name,"
		" (SELECT coalesce(sum(instances), 0) FROM instance_count c WHERE c.account = "
		"a.number),"
		" (SELECT count(*) FROM access_key k WHERE k.account = a.number AND k.token IS "
		"NULL),"
		" (SELECT count(*) FROM login_user u WHERE u.account = a.number)"
		" FROM account a ORDER BY a.number LIMIT $1 OFFSET $2",
		(const struct value[]){ V_INT(limit), V_INT(offset) }, 2, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		*row = (struct account){ .number = db_int(&cursor, 0),
			.create_ms = db_int(&cursor, 1),
			.name = text_column(&cursor, 2, mem),
			.instances = db_int(&cursor, 3),
			.keys = db_int(&cursor, 4),
			.users = db_int(&cursor, 5) };
	db_done(&cursor);
	*out = rows.row;
	*count = rows.count;
	return cursor.err;
}

/* ---- writing */

static enum err seal(const struct vault *vault, struct arena *mem, const char *what, const char *id,
	const char *secret, struct value *out)
{
	const char *context = arena_print(mem, "%s:%s", what, id);
	uint8_t *sealed;
	size_t size;

	if (!context)
		return ERR_MEMORY;
	*out = V_NULL;
	if (!secret)
		return OK;
	TRY(vault_seal(vault, mem, context, secret, strlen(secret), &sealed, &size));
	*out = V_BLOB(sealed, size);
	return OK;
}

static enum err insert_sealed(
	struct db *db, const struct vault *vault, struct arena *mem, const struct access_key *key)
{
	struct value secret, token;

	TRY(seal(vault, mem, "access_key", key->id, key->secret, &secret));
	TRY(seal(vault, mem, "security_token", key->id, key->token, &token));
	TRY(db_run(db,
		"INSERT INTO access_key (id, account, permission, active, secret, token,"
		" expires_ms, create_ms, remark, parent, until_ms, manages)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		(const struct value[]){ V_TEXT(key->id), V_INT(key->account),
			V_INT(key->permission), V_INT(key->active), secret, token,
			V_INT(key->expires_ms), V_INT(key->create_ms),
			V_TEXT(key->remark ? key->remark : ""),
			V_TEXT(key->parent ? key->parent : ""), V_INT(key->until_ms),
			V_INT(key->manages) },
		12, NULL));
	for (size_t i = 0; i < key->instance_count; i++)
		TRY(db_run(db,
			"INSERT INTO access_key_instance (key_id, position, instance_id)"
			" VALUES ($1, $2, $3)",
			(const struct value[]){
				V_TEXT(key->id), V_INT((int64_t)i), V_TEXT(key->instance[i]) },
			3, NULL));
	return OK;
}

enum err access_key_insert(struct db *db, const struct vault *vault, const struct access_key *key)
{
	assert(key->secret);
	if (key->instance_count > KEY_INSTANCE_MAX)
		return ERR_LIMIT;

	struct arena *mem = arena_new(SEAL_BYTES_MAX);
	enum err err = mem ? insert_sealed(db, vault, mem, key) : ERR_MEMORY;

	arena_free(mem);
	return err;
}

#define TOKENS_TO_END                                                                              \
	"SELECT id FROM access_key WHERE parent <> '' AND parent = $1"                             \
	" ORDER BY create_ms DESC, id LIMIT 1000000 OFFSET $2"

enum err access_key_end_tokens(struct db *db, const char *parent, int64_t keep)
{
	const struct value key[] = { V_TEXT(parent), V_INT(keep) };

	TRY(db_run(db, "DELETE FROM access_key_instance WHERE key_id IN (" TOKENS_TO_END ")", key,
		2, NULL));
	return db_run(db, "DELETE FROM access_key WHERE id IN (" TOKENS_TO_END ")", key, 2, NULL);
}

/* Whoever has a stolen key has made tokens with it: they are gone for good. */
static enum err delete_tokens(struct db *db, const char *parent)
{
	return access_key_end_tokens(db, parent, 0);
}

enum err access_key_extend(struct db *db, const char *id, int64_t expires_ms)
{
	return db_run(db, "UPDATE access_key SET expires_ms = $2 WHERE id = $1",
		(const struct value[]){ V_TEXT(id), V_INT(expires_ms) }, 2, NULL);
}

enum err access_key_set_active(struct db *db, const char *id, bool active)
{
	int64_t changed;

	if (!active)
		TRY(delete_tokens(db, id));

	TRY(db_run(db, "UPDATE access_key SET active = $2 WHERE id = $1",
		(const struct value[]){ V_TEXT(id), V_INT(active) }, 2, &changed));
	return changed ? OK : ERR_ACCESS_KEY_NOT_FOUND;
}

enum err access_key_delete(struct db *db, const char *id)
{
	const struct value key[] = { V_TEXT(id) };
	int64_t changed;

	TRY(delete_tokens(db, id));
	TRY(db_run(db, "DELETE FROM access_key_instance WHERE key_id = $1", key, 1, NULL));
	TRY(db_run(db, "DELETE FROM access_key WHERE id = $1", key, 1, &changed));
	return changed ? OK : ERR_ACCESS_KEY_NOT_FOUND;
}

enum err access_key_prune(struct db *db, int64_t clock_ms)
{
	const struct value now[] = { V_INT(clock_ms) };

	TRY(db_run(db,
		"DELETE FROM access_key_instance WHERE key_id IN (SELECT id FROM access_key"
		" WHERE token IS NOT NULL AND expires_ms <= $1)",
		now, 1, NULL));
	return db_run(db, "DELETE FROM access_key WHERE token IS NOT NULL AND expires_ms <= $1",
		now, 1, NULL);
}

/* ---- reading */

enum err access_key_count(struct db *db, int64_t account, int64_t *out)
{
	return select_int(db,
		"SELECT count(*) FROM access_key WHERE ($1 = 0 OR account = $1) AND token IS NULL",
		(const struct value[]){ V_INT(account) }, 1, out);
}

enum err access_key_token_count(struct db *db, const char *parent, int64_t clock_ms, int64_t *out)
{
	return select_int(db,
		"SELECT count(*) FROM access_key WHERE parent <> '' AND parent = $1"
		" AND expires_ms > $2",
		(const struct value[]){ V_TEXT(parent), V_INT(clock_ms) }, 2, out);
}

#define KEY_COLUMNS                                                                                \
	"id, account, permission, active, expires_ms, create_ms, remark, parent, until_ms, "       \
	"manages"
#define KEY_COLUMN_COUNT 10

static enum err key_row(struct cursor *cursor, struct arena *mem, struct access_key *out)
{
	const char *id = text_column(cursor, 0, mem);

	if (strlen(id) >= sizeof(out->id))
		return fail(ERR_STORE, "access key id is too long");
	*out = (struct access_key){
		.account = db_int(cursor, 1),
		.permission = (enum permission)db_int(cursor, 2),
		.active = db_int(cursor, 3) != 0,
		.expires_ms = db_int(cursor, 4),
		.create_ms = db_int(cursor, 5),
		.remark = text_column(cursor, 6, mem),
		.parent = text_column(cursor, 7, mem),
		.until_ms = db_int(cursor, 8),
		.manages = db_int(cursor, 9) != 0,
	};
	memcpy(out->id, id, strlen(id) + 1);
	if (out->permission >= PERMISSION_COUNT)
		return fail(ERR_STORE, "access key %s has an unknown permission", out->id);
	return cursor->err;
}

static enum err load_instances(struct db *db, struct arena *mem, struct access_key *key)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT instance_id FROM access_key_instance WHERE key_id = $1"
		" ORDER BY position LIMIT $2",
		(const struct value[]){ V_TEXT(key->id), V_INT(KEY_INSTANCE_MAX) }, 2, &cursor));
	return texts_read(&cursor, mem, &key->instance, &key->instance_count);
}

struct sealed {
	const void *data; /* NULL: none */
	size_t size;
};

static enum err open_sealed(const struct vault *vault, struct arena *mem, const char *what,
	const char *id, const struct sealed *sealed, const char **out)
{
	const char *context = arena_print(mem, "%s:%s", what, id);
	uint8_t *secret;
	size_t size;

	if (!context)
		return ERR_MEMORY;
	*out = NULL;
	if (!sealed->data)
		return OK;
	TRY(vault_open_secret(vault, mem, context, sealed->data, sealed->size, &secret, &size));
	*out = (const char *)secret;
	return OK;
}

enum err access_key_load(struct db *db, const struct vault *vault, struct arena *mem,
	const char *id, struct access_key *out)
{
	struct sealed secret = { 0 }, token = { 0 };
	struct access_key key;
	struct cursor cursor;
	enum err err = ERR_ACCESS_KEY_NOT_FOUND;

	TRY(db_select(db, "SELECT " KEY_COLUMNS ", secret, token FROM access_key WHERE id = $1",
		(const struct value[]){ V_TEXT(id) }, 1, &cursor));
	if (db_next(&cursor)) {
		err = key_row(&cursor, mem, &key);
		secret.data = db_blob(&cursor, KEY_COLUMN_COUNT, mem, &secret.size);
		token.data = db_blob(&cursor, KEY_COLUMN_COUNT + 1, mem, &token.size);
		if (!secret.data || (!token.data && !db_is_null(&cursor, KEY_COLUMN_COUNT + 1)))
			err = ERR_MEMORY;
	}
	db_done(&cursor);
	TRY(cursor.err);
	TRY(err);
	TRY(open_sealed(vault, mem, "access_key", key.id, &secret, &key.secret));
	TRY(open_sealed(vault, mem, "security_token", key.id, &token, &key.token));
	TRY(load_instances(db, mem, &key));
	*out = key;
	return OK;
}

enum err access_key_list(
	struct db *db, struct arena *mem, int64_t account, struct access_key **out, size_t *count)
{
	struct rows rows = { 0 };
	struct access_key *row;
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " KEY_COLUMNS " FROM access_key WHERE $1 = 0 OR account = $1 ORDER BY id",
		(const struct value[]){ V_INT(account) }, 1, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		cursor.err = key_row(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	row = rows.row;
	for (size_t i = 0; i < rows.count; i++)
		TRY(load_instances(db, mem, &row[i]));
	*out = rows.row;
	*count = rows.count;
	return OK;
}
