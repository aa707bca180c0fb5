/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread, since a disk that is slow must not keep the agent from its other work: the rings then run full, and workers
 * count what they lose. It wakes each READ_MS, reads a bounded piece of all rings, and goes on at once while there is
 * more. The lock is never held while a file is written.
 */
#include "agent/request_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log_ring.h"
#include "agent/request_json.h"
#include "base/clock.h"
#include "base/log.h"

/* A ring of 1 MiB holds about 1,500 requests: 30,000 a second and worker find room. */
#define READ_MS	     50
#define READ_RECORDS 4096
#define FLUSH_MS     SECOND_MS
#define FOLLOW_MS    SECOND_MS /* another file may have taken its place */
#define SWEEP_MS     (5 * MINUTE_MS)

struct request_log {
	struct request_log_settings settings;
	pthread_t thread;
	bool started;

	/* The thread's own. */
	struct log_rings rings;
	struct request_files *files; /* NULL: none are written */
	struct logged_site *site;    /* by number */
	size_t site_count;
	uint64_t records;
	int64_t utc_now_ms, monotonic_now_ms, flushed_ms, followed_ms, swept_ms;
	char line[REQUEST_JSON_MAX];

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	bool stop, sites_wait;
	struct logged_site *next_site; /* the thread takes them over */
	size_t next_count;
	struct request_top *top;
	struct record_request_ban ban[REQUEST_BAN_MAX];
	size_t ban_count;
	struct request_log_counts counts;
};

static void lock(struct request_log *log)
{
	(void)pthread_mutex_lock(&log->lock);
}

static void unlock(struct request_log *log)
{
	(void)pthread_mutex_unlock(&log->lock);
}

static int compare_numbers(const void *a, const void *b)
{
	const struct logged_site *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

static const struct logged_site *find_site(const struct request_log *log, uint32_t number)
{
	const struct logged_site key = { .number = number };

	if (log->site_count == 0)
		return NULL;
	return bsearch(&key, log->site, log->site_count, sizeof(key), compare_numbers);
}

static void take_request(struct request_log *log, const struct log_request *request)
{
	const struct logged_site *site = find_site(log, request->record.site);
	struct request_line line;
	struct log_view view;

	log_view_of(request, &view);
	lock(log);
	request_top_add(log->top, &view, log->monotonic_now_ms);
	unlock(log);
	if (!site || !log->files)
		return;
	line = (struct request_line){ .site = site->number,
		.domain = site->domain,
		.text = log->line,
		.length = request_line(&view, site->domain, log->line) };
	request_files_add(log->files, &line, log->utc_now_ms);
}

static void take_ban(struct request_log *log, const struct log_ban *ban)
{
	const struct record_request_ban record = {
		.record = { RECORD_REQUEST_BAN, sizeof(record), ban->instance },
		.source = ban->source,
		.site = ban->record.site,
		.check = ban->check,
		.rule = ban->rule,
		.until_ms = log->utc_now_ms + (int64_t)ban->seconds * SECOND_MS,
	};

	if (ban->instance == 0)
		return;
	lock(log);
	if (log->ban_count < REQUEST_BAN_MAX)
		log->ban[log->ban_count++] = record;
	else
		log->counts.bans_lost++;
	unlock(log);
}

static void take(void *context, const struct log_record *record)
{
	struct request_log *log = context;

	log->records++;
	if (record->kind == LOG_REQUEST)
		take_request(log, (const void *)record);
	else
		take_ban(log, (const void *)record);
}

/* --- the thread -------------------------------------------------------------------------------------------- */

static void chores(struct request_log *log)
{
	int64_t now_ms = log->monotonic_now_ms;

	if (!log->rings.header || now_ms - log->followed_ms >= FOLLOW_MS) {
		(void)log_rings_open(&log->rings, log->settings.requests);
		log->followed_ms = now_ms;
	}
	if (!log->files)
		return;
	if (now_ms - log->flushed_ms >= FLUSH_MS) {
		request_files_flush(log->files);
		log->flushed_ms = now_ms;
	}
	if (now_ms - log->swept_ms >= SWEEP_MS) {
		request_files_sweep(log->files, log->utc_now_ms);
		log->swept_ms = now_ms;
	}
}

/* Without the lock: files are looked at and written. */
static size_t read_piece(struct request_log *log)
{
	log->utc_now_ms = clock_utc_ms();
	log->monotonic_now_ms = clock_monotonic_ms();
	chores(log);
	return log_rings_read(&log->rings, READ_RECORDS, take, log);
}

/* With the lock. */
static void exchange(struct request_log *log)
{
	log->counts.records = log->records;
	log->counts.lost = log_rings_lost(&log->rings);
	log->counts.broken = log->rings.broken;
	if (log->files)
		request_files_counts(log->files, &log->counts.files);
	if (!log->sites_wait)
		return;
	free(log->site);
	log->site = log->next_site;
	log->site_count = log->next_count;
	log->next_site = NULL;
	log->sites_wait = false;
}

static void *run(void *context)
{
	struct request_log *log = context;

	lock(log);
	while (!log->stop) {
		struct timespec until;
		size_t count;

		exchange(log);
		unlock(log);
		count = read_piece(log);
		until = clock_deadline(count < READ_RECORDS / 2 ? READ_MS : 0);
		lock(log);
		exchange(log);
		if (!log->stop)
			(void)pthread_cond_timedwait(&log->wake, &log->lock, &until);
	}
	unlock(log);
	return NULL;
}

static enum err start(struct request_log *log)
{
	pthread_condattr_t attributes;

	(void)pthread_mutex_init(&log->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&log->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&log->thread, NULL, run, log) != 0)
		return fail(ERR_SYSTEM, "start the thread of access logs: %s", strerror(errno));
	log->started = true;
	return OK;
}

