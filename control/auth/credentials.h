/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who signed a request, in either form: what the client claims, and whether the signature proves it.
 * All functions refuse with a sentence that names the parameter or header.
 */
#ifndef CONTROL_AUTH_CREDENTIALS_H
#define CONTROL_AUTH_CREDENTIALS_H

#include "control/dispatch.h"

struct credentials {
	bool v3; /* ACS3-HMAC-SHA256 in headers, else V1 in parameters */
	const char *version;
	const char *action;
	const char *key_id;
	const char *nonce;
	const char *signature;
	const char *token;		    /* NULL: none */
	int64_t time_ms;		    /* the request's timestamp, checked against the clock */
	struct authorization authorization; /* V3 */
};

/* The one header of that name, any case: the first if repeated; NULL. */
const char *request_header(const struct request *request, const char *name);
/* Whether the request is signed in the V3 form. */
bool credentials_is_v3(const struct request *request);
/* Fills version and action: all that is needed to find the action. */
enum err credentials_name(
	struct call *call, const struct request *request, struct credentials *out) MUST_USE;
/* Fills the rest. */
enum err credentials_read(
	struct call *call, const struct request *request, struct credentials *out) MUST_USE;
/* Computes the signature with secret over the request. query: pairs of the query alone. ERR_SIGNATURE_MISMATCH
 * carries the string that the service signed. Sorts query and all. */
enum err credentials_verify(struct call *call, const struct request *request,
	const struct credentials *credentials, const char *secret, struct form *query,
	struct form *all) MUST_USE;

#endif
