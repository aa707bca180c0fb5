/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance refuses beside its lists: source ports of reflectors, payloads, countries.
 *
 * Regions of China have no source of data that says which addresses are theirs; only Hong Kong, Macao and Taiwan,
 * which databases have as countries, can be enforced. The others are kept and shown while the switch is off;
 * switching them on is refused, rather than recorded and never done.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/model/country.h"
#include "control/store/policy.h"

#define CONFIG_BYTES	   16384 /* all countries, with blanks */
#define LIST_BYTES	   4096	 /* all country codes by spaces */
#define COUNTRY_NUMBER_MAX 9999
#define PORT_MAX	   65535

struct config {
	const char *id, *config, *region;
};

static enum err load(
	struct call *call, const char *id, struct instance *instance, struct policy *out)
{
	TRY(call_instance(call, id, instance));
	return policy_load(call->db, call->mem, instance->number, out);
}

/* ---- source ports of reflectors */

#define PARAM_REGION(tag)                                                                          \
	PARAM(tag, region, "RegionId", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,     \
		.help = "changes nothing: there is one region")

static const struct param reflect_params[] = {
	PARAM_INSTANCE_ID(config, .required = true),
	PARAM(config, config, "Config", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = CONFIG_BYTES, .type = "String",
		.shape = "{UdpSports: [1..65535]0.." SHAPE_NUMBER(REFLECTION_MAX) "}",
		.help = "source ports whose UDP is dropped"),
	PARAM_REGION(config),
	PARAM_ROW_END,
};

static enum err record_ports(json_t *entity, const struct policy *policy)
{
	json_t *list;
	TRY(put_list(entity, "udpSports", &list));
	for (size_t i = 0; i < policy->reflection_count; i++)
		TRY(add(list, json_integer(policy->reflection[i])));
	return OK;
}

static int compare_ports(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static enum err reflect_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	AUTO(json) json_t *json = NULL;
	json_t *old_entity, *new_entity;
	struct json_element config;
	struct instance instance;
	struct policy policy;
	struct int_list ports;
	bool found;
	TRY(json_param_object(call, "Config", args->config, "UdpSports", &json, &config));
	TRY(json_param_ints(
		call, &config, "UdpSports", REFLECTION_MAX, 1, PORT_MAX, &ports, &found));
	if (!found)
		return refuse(call, ERR_MISSING_PARAMETER, "Config.UdpSports is mandatory.");
	TRY(load(call, args->id, &instance, &policy));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_ports(old_entity, &policy));
	policy.reflection_count = ports.count;
	for (size_t i = 0; i < ports.count; i++)
		policy.reflection[i] = (uint16_t)ports.item[i];
	qsort(policy.reflection, policy.reflection_count, sizeof(policy.reflection[0]),
		compare_ports);
	TRY(record_ports(new_entity, &policy));
	return policy_put(call->db, call->mem, &policy);
}

static const struct param describe_reflect_params[] = {
	PARAM_INSTANCE_ID(config, .required = true),
	PARAM_REGION(config),
	PARAM_ROW_END,
};

static enum err describe_reflect_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	struct instance instance;
	struct policy policy;
	json_t *list;
	TRY(load(call, args->id, &instance, &policy));
	TRY(put_list(call->reply, "UdpSports", &list));
	for (size_t i = 0; i < policy.reflection_count; i++)
		TRY(add(list, json_sprintf("%u", policy.reflection[i])));
	return OK;
}

/* ---- payloads */

#define OFFSET_SHAPE   "0.." SHAPE_NUMBER(PATTERN_OFFSET_MAX)
#define PATTERNS_SHAPE "]0.." SHAPE_NUMBER(PATTERN_MAX)

struct patterns {
	const char *id, *patterns;
};
static const struct param patterns_params[] = {
	PARAM_INSTANCE_ID(patterns, .required = true),
	PARAM(patterns, patterns, "Patterns", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = CONFIG_BYTES, .type = "String",
		.shape = "[{Protocol?: tcp|udp|any, Port?: 0..65535, Offset?: " OFFSET_SHAPE
			 ", Value: hex, Mask?: hex}" PATTERNS_SHAPE,
		.help = "payloads; what matches one is dropped"),
	PARAM_ROW_END,
};

