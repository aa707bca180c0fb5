/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread, since a disk that is slow must not keep the agent from its other work: the rings then run full, and workers
 * count what they lose. It wakes each READ_MS, reads a bounded piece of all rings, and goes on at once while there is
 * more. The lock is never held while a file is written or looked through.
 *
 * A query is looked for in pieces between two looks at the rings; one is at work, the others wait. Its answer goes to the
 * outbox, which is bounded, as each answer is: what finds no room makes the answer a partial one.
 */
#include "agent/request_log.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log_ring.h"
#include "agent/log_search.h"
#include "agent/request_json.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"

/* A ring of 1 MiB holds about 1,500 requests: 30,000 a second and worker find room. */
#define READ_MS	     50
#define READ_RECORDS 4096
#define FLUSH_MS     SECOND_MS
#define FOLLOW_MS    SECOND_MS /* another file may have taken its place */
#define SWEEP_MS     (5 * MINUTE_MS)
#define USED_MS	     (2 * SECOND_MS) /* bytes of accounts are added up so often */

struct request_log {
	struct request_log_settings settings;
	struct ticker ticker;

	/* The thread's own. */
	struct log_rings rings;
	struct request_files *files; /* NULL: none are written */
	struct logged_site *site;    /* by number */
	size_t site_count;
	uint64_t records;
	int64_t utc_now_ms, monotonic_now_ms, flushed_ms, followed_ms, swept_ms, used_ms;
	char line[REQUEST_JSON_MAX];
	struct log_term *term;	   /* what files keep to */
	struct log_search *search; /* of the query at work; NULL: there is none */
	struct record_log_query query;
	uint32_t answer_lines;
	size_t answer_bytes;
	bool answer_cut;
	struct log_used now_used[LOG_ACCOUNT_MAX];

	pthread_mutex_t lock; /* of all below */
	bool sites_wait, terms_wait;
	struct logged_site *next_site; /* the thread takes them over */
	size_t next_count;
	struct log_term *next_term;
	size_t next_terms;
	struct record_log_query waiting[LOG_QUERY_MAX];
	size_t queries;
	uint8_t *outbox; /* LOG_OUTBOX_BYTES */
	size_t outbox_used;
	struct log_used used[LOG_ACCOUNT_MAX]; /* as last added up */
	size_t used_count, used_told;	       /* told: those before are */
	struct request_top *top;
	struct requesters *requesters;
	struct record_request_ban ban[REQUEST_BAN_MAX];
	size_t ban_count;
	struct log_crawler crawler[LOG_CRAWLER_MAX];
	size_t crawlers;
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
	const char *country = "";
	struct request_line line;
	struct log_view view;

