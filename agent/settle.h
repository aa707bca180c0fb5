/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Map "settings": the clock's offsets, the cookie keys, the back-to-origin pool.
 */
#ifndef AGENT_SETTLE_H
#define AGENT_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/packets.h"
#include "base/error.h"
#include "shared/snapshot_abi.h"

struct settle {
	const struct agent_settings *settings;
	bool told; /* the two below come from the control */
	int64_t life_offset_ms;
	uint8_t cookie_secret[32];
	struct settings now; /* as last written */
};

/* Reads what an earlier agent left: its offset and its keys hold until the control is heard. Without any, the
 * keys are random: a known key would let anyone forge cookies. */
enum err settle_begin(struct settle *settle, struct packets *packets,
	const struct agent_settings *settings) MUST_USE;
/* Takes what the control says; false: it is what was taken before. */
bool settle_told(struct settle *settle, const struct snapshot_header *header);
/* Writes the settings as of now: each second, and when a clock or an offset moved. */
enum err settle_write(struct settle *settle, struct packets *packets) MUST_USE;
/* The life-cycle offset that is in force in the packet path. */
int64_t settle_life_offset_ms(const struct settle *settle);

/* CLOCK_BOOTTIME: bpf_ktime_get_boot_ns(). */
int64_t boot_ns(void);
/* Pure, for tests: key of epoch from the secret. */
void cookie_key(const uint8_t secret[32], uint64_t epoch, __u64 out[2]);

#endif
