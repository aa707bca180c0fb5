/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes tell of a rule when something changed, so a step without a point has as many connections as the one before it.
 * A question is answered from the newest point back to the first one before the time that it is about.
 */
#include "control/engine/connections.h"

#include <assert.h>

#include "base/clock.h"
#include "control/engine/words.h"

#define SLOTS (2 * NODE_SERVICE_MAX)
#define WORDS ((sizeof(struct connection_point) - sizeof(int64_t)) / sizeof(uint64_t))

struct current {
	struct entry entry;
	struct connection_point minute; /* time 0: none */
};

void connections_init(struct connections *connections)
{
	trail_init(&connections->minutes, CONNECTIONS_BYTES, SLOTS);
	table_init(&connections->current, sizeof(struct current), SLOTS);
}

void connections_free(struct connections *connections)
{
	trail_free(&connections->minutes);
	table_free(&connections->current);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Without memory it is not remembered. */
static void keep(
	struct connections *connections, uint32_t rule, const struct connection_point *minute)
{
	uint8_t packed[WORDS_PACKED_MAX(WORDS)];

	(void)trail_add(&connections->minutes, rule, minute->time_ms, packed,
		words_pack((const uint64_t *)(const void *)minute + 1, WORDS, packed));
}

void connections_add(struct connections *connections, uint32_t rule, int64_t clock_ms,
	uint64_t open, uint64_t opened, uint64_t opened_rate)
{
	struct current *current = table_put(&connections->current, rule, clock_ms);
	int64_t minute_ms = clock_ms / MINUTE_MS * MINUTE_MS;
	struct connection_point *minute;

	if (!current)
		return;
	minute = &current->minute;
	if (minute_ms > minute->time_ms) {
		if (minute->time_ms != 0)
			keep(connections, rule, minute);
		/* Those that were open are so at its begin. */
		*minute = (struct connection_point){ .time_ms = minute_ms,
			.open_most = minute->open };
	}
	minute->open = open;
	minute->open_most = larger(minute->open_most, open);
	minute->opened += opened;
	minute->opened_most = larger(minute->opened_most, opened_rate);
}

struct series {
	int64_t from_ms, until_ms, step_ms;
	struct connection_point *step; /* time 0: no point was in it */
	uint64_t before;	       /* open when the first step begins */
};

/* Points come newest first: the first one of a step has what was open at the step's end. false: no need of more. */
static bool series_add(struct series *series, const struct connection_point *point)
{
	struct connection_point *step;

	if (point->time_ms < series->from_ms) {
		series->before = point->open;
		return false;
	}
	if (point->time_ms >= series->until_ms)
		return true;
	step = &series->step[(point->time_ms - series->from_ms) / series->step_ms];
	if (step->time_ms == 0)
		step->open = point->open;
	step->time_ms = point->time_ms;
	step->open_most = larger(step->open_most, point->open_most);
	step->opened += point->opened;
	step->opened_most = larger(step->opened_most, point->opened_most);
	return true;
}

static bool visit_point(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct connection_point point = { .time_ms = time_ms };

	words_unpack(data, length, (uint64_t *)(void *)&point + 1, WORDS);
	return series_add(context, &point);
}

void connections_series(const struct connections *connections, int64_t rule, int64_t from_ms,
	int64_t step_ms, struct connection_point *out, size_t count)
{
	const struct current *current = table_find(&connections->current, (uint64_t)rule);
	struct connection_point step[CONNECTION_STEPS_MAX] = { 0 };
	struct series series = { from_ms, from_ms + (int64_t)count * step_ms, step_ms, step, 0 };

	assert(count <= CONNECTION_STEPS_MAX);
	for (size_t i = 0; i < count; i++)
		out[i].time_ms = from_ms + (int64_t)i * step_ms;
	if (!current)
		return;
	if (series_add(&series, &current->minute))
		trail_walk(&connections->minutes, (uint64_t)rule, visit_point, &series);
	for (size_t i = 0; i < count; i++) {
		if (step[i].time_ms == 0)
			step[i].open = step[i].open_most = series.before;
		series.before = step[i].open;
		out[i].open += step[i].open;
		out[i].open_most += step[i].open_most;
		out[i].opened += step[i].opened;
		out[i].opened_most += step[i].opened_most;
	}
}