	log_view_of(request, &view);
	if (log->settings.country_of)
		country = log->settings.country_of(log->settings.context, &request->client);
	lock(log);
	request_top_add(log->top, &view, country, log->monotonic_now_ms);
	requesters_add(log->requesters, request, log->monotonic_now_ms);
	unlock(log);
	if (!site || !log->files)
		return;
	line = (struct request_line){ .site = site->number,
		.account = site->account,
		.time_ms = request->record.time_ms,
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

static void take_crawler(struct request_log *log, const struct log_crawler *crawler)
{
	lock(log);
	if (log->crawlers < LOG_CRAWLER_MAX)
		log->crawler[log->crawlers++] = *crawler;
	unlock(log);
}

static void take(void *context, const struct log_record *record)
{
	struct request_log *log = context;

	log->records++;
	if (record->kind == LOG_REQUEST)
		take_request(log, (const void *)record);
	else if (record->kind == LOG_BAN)
		take_ban(log, (const void *)record);
	else
		take_crawler(log, (const void *)record);
}

/* --- queries ----------------------------------------------------------------------------------------------- */

/* A record whose length is that of its head and of so many bytes behind it. With the lock. */
static void *outbox_add(struct request_log *log, size_t length)
{
	size_t padded = (length + 7) & ~(size_t)7;
	uint8_t *place = log->outbox + log->outbox_used;

	if (padded > LOG_OUTBOX_BYTES - log->outbox_used)
		return NULL;
	memset(place, 0, padded);
	((struct record *)(void *)place)->length = (uint16_t)padded;
	log->outbox_used += padded;
	return place;
}

static void take_line(void *context, int64_t time_ms, const char *text, size_t length)
{
	struct request_log *log = context;
	struct record_log_line *line = NULL;
	size_t size = offsetof(struct record_log_line, text) + length;

	lock(log);
	if (log->answer_bytes + size <= LOG_ANSWER_BYTES && !log->answer_cut)
		line = outbox_add(log, size);
	if (line) {
		line->record.type = RECORD_LOG_LINE;
		line->record.id = log->query.record.id;
		line->sequence = log->answer_lines++;
		line->length = (uint32_t)length;
		line->time_ms = time_ms;
		memcpy(line->text, text, length);
		log->answer_bytes += size;
	}
	log->answer_cut |= line == NULL;
	unlock(log);
}

/* false: there is no room to say so yet. With the lock. */
static bool tell_done(struct request_log *log, uint32_t query, uint32_t lines, bool partial)
{
	struct record_log_done *done = outbox_add(log, sizeof(*done));

	if (!done)
		return false;
	done->record.type = RECORD_LOG_DONE;
	done->record.id = query;
	done->lines = lines;
	done->partial = partial;
	return true;
}

/* The next query, if there is one and room for its answer. */
static void begin_search(struct request_log *log)
{
	lock(log);
	if (log->queries == 0 ||
		LOG_OUTBOX_BYTES - log->outbox_used < LOG_ANSWER_BYTES + sizeof(log->query)) {
		unlock(log);
		return;
	}
	log->query = log->waiting[0];
	log->queries--;
	memmove(log->waiting, log->waiting + 1, log->queries * sizeof(log->waiting[0]));
	unlock(log);
	log->answer_lines = 0;
	log->answer_bytes = 0;
	log->answer_cut = false;
	if (log->query.expires_ms <= log->utc_now_ms)
		return;
	if (log->files) {
		request_files_flush(log->files);
		log->search = log_search_new(request_files_folder(log->files), &log->query);
	}
	if (log->search)
		return;
	/* Nothing is kept here; without memory, what is kept is not known. */
	lock(log);
	(void)tell_done(log, log->query.record.id, 0, log->files != NULL);
	unlock(log);
}

/* true: there is more to do. */
static bool search_piece(struct request_log *log)
{
	bool over;

	if (!log->search)
		begin_search(log);
	if (!log->search)
		return false;
	over = log_search_step(log->search, take_line, log) || log->answer_cut;
	if (!over)
		return true;
	lock(log);
	over = tell_done(log, log->query.record.id, log->answer_lines,
		log->answer_cut || log_search_partial(log->search));
	unlock(log);
	if (over) {
		log_search_free(log->search);
		log->search = NULL;
	}
	return over;
}

/* --- the thread -------------------------------------------------------------------------------------------- */

/* What accounts have on disk, for the next report. */
static void add_up(struct request_log *log)
{
	size_t count = request_files_used(log->files, log->now_used, LOG_ACCOUNT_MAX);

	lock(log);
	if (count != log->used_count ||
		memcmp(log->used, log->now_used, count * sizeof(log->used[0])) != 0) {
		memcpy(log->used, log->now_used, count * sizeof(log->used[0]));
		log->used_count = count;
		log->used_told = 0;
	}
	unlock(log);
}

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
	if (now_ms - log->used_ms >= USED_MS) {
		add_up(log);
		log->used_ms = now_ms;
	}
}

static void follow_terms(struct request_log *log)
{
	struct log_term *term;
	size_t count;

	lock(log);
	term = log->next_term;
	count = log->next_terms;
	if (!log->terms_wait)
		term = log->term;
	log->next_term = NULL;
	unlock(log);
	if (term == log->term)
		return;
	if (log->files)
		request_files_terms(log->files, term, count, log->utc_now_ms);
	free(log->term);
	log->term = term;
	lock(log);
	log->terms_wait = log->next_term != NULL;
	unlock(log);
	log->used_ms = 0;
}

/* Without the lock: files are looked at and written. */
static size_t read_piece(struct request_log *log)
{
	log->utc_now_ms = clock_utc_ms();
	log->monotonic_now_ms = clock_monotonic_ms();
	follow_terms(log);
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

static int64_t turn(void *context)
{
	struct request_log *log = context;
	size_t count;
	bool more;

	lock(log);
	exchange(log);
	unlock(log);
	count = read_piece(log);
	more = search_piece(log) || count >= READ_RECORDS / 2;
	lock(log);
	exchange(log);
	unlock(log);
	return more ? 0 : READ_MS;
}

enum err request_log_open(const struct request_log_settings *settings, struct request_log **out)
{
	struct request_log *log = calloc(1, sizeof(*log));
	enum err err = OK;

	if (!log)
		return ERR_MEMORY;
	log->settings = *settings;
	(void)pthread_mutex_init(&log->lock, NULL);
	log->swept_ms = clock_monotonic_ms();
	log->top = request_top_new();
	log->requesters = requesters_new();
	log->outbox = calloc(1, LOG_OUTBOX_BYTES);
	if (!log->top || !log->requesters || !log->outbox)
		err = ERR_MEMORY;
	if (err == OK && settings->folder)
		err = request_files_open(
			settings->folder, &settings->limits, clock_utc_ms(), &log->files);
	if (err == OK)
		err = ticker_start(&log->ticker, "access logs", turn, log);
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
	ticker_stop(&log->ticker);
	(void)pthread_mutex_destroy(&log->lock);
	log_rings_close(&log->rings);
	log_search_free(log->search);
	request_files_close(log->files);
	request_top_free(log->top);
	requesters_free(log->requesters);
	free(log->outbox);
	free(log->term);
	free(log->next_term);
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

void request_log_terms(struct request_log *log, struct log_term *terms, size_t count)
{
	lock(log);
	free(log->next_term);
	log->next_term = terms;
	log->next_terms = count;
	log->terms_wait = true;
	unlock(log);
	ticker_wake(&log->ticker);
}

void request_log_query(struct request_log *log, const struct record_log_query *query)
{
	lock(log);
	if (log->queries < LOG_QUERY_MAX)
		log->waiting[log->queries++] = *query;
	else
		(void)tell_done(log, query->record.id, 0, true);
	unlock(log);
	ticker_wake(&log->ticker);
}

bool request_log_has_answers(struct request_log *log)
{
	bool any;

	lock(log);
	any = log->outbox_used > 0;
	unlock(log);
	return any;
}

size_t request_log_answers(struct request_log *log, uint8_t out[LOG_OUTBOX_BYTES])
{
	size_t bytes;

	lock(log);
	bytes = log->outbox_used;
	memcpy(out, log->outbox, bytes);
	unlock(log);
	return bytes;
}

void request_log_answered(struct request_log *log, size_t bytes)
{
	lock(log);
	log->outbox_used -= bytes;
	memmove(log->outbox, log->outbox + bytes, log->outbox_used);
	unlock(log);
}

uint32_t request_log_take_top(struct request_log *log, struct record_site_top out[TOP_COUNT])
{
	int64_t utc_now_ms = clock_utc_ms();
	uint32_t count;

	lock(log);
	count = request_top_take(log->top, clock_monotonic_ms(), out);
	unlock(log);
	for (uint32_t i = 0; i < count; i++)
		out[i].until_ms = utc_now_ms;
	return count;
}

uint32_t request_log_take_refused(struct request_log *log, struct record_sighted out[SIGHTED_KINDS])
{
	uint32_t count;

	lock(log);
	count = requesters_take_refused(log->requesters, clock_monotonic_ms(), out);
	unlock(log);
	return count;
}

bool request_log_take_visitors(struct request_log *log, struct record_visitors *out)
{
	bool any;

	lock(log);
	any = requesters_take_visitors(log->requesters, clock_monotonic_ms(), out);
	unlock(log);
	return any;
}

bool request_log_has_window(struct request_log *log)
{
	int64_t now_ms = clock_monotonic_ms();
	bool any;

	lock(log);
	any = request_top_has_next(log->top, now_ms) ||
	      requesters_has_next(log->requesters, now_ms);
	unlock(log);
	return any;
}

bool request_log_next_used(struct request_log *log, struct log_used *out)
{
	bool any;

	lock(log);
	any = log->used_told < log->used_count;
	if (any)
		*out = log->used[log->used_told++];
	unlock(log);
	return any;
}

void request_log_tell_used(struct request_log *log)
{
	lock(log);
	log->used_told = 0;
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

size_t request_log_take_crawlers(struct request_log *log, struct log_crawler out[LOG_CRAWLER_MAX])
{
	size_t count;

	lock(log);
	count = log->crawlers;
	memcpy(out, log->crawler, count * sizeof(log->crawler[0]));
	log->crawlers = 0;
	unlock(log);
	return count;
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
