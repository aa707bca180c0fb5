/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder check: looks, and changes nothing. Facts are read where the kernel tells them (files, ioctl, netlink, a program that is
 * only verified), so that a container or a namespace is judged as what it is and not by the machine's name.
 */
#include "cli/check.h"

#include <assert.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/terminal.h"

#define MEMORY_MAX (4u << 20)

static const struct {
	const char *name, *shown;
	enum colour colour;
} levels[FACT_LEVEL_COUNT] = {
	[FACT_GOOD] = { "good", "ok", COLOUR_GOOD },
	[FACT_CARE] = { "care", "care", COLOUR_CARE },
	[FACT_BAD] = { "bad", "BAD", COLOUR_BAD },
};

void check_say(struct check *check, enum fact_level level, const char *name, const char *value,
	const char *remedy)
{
	struct fact *fact = &check->fact[check->count];

	assert(check->count < FACT_MAX);
	*fact = (struct fact){ .name = arena_copy(check->mem, name),
		.level = level,
		.value = arena_copy(check->mem, value),
		.remedy = level == FACT_GOOD ? "" : arena_copy(check->mem, remedy) };
	if (fact->name && fact->value && fact->remedy)
		check->count++;
}

bool check_all(struct check *check)
{
	bool good = true;

	check_machine(check);
	check_network(check);
	for (size_t i = 0; i < check->count; i++)
		good = good && check->fact[i].level != FACT_BAD;
	return good;
}

static size_t count_of(const struct check *check, enum fact_level level)
{
	size_t count = 0;

	for (size_t i = 0; i < check->count; i++)
		count += check->fact[i].level == level;
	return count;
}

void check_print(const struct check *check)
{
	int width = 0;

	for (size_t i = 0; i < check->count; i++)
		if (text_columns(check->fact[i].name) > width)
			width = text_columns(check->fact[i].name);
	for (size_t i = 0; i < check->count; i++) {
		const struct fact *fact = &check->fact[i];

		printf("%s%-4s%s  %-*s  %s\n", colour(levels[fact->level].colour),
			levels[fact->level].shown, colour(COLOUR_PLAIN), width, fact->name,
			fact->value);
		if (*fact->remedy)
			printf("%*s-> %s\n", width + 8, "", fact->remedy);
	}
	if (count_of(check, FACT_BAD))
		printf("\n%zu to mend before Polder works here, %zu that cost something.\n",
			count_of(check, FACT_BAD), count_of(check, FACT_CARE));
	else
		printf("\nPolder works here; %zu that cost something.\n",
			count_of(check, FACT_CARE));
}

static void print_json(const struct check *check, bool good)
{
	json_t *list = json_array(), *document;

	for (size_t i = 0; i < check->count; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s}", "name", check->fact[i].name,
				      "level", levels[check->fact[i].level].name, "value",
				      check->fact[i].value, "remedy", check->fact[i].remedy));
	document = json_pack("{s:b, s:o}", "works", good, "facts", list);
	(void)json_dumpf(document, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(document);
}

static bool parse(int argc, char **argv, struct check *check, bool *json)
{
	static const char *const names[INTERFACE_MAX] = { "wan", "lan" };

	for (int i = 1; i < argc; i++) {
		bool missing = false, found = strcmp(argv[i], "--json") == 0;

		*json = *json || found;
		for (size_t n = 0; n < INTERFACE_MAX && !found; n++) {
			const char *value = option_value(argc, argv, &i, names[n], &missing);

			if (missing)
				return complain("--%s needs the name of an interface", names[n]);
			if (!value)
				continue;
			if (!if_nametoindex(value))
				return complain(
					"--%s: there is no interface \"%s\"", names[n], value);
			check->interface[n] = value;
			found = true;
		}
		if (!found)
			return complain("unexpected argument \"%s\"", argv[i]);
	}
	if (check->interface[1] && !check->interface[0])
		return complain("--lan wants --wan beside it");
	return true;
}

int check_command(int argc, char **argv)
{
	static struct check check;
	bool json = false, good;
	int status = STATUS_USAGE;

	check.mem = arena_new(MEMORY_MAX);
	if (!check.mem || !parse(argc, argv, &check, &json)) {
		printf("usage: polder check [--wan INTERFACE] [--lan INTERFACE] [--json]\n");
		goto out;
	}
	good = check_all(&check);
	if (json)
		print_json(&check, good);
	else
		check_print(&check);
	status = good ? STATUS_DONE : STATUS_FAILED;
out:
	arena_free(check.mem);
	return status;
}
