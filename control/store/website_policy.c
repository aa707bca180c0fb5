/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is set for a web site beside where it is served: documents that only their own actions and the publisher
 * understand. Every one written is a change of the site.
 */
#include "control/store/query.h"
#include "control/store/website.h"

enum err website_setting_load(
	struct db *db, struct arena *mem, int64_t website, const char *name, const char **out_json)
{
	struct cursor cursor;

	*out_json = "";
	TRY(db_select(db, "SELECT json FROM website_setting WHERE website = $1 AND name = $2",
		(const struct value[]){ V_INT(website), V_TEXT(name) }, 2, &cursor));
	if (db_next(&cursor))
		*out_json = text_column(&cursor, 0, mem);
	db_done(&cursor);
	return cursor.err;
}

enum err website_setting_put(
	struct db *db, const struct website *website, const char *name, const char *json)
{
	TRY(db_run(db,
		"INSERT INTO website_setting (website, name, json) VALUES ($1, $2, $3)"
		" ON CONFLICT (website, name) DO UPDATE SET json = excluded.json",
		(const struct value[]){ V_INT(website->number), V_TEXT(name), V_TEXT(json) }, 3,
		NULL));
	return website_touch(db, website);
}

/* ---- rules */

static void read_rule(struct cursor *cursor, struct arena *mem, struct website_rule *out)
{
	*out = (struct website_rule){
		.number = db_int(cursor, 0),
		.website = db_int(cursor, 1),
		.kind = text_column(cursor, 2, mem),
		.name = text_column(cursor, 3, mem),
		.owner = text_column(cursor, 4, mem),
		.position = db_int(cursor, 5),
		.until_ms = db_int(cursor, 6),
		.enabled = db_int(cursor, 7) != 0,
		.json = text_column(cursor, 8, mem),
	};
}

enum err website_rule_list(struct db *db, struct arena *mem, int64_t website, const char *kind,
	struct website_rule **out, size_t *count)
{
	struct rows rows = { 0 };
	struct website_rule *row;
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT number, website, kind, name, owner, position, until_ms, enabled, json"
		" FROM website_rule WHERE website = $1 AND ($2 IS NULL OR kind = $2)"
		" ORDER BY kind, position, number",
		(const struct value[]){ V_INT(website), V_TEXT(kind) }, 2, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		read_rule(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

/* Where the rule is, else behind the last one of its kind. */
static enum err place_of(
	struct db *db, int64_t website, const struct website_rule *rule, int64_t *out)
{
	*out = rule->position;
	if (rule->position != 0)
		return OK;
	return select_int(db,
		"SELECT coalesce((SELECT position FROM website_rule WHERE website = $1"
		" AND kind = $2 AND name = $3), (SELECT max(position) + 1 FROM website_rule"
		" WHERE website = $1 AND kind = $2), 1)",
		(const struct value[]){ V_INT(website), V_TEXT(rule->kind), V_TEXT(rule->name) }, 3,
		out);
}

enum err website_rule_put(struct db *db, const struct website *website, struct website_rule *rule)
{
	struct website_rule put = *rule;

	put.website = website->number;
	TRY(place_of(db, put.website, rule, &put.position));
	TRY(select_int(db,
		"INSERT INTO website_rule (website, kind, name, owner, position, until_ms,"
		" enabled, json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
		" ON CONFLICT (website, kind, name) DO UPDATE SET owner = excluded.owner,"
		" position = excluded.position, until_ms = excluded.until_ms,"
		" enabled = excluded.enabled, json = excluded.json RETURNING number",
		(const struct value[]){ V_INT(put.website), V_TEXT(put.kind), V_TEXT(put.name),
			V_TEXT(put.owner), V_INT(put.position), V_INT(put.until_ms),
			V_INT(put.enabled), V_TEXT(put.json) },
		8, &put.number));
	TRY(website_touch(db, website));
	*rule = put;
	return OK;
}

enum err website_rule_delete(struct db *db, const struct website *website, const char *kind,
	const char *name, bool *changed)
{
	int64_t count;

	TRY(db_run(db, "DELETE FROM website_rule WHERE website = $1 AND kind = $2 AND name = $3",
		(const struct value[]){ V_INT(website->number), V_TEXT(kind), V_TEXT(name) }, 3,
		&count));
	*changed = count > 0;
	return *changed ? website_touch(db, website) : OK;
}
