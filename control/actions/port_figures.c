/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets and connections of instances over time, as nodes counted them since this control started: in whole minutes.
 * Connections that are open count as active: which of them are idle is not known, so InActConns is 0.
 */
#include "control/call.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/engine/connections.h"
#include "control/engine/volumes.h"

#define SECONDS_MAX INT64_C(253402300799) /* the year 9999 */
#define STEPS_MAX   CONNECTION_STEPS_MAX
#define RULES_MAX   5000 /* of one question */

struct figures {
	struct text_list ids;
	const char *resource_group, *port;
	int64_t from, until, interval;
};
#define FIGURE_PARAMS                                                                              \
	PARAM_INSTANCE_IDS(figures, .required = true),                                             \
		PARAM(figures, from, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,   \
			.max = SECONDS_MAX, .type = "Long", .help = "first second to show"),       \
		PARAM(figures, until, "EndTime", .kind = PARAM_INT, .required = true, .min = 0,    \
			.max = SECONDS_MAX, .type = "Long",                                        \
			.help = "second before which it ends"),                                    \
		PARAM_RESOURCE_GROUP(figures)
#define PARAM_INTERVAL                                                                             \
	PARAM(figures, interval, "Interval", .kind = PARAM_INT, .required = true, .min = 1,        \
		.max = 31 * 86400, .help = "seconds of a step")
#define PARAM_PORT                                                                                 \
	PARAM(figures, port, "Port", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 5,        \
		.help = "only of rules with this port")

static const struct param flow_params[] = { FIGURE_PARAMS, PARAM_INTERVAL, PARAM_ROW_END };
static const struct param list_params[] = { FIGURE_PARAMS, PARAM_INTERVAL, PARAM_PORT,
	PARAM_ROW_END };
static const struct param count_params[] = { FIGURE_PARAMS, PARAM_PORT, PARAM_ROW_END };
static const struct param most_params[] = { FIGURE_PARAMS, PARAM_ROW_END };

/* ---- time and instances */

struct steps {
	int64_t from_ms, step_ms;
	size_t count;
};

/* Whole minutes, none of which is yet to come; interval 0: one step for all. */
static enum err read_steps(struct call *call, const struct figures *args, struct steps *out)
{
	int64_t from = args->from / 60 * 60, until = args->until, step;
	int64_t now = call->clock_ms / SECOND_MS / 60 * 60 + 60;

	if (args->until <= args->from)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must be later than StartTime.");
	until = until > now ? now : until;
	step = args->interval ? args->interval : until - from;
	step = step > 60 ? (step + 59) / 60 * 60 : 60;
	out->from_ms = from * SECOND_MS;
	out->step_ms = step * SECOND_MS;
	out->count = until > from ? (size_t)((until - from + step - 1) / step) : 0;
	if (out->count > STEPS_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Interval must be so long that there are at most %d steps.", STEPS_MAX);
	return OK;
}

/* ---- packets */

static enum err put_rate(json_t *item, const char *bits, const char *packets,
	const struct counter *counter, int64_t seconds)
{
	TRY(put_int(item, bits, (int64_t)(counter->bytes * 8) / seconds));
	return put_int(item, packets, (int64_t)counter->packets / seconds);
}

static enum err put_flow(json_t *item, const struct volume *point, int64_t seconds)
{
	TRY(put_rate(item, "InBps", "InPps", &point->in, seconds));
	TRY(put_rate(item, "OutBps", "OutPps", &point->out, seconds));
	TRY(put_rate(item, "AttackBps", "AttackPps", &point->attack, seconds));
	TRY(put_rate(item, "SlaBpsDropBps", "SlaBpsDropPps", &point->limit[VOLUME_BYTES], seconds));
	TRY(put_rate(
		item, "SlaPpsDropBps", "SlaPpsDropPps", &point->limit[VOLUME_PACKETS], seconds));
	TRY(put_rate(item, "SlaConnDropBps", "SlaConnDropPps", &point->limit[VOLUME_CONNECTIONS],
		seconds));
	return put_rate(item, "SlaCpsDropBps", "SlaCpsDropPps", &point->limit[VOLUME_NEW], seconds);
}

static enum err flow_run(struct call *call, const void *raw)
{
	const struct figures *args = raw;
	struct instance *instances = NULL;
	struct volume *point;
	struct steps steps = { 0 };
	size_t count = 0;
	json_t *list;

	TRY(read_steps(call, args, &steps));
	TRY(call_instances_of_group(call, &args->ids, args->resource_group, &instances, &count));
	point = arena_array(call->mem, steps.count, sizeof(*point));
	if (!point)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		nodes_volume_series(call->nodes, instances[i].number, steps.from_ms, steps.step_ms,
			point, steps.count);
	TRY(put_list(call->reply, "PortFlowList", &list));
	for (size_t i = 0; i < steps.count && count > 0; i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_int(item, "Index", (int64_t)i));
		TRY(put_int(item, "Time", point[i].time_ms / SECOND_MS));
		TRY(put_text(item, "Region",
			instances[0].product == PRODUCT_DDOSDIP ? "cn-hongkong" : "cn"));
		TRY(put_flow(item, &point[i], steps.step_ms / SECOND_MS));
	}
	return OK;
}

