/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completion scripts. Both shells get the same function, which sets `words` by position: the tables
 * of commands and of actions with their parameters are printed into it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/generator.h"

static const char head[] =
	"_polder_words() {\n"
	"\tcase \"$1\" in\n"
	"\t'') echo call actions top watch explain capture lab audit completion help ;;\n"
	"\tlab) echo up down status exec clock drill ;;\n"
	"\taudit) echo verify ;;\n"
	"\tcompletion) echo bash zsh ;;\n"
	"\t'lab exec') echo client attacker node origin ;;\n"
	"\t'lab clock') echo reset ;;\n"
	"\t'lab drill') _polder_drills ;;\n"
	"\tesac\n"
	"}\n";
static const char bash_tail[] =
	"_polder() {\n"
	"\tlocal list\n"
	"\tif [ \"$COMP_CWORD\" -eq 1 ]; then list=$(_polder_words '')\n"
	"\telif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
	"\t\tcase \"${COMP_WORDS[1]}\" in\n"
	"\t\tcall | actions | help) list=$(_polder_actions) ;;\n"
	"\t\t*) list=$(_polder_words \"${COMP_WORDS[1]}\") ;;\n"
	"\t\tesac\n"
	"\telif [ \"${COMP_WORDS[1]}\" = call ]; then list=$(_polder_parameters "
	"\"${COMP_WORDS[2]}\")\n"
	"\telif [ \"$COMP_CWORD\" -eq 3 ]; then list=$(_polder_words \"${COMP_WORDS[*]:1:2}\")\n"
	"\tfi\n"
	"\tCOMPREPLY=($(compgen -W \"$list\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
	"}\n"
	"complete -o default -F _polder polder\n";
static const char zsh_tail[] =
	"_polder() {\n"
	"\tlocal list\n"
	"\tif [ \"$CURRENT\" -eq 2 ]; then list=$(_polder_words '')\n"
	"\telif [ \"$CURRENT\" -eq 3 ]; then\n"
	"\t\tcase \"${words[2]}\" in\n"
	"\t\tcall | actions | help) list=$(_polder_actions) ;;\n"
	"\t\t*) list=$(_polder_words \"${words[2]}\") ;;\n"
	"\t\tesac\n"
	"\telif [ \"${words[2]}\" = call ]; then list=$(_polder_parameters \"${words[3]}\")\n"
	"\telif [ \"$CURRENT\" -eq 4 ]; then list=$(_polder_words \"${words[2]} ${words[3]}\")\n"
	"\tfi\n"
	"\tcompadd -- ${=list}\n"
	"}\n"
	"compdef _polder polder\n";

static void print_tables(void)
{
	const json_t *list = action_list();

	fputs(head, stdout);
	printf("_polder_drills() {\n\techo");
	for (const struct drill *drill = drills; drill->name; drill++)
		printf(" %s", drill->name);
	printf("\n}\n_polder_actions() {\n\techo");
	for (size_t i = 0; i < json_array_size(list); i++)
		printf(" %s", action_text(json_array_get(list, i), "name"));
	printf("\n}\n_polder_parameters() {\n\tcase \"$1\" in\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *parameters = json_object_get(row, "parameters");

		printf("\t%s) echo", action_text(row, "name"));
		for (size_t p = 0; p < json_array_size(parameters); p++)
			printf(" --%s", action_text(json_array_get(parameters, p), "name"));
		printf(" --help ;;\n");
	}
	printf("\tesac\n}\n");
}

int completion_command(int argc, char **argv)
{
	const bool zsh = argc == 2 && strcmp(argv[1], "zsh") == 0;

	if (!zsh && (argc != 2 || strcmp(argv[1], "bash") != 0)) {
		printf("usage: polder completion bash|zsh\n");
		return STATUS_USAGE;
	}
	if (zsh)
		printf("#compdef polder\n");
	print_tables();
	fputs(zsh ? zsh_tail : bash_tail, stdout);
	return STATUS_DONE;
}
