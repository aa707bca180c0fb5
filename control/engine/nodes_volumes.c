/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was counted at protected addresses over time: volumes.c under the nodes' lock.
 */
#include <assert.h>

#include "base/clock.h"
#include "control/engine/nodes_inner.h"

void inner_take_volume(struct inner *inner, const struct node *node,
	const union report_record *record, int64_t clock_ms)
{
	const struct measures *measures = &node->measures;
	const struct volume_report report = { (size_t)(node - inner->node), clock_ms,
		measures->span_ms };
	struct node_rates change;

	if (record->record.type == RECORD_TRAFFIC &&
		measures_traffic_change(measures, &record->traffic, &change))
		volumes_add_traffic(&inner->volumes, record->record.id, &report, &change);
	if (record->record.type == RECORD_VIP_REASON &&
		measures_reason_change(measures, &record->vip_reason, &change.dropped))
		volumes_add_reason(&inner->volumes, record->record.id, &report,
			record->vip_reason.reason, &change.dropped);
}

void nodes_volume_series(const struct nodes *nodes, int64_t instance, int64_t from_ms,
	int64_t step_ms, struct volume *out, size_t count)
{
	struct inner *inner = nodes_lock(nodes);

	volumes_series(&inner->volumes, instance, from_ms, step_ms, out, count);
	nodes_unlock(inner);
}

size_t nodes_volume_seconds(const struct nodes *nodes, int64_t instance, int64_t from_ms,
	struct volume_second *out, size_t max)
{
	struct inner *inner = nodes_lock(nodes);
	size_t count = volumes_seconds(&inner->volumes, instance, from_ms, out, max);

	nodes_unlock(inner);
	return count;
}

size_t nodes_volume_attacked(
	const struct nodes *nodes, int64_t clock_ms, int64_t within_ms, uint32_t *out, size_t max)
{
	struct inner *inner = nodes_lock(nodes);
	size_t count = volumes_attacked(&inner->volumes, clock_ms, within_ms, out, max);

	nodes_unlock(inner);
	return count;
}

void nodes_volume_recent(const struct nodes *nodes, int64_t instance, int64_t clock_ms,
	int64_t seconds, struct volume *out)
{
	int64_t until_ms = clock_ms / SECOND_MS * SECOND_MS + SECOND_MS;
	struct volume point[RECENT_SECONDS_MAX] = { 0 };
	struct volume sum = { 0 };

	assert(seconds <= RECENT_SECONDS_MAX);
	nodes_volume_series(
		nodes, instance, until_ms - seconds * SECOND_MS, SECOND_MS, point, (size_t)seconds);
	for (int64_t i = 0; i < seconds; i++)
		volume_add(&sum, &point[i]);
	*out = sum;
}

void nodes_heard(const struct nodes *nodes, int64_t *first_ms, int64_t *last_ms)
{
	struct inner *inner = nodes_lock(nodes);

	*first_ms = *last_ms = 0;
	for (size_t i = 0; i < inner->count; i++) {
		const struct measures *measures = &inner->node[i].measures;

		if (measures->first_ms != 0 && (*first_ms == 0 || measures->first_ms < *first_ms))
			*first_ms = measures->first_ms;
		if (measures->report_ms > *last_ms)
			*last_ms = measures->report_ms;
	}
	nodes_unlock(inner);
}
