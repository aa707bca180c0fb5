/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder explain SRC DST:PORT: which decisions a first packet from there to here would meet, in the order of
 * the packet path, and which one ends it. IPv6 with a port is written [ADDRESS]:PORT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/live.h"

/* Splits "1.2.3.4:80" and "[2001:db8::1]:80". false: no port, or no such form. */
static bool split(struct arena *mem, const char *text, const char **address, const char **port)
{
	const char *colon = strrchr(text, ':');
	uint8_t bytes[16];

	if (!colon || text_to_address(text, bytes))
		return false;
	*port = colon + 1;
	if (text[0] == '[' && colon > text + 1 && colon[-1] == ']')
		*address = arena_copy_n(mem, text + 1, (size_t)(colon - text) - 2);
	else
		*address = arena_copy_n(mem, text, (size_t)(colon - text));
	return *address && **port;
}

static void print_steps(const json_t *reply)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get((json_t *)(uintptr_t)reply, "Steps"), i, step)
	{
		printf("  %-18s %-8s %s", live_text(step, "Name"), live_text(step, "Result"),
			live_text(step, "Detail"));
		if (live_int(step, "DroppedPackets") > 0)
			printf(" (%lld packets so far)",
				(long long)live_int(step, "DroppedPackets"));
		putchar('\n');
	}
	printf("%s%s%s\n", live_text(reply, "Verdict"), *live_text(reply, "Reason") ? ": " : "",
		live_text(reply, "Reason"));
}

static json_t *explain(struct arena *mem, struct live_options *options)
{
	const char *address, *port;
	const char *parameters[] = { "Source", options->subject[0], "Destination", NULL, "Port",
		NULL, "Protocol", options->protocol ? options->protocol : "tcp",
		options->source_port ? "SourcePort" : NULL, options->source_port, NULL };

	if (!options->subject[1] || !split(mem, options->subject[1], &address, &port)) {
		complain("usage: polder explain SOURCE DESTINATION:PORT [--protocol tcp|udp] "
			 "[--source-port N] [--json]");
		return NULL;
	}
	parameters[3] = address;
	parameters[5] = port;
	return live_call(mem, options, "ExplainPacket", parameters);
}

int explain_command(int argc, char **argv)
{
	struct arena *mem = arena_new(LIVE_MEMORY_MAX);
	struct live_options options;
	json_t *reply = NULL;
	int status = STATUS_USAGE;

	if (!mem || !live_options(mem, argc, argv, 2, "pqj", &options))
		goto out;
	reply = explain(mem, &options);
	if (!reply)
		goto out;
	live_show(&options, reply, print_steps);
	status = STATUS_DONE;
out:
	json_decref(reply);
	arena_free(mem);
	return status;
}
