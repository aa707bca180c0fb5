/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes counted at web sites, over time: points of a second and of a minute, and what was frequent in windows of
 * the nodes. In memory, in three trails of fixed size, used as they fill:
 *
 *   seconds  about 70 bytes for each second in which a site had requests: ten minutes of 1,500 sites that always have
 *            some, 3 minutes of 5,000
 *   minutes  about 75 bytes: a day of 1,700 such sites, 8 hours of 5,000
 *   tops     what nodes send, about 2 to 5 KB for each site and window (a minute, or less at a busy site)
 *
 * Beside that, 2.2 KB for each site that had requests: 11 MB for 5,000. Not thread-safe but for nodes_*.
 */
#ifndef CONTROL_ENGINE_STATISTICS_H
#define CONTROL_ENGINE_STATISTICS_H

#include "control/engine/nodes.h"
#include "control/engine/trail.h"
#include "shared/snapshot_abi.h"

#define SERIES_SECONDS_BYTES ((size_t)64 << 20)
#define SERIES_MINUTES_BYTES ((size_t)192 << 20)
#define SERIES_TOPS_BYTES    ((size_t)64 << 20)
#define SERIES_SECONDS_MS    (10 * 60 * 1000) /* steps below a minute are told so far back */
#define SERIES_POINTS_MAX    2000	      /* of one question */
#define TOP_MERGED	     64		      /* keys that windows are merged into */
#define RECENT_SECONDS	     64 /* a rate of now is known of so many: more than between two reports */

/* All words but the time are sums over it, but for the peaks: the most in a second of it. */
struct site_point {
	int64_t time_ms;			/* machine time: its begin */
	uint64_t requests, attacks, challenged; /* attacks: refused and challenged */
	uint64_t origin_requests, cache_hits;
	uint64_t bytes_in, bytes_out;
	uint64_t milliseconds, origin_milliseconds;
	uint64_t tls_requests;
	uint64_t peak_requests, peak_attacks, peak_passed; /* passed: no attack */
	uint64_t peak_plain, peak_tls;
	uint64_t status[6], origin_status[6]; /* as site_counter */
	uint64_t code[SITE_CODE_COUNT], origin_code[SITE_CODE_COUNT];
};

/* What was told of the seconds before until_ms. */
struct site_recent {
	int64_t until_ms; /* machine time, a whole second: up to it all is told */
	uint64_t requests, origin_requests;
	uint64_t failures; /* of the origin: 5xx, and no answer at all */
	int64_t span_ms;   /* the longest time that a report of the last RECENT_SECONDS told of */
};

/* Windows of what was frequent. */
struct top_span {
	int64_t from_ms, until_ms; /* those that touch this time */
	int64_t begin_ms, end_ms;  /* none that began before, none that ended behind; 0: any */
	uint64_t rate_max;	   /* none with more keys a second; 0: any */
};

struct statistics {
	struct trail seconds, minutes, tops;
	struct table open; /* points that go on, by site */
};
void statistics_init(struct statistics *statistics);
void statistics_free(struct statistics *statistics);

/* What changed at a site within this time, which may be none. */
void statistics_add(struct statistics *statistics, const struct site_counter *change,
	int64_t from_ms, int64_t until_ms);
void statistics_top_add(struct statistics *statistics, const struct record_site_top *top);

/* Adds the site's points to out, whose times are from_ms, from_ms + step_ms and so on: begin with zeros, or add several sites
 * up. Steps of a minute and more are whole minutes, from a whole minute. */
void statistics_series(const struct statistics *statistics, int64_t site, int64_t from_ms,
	int64_t step_ms, struct site_point *out, size_t count);
/* The most frequent keys of the windows, the most frequent first; returns how many. total: of all keys; may be NULL, as
 * window_ms: the time that the windows took. */
size_t statistics_top(const struct statistics *statistics, int64_t site, enum top_kind kind,
	const struct top_span *span, struct top_entry out[TOP_MERGED], uint64_t *total,
	uint64_t *window_ms);
/* Of the last so many whole seconds before until_ms, at most RECENT_SECONDS. */
void statistics_recent(const struct statistics *statistics, int64_t site, int64_t until_ms,
	int64_t seconds, struct site_recent *out);
/* Numbers of the sites that had requests within the last so many ms; returns how many, at most max. */
size_t statistics_busy(const struct statistics *statistics, int64_t clock_ms, int64_t within_ms,
	uint32_t *out, size_t max);

/* The same of what all nodes reported; thread-safe. */
void nodes_site_series(const struct nodes *nodes, int64_t site, int64_t from_ms, int64_t step_ms,
	struct site_point *out, size_t count);
size_t nodes_site_top(const struct nodes *nodes, int64_t site, enum top_kind kind,
	const struct top_span *span, struct top_entry out[TOP_MERGED], uint64_t *total,
	uint64_t *window_ms);
/* Before the time up to which all nodes that have the site told of it. */
void nodes_site_recent(const struct nodes *nodes, int64_t site, int64_t clock_ms, int64_t seconds,
	struct site_recent *out);
size_t nodes_sites_busy(
	const struct nodes *nodes, int64_t clock_ms, int64_t within_ms, uint32_t *out, size_t max);

#endif
