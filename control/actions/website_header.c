/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers that requests to origins get. Names that carry the connection, the host or the client's address are the
 * node's own: a customer's value there would let anybody claim anything.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/model/website_setting.h"

#define HEADERS_BYTES 4096

struct header_args {
	const char *domain, *headers, *embedded, *resource_group;
};
static const struct param modify_params[] = {
	PARAM_DOMAIN(header_args, .required = true),
	PARAM(header_args, headers, "CustomHeaders", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = HEADERS_BYTES, .type = "String", .shape = "{*: text}",
		.help = "at most 5 names and values; X-Forwarded-ClientSrcPort "
			"with \"\" tells the client's port"),
	PARAM(header_args, embedded, "EmbeddedHeaders", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = HEADERS_BYTES, .help = "not taken: CustomHeaders holds all"),
	PARAM_RESOURCE_GROUP(header_args),
	PARAM_ROW_END,
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(header_args, .required = true),
	PARAM_RESOURCE_GROUP(header_args),
	PARAM_ROW_END,
};

/* RFC 9110: a token. */
static bool is_token(const char *name)
{
	for (const char *at = name; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("!#$%&'*+-.^_`|~", *at))
			return false;
	}
	return name[0] != '\0';
}

/* Visible characters, spaces inside, UTF-8; nothing that could begin another header. */
static bool is_value(const char *value)
{
	for (const char *at = value; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 127)
			return false;
	}
	return true;
}

static bool is_among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_reserved(const char *name)
{
	/* What the node writes, what frames a message, what names its host or its client. */
	static const char *const names[] = { "Host", "Connection", "Upgrade", "Content-Length",
		"Content-Type", "Content-Encoding", "Transfer-Encoding", "TE", "Trailer",
		"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate",
		"Expect", "User-Agent", "Cookie", "Authorization", "Range", "Accept",
		"Accept-Encoding", "Referer", "Via", "CDN-Loop", "X-Forwarded-For",
		"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Cluster", "X-Real-IP",
		"Web-Server-Type", "EagleEye-RpcID", "eEagleEye-RpcID", "EagleEye-TraceID" };
	static const char *const client_names[] = {
#define CLIENT_HEADER(name) name,
#include "shared/client_headers.def"
#undef CLIENT_HEADER
	};

	return is_among(names, sizeof(names) / sizeof(names[0]), name) ||
	       is_among(client_names, sizeof(client_names) / sizeof(client_names[0]), name);
}

static bool is_port_header(const char *name)
{
	return strcasecmp(name, "X-Forwarded-ClientSrcPort") == 0 ||
	       strcasecmp(name, "X-Forwarded-ProxyPort") == 0;
}

static enum err check_header(struct call *call, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text)
		return refuse(
			call, ERR_INVALID_PARAMETER, "CustomHeaders.%.64s must be a string.", name);
	if (!is_token(name) || !is_value(text))
		return refuse(call, ERR_INVALID_PARAMETER,
			"CustomHeaders.%.64s: names are letters, digits and hyphens, values have "
			"no control characters.",
			name);
	if (strlen(name) + strlen(text) > HEADER_BYTES_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"CustomHeaders.%.64s: name and value can have at most %d characters.", name,
			HEADER_BYTES_MAX);
	if (is_reserved(name))
		return refuse(call, ERR_INVALID_PARAMETER,
			"CustomHeaders.%.64s is reserved: the node writes it itself, or passes "
			"the client's.",
			name);
	if (is_port_header(name) && text[0])
		return refuse(call, ERR_INVALID_PARAMETER,
			"CustomHeaders.%.64s must be \"\": its value is the connection's.", name);
	return OK;
}

static enum err check_headers(struct call *call, const json_t *object)
{
	const char *name, *other;
	json_t *value, *other_value;

	if (json_object_size(object) > SITE_HEADER_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"CustomHeaders can have at most %d headers.", SITE_HEADER_MAX);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		TRY(check_header(call, name, value));
		json_object_foreach((json_t *)(uintptr_t)object, other, other_value)
		{
			if (other != name && strcasecmp(other, name) == 0)
				return refuse(call, ERR_INVALID_PARAMETER,
					"CustomHeaders.%.64s is given more than once.", name);
		}
	}
	return OK;
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct header_args *args = raw;
	AUTO(json) json_t *array = NULL;
	struct website website;
	const char *before, *json;

	TRY(call_website(call, args->domain, &website));
	if (args->embedded && args->embedded[0])
		return refuse(call, ERR_INVALID_PARAMETER,
			"EmbeddedHeaders is not taken: name them in CustomHeaders.");
	TRY(json_param_any(call, "CustomHeaders", args->headers, &array));
	if (!json_is_object(array))
		return refuse(call, ERR_INVALID_PARAMETER,
			"CustomHeaders must be a JSON object of names and values.");
	TRY(check_headers(call, array));
	TRY(website_setting_load(call->db, call->mem, website.number, SETTING_HEADERS, &before));
	TRY(json_text(call->mem, json_incref(array), &json));
	TRY(website_setting_put(call->db, &website, SETTING_HEADERS, json));
	TRY(website_fits(call, &website));
	return website_record_setting(call, "headers", before, json);
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct header_args *args = raw;
	struct website website;
	json_t *element;
	const char *json;

	TRY(call_website(call, args->domain, &website));
	TRY(website_setting_load(call->db, call->mem, website.number, SETTING_HEADERS, &json));
	TRY(put_object(call->reply, "CustomHeader", &element));
	TRY(put_text(element, "Domain", website.domain));
	return put_text(element, "Headers", json[0] ? json : "{}");
}

const struct action website_header_actions[] = {
	{ VERSION_DDOSCOO, "ModifyHeaders", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct header_args), modify_run, NULL,
		"sets headers that requests to origins of a web site get", 0 },
	{ VERSION_DDOSCOO, "DescribeHeaders", READ, PERMISSION_READ, describe_params,
		sizeof(struct header_args), describe_run, NULL,
		"lists headers that requests to origins of a web site get", 0 },
	{ 0 },
};
