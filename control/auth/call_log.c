/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two rings under one lock. Records are of one size; the texts stand one after another in a ring of bytes, whole ones
 * only, and are addressed by how many bytes were ever written: a text is there as long as less than the ring's
 * size was written since it began. A text that would reach over the ring's end begins at its start.
 *
 * All accounts share the rings: one that calls very often pushes out what others would like to look at. That costs them
 * nothing but the look.
 */
#include "control/auth/call_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct call_log {
	pthread_mutex_t lock;
	int64_t newest;	  /* number; its record is at (number - 1) % CALLS_KEPT */
	uint64_t written; /* bytes of texts, with those left out at the ring's end */
	struct call_record record[CALLS_KEPT];
	char text[CALL_TEXTS_BYTES];
};

struct call_log *call_log_new(void)
{
	struct call_log *log = calloc(1, sizeof(*log));

	if (log)
		(void)pthread_mutex_init(&log->lock, NULL);
	return log;
}

void call_log_free(struct call_log *log)
{
	if (!log)
		return;
	(void)pthread_mutex_destroy(&log->lock);
	free(log);
}

static void add_texts(
	struct call_log *log, struct call_record *record, const char *string, const char *canonical)
{
	size_t string_size = strlen(string) + 1, canonical_size = strlen(canonical) + 1;
	size_t size = string_size + canonical_size, at = log->written % CALL_TEXTS_BYTES;

	if (string_size > CALL_TEXT_MAX || canonical_size > CALL_TEXT_MAX)
		return;
	if (at + size > CALL_TEXTS_BYTES) {
		log->written += CALL_TEXTS_BYTES - at;
		at = 0;
	}
	memcpy(log->text + at, string, string_size);
	memcpy(log->text + at + string_size, canonical, canonical_size);
	record->has_texts = true;
	record->texts_at = log->written;
	record->string_size = (uint32_t)string_size;
	record->canonical_size = (uint32_t)canonical_size;
	log->written += size;
}

void call_log_add(struct call_log *log, const struct call_record *record, const char *string,
	const char *canonical)
{
	(void)pthread_mutex_lock(&log->lock);

	struct call_record *place = &log->record[log->newest % CALLS_KEPT];

	*place = *record;
	place->number = ++log->newest;
	place->has_texts = false;
	if (string)
		add_texts(log, place, string, canonical ? canonical : "");
	(void)pthread_mutex_unlock(&log->lock);
}

static bool is_same(const char *wanted, const char *text)
{
	return !wanted || strcmp(wanted, text) == 0;
}

static bool passes(const struct call_filter *filter, const struct call_record *record)
{
	if (filter->account && record->account != filter->account)
		return false;
	if (filter->key_id && strcmp(filter->key_id, record->key_id) != 0 &&
		!(filter->user && strcmp(filter->user, record->user) == 0))
		return false;
	return is_same(filter->call_id, record->call_id) &&
	       is_same(filter->action, record->action) && is_same(filter->code, record->code) &&
	       (!filter->failed || record->code[0] != '\0') && record->time_ms >= filter->from_ms;
}

static size_t copy_rows(struct call_log *log, const struct call_filter *filter,
	struct call_record *rows, int64_t *next)
{
	int64_t number = log->newest, oldest = log->newest - CALLS_KEPT;
	size_t used = 0;

	*next = 0;
	if (filter->before_number > 0 && filter->before_number <= number)
		number = filter->before_number - 1;
	for (; number > 0 && number > oldest; number--) {
		const struct call_record *record = &log->record[(number - 1) % CALLS_KEPT];

		if (!passes(filter, record))
			continue;
		if (used == filter->limit) {
			*next = number + 1;
			break;
		}
		rows[used++] = *record;
	}
	return used;
}

enum err call_log_list(struct call_log *log, struct arena *mem, const struct call_filter *filter,
	struct call_record **out, size_t *count, int64_t *next)
{
	struct call_record *rows = arena_array(mem, filter->limit, sizeof(*rows));

	if (!rows)
		return ERR_MEMORY;
	(void)pthread_mutex_lock(&log->lock);
	*count = copy_rows(log, filter, rows, next);
	(void)pthread_mutex_unlock(&log->lock);
	*out = rows;
	return OK;
}

enum err call_log_texts(struct call_log *log, struct arena *mem, const struct call_record *record,
	const char **string, const char **canonical)
{
	bool kept;

	*string = *canonical = "";
	(void)pthread_mutex_lock(&log->lock);
	kept = record->has_texts && log->written - record->texts_at <= CALL_TEXTS_BYTES;
	if (kept) {
		const char *text = log->text + record->texts_at % CALL_TEXTS_BYTES;

		*string = arena_copy(mem, text);
		*canonical = arena_copy(mem, text + record->string_size);
	}
	(void)pthread_mutex_unlock(&log->lock);
	return *string && *canonical ? OK : ERR_MEMORY;
}
