/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Recorded packets: reads pcap and pcapng files and calls back with the IP packet of each record. Link types: Ethernet
 * (with VLAN tags), raw IP, Linux cooked, loopback. What is of another form is left out: these are tests' data.
 */
#ifndef TESTS_PACKET_RECORDING_H
#define TESTS_PACKET_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDING_BYTES_MAX (64u << 20)
#define LINK_NULL	    0
#define LINK_ETHERNET	    1
#define LINK_RAW_OLD	    12
#define LINK_RAW	    101
#define LINK_COOKED	    113
#define LINK_IPV4	    228
#define LINK_IPV6	    229

typedef void recording_packet(void *context, const uint8_t *ip, uint32_t size);

static inline uint32_t recording_u32(const uint8_t *at, bool swapped)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return swapped ? __builtin_bswap32(value) : value;
}

static inline uint32_t recording_u16(const uint8_t *at, bool swapped)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return swapped ? __builtin_bswap16(value) : value;
}

static inline void recording_frame(
	const uint8_t *at, uint32_t size, uint32_t link, recording_packet *packet, void *context)
{
	uint32_t skip = 0;

	if (link == LINK_ETHERNET) {
		skip = 14;
		while (skip + 4 <= size && (recording_u16(at + skip - 2, true) == 0x8100 ||
						   recording_u16(at + skip - 2, true) == 0x88a8))
			skip += 4;
		if (skip > size || (recording_u16(at + skip - 2, true) != 0x0800 &&
					   recording_u16(at + skip - 2, true) != 0x86dd))
			return;
	} else if (link == LINK_COOKED) {
		skip = 16;
	} else if (link == LINK_NULL) {
		skip = 4;
	} else if (link != LINK_RAW && link != LINK_RAW_OLD && link != LINK_IPV4 &&
		   link != LINK_IPV6) {
		return;
	}
	if (skip < size)
		packet(context, at + skip, size - skip);
}

static inline void recording_pcap(
	const uint8_t *file, size_t size, recording_packet *packet, void *context)
{
	bool swapped = file[0] == 0xa1;
	uint32_t link = recording_u32(file + 20, swapped) & 0xffff;

	for (size_t at = 24; at + 16 <= size;) {
		uint32_t length = recording_u32(file + at + 8, swapped);

		at += 16;
		if (length > size - at)
			return;
		recording_frame(file + at, length, link, packet, context);
		at += length;
	}
}

/* Blocks: section header, interface (link types by number), enhanced and simple packets. */
static inline void recording_pcapng(
	const uint8_t *file, size_t size, recording_packet *packet, void *context)
{
	uint32_t link[16] = { LINK_ETHERNET }, links = 0;
	bool swapped = false;

	for (size_t at = 0; at + 12 <= size;) {
		uint32_t type = recording_u32(file + at, swapped), length, captured, number;

		if (type == 0x0a0d0d0a) {
			swapped = recording_u32(file + at + 8, false) != 0x1a2b3c4d;
			links = 0;
		}
		length = recording_u32(file + at + 4, swapped);
		if (length < 12 || length > size - at)
			return;
		if (type == 1 && links < 16 && length >= 20)
			link[links++] = recording_u16(file + at + 8, swapped);
		if (type == 6 && length >= 32) {
			number = recording_u32(file + at + 8, swapped);
			captured = recording_u32(file + at + 20, swapped);
			if (captured <= length - 32 && number < 16)
				recording_frame(
					file + at + 28, captured, link[number], packet, context);
		}
		at += (length + 3) & ~3u;
	}
}

/* false: no such file, or one of another format. */
static inline bool recording_read(const char *path, recording_packet *packet, void *context)
{
	FILE *in = fopen(path, "re");
	uint8_t *file = in ? malloc(RECORDING_BYTES_MAX) : NULL;
	size_t size = file ? fread(file, 1, RECORDING_BYTES_MAX, in) : 0;
	uint32_t magic = size >= 24 ? recording_u32(file, false) : 0;
	bool known = true;

	if (magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 || magic == 0xa1b23c4d ||
		magic == 0x4d3cb2a1)
		recording_pcap(file, size, packet, context);
	else if (magic == 0x0a0d0d0a)
		recording_pcapng(file, size, packet, context);
	else
		known = false;
	free(file);
	if (in)
		(void)fclose(in);
	return known;
}

#endif
