/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Store -> snapshot. A full snapshot is every instance, rule and list entry, in the order of their
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
#include "control/model/lifecycle.h"
#include "control/store/query.h"
#include "control/store/store.h"

#define SERVICE_BYTES(origins)                                                                     \
	(sizeof(struct record_service) + (size_t)(origins) * sizeof(struct record_origin))

struct draft {
	struct db *db;
	uint8_t *bytes; /* header first */
	size_t used, size;
	uint32_t records;
};

static void *draft_take(struct draft *draft, uint16_t type, int64_t id, size_t length)
{
	struct record *record = (struct record *)(void *)(draft->bytes + draft->used);

	if (length > draft->size - draft->used)
		return NULL;
	assert(length % 8 == 0 && id > 0);
	record->type = type;
	record->length = (uint16_t)length;
	record->id = (uint32_t)id;
	draft->used += length;
	draft->records++;
	return record;
}

static enum err draft_full(void)
{
	return fail(ERR_STORE, "snapshot is larger than what was counted for it");
}

/* ---- records; each reads the current row of its cursor */

#define INSTANCE_SELECT "SELECT number, expire_ms, vip FROM instance"
static enum err add_instance(struct draft *draft, const struct cursor *cursor)
{
	int64_t expire_ms = db_int(cursor, 1);
	struct record_instance *record =
		draft_take(draft, RECORD_INSTANCE, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	record->mitigation_until_ms = lifecycle_mitigation_until(expire_ms);
	record->forward_until_ms = lifecycle_forward_until(expire_ms);
	record->mitigation_block = 0
#define MITIGATION(name, mode, text) | (MITIGATION_##mode == MITIGATION_BLOCK) << MITIGATION_##name
#include "shared/mitigations.def"
#undef MITIGATION
		;
	record->vip_count = 1;
	address_column(cursor, 2, record->vip[0].byte);
	return OK;
}

/* One row per origin, and one for a rule without any: rows of a rule follow each other. */
#define SERVICE_SELECT                                                                             \
	"SELECT r.number, r.instance_number, r.protocol, r.frontend_port, r.backend_port,"         \
	" o.address, o.weight, r.persistence_seconds, r.payload_min, r.payload_max"                \
	" FROM port_rule r"                                                                        \
	" LEFT JOIN port_rule_origin o ON o.rule_number = r.number"
#define SERVICE_ORDER " ORDER BY r.number, o.position"

static enum err add_origin(
	struct draft *draft, const struct cursor *cursor, struct record_service *record)
{
	if (db_is_null(cursor, 5))
		return OK;
	if (record->origin_count == ORIGIN_MAX ||
		draft->size - draft->used < sizeof(struct record_origin))
		return draft_full();

	struct record_origin *origin = &record->origin[record->origin_count++];

	address_column(cursor, 5, origin->address.byte);
	origin->port = (uint16_t)db_int(cursor, 4);
	origin->weight = (uint16_t)db_int(cursor, 6);
	record->record.length = (uint16_t)SERVICE_BYTES(record->origin_count);
	draft->used += sizeof(*origin);
	return OK;
}

/* last: the record that the row before went to, NULL at first. */
static enum err add_service(
	struct draft *draft, const struct cursor *cursor, struct record_service **last)
{
	struct record_service *record = *last;

