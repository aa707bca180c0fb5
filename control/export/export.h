/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of exports: how they are made, kept and handed out. A thread of its own makes one after the other, by asking the
 * API's own actions on behalf of the account, so that a file tells what these tell.
 */
#ifndef CONTROL_EXPORT_EXPORT_H
#define CONTROL_EXPORT_EXPORT_H

#include "control/db_pool.h"
#include "control/dispatch.h"
#include "control/store/export.h"

/* make.c: the content of the task's file, in mem, as the store has it in the transaction that is open. ERR_LIMIT: it would
 * be more than EXPORT_BYTES_MAX. Others: what the actions said, such as ERR_INSTANCE_NOT_FOUND. */
enum err export_make(const struct gateway *gateway, struct db *db, struct arena *mem,
	const struct export_task *task, int64_t clock_ms, const char **out, size_t *size) MUST_USE;

/* worker.c: the folder beside an embedded store, "sqlite:/a/b.db" -> "/a/b.db.exports"; ERR_MEMORY. */
enum err export_folder(struct arena *mem, const char *db_url, const char **out) MUST_USE;
/* Opens it, and makes it when it is missing; only we may read it. */
enum err export_open(const char *folder, int *out_fd) MUST_USE;
/* How far all that is due was gone through once; a round begins with zeros. */
struct export_round {
	int64_t gone, made; /* numbers of the tasks looked at last */
	bool failed;	    /* something is to be tried again in another round */
};
/* Does the next thing of the round: removes the file of a task that is gone, or makes one. more: there may be a further one,
 * also when this one failed. */
enum err export_tick(const struct gateway *gateway, int folder_fd, struct db *db, struct arena *mem,
	int64_t clock_ms, struct export_round *round, bool *more) MUST_USE;

/* serve.c: whether the request is for a link, and the reply to it. */
bool export_is_link(const struct request *request);
void export_serve(const struct gateway *gateway, struct db_pool *pool, struct arena *mem,
	const struct request *request, struct response *out);

/* thread.c. gateway is kept by reference and outlives the thread. */
struct export_thread;
enum err export_thread_start(
	const struct gateway *gateway, const char *db_url, struct export_thread **out) MUST_USE;
void export_thread_stop(struct export_thread *thread); /* joins; NULL is fine */

#endif
