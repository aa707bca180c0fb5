/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that a client sends over an HTTP/2 connection (RFC 9113), counted as they come in: streams that are reset as soon as
 * they are opened, and control frames without use. Pure.
 */
#ifndef NGINX_FRAMES_H
#define NGINX_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In FRAMES_INTERVAL_MS. Browsers cancel some dozens of requests at worst, mostly when an answer is on its way; nginx
 * itself gives up after 435 streams. Its limit of control frames is some 40,000; whatever measures bandwidth by PING
 * sends less than FRAMES_CONTROL_MAX. */
#define FRAMES_INTERVAL_MS 10000
#define FRAMES_EARLY_MS	   500 /* a reset so soon after the opening is an early one */
#define FRAMES_RESET_MAX   200
#define FRAMES_CONTROL_MAX 1000
/* CONTINUATION frames of one header, of which nginx takes 32 KB: two full frames. */
#define FRAMES_CONTINUED_MAX 3
/* PRIORITY frames without a stream opened in between; nginx: 128. */
#define FRAMES_PRIORITY_MAX 100
/* Streams whose opening is remembered; as many as may be open. */
#define FRAMES_STREAMS 128

enum frames_verdict {
	FRAMES_FINE,
	FRAMES_RESETS, /* more than FRAMES_RESET_MAX early resets */
	FRAMES_FLOOD
};
struct frames { /* all 0 at first */
	uint8_t head[9];
	uint8_t head_used;
	uint8_t preface; /* bytes of it that went by */
	uint8_t continued;
	uint8_t priorities;
	uint16_t resets, controls;
	uint32_t skip;	     /* bytes of the frame's payload still to come */
	int64_t interval_ms; /* when the one that is counted in began */
	struct {
		uint32_t stream;
		uint32_t opened_ms; /* low bits of the clock */
	} open[FRAMES_STREAMS];
};

/* The next bytes of the connection, from its first on, in pieces as they come. now_ms: any clock that goes forward. */
enum frames_verdict frames_feed(
	struct frames *frames, const uint8_t *bytes, size_t length, int64_t now_ms);

#endif
