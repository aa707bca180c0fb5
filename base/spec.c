/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each row is decoded on its own, by looking through the whole form: forms are bounded (FORM_PAIR_MAX)
 * and rows are few, so that no index is needed. Lists are placed by their index and then must be
 * without gaps. A maximum that a row leaves at 0 is the default below, not "none".
 */
#include "base/spec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_array.h"
#include "base/text.h"

/* For rows without .max. Text: a certificate chain with its key fits. */
#define TEXT_BYTES_DEFAULT 65536
#define LIST_ITEMS_DEFAULT 200

struct decoder {
	struct arena *mem;
	const struct form *form;
	const struct param *row;
	char *field; /* where the value goes */
	char *why;
};

static enum err invalid(const struct decoder *decoder, const char *requirement)
{
	(void)snprintf(decoder->why, SPEC_WHY_SIZE,
		"The specified parameter \"%s\" is not valid: %s.", decoder->row->name,
		requirement);
	return ERR_INVALID_PARAMETER;
}

static enum err missing(const struct decoder *decoder)
{
	(void)snprintf(decoder->why, SPEC_WHY_SIZE,
		"The input parameter \"%s\" that is mandatory for processing this request is not "
		"supplied.",
		decoder->row->name);
	return ERR_MISSING_PARAMETER;
}

static void store(const struct decoder *decoder, const void *value, size_t size)
{
	memcpy(decoder->field, value, size);
}

static int64_t text_max(const struct param *row)
{
	return row->max ? row->max : TEXT_BYTES_DEFAULT;
}

static size_t list_max(const struct param *row)
{
	return row->max ? (size_t)row->max : LIST_ITEMS_DEFAULT;
}

static int64_t item_bytes_max(const struct param *row)
{
	return row->item_max ? row->item_max : TEXT_BYTES_DEFAULT;
}

/* The one value of the row's name; *out NULL when absent. */
static enum err scalar(const struct decoder *decoder, const char **out)
{
	const struct form *form = decoder->form;
	const char *value = NULL;
	size_t i;

	for (i = 0; i < form->count; i++) {
		if (strcmp(form->pair[i].key, decoder->row->name) != 0)
			continue;
		if (value)
			return invalid(decoder, "it is given more than once");
		value = form->pair[i].value;
	}
	if (value && value[0] == '\0' && decoder->row->empty_is_absent)
		value = NULL;
	*out = value;
	return OK;
}

static enum err check_range(const struct decoder *decoder, int64_t value, int64_t min, int64_t max)
{
	char requirement[96];

	/* Rows without bounds take any integer. */
	if ((min == 0 && max == 0) || (value >= min && value <= max))
		return OK;
	(void)snprintf(requirement, sizeof(requirement), "it must be %lld..%lld", (long long)min,
		(long long)max);
	return invalid(decoder, requirement);
}

static enum err decode_int(const struct decoder *decoder, const char *value)
{
	int64_t number = decoder->row->fallback;

	if (value) {
		if (!text_to_int(value, &number))
			return invalid(decoder, "it must be an integer");
		TRY(check_range(decoder, number, decoder->row->min, decoder->row->max));
	}
	store(decoder, &number, sizeof(number));
	return OK;
}

static enum err decode_text(const struct decoder *decoder, const char *value)
{
	const struct param *row = decoder->row;
	char requirement[96];
	int64_t length;

	if (value) {
		length = (int64_t)strlen(value);
		if (length < row->min || length > text_max(row)) {
			(void)snprintf(requirement, sizeof(requirement),
				"its length must be %lld..%lld bytes", (long long)row->min,
				(long long)text_max(row));
			return invalid(decoder, requirement);
		}
	} else {
		value = row->fallback_text;
	}
	store(decoder, &value, sizeof(value));
	return OK;
}

/* Whether value is one word of a space-separated list. */
static bool is_choice(const char *choices, const char *value)
{
	size_t length, value_length = strlen(value);

	while (*choices) {
		length = strcspn(choices, " ");
		if (length == value_length && memcmp(choices, value, length) == 0)
			return length > 0;
		choices += length;
		choices += strspn(choices, " ");
	}
	return false;
}

static enum err decode_choice(const struct decoder *decoder, const char *value)
{
	char requirement[160];

