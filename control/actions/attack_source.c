/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who attacked: lists that nodes make of samples (docs/decisions/031), of an attack that goes on as they are now, else as they
 * were written with its record. Packets are estimates, on the low side. Countries and providers are looked up in the operator's databases
 * when somebody asks: of sources that are in the lists, and "unknown" where no database tells.
 *
 * What is published about the countries of traffic to ports is answered from the same lists: it is of attacks, not of
 * connections, which nobody counts by country.
 */
#include "control/call.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/engine/attackers.h"
#include "control/region.h"
#include "control/store/attack.h"

#define SECONDS_MAX    INT64_C(253402300799) /* the year 9999 */
#define UNKNOWN	       "unknown"
#define SOURCES_SHOWN  5 /* published: unless Range says otherwise */
#define PORTS_SHOWN    10
#define ATTACKS_SUMMED 100 /* of a time: the newest */
/* Different countries, or providers, of one answer. */
#define PLACES_MAX 1024

DEFINE_AUTO(region_reader, struct region_reader *, region_reader_close);

struct source_args {
	const char *ip, *type, *region, *port, *resource_group;
	struct text_list ids;
	int64_t from, until, range, number;
};

/* ---- one attack */

static enum err load_top(struct call *call, const struct attack_row *row, struct attack_top **out)
{
	struct attack_top *top = arena_take(call->mem, sizeof(*top));

	if (!top)
		return ERR_MEMORY;
	*out = top;
	if (row->attack.end_ms == 0 && row->kind != ATTACK_WEB_CC &&
		nodes_attackers(call->nodes, row->subject, row->kind, top) &&
		!attack_top_is_empty(top))
		return OK;
	return attack_top_load(call->db, call->mem, row->number, top);
}

/* The top of the attack that the arguments name: without one it is empty. Times may be of a whole minute. */
static enum err find_top(struct call *call, const struct source_args *args, const char *type,
	struct attack_top **out)
{
	struct attack_at at = { args->ip, type, args->from, 1 };
	struct attack_row row;
	bool found;

	TRY(attack_find(call, &at, &found, &row));
	at.within_s = 60;
	if (!found && args->from % 60 == 0)
		TRY(attack_find(call, &at, &found, &row));
	if (found)
		return load_top(call, &row, out);
	*out = arena_take(call->mem, sizeof(**out));
	return *out ? OK : ERR_MEMORY;
}

static enum err open_reader(struct call *call, struct region_reader **out)
{
	*out = region_reader_open(call->regions, call->mem);
	return *out ? OK : ERR_MEMORY;
}

struct origin_names {
	char country[8], provider[PROVIDER_SIZE], organisation[ORGANISATION_SIZE];
};

static void name_origin(const struct region_reader *reader, const struct attack_place *place,
	struct origin_names *out)
{
	region_country(reader, place->source.byte, out->country);
	region_provider(reader, place->source.byte, out->provider, out->organisation);
	if (!out->country[0])
		memcpy(out->country, UNKNOWN, sizeof(UNKNOWN));
	if (!out->provider[0])
		memcpy(out->provider, UNKNOWN, sizeof(UNKNOWN));
}

/* ---- sums by country or provider */

struct place_sum {
	char name[PROVIDER_SIZE];
	uint64_t packets;
};
struct place_sums {
	struct place_sum *sum; /* PLACES_MAX */
	size_t count;
	bool providers;
};

static void sum_add(struct place_sums *sums, const char *name, uint64_t packets)
{
	size_t i = 0;

	while (i < sums->count && strcmp(sums->sum[i].name, name) != 0)
		i++;
	if (i == PLACES_MAX)
		return;
	if (i == sums->count) {
		(void)snprintf(sums->sum[i].name, sizeof(sums->sum[i].name), "%s", name);
		sums->count++;
	}
	sums->sum[i].packets += packets;
}

static void sum_top(
	const struct region_reader *reader, const struct attack_top *top, struct place_sums *sums)
{
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE]; i++) {
		const struct attack_place *place = &top->place[SIGHTED_SOURCE][i];
		struct origin_names names;

		name_origin(reader, place, &names);
		sum_add(sums, sums->providers ? names.provider : names.country, place->packets);
	}
}

