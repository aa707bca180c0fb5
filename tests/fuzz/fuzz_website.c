/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What customers bring for web sites: a domain, a document of a setting, a chain and a key, one behind the other with a NUL
 * between. What is accepted is within its bounds, and taken again as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "control/model/certificate.h"
#include "control/model/website.h"
#include "control/model/website_setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void try_domain(const char *text)
{
	char out[WEBSITE_DOMAIN_SIZE], again[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];

	if (website_domain(text, out, why) != OK) {
		require(why[0] != '\0');
		return;
	}
	require(strlen(out) == strlen(text) && strlen(out) <= SITE_DOMAIN_MAX);
	require(website_domain(out, again, why) == OK && strcmp(out, again) == 0);
	require(website_covers(out, out));
}

static void try_document(struct arena *mem, const char *text)
{
	struct website_headers headers;
	struct origin_policy origins;
	struct keepalive keepalive;
	struct tls_policy tls;

	require(tls_policy_parse(mem, text, &tls) == OK && tls.least >= 1 && tls.least <= 3);
	require(origin_policy_parse(mem, text, &origins) == OK &&
		origins.origin_count <= SITE_ORIGIN_MAX);
	require(keepalive_parse(text, &keepalive) == OK);
	require(website_headers_parse(mem, text, &headers) == OK &&
		headers.count <= SITE_HEADER_MAX);
}

static void try_certificate(struct arena *mem, const char *chain, const char *key)
{
	char why[CERTIFICATE_WHY_SIZE] = "";
	struct certificate_row row = { .number = 0 }, again = row;
	const char *out_key, *again_key;

	/* In 2030, when the corpus's certificates are valid. */
	if (certificate_read(mem, chain, key, INT64_C(1893456000000), &row, &out_key, why) != OK) {
		require(why[0] != '\0');
		return;
	}
	require(row.names[0] && strlen(row.chain) <= CERTIFICATE_CHAIN_MAX);
	require(certificate_read(mem, row.chain, out_key, INT64_C(1893456000000), &again,
			&again_key, why) == OK);
	require(strcmp(row.chain, again.chain) == 0 && strcmp(out_key, again_key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new((size_t)16 << 20);
	char *text = mem ? arena_take(mem, size + 4) : NULL;
	const char *part[4];

	if (!text) {
		arena_free(mem);
		return 0;
	}
	memcpy(text, data, size);
	for (size_t i = 0; i < 4; i++) {
		part[i] = text;
		text += strlen(text);
		/* What is behind the last NUL of the input is empty. */
		text += (size_t)(text - part[0]) < size;
	}
	try_domain(part[0]);
	try_document(mem, part[1]);
	try_certificate(mem, part[2], part[3]);
	arena_free(mem);
	return 0;
}
