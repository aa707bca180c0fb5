/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users, who log in with a password. What one may do is said as for an access key. The password is kept as a
 * record that password.h makes, sealed by the key file, so that a stolen store alone cannot be guessed at.
 */
#ifndef CONTROL_STORE_USER_H
#define CONTROL_STORE_USER_H

#include "control/store/store.h"

#define USER_NAME_MAX 32
/* Tokens of a user have this and the name as their parent; it is also how the audit log calls him. */
#define USER_PARENT "user:"
static_assert(sizeof(USER_PARENT) + USER_NAME_MAX <= ACCESS_KEY_ID_SIZE, "fits where keys' ids do");

struct user {
	int64_t number;
	char name[USER_NAME_MAX + 1]; /* as it was given; no two differ in case alone */
	int64_t account;
	enum permission permission;
	size_t instance_count; /* 0: all instances of the account */
	const char **instance;
	const char *password;	     /* record of password.h; NULL in lists */
	int64_t create_ms, login_ms; /* machine time; login_ms 0: never */
};

/* Sets number. ERR_CONFLICT: the name is taken. */
enum err user_insert(
	struct db *db, const struct vault *vault, struct arena *mem, struct user *user) MUST_USE;
/* By name, any case. ERR_USER_NOT_FOUND. */
enum err user_load(struct db *db, const struct vault *vault, struct arena *mem, const char *name,
	struct user *out) MUST_USE;
/* By name; of one account, or of all when account is 0. */
enum err user_list(struct db *db, struct arena *mem, int64_t account, struct user **out,
	size_t *count) MUST_USE;
enum err user_count(struct db *db, int64_t account, int64_t *out) MUST_USE;
/* Both end the user's sessions. */
enum err user_set_password(struct db *db, const struct vault *vault, struct arena *mem,
	const struct user *user, const char *password) MUST_USE;
enum err user_delete(struct db *db, struct arena *mem, const struct user *user) MUST_USE;
enum err user_set_login(struct db *db, const struct user *user, int64_t clock_ms) MUST_USE;
/* USER_PARENT and the name; NULL when memory is out. */
const char *user_parent(struct arena *mem, const char *name);
/* The name in a parent; NULL: the parent is no user. */
const char *user_of_parent(const char *parent);

#endif
