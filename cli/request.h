/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A signed API call over HTTP.
 */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/form.h"

struct endpoint {
	const char *url;
	const char *key_id;
	const char *secret;
	const char *token;   /* NULL: a permanent key */
	const char *ca_file; /* certificates to trust instead of the system's; NULL: those */
	const char *
		connect_to; /* "::ADDRESS:": there instead of the URL's host, without a proxy; NULL: that */
	long timeout_ms; /* 0: 30 s */
};

struct api_reply {
	long status; /* HTTP */
	const char *body;
	size_t size;
};
#define API_REPLY_MAX (16u << 20)

/* Completes form by the common parameters and the V1 signature and sends it as a POST body. false: no
 * reply (why says it). The reply may be an error document: see status. */
bool request_send(struct arena *mem, const struct endpoint *endpoint, struct form *form,
	struct api_reply *out, const char **why);

/* One call; parameters: name, value, ... NULL, or NULL when there are none. JSON reply, owned by the caller. NULL: nobody answered or an error
 * document; why (in mem) then tells which. */
json_t *request_json(struct arena *mem, const struct endpoint *endpoint, const char **why,
	const char *version, const char *action, const char *const *parameters);

/* Appends a pair to form, whose array has room for FORM_PAIR_MAX. false: it is full. */
bool request_add(struct form *form, const char *key, const char *value);
bool request_form(struct arena *mem, struct form *out); /* empty, with that room */

#endif
