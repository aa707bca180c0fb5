/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of commands. Help and completion are made of it: an option is in both because it stands in the usage here.
 */
#include <stdio.h>

#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/view.h"

static int help_command(int argc, char **argv);

const struct command commands[] = {
	{ "check", "[--wan INTERFACE] [--lan INTERFACE] [--json]",
		"what this machine offers for Polder, and what to mend", check_command },
	{ "init",
		"[--wan INTERFACE] [--lan INTERFACE] [--vip ADDRESS[/LENGTH]] [--origin-pool "
		"ADDRESS[/LENGTH]] [--name HOST] [--node NAME] [--listen PORT] [--mode "
		"monitor|enforce] [--root FOLDER] [--start] [--plan] [--yes] [--undo]",
		"the first installation, step by step; --undo takes it back", init_command },
	{ "call", "ACTION --Name value ... [--format json|xml] [--version V] [--endpoint URL]",
		"sign and send one API call, print the reply", call_command },
	{ "actions", "[ACTION] [--json]", "list the actions of the API, or the parameters of one",
		actions_command },
	{ "errors", "[CODE] [--json]", "what an error means, and what to do about it",
		errors_command },
	{ "events", "[INSTANCE|ADDRESS] [--follow] [--json]",
		"what happened to instances: attacks, limits, expiry, renewal", events_command },
	{ "top", "[INSTANCE|ADDRESS] [--interval S] [--count N] [--json]",
		"live packets and bits of each address, and why packets end", top_command },
	{ "watch", "INSTANCE|ADDRESS [--json]",
		"what mitigations that only watch would have dropped", watch_command },
	{ "explain", "SOURCE DESTINATION:PORT [--protocol tcp|udp] [--source-port N] [--json]",
		"which decisions a packet would meet, and which one ends it", explain_command },
	{ "capture", "INSTANCE|ADDRESS [--reason NAME] [--count N] [--seconds S] --output FILE",
		"packets with the reason that each ended by, as pcapng", capture_command },
	{ "lab", "up|down|status|exec|clock|drill ...", "the whole system on this machine",
		lab_command },
	{ "audit", "verify [--database PATH] [--json]", "check the chain of the audit log",
		audit_command },
	{ "completion", "bash|zsh", "print a completion script", completion_command },
	{ "help", "[ACTION]", "this page, or the parameters of an action", help_command },
	{ "lab-service", NULL, NULL, lab_service_command },
	{ NULL, NULL, NULL, NULL },
};

static int help_command(int argc, char **argv)
{
	if (argc > 1)
		return actions_command(argc, argv);
	printf("usage: polder COMMAND ...\n");
	command_list(commands);
	printf("\nOne call each, with --json for scripts and --help for the options:\n");
	view_print_all();
	action_print_all();
	printf("\n`polder call ACTION --help` shows the parameters of an action.\n");
	return STATUS_DONE;
}