	if (value && !is_choice(decoder->row->choices, value)) {
		(void)snprintf(requirement, sizeof(requirement), "it must be one of: %s",
			decoder->row->choices);
		return invalid(decoder, requirement);
	}
	if (!value)
		value = decoder->row->fallback_text;
	store(decoder, &value, sizeof(value));
	return OK;
}

static enum err decode_bool(const struct decoder *decoder, const char *value)
{
	int64_t number = decoder->row->fallback;

	if (value) {
		if (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
			number = 1;
		else if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
			number = 0;
		else
			return invalid(decoder, "it must be true or false");
	}
	store(decoder, &number, sizeof(number));
	return OK;
}

/*
 * Index in "Name.N" or "Name.N.rest": 0 when key is of another parameter; rest is what follows N, after
 * its dot, or NULL. An index that is no number from 1 on is -1.
 */
static int64_t list_index(const struct param *row, const char *key, const char **rest)
{
	size_t name_length = strlen(row->name), digits;
	char number[8];
	int64_t index;

	if (strncmp(key, row->name, name_length) != 0 || key[name_length] != '.')
		return 0;
	key += name_length + 1;
	digits = strcspn(key, ".");
	*rest = key[digits] ? key + digits + 1 : NULL;
	if (digits >= sizeof(number))
		return -1;
	memcpy(number, key, digits);
	number[digits] = '\0';
	return text_to_int(number, &index) && index >= 1 ? index : -1;
}

/* Number of items that "Name.N" keys announce; checks that it is within the row's maximum. */
static enum err count_items(const struct decoder *decoder, size_t *out)
{
	const struct form *form = decoder->form;
	size_t i, count = 0, max = list_max(decoder->row);
	char requirement[64];
	const char *rest;
	int64_t index;

	for (i = 0; i < form->count; i++) {
		index = list_index(decoder->row, form->pair[i].key, &rest);
		if (index < 0)
			return invalid(decoder, "an index of the list must be a number from 1 on");
		if ((uint64_t)index > max) {
			(void)snprintf(requirement, sizeof(requirement),
				"at most %zu items are allowed", max);
			return invalid(decoder, requirement);
		}
		if ((size_t)index > count)
			count = (size_t)index;
	}
	*out = count;
	return OK;
}

/* Splits a JSON array. The kind of an item is not kept: its text is checked later. */
static enum err json_list(const struct decoder *decoder, const char *json, struct text_list *out)
{
	enum err err = json_plain_array(decoder->mem, json, list_max(decoder->row), out);

	if (err == ERR_FORMAT)
		return invalid(decoder, "it must be a JSON array of plain values");
	if (err == ERR_LIMIT)
		return invalid(decoder, "it has too many items");
	return err;
}

/* "Name.1", "Name.2" ... or one JSON array as Name. */
static enum err gather(const struct decoder *decoder, struct text_list *out)
{
	const struct form *form = decoder->form;
	const char *rest, *whole;
	size_t i, count;
	int64_t index;

	TRY(scalar(decoder, &whole));
	TRY(count_items(decoder, &count));
	if (whole && count > 0)
		return invalid(decoder, "it is given both as a list and as JSON");
	if (whole)
		return json_list(decoder, whole, out);
	out->item = arena_array(decoder->mem, count, sizeof(*out->item));
	if (!out->item)
		return ERR_MEMORY;
	for (i = 0; i < form->count; i++) {
		index = list_index(decoder->row, form->pair[i].key, &rest);
		if (index == 0)
			continue;
		if (rest)
			return invalid(decoder, "its items have no parts");
		if (out->item[index - 1])
			return invalid(decoder, "an item is given more than once");
		out->item[index - 1] = form->pair[i].value;
		out->count++;
	}
	return out->count == count ? OK
				   : invalid(decoder, "its items must be numbered without gaps");
}

static enum err check_item_length(const struct decoder *decoder, const char *item)
{
	int64_t length = (int64_t)strlen(item);
	char requirement[96];

	if (length >= decoder->row->item_min && length <= item_bytes_max(decoder->row))
		return OK;
	(void)snprintf(requirement, sizeof(requirement),
		"the length of an item must be %lld..%lld bytes", (long long)decoder->row->item_min,
		(long long)item_bytes_max(decoder->row));
	return invalid(decoder, requirement);
}

static enum err decode_text_list(const struct decoder *decoder, size_t *count)
{
	struct text_list list = { 0 };
	size_t i;