	if (!record || record->record.id != (uint32_t)db_int(cursor, 0)) {
		record = draft_take(draft, RECORD_SERVICE, db_int(cursor, 0), sizeof(*record));
		if (!record)
			return draft_full();
		record->instance = (uint32_t)db_int(cursor, 1);
		record->protocol = (uint8_t)db_int(cursor, 2);
		record->port = (uint16_t)db_int(cursor, 3);
		record->idle_seconds =
			record->protocol == PROTOCOL_TCP ? TCP_IDLE_SECONDS : UDP_IDLE_SECONDS;
		record->persistence_seconds = (uint32_t)db_int(cursor, 7);
		record->payload_min = (uint16_t)db_int(cursor, 8);
		record->payload_max = db_int(cursor, 9) == PAYLOAD_MAX_NONE
					      ? PAYLOAD_UNBOUNDED
					      : (uint16_t)db_int(cursor, 9);
		*last = record;
	}
	return add_origin(draft, cursor, record);
}

#define LIST_SELECT                                                                                \
	"SELECT number, instance_number, kind, prefix_bits, until_ms, source FROM list_entry"
static enum err add_list(struct draft *draft, const struct cursor *cursor)
{
	struct record_list *record =
		draft_take(draft, RECORD_LIST, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	record->instance = (uint32_t)db_int(cursor, 1);
	record->kind = (uint8_t)db_int(cursor, 2);
	record->prefix_bits = (uint8_t)db_int(cursor, 3);
	record->until_ms = db_int(cursor, 4);
	address_column(cursor, 5, record->source.byte);
	return OK;
}

static enum err add_removal(struct draft *draft, enum record_type type, int64_t number)
{
	struct record_remove *record = draft_take(draft, RECORD_REMOVE, number, sizeof(*record));

	if (!record)
		return draft_full();
	record->removed_type = type;
	return OK;
}

/* Adds what the select gives; found tells whether there was anything. */
static enum err add_rows(struct draft *draft, enum record_type type, const char *sql,
	const struct value *values, size_t count, bool *found)
{
	struct record_service *last = NULL;
	struct cursor cursor;
	enum err err = OK;

	*found = false;
	TRY(db_select(draft->db, sql, values, count, &cursor));
	while (err == OK && db_next(&cursor)) {
		*found = true;
		if (type == RECORD_INSTANCE)
			err = add_instance(draft, &cursor);
		else if (type == RECORD_SERVICE)
			err = add_service(draft, &cursor, &last);
		else
			err = add_list(draft, &cursor);
	}
	db_done(&cursor);
	TRY(err);
	return cursor.err;
}

/* ---- full */

static enum err full_size(struct db *db, size_t *out)
{
	int64_t instances, rules, origins, entries;

	TRY(select_int(db, "SELECT count(*) FROM instance", NULL, 0, &instances));
	TRY(select_int(db, "SELECT count(*) FROM port_rule", NULL, 0, &rules));
	TRY(select_int(db, "SELECT count(*) FROM port_rule_origin", NULL, 0, &origins));
	TRY(select_int(db, "SELECT count(*) FROM list_entry", NULL, 0, &entries));
	*out = (size_t)instances * sizeof(struct record_instance) +
	       (size_t)rules * SERVICE_BYTES(0) + (size_t)origins * sizeof(struct record_origin) +
	       (size_t)entries * sizeof(struct record_list);
	return OK;
}

static enum err add_everything(struct draft *draft)
{
	bool found;

	TRY(add_rows(draft, RECORD_INSTANCE, INSTANCE_SELECT " ORDER BY number", NULL, 0, &found));
	TRY(add_rows(draft, RECORD_SERVICE, SERVICE_SELECT SERVICE_ORDER, NULL, 0, &found));
	return add_rows(draft, RECORD_LIST, LIST_SELECT " ORDER BY number", NULL, 0, &found);
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
	const struct value since[] = { V_INT(base) };
	struct cursor cursor;
	struct change *change;
	size_t used = 0;
	int64_t count;

	TRY(select_int(db, "SELECT count(*) FROM change WHERE generation > $1", since, 1, &count));
	change = arena_array(mem, (size_t)count, sizeof(*change));
	if (!change)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT DISTINCT type, number FROM change WHERE generation > $1"
		" ORDER BY type, number",
		since, 1, &cursor));
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

static size_t record_bytes_max(enum record_type type)
{
	if (type == RECORD_INSTANCE)
		return sizeof(struct record_instance);
	if (type == RECORD_SERVICE)
		return SERVICE_BYTES(ORIGIN_MAX);
	return sizeof(struct record_list);
}

static enum err exists(struct db *db, const struct change *change, bool *out)
{
	const char *sql = "SELECT count(*) FROM list_entry WHERE number = $1";
	int64_t count;

