/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a page that is drawn anew each second needs, in one reply: rates of the nodes' last reports, of one instance or of
 * all that the caller may see. Only instances to which something arrives are looked at, the busiest first, and
 * bounded numbers of port rules and sites; Partial says that there were more. With 100 busy instances a call takes 0.4 ms.
 */
#include "control/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/actions/tables.h"
#include "control/store/attack.h"
#include "control/store/website.h"

#define LIVE_INSTANCES_MAX 1000
#define LIVE_SCAN_MAX	   10000 /* instances looked at for those that the caller may see */
#define LIVE_RULES_MAX	   5000
#define LIVE_SITES_MAX	   1000
#define LIVE_ROWS	   20 /* instances and sites that are shown one by one */

static const struct {
	const char *name, *verdict, *text;
} reasons[REASON_COUNT] = {
#define REASON(name, verdict, text) { #name, #verdict, text },
#include "shared/reasons.def"
#undef REASON
};

struct live {
	const char *id;
};
static const struct param live_params[] = {
	PARAM_INSTANCE_ID(live, .empty_is_absent = true),
	PARAM_ROW_END,
};

struct busy {
	struct instance instance;
	struct node_rates rates;
};
struct scope {
	const struct instance *only; /* NULL: all that the caller may see */
	struct busy *busy;
	size_t count;
	bool partial;
};

/* ---- instances */

static int compare_rates(const void *a, const void *b)
{
	const struct instance_rates *left = a, *right = b;

	if (left->rates.in.bytes != right->rates.in.bytes)
		return left->rates.in.bytes < right->rates.in.bytes ? 1 : -1;
	return left->instance_number > right->instance_number ? 1 : -1;
}

static enum err find_busy(struct call *call, struct scope *scope)
{
	struct instance_rates *rows;
	size_t count;

	TRY(nodes_rates_above(call->nodes, call->mem, 1, call->clock_ms, &rows, &count));
	qsort(rows, count, sizeof(*rows), compare_rates);
	scope->busy = arena_array(call->mem,
		count < LIVE_INSTANCES_MAX ? count : LIVE_INSTANCES_MAX, sizeof(*scope->busy));
	if (!scope->busy)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct busy *busy = &scope->busy[scope->count];
		enum err err;

		if (scope->count == LIVE_INSTANCES_MAX || i == LIVE_SCAN_MAX) {
			scope->partial = true;
			break;
		}
		err = instance_load_number(
			call->db, call->mem, rows[i].instance_number, &busy->instance);
		if (err == ERR_INSTANCE_NOT_FOUND)
			continue; /* released meanwhile */
		TRY(err);
		busy->rates = rows[i].rates;
		if (call_may_use(call, busy->instance.id, busy->instance.account))
			scope->count++;
	}
	return OK;
}

static enum err find_one(struct call *call, const char *id, struct scope *scope)
{
	scope->busy = arena_take(call->mem, sizeof(*scope->busy));
	if (!scope->busy)
		return ERR_MEMORY;
	TRY(call_instance(call, id, &scope->busy->instance));
	(void)nodes_rates(
		call->nodes, scope->busy->instance.number, call->clock_ms, &scope->busy->rates);
	scope->only = &scope->busy->instance;
	scope->count = 1;
	return OK;
}

static enum err put_rate(json_t *item, const char *prefix, const struct counter *rate)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%sPacketsPerSecond", prefix);
	TRY(put_int(item, name, (int64_t)rate->packets));
	(void)snprintf(name, sizeof(name), "%sBytesPerSecond", prefix);
	return put_int(item, name, (int64_t)rate->bytes);
}

static enum err put_rates(json_t *item, const struct node_rates *rates)
{
	TRY(put_rate(item, "In", &rates->in));
	TRY(put_rate(item, "Dropped", &rates->dropped));
	return put_rate(item, "Out", &rates->out);
}

