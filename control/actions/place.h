/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where addresses are, in the words of replies, and sums by that: from the operator's databases, looked up when somebody asks.
 */
#ifndef CONTROL_ACTIONS_PLACE_H
#define CONTROL_ACTIONS_PLACE_H

#include <jansson.h>

#include "base/auto.h"
#include "control/call.h"
#include "control/region.h"

DEFINE_AUTO(region_reader, struct region_reader *, region_reader_close);

#define PLACE_UNKNOWN	"unknown"
#define PLACE_CODE_SIZE 8
/* Different ones of one answer: more than there are countries; of more providers the first that are met are summed. */
#define PLACES_MAX 1024

struct place_names {
	char country[PLACE_CODE_SIZE];	/* two small letters */
	char province[PLACE_CODE_SIZE]; /* six digits; "": not of China, or not known */
	char provider[PROVIDER_SIZE], organisation[ORGANISATION_SIZE];
};
enum err place_reader_open(struct call *call, struct region_reader **out) MUST_USE;
/* PLACE_UNKNOWN for country and provider where no database tells. */
void place_name(
	const struct region_reader *reader, const uint8_t address[16], struct place_names *out);
/* As published for attacks: of China the province where it is known, else the country. */
const char *place_area(const struct place_names *names);

enum place_by {
	PLACE_COUNTRY,
	PLACE_AREA,
	PLACE_PROVINCE, /* who is in none is not counted */
	PLACE_PROVIDER,
	PLACE_BY_COUNT
};
struct place_sums {
	struct place_sum *sum; /* PLACES_MAX */
	size_t count;
	enum place_by by;
};
enum err place_sums_begin(struct call *call, enum place_by by, struct place_sums *out) MUST_USE;
void place_sums_add(struct place_sums *sums, const struct place_names *names, uint64_t count);
/* Appends the first max as {name: place, counted: sum}, the largest first; organisation (may be NULL): the name of a third
 * member, of providers. */
struct place_list {
	const char *name, *counted, *organisation;
	size_t max;
};
enum err place_sums_put(
	json_t *list, struct place_sums *sums, const struct place_list *as) MUST_USE;

#endif
