/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets at rest: AES-256-GCM with a random nonce of 96 bits, which is safe for the 2^32 secrets
 * that no control will ever seal with one key (NIST SP 800-38D, 8.3).
 *
 * The key file is made under another name and linked into place, so that a crash cannot leave half
 * a key, and of two controls that start at once both use the one that came first.
 */
#include "control/store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"

#define KEY_SIZE   32
#define NONCE_SIZE 12
#define TAG_SIZE   16
_Static_assert(NONCE_SIZE + TAG_SIZE == VAULT_OVERHEAD, "form of a sealed secret");

struct vault {
	uint8_t key[KEY_SIZE];
};

DEFINE_AUTO(cipher, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);

static enum err key_write(int fd, const char *path)
{
	uint8_t key[KEY_SIZE];
	enum err err = OK;

	if (RAND_bytes(key, sizeof(key)) != 1)
		return fail(ERR_SYSTEM, "no random bytes for key file %s", path);
	if (write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) || fsync(fd) != 0)
		err = fail(ERR_SYSTEM, "write key file %s: %s", path, strerror(errno));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

static enum err key_make(const char *path)
{
	char draft[PATH_MAX];
	int length = snprintf(draft, sizeof(draft), "%s.%ld.new", path, (long)getpid());

	if (length < 0 || (size_t)length >= sizeof(draft))
		return fail(ERR_SYSTEM, "path of key file is too long");

	AUTO(fd) int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(ERR_SYSTEM, "make key file %s: %s", draft, strerror(errno));

	enum err err = key_write(fd, draft);

	if (err == OK && link(draft, path) != 0 && errno != EEXIST)
		err = fail(ERR_SYSTEM, "make key file %s: %s", path, strerror(errno));
	(void)unlink(draft);
	if (err == OK)
		log_info("made key file %s: without it the secrets in the store are lost", path);
	return err;
}

static enum err key_read(int fd, const char *path, uint8_t key[KEY_SIZE])
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fail(ERR_SYSTEM, "read key file %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
		return fail(
			ERR_SYSTEM, "key file %s can be read by others: make its mode 0600", path);
	if (status.st_size != KEY_SIZE || read(fd, key, KEY_SIZE) != KEY_SIZE)
		return fail(ERR_SYSTEM, "key file %s does not hold %d bytes", path, KEY_SIZE);
	return OK;
}

enum err vault_open(const char *path, struct vault **out)
{
	int opened = open(path, O_RDONLY | O_CLOEXEC);

	if (opened < 0 && errno == ENOENT) {
		TRY(key_make(path));
		opened = open(path, O_RDONLY | O_CLOEXEC);
	}

	AUTO(fd) int fd = opened;

	if (fd < 0)
		return fail(ERR_SYSTEM, "open key file %s: %s", path, strerror(errno));

	struct vault *vault = calloc(1, sizeof(*vault));

	if (!vault)
		return ERR_MEMORY;

	enum err err = key_read(fd, path, vault->key);

	if (err != OK) {
		vault_close(vault);
		return err;
	}
	*out = vault;
	return OK;
}

void vault_close(struct vault *vault)
{
	if (!vault)
		return;
	OPENSSL_cleanse(vault, sizeof(*vault));
	free(vault);
}

enum err vault_seal(const struct vault *vault, struct arena *mem, const char *context,
	const void *secret, size_t size, uint8_t **out, size_t *out_size)
{
	AUTO(cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t *sealed = arena_take(mem, size + VAULT_OVERHEAD);
	int length;

	if (!cipher || !sealed || size > INT_MAX - VAULT_OVERHEAD)
		return ERR_MEMORY;

	uint8_t *body = sealed + NONCE_SIZE;

	if (RAND_bytes(sealed, NONCE_SIZE) != 1 ||
		EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, vault->key, sealed) != 1 ||
		EVP_EncryptUpdate(cipher, NULL, &length, (const uint8_t *)context,
			(int)strlen(context)) != 1 ||
		EVP_EncryptUpdate(cipher, body, &length, secret, (int)size) != 1 ||
		EVP_EncryptFinal_ex(cipher, body + size, &length) != 1 ||
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, body + size) != 1)
		return fail(ERR_SYSTEM, "cannot seal a secret");
	*out = sealed;
	*out_size = size + VAULT_OVERHEAD;
	return OK;
}

enum err vault_open_secret(const struct vault *vault, struct arena *mem, const char *context,
	const void *sealed, size_t size, uint8_t **out, size_t *out_size)
{
	AUTO(cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	const uint8_t *nonce = sealed;
	uint8_t tag[TAG_SIZE];
	int length;

	if (size < VAULT_OVERHEAD || size > INT_MAX)
		return fail(ERR_STORE, "sealed secret %s is cut", context);

	size_t plain_size = size - VAULT_OVERHEAD;
	uint8_t *plain = arena_take(mem, plain_size + 1); /* zeroed: ends in NUL */

	if (!cipher || !plain)
		return ERR_MEMORY;
	memcpy(tag, nonce + NONCE_SIZE + plain_size, TAG_SIZE);
	if (EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, vault->key, nonce) != 1 ||
		EVP_DecryptUpdate(cipher, NULL, &length, (const uint8_t *)context,
			(int)strlen(context)) != 1 ||
		EVP_DecryptUpdate(cipher, plain, &length, nonce + NONCE_SIZE, (int)plain_size) !=
			1 ||
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1 ||
		EVP_DecryptFinal_ex(cipher, plain + plain_size, &length) != 1) {
		OPENSSL_cleanse(plain, plain_size);
		return fail(
			ERR_STORE, "sealed secret %s does not open with this key file", context);
	}
	*out = plain;
	*out_size = plain_size;
	return OK;
}
