/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules and their origins. Origins are rows of their own, written whole with their rule.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/store/query.h"
#include "control/store/store.h"

/* The attributes follow in the order of rule_attributes.def, then, in a list, the instance's id. */
static const char rule_select[] =
	"SELECT r.number, r.instance_number, r.protocol, r.frontend_port, r.backend_port, r.remark,"
	" r.backup, r.current_side"
#define RULE_ATTRIBUTE(name, fallback, least, most, label) ", r." #name
#include "control/model/rule_attributes.def"
#undef RULE_ATTRIBUTE
	;
#define ATTRIBUTE_FIRST	   8
#define INSTANCE_ID_COLUMN ((int)(ATTRIBUTE_FIRST + RULE_ATTRIBUTE_COUNT))

static void rule_row(struct cursor *cursor, struct arena *mem, struct port_rule *out)
{
	*out = (struct port_rule){
		.number = db_int(cursor, 0),
		.instance_number = db_int(cursor, 1),
		.protocol = (enum protocol)db_int(cursor, 2),
		.frontend_port = db_int(cursor, 3),
		.backend_port = db_int(cursor, 4),
		.remark = text_column(cursor, 5, mem),
		.backup = db_int(cursor, 6) != 0,
		.current = (enum origin_group)db_int(cursor, 7),
	};
	for (size_t row = 0; row < RULE_ATTRIBUTE_COUNT; row++)
		*rule_attribute_at(&out->attributes, row) =
			db_int(cursor, ATTRIBUTE_FIRST + (int)row);
}

enum err port_rule_origins(struct db *db, int64_t number, enum origin_group group,
	struct rule_origin out[ORIGIN_MAX], size_t *count)
{
	struct cursor cursor;
	size_t used = 0;

	TRY(db_select(db,
		"SELECT address, weight FROM port_rule_origin WHERE rule_number = $1"
		" AND side = $2 ORDER BY position",
		(const struct value[]){ V_INT(number), V_INT(group) }, 2, &cursor));
	while (used < ORIGIN_MAX && db_next(&cursor)) {
		struct rule_origin *origin = &out[used++];

		address_column(&cursor, 0, origin->address);
		origin->weight = db_int(&cursor, 1);
	}
	db_done(&cursor);
	*count = used;
	return cursor.err;
}

static enum err load_origins(struct db *db, struct port_rule *rule)
{
	return port_rule_origins(db, rule->number, ORIGINS_OWN, rule->origin, &rule->origin_count);
}

