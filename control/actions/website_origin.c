/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How origins of web sites are chosen, and how connections to them are kept.
 */
#include <string.h>

#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/model/website_setting.h"

/* ---- ConfigL7RsPolicy */

#define POLICY_BYTES   16384
#define ATTRIBUTE_KEYS "Weight ConnectTimeout FailTimeout MaxFails ReadTimeout SendTimeout Mode"
#define SERVER_BYTES   256

struct policy_args {
	const char *domain, *policy, *resource_group;
	int64_t retry;
};
static const struct param policy_params[] = {
	PARAM_DOMAIN(policy_args, .required = true),
	PARAM(policy_args, policy, "Policy", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = POLICY_BYTES, .type = "String",
		.shape =
			"{ProxyMode: ip_hash|rr|least_time, Attributes?: [{RealServer?: text(256), "
			"Attribute?: {Weight?: 1..100, ConnectTimeout?: 1..10, FailTimeout?: "
			"1..3600, MaxFails?: 1..10, ReadTimeout?: 10..300, SendTimeout?: 10..300, "
			"Mode?: active|backup}}]}",
		.help = "how requests go to origins; without RealServer: of all that are not "
			"named"),
	PARAM(policy_args, retry, "UpstreamRetry", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 0, .max = 1, .fallback = -1,
		.help = "1: another origin is tried when one fails"),
	PARAM_RESOURCE_GROUP(policy_args),
	PARAM_ROW_END,
};

static enum err read_attribute(
	struct call *call, const struct json_element *element, struct website_origin *origin)
{
	const char *mode;

	for (size_t row = 0; row < ORIGIN_ATTRIBUTE_COUNT; row++) {
		const struct origin_attribute *attribute = &origin_attribute_rows[row];
		int64_t *value = origin_attribute_at(&origin->attributes, row);

		TRY(json_param_int(call, element, attribute->name, false, value));
		if (*value < attribute->least || *value > attribute->most)
			return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be %lld..%lld.",
				element->where, attribute->name, (long long)attribute->least,
				(long long)attribute->most);
	}
	TRY(json_param_text(call, element, "Mode", 16, false, &mode));
	if (!mode)
		return OK;
	origin->backup = strcmp(mode, "backup") == 0;
	if (!origin->backup && strcmp(mode, "active") != 0)
		return refuse(call, ERR_INVALID_PARAMETER, "%sMode must be active or backup.",
			element->where);
	return OK;
}

static bool has_origin(const struct website *website, const char *name)
{
	for (size_t i = 0; i < website->origin_count; i++) {
		if (strcmp(website->origin[i], name) == 0)
			return true;
	}
	return false;
}

/* The origin of that name in the policy, a new one when it has none. */
static struct website_origin *place_of(struct origin_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->origin_count; i++) {
		if (strcmp(policy->origin[i].name, name) == 0)
			return &policy->origin[i];
	}
	policy->origin[policy->origin_count] = website_origin_default(name);
	return &policy->origin[policy->origin_count++];
}

/* Without RealServer: of all that are not named. */
static enum err read_element(struct call *call, const struct website *website,
	const struct json_element *element, struct origin_policy *policy)
{
	struct json_element attribute;
	const char *server;

	TRY(json_param_text(call, element, "RealServer", SERVER_BYTES, false, &server));
	TRY(json_param_member(call, element, "Attribute", ATTRIBUTE_KEYS, &attribute));
	if (server && !has_origin(website, server))
		return refuse(call, ERR_INVALID_ORIGIN,
			"%sRealServer \"%.64s\" is no origin of the web site.", element->where,
			server);
	if (!attribute.object)
		return OK;
	for (size_t i = 0; i < website->origin_count; i++) {
		if (!server || strcmp(server, website->origin[i]) == 0)
			TRY(read_attribute(call, &attribute, place_of(policy, website->origin[i])));
	}
	return OK;
}

static enum err read_attributes(struct call *call, const struct website *website,
	const struct json_element *policy_element, struct origin_policy *policy)
{
	const json_t *list = json_object_get(policy_element->object, "Attributes");
	size_t backups = 0;

	if (list && (!json_is_array(list) || json_array_size(list) > SITE_ORIGIN_MAX))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sAttributes must be an array of at most %d objects.",
			policy_element->where, SITE_ORIGIN_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_element element;

		TRY(json_param_element(
			call, "Policy.Attributes", list, i, "RealServer Attribute", &element));
		TRY(read_element(call, website, &element, policy));
	}
	for (size_t i = 0; i < policy->origin_count; i++)
		backups += policy->origin[i].backup;
	if (backups == website->origin_count)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sAttributes: at least one origin must have Mode active.",
			policy_element->where);
	return OK;
}

