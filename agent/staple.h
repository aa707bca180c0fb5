/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCSP responses to be stapled (RFC 6960): fetched from where the certificate says, verified, and fetched again before
 * they end. A thread of its own, since responders are slow and many.
 */
#ifndef AGENT_STAPLE_H
#define AGENT_STAPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "shared/request_abi.h"

#define STAPLE_BYTES_MAX  16384 /* of a response: a delegated responder's chain fits several times */
#define STAPLE_TIMEOUT_MS 5000
#define STAPLE_RETRY_MS	  INT64_C(60000)    /* after a failure; doubling to the longest */
#define STAPLE_LONGEST_MS INT64_C(21600000) /* between looks, however long a response holds */
#define STAPLE_RESULT_MAX 64		    /* that wait to be taken; the thread waits then, too */

struct staple;
/* local: responders at addresses of this host and its links are asked, too: for tests. A certificate is its owner's, and so is
 * the address in it. */
enum err staple_open(bool local, struct staple **out) MUST_USE;
void staple_close(struct staple *staple); /* accepts NULL */

/* A certificate whose responses are wanted; chain: PEM, leaf first. */
struct staple_wanted {
	uint32_t number, version;
	char *chain; /* calloc'ed */
	size_t chain_length;
};
/* All that are wanted; those told before are forgotten. The array and its chains are calloc'ed and are staple's from
 * then on. */
void staple_want(struct staple *staple, struct staple_wanted *wanted, size_t count);

/* A response that has come; false: none. */
struct staple_result {
	uint32_t number, version; /* of the certificate it is for */
	size_t length;
	uint8_t bytes[STAPLE_BYTES_MAX];
};
bool staple_take(struct staple *staple, struct staple_result *out);

/* When a response ends, UTC ms; 0: it is none, or says nothing about its end. Pure. */
int64_t staple_until_ms(const void *bytes, size_t length);

#endif
