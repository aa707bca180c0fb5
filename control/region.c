/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overrides first, since they win; then one look into the file, which is mapped and not read.
 */
#include "control/region.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static bool open_database(const char *path, const char *what, MMDB_s *out)
{
	int status;

	if (!path || !path[0])
		return false;
	status = MMDB_open(path, MMDB_MODE_MMAP, out);
	if (status != MMDB_SUCCESS)
		log_warn("database of %s %s: %s", what, path, MMDB_strerror(status));
	return status == MMDB_SUCCESS;
}

int region_find(const struct region_data *data, const uint8_t address[16], bool *loaded)
{
	MMDB_s database;
	int country;

	*loaded = false;
	if (!data)
		return -1;
	country = of_overrides(data->overrides, address);
	*loaded = open_database(data->database, "countries", &database);
	if (!*loaded)
		return country;
	if (country < 0)
		country = of_database(&database, address);
	MMDB_close(&database);
	return country;
}

/* ---- many addresses */

struct region_reader {
	const char *overrides;
	bool has_countries, has_providers;
	MMDB_s countries, providers;
};

struct region_reader *region_reader_open(const struct region_data *data, struct arena *mem)
{
	struct region_reader *reader = arena_take(mem, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->overrides = data ? data->overrides : "";
	if (!data)
		return reader;
	reader->has_countries = open_database(data->database, "countries", &reader->countries);
	reader->has_providers = open_database(data->providers, "providers", &reader->providers);
	return reader;
}

void region_reader_close(struct region_reader *reader)
{
	if (reader && reader->has_countries)
		MMDB_close(&reader->countries);
	if (reader && reader->has_providers)
		MMDB_close(&reader->providers);
}

void region_country(
	const struct region_reader *reader, const uint8_t address[16], char out[REGION_CODE_SIZE])
{
	int country = of_overrides(reader->overrides, address);

	if (country < 0 && reader->has_countries)
		country = of_database(&reader->countries, address);
	out[0] = '\0';
	if (country < 0)
		return;
	for (int i = 0; i < REGION_CODE_SIZE - 1; i++)
		out[i] = (char)tolower((unsigned char)countries[country].code[i]);
	out[REGION_CODE_SIZE - 1] = '\0';
}

/* Where databases keep it differs, and some have names only. */
static int64_t entry_province(MMDB_entry_s *entry)
{
	static const char *const path[][5] = { { "subdivisions", "0", "iso_code", NULL },
		{ "region_code", NULL }, { "subdivisions", "0", "names", "en", NULL },
		{ "region", NULL }, { "state1", NULL } };
	MMDB_entry_data_s data;
	int64_t number = 0;

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]) && number == 0; i++)
		if (MMDB_aget_value(entry, &data, path[i]) == MMDB_SUCCESS && data.has_data &&
			data.type == MMDB_DATA_TYPE_UTF8_STRING)
			number = province_by_subdivision(data.utf8_string, data.data_size);
	return number;
}

int64_t region_province(
	const struct region_reader *reader, const uint8_t address[16], const char *country)
{
	int64_t number = province_by_country(country);
	MMDB_entry_s entry;
	const char *code;

	if (number != 0 || strcasecmp(country, "cn") != 0 || !reader->has_countries ||
		!mmdb_find(&reader->countries, address, &entry))
		return number;
	/* Of a network that an override has moved to China, its database knows something else. */
	code = mmdb_country(&entry);
	return code && memcmp(code, "CN", 2) == 0 ? entry_province(&entry) : 0;
}

/* Where databases keep it differs: autonomous_system_number, or asn, which may be "AS64500". */
static void entry_provider(MMDB_entry_s *entry, char out[PROVIDER_SIZE])
{
	static const char *const path[][2] = { { "autonomous_system_number", NULL },
		{ "asn", NULL } };
	MMDB_entry_data_s data;

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]) && !out[0]; i++) {
		if (MMDB_aget_value(entry, &data, path[i]) != MMDB_SUCCESS || !data.has_data)
			continue;
		if (data.type == MMDB_DATA_TYPE_UINT32 && data.uint32 != 0)
			(void)snprintf(out, PROVIDER_SIZE, "AS%u", data.uint32);
		else if (data.type == MMDB_DATA_TYPE_UTF8_STRING && data.data_size > 2 &&
			 strncmp(data.utf8_string, "AS", 2) == 0)
			(void)snprintf(
				out, PROVIDER_SIZE, "%.*s", (int)data.data_size, data.utf8_string);
	}
}

static void entry_organisation(MMDB_entry_s *entry, char out[ORGANISATION_SIZE])
{
	static const char *const path[][2] = { { "autonomous_system_organization", NULL },
		{ "as_name", NULL }, { "name", NULL } };
	MMDB_entry_data_s data;

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]) && !out[0]; i++) {
		size_t length;

		if (MMDB_aget_value(entry, &data, path[i]) != MMDB_SUCCESS || !data.has_data ||
			data.type != MMDB_DATA_TYPE_UTF8_STRING)
			continue;
		length =
			data.data_size < ORGANISATION_SIZE ? data.data_size : ORGANISATION_SIZE - 1;
		while (length > 0 && !text_is_utf8(data.utf8_string, length))
			length--;
		memcpy(out, data.utf8_string, length);
		out[length] = '\0';
	}
}

void region_provider(const struct region_reader *reader, const uint8_t address[16],
	char out[PROVIDER_SIZE], char organisation[ORGANISATION_SIZE])
{
	MMDB_entry_s entry;

	out[0] = organisation[0] = '\0';
	if (!reader->has_providers || !mmdb_find(&reader->providers, address, &entry))
		return;
	entry_provider(&entry, out);
	entry_organisation(&entry, organisation);
}
