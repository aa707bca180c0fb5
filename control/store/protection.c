/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How instances are protected, as rows; one without a row has the defaults. Nodes hear of it as a change of the
 * instance, since it is part of the instance's record.
 */
#include "control/store/policy.h"
#include "control/store/query.h"

/* All mitigations with their modes are below. */
#define MODES_BYTES_MAX 2048

static enum err load_row(struct cursor *cursor, struct arena *mem, struct protection *out)
{
	protection_modes_parse(text_column(cursor, 0, mem), out);
	out->auto_block = db_int(cursor, 1) != 0;
	out->strictness = (enum strictness)db_int(cursor, 2);
	out->real_limit_mbps = db_int(cursor, 3);
	out->syn_threshold = db_int(cursor, 4);
	out->unproven_max = db_int(cursor, 5);
	out->packets_max = db_int(cursor, 6);
	out->blackhole_from_ms = db_int(cursor, 7);
	out->blackhole_until_ms = db_int(cursor, 8);
	return cursor->err;
}

enum err protection_load(
	struct db *db, struct arena *mem, int64_t instance_number, struct protection *out)
{
	struct cursor cursor;
	enum err err = OK;

	*out = protection_default(instance_number);
	TRY(db_select(db,
		"SELECT modes, auto_block, strictness, real_limit_mbps, syn_threshold,"
		" unproven_max, packets_max, blackhole_from_ms, blackhole_until_ms"
		" FROM protection WHERE instance_number = $1",
		(const struct value[]){ V_INT(instance_number) }, 1, &cursor));
	if (db_next(&cursor))
		err = load_row(&cursor, mem, out);
	db_done(&cursor);
	TRY(err);
	return cursor.err;
}

enum err protection_put(struct db *db, struct arena *mem, const struct protection *protection)
{
	int64_t generation;
	struct text modes;

	text_init(&modes, mem, MODES_BYTES_MAX);
	protection_modes_format(protection, &modes);
	if (modes.failed || !modes.data)
		return ERR_MEMORY;
	TRY(db_run(db,
		"INSERT INTO protection (instance_number, modes, auto_block, strictness,"
		" real_limit_mbps, syn_threshold, unproven_max, packets_max, blackhole_from_ms,"
		" blackhole_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		" ON CONFLICT (instance_number) DO UPDATE SET modes = excluded.modes,"
		" auto_block = excluded.auto_block, strictness = excluded.strictness,"
		" real_limit_mbps = excluded.real_limit_mbps,"
		" syn_threshold = excluded.syn_threshold, unproven_max = excluded.unproven_max,"
		" packets_max = excluded.packets_max,"
		" blackhole_from_ms = excluded.blackhole_from_ms,"
		" blackhole_until_ms = excluded.blackhole_until_ms",
		(const struct value[]){ V_INT(protection->instance_number), V_TEXT(modes.data),
			V_INT(protection->auto_block), V_INT(protection->strictness),
			V_INT(protection->real_limit_mbps), V_INT(protection->syn_threshold),
			V_INT(protection->unproven_max), V_INT(protection->packets_max),
			V_INT(protection->blackhole_from_ms),
			V_INT(protection->blackhole_until_ms) },
		10, NULL));
	/* A diversion's policy depends on the mode of regions. */
	TRY(db_run(db,
		"INSERT INTO change (type, number) SELECT $2, instance_number FROM policy"
		" WHERE instance_number = $1 AND diverted = 1",
		(const struct value[]){ V_INT(protection->instance_number), V_INT(RECORD_POLICY) },
		2, NULL));
	return change_record(db, RECORD_INSTANCE, protection->instance_number, &generation);
}

enum err protection_blackholes_over(struct db *db, struct arena *mem, int64_t clock_ms,
	int64_t limit, int64_t **out, size_t *count)
{
	return select_numbers(db, mem,
		"SELECT instance_number FROM protection WHERE blackhole_until_ms > 0"
		" AND blackhole_until_ms <= $1 ORDER BY blackhole_until_ms LIMIT $2",
		(const struct value[]){ V_INT(clock_ms), V_INT(limit) }, 2, out, count);
}
