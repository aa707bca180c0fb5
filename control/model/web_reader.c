/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client sends and what the store holds are the same documents, so that one reader serves both and what was
 * accepted is read back as it was.
 */
#include "control/model/web_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define TEXT_SHOWN 64 /* bytes of what a client sent that a refusal repeats */

enum err web_refuse(struct web_reader *reader, enum err err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reader->why, sizeof(reader->why), format, arguments);
	va_end(arguments);
	return err;
}

/* Row of the word in space-separated words; -1: none. */
static int word_find(const char *words, const char *word)
{
	size_t length = strlen(word);
	int row = 0;

	for (const char *at = words; length && *at; row++) {
		size_t end = strcspn(at, " ");

		if (end == length && memcmp(at, word, length) == 0)
			return row;
		at += end;
		at += strspn(at, " ");
	}
	return -1;
}

static enum err check_keys(
	struct web_reader *reader, const struct web_object *object, const char *keys)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object->json, key, value)
	{
		if (word_find(keys, key) < 0)
			return web_refuse(reader, ERR_INVALID_PARAMETER,
				"%s%.*s is not known; known are %s.", object->where,
				(int)text_whole(key, TEXT_SHOWN), key, keys);
	}
	return OK;
}

enum err web_object(struct web_reader *reader, const json_t *json, const char *where,
	const char *keys, struct web_object *out)
{
	size_t length = strlen(where);

	*out = (struct web_object){ json, arena_copy(reader->mem, where) };
	if (!out->where)
		return ERR_MEMORY;
	if (!json_is_object(json))
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%.*s must be an object.",
			length ? (int)length - 1 : 8, length ? where : "document");
	return check_keys(reader, out, keys);
}

enum err web_member(struct web_reader *reader, const struct web_object *object, const char *key,
	const char *keys, struct web_object *out)
{
	const json_t *json = json_object_get(object->json, key);
	const char *where = arena_print(reader->mem, "%s%s.", object->where, key);

	*out = (struct web_object){ NULL, where };
	if (!where)
		return ERR_MEMORY;
	return !json || json_is_null(json) ? OK : web_object(reader, json, where, keys, out);
}

static enum err missing(struct web_reader *reader, const struct web_object *object, const char *key)
{
	return web_refuse(reader, ERR_MISSING_PARAMETER, "%s%s is mandatory.", object->where, key);
}

enum err web_array(struct web_reader *reader, const struct web_object *object, const char *key,
	size_t least, size_t most, const json_t **out)
{
	const json_t *json = json_object_get(object->json, key);

	*out = NULL;
	if (!json && least)
		return missing(reader, object, key);
	if (!json)
		return OK;
	if (!json_is_array(json) || json_array_size(json) < least || json_array_size(json) > most)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%s%s must be an array of %zu..%zu elements.", object->where, key, least,
			most);
	*out = json;
	return OK;
}

enum err web_text(struct web_reader *reader, const struct web_object *object, const char *key,
	size_t least, size_t most, const char **out)
{
	const json_t *json = json_object_get(object->json, key);
	size_t length = json_string_length(json);

	*out = "";
	if (!json)
		return least ? missing(reader, object, key) : OK;
	if (!json_is_string(json))
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%s%s must be a string.",
			object->where, key);
	/* A NUL inside cannot come: jansson refuses it. */
	if (length < least || length > most)
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%s%s must have %zu..%zu bytes.",
			object->where, key, least, most);
	*out = arena_copy(reader->mem, json_string_value(json));
	return *out ? OK : ERR_MEMORY;
}

enum err web_optional_int(struct web_reader *reader, const struct web_object *object,
	const char *key, int64_t least, int64_t most, int64_t *out)
{
	const json_t *json = json_object_get(object->json, key);
	int64_t number = json_integer_value(json);

	if (!json)
		return OK;
	if (!json_is_integer(json) || number < least || number > most)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%s%s must be an integer from %lld to %lld.", object->where, key,
			(long long)least, (long long)most);
	*out = number;
	return OK;
}

enum err web_int(struct web_reader *reader, const struct web_object *object, const char *key,
	int64_t least, int64_t most, int64_t *out)
{
	if (!json_object_get(object->json, key))
		return missing(reader, object, key);
	return web_optional_int(reader, object, key, least, most, out);
}

enum err web_bool(
	struct web_reader *reader, const struct web_object *object, const char *key, bool *out)
{
	const json_t *json = json_object_get(object->json, key);

	if (!json)
		return missing(reader, object, key);
	if (!json_is_boolean(json))
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%s%s must be true or false.",
			object->where, key);
	*out = json_is_true(json);
	return OK;
}

enum err web_choice(struct web_reader *reader, const struct web_object *object, const char *key,
	const char *names, unsigned *out)
{
	const char *text = json_string_value(json_object_get(object->json, key));
	int row = text ? word_find(names, text) : -1;

	if (!json_object_get(object->json, key))
		return missing(reader, object, key);
	if (row < 0)
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%s%s must be one of: %s.",
			object->where, key, names);
	*out = (unsigned)row;
	return OK;
}

const char *web_choice_name(struct arena *mem, const char *names, unsigned row)
{
	while (row-- > 0 && *names) {
		names += strcspn(names, " ");
		names += strspn(names, " ");
	}
	return arena_copy_n(mem, names, strcspn(names, " "));
}

enum err web_put(json_t *object, const char *key, json_t *value)
{
	return value && json_object_set_new(object, key, value) == 0 ? OK : ERR_MEMORY;
}

enum err web_append(json_t *array, json_t *value)
{
	return value && json_array_append_new(array, value) == 0 ? OK : ERR_MEMORY;
}

enum err web_dump(struct arena *mem, const json_t *json, const char **out)
{
	size_t size = json_dumpb(json, NULL, 0, JSON_COMPACT);
	char *text = size ? arena_take(mem, size + 1) : NULL;

	if (!text || json_dumpb(json, text, size, JSON_COMPACT) != size)
		return ERR_MEMORY;
	*out = text;
	return OK;
}
