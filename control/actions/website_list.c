/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions of web sites. The site whose domain is the one asked for comes first also in a fuzzy search: clients take
 * the first element for it.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/dns/names.h"
#include "control/model/website_setting.h"

#define WEB_PAGE_MAX	  10
#define RESOURCE_PAGE_MAX 50
#define REGION_HOME	  "cn-hangzhou"
#define REGION_ABROAD	  "ap-southeast-1"

/* ---- one site */

const char *website_cname(const struct call *call, const struct website *website)
{
	return call_cname(call, website->reuse ? website->reuse_cname : website->cname);
}

static enum err put_texts(json_t *element, const char *name, const struct text_list *texts)
{
	json_t *list;

	TRY(put_list(element, name, &list));
	for (size_t i = 0; i < texts->count; i++)
		TRY(add(list, json_string(texts->item[i])));
	return OK;
}

static enum err put_tls(struct call *call, const struct website *website, json_t *element,
	struct tls_policy *policy)
{
	const char *json;

	TRY(website_setting_load(call->db, call->mem, website->number, SETTING_TLS, &json));
	TRY(tls_policy_parse(call->mem, json, policy));
	TRY(put(element, "Ssl13Enabled", json_boolean(policy->tls13)));
	TRY(put_text(element, "SslCiphers", cipher_class_name(policy->ciphers)));
	TRY(put_text(element, "SslProtocols", tls_version_name(policy->least)));
	return put_texts(element, "CustomCiphers", &policy->custom);
}

static enum err put_balance(struct call *call, const struct website *website, json_t *element)
{
	struct origin_policy policy;
	const char *json;

	TRY(website_setting_load(call->db, call->mem, website->number, SETTING_ORIGINS, &json));
	TRY(origin_policy_parse(call->mem, json, &policy));
	return put_text(element, "PolicyMode", balance_name(policy.balance));
}

/* What both descriptions have. No authority punishes domains here. */
static enum err put_common(struct call *call, const struct website *website, json_t *element,
	struct certificate_row *certificate, struct tls_policy *tls)
{
	const char *cname = website_cname(call, website);

	*certificate = (struct certificate_row){ .name = "" };
	if (!cname)
		return ERR_MEMORY;
	if (website->certificate)
		TRY(certificate_load(
			call->db, call->mem, website->account, website->certificate, certificate));
	TRY(put_text(element, "Domain", website->domain));
	TRY(put_text(element, "Cname", cname));
	TRY(put_text(element, "CertName", certificate->name));
	TRY(put(element, "Http2Enable", json_boolean(website->http2)));
	TRY(put(element, "Http2HttpsEnable", json_boolean(website->http_to_https)));
	TRY(put(element, "Https2HttpEnable", json_boolean(website->https_to_http)));
	TRY(put(element, "OcspEnabled", json_boolean(website->ocsp)));
	TRY(put(element, "ProxyEnabled", json_true()));
	TRY(put(element, "ProxyTypes", website_ports_json(website)));
	TRY(put_int(element, "PunishReason", 0));
	TRY(put(element, "PunishStatus", json_false()));
	TRY(put_tls(call, website, element, tls));
	TRY(put_balance(call, website, element));
	return website_view_policy(call, website, element);
}

static enum err put_resource(struct call *call, const struct website *website, json_t *element)
{
	const struct text_list origins = { website->origin, website->origin_count };
	struct certificate_row certificate;
	struct tls_policy tls;
	char https_ext[64];
	json_t *ids;

	TRY(put_common(call, website, element, &certificate, &tls));
	(void)snprintf(https_ext, sizeof(https_ext),
		"{\"Http2\":%d,\"Http2https\":%d,\"Https2http\":%d}", website->http2,
		website->http_to_https, website->https_to_http);
	TRY(put_text(element, "HttpsExt", https_ext));
	TRY(put_int(element, "RsType", website->named));
	TRY(put_texts(element, "RealServers", &origins));
	TRY(put_list(element, "InstanceIds", &ids));
	for (size_t i = 0; i < website->instance_count; i++)
		TRY(add(ids, json_string(website->instance[i].id)));
	return OK;
}

/* Premium instances are the ones outside of China. */
static const char *region_of(const struct website *website)
{
	return strncmp(website->instance[0].id, "ddosDip-", 8) == 0 ? REGION_ABROAD : REGION_HOME;
}

static enum err put_rule(struct call *call, const struct website *website, json_t *element)
{
	struct certificate_row certificate;
	struct tls_policy tls;
	json_t *servers;

	TRY(put_common(call, website, element, &certificate, &tls));
	TRY(put_text(element, "UserCertName", certificate.name));
	TRY(put_text(element, "CertRegion", website->certificate ? region_of(website) : ""));
	TRY(put_int(element, "CertExpireTime", certificate.until_ms));
	TRY(put_texts(element, "Tls13CustomCiphers", &tls.custom_tls13));
	TRY(put(element, "GmCert",
		json_pack("{s:s, s:i, s:i}", "CertId", "", "GmEnable", 0, "GmOnly", 0)));
	TRY(put_list(element, "RealServers", &servers));
	for (size_t i = 0; i < website->origin_count; i++)
		TRY(add(servers, json_pack("{s:s, s:i}", "RealServer", website->origin[i], "RsType",
					 website->named)));
	return OK;
}

