/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules and their origins. Origins are rows of their own, written whole with their rule.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/store/query.h"
#include "control/store/store.h"

#define RULE_COLUMNS                                                                               \
	"r.number, r.instance_number, r.protocol, r.frontend_port, r.backend_port, r.remark,"      \
	" r.persistence_seconds, r.payload_min, r.payload_max"
#define RULE_COLUMN_COUNT 9

static void rule_row(struct cursor *cursor, struct arena *mem, struct port_rule *out)
{
	*out = (struct port_rule){
		.number = db_int(cursor, 0),
		.instance_number = db_int(cursor, 1),
		.protocol = (enum protocol)db_int(cursor, 2),
		.frontend_port = db_int(cursor, 3),
		.backend_port = db_int(cursor, 4),
		.remark = text_column(cursor, 5, mem),
		.attributes = { .persistence_seconds = db_int(cursor, 6),
			.payload_min = db_int(cursor, 7),
			.payload_max = db_int(cursor, 8) },
	};
}

static enum err load_origins(struct db *db, struct port_rule *rule)
{
	struct cursor cursor;

	rule->origin_count = 0;
	TRY(db_select(db,
		"SELECT address, weight FROM port_rule_origin WHERE rule_number = $1"
		" ORDER BY position",
		(const struct value[]){ V_INT(rule->number) }, 1, &cursor));
	while (rule->origin_count < ORIGIN_MAX && db_next(&cursor)) {
		struct rule_origin *origin = &rule->origin[rule->origin_count++];

		address_column(&cursor, 0, origin->address);
		origin->weight = db_int(&cursor, 1);
	}
	db_done(&cursor);
	return cursor.err;
}

static enum err save_origins(struct db *db, const struct port_rule *rule)
{
	for (size_t i = 0; i < rule->origin_count; i++)
		TRY(db_run(db,
			"INSERT INTO port_rule_origin (rule_number, position, address, weight)"
			" VALUES ($1, $2, $3, $4)",
			(const struct value[]){ V_INT(rule->number), V_INT((int64_t)i),
				V_BLOB(rule->origin[i].address, 16),
				V_INT(rule->origin[i].weight) },
			4, NULL));
	return OK;
}

static enum err drop_origins(struct db *db, int64_t number)
{
	return db_run(db, "DELETE FROM port_rule_origin WHERE rule_number = $1",
		(const struct value[]){ V_INT(number) }, 1, NULL);
}

/* The name of an instance that switches back follows its origins, and is told by the instance's
 * changes: a rule that is gone could not be traced to it. */
static enum err record(struct db *db, int64_t instance_number, int64_t number)
{
	int64_t generation;

	TRY(change_record(db, RECORD_SERVICE, number, &generation));
	return db_run(db,
		"INSERT INTO change (type, number) SELECT $2, number FROM instance"
		" WHERE number = $1 AND switch_back_origin <> 0",
		(const struct value[]){ V_INT(instance_number), V_INT(RECORD_INSTANCE) }, 2, NULL);
}

/* ---- reading */

static void add_where(struct query *query, const struct port_rule_filter *filter)
{
	QUERY_TEXT(query, " WHERE 1 = 1");
	if (filter->instance_number != 0)
		QUERY_ADD(query, " AND r.instance_number = ?", V_INT(filter->instance_number));
	if (filter->account != 0)
		QUERY_ADD(query, " AND i.account = ?", V_INT(filter->account));
	query_in(query, " AND i.id", filter->allowed, filter->allowed_count);
	if (filter->protocol != 0)
		QUERY_ADD(query, " AND r.protocol = ?", V_INT(filter->protocol));
	if (filter->frontend_port != 0)
		QUERY_ADD(query, " AND r.frontend_port = ?", V_INT(filter->frontend_port));
}

static enum err count_rules(
	struct db *db, struct arena *mem, const struct port_rule_filter *filter, int64_t *out)
{
	struct query query;

	query_init(&query, mem);
	QUERY_TEXT(&query,
		"SELECT count(*) FROM port_rule r JOIN instance i ON i.number = r.instance_number");
	add_where(&query, filter);
	return query_int(&query, db, out);
}

static enum err load_rules(struct db *db, struct arena *mem, struct query *query,
	struct port_rule_row **out, size_t *count)
{
	struct port_rule_row *rows = NULL, *room;
	size_t used = 0, capacity = 0;
	struct cursor cursor;