static enum err save_origins(struct db *db, int64_t number, enum origin_group group,
	const struct rule_origin *origin, size_t count)
{
	TRY(db_run(db, "DELETE FROM port_rule_origin WHERE rule_number = $1 AND side = $2",
		(const struct value[]){ V_INT(number), V_INT(group) }, 2, NULL));
	for (size_t i = 0; i < count; i++)
		TRY(db_run(db,
			"INSERT INTO port_rule_origin (rule_number, side, position, address,"
			" weight) VALUES ($1, $2, $3, $4, $5)",
			(const struct value[]){ V_INT(number), V_INT(group), V_INT((int64_t)i),
				V_BLOB(origin[i].address, 16), V_INT(origin[i].weight) },
			5, NULL));
	return OK;
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
	struct rows rows = { 0 };
	struct port_rule_row *row;
	struct cursor cursor;

	TRY(query_select(query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL) {
		rule_row(&cursor, mem, &row->rule);
		strncpy(row->instance_id, text_column(&cursor, INSTANCE_ID_COLUMN, mem),
			INSTANCE_ID_SIZE - 1);
	}
	db_done(&cursor);
	TRY(cursor.err);
	row = rows.row;
	for (size_t i = 0; i < rows.count; i++)
		TRY(load_origins(db, &row[i].rule));
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err port_rule_list(struct db *db, struct arena *mem, const struct port_rule_filter *filter,
	struct port_rule_row **out, size_t *count, int64_t *total)
{
	struct query query;

	if (total)
		TRY(count_rules(db, mem, filter, total));
	query_init(&query, mem);
	QUERY_TEXT(&query, rule_select);
	QUERY_TEXT(
		&query, ", i.id FROM port_rule r JOIN instance i ON i.number = r.instance_number");
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY r.number");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
	return load_rules(db, mem, &query, out, count);
}

enum err port_rule_numbers(struct db *db, struct arena *mem, const struct port_rule_filter *filter,
	int64_t **out, size_t *count)
{
	struct rows rows = { 0 };
	int64_t *row;
	struct cursor cursor;
	struct query query;

	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT r.number FROM port_rule r"
			   " JOIN instance i ON i.number = r.instance_number");
	add_where(&query, filter);
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ?", V_INT(filter->limit));
	TRY(query_select(&query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		*row = db_int(&cursor, 0);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err port_rule_load(struct db *db, struct arena *mem, int64_t instance_number,
	enum protocol protocol, int64_t frontend_port, struct port_rule *out)
{
	struct port_rule rule;
	struct cursor cursor;
	struct query query;
	bool found;

	query_init(&query, mem);
	QUERY_TEXT(&query, rule_select);
	QUERY_ADD(&query,
		" FROM port_rule r WHERE r.instance_number = ? AND r.protocol = ?"
		" AND r.frontend_port = ?",
		V_INT(instance_number), V_INT(protocol), V_INT(frontend_port));
	TRY(query_select(&query, db, &cursor));
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
	TRY(save_origins(db, made.number, ORIGINS_OWN, made.origin, made.origin_count));
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
	TRY(save_origins(db, rule->number, ORIGINS_OWN, rule->origin, rule->origin_count));
	return record(db, rule->instance_number, rule->number);
}

enum err port_rule_set_attributes(struct db *db, struct arena *mem, const struct port_rule *rule)
{
	static const char *const set[] = {
#define RULE_ATTRIBUTE(name, fallback, least, most, label) #name " = ?",
#include "control/model/rule_attributes.def"
#undef RULE_ATTRIBUTE
	};
	struct query query;
	int64_t number;

	query_init(&query, mem);
	QUERY_TEXT(&query, "UPDATE port_rule SET ");
	for (size_t row = 0; row < RULE_ATTRIBUTE_COUNT; row++) {
		if (row > 0)
			QUERY_TEXT(&query, ", ");
		QUERY_ADD(&query, set[row], V_INT(rule_attribute_get(&rule->attributes, row)));
	}
	QUERY_ADD(&query, " WHERE number = ? RETURNING number", V_INT(rule->number));

	enum err err = query_int(&query, db, &number);

	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_PORT_RULE_NOT_FOUND : err;
	return record(db, rule->instance_number, rule->number);
}

enum err port_rule_set_groups(struct db *db, const struct port_rule *rule,
	const struct rule_origin *primary, size_t primary_count,
	const struct rule_origin *secondary, size_t secondary_count)
{
	assert(primary_count <= ORIGIN_MAX && secondary_count <= ORIGIN_MAX);
	TRY(save_origins(db, rule->number, ORIGINS_PRIMARY, primary, primary_count));
	return save_origins(db, rule->number, ORIGINS_SECONDARY, secondary, secondary_count);
}

enum err port_rule_set_current(struct db *db, const struct port_rule *rule)
{
	assert(rule->current == ORIGINS_PRIMARY || rule->current == ORIGINS_SECONDARY);
	TRY(db_run(db,
		"UPDATE port_rule SET backup = $2, current_side = $3, active_side = $4"
		" WHERE number = $1",
		(const struct value[]){ V_INT(rule->number), V_INT(rule->backup),
			V_INT(rule->current), V_INT(rule->backup ? rule->current : ORIGINS_OWN) },
		4, NULL));
	return record(db, rule->instance_number, rule->number);
}

enum err port_rule_set_remark(struct db *db, const struct port_rule *rule, const char *remark)
{
	return db_run(db, "UPDATE port_rule SET remark = $2 WHERE number = $1",
		(const struct value[]){ V_INT(rule->number), V_TEXT(remark) }, 2, NULL);
}

enum err port_rule_delete(struct db *db, const struct port_rule *rule)
{
	int64_t changed;

	TRY(db_run(db, "DELETE FROM port_rule_origin WHERE rule_number = $1",
		(const struct value[]){ V_INT(rule->number) }, 1, NULL));
	TRY(db_run(db, "DELETE FROM rule_health WHERE rule_number = $1",
		(const struct value[]){ V_INT(rule->number) }, 1, NULL));
	TRY(db_run(db, "DELETE FROM port_rule WHERE number = $1",
		(const struct value[]){ V_INT(rule->number) }, 1, &changed));
	if (changed == 0)
		return ERR_PORT_RULE_NOT_FOUND;
	return record(db, rule->instance_number, rule->number);
}
