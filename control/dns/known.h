/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which names the zone holds, as far as we know: label -> digest of its records. Memory is taken once;
 * entries are found and dropped in constant time.
 */
#ifndef CONTROL_DNS_KNOWN_H
#define CONTROL_DNS_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/instance.h"

struct known_name {
	char label[INSTANCE_ID_SIZE]; /* "": free */
	uint64_t digest;
	bool wanted; /* the store has an instance of this name */
};

struct known;
struct known *known_new(size_t names_max); /* NULL: no memory */
void known_free(struct known *known);	   /* NULL is fine */
void known_clear(struct known *known);
size_t known_count(const struct known *known);

/* Pointers are valid until the next known_add, known_drop or known_clear. */
struct known_name *known_find(struct known *known, const char *label);
/* Found or new (digest 0, not wanted); NULL: names_max is reached. */
struct known_name *known_add(struct known *known, const char *label);
/* Whether the zone may hold the name: a full table does not tell. */
bool known_may_have(struct known *known, const char *label);
void known_drop(struct known *known, const char *label); /* not there: nothing happens */
/* Walks all: *at begins at 0; NULL at the end. */
struct known_name *known_next(struct known *known, size_t *at);

#endif
