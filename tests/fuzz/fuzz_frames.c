/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of HTTP/2: the same verdict and counts in whatever pieces the bytes come. */
#include <stdlib.h>
#include <string.h>

#include "nginx/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frames whole, pieces;
	enum frames_verdict verdict = FRAMES_FINE;

	memset(&whole, 0, sizeof(whole));
	memset(&pieces, 0, sizeof(pieces));
	for (size_t at = 0, piece; at < size && verdict == FRAMES_FINE; at += piece) {
		piece = 1 + data[at] % 7;
		if (piece > size - at)
			piece = size - at;
		verdict = frames_feed(&pieces, data + at, piece, 1000000);
	}
	if (frames_feed(&whole, data, size, 1000000) != verdict || whole.resets != pieces.resets ||
		whole.controls != pieces.controls || whole.skip != pieces.skip ||
		whole.head_used != pieces.head_used)
		abort();
	return 0;
}
