/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What access logs are told by the table and by snapshots: which sites are logged, how long each account's logs are kept, and who
 * looks for something in them.
 */
#ifndef AGENT_REQUEST_LOGGED_H
#define AGENT_REQUEST_LOGGED_H

#include "agent/node_state.h"
#include "agent/request_log.h"
#include "agent/table.h"

struct request_logged;
/* All live longer. NULL: no memory. */
struct request_logged *request_logged_new(
	struct request_table *table, struct node_state *state, struct request_log *log);
void request_logged_free(struct request_logged *logged); /* NULL is fine */
/* After sites have changed in the table. */
void request_logged_follow(struct request_logged *logged);
/* Without memory, here and above, what was told before stays in force until the next change. */
void request_logged_apply(struct request_logged *logged, const struct snapshot *snapshot);

#endif
