/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users. A password's record is sealed with the user's name as context, so that one user's record put into another's
 * row does not open.
 */
#include "control/store/user.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "control/store/query.h"
#include "control/store/vault.h"

/* Names are ASCII: see user.c of the actions. */
static const char *name_key(struct arena *mem, const char *name)
{
	char *key = arena_copy(mem, name);

	for (char *c = key; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return key;
}

const char *user_parent(struct arena *mem, const char *name)
{
	return arena_print(mem, USER_PARENT "%s", name);
}

const char *user_of_parent(const char *parent)
{
	if (!parent || strncmp(parent, USER_PARENT, strlen(USER_PARENT)) != 0)
		return NULL;
	return parent + strlen(USER_PARENT);
}

/* ---- writing */

static enum err seal(const struct vault *vault, struct arena *mem, const char *name,
	const char *password, struct value *out)
{
	const char *key = name_key(mem, name);
	const char *context = key ? arena_print(mem, "login_user:%s", key) : NULL;
	uint8_t *sealed;
	size_t size;

	if (!context)
		return ERR_MEMORY;
	TRY(vault_seal(vault, mem, context, password, strlen(password), &sealed, &size));
	*out = V_BLOB(sealed, size);
	return OK;
}

enum err user_insert(struct db *db, const struct vault *vault, struct arena *mem, struct user *user)
{
	const char *key = name_key(mem, user->name);
	struct value password;

	assert(user->password);
	if (!key)
		return ERR_MEMORY;
	if (user->instance_count > KEY_INSTANCE_MAX)
		return ERR_LIMIT;
	TRY(seal(vault, mem, user->name, user->password, &password));
	TRY(select_int(db,
		"INSERT INTO login_user (name, name_key, account, permission, password, create_ms,"
		" login_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number",
		(const struct value[]){ V_TEXT(user->name), V_TEXT(key), V_INT(user->account),
			V_INT(user->permission), password, V_INT(user->create_ms),
			V_INT(user->login_ms) },
		7, &user->number));
	for (size_t i = 0; i < user->instance_count; i++)
		TRY(db_run(db,
			"INSERT INTO login_user_instance (login_user, position, instance_id)"
			" VALUES ($1, $2, $3)",
			(const struct value[]){
				V_INT(user->number), V_INT((int64_t)i), V_TEXT(user->instance[i]) },
			3, NULL));
	return OK;
}

static enum err end_sessions(struct db *db, struct arena *mem, const struct user *user)
{
	const char *parent = user_parent(mem, user->name);

	return parent ? access_key_end_tokens(db, parent, 0) : ERR_MEMORY;
}

enum err user_set_password(struct db *db, const struct vault *vault, struct arena *mem,
	const struct user *user, const char *password)
{
	struct value sealed;

	TRY(seal(vault, mem, user->name, password, &sealed));
	TRY(db_run(db, "UPDATE login_user SET password = $2 WHERE number = $1",
		(const struct value[]){ V_INT(user->number), sealed }, 2, NULL));
	return end_sessions(db, mem, user);
}

enum err user_delete(struct db *db, struct arena *mem, const struct user *user)
{
	const struct value number[] = { V_INT(user->number) };

	TRY(end_sessions(db, mem, user));
	TRY(db_run(db, "DELETE FROM login_user_instance WHERE login_user = $1", number, 1, NULL));
	return db_run(db, "DELETE FROM login_user WHERE number = $1", number, 1, NULL);
}

enum err user_set_login(struct db *db, const struct user *user, int64_t clock_ms)
{
	return db_run(db, "UPDATE login_user SET login_ms = $2 WHERE number = $1",
		(const struct value[]){ V_INT(user->number), V_INT(clock_ms) }, 2, NULL);
}

/* ---- reading */

#define USER_COLUMNS "number, name, account, permission, create_ms, login_ms"

static enum err user_row(struct cursor *cursor, struct arena *mem, struct user *out)
{
	const char *name = text_column(cursor, 1, mem);

	if (strlen(name) >= sizeof(out->name))
		return fail(ERR_STORE, "name of a user is too long");
	*out = (struct user){
		.number = db_int(cursor, 0),
		.account = db_int(cursor, 2),
		.permission = (enum permission)db_int(cursor, 3),
		.create_ms = db_int(cursor, 4),
		.login_ms = db_int(cursor, 5),
	};
	memcpy(out->name, name, strlen(name) + 1);
	if (out->permission >= PERMISSION_COUNT)
		return fail(ERR_STORE, "user %s has an unknown permission", out->name);
	return cursor->err;
}

static enum err load_instances(struct db *db, struct arena *mem, struct user *user)
{
	struct cursor cursor;
	const char **room;
	size_t capacity = 0;

	TRY(db_select(db,
		"SELECT instance_id FROM login_user_instance WHERE login_user = $1"
		" ORDER BY position",
		(const struct value[]){ V_INT(user->number) }, 1, &cursor));
	while (user->instance_count < KEY_INSTANCE_MAX && db_next(&cursor)) {
		room = rows_room(
			mem, user->instance, user->instance_count, &capacity, sizeof(*room));
		if (!room) {
			cursor.err = ERR_MEMORY;
			break;
		}
		user->instance = room;
		user->instance[user->instance_count++] = text_column(&cursor, 0, mem);
	}
	db_done(&cursor);
	return cursor.err;
}

enum err user_load(struct db *db, const struct vault *vault, struct arena *mem, const char *name,
	struct user *out)
{
	const char *key = name_key(mem, name), *context;
	const void *sealed = NULL;
	enum err err = ERR_USER_NOT_FOUND;
	struct cursor cursor;
	struct user user;
	uint8_t *password;
	size_t size = 0;

	if (!key)
		return ERR_MEMORY;
	TRY(db_select(db, "SELECT " USER_COLUMNS ", password FROM login_user WHERE name_key = $1",
		(const struct value[]){ V_TEXT(key) }, 1, &cursor));
	if (db_next(&cursor)) {
		err = user_row(&cursor, mem, &user);
		sealed = db_blob(&cursor, 6, mem, &size);
		if (!sealed)
			err = ERR_MEMORY;
	}
	db_done(&cursor);
	TRY(cursor.err);
	TRY(err);
	context = arena_print(mem, "login_user:%s", key);
	if (!context)
		return ERR_MEMORY;
	TRY(vault_open_secret(vault, mem, context, sealed, size, &password, &size));
	user.password = (const char *)password;
	TRY(load_instances(db, mem, &user));
	*out = user;
	return OK;
}

enum err user_list(
	struct db *db, struct arena *mem, int64_t account, struct user **out, size_t *count)
{
	struct rows rows = { 0 };
	struct cursor cursor;
	struct user *row;

	TRY(db_select(db,
		"SELECT " USER_COLUMNS
		" FROM login_user WHERE $1 = 0 OR account = $1 ORDER BY name_key",
		(const struct value[]){ V_INT(account) }, 1, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		cursor.err = user_row(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	row = rows.row;
	for (size_t i = 0; i < rows.count; i++)
		TRY(load_instances(db, mem, &row[i]));
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err user_count(struct db *db, int64_t account, int64_t *out)
{
	return select_int(db, "SELECT count(*) FROM login_user WHERE $1 = 0 OR account = $1",
		(const struct value[]){ V_INT(account) }, 1, out);
}
