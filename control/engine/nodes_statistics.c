/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was counted at web sites over time, and access logs, for who asks: statistics.c and measure.c under the nodes' lock.
 */
#include "base/clock.h"
#include "control/engine/nodes_inner.h"

/* A node reports each ten seconds at least. */

void nodes_site_series(const struct nodes *nodes, int64_t site, int64_t from_ms, int64_t step_ms,
	struct site_point *out, size_t count)
{
	struct inner *inner = nodes_lock(nodes);

	statistics_series(&inner->statistics, site, from_ms, step_ms, out, count);
	nodes_unlock(inner);
}

size_t nodes_site_top(const struct nodes *nodes, int64_t site, enum top_kind kind,
	const struct top_span *span, struct top_entry out[TOP_MERGED], uint64_t *total,
	uint64_t *window_ms)
{
	struct inner *inner = nodes_lock(nodes);
	size_t count = statistics_top(&inner->statistics, site, kind, span, out, total, window_ms);

	nodes_unlock(inner);
	return count;
}

/* A node that is gone does not stop the time. */
static int64_t told_until(const struct inner *inner, int64_t site, int64_t clock_ms)
{
	int64_t until_ms = clock_ms;

	for (size_t i = 0; i < inner->count; i++) {
		const struct measures *measures = &inner->node[i].measures;
		int64_t told_ms = measures->report_ms;

		if (measures_has_site(measures, site) && clock_ms - told_ms < PRESENT_MS &&
			told_ms < until_ms)
			until_ms = told_ms;
	}
	return until_ms;
}

void nodes_site_recent(const struct nodes *nodes, int64_t site, int64_t clock_ms, int64_t seconds,
	struct site_recent *out)
{
	struct inner *inner = nodes_lock(nodes);

	statistics_recent(
		&inner->statistics, site, told_until(inner, site, clock_ms), seconds, out);
	nodes_unlock(inner);
}

size_t nodes_sites_busy(
	const struct nodes *nodes, int64_t clock_ms, int64_t within_ms, uint32_t *out, size_t max)
{
	struct inner *inner = nodes_lock(nodes);
	size_t count = statistics_busy(&inner->statistics, clock_ms, within_ms, out, max);

	nodes_unlock(inner);
	return count;
}

uint64_t nodes_log_used(const struct nodes *nodes, int64_t account)
{
	struct inner *inner = nodes_lock(nodes);
	uint64_t bytes = 0;

	for (size_t i = 0; i < inner->count; i++)
		bytes += measures_log_used(&inner->node[i].measures, account);
	nodes_unlock(inner);
	return bytes;
}

uint64_t nodes_log_max(const struct nodes *nodes)
{
	struct inner *inner = nodes_lock(nodes);
	uint64_t bytes = 0;

	for (size_t i = 0; i < inner->count; i++)
		bytes += inner->node[i].requests.bytes_max;
	nodes_unlock(inner);
	return bytes;
}

size_t nodes_present(const struct nodes *nodes, int64_t clock_ms)
{
	struct inner *inner = nodes_lock(nodes);
	size_t count = 0;

	for (size_t i = 0; i < inner->count; i++)
		count += clock_ms - inner->node[i].seen_ms < PRESENT_MS;
	nodes_unlock(inner);
	return count;
}

struct answers *nodes_answers(const struct nodes *nodes)
{
	return nodes->inner->answers;
}
