/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often an account may call an action: a token bucket per (account, action), and one of the account for all actions
 * together.
 */
#ifndef CONTROL_AUTH_THROTTLE_H
#define CONTROL_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/action.h"

/* Of all actions of an account, times calls_per_second: a console, its exporter and a Terraform run are a fifth of it. Nonces of
 * accepted calls are remembered for half an hour, in a table of all accounts. */
#define THROTTLE_ACCOUNT_TIMES 20

struct throttle;
/* calls_per_second: for actions without a published number, at least 1. NULL when memory is out. */
struct throttle *throttle_new(int64_t calls_per_second);
void throttle_free(struct throttle *throttle); /* NULL is fine */
/* Takes one call. false: none is left; *retry_ms says when one will be. Thread-safe. */
bool throttle_allow(struct throttle *throttle, int64_t account, const struct action *action,
	int64_t clock_ms, int64_t *retry_ms);

#endif
