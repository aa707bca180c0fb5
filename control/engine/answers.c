/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each query has an arena and a list of lines in the order in which they came; they are put into the order of time by
 * whoever asks. All under one mutex: lines come some hundred a second at most.
 */
#include "control/engine/answers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "shared/limits.h"

#define LINES_MAX 4096 /* of one query, of all nodes: each sends LOG_LINES_MAX at most */

struct kept {
	uint32_t query; /* 0: free */
	int64_t last_ms;
	struct arena *mem;
	struct answer_line *line;
	size_t count;
	bool partial;
	uint32_t next[NODE_MAX]; /* line of each node */
	bool done[NODE_MAX];
};

struct answers {
	pthread_mutex_t lock;
	struct kept kept[ANSWER_MAX];
};

struct answers *answers_new(void)
{
	struct answers *answers = calloc(1, sizeof(*answers));

	if (answers)
		(void)pthread_mutex_init(&answers->lock, NULL);
	return answers;
}

static void forget(struct kept *kept)
{
	arena_free(kept->mem);
	*kept = (struct kept){ 0 };
}

void answers_free(struct answers *answers)
{
	if (!answers)
		return;
	for (size_t i = 0; i < ANSWER_MAX; i++)
		forget(&answers->kept[i]);
	(void)pthread_mutex_destroy(&answers->lock);
	free(answers);
}

static void lock(struct answers *answers)
{
	(void)pthread_mutex_lock(&answers->lock);
}

static void unlock(struct answers *answers)
{
	(void)pthread_mutex_unlock(&answers->lock);
}

/* ---- with the lock held */

static struct kept *find(struct answers *answers, uint32_t query)
{
	for (size_t i = 0; i < ANSWER_MAX; i++)
		if (answers->kept[i].query == query)
			return &answers->kept[i];
	return NULL;
}

/* NULL: no memory. */
static struct kept *get(struct answers *answers, uint32_t query, int64_t clock_ms)
{
	struct kept *kept = find(answers, query);

	if (!kept) {
		kept = &answers->kept[0];
		for (size_t i = 1; i < ANSWER_MAX; i++)
			if (answers->kept[i].last_ms < kept->last_ms)
				kept = &answers->kept[i];
		forget(kept);
		kept->mem = arena_new(ANSWER_BYTES_MAX);
		kept->line =
			kept->mem ? arena_array(kept->mem, LINES_MAX, sizeof(*kept->line)) : NULL;
		if (!kept->line) {
			forget(kept);
			return NULL;
		}
		kept->query = query;
	}
	kept->last_ms = clock_ms;
	return kept;
}

static void add_line(struct kept *kept, const struct record_log_line *line)
{
	char *text = NULL;

	if (kept->count < LINES_MAX)
		text = arena_copy_n(kept->mem, line->text, line->length);
	if (text)
		kept->line[kept->count++] = (struct answer_line){ line->time_ms, text };
	else
		kept->partial = true;
}

/* ---- from nodes */

void answers_line(
	struct answers *answers, size_t node, const struct record_log_line *line, int64_t clock_ms)
{
	struct kept *kept;

	lock(answers);
	kept = get(answers, line->record.id, clock_ms);
	if (!kept)
		log_warn("no memory for the answer to query %u", line->record.id);
	else if (line->sequence >= kept->next[node]) {
		kept->next[node] = line->sequence + 1;
		add_line(kept, line);
	}
	unlock(answers);
}

void answers_done(
	struct answers *answers, size_t node, const struct record_log_done *done, int64_t clock_ms)
{
	struct kept *kept;

	lock(answers);
	kept = get(answers, done->record.id, clock_ms);
	if (kept) {
		kept->done[node] = true;
		kept->partial |= done->partial != 0;
	}
	unlock(answers);
}

/* ---- for who asked */

static int newest_first(const void *a, const void *b)
{
	const struct answer_line *left = a, *right = b;

	return left->time_ms > right->time_ms ? -1 : left->time_ms < right->time_ms;
}

static enum err copy(struct kept *kept, struct arena *mem, size_t max, struct answer *out)
{
	if (kept->count > 0)
		qsort(kept->line, kept->count, sizeof(kept->line[0]), newest_first);
	out->count = kept->count < max ? kept->count : max;
	out->partial = kept->partial;
	for (size_t i = 0; i < NODE_MAX; i++)
		out->nodes += kept->done[i];
	out->line = arena_array(mem, out->count, sizeof(*out->line));
	if (!out->line)
		return ERR_MEMORY;
	for (size_t i = 0; i < out->count; i++) {
		out->line[i] = (struct answer_line){ kept->line[i].time_ms,
			arena_copy(mem, kept->line[i].text) };
		if (!out->line[i].text)
			return ERR_MEMORY;
	}
	return OK;
}

enum err answers_get(
	struct answers *answers, struct arena *mem, uint32_t query, size_t max, struct answer *out)
{
	struct kept *kept;
	enum err err = OK;

	*out = (struct answer){ 0 };
	lock(answers);
	kept = find(answers, query);
	if (kept)
		err = copy(kept, mem, max, out);
	unlock(answers);
	return err;
}

void answers_prune(struct answers *answers, int64_t clock_ms)
{
	lock(answers);
	for (size_t i = 0; i < ANSWER_MAX; i++)
		if (answers->kept[i].query != 0 &&
			clock_ms - answers->kept[i].last_ms > ANSWER_KEEP_MS)
			forget(&answers->kept[i]);
	unlock(answers);
}
