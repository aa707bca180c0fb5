/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of port rules, one JSON object of the published form: session persistence, bounds of payload
 * lengths, SYN cookies, empty connections, limits of the rule (Sla) and of each source (Slimit), and how long
 * a source is blocked that goes over one too often (Cc.Sblack). Members that the object does not name stay as
 * they are; Sblack is replaced whole.
 *
 * Synproxy on means a cookie for every SYN, off a cookie above the instance's threshold. A limit counts while
 * its switch is 1; one that is named without its switch is switched on, as published.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shared/packet_abi.h"
#include "control/actions/json_param.h"
#include "control/actions/rule.h"
#include "control/actions/tables.h"

#define CONFIG_BYTES 8192

#define CONFIG_KEYS  "PersistenceTimeout PayloadLen Synproxy NodataConn Sla Slimit Cc"

/* Bounds: control/model/rule_attributes.def. */
#define CONFIG_SHAPE                                                                               \
	"{PersistenceTimeout?: 0..3600, PayloadLen?: {Min: 0..1500, Max: 0..6000}, "               \
	"Synproxy?: on|off, NodataConn?: on|off, "                                                 \
	"Sla?: {Cps?: 0..100000, Maxconn?: 0..1000000, CpsEnable?: 0..1, MaxconnEnable?: 0..1}, "  \
	"Slimit?: {Cps?: 0..500000, Maxconn?: 0..500000, CpsEnable?: 0..1, MaxconnEnable?: 0..1, " \
	"CpsMode?: 0..1, Pps?: 0..100000, Bps?: 0..268435456}, "                                   \
	"Cc?: {Sblack?: [{Type: 1..4, Cnt?: 5..5, During?: 60..60, Expires: 60..604800}]0..4}}"

struct modify {
	const char *id, *protocol, *config, *module;
	int64_t frontend_port;
};
static const struct param modify_params[] = {
	PARAM_RULE(modify),
	PARAM(modify, config, "Config", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = CONFIG_BYTES, .type = "String", .shape = CONFIG_SHAPE,
		.help = "what is to change; the rest stays"),
	PARAM(modify, module, "Module", .kind = PARAM_CHOICE, .choices = "sla",
		.empty_is_absent = true, .help = "changes nothing: Config says what is set"),
	PARAM_ROW_END,
};

/* Integers of the form: group, member, attribute. */
struct config_row {
	const char *group, *key;
	size_t offset;
	size_t on; /* attribute of the switch that naming this one turns on; SWITCH_NONE */
};
#define SWITCH_NONE SIZE_MAX
#define AT(name)    offsetof(struct rule_attributes, name)
static const struct config_row config_rows[] = {
	{ "PayloadLen", "Min", AT(payload_min), SWITCH_NONE },
	{ "PayloadLen", "Max", AT(payload_max), SWITCH_NONE },
	{ "Sla", "Cps", AT(service_rate), AT(service_rate_on) },
	{ "Sla", "Maxconn", AT(service_connections), AT(service_connections_on) },
	{ "Sla", "CpsEnable", AT(service_rate_on), SWITCH_NONE },
	{ "Sla", "MaxconnEnable", AT(service_connections_on), SWITCH_NONE },
	{ "Slimit", "Cps", AT(source_rate), AT(source_rate_on) },
	{ "Slimit", "Maxconn", AT(source_connections), AT(source_connections_on) },
	{ "Slimit", "CpsEnable", AT(source_rate_on), SWITCH_NONE },
	{ "Slimit", "MaxconnEnable", AT(source_connections_on), SWITCH_NONE },
	{ "Slimit", "Pps", AT(source_packets), SWITCH_NONE },
	{ "Slimit", "Bps", AT(source_bytes), SWITCH_NONE },
};
#define SLA_KEYS    "Cps Maxconn CpsEnable MaxconnEnable"
#define SLIMIT_KEYS "Cps Maxconn CpsEnable MaxconnEnable CpsMode Pps Bps"
#define SBLACK_KEYS "Type Cnt During Expires"

static int64_t *attribute(struct rule_attributes *attributes, size_t offset)
{
	return (int64_t *)(void *)((char *)attributes + offset);
}

