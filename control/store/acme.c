/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row is there as long as a site gets its certificate by itself, and goes with the site. A challenge changes no rule of
 * the site, so its generation stays: counters of rates go by it.
 */
#include "control/store/acme.h"

#include <string.h>

#include "control/store/query.h"

static enum err record(struct db *db, int64_t website, int64_t *generation)
{
	return change_record(db, RECORD_SITE, website, generation);
}

enum err website_acme_load(
	struct db *db, struct arena *mem, int64_t website, struct website_acme *out)
{
	struct cursor cursor;
	bool found;

	TRY(db_select(db,
		"SELECT website, wanted, tries, retry_ms, ordered_ms, error, token, answer"
		" FROM website_acme WHERE website = $1",
		(const struct value[]){ V_INT(website) }, 1, &cursor));
	found = db_next(&cursor);
	if (found)
		*out = (struct website_acme){
			.website = db_int(&cursor, 0),
			.wanted = db_int(&cursor, 1) != 0,
			.tries = db_int(&cursor, 2),
			.retry_ms = db_int(&cursor, 3),
			.ordered_ms = db_int(&cursor, 4),
			.error = text_column(&cursor, 5, mem),
			.token = text_column(&cursor, 6, mem),
			.answer = text_column(&cursor, 7, mem),
		};
	db_done(&cursor);
	TRY(cursor.err);
	return found ? OK : ERR_NOT_FOUND;
}

enum err website_acme_enable(struct db *db, int64_t website)
{
	return db_run(db,
		"INSERT INTO website_acme (website, wanted, tries, retry_ms, ordered_ms, error,"
		" token, answer) VALUES ($1, 1, 0, 0, 0, '', '', '') ON CONFLICT (website)"
		" DO UPDATE SET wanted = 1, tries = 0, retry_ms = 0, error = ''",
		(const struct value[]){ V_INT(website) }, 1, NULL);
}

enum err website_acme_disable(struct db *db, int64_t website)
{
	int64_t generation;

	TRY(db_run(db, "DELETE FROM website_acme WHERE website = $1",
		(const struct value[]){ V_INT(website) }, 1, NULL));
	return record(db, website, &generation);
}

enum err website_acme_due(struct db *db, struct arena *mem, int64_t clock_ms, int64_t life_ms,
	size_t limit, int64_t **out, size_t *count)
{
	/* The time of renewal is acme_renew_ms. */
	return select_numbers(db, mem,
		"SELECT a.website FROM website_acme a JOIN website w ON w.number = a.website"
		" LEFT JOIN certificate c ON c.number = w.certificate"
		" WHERE a.ordered_ms = 0 AND a.tries < $3 AND a.retry_ms <= $1"
		" AND (a.wanted = 1 OR c.number IS NULL"
		" OR c.until_ms - (c.until_ms - c.from_ms) / 3 <= $1)"
		" AND EXISTS (SELECT 1 FROM website_instance r JOIN instance i"
		" ON i.number = r.instance_number WHERE r.website = a.website"
		" AND i.expire_ms > $2)"
		" ORDER BY coalesce(c.until_ms, 0), a.website LIMIT $4",
		(const struct value[]){ V_INT(clock_ms), V_INT(life_ms), V_INT(ACME_TRIES_MAX),
			V_INT((int64_t)limit) },
		4, out, count);
}

enum err website_acme_begin(struct db *db, int64_t website, int64_t clock_ms)
{
	return db_run(db, "UPDATE website_acme SET ordered_ms = $2 WHERE website = $1",
		(const struct value[]){ V_INT(website), V_INT(clock_ms) }, 2, NULL);
}

enum err website_acme_publish(
	struct db *db, int64_t website, const char *token, const char *answer, int64_t *generation)
{
	int64_t changed;

	TRY(db_run(db, "UPDATE website_acme SET token = $2, answer = $3 WHERE website = $1",
		(const struct value[]){ V_INT(website), V_TEXT(token), V_TEXT(answer) }, 3,
		&changed));
	return changed ? record(db, website, generation) : ERR_NOT_FOUND;
}

enum err website_acme_end(
	struct db *db, int64_t website, const char *error, int64_t tries, int64_t retry_ms)
{
	int64_t changed, generation;

	TRY(db_run(db,
		"UPDATE website_acme SET wanted = CASE WHEN $2 = '' THEN 0 ELSE wanted END,"
		" error = $2, tries = $3, retry_ms = $4, ordered_ms = 0, token = '', answer = ''"
		" WHERE website = $1",
		(const struct value[]){
			V_INT(website), V_TEXT(error ? error : ""), V_INT(tries), V_INT(retry_ms) },
		4, &changed));
	return changed ? record(db, website, &generation) : ERR_NOT_FOUND;
}

enum err website_acme_restart(struct db *db)
{
	TRY(db_run(db,
		"INSERT INTO change (type, number) SELECT $1, website FROM website_acme"
		" WHERE token <> ''",
		(const struct value[]){ V_INT(RECORD_SITE) }, 1, NULL));
	return db_run(db,
		"UPDATE website_acme SET ordered_ms = 0, token = '', answer = ''"
		" WHERE ordered_ms > 0 OR token <> ''",
		NULL, 0, NULL);
}

/* ---- the account */

/* A key that was moved to another directory's row does not open. */
static const char *context_of(struct arena *mem, const char *directory)
{
	return arena_print(mem, "acme:%s", directory);
}

enum err acme_account_load(struct db *db, const struct vault *vault, struct arena *mem,
	const char *directory, struct acme_account *out)
{
	const char *context = context_of(mem, directory);
	const void *sealed = NULL;
	size_t sealed_size = 0, size;
	struct cursor cursor;
	uint8_t *key;
	bool found;

	if (!context)
		return ERR_MEMORY;
	TRY(db_select(db, "SELECT name, secret FROM acme_account WHERE directory = $1",
		(const struct value[]){ V_TEXT(directory) }, 1, &cursor));
	found = db_next(&cursor);
	if (found) {
		out->name = text_column(&cursor, 0, mem);
		sealed = db_blob(&cursor, 1, mem, &sealed_size);
	}
	db_done(&cursor);
	TRY(cursor.err);
	if (!found)
		return ERR_NOT_FOUND;
	if (!sealed)
		return ERR_MEMORY;
	TRY(vault_open_secret(vault, mem, context, sealed, sealed_size, &key, &size));
	out->key = (const char *)key;
	return OK;
}

enum err acme_account_insert(struct db *db, const struct vault *vault, struct arena *mem,
	const char *directory, const char *key)
{
	const char *context = context_of(mem, directory);
	uint8_t *sealed;
	size_t size;

	if (!context)
		return ERR_MEMORY;
	TRY(vault_seal(vault, mem, context, key, strlen(key), &sealed, &size));
	return db_run(db, "INSERT INTO acme_account (directory, name, secret) VALUES ($1, '', $2)",
		(const struct value[]){ V_TEXT(directory), V_BLOB(sealed, size) }, 2, NULL);
}

enum err acme_account_name(struct db *db, const char *directory, const char *name)
{
	return db_run(db, "UPDATE acme_account SET name = $2 WHERE directory = $1",
		(const struct value[]){ V_TEXT(directory), V_TEXT(name) }, 2, NULL);
}
