/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table itself says which certificates want a response: those of sites with the flag. So there is no list that could
 * differ from it, and a response that comes for a certificate that was replaced meanwhile is known by its version.
 */
#include "agent/request_staples.h"

#include <stdlib.h>
#include <string.h>

#include "agent/staple.h"
#include "base/log.h"
#include "base/site.h"

struct request_staples {
	struct request_table *table;
	struct staple *staple;
	struct staple_result response; /* too long for a stack */
};

enum err request_staples_open(struct request_table *table, struct request_staples **out)
{
	struct request_staples *staples = calloc(1, sizeof(*staples));
	enum err err;

	*out = NULL;
	if (!staples)
		return ERR_MEMORY;
	staples->table = table;
	err = staple_open(false, &staples->staple);
	if (err != OK) {
		free(staples);
		return err;
	}
	*out = staples;
	return OK;
}

void request_staples_close(struct request_staples *staples)
{
	if (!staples)
		return;
	staple_close(staples->staple);
	free(staples);
}

static int compare_wanted(const void *a, const void *b)
{
	const struct staple_wanted *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

static const struct certificate *find_certificate(
	const struct request_staples *staples, const uint32_t *number)
{
	struct table_key key = { TABLE_CERTIFICATE, sizeof(*number), number };
	size_t length;

	return request_table_find(staples->table, &key, &length);
}

/* Numbers of certificates, with repeats; out NULL: how many. */
static size_t list_stapled(const struct request_staples *staples, struct staple_wanted *out)
{
	const struct table_record *record;
	uint64_t cursor = 0;
	size_t count = 0;

	while ((record = request_table_next(staples->table, &cursor))) {
		const struct site *site = request_table_body(record);

		if (record->kind != TABLE_SITE || !(site->flags & SITE_OCSP) ||
			!find_certificate(staples, &site->certificate))
			continue;
		if (out)
			out[count].number = site->certificate;
		count++;
	}
	return count;
}

/* Once each, with its chain. Those for which there is no memory have none, and get no response. */
static size_t fill_stapled(
	const struct request_staples *staples, struct staple_wanted *wanted, size_t count)
{
	size_t used = 0;

	qsort(wanted, count, sizeof(*wanted), compare_wanted);
	for (size_t i = 0; i < count; i++) {
		const struct certificate *certificate =
			find_certificate(staples, &wanted[i].number);

		if (used > 0 && wanted[used - 1].number == certificate->number)
			continue;
		wanted[used] = (struct staple_wanted){ .number = certificate->number,
			.version = certificate->version,
			.chain = calloc(1, certificate->chain_length) };
		if (!wanted[used].chain)
			continue;
		wanted[used].chain_length = certificate->chain_length;
		memcpy(wanted[used++].chain, certificate_chain(certificate),
			certificate->chain_length);
	}
	return used;
}

void request_staples_follow(struct request_staples *staples)
{
	size_t count = list_stapled(staples, NULL);
	struct staple_wanted *wanted = calloc(count ? count : 1, sizeof(*wanted));

	if (!wanted) {
		log_error("no memory for the list of certificates with OCSP");
		return;
	}
	(void)list_stapled(staples, wanted);
	staple_want(staples->staple, wanted, fill_stapled(staples, wanted, count));
}

void request_staples_take(struct request_staples *staples)
{
	struct staple_result *response = &staples->response;

	for (int i = 0; i < STAPLE_RESULT_MAX && staple_take(staples->staple, response); i++) {
		const struct certificate *certificate =
			find_certificate(staples, &response->number);
		struct table_key key = { TABLE_OCSP, sizeof(response->number), &response->number };

		if (certificate && certificate->version == response->version &&
			request_table_put(
				staples->table, &key, response->bytes, response->length) != OK)
			log_warn("certificate %u keeps its OCSP response", response->number);
	}
}

void request_staples_age(struct request_staples *staples, int64_t utc_now_ms)
{
	const struct table_record *record;
	uint64_t cursor = 0;

	while ((record = request_table_next(staples->table, &cursor))) {
		struct table_key key = { record->kind, record->key_length, record->key };

		if (record->kind == TABLE_OCSP && staple_until_ms(request_table_body(record),
							  record->body_length) <= utc_now_ms)
			(void)request_table_delete(staples->table, &key);
	}
}
