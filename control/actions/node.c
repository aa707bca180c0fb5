/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes as seen from outside: which addresses reach origins, what each node has applied, and what
 * packets an instance met. Figures are what nodes reported last; none is computed from the store.
 */
#include "control/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/actions/tables.h"
#include "control/engine/volumes.h"

#define LINE "coop-line-001" /* the one line that exists; published */

struct describe_back_source {
	const char *ip_version, *line, *resource_group;
};
static const struct param describe_back_source_params[] = {
	PARAM(describe_back_source, ip_version, "IpVersion", .kind = PARAM_TEXT,
		.empty_is_absent = true, .max = 8, .help = "Ipv4 or Ipv6; both when absent"),
	PARAM(describe_back_source, line, "Line", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 64, .help = "coop-line-001; other lines have no addresses"),
	PARAM_RESOURCE_GROUP(describe_back_source),
	PARAM_ROW_END,
};

static enum err describe_back_source_run(struct call *call, const void *raw)
{
	const struct describe_back_source *args = raw;
	bool ipv6 = false;
	if (args->ip_version && !ip_version_from_name(args->ip_version, &ipv6))
		return refuse(call, ERR_INVALID_PARAMETER, "IpVersion must be Ipv4 or Ipv6.");
	int version = !args->ip_version ? 0 : ipv6 ? 6 : 4;
	json_t *list;
	TRY(put_list(call->reply, "Cidrs", &list));
	if (args->line && strcmp(args->line, LINE) != 0)
		return OK;
	const char **sources;
	size_t count;
	TRY(nodes_sources(call->nodes, call->mem, version, &sources, &count));
	/* Always a block, also of one address: users paste these into firewalls. */
	for (size_t i = 0; i < count; i++) {
		const char *suffix = strchr(sources[i], '/')   ? ""
				     : strchr(sources[i], ':') ? "/128"
							       : "/32";
		TRY(add(list, json_sprintf("%s%s", sources[i], suffix)));
	}
	return OK;
}

/* "192.0.2.0/28 2001:db8::/64" as a list. */
static json_t *sources_json(const char *sources)
{
	json_t *list = json_array();
	for (const char *at = sources ? sources : ""; list && *at;) {
		size_t length = strcspn(at, " ");
		if (length && json_array_append_new(list, json_stringn(at, length)) != 0) {
			json_decref(list);
			return NULL;
		}
		at += length;
		at += strspn(at, " ");
	}
	return list;
}

enum err put_uplinks(json_t *node, const struct node_facts *facts)
{
	json_t *list;
	TRY(put_list(node, "Uplinks", &list));
	for (size_t i = 0; i < NODE_INTERFACE_MAX; i++) {
		const struct node_uplink *uplink = &facts->uplink[i];
		if (uplink->name[0])
			TRY(add(list,
				json_pack("{s:s, s:I, s:I, s:I}", "Interface", uplink->name, "Mbps",
					(json_int_t)uplink->speed_mbps, "InBytesPerSecond",
					(json_int_t)uplink->in_bytes_rate, "OutBytesPerSecond",
					(json_int_t)uplink->out_bytes_rate)));
	}
	return OK;
}

/* What the node itself said since this control started. */
static enum err put_report(json_t *node, const struct node_facts *facts)
{
	static const char *const modes[] = { "unknown", "native", "generic" };
	uint32_t mode = facts->report.xdp_mode;
	char run[17];

	/* Which start of the agent is believed: of two under one name the later one. */
	(void)snprintf(run, sizeof(run), "%016" PRIx64, facts->report.agent_boot);
	TRY(put_text(node, "AgentRun", run));
	TRY(put_int(node, "VipCount", facts->report.vip_count));
	TRY(put_int(node, "ServiceCount", facts->report.service_count));
	TRY(put_int(node, "ListEntryCount", facts->report.list_count));
	TRY(put_int(node, "RefusedInstanceCount", (int64_t)facts->refused_instances));
	TRY(put_int(node, "MapBytes", (int64_t)facts->report.map_bytes));
	TRY(put_int(node, "LifeOffset", facts->report.life_offset_ms));
	TRY(put_text(node, "XdpMode", modes[mode < 3 ? mode : 0]));

	TRY(put_uplinks(node, facts));

	json_t *list;
	TRY(put_list(node, "Reasons", &list));
	for (const struct node_reason *reason = facts->reason; reason->name[0]; reason++)
		TRY(add(list, json_pack("{s:s, s:I, s:I}", "Name", reason->name, "Packets",
				      (json_int_t)reason->counter.packets, "Bytes",
				      (json_int_t)reason->counter.bytes)));
	return OK;
}

/* What belongs to no site, and access logs. */
static enum err put_requests(json_t *node, const struct record_requests *requests)
{
	static const char *const checks[CHECK_COUNT] = {
#define CHECK(name, mode, text) #name,
#include "shared/checks.def"
#undef CHECK
	};
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "Connections", requests->node.connections },
		{ "Handshakes", requests->node.handshakes },
		{ "HandshakesRefused", requests->node.handshakes_refused },
		{ "Bans", requests->node.bans },
		{ "BansFailed", requests->node.bans_failed },
		{ "TableMisses", requests->node.table_misses },
		{ "SourcesMissed", requests->node.sources_missed },
		{ "LogRecords", requests->records },
		{ "LogLost", requests->lost },
		{ "LogLines", requests->lines },
		{ "LogDropped", requests->dropped_lines },
		{ "LogBytes", requests->bytes },
		{ "LogBytesMax", requests->bytes_max },
		{ "LogShortened", requests->shortened_bytes },
	};
	json_t *object, *list;

	TRY(put_object(node, "Requests", &object));
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		TRY(put_int(object, figures[i].name, (int64_t)figures[i].value));
	TRY(put_list(object, "Checks", &list));
	for (size_t i = 0; i < CHECK_COUNT; i++)
		if (requests->node.refused[i] > 0)
			TRY(add(list, json_pack("{s:s, s:I}", "Name", checks[i], "Refused",
					      (json_int_t)requests->node.refused[i])));
	return OK;
}

