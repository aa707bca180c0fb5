/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the actions of web sites share.
 */
#ifndef CONTROL_ACTIONS_WEBSITE_H
#define CONTROL_ACTIONS_WEBSITE_H

#include "control/call.h"
#include "control/store/website.h"

#define DOMAIN_BYTES_MAX 256 /* longer than any domain: what is too long is told as such */
#define DOMAINS_MAX                                                                                \
	200 /* published for DescribeCnameReuses; the same for the other lists of domains */

/* A member const char *domain. */
#define PARAM_DOMAIN(tag, ...)                                                                     \
	PARAM(tag, domain, "Domain", .kind = PARAM_TEXT, .min = 1, .max = DOMAIN_BYTES_MAX,        \
		.help = "domain of the web site", __VA_ARGS__)
/* A member struct text_list domains. */
#define PARAM_DOMAINS(tag, ...)                                                                    \
	PARAM(tag, domains, "Domains", .kind = PARAM_TEXT_LIST, .max = DOMAINS_MAX, .item_min = 1, \
		.item_max = DOMAIN_BYTES_MAX, .help = "domains of the web sites", __VA_ARGS__)

/* The web site of the domain, if this caller may use it, which is when he may use all its instances: others are
 * ERR_WEBSITE_NOT_FOUND. Sets call->object. */
enum err call_website(struct call *call, const char *domain, struct website *out) MUST_USE;
/* The same for each domain, in the order of the request, repeated ones once. */
enum err call_websites(struct call *call, const struct text_list *domains, struct website **out,
	size_t *count) MUST_USE;
/* Refuses what is more than nodes take: call it behind every write that can make a site larger. */
enum err website_fits(struct call *call, const struct website *website) MUST_USE;
/* The audit record of a change: before and after, NULL for a site that is new or gone. Sets call->object. */
enum err website_record(
	struct call *call, const struct website *before, const struct website *after) MUST_USE;
/* The same of a document of the site: both as JSON text. */
enum err website_record_setting(
	struct call *call, const char *name, const char *before, const char *after) MUST_USE;
/* Schemes and ports as [{"ProxyType":..,"ProxyPorts":["80"]}]; NULL: no memory. */
json_t *website_ports_json(const struct website *website);
/* Refuses what would leave requests that names bring without their site; name: the parameter to be named. */
enum err website_check_access(
	struct call *call, const char *name, const struct website *website) MUST_USE;
/* Refuses when another site is reached by this one's name. */
enum err website_check_unused(
	struct call *call, const char *name, const struct website *website) MUST_USE;
/* "label.zone", as a customer writes it after CNAME; "" when there is no zone, NULL: no memory. */
const char *website_cname(const struct call *call, const struct website *website);
/* BlackList, WhiteList, CcEnabled, CcRuleEnabled and CcTemplate of a site, into the element of a reply. */
enum err website_view_policy(
	struct call *call, const struct website *website, json_t *element) MUST_USE;
/* Account and allowed instances of the caller. */
struct website_filter call_website_filter(const struct call *call);

#endif
