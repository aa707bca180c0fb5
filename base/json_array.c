/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass (RFC 8259). All items are decoded into one buffer of the input's size: an escape is never
 * shorter than what it stands for, and the quotes or the comma of an item pay for its NUL.
 */
#include "base/json_array.h"

#include <string.h>

#include "base/text.h"

struct reader {
	const char *at;
	char *out; /* end of what is decoded */
};

/* Four hexadecimal digits at digits. */
static bool read_hex4(const char *digits, uint32_t *out)
{
	char copy[5] = "";
	uint8_t bytes[2];

	strncpy(copy, digits, 4);
	if (!text_from_hex(copy, bytes, 2))
		return false;
	*out = (uint32_t)bytes[0] << 8 | bytes[1];
	return true;
}

static void put_utf8(struct reader *reader, uint32_t point)
{
	if (point < 0x80) {
		*reader->out++ = (char)point;
		return;
	}
	if (point < 0x800) {
		*reader->out++ = (char)(0xc0 | point >> 6);
	} else {
		if (point < 0x10000) {
			*reader->out++ = (char)(0xe0 | point >> 12);
		} else {
			*reader->out++ = (char)(0xf0 | point >> 18);
			*reader->out++ = (char)(0x80 | (point >> 12 & 0x3f));
		}
		*reader->out++ = (char)(0x80 | (point >> 6 & 0x3f));
	}
	*reader->out++ = (char)(0x80 | (point & 0x3f));
}

/* "uXXXX", or two of them as a surrogate pair, behind the backslash. */
static bool read_unicode(struct reader *reader)
{
	const char *at = reader->at;
	uint32_t point, low;

	if (!read_hex4(at + 1, &point) || point == 0)
		return false;
	at += 5;
	if (point >= 0xd800 && point <= 0xdfff) {
		if (point > 0xdbff || at[0] != '\\' || at[1] != 'u' || !read_hex4(at + 2, &low) ||
			low < 0xdc00 || low > 0xdfff)
			return false;
		at += 6;
		point = 0x10000 + ((point & 0x3ff) << 10 | (low & 0x3ff));
	}
	put_utf8(reader, point);
	reader->at = at;
	return true;
}

static bool read_escape(struct reader *reader)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known;

	if (*reader->at == 'u')
		return read_unicode(reader);
	known = *reader->at ? strchr(from, *reader->at) : NULL;
	if (!known)
		return false;
	*reader->out++ = to[known - from];
	reader->at++;
	return true;
}

static bool read_string(struct reader *reader)
{
	for (reader->at++; *reader->at != '"';) {
		if ((unsigned char)*reader->at < 0x20)
			return false;
		if (*reader->at != '\\') {
			*reader->out++ = *reader->at++;
			continue;
		}
		reader->at++;
		if (!read_escape(reader))
			return false;
	}
	reader->at++;
	return true;
}

/* The string or number at reader as text; NULL when there is neither. */
static const char *read_item(struct reader *reader)
{
	const char *start = reader->out;
	size_t length;

	if (*reader->at == '"') {
		if (!read_string(reader))
			return NULL;
	} else {
		length = strspn(reader->at, "-0123456789");
		if (length == 0)
			return NULL;
		memcpy(reader->out, reader->at, length);
		reader->at += length;
		reader->out += length;
	}
	*reader->out++ = '\0';
	return start;
}

static void skip_space(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

/* Steps over c; false when something else is there. */
static bool skip_char(struct reader *reader, char c)
{
	skip_space(reader);
	if (*reader->at != c)
		return false;
	reader->at++;
	skip_space(reader);
	return true;
}

enum err json_plain_array(
	struct arena *mem, const char *json, size_t items_max, struct text_list *out)
{
	struct reader reader = { .at = json, .out = arena_take(mem, strlen(json) + 1) };
	struct text_list list = { .item = arena_array(mem, items_max, sizeof(*list.item)) };

	if (!reader.out || !list.item)
		return ERR_MEMORY;
	if (!skip_char(&reader, '['))
		return ERR_FORMAT;
	if (!skip_char(&reader, ']')) {
		do {
			if (list.count == items_max)
				return ERR_LIMIT;
			list.item[list.count] = read_item(&reader);
			if (!list.item[list.count++])
				return ERR_FORMAT;
		} while (skip_char(&reader, ','));
		if (!skip_char(&reader, ']'))
			return ERR_FORMAT;
	}
	if (*reader.at != '\0')
		return ERR_FORMAT;
	*out = list;
	return OK;
}
