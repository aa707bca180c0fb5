/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scene policies as rows, and a row for each web site of one: whether its policy has been changed, and what it was. Both
 * change in one transaction with the policy itself, so that after a crash either all or nothing of it is so.
 */
#include "control/store/scene.h"

#include <string.h>

#include "control/store/query.h"

#define SCENE_COLUMNS                                                                              \
	"s.number, s.account, s.id, s.name, s.template, s.from_ms, s.until_ms, s.enabled"
#define OBJECT_COLUMNS	   "o.scene, o.website, w.domain, o.in_force, o.cc_on, o.ai_on"
#define SCENE_COLUMN_COUNT 8
/* More than any account has. */
#define LIST_MAX 100000

static void read_scene(struct cursor *cursor, struct arena *mem, struct scene *out)
{
	const char *id = text_column(cursor, 2, mem);

	*out = (struct scene){ .number = db_int(cursor, 0),
		.account = db_int(cursor, 1),
		.name = text_column(cursor, 3, mem),
		.template = (enum scene_template)db_int(cursor, 4),
		.from_ms = db_int(cursor, 5),
		.until_ms = db_int(cursor, 6),
		.enabled = db_int(cursor, 7) != 0 };
	memcpy(out->id, id, strnlen(id, SCENE_ID_SIZE - 1));
}

static void read_object(
	struct cursor *cursor, int first, struct arena *mem, struct scene_object *out)
{
	*out = (struct scene_object){ .scene = db_int(cursor, first),
		.website = db_int(cursor, first + 1),
		.domain = text_column(cursor, first + 2, mem),
		.in_force = db_int(cursor, first + 3) != 0,
		.cc_on = db_int(cursor, first + 4) != 0,
		.ai_on = db_int(cursor, first + 5) != 0 };
}

/* ---- scenes */

enum err scene_insert(struct db *db, struct scene *scene)
{
	return select_int(db,
		"INSERT INTO scene (account, id, name, template, from_ms, until_ms, enabled)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number",
		(const struct value[]){ V_INT(scene->account), V_TEXT(scene->id),
			V_TEXT(scene->name), V_INT(scene->template), V_INT(scene->from_ms),
			V_INT(scene->until_ms), V_INT(scene->enabled) },
		7, &scene->number);
}

enum err scene_update(struct db *db, const struct scene *scene)
{
	return db_run(db,
		"UPDATE scene SET name = $2, template = $3, from_ms = $4, until_ms = $5,"
		" enabled = $6 WHERE number = $1",
		(const struct value[]){ V_INT(scene->number), V_TEXT(scene->name),
			V_INT(scene->template), V_INT(scene->from_ms), V_INT(scene->until_ms),
			V_INT(scene->enabled) },
		6, NULL);
}

enum err scene_delete(struct db *db, const struct scene *scene)
{
	const struct value number[] = { V_INT(scene->number) };

	TRY(db_run(db, "DELETE FROM scene_object WHERE scene = $1", number, 1, NULL));
	return db_run(db, "DELETE FROM scene WHERE number = $1", number, 1, NULL);
}

enum err scene_load(
	struct db *db, struct arena *mem, int64_t account, const char *id, struct scene *out)
{
	struct cursor cursor;
	bool found;

	TRY(db_select(db,
		"SELECT " SCENE_COLUMNS " FROM scene s WHERE s.id = $1"
		" AND ($2 = 0 OR s.account = $2)",
		(const struct value[]){ V_TEXT(id), V_INT(account) }, 2, &cursor));
	found = db_next(&cursor);
	if (found)
		read_scene(&cursor, mem, out);
	db_done(&cursor);
	TRY(cursor.err);
	return found ? OK : ERR_SCENE_NOT_FOUND;
}

enum err scene_list(
	struct db *db, struct arena *mem, int64_t account, struct scene **out, size_t *count)
{
	struct rows rows = { 0 };
	struct scene *row;
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " SCENE_COLUMNS " FROM scene s WHERE $1 = 0 OR s.account = $1"
		" ORDER BY s.number",
		(const struct value[]){ V_INT(account) }, 1, &cursor));
	while (rows.count < LIST_MAX &&
		(row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		read_scene(&cursor, mem, row);
	db_done(&cursor);
	*out = rows.row;
	*count = rows.count;
	return cursor.err;
}

/* ---- objects */

enum err scene_object_list(
	struct db *db, struct arena *mem, int64_t scene, struct scene_object **out, size_t *count)
{
	struct scene_object *rows = arena_array(mem, SCENE_OBJECT_MAX, sizeof(*rows));
	struct cursor cursor;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT " OBJECT_COLUMNS " FROM scene_object o JOIN website w"
		" ON w.number = o.website WHERE o.scene = $1 ORDER BY w.domain",
		(const struct value[]){ V_INT(scene) }, 1, &cursor));
	while (used < SCENE_OBJECT_MAX && db_next(&cursor))
		read_object(&cursor, 0, mem, &rows[used++]);
	db_done(&cursor);
	*out = rows;
	*count = used;
	return cursor.err;
}

