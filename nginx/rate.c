/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding. A key may be in any of RATE_PROBES slots in a row. It is taken where it stands; else a free slot, else the one
 * that is longest idle, is claimed: its key becomes a mark with the time (a key's top bit is set, a mark's never is), the
 * state is cleared, then the key is stored. Whoever meets a mark passes by. A worker that died in between leaves a
 * mark, which anybody may claim when it is RATE_MARK_SECONDS old: nothing stays locked. Two workers that make the same
 * key in the same instant may make it twice; the first in the row is the one found later, and what the other
 * had counted, one request, is lost.
 *
 * Windows. One word: number of the interval (20 bits), counts of this interval and the one before (22 bits each). It
 * is read, moved on in time and exchanged as a whole. The 20 bits come round after a million intervals, in which an
 * idle slot has long given way.
 *
 * Different values. A register slot holds 16 registers of a byte in its two windows; which of REGISTER_SLOTS slots a
 * value belongs to, which register and what rank come from the value's hash. Slots have keys of their own, made from
 * the counted key, a quarter of the interval and their index, and exist only when a value fell into them: few values cost
 * few slots. The estimate joins the registers of the last four quarters, and is made only when a register
 * changed; in between the slot of the key itself holds it. Flajolet et al., HyperLogLog, 2007.
 */
#include "nginx/rate.h"

#include <string.h>

#define KEY_BIT		  (UINT64_C(1) << 63)
#define RATE_MARK_SECONDS 10
#define UNTIL_MASK	  ((UINT64_C(1) << RATE_UNTIL_BITS) - 1)
#define USED_MASK	  ((UINT64_C(1) << 20) - 1)
#define USED_UNIT_MS	  256 /* 20 bits of these come round after three days */

#define TAG_SHIFT	  44
#define TAG_MASK	  ((UINT64_C(1) << 20) - 1)
#define CUR_SHIFT	  22

#define REGISTER_SLOTS	  16
#define SLOT_REGISTERS	  16
#define REGISTERS	  (REGISTER_SLOTS * SLOT_REGISTERS)
#define QUARTERS	  4