static enum err put_policy(struct call *call, const struct policy_args *args,
	const struct website *website, const struct json_element *element)
{
	struct origin_policy policy = origin_policy_default(), old;
	const char *before, *json, *mode;

	TRY(website_setting_load(call->db, call->mem, website->number, SETTING_ORIGINS, &before));
	TRY(origin_policy_parse(call->mem, before, &old));
	policy.retry = args->retry < 0 ? old.retry : args->retry == 1;
	TRY(json_param_text(call, element, "ProxyMode", 16, true, &mode));
	if (!balance_from_name(mode, &policy.balance))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sProxyMode must be one of: ip_hash rr least_time.", element->where);
	TRY(read_attributes(call, website, element, &policy));
	TRY(json_text(call->mem, origin_policy_json(&policy), &json));
	TRY(website_setting_put(call->db, website, SETTING_ORIGINS, json));
	TRY(website_fits(call, website));
	return website_record_setting(call, "originPolicy", before, json);
}

static enum err policy_run(struct call *call, const void *raw)
{
	const struct policy_args *args = raw;
	AUTO(json) json_t *object = NULL;
	struct json_element element;
	struct website website;

	TRY(call_website(call, args->domain, &website));
	TRY(json_param_object(
		call, "Policy", args->policy, "ProxyMode Attributes", &object, &element));
	return put_policy(call, args, &website, &element);
}

/* ---- DescribeL7RsPolicy */

#define TIMEOUT_SECONDS_MAX 300

struct describe_args {
	const char *domain, *resource_group;
	struct text_list servers;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe_args, .required = true),
	PARAM(describe_args, servers, "RealServers", .kind = PARAM_TEXT_LIST, .max = 200,
		.item_min = 1, .item_max = SERVER_BYTES, .help = "only these origins"),
	PARAM_RESOURCE_GROUP(describe_args),
	PARAM_ROW_END,
};

static bool is_asked(const struct text_list *servers, const char *name)
{
	for (size_t i = 0; i < servers->count; i++) {
		if (strcmp(servers->item[i], name) == 0)
			return true;
	}
	return servers->count == 0;
}

static enum err put_origin(
	json_t *list, const struct website *website, struct website_origin *origin)
{
	json_t *element = json_object(), *attribute;

	TRY(add(list, element));
	TRY(put_text(element, "RealServer", origin->name));
	TRY(put_int(element, "RsType", website->named));
	TRY(put_object(element, "Attribute", &attribute));
	for (size_t row = 0; row < ORIGIN_ATTRIBUTE_COUNT; row++)
		TRY(put_int(attribute, origin_attribute_rows[row].name,
			*origin_attribute_at(&origin->attributes, row)));
	return put_text(attribute, "Mode", origin->backup ? "backup" : "active");
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe_args *args = raw;
	struct origin_policy policy;
	struct website website;
	const char *json;
	json_t *list;

	TRY(call_website(call, args->domain, &website));
	TRY(website_setting_load(call->db, call->mem, website.number, SETTING_ORIGINS, &json));
	TRY(origin_policy_parse(call->mem, json, &policy));
	TRY(put_text(call->reply, "ProxyMode", balance_name(policy.balance)));
	TRY(put_int(call->reply, "UpstreamRetry", policy.retry));
	TRY(put_int(call->reply, "RsAttrRwTimeoutMax", TIMEOUT_SECONDS_MAX));
	TRY(put_list(call->reply, "Attributes", &list));
	for (size_t i = 0; i < website.origin_count; i++) {
		struct website_origin origin = origin_policy_find(&policy, website.origin[i]);

		if (is_asked(&args->servers, origin.name))
			TRY(put_origin(list, &website, &origin));
	}
	return OK;
}

/* ---- keep-alive. Domain is optional as published, and needed all the same. */

#define KEEPALIVE_BYTES 512

#define REQUESTS_SHAPE	"1.." SHAPE_NUMBER(KEEPALIVE_REQUESTS_MAX)
#define SECONDS_SHAPE	"1.." SHAPE_NUMBER(KEEPALIVE_SECONDS_MAX)

