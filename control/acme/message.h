/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ACME directory says (RFC 8555, 7.1), read from bytes that may be anything. No I/O.
 */
#ifndef CONTROL_ACME_MESSAGE_H
#define CONTROL_ACME_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "control/model/acme.h"

#define ACME_URL_SIZE  512
#define ACME_TYPE_SIZE 64 /* of an error, without "urn:ietf:params:acme:error:" */

enum acme_status {
	ACME_PENDING,
	ACME_READY, /* of orders alone */
	ACME_PROCESSING,
	ACME_VALID,
	ACME_INVALID, /* and whatever else leads nowhere: deactivated, expired, revoked */
};

/* A problem document (RFC 7807); "" when there is none. Printable, whole characters of UTF-8. */
struct acme_problem {
	char type[ACME_TYPE_SIZE];
	char detail[ACME_REASON_MAX];
};
struct acme_directory {
	char new_nonce[ACME_URL_SIZE], new_account[ACME_URL_SIZE], new_order[ACME_URL_SIZE];
	bool external_account; /* accounts are only given to who has one elsewhere */
};
struct acme_order_message {
	enum acme_status status;
	char authorization
		[ACME_URL_SIZE]; /* the only one; "": there is none, or there are several */
	char finalize[ACME_URL_SIZE];
	char certificate[ACME_URL_SIZE]; /* "" until it is there */
	struct acme_problem problem;
};
struct acme_authorization {
	enum acme_status status;
	char domain[256];
	char token[ACME_TOKEN_MAX + 1]; /* of the challenge over HTTP; "": none is offered */
	char challenge[ACME_URL_SIZE];
	struct acme_problem problem; /* of that challenge */
};

/* false: it is none, or has no valid value where one is needed; out is then all 0. */
bool acme_read_directory(const char *bytes, size_t length, struct acme_directory *out);
bool acme_read_order(const char *bytes, size_t length, struct acme_order_message *out);
bool acme_read_authorization(const char *bytes, size_t length, struct acme_authorization *out);
bool acme_read_problem(const char *bytes, size_t length, struct acme_problem *out);

#endif
