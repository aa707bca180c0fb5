/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling rules as rows, and a row for each value of one with its state. Whose a value is, is looked up when it is asked
 * for: an address can be bought and released while rules name it. Signals are the account's own: nobody learns by a rule that
 * another account is attacked.
 */
#include "control/store/scheduler.h"

#include <string.h>

#include "control/model/attack.h"
#include "control/model/lifecycle.h"
#include "control/store/query.h"

#define RULE_COLUMNS                                                                               \
	"s.number, s.account, s.name, s.type, s.cname, s.domain, s.cdn_name, s.access_qps,"        \
	" s.upstream_qps, s.param_type, s.cloud_instance, s.calm_ms"

static void read_rule(struct cursor *cursor, struct arena *mem, struct scheduler_rule *out)
{
	const char *cname = text_column(cursor, 4, mem);

	*out = (struct scheduler_rule){ .number = db_int(cursor, 0),
		.account = db_int(cursor, 1),
		.name = text_column(cursor, 2, mem),
		.type = (enum scheduler_type)db_int(cursor, 3),
		.domain = text_column(cursor, 5, mem),
		.cdn_name = text_column(cursor, 6, mem),
		.access_qps = db_int(cursor, 7),
		.upstream_qps = db_int(cursor, 8),
		.param_type = text_column(cursor, 9, mem),
		.cloud_instance = text_column(cursor, 10, mem),
		.calm_ms = db_int(cursor, 11) };
	memcpy(out->cname, cname, strnlen(cname, CNAME_SIZE - 1));
}

static void read_resource(struct cursor *cursor, struct arena *mem, struct scheduler_resource *out)
{
	*out = (struct scheduler_resource){ .position = db_int(cursor, 0),
		.named = db_int(cursor, 1) != 0,
		.value = text_column(cursor, 2, mem),
		.label = text_column(cursor, 4, mem),
		.value_type = db_int(cursor, 5),
		.priority = db_int(cursor, 6),
		.region = text_column(cursor, 7, mem),
		.delay_minutes = db_int(cursor, 8),
		.state = { .mode = (enum scheduler_mode)db_int(cursor, 9),
			.away = db_int(cursor, 10) != 0,
			.quiet_ms = db_int(cursor, 11),
			.back_ms = db_int(cursor, 12),
			.answered = db_int(cursor, 13) != 0 } };
	address_column(cursor, 3, out->address);
}

static enum err load_resources(struct db *db, struct arena *mem, struct scheduler_rule *rule)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT position, named, value, address, label, value_type, priority, region,"
		" delay_minutes, mode, away, quiet_ms, back_ms, answered FROM scheduler_resource"
		" WHERE rule = $1 ORDER BY position",
		(const struct value[]){ V_INT(rule->number) }, 1, &cursor));
	while (rule->resource_count < SCHEDULER_RESOURCE_MAX && db_next(&cursor))
		read_resource(&cursor, mem, &rule->resource[rule->resource_count++]);
	db_done(&cursor);
	return cursor.err;
}

/* ---- one rule */

/* What its name answers is another. */
static enum err touch(struct db *db, int64_t number)
{
	int64_t generation;

	return change_record_name(db, number, &generation);
}

static enum err insert_resource(
	struct db *db, int64_t rule, const struct scheduler_resource *resource)
{
	const struct scheduler_state *state = &resource->state;

	return db_run(db,
		"INSERT INTO scheduler_resource (rule, position, named, value, address, label,"
		" value_type, priority, region, delay_minutes, mode, away, quiet_ms, back_ms,"
		" answered) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
		" $15)",
		(const struct value[]){ V_INT(rule), V_INT(resource->position),
			V_INT(resource->named), V_TEXT(resource->value),
			V_BLOB(resource->address, 16), V_TEXT(resource->label),
			V_INT(resource->value_type), V_INT(resource->priority),
			V_TEXT(resource->region), V_INT(resource->delay_minutes),
			V_INT(state->mode), V_INT(state->away), V_INT(state->quiet_ms),
			V_INT(state->back_ms), V_INT(state->answered) },
		15, NULL);
}

static enum err insert_resources(struct db *db, const struct scheduler_rule *rule)
{
	for (size_t i = 0; i < rule->resource_count; i++)
		TRY(insert_resource(db, rule->number, &rule->resource[i]));
	return touch(db, rule->number);
}

