/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request as tests have it, and two readings of rules about it that know nothing of each other: the byte-code of a site,
 * step by step, and the conditions as they are written.
 */
#ifndef TESTS_UNIT_WEB_REQUEST_H
#define TESTS_UNIT_WEB_REQUEST_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/site.h"
#include "base/text.h"
#include "control/model/web_rule.h"

struct web_request {
	const char *address, *method, *host, *path, *params, *body, *country, *ja3, *ja4, *http2,
		*version;
	/* "name: value", lower-case names; ends with NULL */
	const char *header[8];
};

/* Value of a header; NULL: it is not there. */
static inline const char *request_header(const struct web_request *request, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < 8 && request->header[i]; i++) {
		if (strncasecmp(request->header[i], name, length) == 0 &&
			strncmp(request->header[i] + length, ": ", 2) == 0)
			return request->header[i] + length + 2;
	}
	return NULL;
}

/* Path and query in a buffer of the caller's. */
#define URI_SIZE 4096
static inline const char *request_uri(const struct web_request *request, char out[URI_SIZE])
{
	(void)snprintf(out, URI_SIZE, "%s%s%s", request->path, request->params[0] ? "?" : "",
		request->params);
	return out;
}

/* ---- by byte-code */

/* Texts that were searched: what rules cost a node. */
static unsigned searches __attribute__((unused));

static inline const char *step_subject(const struct site *site, const struct site_step *step,
	const struct web_request *request, char buffer[URI_SIZE])
{
	char name[WEB_HEADER_MAX + 1] = "";

	memcpy(name, site_text_at(site, step->name), step->name.length);
	switch ((enum step_field)step->field) {
	case FIELD_URI:
		return request->path;
	case FIELD_PARAMS:
		return request->params;
	case FIELD_URI_PARAMS:
		return request_uri(request, buffer);
	case FIELD_METHOD:
		return request->method;
	case FIELD_HOST:
		return request->host;
	case FIELD_REFERER:
		return request_header(request, "referer");
	case FIELD_USER_AGENT:
		return request_header(request, "user-agent");
	case FIELD_COOKIE:
		return request_header(request, "cookie");
	case FIELD_CONTENT_TYPE:
		return request_header(request, "content-type");
	case FIELD_CONTENT_LENGTH:
		return request_header(request, "content-length");
	case FIELD_FORWARDED_FOR:
		return request_header(request, "x-forwarded-for");
	case FIELD_BODY:
		return request->body;
	case FIELD_HEADER:
		return request_header(request, name);
	case FIELD_COUNTRY:
		return request->country;
	case FIELD_JA3:
		return request->ja3;
	case FIELD_JA4:
		return request->ja4;
	case FIELD_HTTP2:
		return request->http2;
	case FIELD_VERSION:
		return request->version;
	case FIELD_ADDRESS:
	case FIELD_COUNT:
	default:
		return NULL;
	}
}

static inline bool bytes_equal(const char *a, const char *b, size_t length, bool any_case)
{
	return any_case ? strncasecmp(a, b, length) == 0 : memcmp(a, b, length) == 0;
}

static inline bool bytes_contain(
	const char *text, size_t size, const char *value, size_t length, bool any_case)
{
	for (size_t i = 0; i + length <= size; i++) {
		if (bytes_equal(text + i, value, length, any_case))
			return true;
	}
	return false;
}

static inline bool step_holds_plain(
	const struct site *site, const struct site_step *step, const struct web_request *request)
{
	char buffer[URI_SIZE];
	const char *text = step_subject(site, step, request, buffer);
	const char *value = site_text_at(site, step->value);
	size_t length = step->value.length, size = text ? strlen(text) : 0;
	bool any = step->flags & STEP_ANY_CASE;
	uint8_t address[16];
	long long number = text ? strtoll(text, NULL, 10) : 0;

	switch ((enum step_match)step->match) {
	case MATCH_EQUAL:
		return text && size == length && bytes_equal(text, value, length, any);
	case MATCH_CONTAINS:
		searches++;
		return text && bytes_contain(text, size, value, length, any);
	case MATCH_PREFIX:
		return text && size >= length && bytes_equal(text, value, length, any);
	case MATCH_SUFFIX:
		return text && size >= length &&
		       bytes_equal(text + size - length, value, length, any);
	case MATCH_LENGTH_LESS:
		return (long long)size < step->number;
	case MATCH_LENGTH_EQUAL:
		return (long long)size == step->number;
	case MATCH_LENGTH_MORE:
		return (long long)size > step->number;
	case MATCH_LESS:
		return number < step->number;
	case MATCH_SAME:
		return number == step->number;
	case MATCH_MORE:
		return number > step->number;
	case MATCH_ABSENT:
		return text == NULL;
	case MATCH_WITHIN:
		return text_to_address(request->address, address) &&
		       prefix_covers((const uint8_t *)value, (unsigned)step->number, address);
	case MATCH_COUNT:
	default:
		return false;
	}
}

