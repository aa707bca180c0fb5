/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One order of one certificate for one domain, from its beginning to the chain (RFC 8555, 7.4): what is next is in "step",
 * so that several orders go on beside each other. Two steps are not the directory's: nodes are told the answer, and
 * have to know it, before the authority is asked to look.
 */
#ifndef CONTROL_ACME_ORDER_H
#define CONTROL_ACME_ORDER_H

#include <openssl/evp.h>

#include "control/acme/client.h"
#include "control/model/website.h"

#define ACME_ORDER_MS	  600000 /* of a whole order: authorities take seconds, some a minute */
#define ACME_POLL_MS	  2000	 /* between two looks, unless the directory says how long */
#define ACME_POLL_LAST_MS 60000

enum order_step {
	ORDER_BEGIN,
	ORDER_AUTHORIZE,
	ORDER_PUBLISH, /* the caller's: nodes are to answer token with answer; next is ORDER_CONFIRM */
	ORDER_CONFIRM, /* the caller's: they do; next is ORDER_CHALLENGE */
	ORDER_CHALLENGE,
	ORDER_VALIDATE,
	ORDER_FINALIZE,
	ORDER_ISSUE,
	ORDER_DOWNLOAD,
	ORDER_DONE, /* the caller's: chain and key_pem are there, in mem of that step */
};

struct order {
	int64_t website; /* 0: no order */
	char domain[WEBSITE_DOMAIN_SIZE];
	enum order_step step;
	int64_t begin_ms, next_ms; /* monotonic */
	char url[ACME_URL_SIZE], finalize[ACME_URL_SIZE], certificate[ACME_URL_SIZE];
	char authorization[ACME_URL_SIZE], challenge[ACME_URL_SIZE];
	char token[ACME_TOKEN_MAX + 1];
	char answer[ACME_ANSWER_MAX + 1];
	EVP_PKEY *key;		      /* of the certificate */
	int64_t generation, asked_ms; /* the caller's: of ORDER_CONFIRM */
	const char *chain, *key_pem;
};

/* Takes the step that is next, one exchange at most, and sets next_ms. ERR_UNAVAILABLE: the order is over; why, says the
 * client. */
enum err order_step(struct order *order, struct acme_client *client, struct arena *mem,
	int64_t now_ms) MUST_USE;
void order_clear(struct order *order);

#endif
