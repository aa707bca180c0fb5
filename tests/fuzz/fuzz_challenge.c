/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients send about challenges: cookies, answers, tokens, queries. None of it is good, since nobody has the key;
 * where a client is sent stays on its site.
 */
#include <stdlib.h>
#include <string.h>

#include "nginx/challenge.h"

#define COOKIES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static struct table_settings settings = { .challenge_key = { { 1 }, { 2 } },
	.challenge_epoch = 41000 };

static void check_token(const char *text, size_t length, const struct challenge_client *client)
{
	struct challenge_token token;
	size_t question_length;

	require(challenge_read(text, length, CHALLENGE_WORK, client, &token) == CHALLENGE_BAD);
	require(challenge_read(text, length, CHALLENGE_QUESTION, client, &token) == CHALLENGE_BAD);
	if (challenge_answer_split(text, length, &question_length))
		(void)challenge_solved(text, question_length, text + question_length + 1,
			length - question_length - 1, 8);
}

static void check_query(const char *text, size_t length)
{
	char uri[CHALLENGE_URI_MAX];
	const char *token;
	size_t token_length, uri_length = 0;

	if (!challenge_query_read(text, length, &token, &token_length, uri, &uri_length))
		return;
	require(token >= text && token + token_length <= text + length);
	require(uri_length > 0 && uri_length <= sizeof(uri) && uri[0] == '/');
	require(uri_length == 1 || (uri[1] != '/' && uri[1] != '\\'));
	for (size_t i = 0; i < uri_length; i++)
		require(uri[i] > ' ' && uri[i] < 0x7f);
}

static size_t tags(const char *uri, size_t length)
{
	static char out[CHALLENGE_PAGE_MAX];
	struct challenge_page page = {
		.question = "Q", .nonce = "N", .uri = uri, .uri_length = length, .plain = true
	};
	size_t written = challenge_page_write(&page, out, sizeof(out)), count = 0;

	require(written > 0);
	for (size_t i = 0; i < written; i++)
		count += out[i] == '<' || out[i] == '"';
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *value;
	struct challenge_client client = { .settings = &settings,
		.now_ms = (int64_t)settings.challenge_epoch * CHALLENGE_EPOCH_SECONDS * 1000,
		.enhanced = size % 2,
		.site = 1,
		.user_agent = text,
		.user_agent_length = size };
	size_t offset = 0, length;

	check_token(text, size, &client);
	check_query(text, size);
	/* Nothing leaves its attribute. */
	require(tags(text, size) == tags("/", 1));
	for (int i = 0; i < COOKIES_MAX; i++) {
		if (!challenge_cookie_next(text, size, CHALLENGE_PASS, &offset, &value, &length))
			break;
		require(value >= text && value + length <= text + size);
		check_token(value, length, &client);
	}
	return 0;
}
