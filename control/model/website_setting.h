/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents of a web site that the publisher and the actions read: how TLS is spoken, how origins are chosen and
 * kept connected, which headers they get. Each is written by one action, whole; a document that was never
 * written ("") means the defaults. No I/O.
 */
#ifndef CONTROL_MODEL_WEBSITE_SETTING_H
#define CONTROL_MODEL_WEBSITE_SETTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/spec.h"
#include "control/model/website.h"

/* Names of the documents. */
#define SETTING_TLS	  "tls"
#define SETTING_ORIGINS	  "origins"
#define SETTING_KEEPALIVE "keepalive"
#define SETTING_HEADERS	  "headers"

/* ---- TLS */

enum cipher_class {
	CIPHERS_ALL,	  /* also those without forward secrecy */
	CIPHERS_IMPROVED, /* with forward secrecy; what TLS 1.0 and 1.1 need is among them */
	CIPHERS_STRONG,	  /* those of TLS 1.2 and later only */
	CIPHERS_DEFAULT,  /* as IMPROVED, or the listed ones */
	CIPHER_CLASS_COUNT
};
#define CIPHER_LIST_MAX 64 /* more than there are */
struct tls_policy {
	int64_t least; /* minor of 3.x: 1 is TLS 1.0, 2 is 1.1, 3 is 1.2 */
	enum cipher_class ciphers;
	bool tls13;
	struct text_list custom;       /* of DEFAULT; OpenSSL's names */
	struct text_list custom_tls13; /* empty: all */
};
struct tls_policy tls_policy_default(void);
const char *cipher_class_name(enum cipher_class ciphers); /* "all", ... */
bool cipher_class_from_name(const char *name, enum cipher_class *out);
const char *tls_version_name(int64_t least); /* "tls1.0", ... */
bool tls_version_from_name(const char *name, int64_t *out);
/* Whether a list may name it: the suites of ALL, and those of TLS 1.3. */
bool cipher_known(const char *name, bool tls13);
/* Whether TLS 1.0 and 1.1 can be spoken with one of them. */
bool cipher_is_old(const char *name);
/* OpenSSL's text of what is allowed up to TLS 1.2, with the security level that old versions need; NULL: no
 * memory. */
const char *tls_policy_ciphers(struct arena *mem, const struct tls_policy *policy);
const char *tls_policy_ciphers_tls13(
	struct arena *mem, const struct tls_policy *policy); /* "": all */
enum err tls_policy_parse(struct arena *mem, const char *json, struct tls_policy *out) MUST_USE;
json_t *tls_policy_json(const struct tls_policy *policy); /* owned by the caller; NULL: no memory */

/* ---- origins */

/* One row per number that an origin has: published name, bounds, default, place in struct origin_attributes. */
struct origin_attributes {
	int64_t weight, connect_timeout, fail_timeout, max_fails, read_timeout, send_timeout;
};
struct origin_attribute {
	const char *name;
	int64_t least, most, fallback;
};
#define ORIGIN_ATTRIBUTE_COUNT (sizeof(struct origin_attributes) / sizeof(int64_t))
extern const struct origin_attribute origin_attribute_rows[ORIGIN_ATTRIBUTE_COUNT];
int64_t *origin_attribute_at(struct origin_attributes *attributes, size_t row);

struct website_origin {
	const char *name; /* as the site has it */
	struct origin_attributes attributes;
	bool backup;
};
struct origin_policy {
	enum site_balance balance;
	bool retry;
	struct website_origin origin[SITE_ORIGIN_MAX]; /* those that are not as by default */
	size_t origin_count;
};
struct origin_policy origin_policy_default(void);
struct website_origin website_origin_default(const char *name);
/* The origin's own, else the default. */
struct website_origin origin_policy_find(const struct origin_policy *policy, const char *name);
const char *balance_name(enum site_balance balance); /* "ip_hash", "rr", "least_time" */
bool balance_from_name(const char *name, enum site_balance *out);
enum err origin_policy_parse(
	struct arena *mem, const char *json, struct origin_policy *out) MUST_USE;
json_t *origin_policy_json(const struct origin_policy *policy);

/* ---- connections to origins that are kept */

struct keepalive {
	bool enabled;
	int64_t requests, seconds;
};
#define KEEPALIVE_REQUESTS_MAX 10000
#define KEEPALIVE_SECONDS_MAX  3600
struct keepalive keepalive_default(void);
enum err keepalive_parse(const char *json, struct keepalive *out) MUST_USE;
json_t *keepalive_json(const struct keepalive *keepalive);

/* ---- headers that requests to origins get */

#define HEADER_BYTES_MAX 200 /* of a name with its value, published */
struct website_header {
	const char *name, *value;
};
struct website_headers {
	struct website_header header[SITE_HEADER_MAX];
	size_t count;
	bool ports; /* X-Forwarded-ClientSrcPort and X-Forwarded-ProxyPort */
};
enum err website_headers_parse(
	struct arena *mem, const char *json, struct website_headers *out) MUST_USE;

#endif