/* ---- pages */

struct page_args {
	const char *domain, *cname, *pattern, *resource_group;
	struct text_list ids;
	int64_t page_number, page_size;
};
#define PARAM_PATTERN(tag)                                                                         \
	PARAM(tag, pattern, "QueryDomainPattern", .kind = PARAM_CHOICE, .empty_is_absent = true,   \
		.choices = "fuzzy exact", .fallback_text = "fuzzy",                                \
		.help = "whether Domain may be a part of the domain")
static const struct param rules_params[] = {
	PARAM_DOMAIN(page_args, .empty_is_absent = true),
	PARAM(page_args, cname, "Cname", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = NAMES_SIZE, .help = "only the site with this name"),
	PARAM_PATTERN(page_args),
	PARAM_INSTANCE_IDS(page_args, .required = false),
	PARAM_PAGE_NUMBER(page_args),
	PARAM_PAGE_SIZE(page_args, WEB_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_RESOURCE_GROUP(page_args),
	PARAM_ROW_END,
};
static const struct param resources_params[] = {
	PARAM_DOMAIN(page_args, .empty_is_absent = true),
	PARAM_PATTERN(page_args),
	PARAM_INSTANCE_IDS(page_args, .required = false),
	PARAM_PAGE_NUMBER(page_args),
	PARAM_PAGE_SIZE(page_args, RESOURCE_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_ROW_END,
};

/* Lower case: a search finds names however they are written. */
static const char *lower(struct arena *mem, const char *text)
{
	char *copy = arena_copy(mem, text);

	for (char *at = copy; at && *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	}
	return copy;
}

static enum err filter_of(
	struct call *call, const struct page_args *args, struct website_filter *out)
{
	*out = call_website_filter(call);
	out->ids = args->ids.item;
	out->id_count = args->ids.count;
	out->exact = strcmp(args->pattern, "exact") == 0;
	out->offset = page_offset(args->page_number, args->page_size);
	out->limit = args->page_size;
	if (args->domain && args->domain[0]) {
		out->domain = lower(call->mem, args->domain);
		if (!out->domain)
			return ERR_MEMORY;
	}
	if (args->cname && args->cname[0]) {
		const char *name = lower(call->mem, args->cname);

		out->cname = name ? arena_copy_n(call->mem, name, strcspn(name, ".")) : NULL;
		if (!out->cname)
			return ERR_MEMORY;
	}
	return OK;
}

typedef enum err (*put_site)(struct call *call, const struct website *website, json_t *element);

static enum err describe(struct call *call, const struct page_args *args, put_site put_element)
{
	struct website_filter filter;
	struct website *website;
	json_t *list, *element;
	int64_t total;
	size_t count;

	TRY(filter_of(call, args, &filter));
	TRY(website_list(call->db, call->mem, &filter, &website, &count, &total));
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "WebRules", &list));
	for (size_t i = 0; i < count; i++) {
		element = json_object();
		TRY(add(list, element));
		TRY(put_element(call, &website[i], element));
	}
	return OK;
}

static enum err rules_run(struct call *call, const void *raw)
{
	return describe(call, raw, put_rule);
}

static enum err resources_run(struct call *call, const void *raw)
{
	return describe(call, raw, put_resource);
}

/* ---- DescribeDomains */

struct domains_args {
	struct text_list ids;
	const char *resource_group;
};
static const struct param domains_params[] = {
	PARAM_INSTANCE_IDS(domains_args, .required = false),
	PARAM_RESOURCE_GROUP(domains_args),
	PARAM_ROW_END,
};

static enum err domains_run(struct call *call, const void *raw)
{
	const struct domains_args *args = raw;
	struct website_filter filter = call_website_filter(call);
	const char **domain;
	json_t *list;
	size_t count;

	filter.ids = args->ids.item;
	filter.id_count = args->ids.count;
	TRY(website_domains(call->db, call->mem, &filter, &domain, &count));
	TRY(put_list(call->reply, "Domains", &list));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, json_string(domain[i])));
	return OK;
}

/* ---- DescribeWebInstanceRelations */

struct relations_args {
	struct text_list domains;
	const char *resource_group;
};
static const struct param relations_params[] = {
	PARAM_DOMAINS(relations_args, .required = true),
	PARAM_RESOURCE_GROUP(relations_args),
	PARAM_ROW_END,
};

static enum err put_relation(struct call *call, const struct website *website, json_t *element)
{
	json_t *details;

