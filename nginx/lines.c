/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bit for each of the last LINES_WINDOW bytes, in a ring; without memory until the first such line. Bytes of bodies go by,
 * too, and are marked like others: only places of a header are asked about.
 */
#include "nginx/lines.h"

#include <assert.h>
#include <string.h>

#define WORD_BITS 64

static void bits_clear(struct lines *lines, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t place = from % LINES_WINDOW;

		if (place % WORD_BITS == 0 && to - from >= WORD_BITS) {
			lines->bits[place / WORD_BITS] = 0;
			from += WORD_BITS;
		} else {
			lines->bits[place / WORD_BITS] &= ~(UINT64_C(1) << place % WORD_BITS);
			from++;
		}
	}
}

bool lines_feed(struct lines *lines, const uint8_t *bytes, size_t length)
{
	const uint8_t *at = bytes, *end = bytes + length;

	assert(length <= LINES_PIECE);
	if (length == 0)
		return true;
	if (lines->bits)
		bits_clear(lines, lines->total, lines->total + length);
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		uint8_t before = at > bytes ? at[-1] : lines->last;
		uint64_t place = (lines->total + (uint64_t)(at - bytes)) % LINES_WINDOW;

		at++;
		if (before != ' ')
			continue;
		if (!lines->bits)
			return false;
		lines->bits[place / WORD_BITS] |= UINT64_C(1) << place % WORD_BITS;
	}
	lines->last = end[-1];
	lines->total += length;
	return true;
}

bool lines_found(const struct lines *lines, uint64_t from, uint64_t to)
{
	uint64_t first = lines->total > LINES_WINDOW ? lines->total - LINES_WINDOW : 0;

	if (!lines->bits)
		return false;
	if (from < first)
		from = first;
	if (to > lines->total)
		to = lines->total;
	while (from < to) {
		uint64_t place = from % LINES_WINDOW;

		if (place % WORD_BITS == 0 && to - from >= WORD_BITS &&
			lines->bits[place / WORD_BITS] == 0) {
			from += WORD_BITS;
			continue;
		}
		if (lines->bits[place / WORD_BITS] >> place % WORD_BITS & 1)
			return true;
		from++;
	}
	return false;
}
