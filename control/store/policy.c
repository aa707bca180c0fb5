/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What instances refuse, as one row with lists as text, and a row per pattern of payloads. A policy is always
 * written whole. It is read here for the API; snapshots read the rows by themselves.
 */
#include "control/store/policy.h"

#include <stdlib.h>
#include <string.h>

#include "control/store/query.h"

#define LIST_BYTES_MAX 4096

/* ---- reading */

static void read_ports(const char *text, struct policy *out)
{
	char *end;

	while (*text && out->reflection_count < REFLECTION_MAX) {
		unsigned long port = strtoul(text, &end, 10);

		if (end == text)
			return;
		out->reflection[out->reflection_count++] = (uint16_t)port;
		text = end;
	}
}

static enum err load_row(struct cursor *cursor, struct arena *mem, struct policy *out)
{
	out->region_on = db_int(cursor, 0) != 0;
	out->countries = text_column(cursor, 1, mem);
	out->provinces = text_column(cursor, 2, mem);
	read_ports(text_column(cursor, 3, mem), out);
	for (int line = 0; line < DIVERSION_COUNT; line++) {
		out->diversion[line].from_ms = db_int(cursor, 4 + 2 * line);
		out->diversion[line].until_ms = db_int(cursor, 5 + 2 * line);
	}
	out->diverted = db_int(cursor, 8) != 0;
	return cursor->err;
}

static enum err load_patterns(struct db *db, struct policy *out)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT protocol, port, byte_offset, value, mask FROM policy_pattern"
		" WHERE instance_number = $1 ORDER BY position",
		(const struct value[]){ V_INT(out->instance_number) }, 1, &cursor));
	while (out->pattern_count < PATTERN_MAX && db_next(&cursor)) {
		struct payload_pattern *pattern = &out->pattern[out->pattern_count++];

		pattern->protocol = db_int(&cursor, 0);
		pattern->port = db_int(&cursor, 1);
		pattern->offset = db_int(&cursor, 2);
		pattern->length = db_bytes(&cursor, 3, pattern->value, sizeof(pattern->value));
		(void)db_bytes(&cursor, 4, pattern->mask, sizeof(pattern->mask));
	}
	db_done(&cursor);
	return cursor.err;
}

enum err policy_load(struct db *db, struct arena *mem, int64_t instance_number, struct policy *out)
{
	struct cursor cursor;
	enum err err = OK;

	*out = (struct policy){
		.instance_number = instance_number, .countries = "", .provinces = ""
	};
	TRY(db_select(db,
		"SELECT region_on, countries, provinces, reflection, ct_from_ms, ct_until_ms,"
		" cut_from_ms, cut_until_ms, diverted FROM policy WHERE instance_number = $1",
		(const struct value[]){ V_INT(instance_number) }, 1, &cursor));
	if (db_next(&cursor))
		err = load_row(&cursor, mem, out);
	db_done(&cursor);
	TRY(err);
	TRY(cursor.err);
	return load_patterns(db, out);
}

/* ---- writing */

static enum err put_row(struct db *db, struct arena *mem, const struct policy *policy)
{
	struct text ports;

	text_init(&ports, mem, LIST_BYTES_MAX);
	text_add(&ports, "");
	for (size_t i = 0; i < policy->reflection_count; i++)
		text_print(&ports, "%s%u", i ? " " : "", policy->reflection[i]);
	if (ports.failed || !ports.data)
		return ERR_MEMORY;
	return db_run(db,
		"INSERT INTO policy (instance_number, region_on, countries, provinces, reflection,"
		" ct_from_ms, ct_until_ms, cut_from_ms, cut_until_ms, diverted)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		" ON CONFLICT (instance_number) DO UPDATE SET region_on = excluded.region_on,"
		" countries = excluded.countries, provinces = excluded.provinces,"
		" reflection = excluded.reflection, ct_from_ms = excluded.ct_from_ms,"
		" ct_until_ms = excluded.ct_until_ms, cut_from_ms = excluded.cut_from_ms,"
		" cut_until_ms = excluded.cut_until_ms, diverted = excluded.diverted",
		(const struct value[]){ V_INT(policy->instance_number), V_INT(policy->region_on),
			V_TEXT(policy->countries), V_TEXT(policy->provinces), V_TEXT(ports.data),
			V_INT(policy->diversion[DIVERSION_CT].from_ms),
			V_INT(policy->diversion[DIVERSION_CT].until_ms),
			V_INT(policy->diversion[DIVERSION_CUT].from_ms),
			V_INT(policy->diversion[DIVERSION_CUT].until_ms), V_INT(policy->diverted) },
		10, NULL);
}

static enum err put_pattern(struct db *db, const struct policy *policy, size_t position)
{
	const struct payload_pattern *pattern = &policy->pattern[position];

	return db_run(db,
		"INSERT INTO policy_pattern (instance_number, position, protocol, port,"
		" byte_offset, value, mask) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		(const struct value[]){ V_INT(policy->instance_number), V_INT((int64_t)position),
			V_INT(pattern->protocol), V_INT(pattern->port), V_INT(pattern->offset),
			V_BLOB(pattern->value, pattern->length),
			V_BLOB(pattern->mask, pattern->length) },
		7, NULL);
}

/* That a diversion begins or ends also changes the modes in the instance's record. */
static enum err record_diversion(struct db *db, const struct policy *policy)
{
	return db_run(db,
		"INSERT INTO change (type, number) SELECT $2, $1 WHERE $3 <>"
		" coalesce((SELECT diverted FROM policy WHERE instance_number = $1), 0)",
		(const struct value[]){ V_INT(policy->instance_number), V_INT(RECORD_INSTANCE),
			V_INT(policy->diverted) },
		3, NULL);
}

enum err policy_put(struct db *db, struct arena *mem, const struct policy *policy)
{
	int64_t generation;

	TRY(record_diversion(db, policy));
	TRY(put_row(db, mem, policy));
	TRY(db_run(db, "DELETE FROM policy_pattern WHERE instance_number = $1",
		(const struct value[]){ V_INT(policy->instance_number) }, 1, NULL));
	for (size_t i = 0; i < policy->pattern_count; i++)
		TRY(put_pattern(db, policy, i));
	return change_record(db, RECORD_POLICY, policy->instance_number, &generation);
}

enum err policy_diversions_over(struct db *db, struct arena *mem, int64_t clock_ms, int64_t limit,
	int64_t **out, size_t *count)
{
	return select_numbers(db, mem,
		"SELECT instance_number FROM policy WHERE diverted = 1 AND ct_until_ms <= $1"
		" AND cut_until_ms <= $1 ORDER BY instance_number LIMIT $2",
		(const struct value[]){ V_INT(clock_ms), V_INT(limit) }, 2, out, count);
}
