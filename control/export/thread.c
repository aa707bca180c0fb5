/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that makes the files. It asks the store instead of being woken: a question that an index answers, and nobody waits
 * for a file within the tenths of a second.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/export/export.h"

/* One file, and what it takes to build its text. */
#define EXPORT_MEMORY_MAX (4 * EXPORT_BYTES_MAX)
#define TICK_MS		  300
#define RETRY_MS	  5000

struct export_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* under lock */
	struct db *db;
	struct arena *mem;
	const struct gateway *gateway;
	int folder_fd;
};

/* False: stop. */
static bool wait_turn(struct export_thread *thread, int64_t wait_ms)
{
	struct timespec until = clock_deadline(wait_ms);
	bool go_on;

	(void)pthread_mutex_lock(&thread->lock);
	while (!thread->stopping)
		if (pthread_cond_timedwait(&thread->wake, &thread->lock, &until) != 0)
			break;
	go_on = !thread->stopping;
	(void)pthread_mutex_unlock(&thread->lock);
	return go_on;
}

static void *export_main(void *argument)
{
	struct export_thread *thread = argument;
	int64_t wait_ms = 0;

	while (wait_turn(thread, wait_ms)) {
		bool more = false;

		arena_reset(thread->mem);
		/* Logged where it happened; what is due stays due. */
		if (export_tick(thread->gateway, thread->folder_fd, thread->db, thread->mem,
			    clock_utc_ms(), &more) != OK)
			wait_ms = RETRY_MS;
		else
			wait_ms = more ? 0 : TICK_MS;
	}
	return NULL;
}

static void thread_free(struct export_thread *thread)
{
	db_close(thread->db);
	arena_free(thread->mem);
	if (thread->folder_fd >= 0)
		(void)close(thread->folder_fd);
	(void)pthread_cond_destroy(&thread->wake);
	(void)pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static enum err prepare(struct export_thread *thread, const char *db_url)
{
	thread->mem = arena_new(EXPORT_MEMORY_MAX);
	if (!thread->mem)
		return ERR_MEMORY;
	TRY(export_open(thread->gateway->export_folder, &thread->folder_fd));
	TRY(db_open(db_url, false, &thread->db));
	if (pthread_create(&thread->thread, NULL, export_main, thread) != 0)
		return fail(ERR_SYSTEM, "cannot start the thread of exports");
	return OK;
}

enum err export_thread_start(
	const struct gateway *gateway, const char *db_url, struct export_thread **out)
{
	struct export_thread *thread = calloc(1, sizeof(*thread));
	pthread_condattr_t attributes;
	enum err err;

	if (!thread)
		return ERR_MEMORY;
	(void)pthread_mutex_init(&thread->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&thread->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
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
	(void)pthread_mutex_lock(&thread->lock);
	thread->stopping = true;
	(void)pthread_cond_signal(&thread->wake);
	(void)pthread_mutex_unlock(&thread->lock);
	(void)pthread_join(thread->thread, NULL);
	thread_free(thread);
}
