/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A conversation with an ACME directory: HTTPS, nonces, signed requests, and the account. Of one thread.
 *
 * What goes wrong at the other end is ERR_UNAVAILABLE, with a sentence's part in acme_client_why and, when the directory asked to wait,
 * its time in acme_client_pause_ms.
 */
#ifndef CONTROL_ACME_CLIENT_H
#define CONTROL_ACME_CLIENT_H

#include <stdbool.h>

#include "control/acme/message.h"
#include "control/store/acme.h"

#define ACME_BODY_MAX	CERTIFICATE_CHAIN_BYTES
#define ACME_TIMEOUT_MS 30000 /* of one request, whatever the other end does */
#define ACME_NONCE_TRIES                                                                           \
	6 /* a directory may forget nonces at any time; some do it to try clients */
#define CERTIFICATE_CHAIN_BYTES                                                                    \
	49152 /* as CERTIFICATE_CHAIN_MAX: the largest thing that is fetched */

struct acme_settings {
	const char *directory; /* https://...; "": off */
	const char *ca_file;   /* who vouches for it; "": the machine's authorities */
	const char *contact;   /* "mailto:..."; "": none is told */
	const char *socket;    /* Unix socket of a relay that leads there; "": straight */
	int64_t timeout_ms;    /* 0: ACME_TIMEOUT_MS */
};
/* Empty, or "https://host/path", maybe with a port. */
bool acme_directory_valid(const char *url);

struct acme_client;
/* settings and vault live longer. stop: ends a request that is under way within about a second. */
enum err acme_client_new(const struct acme_settings *settings, const struct vault *vault,
	const bool *stop, struct acme_client **out) MUST_USE;
void acme_client_free(struct acme_client *client);

/* Knows the directory and has an account there: made when it has none yet. In no transaction. */
enum err acme_client_begin(struct acme_client *client, struct db *db, struct arena *mem) MUST_USE;
/* Learns both anew next time. */
void acme_client_forget(struct acme_client *client);
/* A signed request; payload NULL: it only fetches. The answer is the client's until the next one. */
struct acme_answer {
	const char *bytes; /* NUL behind */
	size_t length;
	const char *location; /* ""; else of this directory */
	int64_t pause_ms;     /* asked for by Retry-After; 0: none */
};
enum err acme_client_post(struct acme_client *client, struct arena *mem, const char *url,
	const char *payload, struct acme_answer *out) MUST_USE;

const char *acme_client_new_order(const struct acme_client *client);
/* The key authorization of a token; NULL: no memory. */
const char *acme_client_authorization(
	const struct acme_client *client, struct arena *mem, const char *token);
const char *acme_client_why(const struct acme_client *client);
int64_t acme_client_pause_ms(const struct acme_client *client);
/* Of the client's own finding: ERR_UNAVAILABLE. */
enum err acme_client_because(struct acme_client *client, const char *format, ...) PRINTF(2, 3);

#endif
