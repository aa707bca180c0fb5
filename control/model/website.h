/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A web site: the name under which it is asked for, the instances that protect it, the ports and origins it is served
 * by. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEBSITE_H
#define CONTROL_MODEL_WEBSITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "control/model/cname.h"
#include "control/model/instance.h"
#include "shared/request_abi.h"

#define WEBSITE_ADDRESS_MAX 20 /* origins by address, published */
#define WEBSITE_NAME_MAX    10 /* origins by name, published */
#define WEBSITE_DOMAIN_SIZE (SITE_DOMAIN_MAX + 1)
static_assert(WEBSITE_ADDRESS_MAX <= SITE_ORIGIN_MAX, "a site holds them");

enum access_mode {
	ACCESS_ADDRESS, /* "A record": the customer's own records name the protected addresses */
	ACCESS_PROTECTED,
	ACCESS_ORIGIN, /* "origin redundancy": the site's name answers its origins */
	ACCESS_MODE_COUNT
};

struct website_instance {
	int64_t number;
	char id[INSTANCE_ID_SIZE];
};
struct website_port {
	int64_t port;	  /* 1..65535 */
	unsigned schemes; /* bits of enum site_scheme; all with TLS or none */
};

struct website {
	int64_t number;	    /* the nodes' id, never reused */
	int64_t account;    /* of its instances, too */
	const char *domain; /* lower case, A-labels; "*.example.com" for wildcards */
	const char *cname;  /* its label in the zone of instances' names */
	int64_t create_ms;  /* machine time */
	int64_t generation; /* of its last change that nodes hear of */
	bool named;	    /* RsType 1: its origins are names, else addresses */
	bool http_to_https; /* plain requests are sent to port 443 */
	bool https_to_http; /* origins are asked without TLS */
	bool http2, ocsp;
	enum access_mode access_mode;
	bool reuse;			   /* its name is answered as that of reuse_cname */
	const char *reuse_cname;	   /* label; "" when it was never set */
	int64_t certificate;		   /* number; 0: none */
	struct website_instance *instance; /* at least one, by number */
	size_t instance_count;
	struct website_port *port; /* by port */
	size_t port_count;
	const char **origin; /* as they were named, in their order */
	size_t origin_count;
};

/* Domain in its one spelling. ERR_INVALID_PARAMETER, with a sentence in why that follows the parameter's name: not a
 * host name of at least two labels (RFC 1123), a label that begins with "xn--" and is none (RFC 3492), a '*' that is
 * not the whole of the first label, or an address. */
#define WEBSITE_WHY_SIZE 160
enum err website_domain(
	const char *text, char out[WEBSITE_DOMAIN_SIZE], char why[WEBSITE_WHY_SIZE]) MUST_USE;
/* Whether the pattern, a domain or a wildcard, is the domain or stands for it: "*.example.com" stands for names with
 * one label more (RFC 6125 section 6.4.3), and for itself. */
bool website_covers(const char *pattern, const char *domain);
/* What SiteLimit counts: the last two labels. */
const char *website_site(const char *domain);

const char *scheme_name(enum site_scheme scheme); /* "http", "https", "websocket", "websockets" */
bool scheme_from_name(const char *name, enum site_scheme *out);

#endif
