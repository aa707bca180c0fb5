/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does a request meet a rule of its site (struct site_rule and its steps, shared/request_abi.h)? Pure: needs neither
 * nginx nor memory of its own. Sites were checked (base/site.h: site_check) before they came here.
 */
#ifndef NGINX_RULE_H
#define NGINX_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/request_abi.h"

struct rule_text {
	const char *data; /* NULL: the request has no such thing */
	size_t length;
};
extern const char rule_unread[]; /* as data: FIELD_BODY has not been read yet */

/* What rules ask about. Texts are asked for when a step wants one and then kept, but headers by name, and the body
 * while it is not there. */
struct rule_subject {
	struct address client; /* behind trusted proxies */
	int64_t content_length;
	uint32_t known; /* bit of each field whose text is there */
	uint32_t asked; /* bit of each that a step wanted; whoever wants to know clears it before */
	struct rule_text text[FIELD_COUNT];
	/* The text of a field; name only for FIELD_HEADER. */
	struct rule_text (*ask)(void *context, enum step_field field, struct rule_text name);
	void *context;
};

enum rule_answer {
	RULE_NOT_MET,
	RULE_MET,
	RULE_WANTS_BODY /* to be asked again, from its first step, when the body has been read */
};
enum rule_answer rule_ask(
	const struct site *site, const struct site_rule *rule, struct rule_subject *subject);

/* A whole decimal number, with an optional minus; false: text is something else, or beyond int64_t. */
bool rule_number(struct rule_text text, int64_t *out);

#endif