static enum err read_group(struct call *call, const struct json_element *config, const char *name,
	const char *keys, struct rule_attributes *out)
{
	struct json_element group;
	TRY(json_param_member(call, config, name, keys, &group));
	for (size_t i = 0; group.object && i < sizeof(config_rows) / sizeof(*config_rows); i++) {
		const struct config_row *row = &config_rows[i];
		if (strcmp(row->group, name) != 0 || !json_object_get(group.object, row->key))
			continue;
		int64_t *value = attribute(out, row->offset);
		TRY(json_param_int(call, &group, row->key, true, value));
		if (row->on != SWITCH_NONE)
			*attribute(out, row->on) = *value != 0;
	}
	return OK;
}

/* Mode 2 means a limit that is learned. */
static enum err read_rate_mode(struct call *call, const struct json_element *config)
{
	struct json_element limits;
	int64_t mode = 1;
	TRY(json_param_member(call, config, "Slimit", SLIMIT_KEYS, &limits));
	if (!limits.object)
		return OK;
	TRY(json_param_int(call, &limits, "CpsMode", false, &mode));
	if (mode == 0 || mode == 1)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER,
		"%sCpsMode must be 1: limits are not chosen automatically.", limits.where);
}

/* Payloads have both bounds or none. */
static enum err read_payload(
	struct call *call, const struct json_element *config, struct rule_attributes *out)
{
	struct json_element payload;
	int64_t unused;
	TRY(json_param_member(call, config, "PayloadLen", "Min Max", &payload));
	if (!payload.object)
		return OK;
	TRY(json_param_int(call, &payload, "Min", true, &unused));
	TRY(json_param_int(call, &payload, "Max", true, &unused));
	return read_group(call, config, "PayloadLen", "Min Max", out);
}

static enum err read_switch(struct call *call, const struct json_element *config, const char *key,
	int64_t on, int64_t off, int64_t *out)
{
	const char *text;
	TRY(json_param_text(call, config, key, 8, false, &text));
	if (!text)
		return OK;
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return refuse(
			call, ERR_INVALID_PARAMETER, "%s%s must be on or off.", config->where, key);
	*out = strcmp(text, "on") == 0 ? on : off;
	return OK;
}

static enum err read_fixed(
	struct call *call, const struct json_element *element, const char *key, int64_t must)
{
	int64_t value = must;
	TRY(json_param_int(call, element, key, false, &value));
	if (value == must)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be %lld.", element->where, key,
		(long long)must);
}

static enum err read_blocking(
	struct call *call, const struct json_element *config, struct rule_attributes *out)
{
	int64_t *const seconds[] = { &out->block_rate, &out->block_connections, &out->block_packets,
		&out->block_bytes };
	struct json_element cc;
	TRY(json_param_member(call, config, "Cc", "Sblack", &cc));
	const json_t *list = json_object_get(cc.object, "Sblack");
	if (!list)
		return OK;
	const char *name = arena_print(call->mem, "%sSblack", cc.where);
	if (!name)
		return ERR_MEMORY;
	if (!json_is_array(list) || json_array_size(list) > LIMIT_COUNT)
		return refuse(call, ERR_INVALID_PARAMETER, "%s must be an array of at most %d.",
			name, LIMIT_COUNT);
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		*seconds[i] = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_element element;
		int64_t type, expires = 0;
		TRY(json_param_element(call, name, list, i, SBLACK_KEYS, &element));
		TRY(json_param_int(call, &element, "Type", true, &type));
		TRY(json_param_int(call, &element, "Expires", true, &expires));
		TRY(read_fixed(call, &element, "Cnt", BLOCK_HITS));
		TRY(read_fixed(call, &element, "During", BLOCK_WINDOW_SECONDS));
		if (type < 1 || type > LIMIT_COUNT || *seconds[type - 1] != 0)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sType must be 1..%d, each once.", element.where, LIMIT_COUNT);
		if (expires == 0)
			return refuse(call, ERR_INVALID_PARAMETER, "%sExpires must be 60..604800.",
				element.where);
		*seconds[type - 1] = expires;
	}
	return OK;
}

