/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire to the control: one long poll for snapshots and one report at a time, beside the caller's
 * own descriptors in one wait. fetch.c is the only file that knows libcurl.
 */
#ifndef AGENT_FETCH_H
#define AGENT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/settings.h"
#include "base/error.h"

struct fetch;
enum err fetch_open(const struct agent_settings *settings, struct fetch **out) MUST_USE;
void fetch_close(struct fetch *fetch);

/* Asks for what is newer than generation, 0: for all, or for another offset of the life cycle than this node has. Not while
 * fetch_snapshot_runs. */
void fetch_snapshot(struct fetch *fetch, uint64_t generation, int64_t life_offset_ms);
bool fetch_snapshot_runs(const struct fetch *fetch);
/* Sends a report; data must stay until it is over. Not while fetch_report_runs. */
void fetch_report(struct fetch *fetch, const void *data, size_t size);
bool fetch_report_runs(const struct fetch *fetch);

/* Waits for traffic, for one of the descriptors to be readable, or for timeout_ms; ready[i] tells which. */
#define FETCH_WAIT_MAX 8
void fetch_wait(
	struct fetch *fetch, const int *descriptors, unsigned count, int timeout_ms, bool *ready);

enum fetch_result {
	FETCH_RUNNING, /* nothing ended since the last call */
	FETCH_DATA,    /* a snapshot */
	FETCH_NOTHING, /* snapshot: nothing newer; report: taken */
	FETCH_FAILED,  /* logged when it is the first in a row */
};
/* What ended since the last call. data is valid, and aligned to 16, until fetch_release. */
void fetch_results(struct fetch *fetch, enum fetch_result *snapshot, enum fetch_result *report,
	const void **data, size_t *size);
void fetch_release(struct fetch *fetch);

#endif
