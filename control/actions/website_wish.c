/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of web sites and their changes, for both families of actions.
 *
 * A domain has one owner: whoever has a domain or a wildcard keeps others from what it stands for, and from
 * what stands for it, because a node looks up names for all its customers in one table. Ports of an address are shared
 * by its sites, with TLS or without, and with no port rule. Quotas are checked against what is stored, inside the
 * transaction.
 */
#include "control/actions/website_wish.h"

#include <openssl/rand.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/text.h"

/* ---- ports */

enum err wish_add_port(struct call *call, struct website_wish *wish, const char *where,
	const char *scheme, int64_t port)
{
	enum site_scheme bit;
	size_t at = 0;

	if (!scheme_from_name(scheme, &bit))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sProxyType must be one of: http https websocket websockets.", where);
	if (port < 1 || port > 65535)
		return refuse(call, ERR_INVALID_PARAMETER, "%s: a port must be 1..65535.",
			wish->ports_name);
	while (at < wish->port_count && wish->port[at].port < port)
		at++;
	if (at == wish->port_count || wish->port[at].port != port) {
		if (wish->port_count == SITE_PORT_MAX)
			return refuse(call, ERR_INVALID_PARAMETER, "%s can name at most %d ports.",
				wish->ports_name, SITE_PORT_MAX);
		memmove(&wish->port[at + 1], &wish->port[at],
			(wish->port_count++ - at) * sizeof(wish->port[0]));
		wish->port[at] = (struct website_port){ .port = port };
	}
	wish->port[at].schemes |= bit;
	if ((wish->port[at].schemes & SITE_SCHEME_TLS) &&
		(wish->port[at].schemes & ~(unsigned)SITE_SCHEME_TLS))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s: port %lld cannot be both with TLS (https, websockets) and without.",
			wish->ports_name, (long long)port);
	return OK;
}

/* Ports come as numbers, and from some clients as numbers in quotes. */
static enum err port_of(struct call *call, const char *where, const json_t *value, int64_t *out)
{
	*out = json_integer_value(value);
	if (json_is_integer(value) ||
		(json_is_string(value) && text_to_int(json_string_value(value), out)))
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%sProxyPorts must hold numbers.", where);
}

static enum err add_element(
	struct call *call, struct website_wish *wish, const struct json_element *element)
{
	const json_t *list = json_object_get(element->object, "ProxyPorts");
	const char *scheme;

	TRY(json_param_text(call, element, "ProxyType", 16, true, &scheme));
	if (!json_is_array(list) || json_array_size(list) == 0 ||
		json_array_size(list) > SITE_PORT_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sProxyPorts must be an array of 1..%d ports.", element->where,
			SITE_PORT_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		int64_t port;

		TRY(port_of(call, element->where, json_array_get(list, i), &port));
		TRY(wish_add_port(call, wish, element->where, scheme, port));
	}
	return OK;
}

#define SCHEME_COUNT 4
enum err wish_add_ports(struct call *call, struct website_wish *wish, const char *json)
{
	AUTO(json) json_t *array = NULL;

	TRY(json_param_parse(call, wish->ports_name, json, SCHEME_COUNT, &array));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_element element;

		TRY(json_param_element(
			call, wish->ports_name, array, i, "ProxyType ProxyPorts", &element));
		TRY(add_element(call, wish, &element));
	}
	return OK;
}

static bool has_port(const struct website *website, int64_t port, unsigned schemes)
{
	for (size_t i = 0; i < website->port_count; i++) {
		if (website->port[i].port == port && (website->port[i].schemes & schemes))
			return true;
	}
	return false;
}

