/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where those who came are: of samples that nodes take of new connections and of requests (docs/decisions/036), since this
 * control started. A count is a share of all, exact when all fitted the samples. Countries of a web site's requests nodes
 * count themselves: actions/web_top.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/actions/place.h"
#include "control/actions/tables.h"
#include "control/actions/web_figures.h"
#include "control/engine/visits.h"

#define SECONDS_MAX INT64_C(253402300799) /* the year 9999 */
/* Addresses that are looked up for one answer, each in two databases: a tenth of a second. Their error is below a hundredth. */
#define LOOKED_UP_MAX 16384
#define LOOKED_UP_MIN 64 /* of each instance or site */

struct visitor_args {
	const char *domain, *id, *resource_group;
	struct text_list ids;
	int64_t from, until;
};

/* ---- sums */

struct found {
	const struct region_reader *reader;
	struct place_sums sums[PLACE_BY_COUNT]; /* those without room are not asked for */
	struct visit_place *place;
	size_t max; /* places of each subject */
	int64_t from_ms, until_ms;
	uint64_t total;
	size_t looked_up;
};

static enum err begin(struct call *call, const struct visitor_args *args, size_t subjects,
	const struct region_reader *reader, struct found *out)
{
	int64_t until = args->until >= 0 ? args->until : call->clock_ms / SECOND_MS;

	*out = (struct found){ .reader = reader,
		.max = subjects ? LOOKED_UP_MAX / subjects : LOOKED_UP_MAX,
		.from_ms = args->from * SECOND_MS,
		.until_ms = until * SECOND_MS + SECOND_MS };
	if (out->max < LOOKED_UP_MIN)
		out->max = LOOKED_UP_MIN;
	out->place = arena_array(call->mem, out->max, sizeof(*out->place));
	return out->place ? OK : ERR_MEMORY;
}

static void look_up(struct call *call, enum visitors_of of, int64_t number, struct found *found)
{
	size_t count = nodes_visits(
		call->nodes, of, number, found->from_ms, found->until_ms, found->place, found->max);

	for (size_t i = 0; i < count; i++) {
		struct place_names names;

		place_name(found->reader, found->place[i].source.byte, &names);
		for (unsigned by = 0; by < PLACE_BY_COUNT; by++)
			if (found->sums[by].sum)
				place_sums_add(&found->sums[by], &names, found->place[i].count);
		found->total += found->place[i].count;
	}
	found->looked_up += count;
}

static enum err want(struct call *call, enum place_by by, struct found *found)
{
	return place_sums_begin(call, by, &found->sums[by]);
}

static enum err put_found(struct call *call, struct found *found, enum place_by by,
	const char *list_name, const struct place_list *as)
{
	json_t *list;

	TRY(put_list(call->reply, list_name, &list));
	return place_sums_put(list, &found->sums[by], as);
}

/* ---- published */

#define VIEW_TIMES(...)                                                                            \
	PARAM(visitor_args, from, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,      \
		.max = SECONDS_MAX, .type = "Long", .help = "first second to show"),               \
		PARAM(visitor_args, until, "EndTime", .kind = PARAM_INT, .min = 0,                 \
			.max = SECONDS_MAX, .type = "Long", .help = "last second to show",         \
			__VA_ARGS__),                                                              \
		PARAM_RESOURCE_GROUP(visitor_args)
static const struct param port_params[] = {
	PARAM_INSTANCE_IDS(visitor_args, .required = true),
	VIEW_TIMES(.required = true),
	PARAM_ROW_END,
};
static const struct param port_province_params[] = {
	PARAM_INSTANCE_IDS(visitor_args, .required = true),
	VIEW_TIMES(.empty_is_absent = true, .fallback = -1),
	PARAM_ROW_END,
};
static const struct param domain_params[] = {
	PARAM_DOMAIN(visitor_args, .empty_is_absent = true),
	PARAM_FROM(visitor_args),
	PARAM_UNTIL(visitor_args, .required = true),
	PARAM_RESOURCE_GROUP(visitor_args),
	PARAM_ROW_END,
};

static enum err put_ports(struct call *call, const struct visitor_args *args, enum place_by by,
	const char *list_name, const char *name)
{
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct instance *instances = NULL;
	struct found found;
	size_t count = 0;

	if (args->until >= 0 && args->until < args->from)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must not be before StartTime.");
	TRY(call_instances_of_group(call, &args->ids, args->resource_group, &instances, &count));
	TRY(place_reader_open(call, &reader));
	TRY(begin(call, args, count, reader, &found));
	TRY(want(call, by, &found));
	for (size_t i = 0; i < count; i++)
		look_up(call, VISITORS_INSTANCE, instances[i].number, &found);
	return put_found(call, &found, by, list_name,
		&(struct place_list){ name, "Count", NULL, PLACES_MAX });
}

static enum err port_countries_run(struct call *call, const void *raw)
{
	return put_ports(call, raw, PLACE_COUNTRY, "SourceCountrys", "CountryId");
}

static enum err port_providers_run(struct call *call, const void *raw)
{
	return put_ports(call, raw, PLACE_PROVIDER, "Isps", "IspId");
}

