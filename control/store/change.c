/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The change log: which object changed, in which generation. What it became is read from its own
 * table when a snapshot is made, so a row says nothing else, and an object that is gone was
 * removed.
 */
#include "control/store/query.h"
#include "control/store/store.h"

static enum err record(struct db *db, int64_t type, int64_t number, int64_t *out_generation)
{
	return select_int(db,
		"INSERT INTO change (type, number) VALUES ($1, $2) RETURNING generation",
		(const struct value[]){ V_INT(type), V_INT(number) }, 2, out_generation);
}

enum err change_record(
	struct db *db, enum record_type type, int64_t number, int64_t *out_generation)
{
	return record(db, type, number, out_generation);
}

enum err change_record_name(struct db *db, int64_t number, int64_t *out_generation)
{
	return record(db, CHANGE_NAME, number, out_generation);
}

enum err change_generation(struct db *db, int64_t *out)
{
	return select_int(db, "SELECT coalesce(max(generation), 0) FROM change", NULL, 0, out);
}

enum err change_prune(struct db *db, int64_t keep)
{
	int64_t newest;

	/* At least the newest stays: it holds the generation. */
	TRY(change_generation(db, &newest));
	newest -= keep > 1 ? keep : 1;
	TRY(db_run(db, "DELETE FROM website_gone WHERE generation <= $1",
		(const struct value[]){ V_INT(newest) }, 1, NULL));
	TRY(db_run(db, "DELETE FROM scheduler_gone WHERE generation <= $1",
		(const struct value[]){ V_INT(newest) }, 1, NULL));
	return db_run(db, "DELETE FROM change WHERE generation <= $1",
		(const struct value[]){ V_INT(newest) }, 1, NULL);
}
