/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As of MaxMind DB 2.0: a binary tree of IPv6 with records of 32 bits, in which IPv4 lies at ::/96, 16 zero bytes, the
 * entries one behind the other, and a map about the whole.
 */
#include "tests/support/mmdb.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NODES_MAX  4096u
#define LEAF	   UINT32_C(0x80000000) /* while the tree is made: an entry's place is behind it */
#define SIZE_SHORT 29u			/* sizes up to here lie in the first byte */

enum type {
	TYPE_TEXT = 2,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_UINT64 = 9,
	TYPE_ARRAY = 11
};

struct tree {
	uint32_t record[NODES_MAX][2]; /* 0: nothing; LEAF | place; else a node */
	uint32_t count;
};

/* ---- entries */

static void put_head(FILE *file, enum type type, size_t size)
{
	unsigned first = size < SIZE_SHORT ? (unsigned)size : SIZE_SHORT;

	if (type > TYPE_MAP) {
		(void)fputc((int)first, file);
		(void)fputc((int)type - TYPE_MAP, file);
	} else {
		(void)fputc((int)((unsigned)type << 5 | first), file);
	}
	if (size >= SIZE_SHORT)
		(void)fputc((int)(size - SIZE_SHORT), file);
}

static void put_text(FILE *file, const char *text)
{
	put_head(file, TYPE_TEXT, strlen(text));
	(void)fputs(text, file);
}

static void put_number(FILE *file, enum type type, uint64_t number)
{
	unsigned bytes = 0;

	while (number >> 8 * bytes)
		bytes++;
	put_head(file, type, bytes);
	while (bytes-- > 0)
		(void)fputc((int)(number >> 8 * bytes & 0xff), file);
}

/* Of what a test writes: it is as deep as that. */
static void put_value(FILE *file, const json_t *value) /* NOLINT(misc-no-recursion) */
{
	const char *key;
	json_t *inner;
	size_t i;

	if (json_is_string(value)) {
		put_text(file, json_string_value(value));
	} else if (json_is_integer(value)) {
		put_number(file, TYPE_UINT32, (uint64_t)json_integer_value(value));
	} else if (json_is_array(value)) {
		put_head(file, TYPE_ARRAY, json_array_size(value));
		json_array_foreach(value, i, inner) put_value(file, inner);
	} else {
		put_head(file, TYPE_MAP, json_object_size(value));
		/* The macro casts const away. */
		json_object_foreach((json_t *)(uintptr_t)value, key, inner)
		{
			put_text(file, key);
			put_value(file, inner);
		}
	}
}

/* ---- tree */

static bool insert(struct tree *tree, const char *network, uint32_t place)
{
	uint8_t address[16];
	uint32_t node = 0;
	unsigned bits;

	if (!text_to_prefix(network, address, &bits))
		return false;
	if (address_is_ipv4(address))
		address[10] = address[11] = 0;
	for (unsigned bit = 0; bit < bits; bit++) {
		uint32_t *record = &tree->record[node][address[bit / 8] >> (7 - bit % 8) & 1];

		if (*record & LEAF || (bit + 1 == bits && *record != 0))
			return false;
		if (bit + 1 == bits) {
			*record = LEAF | place;
			return true;
		}
		if (*record == 0) {
			if (tree->count == NODES_MAX)
				return false;
			*record = tree->count++;
		}
		node = *record;
	}
	return false;
}

static void put_tree(FILE *file, const struct tree *tree)
{
	for (uint32_t i = 0; i < 2 * tree->count; i++) {
		uint32_t record = tree->record[i / 2][i % 2];

		if (record & LEAF)
			record = tree->count + 16 + (record & ~LEAF);
		else if (record == 0)
			record = tree->count;
		for (int shift = 24; shift >= 0; shift -= 8)
			(void)fputc((int)(record >> shift & 0xff), file);
	}
	for (int i = 0; i < 16; i++)
		(void)fputc(0, file);
}

static void put_metadata(FILE *file, const struct tree *tree)
{
	static const struct {
		const char *name;
		enum type type;
		uint32_t number; /* 0 of node_count: the tree's */
	} rows[] = { { "node_count", TYPE_UINT32, 0 }, { "record_size", TYPE_UINT16, 32 },
		{ "ip_version", TYPE_UINT16, 6 }, { "binary_format_major_version", TYPE_UINT16, 2 },
		{ "binary_format_minor_version", TYPE_UINT16, 0 },
		{ "build_epoch", TYPE_UINT64, 1764000000 } };
	const size_t count = sizeof(rows) / sizeof(rows[0]);

	(void)fputs("\xab\xcd\xefMaxMind.com", file);
	put_head(file, TYPE_MAP, count + 3);
	for (size_t i = 0; i < count; i++) {
		put_text(file, rows[i].name);
		put_number(file, rows[i].type, i == 0 ? tree->count : rows[i].number);
	}
	put_text(file, "database_type");
	put_text(file, "Test");
	put_text(file, "languages");
	put_head(file, TYPE_ARRAY, 0);
	put_text(file, "description");
	put_head(file, TYPE_MAP, 0);
}

/* ---- the whole */

bool mmdb_write(const char *path, const json_t *networks)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	char *entries = NULL;
	size_t size = 0;
	FILE *data = open_memstream(&entries, &size), *file = fopen(path, "we");
	bool right = tree && data && file && json_is_object(networks);
	const char *network;
	json_t *entry;

	if (right) {
		tree->count = 1;
		json_object_foreach((json_t *)(uintptr_t)networks, network, entry)
		{
			right = right && insert(tree, network, (uint32_t)ftell(data));
			put_value(data, entry);
		}
	}
	right = (!data || fclose(data) == 0) && right;
	if (right) {
		put_tree(file, tree);
		right = fwrite(entries, 1, size, file) == size;
		put_metadata(file, tree);
	}
	right = (!file || fclose(file) == 0) && right;
	free(entries);
	free(tree);
	return right;
}

bool mmdb_write_text(const char *path, const char *networks)
{
	json_t *json = json_loads(networks, JSON_REJECT_DUPLICATES, NULL);
	bool right = json && mmdb_write(path, json);

	json_decref(json);
	return right;
}
