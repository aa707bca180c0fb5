/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two strings that were signed, by a NUL apart, compared as V1 and as V3: always a cause, places within the strings, and
 * equal only when they are.
 */
#include <stdlib.h>
#include <string.h>

#include "control/auth/difference.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *server, const char *client, bool v3)
{
	struct difference found;

	difference_find(server, client, v3, &found);
	if ((unsigned)found.cause >= DIFFERENCE_COUNT || !difference_name(found.cause) ||
		!difference_text(found.cause) || found.server_at > strlen(server) ||
		found.client_at > strlen(client) || found.line < 1 || found.column < 1)
		abort();
	if (strcmp(server, client) == 0 && found.cause != DIFFERENCE_NONE)
		abort();
	if (found.cause == DIFFERENCE_NONE && strcmp(server, client) != 0 &&
		!strstr(server, "***") && !strstr(server, "2A%"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = memchr(data, '\0', size);
	char *server = strndup((const char *)data, size);
	char *client =
		end ? strndup(end + 1, size - (size_t)(end + 1 - (const char *)data)) : strdup("");

	if (!server || !client)
		abort();
	check(server, client, false);
	check(server, client, true);
	free(server);
	free(client);
	return 0;
}