enum err scheduler_insert(struct db *db, struct scheduler_rule *rule)
{
	enum err err = select_int(db,
		"INSERT INTO scheduler_rule (account, name, type, cname, domain, cdn_name,"
		" access_qps, upstream_qps, param_type, cloud_instance)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		" ON CONFLICT (account, name) DO NOTHING RETURNING number",
		(const struct value[]){ V_INT(rule->account), V_TEXT(rule->name), V_INT(rule->type),
			V_TEXT(rule->cname), V_TEXT(rule->domain), V_TEXT(rule->cdn_name),
			V_INT(rule->access_qps), V_INT(rule->upstream_qps),
			V_TEXT(rule->param_type), V_TEXT(rule->cloud_instance) },
		10, &rule->number);

	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_SCHEDULER_EXISTS : err;
	return insert_resources(db, rule);
}

enum err scheduler_update(struct db *db, const struct scheduler_rule *rule)
{
	TRY(db_run(db,
		"UPDATE scheduler_rule SET type = $2, domain = $3, cdn_name = $4, access_qps = $5,"
		" upstream_qps = $6, param_type = $7, cloud_instance = $8 WHERE number = $1",
		(const struct value[]){ V_INT(rule->number), V_INT(rule->type),
			V_TEXT(rule->domain), V_TEXT(rule->cdn_name), V_INT(rule->access_qps),
			V_INT(rule->upstream_qps), V_TEXT(rule->param_type),
			V_TEXT(rule->cloud_instance) },
		8, NULL));
	TRY(db_run(db, "DELETE FROM scheduler_resource WHERE rule = $1",
		(const struct value[]){ V_INT(rule->number) }, 1, NULL));
	return insert_resources(db, rule);
}

static enum err delete_number(struct db *db, int64_t number)
{
	const struct value values[] = { V_INT(number) };
	int64_t generation;

	TRY(change_record_name(db, number, &generation));
	TRY(db_run(db,
		"INSERT INTO scheduler_gone (number, cname, generation) SELECT number, cname, $2"
		" FROM scheduler_rule WHERE number = $1",
		(const struct value[]){ V_INT(number), V_INT(generation) }, 2, NULL));
	TRY(db_run(db, "DELETE FROM scheduler_resource WHERE rule = $1", values, 1, NULL));
	return db_run(db, "DELETE FROM scheduler_rule WHERE number = $1", values, 1, NULL);
}

enum err scheduler_delete(struct db *db, const struct scheduler_rule *rule)
{
	return delete_number(db, rule->number);
}

static enum err load_one(
	struct db *db, struct arena *mem, struct cursor *cursor, struct scheduler_rule *out)
{
	bool found = db_next(cursor);

	if (found)
		read_rule(cursor, mem, out);
	db_done(cursor);
	TRY(cursor->err);
	return found ? load_resources(db, mem, out) : ERR_SCHEDULER_NOT_FOUND;
}

enum err scheduler_load(struct db *db, struct arena *mem, int64_t account, const char *name,
	struct scheduler_rule *out)
{
	struct cursor cursor;

	/* An operator means the oldest of the name. */
	TRY(db_select(db,
		"SELECT " RULE_COLUMNS " FROM scheduler_rule s WHERE s.name = $1"
		" AND ($2 = 0 OR s.account = $2) ORDER BY s.number LIMIT 1",
		(const struct value[]){ V_TEXT(name), V_INT(account) }, 2, &cursor));
	return load_one(db, mem, &cursor, out);
}

enum err scheduler_load_number(
	struct db *db, struct arena *mem, int64_t number, struct scheduler_rule *out)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT " RULE_COLUMNS " FROM scheduler_rule s WHERE s.number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	return load_one(db, mem, &cursor, out);
}

