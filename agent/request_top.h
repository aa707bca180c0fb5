/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is frequent in the requests of each site: its most frequent URLs, browsers and so on, in memory that does not
 * grow. Pure.
 */
#ifndef AGENT_REQUEST_TOP_H
#define AGENT_REQUEST_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/log_ring.h"

enum top_kind {
	TOP_URL, /* path, without query */
	TOP_USER_AGENT,
	TOP_REFERER,
	TOP_METHOD,
	TOP_SOURCE, /* of the client */
	TOP_JA4,
	TOP_HTTP2,
	TOP_COUNT
};
#define TOP_KEY_MAX 120 /* bytes of a text: longer ones are told apart by these */
#define TOP_KEYS                                                                                   \
	32 /* of each kind and site: whoever makes more than 1/32 of the requests is among them */
#define TOP_SITE_MAX 1024	     /* about 33 KB each; the longest idle gives way */
#define TOP_HALF_MS  INT64_C(600000) /* counts are halved each ten minutes: what was, fades */

struct top_entry {
	uint64_t count; /* at most "error" too many */
	uint64_t error;
	uint16_t length;
	char key[TOP_KEY_MAX];
};

struct request_top;
struct request_top *request_top_new(void); /* NULL: no memory */
void request_top_free(struct request_top *top);

/* now_ms: any clock that does not go back. No memory: not counted. */
void request_top_add(struct request_top *top, const struct log_view *view, int64_t now_ms);
/* The most frequent first; returns how many, at most TOP_KEYS. */
uint32_t request_top_get(const struct request_top *top, uint32_t site, enum top_kind kind,
	struct top_entry out[TOP_KEYS]);

#endif
