/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A metering that begins next month is stored with its moment beside the one that is in force until then, so that nothing
 * has to happen when the month begins.
 */
#include "control/model/burst.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define QPS_MOST	 300000
#define QPS_MOST_PREMIUM 150000
#define PERCENT		 95

static const char *const metering_names[METERING_COUNT] = {
	[METERING_NONE] = "",
	[METERING_DAY] = "day",
	[METERING_MONTH] = "month",
};

const char *metering_name(int64_t metering)
{
	return metering >= 0 && metering < METERING_COUNT ? metering_names[metering] : "";
}

bool metering_from_name(const char *name, int64_t *out)
{
	for (int i = METERING_DAY; i < METERING_COUNT; i++) {
		if (strcmp(metering_names[i], name) != 0)
			continue;
		*out = i;
		return true;
	}
	return false;
}

int64_t burst_bandwidth_max(const struct plan *plan)
{
	return plan->clean_bandwidth_mbps + plan->burst_bandwidth_mbps;
}

int64_t burst_qps_max(const struct plan *plan)
{
	return plan->qps + plan->burst_qps;
}

bool burst_bandwidth_fits(const struct plan *plan)
{
	return plan->burst_bandwidth_mbps == 0 ||
	       (plan->burst_bandwidth_mbps <= plan->clean_bandwidth_mbps * BURST_BANDWIDTH_TIMES &&
		       burst_bandwidth_max(plan) <= CLEAN_BANDWIDTH_MBPS_MAX);
}

int64_t burst_qps_most(enum product product)
{
	return product == PRODUCT_DDOSDIP ? QPS_MOST_PREMIUM : QPS_MOST;
}

int64_t burst_mode_at(const struct plan *plan, int64_t clock_ms)
{
	bool next = plan->burst_mode_next_ms > 0 && clock_ms >= plan->burst_mode_next_ms;

	return next ? plan->burst_mode_next : plan->burst_mode;
}

void burst_mode_choose(struct plan *plan, int64_t metering, int64_t clock_ms)
{
	plan->burst_mode = burst_mode_at(plan, clock_ms);
	plan->burst_mode_next = metering;
	plan->burst_mode_next_ms = burst_month_next(clock_ms);
}

int64_t burst_day_begin(int64_t clock_ms)
{
	return (clock_ms + BURST_ZONE_MS) / DAY_MS * DAY_MS - BURST_ZONE_MS;
}

int64_t burst_month_begin(int64_t clock_ms)
{
	return clock_month_begin(clock_ms + BURST_ZONE_MS) - BURST_ZONE_MS;
}

int64_t burst_month_next(int64_t clock_ms)
{
	return clock_add_months(clock_month_begin(clock_ms + BURST_ZONE_MS), 1) - BURST_ZONE_MS;
}

static int compare_samples(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

uint64_t burst_percentile(uint64_t *sample, size_t count)
{
	assert(count >= 20);
	qsort(sample, count, sizeof(sample[0]), compare_samples);
	return sample[count * PERCENT / 100 - 1];
}
