/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encryption of secrets at rest: AES-256-GCM, key from a file outside the database (mode 0600, 32
 * random bytes, made on first start). A sealed secret is 12 bytes nonce | ciphertext | 16 bytes
 * tag; the context ("access_key:ID") is authenticated, so that rows cannot be exchanged.
 */
#ifndef CONTROL_STORE_VAULT_H
#define CONTROL_STORE_VAULT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct vault;
#define VAULT_OVERHEAD 28

/* Reads path, or makes it if it does not exist. ERR_SYSTEM: unreadable, wrong size, or readable
 * by others. */
enum err vault_open(const char *path, struct vault **out) MUST_USE;
void vault_close(struct vault *vault); /* wipes the key; NULL is fine */
enum err vault_seal(const struct vault *vault, struct arena *mem, const char *context,
	const void *secret, size_t size, uint8_t **out, size_t *out_size) MUST_USE;
/* ERR_STORE: forged, cut, or of another context. The plain text ends in an extra NUL. */
enum err vault_open_secret(const struct vault *vault, struct arena *mem, const char *context,
	const void *sealed, size_t size, uint8_t **out, size_t *out_size) MUST_USE;

#endif
