/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an instance is protected beside its lists and port rules: the mode of each mitigation, its limits, and
 * whether it is in the blackhole. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_PROTECTION_H
#define CONTROL_MODEL_PROTECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "control/model/instance.h"
#include "shared/packet_abi.h"

/*
 * SYNs a second that pass without a cookie, of an instance that names no number of its own: what an origin
 * bears from forged sources without noticing. docs/decisions/008.
 */
#define SYN_THRESHOLD_DEFAULT 200
#define SYN_THRESHOLD_UNSET   (-1)

/* Of a mitigation whose mode nobody chose. */
#define MITIGATION_UNSET 3

/* Bandwidth limits that can be asked for (published): Mbit/s. */
#define REAL_LIMIT_MBPS_MAX 15360

/* How readily automatic block-list entries are made. */
enum strictness {
	STRICTNESS_LOOSE, /* what would be blocked is counted only */
	STRICTNESS_NORMAL,
	STRICTNESS_STRICT, /* entries last at least STRICT_BLOCK_MS */
	STRICTNESS_COUNT
};
#define STRICT_BLOCK_MS (60 * 60 * 1000)

struct protection {
	int64_t instance_number;
	uint8_t mode[MITIGATION_COUNT]; /* enum mitigation_mode, or MITIGATION_UNSET */
	bool auto_block;		/* automatic block-list entries */
	enum strictness strictness;
	int64_t real_limit_mbps; /* clean bandwidth that is enforced; 0: none */
	int64_t syn_threshold;	 /* a second; SYN_THRESHOLD_UNSET: the default */
	int64_t unproven_max;	 /* UDP packets of unproven sources a second; 0: unlimited */
	int64_t packets_max;	 /* toward origins, a second; 0: unlimited */
	/* Machine time; both 0: not in the blackhole. */
	int64_t blackhole_from_ms, blackhole_until_ms;
};

/* Of an instance for which nothing was set. */
struct protection protection_default(int64_t instance_number);
/* What is in force: the mode that was chosen, or the default. */
enum mitigation_mode protection_mode(
	const struct protection *protection, enum mitigation mitigation);
/* All that would block only watches: what a new instance is to begin with where the operator wants to look first. */
void protection_watch_all(struct protection *protection);
/* As bits: mode BLOCK, mode WATCH. */
void protection_masks(const struct protection *protection, uint32_t *block, uint32_t *watch);
/* Bytes a second toward origins that nodes enforce; 0: none. docs/decisions/007. */
uint64_t protection_bytes_max(const struct protection *protection, const struct plan *plan);
/* Attack volume in bytes a second above which an instance of this plan goes into the blackhole. */
uint64_t protection_ceiling(const struct plan *plan);

const char *mitigation_name(enum mitigation mitigation); /* as in mitigations.def */
const char *mitigation_text(enum mitigation mitigation);
bool mitigation_from_name(const char *name, enum mitigation *out);
const char *mitigation_mode_name(enum mitigation_mode mode); /* "off", "watch", "block" */
bool mitigation_mode_from_name(const char *name, enum mitigation_mode *out);
const char *strictness_name(enum strictness strictness); /* "loose", "normal", "strict" */
bool strictness_from_name(const char *name, enum strictness *out);

/* The modes that were chosen, as "region=watch icmp=block", for the store: rows of mitigations.def may move. */
void protection_modes_format(const struct protection *protection, struct text *out);
/* Names that no row has, and modes that are none, are left out. */
void protection_modes_parse(const char *text, struct protection *out);

#endif
