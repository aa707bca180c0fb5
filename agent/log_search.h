/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks through the access log of a site for requests, the newest first: hour by hour, and each hour's file from its end. In
 * pieces, so that whoever calls can do other work in between.
 */
#ifndef AGENT_LOG_SEARCH_H
#define AGENT_LOG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/snapshot_abi.h"

#define LOG_SEARCH_BYTES_MAX                                                                       \
	(UINT64_C(256) << 20)	    /* of one query: what is older is not looked at */
#define LOG_SEARCH_PIECE (2u << 20) /* of one step: some milliseconds */

struct log_search;
/* folder: of all access logs, open; it outlives the search. NULL: no memory. */
struct log_search *log_search_new(int folder, const struct record_log_query *query);
void log_search_free(struct log_search *search); /* accepts NULL */

/* Gives what it finds in the next piece to take: a line without its end, at most LOG_LINE_MAX. true: that was all, or as
 * many as were asked for, or as much as may be looked at. */
typedef void (*log_search_take)(void *context, int64_t time_ms, const char *line, size_t length);
bool log_search_step(struct log_search *search, log_search_take take, void *context);
uint32_t log_search_found(const struct log_search *search);
bool log_search_partial(const struct log_search *search); /* there was more than it may look at */

/* Whether a line of an access log (agent/request_json.h) meets the query; if so, its time. Pure; fuzzed: the line may be
 * anything. */
bool log_line_meets(
	const char *line, size_t length, const struct record_log_query *query, int64_t *time_ms);
/* Time of a line, or -1. */
int64_t log_line_time(const char *line, size_t length);

#endif