static enum err read_hex(struct call *call, const struct json_element *element, const char *key,
	const char *text, uint8_t out[PATTERN_BYTES_MAX], size_t *length)
{
	*length = strlen(text) / 2;
	if (strlen(text) % 2 == 0 && *length <= PATTERN_BYTES_MAX &&
		text_from_hex(text, out, *length))
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be 1..%d bytes in hexadecimal.",
		element->where, key, PATTERN_BYTES_MAX);
}

static enum err read_bytes(
	struct call *call, const struct json_element *element, struct payload_pattern *out)
{
	const char *value, *mask;
	size_t mask_length;
	TRY(json_param_text(call, element, "Value", 2 * PATTERN_BYTES_MAX, true, &value));
	TRY(json_param_text(call, element, "Mask", 2 * PATTERN_BYTES_MAX, false, &mask));
	TRY(read_hex(call, element, "Value", value, out->value, &out->length));
	memset(out->mask, 0xff, out->length);
	if (!mask)
		return OK;
	TRY(read_hex(call, element, "Mask", mask, out->mask, &mask_length));
	if (mask_length != out->length)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sMask must have as many bytes as Value.", element->where);
	return OK;
}

static enum err read_number(struct call *call, const struct json_element *element, const char *key,
	int64_t most, int64_t *out)
{
	TRY(json_param_int(call, element, key, false, out));
	if (*out < 0 || *out > most)
		return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be 0..%lld.", element->where,
			key, (long long)most);
	return OK;
}

static enum err read_pattern(
	struct call *call, const struct json_element *element, struct payload_pattern *out)
{
	const char *protocol;
	enum protocol known;
	TRY(json_param_text(call, element, "Protocol", 8, false, &protocol));
	if (protocol && strcmp(protocol, "any") != 0) {
		if (!protocol_from_name(protocol, &known))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sProtocol must be tcp, udp or any.", element->where);
		out->protocol = known;
	}
	TRY(read_number(call, element, "Port", PORT_MAX, &out->port));
	TRY(read_number(call, element, "Offset", PATTERN_OFFSET_MAX, &out->offset));
	return read_bytes(call, element, out);
}

static enum err put_patterns(json_t *object, const char *name, const struct policy *policy)
{
	json_t *list;
	TRY(put_list(object, name, &list));
	for (size_t i = 0; i < policy->pattern_count; i++) {
		const struct payload_pattern *pattern = &policy->pattern[i];
		char value[2 * PATTERN_BYTES_MAX + 1], mask[2 * PATTERN_BYTES_MAX + 1];
		text_hex(pattern->value, pattern->length, value);
		text_hex(pattern->mask, pattern->length, mask);
		const char *protocol =
			pattern->protocol ? protocol_name((enum protocol)pattern->protocol) : "any";
		TRY(add(list, json_pack("{s:s, s:I, s:I, s:s, s:s}", "Protocol", protocol, "Port",
				      (json_int_t)pattern->port, "Offset",
				      (json_int_t)pattern->offset, "Value", value, "Mask", mask)));
	}
	return OK;
}

static enum err patterns_run(struct call *call, const void *raw)
{
	const struct patterns *args = raw;
	AUTO(json) json_t *array = NULL;
	json_t *old_entity, *new_entity;
	struct instance instance;
	struct policy policy;
	TRY(json_param_array(call, "Patterns", args->patterns, 0, PATTERN_MAX, &array));
	TRY(load(call, args->id, &instance, &policy));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_patterns(old_entity, "patterns", &policy));
	memset(policy.pattern, 0, sizeof(policy.pattern));
	policy.pattern_count = json_array_size(array);
	for (size_t i = 0; i < policy.pattern_count; i++) {
		struct json_element element;
		TRY(json_param_element(
			call, "Patterns", array, i, "Protocol Port Offset Value Mask", &element));
		TRY(read_pattern(call, &element, &policy.pattern[i]));
	}
	TRY(put_patterns(new_entity, "patterns", &policy));
	return policy_put(call->db, call->mem, &policy);
}

