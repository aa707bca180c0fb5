/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times in which port rules refused connections. Refusals that follow each other closely are one event.
 */
#include "control/store/policy.h"
#include "control/store/query.h"

enum err limit_event_put(
	struct db *db, int64_t instance_number, int64_t from_ms, int64_t until_ms, int64_t gap_ms)
{
	const struct value values[] = { V_INT(instance_number), V_INT(from_ms), V_INT(until_ms),
		V_INT(from_ms - gap_ms) };
	int64_t changed;

	TRY(db_run(db,
		"UPDATE limit_event SET until_ms = max(until_ms, $3), from_ms = min(from_ms, $2)"
		" WHERE number = (SELECT number FROM limit_event WHERE instance_number = $1"
		" AND until_ms >= $4 ORDER BY until_ms DESC LIMIT 1)",
		values, 4, &changed));
	if (changed > 0)
		return OK;
	return db_run(db,
		"INSERT INTO limit_event (instance_number, from_ms, until_ms) VALUES ($1, $2, $3)",
		values, 3, NULL);
}

static void add_where(struct query *query, const struct limit_event_filter *filter)
{
	QUERY_ADD(query,
		" FROM limit_event e JOIN instance i ON i.number = e.instance_number"
		" WHERE e.from_ms <= ? AND e.until_ms >= ?",
		V_INT(filter->to_ms), V_INT(filter->from_ms));
	QUERY_ADD(
		query, " AND (i.product = ?) = ?", V_INT(PRODUCT_DDOSDIP), V_INT(filter->premium));
	if (filter->account != 0)
		QUERY_ADD(query, " AND i.account = ?", V_INT(filter->account));
	if (filter->vip)
		QUERY_ADD(query, " AND i.vip = ?", V_BLOB(filter->vip, 16));
	if (filter->allowed_count)
		query_in(query, " AND i.id", filter->allowed, filter->allowed_count);
}

enum err limit_event_list(struct db *db, struct arena *mem, const struct limit_event_filter *filter,
	struct limit_event **out, size_t *count, int64_t *total)
{
	struct limit_event *rows = arena_array(mem, (size_t)filter->limit, sizeof(*rows));
	struct cursor cursor;
	struct query query;
	size_t used = 0;

	if (!rows)
		return ERR_MEMORY;
	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT count(*)");
	add_where(&query, filter);
	TRY(query_int(&query, db, total));
	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT e.instance_number, i.vip, i.product, e.from_ms, e.until_ms");
	add_where(&query, filter);
	QUERY_ADD(&query, " ORDER BY e.number DESC LIMIT ? OFFSET ?", V_INT(filter->limit),
		V_INT(filter->offset));
	TRY(query_select(&query, db, &cursor));
	while (used < (size_t)filter->limit && db_next(&cursor)) {
		struct limit_event *event = &rows[used++];

		event->instance_number = db_int(&cursor, 0);
		address_column(&cursor, 1, event->vip);
		event->product = (enum product)db_int(&cursor, 2);
		event->from_ms = db_int(&cursor, 3);
		event->until_ms = db_int(&cursor, 4);
	}
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows;
	*count = used;
	return OK;
}

enum err limit_event_prune(struct db *db, int64_t before_ms)
{
	return db_run(db, "DELETE FROM limit_event WHERE until_ms < $1",
		(const struct value[]){ V_INT(before_ms) }, 1, NULL);
}
