/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The action table of this build. It is compiled in as the JSON text that `polder-control
 * --describe` wrote during the build, so the tool's help, completion and version lookup cannot
 * disagree with the service of the same build. A service of another build is still reachable: call
 * sends actions that this table does not know.
 */
#include "cli/action_list.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#include "actions_json.h"

static const struct {
	const char *version;
	const char *title;
} groups[] = {
	{ "2020-01-01", "Protection (ddoscoo, 2020-01-01)" },
	{ "2017-12-14", "Orders (BssOpenApi, 2017-12-14)" },
	{ "2026-11-01", "Operation of Polder itself (2026-11-01)" },
};

const json_t *action_list(void)
{
	static json_t *list;
	json_error_t error;

	if (list)
		return list;
	list = json_loadb((const char *)actions_json, actions_json_len, 0, &error);
	if (!json_is_array(list)) {
		complain("the built-in table of actions is damaged: %s", error.text);
		exit(STATUS_FAILED);
	}
	return list;
}

const char *action_text(const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));

	return text ? text : "";
}

const json_t *action_row(const char *name, const char *version)
{
	const json_t *list = action_list();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		if (strcmp(action_text(row, "name"), name) == 0 &&
			(!version || strcmp(action_text(row, "version"), version) == 0))
			return row;
	}
	return NULL;
}

void action_print_all(void)
{
	const json_t *list = action_list();

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		printf("\n%s:\n", groups[g].title);
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *row = json_array_get(list, i);

			if (strcmp(action_text(row, "version"), groups[g].version) == 0)
				printf("  %-27s %s\n", action_text(row, "name"),
					action_text(row, "summary"));
		}
	}
}

static void print_bounds(const json_t *parameter)
{
	const json_t *min = json_object_get(parameter, "min");
	const json_t *max = json_object_get(parameter, "max");
	const char *choices = action_text(parameter, "choices");

	if (*choices)
		printf(" [%s]", choices);
	else if (json_integer_value(max) > 0)
		printf(" [%lld..%lld]", (long long)json_integer_value(min),
			(long long)json_integer_value(max));
}

void action_print(const json_t *row)
{
	const json_t *parameters = json_object_get(row, "parameters");

	printf("%s: %s\n%s. Version %s.\n\n", action_text(row, "name"), action_text(row, "summary"),
		strcmp(action_text(row, "mode"), "read") == 0 ? "Reads"
							      : "Changes the configuration",
		action_text(row, "version"));
	if (json_array_size(parameters) == 0)
		printf("It has no parameters.\n");
	for (size_t i = 0; i < json_array_size(parameters); i++) {
		const json_t *parameter = json_array_get(parameters, i);
		const char *name = action_text(parameter, "name");

		printf("  --%-26s %s%s", name, action_text(parameter, "type"),
			json_is_true(json_object_get(parameter, "required")) ? ", required" : "");
		print_bounds(parameter);
		printf("\n");
		if (*action_text(parameter, "help"))
			printf("      %s\n", action_text(parameter, "help"));
		if (*action_text(parameter, "shape"))
			printf("      JSON: %s\n", action_text(parameter, "shape"));
	}
}
