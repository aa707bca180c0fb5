/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As in statistics.c: a point goes on until something comes that belongs to a later one, and a report is booked on the
 * second in the middle of the time that it is of. Two reports of one node may fall into one second all the same, and a late
 * one holds many: a second knows of how much time its reports are, and rates are over that.
 */
#include "control/engine/volumes.h"

#include <string.h>

#include "base/clock.h"
#include "control/engine/words.h"
#include "control/model/attack.h"
#include "control/model/counter.h"

#define OPEN_SLOTS   65536
#define WORDS(type)  ((sizeof(type) - sizeof(int64_t)) / sizeof(uint64_t))
#define SECOND_WORDS WORDS(struct volume_second)
#define MINUTE_WORDS WORDS(struct volume)

struct open_volume {
	struct entry entry;
	struct volume_second second; /* time 0: none */
	struct volume minute;
	int64_t attack_ms;	    /* when something meant an attack last */
	uint32_t span_ms[NODE_MAX]; /* of the second, by node */
};

void volumes_init(struct volumes *volumes)
{
	trail_init(&volumes->seconds, VOLUME_SECONDS_BYTES, 2 * NODE_VIP_MAX);
	trail_init(&volumes->minutes, VOLUME_MINUTES_BYTES, 2 * NODE_VIP_MAX);
	table_init(&volumes->open, sizeof(struct open_volume), OPEN_SLOTS);
}

void volumes_free(struct volumes *volumes)
{
	trail_free(&volumes->seconds);
	trail_free(&volumes->minutes);
	table_free(&volumes->open);
}

/* ---- points */

void volume_add(struct volume *sum, const struct volume *more)
{
	if (more->span_ms > sum->span_ms)
		sum->span_ms = more->span_ms;
	counter_add(&sum->in, &more->in);
	counter_add(&sum->dropped, &more->dropped);
	counter_add(&sum->out, &more->out);
	counter_add(&sum->attack, &more->attack);
	counter_raise(&sum->peak_in, &more->peak_in);
	counter_raise(&sum->peak_out, &more->peak_out);
	counter_raise(&sum->peak_attack, &more->peak_attack);
	for (unsigned i = 0; i < VOLUME_LIMITS; i++)
		counter_add(&sum->limit[i], &more->limit[i]);
}

static struct counter a_second(const struct counter *counter, uint64_t span_ms)
{
	uint64_t span = span_ms > SECOND_MS ? span_ms : SECOND_MS;

	return (struct counter){
		.packets = counter->packets / span * SECOND_MS +
			   counter->packets % span * SECOND_MS / span,
		.bytes = counter->bytes / span * SECOND_MS +
			 counter->bytes % span * SECOND_MS / span,
	};
}

/* What follows from the counters of a second. */
static void finish(struct volume_second *second)
{
	struct counter part[ATTACK_PARTS], sum;
	struct volume *volume = &second->volume;

	volume->attack = (struct counter){ 0, 0 };
	for (unsigned kind = 0; kind < ATTACK_WEB_CC; kind++) {
		sum = attack_parts((enum attack_kind)kind, second->reason, part);
		counter_add(&volume->attack, &sum);
	}
	volume->limit[VOLUME_BYTES] = second->reason[REASON_plan_bytes];
	volume->limit[VOLUME_PACKETS] = second->reason[REASON_plan_packets];
	volume->limit[VOLUME_CONNECTIONS] = second->reason[REASON_service_connections];
	volume->limit[VOLUME_NEW] = second->reason[REASON_service_rate];
	volume->peak_in = a_second(&volume->in, volume->span_ms);
	volume->peak_out = a_second(&volume->out, volume->span_ms);
	volume->peak_attack = a_second(&volume->attack, volume->span_ms);
}

/* Without memory it is not remembered. */
static void keep_second(struct volumes *volumes, uint32_t instance, struct open_volume *open)
{
	uint8_t packed[WORDS_PACKED_MAX(SECOND_WORDS)];
	struct volume_second *second = &open->second;

	if (second->volume.time_ms == 0)
		return;
	finish(second);
	(void)trail_add(&volumes->seconds, instance, second->volume.time_ms, packed,
		words_pack((const uint64_t *)(const void *)second + 1, SECOND_WORDS, packed));
	volume_add(&open->minute, &second->volume);
}

static void keep_minute(struct volumes *volumes, uint32_t instance, const struct volume *minute)
{
	uint8_t packed[WORDS_PACKED_MAX(MINUTE_WORDS)];

	if (minute->time_ms != 0)
		(void)trail_add(&volumes->minutes, instance, minute->time_ms, packed,
			words_pack(
				(const uint64_t *)(const void *)minute + 1, MINUTE_WORDS, packed));
}

/* The point of a report; NULL: no memory. What comes late belongs to the point at hand. */
static struct open_volume *point_of(
	struct volumes *volumes, uint32_t instance, const struct volume_report *report)
{
	int64_t time_ms = report->clock_ms - report->span_ms / 2;
	int64_t second_ms = time_ms / SECOND_MS * SECOND_MS;
	int64_t minute_ms = time_ms / MINUTE_MS * MINUTE_MS;
	struct open_volume *open = table_put(&volumes->open, instance, report->clock_ms);

