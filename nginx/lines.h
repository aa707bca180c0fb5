/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in what a client sends a line ends with LF behind a space: nginx takes that for the end of a header, and overwrites
 * the space as it does CR, so that nobody can tell afterwards. Pure.
 */
#ifndef NGINX_LINES_H
#define NGINX_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So far back it is remembered: more than a request's header (33 KB) and what was read behind it (8 KB). */
#define LINES_WINDOW 65536
#define LINES_PIECE  (LINES_WINDOW / 2)
#define LINES_BYTES  (LINES_WINDOW / 8)

struct lines {		/* all 0 at first */
	uint64_t total; /* bytes so far */
	uint8_t last;
	uint64_t *
		bits; /* LINES_BYTES, zeroed by whoever sets it; NULL: there was no such line yet */
};

/* The next bytes, at most LINES_PIECE. false: bits are needed now; nothing was taken, and it is to be called again. */
bool lines_feed(struct lines *lines, const uint8_t *bytes, size_t length);
/* Is there such a line among the bytes from .. to - 1 of all? Of those out of the window nothing is known: no. */
bool lines_found(const struct lines *lines, uint64_t from, uint64_t to);

#endif
