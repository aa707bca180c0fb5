/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wait is one on a condition, by the monotonic clock, so that a stop ends it at once and a clock that is set does not
 * stretch it.
 */
#include "base/turns.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* False: stop. */
static bool wait_turn(struct turns *turns, int64_t wait_ms)
{
	struct timespec until = clock_deadline(wait_ms);
	bool go_on;

	(void)pthread_mutex_lock(&turns->lock);
	while (!turns->stopping)
		if (pthread_cond_timedwait(&turns->wake, &turns->lock, &until) != 0)
			break;
	go_on = !turns->stopping;
	(void)pthread_mutex_unlock(&turns->lock);
	return go_on;
}

static void *turns_main(void *argument)
{
	struct turns *turns = argument;
	int64_t wait_ms = 0;

	while (wait_turn(turns, wait_ms))
		wait_ms = turns->run(turns->context);
	return NULL;
}

static void done(struct turns *turns)
{
	(void)pthread_cond_destroy(&turns->wake);
	(void)pthread_mutex_destroy(&turns->lock);
}

enum err turns_start(struct turns *turns, const char *name, turn run, void *context)
{
	pthread_condattr_t attributes;

	*turns = (struct turns){ .run = run, .context = context };
	(void)pthread_mutex_init(&turns->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&turns->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&turns->thread, NULL, turns_main, turns) == 0)
		return OK;
	done(turns);
	return fail(ERR_SYSTEM, "cannot start the thread of %s", name);
}

void turns_stop(struct turns *turns)
{
	(void)pthread_mutex_lock(&turns->lock);
	turns->stopping = true;
	(void)pthread_cond_signal(&turns->wake);
	(void)pthread_mutex_unlock(&turns->lock);
	(void)pthread_join(turns->thread, NULL);
	done(turns);
}
