/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Challenges: what a source must do before its requests are passed, and the cookie that says that it has. Pure: time,
 * chance and memory come from the caller.
 *
 * A question is put in a page. With JavaScript the browser finds a number for which a hash has so many zero bits and
 * sends it in the cookie CHALLENGE_ANSWER; without, it waits for CHALLENGE_DELAY_SECONDS and then follows a link
 * to CHALLENGE_PATH. Either is answered with the cookie CHALLENGE_PASS and sent back to where it wanted to go.
 *
 * Tokens (questions and passes) are 28 bytes and a MAC in base64url. They are bound to the site, the user agent, and the network
 * of the client: IPv4 /16, IPv6 /32. Not to the address: it changes under mobile clients, and dual-stack clients
 * use two at once. A pass names a network of each IP version: a client that has one for IPv4 and comes by IPv6 answers once
 * more and then has one for both. A pass that is handed round is worth little: it counts its requests, and
 * rates count each source besides. Where it must be exact (SITE_PACE_ENHANCE) the address itself, of IPv6 the /64, is bound.
 */
#ifndef NGINX_CHALLENGE_H
#define NGINX_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/request_abi.h"

#define CHALLENGE_PASS	    "polder_pass"
#define CHALLENGE_ANSWER    "polder_answer"
#define CHALLENGE_PATH	    "/.polder/pass"

#define CHALLENGE_TEXT_SIZE 60 /* of a token, with NUL */

/* 2^15 hashes: 0.1 s of a browser, 1 s of an old telephone. 2^18 where a site is under heavy attack. */
#define CHALLENGE_BITS		15
#define CHALLENGE_BITS_ENHANCED 18
/* Long enough for a slow machine, short enough that answers cannot be kept in store. */
#define CHALLENGE_QUESTION_SECONDS 180
#define CHALLENGE_DELAY_SECONDS	   5
/* How long passes are good: without work shorter, and with fewer requests. */
#define CHALLENGE_WORK_SECONDS	   14400
#define CHALLENGE_PLAIN_SECONDS	   900
#define CHALLENGE_ENHANCED_SECONDS 1800

enum challenge_kind {
	CHALLENGE_QUESTION = 1,
	CHALLENGE_WORK,	 /* pass for an answered question */
	CHALLENGE_PLAIN, /* pass for having waited */
};
enum challenge_network { /* bits */
	CHALLENGE_IPV4 = 1,
	CHALLENGE_IPV6 = 2,
	CHALLENGE_EXACT = 4 /* instead of both */
};
struct challenge_token {
	uint8_t version;
	uint8_t kind;	  /* enum challenge_kind */
	uint8_t networks; /* enum challenge_network: which of those below count */
	uint8_t bits;	  /* of a question: zero bits asked for */
	uint32_t site;
	uint32_t issued_seconds; /* machine UTC */
	uint8_t id[8];		 /* random: what is used once or counted */
	uint8_t network6[4];
	uint8_t network4[2];
	uint8_t reserved[2];
};
static_assert(sizeof(struct challenge_token) == 28, "signed as bytes");

/* Who asks, and by what it is judged. */
struct challenge_client {
	const struct table_settings *settings; /* with the keys; challenge_ready */
	int64_t now_ms;			       /* machine UTC */
	bool enhanced;			       /* SITE_PACE_ENHANCE */
	struct address address;		       /* behind trusted proxies */
	uint32_t site;
	const char *user_agent;
	size_t user_agent_length;
};

enum challenge_state {
	CHALLENGE_BAD,		 /* forged, damaged, expired, another site's or another browser's */
	CHALLENGE_OTHER_NETWORK, /* good but for where it came from */
	CHALLENGE_GOOD
};

/* Can tokens be signed at all? false: the table holds no keys yet. */
bool challenge_ready(const struct table_settings *settings);

/* A token of the kind for the client. previous: a pass that is good but for its network, which the new one then names, too;
 * or NULL. */
struct challenge_token challenge_make(enum challenge_kind kind,
	const struct challenge_client *client, const struct challenge_token *previous,
	const uint8_t id[8]);

/* out: NUL-terminated. */
void challenge_write(const struct challenge_token *token, const struct challenge_client *client,
	char out[CHALLENGE_TEXT_SIZE]);

/* kind: CHALLENGE_QUESTION, or CHALLENGE_WORK for any pass; of an enhanced client only exact ones for work count.
 * out is written unless the state is CHALLENGE_BAD. */
enum challenge_state challenge_read(const char *text, size_t length, enum challenge_kind kind,
	const struct challenge_client *client, struct challenge_token *out);

/* Splits "question.number"; false: it is none. The result is the question's length. */
bool challenge_answer_split(const char *text, size_t length, size_t *question_length);
/* Does the number do for the question? */
bool challenge_solved(const char *question, size_t question_length, const char *number,
	size_t number_length, unsigned bits);

/* The next cookie called name in a Cookie header, from *offset on, which goes forward; false: there is none. */
bool challenge_cookie_next(const char *header, size_t length, const char *name, size_t *offset,
	const char **value, size_t *value_length);

/* Can who asks show a page? Else it is told so in a form for programs. The texts may be NULL. */
struct challenge_request {
	const char *method, *accept, *destination,
		*requested_with; /* Sec-Fetch-Dest, X-Requested-With */
	size_t method_length, accept_length, destination_length, requested_with_length;
};
bool challenge_shows_page(const struct challenge_request *request);

/* The page, about 3 KB. uri: where the client wanted to go, as sent; "/" is taken instead of one that is too long. nonce: of
 * the content security policy. plain: the way without JavaScript is offered. Returns the length, 0: does not fit. */
#define CHALLENGE_PAGE_MAX 20480
#define CHALLENGE_URI_MAX  2048
struct challenge_page {
	const char *question, *nonce, *uri;
	size_t uri_length;
	unsigned bits;
	bool plain;
	bool again; /* an answer came with the request, and was not good */
};
size_t challenge_page_write(const struct challenge_page *page, char *out, size_t size);

/* Query of CHALLENGE_PATH, "t=TOKEN&u=URI": the token, and the decoded URI, which is a path of the same site ("/" when
 * what is there is not). false: no token. out_uri: CHALLENGE_URI_MAX bytes. */
bool challenge_query_read(const char *query, size_t length, const char **token,
	size_t *token_length, char *out_uri, size_t *uri_length);

#endif