static int most_first(const void *a, const void *b)
{
	const struct place_sum *left = a, *right = b;

	if (left->packets != right->packets)
		return left->packets > right->packets ? -1 : 1;
	return strcmp(left->name, right->name);
}

static enum err begin_sums(struct call *call, bool providers, struct place_sums *out)
{
	*out = (struct place_sums){ .providers = providers,
		.sum = arena_array(call->mem, PLACES_MAX, sizeof(*out->sum)) };
	return out->sum ? OK : ERR_MEMORY;
}

static enum err put_sums(
	json_t *list, struct place_sums *sums, const char *name, const char *packets, size_t max)
{
	if (sums->count > 0)
		qsort(sums->sum, sums->count, sizeof(*sums->sum), most_first);
	for (size_t i = 0; i < sums->count && i < max; i++)
		TRY(add(list, json_pack("{s:s, s:I}", name, sums->sum[i].name, packets,
				      (json_int_t)sums->sum[i].packets)));
	return OK;
}

/* ---- published: of one attack */

#define PARAM_ATTACKED(tag)                                                                        \
	PARAM(tag, ip, "Ip", .kind = PARAM_TEXT, .required = true, .max = 64,                      \
		.help = "address of an instance"),                                                 \
		PARAM(tag, type, "EventType", .kind = PARAM_CHOICE, .required = true,              \
			.choices = "defense blackhole cc", .help = "kind of the attack")
#define PARAM_BEGIN(tag, name)                                                                     \
	PARAM(tag, from, name, .kind = PARAM_INT, .required = true, .min = 0, .max = SECONDS_MAX,  \
		.type = "Long", .help = "of the attack, as lists have it, or its minute")
#define PARAM_RANGE(tag, name, shown, ...)                                                         \
	PARAM(tag, range, name, .kind = PARAM_INT, .empty_is_absent = true, .min = 1,              \
		.max = ATTACK_TOP_MAX, .fallback = (shown), .type = "Long",                        \
		.help = "how many to show", __VA_ARGS__)

static const struct param source_params[] = {
	PARAM_ATTACKED(source_args),
	PARAM_BEGIN(source_args, "StartTime"),
	PARAM_RANGE(source_args, "Range", SOURCES_SHOWN, .required = true),
	PARAM_ROW_END,
};
static const struct param place_params[] = {
	PARAM_ATTACKED(source_args),
	PARAM_BEGIN(source_args, "StartTime"),
	PARAM_RANGE(source_args, "Range", ATTACK_TOP_MAX, .required = false),
	PARAM_ROW_END,
};
static const struct param port_params[] = {
	PARAM_ATTACKED(source_args),
	PARAM_BEGIN(source_args, "StartTime"),
	PARAM_RANGE(source_args, "Range", PORTS_SHOWN, .required = true),
	PARAM(source_args, region, "Region", .kind = PARAM_CHOICE, .required = true,
		.choices = "cn cn-hongkong", .help = "of the instance"),
	PARAM_ROW_END,
};
static const struct param flood_params[] = {
	PARAM(source_args, ip, "Ip", .kind = PARAM_TEXT, .required = true, .max = 64,
		.help = "address of an instance"),
	PARAM(source_args, port, "Port", .kind = PARAM_TEXT, .required = true, .max = 5,
		.help = "attacked port"),
	PARAM_BEGIN(source_args, "StartTimestamp"),
	PARAM_RANGE(source_args, "Limit", PORTS_SHOWN, .required = false),
	PARAM_ROW_END,
};

static enum err sources_run(struct call *call, const void *raw)
{
	const struct source_args *args = raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct attack_top *top;
	json_t *list;

	TRY(find_top(call, args, args->type, &top));
	TRY(open_reader(call, &reader));
	TRY(put_list(call->reply, "Ips", &list));
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE] && i < (size_t)args->range; i++) {
		const struct attack_place *place = &top->place[SIGHTED_SOURCE][i];
		struct origin_names names;
		char ip[ADDRESS_TEXT_SIZE];

		address_format(place->source.byte, ip);
		name_origin(reader, place, &names);
		TRY(add(list, json_pack("{s:s, s:s, s:s}", "SrcIp", ip, "AreaId", names.country,
				      "Isp", names.provider)));
	}
	return OK;
}

