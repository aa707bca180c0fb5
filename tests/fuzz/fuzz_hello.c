/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ClientHellos: whatever is understood has lists within their bound, a copy of hello_size() bytes is as good as the whole, and
 * the fingerprints have the published forms.
 */
#include <stdlib.h>
#include <string.h>

#include "nginx/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hello hello, copy;
	char ja3[2][HELLO_JA3_SIZE], ja4[2][HELLO_JA4_SIZE];

	if (!hello_parse(data, size, &hello))
		return 0;
	require(hello_size(&hello) <= sizeof(hello));
	memset(&copy, 0xaa, sizeof(copy));
	memcpy(&copy, &hello, hello_size(&hello));
	require(hello_ja3(&hello, ja3[0]) && hello_ja3(&copy, ja3[1]));
	require(hello_ja4(&hello, ja4[0]) && hello_ja4(&copy, ja4[1]));
	require(strcmp(ja3[0], ja3[1]) == 0 && strcmp(ja4[0], ja4[1]) == 0);
	require(strspn(ja3[0], "0123456789abcdef") == HELLO_JA3_SIZE - 1);
	require(strlen(ja4[0]) == HELLO_JA4_SIZE - 1 && ja4[0][10] == '_' && ja4[0][23] == '_');
	return 0;
}
