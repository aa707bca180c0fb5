/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's part of the request path: all that --requests switches on. All functions take NULL, which is a node
 * without it.
 */
#ifndef AGENT_REQUEST_PATH_H
#define AGENT_REQUEST_PATH_H

#include <stdint.h>

#include "agent/decode.h"
#include "agent/node_state.h"
#include "agent/settings.h"
#include "agent/steer.h"
#include "base/error.h"

struct request_path;

/* *out is NULL without --requests. settings, packets, steer and state outlive it; refusals go to state. ERR_INVALID_PARAMETER: no
 * such group. */
enum err request_path_open(const struct agent_settings *settings, struct packets *packets,
	struct steer *steer, struct node_state *state, struct request_path **out) MUST_USE;
void request_path_close(struct request_path *path);

/* Behind applier_apply, with the same snapshot. Errors as requests_apply. */
enum err request_path_apply(struct request_path *path, const struct snapshot *snapshot) MUST_USE;
/* Readable when request_path_turn has something to do; -1: never. */
int request_path_fd(const struct request_path *path);
void request_path_turn(struct request_path *path, int64_t monotonic_now_ms);
/* Each second. */
void request_path_tick(struct request_path *path, int64_t utc_now_ms, int64_t monotonic_now_ms);

/* Reports: reads counters; whether there is something to tell. full: all is told once more. */
bool request_path_read(struct request_path *path, bool full);
/* The next site whose counters changed; false: no more. */
bool request_path_next_traffic(struct request_path *path, struct record_site_traffic *out);
/* Kinds of the next site whose window of what is frequent has ended, into TOP_COUNT records; 0: no more. */
uint32_t request_path_next_top(struct request_path *path, struct record_site_top *out);
/* The same of whose requests were refused, into SIGHTED_KINDS records, and of visitors. */
uint32_t request_path_next_refused(struct request_path *path, struct record_sighted *out);
bool request_path_next_visitors(struct request_path *path, struct record_visitors *out);
/* The next account whose access logs have another size; false: no more. */
bool request_path_next_used(struct request_path *path, struct record_log_used *out);
/* Figures of the node's request path; false: as they were told. */
bool request_path_node(struct request_path *path, struct record_requests *out);
/* Answers to queries, as records of a report; they stay until request_path_told. Valid until the next call. */
const uint8_t *request_path_answers(struct request_path *path, size_t *bytes);
/* Bans that were not told yet; they stay until request_path_told. Valid until the next call. */
const struct record_request_ban *request_path_bans(struct request_path *path, size_t *count);
/* What became of the report with the bans of the last call. */
void request_path_told(struct request_path *path, bool accepted);

#endif
