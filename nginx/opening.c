/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 9113: the preface, then frames up to the first HEADERS. Of that the block is read only as far as pseudo-headers go
 * (RFC 7541): fields of the static table, and literals whose name is in it; the dynamic table is empty so far. A name that
 * is spelled out is no pseudo-header of any client there is, and ends the list.
 */
#include "nginx/opening.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PREFACE	       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define FRAME_HEAD     9
#define FRAMES_MAX     64 /* before the first request */
#define SETTINGS_MAX   16
#define PRIORITIES_MAX 16
#define PSEUDO_MAX     4

enum frame {
	FRAME_HEADERS = 1,
	FRAME_PRIORITY = 2,
	FRAME_SETTINGS = 4,
	FRAME_WINDOW_UPDATE = 8
};
enum frame_flag {
	FLAG_ACK = 1,
	FLAG_PADDED = 8,
	FLAG_PRIORITY = 32
};

struct state {
	char settings[96], priorities[64], order[2 * PSEUDO_MAX];
	unsigned setting_count, priority_count;
	uint32_t window;
};

static uint32_t number_at(const uint8_t *bytes, unsigned count)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

__attribute__((format(printf, 3, 4))) static void append(
	char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list values;

	va_start(values, format);
	(void)vsnprintf(text + length, size - length, format, values);
	va_end(values);
}

static void read_settings(struct state *state, const uint8_t *bytes, size_t length)
{
	for (; length >= 6 && state->setting_count < SETTINGS_MAX; bytes += 6, length -= 6)
		append(state->settings, sizeof(state->settings), "%s%u:%u",
			state->setting_count++ ? ";" : "", number_at(bytes, 2),
			number_at(bytes + 2, 4));
}

static void read_priority(struct state *state, uint32_t stream, const uint8_t *bytes, size_t length)
{
	uint32_t depends;

	if (length < 5 || state->priority_count == PRIORITIES_MAX)
		return;
	depends = number_at(bytes, 4);
	append(state->priorities, sizeof(state->priorities), "%s%u:%u:%u:%u",
		state->priority_count++ ? "," : "", stream, depends >> 31, depends & 0x7fffffff,
		bytes[4] + 1u);
}

/* An integer with a prefix of so many bits; RFC 7541, 5.1. false: cut short, or too great to be meant. */
static bool read_integer(const uint8_t **at, const uint8_t *end, unsigned bits, uint32_t *out)
{
	uint32_t most = (1u << bits) - 1, value;

	if (*at == end)
		return false;
	value = *(*at)++ & most;
	if (value < most) {
		*out = value;
		return true;
	}
	for (unsigned shift = 0; shift < 28; shift += 7) {
		if (*at == end)
			return false;
		value += (uint32_t)(**at & 0x7f) << shift;
		if (!(*(*at)++ & 0x80)) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool skip_text(const uint8_t **at, const uint8_t *end)
{
	uint32_t length;

	if (!read_integer(at, end, 7, &length) || length > (size_t)(end - *at))
		return false;
	*at += length;
	return true;
}

/* Of the static table: ":authority", ":method" twice, ":path" twice, ":scheme" twice. */
static char pseudo_of(uint32_t index)
{
	return index >= 1 && index <= 7 ? " ammppss"[index] : 0;
}

static void read_block(struct state *state, const uint8_t *at, const uint8_t *end)
{
	for (unsigned found = 0; found < PSEUDO_MAX && at < end;) {
		uint8_t first = *at;
		uint32_t index;
		char name;

		if ((first & 0xe0) == 0x20) { /* size of the dynamic table */
			if (!read_integer(&at, end, 5, &index))
				return;
			continue;
		}
		if (!read_integer(&at, end, first & 0x80 ? 7 : first & 0x40 ? 6 : 4, &index))
			return;
		if (!(first & 0x80) && (index == 0 || !skip_text(&at, end)))
			return;
		name = pseudo_of(index);
		if (!name)
			return;
		append(state->order, sizeof(state->order), "%s%c", found++ ? "," : "", name);
	}
}

static void read_headers(struct state *state, uint8_t flags, const uint8_t *at, const uint8_t *end)
{
	if (flags & FLAG_PADDED && at < end) {
		size_t padding = *at++;

		end -= padding < (size_t)(end - at) ? padding : (size_t)(end - at);
	}
	if (flags & FLAG_PRIORITY)
		at += (end - at) < 5 ? (end - at) : 5;
	read_block(state, at, end);
}

static void say(const struct state *state, char out[OPENING_TEXT_SIZE])
{
	(void)snprintf(out, OPENING_TEXT_SIZE, "%s|%u|%s|%s", state->settings, state->window,
		state->priority_count ? state->priorities : "0", state->order);
}

enum opening_state opening_parse(const uint8_t *bytes, size_t length, char out[OPENING_TEXT_SIZE])
{
	const size_t preface = sizeof(PREFACE) - 1;
	const uint8_t *at = bytes + preface, *end = bytes + length;
	struct state state = { 0 };

	if (memcmp(bytes, PREFACE, length < preface ? length : preface) != 0)
		return OPENING_NONE;
	if (length < preface)
		return OPENING_MORE;
	for (unsigned i = 0; i < FRAMES_MAX && end - at >= FRAME_HEAD; i++) {
		size_t size = number_at(at, 3);
		uint8_t type = at[3], flags = at[4];
		uint32_t stream = number_at(at + 5, 4) & 0x7fffffff;

		at += FRAME_HEAD;
		if (size > (size_t)(end - at))
			return OPENING_MORE;
		if (type == FRAME_SETTINGS && !(flags & FLAG_ACK))
			read_settings(&state, at, size);
		else if (type == FRAME_WINDOW_UPDATE && stream == 0 && size == 4)
			state.window = number_at(at, 4) & 0x7fffffff;
		else if (type == FRAME_PRIORITY)
			read_priority(&state, stream, at, size);
		else if (type == FRAME_HEADERS) {
			read_headers(&state, flags, at, at + size);
			say(&state, out);
			return OPENING_DONE;
		}
		at += size;
	}
	return OPENING_MORE;
}
