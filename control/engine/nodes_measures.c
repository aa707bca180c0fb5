/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes measured, summed over them when somebody asks: each node's figures are in measure.c.
 */
#include "control/engine/nodes_inner.h"

#include <stdlib.h>

bool nodes_traffic(const struct nodes *nodes, int64_t instance_number, struct node_traffic *out)
{
	struct inner *inner = nodes_lock(nodes);
	struct node_traffic sum = { 0 };
	bool found = false;

	for (size_t i = 0; i < inner->count; i++)
		if (measures_traffic(&inner->node[i].measures, instance_number, &sum))
			found = true;
	nodes_unlock(inner);
	if (found)
		*out = sum;
	return found;
}

static bool sum_rates(const struct inner *inner, int64_t instance_number, int64_t clock_ms,
	struct node_rates *out)
{
	bool found = false;

	*out = (struct node_rates){ 0 };
	for (size_t i = 0; i < inner->count; i++)
		if (measures_rates(&inner->node[i].measures, instance_number, clock_ms, out))
			found = true;
	return found;
}

bool nodes_rates(const struct nodes *nodes, int64_t instance_number, int64_t clock_ms,
	struct node_rates *out)
{
	struct inner *inner = nodes_lock(nodes);
	bool found = sum_rates(inner, instance_number, clock_ms, out);

	nodes_unlock(inner);
	return found;
}

static int rates_compare(const void *a, const void *b)
{
	const struct instance_rates *left = a, *right = b;

	return left->instance_number < right->instance_number	? -1
	       : left->instance_number > right->instance_number ? 1
								: 0;
}

/* Of candidates, with repeats, those that are busy in sum; each once. */
static size_t sum_busy(const struct inner *inner, struct instance_rates *rows, size_t count,
	uint64_t bytes, int64_t clock_ms)
{
	size_t used = 0;

	qsort(rows, count, sizeof(*rows), rates_compare);
	for (size_t i = 0; i < count; i++) {
		struct instance_rates one = { .instance_number = rows[i].instance_number };

		if (used > 0 && rows[used - 1].instance_number == one.instance_number)
			continue;
		if (sum_rates(inner, one.instance_number, clock_ms, &one.rates) &&
			one.rates.in.bytes >= bytes)
			rows[used++] = one;
	}
	return used;
}

/* A sum of so many reaches the wanted one only if one of them has its part of it. */
enum err nodes_rates_above(const struct nodes *nodes, struct arena *mem, uint64_t bytes,
	int64_t clock_ms, struct instance_rates **out, size_t *count)
{
	struct inner *inner = nodes_lock(nodes);
	struct instance_rates *rows;
	size_t most = 0;

	for (size_t i = 0; i < inner->count; i++)
		most += measures_busy(&inner->node[i].measures, bytes / inner->count, NULL, 0);
	rows = arena_array(mem, most, sizeof(*rows));
	*count = 0;
	for (size_t i = 0; i < inner->count && rows; i++)
		*count += measures_busy(&inner->node[i].measures, bytes / inner->count,
			rows + *count, most - *count);
	if (rows)
		*count = sum_busy(inner, rows, *count, bytes, clock_ms);
	nodes_unlock(inner);
	*out = rows;
	return rows ? OK : ERR_MEMORY;
}

bool nodes_reason(const struct nodes *nodes, int64_t instance_number, uint32_t reason,
	int64_t clock_ms, struct reason_measure *out)
{
	struct inner *inner = nodes_lock(nodes);
	bool found = false;

	*out = (struct reason_measure){ 0 };
	for (size_t i = 0; i < inner->count; i++)
		if (measures_reason(
			    &inner->node[i].measures, instance_number, reason, clock_ms, out))
			found = true;
	nodes_unlock(inner);
	return found;
}

static void add_rate(const struct measures *measures, int64_t instance, uint32_t reason,
	int64_t clock_ms, struct counter *sum)
{
	struct reason_measure one = { 0 };

	(void)measures_reason(measures, instance, reason, clock_ms, &one);
	sum->packets += one.rate.packets;
	sum->bytes += one.rate.bytes;
}

void nodes_reason_rates(const struct nodes *nodes, const int64_t *instances, size_t count,
	int64_t clock_ms, struct counter *dropped, struct counter *watched)
{
	struct inner *inner = nodes_lock(nodes);

	for (size_t i = 0; i < inner->count; i++) {
		const struct measures *measures = &inner->node[i].measures;

		for (size_t k = 0; k < count; k++) {
			for (uint32_t reason = 0; reason < REASON_COUNT; reason++) {
				add_rate(
					measures, instances[k], reason, clock_ms, &dropped[reason]);
				add_rate(measures, instances[k], REASON_WATCHED | reason, clock_ms,
					&watched[reason]);
			}
		}
	}
	nodes_unlock(inner);
}

bool nodes_service(const struct nodes *nodes, int64_t service, struct service_measure *out)
{
	struct inner *inner = nodes_lock(nodes);
	bool found = false;

	*out = (struct service_measure){ 0 };
	for (size_t i = 0; i < inner->count; i++)
		if (measures_service(&inner->node[i].measures, service, out))
			found = true;
	nodes_unlock(inner);
	return found;
}

bool nodes_site(const struct nodes *nodes, int64_t site, int64_t clock_ms, struct site_measure *out)
{
	struct inner *inner = nodes_lock(nodes);
	bool found = false;

	*out = (struct site_measure){ 0 };
	for (size_t i = 0; i < inner->count; i++)
		if (measures_site(&inner->node[i].measures, site, clock_ms, out))
			found = true;
	nodes_unlock(inner);
	return found;
}

void nodes_site_rates(const struct nodes *nodes, int64_t site, int64_t clock_ms,
	struct site_counter *out, struct site_counter *sum)
{
	struct inner *inner = nodes_lock(nodes);

	for (size_t i = 0; i < inner->count; i++) {
		measures_site_rates(&inner->node[i].measures, site, clock_ms, out);
		measures_site_rates(&inner->node[i].measures, site, clock_ms, sum);
	}
	nodes_unlock(inner);
}

bool nodes_health(const struct nodes *nodes, int64_t service, const uint8_t address[16],
	int64_t port, struct origin_health *out)
{
	struct inner *inner = nodes_lock(nodes);
	bool found = false;

	*out = (struct origin_health){ 0 };
	for (size_t i = 0; i < inner->count; i++)
		if (measures_health(&inner->node[i].measures, service, address, port, out))
			found = true;
	nodes_unlock(inner);
	return found;
}

struct inbox *nodes_inbox(const struct nodes *nodes)
{
	return nodes->inner->inbox;
}
