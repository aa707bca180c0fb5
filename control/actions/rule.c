/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of port rules and their changes, for both families of actions.
 *
 * The plan's limit is checked against what is stored, inside the transaction: two orders at once cannot
 * both take the last rule. Before and after go to the audit record as lists, since one call may touch
 * many rules. Rules of an expired instance may be written: they are configuration that a renewal brings
 * back to life.
 */
#include "control/actions/rule.h"

#include "base/text.h"
#include "control/actions/json_param.h"
#include "control/store/website.h"
#include "shared/packet_abi.h"

json_t *rule_servers_json(const struct port_rule *rule)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < rule->origin_count; i++) {
		char text[ADDRESS_TEXT_SIZE];
		address_format(rule->origin[i].address, text);
		if (json_array_append_new(list, json_string(text)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Adds rule to one side of the audit record: "oldEntity" or "newEntity". */
static enum err record_rule(struct call *call, const char *side, const struct port_rule *rule)
{
	json_t *old_entity, *new_entity, *list;
	if (!call->change) {
		TRY(call_change(call, &old_entity, &new_entity));
		TRY(put_list(old_entity, "rules", &list));
		TRY(put_list(new_entity, "rules", &list));
	}
	list = json_object_get(json_object_get(call->change, side), "rules");
	json_t *entity =
		json_pack("{s:s, s:I, s:I, s:o}", "protocol", protocol_name(rule->protocol),
			"frontendPort", (json_int_t)rule->frontend_port, "backendPort",
			(json_int_t)rule->backend_port, "realServers", rule_servers_json(rule));
	TRY(add(list, entity));
	/* What is as it was made says nothing. */
	for (size_t row = 0; row < RULE_ATTRIBUTE_COUNT; row++) {
		const struct rule_attribute *attribute = &rule_attribute_rows[row];
		int64_t value = rule_attribute_get(&rule->attributes, row);
		if (value != attribute->fallback)
			TRY(put_int(entity, attribute->label, value));
	}
	return OK;
}

static enum err check_port(struct call *call, const char *where, const char *name, int64_t port)
{
	if (port >= 1 && port <= 65535)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be 1..65535.", where, name);
}

static enum err set_servers(struct call *call, const struct instance *instance,
	const struct rule_wish *wish, struct port_rule *rule)
{
	rule->origin_count = 0;
	if (!wish->servers.count)
		return refuse(call, ERR_INVALID_ORIGIN,
			"%sRealServers must name at least one address.", wish->where);
	for (size_t i = 0; i < wish->servers.count; i++) {
		enum err err = port_rule_add_origin(rule, instance->ipv6, wish->servers.item[i]);
		if (err == ERR_LIMIT)
			return refuse(call, ERR_INVALID_ORIGIN,
				"%sRealServers can name at most %d addresses.", wish->where,
				ORIGIN_MAX);
		if (err == ERR_INVALID_ORIGIN)
			return refuse(call, err,
				"%sRealServers: \"%.64s\" must be a single %shost address, given "
				"once.",
				wish->where, wish->servers.item[i], instance->ipv6 ? "" : "Ipv4 ");
		TRY(err);
	}
	return OK;
}

static enum err set_key(struct call *call, const struct rule_wish *wish, struct port_rule *rule)
{
	if (!protocol_from_name(wish->protocol, &rule->protocol))
		return refuse(
			call, ERR_INVALID_PARAMETER, "%sProtocol must be tcp or udp.", wish->where);
	TRY(check_port(call, wish->where, "FrontendPort", wish->frontend_port));
	rule->frontend_port = wish->frontend_port;
	return OK;
}

/* A port of web sites is served by them: as if it had a rule that is not the customer's. */
static enum err check_websites(
	struct call *call, const struct rule_wish *wish, const struct port_rule *rule)
{
	struct website_port_use use;
	if (rule->protocol != PROTOCOL_TCP)
		return OK;
	TRY(website_port_used(
		call->db, call->mem, rule->instance_number, rule->frontend_port, 0, &use));
	if (use.schemes == 0)
		return OK;
	return refuse(call, ERR_PORT_RULE_EXISTS,
		"%sFrontendPort %lld/tcp serves the web site %.100s.", wish->where,
		(long long)rule->frontend_port, use.domain);
}

enum err rule_create(
	struct call *call, const struct instance *instance, const struct rule_wish *wish)
{
	struct port_rule rule = {
		.instance_number = instance->number,
		.remark = wish->remark ? wish->remark : "",
		.attributes = rule_attributes_fallback(),
	};
	TRY(set_key(call, wish, &rule));
	TRY(check_port(call, wish->where, "BackendPort", wish->backend_port));
	rule.backend_port = wish->backend_port;
	TRY(set_servers(call, instance, wish, &rule));
	struct instance_usage usage;
	TRY(instance_usage(call->db, instance->number, &usage));
	struct port_rule taken;
	enum err err = port_rule_load(
		call->db, call->mem, instance->number, rule.protocol, rule.frontend_port, &taken);
	if (err == OK)
		return refuse(call, ERR_PORT_RULE_EXISTS,
			"%sFrontendPort %lld/%s has a rule already.", wish->where,
			(long long)rule.frontend_port, protocol_name(rule.protocol));
	if (err != ERR_PORT_RULE_NOT_FOUND)
		return err;
	TRY(check_websites(call, wish, &rule));
	if (usage.ports >= instance->plan.ports)
		return refuse(call, ERR_PORT_RULE_LIMIT,
			"%sFrontendPort: the plan grants %lld port rules and all are in use.",
			wish->where, (long long)instance->plan.ports);
	TRY(port_rule_insert(call->db, &rule));
	return record_rule(call, "newEntity", &rule);
}

enum err rule_find(struct call *call, const struct instance *instance, const struct rule_wish *wish,
	struct port_rule *out)
{
	struct port_rule key = { 0 };
	TRY(set_key(call, wish, &key));
	enum err err = port_rule_load(
		call->db, call->mem, instance->number, key.protocol, key.frontend_port, out);
	if (err == ERR_PORT_RULE_NOT_FOUND)
		return refuse(call, err, "%sFrontendPort %lld/%s has no rule.", wish->where,
			(long long)key.frontend_port, protocol_name(key.protocol));
	return err;
}

enum err rule_of_instance(struct call *call, const char *id, const char *protocol,
	int64_t frontend_port, struct port_rule *out)
{
	const struct rule_wish wish = {
		.where = "", .protocol = protocol, .frontend_port = frontend_port
	};
	struct instance instance;
	TRY(call_instance(call, id, &instance));
	return rule_find(call, &instance, &wish, out);
}

enum err rule_of_element(struct call *call, const struct json_element *element,
	struct instance *instance, struct port_rule *out)
{
	struct rule_wish wish = { .where = element->where };
	const char *id;
	TRY(json_param_text(call, element, "InstanceId", INSTANCE_ID_BYTES, true, &id));
	TRY(json_param_text(call, element, "Protocol", 16, true, &wish.protocol));
	TRY(json_param_int(call, element, "FrontendPort", true, &wish.frontend_port));
	TRY(call_instance(call, id, instance));
	return rule_find(call, instance, &wish, out);
}

enum err rule_modify(struct call *call, const struct instance *instance,
	const struct rule_wish *wish, const struct port_rule *rule)
{
	struct port_rule changed = *rule;
	TRY(check_port(call, wish->where, "BackendPort", wish->backend_port));
	changed.backend_port = wish->backend_port;
	TRY(set_servers(call, instance, wish, &changed));
	TRY(record_rule(call, "oldEntity", rule));
	TRY(record_rule(call, "newEntity", &changed));
	return port_rule_update(call->db, &changed);
}

static enum err check_attribute(
	struct call *call, const char *where, const struct rule_attribute *row, int64_t value)
{
	if (value == row->fallback || (value >= row->least && value <= row->most))
		return OK;
	if (row->fallback >= row->least && row->fallback <= row->most)
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be %lld..%lld.", where,
			row->label, (long long)row->least, (long long)row->most);
	return refuse(call, ERR_INVALID_PARAMETER,
		"%s%s must be %lld, which is none, or %lld..%lld.", where, row->label,
		(long long)row->fallback, (long long)row->least, (long long)row->most);
}

/* What only one of the protocols has. */
static enum err check_protocol(struct call *call, const char *where, enum protocol protocol,
	const struct rule_attributes *attributes)
{
	static const char only[] = "%s%s is for %s rules only.";
	if (protocol == PROTOCOL_TCP && attributes->challenge)
		return refuse(call, ERR_INVALID_PARAMETER, only, where, "Challenge", "udp");
	if (protocol == PROTOCOL_TCP)
		return OK;
	if (attributes->syn_mode != SYN_THRESHOLD)
		return refuse(call, ERR_INVALID_PARAMETER, only, where, "Synproxy", "tcp");
	if (attributes->no_empty)
		return refuse(call, ERR_INVALID_PARAMETER, only, where, "NodataConn", "tcp");
	if (attributes->client_address == CLIENT_ADDRESS_TOA)
		return refuse(call, ERR_INVALID_PARAMETER, only, where, "ClientAddress toa", "tcp");
	return OK;
}

enum err rule_set_attributes(struct call *call, const char *where, const struct port_rule *rule,
	const struct rule_attributes *attributes)
{
	struct port_rule changed = *rule;
	for (size_t row = 0; row < RULE_ATTRIBUTE_COUNT; row++)
		TRY(check_attribute(call, where, &rule_attribute_rows[row],
			rule_attribute_get(attributes, row)));
	if (attributes->payload_min > attributes->payload_max)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sPayloadLen.Min must be at most PayloadLen.Max.", where);
	TRY(check_protocol(call, where, rule->protocol, attributes));
	changed.attributes = *attributes;
	TRY(record_rule(call, "oldEntity", rule));
	TRY(record_rule(call, "newEntity", &changed));
	return port_rule_set_attributes(call->db, call->mem, &changed);
}

enum err rule_delete(struct call *call, const struct port_rule *rule)
{
	TRY(record_rule(call, "oldEntity", rule));
	return port_rule_delete(call->db, rule);
}

enum err rule_describe(struct call *call, const struct rule_page *page, rule_element element)
{
	struct instance instance;
	TRY(call_instance(call, page->id, &instance));
	struct port_rule_filter filter = {
		.instance_number = instance.number,
		.frontend_port = page->frontend_port,
		.offset = page_offset(page->page_number, page->page_size),
		.limit = page->page_size,
	};
	enum protocol protocol;
	if (page->protocol && protocol_from_name(page->protocol, &protocol))
		filter.protocol = (int)protocol;
	struct port_rule_row *rows;
	size_t count;
	int64_t total;
	TRY(port_rule_list(call->db, call->mem, &filter, &rows, &count, &total));
	json_t *list;
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "NetworkRules", &list));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, element(&rows[i])));
	return OK;
}