	TRY(query_select(query, db, &cursor));
	while (db_next(&cursor)) {
		room = rows_room(mem, rows, used, &capacity, sizeof(*rows));
		if (!room) {
			cursor.err = ERR_MEMORY;
			break;
		}
		rows = room;
		rule_row(&cursor, mem, &rows[used].rule);
		strncpy(rows[used++].instance_id, text_column(&cursor, RULE_COLUMN_COUNT, mem),
			INSTANCE_ID_SIZE - 1);
	}
	db_done(&cursor);
	TRY(cursor.err);
	for (size_t i = 0; i < used; i++)
		TRY(load_origins(db, &rows[i].rule));
	*out = rows;
	*count = used;
	return OK;
}

enum err port_rule_list(struct db *db, struct arena *mem, const struct port_rule_filter *filter,
	struct port_rule_row **out, size_t *count, int64_t *total)
{
	struct query query;

	if (total)
		TRY(count_rules(db, mem, filter, total));
	query_init(&query, mem);
	QUERY_TEXT(&query,
		"SELECT " RULE_COLUMNS
		", i.id FROM port_rule r JOIN instance i ON i.number = r.instance_number");
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY r.number");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
	return load_rules(db, mem, &query, out, count);
}

enum err port_rule_load(struct db *db, struct arena *mem, int64_t instance_number,
	enum protocol protocol, int64_t frontend_port, struct port_rule *out)
{
	struct port_rule rule;
	struct cursor cursor;
	bool found;

	TRY(db_select(db,
		"SELECT " RULE_COLUMNS " FROM port_rule r WHERE r.instance_number = $1"
		" AND r.protocol = $2 AND r.frontend_port = $3",
		(const struct value[]){
			V_INT(instance_number), V_INT(protocol), V_INT(frontend_port) },
		3, &cursor));
	found = db_next(&cursor);
	if (found)
		rule_row(&cursor, mem, &rule);
	db_done(&cursor);
	TRY(cursor.err);
	if (!found)
		return ERR_PORT_RULE_NOT_FOUND;
	TRY(load_origins(db, &rule));
	*out = rule;
	return OK;
}

/* ---- writing */

enum err port_rule_insert(struct db *db, struct port_rule *rule)
{
	struct port_rule made = *rule;

	assert(made.origin_count <= ORIGIN_MAX);

	enum err err = select_int(db,
		"INSERT INTO port_rule (instance_number, protocol, frontend_port, backend_port,"
		" remark, origin_count) VALUES ($1, $2, $3, $4, $5, $6) RETURNING number",
		(const struct value[]){ V_INT(made.instance_number), V_INT(made.protocol),
			V_INT(made.frontend_port), V_INT(made.backend_port),
			V_TEXT(made.remark ? made.remark : ""), V_INT((int64_t)made.origin_count) },
		6, &made.number);

	if (err != OK)
		return err == ERR_CONFLICT ? ERR_PORT_RULE_EXISTS : err;
	TRY(save_origins(db, &made));
	TRY(record(db, made.instance_number, made.number));
	rule->number = made.number;
	return OK;
}

enum err port_rule_update(struct db *db, const struct port_rule *rule)
{
	int64_t changed;

	assert(rule->origin_count <= ORIGIN_MAX);
	TRY(db_run(db,
		"UPDATE port_rule SET backend_port = $2, remark = $3, origin_count = $4"
		" WHERE number = $1",
		(const struct value[]){ V_INT(rule->number), V_INT(rule->backend_port),
			V_TEXT(rule->remark ? rule->remark : ""),
			V_INT((int64_t)rule->origin_count) },
		4, &changed));
	if (changed == 0)
		return ERR_PORT_RULE_NOT_FOUND;
	TRY(drop_origins(db, rule->number));
	TRY(save_origins(db, rule));
	return record(db, rule->instance_number, rule->number);
}

enum err port_rule_set_attributes(struct db *db, const struct port_rule *rule)
{
	int64_t changed;

	TRY(db_run(db,
		"UPDATE port_rule SET persistence_seconds = $2, payload_min = $3, payload_max = $4"
		" WHERE number = $1",
		(const struct value[]){ V_INT(rule->number),
			V_INT(rule->attributes.persistence_seconds),
			V_INT(rule->attributes.payload_min), V_INT(rule->attributes.payload_max) },
		4, &changed));
	if (changed == 0)
		return ERR_PORT_RULE_NOT_FOUND;
	return record(db, rule->instance_number, rule->number);
}

enum err port_rule_delete(struct db *db, const struct port_rule *rule)
{
	int64_t changed;

	TRY(drop_origins(db, rule->number));
	TRY(db_run(db, "DELETE FROM port_rule WHERE number = $1",
		(const struct value[]){ V_INT(rule->number) }, 1, &changed));
	if (changed == 0)
		return ERR_PORT_RULE_NOT_FOUND;
	return record(db, rule->instance_number, rule->number);
}
