/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder-agent: one per node, the only privileged process. Ends with 0 after SIGTERM or an undo, 2 for
 * a bad setting, 1 for anything else.
 */
#include <stdio.h>
#include <string.h>

#include "agent/loop.h"
#include "agent/packets.h"
#include "agent/settings.h"

#define SETTINGS_BYTES_MAX (256u << 10)

int main(int argc, char **argv)
{
	struct arena *mem = arena_new(SETTINGS_BYTES_MAX);
	struct agent_settings settings;
	char why[SPEC_WHY_SIZE] = "";
	enum err err;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		settings_help();
		return 0;
	}
	log_open("agent", LOG_LEVEL_INFO);
	err = mem ? settings_read(mem, argc, argv, &settings, why) : ERR_MEMORY;
	if (err != OK) {
		log_error("%s", why[0] ? why : error_sentence(err));
		return 2;
	}
	log_open("agent", settings.log_level);
	err = settings.detach ? packets_detach(&settings) : loop_run(&settings);
	arena_free(mem);
	return err == OK ? 0 : 1;
}