enum err scheduler_release(struct db *db, const struct instance *instance)
{
	/* One at a time, so that no list is held: the first goes until there is none. */
	for (;;) {
		int64_t rule, left;
		enum err err = select_int(db,
			"SELECT r.rule FROM scheduler_resource r JOIN scheduler_rule s"
			" ON s.number = r.rule WHERE r.address = $1 AND s.account = $2 LIMIT 1",
			(const struct value[]){
				V_BLOB(instance->vip, 16), V_INT(instance->account) },
			2, &rule);

		if (err == ERR_NOT_FOUND)
			return OK;
		TRY(err);
		TRY(db_run(db, "DELETE FROM scheduler_resource WHERE rule = $1 AND address = $2",
			(const struct value[]){ V_INT(rule), V_BLOB(instance->vip, 16) }, 2, NULL));
		TRY(select_int(db, "SELECT count(*) FROM scheduler_resource WHERE rule = $1",
			(const struct value[]){ V_INT(rule) }, 1, &left));
		TRY(left ? touch(db, rule) : delete_number(db, rule));
	}
}

enum err scheduler_put_state(struct db *db, const struct scheduler_rule *rule, bool renamed)
{
	TRY(db_run(db, "UPDATE scheduler_rule SET calm_ms = $2 WHERE number = $1 AND calm_ms <> $2",
		(const struct value[]){ V_INT(rule->number), V_INT(rule->calm_ms) }, 2, NULL));
	for (size_t i = 0; i < rule->resource_count; i++) {
		const struct scheduler_state *state = &rule->resource[i].state;

		TRY(db_run(db,
			"UPDATE scheduler_resource SET mode = $3, away = $4, quiet_ms = $5,"
			" back_ms = $6, answered = $7 WHERE rule = $1 AND position = $2",
			(const struct value[]){ V_INT(rule->number),
				V_INT(rule->resource[i].position), V_INT(state->mode),
				V_INT(state->away), V_INT(state->quiet_ms), V_INT(state->back_ms),
				V_INT(state->answered) },
			7, NULL));
	}
	return renamed ? touch(db, rule->number) : OK;
}

/* ---- lists */

static void add_filter(struct query *query, const struct scheduler_filter *filter)
{
	QUERY_TEXT(query, " FROM scheduler_rule s WHERE 1 = 1");
	if (filter->account)
		QUERY_ADD(query, " AND s.account = ?", V_INT(filter->account));
	if (filter->name)
		QUERY_ADD(query, " AND s.name = ?", V_TEXT(filter->name));
	if (filter->either)
		QUERY_ADD(query, " AND (s.name = ? OR s.domain = lower(?))", V_TEXT(filter->either),
			V_TEXT(filter->either));
	if (filter->type)
		QUERY_ADD(query, " AND s.type = ?", V_INT(filter->type));
	if (filter->domain)
		QUERY_ADD(query, " AND s.domain = lower(?)", V_TEXT(filter->domain));
	if (filter->allowed_count == 0)
		return;
	/* As many instances of the account as of the key's, and one at least. */
	QUERY_TEXT(query, " AND EXISTS (SELECT 1 FROM scheduler_resource r JOIN instance i"
			  " ON i.vip = r.address AND i.account = s.account WHERE r.rule = s.number)"
			  " AND NOT EXISTS (SELECT 1 FROM scheduler_resource r JOIN instance i"
			  " ON i.vip = r.address AND i.account = s.account WHERE r.rule = s.number"
			  " AND NOT (");
	query_in(query, "i.id", filter->allowed, filter->allowed_count);
	QUERY_TEXT(query, "))");
}

static enum err read_list(struct db *db, struct arena *mem, struct query *query,
	struct scheduler_rule **out, size_t *count)
{
	struct rows rows = { 0 };
	struct scheduler_rule *rule;
	struct cursor cursor;

	TRY(query_select(query, db, &cursor));
	while ((rule = rows_next(&rows, &cursor, mem, sizeof(*rule))) != NULL)
		read_rule(&cursor, mem, rule);
	db_done(&cursor);
	TRY(cursor.err);
	rule = rows.row;
	for (size_t i = 0; i < rows.count; i++)
		TRY(load_resources(db, mem, &rule[i]));
	*out = rule;
	*count = rows.count;
	return OK;
}

enum err scheduler_list(struct db *db, struct arena *mem, const struct scheduler_filter *filter,
	struct scheduler_rule **out, size_t *count, int64_t *total)
{
	struct query query;

	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT count(*)");
	add_filter(&query, filter);
	TRY(query_int(&query, db, total));
	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT " RULE_COLUMNS);
	add_filter(&query, filter);
	QUERY_TEXT(&query, " ORDER BY s.number");
	if (filter->limit)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
	return read_list(db, mem, &query, out, count);
}

