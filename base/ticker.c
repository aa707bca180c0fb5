/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock is held between turns only. Who wakes while a turn is under way is heard behind it: the turn may have looked
 * already at what there is news of.
 */
#include "base/ticker.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* False: stop. */
static bool wait_turn(struct ticker *ticker, int64_t wait_ms)
{
	struct timespec until = clock_deadline(wait_ms);
	bool go_on;

	(void)pthread_mutex_lock(&ticker->lock);
	while (!ticker->woken && !ticker->stopping)
		if (pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until) != 0)
			break;
	ticker->woken = false;
	go_on = !ticker->stopping;
	(void)pthread_mutex_unlock(&ticker->lock);
	return go_on;
}

static void *run(void *context)
{
	struct ticker *ticker = context;
	int64_t wait_ms = 0;

	while (wait_turn(ticker, wait_ms))
		wait_ms = ticker->turn(ticker->context);
	return NULL;
}

enum err ticker_start(
	struct ticker *ticker, const char *name, int64_t (*turn)(void *context), void *context)
{
	int error;

	*ticker = (struct ticker){ .turn = turn, .context = context };
	(void)pthread_mutex_init(&ticker->lock, NULL);
	clock_condition(&ticker->wake);
	error = pthread_create(&ticker->thread, NULL, run, ticker);
	ticker->started = error == 0;
	if (ticker->started)
		return OK;
	(void)pthread_cond_destroy(&ticker->wake);
	(void)pthread_mutex_destroy(&ticker->lock);
	return fail(ERR_SYSTEM, "start the thread of %s: %s", name, strerror(error));
}

void ticker_wake(struct ticker *ticker)
{
	(void)pthread_mutex_lock(&ticker->lock);
	ticker->woken = true;
	(void)pthread_cond_signal(&ticker->wake);
	(void)pthread_mutex_unlock(&ticker->lock);
}

void ticker_stop(struct ticker *ticker)
{
	if (!ticker->started)
		return;
	(void)pthread_mutex_lock(&ticker->lock);
	ticker->stopping = true;
	(void)pthread_cond_signal(&ticker->wake);
	(void)pthread_mutex_unlock(&ticker->lock);
	(void)pthread_join(ticker->thread, NULL);
	(void)pthread_cond_destroy(&ticker->wake);
	(void)pthread_mutex_destroy(&ticker->lock);
	ticker->started = false;
}
