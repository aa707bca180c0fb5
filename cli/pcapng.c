/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A section, one interface, and a block per frame. Numbers are in the byte order of this machine, which the
 * section's magic tells; blocks and options are padded to four bytes.
 */
#include "cli/pcapng.h"

#include <assert.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_FRAME = 6
};
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINK_ETHERNET	 1
#define OPTION_END	 0
#define OPTION_COMMENT	 1
#define OPTION_TSRESOL	 9
#define TSRESOL_MS	 3 /* time stamps are 10^-3 s */

static uint32_t padded(uint32_t size)
{
	return (size + 3) & ~3u;
}

static bool write_words(FILE *file, const uint32_t *words, size_t count)
{
	return fwrite(words, sizeof(*words), count, file) == count;
}

static bool write_padded(FILE *file, const void *data, uint32_t size)
{
	static const uint8_t zero[3];

	return fwrite(data, 1, size, file) == size &&
	       fwrite(zero, 1, padded(size) - size, file) == padded(size) - size;
}

bool pcapng_begin(FILE *file)
{
	const uint32_t section[] = { BLOCK_SECTION, 28, BYTE_ORDER_MAGIC, 1 /* version 1.0 */,
		UINT32_MAX, UINT32_MAX /* length not known */, 28 };
	const uint32_t interface[] = { BLOCK_INTERFACE, 32, LINK_ETHERNET, PCAPNG_FRAME_MAX,
		OPTION_TSRESOL | 1u << 16, TSRESOL_MS, OPTION_END, 32 };

	return write_words(file, section, sizeof(section) / sizeof(section[0])) &&
	       write_words(file, interface, sizeof(interface) / sizeof(interface[0]));
}

bool pcapng_frame(FILE *file, int64_t time_ms, const uint8_t *data, uint32_t captured,
	uint32_t length, const char *comment)
{
	const uint32_t text = (uint32_t)strlen(comment);
	const uint32_t size = 32 + padded(captured) + 4 + padded(text) + 4;
	const uint32_t head[] = { BLOCK_FRAME, size, 0, (uint32_t)((uint64_t)time_ms >> 32),
		(uint32_t)time_ms, captured, length };
	const uint32_t option[] = { OPTION_COMMENT | text << 16 };
	const uint32_t tail[] = { OPTION_END, size };

	assert(captured <= length && length <= PCAPNG_FRAME_MAX && text <= PCAPNG_COMMENT_MAX);
	return write_words(file, head, sizeof(head) / sizeof(head[0])) &&
	       write_padded(file, data, captured) && write_words(file, option, 1) &&
	       write_padded(file, comment, text) &&
	       write_words(file, tail, sizeof(tail) / sizeof(tail[0]));
}
