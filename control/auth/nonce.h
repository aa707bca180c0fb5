/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay protection: each (access key, nonce) is accepted once while the request's timestamp is valid.
 */
#ifndef CONTROL_AUTH_NONCE_H
#define CONTROL_AUTH_NONCE_H

#include <stdint.h>

#include "base/error.h"

/* A request is accepted while its timestamp lies within this of the machine's clock, either way. */
#define TIMESTAMP_SKEW_MS (INT64_C(15) * 60 * 1000)

struct nonces;
/* Maps the file at path, made when missing; one process at a time. ERR_SYSTEM. */
enum err nonces_open(const char *path, int64_t clock_ms, struct nonces **out) MUST_USE;
void nonces_close(struct nonces *nonces); /* NULL is fine */
/*
 * Takes the nonce of a request whose timestamp (time_ms) was checked against the clock.
 * ERR_NONCE_USED; ERR_TIMESTAMP_EXPIRED: from before nonces were lost, so nobody can tell;
 * ERR_THROTTLED: no room to remember it. Thread-safe.
 */
enum err nonces_use(struct nonces *nonces, const char *key_id, const char *nonce, int64_t time_ms,
	int64_t clock_ms) MUST_USE;
/* Whether it could be taken: the same errors, and nothing is taken. */
enum err nonces_check(struct nonces *nonces, const char *key_id, const char *nonce, int64_t time_ms,
	int64_t clock_ms) MUST_USE;

#endif
