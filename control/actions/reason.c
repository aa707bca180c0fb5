/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why packets end: what an instance's packets met, and which instances are busy. Figures are what nodes reported
 * last, summed over them.
 */
#include "control/call.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "control/actions/tables.h"

static const struct {
	const char *name, *text;
} reasons[REASON_COUNT] = {
#define REASON(name, verdict, text) { #name, text },
#include "shared/reasons.def"
#undef REASON
};

/* ---- what was met */

struct describe {
	const char *id;
};
static const struct param describe_params[] = {
	PARAM_INSTANCE_ID(describe, .required = true),
	PARAM_ROW_END,
};

static enum err put_measure(json_t *item, const char *prefix, const struct reason_measure *measure)
{
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{ "Packets", measure->total.packets },
		{ "Bytes", measure->total.bytes },
		{ "PacketsPerSecond", measure->rate.packets },
		{ "BytesPerSecond", measure->rate.bytes },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "%s%s", prefix, numbers[i].name);
		TRY(put_int(item, name, (int64_t)numbers[i].number));
	}
	return OK;
}

/* Nothing for a reason that no packet ended by. */
static enum err put_reason(struct call *call, json_t *list, int64_t instance, uint32_t reason)
{
	struct reason_measure dropped, watched;
	bool met = nodes_reason(call->nodes, instance, reason, call->clock_ms, &dropped);
	if (!nodes_reason(
		    call->nodes, instance, REASON_WATCHED | reason, call->clock_ms, &watched) &&
		!met)
		return OK;
	json_t *item = json_object();
	TRY(add(list, item));
	TRY(put_text(item, "Name", reasons[reason].name));
	TRY(put_text(item, "Text", reasons[reason].text));
	TRY(put_measure(item, "", &dropped));
	return put_measure(item, "Watched", &watched);
}

static enum err put_traffic(struct call *call, int64_t instance)
{
	struct node_traffic totals = { 0 };
	struct node_rates rates;
	(void)nodes_traffic(call->nodes, instance, &totals);
	(void)nodes_rates(call->nodes, instance, call->clock_ms, &rates);
	TRY(put_measure(call->reply, "In", &(struct reason_measure){ totals.in, rates.in }));
	TRY(put_measure(
		call->reply, "Dropped", &(struct reason_measure){ totals.dropped, rates.dropped }));
	return put_measure(call->reply, "Out", &(struct reason_measure){ totals.out, rates.out });
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	struct instance instance;
	json_t *list;
	TRY(call_instance(call, args->id, &instance));
	TRY(put_text(call->reply, "InstanceId", instance.id));
	TRY(put_int(call->reply, "Time", call->clock_ms));
	TRY(put_traffic(call, instance.number));
	TRY(put_list(call->reply, "Reasons", &list));
	for (uint32_t i = REASON_DROP_FIRST; i < REASON_COUNT; i++)
		TRY(put_reason(call, list, instance.number, i));
	return OK;
}

/* ---- who is busy */

/* Instances looked at for those that the caller may see: a tenant's own may be far behind others'. */
#define TOP_SCAN_MAX 10000

struct top {
	int64_t page_size;
};
static const struct param top_params[] = {
	PARAM_PAGE_SIZE(top, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_ROW_END,
};

static int compare_rates(const void *a, const void *b)
{
	const struct instance_rates *left = a, *right = b;
	if (left->rates.in.bytes != right->rates.in.bytes)
		return left->rates.in.bytes < right->rates.in.bytes ? 1 : -1;
	return left->instance_number > right->instance_number ? 1 : -1;
}

static enum err put_rate(json_t *item, const char *prefix, const struct counter *rate)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "%sPacketsPerSecond", prefix);
	TRY(put_int(item, name, (int64_t)rate->packets));
	(void)snprintf(name, sizeof(name), "%sBytesPerSecond", prefix);
	return put_int(item, name, (int64_t)rate->bytes);
}

static enum err put_busy(struct call *call, json_t *list, const struct instance_rates *busy)
{
	struct instance instance;
	char ip[ADDRESS_TEXT_SIZE];
	enum err err = instance_load_number(call->db, call->mem, busy->instance_number, &instance);
	if (err == ERR_INSTANCE_NOT_FOUND)
		return OK; /* released meanwhile */
	TRY(err);
	if (!call_may_use(call, instance.id, instance.account))
		return OK;
	json_t *item = json_object();
	TRY(add(list, item));
	address_format(instance.vip, ip);
	TRY(put_text(item, "InstanceId", instance.id));
	TRY(put_text(item, "Ip", ip));
	TRY(put_text(item, "Remark", instance.remark));
	TRY(put_rate(item, "In", &busy->rates.in));
	TRY(put_rate(item, "Dropped", &busy->rates.dropped));
	return put_rate(item, "Out", &busy->rates.out);
}

static enum err top_run(struct call *call, const void *raw)
{
	const struct top *args = raw;
	struct instance_rates *busy;
	size_t count;
	json_t *list;
	TRY(nodes_rates_above(call->nodes, call->mem, 1, call->clock_ms, &busy, &count));
	qsort(busy, count, sizeof(*busy), compare_rates);
	TRY(put_int(call->reply, "Time", call->clock_ms));
	TRY(put_list(call->reply, "Instances", &list));
	for (size_t i = 0; i < count && i < TOP_SCAN_MAX; i++) {
		if (json_array_size(list) < (size_t)args->page_size)
			TRY(put_busy(call, list, &busy[i]));
	}
	return OK;
}

static const struct reply_list reason_lists[] = { { "Reasons", "Reason" }, { NULL, NULL } };
static const struct reply_list top_lists[] = { { "Instances", "Instance" }, { NULL, NULL } };

const struct action reason_actions[] = {
	{ VERSION_POLDER, "DescribeReasons", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, reason_lists,
		"shows by which reasons packets to an instance ended, and how fast", 0 },
	{ VERSION_POLDER, "DescribeTopInstances", READ, PERMISSION_READ, top_params,
		sizeof(struct top), top_run, top_lists,
		"shows the instances to which most arrives now", 0 },
	{ 0 },
};
