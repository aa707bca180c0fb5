/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Provinces are published as the first two digits of GB/T 2260 where they are set, and as all six where they are shown.
 */
#include "control/actions/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place_sum {
	char name[PROVIDER_SIZE];
	char organisation[ORGANISATION_SIZE];
	uint64_t count;
};

enum err place_reader_open(struct call *call, struct region_reader **out)
{
	*out = region_reader_open(call->regions, call->mem);
	return *out ? OK : ERR_MEMORY;
}

void place_name(
	const struct region_reader *reader, const uint8_t address[16], struct place_names *out)
{
	int64_t province;

	*out = (struct place_names){ .country = "" };
	region_country(reader, address, out->country);
	province = region_province(reader, address, out->country);
	if (province != 0)
		(void)snprintf(
			out->province, sizeof(out->province), "%d0000", (int)(province % 100));
	region_provider(reader, address, out->provider, out->organisation);
	if (!out->country[0])
		memcpy(out->country, PLACE_UNKNOWN, sizeof(PLACE_UNKNOWN));
	if (!out->provider[0])
		memcpy(out->provider, PLACE_UNKNOWN, sizeof(PLACE_UNKNOWN));
}

const char *place_area(const struct place_names *names)
{
	return names->province[0] ? names->province : names->country;
}

enum err place_sums_begin(struct call *call, enum place_by by, struct place_sums *out)
{
	*out = (struct place_sums){ .by = by,
		.sum = arena_array(call->mem, PLACES_MAX, sizeof(*out->sum)) };
	return out->sum ? OK : ERR_MEMORY;
}

static const char *name_of(enum place_by by, const struct place_names *names)
{
	switch (by) {
	case PLACE_AREA:
		return place_area(names);
	case PLACE_PROVINCE:
		return names->province;
	case PLACE_PROVIDER:
		return names->provider;
	case PLACE_COUNTRY:
	case PLACE_BY_COUNT:
		break;
	}
	return names->country;
}

void place_sums_add(struct place_sums *sums, const struct place_names *names, uint64_t count)
{
	const char *name = name_of(sums->by, names);
	struct place_sum *sum;
	size_t i = 0;

	if (!name[0])
		return;
	while (i < sums->count && strcmp(sums->sum[i].name, name) != 0)
		i++;
	if (i == PLACES_MAX)
		return;
	sum = &sums->sum[i];
	if (i == sums->count) {
		(void)snprintf(sum->name, sizeof(sum->name), "%s", name);
		if (sums->by == PLACE_PROVIDER)
			memcpy(sum->organisation, names->organisation, sizeof(sum->organisation));
		sums->count++;
	}
	sum->count += count;
}

static int most_first(const void *a, const void *b)
{
	const struct place_sum *left = a, *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->name, right->name);
}

enum err place_sums_put(json_t *list, struct place_sums *sums, const struct place_list *as)
{
	if (sums->count > 0)
		qsort(sums->sum, sums->count, sizeof(*sums->sum), most_first);
	for (size_t i = 0; i < sums->count && i < as->max; i++) {
		const struct place_sum *sum = &sums->sum[i];
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_text(item, as->name, sum->name));
		TRY(put_int(item, as->counted, (int64_t)sum->count));
		if (as->organisation)
			TRY(put_text(item, as->organisation, sum->organisation));
	}
	return OK;
}
