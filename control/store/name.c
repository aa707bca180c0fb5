/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries of the publisher of names. Each goes along an index and stops at its limit. A log that was
 * cut (change_prune) or that belongs to a restored, older database is a gap: numbers in it can no
 * longer be compared with what was seen.
 */
#include "control/store/name.h"

#include "control/store/instance.h"
#include "control/store/query.h"

/* One number more is read than asked for, to know whether there is more. */
static enum err read_changes(struct db *db, struct arena *mem, int64_t generation, size_t limit,
	struct name_changes *out)
{
	struct cursor cursor;

	out->change = arena_array(mem, limit, sizeof(*out->change));
	if (!out->change)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT generation, number, CASE type WHEN $2 THEN $6 WHEN $3 THEN $7 ELSE $8 END"
		" FROM change WHERE generation > $1 AND type IN ($2, $3, $4)"
		" ORDER BY generation LIMIT $5",
		(const struct value[]){ V_INT(generation), V_INT(RECORD_INSTANCE),
			V_INT(RECORD_SITE), V_INT(CHANGE_NAME), V_INT((int64_t)limit + 1),
			V_INT(NAME_INSTANCE), V_INT(NAME_SITE), V_INT(NAME_RULE) },
		8, &cursor));
	while (db_next(&cursor)) {
		out->more = out->count == limit;
		if (out->more)
			break;
		out->generation = db_int(&cursor, 0);
		out->change[out->count++] =
			(struct name_change){ .owner = (enum name_owner)db_int(&cursor, 2),
				.number = db_int(&cursor, 1) };
	}
	db_done(&cursor);
	return cursor.err;
}

enum err name_changed(struct db *db, struct arena *mem, int64_t generation, size_t limit,
	struct name_changes *out)
{
	struct name_changes changes = { .generation = generation };
	int64_t oldest, newest;

	TRY(change_generation(db, &newest));
	if (newest == generation) {
		*out = changes;
		return OK;
	}
	TRY(select_int(db, "SELECT coalesce(min(generation), 0) FROM change", NULL, 0, &oldest));
	changes.gap = newest < generation || oldest > generation + 1;
	if (!changes.gap)
		TRY(read_changes(db, mem, generation, limit, &changes));
	/* What is left are changes of other objects: they need no second look. */
	if (!changes.more)
		changes.generation = newest;
	*out = changes;
	return OK;
}

static enum err read_instances(
	struct cursor *cursor, struct arena *mem, struct instance **out, size_t *count)
{
	struct rows rows = { 0 };
	struct instance *row;

	while ((row = rows_next(&rows, cursor, mem, sizeof(*row))) != NULL)
		cursor->err = instance_row(cursor, mem, row);
	db_done(cursor);
	TRY(cursor->err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err name_instances(struct db *db, struct arena *mem, int64_t after_number, size_t limit,
	struct instance **out, size_t *count)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " INSTANCE_COLUMNS " FROM instance WHERE number > $1 ORDER BY number"
		" LIMIT $2",
		(const struct value[]){ V_INT(after_number), V_INT((int64_t)limit) }, 2, &cursor));
	return read_instances(&cursor, mem, out, count);
}

enum err name_expiring(struct db *db, struct arena *mem, int64_t after_ms, int64_t after_number,
	int64_t until_ms, size_t limit, struct instance **out, size_t *count)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " INSTANCE_COLUMNS " FROM instance WHERE (expire_ms, number) > ($1, $2)"
		" AND expire_ms <= $3 ORDER BY expire_ms, number LIMIT $4",
		(const struct value[]){ V_INT(after_ms), V_INT(after_number), V_INT(until_ms),
			V_INT((int64_t)limit) },
		4, &cursor));
	return read_instances(&cursor, mem, out, count);
}

enum err name_instance(struct db *db, struct arena *mem, int64_t number, struct instance *out)
{
	struct instance *rows;
	size_t count;

	TRY(name_instances(db, mem, number - 1, 1, &rows, &count));
	if (count == 0 || rows[0].number != number)
		return ERR_INSTANCE_NOT_FOUND;
	*out = rows[0];
	return OK;
}

