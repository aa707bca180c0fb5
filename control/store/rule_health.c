/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health checks of port rules: a row for each rule that has one. Nodes hear of them as records of their
 * own, with the rule's number.
 */
#include "control/store/query.h"
#include "control/store/store.h"

static enum err record(struct db *db, const struct port_rule *rule)
{
	int64_t generation;

	return change_record(db, RECORD_HEALTH, rule->number, &generation);
}

enum err rule_health_put(
	struct db *db, const struct port_rule *rule, const struct rule_health *health)
{
	TRY(db_run(db,
		"INSERT INTO rule_health (rule_number, kind, domain, path, port, timeout_seconds,"
		" interval_seconds, up, down) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (rule_number) DO UPDATE SET kind = $2, domain = $3, path = $4,"
		" port = $5, timeout_seconds = $6, interval_seconds = $7, up = $8, down = $9",
		(const struct value[]){ V_INT(rule->number), V_INT(health->kind),
			V_TEXT(health->domain), V_TEXT(health->path), V_INT(health->port),
			V_INT(health->timeout_seconds), V_INT(health->interval_seconds),
			V_INT(health->up), V_INT(health->down) },
		9, NULL));
	return record(db, rule);
}

enum err rule_health_load(
	struct db *db, struct arena *mem, int64_t rule_number, struct rule_health *out)
{
	struct cursor cursor;
	bool found;

	TRY(db_select(db,
		"SELECT kind, domain, path, port, timeout_seconds, interval_seconds, up, down"
		" FROM rule_health WHERE rule_number = $1",
		(const struct value[]){ V_INT(rule_number) }, 1, &cursor));
	found = db_next(&cursor);
	if (found)
		*out = (struct rule_health){
			.kind = (enum health_kind)db_int(&cursor, 0),
			.domain = text_column(&cursor, 1, mem),
			.path = text_column(&cursor, 2, mem),
			.port = db_int(&cursor, 3),
			.timeout_seconds = db_int(&cursor, 4),
			.interval_seconds = db_int(&cursor, 5),
			.up = db_int(&cursor, 6),
			.down = db_int(&cursor, 7),
		};
	db_done(&cursor);
	TRY(cursor.err);
	return found ? OK : ERR_NOT_FOUND;
}

enum err rule_health_delete(struct db *db, const struct port_rule *rule)
{
	TRY(db_run(db, "DELETE FROM rule_health WHERE rule_number = $1",
		(const struct value[]){ V_INT(rule->number) }, 1, NULL));
	return record(db, rule);
}
