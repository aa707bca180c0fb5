/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Countries of clients: what the operator says of networks (it comes with the table), else by a database in MaxMind's format that
 * nginx.conf names: opened in the master, so that all workers share its pages, and anew at each reload. A client's country is
 * kept with its connection, since the next request there mostly has the same client.
 *
 * Nothing said and no database, or one that does not know the address: country 0, which a site can refuse like any other.
 */
#include "base/mmdb.h"
#include "base/text.h"
#include "nginx/checks.h"

#define CODES (26 * 26)

static const char code[][3] = {
	"",
#define COUNTRY(text, number, name) text,
#include "shared/countries.def"
#undef COUNTRY
};
#define CODE_COUNT (sizeof(code) / sizeof(code[0]))
static_assert(CODE_COUNT <= 256, "a region policy has 256 bits");

static MMDB_s database;
static bool opened;
static uint8_t number_of[CODES]; /* by the two letters */

static int letters_index(const char *letters)
{
	int first = letters[0] - 'A', second = letters[1] - 'A';

	return first < 0 || first > 25 || second < 0 || second > 25 ? -1 : first * 26 + second;
}

ngx_int_t region_open(ngx_cycle_t *cycle)
{
	const struct polder_main_conf *conf = polder_main(cycle);
	MMDB_s next;
	int status;

	for (unsigned i = 1; i < CODE_COUNT; i++)
		number_of[letters_index(code[i])] = (uint8_t)i;
	if (!conf || conf->country_database.len == 0)
		return NGX_OK;
	status = MMDB_open((const char *)conf->country_database.data, MMDB_MODE_MMAP, &next);
	if (status != MMDB_SUCCESS) {
		ngx_log_error(NGX_LOG_WARN, cycle->log, 0, "database of countries %V: %s",
			&conf->country_database, MMDB_strerror(status));
		return NGX_OK;
	}
	if (opened)
		MMDB_close(&database);
	database = next;
	opened = true;
	return NGX_OK;
}

static uint8_t look_up(const struct address *address)
{
	MMDB_entry_s entry;
	const char *letters =
		mmdb_find(&database, address->byte, &entry) ? mmdb_country(&entry) : NULL;
	int index = letters ? letters_index(letters) : -1;

	return index < 0 ? 0 : number_of[index];
}

uint8_t region_country(const struct checks_request *state)
{
	struct checks_connection *connection = state->connection;
	const struct address *address = &state->request->client;

	if (!connection->country_known ||
		memcmp(&connection->country_of, address, sizeof(*address)) != 0) {
		connection->country =
			state->request->table ? table_region(state->request->table, address) : 0;
		if (connection->country == 0 && opened)
			connection->country = look_up(address);
		connection->country_of = *address;
		connection->country_known = true;
	}
	return connection->country;
}

const char *region_code(uint8_t country)
{
	return code[country < CODE_COUNT ? country : 0];
}

ngx_int_t region_check(struct checks_request *state)
{
	const uint64_t *refused = state->request->site->region;
	uint8_t country;

	if ((refused[0] | refused[1] | refused[2] | refused[3]) == 0)
		return NGX_DECLINED;
	country = region_country(state);
	if (!(refused[country / 64] >> country % 64 & 1))
		return NGX_DECLINED;
	return checks_refuse(state, CHECK_region, 0);
}
