/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Countries and China's administrative regions: codes, and the bits by which nodes know countries.
 */
#ifndef CONTROL_MODEL_COUNTRY_H
#define CONTROL_MODEL_COUNTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/packet_abi.h"

struct country {
	const char *code; /* ISO 3166-1 alpha-2 */
	int64_t number;	  /* as in the published interface; 0: it has none */
	const char *name;
};
extern const struct country countries[];
extern const size_t country_count;

/* Index in countries[], or -1. Bit index + 1 is the country's in struct region_policy. */
int country_by_code(const char *code, size_t length);
int country_by_number(int64_t number);
/* Sets the bits of the codes in "AD US"; those that no row has are left out. */
void countries_to_bits(const char *codes, uint64_t bits[4]);
/* The same of "71 82", regions that databases know as countries; the others cannot be on, see actions/policy.c. */
void provinces_to_bits(const char *numbers, uint64_t bits[4]);
/* Every known country but China's mainland: what diversion keeps away. */
void countries_abroad(uint64_t bits[4]);

/* Whether a number is the code of an administrative region (GB/T 2260), and its name. */
const char *province_name(int64_t number); /* NULL: none */
/* Regions that are countries of their own to databases of addresses: 71 TW, 81 HK, 82 MO. NULL: the others. */
const char *province_country(int64_t number);
int64_t province_by_country(const char *code); /* 0: it is none of these */
/* The region that a database of addresses means by a subdivision of China: the code of ISO 3166-2 (before 2017 digits), with
 * or without "CN-", or the English name, which may go on ("Ningxia Hui Autonomous Region"). 0: none. */
int64_t province_by_subdivision(const char *text, size_t length);

#endif
