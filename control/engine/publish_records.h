/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of records that snapshots hold. Private to engine/publish*.c.
 */
#ifndef CONTROL_ENGINE_PUBLISH_RECORDS_H
#define CONTROL_ENGINE_PUBLISH_RECORDS_H

#include "base/site.h"
#include "control/store/vault.h"
#include "control/store/website.h"

struct draft {
	struct db *db;
	struct arena *mem;
	struct arena *scratch; /* of one site or certificate */
	const struct vault *vault;
	uint8_t *bytes; /* header first */
	size_t used, size;
	uint32_t records;
	bool rules;	     /* RECORD_RULES is in it */
	struct record *last; /* the newest, NULL at first: a kind of several rows adds to it */
};

/* A zeroed record; NULL when what was counted is used up: draft_full() then. */
void *draft_take(struct draft *draft, uint16_t type, int64_t id, size_t length);
enum err draft_full(void) MUST_USE;
/* Makes sure that a record of so many bytes fits. Records that were taken before may move: draft->last is
 * NULL then. */
enum err draft_room(struct draft *draft, size_t length) MUST_USE;

struct record_kind {
	enum record_type type;
	const char *table;  /* a row is an object */
	const char *column; /* its number, without alias */
	const char *parts;  /* table of what is variable in it; NULL: nothing is */
	const char *select; /* without WHERE and ORDER BY; the number is its first column */
	const char *order;  /* its first term is the number, as select calls it */
	size_t bytes;	    /* of one without parts */
	size_t bytes_max; /* of one with all it can have; 0: they vary too much, add makes room (draft_room) */
	size_t part_bytes; /* of a row of parts, at most */
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

/* publish_log.c */
extern const char log_store_select[], log_query_select[];
enum err add_log_store(struct draft *draft, const struct cursor *cursor) MUST_USE;
enum err add_log_query(struct draft *draft, const struct cursor *cursor) MUST_USE;

/* publish_site.c */
extern const char site_select[], certificate_select[];
enum err add_site(struct draft *draft, const struct cursor *cursor) MUST_USE;
enum err add_certificate(struct draft *draft, const struct cursor *cursor) MUST_USE;

#endif
