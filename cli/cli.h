/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the command line tool share. A command gets the arguments after its own name
 * (argv[0] is that name) and returns the exit status: 0 done, 1 refused or failed, 2 wrong usage or
 * nobody answered.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/error.h"

#define STATUS_DONE   0
#define STATUS_FAILED 1
#define STATUS_USAGE  2

struct command {
	const char *name;
	const char *usage;   /* arguments; NULL: not listed */
	const char *summary; /* one line */
	int (*run)(int argc, char **argv);
};

extern const struct command commands[];	    /* commands.c */
extern const struct command lab_commands[]; /* lab.c */

int call_command(int argc, char **argv);
int actions_command(int argc, char **argv);
int top_command(int argc, char **argv);
int watch_command(int argc, char **argv);
int explain_command(int argc, char **argv);
int capture_command(int argc, char **argv);
int errors_command(int argc, char **argv);
void errors_print_codes(void); /* a blank before each, on standard output */
int events_command(int argc, char **argv);
int check_command(int argc, char **argv);
int init_command(int argc, char **argv);
int completion_command(int argc, char **argv);
int audit_command(int argc, char **argv);
int lab_command(int argc, char **argv);
int lab_service_command(int argc, char **argv);

/* "polder: ..." on standard error. Always false, so that a check can return it. */
bool complain(const char *format, ...) PRINTF(1, 2);
/* Runs the row that argv[0] names; prints the rows, under title, for --help or a wrong name. The table
 * ends with a NULL name. */
int command_run(const struct command *table, const char *title, int argc, char **argv);
void command_list(const struct command *table);
/* The value of "--name value" or "--name=value" at argv[*at]; *at moves on past it. NULL: not that
 * option. A missing value gives "" and sets *missing. */
const char *option_value(int argc, char **argv, int *at, const char *name, bool *missing);
/* Whether the switch is among the arguments; it is taken out of them. */
bool option_take(int *argc, char **argv, const char *name);

#endif
