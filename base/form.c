/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding is lenient in spelling and strict in content: whatever a client may leave raw is taken raw,
 * but every %-escape must be whole and the result must be UTF-8 without NUL, because later on strings
 * end at a NUL and replies must be valid JSON and XML. Signatures are made over the decoded text
 * encoded again, so that the client's spelling on the wire does not matter.
 */
#include "base/form.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Decodes piece into a new string; false: memory. *valid tells whether the content is acceptable. */
static char *decode_piece(struct arena *mem, const char *piece, size_t length, bool *valid)
{
	char *out = arena_take(mem, length + 1);
	size_t i, used = 0;
	char digits[3] = "";
	uint8_t byte;

	*valid = true;
	if (!out)
		return NULL;
	for (i = 0; i < length; i++) {
		if (piece[i] == '+') {
			out[used++] = ' ';
			continue;
		}
		if (piece[i] != '%') {
			out[used++] = piece[i];
			continue;
		}
		if (length - i < 3) {
			*valid = false;
			return out;
		}
		memcpy(digits, piece + i + 1, 2);
		if (!text_from_hex(digits, &byte, 1)) {
			*valid = false;
			return out;
		}
		out[used++] = (char)byte;
		i += 2;
	}
	*valid = text_is_utf8(out, used);
	return out;
}

static enum err decode_pair(struct arena *mem, const char *piece, size_t length, struct pair *out)
{
	const char *equals = memchr(piece, '=', length);
	size_t key_length = equals ? (size_t)(equals - piece) : length;
	bool valid;

	out->key = decode_piece(mem, piece, key_length, &valid);
	if (!out->key)
		return ERR_MEMORY;
	if (!valid)
		return ERR_ENCODING;
	if (!equals) {
		out->value = "";
		return OK;
	}
	out->value = decode_piece(mem, equals + 1, length - key_length - 1, &valid);
	if (!out->value)
		return ERR_MEMORY;
	return valid ? OK : ERR_ENCODING;
}

/* Length of the piece at data, up to the next '&' or the end. */
static size_t piece_length(const char *data, size_t left)
{
	const char *end = memchr(data, '&', left);

	return end ? (size_t)(end - data) : left;
}

static size_t count_pieces(const char *data, size_t length)
{
	size_t at = 0, count = 0, piece;

	while (at < length) {
		piece = piece_length(data + at, length - at);
		count += piece > 0;
		at += piece + 1;
	}
	return count;
}

enum err form_decode(struct arena *mem, const char *data, size_t length, struct form *form)
{
	size_t more = length ? count_pieces(data, length) : 0;
	size_t at = 0, count = form->count, piece;
	struct pair *pair;

	if (more == 0)
		return OK;
	if (more > FORM_PAIR_MAX - form->count)
		return ERR_LIMIT;
	pair = arena_array(mem, form->count + more, sizeof(*pair));
	if (!pair)
		return ERR_MEMORY;
	if (form->count > 0)
		memcpy(pair, form->pair, form->count * sizeof(*pair));
	while (at < length) {
		piece = piece_length(data + at, length - at);
		if (piece > 0)
			TRY(decode_pair(mem, data + at, piece, &pair[count++]));
		at += piece + 1;
	}
	form->pair = pair;
	form->count = count;
	return OK;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;
	int order = strcmp(left->key, right->key);

	return order ? order : strcmp(left->value, right->value);
}

void form_sort(struct form *form)
{
	if (form->count > 1)
		qsort(form->pair, form->count, sizeof(*form->pair), compare_pairs);
}

const char *form_get(const struct form *form, const char *key)
{
	size_t i;

	for (i = 0; i < form->count; i++) {
		if (strcmp(form->pair[i].key, key) == 0)
			return form->pair[i].value;
	}
	return NULL;
}

static size_t encoded_length(const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		length += text_is_unreserved((unsigned char)*text) ? 1 : 3;
	return length;
}

/* Writes text encoded, without a NUL; returns the end. */
static char *encode_to(char *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char c;

	for (; *text; text++) {
		c = (unsigned char)*text;
		if (text_is_unreserved(c)) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	return out;
}

char *form_encode(struct arena *mem, const char *text)
{
	char *out = arena_take(mem, encoded_length(text) + 1);

	if (out)
		*encode_to(out, text) = '\0';
	return out;
}

char *form_canonical(struct arena *mem, const struct form *form, const char *except)
{
	size_t i, length = 1;
	char *out, *end;

	for (i = 0; i < form->count; i++)
		length +=
			encoded_length(form->pair[i].key) + encoded_length(form->pair[i].value) + 2;
	out = arena_take(mem, length);
	if (!out)
		return NULL;
	end = out;
	for (i = 0; i < form->count; i++) {
		if (except && strcmp(form->pair[i].key, except) == 0)
			continue;
		if (end != out)
			*end++ = '&';
		end = encode_to(end, form->pair[i].key);
		*end++ = '=';
		end = encode_to(end, form->pair[i].value);
	}
	*end = '\0';
	return out;
}
