/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why two strings that were signed differ: the first differing byte, and what a client commonly does to bring that
 * about. Both are outside text; of what is not UTF-8 nothing is shown.
 */
#ifndef CONTROL_AUTH_DIFFERENCE_H
#define CONTROL_AUTH_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

/* Stands for a value that is secret; equal to whatever the other string has there. */
#define DIFFERENCE_HIDDEN  "***"
#define DIFFERENCE_CONTEXT 32 /* bytes shown on each side */

enum difference_cause {
	DIFFERENCE_NONE, /* equal */
	DIFFERENCE_METHOD,
	DIFFERENCE_SPACE_PLUS,
	DIFFERENCE_STAR,
	DIFFERENCE_TILDE,
	DIFFERENCE_ENCODED_ONCE,
	DIFFERENCE_ENCODED_TWICE,
	DIFFERENCE_LOWER_CASE,
	DIFFERENCE_NOT_ENCODED,
	DIFFERENCE_ENDS_EARLY,
	DIFFERENCE_GOES_ON,
	DIFFERENCE_ORDER,
	DIFFERENCE_MISSING,
	DIFFERENCE_EXTRA,
	DIFFERENCE_VALUE,
	DIFFERENCE_HEADER,
	DIFFERENCE_PAYLOAD,
	DIFFERENCE_OTHER,
	DIFFERENCE_COUNT
};

struct difference {
	enum difference_cause cause;
	size_t server_at, client_at; /* of the first differing byte */
	size_t line, column;	     /* of it in the server's, from 1 */
};

/* v3: the strings are canonical requests, else strings of V1, in which all is encoded twice. */
void difference_find(const char *server, const char *client, bool v3, struct difference *out);
const char *difference_name(enum difference_cause cause); /* "space-as-plus" */
/* What the client did, and what to do instead. */
const char *difference_text(enum difference_cause cause);

#endif