#define RULES_BYTES 65536 /* PORT_RULE_MAX rules by instance, protocol and port */
#define RULE_KEYS   "InstanceId Protocol FrontendPort"

const struct param rule_names_params[] = {
	PARAM(rule_names, rules, "NetworkRules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = RULES_BYTES, .type = "String",
		.shape = "[{InstanceId: instance, Protocol: tcp|udp, FrontendPort: "
			 "1..65535}]1.." SHAPE_NUMBER(PORT_RULE_MAX),
		.help = "rules to show"),
	PARAM_ROW_END,
};

enum err rule_describe_named(
	struct call *call, const void *raw, const char *list_name, rule_fill fill)
{
	const struct rule_names *args = raw;
	AUTO(json) json_t *array = NULL;
	json_t *list;
	TRY(json_param_parse(call, "NetworkRules", args->rules, PORT_RULE_MAX, &array));
	TRY(put_list(call->reply, list_name, &list));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_element element;
		struct instance instance;
		struct port_rule rule;
		TRY(json_param_element(call, "NetworkRules", array, i, RULE_KEYS, &element));
		TRY(rule_of_element(call, &element, &instance, &rule));
		json_t *item = json_pack("{s:s, s:s, s:I}", "InstanceId", instance.id, "Protocol",
			protocol_name(rule.protocol), "FrontendPort",
			(json_int_t)rule.frontend_port);
		TRY(add(list, item));
		TRY(fill(call, &rule, item));
	}
	return OK;
}