/* Whether the instance can give the site this port. */
static enum err check_port(struct call *call, const struct website_wish *wish,
	const struct website *website, const struct website_instance *instance,
	const struct website_port *port)
{
	bool tls = port->schemes & SITE_SCHEME_TLS;
	struct website_port_use use;
	struct port_rule rule;
	enum err err = port_rule_load(
		call->db, call->mem, instance->number, PROTOCOL_TCP, port->port, &rule);

	if (err == OK)
		return refuse(call, ERR_WEBSITE_PORT, "%s: port %lld of %s has a port rule.",
			wish->ports_name, (long long)port->port, instance->id);
	if (err != ERR_PORT_RULE_NOT_FOUND)
		return err;
	TRY(website_port_used(
		call->db, call->mem, instance->number, port->port, website->number, &use));
	if (use.schemes == 0 || tls == !!(use.schemes & SITE_SCHEME_TLS))
		return OK;
	return refuse(call, ERR_WEBSITE_PORT,
		"%s: port %lld of %s is used with%s TLS by %.100s, and must be so by all.",
		wish->ports_name, (long long)port->port, instance->id, tls ? "out" : "",
		use.domain);
}

/* ---- origins */

static bool is_listed(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], text) == 0)
			return true;
	}
	return false;
}

/* An address in its one spelling; a site of any instance may have origins of both IP versions. */
static enum err check_address(struct call *call, const char *server, const char **out)
{
	struct port_rule rule = { .origin_count = 0 };
	char text[ADDRESS_TEXT_SIZE];
	enum err err = port_rule_add_origin(&rule, true, server);
	bool taken;

	if (err == ERR_INVALID_ORIGIN)
		return refuse(call, err,
			"RealServers: \"%.64s\" must be a single host address, as RsType is 0.",
			server);
	TRY(err);
	TRY(instance_has_vip(call->db, rule.origin[0].address, &taken));
	if (taken)
		return refuse(call, ERR_INVALID_ORIGIN,
			"RealServers: \"%.64s\" is a protected address: requests would come back.",
			server);
	address_format(rule.origin[0].address, text);
	*out = arena_copy(call->mem, text);
	return *out ? OK : ERR_MEMORY;
}

static bool is_below(const char *name, const char *zone)
{
	size_t length = strlen(name), zone_length = strlen(zone);

	return length > zone_length && name[length - zone_length - 1] == '.' &&
	       strcasecmp(name + length - zone_length, zone) == 0;
}

static enum err check_name(
	struct call *call, const struct website *website, const char *server, const char **out)
{
	char name[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];

	if (website_domain(server, name, why) != OK)
		return refuse(call, ERR_INVALID_ORIGIN,
			"RealServers: \"%.64s\" must be a name, as RsType is 1: it %s.", server,
			why);
	if (name[0] == '*')
		return refuse(call, ERR_INVALID_ORIGIN,
			"RealServers: \"%.64s\" must name one host.", server);
	if (website_covers(website->domain, name) ||
		(call->dns_zone && call->dns_zone[0] && is_below(name, call->dns_zone)))
		return refuse(call, ERR_INVALID_ORIGIN,
			"RealServers: \"%.64s\" is a protected name: requests would come back.",
			server);
	*out = arena_copy(call->mem, name);
	return *out ? OK : ERR_MEMORY;
}

static enum err set_origins(
	struct call *call, const struct website_wish *wish, struct website *website)
{
	size_t most = wish->rs_type ? WEBSITE_NAME_MAX : WEBSITE_ADDRESS_MAX;

	website->named = wish->rs_type == 1;
	website->origin = arena_array(call->mem, wish->servers.count, sizeof(*website->origin));
	website->origin_count = 0;
	if (!website->origin)
		return ERR_MEMORY;
	if (wish->servers.count == 0)
		return refuse(call, ERR_INVALID_ORIGIN, "RealServers must name at least one.");
	if (wish->servers.count > most)
		return refuse(call, ERR_INVALID_ORIGIN,
			"RealServers can name at most %zu of that RsType.", most);
	for (size_t i = 0; i < wish->servers.count; i++) {
		const char *server = wish->servers.item[i], *origin = "";

		if (website->named)
			TRY(check_name(call, website, server, &origin));
		else
			TRY(check_address(call, server, &origin));
		if (is_listed(website->origin, website->origin_count, origin))
			return refuse(call, ERR_INVALID_ORIGIN,
				"RealServers: \"%.64s\" is given more than once.", server);
		website->origin[website->origin_count++] = origin;
	}
	return OK;
}

