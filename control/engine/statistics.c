/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A point goes on until something comes that belongs to a later one; then it is packed into its trail (words.c).
 *
 * A report says what happened since the one before. In series it is booked on the second in the middle of that time, so that
 * reports that come a little early or late do not put the requests of two seconds into one.
 *
 * A rate of now must not depend on how often a busy node finds time to report: for that, requests are spread evenly over the
 * time that their report tells of, in a ring of seconds of each site, and only seconds are looked at that all nodes told of.
 */
#include "control/engine/statistics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/engine/words.h"

#define SITE_SLOTS (2 * NODE_SITE_MAX)
#define TOP_SLOTS  (SITE_SLOTS * 16) /* a power of two, for TOP_COUNT kinds */
#define WORDS	   ((sizeof(struct site_point) - sizeof(int64_t)) / sizeof(uint64_t))
#define PACKED_MAX WORDS_PACKED_MAX(WORDS)
/* A top's window as it lies in its trail: head, then entries without the unused bytes of their keys. */
struct packed_top {
	uint64_t total;
	uint32_t window_ms, entries;
};
struct packed_entry {
	uint64_t count, error;
	uint32_t hits;
	uint16_t length, reserved;
};
static_assert(sizeof(struct packed_top) +
			      TOP_REPORT_KEYS * (sizeof(struct packed_entry) + TOP_KEY_MAX) + 40 <=
		      TRAIL_ITEM_MAX,
	"a window is one item");

/* A second of the ring; what is of another one is void. */
struct recent_second {
	uint32_t second; /* of machine time; 0: none */
	uint32_t requests, origin_requests, failures;
	uint32_t span_ms;
};

struct open_site {
	struct entry entry;
	struct site_point second, minute; /* time 0: none */
	struct recent_second recent[RECENT_SECONDS];
};

void statistics_init(struct statistics *statistics)
{
	trail_init(&statistics->seconds, SERIES_SECONDS_BYTES, SITE_SLOTS);
	trail_init(&statistics->minutes, SERIES_MINUTES_BYTES, SITE_SLOTS);
	trail_init(&statistics->tops, SERIES_TOPS_BYTES, TOP_SLOTS);
	table_init(&statistics->open, sizeof(struct open_site), SITE_SLOTS);
}

void statistics_free(struct statistics *statistics)
{
	trail_free(&statistics->seconds);
	trail_free(&statistics->minutes);
	trail_free(&statistics->tops);
	table_free(&statistics->open);
}

/* ---- points */