enum err request_log_open(const struct request_log_settings *settings, struct request_log **out)
{
	struct request_log *log = calloc(1, sizeof(*log));
	enum err err = OK;

	if (!log)
		return ERR_MEMORY;
	log->settings = *settings;
	log->swept_ms = clock_monotonic_ms();
	log->top = request_top_new();
	if (!log->top)
		err = ERR_MEMORY;
	if (err == OK && settings->folder)
		err = request_files_open(
			settings->folder, &settings->limits, clock_utc_ms(), &log->files);
	if (err == OK)
		err = start(log);
	if (err != OK) {
		request_log_close(log);
		return err;
	}
	*out = log;
	return OK;
}

void request_log_close(struct request_log *log)
{
	if (!log)
		return;
	if (log->started) {
		lock(log);
		log->stop = true;
		(void)pthread_cond_signal(&log->wake);
		unlock(log);
		(void)pthread_join(log->thread, NULL);
		(void)pthread_cond_destroy(&log->wake);
		(void)pthread_mutex_destroy(&log->lock);
	}
	log_rings_close(&log->rings);
	request_files_close(log->files);
	request_top_free(log->top);
	free(log->site);
	free(log->next_site);
	free(log);
}

/* --- from the agent's thread ------------------------------------------------------------------------------- */

void request_log_sites(struct request_log *log, struct logged_site *sites, size_t count)
{
	if (count > 0)
		qsort(sites, count, sizeof(*sites), compare_numbers);
	lock(log);
	free(log->next_site);
	log->next_site = sites;
	log->next_count = count;
	log->sites_wait = true;
	unlock(log);
}

size_t request_log_bans(struct request_log *log, struct record_request_ban out[REQUEST_BAN_MAX])
{
	size_t count;

	lock(log);
	count = log->ban_count;
	memcpy(out, log->ban, count * sizeof(log->ban[0]));
	unlock(log);
	return count;
}

void request_log_told(struct request_log *log, size_t count)
{
	lock(log);
	log->ban_count -= count;
	memmove(log->ban, log->ban + count, log->ban_count * sizeof(log->ban[0]));
	unlock(log);
}

uint32_t request_log_top(
	struct request_log *log, uint32_t site, enum top_kind kind, struct top_entry out[TOP_KEYS])
{
	uint32_t count;

	lock(log);
	count = request_top_get(log->top, site, kind, out);
	unlock(log);
	return count;
}

void request_log_counts(struct request_log *log, struct request_log_counts *out)
{
	lock(log);
	*out = log->counts;
	unlock(log);
}