/* ---- hash */

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void sip_begin(uint64_t v[4], const uint64_t secret[2])
{
	v[0] = secret[0] ^ UINT64_C(0x736f6d6570736575);
	v[1] = secret[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = secret[0] ^ UINT64_C(0x6c7967656e657261);
	v[3] = secret[1] ^ UINT64_C(0x7465646279746573);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* "before" is the number of bytes that went in by words. */
static uint64_t sip_end(uint64_t v[4], const void *data, size_t length, size_t before)
{
	const uint8_t *byte = data;
	uint64_t word;

	for (size_t left = length; left >= 8; left -= 8, byte += 8) {
		memcpy(&word, byte, 8);
		sip_word(v, word);
	}
	word = (uint64_t)(before + length) << 56;
	for (size_t i = 0; i < length % 8; i++)
		word |= (uint64_t)byte[i] << 8 * i;
	sip_word(v, word);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t rate_hash(const uint64_t secret[2], const void *data, size_t length)
{
	uint64_t v[4];

	sip_begin(v, secret);
	return sip_end(v, data, length, 0);
}

uint64_t rate_key(const struct rates *rates, uint32_t what, uint32_t generation, const void *target,
	size_t length)
{
	uint64_t v[4];

	sip_begin(v, rates->secret);
	sip_word(v, (uint64_t)what << 32 | generation);
	return sip_end(v, target, length, sizeof(uint64_t)) | KEY_BIT;
}

/* ---- finding */

static inline uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline bool exchange(uint64_t *word, uint64_t *seen, uint64_t next)
{
	return __atomic_compare_exchange_n(
		word, seen, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline uint64_t used_now(int64_t now_ms)
{
	return (uint64_t)now_ms / USED_UNIT_MS & USED_MASK;
}

static void note_used(struct rate_slot *slot, int64_t now_ms)
{
	uint64_t until = load(&slot->until_ms), now = used_now(now_ms);

	/* Of workers that note the same one suffices. */
	if (until >> RATE_UNTIL_BITS != now)
		(void)exchange(
			&slot->until_ms, &until, (until & UNTIL_MASK) | now << RATE_UNTIL_BITS);
}

/* How long a slot has been idle, in USED_UNIT_MS; more for free ones and marks left behind, -1: not to be had. */
static int64_t idle(const struct rate_slot *slot, uint64_t key, int64_t now_ms)
{
	if (key == 0)
		return (int64_t)USED_MASK + 1;
	if (!(key & KEY_BIT))
		return now_ms / 1000 - (int64_t)key > RATE_MARK_SECONDS ? (int64_t)USED_MASK + 1
									: -1;
	return (int64_t)((used_now(now_ms) - (load(&slot->until_ms) >> RATE_UNTIL_BITS)) &
			 USED_MASK);
}

static struct rate_slot *claim(struct rate_slot *slot, uint64_t seen, uint64_t key, int64_t now_ms)
{
	uint64_t mark = (uint64_t)(now_ms / 1000);

	if (seen == mark || !exchange(&slot->key, &seen, mark))
		return NULL;
	__atomic_store_n(&slot->state, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->state2, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->until_ms, used_now(now_ms) << RATE_UNTIL_BITS, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->key, key, __ATOMIC_RELEASE);
	return slot;
}

struct rate_slot *rate_find(const struct rates *rates, uint64_t key, int64_t now_ms, bool make)
{
	uint32_t mask = rates->count - 1;
	struct rate_slot *oldest = NULL;
	uint64_t oldest_key = 0;
	int64_t oldest_idle = -1;

	for (uint32_t i = 0; i < RATE_PROBES; i++) {
		struct rate_slot *slot = &rates->slot[(key + i) & mask];
		uint64_t seen = load(&slot->key);
		int64_t age;

		if (seen == key) {
			note_used(slot, now_ms);
			return slot;
		}
		age = idle(slot, seen, now_ms);
		if (age > oldest_idle) {
			oldest = slot;
			oldest_key = seen;
			oldest_idle = age;
		}
	}
	/* Lost to another worker: not counted this time. */
	return make && oldest ? claim(oldest, oldest_key, key, now_ms) : NULL;
}

/* ---- windows */

static inline uint64_t saturated(uint64_t count)
{
	return count < RATE_COUNT_MAX ? count : RATE_COUNT_MAX;
}

uint32_t rate_add(uint64_t *window, uint32_t count, uint32_t interval_ms, int64_t now_ms)
{
	uint64_t interval = interval_ms ? interval_ms : 1;
	uint64_t tag = (uint64_t)now_ms / interval & TAG_MASK,
		 elapsed = (uint64_t)now_ms % interval;
	uint64_t seen = load(window), current, before;

	do {
		uint64_t behind = (tag - (seen >> TAG_SHIFT)) & TAG_MASK;

		current = seen >> CUR_SHIFT & RATE_COUNT_MAX;
		before = seen & RATE_COUNT_MAX;
		/* A worker whose clock was read before that of the one that began the interval. */
		if (behind == TAG_MASK) {
			tag = (tag + 1) & TAG_MASK;
			elapsed = 0;
		} else if (behind > 0) {
			before = behind == 1 ? current : 0;
			current = 0;
		}
		current = saturated(current + count);
		if (count == 0)
			break;
	} while (!exchange(window, &seen, tag << TAG_SHIFT | current << CUR_SHIFT | before));
	/* Rounded up: what was counted at the end of an interval still counts whole when the next begins. */
	return (uint32_t)(current + (before * (interval - elapsed) + interval - 1) / interval);
}

/* ---- actions that last */

void rate_hold(struct rate_slot *slot, int64_t until_ms)
{
	uint64_t seen = load(&slot->until_ms), next;

	do {
		if ((seen & UNTIL_MASK) >= (uint64_t)until_ms)
			return;
		next = (seen & ~UNTIL_MASK) | ((uint64_t)until_ms & UNTIL_MASK);
	} while (!exchange(&slot->until_ms, &seen, next));
}

int64_t rate_until(const struct rate_slot *slot, int64_t now_ms)
{
	int64_t until_ms = (int64_t)(load(&slot->until_ms) & UNTIL_MASK);

	return until_ms > now_ms ? until_ms : 0;
}

bool rate_once(const struct rates *rates, uint64_t key, int64_t now_ms, int64_t until_ms)
{
	struct rate_slot *slot = rate_find(rates, key, now_ms, true);
	uint64_t seen, next;

	if (!slot)
		return false;
	seen = load(&slot->until_ms);
	do {
		if ((seen & UNTIL_MASK) > (uint64_t)now_ms)
			return false;
		next = (seen & ~UNTIL_MASK) | ((uint64_t)until_ms & UNTIL_MASK);
	} while (!exchange(&slot->until_ms, &seen, next));
	return true;
}

/* ---- different values */

static uint64_t register_key(
	const struct rates *rates, uint64_t key, uint64_t quarter, unsigned index)
{
	uint64_t part[3] = { key, quarter, index };

	return rate_hash(rates->secret, part, sizeof(part)) | KEY_BIT;
}

/* Raises the register to rank; false: it was as high already, or there is no slot for it. */
static bool raise_register(const struct rates *rates, uint64_t key, uint64_t value_hash,
	uint64_t quarter, int64_t now_ms)
{
	unsigned index = (unsigned)(value_hash % REGISTERS), number = index % SLOT_REGISTERS;
	uint64_t rank = (uint64_t)__builtin_ctzll((value_hash >> 8) | UINT64_C(1) << 55) + 1;
	struct rate_slot *slot = rate_find(
		rates, register_key(rates, key, quarter, index / SLOT_REGISTERS), now_ms, true);
	unsigned shift = number % 8 * 8;
	uint64_t *word, seen, next;

	if (!slot)
		return false;
	word = number < 8 ? &slot->state : &slot->state2;
	seen = load(word);
	do {
		if ((seen >> shift & 0xff) >= rank)
			return false;
		next = (seen & ~(UINT64_C(0xff) << shift)) | rank << shift;
	} while (!exchange(word, &seen, next));
	return true;
}

static void join(uint8_t registers[8], uint64_t word)
{
	for (int i = 0; i < 8; i++) {
		uint8_t rank = (uint8_t)(word >> 8 * i);

		if (rank > registers[i])
			registers[i] = rank;
	}
}

/* Few values leave registers empty: then the number of draws after which so many are expected to be. */
static uint32_t estimate(const uint8_t registers[REGISTERS])
{
	/* alpha for 256 registers: 0.7213 / (1 + 1.079 / 256). */
	const double alpha = 0.71827, m = REGISTERS;
	double sum = 0, value = 0;
	int empty = 0;

	for (int i = 0; i < REGISTERS; i++) {
		sum += 1.0 / (double)(UINT64_C(1) << registers[i]);
		empty += registers[i] == 0;
	}
	if (alpha * m * m / sum > 2.5 * m || empty == 0)
		return (uint32_t)(alpha * m * m / sum + 0.5);
	for (int i = empty + 1; i <= REGISTERS; i++)
		value += m / i;
	return (uint32_t)(value + 0.5);
}

static uint32_t count_registers(
	const struct rates *rates, uint64_t key, uint64_t quarter, int64_t now_ms)
{
	uint8_t registers[REGISTERS] = { 0 };

	for (unsigned index = 0; index < REGISTER_SLOTS; index++) {
		for (unsigned age = 0; age < QUARTERS; age++) {
			const struct rate_slot *slot = rate_find(rates,
				register_key(rates, key, quarter - age, index), now_ms, false);

			if (!slot)
				continue;
			join(&registers[(size_t)index * SLOT_REGISTERS], load(&slot->state));
			join(&registers[(size_t)index * SLOT_REGISTERS + 8], load(&slot->state2));
		}
	}
	return estimate(registers);
}

/* state of the key's own slot: the quarter of the estimate (40 bits) and the estimate (24). */
uint32_t rate_distinct(const struct rates *rates, uint64_t key, uint64_t value_hash,
	uint32_t interval_ms, int64_t now_ms)
{
	struct rate_slot *slot = rate_find(rates, key, now_ms, true);
	uint64_t length = interval_ms >= QUARTERS ? interval_ms / QUARTERS : 1;
	uint64_t quarter = (uint64_t)now_ms / length, tag = quarter & UINT64_C(0xffffffffff), held;
	uint32_t count;

	if (!slot)
		return 0;
	held = load(&slot->state);
	if (!raise_register(rates, key, value_hash, quarter, now_ms) && held >> 24 == tag)
		return (uint32_t)(held & 0xffffff);
	count = count_registers(rates, key, quarter, now_ms);
	if (count > 0xffffff)
		count = 0xffffff;
	__atomic_store_n(&slot->state, tag << 24 | count, __ATOMIC_RELEASE);
	return count;
}
