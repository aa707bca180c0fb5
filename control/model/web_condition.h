/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A condition of a rule of a web site: a field of the request, how it is compared, with what. As published for
 * ModifyWebPreciseAccessRule and ConfigWebCCRuleV2; case counts, and there are no regular expressions.
 *
 *   {"field": "uri", "match_method": "contain", "content": "/login", "content_list": [..], "header_name": ".."}
 *
 * With a content_list, "belong", "equal", "contain", "prefix" and "suffix" hold when one of its values does, and their
 * opposites when none does; content then says nothing. Addresses may also stand in content, separated by commas.
 * "uri" is path and query for "contain" and lengths; for the others it is the path alone, unless the content has a '?'.
 * No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEB_CONDITION_H
#define CONTROL_MODEL_WEB_CONDITION_H

#include "control/model/web_reader.h"
#include "shared/request_abi.h"

enum web_field {
#define WEB_FIELD(symbol, name, field, methods, plan) WEB_##symbol,
#include "control/model/web_fields.def"
#undef WEB_FIELD
	WEB_FIELD_COUNT
};
enum web_method {
	METHOD_BELONG,
	METHOD_NBELONG,
	METHOD_EQUAL,
	METHOD_NEQUAL,
	METHOD_CONTAIN,
	METHOD_NCONTAIN,
	METHOD_PREFIX,
	METHOD_NPREFIX,
	METHOD_SUFFIX,
	METHOD_NSUFFIX,
	METHOD_LLESS, /* length */
	METHOD_LEQUAL,
	METHOD_LGREAT,
	METHOD_VLESS, /* value */
	METHOD_VEQUAL,
	METHOD_VGREAT,
	METHOD_NEXIST,
	METHOD_EXIST,
	METHOD_COUNT
};

#define WEB_CONDITION_MAX 8    /* of a rule */
#define WEB_VALUE_MAX	  50   /* of a condition */
#define WEB_STEPS_MAX	  200  /* of a rule: distances in byte-code are smaller than STEP_MATCH */
#define WEB_CONTENT_MAX	  2048 /* bytes: all that a rule may match fits into a site */
#define WEB_LENGTH_MAX	  8192 /* that a text can be compared with, published */
#define WEB_HEADER_MAX	  64   /* bytes of a header's name */

/* As base/spec.h says; the fields are those of web_fields.def. */
#define WEB_CONTENT_SHAPE "text(" SHAPE_NUMBER(WEB_CONTENT_MAX) ")"
#define WEB_VALUES_SHAPE  "[text]0.." SHAPE_NUMBER(WEB_VALUE_MAX)
#define WEB_HEADER_SHAPE  "text(" SHAPE_NUMBER(WEB_HEADER_MAX) ")"
#define WEB_CONDITION_SHAPE                                                                        \
	"{field: ip|uri|referer|user-agent|params|cookie|content-type|x-forwarded-for|"            \
	"content-length|post-body|http-method|header|host|country|ja3|ja4|http2-fingerprint|"      \
	"http-version, match_method: belong|nbelong|equal|nequal|contain|ncontain|prefix|nprefix|" \
	"suffix|nsuffix|lless|lequal|lgreat|vless|vequal|vgreat|nexist|exist, "                    \
	"content?: " WEB_CONTENT_SHAPE ", content_list?: " WEB_VALUES_SHAPE                        \
	", header_name?: " WEB_HEADER_SHAPE "}"

struct web_condition {
	enum web_field field;
	enum web_method method;
	bool any_case;	     /* of shipped rules only */
	const char *header;  /* as written; "" unless field is "header" */
	const char *content; /* as written; never NULL */
	const char **value;  /* content_list; NULL: there is none */
	size_t value_count;
};

enum err web_condition_read(struct web_reader *reader, const json_t *json, const char *where,
	struct web_condition *out) MUST_USE;
/* The document that it was read from; owned by the caller, NULL: no memory. */
json_t *web_condition_json(const struct web_condition *condition);
const char *web_field_name(enum web_field field);
const char *web_method_name(enum web_method method);
/* Whether an instance without the enhanced function may have it. */
bool web_field_standard(enum web_field field);
/* A name of a header: a token of RFC 9110. */
bool web_header_valid(const char *name);

/* ---- as byte-code; texts are not in a site yet */
struct web_step {
	struct site_step step;
	const char *name, *value; /* name: lower case; both "" when there is none */
	size_t value_length;
};
/* Number of steps that a condition becomes. */
size_t web_condition_steps(const struct web_condition *condition);
/* All conditions must hold. step has room for what web_condition_steps says of them all together, at most
 * WEB_STEPS_MAX; mem for addresses and names. */
enum err web_conditions_compile(struct arena *mem, const struct web_condition *condition,
	size_t count, struct web_step *step) MUST_USE;

#endif
