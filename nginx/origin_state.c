/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failures lie in memory that all workers share, directly by key: two origins of one place overwrite each other, which
 * only means that one of them is asked once more. Fields are written without any order between them for the same
 * reason: the worst is a failure more or less.
 */
#include "nginx/origin_state.h"

#include "nginx/shared_file.h"

#define FAILURE_PLACES 32768
#define PROBES	       8
#define TIME_DECAY_MS  10000
#define TIME_SHARE     8 /* of a new sample in the average: one eighth */

struct failure {
	uint64_t key;
	uint64_t first_ms; /* of those counted; ngx_current_msec, which workers have in common */
	uint64_t until_ms; /* out; 0: was not */
	uint32_t count;
	uint32_t reserved;
};

static struct failure *failures;
static struct origin_state *states;

#define LOAD(place)	    __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELAXED)

ngx_int_t origin_state_open(ngx_cycle_t *cycle)
{
	if (!failures)
		failures = shared_memory_map(cycle, FAILURE_PLACES * sizeof(*failures));
	return failures ? NGX_OK : NGX_ERROR;
}

ngx_int_t origin_state_start(ngx_cycle_t *cycle)
{
	/* Shared with nobody in fact; pages that are not used take no memory. */
	states = shared_memory_map(cycle, ORIGIN_STATES * sizeof(*states));
	return states ? NGX_OK : NGX_ERROR;
}

uint64_t origin_state_key(uint32_t site, const struct address *address, uint16_t port)
{
	uint64_t key = address->half[0] ^ ((uint64_t)port << 32 | site);

	key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	key ^= address->half[1];
	key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
	key ^= key >> 31;
	return key ? key : 1;
}

static void state_begin(
	struct origin_state *state, uint64_t key, const struct address *address, uint16_t port)
{
	struct sockaddr_in6 socket = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool mapped = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address);

	memcpy(&socket.sin6_addr, address, sizeof(*address));
	memcpy(&four.sin_addr, &address->byte[12], sizeof(four.sin_addr));
	*state = (struct origin_state){ .key = key };
	state->text_length = (uint32_t)(mapped ? ngx_sock_ntop((void *)&four, sizeof(four),
							 state->text, sizeof(state->text), 1)
					       : ngx_sock_ntop((void *)&socket, sizeof(socket),
							 state->text, sizeof(state->text), 1));
}

struct origin_state *origin_state_get(uint64_t key, const struct address *address, uint16_t port)
{
	struct origin_state *oldest = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct origin_state *state = &states[(key + i) % ORIGIN_STATES];

		if (state->key == key)
			return state;
		if (state->key == 0) {
			oldest = state;
			break;
		}
		if (!oldest || (oldest->active && !state->active) ||
			(!oldest->active == !state->active && state->used_ms < oldest->used_ms))
			oldest = state;
	}
	state_begin(oldest, key, address, port);
	return oldest;
}

uint32_t origin_state_time_us(const struct origin_state *state)
{
	uint64_t idle = (ngx_current_msec - state->time_ms) / TIME_DECAY_MS;

	return idle < 32 ? state->time_us >> idle : 0;
}

void origin_state_sample(struct origin_state *state, uint32_t time_us)
{
	uint32_t before = origin_state_time_us(state);

	/* Never 0, which stands for none. */
	state->time_us =
		before ? before - before / TIME_SHARE + time_us / TIME_SHARE + 1 : time_us + 1;
	state->time_ms = ngx_current_msec;
}

static struct failure *place_of(uint64_t key)
{
	return &failures[key % FAILURE_PLACES];
}

bool origin_is_down(uint64_t key)
{
	struct failure *failure = place_of(key);

	return LOAD(failure->key) == key && LOAD(failure->until_ms) > ngx_current_msec;
}

void origin_failed(uint64_t key, uint16_t max, uint16_t timeout_seconds)
{
	struct failure *failure = place_of(key);
	uint64_t now = ngx_current_msec, timeout_ms = (uint64_t)timeout_seconds * 1000;
	uint64_t until = LOAD(failure->until_ms);
	bool again;

	if (max == 0)
		return;
	if (LOAD(failure->key) != key) {
		STORE(failure->until_ms, 0);
		STORE(failure->count, 0);
		STORE(failure->key, key);
		until = 0;
	}
	again = until && until <= now && now - until < timeout_ms;
	if (LOAD(failure->count) == 0 || now - LOAD(failure->first_ms) >= timeout_ms) {
		STORE(failure->first_ms, now);
		STORE(failure->count, 0);
	}
	if (__atomic_add_fetch(&failure->count, 1, __ATOMIC_RELAXED) >= max || again) {
		STORE(failure->until_ms, now + timeout_ms);
		STORE(failure->count, 0);
	}
}

void origin_answered(uint64_t key)
{
	struct failure *failure = place_of(key);

	if (LOAD(failure->key) != key || LOAD(failure->until_ms) > ngx_current_msec)
		return;
	if (LOAD(failure->count) || LOAD(failure->until_ms)) {
		STORE(failure->count, 0);
		STORE(failure->until_ms, 0);
	}
}
