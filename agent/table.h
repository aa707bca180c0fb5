/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only writer of the request path's table (shared/request_abi.h): a file that nginx's workers map and read
 * without locks while it changes. All calls come from one thread.
 *
 * Pointers into the table (request_table_find, request_table_next) are valid until the next put, delete or
 * publish.
 */
#ifndef AGENT_TABLE_H
#define AGENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "shared/request_abi.h"

struct request_table;

struct table_key {
	uint16_t kind; /* enum table_kind */
	uint16_t length;
	const void *bytes; /* may be NULL when length is 0 */
};

/* Of one file. All sites and certificates that a node may have, each as large as can be, twice: never reached by what
 * a node is given, and a bound for what a broken file can claim. */
#define TABLE_BYTES_MAX (UINT64_C(8) << 30)
#define TABLE_SLOTS_MAX (1u << 20)
/* So long after a change of files the old one's private keys stay, for who is just reading them. */
#define TABLE_GRACE_MS 2000

/*
 * Takes over the folder's table, or begins a new one that nobody sees before request_table_publish. The folder is
 * made if it is absent; files are readable by group (-1: the process's own) and by nobody else in it. ERR_CONFLICT:
 * another process writes there. ERR_SYSTEM, ERR_MEMORY.
 */
enum err request_table_open(const char *folder, gid_t group, struct request_table **out) MUST_USE;
/* The file stays, with all in it. Accepts NULL. */
void request_table_close(struct request_table *table);

/* A table that was begun anew is named "table", and one that it replaces is superseded. Once it is published a call
 * does nothing. ERR_SYSTEM: not published; call again. */
enum err request_table_publish(struct request_table *table) MUST_USE;
bool request_table_is_published(const struct request_table *table);

/* Adds or replaces. What is there already, byte by byte, is left as it is. ERR_LIMIT: over TABLE_KEY_MAX,
 * TABLE_BYTES_MAX or a record's length; ERR_SYSTEM: no room. Nothing changed then. */
enum err request_table_put(struct request_table *table, const struct table_key *key,
	const void *body, size_t length) MUST_USE;
/* false: it was not there. */
bool request_table_delete(struct request_table *table, const struct table_key *key);
void request_table_set_generation(struct request_table *table, uint64_t generation);
uint64_t request_table_generation(const struct request_table *table);

/* NULL: not there. */
const void *request_table_find(
	const struct request_table *table, const struct table_key *key, size_t *length);
/* The next record behind *cursor, in no order; NULL at the end. Start with 0. Records may be deleted on the way;
 * after a put, start again. */
const struct table_record *request_table_next(const struct request_table *table, uint64_t *cursor);
static inline const void *request_table_body(const struct table_record *record)
{
	return (const uint8_t *)record + record->body;
}

/* Once a second or so: lets an old file go whose time is over. */
void request_table_tick(struct request_table *table, int64_t monotonic_now_ms);

/* Whether bytes are a table whose every part lies within them; else why (not NULL). Pure; fuzzed. */
bool request_table_check(const void *data, size_t size, const char **why);

#endif