enum err scene_object_put(struct db *db, const struct scene_object *object)
{
	return db_run(db,
		"INSERT INTO scene_object (scene, website, in_force, cc_on, ai_on)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scene, website) DO UPDATE SET"
		" in_force = excluded.in_force, cc_on = excluded.cc_on, ai_on = excluded.ai_on",
		(const struct value[]){ V_INT(object->scene), V_INT(object->website),
			V_INT(object->in_force), V_INT(object->cc_on), V_INT(object->ai_on) },
		5, NULL);
}

enum err scene_object_delete(struct db *db, const struct scene_object *object)
{
	return db_run(db, "DELETE FROM scene_object WHERE scene = $1 AND website = $2",
		(const struct value[]){ V_INT(object->scene), V_INT(object->website) }, 2, NULL);
}

enum err scene_overlap(struct db *db, struct arena *mem, const struct scene *scene, int64_t website,
	const char **out)
{
	struct cursor cursor;

	*out = NULL;
	TRY(db_select(db,
		"SELECT s.name FROM scene_object o JOIN scene s ON s.number = o.scene"
		" WHERE o.website = $1 AND s.number <> $2 AND s.template = $3"
		" AND s.from_ms < $5 AND s.until_ms > $4 LIMIT 1",
		(const struct value[]){ V_INT(website), V_INT(scene->number),
			V_INT(scene->template), V_INT(scene->from_ms), V_INT(scene->until_ms) },
		5, &cursor));
	if (db_next(&cursor))
		*out = text_column(&cursor, 0, mem);
	db_done(&cursor);
	return cursor.err;
}

/* ---- in force and back */

enum err scene_settle(struct db *db, struct arena *mem, const struct scene *scene, bool wanted,
	struct scene_object *object, bool *changed)
{
	struct web_policy policy;
	struct website website;

	*changed = false;
	if (object->in_force == wanted)
		return OK;
	TRY(website_load_number(db, mem, object->website, &website));
	TRY(web_policy_load(db, mem, object->website, &policy));
	*changed = scene_apply(scene, wanted, object, &policy);
	TRY(web_policy_put(db, mem, &website, &policy));
	return scene_object_put(db, object);
}

#define DUE_FROM " FROM scene_object o JOIN scene s ON s.number = o.scene"
/* Not yet in force, of scenes whose time it is; in force, of others. */
#define DUE_BEGINS " o.in_force = 0 AND s.enabled = 1 AND s.from_ms <= $1 AND s.until_ms > $1"
#define DUE_ENDS   " o.in_force = 1 AND (s.enabled = 0 OR s.from_ms > $1 OR s.until_ms <= $1)"

static enum err exists(struct db *db, const char *sql, int64_t clock_ms, bool *out)
{
	int64_t one;
	enum err err = select_int(db, sql, (const struct value[]){ V_INT(clock_ms) }, 1, &one);

	*out = err == OK;
	return err == ERR_NOT_FOUND ? OK : err;
}

enum err scenes_due(struct db *db, int64_t clock_ms, bool *out)
{
	TRY(exists(db, "SELECT 1" DUE_FROM " WHERE" DUE_ENDS " LIMIT 1", clock_ms, out));
	return *out ? OK
		    : exists(db, "SELECT 1" DUE_FROM " WHERE" DUE_BEGINS " LIMIT 1", clock_ms, out);
}

enum err scenes_due_list(struct db *db, struct arena *mem, int64_t clock_ms, int64_t limit,
	struct scene_due **out, size_t *count)
{
	struct scene_due *rows = arena_array(mem, (size_t)limit, sizeof(*rows));
	struct cursor cursor;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	/* Ends first: another scene may begin where one ends. */
	TRY(db_select(db,
		"SELECT " SCENE_COLUMNS ", " OBJECT_COLUMNS DUE_FROM
		" JOIN website w ON w.number = o.website"
		" WHERE (" DUE_ENDS ") OR (" DUE_BEGINS ")"
		" ORDER BY o.in_force DESC, o.scene, o.website LIMIT $2",
		(const struct value[]){ V_INT(clock_ms), V_INT(limit) }, 2, &cursor));
	while (used < (size_t)limit && db_next(&cursor)) {
		read_scene(&cursor, mem, &rows[used].scene);
		read_object(&cursor, SCENE_COLUMN_COUNT, mem, &rows[used].object);
		rows[used].wanted = !rows[used].object.in_force;
		used++;
	}
	db_done(&cursor);
	*out = rows;
	*count = used;
	return cursor.err;
}
