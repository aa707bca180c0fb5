/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance refuses beside its lists: countries, source ports of reflectors, payloads; and for a
 * time, what comes from abroad (diversion). No I/O, no clock.
 */
#ifndef CONTROL_MODEL_POLICY_H
#define CONTROL_MODEL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/limits.h"

/* Codes of China's administrative regions have two digits (GB/T 2260). */
#define PROVINCE_MAX 64

/* Lines from which diversion keeps traffic away; published names "ct", "cut". */
enum diversion_line {
	DIVERSION_CT,
	DIVERSION_CUT,
	DIVERSION_COUNT
};

struct payload_pattern {
	int64_t protocol; /* enum protocol; 0: both */
	int64_t port;	  /* of the rule; 0: any */
	int64_t offset;	  /* in the payload */
	size_t length;	  /* bytes compared */
	uint8_t value[PATTERN_BYTES_MAX], mask[PATTERN_BYTES_MAX];
};

struct policy {
	int64_t instance_number;
	bool region_on;
	const char *countries; /* ISO 3166 codes, "AD US"; never NULL */
	const char *provinces; /* numbers, "11 12"; never NULL */
	size_t reflection_count;
	uint16_t reflection[REFLECTION_MAX]; /* source ports, ascending */
	/* Machine time; both 0: never. diverted: nodes were told, and not yet that it is over. */
	struct {
		int64_t from_ms, until_ms;
	} diversion[DIVERSION_COUNT];
	bool diverted;
	size_t pattern_count;
	struct payload_pattern pattern[PATTERN_MAX];
};

#endif