	if (change->type == RECORD_INSTANCE)
		sql = "SELECT count(*) FROM instance WHERE number = $1";
	else if (change->type == RECORD_SERVICE)
		sql = "SELECT count(*) FROM port_rule WHERE number = $1";
	TRY(select_int(db, sql, (const struct value[]){ V_INT(change->number) }, 1, &count));
	*out = count > 0;
	return OK;
}

static enum err difference_size(struct db *db, struct change *change, size_t count, size_t *out)
{
	*out = 0;
	for (size_t i = 0; i < count; i++) {
		bool found;

		TRY(exists(db, &change[i], &found));
		change[i].gone = !found;
		*out += found ? record_bytes_max(change[i].type) : sizeof(struct record_remove);
	}
	return OK;
}

static enum err add_one(struct draft *draft, const struct change *change)
{
	const struct value number[] = { V_INT(change->number) };
	const char *sql = LIST_SELECT " WHERE number = $1";
	bool found;

	if (change->type == RECORD_INSTANCE)
		sql = INSTANCE_SELECT " WHERE number = $1";
	else if (change->type == RECORD_SERVICE)
		sql = SERVICE_SELECT " WHERE r.number = $1" SERVICE_ORDER;
	return add_rows(draft, change->type, sql, number, 1, &found);
}

static enum err add_difference(struct draft *draft, const struct change *change, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (change[i].gone)
			TRY(add_removal(draft, change[i].type, change[i].number));
	for (size_t i = 0; i < count; i++)
		if (!change[i].gone)
			TRY(add_one(draft, &change[i]));
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

static enum err draft_make(struct draft *draft, struct arena *mem, size_t content)
{
	draft->size = sizeof(struct snapshot_header) + content;
	if (draft->size > SNAPSHOT_BYTES_MAX)
		return fail(ERR_LIMIT,
			"snapshot of %zu bytes is larger than the %u that nodes take", draft->size,
			SNAPSHOT_BYTES_MAX);
	draft->bytes = arena_take(mem, draft->size);
	draft->used = sizeof(struct snapshot_header);
	return draft->bytes ? OK : ERR_MEMORY;
}

static enum err draft_fill(struct draft *draft, struct arena *mem, bool difference, int64_t base)
{
	struct change *change = NULL;
	size_t count = 0, content;

	if (!difference) {
		TRY(full_size(draft->db, &content));
		TRY(draft_make(draft, mem, content));
		return add_everything(draft);
	}
	TRY(load_changes(draft->db, mem, base, &change, &count));
	TRY(difference_size(draft->db, change, count, &content));
	TRY(draft_make(draft, mem, content));
	return add_difference(draft, change, count);
}

enum err snapshot_build(struct db *db, struct arena *mem, uint64_t base_generation,
	int64_t life_offset_ms, uint64_t control_boot, const uint8_t cookie_secret[32],
	const uint8_t **out, size_t *size)
{
	int64_t base = base_generation > INT64_MAX ? 0 : (int64_t)base_generation;
	struct draft draft = { .db = db };
	bool difference;
	int64_t newest;

	TRY(change_generation(db, &newest));
	TRY(reaches(db, base, newest, &difference));
	TRY(draft_fill(&draft, mem, difference, base));
	assert(draft.bytes && draft.used <= draft.size);

	struct snapshot_header header = {
		.magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.flags = difference ? 0 : SNAPSHOT_FULL,
		.base_generation = difference ? (uint64_t)base : 0,
		.generation = (uint64_t)newest,
		.life_offset_ms = life_offset_ms,
		.control_boot = control_boot,
		.record_count = draft.records,
		.byte_count = (uint32_t)(draft.used - sizeof(header)),
	};

	memcpy(header.cookie_secret, cookie_secret, sizeof(header.cookie_secret));
	memcpy(draft.bytes, &header, sizeof(header));
	*out = draft.bytes;
	*size = draft.used;
	return OK;
}
