/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of records that snapshots hold. Private to engine/publish*.c.
 */
#ifndef CONTROL_ENGINE_PUBLISH_RECORDS_H
#define CONTROL_ENGINE_PUBLISH_RECORDS_H

#include "control/store/store.h"

struct draft {
	struct db *db;
	struct arena *mem;
	uint8_t *bytes; /* header first */
	size_t used, size;
	uint32_t records;
	struct record *last; /* the newest, NULL at first: a kind of several rows adds to it */
};

/* A zeroed record; NULL when what was counted is used up: draft_full() then. */
void *draft_take(struct draft *draft, uint16_t type, int64_t id, size_t length);
enum err draft_full(void) MUST_USE;

struct record_kind {
	enum record_type type;
	const char *table;  /* a row is an object */
	const char *column; /* its number, without alias */
	const char *parts;  /* table of what is variable in it; NULL: nothing is */
	const char *select; /* without WHERE and ORDER BY; the number is its first column */
	const char *order;  /* its first term is the number, as select calls it */
	size_t bytes;	    /* of one without parts */
	size_t bytes_max;   /* of one with all it can have */
	size_t part_bytes;  /* of a row of parts, at most */
	enum err (*add)(struct draft *draft, const struct cursor *cursor);
};
extern const struct record_kind record_kinds[];
extern const size_t record_kind_count;

/* publish_policy.c */
#define POLICY_BYTES(patterns)                                                                     \
	(sizeof(struct record_policy) + (size_t)(patterns) * sizeof(struct record_pattern))
extern const char instance_select[], policy_select[];
enum err add_instance(struct draft *draft, const struct cursor *cursor) MUST_USE;
enum err add_policy(struct draft *draft, const struct cursor *cursor) MUST_USE;
enum err add_capture(struct draft *draft, const struct cursor *cursor) MUST_USE;

#endif
