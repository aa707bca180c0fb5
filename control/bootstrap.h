/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a new store needs before anyone can call: the first access key, the secret of SYN cookies, and the key of
 * links to exports.
 */
#ifndef CONTROL_BOOTSTRAP_H
#define CONTROL_BOOTSTRAP_H

#include <stdint.h>

#include "control/store/store.h"
#include "control/store/vault.h"

/* When the store has no access key: makes account "root" with an operator's key and writes
 * {"access_key_id":..,"access_key_secret":..} to path, mode 0600, before the key can be used. */
enum err bootstrap_key(struct db *db, const struct vault *vault, struct arena *mem,
	const char *path, int64_t clock_ms) MUST_USE;
/* The secret from which all nodes derive their SYN cookies; made once. */
enum err bootstrap_cookie_secret(
	struct db *db, const struct vault *vault, struct arena *mem, uint8_t out[32]) MUST_USE;
/* What links to exports are signed with; made once, so that they outlive a restart. */
enum err bootstrap_export_key(
	struct db *db, const struct vault *vault, struct arena *mem, uint8_t out[32]) MUST_USE;

#endif