static inline bool program_meets(
	const struct site *site, const struct site_rule *rule, const struct web_request *request)
{
	const struct site_step *step = site_list_at(site, site->steps);
	unsigned at = 0;

	if (rule->step_count == 0)
		return true;
	for (;;) {
		const struct site_step *now = &step[rule->first_step + at];
		bool holds = step_holds_plain(site, now, request) != !!(now->flags & STEP_NOT);
		uint8_t next = holds ? now->hit : now->miss;

		if (next == STEP_MATCH || next == STEP_NO_MATCH)
			return next == STEP_MATCH;
		at += next;
	}
}

/* ---- as written */

static inline const char *condition_subject(const struct web_condition *condition,
	const struct web_request *request, char buffer[URI_SIZE])
{
	const char *name = web_field_name(condition->field);

	if (strcmp(name, "uri") == 0)
		return request_uri(request, buffer);
	if (strcmp(name, "params") == 0)
		return request->params;
	if (strcmp(name, "http-method") == 0)
		return request->method;
	if (strcmp(name, "post-body") == 0)
		return request->body;
	if (strcmp(name, "host") == 0)
		return request->host;
	if (strcmp(name, "country") == 0)
		return request->country;
	if (strcmp(name, "ja3") == 0)
		return request->ja3;
	if (strcmp(name, "ja4") == 0)
		return request->ja4;
	if (strcmp(name, "http2-fingerprint") == 0)
		return request->http2;
	if (strcmp(name, "http-version") == 0)
		return request->version;
	return request_header(request, strcmp(name, "header") == 0 ? condition->header : name);
}

static inline bool value_holds(const struct web_condition *condition, const char *method,
	const char *value, const struct web_request *request)
{
	char buffer[URI_SIZE], path[URI_SIZE];
	const char *text = condition_subject(condition, request, buffer);
	uint8_t address[16], prefix[16];
	unsigned bits;

	if (strcmp(method, "belong") == 0)
		return text_to_prefix(value, prefix, &bits) &&
		       text_to_address(request->address, address) &&
		       prefix_covers(prefix, bits, address);
	if (!text)
		return false;
	if (strcmp(method, "contain") == 0)
		return strstr(text, value) != NULL;
	/* A path is compared without the query, unless the value has one. */
	if (condition->field == WEB_uri && !strchr(value, '?')) {
		memcpy(path, text, strcspn(text, "?"));
		path[strcspn(text, "?")] = '\0';
		text = path;
	}
	if (strcmp(method, "equal") == 0)
		return strcmp(text, value) == 0;
	if (strcmp(method, "prefix") == 0)
		return strncmp(text, value, strlen(value)) == 0;
	return strlen(text) >= strlen(value) &&
	       strcmp(text + strlen(text) - strlen(value), value) == 0;
}

static inline bool any_value_holds(const struct web_condition *condition, const char *method,
	const struct web_request *request)
{
	char part[URI_SIZE];

	for (size_t i = 0; i < condition->value_count; i++) {
		if (value_holds(condition, method, condition->value[i], request))
			return true;
	}
	if (condition->value_count)
		return false;
	if (strcmp(method, "belong") != 0)
		return value_holds(condition, method, condition->content, request);
	for (const char *at = condition->content; *at; at += strspn(at, ",")) {
		size_t length = strcspn(at, ",");

		memcpy(part, at, length);
		part[length] = '\0';
		if (value_holds(condition, method, part, request))
			return true;
		at += length;
	}
	return false;
}

static inline bool condition_holds(
	const struct web_condition *condition, const struct web_request *request)
{
	static const char *const opposites[] = { "nbelong", "nequal", "ncontain", "nprefix",
		"nsuffix" };
	const char *method = web_method_name(condition->method);
	char buffer[URI_SIZE];
	const char *text = condition_subject(condition, request, buffer);
	long long number = strtoll(condition->content, NULL, 10);
	long long length = text ? (long long)strlen(text) : 0;
	long long value = text ? strtoll(text, NULL, 10) : 0;

	if (strcmp(method, "exist") == 0 || strcmp(method, "nexist") == 0)
		return (text != NULL) == (method[0] == 'e');
	if (method[0] == 'l')
		return method[1] == 'l'	  ? length < number
		       : method[1] == 'e' ? length == number
					  : length > number;
	if (method[0] == 'v')
		return method[1] == 'l'	  ? value < number
		       : method[1] == 'e' ? value == number
					  : value > number;
	for (size_t i = 0; i < 5; i++) {
		if (strcmp(method, opposites[i]) == 0)
			return !any_value_holds(condition, method + 1, request);
	}
	return any_value_holds(condition, method, request);
}

static inline bool rule_meets(const struct web_rule *rule, const struct web_request *request)
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		if (!condition_holds(&rule->condition[i], request))
			return false;
	}
	return true;
}

#endif
