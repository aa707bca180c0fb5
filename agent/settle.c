/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path knows one clock, the time since boot. What it calls UTC and life-cycle time are offsets to it
 * that this file keeps right: the machine's UTC may be set or slewed, and the control's offset moves
 * life-cycle time alone. Reading the two clocks takes a moment; the boot clock is read on both sides
 * of the other and the middle is taken.
 *
 * Cookie keys: HMAC-SHA256(secret, "polder syn cookie" || epoch as 8 bytes big endian), of which the first 16
 * bytes. All nodes share the secret, so each accepts the others' cookies. The epoch is written after its
 * keys within the struct, and the slot that is rewritten belongs to the epoch before the previous one.
 */
#include "agent/settle.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "base/signature.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	int result = clock_gettime(clock, &now);

	assert(result == 0);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

void cookie_key(const uint8_t secret[32], uint64_t epoch, __u64 out[2])
{
	static const char label[] = "polder syn cookie";
	uint8_t data[sizeof(label) - 1 + 8], hash[32];

	memcpy(data, label, sizeof(label) - 1);
	for (int i = 0; i < 8; i++)
		data[sizeof(label) - 1 + (size_t)i] = (uint8_t)(epoch >> (56 - 8 * i));
	hmac_sha256(secret, 32, data, sizeof(data), hash);
	memcpy(out, hash, 16);
}

static bool has_keys(const struct settings *settings)
{
	static const struct settings none;

	return memcmp(settings->cookie_key, none.cookie_key, sizeof(none.cookie_key)) != 0;
}

enum err settle_begin(
	struct settle *settle, struct packets *packets, const struct agent_settings *settings)
{
	uint32_t key = 0;
	int result;

	memset(settle, 0, sizeof(*settle));
	settle->settings = settings;
	result = packets_get(packets, PACKET_SETTINGS, &key, &settle->now);
	if (result != 0)
		return fail(
			ERR_SYSTEM, "read the settings of the packet path: %s", strerror(-result));
	settle->life_offset_ms =
		(settle->now.life_offset_ns - settle->now.utc_offset_ns) / NS_PER_MS;
	if (has_keys(&settle->now))
		return OK;
	if (getrandom(settle->cookie_secret, sizeof(settle->cookie_secret), 0) !=
		sizeof(settle->cookie_secret))
		return fail(ERR_SYSTEM, "read random bytes: %s", strerror(errno));
	settle->told = true;
	return OK;
}

bool settle_told(struct settle *settle, const struct snapshot_header *header)
{
	if (settle->told && settle->life_offset_ms == header->life_offset_ms &&
		memcmp(settle->cookie_secret, header->cookie_secret,
			sizeof(settle->cookie_secret)) == 0)
		return false;
	settle->told = true;
	settle->life_offset_ms = header->life_offset_ms;
	memcpy(settle->cookie_secret, header->cookie_secret, sizeof(settle->cookie_secret));
	return true;
}

enum err settle_write(struct settle *settle, struct packets *packets)
{
	struct settings *now = &settle->now;
	int64_t before = boot_ns(), utc = clock_ns(CLOCK_REALTIME), after = boot_ns();
	uint64_t epoch = (uint64_t)(utc / NS_PER_SECOND) / COOKIE_EPOCH_SECONDS;
	uint32_t key = 0;
	int result;

	now->utc_offset_ns = utc - (before + (after - before) / 2);
	if (__builtin_mul_overflow(settle->life_offset_ms, NS_PER_MS, &now->life_offset_ns) ||
		__builtin_add_overflow(
			now->life_offset_ns, now->utc_offset_ns, &now->life_offset_ns))
		return fail(ERR_LIMIT, "offset of the life-cycle clock is out of range");
	if (settle->told) {
		cookie_key(settle->cookie_secret, epoch, now->cookie_key[epoch & 1]);
		cookie_key(settle->cookie_secret, epoch - 1, now->cookie_key[(epoch - 1) & 1]);
		now->cookie_epoch = (uint32_t)epoch;
	}
	now->source_count[0] = settle->settings->source_count[0];
	now->source_count[1] = settle->settings->source_count[1];
	now->port_first = settle->settings->port_first;
	now->port_count = settle->settings->port_count;
	if (++now->edition == 0)
		now->edition = 1;
	result = packets_put(packets, PACKET_SETTINGS, &key, now);
	if (result != 0)
		return fail(
			ERR_SYSTEM, "write the settings of the packet path: %s", strerror(-result));
	return OK;
}

int64_t settle_life_offset_ms(const struct settle *settle)
{
	return (settle->now.life_offset_ns - settle->now.utc_offset_ns) / NS_PER_MS;
}