enum err scheduler_numbers(struct db *db, struct arena *mem, int64_t after_number, int64_t limit,
	int64_t **out, size_t *count)
{
	return select_numbers(db, mem,
		"SELECT number FROM scheduler_rule WHERE number > $1 ORDER BY number LIMIT $2",
		(const struct value[]){ V_INT(after_number), V_INT(limit) }, 2, out, count);
}

enum err scheduler_count(struct db *db, int64_t account, int64_t *out)
{
	return select_int(db, "SELECT count(*) FROM scheduler_rule WHERE $1 = 0 OR account = $1",
		(const struct value[]){ V_INT(account) }, 1, out);
}

/* ---- signals */

enum err scheduler_signals(struct db *db, const struct scheduler_rule *rule,
	const struct scheduler_times *times, struct scheduler_signal out[SCHEDULER_RESOURCE_MAX])
{
	struct cursor cursor;
	size_t used = 0;

	/* The same rows in the same order as those of load_resources. */
	TRY(db_select(db,
		"SELECT coalesce(i.number, 0), coalesce(i.expire_ms, 0),"
		" coalesce(p.blackhole_until_ms, 0),"
		" EXISTS (SELECT 1 FROM attack a WHERE a.end_ms = 0 AND a.kind IN ($3, $4)"
		" AND a.subject = i.number)"
		" OR EXISTS (SELECT 1 FROM website w JOIN attack a ON a.end_ms = 0 AND a.kind = $5"
		" AND a.subject = w.number WHERE w.cname = r.label AND w.account = $2)"
		" FROM scheduler_resource r"
		" LEFT JOIN instance i ON i.vip = r.address AND i.account = $2"
		" LEFT JOIN protection p ON p.instance_number = i.number"
		" WHERE r.rule = $1 ORDER BY r.position",
		(const struct value[]){ V_INT(rule->number), V_INT(rule->account),
			V_INT(ATTACK_DEFENSE), V_INT(ATTACK_CC), V_INT(ATTACK_WEB_CC) },
		5, &cursor));
	memset(out, 0, SCHEDULER_RESOURCE_MAX * sizeof(*out));
	while (used < SCHEDULER_RESOURCE_MAX && db_next(&cursor)) {
		const struct lifecycle_row *life = lifecycle_at(db_int(&cursor, 1), times->now_ms);
		bool ours = db_int(&cursor, 0) != 0;

		out[used++] = (struct scheduler_signal){
			.attacked = db_int(&cursor, 3) != 0,
			/* An expired instance is not mitigated, so that it is in no blackhole. */
			.blackholed =
				ours && life->mitigation && db_int(&cursor, 2) > times->clock_ms,
			.forwards = !ours || life->forwarding,
			.unknown = rule->type == SCHEDULER_CDN,
		};
	}
	db_done(&cursor);
	return cursor.err;
}

enum err scheduler_website(struct db *db, const struct scheduler_rule *rule, int64_t *out)
{
	enum err err = select_int(db,
		"SELECT number FROM website WHERE domain = $1 AND account = $2",
		(const struct value[]){ V_TEXT(rule->domain), V_INT(rule->account) }, 2, out);

	if (err != ERR_NOT_FOUND)
		return err;
	*out = 0;
	return OK;
}

enum err scheduler_scrubbed(
	struct db *db, const struct scheduler_rule *rule, int64_t since_ms, bool *out)
{
	int64_t attacks;

	TRY(select_int(db,
		"SELECT count(*) FROM attack a WHERE (a.end_ms = 0 OR a.end_ms > $2)"
		" AND a.account = $3 AND (a.domain = $4 OR (a.kind <> $5 AND a.vip IN"
		" (SELECT address FROM scheduler_resource WHERE rule = $1 AND value_type = $6)))",
		(const struct value[]){ V_INT(rule->number), V_INT(since_ms), V_INT(rule->account),
			V_TEXT(rule->domain), V_INT(ATTACK_WEB_CC), V_INT(SCHEDULER_PROTECTED) },
		6, &attacks));
	*out = attacks > 0;
	return OK;
}