/* ---- HttpsExt */

static enum err read_switch(
	struct call *call, const struct json_element *element, const char *key, bool *out)
{
	int64_t value = 0;

	TRY(json_param_int(call, element, key, false, &value));
	if (value != 0 && value != 1)
		return refuse(
			call, ERR_INVALID_PARAMETER, "%s%s must be 0 or 1.", element->where, key);
	*out = value == 1;
	return OK;
}

static enum err set_https(
	struct call *call, const struct website_wish *wish, struct website *website)
{
	AUTO(json) json_t *object = NULL;
	struct json_element element;

	if (wish->https_ext) {
		TRY(json_param_object(call, "HttpsExt", wish->https_ext,
			"Http2https Https2http Http2", &object, &element));
		TRY(read_switch(call, &element, "Http2https", &website->http_to_https));
		TRY(read_switch(call, &element, "Https2http", &website->https_to_http));
		TRY(read_switch(call, &element, "Http2", &website->http2));
	}
	/* Without TLS at all it has no effect, as published; on another port it would lead nowhere. */
	for (size_t i = 0; website->http_to_https && i < website->port_count; i++) {
		if ((website->port[i].schemes & SITE_SCHEME_HTTPS) &&
			!has_port(website, 443, SITE_SCHEME_HTTPS))
			return refuse(call, ERR_INVALID_PARAMETER,
				"HttpsExt.Http2https leads to port 443, which must be one of %s "
				"with https.",
				wish->ports_name);
	}
	return OK;
}

/* ---- instances */

static bool has_instance(const struct website *website, int64_t number)
{
	for (size_t i = 0; i < website->instance_count; i++) {
		if (website->instance[i].number == number)
			return true;
	}
	return false;
}

static enum err check_quota(
	struct call *call, const struct instance *instance, const struct website *website)
{
	int64_t sites = plan_sites(&instance->plan);
	struct website_usage usage;

	TRY(website_usage(call->db, instance->number, website->number, website->domain, &usage));
	if (usage.domains >= instance->plan.domains)
		return refuse(call, ERR_WEBSITE_LIMIT,
			"InstanceIds: the plan of %s grants %lld domains and all are in use.",
			instance->id, (long long)instance->plan.domains);
	if (usage.same_site == 0 && usage.sites >= sites)
		return refuse(call, ERR_WEBSITE_LIMIT,
			"InstanceIds: the plan of %s grants domains below %lld names like %.64s, "
			"and all are in use.",
			instance->id, (long long)sites, website_site(website->domain));
	return OK;
}

/* Those of the wish, by number; a site that had an instance before does not need its quota anew. */
static enum err set_instances(struct call *call, const struct website_wish *wish,
	const struct website *before, struct website *website)
{
	struct instance *list;
	size_t count;

	if (wish->ids.count > SITE_INSTANCE_MAX)
		return refuse(call, ERR_INVALID_PARAMETER, "InstanceIds can name at most %d.",
			SITE_INSTANCE_MAX);
	TRY(call_instances(call, &wish->ids, &list, &count));
	website->instance = arena_array(call->mem, count, sizeof(*website->instance));
	website->instance_count = 0;
	if (!website->instance)
		return ERR_MEMORY;
	website->account = before ? before->account : list[0].account;
	for (size_t i = 0; i < count; i++) {
		size_t at = website->instance_count++;

		if (list[i].account != website->account)
			return refuse(call, ERR_INVALID_PARAMETER,
				"InstanceIds must belong to one account.");
		if (!before || !has_instance(before, list[i].number))
			TRY(check_quota(call, &list[i], website));
		for (; at > 0 && website->instance[at - 1].number > list[i].number; at--)
			website->instance[at] = website->instance[at - 1];
		website->instance[at].number = list[i].number;
		memcpy(website->instance[at].id, list[i].id, INSTANCE_ID_SIZE);
	}
	return OK;
}

/* ---- all of it */

