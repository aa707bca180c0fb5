/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health checks of the origins of port rules. Each node checks by itself and stops giving new flows to an origin
 * that failed; the status told here is what the nodes found: an origin is abnormal when a node says so.
 * An origin without a result yet counts as healthy, as it does at the nodes.
 *
 * The published form knows tcp and http; a udp rule is checked with a datagram when Type is udp, which is
 * ours. A rule that was never configured is not checked and is described with the published defaults.
 */
#include <string.h>

#include "base/text.h"
#include "control/actions/json_param.h"
#include "control/actions/rule.h"
#include "control/actions/tables.h"

#define HEALTH_BYTES 2048
#define HEALTH_KEYS  "Type Domain Uri Timeout Port Interval Up Down"

static const char *const kind_names[] = {
	[HEALTH_TCP] = "tcp", [HEALTH_HTTP] = "http", [HEALTH_UDP] = "udp"
};
#define KIND_COUNT    (sizeof(kind_names) / sizeof(kind_names[0]))

#define SECONDS_SHAPE "1.." SHAPE_NUMBER(HEALTH_SECONDS_MAX)
#define COUNT_SHAPE   "1.." SHAPE_NUMBER(HEALTH_COUNT_MAX)

#define HOST_SHAPE    "text(" SHAPE_NUMBER(HEALTH_DOMAIN_MAX) ")"
#define PATH_SHAPE    "text(" SHAPE_NUMBER(HEALTH_PATH_MAX) ")"

struct modify {
	const char *id, *protocol, *health;
	int64_t frontend_port;
};
static const struct param modify_params[] = {
	PARAM_RULE(modify),
	PARAM(modify, health, "HealthCheck", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = HEALTH_BYTES, .type = "String",
		.shape = "{Type: tcp|http|udp, Timeout: " SECONDS_SHAPE ", Interval: " SECONDS_SHAPE
			 ", Up: " COUNT_SHAPE ", Down: " COUNT_SHAPE
			 ", Port?: 0..65535, Domain?: " HOST_SHAPE ", Uri?: " PATH_SHAPE "}?",
		.help = "how origins are asked; {} ends the checks, Domain and Uri are for http"),
	PARAM_ROW_END,
};

/* What goes into a request line and a Host header as it is. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 127)
			return false;
	return true;
}

static enum err read_http(
	struct call *call, const struct json_element *element, struct rule_health *out)
{
	const char *domain, *path;
	TRY(json_param_text(call, element, "Domain", HEALTH_DOMAIN_MAX, false, &domain));
	TRY(json_param_text(call, element, "Uri", HEALTH_PATH_MAX, false, &path));
	if (domain && !is_plain(domain))
		return refuse(call, ERR_INVALID_PARAMETER, "%sDomain must be a host name.",
			element->where);
	if (path && (path[0] != '/' || !is_plain(path)))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sUri must begin with / and have no spaces.", element->where);
	out->domain = domain ? domain : "";
	out->path = path ? path : "/";
	return OK;
}

static enum err read_kind(struct call *call, const struct json_element *element,
	enum protocol protocol, enum health_kind *out)
{
	const char *type;
	TRY(json_param_text(call, element, "Type", 8, true, &type));
	for (size_t i = 1; i < KIND_COUNT; i++) {
		if (strcmp(type, kind_names[i]) != 0)
			continue;
		*out = (enum health_kind)i;
		if (*out != HEALTH_HTTP || protocol == PROTOCOL_TCP)
			return OK;
		return refuse(call, ERR_INVALID_PARAMETER, "%sType http is for tcp rules only.",
			element->where);
	}
	return refuse(
		call, ERR_INVALID_PARAMETER, "%sType must be tcp, http or udp.", element->where);
}

static enum err read_health(struct call *call, const struct json_element *element,
	enum protocol protocol, struct rule_health *out)
{
	*out = (struct rule_health){ .domain = "", .path = "" };
	TRY(read_kind(call, element, protocol, &out->kind));
	TRY(json_param_count(call, element, "Timeout", HEALTH_SECONDS_MAX, &out->timeout_seconds));
	TRY(json_param_count(
		call, element, "Interval", HEALTH_SECONDS_MAX, &out->interval_seconds));
	TRY(json_param_count(call, element, "Up", HEALTH_COUNT_MAX, &out->up));
	TRY(json_param_count(call, element, "Down", HEALTH_COUNT_MAX, &out->down));
	TRY(json_param_int(call, element, "Port", false, &out->port));
	if (out->port < 0 || out->port > 65535)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sPort must be 1..65535, or 0 for the origin's own.", element->where);
	if (out->kind == HEALTH_HTTP)
		return read_http(call, element, out);
	if (json_object_get(element->object, "Domain") || json_object_get(element->object, "Uri"))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sDomain and %sUri are for Type http only.", element->where,
			element->where);
	return OK;
}

/* One side of the audit record. */
static enum err record_health(
	json_t *entity, const struct port_rule *rule, const struct rule_health *health)
{
	TRY(put_text(entity, "protocol", protocol_name(rule->protocol)));
	TRY(put_int(entity, "frontendPort", rule->frontend_port));
	TRY(put_text(entity, "type", health ? kind_names[health->kind] : "none"));
	if (!health)
		return OK;
	TRY(put_text(entity, "domain", health->domain));
	TRY(put_text(entity, "uri", health->path));
	TRY(put_int(entity, "port", health->port));
	TRY(put_int(entity, "timeout", health->timeout_seconds));
	TRY(put_int(entity, "interval", health->interval_seconds));
	TRY(put_int(entity, "up", health->up));
	return put_int(entity, "down", health->down);
}

