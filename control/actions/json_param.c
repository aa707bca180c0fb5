/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict reading of JSON inside a parameter: no duplicate keys, no unknown keys (a misspelt key would
 * silently do nothing), no numbers in quotes. Where the text breaks is told by line and column.
 */
#include "control/actions/json_param.h"

#include <string.h>

#include "base/text.h"

#include "base/text.h"

#define TEXT_ITEM_MAX 64
#define KEY_SHOWN     64 /* bytes of an unknown key that a refusal repeats */
/* Of a document that is stored: some times the largest parameter that one is made of. */
#define DOCUMENT_BYTES_MAX ((size_t)1 << 20)

enum err json_param_any(struct call *call, const char *name, const char *text, json_t **out)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!value && json_error_code(&error) == json_error_out_of_memory)
		return ERR_MEMORY;
	if (!value)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s is not valid JSON: line %d, column %d.", name, error.line,
			error.column);
	*out = value;
	return OK;
}

enum err json_param_array(
	struct call *call, const char *name, const char *text, size_t min, size_t max, json_t **out)
{
	AUTO(json) json_t *array = NULL;
	TRY(json_param_any(call, name, text, &array));
	if (!json_is_array(array) || json_array_size(array) < min)
		return refuse(call, ERR_INVALID_PARAMETER, "%s must be a JSON array%s.", name,
			min ? " with at least one object" : "");
	if (json_array_size(array) > max)
		return refuse(call, ERR_INVALID_PARAMETER, "%s can have at most %zu elements.",
			name, max);
	*out = json_incref(array);
	return OK;
}

enum err json_param_parse(
	struct call *call, const char *name, const char *text, size_t max, json_t **out)
{
	return json_param_array(call, name, text, 1, max, out);
}

/* Whether key is one of the space-separated keys. */
static bool is_listed(const char *keys, const char *key)
{
	size_t length = strlen(key);
	for (const char *at = keys; length && *at;) {
		size_t word = strcspn(at, " ");
		if (word == length && memcmp(at, key, length) == 0)
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

static enum err check_keys(struct call *call, const struct json_element *element, const char *keys)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)element->object, key, value)
	{
		if (!is_listed(keys, key))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s%.*s is not known; known are %s.", element->where,
				(int)text_whole(key, KEY_SHOWN), key, keys);
	}
	return OK;
}

enum err json_param_element(struct call *call, const char *name, const json_t *array, size_t index,
	const char *keys, struct json_element *out)
{
	const json_t *object = json_array_get(array, index);
	const char *where = arena_print(call->mem, "%s[%zu].", name, index);
	if (!where)
		return ERR_MEMORY;
	if (!json_is_object(object))
		return refuse(
			call, ERR_INVALID_PARAMETER, "%s[%zu] must be an object.", name, index);
	*out = (struct json_element){ where, object };
	return check_keys(call, out, keys);
}

enum err json_param_object(struct call *call, const char *name, const char *text, const char *keys,
	json_t **out, struct json_element *element)
{
	const char *where = arena_print(call->mem, "%s.", name);
	if (!where)
		return ERR_MEMORY;
	TRY(json_param_any(call, name, text, out));
	if (!json_is_object(*out))
		return refuse(call, ERR_INVALID_PARAMETER, "%s must be a JSON object.", name);
	*element = (struct json_element){ where, *out };
	return check_keys(call, element, keys);
}

enum err json_param_member(struct call *call, const struct json_element *element, const char *key,
	const char *keys, struct json_element *out)
{
	const json_t *object = json_object_get(element->object, key);
	*out = (struct json_element){ arena_print(call->mem, "%s%s.", element->where, key),
		object };
	if (!out->where)
		return ERR_MEMORY;
	if (!object)
		return OK;
	if (!json_is_object(object))
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be an object.",
			element->where, key);
	return check_keys(call, out, keys);
}

static enum err check_text(
	struct call *call, const char *where, const char *key, const json_t *value, size_t max)
{
	size_t length = json_string_length(value);
	if (!json_is_string(value))
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be a string.", where, key);
	if (length == 0 || length > max)
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must have 1..%zu bytes.", where,
			key, max);
	return OK;
}

static enum err absent(struct call *call, const struct json_element *element, const char *key)
{
	return refuse(call, ERR_MISSING_PARAMETER, "%s%s is mandatory.", element->where, key);
}

enum err json_param_text(struct call *call, const struct json_element *element, const char *key,
	size_t max, bool required, const char **out)
{
	const json_t *value = json_object_get(element->object, key);
	*out = NULL;
	if (!value)
		return required ? absent(call, element, key) : OK;
	TRY(check_text(call, element->where, key, value, max));
	*out = json_string_value(value);
	return OK;
}

enum err json_param_int(struct call *call, const struct json_element *element, const char *key,
	bool required, int64_t *out)
{
	const json_t *value = json_object_get(element->object, key);
	if (!value)
		return required ? absent(call, element, key) : OK;
	if (!json_is_integer(value))
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be an integer.",
			element->where, key);
	*out = json_integer_value(value);
	return OK;
}

enum err json_param_count(struct call *call, const struct json_element *element, const char *key,
	int64_t most, int64_t *out)
{
	TRY(json_param_int(call, element, key, true, out));
	if (*out >= 1 && *out <= most)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be 1..%lld.", element->where, key,
		(long long)most);
}

enum err json_param_texts(struct call *call, const struct json_element *element, const char *key,
	size_t max, struct text_list *out)
{
	const json_t *list = json_object_get(element->object, key);
	if (!list)
		return absent(call, element, key);
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > max)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s%s must be an array of 1..%zu strings.", element->where, key, max);
	out->count = json_array_size(list);
	out->item = arena_array(call->mem, out->count, sizeof(*out->item));
	if (!out->item)
		return ERR_MEMORY;
	for (size_t i = 0; i < out->count; i++) {
		const json_t *value = json_array_get(list, i);
		TRY(check_text(call, element->where, key, value, TEXT_ITEM_MAX));
		out->item[i] = json_string_value(value);
	}
	return OK;
}

static bool has_number(const struct int_list *list, int64_t number)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->item[i] == number)
			return true;
	}
	return false;
}

enum err json_param_ints(struct call *call, const struct json_element *element, const char *key,
	size_t max, int64_t least, int64_t most, struct int_list *out, bool *found)
{
	const json_t *list = json_object_get(element->object, key);
	*found = list != NULL;
	*out = (struct int_list){ 0 };
	if (!list)
		return OK;
	if (!json_is_array(list) || json_array_size(list) > max)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s%s must be an array of at most %zu numbers.", element->where, key, max);
	out->item = arena_array(call->mem, json_array_size(list), sizeof(*out->item));
	if (!out->item)
		return ERR_MEMORY;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		int64_t number = json_integer_value(value);
		if (!json_is_integer(value) || number < least || number > most)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s%s[%zu] must be a number from %lld to %lld.", element->where,
				key, i, (long long)least, (long long)most);
		if (!has_number(out, number))
			out->item[out->count++] = number;
	}
	return OK;
}

static int add_piece(const char *piece, size_t size, void *context)
{
	struct text *text = context;
	text_add_n(text, piece, size);
	return text->failed ? -1 : 0;
}

enum err json_text(struct arena *mem, json_t *document, const char **out)
{
	AUTO(json) json_t *owned = document;
	struct text text;
	if (!document)
		return ERR_MEMORY;
	text_init(&text, mem, DOCUMENT_BYTES_MAX);
	if (json_dump_callback(owned, add_piece, &text, JSON_COMPACT) != 0)
		return ERR_MEMORY;
	*out = text.data;
	return OK;
}
