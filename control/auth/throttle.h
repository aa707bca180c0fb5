/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often an account may call an action: a token bucket per (account, action).
 */
#ifndef CONTROL_AUTH_THROTTLE_H
#define CONTROL_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/action.h"

struct throttle;
/* calls_per_second: for actions without a published number, at least 1. NULL when memory is out. */
struct throttle *throttle_new(int64_t calls_per_second);
void throttle_free(struct throttle *throttle); /* NULL is fine */
/* Takes one call. false: none is left; *retry_ms says when one will be. Thread-safe. */
bool throttle_allow(struct throttle *throttle, int64_t account, const struct action *action,
	int64_t clock_ms, int64_t *retry_ms);

#endif
