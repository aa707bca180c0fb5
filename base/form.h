/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Query strings and form bodies (application/x-www-form-urlencoded): decoding as real clients
 * send them ('+' is a space, '*' and '~' may be raw), and the canonical re-encoding of signatures.
 */
#ifndef BASE_FORM_H
#define BASE_FORM_H

#include <stddef.h>

#include "base/arena.h"

struct pair {
	const char *key;   /* decoded, UTF-8, no NUL inside */
	const char *value; /* decoded; "" when empty or when '=' is missing */
};
struct form {
	struct pair *pair; /* in the order of arrival until form_sort */
	size_t count;
};
#define FORM_PAIR_MAX 2000 /* CreateNetworkRules and 200-entry lists stay far below */

/* Appends the pairs of data to form. ERR_ENCODING: bad %-escape, not UTF-8, or a NUL; ERR_LIMIT: more than
 * FORM_PAIR_MAX; ERR_MEMORY. Empty pieces ("a=1&&b=2") are skipped. form unchanged on error. */
enum err form_decode(
	struct arena *mem, const char *data, size_t length, struct form *form) MUST_USE;
/* Sorts by key, then value, byte order. */
void form_sort(struct form *form);
/* First value of key, or NULL. */
const char *form_get(const struct form *form, const char *key);
/* RFC 3986 unreserved stay, all else %XX upper case. NULL when memory is out. */
char *form_encode(struct arena *mem, const char *text);
/* "k=v&k=v" of all pairs in their order but those whose key equals except (may be NULL), both encoded. */
char *form_canonical(struct arena *mem, const struct form *form, const char *except);

#endif
