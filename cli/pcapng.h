/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captured Ethernet frames as a pcapng file (draft-ietf-opsawg-pcapng, version 1.0), each with a comment,
 * which Wireshark and tshark show as frame.comment.
 */
#ifndef CLI_PCAPNG_H
#define CLI_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PCAPNG_FRAME_MAX   65535
#define PCAPNG_COMMENT_MAX 256

/* The file's beginning. All three: false when the stream failed. */
bool pcapng_begin(FILE *file);
/* length: of the frame on the wire; captured: bytes of it in data, at most length. */
bool pcapng_frame(FILE *file, int64_t time_ms, const uint8_t *data, uint32_t captured,
	uint32_t length, const char *comment);

#endif