static enum err check_switches(
	struct call *call, const char *where, const struct rule_attributes *attributes)
{
	for (size_t i = 0; i < sizeof(config_rows) / sizeof(*config_rows); i++) {
		const struct config_row *row = &config_rows[i];
		struct rule_attributes copy = *attributes;
		if (row->on != SWITCH_NONE && *attribute(&copy, row->on) == 1 &&
			*attribute(&copy, row->offset) == 0)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s%s.%s must be given to be switched on.", where, row->group,
				row->key);
	}
	return OK;
}

static enum err read_config(
	struct call *call, const struct json_element *config, struct rule_attributes *out)
{
	TRY(read_switch(call, config, "Synproxy", SYN_ALWAYS, SYN_THRESHOLD, &out->syn_mode));
	TRY(read_switch(call, config, "NodataConn", 1, 0, &out->no_empty));
	TRY(read_group(call, config, "Sla", SLA_KEYS, out));
	TRY(read_group(call, config, "Slimit", SLIMIT_KEYS, out));
	TRY(read_rate_mode(call, config));
	TRY(read_blocking(call, config, out));
	TRY(json_param_int(call, config, "PersistenceTimeout", false, &out->persistence_seconds));
	TRY(read_payload(call, config, out));
	return check_switches(call, config->where, out);
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify *args = raw;
	AUTO(json) json_t *json = NULL;
	struct json_element config;
	struct port_rule rule;
	TRY(json_param_object(call, "Config", args->config, CONFIG_KEYS, &json, &config));
	TRY(rule_of_instance(call, args->id, args->protocol, args->frontend_port, &rule));
	struct rule_attributes attributes = rule.attributes;
	TRY(read_config(call, &config, &attributes));
	return rule_set_attributes(call, config.where, &rule, &attributes);
}

static enum err put_blocking(json_t *config, const struct rule_attributes *attributes)
{
	const int64_t seconds[] = { attributes->block_rate, attributes->block_connections,
		attributes->block_packets, attributes->block_bytes };
	json_t *cc, *list;
	TRY(put_object(config, "Cc", &cc));
	TRY(put_list(cc, "Sblack", &list));
	for (int i = 0; i < LIMIT_COUNT; i++)
		if (seconds[i] != 0)
			TRY(add(list, json_pack("{s:i, s:i, s:i, s:I}", "Type", i + 1, "Cnt",
					      BLOCK_HITS, "During", BLOCK_WINDOW_SECONDS, "Expires",
					      (json_int_t)seconds[i])));
	return OK;
}

static enum err put_config(json_t *config, const struct rule_attributes *attributes)
{
	struct rule_attributes copy = *attributes;
	TRY(put_int(config, "PersistenceTimeout", attributes->persistence_seconds));
	TRY(put_text(config, "Synproxy", attributes->syn_mode == SYN_ALWAYS ? "on" : "off"));
	TRY(put_text(config, "NodataConn", attributes->no_empty ? "on" : "off"));
	for (size_t i = 0; i < sizeof(config_rows) / sizeof(*config_rows); i++) {
		const struct config_row *row = &config_rows[i];
		json_t *group = json_object_get(config, row->group);
		if (!group)
			TRY(put_object(config, row->group, &group));
		TRY(put_int(group, row->key, *attribute(&copy, row->offset)));
	}
	TRY(put_int(json_object_get(config, "Slimit"), "CpsMode", 1));
	return put_blocking(config, attributes);
}

static enum err fill_config(struct call *call, const struct port_rule *rule, json_t *element)
{
	json_t *config;
	(void)call;
	TRY(put_object(element, "Config", &config));
	return put_config(config, &rule->attributes);
}

static enum err describe_run(struct call *call, const void *raw)
{
	return rule_describe_named(call, raw, "NetworkRuleAttributes", fill_config);
}

static const struct reply_list describe_lists[] = {
	{ "NetworkRuleAttributes", "NetworkRuleAttribute" },
	{ "Sblack", NULL },
	{ NULL, NULL },
};

const struct action rule_attribute_actions[] = {
	{ VERSION_DDOSCOO, "ModifyNetworkRuleAttribute", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify), modify_run, NULL,
		"changes limits, filters and session persistence of a port rule", 0 },
	{ VERSION_DDOSCOO, "DescribeNetworkRuleAttributes", READ, PERMISSION_READ,
		rule_names_params, sizeof(struct rule_names), describe_run, describe_lists,
		"shows limits, filters and session persistence of port rules", 0 },
	{ 0 },
};
