/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may see which web site, and what is recorded about it. One that the caller may not see is reported exactly as one
 * that does not exist.
 */
#include "control/actions/website.h"

#include <stdio.h>
#include <string.h>

#include "control/engine/engine.h"

static bool may_use(const struct call *call, const struct website *website)
{
	for (size_t i = 0; i < website->instance_count; i++) {
		if (!call_may_use(call, website->instance[i].id, website->account))
			return false;
	}
	return true;
}

enum err call_website(struct call *call, const char *domain, struct website *out)
{
	char name[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];
	struct website found;

	if (website_domain(domain, name, why) != OK)
		return ERR_WEBSITE_NOT_FOUND;
	TRY(website_load(call->db, call->mem, call_account(call), name, &found));
	if (!may_use(call, &found))
		return ERR_WEBSITE_NOT_FOUND;
	if (call->object && strcmp(call->object, found.domain) != 0)
		call->several = true;
	call->object = found.domain;
	call->object_account = found.account;
	*out = found;
	return OK;
}

enum err call_websites(
	struct call *call, const struct text_list *domains, struct website **out, size_t *count)
{
	struct website *list = arena_array(call->mem, domains->count, sizeof(*list));
	size_t used = 0;

	if (!list)
		return ERR_MEMORY;
	for (size_t i = 0; i < domains->count; i++) {
		size_t at = 0;

		TRY(call_website(call, domains->item[i], &list[used]));
		while (list[at].number != list[used].number)
			at++;
		used += at == used;
	}
	*out = list;
	*count = used;
	return OK;
}

struct website_filter call_website_filter(const struct call *call)
{
	return (struct website_filter){
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
	};
}

enum err website_fits(struct call *call, const struct website *website)
{
	void *site = arena_take(call->mem, SITE_BYTES_MAX);
	size_t length;
	enum err err;

	if (!site)
		return ERR_MEMORY;
	err = site_build(call->db, call->mem, website, site, &length);
	if (err == ERR_LIMIT)
		return refuse(call, err,
			"Domain: what is set for %.100s is more than a node takes for one site.",
			website->domain);
	return err;
}

/* ---- audit records */

static enum err add_scheme(json_t *list, const struct website *website, enum site_scheme scheme)
{
	json_t *element = json_object(), *ports;
	char text[8];

	TRY(add(list, element));
	TRY(put_text(element, "ProxyType", scheme_name(scheme)));
	TRY(put_list(element, "ProxyPorts", &ports));
	for (size_t i = 0; i < website->port_count; i++) {
		if (!(website->port[i].schemes & scheme))
			continue;
		(void)snprintf(text, sizeof(text), "%u", (unsigned)website->port[i].port & 0xffff);
		TRY(add(ports, json_string(text)));
	}
	if (json_array_size(ports) == 0 && json_array_remove(list, json_array_size(list) - 1) != 0)
		return ERR_MEMORY;
	return OK;
}

json_t *website_ports_json(const struct website *website)
{
	static const enum site_scheme schemes[] = { SITE_SCHEME_HTTP, SITE_SCHEME_HTTPS,
		SITE_SCHEME_WEBSOCKET, SITE_SCHEME_WEBSOCKETS };
	json_t *list = json_array();

	for (size_t i = 0; list && i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (add_scheme(list, website, schemes[i]) != OK) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static enum err fill_entity(json_t *entity, const struct website *website)
{
	json_t *instances, *origins;

	TRY(put_text(entity, "domain", website->domain));
	TRY(put_list(entity, "instanceIds", &instances));
	for (size_t i = 0; i < website->instance_count; i++)
		TRY(add(instances, json_string(website->instance[i].id)));
	TRY(put(entity, "proxyTypes", website_ports_json(website)));
	TRY(put_int(entity, "rsType", website->named));
	TRY(put_list(entity, "realServers", &origins));
	for (size_t i = 0; i < website->origin_count; i++)
		TRY(add(origins, json_string(website->origin[i])));
	TRY(put_int(entity, "http2https", website->http_to_https));
	TRY(put_int(entity, "https2http", website->https_to_http));
	TRY(put_int(entity, "http2", website->http2));
	TRY(put_int(entity, "ocsp", website->ocsp));
	TRY(put_int(entity, "accessMode", website->access_mode));
	TRY(put_int(entity, "certificate", website->certificate));
	return website->reuse ? put_text(entity, "cnameReuse", website->reuse_cname) : OK;
}

enum err website_record(
	struct call *call, const struct website *before, const struct website *after)
{
	const struct website *website = after ? after : before;
	json_t *old_entity, *new_entity;

	call->object = website->domain;
	call->object_account = website->account;
	call->several = false;
	TRY(call_change(call, &old_entity, &new_entity));
	if (before)
		TRY(fill_entity(old_entity, before));
	return after ? fill_entity(new_entity, after) : OK;
}

enum err website_record_setting(
	struct call *call, const char *name, const char *before, const char *after)
{
	json_t *old_entity, *new_entity;

	TRY(call_change(call, &old_entity, &new_entity));
	if (before[0])
		TRY(put(old_entity, name, json_loads(before, JSON_DECODE_ANY, NULL)));
	return put(new_entity, name, json_loads(after, JSON_DECODE_ANY, NULL));
}
