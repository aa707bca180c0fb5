/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of passwords: scrypt (RFC 7914) with a salt of its own. Takes some tenths of a second and 32 MiB, by
 * intent: never inside a transaction that others wait for.
 */
#ifndef CONTROL_AUTH_PASSWORD_H
#define CONTROL_AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/error.h"

#define PASSWORD_BYTES_MIN 12
#define PASSWORD_BYTES_MAX 128
/* N = 32,768 blocks of 1 KiB. */
#define PASSWORD_COST_LOG2 15
/* "scrypt:15:8:3:" salt ":" hash, both in hex. */
#define PASSWORD_RECORD_SIZE 128

/* cost_log2: PASSWORD_COST_LOG2 but in tests. ERR_SYSTEM. */
enum err password_record(
	const char *password, unsigned cost_log2, char out[PASSWORD_RECORD_SIZE]) MUST_USE;
/* good: it is the password of the record. With record NULL the same work is done as for one of cost_log2, and good is
 * false, so that nobody can tell by the time whether there is a user. ERR_SYSTEM: could not be found out. */
enum err password_check(
	const char *record, unsigned cost_log2, const char *password, bool *good) MUST_USE;

#endif
