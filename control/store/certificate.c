/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates and their sealed keys. A key is sealed together with the chain it belongs to: a row whose chain was
 * exchanged for another does not open.
 */
#include <string.h>

#include "base/log.h"
#include "base/signature.h"
#include "control/store/query.h"
#include "control/store/vault.h"
#include "control/store/website.h"

/* The nodes' number has 32 bits and 0 means none. */
#define NUMBER_MAX INT64_C(0xffffffff)

static const char *context_of(struct arena *mem, const char *chain)
{
	char hash[65];

	sha256_hex(chain, strlen(chain), hash);
	return arena_print(mem, "certificate:%s", hash);
}

static enum err record(struct db *db, int64_t number)
{
	int64_t generation;

	return change_record(db, RECORD_CERTIFICATE, number, &generation);
}

/* ---- reading */

#define CERTIFICATE_COLUMNS                                                                        \
	"number, account, name, version, create_ms, from_ms, until_ms, common, issuer, names"
#define CHAIN_COLUMN 10

static void read_row(struct cursor *cursor, struct arena *mem, struct certificate_row *out)
{
	*out = (struct certificate_row){
		.number = db_int(cursor, 0),
		.account = db_int(cursor, 1),
		.name = text_column(cursor, 2, mem),
		.version = db_int(cursor, 3),
		.create_ms = db_int(cursor, 4),
		.from_ms = db_int(cursor, 5),
		.until_ms = db_int(cursor, 6),
		.common = text_column(cursor, 7, mem),
		.issuer = text_column(cursor, 8, mem),
		.names = text_column(cursor, 9, mem),
	};
}

static enum err load_first(struct cursor *cursor, struct arena *mem, struct certificate_row *out)
{
	struct certificate_row row;
	bool found = db_next(cursor);

	if (found) {
		read_row(cursor, mem, &row);
		row.chain = text_column(cursor, CHAIN_COLUMN, mem);
	}
	db_done(cursor);
	TRY(cursor->err);
	if (!found)
		return ERR_CERTIFICATE_NOT_FOUND;
	*out = row;
	return OK;
}

enum err certificate_load(struct db *db, struct arena *mem, int64_t account, int64_t number,
	struct certificate_row *out)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " CERTIFICATE_COLUMNS ", chain FROM certificate WHERE number = $1"
		" AND ($2 = 0 OR account = $2)",
		(const struct value[]){ V_INT(number), V_INT(account) }, 2, &cursor));
	return load_first(&cursor, mem, out);
}

enum err certificate_by_name(struct db *db, struct arena *mem, int64_t account, const char *name,
	struct certificate_row *out)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " CERTIFICATE_COLUMNS ", chain FROM certificate WHERE account = $1"
		" AND name = $2",
		(const struct value[]){ V_INT(account), V_TEXT(name) }, 2, &cursor));
	return load_first(&cursor, mem, out);
}

enum err certificate_list(struct db *db, struct arena *mem, int64_t account,
	struct certificate_row **out, size_t *count)
{
	struct rows rows = { 0 };
	struct certificate_row *row;
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " CERTIFICATE_COLUMNS " FROM certificate WHERE $1 = 0 OR account = $1"
		" ORDER BY number",
		(const struct value[]){ V_INT(account) }, 1, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		read_row(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err certificate_open_key(struct db *db, const struct vault *vault, struct arena *mem,
	const struct certificate_row *certificate, const char **out)
{
	const char *context = context_of(mem, certificate->chain);
	const void *sealed;
	size_t sealed_size, size;
	uint8_t *key;
	enum err err;

	if (!context)
		return ERR_MEMORY;
	err = select_blob(db, mem, "SELECT secret FROM certificate WHERE number = $1",
		V_INT(certificate->number), &sealed, &sealed_size);
	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_CERTIFICATE_NOT_FOUND : err;
	err = vault_open_secret(vault, mem, context, sealed, sealed_size, &key, &size);

	if (err != OK)
		return err == ERR_STORE ? ERR_CERTIFICATE_INVALID : err;
	*out = (const char *)key;
	return OK;
}

/* ---- writing */

static enum err seal(const struct vault *vault, struct arena *mem, const char *chain,
	const char *key, struct value *out)
{
	const char *context = context_of(mem, chain);
	uint8_t *sealed;
	size_t size;

	if (!context)
		return ERR_MEMORY;
	TRY(vault_seal(vault, mem, context, key, strlen(key), &sealed, &size));
	*out = V_BLOB(sealed, size);
	return OK;
}

enum err certificate_insert(struct db *db, const struct vault *vault, struct arena *mem,
	struct certificate_row *certificate, const char *key)
{
	struct certificate_row made = *certificate;
	struct value secret;
	enum err err;

	made.version = 1;
	TRY(seal(vault, mem, made.chain, key, &secret));
	err = select_int(db,
		"INSERT INTO certificate (account, name, version, create_ms, from_ms, until_ms,"
		" common, issuer, names, chain, secret)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING number",
		(const struct value[]){ V_INT(made.account), V_TEXT(made.name), V_INT(made.version),
			V_INT(made.create_ms), V_INT(made.from_ms), V_INT(made.until_ms),
			V_TEXT(made.common), V_TEXT(made.issuer), V_TEXT(made.names),
			V_TEXT(made.chain), secret },
		11, &made.number);
	if (err != OK)
		return err == ERR_CONFLICT ? ERR_CERTIFICATE_EXISTS : err;
	if (made.number > NUMBER_MAX)
		return fail(ERR_LIMIT, "numbers of certificates are used up");
	TRY(record(db, made.number));
	*certificate = made;
	return OK;
}

enum err certificate_replace(struct db *db, const struct vault *vault, struct arena *mem,
	struct certificate_row *certificate, const char *key)
{
	struct value secret;
	int64_t version;
	enum err err;

	TRY(seal(vault, mem, certificate->chain, key, &secret));
	err = select_int(db,
		"UPDATE certificate SET version = version + 1, from_ms = $2, until_ms = $3,"
		" common = $4, issuer = $5, names = $6, chain = $7, secret = $8"
		" WHERE number = $1 RETURNING version",
		(const struct value[]){ V_INT(certificate->number), V_INT(certificate->from_ms),
			V_INT(certificate->until_ms), V_TEXT(certificate->common),
			V_TEXT(certificate->issuer), V_TEXT(certificate->names),
			V_TEXT(certificate->chain), secret },
		8, &version);
	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_CERTIFICATE_NOT_FOUND : err;
	certificate->version = version;
	return record(db, certificate->number);
}

enum err certificate_sweep(struct db *db)
{
	TRY(db_run(db,
		"INSERT INTO change (type, number) SELECT $1, c.number FROM certificate c"
		" WHERE NOT EXISTS (SELECT 1 FROM website w WHERE w.certificate = c.number)",
		(const struct value[]){ V_INT(RECORD_CERTIFICATE) }, 1, NULL));
	return db_run(db,
		"DELETE FROM certificate WHERE NOT EXISTS"
		" (SELECT 1 FROM website w WHERE w.certificate = certificate.number)",
		NULL, 0, NULL);
}
