/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overrides first, since they win; then one look into the file, which is mapped and not read.
 */
#include "control/region.h"

#include <string.h>

#include "base/log.h"
#include "base/mmdb.h"
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

static int of_database(const MMDB_s *database, const uint8_t address[16])
{
	MMDB_entry_s entry;
	const char *code = mmdb_find(database, address, &entry) ? mmdb_country(&entry) : NULL;

	return code ? country_by_code(code, 2) : -1;
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