	TRY(gather(decoder, &list));
	for (i = 0; i < list.count; i++)
		TRY(check_item_length(decoder, list.item[i]));
	store(decoder, &list, sizeof(list));
	*count = list.count;
	return OK;
}

static enum err decode_int_list(const struct decoder *decoder, size_t *count)
{
	const struct param *row = decoder->row;
	struct text_list texts = { 0 };
	struct int_list list = { 0 };
	size_t i;

	TRY(gather(decoder, &texts));
	list.count = texts.count;
	list.item = arena_array(decoder->mem, list.count, sizeof(*list.item));
	if (!list.item)
		return ERR_MEMORY;
	for (i = 0; i < list.count; i++) {
		if (!text_to_int(texts.item[i], &list.item[i]))
			return invalid(decoder, "its items must be integers");
		TRY(check_range(decoder, list.item[i], row->item_min, row->item_max));
	}
	store(decoder, &list, sizeof(list));
	*count = list.count;
	return OK;
}

/* Which of the two suffixes in choices ("Key Value") part is: 0, 1, or -1. */
static int pair_part(const struct param *row, const char *part)
{
	size_t first = strcspn(row->choices, " ");

	assert(row->choices[first] == ' ');
	if (!part)
		return -1;
	if (strlen(part) == first && memcmp(part, row->choices, first) == 0)
		return 0;
	return strcmp(part, row->choices + first + 1) == 0 ? 1 : -1;
}

static enum err place_pair(
	const struct decoder *decoder, struct pair *item, const char *part, const char *value)
{
	const char **place;

	switch (pair_part(decoder->row, part)) {
	case 0:
		place = &item->key;
		break;
	case 1:
		place = &item->value;
		break;
	default:
		return invalid(decoder, "an item has a part that is not known");
	}
	if (*place)
		return invalid(decoder, "an item is given more than once");
	*place = value;
	return check_item_length(decoder, value);
}

static enum err decode_pair_list(const struct decoder *decoder, size_t *count)
{
	const struct form *form = decoder->form;
	struct pair_list list = { 0 };
	const char *rest;
	int64_t index;
	size_t i;

	TRY(count_items(decoder, &list.count));
	list.item = arena_array(decoder->mem, list.count, sizeof(*list.item));
	if (!list.item)
		return ERR_MEMORY;
	for (i = 0; i < form->count; i++) {
		index = list_index(decoder->row, form->pair[i].key, &rest);
		if (index > 0)
			TRY(place_pair(decoder, &list.item[index - 1], rest, form->pair[i].value));
	}
	for (i = 0; i < list.count; i++) {
		if (!list.item[i].key)
			return invalid(
				decoder, "its items must be numbered without gaps and have a key");
	}
	store(decoder, &list, sizeof(list));
	*count = list.count;
	return OK;
}

/* Text of one item of an object's list, at "List.M". */
static enum err place_item(const struct decoder *decoder, struct object_item *item,
	const char *number, const char *value)
{
	struct text_list *list = &item->list;
	int64_t index;

	if (!text_to_int(number, &index) || index < 1 || index > OBJECT_LIST_TEXTS_MAX)
		return invalid(decoder, "an index of a list must be a number from 1 to 200");
	if (!list->item)
		list->item = arena_array(decoder->mem, OBJECT_LIST_TEXTS_MAX, sizeof(*list->item));
	if (!list->item)
		return ERR_MEMORY;
	if (list->item[index - 1])
		return invalid(decoder, "an item is given more than once");
	list->item[index - 1] = value;
	if ((size_t)index > list->count)
		list->count = (size_t)index;
	return check_item_length(decoder, value);
}

/* part: what follows "Name.N.". */
static enum err place_part(const struct decoder *decoder, struct object_item *item,
	const char *part, const char *value)
{
	const char *choices = decoder->row->choices;
	size_t first = strcspn(choices, " "), second = strcspn(choices + first + 1, ".");
	const char *list = choices + first + 1;

	assert(choices[first] == ' ' && strcmp(list + second, ".N") == 0);
	if (part && strncmp(part, list, second) == 0 && part[second] == '.')
		return place_item(decoder, item, part + second + 1, value);
	if (!part || strlen(part) != first || memcmp(part, choices, first) != 0)
		return invalid(decoder, "an item has a part that is not known");
	if (item->text)
		return invalid(decoder, "an item is given more than once");
	item->text = value;
	return check_item_length(decoder, value);
}

static enum err check_gaps(const struct decoder *decoder, const struct object_list *list)
{
	static const char sentence[] = "its items must be numbered without gaps";