static enum err put_places(struct call *call, const struct source_args *args, bool providers,
	const char *list_name, const char *name)
{
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct place_sums sums;
	struct attack_top *top;
	json_t *list;

	TRY(find_top(call, args, args->type, &top));
	TRY(open_reader(call, &reader));
	TRY(begin_sums(call, providers, &sums));
	sum_top(reader, top, &sums);
	TRY(put_list(call->reply, list_name, &list));
	return put_sums(list, &sums, name, "InPkts", (size_t)args->range);
}

static enum err areas_run(struct call *call, const void *raw)
{
	return put_places(call, raw, false, "Areas", "Area");
}

static enum err providers_run(struct call *call, const void *raw)
{
	return put_places(call, raw, true, "Isps", "Isp");
}

static enum err ports_run(struct call *call, const void *raw)
{
	const struct source_args *args = raw;
	struct attack_top *top;
	json_t *list;
	size_t count;

	TRY(find_top(call, args, args->type, &top));
	count = top->count[SIGHTED_PORT];
	TRY(put_list(call->reply, "PortList", &list));
	/* The same port of two protocols is one here, at the first of them. */
	for (size_t i = 0, shown = 0; i < count && shown < (size_t)args->range; i++) {
		const struct attack_place *place = top->place[SIGHTED_PORT];
		uint32_t port = place[i].value & UINT16_MAX;
		uint64_t packets = 0;
		size_t first = 0;

		while ((place[first].value & UINT16_MAX) != port)
			first++;
		if (first < i)
			continue;
		for (size_t k = i; k < count; k++)
			packets += (place[k].value & UINT16_MAX) == port ? place[k].packets : 0;
		TRY(add(list, json_pack("{s:o, s:I}", "DstPort", json_sprintf("%u", port), "InPkts",
				      (json_int_t)packets)));
		shown++;
	}
	return OK;
}

static enum err flood_run(struct call *call, const void *raw)
{
	const struct source_args *args = raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct attack_top *top;
	int64_t port, shown = 0;
	json_t *list;

	if (!text_to_int(args->port, &port) || port < 1 || port > UINT16_MAX)
		return refuse(call, ERR_INVALID_PARAMETER, "Port must be a number, 1 to 65535.");
	TRY(find_top(call, args, attack_kind_name(ATTACK_CC), &top));
	TRY(open_reader(call, &reader));
	TRY(put_list(call->reply, "TopIp", &list));
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE] && shown < args->range; i++) {
		const struct attack_place *place = &top->place[SIGHTED_SOURCE][i];
		struct origin_names names;
		char ip[ADDRESS_TEXT_SIZE];

		if ((place->to & UINT16_MAX) != (uint32_t)port)
			continue;
		address_format(place->source.byte, ip);
		name_origin(reader, place, &names);
		TRY(add(list, json_pack("{s:s, s:s, s:I}", "SrcIp", ip, "AreaId", names.country,
				      "Pv", (json_int_t)place->packets)));
		shown++;
	}
	return OK;
}

/* ---- published: of a time */

#define VIEW_PARAMS(...)                                                                           \
	PARAM_INSTANCE_IDS(source_args, .required = true),                                         \
		PARAM(source_args, from, "StartTime", .kind = PARAM_INT, .required = true,         \
			.min = 0, .max = SECONDS_MAX, .type = "Long",                              \
			.help = "seconds since 1970"),                                             \
		PARAM(source_args, until, "EndTime", .kind = PARAM_INT, .min = 0,                  \
			.max = SECONDS_MAX, .type = "Long", .help = "seconds since 1970",          \
			__VA_ARGS__),                                                              \
		PARAM_RESOURCE_GROUP(source_args)
static const struct param view_params[] = { VIEW_PARAMS(.required = true), PARAM_ROW_END };
static const struct param province_params[] = {
	VIEW_PARAMS(.empty_is_absent = true, .fallback = -1),
	PARAM_ROW_END,
};

