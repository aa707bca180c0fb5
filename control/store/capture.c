/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures as rows. The packets themselves are in memory: they are many, and of interest for an hour.
 */
#include "control/store/policy.h"
#include "control/store/query.h"

enum err capture_insert(struct db *db, struct capture_row *capture)
{
	int64_t generation;

	TRY(select_int(db,
		"INSERT INTO capture (instance_number, reasons, packets, from_ms, until_ms)"
		" VALUES ($1, $2, $3, $4, $5) RETURNING number",
		(const struct value[]){ V_INT(capture->instance_number),
			V_INT((int64_t)capture->reasons), V_INT(capture->packets),
			V_INT(capture->from_ms), V_INT(capture->until_ms) },
		5, &capture->number));
	return change_record(db, RECORD_CAPTURE, capture->number, &generation);
}

enum err capture_newest(struct db *db, int64_t instance_number, struct capture_row *out)
{
	struct cursor cursor;
	bool found;

	TRY(db_select(db,
		"SELECT number, instance_number, reasons, packets, from_ms, until_ms FROM capture"
		" WHERE $1 = 0 OR instance_number = $1 ORDER BY number DESC LIMIT 1",
		(const struct value[]){ V_INT(instance_number) }, 1, &cursor));
	found = db_next(&cursor);
	if (found)
		*out = (struct capture_row){
			.number = db_int(&cursor, 0),
			.instance_number = db_int(&cursor, 1),
			.reasons = (uint64_t)db_int(&cursor, 2),
			.packets = db_int(&cursor, 3),
			.from_ms = db_int(&cursor, 4),
			.until_ms = db_int(&cursor, 5),
		};
	db_done(&cursor);
	TRY(cursor.err);
	return found ? OK : ERR_NOT_FOUND;
}

enum err capture_stop(struct db *db, const struct capture_row *capture, int64_t clock_ms)
{
	int64_t generation;

	TRY(db_run(db, "UPDATE capture SET until_ms = $2 WHERE number = $1 AND until_ms > $2",
		(const struct value[]){ V_INT(capture->number), V_INT(clock_ms) }, 2, NULL));
	return change_record(db, RECORD_CAPTURE, capture->number, &generation);
}

/* Nodes are told of each, so that what they know of is what is there. */
enum err capture_prune(struct db *db, int64_t before_ms)
{
	const struct value values[] = { V_INT(before_ms), V_INT(RECORD_CAPTURE) };

	TRY(db_run(db,
		"INSERT INTO change (type, number) SELECT $2, number FROM capture"
		" WHERE until_ms < $1",
		values, 2, NULL));
	return db_run(db, "DELETE FROM capture WHERE until_ms < $1", values, 1, NULL);
}
