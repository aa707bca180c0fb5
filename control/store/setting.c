/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Named secrets of the control itself, sealed like all secrets.
 */
#include "control/store/query.h"
#include "control/store/store.h"
#include "control/store/vault.h"

static const char *context_of(struct arena *mem, const char *name)
{
	return arena_print(mem, "setting:%s", name);
}

enum err setting_get_secret(struct db *db, const struct vault *vault, struct arena *mem,
	const char *name, const void **out, size_t *size)
{
	const char *context = context_of(mem, name);
	const void *sealed;
	size_t sealed_size;
	uint8_t *secret;

	if (!context)
		return ERR_MEMORY;
	TRY(select_blob(db, mem, "SELECT secret FROM setting WHERE name = $1", V_TEXT(name),
		&sealed, &sealed_size));
	TRY(vault_open_secret(vault, mem, context, sealed, sealed_size, &secret, size));
	*out = secret;
	return OK;
}

#define SECRET_BYTES_MAX 65536

enum err setting_put_secret(
	struct db *db, const struct vault *vault, const char *name, const void *data, size_t size)
{
	struct arena *mem = arena_new(4 * SECRET_BYTES_MAX);
	const char *context = mem ? context_of(mem, name) : NULL;
	enum err err = context ? OK : ERR_MEMORY;
	uint8_t *sealed = NULL;
	size_t sealed_size = 0;

	if (err == OK && size > SECRET_BYTES_MAX)
		err = ERR_LIMIT;
	if (err == OK)
		err = vault_seal(vault, mem, context, data, size, &sealed, &sealed_size);
	if (err == OK)
		err = db_run(db,
			"INSERT INTO setting (name, secret) VALUES ($1, $2)"
			" ON CONFLICT (name) DO UPDATE SET secret = excluded.secret",
			(const struct value[]){ V_TEXT(name), V_BLOB(sealed, sealed_size) }, 2,
			NULL);
	arena_free(mem);
	return err;
}
