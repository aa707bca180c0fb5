/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life cycle of an instance as one table. State is never stored: it is a function of the expiry
 * time and the present, so a crash loses nothing and a clock that jumps, either way, is just
 * another present. What cannot be undone (release) is an order or the engine's, decided in one
 * transaction. Read by the API (Status, Enabled, what is allowed), by the engine (deadlines for the
 * nodes, events, automatic release) and by the model checker in tests/model. Source:
 * ReleaseInstance's page and "Instance expiration" of the published billing pages.
 */
#ifndef CONTROL_MODEL_LIFECYCLE_H
#define CONTROL_MODEL_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum lifecycle_state {
	LIFECYCLE_NORMAL,
	LIFECYCLE_EXPIRED,
	LIFECYCLE_STOPPED,
	LIFECYCLE_RELEASED,
	LIFECYCLE_COUNT
};

struct lifecycle_row {
	enum lifecycle_state state;
	int64_t from_ms; /* begins at ExpireTime + this (NORMAL: INT64_MIN, RELEASED: + 30 days) */
	bool mitigation;
	bool forwarding;
	int status;	     /* DescribeInstances Status: 1, 2; 0: not listed */
	int instance_status; /* DescribeInstanceStatus: 1, 2, 4 */
	enum err release;    /* what ReleaseInstance answers in this state */
	enum err renew;	     /* what RenewInstance answers */
	const char *name;    /* "normal", ... for events, logs, bss "Status" */
};
/* Indexed by state. */
extern const struct lifecycle_row lifecycle_table[LIFECYCLE_COUNT];

/* The row in force for an unreleased instance with this expiry: never RELEASED, since an
 * instance is released by a transaction, not by the passing of time. */
const struct lifecycle_row *lifecycle_at(int64_t expire_ms, int64_t now_ms);
/* Deadlines, from the table: until when mitigations apply, until when packets are forwarded,
 * when the engine releases. */
int64_t lifecycle_mitigation_until(int64_t expire_ms);
int64_t lifecycle_forward_until(int64_t expire_ms);
int64_t lifecycle_release_at(int64_t expire_ms);
/* New expiry when renewed now for so many months: from the old one while unexpired, else from
 * now. */
int64_t lifecycle_renewed_expiry(int64_t expire_ms, int64_t now_ms, int months);

/* Moments before expiry at which the owner is told: 7, 3, 1 days; and the states entered. */
struct lifecycle_notice {
	int64_t from_ms;  /* relative to ExpireTime */
	const char *kind; /* "expires_in_7_days", ..., "expired", "stopped" */
};
extern const struct lifecycle_notice lifecycle_notices[];
extern const unsigned lifecycle_notice_count;
/* An instance with automatic renewal is renewed when this much is left, or later if missed. */
#define LIFECYCLE_AUTO_RENEW_MS (INT64_C(24) * 3600 * 1000)

#endif
