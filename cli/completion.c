/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completion scripts for bash and zsh: one function, _polder_list, that both understand, around tables printed from those of the
 * tool. Options are those that a command's usage names; words are what a row says they are. Names that only the service knows
 * (instances, web sites, keys) are asked of it, briefly, and are missing where nobody answers.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "cli/view.h"

static const char list_function[] =
	"# _polder_list AT WORDS...: what the word with that number may be; the program has 0.\n"
	"_polder_list() {\n"
	"\tlocal at=$1 program=$2 command=${3:-} action=${4:-} current='' previous='' word "
	"number=0 place=0\n"
	"\tshift\n"
	"\tfor word in \"$@\"; do\n"
	"\t\tif [ \"$number\" -eq \"$at\" ]; then current=$word; break; fi\n"
	"\t\tif [ \"$number\" -ge 2 ]; then\n"
	"\t\t\tcase $word in\n"
	"\t\t\t-*) ;;\n"
	"\t\t\t*) case $previous in --json | --follow | --yes) place=$((place + 1)) ;; --*) ;; *) "
	"place=$((place + 1)) ;; esac ;;\n"
	"\t\t\tesac\n"
	"\t\tfi\n"
	"\t\tprevious=$word number=$((number + 1))\n"
	"\tdone\n"
	"\tplace=$((place + 1))\n"
	"\tif [ \"$at\" -eq 1 ]; then _polder_commands; return; fi\n"
	"\tcase $previous in\n"
	"\t--InstanceId | --InstanceIds.[0-9]* | --instance) _polder_ask \"$program\" instances; "
	"return ;;\n"
	"\t--Domain) _polder_ask \"$program\" sites; return ;;\n"
	"\t--wan | --lan) for word in /sys/class/net/*; do echo \"${word##*/}\"; done; return ;;\n"
	"\tesac\n"
	"\tcase $command in\n"
	"\tcall | actions | help)\n"
	"\t\tif [ \"$at\" -eq 2 ]; then _polder_actions; elif [ \"$command\" = call ]; then "
	"_polder_parameters \"$action\"; fi\n"
	"\t\treturn ;;\n"
	"\tlab)\n"
	"\t\tif [ \"$at\" -gt 2 ]; then command=\"lab $action\" place=$((place - 1)); fi ;;\n"
	"\tesac\n"
	"\tcase $current in\n"
	"\t-*) _polder_options \"$command\" ;;\n"
	"\t*) _polder_words \"$command $place\" \"$program\" ;;\n"
	"\tesac\n"
	"}\n"
	"# _polder_ask PROGRAM COMMAND: names that the service knows\n"
	"_polder_ask() {\n"
	"\ttimeout 2 \"$1\" \"$2\" --names 2>/dev/null\n"
	"}\n";
static const char bash_tail[] =
	"_polder() {\n"
	"\tlocal list\n"
	"\tlist=$(_polder_list \"$COMP_CWORD\" \"${COMP_WORDS[@]}\")\n"
	"\tCOMPREPLY=($(compgen -W \"$list\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
	"}\n"
	"complete -o default -F _polder polder\n";
static const char zsh_tail[] = "_polder() {\n"
			       "\tlocal list\n"
			       "\tlist=$(_polder_list $((CURRENT - 1)) \"${words[@]}\")\n"
			       "\tcompadd -- ${=list}\n"
			       "}\n"
			       "compdef _polder polder\n";

/* Words that commands outside of the rows take. */
static const struct {
	const char *place, *words;
} places[] = {
	{ "lab 1", NULL }, /* the lab's own table */
	{ "lab exec 1", "echo client attacker node origin" },
	{ "lab clock 1", "echo reset" },
	{ "lab drill 1", "_polder_drills" },
	{ "audit 1", "echo verify" },
	{ "completion 1", "echo bash zsh" },
	{ "errors 1", "_polder_errors" },
	{ "events 1", "_polder_ask \"$2\" instances" },
	{ "top 1", "_polder_ask \"$2\" instances" },
	{ "watch 1", "_polder_ask \"$2\" instances" },
	{ "capture 1", "_polder_ask \"$2\" instances" },
};

