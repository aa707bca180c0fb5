/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCSP responses in the table of the request path: which of its certificates want one, and where they are put. How they are
 * fetched and verified: agent/staple.h.
 */
#ifndef AGENT_REQUEST_STAPLES_H
#define AGENT_REQUEST_STAPLES_H

#include <stdint.h>

#include "agent/table.h"
#include "base/error.h"

struct request_staples;
/* Starts the thread that asks. The table is the caller's and outlives it. */
enum err request_staples_open(struct request_table *table, struct request_staples **out) MUST_USE;
void request_staples_close(struct request_staples *staples); /* accepts NULL */

/* Sites or certificates of the table have changed: asks for responses of those that want them now, and of no others. */
void request_staples_follow(struct request_staples *staples);
/* Puts the responses that have come into the table. */
void request_staples_take(struct request_staples *staples);
/* Takes responses whose time is over out of the table, whoever put them there. */
void request_staples_age(struct request_staples *staples, int64_t utc_now_ms);

#endif