static const char *sources_of(const struct node_row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].sources;
	return "";
}

static enum err describe_nodes_run(struct call *call, const void *raw)
{
	(void)raw;
	struct node_row *rows;
	struct node_facts *facts;
	size_t count, row_count;
	int64_t newest;
	TRY(node_list(call->db, call->mem, &rows, &row_count));
	TRY(nodes_facts(call->nodes, call->mem, &facts, &count));
	TRY(change_generation(call->db, &newest));
	json_t *list;
	TRY(put_int(call->reply, "Generation", newest));
	TRY(put_int(call->reply, "TotalCount", (int64_t)count));
	TRY(put_list(call->reply, "Nodes", &list));
	for (size_t i = 0; i < count; i++) {
		TRY(add(list, json_pack("{s:s, s:I, s:b, s:I, s:o}", "NodeName", facts[i].name,
				      "Generation", (json_int_t)facts[i].generation, "UpToDate",
				      facts[i].generation >= (uint64_t)newest, "SeenTime",
				      (json_int_t)facts[i].seen_ms, "Sources",
				      sources_json(sources_of(rows, row_count, facts[i].name)))));
		if (facts[i].reported)
			TRY(put_report(json_array_get(list, i), &facts[i]));
		if (facts[i].has_requests)
			TRY(put_requests(json_array_get(list, i), &facts[i].requests));
	}
	return OK;
}

/* A machine that was taken away holds back what is said to be enabled, and its back-to-origin addresses stay among those that
 * customers let through, until it is deleted here. */
struct delete_node {
	const char *name;
};
static const struct param delete_node_params[] = {
	PARAM(delete_node, name, "NodeName", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = NODE_NAME_MAX - 1, .help = "node whose agent runs no more"),
	PARAM_ROW_END,
};

static enum err delete_node_run(struct call *call, const void *raw)
{
	const struct delete_node *args = raw;
	enum err err = nodes_forget(call->nodes, args->name, call->clock_ms);
	bool deleted;
	if (err != ERR_NODE_NOT_FOUND)
		TRY(err);
	call->object = args->name;
	/* A call before that failed behind this has left the row alone: it is there at the next start. */
	TRY(node_delete(call->db, args->name, &deleted));
	return deleted || err == OK ? OK : ERR_NODE_NOT_FOUND;
}

struct describe_traffic {
	const char *id;
};
static const struct param describe_traffic_params[] = {
	PARAM_INSTANCE_ID(describe_traffic, .required = true),
	PARAM_ROW_END,
};

static enum err put_counter(
	json_t *object, const char *packets, const char *bytes, struct counter counter)
{
	TRY(put_int(object, packets, (int64_t)counter.packets));
	return put_int(object, bytes, (int64_t)counter.bytes);
}

static enum err describe_traffic_run(struct call *call, const void *raw)
{
	const struct describe_traffic *args = raw;
	struct instance instance;
	struct node_traffic traffic = { 0 };
	struct volume minute;
	TRY(call_instance(call, args->id, &instance));
	bool reported = nodes_traffic(call->nodes, instance.number, &traffic);
	nodes_volume_recent(call->nodes, instance.number, call->clock_ms, 60, &minute);
	TRY(put_text(call->reply, "InstanceId", instance.id));
	TRY(put(call->reply, "Reported", json_boolean(reported)));
	TRY(put_counter(call->reply, "InPackets", "InBytes", traffic.in));
	TRY(put_counter(call->reply, "DroppedPackets", "DroppedBytes", traffic.dropped));
	TRY(put_counter(call->reply, "OutPackets", "OutBytes", traffic.out));
	TRY(put_int(call->reply, "InPacketsLastMinute", (int64_t)minute.in.packets));
	TRY(put_int(call->reply, "DroppedPacketsLastMinute", (int64_t)minute.dropped.packets));
	return put_int(call->reply, "LastPacketTime", traffic.last_in_ms);
}

static const struct reply_list cidrs_lists[] = { { "Cidrs", "Cidr" }, { NULL, NULL } };
static const struct reply_list nodes_lists[] = {
	{ "Nodes", "Node" },
	{ "Sources", "Source" },
	{ "Reasons", "Reason" },
	{ "Checks", "Check" },
	{ "Uplinks", "Uplink" },
	{ NULL, NULL },
};

const struct action node_actions[] = {
	{ VERSION_DDOSCOO, "DescribeBackSourceCidr", READ, PERMISSION_READ,
		describe_back_source_params, sizeof(struct describe_back_source),
		describe_back_source_run, cidrs_lists,
		"lists the addresses from which nodes reach origins", 0 },
	{ VERSION_POLDER, "DescribeNodes", READ, PERMISSION_OPERATOR, no_params, 0,
		describe_nodes_run, nodes_lists, "lists nodes and what each has applied", 0 },
	{ VERSION_POLDER, "DeleteNode", WRITE, PERMISSION_OPERATOR, delete_node_params,
		sizeof(struct delete_node), delete_node_run, NULL,
		"forgets a node that is no more, and its addresses", 0 },
	{ VERSION_POLDER, "DescribeTraffic", READ, PERMISSION_READ, describe_traffic_params,
		sizeof(struct describe_traffic), describe_traffic_run, NULL,
		"shows the packets that an instance met", 0 },
	{ 0 },
};
