/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that works in turns. Each turn says when the next is due; to be woken makes it due at once.
 */
#ifndef BASE_TICKER_H
#define BASE_TICKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* All zero: not started. */
struct ticker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool started;
	bool woken, stopping; /* under lock */
	int64_t (*turn)(void *context);
	void *context;
};

/* The first turn comes at once. It returns in how many milliseconds (not negative) the next one is due. ERR_SYSTEM: there is
 * no thread; name ("the engine") is what the log calls it. */
enum err ticker_start(struct ticker *ticker, const char *name, int64_t (*turn)(void *context),
	void *context) MUST_USE;
/* From any thread, the turn's own among them: the next turn follows at once. */
void ticker_wake(struct ticker *ticker);
/* Returns when the turn that is under way has ended; there is none after it. Does nothing before ticker_start, or behind
 * one that failed. */
void ticker_stop(struct ticker *ticker);

#endif