/* ---- connections */

static enum err load_rules(struct call *call, const struct instance *instance, const char *port,
	struct port_rule_row **rules, size_t *count)
{
	struct port_rule_filter filter = { .instance_number = instance->number,
		.limit = RULES_MAX };

	if (port && (!text_to_int(port, &filter.frontend_port) || filter.frontend_port < 1))
		return refuse(call, ERR_INVALID_PARAMETER, "Port must be a number, 1 to 65535.");
	return port_rule_list(call->db, call->mem, &filter, rules, count, NULL);
}

static enum err load_connections(struct call *call, const struct figures *args,
	const struct steps *steps, struct connection_point **out)
{
	struct connection_point *point = arena_array(call->mem, steps->count, sizeof(*point));
	struct instance *instances = NULL;
	size_t count = 0;

	if (!point)
		return ERR_MEMORY;
	TRY(call_instances_of_group(call, &args->ids, args->resource_group, &instances, &count));
	for (size_t i = 0; i < count; i++) {
		struct port_rule_row *rules = NULL;
		size_t rule_count = 0;

		TRY(load_rules(call, &instances[i], args->port, &rules, &rule_count));
		for (size_t k = 0; k < rule_count; k++)
			nodes_connection_series(call->nodes, rules[k].rule.number, steps->from_ms,
				steps->step_ms, point, steps->count);
	}
	*out = point;
	return OK;
}

static enum err put_connections(json_t *item, const struct connection_point *point)
{
	TRY(put_int(item, "ActConns", (int64_t)point->open_most));
	TRY(put_int(item, "InActConns", 0));
	TRY(put_int(item, "Conns", (int64_t)point->open_most));
	return put_int(item, "Cps", (int64_t)point->opened_most);
}

static enum err list_run(struct call *call, const void *raw)
{
	struct connection_point *point = NULL;
	struct steps steps = { 0 };
	json_t *list;

	TRY(read_steps(call, raw, &steps));
	TRY(load_connections(call, raw, &steps, &point));
	TRY(put_list(call->reply, "ConnsList", &list));
	for (size_t i = 0; i < steps.count; i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_int(item, "Index", (int64_t)i));
		TRY(put_connections(item, &point[i]));
	}
	return OK;
}

static enum err count_run(struct call *call, const void *raw)
{
	struct connection_point *point = NULL, none = { 0 };
	struct steps steps = { 0 };

	TRY(read_steps(call, raw, &steps));
	TRY(load_connections(call, raw, &steps, &point));
	return put_connections(call->reply, steps.count > 0 ? &point[0] : &none);
}

static enum err most_run(struct call *call, const void *raw)
{
	const struct figures *args = raw;
	struct instance *instances = NULL;
	struct steps steps = { 0 };
	size_t count = 0;
	json_t *list;

	TRY(read_steps(call, args, &steps));
	TRY(call_instances_of_group(call, &args->ids, args->resource_group, &instances, &count));
	TRY(put_list(call->reply, "PortMaxConns", &list));
	for (size_t i = 0; i < count && steps.count > 0; i++) {
		struct port_rule_row *rules = NULL;
		char ip[ADDRESS_TEXT_SIZE];
		size_t rule_count = 0;

		TRY(load_rules(call, &instances[i], NULL, &rules, &rule_count));
		address_format(instances[i].vip, ip);
		for (size_t k = 0; k < rule_count; k++) {
			struct connection_point point = { 0 };

			nodes_connection_series(call->nodes, rules[k].rule.number, steps.from_ms,
				steps.step_ms, &point, 1);
			TRY(add(list, json_pack("{s:s, s:o, s:I}", "Ip", ip, "Port",
					      json_sprintf("%lld",
						      (long long)rules[k].rule.frontend_port),
					      "Cps", (json_int_t)point.opened_most)));
		}
	}
	return OK;
}

static const struct reply_list flow_lists[] = { { "PortFlowList", "PortFlow" }, { NULL, NULL } };
static const struct reply_list conns_lists[] = { { "ConnsList", "Conn" }, { NULL, NULL } };
static const struct reply_list most_lists[] = { { "PortMaxConns", "PortMaxConnsItem" },
	{ NULL, NULL } };

#define ARGS sizeof(struct figures)

const struct action port_figure_actions[] = {
	{ VERSION_DDOSCOO, "DescribePortFlowList", READ, PERMISSION_READ, flow_params, ARGS,
		flow_run, flow_lists, "shows packets to and from instances over time", 0 },
	{ VERSION_DDOSCOO, "DescribePortConnsList", READ, PERMISSION_READ, list_params, ARGS,
		list_run, conns_lists, "shows connections of port rules over time", 0 },
	{ VERSION_DDOSCOO, "DescribePortConnsCount", READ, PERMISSION_READ, count_params, ARGS,
		count_run, NULL, "shows how many connections port rules had", 0 },
	{ VERSION_DDOSCOO, "DescribePortMaxConns", READ, PERMISSION_READ, most_params, ARGS,
		most_run, most_lists, "shows the most new connections a second of each port rule",
		0 },
	{ 0 },
};
