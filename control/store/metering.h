/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What instances with a burst used, as it is metered: sums over five minutes, kept for as long as somebody may ask for what was
 * metered. The engine writes (control/engine/metering.c).
 */
#ifndef CONTROL_STORE_METERING_H
#define CONTROL_STORE_METERING_H

#include "control/store/db.h"

#define METERING_SAMPLE_MS INT64_C(300000)
/* Published: three months of bills. */
#define METERING_KEEP_MS (93 * INT64_C(86400000))

struct metering_sample {
	int64_t time_ms;		 /* machine time: its begin */
	int64_t bytes;			 /* that came in and were not dropped */
	int64_t requests, peak_requests; /* to its web sites; the most in a second */
};

/* Adds to the sample of that time. */
enum err metering_add(
	struct db *db, int64_t instance_number, const struct metering_sample *more) MUST_USE;
/* So many samples one after the other, the first of which begins then; zeros where there was nothing. */
enum err metering_series(struct db *db, int64_t instance_number, int64_t from_ms,
	struct metering_sample *out, size_t count) MUST_USE;
/* When the first sample begins that is kept of the instance; 0: there is none. */
enum err metering_first(struct db *db, int64_t instance_number, int64_t *out) MUST_USE;
/* Numbers of instances that have a burst, after a number, ascending. */
enum err metering_instances(struct db *db, struct arena *mem, int64_t after_number, int64_t limit,
	int64_t **out, size_t *count) MUST_USE;
/* Numbers of an instance's web sites. */
enum err metering_sites(struct db *db, struct arena *mem, int64_t instance_number, int64_t limit,
	int64_t **out, size_t *count) MUST_USE;
enum err metering_prune(struct db *db, int64_t before_ms) MUST_USE;

#endif
