/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of commands, their options, and the voice in which they complain.
 */
#include "cli/cli.h"

#include "cli/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool complain(const char *format, ...)
{
	va_list list;

	progress_end();
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

bool option_take(int *argc, char **argv, const char *name)
{
	int count = 0;
	bool found = false;

	for (int i = 0; i < *argc; i++) {
		const bool it = i > 0 && strcmp(argv[i], name) == 0;

		found = found || it;
		if (!it)
			argv[count++] = argv[i];
	}
	*argc = count;
	return found;
}
