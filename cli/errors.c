/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder errors: the catalogue of errors, compiled in as the JSON text that `polder-control --describe-errors` wrote during the
 * build. So it answers also where no service does, which is when it is needed.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/listing.h"
#include "cli/terminal.h"

#include "errors_json.h"

#define MEMORY_MAX    (8u << 20)
#define ACTIONS_SHOWN 12

/* The array; parsed once. NULL: it is damaged. */
static const json_t *catalogue(void)
{
	static json_t *list;

	if (!list)
		list = json_loadb((const char *)errors_json, errors_json_len, 0, NULL);
	return list;
}

void errors_print_codes(void)
{
	const json_t *list = catalogue();
	const char *before = "";

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *code = action_text(json_array_get(list, i), "Code");

		if (strcmp(code, before) != 0)
			printf(" %s", code);
		before = code;
	}
}

static void print_actions(const json_t *entry)
{
	const json_t *actions = json_object_get(entry, "Actions");
	const size_t count = json_array_size(actions);

	if (json_is_true(json_object_get(entry, "Everywhere"))) {
		printf("  given by  any action\n");
		return;
	}
	printf("  given by  ");
	for (size_t i = 0; i < count && i < ACTIONS_SHOWN; i++)
		printf("%s%s", i ? ", " : "", json_string_value(json_array_get(actions, i)));
	if (count > ACTIONS_SHOWN)
		printf(" and %zu more (--json lists them)", count - ACTIONS_SHOWN);
	printf("%s\n", count ? "" : "the service's own work");
}

static void print_entry(const json_t *entry)
{
	printf("%s%s%s, HTTP %lld\n  says      %s\n  because   %s\n  remedy    %s\n",
		colour(COLOUR_BOLD), action_text(entry, "Code"), colour(COLOUR_PLAIN),
		(long long)json_integer_value(json_object_get(entry, "HttpStatus")),
		action_text(entry, "Message"), action_text(entry, "Cause"),
		action_text(entry, "Remedy"));
	print_actions(entry);
}

static bool print_all(void)
{
	struct arena *mem = arena_new(MEMORY_MAX);
	const json_t *list = catalogue();
	struct listing listing;

	if (!mem)
		return complain("memory is out");
	listing_init(&listing, mem);
	listing_column(&listing, "CODE", false);
	listing_column(&listing, "HTTP", true);
	listing_column(&listing, "BECAUSE", false);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		struct listing_row *row = listing_add(&listing);

		if (!row)
			break;
		row->cell[0] = action_text(entry, "Code");
		row->cell[1] = arena_print(mem, "%lld",
			(long long)json_integer_value(json_object_get(entry, "HttpStatus")));
		row->cell[2] = action_text(entry, "Cause");
		if (!row->cell[1])
			row->cell[1] = "";
	}
	listing_print(&listing);
	arena_free(mem);
	return true;
}

/* Entries of that code, any case. */
static json_t *find(const char *code)
{
	const json_t *list = catalogue();
	json_t *found = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_array_get(list, i);

		if (strcasecmp(action_text(entry, "Code"), code) == 0)
			(void)json_array_append(found, entry);
	}
	return found;
}

static int unknown(const char *code)
{
	const json_t *list = catalogue();
	const char *before = "";

	complain("there is no error \"%s\"; polder errors lists them", code);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other = action_text(json_array_get(list, i), "Code");

		if (strcasestr(other, code) && strcmp(other, before) != 0)
			(void)fprintf(stderr, "  perhaps %s\n", other);
		before = other;
	}
	return STATUS_FAILED;
}

static int show(const char *code, bool json)
{
	json_t *found = code ? find(code) : json_incref((json_t *)(uintptr_t)catalogue());
	int status = STATUS_DONE;

	if (json_array_size(found) == 0) {
		status = unknown(code ? code : "");
	} else if (json) {
		(void)json_dumpf(found, stdout, JSON_INDENT(1));
		putchar('\n');
	} else if (code) {
		for (size_t i = 0; i < json_array_size(found); i++)
			print_entry(json_array_get(found, i));
	} else {
		status = print_all() ? STATUS_DONE : STATUS_FAILED;
	}
	json_decref(found);
	return status;
}

int errors_command(int argc, char **argv)
{
	const char *code = NULL;
	bool json = false;

	if (!json_is_array(catalogue())) {
		complain("the built-in catalogue of errors is damaged");
		return STATUS_FAILED;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (!code && argv[i][0] != '-') {
			code = argv[i];
		} else {
			printf("usage: polder errors [CODE] [--json]\n");
			return strcmp(argv[i], "--help") == 0 ? STATUS_DONE : STATUS_USAGE;
		}
	}
	return show(code, json);
}
