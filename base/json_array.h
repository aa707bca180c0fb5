/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON arrays of strings and integers, as clients send them in place of "Name.1", "Name.2". Here and not
 * from a library because the agent, which links base/ too, needs no JSON.
 */
#ifndef BASE_JSON_ARRAY_H
#define BASE_JSON_ARRAY_H

#include "base/spec.h"

/* Items of json in their order, strings decoded, numbers as written. ERR_FORMAT: not such an array;
 * ERR_LIMIT: more than items_max; ERR_MEMORY. */
enum err json_plain_array(
	struct arena *mem, const char *json, size_t items_max, struct text_list *out) MUST_USE;

#endif
