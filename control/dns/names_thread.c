/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The publisher's thread. It asks the store every tick instead of being woken: one question of two
 * numbers, and a name that follows an order by a tenth of a second is far inside its TTL.
 */
#include "control/dns/publisher.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/model/scheduler.h"
#include "shared/limits.h"
#include "shared/request_abi.h"

/* A batch of instances with their texts, and their answers. */
#define NAMES_BYTES_MAX ((size_t)32 << 20)
#define STORE_RETRY_MS	1000

struct names_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* under lock */
	struct db *db;
	struct arena *mem;
	struct life_clock *clock;
	struct publisher *publisher;
};

/* False: stop. */
static bool wait_turn(struct names_thread *thread, int64_t wait_ms)
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

static void *names_main(void *argument)
{
	struct names_thread *thread = argument;
	int64_t wait_ms = 0;

	while (wait_turn(thread, wait_ms)) {
		bool more = false;
		int64_t now_ms = clock_utc_ms() + life_clock_offset_ms(thread->clock);
		enum err err;

		arena_reset(thread->mem);
		err = publisher_tick(thread->publisher, thread->db, thread->mem, now_ms,
			clock_monotonic_ms(), &more);
		/* Logged where it happened; what is due stays due. */
		if (err != OK && err != ERR_UNAVAILABLE)
			wait_ms = STORE_RETRY_MS;
		else
			wait_ms = more ? 0 : ENGINE_TICK_MS;
	}
	return NULL;
}

static void names_thread_free(struct names_thread *thread)
{
	publisher_free(thread->publisher);
	db_close(thread->db);
	arena_free(thread->mem);
	(void)pthread_cond_destroy(&thread->wake);
	(void)pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static enum err prepare(
	struct names_thread *thread, const struct names_settings *settings, const char *db_url)
{
	thread->mem = arena_new(NAMES_BYTES_MAX);
	if (!thread->mem)
		return ERR_MEMORY;
	TRY(db_open(db_url, false, &thread->db));
	TRY(publisher_new(&dns_knot, settings, NODE_VIP_MAX + NODE_SITE_MAX + SCHEDULER_TOTAL_MAX,
		&thread->publisher));
	if (pthread_create(&thread->thread, NULL, names_main, thread) != 0)
		return fail(ERR_SYSTEM, "cannot start the thread of names");
	return OK;
}

enum err names_thread_start(const struct names_settings *settings, const char *db_url,
	struct life_clock *clock, struct names_thread **out)
{
	struct names_thread *thread = calloc(1, sizeof(*thread));
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
	err = prepare(thread, settings, db_url);
	if (err != OK) {
		names_thread_free(thread);
		return err;
	}
	*out = thread;
	return OK;
}

void names_thread_stop(struct names_thread *thread)
{
	if (!thread)
		return;
	(void)pthread_mutex_lock(&thread->lock);
	thread->stopping = true;
	(void)pthread_cond_signal(&thread->wake);
	(void)pthread_mutex_unlock(&thread->lock);
	(void)pthread_join(thread->thread, NULL);
	names_thread_free(thread);
}
