/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An hour is learned from its minutes: the one that is larger than nine of ten. So some minutes of an attack that nobody
 * noticed change nothing; and a whole hour of it moves what is known by a third of half its value at most, so that
 * an attacker would have to come for days, each day at the same hour, to be taken for usual.
 *
 * What is usual is the largest of the hour and the two beside it, since a site's busy time is not the same minute each day;
 * and what the hour at hand was like so far, within bounds. A site that is new is known by that alone; when the hour ends
 * before it could be learned, its minutes count on in the next one, or the site would be unknown again.
 */
#include "control/model/usual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS     INT64_C(60000)
#define HOUR_MS	      (60 * MINUTE_MS)
#define LEARN_LEAST   10 /* minutes of an hour that is learned for the first time */
#define RELEARN_LEAST 30
#define MINUTE_MAX    1000000000u
#define SLACK	      60 /* requests a minute: below it, everything is usual */

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Larger than nine of ten minutes; of few, the largest. */
static uint32_t busy_minute(const struct usual *usual)
{
	uint32_t sorted[USUAL_MINUTES];

	if (usual->minutes == 0)
		return 0;
	memcpy(sorted, usual->minute, usual->minutes * sizeof(sorted[0]));
	qsort(sorted, usual->minutes, sizeof(sorted[0]), compare);
	return sorted[(usual->minutes * 9 - 1) / 10];
}

static uint32_t largest_near(const struct usual *usual, unsigned hour)
{
	uint32_t largest = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t value = usual->hour[(hour + USUAL_HOURS - 1 + i) % USUAL_HOURS];

		largest = value > largest ? value : largest;
	}
	return largest;
}

static unsigned hour_of(int64_t time_ms)
{
	return (unsigned)(time_ms / HOUR_MS % USUAL_HOURS);
}

static uint32_t within(uint64_t value, uint64_t least, uint64_t most)
{
	return (uint32_t)(value < least ? least : value > most ? most : value);
}

static bool learn_hour(struct usual *usual)
{
	uint32_t *hour = &usual->hour[hour_of(usual->hour_ms)];
	uint32_t value = busy_minute(usual);
	int64_t step;

	if (usual->minutes < (*hour ? RELEARN_LEAST : LEARN_LEAST))
		return false;
	if (*hour == 0) {
		*hour = value > 0 ? value : 1;
		return true;
	}
	value = within(value, *hour / 2, (uint64_t)*hour + *hour / 2 + SLACK);
	step = ((int64_t)value - *hour) * 3 / 10;
	*hour = (uint32_t)(*hour + step > 0 ? *hour + step : 1);
	return true;
}

bool usual_minute(struct usual *usual, int64_t minute_ms, uint64_t requests, bool attacked)
{
	int64_t hour_ms = minute_ms / HOUR_MS * HOUR_MS;
	uint32_t known = usual_at(usual, minute_ms);
	uint32_t value = within(requests, 0, MINUTE_MAX);
	bool learned = false;

	if (hour_ms != usual->hour_ms) {
		bool next = usual->hour_ms != 0 && hour_ms - usual->hour_ms == HOUR_MS;

		learned = usual->hour_ms != 0 && learn_hour(usual);
		usual->hour_ms = hour_ms;
		if (learned || !next || largest_near(usual, hour_of(minute_ms)) != 0)
			usual->minutes = 0;
	}
	if (attacked && value > known)
		value = known;
	if (usual->minutes < USUAL_MINUTES && (!attacked || known > 0))
		usual->minute[usual->minutes++] = value;
	return learned;
}

uint32_t usual_at(const struct usual *usual, int64_t time_ms)
{
	uint32_t known = largest_near(usual, hour_of(time_ms));
	uint32_t now = busy_minute(usual);

	if (usual->minutes < USUAL_MINUTES_LEAST)
		return known;
	if (known == 0)
		return now > 0 ? now : 1;
	return within(now, known, (uint64_t)known + known / 2);
}

void usual_format(const struct usual *usual, char out[USUAL_TEXT_SIZE])
{
	int used = 0;

	for (unsigned i = 0; i < USUAL_HOURS; i++)
		used += snprintf(out + used, (size_t)(USUAL_TEXT_SIZE - used), "%s%u", i ? " " : "",
			usual->hour[i]);
}

void usual_parse(const char *text, struct usual *out)
{
	*out = (struct usual){ 0 };
	for (unsigned i = 0; i < USUAL_HOURS; i++) {
		char *end;
		unsigned long value = strtoul(text, &end, 10);

		if (end == text || value > MINUTE_MAX) {
			*out = (struct usual){ 0 };
			return;
		}
		out->hour[i] = (uint32_t)value;
		text = end;
	}
}