static uint64_t *words_of(struct site_point *point)
{
	return (uint64_t *)(void *)point + 1;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The time stays. */
static void point_add(struct site_point *sum, const struct site_point *more)
{
	const struct site_point peak = {
		.peak_requests = larger(sum->peak_requests, more->peak_requests),
		.peak_attacks = larger(sum->peak_attacks, more->peak_attacks),
		.peak_passed = larger(sum->peak_passed, more->peak_passed),
		.peak_plain = larger(sum->peak_plain, more->peak_plain),
		.peak_tls = larger(sum->peak_tls, more->peak_tls),
	};
	const uint64_t *from = (const uint64_t *)(const void *)more + 1;
	uint64_t *to = words_of(sum);

	for (size_t i = 0; i < WORDS; i++)
		to[i] += from[i];
	sum->peak_requests = peak.peak_requests;
	sum->peak_attacks = peak.peak_attacks;
	sum->peak_passed = peak.peak_passed;
	sum->peak_plain = peak.peak_plain;
	sum->peak_tls = peak.peak_tls;
}

static void take_change(struct site_point *point, const struct site_counter *change)
{
	point->requests += change->requests;
	point->attacks += change->challenged;
	for (int i = 0; i < CHECK_MAX; i++)
		point->attacks += change->refused[i];
	point->challenged += change->challenged;
	point->tls_requests += change->tls_requests;
	point->origin_requests += change->origin_requests;
	point->cache_hits += change->cache_hits;
	point->bytes_in += change->bytes_in;
	point->bytes_out += change->bytes_out;
	point->milliseconds += change->milliseconds;
	point->origin_milliseconds += change->origin_milliseconds;
	for (int i = 0; i < 6; i++) {
		point->status[i] += change->status[i];
		point->origin_status[i] += change->origin_status[i];
	}
	for (int i = 0; i < SITE_CODE_COUNT; i++) {
		point->code[i] += change->code[i];
		point->origin_code[i] += change->origin_code[i];
	}
}

/* A second that is over: its peak is what it had. */
static void end_second(struct site_point *second)
{
	second->peak_requests = second->requests;
	second->peak_attacks = second->attacks;
	second->peak_passed =
		second->requests > second->attacks ? second->requests - second->attacks : 0;
	second->peak_tls = second->tls_requests;
	second->peak_plain = second->requests > second->tls_requests
				     ? second->requests - second->tls_requests
				     : 0;
}

static void keep(struct trail *trail, uint64_t site, const struct site_point *point)
{
	uint8_t packed[PACKED_MAX];

	/* Without memory it is not remembered. */
	if (point->time_ms != 0)
		(void)trail_add(trail, site, point->time_ms, packed,
			words_pack((const uint64_t *)(const void *)point + 1, WORDS, packed));
}

static void word_add(uint32_t *word, uint64_t more)
{
	*word = more < UINT32_MAX - *word ? *word + (uint32_t)more : UINT32_MAX;
}

/* Of so many, how many happened in the first part of the time. */
static uint64_t part_of(uint64_t count, int64_t part_ms, int64_t whole_ms)
{
	uint64_t part = (uint64_t)part_ms, whole = (uint64_t)whole_ms;

	return count / whole * part + count % whole * part / whole;
}

/* The ring's place of a second; NULL: it holds a later one. What is far ahead was put there before the clock was set back. */
static struct recent_second *recent_at(struct open_site *open, int64_t second)
{
	struct recent_second *at = &open->recent[second % RECENT_SECONDS];

	if (at->second < second || at->second > second + RECENT_SECONDS)
		*at = (struct recent_second){ .second = (uint32_t)second };
	return at->second == second ? at : NULL;
}

static void spread(struct open_site *open, const struct site_counter *change, int64_t from_ms,
	int64_t until_ms)
{
	uint64_t failures = change->origin_status[0] + change->origin_status[5];
	int64_t whole_ms = until_ms > from_ms ? until_ms - from_ms : 1, done_ms = 0, end_ms;

	if (whole_ms > RECENT_SECONDS * SECOND_MS)
		done_ms = whole_ms - RECENT_SECONDS * SECOND_MS;
	for (; done_ms < whole_ms; done_ms = end_ms) {
		int64_t second = (from_ms + done_ms) / SECOND_MS;
		struct recent_second *at = recent_at(open, second);

		end_ms = (second + 1) * SECOND_MS - from_ms;
		end_ms = end_ms < whole_ms ? end_ms : whole_ms;
		if (!at)
			continue;
		word_add(&at->requests, part_of(change->requests, end_ms, whole_ms) -
						part_of(change->requests, done_ms, whole_ms));
		word_add(&at->origin_requests,
			part_of(change->origin_requests, end_ms, whole_ms) -
				part_of(change->origin_requests, done_ms, whole_ms));
		word_add(&at->failures,
			part_of(failures, end_ms, whole_ms) - part_of(failures, done_ms, whole_ms));
		if (at->span_ms < whole_ms)
			at->span_ms = (uint32_t)whole_ms;
	}
}

void statistics_add(struct statistics *statistics, const struct site_counter *change,
	int64_t from_ms, int64_t until_ms)
{
	int64_t time_ms = from_ms + (until_ms - from_ms) / 2;
	int64_t second_ms = time_ms / SECOND_MS * SECOND_MS;
	int64_t minute_ms = time_ms / MINUTE_MS * MINUTE_MS;
	struct open_site *open = table_put(&statistics->open, change->number, until_ms);

	if (!open)
		return;
	spread(open, change, from_ms, until_ms);
	/* What comes late belongs to the point at hand. */
	if (second_ms > open->second.time_ms) {
		end_second(&open->second);
		keep(&statistics->seconds, change->number, &open->second);
		point_add(&open->minute, &open->second);
		open->second = (struct site_point){ .time_ms = second_ms };
	}
	if (minute_ms > open->minute.time_ms) {
		keep(&statistics->minutes, change->number, &open->minute);
		open->minute = (struct site_point){ .time_ms = minute_ms };
	}
	take_change(&open->second, change);
}

/* ---- questions about points */

struct series {
	int64_t from_ms, step_ms, until_ms;
	struct site_point *out;
};

static void series_add(struct series *series, const struct site_point *point)
{
	if (point->time_ms >= series->from_ms && point->time_ms < series->until_ms)
		point_add(
			&series->out[(point->time_ms - series->from_ms) / series->step_ms], point);
}

static bool visit_point(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct series *series = context;
	struct site_point point;

	if (time_ms < series->from_ms)
		return false;
	if (time_ms < series->until_ms) {
		point.time_ms = time_ms;
		words_unpack(data, length, words_of(&point), WORDS);
		series_add(series, &point);
	}
	return true;
}

void statistics_series(const struct statistics *statistics, int64_t site, int64_t from_ms,
	int64_t step_ms, struct site_point *out, size_t count)
{
	struct series series = { from_ms, step_ms, from_ms + (int64_t)count * step_ms, out };
	const struct open_site *open = table_find(&statistics->open, (uint64_t)site);
	bool minutes = step_ms >= MINUTE_MS;
	struct site_point second, minute;

	for (size_t i = 0; i < count; i++)
		out[i].time_ms = from_ms + (int64_t)i * step_ms;
	trail_walk(minutes ? &statistics->minutes : &statistics->seconds, (uint64_t)site,
		visit_point, &series);
	if (!open)
		return;
	second = open->second;
	end_second(&second);
	minute = open->minute;
	if (minutes) {
		series_add(&series, &minute);
		/* The second at hand is in no minute yet. */
		second.time_ms = second.time_ms / MINUTE_MS * MINUTE_MS;
	}
	series_add(&series, &second);
}

void statistics_recent(const struct statistics *statistics, int64_t site, int64_t until_ms,
	int64_t seconds, struct site_recent *out)
{
	const struct open_site *open = table_find(&statistics->open, (uint64_t)site);
	int64_t until = until_ms / SECOND_MS;

	*out = (struct site_recent){ .until_ms = until * SECOND_MS };
	for (size_t i = 0; open && i < RECENT_SECONDS; i++) {
		const struct recent_second *at = &open->recent[i];

		if (at->second < until - RECENT_SECONDS || at->second >= until)
			continue;
		out->span_ms = at->span_ms > out->span_ms ? at->span_ms : out->span_ms;
		if (at->second < until - seconds)
			continue;
		out->requests += at->requests;
		out->origin_requests += at->origin_requests;
		out->failures += at->failures;
	}
}

size_t statistics_busy(const struct statistics *statistics, int64_t clock_ms, int64_t within_ms,
	uint32_t *out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < statistics->open.size && count < max; i++) {
		const struct open_site *open = table_slot(&statistics->open, i);

		if (open && clock_ms - open->entry.put_ms < within_ms)
			out[count++] = (uint32_t)open->entry.key;
	}
	return count;
}

