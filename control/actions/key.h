/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How access keys look; also for the first one, which is made before there is anyone to ask.
 */
#ifndef CONTROL_ACTIONS_KEY_H
#define CONTROL_ACTIONS_KEY_H

#include "control/store/store.h"

#define ACCESS_KEY_PREFIX	 "LTAI"
#define TOKEN_PREFIX		 "STS." /* of temporary keys and of security tokens */
#define ACCESS_KEY_RANDOM_LENGTH 20
#define ACCESS_KEY_SECRET_LENGTH 30

/* Sets id (prefix and random characters) and secret (in mem) of key. */
enum err access_key_make(struct arena *mem, const char *prefix, struct access_key *key) MUST_USE;

#endif
