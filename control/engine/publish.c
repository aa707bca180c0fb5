/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Store -> snapshot. A full snapshot is every object of every kind, kind by kind, in the order of their
 * numbers. A difference is what the change log names since the base: an object that exists is sent
 * whole, one that does not is sent as a removal, and removals come first, because a new object may
 * take the place (address, port) of a removed one. How often or in what order an object changed
 * does not matter.
 *
 * A base that the log no longer reaches back to, or that is newer than the log (the store was
 * replaced by an older one), gets a full snapshot.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/engine/engine.h"
#include "control/engine/publish_records.h"
#include "control/store/query.h"
#include "control/store/store.h"

/* A site with all its rules as text and as what nodes get: a few of the latter's size. */
#define SCRATCH_BYTES_MAX ((size_t)16 << 20)

static const struct record_kind *kind_of(enum record_type type)
{
	for (size_t i = 0; i < record_kind_count; i++)
		if (record_kinds[i].type == type)
			return &record_kinds[i];
	return NULL;
}

static enum err add_removal(struct draft *draft, enum record_type type, int64_t number)
{
	struct record_remove *record = draft_take(draft, RECORD_REMOVE, number, sizeof(*record));

	if (!record)
		return draft_full();
	record->removed_type = type;
	return OK;
}

/* Text of a query over the kind; "one" asks for the object whose number is $1. NULL: no memory. */
static const char *select_text(struct arena *mem, const struct record_kind *kind, bool one)
{
	int number = (int)strcspn(kind->order, ",");

	if (!one)
		return arena_print(mem, "%s ORDER BY %s", kind->select, kind->order);
	return arena_print(mem, "%s WHERE %.*s = $1 ORDER BY %s", kind->select, number, kind->order,
		kind->order);
}

/* Adds what the query gives: all objects, or the one with this number. */
static enum err add_rows(
	struct draft *draft, const struct record_kind *kind, const char *sql, int64_t number)
{
	struct cursor cursor;
	enum err err = OK;

	/* The store knows statements by their address: texts that were built are interned. */
	sql = sql ? db_intern(draft->db, sql) : NULL;
	if (!sql)
		return ERR_MEMORY;
	TRY(db_select(
		draft->db, sql, (const struct value[]){ V_INT(number) }, number ? 1 : 0, &cursor));
	while (err == OK && db_next(&cursor))
		err = kind->add(draft, &cursor);
	db_done(&cursor);
	TRY(err);
	return cursor.err;
}

/* ---- full */

static enum err count_rows(struct draft *draft, const char *table, int64_t *out)
{
	const char *sql = arena_print(draft->mem, "SELECT count(*) FROM %s", table);

	sql = sql ? db_intern(draft->db, sql) : NULL;
	return sql ? select_int(draft->db, sql, NULL, 0, out) : ERR_MEMORY;
}

static enum err full_size(struct draft *draft, size_t *out)
{
	*out = 0;
	for (size_t i = 0; i < record_kind_count; i++) {
		const struct record_kind *kind = &record_kinds[i];
		int64_t count, parts = 0;

		TRY(count_rows(draft, kind->table, &count));
		if (kind->parts)
			TRY(count_rows(draft, kind->parts, &parts));
		*out += (size_t)count * kind->bytes + (size_t)parts * kind->part_bytes;
	}
	return OK;
}

static enum err add_everything(struct draft *draft)
{
	for (size_t i = 0; i < record_kind_count; i++)
		TRY(add_rows(draft, &record_kinds[i],
			select_text(draft->mem, &record_kinds[i], false), 0));
	return OK;
}

/* ---- difference */

struct change {
	enum record_type type;
	int64_t number;
	bool gone;
};

static enum err load_changes(
	struct db *db, struct arena *mem, int64_t base, struct change **out, size_t *out_count)
{
	const struct value since[] = { V_INT(base), V_INT(CHANGE_NAME) };
	struct cursor cursor;
	struct change *change;
	size_t used = 0;
	int64_t count;

	TRY(select_int(db, "SELECT count(*) FROM change WHERE generation > $1 AND type <> $2",
		since, 2, &count));
	change = arena_array(mem, (size_t)count, sizeof(*change));
	if (!change)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT DISTINCT type, number FROM change WHERE generation > $1"
		" AND type <> $2 ORDER BY type, number",
		since, 2, &cursor));
	while (used < (size_t)count && db_next(&cursor))
		change[used++] = (struct change){
			.type = (enum record_type)db_int(&cursor, 0),
			.number = db_int(&cursor, 1),
		};
	db_done(&cursor);
	TRY(cursor.err);
	*out = change;
	*out_count = used;
	return OK;
}

