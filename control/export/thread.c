/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that makes the files. It asks the store instead of being woken: a question that an index answers, and nobody waits
 * for a file within the tenths of a second.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ticker.h"
#include "control/export/export.h"

/* One file, and what it takes to build its text. */
#define EXPORT_MEMORY_MAX (4 * EXPORT_BYTES_MAX)
#define TICK_MS		  300
#define RETRY_MS	  5000

struct export_thread {
	struct ticker ticker;
	struct db *db;
	struct arena *mem;
	const struct gateway *gateway;
	int folder_fd;
	struct export_round round;
};

static int64_t take_turn(void *context)
{
	struct export_thread *thread = context;
	bool more = false, failed;
	enum err err;

	arena_reset(thread->mem);
	/* Logged where it happened; what is due stays due. */
	err = export_tick(thread->gateway, thread->folder_fd, thread->db, thread->mem,
		clock_utc_ms(), &thread->round, &more);
	/* A pause behind each failure, so that many of them do not fill the log. */
	if (more)
		return err == OK ? 0 : TICK_MS;
	failed = err != OK || thread->round.failed;
	thread->round = (struct export_round){ .failed = false };
	return failed ? RETRY_MS : TICK_MS;
}

static void thread_free(struct export_thread *thread)
{
	db_close(thread->db);
	arena_free(thread->mem);
	if (thread->folder_fd >= 0)
		(void)close(thread->folder_fd);
	free(thread);
}

static enum err prepare(struct export_thread *thread, const char *db_url)
{
	thread->mem = arena_new(EXPORT_MEMORY_MAX);
	if (!thread->mem)
		return ERR_MEMORY;
	TRY(export_open(thread->gateway->export_folder, &thread->folder_fd));
	TRY(db_open(db_url, false, &thread->db));
	return ticker_start(&thread->ticker, "exports", take_turn, thread);
}

enum err export_thread_start(
	const struct gateway *gateway, const char *db_url, struct export_thread **out)
{
	struct export_thread *thread = calloc(1, sizeof(*thread));
	enum err err;

	if (!thread)
		return ERR_MEMORY;
	thread->gateway = gateway;
	thread->folder_fd = -1;
	err = prepare(thread, db_url);
	if (err != OK) {
		thread_free(thread);
		return err;
	}
	*out = thread;
	return OK;
}

void export_thread_stop(struct export_thread *thread)
{
	if (!thread)
		return;
	ticker_stop(&thread->ticker);
	thread_free(thread);
}
