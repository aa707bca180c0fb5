/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Authorization header of V3 and the string that is signed. The input's lines are: Authorization,
 * query, then "name:value" headers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/signature.h"

#define HEADERS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign(struct arena *mem, char *lines, const struct authorization *authorization)
{
	struct header header[HEADERS_MAX];
	struct form query = { 0 };
	struct v3_request request = { .method = "POST",
		.query = &query,
		.header = header,
		.signed_headers = authorization->signed_headers,
		.payload_hash = "00" };
	char *line = strsep(&lines, "\n"), *value, *string = NULL, *canonical = NULL;

	if (form_decode(mem, line, strlen(line), &query) != OK)
		return;
	while (lines && request.header_count < HEADERS_MAX) {
		line = strsep(&lines, "\n");
		value = strchr(line, ':');
		if (value)
			*value++ = '\0';
		header[request.header_count++] = (struct header){ line, value ? value : "" };
	}
	if (signature_v3_string(mem, &request, &string, &canonical) != OK)
		return;
	/* Its two lines: the algorithm, a hash. */
	if (strlen(string) != strlen("ACS3-HMAC-SHA256\n") + 64 ||
		strncmp(canonical, "POST\n/\n", 7) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	char *text = mem ? arena_copy_n(mem, (const char *)data, size) : NULL, *rest;
	struct authorization authorization;

	if (text) {
		rest = strchr(text, '\n');
		if (rest)
			*rest++ = '\0';
		if (authorization_parse(mem, text, &authorization) == OK) {
			if (strlen(authorization.signature) != 64)
				abort();
			if (rest)
				sign(mem, rest, &authorization);
		}
	}
	arena_free(mem);
	return 0;
}
