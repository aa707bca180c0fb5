/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict reading of the JSON documents of web policies: no unknown keys (a misspelt one would silently do nothing), no
 * numbers in quotes. Every refusal names the member: "condition[0].field must be a string." Texts are copied into the
 * arena: they outlive the JSON. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEB_READER_H
#define CONTROL_MODEL_WEB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "control/model/json_auto.h"

#define WEB_WHY_SIZE 256
struct web_reader {
	struct arena *mem;
	char why[WEB_WHY_SIZE]; /* of the last refusal; a whole sentence */
};

/* An object and what its members are called by: "" or "condition[0]." */
struct web_object {
	const json_t *json;
	const char *where;
};

/* Sets why and returns err. */
enum err web_refuse(struct web_reader *reader, enum err err, const char *format, ...) PRINTF(3, 4);

/* json as an object with at most these keys, space-separated. where ends with '.' or is empty; copied. */
enum err web_object(struct web_reader *reader, const json_t *json, const char *where,
	const char *keys, struct web_object *out) MUST_USE;
/* The object under key; missing or null: out->json NULL. */
enum err web_member(struct web_reader *reader, const struct web_object *object, const char *key,
	const char *keys, struct web_object *out) MUST_USE;
/* The array under key, of least..most elements; missing: *out NULL, refused when least is not 0. */
enum err web_array(struct web_reader *reader, const struct web_object *object, const char *key,
	size_t least, size_t most, const json_t **out) MUST_USE;
/* Text of least..most bytes; missing: "", refused when least is not 0. */
enum err web_text(struct web_reader *reader, const struct web_object *object, const char *key,
	size_t least, size_t most, const char **out) MUST_USE;
/* Integer within least..most; missing: refused, or unchanged when it is not required. */
enum err web_int(struct web_reader *reader, const struct web_object *object, const char *key,
	int64_t least, int64_t most, int64_t *out) MUST_USE;
enum err web_optional_int(struct web_reader *reader, const struct web_object *object,
	const char *key, int64_t least, int64_t most, int64_t *out) MUST_USE;
enum err web_bool(struct web_reader *reader, const struct web_object *object, const char *key,
	bool *out) MUST_USE;
/* Which of the names, space-separated, the text is. */
enum err web_choice(struct web_reader *reader, const struct web_object *object, const char *key,
	const char *names, unsigned *out) MUST_USE;
/* Name of that row of the names; "" behind the last. Copied. NULL: no memory. */
const char *web_choice_name(struct arena *mem, const char *names, unsigned row);

/* value (owned from now on) under key; ERR_MEMORY also when it is NULL. */
enum err web_put(json_t *object, const char *key, json_t *value) MUST_USE;
enum err web_append(json_t *array, json_t *value) MUST_USE;
/* The document as compact text in mem. */
enum err web_dump(struct arena *mem, const json_t *json, const char **out) MUST_USE;

#endif