/* The attacks on the instances that touch the time. */
static enum err load_attacks(
	struct call *call, const struct source_args *args, struct attack_row **rows, size_t *count)
{
	int64_t until = args->until >= 0 ? args->until : call->clock_ms / SECOND_MS;
	struct attack_filter filter = { .account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.kinds = ~(1u << ATTACK_WEB_CC),
		.from_ms = args->from * SECOND_MS,
		.to_ms = until * SECOND_MS + SECOND_MS - 1,
		.limit = ATTACKS_SUMMED };
	struct instance *instances;
	const char **ids;
	size_t known;

	*count = 0;
	if (until < args->from)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must not be before StartTime.");
	TRY(call_instances(call, &args->ids, &instances, &known));
	ids = arena_array(call->mem, known, sizeof(*ids));
	if (!ids)
		return ERR_MEMORY;
	for (size_t i = 0; i < known; i++)
		if (!args->resource_group ||
			strcmp(args->resource_group, instances[i].resource_group) == 0)
			ids[filter.id_count++] = instances[i].id;
	filter.ids = ids;
	return filter.id_count == 0 ? OK
				    : attack_list(call->db, call->mem, &filter, rows, count, NULL);
}

static enum err put_view(struct call *call, const struct source_args *args, bool providers,
	const char *list_name, const char *name)
{
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct attack_row *rows;
	struct place_sums sums;
	json_t *list;
	size_t count;

	TRY(load_attacks(call, args, &rows, &count));
	TRY(open_reader(call, &reader));
	TRY(begin_sums(call, providers, &sums));
	for (size_t i = 0; i < count; i++) {
		struct attack_top *top;

		TRY(load_top(call, &rows[i], &top));
		sum_top(reader, top, &sums);
	}
	TRY(put_list(call->reply, list_name, &list));
	return put_sums(list, &sums, name, "Count", PLACES_MAX);
}

static enum err view_countries_run(struct call *call, const void *raw)
{
	return put_view(call, raw, false, "SourceCountrys", "CountryId");
}

static enum err view_providers_run(struct call *call, const void *raw)
{
	return put_view(call, raw, true, "Isps", "IspId");
}

/* Databases of countries know no provinces, so none is known (docs/decisions/007). */
static enum err view_provinces_run(struct call *call, const void *raw)
{
	struct attack_row *rows;
	json_t *list;
	size_t count;

	TRY(load_attacks(call, raw, &rows, &count));
	return put_list(call->reply, "SourceProvinces", &list);
}

/* ---- our own: all that is known */

static const struct param number_params[] = {
	PARAM(source_args, number, "Number", .kind = PARAM_INT, .required = true, .min = 1,
		.max = INT64_MAX, .help = "of the attack, as DescribeAttacks has it"),
	PARAM_ROW_END,
};

/* An attack of others is none. */
static enum err load_attack(struct call *call, int64_t number, struct attack_row *out)
{
	int64_t account = call_account(call);
	enum err err = attack_load(call->db, call->mem, number, out);
	bool allowed = call->key->instance_count == 0;

	if (err != OK && err != ERR_NOT_FOUND)
		return err;
	for (size_t i = 0; err == OK && !allowed && i < call->key->instance_count; i++)
		allowed = strcmp(call->key->instance[i], out->instance_id) == 0;
	if (err != OK || !allowed || (account != 0 && out->account != account))
		return ERR_ATTACK_NOT_FOUND;
	return OK;
}

static const char *transport_name(uint32_t to)
{
	switch (to >> 16) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		return "";
	}
}

static enum err put_source(
	json_t *list, const struct region_reader *reader, const struct attack_place *place)
{
	struct origin_names names;
	char ip[ADDRESS_TEXT_SIZE];

	address_format(place->source.byte, ip);
	name_origin(reader, place, &names);
	return add(
		list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I}", "Source", ip, "Country",
			      names.country, "Provider", names.provider, "Organisation",
			      names.organisation, "Packets", (json_int_t)place->packets, "Reason",
			      attack_place_reason(place), "Protocol", transport_name(place->to),
			      "Port", (json_int_t)(place->to & UINT16_MAX)));
}

static enum err put_sources(json_t *reply, const struct region_reader *reader,
	const struct attack_top *top, struct place_sums *sums)
{
	json_t *list;

	TRY(put_list(reply, "Sources", &list));
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE]; i++)
		TRY(put_source(list, reader, &top->place[SIGHTED_SOURCE][i]));
	sum_top(reader, top, sums);
	TRY(put_list(reply, "Countries", &list));
	return put_sums(list, sums, "Country", "Packets", PLACES_MAX);
}

