/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates of sources and of whatever else is counted apart, in the array rate_slot of the shared counters file
 * (shared/request_abi.h): fixed size, all workers at once, no lock. What is longest idle gives way. Pure: the caller
 * gives the memory and the time.
 *
 * Meaning of a slot: state and state2 are a window each (rate_add); until_ms holds, in its low RATE_UNTIL_BITS bits, up to when an
 * action lasts, and above them when the slot was last used.
 *
 * Accuracy. A window counts by two buckets of an interval each, the older one in the proportion in which the last
 * interval still covers it. So a burst at the border of two intervals counts as one; a source that spends all at once may go
 * on at the allowed rate, and not faster. Different values are counted by registers (HyperLogLog; linear while there
 * are few): exact up to a few, 5 % off at 100, standard deviation 6.5 % beyond; over the last 3/4 to 1 interval, so that no
 * value is counted that is older than the interval.
 */
#ifndef NGINX_RATE_H
#define NGINX_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/request_abi.h"

#define RATE_UNTIL_BITS 44
#define RATE_COUNT_MAX	((1u << 22) - 1) /* of a window's bucket; it stays there */

struct rates {
	struct rate_slot *slot;
	uint32_t count; /* a power of two, at least RATE_PROBES */
	uint64_t secret[2];
};

/* The key of one counted thing: what counts it (a rule's number, or something no rule has), the site's generation, and
 * the target. Whoever does not know the secret cannot choose targets that meet. */
uint64_t rate_key(const struct rates *rates, uint32_t what, uint32_t generation, const void *target,
	size_t length);

/* The slot of key, which is noted as used; NULL: there is none, or (make) none could be had. It may be taken from under
 * the caller later, by another worker: then what the caller adds is counted for somebody else, once. */
struct rate_slot *rate_find(const struct rates *rates, uint64_t key, int64_t now_ms, bool make);

/* Adds to the window, and returns how many there were in the last interval, with these. count 0: only asks. */
uint32_t rate_add(uint64_t *window, uint32_t count, uint32_t interval_ms, int64_t now_ms);

/* The action for the slot's key lasts up to until_ms, or longer if it did already; rate_until: up to when, 0: not. */
void rate_hold(struct rate_slot *slot, int64_t until_ms);
int64_t rate_until(const struct rate_slot *slot, int64_t now_ms);

/* Takes the key once: false when it was taken before and until_ms has not come since. */
bool rate_once(const struct rates *rates, uint64_t key, int64_t now_ms, int64_t until_ms);

/* Notes that key had this value; returns how many different ones it had in the last interval. */
uint32_t rate_distinct(const struct rates *rates, uint64_t key, uint64_t value_hash,
	uint32_t interval_ms, int64_t now_ms);

/* SipHash-1-3. */
uint64_t rate_hash(const uint64_t secret[2], const void *data, size_t length);

#endif
