/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minute that is over is added to the five minutes that it is of, of each instance that has a burst; docs/decisions/035. The
 * cursor (minute, number of the last instance) moves in the transaction that adds, so that nothing is added twice. A minute is
 * looked at when reports of it can hardly come any more.
 *
 * What this control did not hear of is not metered: a cursor that is before its first report goes on there.
 */
#include "control/engine/metering.h"

#include "base/clock.h"
#include "control/engine/attacks.h"
#include "control/engine/statistics.h"
#include "control/engine/volumes.h"
#include "control/store/metering.h"

#define STATE "metering"
#define LATE_MS                                                                                    \
	MINUTE_MS /* a report that comes later tells of more than a minute, and is of another one */
#define BEHIND_MAX DAY_MS /* figures of minutes are hardly older in memory */
#define BATCH	   200
#define SITES_MAX  5000 /* of an instance: more than a plan has */
/* Of a minute: what no node can have seen, 100 Tbit/s, so that sums stay numbers. */
#define COUNTED_MOST INT64_C(1000000000000000)

static int64_t minute_of(int64_t ms)
{
	return ms / MINUTE_MS * MINUTE_MS;
}

/* The minute that is next, and the instance after which to go on in it; false: none is over yet. */
static enum err next_minute(const struct tick *tick, int64_t *minute_ms, int64_t *after, bool *out)
{
	int64_t newest_ms = minute_of(tick->clock_ms - LATE_MS) - MINUTE_MS, first_ms;
	int64_t heard_ms, last_ms;

	*out = false;
	if (!tick->attacks)
		return OK;
	nodes_heard(tick->attacks->nodes, &heard_ms, &last_ms);
	if (heard_ms == 0)
		return OK;
	TRY(tick_state_get(tick->db, STATE, minute_ms, after));
	first_ms = minute_of(heard_ms);
	if (first_ms < newest_ms - BEHIND_MAX)
		first_ms = newest_ms - BEHIND_MAX;
	/* A clock that was far ahead and is right again; a little back it is waited for. */
	if (*minute_ms > tick->clock_ms + HOUR_MS)
		first_ms = newest_ms;
	if (*minute_ms < first_ms || *minute_ms > tick->clock_ms + HOUR_MS) {
		*minute_ms = first_ms;
		*after = 0;
	}
	*out = *minute_ms <= newest_ms;
	return OK;
}

enum err metering_due(const struct tick *tick, bool *out)
{
	int64_t minute_ms, after;

	return next_minute(tick, &minute_ms, &after, out);
}

static int64_t counted(uint64_t count)
{
	return count < (uint64_t)COUNTED_MOST ? (int64_t)count : COUNTED_MOST;
}

static enum err count_requests(
	const struct tick *tick, int64_t instance, int64_t minute_ms, struct site_point *out)
{
	int64_t *site;
	size_t count;

	*out = (struct site_point){ 0 };
	TRY(metering_sites(tick->db, tick->mem, instance, SITES_MAX, &site, &count));
	for (size_t i = 0; i < count; i++)
		nodes_site_series(tick->attacks->nodes, site[i], minute_ms, MINUTE_MS, out, 1);
	return OK;
}

static enum err meter(const struct tick *tick, int64_t instance, int64_t minute_ms)
{
	struct volume volume = { 0 };
	struct site_point point;
	struct metering_sample sample;

	nodes_volume_series(tick->attacks->nodes, instance, minute_ms, MINUTE_MS, &volume, 1);
	TRY(count_requests(tick, instance, minute_ms, &point));
	sample = (struct metering_sample){
		.time_ms = minute_ms / METERING_SAMPLE_MS * METERING_SAMPLE_MS,
		.bytes = volume.in.bytes > volume.dropped.bytes
				 ? counted(volume.in.bytes - volume.dropped.bytes)
				 : 0,
		.requests = counted(point.requests),
		.peak_requests = counted(point.peak_requests),
	};
	if (sample.bytes == 0 && sample.requests == 0)
		return OK;
	return metering_add(tick->db, instance, &sample);
}

enum err metering_run(struct tick *tick)
{
	int64_t minute_ms, after, *instance;
	size_t count;
	bool due;

	TRY(next_minute(tick, &minute_ms, &after, &due));
	if (!due)
		return OK;
	TRY(metering_instances(tick->db, tick->mem, after, BATCH, &instance, &count));
	for (size_t i = 0; i < count; i++)
		TRY(meter(tick, instance[i], minute_ms));
	tick->more = true;
	if (count == BATCH)
		return tick_state_put(tick->db, STATE, minute_ms, instance[count - 1]);
	return tick_state_put(tick->db, STATE, minute_ms + MINUTE_MS, 0);
}
