/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one node measured: totals of instances, reasons and port rules with their rates, and the health of
 * origins. Rates are of the time between the last two reports, since what did not change is not reported; what
 * was not in the last one for RATE_STALE_MS has a rate of 0. Not thread-safe: nodes.c holds its lock.
 */
#ifndef CONTROL_ENGINE_MEASURE_H
#define CONTROL_ENGINE_MEASURE_H

#include "control/engine/nodes.h"
#include "control/engine/report.h"
#include "control/engine/table.h"

#define RATE_STALE_MS 3000

struct measures {
	int64_t first_ms;	    /* of the first report */
	int64_t anew_ms;	    /* of the first one since totals began anew */
	int64_t report_ms, span_ms; /* of the last report, and since the one before; 0: unknown */
	struct node_uplink uplink[NODE_INTERFACE_MAX];
	struct table traffic;  /* key: instance */
	struct table reason;   /* key: instance and reason */
	struct table service;  /* key: port rule */
	struct table health;   /* key: port rule */
	struct table site;     /* key: web site */
	struct table log_used; /* key: account */
};

void measures_init(struct measures *measures);
void measures_free(struct measures *measures);
/* What follows is told by another agent: its totals are no continuation. */
void measures_anew(struct measures *measures);
/* Before the records of a report. */
void measures_begin(struct measures *measures, int64_t clock_ms);
/* Of how long a time the report is: before its counters. */
void measures_told(struct measures *measures, const struct record_span *span);
/* Takes over a record of these kinds; others are nothing to it. refused: a port rule's own limits refused
 * connections since its last report. */
void measures_take(struct measures *measures, const union report_record *record, bool *refused);

/* Each adds what the node has to out; false: it has nothing. */
bool measures_traffic(
	const struct measures *measures, int64_t instance_number, struct node_traffic *out);
bool measures_rates(const struct measures *measures, int64_t instance_number, int64_t clock_ms,
	struct node_rates *out);
/* Instances to which so many bytes a second came in the last report: as many as fit into out; out NULL: all are
 * counted. */
size_t measures_busy(
	const struct measures *measures, uint64_t bytes, struct instance_rates *out, size_t max);
bool measures_reason(const struct measures *measures, int64_t instance_number, uint32_t reason,
	int64_t clock_ms, struct reason_measure *out);
bool measures_service(
	const struct measures *measures, int64_t service, struct service_measure *out);
bool measures_site(
	const struct measures *measures, int64_t site, int64_t clock_ms, struct site_measure *out);
/* Adds the rates of all counters of a site. */
void measures_site_rates(
	const struct measures *measures, int64_t site, int64_t clock_ms, struct site_counter *out);
/* What changed at a web site since the last report of it, or since the node began to count for it: all fields behind the
 * number, and over which time. false: nothing is known of before. Before measures_take. */
bool measures_site_change(const struct measures *measures, const struct record_site_traffic *record,
	struct site_counter *out, int64_t *span_ms);
/* Whether the node ever told of the site. */
bool measures_has_site(const struct measures *measures, int64_t site);
/* The same of an instance, and of one of its reasons. What was not reported before has begun since, once a node has had
 * time to tell all. */
bool measures_traffic_change(const struct measures *measures, const struct record_traffic *record,
	struct node_rates *out);
bool measures_reason_change(const struct measures *measures, const struct record_vip_reason *record,
	struct counter *out);
uint64_t measures_log_used(const struct measures *measures, int64_t account);
bool measures_health(const struct measures *measures, int64_t service, const uint8_t address[16],
	int64_t port, struct origin_health *out);

#endif