static enum err attack_sources_run(struct call *call, const void *raw)
{
	const struct source_args *args = raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct place_sums sums;
	struct attack_row row;
	struct attack_top *top;
	json_t *list;

	TRY(load_attack(call, args->number, &row));
	TRY(load_top(call, &row, &top));
	TRY(open_reader(call, &reader));
	TRY(begin_sums(call, false, &sums));
	TRY(put_sources(call->reply, reader, top, &sums));
	TRY(put_list(call->reply, "Ports", &list));
	for (size_t i = 0; i < top->count[SIGHTED_PORT]; i++) {
		const struct attack_place *place = &top->place[SIGHTED_PORT][i];

		TRY(add(list, json_pack("{s:s, s:I, s:I}", "Protocol", transport_name(place->value),
				      "Port", (json_int_t)(place->value & UINT16_MAX), "Packets",
				      (json_int_t)place->packets)));
	}
	TRY(put_list(call->reply, "Lengths", &list));
	for (size_t i = 0; i < top->count[SIGHTED_LENGTH]; i++) {
		const struct attack_place *place = &top->place[SIGHTED_LENGTH][i];

		TRY(add(list, json_pack("{s:I, s:I}", "Bytes", (json_int_t)place->value, "Packets",
				      (json_int_t)place->packets)));
	}
	return OK;
}

static const struct reply_list source_lists[] = { { "Ips", "EventSrcIp" }, { NULL, NULL } };
static const struct reply_list area_lists[] = { { "Areas", "EventArea" }, { NULL, NULL } };
static const struct reply_list provider_lists[] = { { "Isps", "EventIsp" }, { NULL, NULL } };
static const struct reply_list port_lists[] = { { "PortList", NULL }, { NULL, NULL } };
static const struct reply_list flood_lists[] = { { "TopIp", "TopIpItem" }, { NULL, NULL } };
static const struct reply_list country_lists[] = { { "SourceCountrys", "Country" },
	{ NULL, NULL } };
static const struct reply_list isp_lists[] = { { "Isps", "Isp" }, { NULL, NULL } };
static const struct reply_list province_lists[] = { { "SourceProvinces", "Province" },
	{ NULL, NULL } };
static const struct reply_list own_lists[] = {
	{ "Sources", "Source" },
	{ "Countries", "Country" },
	{ "Ports", "Port" },
	{ "Lengths", "Length" },
	{ NULL, NULL },
};

const struct action attack_source_actions[] = {
	DDOSCOO_READ("DescribeDDosEventSrcIp", source_params, source_args, sources_run,
		source_lists, "lists the sources of an attack"),
	DDOSCOO_READ("DescribeDDosEventArea", place_params, source_args, areas_run, area_lists,
		"counts packets of an attack's sources by country"),
	DDOSCOO_READ("DescribeDDosEventIsp", place_params, source_args, providers_run,
		provider_lists, "counts packets of an attack's sources by provider"),
	DDOSCOO_READ("DescribeDestinationPortEvent", port_params, source_args, ports_run,
		port_lists, "lists the ports that an attack went to"),
	DDOSCOO_READ("DescribePortCcAttackTopIP", flood_params, source_args, flood_run, flood_lists,
		"lists the sources of a flood of connections to a port"),
	DDOSCOO_READ("DescribePortViewSourceCountries", view_params, source_args,
		view_countries_run, country_lists,
		"counts packets of attacks on instances by country"),
	DDOSCOO_READ("DescribePortViewSourceIsps", view_params, source_args, view_providers_run,
		isp_lists, "counts packets of attacks on instances by provider"),
	DDOSCOO_READ("DescribePortViewSourceProvinces", province_params, source_args,
		view_provinces_run, province_lists,
		"counts packets of attacks on instances by province: none is known"),
	{ VERSION_POLDER, "DescribeAttackSources", READ, PERMISSION_READ, number_params,
		sizeof(struct source_args), attack_sources_run, own_lists,
		"shows who attacked: sources, countries, ports and lengths of packets", 0 },
	{ 0 },
};
