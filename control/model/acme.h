/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates that web sites get by themselves (RFC 8555): when, and how often it is tried. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_ACME_H
#define CONTROL_MODEL_ACME_H

#include <stdbool.h>
#include <stdint.h>

#define ACME_TOKEN_MAX	128 /* RFC 8555 has no bound; authorities use 22 to 43 characters */
#define ACME_ANSWER_MAX (ACME_TOKEN_MAX + 1 + 43) /* token "." thumbprint */
#define ACME_REASON_MAX 240			  /* bytes of why an order failed */
#define ACME_TRIES_MAX                                                                             \
	20 /* in a row; with the pauses between them, some two weeks. Then only a person begins anew */
#define ACME_RETRY_FIRST_MS INT64_C(300000)    /* authorities count some failures by the hour */
#define ACME_RETRY_LAST_MS  INT64_C(86400000)  /* a day */
#define ACME_RETRY_MOST_MS  INT64_C(604800000) /* a week: no Retry-After is waited for longer */
#define ACME_PORT	    80		       /* where authorities ask */

struct website_acme {
	int64_t website;
	bool wanted;		    /* a certificate is to be had whatever the site has */
	int64_t tries;		    /* failures in a row */
	int64_t retry_ms;	    /* machine time before which none follows; 0: none failed */
	int64_t ordered_ms;	    /* since when an order runs; 0: none does */
	const char *error;	    /* why the last one failed; "" */
	const char *token, *answer; /* of the challenge that nodes answer; "" */
};

/* When a certificate is renewed: with a third of its time left. */
int64_t acme_renew_ms(int64_t from_ms, int64_t until_ms);
/* The pause after so many failures, at least what the authority asked for (0: nothing). */
int64_t acme_pause_ms(int64_t tries, int64_t asked_ms);
/* When the next order is made; 0: none is. certificate: the site has one, with these times. */
int64_t acme_next_ms(const struct website_acme *acme, bool certificate, int64_t from_ms,
	int64_t until_ms, int64_t clock_ms);
/* "ordering", "stopped", "failed", "waiting", "valid". */
const char *acme_state(const struct website_acme *acme, bool certificate);
/* Whether it is one of RFC 8555: characters of base64url, and not too many. */
bool acme_token_valid(const char *token);

#endif