/* ---- tops */

static uint64_t top_key(int64_t site, unsigned kind)
{
	return (uint64_t)site << 8 | (kind + 1);
}

void statistics_top_add(struct statistics *statistics, const struct record_site_top *top)
{
	uint8_t packed[TRAIL_ITEM_MAX];
	const struct packed_top head = { top->total, top->window_ms, top->entry_count };
	size_t used = sizeof(head);

	memcpy(packed, &head, sizeof(head));
	for (unsigned i = 0; i < top->entry_count; i++) {
		const struct top_entry *entry = &top->entry[i];
		const struct packed_entry one = { entry->count, entry->error, entry->hits,
			entry->length, 0 };

		memcpy(packed + used, &one, sizeof(one));
		memcpy(packed + used + sizeof(one), entry->key, entry->length);
		used += sizeof(one) + entry->length;
	}
	(void)trail_add(
		&statistics->tops, top_key(top->record.id, top->kind), top->until_ms, packed, used);
}

struct merge {
	const struct top_span *span;
	struct top_entry *out;
	size_t used;
	uint64_t total, window_ms;
};

/* As nodes count: who has no place takes that of the least. */
static void merge_entry(struct merge *merge, const struct packed_entry *entry, const uint8_t *key)
{
	struct top_entry *place = NULL;
	uint64_t floor = 0;
	size_t least = 0;

	for (size_t i = 0; i < merge->used && !place; i++) {
		struct top_entry *at = &merge->out[i];

		if (at->length == entry->length && memcmp(at->key, key, at->length) == 0)
			place = at;
		if (at->count < merge->out[least].count)
			least = i;
	}
	if (!place) {
		if (merge->used == TOP_MERGED)
			floor = merge->out[least].count;
		place = &merge->out[merge->used < TOP_MERGED ? merge->used++ : least];
		*place = (struct top_entry){
			.count = floor, .error = floor, .length = entry->length
		};
		memcpy(place->key, key, entry->length);
	}
	place->count += entry->count;
	place->error += entry->error;
	place->hits += entry->hits;
}

static bool is_within(const struct top_span *span, int64_t time_ms, const struct packed_top *head)
{
	int64_t begin_ms = time_ms - (int64_t)head->window_ms;

	return begin_ms < span->until_ms && (span->begin_ms == 0 || begin_ms >= span->begin_ms) &&
	       (span->end_ms == 0 || time_ms <= span->end_ms) &&
	       (span->rate_max == 0 || head->total <= span->rate_max * head->window_ms / SECOND_MS);
}

static bool visit_top(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct merge *merge = context;
	struct packed_entry entry;
	struct packed_top head;
	size_t at = sizeof(head);

	memcpy(&head, data, sizeof(head));
	if (time_ms <= merge->span->from_ms)
		return false;
	if (!is_within(merge->span, time_ms, &head))
		return true;
	merge->total += head.total;
	merge->window_ms += head.window_ms;
	for (uint32_t i = 0; i < head.entries; i++) {
		memcpy(&entry, data + at, sizeof(entry));
		at += sizeof(entry);
		assert(at + entry.length <= length);
		merge_entry(merge, &entry, data + at);
		at += entry.length;
	}
	return true;
}

static int most_first(const void *a, const void *b)
{
	const struct top_entry *left = a, *right = b;

	return left->count > right->count ? -1 : left->count < right->count;
}

size_t statistics_top(const struct statistics *statistics, int64_t site, enum top_kind kind,
	const struct top_span *span, struct top_entry out[TOP_MERGED], uint64_t *total,
	uint64_t *window_ms)
{
	struct merge merge = { .span = span, .out = out };

	trail_walk(&statistics->tops, top_key(site, kind), visit_top, &merge);
	if (merge.used > 0)
		qsort(out, merge.used, sizeof(out[0]), most_first);
	if (total)
		*total = merge.total;
	if (window_ms)
		*window_ms = merge.window_ms;
	return merge.used;
}
