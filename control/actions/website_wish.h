/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites as CreateWebRule and CreateDomainResource both see them: one check, two spellings of the parameters.
 */
#ifndef CONTROL_ACTIONS_WEBSITE_WISH_H
#define CONTROL_ACTIONS_WEBSITE_WISH_H

#include "control/actions/json_param.h"
#include "control/actions/website.h"

#define HTTPS_EXT_BYTES	 512
#define SERVER_BYTES_MAX (SITE_DOMAIN_MAX + 1)

#define PROXY_TYPES_SHAPE                                                                          \
	"[{ProxyType: http|https|websocket|websockets, ProxyPorts: [1..65535]1.." SHAPE_NUMBER(    \
		SITE_PORT_MAX) "}]1..4"

#define PARAM_RS_TYPE(tag)                                                                         \
	PARAM(tag, rs_type, "RsType", .kind = PARAM_INT, .required = true, .min = 0, .max = 1,     \
		.help = "0: origins are addresses, 1: names")
#define PARAM_HTTPS_EXT(tag)                                                                       \
	PARAM(tag, https_ext, "HttpsExt", .kind = PARAM_JSON, .empty_is_absent = true, .min = 1,   \
		.max = HTTPS_EXT_BYTES, .type = "String",                                          \
		.shape = "{Http2https?: 0..1, Https2http?: 0..1, Http2?: 0..1}",                   \
		.help = "redirections between HTTP and HTTPS, and HTTP/2")
#define PARAM_WEB_SERVERS(tag)                                                                     \
	PARAM(tag, servers, "RealServers", .kind = PARAM_TEXT_LIST, .required = true,              \
		.max = WEBSITE_ADDRESS_MAX, .item_min = 1, .item_max = SERVER_BYTES_MAX,           \
		.help = "addresses or names of the origins")

struct website_wish {
	const char *domain;
	struct text_list ids; /* instances; empty: as they are */
	int64_t rs_type;
	struct text_list servers;
	const char *https_ext;			 /* JSON; NULL: as it is, or off */
	const char *ports_name;			 /* the parameter that ports come from */
	struct website_port port[SITE_PORT_MAX]; /* by port */
	size_t port_count;
};

/* Takes "http" (any enum site_scheme) on a port into the wish. where begins the names in refusals: "ProxyTypes[1].". */
enum err wish_add_port(struct call *call, struct website_wish *wish, const char *where,
	const char *scheme, int64_t port) MUST_USE;
/* The same from a JSON array of objects {ProxyType, ProxyPorts}. */
enum err wish_add_ports(struct call *call, struct website_wish *wish, const char *json) MUST_USE;

/* Checks the wish and adds the site. */
enum err website_create(struct call *call, const struct website_wish *wish) MUST_USE;
/* Gives the site that the domain names what the wish says. */
enum err website_change(struct call *call, const struct website_wish *wish) MUST_USE;
/* Deletes it. */
enum err website_remove(struct call *call, const char *domain) MUST_USE;

#endif
