/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many requests web sites usually have, as the engine learned. Nodes hear of it with the site, whose generation stays
 * as it is: another one would make them forget what they counted.
 */
#include "control/store/query.h"
#include "control/store/web_policy.h"

enum err website_usual_load(
	struct db *db, struct arena *mem, int64_t website, struct website_usual *out)
{
	struct cursor cursor;

	*out = (struct website_usual){ .hours = "" };
	TRY(db_select(db,
		"SELECT hours, learned_ms, published FROM website_usual WHERE website = $1",
		(const struct value[]){ V_INT(website) }, 1, &cursor));
	if (db_next(&cursor)) {
		out->hours = text_column(&cursor, 0, mem);
		out->learned_ms = db_int(&cursor, 1);
		out->published = db_int(&cursor, 2);
	}
	db_done(&cursor);
	return cursor.err;
}

enum err website_usual_put(
	struct db *db, int64_t website, const struct website_usual *usual, bool publish)
{
	int64_t generation;

	TRY(db_run(db,
		"INSERT INTO website_usual (website, hours, learned_ms, published)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (website) DO UPDATE SET"
		" hours = excluded.hours, learned_ms = excluded.learned_ms,"
		" published = excluded.published",
		(const struct value[]){ V_INT(website), V_TEXT(usual->hours),
			V_INT(usual->learned_ms), V_INT(usual->published) },
		4, NULL));
	return publish ? change_record(db, RECORD_SITE, website, &generation) : OK;
}
