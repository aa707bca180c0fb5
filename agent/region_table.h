/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The countries of all addresses, as the packet path wants them: made from a database of the MaxMind format
 * and from networks that the operator names. Nothing here touches the kernel.
 */
#ifndef AGENT_REGION_TABLE_H
#define AGENT_REGION_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/spec.h"
#include "shared/packet_abi.h"

/* Memory of one table: the IPv4 array and as many networks as the map takes. */
#define REGION_TABLE_BYTES_MAX (64u << 20)
#define REGION_OVERRIDE_MAX    256

struct region_row {
	struct region_key key;
	uint32_t country; /* row of countries.def + 1 */
};
struct region_table {
	struct region_block *block; /* REGION_BLOCKS of them, in the form of map "region_exact" */
	struct region_row *row;	    /* of map "region_prefix", sorted by key */
	uint32_t rows;
	uint32_t unknown; /* networks whose country has no row in countries.def */
};

/*
 * Reads the database (NULL: none) and puts the overrides over it, each "PREFIX=CC". Memory is mem's. The IPv4
 * array is marked as loaded only when there is a database. ERR_SYSTEM, logged: the file cannot be read or is no
 * database of countries; ERR_MEMORY: it has more networks than the map.
 */
enum err region_table_read(struct arena *mem, const char *path, const struct text_list *overrides,
	struct region_table *out) MUST_USE;

/* "PREFIX=CC" with a country of countries.def; false: it is not. */
struct region_override {
	struct address address;
	unsigned bits;	  /* of the mapped address */
	uint32_t country; /* row of countries.def + 1 */
};
bool region_override_read(const char *text, struct region_override *out);

/* The country of an address as the packet path would find it; 0: unknown. */
uint32_t region_table_find(const struct region_table *table, const struct address *address);

/* Whether the table has this key. */
bool region_table_has(const struct region_table *table, const struct region_key *key);

#endif
