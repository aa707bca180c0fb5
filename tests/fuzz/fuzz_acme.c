/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ACME directory may answer, read as each kind of message: texts end within their bounds, a token is one, and what is
 * none leaves nothing behind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/acme/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_text(const char *text, size_t size)
{
	require(memchr(text, '\0', size) != NULL);
	require(text_is_utf8(text, strlen(text)));
}

static void require_problem(const struct acme_problem *problem)
{
	require_text(problem->type, sizeof(problem->type));
	require_text(problem->detail, sizeof(problem->detail));
	for (const char *at = problem->detail; *at; at++)
		require((unsigned char)*at >= ' ' && *at != 127);
}

static void require_nothing(const void *message, size_t size)
{
	const uint8_t *bytes = message;

	for (size_t i = 0; i < size; i++)
		require(bytes[i] == 0);
}

static void try_directory(const char *bytes, size_t size)
{
	struct acme_directory directory;

	if (!acme_read_directory(bytes, size, &directory)) {
		require_nothing(&directory, sizeof(directory));
		return;
	}
	require_text(directory.new_nonce, ACME_URL_SIZE);
	require_text(directory.new_account, ACME_URL_SIZE);
	require_text(directory.new_order, ACME_URL_SIZE);
	require(directory.new_nonce[0] && directory.new_account[0] && directory.new_order[0]);
}

static void try_order(const char *bytes, size_t size)
{
	struct acme_order_message order;

	if (!acme_read_order(bytes, size, &order)) {
		require_nothing(&order, sizeof(order));
		return;
	}
	require(order.status <= ACME_INVALID && order.finalize[0]);
	require_text(order.authorization, ACME_URL_SIZE);
	require_text(order.finalize, ACME_URL_SIZE);
	require_text(order.certificate, ACME_URL_SIZE);
	require_problem(&order.problem);
}

static void try_authorization(const char *bytes, size_t size)
{
	struct acme_authorization authorization;

	if (!acme_read_authorization(bytes, size, &authorization)) {
		require_nothing(&authorization, sizeof(authorization));
		return;
	}
	require(authorization.status <= ACME_INVALID && authorization.domain[0]);
	require_text(authorization.domain, sizeof(authorization.domain));
	require_text(authorization.challenge, ACME_URL_SIZE);
	require(!authorization.token[0] || acme_token_valid(authorization.token));
	require((authorization.token[0] != 0) == (authorization.challenge[0] != 0));
	require_problem(&authorization.problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of the exact size, so that a sanitizer sees a byte too far. */
	char *bytes = malloc(size ? size : 1);
	struct acme_problem problem;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	try_directory(bytes, size);
	try_order(bytes, size);
	try_authorization(bytes, size);
	(void)acme_read_problem(bytes, size, &problem);
	require_problem(&problem);
	free(bytes);
	return 0;
}
