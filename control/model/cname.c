/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The alphabet has 36 characters, so that some are a little likelier than others: 80 bits are left of the 128.
 */
#include "control/model/cname.h"

#include <assert.h>
#include <string.h>

#define PREFIX 4
#define RANDOM 16
static_assert(PREFIX + RANDOM + 1 == CNAME_SIZE, "both and a NUL");
static_assert(sizeof(CNAME_WEBSITE) == PREFIX + 1 && sizeof(CNAME_RULE) == PREFIX + 1, "of a size");

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

void cname_make(const char *prefix, const uint8_t random[16], char out[CNAME_SIZE])
{
	memcpy(out, prefix, PREFIX);
	for (size_t i = 0; i < RANDOM; i++)
		out[PREFIX + i] = alphabet[random[i] % (sizeof(alphabet) - 1)];
	out[PREFIX + RANDOM] = '\0';
}

bool cname_valid(const char *prefix, const char *label)
{
	return strncmp(label, prefix, PREFIX) == 0 && strspn(label + PREFIX, alphabet) == RANDOM &&
	       label[PREFIX + RANDOM] == '\0';
}
