/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uses of what an account can do so many times, one row each, kept for ever: some quotas are never reset.
 */
#include "control/store/policy.h"
#include "control/store/query.h"

enum err quota_use(struct db *db, int64_t account, const char *kind, int64_t clock_ms)
{
	return db_run(db, "INSERT INTO quota_use (account, kind, time_ms) VALUES ($1, $2, $3)",
		(const struct value[]){ V_INT(account), V_TEXT(kind), V_INT(clock_ms) }, 3, NULL);
}

enum err quota_used(struct db *db, int64_t account, const char *kind, int64_t since_ms,
	int64_t *out_count, int64_t *out_last_ms)
{
	const struct value values[] = { V_INT(account), V_TEXT(kind), V_INT(since_ms) };

	TRY(select_int(db,
		"SELECT count(*) FROM quota_use WHERE account = $1 AND kind = $2"
		" AND time_ms >= $3",
		values, 3, out_count));
	return select_int(db,
		"SELECT coalesce(max(time_ms), 0) FROM quota_use WHERE account = $1 AND kind = $2",
		values, 2, out_last_ms);
}