static const struct param id_params[] = {
	PARAM_INSTANCE_ID(config, .required = true),
	PARAM_ROW_END,
};

static enum err describe_patterns_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	struct instance instance;
	struct policy policy;
	TRY(load(call, args->id, &instance, &policy));
	TRY(put_text(call->reply, "InstanceId", instance.id));
	return put_patterns(call->reply, "Patterns", &policy);
}

/* ---- countries */

static const struct param region_params[] = {
	PARAM_INSTANCE_ID(config, .required = true),
	PARAM(config, config, "Config", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = CONFIG_BYTES, .type = "String",
		.shape = "{RegionBlockSwitch: on|off, Countries?: [country], "
			 "Provinces?: [11..99]0.." SHAPE_NUMBER(PROVINCE_MAX) "}",
		.help = "countries by published number or two letters, provinces by code"),
	PARAM_ROW_END,
};

/* A published number, or two letters of ISO 3166. */
static int country_of(const json_t *value)
{
	if (json_is_integer(value))
		return country_by_number(json_integer_value(value));
	return json_is_string(value)
		       ? country_by_code(json_string_value(value), json_string_length(value))
		       : -1;
}

/* Countries as codes by spaces, in the order of the table, so that equal sets are equal texts. */
static enum err read_countries(
	struct call *call, const struct json_element *config, const char **out)
{
	const json_t *list = json_object_get(config->object, "Countries");
	bool *wanted = arena_array(call->mem, country_count, sizeof(*wanted));
	struct text text;
	if (!wanted)
		return ERR_MEMORY;
	if (!list)
		return OK;
	if (!json_is_array(list))
		return refuse(call, ERR_INVALID_PARAMETER, "%sCountries must be an array.",
			config->where);
	for (size_t i = 0; i < json_array_size(list); i++) {
		int country = country_of(json_array_get(list, i));
		if (country < 0)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sCountries[%zu] must be the number or the two letters of a "
				"country.",
				config->where, i);
		wanted[country] = true;
	}
	text_init(&text, call->mem, LIST_BYTES);
	text_add(&text, "");
	for (size_t i = 0; i < country_count; i++) {
		if (wanted[i])
			text_print(&text, "%s%s", text.length ? " " : "", countries[i].code);
	}
	*out = text.data;
	return text.failed || !text.data ? ERR_MEMORY : OK;
}

static enum err read_provinces(
	struct call *call, const struct json_element *config, const char **out)
{
	struct int_list list;
	struct text text;
	bool found;
	TRY(json_param_ints(call, config, "Provinces", PROVINCE_MAX, 11, 99, &list, &found));
	if (!found)
		return OK;
	text_init(&text, call->mem, LIST_BYTES);
	text_add(&text, "");
	for (size_t i = 0; i < list.count; i++) {
		if (!province_name(list.item[i]))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sProvinces: %lld is not the code of an administrative region.",
				config->where, (long long)list.item[i]);
		text_print(&text, "%s%lld", i ? " " : "", (long long)list.item[i]);
	}
	*out = text.data;
	return text.failed || !text.data ? ERR_MEMORY : OK;
}

/* The first region that could not be enforced; 0: none. */
static int64_t unenforceable(const char *provinces)
{
	char *end;
	for (const char *at = provinces; *at; at = end) {
		int64_t number = strtol(at, &end, 10);
		if (end == at)
			break;
		if (!province_country(number))
			return number;
	}
	return 0;
}

static enum err read_switch(struct call *call, const struct json_element *config, bool *out)
{
	const char *text;
	TRY(json_param_text(call, config, "RegionBlockSwitch", 3, true, &text));
	*out = strcmp(text, "on") == 0;
	if (*out || strcmp(text, "off") == 0)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%sRegionBlockSwitch must be on or off.",
		config->where);
}

static enum err record_region(json_t *entity, const struct policy *policy)
{
	TRY(put_text(entity, "regionBlockSwitch", policy->region_on ? "on" : "off"));
	TRY(put_text(entity, "countries", policy->countries));
	return put_text(entity, "provinces", policy->provinces);
}

