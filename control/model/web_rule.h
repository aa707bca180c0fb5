/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of a web site, as published: precise access rules, custom frequency rules of both versions, and those that were
 * made by themselves, which have the shape of frequency rules. Each is a JSON document; what a client sends is what the
 * store holds.
 *
 * A rate counts requests by address (IPv6: by /64) or by the value of a header; the action then lasts ttl for that
 * one. With status_code only answers of that status count, and count_threshold stands for the threshold; with
 * use_ratio they must be at least ratio_threshold per cent of all, and as many as that share of the threshold. With
 * statistics "distinct" different values of a field count. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEB_RULE_H
#define CONTROL_MODEL_WEB_RULE_H

#include "control/model/web_condition.h"

enum web_rule_kind {
	WEB_RULE_PRECISE,
	WEB_RULE_CC, /* version 1 */
	WEB_RULE_CC_V2,
	WEB_RULE_SMART,
	WEB_RULE_CACHE, /* web_cache.h */
	WEB_RULE_KIND_COUNT
};
const char *web_rule_kind_name(enum web_rule_kind kind); /* as the store calls them: "cc_v2" */

#define WEB_NAME_MAX	     128 /* published for version 1 */
#define WEB_PRECISE_MAX	     10	 /* rules of a site: published; enhanced function */
#define WEB_PRECISE_STANDARD 5
#define WEB_CC_MAX	     20 /* of both versions together, published */
#define WEB_SMART_MAX	     60 /* fits into a site beside the others and the shipped ones */
#define WEB_INTERVAL_MIN     5	/* seconds; published for version 1, and the same for the others */
#define WEB_INTERVAL_MAX     10800
#define WEB_TTL_MIN	     60
#define WEB_TTL_MAX	     86400
#define WEB_THRESHOLD_MIN    2
#define WEB_THRESHOLD_MAX    50000 /* published for statuses */
#define WEB_CC_COUNT_MAX     2000  /* published for version 1 */
#define WEB_EXPIRES_SECONDS_MAX                                                                    \
	(365 * 86400) /* a year: longer is for ever, which has a value of its own */

enum web_distinct {
	WEB_DISTINCT_IP,
	WEB_DISTINCT_HEADER,
	WEB_DISTINCT_URI
};
struct web_rule {
	const char *name;
	enum rule_action action;
	struct web_condition *condition;
	size_t condition_count;
	struct {
		bool given; /* without it, meeting the conditions is enough */
		int64_t interval, threshold, ttl;
		bool by_header;
		const char *header; /* "" */
	} rate;
	struct {
		bool given, enabled, use_ratio;
		int64_t code, ratio, count; /* ratio, count: 0 when they were not given */
	} status;
	struct {
		bool given, distinct;
		enum web_distinct field;
		const char *header; /* "" */
	} statistics;
};

/* Reads a rule of the kind (not of CACHE). ERR_MISSING_PARAMETER, ERR_INVALID_PARAMETER, ERR_NOT_ENFORCEABLE, with a
 * sentence in reader->why; ERR_MEMORY. */
enum err web_rule_read(struct web_reader *reader, enum web_rule_kind kind, const json_t *json,
	struct web_rule *out) MUST_USE;
/* The document of a rule of all kinds but CC; owned by the caller, NULL: no memory. */
json_t *web_rule_json(const struct web_rule *rule);
/* Whether an instance without the enhanced function may have it; else the field that it may not have. */
bool web_rule_standard(const struct web_rule *rule, const char **out_field);
const char *web_action_name(enum rule_action action); /* "watch", "accept", "block", "challenge" */
const char *web_distinct_name(enum web_distinct field); /* "ip", "header", "uri" */

/* ---- rules of version 1 */
struct web_cc {
	const char *name, *uri;
	bool exact;		      /* "match", else "prefix" */
	int64_t interval, count, ttl; /* seconds */
	bool captcha;		      /* else "close" */
};
enum err web_cc_read(struct web_reader *reader, const json_t *json, struct web_cc *out) MUST_USE;
json_t *web_cc_json(const struct web_cc *cc);
/* Its meaning as a rule of version 2. */
enum err web_cc_rule(struct arena *mem, const struct web_cc *cc, struct web_rule *out) MUST_USE;

#endif
