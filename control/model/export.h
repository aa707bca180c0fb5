/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports: what a customer has set, as a file that is fetched by a signed link for some time. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_EXPORT_H
#define CONTROL_MODEL_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT_TASKS_MAX   100		     /* of an account */
#define EXPORT_BYTES_MAX   ((size_t)8 << 20) /* of a file: some thousand rules are a tenth of it */
#define EXPORT_ACCOUNT_MAX (16 * EXPORT_BYTES_MAX)   /* of an account's files together */
#define EXPORT_LINK_MS	   (INT64_C(60) * 60 * 1000) /* that a link is good for */
#define EXPORT_KEY_SIZE	   32
#define EXPORT_PATH	   "/export/" /* of links, before the task's number */

/* As published. */
enum export_type {
	EXPORT_PORT_RULES = 1,
	EXPORT_WEBSITES,
	EXPORT_PORT_SETTINGS,
	EXPORT_MITIGATION,
	EXPORT_BLOCK_LIST,
	EXPORT_ALLOW_LIST,
	EXPORT_TYPE_LAST = EXPORT_ALLOW_LIST
};
enum export_state {
	EXPORT_WAITING,
	EXPORT_RUNNING,
	EXPORT_DONE,
	EXPORT_FAILED,
	EXPORT_GONE /* not published: deleted, its file has still to go */
};

struct export_task {
	int64_t number, account, type, state;
	const char *instance_id; /* never NULL, as the other texts; "" for EXPORT_WEBSITES */
	const char *domain;	 /* of EXPORT_WEBSITES: only this site; "": all of the account */
	const char *reason;	 /* why it failed */
	int64_t bytes;
	int64_t begin_ms, end_ms; /* machine time; end 0: not yet */
};

/* "/export/7?Expires=1795431600&Signature=..", good before that second. */
#define EXPORT_LINK_SIZE 128
void export_link(const uint8_t key[EXPORT_KEY_SIZE], int64_t number, int64_t expires_s,
	char out[EXPORT_LINK_SIZE]);
/* Whether path and query are such a link at this moment; number is then the task's. */
bool export_link_open(const uint8_t key[EXPORT_KEY_SIZE], const char *path, const char *query,
	int64_t clock_ms, int64_t *number);

#endif