static enum err region_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	AUTO(json) json_t *json = NULL;
	json_t *old_entity, *new_entity;
	struct json_element config;
	struct instance instance;
	struct policy policy;
	TRY(json_param_object(call, "Config", args->config, "RegionBlockSwitch Countries Provinces",
		&json, &config));
	TRY(load(call, args->id, &instance, &policy));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_region(old_entity, &policy));
	TRY(read_switch(call, &config, &policy.region_on));
	TRY(read_countries(call, &config, &policy.countries));
	TRY(read_provinces(call, &config, &policy.provinces));
	int64_t province = policy.region_on ? unenforceable(policy.provinces) : 0;
	if (province)
		return refuse(call, ERR_NOT_ENFORCEABLE,
			"Config.Provinces: no database says which addresses are in %s (%lld). "
			"Block countries, or regions 71, 81 and 82.",
			province_name(province), (long long)province);
	TRY(record_region(new_entity, &policy));
	return policy_put(call->db, call->mem, &policy);
}

static enum err put_countries(json_t *object, const char *codes)
{
	json_t *list;
	TRY(put_list(object, "Countries", &list));
	while (*codes) {
		size_t length = strcspn(codes, " ");
		int country = country_by_code(codes, length);
		if (country >= 0)
			TRY(add(list, json_integer(countries[country].number)));
		codes += length;
		codes += strspn(codes, " ");
	}
	return OK;
}

static enum err describe_region_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	struct instance instance;
	struct policy policy;
	json_t *config, *list;
	char *end;
	TRY(load(call, args->id, &instance, &policy));
	TRY(put_object(call->reply, "Config", &config));
	TRY(put_text(config, "RegionBlockSwitch", policy.region_on ? "on" : "off"));
	TRY(put_countries(config, policy.countries));
	TRY(put_list(config, "Provinces", &list));
	for (const char *at = policy.provinces; *at; at = end) {
		int64_t number = strtol(at, &end, 10);
		if (end == at)
			break;
		TRY(add(list, json_integer(number)));
	}
	return OK;
}

static const struct reply_list reflect_lists[] = { { "UdpSports", "UdpSports" }, { NULL, NULL } };
static const struct reply_list pattern_lists[] = { { "Patterns", "Pattern" }, { NULL, NULL } };
static const struct reply_list region_lists[] = {
	{ "Countries", "Country" },
	{ "Provinces", "Province" },
	{ NULL, NULL },
};

const struct action policy_actions[] = {
	{ VERSION_DDOSCOO, "ConfigUdpReflect", WRITE, PERMISSION_FULL, reflect_params,
		sizeof(struct config), reflect_run, NULL,
		"sets the source ports whose UDP an instance refuses", 0 },
	{ VERSION_DDOSCOO, "DescribeUdpReflect", READ, PERMISSION_READ, describe_reflect_params,
		sizeof(struct config), describe_reflect_run, reflect_lists,
		"shows the source ports whose UDP an instance refuses", 0 },
	{ VERSION_DDOSCOO, "ConfigNetworkRegionBlock", WRITE, PERMISSION_FULL, region_params,
		sizeof(struct config), region_run, NULL,
		"sets the countries whose packets an instance refuses", 0 },
	{ VERSION_DDOSCOO, "DescribeNetworkRegionBlock", READ, PERMISSION_READ, id_params,
		sizeof(struct config), describe_region_run, region_lists,
		"shows the countries whose packets an instance refuses", 0 },
	{ VERSION_POLDER, "ConfigPayloadPatterns", WRITE, PERMISSION_FULL, patterns_params,
		sizeof(struct patterns), patterns_run, NULL,
		"sets the payloads that an instance refuses", 0 },
	{ VERSION_POLDER, "DescribePayloadPatterns", READ, PERMISSION_READ, id_params,
		sizeof(struct config), describe_patterns_run, pattern_lists,
		"shows the payloads that an instance refuses", 0 },
	{ 0 },
};
