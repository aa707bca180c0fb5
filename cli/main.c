/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder, the command line tool: a table of commands. What it knows of the API comes from the
 * service's own table (action_list.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "base/log.h"
#include "cli/action_list.h"
#include "cli/cli.h"

static int help_command(int argc, char **argv);

static const struct command commands[] = {
	{ "call", "ACTION --Name value ... [--format json|xml] [--version V] [--endpoint URL]",
		"sign and send one API call, print the reply", call_command },
	{ "actions", "[ACTION]", "list the actions of the API, or the parameters of one",
		actions_command },
	{ "lab", "up|down|status|exec|clock|drill ...", "the whole system on this machine",
		lab_command },
	{ "audit", "verify [--database PATH]", "check the chain of the audit log", audit_command },
	{ "completion", "bash|zsh", "print a completion script", completion_command },
	{ "help", "[ACTION]", "this page, or the parameters of an action", help_command },
	{ "lab-service", NULL, NULL, lab_service_command },
	{ NULL, NULL, NULL, NULL },
};

bool complain(const char *format, ...)
{
	va_list list;

	fputs("polder: ", stderr);
	va_start(list, format);
	(void)vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return false;
}

void command_list(const struct command *table)
{
	for (; table->name; table++)
		if (table->usage)
			printf("  %-10s %s\n  %-10s     %s\n", table->name, table->usage, "",
				table->summary);
}

int command_run(const struct command *table, const char *title, int argc, char **argv)
{
	const bool help =
		argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);

	for (const struct command *row = table; argc > 0 && row->name; row++)
		if (strcmp(row->name, argv[0]) == 0)
			return row->run(argc, argv);
	if (argc > 0 && !help)
		complain("unknown command \"%s\"", argv[0]);
	printf("usage: %s COMMAND ...\n", title);
	command_list(table);
	return help ? STATUS_DONE : STATUS_USAGE;
}

const char *option_value(int argc, char **argv, int *at, const char *name, bool *missing)
{
	const char *argument = argv[*at];
	const size_t length = strlen(name);

	if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0)
		return NULL;
	argument += 2 + length;
	if (*argument == '=')
		return argument + 1;
	if (*argument)
		return NULL;
	if (*at + 1 >= argc) {
		*missing = true;
		return "";
	}
	return argv[++*at];
}

static int help_command(int argc, char **argv)
{
	if (argc > 1)
		return actions_command(argc, argv);
	printf("usage: polder COMMAND ...\n");
	command_list(commands);
	action_print_all();
	printf("\n`polder call ACTION --help` shows the parameters of an action.\n");
	return STATUS_DONE;
}

int main(int argc, char **argv)
{
	log_open("polder", LOG_LEVEL_WARN);
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return help_command(1, argv);
	return command_run(commands, "polder", argc - 1, argv + 1);
}
