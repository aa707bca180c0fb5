/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formats: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-03.html and -pcapng-02.html. Lengths
 * in the file are not trusted: every step is checked against what is left.
 */
#include "tests/wire/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX	 (256u << 20)
#define PCAP_MAGIC	 0xa1b2c3d4u
#define PCAP_MAGIC_NS	 0xa1b23c4du
#define PCAP_MAGIC_ALTER 0xa1b2cd34u /* a patched libpcap: 8 more bytes before each frame */
#define BLOCK_SECTION	 0x0a0d0d0au
#define BLOCK_INTERFACE	 1u
#define BLOCK_SIMPLE	 3u
#define BLOCK_ENHANCED	 6u
#define SECTION_ORDER	 0x1a2b3c4du

static uint32_t swap32(uint32_t x)
{
	return __builtin_bswap32(x);
}

static uint32_t take32(const struct recording *c, size_t at)
{
	uint32_t x;

	if (!c->data || at + 4 > c->size)
		return 0;
	memcpy(&x, c->data + at, 4);
	return c->swapped ? swap32(x) : x;
}

static uint32_t type_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

bool recording_open(struct recording *out, const char *path)
{
	FILE *file = fopen(path, "rbe");
	long size;

	memset(out, 0, sizeof(*out));
	if (!file)
		return false;
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 24 && size < FILE_MAX) {
		out->data = malloc((size_t)size);
		rewind(file);
		if (out->data)
			out->size = fread(out->data, 1, (size_t)size, file);
	}
	(void)fclose(file);
	if (out->size < 24)
		return false;
	switch (take32(out, 0)) {
	case BLOCK_SECTION:
		out->blocks = true;
		return true;
	case PCAP_MAGIC:
	case PCAP_MAGIC_NS:
	case PCAP_MAGIC_ALTER:
		break;
	default:
		out->swapped = true;
		if (take32(out, 0) != PCAP_MAGIC && take32(out, 0) != PCAP_MAGIC_NS)
			return false;
	}
	out->link[0] = take32(out, 20) & 0xffff;
	out->link_count = 1;
	out->at = 24;
	return true;
}

void recording_close(struct recording *recording)
{
	free(recording->data);
	recording->data = NULL;
}

/* The type of what follows at *at, past tags and the like; *at moves. 0: not IP. */
static uint32_t past_tags(const uint8_t *frame, uint32_t size, uint32_t type, uint32_t *at)
{
	for (int i = 0; i < 8; i++) {
		if (*at + 8 > size)
			return 0;
		switch (type) {
		case 0x8100:
		case 0x88a8:
		case 0x9100:
			type = type_at(frame + *at + 2);
			*at += 4;
			break;
		case 0x8847: /* MPLS: the lowest label is followed by what its first half byte says */
			while (*at + 8 <= size && !(frame[*at + 2] & 1))
				*at += 4;
			*at += 4;
			if (*at >= size)
				return 0;
			return frame[*at] >> 4 == 4 ? 0x0800 : 0x86dd;
		case 0x8864: /* PPPoE session */
			type = type_at(frame + *at + 6) == 0x0021 ? 0x0800 : 0x86dd;
			*at += 8;
			break;
		default:
			return type;
		}
	}
	return 0;
}

/* Where IP begins in the frame, or "size" when there is none. */
static uint32_t ip_offset(uint32_t link, const uint8_t *frame, uint32_t size)
{
	uint32_t at, type;

	switch (link) {
	case 0: /* BSD loopback */
		at = 4;
		break;
	case 1:
		if (size < 14)
			return size;
		at = 14;
		type = past_tags(frame, size, type_at(frame + 12), &at);
		if (type != 0x0800 && type != 0x86dd)
			return size;
		break;
	case 9: /* PPP, with or without its HDLC address */
	case 50:
		at = size > 4 && frame[0] == 0xff ? 4 : 2;
		break;
	case 12:
	case 14:
	case 101:
	case 228:
	case 229:
		at = 0;
		break;
	case 104: /* Cisco HDLC */
		at = 4;
		if (size < 4 || type_at(frame + 2) != 0x0800)
			return size;
		break;
	case 113: /* Linux cooked */
	case 276:
		at = link == 113 ? 16 : 20;
		if (size < at)
			return size;
		type = past_tags(frame, size, type_at(frame + (link == 113 ? 14 : 0)), &at);
		if (type != 0x0800 && type != 0x86dd)
			return size;
		break;
	default:
		return size;
	}
	if (at + 20 > size)
		return size;
	switch (frame[at] >> 4) {
	case 4:
		return at;
	case 6:
		return at + 40 <= size ? at : size;
	default:
		return size;
	}
}

/* Takes the frame at "at"; false: no IP in it. */
static bool take_frame(
	struct recording *c, size_t at, uint32_t size, uint32_t link, struct recording_packet *out)
{
	const uint8_t *frame = c->data + at;
	const uint32_t offset = ip_offset(link, frame, size);

	c->number++;
	if (offset >= size)
		return false;
	*out = (struct recording_packet){
		.ip = frame + offset, .captured = size - offset, .number = c->number
	};
	return true;
}

static bool next_pcap(struct recording *c, struct recording_packet *out)
{
	const uint32_t more = take32(c, 0) == PCAP_MAGIC_ALTER ? 8 : 0;

	while (c->at + 16 + more <= c->size) {
		const uint32_t size = take32(c, c->at + 8);
		const size_t at = c->at + 16 + more;

		if (size > c->size - at)
			return false;
		c->at = at + size;
		if (take_frame(c, at, size, c->link[0], out))
			return true;
	}
	return false;
}

static void new_section(struct recording *c)
{
	c->swapped = false;
	c->swapped = take32(c, c->at + 8) != SECTION_ORDER;
	c->link_count = 0;
}

static void new_interface(struct recording *c)
{
	uint32_t link = take32(c, c->at + 8);

	link = c->swapped ? link >> 16 : link & 0xffff;
	if (c->link_count < sizeof(c->link) / sizeof(c->link[0]))
		c->link[c->link_count++] = link;
}

static bool next_block(struct recording *c, struct recording_packet *out)
{
	while (c->at + 12 <= c->size) {
		uint32_t type = take32(c, c->at), length, size, interface = 0;
		size_t at = c->at;

		if (type == BLOCK_SECTION)
			new_section(c);
		length = take32(c, at + 4);
		if (length < 12 || length > c->size - at)
			return false;
		if (type == BLOCK_INTERFACE)
			new_interface(c);
		c->at += length + (length % 4 ? 4 - length % 4 : 0);
		if (type == BLOCK_ENHANCED) {
			interface = take32(c, at + 8);
			size = take32(c, at + 20);
			at += 28;
		} else if (type == BLOCK_SIMPLE) {
			size = take32(c, at + 8);
			size = size < length - 16 ? size : length - 16;
			at += 12;
		} else {
			continue;
		}
		if (at > c->size || size > c->size - at || interface >= c->link_count)
			return false;
		if (take_frame(c, at, size, c->link[interface], out))
			return true;
	}
	return false;
}

bool recording_next(struct recording *recording, struct recording_packet *out)
{
	return recording->blocks ? next_block(recording, out) : next_pcap(recording, out);
}