/* Which of the changes are of objects that are gone; changes are sorted by kind. */
static enum err find_gone(struct draft *draft, struct change *change, size_t count)
{
	const struct record_kind *kind = NULL;
	const char *sql = NULL;
	int64_t found;

	for (size_t i = 0; i < count; i++) {
		if (!kind || kind->type != change[i].type) {
			kind = kind_of(change[i].type);
			assert(kind);
			sql = arena_print(draft->mem, "SELECT count(*) FROM %s WHERE %s = $1",
				kind->table, kind->column);
			sql = sql ? db_intern(draft->db, sql) : NULL;
		}
		if (!sql)
			return ERR_MEMORY;
		TRY(select_int(draft->db, sql, (const struct value[]){ V_INT(change[i].number) }, 1,
			&found));
		change[i].gone = found == 0;
	}
	return OK;
}

static size_t difference_size(const struct change *change, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		if (change[i].gone)
			size += sizeof(struct record_remove);
		else
			size += kind_of(change[i].type)->bytes_max
					?: kind_of(change[i].type)->bytes;
	return size;
}

static enum err add_difference(struct draft *draft, const struct change *change, size_t count)
{
	const struct record_kind *kind = NULL;
	const char *sql = NULL;

	for (size_t i = 0; i < count; i++)
		if (change[i].gone)
			TRY(add_removal(draft, change[i].type, change[i].number));
	for (size_t i = 0; i < count; i++) {
		if (change[i].gone)
			continue;
		if (!kind || kind->type != change[i].type) {
			kind = kind_of(change[i].type);
			sql = select_text(draft->mem, kind, true);
		}
		TRY(add_rows(draft, kind, sql, change[i].number));
	}
	return OK;
}

/* ---- both */

static enum err reaches(struct db *db, int64_t base, int64_t newest, bool *out)
{
	int64_t oldest;

	TRY(select_int(db, "SELECT coalesce(min(generation), 0) FROM change", NULL, 0, &oldest));
	*out = base > 0 && base >= oldest - 1 && base <= newest;
	return OK;
}

static enum err draft_make(struct draft *draft, size_t content)
{
	draft->size = sizeof(struct snapshot_header) + content;
	if (draft->size > SNAPSHOT_BYTES_MAX)
		return fail(ERR_LIMIT,
			"snapshot of %zu bytes is larger than the %u that nodes take", draft->size,
			SNAPSHOT_BYTES_MAX);
	draft->bytes = arena_take(draft->mem, draft->size);
	draft->used = sizeof(struct snapshot_header);
	return draft->bytes ? OK : ERR_MEMORY;
}

static enum err draft_fill(struct draft *draft, bool difference, int64_t base)
{
	struct change *change = NULL;
	size_t count = 0;
	size_t content;

	if (!difference) {
		TRY(full_size(draft, &content));
		TRY(draft_make(draft, content));
		return add_everything(draft);
	}
	TRY(load_changes(draft->db, draft->mem, base, &change, &count));
	TRY(find_gone(draft, change, count));
	TRY(draft_make(draft, difference_size(change, count)));
	return add_difference(draft, change, count);
}

enum err snapshot_build(struct db *db, struct arena *mem, uint64_t base_generation,
	const struct snapshot_terms *terms, const uint8_t **out, size_t *size)
{
	int64_t base = base_generation > INT64_MAX ? 0 : (int64_t)base_generation;
	struct draft draft = { .db = db, .mem = mem, .vault = terms->vault };
	bool difference;
	int64_t newest;
	enum err err;

	TRY(change_generation(db, &newest));
	TRY(reaches(db, base, newest, &difference));
	draft.scratch = arena_new(SCRATCH_BYTES_MAX);
	if (!draft.scratch)
		return ERR_MEMORY;
	err = draft_fill(&draft, difference, base);
	arena_free(draft.scratch);
	TRY(err);
	assert(draft.bytes && draft.used <= draft.size);

	struct snapshot_header header = {
		.magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.flags = difference ? 0 : SNAPSHOT_FULL,
		.base_generation = difference ? (uint64_t)base : 0,
		.generation = (uint64_t)newest,
		.life_offset_ms = terms->life_offset_ms,
		.control_boot = terms->control_boot,
		.record_count = draft.records,
		.byte_count = (uint32_t)(draft.used - sizeof(header)),
	};

	memcpy(header.cookie_secret, terms->cookie_secret, sizeof(header.cookie_secret));
	memcpy(draft.bytes, &header, sizeof(header));
	*out = draft.bytes;
	*size = draft.used;
	return OK;
}
