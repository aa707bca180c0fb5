/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access logs on disk: FOLDER/NUMBER-DOMAIN~ACCOUNT/YYYYMMDDHH.jsonl, one file for each site and hour of UTC. Hours that
 * are too old go, and the oldest hours when a site or all together have too many bytes; what then still finds no room
 * is dropped and counted. An account can have its own number of days, and empty what it has. One thread.
 */
#ifndef AGENT_REQUEST_FILES_H
#define AGENT_REQUEST_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct request_files;

struct request_files_limits {
	uint32_t days;			    /* 1..REQUEST_LOG_DAYS_MAX */
	uint64_t site_bytes_max, bytes_max; /* of one site, of all */
};
#define REQUEST_LOG_DAYS_MAX 180 /* (published) */

/* Makes the folder if it is absent; what is in it counts. ERR_SYSTEM, ERR_MEMORY. */
enum err request_files_open(const char *folder, const struct request_files_limits *limits,
	int64_t utc_now_ms, struct request_files **out) MUST_USE;
void request_files_close(struct request_files *files); /* accepts NULL */

/* For how long an account's logs are kept, and what it emptied. Those told before are forgotten; what they say is done at
 * once. The array is sorted by account and stays where it is until the next call. */
struct log_term {
	uint32_t account, days;
	int64_t emptied_ms;
};
void request_files_terms(struct request_files *files, const struct log_term *terms, size_t count,
	int64_t utc_now_ms);

struct request_line {
	uint32_t site, account;
	int64_t time_ms; /* of the request */
	const char *domain;
	const char *text; /* ends with '\n' */
	size_t length;	  /* at most REQUEST_JSON_MAX */
};
/* Into a buffer; request_files_flush writes it. */
void request_files_add(
	struct request_files *files, const struct request_line *line, int64_t utc_now_ms);
void request_files_flush(struct request_files *files);
/* Lets go what is too old or too much. Each few minutes. */
void request_files_sweep(struct request_files *files, int64_t utc_now_ms);

struct request_files_counts {
	uint64_t bytes;		       /* on disk, of all sites, as counted */
	uint64_t lines, dropped_lines; /* since it was opened */
	uint64_t shortened_bytes;      /* deleted before their time, to make room */
};
void request_files_counts(const struct request_files *files, struct request_files_counts *out);

/* Bytes on disk of each account, sorted by account; returns how many. Those beyond max are left out. */
struct log_used {
	uint32_t account;
	uint32_t reserved;
	uint64_t bytes;
};
size_t request_files_used(const struct request_files *files, struct log_used *out, size_t max);
int request_files_folder(const struct request_files *files); /* open; the files' */

#endif
