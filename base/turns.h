/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that works in turns, waits between them, and ends when it is told to.
 */
#ifndef BASE_TURNS_H
#define BASE_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Does one turn; returns how many ms to wait before the next. The first comes at once. */
typedef int64_t (*turn)(void *context);

struct turns {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* under lock */
	turn run;
	void *context;
};

/* name: for the log. ERR_SYSTEM: there is no thread, and nothing to stop. turns stays where it is until turns_stop. */
enum err turns_start(struct turns *turns, const char *name, turn run, void *context) MUST_USE;
/* Waits for the turn that goes on, which is the last. */
void turns_stop(struct turns *turns);

#endif
