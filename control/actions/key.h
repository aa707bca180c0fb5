/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How access keys look; also for the first one, which is made before there is anyone to ask.
 */
#ifndef CONTROL_ACTIONS_KEY_H
#define CONTROL_ACTIONS_KEY_H

#include "control/action.h"

#define ACCESS_KEY_PREFIX	 "LTAI"
#define TOKEN_PREFIX		 "STS." /* of temporary keys and of security tokens */
#define ACCESS_KEY_RANDOM_LENGTH 20
#define ACCESS_KEY_SECRET_LENGTH 30

/* Sets id (prefix and random characters) and secret (in mem) of key. */
enum err access_key_make(struct arena *mem, const char *prefix, struct access_key *key) MUST_USE;
/* Random letters and digits, and a NUL. false: there is no randomness. */
bool random_word(char *out, size_t length);

/* ERR_FORBIDDEN unless the caller may manage accounts, keys and users: with a permanent key of all instances, or a
 * session that a password was given for just that. */
enum err check_may_manage(const struct call *call) MUST_USE;
/* Instances that a key or user of account is limited to: each must be one of the account's. */
enum err check_instances(struct call *call, int64_t account, const struct text_list *ids) MUST_USE;
enum err put_texts(
	json_t *object, const char *name, const char *const *item, size_t count) MUST_USE;

/* A session ends after so long without a call of ExtendSession, and so long after it began in any case. */
#define SESSION_IDLE_MS (INT64_C(15) * 60 * 1000)
#define SESSION_MS	(INT64_C(12) * 3600 * 1000)
/* Makes a temporary key: id, secret, token; inserts it, and puts Credentials into the reply. The rest of key is set. */
enum err token_issue(struct call *call, struct access_key *key) MUST_USE;

#endif
