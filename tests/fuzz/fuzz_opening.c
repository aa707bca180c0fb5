/* SPDX-License-Identifier: BSD-2-Clause */
/* How HTTP/2 connections open: what was said of all bytes is said of them piece by piece, too, and is a text in its size. */
#include <stdlib.h>
#include <string.h>

#include "nginx/opening.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole[OPENING_TEXT_SIZE], part[OPENING_TEXT_SIZE];
	enum opening_state end, now = OPENING_MORE;

	end = opening_parse(data, size, whole);
	if (end == OPENING_DONE && strlen(whole) >= sizeof(whole))
		abort();
	for (size_t length = 0; length <= size && now == OPENING_MORE; length++)
		now = opening_parse(data, length, part);
	if (now != end || (end == OPENING_DONE && strcmp(whole, part) != 0))
		abort();
	return 0;
}