	if (!open)
		return NULL;
	if (second_ms > open->second.volume.time_ms) {
		keep_second(volumes, instance, open);
		memset(&open->second, 0, sizeof(open->second));
		memset(open->span_ms, 0, sizeof(open->span_ms));
		open->second.volume.time_ms = second_ms;
	}
	if (minute_ms > open->minute.time_ms) {
		keep_minute(volumes, instance, &open->minute);
		open->minute = (struct volume){ .time_ms = minute_ms };
	}
	return open;
}

void volumes_add_traffic(struct volumes *volumes, uint32_t instance,
	const struct volume_report *report, const struct node_rates *change)
{
	struct open_volume *open = point_of(volumes, instance, report);
	struct volume *volume;

	if (!open)
		return;
	volume = &open->second.volume;
	counter_add(&volume->in, &change->in);
	counter_add(&volume->dropped, &change->dropped);
	counter_add(&volume->out, &change->out);
	open->span_ms[report->node] += (uint32_t)report->span_ms;
	if (open->span_ms[report->node] > volume->span_ms)
		volume->span_ms = open->span_ms[report->node];
}

void volumes_add_reason(struct volumes *volumes, uint32_t instance,
	const struct volume_report *report, uint32_t reason, const struct counter *change)
{
	struct open_volume *open = point_of(volumes, instance, report);

	if (!open || reason >= REASON_COUNT)
		return;
	counter_add(&open->second.reason[reason], change);
	if (change->packets > 0 &&
		(attack_reason(ATTACK_DEFENSE, reason) || attack_reason(ATTACK_CC, reason)))
		open->attack_ms = report->clock_ms;
}

/* ---- questions */

struct series {
	int64_t from_ms, step_ms, until_ms;
	struct volume *out;
	size_t words;
};

static void series_add(struct series *series, const struct volume *volume)
{
	if (volume->time_ms >= series->from_ms && volume->time_ms < series->until_ms)
		volume_add(&series->out[(volume->time_ms - series->from_ms) / series->step_ms],
			volume);
}

static void unpack(const uint8_t *data, size_t length, int64_t time_ms, struct volume_second *out,
	size_t words)
{
	words_unpack(data, length, (uint64_t *)(void *)out + 1, words);
	out->volume.time_ms = time_ms;
}

static bool visit_point(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct series *series = context;
	struct volume_second second;

	if (time_ms < series->from_ms)
		return false;
	if (time_ms < series->until_ms) {
		unpack(data, length, time_ms, &second, series->words);
		series_add(series, &second.volume);
	}
	return true;
}

void volumes_series(const struct volumes *volumes, int64_t instance, int64_t from_ms,
	int64_t step_ms, struct volume *out, size_t count)
{
	const struct open_volume *open = table_find(&volumes->open, (uint64_t)instance);
	bool minutes = step_ms >= MINUTE_MS;
	struct series series = { from_ms, step_ms, from_ms + (int64_t)count * step_ms, out,
		minutes ? MINUTE_WORDS : SECOND_WORDS };
	struct volume_second second;

	for (size_t i = 0; i < count; i++)
		out[i].time_ms = from_ms + (int64_t)i * step_ms;
	trail_walk(minutes ? &volumes->minutes : &volumes->seconds, (uint64_t)instance, visit_point,
		&series);
	if (!open)
		return;
	second = open->second;
	finish(&second);
	if (minutes) {
		series_add(&series, &open->minute);
		/* The second at hand is in no minute yet. */
		second.volume.time_ms = second.volume.time_ms / MINUTE_MS * MINUTE_MS;
	}
	series_add(&series, &second.volume);
}

struct newest {
	int64_t from_ms;
	struct volume_second *out;
	size_t max, used; /* from the end of out */
};

static bool visit_newest(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct newest *newest = context;

	if (time_ms < newest->from_ms || newest->used == newest->max)
		return false;
	unpack(data, length, time_ms, &newest->out[newest->max - ++newest->used], SECOND_WORDS);
	return true;
}

size_t volumes_seconds(const struct volumes *volumes, int64_t instance, int64_t from_ms,
	struct volume_second *out, size_t max)
{
	const struct open_volume *open = table_find(&volumes->open, (uint64_t)instance);
	struct newest newest = { .from_ms = from_ms, .out = out, .max = max };

	if (open && open->second.volume.time_ms >= from_ms && open->second.volume.time_ms != 0) {
		out[max - ++newest.used] = open->second;
		finish(&out[max - newest.used]);
	}
	trail_walk(&volumes->seconds, (uint64_t)instance, visit_newest, &newest);
	memmove(out, out + max - newest.used, newest.used * sizeof(*out));
	return newest.used;
}

size_t volumes_attacked(const struct volumes *volumes, int64_t clock_ms, int64_t within_ms,
	uint32_t *out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < volumes->open.size && count < max; i++) {
		const struct open_volume *open = table_slot(&volumes->open, i);

		if (open && open->attack_ms != 0 && clock_ms - open->attack_ms < within_ms)
			out[count++] = (uint32_t)open->entry.key;
	}
	return count;
}