enum err name_released(struct db *db, int64_t number, char out[INSTANCE_ID_SIZE])
{
	struct cursor cursor;
	size_t size = 0;
	bool found;

	TRY(db_select(db, "SELECT CAST(id AS BLOB) FROM released WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	found = db_next(&cursor);
	if (found)
		size = db_bytes(&cursor, 0, out, INSTANCE_ID_SIZE - 1);
	db_done(&cursor);
	TRY(cursor.err);
	if (!found || size >= INSTANCE_ID_SIZE)
		return ERR_NOT_FOUND;
	out[size] = '\0';
	return OK;
}

enum err name_origins(struct db *db, struct arena *mem, int64_t number, size_t limit,
	uint8_t (**out)[16], size_t *count)
{
	uint8_t(*rows)[16] = arena_array(mem, limit, sizeof(*rows));
	struct cursor cursor;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT o.address FROM port_rule r JOIN port_rule_origin o"
		" ON o.rule_number = r.number AND o.side = r.active_side"
		" WHERE r.instance_number = $1 GROUP BY o.address"
		" ORDER BY min(r.frontend_port * 100000 + r.protocol * 100 + o.position),"
		" o.address LIMIT $2",
		(const struct value[]){ V_INT(number), V_INT((int64_t)limit) }, 2, &cursor));
	while (used < limit && db_next(&cursor))
		address_column(&cursor, 0, rows[used++]);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows;
	*count = used;
	return OK;
}

/* ---- web sites */

enum err name_sites(struct db *db, struct arena *mem, int64_t after_number, size_t limit,
	int64_t **out, size_t *count)
{
	return select_numbers(db, mem,
		"SELECT number FROM website WHERE number > $1 ORDER BY number LIMIT $2",
		(const struct value[]){ V_INT(after_number), V_INT((int64_t)limit) }, 2, out,
		count);
}

enum err name_sites_expiring(struct db *db, struct arena *mem, const struct name_site_due *after,
	int64_t until_ms, size_t limit, struct name_site_due **out, size_t *count)
{
	struct name_site_due *rows = arena_array(mem, limit, sizeof(*rows));
	struct cursor cursor;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT i.expire_ms, r.website FROM instance i JOIN website_instance r"
		" ON r.instance_number = i.number WHERE i.expire_ms >= $1 AND i.expire_ms <= $3"
		" AND (i.expire_ms, r.website) > ($1, $2) ORDER BY i.expire_ms, r.website LIMIT $4",
		(const struct value[]){ V_INT(after->expire_ms), V_INT(after->number),
			V_INT(until_ms), V_INT((int64_t)limit) },
		4, &cursor));
	while (used < limit && db_next(&cursor))
		rows[used++] = (struct name_site_due){ db_int(&cursor, 0), db_int(&cursor, 1) };
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows;
	*count = used;
	return OK;
}

enum err name_site(struct db *db, struct arena *mem, int64_t number, struct website *out,
	struct instance **instances)
{
	struct instance *list;

	TRY(website_load_number(db, mem, number, out));
	list = arena_array(mem, out->instance_count, sizeof(*list));
	if (!list)
		return ERR_MEMORY;
	for (size_t i = 0; i < out->instance_count; i++)
		TRY(instance_load_number(db, mem, out->instance[i].number, &list[i]));
	*instances = list;
	return OK;
}

enum err name_gone(struct db *db, enum name_owner owner, int64_t number, char out[CNAME_SIZE])
{
	struct cursor cursor;
	size_t size = 0;
	bool found;

	TRY(db_select(db,
		owner == NAME_SITE
			? "SELECT CAST(cname AS BLOB) FROM website_gone WHERE number = $1"
			: "SELECT CAST(cname AS BLOB) FROM scheduler_gone WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	found = db_next(&cursor);
	if (found)
		size = db_bytes(&cursor, 0, out, CNAME_SIZE - 1);
	db_done(&cursor);
	TRY(cursor.err);
	if (!found || size >= CNAME_SIZE)
		return ERR_NOT_FOUND;
	out[size] = '\0';
	return OK;
}