static enum err change_health(
	struct call *call, const struct port_rule *rule, const struct rule_health *wish)
{
	json_t *old_entity, *new_entity;
	struct rule_health health;
	enum err err = rule_health_load(call->db, call->mem, rule->number, &health);
	if (err != OK && err != ERR_NOT_FOUND)
		return err;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_health(old_entity, rule, err == OK ? &health : NULL));
	TRY(record_health(new_entity, rule, wish));
	if (wish)
		return rule_health_put(call->db, rule, wish);
	return err == OK ? rule_health_delete(call->db, rule) : OK;
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify *args = raw;
	AUTO(json) json_t *json = NULL;
	struct json_element element;
	struct rule_health health;
	struct port_rule rule;
	TRY(json_param_object(call, "HealthCheck", args->health, HEALTH_KEYS, &json, &element));
	TRY(rule_of_instance(call, args->id, args->protocol, args->frontend_port, &rule));
	if (json_object_size(json) == 0)
		return change_health(call, &rule, NULL);
	TRY(read_health(call, &element, rule.protocol, &health));
	return change_health(call, &rule, &health);
}

/* ---- reading */

static enum err fill_config(struct call *call, const struct port_rule *rule, json_t *element)
{
	struct rule_health health;
	json_t *object;
	enum err err = rule_health_load(call->db, call->mem, rule->number, &health);
	if (err == ERR_NOT_FOUND)
		return put_object(element, "HealthCheck", &object);
	TRY(err);
	TRY(put_object(element, "HealthCheck", &object));
	TRY(put_text(object, "Type", kind_names[health.kind]));
	if (health.kind == HEALTH_HTTP) {
		TRY(put_text(object, "Domain", health.domain));
		TRY(put_text(object, "Uri", health.path));
	}
	TRY(put_int(object, "Port", health.port ? health.port : rule->backend_port));
	TRY(put_int(object, "Timeout", health.timeout_seconds));
	TRY(put_int(object, "Interval", health.interval_seconds));
	TRY(put_int(object, "Up", health.up));
	return put_int(object, "Down", health.down);
}

static enum err list_run(struct call *call, const void *raw)
{
	return rule_describe_named(call, raw, "HealthCheckList", fill_config);
}

/* Normal until a node says otherwise. */
static bool is_healthy(
	const struct call *call, const struct port_rule *rule, const uint8_t address[16])
{
	struct origin_health health;
	return !nodes_health(call->nodes, rule->number, address, rule->backend_port, &health) ||
	       health.unhealthy_nodes == 0;
}

static enum err fill_status(struct call *call, const struct port_rule *rule, json_t *element)
{
	struct rule_origin origin[ORIGIN_MAX];
	size_t count;
	json_t *list;
	bool any = false;
	TRY(port_rule_origins(call->db, rule->number, rule->backup ? rule->current : ORIGINS_OWN,
		origin, &count));
	TRY(put_list(element, "RealServerStatusList", &list));
	for (size_t i = 0; i < count; i++) {
		char text[ADDRESS_TEXT_SIZE];
		bool healthy = is_healthy(call, rule, origin[i].address);
		any |= healthy;
		address_format(origin[i].address, text);
		TRY(add(list, json_pack("{s:s, s:s}", "Address", text, "Status",
				      healthy ? "normal" : "abnormal")));
	}
	return put_text(element, "Status", any || count == 0 ? "normal" : "abnormal");
}

static enum err status_run(struct call *call, const void *raw)
{
	return rule_describe_named(call, raw, "HealthCheckStatus", fill_status);
}

static const struct reply_list list_lists[] = { { "HealthCheckList", "HealthCheckItem" },
	{ NULL, NULL } };
static const struct reply_list status_lists[] = { { "HealthCheckStatus", "Status" },
	{ "RealServerStatusList", "RealServerStatus" }, { NULL, NULL } };

const struct action health_actions[] = {
	{ VERSION_DDOSCOO, "ModifyHealthCheckConfig", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify), modify_run, NULL,
		"says how nodes check the origins of a port rule", 0 },
	{ VERSION_DDOSCOO, "DescribeHealthCheckList", READ, PERMISSION_READ, rule_names_params,
		sizeof(struct rule_names), list_run, list_lists,
		"shows how the origins of port rules are checked", 0 },
	{ VERSION_DDOSCOO, "DescribeHealthCheckStatus", READ, PERMISSION_READ, rule_names_params,
		sizeof(struct rule_names), status_run, status_lists,
		"shows what the nodes found about the origins of port rules", 0 },
	{ 0 },
};
