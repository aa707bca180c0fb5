/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is frequent in the requests of each site: its most frequent URLs, browsers and so on, in memory that does not
 * grow. Counted in windows of time: a window that is old or full enough is told once, and a new one begins. Pure.
 */
#ifndef AGENT_REQUEST_TOP_H
#define AGENT_REQUEST_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/log_ring.h"
#include "shared/snapshot_abi.h"

#define TOP_KEYS                                                                                   \
	32 /* of each kind and site: whoever makes more than 1/32 of the requests is among them */
#define TOP_SITE_MAX	1024 /* about 52 KB each; the longest idle gives way */
#define TOP_WINDOW_MS	INT64_C(60000)
#define TOP_BUSY_MS	INT64_C(2000) /* so short is a window with many requests */
#define TOP_BUSY_WEIGHT 500

struct request_top;
struct request_top *request_top_new(void); /* NULL: no memory */
void request_top_free(struct request_top *top);

/* country: two letters, or "" when it is not known. now_ms: any clock that does not go back. No memory: not counted. */
void request_top_add(
	struct request_top *top, const struct log_view *view, const char *country, int64_t now_ms);
/* The most frequent first; returns how many, at most TOP_KEYS. */
uint32_t request_top_get(const struct request_top *top, uint32_t site, enum top_kind kind,
	struct top_entry out[TOP_KEYS]);

/* The kinds with keys of the next site whose window has ended, which begins a new one; returns how many, 0: there is none.
 * until_ms of them is not set: window_ms have passed until now. */
uint32_t request_top_take(
	struct request_top *top, int64_t now_ms, struct record_site_top out[TOP_COUNT]);
bool request_top_has_next(const struct request_top *top, int64_t now_ms);

#endif
