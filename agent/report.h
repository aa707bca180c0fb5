/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the node tells the control: what is in force, what was counted, what could not be applied.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/health.h"
#include "agent/node_state.h"
#include "agent/packets.h"
#include "agent/request_path.h"
#include "agent/settle.h"
#include "agent/uplink.h"
#include "agent/visitors.h"

struct reporter;

struct reporter *reporter_new(struct packets *packets, const struct node_state *state,
	struct health *health, const struct settle *settle, const struct agent_settings *settings);
void reporter_free(struct reporter *reporter);
/* Web sites' counters and bans come from there; NULL: there are none. */
void reporter_use_requests(struct reporter *reporter, struct request_path *requests);

/* Interfaces are told of; NULL: they are not. */
void reporter_use_uplinks(struct reporter *reporter, struct uplinks *uplinks);

/* Who opens connections is told from there; NULL: nothing is. */
void reporter_use_visitors(struct reporter *reporter, struct visitors *visitors);

/* Builds the next report: counters that changed since the last one, or all of them if full. false: nothing
 * changed and the last report is younger than REPORT_QUIET_MS, or no memory. The data stays until
 * the next call. */
#define REPORT_QUIET_MS	   10000
#define REPORT_SPAN_MAX_MS 3600000 /* a report that is of more does not say of how much */
#define REPORT_TALLY_MAX   8192	   /* records of each kind in one report: the rest is in the next */
#define REPORT_HEALTH_MAX  1024
#define REPORT_SITE_MAX	   4096 /* about 4 MB */
#define REPORT_TOP_MAX	   64	/* sites in one report: about 1.5 MB */
#define REPORT_USED_MAX	   1024
#define REPORT_SIGHTED_MAX                                                                         \
	64 /* instances in one report, and as many web sites: about 800 KB each */
#define REPORT_VISITORS_MAX 1024 /* the same: about 800 KB each */
bool reporter_build(struct reporter *reporter, bool full, uint64_t control_boot, int64_t now_ms,
	const void **out, size_t *size);
/* What became of the last report: what it carried and cannot be read again goes once more if need be. */
void reporter_sent(struct reporter *reporter, bool accepted);

#endif
