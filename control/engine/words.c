/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run is one byte, so that one of more than 256 zeros is written as several.
 */
#include "control/engine/words.h"

#include <string.h>

size_t words_pack(const uint64_t *word, size_t count, uint8_t *out)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t rest = word[i];
		uint8_t run = 0;

		while (rest >= 128) {
			out[used++] = (uint8_t)(rest | 128);
			rest >>= 7;
		}
		out[used++] = (uint8_t)rest;
		if (word[i] != 0)
			continue;
		while (run < UINT8_MAX && i + 1 < count && word[i + 1] == 0) {
			i++;
			run++;
		}
		out[used++] = run;
	}
	return used;
}

void words_unpack(const uint8_t *data, size_t length, uint64_t *word, size_t count)
{
	size_t at = 0;

	memset(word, 0, count * sizeof(*word));
	for (size_t i = 0; i < count && at < length; i++) {
		for (unsigned shift = 0; at < length && shift < 64; shift += 7) {
			word[i] |= (uint64_t)(data[at] & 127) << shift;
			if (!(data[at++] & 128))
				break;
		}
		if (word[i] == 0 && at < length)
			i += data[at++];
	}
}
