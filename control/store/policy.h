/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries about how an instance is protected. As in store.h: inside the caller's transaction, and every change
 * that nodes must hear of is recorded by the function that makes it.
 */
#ifndef CONTROL_STORE_POLICY_H
#define CONTROL_STORE_POLICY_H

#include "control/model/policy.h"
#include "control/model/protection.h"
#include "control/store/store.h"

/* ---- protection.c */
/* The defaults when nothing was set. */
enum err protection_load(
	struct db *db, struct arena *mem, int64_t instance_number, struct protection *out) MUST_USE;
enum err protection_put(
	struct db *db, struct arena *mem, const struct protection *protection) MUST_USE;
/* Instances whose blackhole ended by now, at most limit. */
enum err protection_blackholes_over(struct db *db, struct arena *mem, int64_t clock_ms,
	int64_t limit, int64_t **out, size_t *count) MUST_USE;

/* ---- policy.c */
/* An empty one when nothing was set. */
enum err policy_load(
	struct db *db, struct arena *mem, int64_t instance_number, struct policy *out) MUST_USE;
enum err policy_put(struct db *db, struct arena *mem, const struct policy *policy) MUST_USE;
/* Instances whose diversion of all lines ended by now and is still in force at nodes, at most limit. */
enum err policy_diversions_over(struct db *db, struct arena *mem, int64_t clock_ms, int64_t limit,
	int64_t **out, size_t *count) MUST_USE;

/* ---- capture.c: packets that somebody wants to see */
struct capture_row {
	int64_t number;
	int64_t instance_number;
	uint64_t reasons; /* bit r: reason r */
	int64_t packets;
	int64_t from_ms, until_ms; /* machine time */
};
/* Sets number. */
enum err capture_insert(struct db *db, struct capture_row *capture) MUST_USE;
/* The newest of the instance, 0: of any; ERR_NOT_FOUND. */
enum err capture_newest(struct db *db, int64_t instance_number, struct capture_row *out) MUST_USE;
/* Ends it: nodes look for no more packets. */
enum err capture_stop(struct db *db, const struct capture_row *capture, int64_t clock_ms) MUST_USE;
/* Those that ended before. */
enum err capture_prune(struct db *db, int64_t before_ms) MUST_USE;

/* ---- quota.c: uses of what an account can do so many times */
enum err quota_use(struct db *db, int64_t account, const char *kind, int64_t clock_ms) MUST_USE;
/* Uses since then, and when the last one was (0: never). */
enum err quota_used(struct db *db, int64_t account, const char *kind, int64_t since_ms,
	int64_t *out_count, int64_t *out_last_ms) MUST_USE;

/* ---- limit_event.c: times in which port rules of an instance refused connections by their own limits */
struct limit_event {
	int64_t instance_number;
	uint8_t vip[16];
	enum product product;
	int64_t from_ms, until_ms; /* machine time */
};
/* Adds, or extends an event of the instance that ended at most gap_ms before. */
enum err limit_event_put(struct db *db, int64_t instance_number, int64_t from_ms, int64_t until_ms,
	int64_t gap_ms) MUST_USE;
struct limit_event_filter {
	int64_t account; /* 0: all */
	const char *const *allowed;
	size_t allowed_count;
	const uint8_t *vip;	/* NULL: any */
	int64_t from_ms, to_ms; /* events that overlap */
	bool premium;		/* of these instances, else of the others */
	int64_t offset, limit;
};
/* Newest first. */
enum err limit_event_list(struct db *db, struct arena *mem, const struct limit_event_filter *filter,
	struct limit_event **out, size_t *count, int64_t *total) MUST_USE;
enum err limit_event_prune(struct db *db, int64_t before_ms) MUST_USE;

#endif