static void add_counter(struct counter *sum, const struct counter *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

static enum err put_traffic(struct call *call, const struct scope *scope)
{
	struct node_rates sum = { 0 };
	json_t *traffic, *list;

	for (size_t i = 0; i < scope->count; i++) {
		add_counter(&sum.in, &scope->busy[i].rates.in);
		add_counter(&sum.dropped, &scope->busy[i].rates.dropped);
		add_counter(&sum.out, &scope->busy[i].rates.out);
	}
	TRY(put_object(call->reply, "Traffic", &traffic));
	TRY(put_rates(traffic, &sum));
	TRY(put_list(call->reply, "Instances", &list));
	for (size_t i = 0; i < scope->count && i < LIVE_ROWS; i++) {
		json_t *item = json_object();
		char ip[ADDRESS_TEXT_SIZE];

		TRY(add(list, item));
		address_format(scope->busy[i].instance.vip, ip);
		TRY(put_text(item, "InstanceId", scope->busy[i].instance.id));
		TRY(put_text(item, "Ip", ip));
		TRY(put_text(item, "Remark", scope->busy[i].instance.remark));
		TRY(put_rates(item, &scope->busy[i].rates));
	}
	return OK;
}

/* Reasons by which nothing ends now are left out. */
static enum err put_reasons(struct call *call, const struct scope *scope)
{
	int64_t *numbers = arena_array(call->mem, scope->count, sizeof(*numbers));
	struct counter *rates = arena_array(call->mem, 2 * REASON_COUNT, sizeof(*rates));
	json_t *list;

	if (!numbers || !rates)
		return ERR_MEMORY;
	for (size_t i = 0; i < scope->count; i++)
		numbers[i] = scope->busy[i].instance.number;
	nodes_reason_rates(
		call->nodes, numbers, scope->count, call->clock_ms, rates, rates + REASON_COUNT);
	TRY(put_list(call->reply, "Reasons", &list));
	for (size_t i = 0; i < REASON_COUNT; i++) {
		const struct counter *watched = &rates[REASON_COUNT + i];
		json_t *item;

		if (rates[i].packets == 0 && watched->packets == 0)
			continue;
		item = json_object();
		TRY(add(list, item));
		TRY(put_text(item, "Name", reasons[i].name));
		TRY(put_text(item, "Verdict", reasons[i].verdict));
		TRY(put_text(item, "Text", reasons[i].text));
		TRY(put_rate(item, "", &rates[i]));
		TRY(put_rate(item, "Watched", watched));
	}
	return OK;
}

/* ---- connections of port rules */

static enum err put_connections(struct call *call, struct scope *scope)
{
	const struct port_rule_filter filter = {
		.instance_number = scope->only ? scope->only->number : 0,
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.limit = LIVE_RULES_MAX,
	};
	struct service_measure sum = { 0 };
	int64_t *numbers;
	json_t *object;
	size_t count;

	TRY(port_rule_numbers(call->db, call->mem, &filter, &numbers, &count));
	scope->partial = scope->partial || count == LIVE_RULES_MAX;
	for (size_t i = 0; i < count; i++) {
		struct service_measure one;

		if (!nodes_service(call->nodes, numbers[i], &one))
			continue;
		sum.connections += one.connections;
		sum.opened += one.opened;
		sum.opened_rate += one.opened_rate;
		sum.refused_rate += one.refused_rate;
		sum.refused_connections += one.refused_connections;
	}
	TRY(put_object(call->reply, "Connections", &object));
	TRY(put_int(object, "Open", (int64_t)sum.connections));
	TRY(put_int(object, "OpenedPerSecond", (int64_t)sum.opened_rate));
	TRY(put_int(object, "Opened", (int64_t)sum.opened));
	TRY(put_int(object, "RefusedForRate", (int64_t)sum.refused_rate));
	return put_int(object, "RefusedForNumber", (int64_t)sum.refused_connections);
}

/* ---- web sites */

struct site_row {
	const char *domain;
	struct site_counter rate;
};

static enum err put_status(json_t *item, const char *name, const uint64_t status[6])
{
	static const char *const names[] = { "None", "1xx", "2xx", "3xx", "4xx", "5xx" };
	json_t *object;

	TRY(put_object(item, name, &object));
	for (size_t i = 0; i < 6; i++)
		TRY(put_int(object, names[i], (int64_t)status[i]));
	return OK;
}

static int64_t mean(uint64_t sum, uint64_t count)
{
	return count > 0 ? (int64_t)(sum / count) : 0;
}

static enum err put_requests(json_t *item, const struct site_counter *rate)
{
	uint64_t refused = 0, answers = 0;

	for (size_t i = 0; i < CHECK_MAX; i++)
		refused += rate->refused[i];
	for (size_t i = 1; i < 6; i++)
		answers += rate->origin_status[i];
	TRY(put_int(item, "RequestsPerSecond", (int64_t)rate->requests));
	TRY(put_int(item, "RefusedPerSecond", (int64_t)refused));
	TRY(put_int(item, "ChallengedPerSecond", (int64_t)rate->challenged));
	TRY(put_int(item, "OriginRequestsPerSecond", (int64_t)rate->origin_requests));
	TRY(put_int(item, "CacheHitsPerSecond", (int64_t)rate->cache_hits));
	TRY(put_int(item, "BytesInPerSecond", (int64_t)rate->bytes_in));
	TRY(put_int(item, "BytesOutPerSecond", (int64_t)rate->bytes_out));
	TRY(put_int(item, "MeanMilliseconds", mean(rate->milliseconds, rate->requests)));
	TRY(put_int(item, "OriginMeanMilliseconds", mean(rate->origin_milliseconds, answers)));
	TRY(put_status(item, "Status", rate->status));
	return put_status(item, "OriginStatus", rate->origin_status);
}

static int compare_sites(const void *a, const void *b)
{
	const struct site_row *left = a, *right = b;

	if (left->rate.requests != right->rate.requests)
		return left->rate.requests < right->rate.requests ? 1 : -1;
	return strcmp(left->domain, right->domain);
}

static enum err put_sites(struct call *call, struct scope *scope)
{
	const char *only = scope->only ? scope->only->id : NULL;
	const struct website_filter filter = {
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.ids = &only,
		.id_count = scope->only ? 1 : 0,
		.limit = LIVE_SITES_MAX,
	};
	struct site_counter sum = { 0 };
	struct website *sites;
	struct site_row *rows;
	json_t *object, *list;
	size_t count;

	TRY(website_list(call->db, call->mem, &filter, &sites, &count, NULL));
	scope->partial = scope->partial || count == LIVE_SITES_MAX;
	rows = arena_array(call->mem, count, sizeof(*rows));
	if (!rows)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		rows[i].domain = sites[i].domain;
		nodes_site_rates(call->nodes, sites[i].number, call->clock_ms, &rows[i].rate, &sum);
	}
	qsort(rows, count, sizeof(*rows), compare_sites);
	TRY(put_object(call->reply, "Requests", &object));
	TRY(put_requests(object, &sum));
	TRY(put_list(call->reply, "Sites", &list));
	for (size_t i = 0; i < count && i < LIVE_ROWS && rows[i].rate.requests > 0; i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_text(item, "Domain", rows[i].domain));
		TRY(put_requests(item, &rows[i].rate));
	}
	return OK;
}

