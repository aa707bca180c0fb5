/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of every kind over any form: what is accepted is within its bounds, what is refused is named.
 */
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct args {
	int64_t number, flag;
	const char *text, *choice;
	struct text_list names;
	struct int_list ports;
	struct pair_list tags;
	struct object_list objects;
};

static const struct param rows[] = {
	PARAM(args, number, "N", .kind = PARAM_INT, .min = -5, .max = 50),
	PARAM(args, flag, "B", .kind = PARAM_BOOL),
	PARAM(args, text, "T", .kind = PARAM_TEXT, .min = 1, .max = 8),
	PARAM(args, choice, "C", .kind = PARAM_CHOICE, .choices = "tcp udp"),
	PARAM(args, names, "L", .kind = PARAM_TEXT_LIST, .max = 5, .item_min = 1, .item_max = 8),
	PARAM(args, ports, "I", .kind = PARAM_INT_LIST, .max = 5, .item_min = 1, .item_max = 65535),
	PARAM(args, tags, "G", .kind = PARAM_PAIR_LIST, .max = 5, .item_max = 8,
		.choices = "Key Value"),
	PARAM(args, objects, "O", .kind = PARAM_OBJECT_LIST, .max = 5, .item_max = 8,
		.choices = "T L.N"),
	{ .kind = PARAM_END },
};

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_objects(const struct object_list *list)
{
	size_t i, j;

	require(list->count <= 5 && (!list->json || list->count == 0));
	for (i = 0; i < list->count; i++) {
		const struct object_item *item = &list->item[i];

		require(item->text || item->list.count > 0);
		require(!item->text || strlen(item->text) <= 8);
		require(item->list.count <= OBJECT_LIST_TEXTS_MAX);
		for (j = 0; j < item->list.count; j++)
			require(item->list.item[j] && strlen(item->list.item[j]) <= 8);
	}
}

static void check(const struct args *args)
{
	size_t i;

	require(args->number >= -5 && args->number <= 50);
	require(args->flag == 0 || args->flag == 1);
	require(!args->text || (strlen(args->text) >= 1 && strlen(args->text) <= 8));
	require(!args->choice || strcmp(args->choice, "tcp") == 0 ||
		strcmp(args->choice, "udp") == 0);
	require(args->names.count <= 5 && args->ports.count <= 5 && args->tags.count <= 5);
	for (i = 0; i < args->names.count; i++)
		require(strlen(args->names.item[i]) >= 1 && strlen(args->names.item[i]) <= 8);
	for (i = 0; i < args->ports.count; i++)
		require(args->ports.item[i] >= 1 && args->ports.item[i] <= 65535);
	for (i = 0; i < args->tags.count; i++)
		require(args->tags.item[i].key && strlen(args->tags.item[i].key) <= 8);
	check_objects(&args->objects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	char why[SPEC_WHY_SIZE];
	struct form form = { 0 };
	struct args args;
	enum err err;

	if (mem && form_decode(mem, (const char *)data, size, &form) == OK) {
		err = spec_decode(mem, rows, &form, &args, sizeof(args), why);
		if (err == OK)
			check(&args);
		else
			require(err == ERR_MEMORY || why[0] != '\0');
	}
	arena_free(mem);
	return 0;
}
