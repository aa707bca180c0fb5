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
/* Account and allowed instances of the caller. */
struct website_filter call_website_filter(const struct call *call);

#endif
