/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder, the command line tool: commands.c and views.def are what it can do.
 */
#include <locale.h>
#include <string.h>

#include <curl/curl.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/view.h"

int main(int argc, char **argv)
{
	static char help[] = "help";

	log_open("polder", LOG_LEVEL_WARN);
	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of characters alone */
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		argv[1] = help;
	if (argc > 1 && view_find(argv[1]))
		return view_command(argc - 1, argv + 1);
	return command_run(commands, "polder", argc - 1, argv + 1);
}
