/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overrides first, since they win; then one look into the file, which is mapped and not read. Where databases keep the
 * code differs: country.iso_code, country_code or country.
 */
#include "control/region.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "control/model/country.h"

#define OVERRIDE_MAX 52 /* bytes of one: an address, a length, a country */

struct override {
	uint8_t prefix[16];
	unsigned bits;
	int country;
};

/* Reads the next one and moves on. false: there is none; *valid says whether because of the end. */
static bool next_override(const char **at, struct override *out, bool *valid)
{
	char text[OVERRIDE_MAX + 1];
	size_t length;
	char *country;

	*at += strspn(*at, " ");
	length = strcspn(*at, " ");
	*valid = length == 0;
	if (length == 0 || length > OVERRIDE_MAX)
		return false;
	memcpy(text, *at, length);
	text[length] = '\0';
	*at += length;
	country = strchr(text, '=');
	if (!country)
		return false;
	*country++ = '\0';
	out->country = country_by_code(country, strlen(country));
	*valid = out->country >= 0 && text_to_prefix(text, out->prefix, &out->bits);
	return *valid;
}

bool region_overrides_are_valid(const char *overrides)
{
	struct override one;
	bool valid = true;

	while (next_override(&overrides, &one, &valid))
		;
	return valid;
}

static int of_overrides(const char *overrides, const uint8_t address[16])
{
	struct override one;
	int country = -1;
	bool valid;

	while (next_override(&overrides, &one, &valid)) {
		if (prefix_covers(one.prefix, one.bits, address))
			country = one.country;
	}
	return country;
}

static int entry_country(MMDB_entry_s *entry)
{
	static const char *const path[][3] = { { "country", "iso_code", NULL },
		{ "country_code", NULL, NULL }, { "country", NULL, NULL } };
	MMDB_entry_data_s data;

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		if (MMDB_aget_value(entry, &data, path[i]) == MMDB_SUCCESS && data.has_data &&
			data.type == MMDB_DATA_TYPE_UTF8_STRING)
			return country_by_code(data.utf8_string, data.data_size);
	}
	return -1;
}

static int of_database(MMDB_s *database, const uint8_t address[16])
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	MMDB_lookup_result_s result;
	int error;

	memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
	memcpy(&four.sin_addr, address + 12, sizeof(four.sin_addr));
	result = MMDB_lookup_sockaddr(database,
		address_is_ipv4(address) ? (struct sockaddr *)(void *)&four
					 : (struct sockaddr *)(void *)&six,
		&error);
	return error == MMDB_SUCCESS && result.found_entry ? entry_country(&result.entry) : -1;
}

int region_find(const struct region_data *data, const uint8_t address[16], bool *loaded)
{
	int country, status;
	MMDB_s database;

	*loaded = false;
	if (!data)
		return -1;
	country = of_overrides(data->overrides, address);
	if (!data->database[0])
		return country;
	status = MMDB_open(data->database, MMDB_MODE_MMAP, &database);
	if (status != MMDB_SUCCESS) {
		log_warn("database of countries %s: %s", data->database, MMDB_strerror(status));
		return country;
	}
	*loaded = true;
	if (country < 0)
		country = of_database(&database, address);
	MMDB_close(&database);
	return country;
}
