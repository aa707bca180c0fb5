/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Databases in MaxMind's format, as control, agent and nginx read them. A header alone: who includes it is linked with
 * libmaxminddb.
 */
#ifndef BASE_MMDB_H
#define BASE_MMDB_H

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* What the database has of the address; false: nothing. */
static inline bool mmdb_find(const MMDB_s *database, const uint8_t address[16], MMDB_entry_s *out)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	MMDB_lookup_result_s result;
	int error;

	memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
	memcpy(&four.sin_addr, address + 12, sizeof(four.sin_addr));
	result = MMDB_lookup_sockaddr(database,
		address_is_ipv4(address) ? (const struct sockaddr *)(const void *)&four
					 : (const struct sockaddr *)(const void *)&six,
		&error);
	*out = result.entry;
	return error == MMDB_SUCCESS && result.found_entry;
}

/* The two letters of the entry's country, not terminated, in the database's memory; NULL: it has none. Databases differ in
 * where they keep them: country.iso_code, country_code or country. */
static inline const char *mmdb_country(MMDB_entry_s *entry)
{
	static const char *const path[][3] = { { "country", "iso_code", NULL },
		{ "country_code", NULL, NULL }, { "country", NULL, NULL } };
	MMDB_entry_data_s data;

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++)
		if (MMDB_aget_value(entry, &data, path[i]) == MMDB_SUCCESS && data.has_data &&
			data.type == MMDB_DATA_TYPE_UTF8_STRING && data.data_size == 2)
			return data.utf8_string;
	return NULL;
}

#endif
