/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites with one parameter per value, the spelling that Terraform uses. ProxyTypes comes flattened, or from some
 * clients as JSON.
 */
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/website_wish.h"

#define PROXY_TYPES_MAX 4
#define PORT_DIGITS_MAX 10 /* also of the longest scheme */

struct resource_args {
	const char *domain, *https_ext;
	struct text_list ids, servers;
	struct object_list proxy_types;
	int64_t rs_type;
};
static const struct param resource_params[] = {
	PARAM_DOMAIN(resource_args, .required = true),
	PARAM_INSTANCE_IDS(resource_args, .required = true),
	PARAM(resource_args, proxy_types, "ProxyTypes", .kind = PARAM_OBJECT_LIST, .required = true,
		.max = PROXY_TYPES_MAX, .item_min = 1, .item_max = PORT_DIGITS_MAX,
		.choices = "ProxyType ProxyPorts.N", .shape = PROXY_TYPES_SHAPE,
		.help = "protocols (http https websocket websockets) and their ports"),
	PARAM_RS_TYPE(resource_args),
	PARAM_WEB_SERVERS(resource_args),
	PARAM_HTTPS_EXT(resource_args),
	PARAM_ROW_END,
};

static enum err add_type(
	struct call *call, struct website_wish *wish, size_t index, const struct object_item *item)
{
	const char *where = arena_print(call->mem, "ProxyTypes.%zu.", index + 1);

	if (!where)
		return ERR_MEMORY;
	if (!item->text)
		return refuse(call, ERR_MISSING_PARAMETER, "%sProxyType is mandatory.", where);
	if (item->list.count == 0)
		return refuse(call, ERR_MISSING_PARAMETER, "%sProxyPorts is mandatory.", where);
	for (size_t i = 0; i < item->list.count; i++) {
		int64_t port;

		if (!text_to_int(item->list.item[i], &port))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sProxyPorts must hold numbers.", where);
		TRY(wish_add_port(call, wish, where, item->text, port));
	}
	return OK;
}

static enum err wish_of(
	struct call *call, const struct resource_args *args, struct website_wish *out)
{
	*out = (struct website_wish){ .domain = args->domain,
		.ids = args->ids,
		.rs_type = args->rs_type,
		.servers = args->servers,
		.https_ext = args->https_ext,
		.ports_name = "ProxyTypes" };
	if (args->proxy_types.json)
		return wish_add_ports(call, out, args->proxy_types.json);
	for (size_t i = 0; i < args->proxy_types.count; i++)
		TRY(add_type(call, out, i, &args->proxy_types.item[i]));
	return OK;
}

static enum err create_run(struct call *call, const void *raw)
{
	struct website_wish wish;

	TRY(wish_of(call, raw, &wish));
	return website_create(call, &wish);
}

static enum err modify_run(struct call *call, const void *raw)
{
	struct website_wish wish;

	TRY(wish_of(call, raw, &wish));
	return website_change(call, &wish);
}

struct delete_args {
	const char *domain;
};
static const struct param delete_params[] = {
	PARAM_DOMAIN(delete_args, .required = true),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct delete_args *args = raw;

	return website_remove(call, args->domain);
}

const struct action website_resource_actions[] = {
	{ VERSION_DDOSCOO, "CreateDomainResource", WRITE, PERMISSION_FULL, resource_params,
		sizeof(struct resource_args), create_run, NULL, "adds a web site to instances", 0 },
	{ VERSION_DDOSCOO, "ModifyDomainResource", WRITE, PERMISSION_FULL, resource_params,
		sizeof(struct resource_args), modify_run, NULL,
		"changes instances, ports and origins of a web site", 0 },
	{ VERSION_DDOSCOO, "DeleteDomainResource", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct delete_args), delete_run, NULL, "deletes a web site", 0 },
	{ 0 },
};
