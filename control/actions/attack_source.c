/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who attacked: lists that nodes make of samples (docs/decisions/031), and of the requests that they refuse (036), of an attack
 * that goes on as they are now, else as they were written with its record. Packets are estimates, on the low side; of web-cc
 * they are requests. Countries and providers are looked up in the operator's databases when somebody asks: of sources that are
 * in the lists, and "unknown" where no database tells.
 */
#include "control/call.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/actions/place.h"
#include "control/actions/tables.h"
#include "control/engine/attackers.h"
#include "control/store/attack.h"

#define SECONDS_MAX   INT64_C(253402300799) /* the year 9999 */
#define SOURCES_SHOWN 5			    /* published: unless Range says otherwise */
#define PORTS_SHOWN   10

struct source_args {
	const char *ip, *type, *region, *port;
	int64_t from, range, number;
};

/* ---- one attack */

static enum err load_top(struct call *call, const struct attack_row *row, struct attack_top **out)
{
	struct attack_top *top = arena_take(call->mem, sizeof(*top));

	if (!top)
		return ERR_MEMORY;
	*out = top;
	if (row->attack.end_ms == 0 && nodes_attackers(call->nodes, row->kind, row->subject, top) &&
		!attack_top_is_empty(top))
		return OK;
	return attack_top_load(call->db, call->mem, row->number, row->kind, top);
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

/* ---- sums by place */

static void sum_top(
	const struct region_reader *reader, const struct attack_top *top, struct place_sums *sums)
{
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE]; i++) {
		const struct attack_place *place = &top->place[SIGHTED_SOURCE][i];
		struct place_names names;

		place_name(reader, place->source.byte, &names);
		place_sums_add(sums, &names, place->packets);
	}
}

/* A list of it, in a reply or in a part of one. */
static enum err put_sums(struct call *call, const struct region_reader *reader,
	const struct attack_top *top, enum place_by by, const char *list_name,
	const struct place_list *as)
{
	struct place_sums sums;
	json_t *list;

	TRY(place_sums_begin(call, by, &sums));
	sum_top(reader, top, &sums);
	TRY(put_list(call->reply, list_name, &list));
	return place_sums_put(list, &sums, as);
}

/* ---- published: of one attack */

#define PARAM_ATTACKED(tag)                                                                        \
	PARAM(tag, ip, "Ip", .kind = PARAM_TEXT, .required = true, .max = 64,                      \
		.help = "address of an instance"),                                                 \
		PARAM(tag, type, "EventType", .kind = PARAM_CHOICE, .required = true,              \
			.choices = "defense blackhole cc web-cc", .help = "kind of the attack")
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
	TRY(place_reader_open(call, &reader));
	TRY(put_list(call->reply, "Ips", &list));
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE] && i < (size_t)args->range; i++) {
		const struct attack_place *place = &top->place[SIGHTED_SOURCE][i];
		struct place_names names;
		char ip[ADDRESS_TEXT_SIZE];

		address_format(place->source.byte, ip);
		place_name(reader, place->source.byte, &names);
		TRY(add(list, json_pack("{s:s, s:s, s:s}", "SrcIp", ip, "AreaId",
				      place_area(&names), "Isp", names.provider)));
	}
	return OK;
}

static enum err put_places(struct call *call, const struct source_args *args, enum place_by by,
	const char *list_name, const char *name)
{
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct attack_top *top;

	TRY(find_top(call, args, args->type, &top));
	TRY(place_reader_open(call, &reader));
	return put_sums(call, reader, top, by, list_name,
		&(struct place_list){ name, "InPkts", NULL, (size_t)args->range });
}

static enum err areas_run(struct call *call, const void *raw)
{
	return put_places(call, raw, PLACE_AREA, "Areas", "Area");
}

static enum err providers_run(struct call *call, const void *raw)
{
	return put_places(call, raw, PLACE_PROVIDER, "Isps", "Isp");
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
	TRY(place_reader_open(call, &reader));
	TRY(put_list(call->reply, "TopIp", &list));
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE] && shown < args->range; i++) {
		const struct attack_place *place = &top->place[SIGHTED_SOURCE][i];
		struct place_names names;
		char ip[ADDRESS_TEXT_SIZE];

		if ((place->to & UINT16_MAX) != (uint32_t)port)
			continue;
		address_format(place->source.byte, ip);
		place_name(reader, place->source.byte, &names);
		TRY(add(list, json_pack("{s:s, s:s, s:I}", "SrcIp", ip, "AreaId",
				      place_area(&names), "Pv", (json_int_t)place->packets)));
		shown++;
	}
	return OK;
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

static enum err put_source(json_t *list, const struct region_reader *reader, enum attack_kind kind,
	const struct attack_place *place)
{
	struct place_names names;
	char ip[ADDRESS_TEXT_SIZE];

	address_format(place->source.byte, ip);
	place_name(reader, place->source.byte, &names);
	return add(list,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I}", "Source", ip, "Country",
			names.country, "Province", names.province, "Provider", names.provider,
			"Organisation", names.organisation, "Packets", (json_int_t)place->packets,
			"Reason", attack_place_reason(kind, place), "Protocol",
			transport_name(place->to), "Port", (json_int_t)(place->to & UINT16_MAX)));
}

static enum err put_sources(struct call *call, const struct region_reader *reader,
	enum attack_kind kind, const struct attack_top *top)
{
	json_t *list;

	TRY(put_list(call->reply, "Sources", &list));
	for (size_t i = 0; i < top->count[SIGHTED_SOURCE]; i++)
		TRY(put_source(list, reader, kind, &top->place[SIGHTED_SOURCE][i]));
	TRY(put_sums(call, reader, top, PLACE_COUNTRY, "Countries",
		&(struct place_list){ "Country", "Packets", NULL, PLACES_MAX }));
	TRY(put_sums(call, reader, top, PLACE_PROVINCE, "Provinces",
		&(struct place_list){ "Province", "Packets", NULL, PLACES_MAX }));
	return put_sums(call, reader, top, PLACE_PROVIDER, "Providers",
		&(struct place_list){ "Provider", "Packets", "Organisation", PLACES_MAX });
}

static enum err attack_sources_run(struct call *call, const void *raw)
{
	const struct source_args *args = raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	struct attack_row row;
	struct attack_top *top;
	json_t *list;

	TRY(load_attack(call, args->number, &row));
	TRY(load_top(call, &row, &top));
	TRY(place_reader_open(call, &reader));
	TRY(put_sources(call, reader, row.kind, top));
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
static const struct reply_list own_lists[] = {
	{ "Sources", "Source" },
	{ "Countries", "Country" },
	{ "Provinces", "Province" },
	{ "Providers", "Provider" },
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
	{ VERSION_POLDER, "DescribeAttackSources", READ, PERMISSION_READ, number_params,
		sizeof(struct source_args), attack_sources_run, own_lists,
		"shows who attacked: sources, countries, providers, ports and lengths of packets",
		0 },
	{ 0 },
};
