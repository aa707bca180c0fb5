/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports as rows. Their files are elsewhere (control/export/).
 */
#ifndef CONTROL_STORE_EXPORT_H
#define CONTROL_STORE_EXPORT_H

#include "control/model/export.h"
#include "control/store/db.h"

/* Sets number. */
enum err export_insert(struct db *db, struct export_task *task) MUST_USE;
/* ERR_EXPORT_NOT_FOUND: there is none, or it is gone. */
enum err export_load(
	struct db *db, struct arena *mem, int64_t number, struct export_task *out) MUST_USE;
/* Newest first; account 0: of all; limit 0: all. total: without offset and limit. */
enum err export_list(struct db *db, struct arena *mem, int64_t account, int64_t offset,
	int64_t limit, struct export_task **out, size_t *count, int64_t *total) MUST_USE;
/* How many an account has, and what their files take. */
enum err export_usage(struct db *db, int64_t account, int64_t *tasks, int64_t *bytes) MUST_USE;

/* The oldest behind a number that waits, or was being made when the control ended; ERR_NOT_FOUND: none. */
enum err export_next(
	struct db *db, struct arena *mem, int64_t after_number, struct export_task *out) MUST_USE;
/* Writes state, bytes, end_ms and reason, unless it is gone. */
enum err export_update(struct db *db, const struct export_task *task) MUST_USE;
enum err export_delete(struct db *db, int64_t number) MUST_USE;
/* The oldest behind a number that is gone; ERR_NOT_FOUND: none. export_forget follows when its file is gone, too. */
enum err export_gone(struct db *db, int64_t after_number, int64_t *number) MUST_USE;
enum err export_forget(struct db *db, int64_t number) MUST_USE;

#endif
