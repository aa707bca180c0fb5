/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buckets stand in a fixed table, in sets of a few that share a hash. When a set is full, the one that
 * was used longest ago gives way: it has refilled by then unless hundreds of accounts are busy in one
 * second, and at worst an account gets one more burst. Tokens are counted in thousandths, so that a
 * millisecond at one call per second is one unit.
 */
#include "control/auth/throttle.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

#define SET_COUNT  1024 /* 1,024 sets of 8: accounts times actions in use at once; 256 KiB */
#define SET_SIZE   8
#define CALL_UNITS 1000

struct bucket {
	int64_t account;
	const struct action *action; /* NULL: free */
	int64_t units;
	int64_t filled_ms;
};

struct throttle {
	pthread_mutex_t lock;
	int64_t calls_per_second;
	struct bucket bucket[SET_COUNT][SET_SIZE];
};

struct throttle *throttle_new(int64_t calls_per_second)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));

	assert(calls_per_second >= 1);
	if (!throttle)
		return NULL;
	throttle->calls_per_second = calls_per_second;
	(void)pthread_mutex_init(&throttle->lock, NULL);
	return throttle;
}

void throttle_free(struct throttle *throttle)
{
	if (!throttle)
		return;
	(void)pthread_mutex_destroy(&throttle->lock);
	free(throttle);
}

static size_t set_of(int64_t account, const struct action *action)
{
	uint64_t hash = (uint64_t)account * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)action;

	/* Fibonacci hashing: the upper bits are the well mixed ones. */
	return (size_t)(hash * 0x9e3779b97f4a7c15u >> 40) % SET_COUNT;
}

/* The bucket of (account, action); a new one, full, takes the place of the one idle for longest. */
static struct bucket *find_bucket(
	struct bucket *set, int64_t account, const struct action *action, int64_t full)
{
	struct bucket *oldest = &set[0];
	size_t i;

	for (i = 0; i < SET_SIZE; i++) {
		if (set[i].action == action && set[i].account == account)
			return &set[i];
		if (!set[i].action || (oldest->action && set[i].filled_ms < oldest->filled_ms))
			oldest = &set[i];
	}
	*oldest = (struct bucket){ .account = account, .action = action, .units = full };
	return oldest;
}

/* What stands for all actions of an account together. */
static const struct action all_actions = { 0 };

/* Fills the bucket up to this moment; a full one holds what comes in a second. */
static struct bucket *refill(struct throttle *throttle, int64_t account,
	const struct action *action, int64_t rate, int64_t clock_ms)
{
	int64_t full = rate * CALL_UNITS;
	struct bucket *bucket =
		find_bucket(throttle->bucket[set_of(account, action)], account, action, full);
	int64_t elapsed_ms = clock_ms - bucket->filled_ms;

	/* A clock that was set back gives nothing and takes nothing. */
	if (elapsed_ms > SECOND_MS)
		elapsed_ms = SECOND_MS;
	if (elapsed_ms > 0)
		bucket->units += elapsed_ms * rate;
	if (bucket->units > full)
		bucket->units = full;
	bucket->filled_ms = clock_ms;
	return bucket;
}

static int64_t wait_ms(const struct bucket *bucket, int64_t rate)
{
	return bucket->units >= CALL_UNITS ? 0 : (CALL_UNITS - bucket->units + rate - 1) / rate;
}

bool throttle_allow(struct throttle *throttle, int64_t account, const struct action *action,
	int64_t clock_ms, int64_t *retry_ms)
{
	int64_t rate = action->calls_per_second > 0 ? action->calls_per_second
						    : throttle->calls_per_second;
	int64_t all_rate = throttle->calls_per_second * THROTTLE_ACCOUNT_TIMES, one_ms, all_ms;
	struct bucket *one, *all;

	(void)pthread_mutex_lock(&throttle->lock);
	one = refill(throttle, account, action, rate, clock_ms);
	one_ms = wait_ms(one, rate);
	all = refill(throttle, account, &all_actions, all_rate, clock_ms);
	all_ms = wait_ms(all, all_rate);
	if (one_ms == 0 && all_ms == 0) {
		all->units -= CALL_UNITS;
		/* In a set that is full the second may have taken the first one's place. */
		if (one->action == action)
			one->units -= CALL_UNITS;
	}
	(void)pthread_mutex_unlock(&throttle->lock);
	*retry_ms = all_ms > one_ms ? all_ms : one_ms;
	return *retry_ms == 0;
}