/* ---- nodes, for operators */

static enum err put_nodes(struct call *call)
{
	struct node_facts *facts;
	json_t *list;
	size_t count;

	TRY(put_list(call->reply, "Nodes", &list));
	if (call->key->permission != PERMISSION_OPERATOR || call->key->instance_count)
		return OK;
	TRY(nodes_facts(call->nodes, call->mem, &facts, &count));
	for (size_t i = 0; i < count; i++) {
		TRY(add(list, json_pack("{s:s, s:I, s:I, s:I}", "NodeName", facts[i].name,
				      "SeenTime", (json_int_t)facts[i].seen_ms, "VipCount",
				      (json_int_t)facts[i].report.vip_count, "ServiceCount",
				      (json_int_t)facts[i].report.service_count)));
		TRY(put_uplinks(json_array_get(list, i), &facts[i]));
	}
	return OK;
}

/* ---- attacks that go on */

static enum err put_attacks(struct call *call, const struct scope *scope)
{
	const char *only = scope->only ? scope->only->id : NULL;
	const struct attack_filter filter = {
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.ids = &only,
		.id_count = scope->only ? 1 : 0,
		.open = true,
		.limit = LIVE_ROWS,
	};
	struct attack_row *rows;
	int64_t total;
	json_t *list;
	size_t count;

	TRY(attack_list(call->db, call->mem, &filter, &rows, &count, &total));
	TRY(put_int(call->reply, "AttackCount", total));
	TRY(put_list(call->reply, "Attacks", &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_attack(list, &rows[i]));
	return OK;
}

static enum err live_run(struct call *call, const void *raw)
{
	const struct live *args = raw;
	struct scope scope = { .count = 0 };

	TRY(args->id ? find_one(call, args->id, &scope) : find_busy(call, &scope));
	TRY(put_int(call->reply, "Time", call->clock_ms));
	TRY(put_text(call->reply, "InstanceId", args->id));
	TRY(put_traffic(call, &scope));
	TRY(put_reasons(call, &scope));
	TRY(put_connections(call, &scope));
	TRY(put_sites(call, &scope));
	TRY(put_nodes(call));
	TRY(put_attacks(call, &scope));
	return put(call->reply, "Partial", json_boolean(scope.partial));
}

static const struct reply_list live_lists[] = {
	{ "Instances", "Instance" },
	{ "Reasons", "Reason" },
	{ "Sites", "Site" },
	{ "Nodes", "Node" },
	{ "Uplinks", "Uplink" },
	{ "Attacks", "Attack" },
	{ "Types", "Type" },
	{ NULL, NULL },
};

const struct action live_actions[] = {
	{ VERSION_POLDER, "DescribeLiveFigures", READ, PERMISSION_READ, live_params,
		sizeof(struct live), live_run, live_lists,
		"shows the rates of this second in one reply: packets, connections, requests", 0 },
	{ 0 },
};
