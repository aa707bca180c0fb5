/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's thread. It asks the store every second instead of being woken: a certificate takes some seconds anyhow.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/acme/worker.h"
#include "control/engine/engine.h"

/* Some sites with their parts, one chain with its key, and what is signed. */
#define ACME_BYTES_MAX ((size_t)16 << 20)

struct acme_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* under lock */
	struct db *db;
	struct arena *mem;
	struct life_clock *clock;
	struct acme_worker *worker;
};

/* False: stop. */
static bool wait_turn(struct acme_thread *thread, int64_t wait_ms)
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

static void *acme_main(void *argument)
{
	struct acme_thread *thread = argument;
	int64_t wait_ms = 0;

	while (wait_turn(thread, wait_ms)) {
		const int64_t clock_ms = clock_utc_ms();
		const struct acme_time now = {
			.life_ms = clock_ms + life_clock_offset_ms(thread->clock),
			.clock_ms = clock_ms,
			.monotonic_ms = clock_monotonic_ms(),
		};

		arena_reset(thread->mem);
		/* Logged where it happened; what is due stays due. */
		if (acme_worker_tick(thread->worker, thread->db, thread->mem, &now, &wait_ms) != OK)
			wait_ms = ACME_TICK_MS;
	}
	return NULL;
}

static void thread_free(struct acme_thread *thread)
{
	acme_worker_free(thread->worker);
	db_close(thread->db);
	arena_free(thread->mem);
	(void)pthread_cond_destroy(&thread->wake);
	(void)pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static enum err prepare(struct acme_thread *thread, const struct acme_settings *settings,
	const char *db_url, const struct vault *vault, struct nodes *nodes)
{
	thread->mem = arena_new(ACME_BYTES_MAX);
	if (!thread->mem)
		return ERR_MEMORY;
	TRY(db_open(db_url, false, &thread->db));
	TRY(acme_worker_new(settings, vault, nodes, &thread->worker));
	if (pthread_create(&thread->thread, NULL, acme_main, thread) != 0)
		return fail(ERR_SYSTEM, "cannot start the thread of ACME");
	return OK;
}

enum err acme_thread_start(const struct acme_settings *settings, const char *db_url,
	const struct vault *vault, struct nodes *nodes, struct life_clock *clock,
	struct acme_thread **out)
{
	struct acme_thread *thread = calloc(1, sizeof(*thread));
	pthread_condattr_t attributes;
	enum err err;

	if (!thread)
		return ERR_MEMORY;
	(void)pthread_mutex_init(&thread->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&thread->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	thread->clock = clock;
	err = prepare(thread, settings, db_url, vault, nodes);
	if (err != OK) {
		thread_free(thread);
		return err;
	}
	*out = thread;
	return OK;
}

void acme_thread_stop(struct acme_thread *thread)
{
	if (!thread)
		return;
	acme_worker_stop(thread->worker);
	(void)pthread_mutex_lock(&thread->lock);
	thread->stopping = true;
	(void)pthread_cond_signal(&thread->wake);
	(void)pthread_mutex_unlock(&thread->lock);
	(void)pthread_join(thread->thread, NULL);
	thread_free(thread);
}
