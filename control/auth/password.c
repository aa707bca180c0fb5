/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record names its own parameters, so that records made before a change of them stay good. The parameters are those
 * that OWASP's "Password Storage Cheat Sheet" holds equal to N = 2^17, r = 8, p = 1, with a fourth of its memory: a
 * login must not be a way to take the control's.
 */
#include "control/auth/password.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BLOCK_SIZE 8 /* r */
#define PARALLEL   3 /* p: so many times after one another */
#define SALT_BYTES 16
#define HASH_BYTES 32
/* Bounds of what is read: a damaged record must not take all memory. */
#define COST_LOG2_MAX  20
#define BLOCK_SIZE_MAX 16
#define PARALLEL_MAX   16
#define MEMORY_MAX     ((uint64_t)1 << 31)

struct record {
	unsigned cost_log2, block_size, parallel;
	uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
};

static enum err compute(const struct record *record, const char *password, uint8_t out[HASH_BYTES])
{
	if (EVP_PBE_scrypt(password, strlen(password), record->salt, SALT_BYTES,
		    UINT64_C(1) << record->cost_log2, record->block_size, record->parallel,
		    MEMORY_MAX, out, HASH_BYTES) == 1)
		return OK;
	return fail(ERR_SYSTEM, "cannot compute scrypt of a password");
}

static enum err fresh(unsigned cost_log2, struct record *out)
{
	*out = (struct record){
		.cost_log2 = cost_log2, .block_size = BLOCK_SIZE, .parallel = PARALLEL
	};
	if (RAND_bytes(out->salt, SALT_BYTES) != 1)
		return fail(ERR_SYSTEM, "no random bytes for a password's salt");
	return OK;
}

enum err password_record(const char *password, unsigned cost_log2, char out[PASSWORD_RECORD_SIZE])
{
	char salt[2 * SALT_BYTES + 1], hash[2 * HASH_BYTES + 1];
	struct record record;

	TRY(fresh(cost_log2, &record));
	TRY(compute(&record, password, record.hash));
	text_hex(record.salt, SALT_BYTES, salt);
	text_hex(record.hash, HASH_BYTES, hash);
	(void)snprintf(out, PASSWORD_RECORD_SIZE, "scrypt:%u:%u:%u:%s:%s", record.cost_log2,
		record.block_size, record.parallel, salt, hash);
	return OK;
}

/* The next field, up to a ':' or the end; false: there is none, or it is too long. */
static bool field(const char **at, char *out, size_t size)
{
	size_t length = *at ? strcspn(*at, ":") : size;

	if (length == 0 || length >= size)
		return false;
	memcpy(out, *at, length);
	out[length] = '\0';
	*at = (*at)[length] == ':' ? *at + length + 1 : NULL;
	return true;
}

static bool number(const char **at, unsigned most, unsigned *out)
{
	int64_t value;
	char text[4];

	if (!field(at, text, sizeof(text)) || !text_to_int(text, &value) || value < 1 ||
		value > most)
		return false;
	*out = (unsigned)value;
	return true;
}

static bool parse(const char *text, struct record *out)
{
	static const char name[] = "scrypt:";
	char salt[2 * SALT_BYTES + 1], hash[2 * HASH_BYTES + 1];
	const char *at = text + sizeof(name) - 1;

	return strncmp(text, name, sizeof(name) - 1) == 0 &&
	       number(&at, COST_LOG2_MAX, &out->cost_log2) &&
	       number(&at, BLOCK_SIZE_MAX, &out->block_size) &&
	       number(&at, PARALLEL_MAX, &out->parallel) && field(&at, salt, sizeof(salt)) &&
	       field(&at, hash, sizeof(hash)) && !at &&
	       text_from_hex(salt, out->salt, SALT_BYTES) &&
	       text_from_hex(hash, out->hash, HASH_BYTES);
}

enum err password_check(const char *record, unsigned cost_log2, const char *password, bool *good)
{
	uint8_t hash[HASH_BYTES];
	struct record wanted;

	*good = false;
	if (!record)
		TRY(fresh(cost_log2, &wanted));
	else if (!parse(record, &wanted))
		return fail(ERR_SYSTEM, "the record of a password is damaged");
	TRY(compute(&wanted, password, hash));
	*good = record &&
		text_equal_constant_time((const char *)hash, (const char *)wanted.hash, HASH_BYTES);
	explicit_bzero(hash, sizeof(hash));
	return OK;
}
