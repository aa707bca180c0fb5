/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row for each five minutes in which an instance had anything. They go with the instance (store/instance.c).
 */
#include "control/store/metering.h"

#include "control/store/query.h"

enum err metering_add(struct db *db, int64_t instance_number, const struct metering_sample *more)
{
	return db_run(db,
		"INSERT INTO metering (instance_number, time_ms, bytes, requests, peak_requests)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (instance_number, time_ms) DO UPDATE SET"
		" bytes = bytes + excluded.bytes, requests = requests + excluded.requests,"
		" peak_requests = max(peak_requests, excluded.peak_requests)",
		(const struct value[]){ V_INT(instance_number), V_INT(more->time_ms),
			V_INT(more->bytes), V_INT(more->requests), V_INT(more->peak_requests) },
		5, NULL);
}

enum err metering_series(struct db *db, int64_t instance_number, int64_t from_ms,
	struct metering_sample *out, size_t count)
{
	int64_t until_ms = from_ms + (int64_t)count * METERING_SAMPLE_MS;
	struct cursor cursor;

	for (size_t i = 0; i < count; i++)
		out[i] = (struct metering_sample){ .time_ms = from_ms +
							      (int64_t)i * METERING_SAMPLE_MS };
	TRY(db_select(db,
		"SELECT time_ms, bytes, requests, peak_requests FROM metering"
		" WHERE instance_number = $1 AND time_ms >= $2 AND time_ms < $3",
		(const struct value[]){ V_INT(instance_number), V_INT(from_ms), V_INT(until_ms) },
		3, &cursor));
	while (db_next(&cursor)) {
		struct metering_sample *at =
			&out[(db_int(&cursor, 0) - from_ms) / METERING_SAMPLE_MS];

		at->bytes = db_int(&cursor, 1);
		at->requests = db_int(&cursor, 2);
		at->peak_requests = db_int(&cursor, 3);
	}
	db_done(&cursor);
	return cursor.err;
}

enum err metering_first(struct db *db, int64_t instance_number, int64_t *out)
{
	return select_int(db,
		"SELECT coalesce(min(time_ms), 0) FROM metering WHERE instance_number = $1",
		(const struct value[]){ V_INT(instance_number) }, 1, out);
}

enum err metering_instances(struct db *db, struct arena *mem, int64_t after_number, int64_t limit,
	int64_t **out, size_t *count)
{
	/* As the condition of the index instance_burst is written. */
	return select_numbers(db, mem,
		"SELECT number FROM instance WHERE (burst_bandwidth_mbps > 0 OR burst_qps > 0)"
		" AND number > $1 ORDER BY number LIMIT $2",
		(const struct value[]){ V_INT(after_number), V_INT(limit) }, 2, out, count);
}

enum err metering_sites(struct db *db, struct arena *mem, int64_t instance_number, int64_t limit,
	int64_t **out, size_t *count)
{
	return select_numbers(db, mem,
		"SELECT website FROM website_instance WHERE instance_number = $1 LIMIT $2",
		(const struct value[]){ V_INT(instance_number), V_INT(limit) }, 2, out, count);
}

enum err metering_prune(struct db *db, int64_t before_ms)
{
	return db_run(db, "DELETE FROM metering WHERE time_ms < $1",
		(const struct value[]){ V_INT(before_ms) }, 1, NULL);
}