static enum err set_ports(
	struct call *call, const struct website_wish *wish, struct website *website)
{
	if (wish->port_count == 0)
		return refuse(call, ERR_INVALID_PARAMETER, "%s must name at least one port.",
			wish->ports_name);
	website->port = arena_array(call->mem, wish->port_count, sizeof(*website->port));
	if (!website->port)
		return ERR_MEMORY;
	memcpy(website->port, wish->port, wish->port_count * sizeof(*website->port));
	website->port_count = wish->port_count;
	return OK;
}

/* before: the site as it is; NULL: it is new. */
static enum err fulfil(struct call *call, const struct website_wish *wish,
	const struct website *before, struct website *website)
{
	if (wish->ids.count > 0)
		TRY(set_instances(call, wish, before, website));
	TRY(set_ports(call, wish, website));
	for (size_t i = 0; i < website->instance_count; i++) {
		for (size_t j = 0; j < website->port_count; j++)
			TRY(check_port(
				call, wish, website, &website->instance[i], &website->port[j]));
	}
	TRY(set_origins(call, wish, website));
	return set_https(call, wish, website);
}

static enum err check_domain(struct call *call, const struct website *website)
{
	struct website taken;
	const char *other;
	int64_t count;
	enum err err = website_load(call->db, call->mem, 0, website->domain, &taken);

	if (err == OK)
		return refuse(call, ERR_WEBSITE_EXISTS, "Domain \"%.100s\" is protected already.",
			website->domain);
	if (err != ERR_WEBSITE_NOT_FOUND)
		return err;
	TRY(website_overlap(call->db, call->mem, website->account, website->domain, &other));
	if (other)
		return refuse(call, ERR_WEBSITE_EXISTS,
			"Domain \"%.100s\" overlaps with one of another account.", website->domain);
	TRY(website_count(call->db, &count));
	if (count >= NODE_SITE_MAX)
		return refuse(call, ERR_WEBSITE_LIMIT,
			"Domain: nodes take at most %d of all accounts.", NODE_SITE_MAX);
	return OK;
}

static enum err new_cname(struct call *call, const char **out)
{
	uint8_t random[16];
	char *label = arena_take(call->mem, CNAME_SIZE);

	if (!label)
		return ERR_MEMORY;
	if (RAND_bytes(random, sizeof(random)) != 1)
		return fail(ERR_SYSTEM, "no random bytes");
	cname_make(CNAME_WEBSITE, random, label);
	*out = label;
	return OK;
}

enum err website_create(struct call *call, const struct website_wish *wish)
{
	char *domain = arena_take(call->mem, WEBSITE_DOMAIN_SIZE), why[WEBSITE_WHY_SIZE];
	struct website website = { .domain = domain,
		.create_ms = call->clock_ms,
		.access_mode = ACCESS_PROTECTED,
		.reuse_cname = "" };

	if (!domain)
		return ERR_MEMORY;
	if (website_domain(wish->domain, domain, why) != OK)
		return refuse(call, ERR_INVALID_PARAMETER, "Domain %s.", why);
	if (wish->ids.count == 0)
		return refuse(call, ERR_MISSING_PARAMETER, "InstanceIds is mandatory.");
	TRY(fulfil(call, wish, NULL, &website));
	TRY(check_domain(call, &website));
	TRY(new_cname(call, &website.cname));
	TRY(website_insert(call->db, &website));
	TRY(website_fits(call, &website));
	return website_record(call, NULL, &website);
}

enum err website_change(struct call *call, const struct website_wish *wish)
{
	struct website website, changed;

	TRY(call_website(call, wish->domain, &website));
	changed = website;
	TRY(fulfil(call, wish, &website, &changed));
	TRY(website_check_access(call, "InstanceIds or RsType", &changed));
	TRY(website_update(call->db, &changed));
	TRY(website_fits(call, &changed));
	return website_record(call, &website, &changed);
}

enum err website_remove(struct call *call, const char *domain)
{
	struct website website;

	TRY(call_website(call, domain, &website));
	TRY(website_check_unused(call, "Domain", &website));
	TRY(website_delete(call->db, &website));
	return website_record(call, &website, NULL);
}
