/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HKDF-SHA256 (RFC 5869) without salt: the secret is random already. info is a label and the epoch, 8 bytes big endian,
 * so keys of different uses and times say nothing about each other.
 */
#include "agent/request_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"

DEFINE_AUTO(kdf, EVP_KDF *, EVP_KDF_free);
DEFINE_AUTO(kdf_context, EVP_KDF_CTX *, EVP_KDF_CTX_free);

#define LABEL_MAX 32

struct source {
	EVP_KDF_CTX *context;
	uint8_t secret[32];
};

static bool derive(
	struct source *source, const char *label, uint64_t epoch, uint8_t *out, size_t length)
{
	char digest[] = "SHA256";
	uint8_t info[LABEL_MAX + 8];
	size_t label_length = strnlen(label, LABEL_MAX);
	OSSL_PARAM params[4];

	memcpy(info, label, label_length);
	for (int i = 0; i < 8; i++)
		info[label_length + (size_t)i] = (uint8_t)(epoch >> (56 - 8 * i));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_KEY, source->secret, sizeof(source->secret));
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, label_length + 8);
	params[3] = OSSL_PARAM_construct_end();
	EVP_KDF_CTX_reset(source->context);
	return EVP_KDF_derive(source->context, out, length, params) == 1;
}

static bool fill(struct source *source, int64_t utc_now_ms, struct table_settings *out)
{
	uint64_t seconds = utc_now_ms > 0 ? (uint64_t)(utc_now_ms / SECOND_MS) : 0;
	uint64_t challenge = seconds / CHALLENGE_EPOCH_SECONDS;
	uint64_t ticket = seconds / TICKET_EPOCH_SECONDS;
	const uint64_t ticket_epoch[TICKET_KEYS] = { ticket, ticket - 1, ticket + 1 };
	bool done = derive(
		source, "polder loop", 0, (uint8_t *)&out->loop_mark, sizeof(out->loop_mark));

	out->challenge_epoch = challenge;
	for (uint64_t epoch = challenge - 1; epoch != challenge + 1; epoch++)
		done &= derive(source, "polder challenge", epoch, out->challenge_key[epoch & 1],
			sizeof(out->challenge_key[0]));
	for (int i = 0; i < TICKET_KEYS; i++)
		done &= derive(source, "polder ticket", ticket_epoch[i], out->ticket_key[i],
			sizeof(out->ticket_key[0]));
	return done;
}

bool request_keys_fill(const uint8_t secret[32], int64_t utc_now_ms, struct table_settings *out)
{
	AUTO(kdf) EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	AUTO(kdf_context) EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	struct source source = { .context = context };
	struct table_settings next = *out;
	bool done = false;

	memcpy(source.secret, secret, sizeof(source.secret));
	if (context)
		done = fill(&source, utc_now_ms, &next);
	if (done)
		*out = next;
	else
		log_error("keys of the request path could not be derived");
	OPENSSL_cleanse(&source.secret, sizeof(source.secret));
	OPENSSL_cleanse(&next, sizeof(next));
	return done;
}
