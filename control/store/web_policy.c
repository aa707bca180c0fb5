/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that ended stay in the table until they are pruned; every reader here leaves them out.
 */
#include "control/store/web_policy.h"

#include <string.h>

#include "control/store/query.h"

enum err web_policy_load(struct db *db, struct arena *mem, int64_t website, struct web_policy *out)
{
	const char *json;

	TRY(website_setting_load(db, mem, website, WEB_POLICY_SETTING, &json));
	return web_policy_parse(mem, json, out);
}

enum err web_policy_put(struct db *db, struct arena *mem, const struct website *website,
	const struct web_policy *policy)
{
	const char *json;

	TRY(web_policy_format(mem, policy, &json));
	return website_setting_put(db, website, WEB_POLICY_SETTING, json);
}

enum err web_rule_list(struct db *db, struct arena *mem, int64_t website, const char *kind,
	int64_t clock_ms, struct website_rule **out, size_t *count)
{
	struct website_rule *rows;
	size_t all, used = 0;

	TRY(website_rule_list(db, mem, website, kind, &rows, &all));
	for (size_t i = 0; i < all; i++) {
		if (rows[i].until_ms > clock_ms)
			rows[used++] = rows[i];
	}
	*out = rows;
	*count = used;
	return OK;
}

enum err web_rule_load(struct db *db, struct arena *mem, int64_t website, const char *kind,
	const char *name, int64_t clock_ms, struct website_rule *out)
{
	struct website_rule *rows;
	size_t count;

	TRY(web_rule_list(db, mem, website, kind, clock_ms, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*out = rows[i];
			return OK;
		}
	}
	return ERR_WEBSITE_RULE_NOT_FOUND;
}

enum err web_rules_delete(
	struct db *db, const struct website *website, const char *kind, int64_t *changed)
{
	TRY(db_run(db, "DELETE FROM website_rule WHERE website = $1 AND kind = $2",
		(const struct value[]){ V_INT(website->number), V_TEXT(kind) }, 2, changed));
	return *changed ? website_touch(db, website) : OK;
}

enum err web_rules_ended(struct db *db, int64_t clock_ms, bool *out)
{
	int64_t one;
	enum err err = select_int(db, "SELECT 1 FROM website_rule WHERE until_ms <= $1 LIMIT 1",
		(const struct value[]){ V_INT(clock_ms) }, 1, &one);

	*out = err == OK;
	return err == ERR_NOT_FOUND ? OK : err;
}

enum err web_rules_prune(struct db *db, int64_t clock_ms, int64_t limit, int64_t *changed)
{
	return db_run(db,
		"DELETE FROM website_rule WHERE number IN (SELECT number FROM website_rule"
		" WHERE until_ms <= $1 ORDER BY until_ms LIMIT $2)",
		(const struct value[]){ V_INT(clock_ms), V_INT(limit) }, 2, changed);
}

/* ---- shipped rules: a row for each that was changed, {"action": "block"} */

#define GLOBAL_KIND "global"

static void apply_choice(const struct website_rule *row, struct global_choice *out)
{
	AUTO(json) json_t *json = json_loads(row->json, 0, NULL);
	const char *action = json_string_value(json_object_get(json, "action"));

	out->chosen = true;
	out->enabled = row->enabled;
	for (unsigned a = RULE_WATCH; action && a <= RULE_CHALLENGE; a++) {
		if (strcmp(web_action_name((enum rule_action)a), action) == 0)
			out->action = (enum rule_action)a;
	}
}

enum err global_choices_load(struct db *db, struct arena *mem, int64_t website,
	enum web_level level, struct global_choice out[GLOBAL_RULE_MAX])
{
	struct website_rule *rows;
	size_t count, row;

	for (size_t i = 0; i < global_rule_count(); i++)
		out[i] = (struct global_choice){ .enabled = global_rule_active(i, level),
			.action = global_rule_action(i) };
	TRY(website_rule_list(db, mem, website, GLOBAL_KIND, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		if (global_rule_find(rows[i].name, &row))
			apply_choice(&rows[i], &out[row]);
	}
	return OK;
}

enum err global_choice_put(struct db *db, struct arena *mem, const struct website *website,
	size_t row, const struct global_choice *choice)
{
	char id[GLOBAL_RULE_ID_SIZE];
	struct website_rule rule = { .kind = GLOBAL_KIND,
		.name = id,
		.owner = "manual",
		.enabled = choice->enabled,
		.until_ms = INT64_MAX,
		.json = arena_print(mem, "{\"action\":\"%s\"}", web_action_name(choice->action)) };

	global_rule_id(row, id);
	return rule.json ? website_rule_put(db, website, &rule) : ERR_MEMORY;
}

/* ---- access logs */

enum err log_store_load(struct db *db, int64_t account, struct log_store *out)
{
	struct cursor cursor;

	*out = (struct log_store){ .days = LOG_DAYS_DEFAULT };
	TRY(db_select(db, "SELECT days, emptied_ms FROM log_store WHERE account = $1",
		(const struct value[]){ V_INT(account) }, 1, &cursor));
	if (db_next(&cursor)) {
		out->days = db_int(&cursor, 0);
		out->emptied_ms = db_int(&cursor, 1);
	}
	db_done(&cursor);
	return cursor.err;
}

enum err log_store_put(struct db *db, int64_t account, const struct log_store *store)
{
	int64_t generation;

	TRY(db_run(db,
		"INSERT INTO log_store (account, days, bytes, emptied_ms) VALUES ($1, $2, 0, $3)"
		" ON CONFLICT (account) DO UPDATE SET days = excluded.days,"
		" emptied_ms = excluded.emptied_ms",
		(const struct value[]){
			V_INT(account), V_INT(store->days), V_INT(store->emptied_ms) },
		3, NULL));
	return change_record(db, RECORD_LOG_STORE, account, &generation);
}
