/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Table -> struct decoder: rows say name, kind, bounds and where in a struct the value goes. Used for
 * API parameters and for the settings of the daemons.
 */
#ifndef BASE_SPEC_H
#define BASE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/form.h"

enum param_kind {
	PARAM_END = 0,
	PARAM_INT,    /* int64_t, min..max; fallback when absent */
	PARAM_TEXT,   /* const char *, min..max bytes; NULL when absent */
	PARAM_CHOICE, /* const char *, one of choices (space-separated, exact case); fallback_text */
	PARAM_BOOL,   /* int64_t 0/1: true/false, 1/0, any case; fallback */
	PARAM_JSON,   /* const char * as PARAM_TEXT; the handler parses it */
	PARAM_TEXT_LIST, /* struct text_list: Name.1, Name.2 ...; max items, item_max bytes each; also one
	                      JSON array of strings as Name */
	PARAM_INT_LIST, /* struct int_list: at most max items, each within item_min..item_max */
	PARAM_PAIR_LIST, /* struct pair_list: Name.1.Key & Name.1.Value; the two suffixes are in choices:
	                      "Key Value", "Code Value"; at most max items, item_max bytes each part */
	PARAM_OBJECT_LIST, /* struct object_list: Name.1.Text & Name.1.List.1, Name.1.List.2 ...; the two parts
	                        are in choices: "ProxyType ProxyPorts.N"; at most max items, item_max bytes each
	                        text; or JSON as Name, which the handler parses */
};

struct text_list {
	const char **item;
	size_t count;
};
struct int_list {
	int64_t *item;
	size_t count;
};
struct pair_list {
	struct pair *item; /* value may be NULL: not supplied */
	size_t count;
};

/*
 * Shape of the JSON in a parameter, for forms, help and tests; the handler is who judges:
 *   {A: s, B?: s}   object with exactly these members, those with ? may be left out; {*: s} any names
 *   {..}?           the object may also be empty
 *   [s]  [s]1..20   array, and how many elements
 *   a|b|c  1..99    one of these texts, an integer within
 *   text  text(64)  text, at most so many bytes; also by what it means: address, prefix, hex, instance, country
 *   bool
 */
#define SHAPE_NUMBER_TEXT(number) #number
#define SHAPE_NUMBER(number)	  SHAPE_NUMBER_TEXT(number) /* a bound by its name */

#define OBJECT_LIST_TEXTS_MAX	  200 /* of the list in one object */
struct object_item {
	const char *text; /* NULL: not supplied */
	struct text_list list;
};
struct object_list {
	struct object_item *item;
	size_t count;
	const char *json; /* not NULL: it came as JSON, and count is 0 */
};

struct param {
	const char *name; /* as published, without ".N" */
	enum param_kind kind;
	bool required;
	bool empty_is_absent; /* "" counts as not supplied (optional numbers that SDKs send empty) */
	size_t offset;	      /* in the args struct */
	int64_t min, max; /* INT: value, both 0: any; TEXT, JSON: bytes, max 0: 65,536; lists: max
	                          items, 0: 200 */
	int64_t item_min, item_max; /* of an item: as for INT and TEXT */
	int64_t fallback;
	const char *fallback_text;
	const char *choices;
	const char *shape; /* of JSON and OBJECT_LIST: see above */
	const char *type;  /* published type when it is not the kind's own: "String" for a number */
	const char *help;  /* one line, own words */
};

/* PARAM(struct tag, member, "Name", .kind = ..., ...) */
#define PARAM(tag, member, published_name, ...)                                                    \
	{                                                                                          \
		.name = (published_name), .offset = offsetof(struct tag, member), __VA_ARGS__      \
	}

#define SPEC_WHY_SIZE 256

/*
 * Fills args (args_size bytes, zeroed first) from form by params (ended by PARAM_END).
 * Errors name the parameter in why: ERR_MISSING_PARAMETER, ERR_INVALID_PARAMETER (form, range, length,
 * choice, repeated scalar, list with gaps or too many items), ERR_MEMORY. Keys that no row
 * names are ignored: clients send RegionId, Lang and the like everywhere. args unspecified on error.
 */
enum err spec_decode(struct arena *mem, const struct param *params, const struct form *form,
	void *args, size_t args_size, char why[SPEC_WHY_SIZE]) MUST_USE;

#endif