struct keepalive_args {
	const char *domain, *upstream, *downstream;
};
static const struct param keepalive_params[] = {
	PARAM_DOMAIN(keepalive_args, .empty_is_absent = true),
	PARAM(keepalive_args, upstream, "UpstreamKeepalive", .kind = PARAM_JSON, .required = true,
		.min = 1, .max = KEEPALIVE_BYTES, .type = "String",
		.shape = "{enabled: bool, keepalive_requests: " REQUESTS_SHAPE
			 ", keepalive_timeout: " SECONDS_SHAPE "}",
		.help = "connections to origins, kept for so many requests and seconds"),
	PARAM(keepalive_args, downstream, "DownstreamKeepalive", .kind = PARAM_TEXT,
		.empty_is_absent = true, .max = KEEPALIVE_BYTES,
		.help = "not taken: all sites of a node keep clients' connections alike"),
	PARAM_ROW_END,
};
static const struct param describe_keepalive_params[] = {
	PARAM_DOMAIN(keepalive_args, .empty_is_absent = true),
	PARAM_ROW_END,
};

static enum err needed_website(struct call *call, const char *domain, struct website *out)
{
	if (!domain || !domain[0])
		return refuse(call, ERR_MISSING_PARAMETER, "Domain is mandatory.");
	return call_website(call, domain, out);
}

static enum err read_keepalive(
	struct call *call, const struct json_element *element, struct keepalive *out)
{
	const json_t *enabled = json_object_get(element->object, "enabled");

	if (!json_is_boolean(enabled))
		return refuse(call, ERR_INVALID_PARAMETER, "%senabled must be true or false.",
			element->where);
	out->enabled = json_is_true(enabled);
	TRY(json_param_count(
		call, element, "keepalive_requests", KEEPALIVE_REQUESTS_MAX, &out->requests));
	return json_param_count(
		call, element, "keepalive_timeout", KEEPALIVE_SECONDS_MAX, &out->seconds);
}

static enum err keepalive_run(struct call *call, const void *raw)
{
	const struct keepalive_args *args = raw;
	AUTO(json) json_t *object = NULL;
	struct json_element element;
	struct keepalive keepalive;
	struct website website = { .number = 0 };
	const char *before, *json;

	TRY(needed_website(call, args->domain, &website));
	if (args->downstream && args->downstream[0])
		return refuse(call, ERR_NOT_ENFORCEABLE,
			"DownstreamKeepalive is not taken: all sites of a node keep clients' "
			"connections alike.");
	TRY(json_param_object(call, "UpstreamKeepalive", args->upstream,
		"enabled keepalive_requests keepalive_timeout", &object, &element));
	TRY(read_keepalive(call, &element, &keepalive));
	TRY(website_setting_load(call->db, call->mem, website.number, SETTING_KEEPALIVE, &before));
	TRY(json_text(call->mem, keepalive_json(&keepalive), &json));
	TRY(website_setting_put(call->db, &website, SETTING_KEEPALIVE, json));
	return website_record_setting(call, "keepalive", before, json);
}

/* Seconds that nginx keeps an idle connection of a client. */
#define CLIENT_SECONDS 75

static enum err describe_keepalive_run(struct call *call, const void *raw)
{
	const struct keepalive_args *args = raw;
	struct keepalive keepalive;
	struct website website = { .number = 0 };
	json_t *element;
	const char *json;

	TRY(needed_website(call, args->domain, &website));
	TRY(website_setting_load(call->db, call->mem, website.number, SETTING_KEEPALIVE, &json));
	TRY(keepalive_parse(json, &keepalive));
	TRY(put_object(call->reply, "RsKeepalive", &element));
	TRY(put(element, "Enabled", json_boolean(keepalive.enabled)));
	TRY(put_int(element, "KeepaliveRequests", keepalive.requests));
	TRY(put_int(element, "KeepaliveTimeout", keepalive.seconds));
	return put_int(element, "DsKeepaliveTimeout", CLIENT_SECONDS);
}

static const struct reply_list describe_lists[] = {
	{ "Attributes", "AttributeItem" },
	{ NULL, NULL },
};

const struct action website_origin_actions[] = {
	{ VERSION_DDOSCOO, "ConfigL7RsPolicy", WRITE, PERMISSION_FULL, policy_params,
		sizeof(struct policy_args), policy_run, NULL,
		"sets how origins of a web site are chosen", 0 },
	{ VERSION_DDOSCOO, "DescribeL7RsPolicy", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe_args), describe_run, describe_lists,
		"tells how origins of a web site are chosen", 0 },
	{ VERSION_DDOSCOO, "ConfigL7UsKeepalive", WRITE, PERMISSION_FULL, keepalive_params,
		sizeof(struct keepalive_args), keepalive_run, NULL,
		"sets how connections to origins of a web site are kept", 0 },
	{ VERSION_DDOSCOO, "DescribeL7UsKeepalive", READ, PERMISSION_READ,
		describe_keepalive_params, sizeof(struct keepalive_args), describe_keepalive_run,
		NULL, "tells how connections to origins of a web site are kept", 0 },
	{ 0 },
};
