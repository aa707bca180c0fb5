/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A database of the MaxMind format is a binary tree over address bits. It is walked whole, with a stack of
 * its depth, left before right, so networks come in the order of their addresses. The library has no call for
 * that: MMDB_read_node gives the two records of a node. In a tree of IPv6, IPv4 lies at ::/96; other
 * places lead to the same nodes (::ffff:0:0/96, 6to4, Teredo) and are left out: the packet path
 * knows IPv4 by its version.
 *
 * A country is decoded once for each place in the data section, of which there is about one per country:
 * trees share them.
 *
 * IPv4 networks of up to 24 bits fill bytes of the array; finer ones mark their byte and become rows.
 */
#include "agent/region_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mmdb.h"
#include "base/text.h"

#define IPV4_BITS   96 /* of the mapped form */
#define FINEST_BITS 24 /* of what the array holds */
#define DEPTH_MAX   128
#define CACHE_SIZE  1024

static const char country_code[][3] = {
#define COUNTRY(code, number, name) code,
#include "shared/countries.def"
#undef COUNTRY
};
#define COUNTRY_COUNT (sizeof(country_code) / sizeof(country_code[0]))
static_assert(COUNTRY_COUNT < REGION_FINER, "a country is a byte");

struct walk {
	MMDB_s database;
	struct region_table *table;
	uint32_t row_max;
	bool full;
	struct {
		uint32_t offset, country;
	} cache[CACHE_SIZE];
};

static uint32_t country_of_code(const char *code, size_t length)
{
	for (uint32_t i = 0; length == 2 && i < COUNTRY_COUNT; i++) {
		if (memcmp(country_code[i], code, 2) == 0)
			return i + 1;
	}
	return 0;
}

static uint32_t decode_country(MMDB_entry_s *entry)
{
	const char *code = mmdb_country(entry);

	return code ? country_of_code(code, 2) : 0;
}

static uint32_t country_of(struct walk *walk, MMDB_entry_s *entry)
{
	uint32_t slot = (entry->offset * 0x9e3779b1u) >> 22;

	if (walk->cache[slot].offset != entry->offset + 1) {
		walk->cache[slot].offset = entry->offset + 1;
		walk->cache[slot].country = decode_country(entry);
	}
	return walk->cache[slot].country;
}

/* --- filling ---------------------------------------------------------------------------------- */

static void set_bit(struct address *address, uint32_t bit, bool value)
{
	uint8_t mask = (uint8_t)(0x80 >> bit % 8);

	if (value)
		address->byte[bit / 8] |= mask;
	else
		address->byte[bit / 8] &= (uint8_t)~mask;
}

/* Country 0 marks nothing: it is what no row says. */
static void add_row(
	struct walk *walk, const struct address *address, uint32_t bits, uint32_t country)
{
	struct region_row *row = &walk->table->row[walk->table->rows];

	if (!country)
		return;
	if (walk->table->rows == walk->row_max) {
		walk->full = true;
		return;
	}
	*row = (struct region_row){ .key = { .prefix_bits = 32 + bits, .source = *address },
		.country = country };
	walk->table->rows++;
}

static uint8_t *byte_of(struct region_table *table, uint32_t net)
{
	return &table->block[net >> 8].country[net & 255];
}

static uint32_t net_of(const struct address *address)
{
	return (uint32_t)address->byte[12] << 16 | (uint32_t)address->byte[13] << 8 |
	       address->byte[14];
}

/* bits: of the mapped form. */
static void add_network(
	struct walk *walk, const struct address *address, uint32_t bits, uint32_t country)
{
	uint32_t net = net_of(address), count;

	if (!address_is_ipv4(address->byte)) {
		add_row(walk, address, bits, country);
		return;
	}
	if (bits > IPV4_BITS + FINEST_BITS) {
		*byte_of(walk->table, net) = REGION_FINER;
		add_row(walk, address, bits, country);
		return;
	}
	count = 1u << (IPV4_BITS + FINEST_BITS - bits);
	for (uint32_t i = 0; i < count; i++)
		*byte_of(walk->table, net + i) = (uint8_t)country;
}

/* In the tree of an IPv6 database, IPv4 has zeroes in front. */
static void add_leaf(
	struct walk *walk, const struct address *at, uint32_t depth, MMDB_entry_s *entry)
{
	static const uint8_t zeroes[12];
	uint32_t country = country_of(walk, entry);
	struct address address = *at;

	walk->table->unknown += country == 0;
	if (walk->database.metadata.ip_version == 4) {
		memmove(&address.byte[12], at->byte, 4);
		memset(address.byte, 0, 12);
		depth += IPV4_BITS;
	}
	if (memcmp(address.byte, zeroes, 12) == 0) {
		if (depth < IPV4_BITS)
			return;
		address.byte[10] = address.byte[11] = 0xff;
	}
	add_network(walk, &address, depth, country);
}

/* --- walking ---------------------------------------------------------------------------------- */

static bool is_alias(
	const struct walk *walk, uint64_t node, const struct address *at, uint32_t depth)
{
	static const uint8_t zeroes[16];

	return walk->database.metadata.ip_version == 6 && depth > 0 &&
	       node == walk->database.ipv4_start_node.node_value &&
	       (depth != walk->database.ipv4_start_node.netmask ||
		       memcmp(at->byte, zeroes, sizeof(zeroes)) != 0);
}

static enum err walk_tree(struct walk *walk)
{
	uint32_t node[DEPTH_MAX] = { 0 }, depth = 0;
	uint32_t depth_max = walk->database.metadata.ip_version == 4 ? 32 : DEPTH_MAX;
	uint8_t turn[DEPTH_MAX] = { 0 }; /* 0: left is next, 1: right, 2: done */
	struct address at = { .byte = { 0 } };

