/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes counted at protected addresses, over time: points of a second, with reasons, and of a minute, without. In
 * memory, in trails of fixed size, used as they fill:
 *
 *   seconds  about 50 bytes for each second in which an instance had traffic: ten minutes of 2,000 that always have some
 *   minutes  about 90 bytes: a day of 700 such instances
 *
 * Beside that, 1.4 KB for each instance that had traffic lately, of at most 65,536. Not thread-safe but for nodes_*.
 */
#ifndef CONTROL_ENGINE_VOLUMES_H
#define CONTROL_ENGINE_VOLUMES_H

#include "control/engine/nodes.h"
#include "control/engine/trail.h"

#define VOLUME_SECONDS_BYTES ((size_t)64 << 20)
#define RECENT_SECONDS_MAX   60
#define VOLUME_MINUTES_BYTES ((size_t)96 << 20)

/* All words but the time are sums over it, but for the span and the peaks: the most in a second of it. */
struct volume {
	int64_t time_ms; /* machine time: its begin */
	uint64_t
		span_ms; /* of a second: that its reports are of; more than 1,000 when one came late */
	struct counter in, dropped, out;
	struct counter attack; /* what of dropped, and of SYNs without an answer, means an attack */
	struct counter peak_in, peak_out, peak_attack;
};
struct volume_second {
	struct volume volume;
	struct counter reason[REASON_COUNT];
};

struct volumes {
	struct trail seconds, minutes;
	struct table open; /* points that go on, by instance */
};
void volumes_init(struct volumes *volumes);
void volumes_free(struct volumes *volumes);

/* Adds one to another whose time stays. */
void volume_add(struct volume *sum, const struct volume *more);

/* What a node's report said that happened to an instance within the span before clock_ms. */
struct volume_report {
	size_t node; /* its index */
	int64_t clock_ms, span_ms;
};
void volumes_add_traffic(struct volumes *volumes, uint32_t instance,
	const struct volume_report *report, const struct node_rates *change);
void volumes_add_reason(struct volumes *volumes, uint32_t instance,
	const struct volume_report *report, uint32_t reason, const struct counter *change);

/* Adds the points to out, as statistics_series does. */
void volumes_series(const struct volumes *volumes, int64_t instance, int64_t from_ms,
	int64_t step_ms, struct volume *out, size_t count);
/* The newest seconds from from_ms on, at most so many, the oldest first; returns how many. */
size_t volumes_seconds(const struct volumes *volumes, int64_t instance, int64_t from_ms,
	struct volume_second *out, size_t max);
/* Numbers of instances at which something meant an attack within the last so many ms; at most max. */
size_t volumes_attacked(const struct volumes *volumes, int64_t clock_ms, int64_t within_ms,
	uint32_t *out, size_t max);

/* The same of what all nodes reported; thread-safe. */
void nodes_volume_series(const struct nodes *nodes, int64_t instance, int64_t from_ms,
	int64_t step_ms, struct volume *out, size_t count);
size_t nodes_volume_seconds(const struct nodes *nodes, int64_t instance, int64_t from_ms,
	struct volume_second *out, size_t max);
size_t nodes_volume_attacked(
	const struct nodes *nodes, int64_t clock_ms, int64_t within_ms, uint32_t *out, size_t max);
/* The sum of the last so many seconds, the one at hand among them. */
void nodes_volume_recent(const struct nodes *nodes, int64_t instance, int64_t clock_ms,
	int64_t seconds, struct volume *out);
/* When a node reported first since this control started, and last; 0: none did. */
void nodes_heard(const struct nodes *nodes, int64_t *first_ms, int64_t *last_ms);

#endif
