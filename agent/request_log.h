/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What workers say about requests, read by a thread of its own: into access logs, into the figures of what is frequent, and,
 * where a source was banned, into what the control is told.
 */
#ifndef AGENT_REQUEST_LOG_H
#define AGENT_REQUEST_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/request_files.h"
#include "agent/request_top.h"
#include "base/error.h"
#include "shared/snapshot_abi.h"

#define REQUEST_BAN_MAX                                                                            \
	1024 /* that wait for a report; more are lost to the control, not to the node */

struct request_log;

struct request_log_settings {
	const char *requests; /* folder of the file "log" */
	const char *folder;   /* of access logs; NULL: none are written */
	struct request_files_limits limits;
};
enum err request_log_open(
	const struct request_log_settings *settings, struct request_log **out) MUST_USE;
void request_log_close(struct request_log *log); /* accepts NULL */

/* Sites whose requests are written, by number and domain; those told before are forgotten. The array was calloc'ed and is
 * the log's from then on. */
struct logged_site {
	uint32_t number;
	char domain[SITE_DOMAIN_MAX + 1];
};
void request_log_sites(struct request_log *log, struct logged_site *sites, size_t count);

/* Bans that were not told yet, the oldest first; they stay until request_log_told forgets so many. */
size_t request_log_bans(struct request_log *log, struct record_request_ban out[REQUEST_BAN_MAX]);
void request_log_told(struct request_log *log, size_t count);

/* As request_top_get. */
uint32_t request_log_top(
	struct request_log *log, uint32_t site, enum top_kind kind, struct top_entry out[TOP_KEYS]);

struct request_log_counts {
	uint64_t records, lost, broken, bans_lost;
	struct request_files_counts files;
};
void request_log_counts(struct request_log *log, struct request_log_counts *out);

#endif