	for (;;) {
		MMDB_search_node_s found;
		MMDB_entry_s *entry;
		uint64_t record;
		uint8_t type;

		if (turn[depth] == 2) {
			if (depth == 0)
				return OK;
			set_bit(&at, depth, false);
			depth--;
			continue;
		}
		if (MMDB_read_node(&walk->database, node[depth], &found) != MMDB_SUCCESS)
			return ERR_FORMAT;
		set_bit(&at, depth, turn[depth] == 1);
		record = turn[depth] ? found.right_record : found.left_record;
		type = turn[depth] ? found.right_record_type : found.left_record_type;
		entry = turn[depth] ? &found.right_record_entry : &found.left_record_entry;
		turn[depth]++;
		if (type == MMDB_RECORD_TYPE_INVALID)
			return ERR_FORMAT;
		if (type == MMDB_RECORD_TYPE_DATA)
			add_leaf(walk, &at, depth + 1, entry);
		if (type != MMDB_RECORD_TYPE_SEARCH_NODE || is_alias(walk, record, &at, depth + 1))
			continue;
		if (depth + 1 >= depth_max)
			return ERR_FORMAT;
		depth++;
		node[depth] = (uint32_t)record;
		turn[depth] = 0;
		set_bit(&at, depth, false);
	}
}

static enum err read_database(struct walk *walk, const char *path)
{
	int status = MMDB_open(path, MMDB_MODE_MMAP, &walk->database);
	enum err err;

	if (status != MMDB_SUCCESS)
		return fail(
			ERR_SYSTEM, "open the region database %s: %s", path, MMDB_strerror(status));
	err = walk_tree(walk);
	MMDB_close(&walk->database);
	if (err != OK)
		return fail(ERR_SYSTEM, "the region database %s is damaged", path);
	if (walk->full)
		return fail(ERR_MEMORY, "the region database %s has more than %u networks", path,
			walk->row_max);
	/* 0.0.0.0/24, where nothing comes from, says that the rest is filled. */
	walk->table->block[0].country[0] = REGION_FINER;
	return OK;
}

/* --- overrides -------------------------------------------------------------------------------- */

bool region_override_read(const char *text, struct region_override *out)
{
	const char *sign = strchr(text, '=');
	char prefix[PREFIX_TEXT_SIZE];
	size_t length = sign ? (size_t)(sign - text) : 0;

	if (!sign || length >= sizeof(prefix))
		return false;
	memcpy(prefix, text, length);
	prefix[length] = '\0';
	out->country = country_of_code(sign + 1, strlen(sign + 1));
	return out->country && text_to_prefix(prefix, out->address.byte, &out->bits);
}

/* What the database has inside the network goes; of what holds it, the rest stays. */
static void put_override(struct walk *walk, const struct region_override *override)
{
	struct region_table *table = walk->table;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->rows; i++) {
		const struct region_row *row = &table->row[i];

		if (row->key.prefix_bits >= 32 + override->bits &&
			prefix_covers(override->address.byte, override->bits, row->key.source.byte))
			continue;
		table->row[kept++] = *row;
	}
	table->rows = kept;
	if (address_is_ipv4(override->address.byte) && override->bits > IPV4_BITS + FINEST_BITS) {
		struct address whole = override->address;
		uint8_t *byte = byte_of(table, net_of(&whole));

		whole.byte[15] = 0;
		if (*byte != REGION_FINER)
			add_row(walk, &whole, IPV4_BITS + FINEST_BITS, *byte);
	}
	add_network(walk, &override->address, override->bits, override->country);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct region_key));
}

static enum err fill(struct walk *walk, const char *path, const struct text_list *overrides)
{
	if (path)
		TRY(read_database(walk, path));
	walk->row_max += 2 * REGION_OVERRIDE_MAX;
	for (size_t i = 0; i < overrides->count; i++) {
		struct region_override override;

		if (!region_override_read(overrides->item[i], &override))
			return fail(ERR_INVALID_PARAMETER, "%s is no region override",
				overrides->item[i]);
		put_override(walk, &override);
	}
	return OK;
}

enum err region_table_read(struct arena *mem, const char *path, const struct text_list *overrides,
	struct region_table *out)
{
	struct walk *walk = arena_take(mem, sizeof(*walk));

	*out = (struct region_table){ .row = NULL };
	out->block = arena_array(mem, REGION_BLOCKS, sizeof(*out->block));
	out->row = arena_array(mem, NODE_REGION_PREFIX_MAX, sizeof(*out->row));
	if (!walk || !out->block || !out->row)
		return ERR_MEMORY;
	walk->table = out;
	walk->row_max = NODE_REGION_PREFIX_MAX - 2 * REGION_OVERRIDE_MAX;
	TRY(fill(walk, path, overrides));
	qsort(out->row, out->rows, sizeof(*out->row), compare_keys);
	return OK;
}

bool region_table_has(const struct region_table *table, const struct region_key *key)
{
	return bsearch(key, table->row, table->rows, sizeof(*table->row), compare_keys) != NULL;
}

uint32_t region_table_find(const struct region_table *table, const struct address *address)
{
	uint32_t country = 0, best = 0;

	if (address_is_ipv4(address->byte)) {
		uint32_t net = net_of(address);

		country = table->block[net >> 8].country[net & 255];
		if (country != REGION_FINER)
			return country;
		country = 0;
	}
	for (uint32_t i = 0; i < table->rows; i++) {
		const struct region_row *row = &table->row[i];

		if (row->key.prefix_bits < best ||
			!prefix_covers(
				row->key.source.byte, row->key.prefix_bits - 32, address->byte))
			continue;
		best = row->key.prefix_bits;
		country = row->country;
	}
	return country;
}
