/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each failure doubles the pause up to a day: an authority that is away costs nothing, and one that counts failures
 * is not asked into a lock-out.
 */
#include "control/model/acme.h"

#include <stddef.h>
#include <string.h>

int64_t acme_renew_ms(int64_t from_ms, int64_t until_ms)
{
	return until_ms - (until_ms - from_ms) / 3;
}

int64_t acme_pause_ms(int64_t tries, int64_t asked_ms)
{
	int64_t pause_ms = ACME_RETRY_FIRST_MS;

	for (int64_t i = 1; i < tries && pause_ms < ACME_RETRY_LAST_MS; i++)
		pause_ms *= 2;
	if (pause_ms > ACME_RETRY_LAST_MS)
		pause_ms = ACME_RETRY_LAST_MS;
	if (asked_ms > ACME_RETRY_MOST_MS)
		asked_ms = ACME_RETRY_MOST_MS;
	return asked_ms > pause_ms ? asked_ms : pause_ms;
}

int64_t acme_next_ms(const struct website_acme *acme, bool certificate, int64_t from_ms,
	int64_t until_ms, int64_t clock_ms)
{
	int64_t next_ms = clock_ms;

	if (acme->tries >= ACME_TRIES_MAX)
		return 0;
	if (!acme->wanted && certificate)
		next_ms = acme_renew_ms(from_ms, until_ms);
	return next_ms > acme->retry_ms ? next_ms : acme->retry_ms;
}

const char *acme_state(const struct website_acme *acme, bool certificate)
{
	if (acme->ordered_ms > 0)
		return "ordering";
	if (acme->tries >= ACME_TRIES_MAX)
		return "stopped";
	if (acme->tries > 0)
		return "failed";
	return acme->wanted || !certificate ? "waiting" : "valid";
}

bool acme_token_valid(const char *token)
{
	size_t length = strlen(token);

	return length > 0 && length <= ACME_TOKEN_MAX &&
	       strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
		       length;
}
