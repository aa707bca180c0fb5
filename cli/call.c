/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder call: any action of the API. Options of the tool itself are the few lower-case names below;
 * every --Name value is a parameter and is sent as it is, so that the service alone judges it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/endpoint.h"

#define CALL_MEMORY_MAX (64u << 20)
#define VERSION_DEFAULT "2020-01-01"

struct call_options {
	const char *format, *version;
	struct endpoint_options to;
};

static int print_usage(const char *action)
{
	const json_t *row = action ? action_row(action, NULL) : NULL;

	if (row) {
		action_print(row);
		return STATUS_DONE;
	}
	if (action) {
		complain("unknown action \"%s\"; `polder actions` lists them", action);
		return STATUS_USAGE;
	}
	printf("usage: polder call ACTION --Name value ...\n");
	printf("  --%-18s json or xml\n  --%-18s of the API\n", "format", "version");
	endpoint_usage();
	return STATUS_USAGE;
}

int actions_command(int argc, char **argv)
{
	const bool json = option_take(&argc, argv, "--json");
	const json_t *document = argc > 1 ? action_row(argv[1], NULL) : action_list();

	if (json && document) {
		(void)json_dumpf(document, stdout, JSON_INDENT(1));
		putchar('\n');
		return STATUS_DONE;
	}
	if (argc > 1)
		return print_usage(argv[1]);
	action_print_all();
	return STATUS_DONE;
}

/* One argument: an option of the tool or a parameter. */
static bool take_argument(struct arena *mem, int argc, char **argv, int *at,
	struct call_options *options, struct form *form)
{
	const char *argument = argv[*at], *value;
	bool missing = false;

	if (endpoint_option(argc, argv, at, &options->to, &missing))
		return missing ? complain("%s needs a value", argument) : true;
	value = option_value(argc, argv, at, "format", &missing);
	if (value && !missing) {
		options->format = value;
		return true;
	}
	value = missing ? value : option_value(argc, argv, at, "version", &missing);
	if (missing)
		return complain("%s needs a value", argument);
	if (value) {
		options->version = value;
		return true;
	}
	if (strncmp(argument, "--", 2) != 0 || !argument[2])
		return complain("expected --Name value, not \"%s\"", argument);
	if (islower((unsigned char)argument[2]))
		return complain("unknown option %s; parameters begin with a capital", argument);
	value = strchr(argument, '=');
	if (value) {
		argument = arena_copy_n(mem, argument + 2, (size_t)(value - argument) - 2);
		return argument && request_add(form, argument, value + 1);
	}
	if (*at + 1 >= argc)
		return complain("%s needs a value", argument);
	return request_add(form, argument + 2, argv[++*at]);
}

/* false: usage. */
static bool complete(struct call_options *options, const char *action, struct form *form)
{
	const json_t *row = action_row(action, options->version);

	if (options->format && strcasecmp(options->format, "json") != 0 &&
		strcasecmp(options->format, "xml") != 0)
		return complain("--format is json or xml");
	if (options->format)
		(void)request_add(
			form, "Format", strcasecmp(options->format, "xml") ? "JSON" : "XML");
	if (!options->version)
		options->version = row ? action_text(row, "version") : VERSION_DEFAULT;
	return request_add(form, "Action", action) &&
	       request_add(form, "Version", options->version);
}

int call_command(int argc, char **argv)
{
	struct call_options options = { 0 };
	struct arena *mem = arena_new(CALL_MEMORY_MAX);
	struct endpoint endpoint;
	struct api_reply reply;
	struct form form;
	const char *action, *why;
	int status = STATUS_USAGE;

	if (!mem || !request_form(mem, &form))
		goto out;
	if (argc < 2 || strncmp(argv[1], "-", 1) == 0) {
		status = print_usage(NULL);
		goto out;
	}
	action = argv[1];
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			status = print_usage(action);
			goto out;
		}
		if (!take_argument(mem, argc, argv, &i, &options, &form))
			goto out;
	}
	if (!complete(&options, action, &form) || !endpoint_find(mem, &options.to, &endpoint))
		goto out;
	if (!request_send(mem, &endpoint, &form, &reply, &why)) {
		complain("%s", why);
		goto out;
	}
	(void)fwrite(reply.body, 1, reply.size, stdout);
	if (reply.size && reply.body[reply.size - 1] != '\n')
		putchar('\n');
	status = reply.status >= 400 ? STATUS_FAILED : STATUS_DONE;
out:
	arena_free(mem);
	return status;
}
