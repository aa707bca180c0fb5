/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters whose value is a JSON array of objects in a string. Every refusal names the parameter and
 * the element: "NetworkRules[3].FrontendPort must be an integer."
 */
#ifndef CONTROL_ACTIONS_JSON_PARAM_H
#define CONTROL_ACTIONS_JSON_PARAM_H

#include "control/call.h"
#include "control/model/json_auto.h"

/* Parses text as an array of 1..max objects; out is owned by the caller. */
enum err json_param_parse(
	struct call *call, const char *name, const char *text, size_t max, json_t **out) MUST_USE;

/* Parses text as JSON of any kind; out is owned by the caller. */
enum err json_param_any(
	struct call *call, const char *name, const char *text, json_t **out) MUST_USE;
/* The text of a document, compact, in mem; the document is freed. NULL, as json_pack gives without memory, is
 * ERR_MEMORY. */
enum err json_text(struct arena *mem, json_t *document, const char **out) MUST_USE;

/* The same with at least min elements of any type. */
enum err json_param_array(struct call *call, const char *name, const char *text, size_t min,
	size_t max, json_t **out) MUST_USE;

/* Element index of the array with the prefix "Name[index]." that its refusals begin with. */
struct json_element {
	const char *where;
	const json_t *object;
};
/* keys: all that the object may have, space-separated. */
enum err json_param_element(struct call *call, const char *name, const json_t *array, size_t index,
	const char *keys, struct json_element *out) MUST_USE;

/* Parses text as one object with at most these keys; out is owned by the caller, element borrows from it. */
enum err json_param_object(struct call *call, const char *name, const char *text, const char *keys,
	json_t **out, struct json_element *element) MUST_USE;
/* The object that the element holds under key. Missing: out->object NULL. */
enum err json_param_member(struct call *call, const struct json_element *element, const char *key,
	const char *keys, struct json_element *out) MUST_USE;

/* Text: 1..max bytes, borrowed from the array. Missing: *out NULL, refused if required. */
enum err json_param_text(struct call *call, const struct json_element *element, const char *key,
	size_t max, bool required, const char **out) MUST_USE;
enum err json_param_int(struct call *call, const struct json_element *element, const char *key,
	bool required, int64_t *out) MUST_USE; /* missing: unchanged */
/* Of 1..most; missing: refused. */
enum err json_param_count(struct call *call, const struct json_element *element, const char *key,
	int64_t most, int64_t *out) MUST_USE;
/* A list of 1..max texts of at most 64 bytes. */
enum err json_param_texts(struct call *call, const struct json_element *element, const char *key,
	size_t max, struct text_list *out) MUST_USE;
/* A list of at most max numbers, each within least..most, without repeats. Missing: *found false. */
enum err json_param_ints(struct call *call, const struct json_element *element, const char *key,
	size_t max, int64_t least, int64_t most, struct int_list *out, bool *found) MUST_USE;

#endif
