/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a password may be tried: by user name, whether there is such a user or not, and by address (IPv6: /64).
 * In memory, of fixed size. Thread-safe.
 */
#ifndef CONTROL_AUTH_LOGIN_H
#define CONTROL_AUTH_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Failures at once; each is forgiven after the time. Together: so many in 15 minutes. */
#define LOGIN_ADDRESS_FAILURES	 10
#define LOGIN_ADDRESS_FORGIVE_MS (INT64_C(90) * 1000)
/* More than of one address, so that one alone cannot lock a user out. */
#define LOGIN_NAME_FAILURES   20
#define LOGIN_NAME_FORGIVE_MS (INT64_C(45) * 1000)
/* Passwords that are worked on at once: 32 MiB and a core each. */
#define LOGIN_WORK_MAX 2
/* Failures that are recorded at once, and after them one each minute; the rest are counted. */
#define LOGIN_RECORDS	     60
#define LOGIN_RECORD_EACH_MS (INT64_C(60) * 1000)

struct login;
/* cost_log2: of passwords' records that are made (password.h). NULL when memory is out. */
struct login *login_new(unsigned cost_log2);
void login_free(struct login *login); /* NULL is fine */
unsigned login_cost(const struct login *login);

/* Takes one try from both. false: none is left, and nothing was taken; *retry_ms says when there will be one. */
bool login_try(struct login *login, const char *name, const uint8_t address[16], int64_t clock_ms,
	int64_t *retry_ms);
/* The password was right: gives both back. */
void login_good(struct login *login, const char *name, const uint8_t address[16], int64_t clock_ms);
/* Whether a failure is to be recorded; *omitted: how many were not since the last one that was. */
bool login_record(struct login *login, int64_t clock_ms, uint64_t *omitted);
/* Around the work on a password. false: too many are at it. */
bool login_work_begin(struct login *login);
void login_work_end(struct login *login);

#endif
