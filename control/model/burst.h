/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance may have beyond its plan for as long as it is not expired: clean bandwidth and requests to its web
 * sites. And how what it had is measured: the 95th percentile of a day's samples, or of a month's. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_BURST_H
#define CONTROL_MODEL_BURST_H

#include <stddef.h>

#include "control/model/instance.h"

/* Published days and months begin at midnight there: UTC+8. */
#define BURST_ZONE_MS	       INT64_C(28800000)
#define BURST_BANDWIDTH_TIMES  9 /* the clean bandwidth (published) */
#define BURST_MODE_CHANGES_MAX 3 /* in a calendar month (published) */

/* Whose 95th percentile counts. */
enum metering {
	METERING_NONE, /* nobody chose */
	METERING_DAY,
	METERING_MONTH,
	METERING_COUNT
};
const char *metering_name(int64_t metering); /* "", "day", "month" */
bool metering_from_name(const char *name, int64_t *out);

/* What is in force while the instance is mitigated: the plan's and the burst. Mbit/s; requests a second. */
int64_t burst_bandwidth_max(const struct plan *plan);
int64_t burst_qps_max(const struct plan *plan);
/* The most that plan_set takes for clean bandwidth is also the most of it with its burst. */
bool burst_bandwidth_fits(const struct plan *plan);
/* Published: the most requests that can be set, which is also what is set when none are named. */
int64_t burst_qps_most(enum product product);

/* How burst bandwidth is metered at this moment of machine time. */
int64_t burst_mode_at(const struct plan *plan, int64_t clock_ms);
/* Another metering from the next month on; one that was chosen before for it is forgotten. */
void burst_mode_choose(struct plan *plan, int64_t metering, int64_t clock_ms);

/* Begins of the day and of the calendar month that a moment is in, and of the month after it. */
int64_t burst_day_begin(int64_t clock_ms);
int64_t burst_month_begin(int64_t clock_ms);
int64_t burst_month_next(int64_t clock_ms);

/* The sample that 19 of 20 do not exceed. Sorts them; count is at least 20. */
uint64_t burst_percentile(uint64_t *sample, size_t count);

#endif