	TRY(put_text(element, "Domain", website->domain));
	TRY(put_list(element, "InstanceDetails", &details));
	for (size_t i = 0; i < website->instance_count; i++) {
		char text[ADDRESS_TEXT_SIZE];
		struct instance instance;

		TRY(instance_load_number(
			call->db, call->mem, website->instance[i].number, &instance));
		address_format(instance.vip, text);
		TRY(add(details,
			json_pack("{s:s, s:s, s:[s]}", "InstanceId", instance.id, "FunctionVersion",
				instance.plan.function_version ? "enhance" : "default", "EipList",
				text)));
	}
	return OK;
}

static enum err relations_run(struct call *call, const void *raw)
{
	const struct relations_args *args = raw;
	struct website *website;
	json_t *list, *element;
	size_t count;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "WebInstanceRelations", &list));
	for (size_t i = 0; i < count; i++) {
		element = json_object();
		TRY(add(list, element));
		TRY(put_relation(call, &website[i], element));
	}
	return OK;
}

/* ---- DescribeWebCustomPorts: any port can be used; these are the ones that clients offer in their forms */

struct ports_args {
	const char *resource_group;
};
static const struct param ports_params[] = {
	PARAM_RESOURCE_GROUP(ports_args),
	PARAM_ROW_END,
};

static enum err add_ports(json_t *list, const char *scheme, const uint16_t *port, size_t count)
{
	json_t *element = json_object(), *ports;
	char text[8];

	TRY(add(list, element));
	TRY(put_text(element, "ProxyType", scheme));
	TRY(put_list(element, "ProxyPorts", &ports));
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(text, sizeof(text), "%u", port[i]);
		TRY(add(ports, json_string(text)));
	}
	return OK;
}

static enum err ports_run(struct call *call, const void *raw)
{
	static const uint16_t plain[] = { 80, 81, 82, 83, 84, 88, 89, 800, 808, 1000, 3000, 3128,
		3333, 5000, 6001, 7000, 7001, 7070, 7080, 7777, 8000, 8001, 8008, 8010, 8080, 8081,
		8082, 8083, 8084, 8085, 8086, 8088, 8089, 8090, 8091, 8181, 8800, 8880, 8888, 8889,
		8999, 9000, 9001, 9080, 9090, 9999, 10000 };
	static const uint16_t tls[] = { 443, 4443, 5443, 6443, 7443, 8443, 8553, 8663, 9443, 9553,
		9663, 10443 };
	json_t *list;

	(void)raw;
	TRY(put_list(call->reply, "WebCustomPorts", &list));
	TRY(add_ports(list, "http", plain, sizeof(plain) / sizeof(plain[0])));
	return add_ports(list, "https", tls, sizeof(tls) / sizeof(tls[0]));
}

#define SITE_LISTS                                                                                 \
	{ "WebRules", "WebRule" }, { "ProxyTypes", "ProxyConfig" }, { "ProxyPorts", "ProxyPort" }, \
		{ "RealServers", "RealServer" }, { "BlackList", "BlackItem" },                     \
		{ "WhiteList", "WhiteItem" },                                                      \
	{                                                                                          \
		"CustomCiphers", "CustomCipher"                                                    \
	}
static const struct reply_list rules_lists[] = {
	SITE_LISTS,
	{ "Tls13CustomCiphers", NULL },
	{ NULL, NULL },
};
static const struct reply_list resources_lists[] = {
	SITE_LISTS,
	{ "InstanceIds", "InstanceIds" },
	{ NULL, NULL },
};
static const struct reply_list domains_lists[] = {
	{ "Domains", "Domain" },
	{ NULL, NULL },
};
static const struct reply_list relations_lists[] = {
	{ "WebInstanceRelations", "WebInstanceRelation" },
	{ "InstanceDetails", "InstanceDetail" },
	{ "EipList", "Eip" },
	{ NULL, NULL },
};
static const struct reply_list ports_lists[] = {
	{ "WebCustomPorts", "WebCustomPort" },
	{ "ProxyPorts", "ProxyPort" },
	{ NULL, NULL },
};

const struct action website_list_actions[] = {
	{ VERSION_DDOSCOO, "DescribeWebRules", READ, PERMISSION_READ, rules_params,
		sizeof(struct page_args), rules_run, rules_lists, "lists web sites", 50 },
	{ VERSION_DDOSCOO, "DescribeDomainResource", READ, PERMISSION_READ, resources_params,
		sizeof(struct page_args), resources_run, resources_lists, "lists web sites", 50 },
	{ VERSION_DDOSCOO, "DescribeDomains", READ, PERMISSION_READ, domains_params,
		sizeof(struct domains_args), domains_run, domains_lists,
		"lists the domains of web sites", 0 },
	{ VERSION_DDOSCOO, "DescribeWebInstanceRelations", READ, PERMISSION_READ, relations_params,
		sizeof(struct relations_args), relations_run, relations_lists,
		"tells which instances protect web sites", 0 },
	{ VERSION_DDOSCOO, "DescribeWebCustomPorts", READ, PERMISSION_READ, ports_params,
		sizeof(struct ports_args), ports_run, ports_lists,
		"lists ports that are usual for web sites; any other can be used, too", 0 },
	{ 0 },
};
