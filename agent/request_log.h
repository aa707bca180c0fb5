/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What workers say about requests, read by a thread of its own: into access logs, into the figures of what is frequent, and,
 * where a source was banned, into what the control is told. The same thread looks for requests in the logs.
 */
#ifndef AGENT_REQUEST_LOG_H
#define AGENT_REQUEST_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/request_files.h"
#include "agent/request_top.h"
#include "agent/requesters.h"
#include "base/error.h"
#include "shared/snapshot_abi.h"

#define LOG_QUERY_MAX	 8	    /* that wait; others are answered as partial at once */
#define LOG_ANSWER_BYTES (1u << 20) /* of one query: what is more is not told */
#define LOG_OUTBOX_BYTES (4u << 20) /* answers that wait for a report */
#define REQUEST_BAN_MAX                                                                            \
	1024 /* that wait for a report; more are lost to the control, not to the node */

struct request_log;

struct request_log_settings {
	const char *requests; /* folder of the file "log" */
	const char *folder;   /* of access logs; NULL: none are written */
	struct request_files_limits limits;
	/* Two letters, or "": called by the log's thread. NULL: nobody's country is known. */
	const char *(*country_of)(void *context, const struct address *address);
	void *context;
};
enum err request_log_open(
	const struct request_log_settings *settings, struct request_log **out) MUST_USE;
void request_log_close(struct request_log *log); /* accepts NULL */

/* Sites whose requests are written, by number, account and domain; those told before are forgotten. The array was calloc'ed and is
 * the log's from then on. */
struct logged_site {
	uint32_t number, account;
	char domain[SITE_DOMAIN_MAX + 1];
};
void request_log_sites(struct request_log *log, struct logged_site *sites, size_t count);

/* As request_files_terms; the array was calloc'ed and is the log's from then on. */
void request_log_terms(struct request_log *log, struct log_term *terms, size_t count);

/* Looks for requests, behind the queries of before. What was found lies in the outbox as records of a report
 * (record_log_line, record_log_done), the oldest first, and stays there until request_log_answered forgets so many bytes. */
void request_log_query(struct request_log *log, const struct record_log_query *query);
bool request_log_has_answers(struct request_log *log);
size_t request_log_answers(struct request_log *log, uint8_t out[LOG_OUTBOX_BYTES]);
void request_log_answered(struct request_log *log, size_t bytes);

/* Bans that were not told yet, the oldest first; they stay until request_log_told forgets so many. */
size_t request_log_bans(struct request_log *log, struct record_request_ban out[REQUEST_BAN_MAX]);
void request_log_told(struct request_log *log, size_t count);

/* Sources that may be crawlers and were not taken yet; forgotten then. More than that many are lost: workers ask again. */
#define LOG_CRAWLER_MAX 256
size_t request_log_take_crawlers(struct request_log *log, struct log_crawler out[LOG_CRAWLER_MAX]);

/* As request_top_get. */
uint32_t request_log_top(
	struct request_log *log, uint32_t site, enum top_kind kind, struct top_entry out[TOP_KEYS]);

/* As request_top_take, with until_ms. */
uint32_t request_log_take_top(struct request_log *log, struct record_site_top out[TOP_COUNT]);
/* As requesters_take_refused and requesters_take_visitors. */
uint32_t request_log_take_refused(
	struct request_log *log, struct record_sighted out[SIGHTED_KINDS]);
bool request_log_take_visitors(struct request_log *log, struct record_visitors *out);
/* Whether one of these three has something. */
bool request_log_has_window(struct request_log *log);

/* The next account whose bytes on disk changed since they were told; false: no more. */
bool request_log_next_used(struct request_log *log, struct log_used *out);
void request_log_tell_used(struct request_log *log); /* all of them once more */

struct request_log_counts {
	uint64_t records, lost, broken, bans_lost;
	struct request_files_counts files;
};
void request_log_counts(struct request_log *log, struct request_log_counts *out);

#endif