	for (size_t i = 0; i < list->count; i++) {
		const struct object_item *item = &list->item[i];

		if (!item->text && item->list.count == 0)
			return invalid(decoder, sentence);
		for (size_t j = 0; j < item->list.count; j++) {
			if (!item->list.item[j])
				return invalid(decoder, sentence);
		}
	}
	return OK;
}

/* JSON counts as one item: whether it holds any is the handler's. */
static enum err decode_object_list(const struct decoder *decoder, size_t *count)
{
	const struct form *form = decoder->form;
	struct object_list list = { 0 };
	const char *rest;
	int64_t index;

	TRY(scalar(decoder, &list.json));
	TRY(count_items(decoder, &list.count));
	if (list.json && list.count > 0)
		return invalid(decoder, "it is given both as a list and as JSON");
	list.item = arena_array(decoder->mem, list.count, sizeof(*list.item));
	if (!list.item)
		return ERR_MEMORY;
	for (size_t i = 0; i < form->count; i++) {
		index = list_index(decoder->row, form->pair[i].key, &rest);
		if (index > 0)
			TRY(place_part(decoder, &list.item[index - 1], rest, form->pair[i].value));
	}
	TRY(check_gaps(decoder, &list));
	store(decoder, &list, sizeof(list));
	*count = list.json ? 1 : list.count;
	return OK;
}

static enum err decode_list(const struct decoder *decoder)
{
	size_t count = 0;

	if (decoder->row->kind == PARAM_TEXT_LIST)
		TRY(decode_text_list(decoder, &count));
	else if (decoder->row->kind == PARAM_INT_LIST)
		TRY(decode_int_list(decoder, &count));
	else if (decoder->row->kind == PARAM_PAIR_LIST)
		TRY(decode_pair_list(decoder, &count));
	else
		TRY(decode_object_list(decoder, &count));
	if (decoder->row->required && count == 0)
		return missing(decoder);
	return OK;
}

static enum err decode_row(const struct decoder *decoder)
{
	const char *value;

	if (decoder->row->kind >= PARAM_TEXT_LIST)
		return decode_list(decoder);
	TRY(scalar(decoder, &value));
	if (!value && decoder->row->required)
		return missing(decoder);
	switch (decoder->row->kind) {
	case PARAM_INT:
		return decode_int(decoder, value);
	case PARAM_TEXT:
	case PARAM_JSON:
		return decode_text(decoder, value);
	case PARAM_CHOICE:
		return decode_choice(decoder, value);
	case PARAM_BOOL:
		return decode_bool(decoder, value);
	case PARAM_END:
	case PARAM_TEXT_LIST:
	case PARAM_INT_LIST:
	case PARAM_PAIR_LIST:
	case PARAM_OBJECT_LIST:
		break;
	}
	return fail(ERR_INTERNAL, "parameter %s has a kind without a decoder", decoder->row->name);
}

static size_t kind_size(enum param_kind kind)
{
	switch (kind) {
	case PARAM_TEXT_LIST:
		return sizeof(struct text_list);
	case PARAM_INT_LIST:
		return sizeof(struct int_list);
	case PARAM_PAIR_LIST:
		return sizeof(struct pair_list);
	case PARAM_OBJECT_LIST:
		return sizeof(struct object_list);
	case PARAM_TEXT:
	case PARAM_JSON:
	case PARAM_CHOICE:
		return sizeof(const char *);
	case PARAM_INT:
	case PARAM_BOOL:
	case PARAM_END:
		break;
	}
	return sizeof(int64_t);
}

enum err spec_decode(struct arena *mem, const struct param *params, const struct form *form,
	void *args, size_t args_size, char why[SPEC_WHY_SIZE])
{
	struct decoder decoder = { .mem = mem, .form = form, .why = why };

	why[0] = '\0';
	if (args_size > 0)
		memset(args, 0, args_size);
	for (; params->kind != PARAM_END; params++) {
		assert(params->offset + kind_size(params->kind) <= args_size);
		decoder.row = params;
		decoder.field = (char *)args + params->offset;
		TRY(decode_row(&decoder));
	}
	return OK;
}