/* What a word of a row may be. NULL: nobody knows. */
static const char *names_of(const struct view_word *word)
{
	static const struct {
		const char *name, *words;
	} known[] = {
		{ "INSTANCE", "_polder_ask \"$2\" instances" },
		{ "DOMAIN", "_polder_ask \"$2\" sites" },
		{ "ACCESS-KEY", "_polder_ask \"$2\" keys" },
		{ "USER", "_polder_ask \"$2\" users" },
		{ "MITIGATION", "_polder_mitigations" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, word->name) == 0)
			return known[i].words;
	return NULL;
}

static void print_words(void)
{
	printf("_polder_words() {\n\tcase $1 in\n");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		printf("\t'%s') ", places[i].place);
		if (places[i].words)
			printf("%s", places[i].words);
		else
			for (const struct command *row = lab_commands; row->name; row++)
				printf("%s%s", row == lab_commands ? "echo " : " ", row->name);
		printf(" ;;\n");
	}
	for (const struct view *view = views; view->name; view++)
		for (size_t i = 0; i < VIEW_WORD_MAX && view->word[i].name; i++) {
			const struct view_word *word = &view->word[i];

			if (word->choices)
				printf("\t'%s %zu') echo %s ;;\n", view->name, i + 1,
					word->choices);
			else if (names_of(word))
				printf("\t'%s %zu') %s ;;\n", view->name, i + 1, names_of(word));
		}
	printf("\tesac\n}\n");
}

/* The options that a usage names. */
static void print_usage_options(const char *prefix, const struct command *table)
{
	for (; table->name; table++) {
		const char *at = table->usage;

		if (!at || !strstr(at, "--"))
			continue;
		printf("\t'%s%s') echo", prefix, table->name);
		while ((at = strstr(at, "--")) != NULL) {
			size_t length = 2;

			while (islower((unsigned char)at[length]) || at[length] == '-')
				length++;
			if (length > 2)
				printf(" %.*s", (int)length, at);
			at += length;
		}
		printf(" --help ;;\n");
	}
}

static void print_options(void)
{
	printf("_polder_options() {\n\tcase $1 in\n");
	print_usage_options("", commands);
	print_usage_options("lab ", lab_commands);
	for (const struct view *view = views; view->name; view++) {
		printf("\t%s) echo", view->name);
		for (size_t i = 0; i < VIEW_OPTION_MAX && view->option[i].name; i++)
			printf(" --%s", view->option[i].name);
		printf("%s%s --json --help", view->list ? " --names" : "",
			view->stops ? " --yes" : "");
		printf(" ;;\n");
	}
	printf("\tesac\n}\n");
}

static void print_commands(void)
{
	printf("_polder_commands() {\n\techo");
	for (const struct command *row = commands; row->name; row++)
		if (row->usage)
			printf(" %s", row->name);
	for (const struct view *view = views; view->name; view++)
		printf(" %s", view->name);
	printf("\n}\n_polder_drills() {\n\techo");
	for (const struct drill *drill = drills; drill->name; drill++)
		printf(" %s", drill->name);
	printf("\n}\n_polder_mitigations() {\n\techo");
#define MITIGATION(name, mode, text) printf(" " #name);
#include "shared/mitigations.def"
#undef MITIGATION
	printf("\n}\n_polder_errors() {\n\techo");
	errors_print_codes();
	printf("\n}\n");
}

static void print_actions(void)
{
	const json_t *list = action_list();

	printf("_polder_actions() {\n\techo");
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
	print_commands();
	print_actions();
	print_words();
	print_options();
	fputs(list_function, stdout);
	fputs(zsh ? zsh_tail : bash_tail, stdout);
	return STATUS_DONE;
}