static enum err port_provinces_run(struct call *call, const void *raw)
{
	return put_ports(call, raw, PLACE_PROVINCE, "SourceProvinces", "ProvinceId");
}

static enum err domain_provinces_run(struct call *call, const void *raw)
{
	const struct visitor_args *args = raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct website *website;
	struct found found;
	size_t sites;

	TRY(figure_span(call, args->from, args->until));
	TRY(figure_sites(call, args->domain, &website, &sites));
	TRY(place_reader_open(call, &reader));
	TRY(begin(call, args, sites, reader, &found));
	TRY(want(call, PLACE_PROVINCE, &found));
	for (size_t i = 0; i < sites; i++)
		look_up(call, VISITORS_SITE, website[i].number, &found);
	return put_found(call, &found, PLACE_PROVINCE, "SourceProvinces",
		&(struct place_list){ "ProvinceId", "Count", NULL, PLACES_MAX });
}

/* ---- our own: all that is known of one */

static const struct param own_params[] = {
	PARAM_INSTANCE_ID(visitor_args, .empty_is_absent = true),
	PARAM_DOMAIN(visitor_args, .empty_is_absent = true),
	PARAM(visitor_args, from, "StartTime", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = SECONDS_MAX, .fallback = -1,
		.help = "seconds since 1970; an hour before EndTime when absent"),
	PARAM(visitor_args, until, "EndTime", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = SECONDS_MAX, .fallback = -1, .help = "seconds since 1970; now when absent"),
	PARAM_ROW_END,
};

static enum err find_subject(
	struct call *call, const struct visitor_args *args, enum visitors_of *of, int64_t *number)
{
	const char *id = args->id;
	struct text_list ids = { .item = &id, .count = 1 };
	struct instance *instance;
	struct website website;
	size_t count;

	if (!args->id == !args->domain)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Either InstanceId or Domain must be there, and not both.");
	*of = args->domain ? VISITORS_SITE : VISITORS_INSTANCE;
	if (args->domain) {
		TRY(call_website(call, args->domain, &website));
		*number = website.number;
		return OK;
	}
	TRY(call_instances(call, &ids, &instance, &count));
	*number = instance[0].number;
	return OK;
}

static enum err own_run(struct call *call, const void *raw)
{
	struct visitor_args args = *(const struct visitor_args *)raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	int64_t number = 0;
	enum visitors_of of = VISITORS_INSTANCE;
	struct found found;

	if (args.until < 0)
		args.until = call->clock_ms / SECOND_MS;
	if (args.from < 0)
		args.from = args.until > HOUR_MS / SECOND_MS ? args.until - HOUR_MS / SECOND_MS : 0;
	if (args.until < args.from)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must not be before StartTime.");
	TRY(find_subject(call, &args, &of, &number));
	TRY(place_reader_open(call, &reader));
	TRY(begin(call, &args, 1, reader, &found));
	TRY(want(call, PLACE_COUNTRY, &found));
	TRY(want(call, PLACE_PROVINCE, &found));
	TRY(want(call, PLACE_PROVIDER, &found));
	look_up(call, of, number, &found);
	TRY(put_int(call->reply, "Total", (int64_t)found.total));
	TRY(put_int(call->reply, "LookedUp", (int64_t)found.looked_up));
	TRY(put_found(call, &found, PLACE_COUNTRY, "Countries",
		&(struct place_list){ "Country", "Count", NULL, PLACES_MAX }));
	TRY(put_found(call, &found, PLACE_PROVINCE, "Provinces",
		&(struct place_list){ "Province", "Count", NULL, PLACES_MAX }));
	return put_found(call, &found, PLACE_PROVIDER, "Providers",
		&(struct place_list){ "Provider", "Count", "Organisation", PLACES_MAX });
}

/* ---- rows */

static const struct reply_list country_lists[] = { { "SourceCountrys", "Country" },
	{ NULL, NULL } };
static const struct reply_list isp_lists[] = { { "Isps", "Isp" }, { NULL, NULL } };
static const struct reply_list province_lists[] = { { "SourceProvinces", "Province" },
	{ NULL, NULL } };
static const struct reply_list own_lists[] = { { "Countries", "Country" },
	{ "Provinces", "Province" }, { "Providers", "Provider" }, { NULL, NULL } };

const struct action visitor_actions[] = {
	DDOSCOO_READ("DescribePortViewSourceCountries", port_params, visitor_args,
		port_countries_run, country_lists, "counts connections to instances by country"),
	DDOSCOO_READ("DescribePortViewSourceIsps", port_params, visitor_args, port_providers_run,
		isp_lists, "counts connections to instances by provider"),
	DDOSCOO_READ("DescribePortViewSourceProvinces", port_province_params, visitor_args,
		port_provinces_run, province_lists,
		"counts connections to instances by administrative region of China"),
	DDOSCOO_READ("DescribeDomainViewSourceProvinces", domain_params, visitor_args,
		domain_provinces_run, province_lists,
		"counts the requests of a web site by administrative region of China"),
	{ VERSION_POLDER, "DescribeVisitors", READ, PERMISSION_READ, own_params,
		sizeof(struct visitor_args), own_run, own_lists,
		"shows where those are who came to an instance's ports or to a web site", 0 },
	{ 0 },
};
