/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of polder-control: rows of the same kind as API parameters. "--name value" on the command
 * line, or "name = value" lines of the file that --config names; the command line wins.
 */
#ifndef CONTROL_CONFIG_H
#define CONTROL_CONFIG_H

#include <stdio.h>

#include "base/log.h"
#include "base/spec.h"
#include "control/region.h"

enum config_command {
	CONFIG_RUN,
	CONFIG_HELP,
	CONFIG_DESCRIBE,
	CONFIG_DESCRIBE_ERRORS
};

struct config {
	enum config_command command;
	const char *socket, *node_socket;
	const char *database;
	const char *key_file, *nonce_file;
	const char *vip_pool;
	const char *clock_offset_file; /* NULL: none */
	const char *bootstrap_file;    /* NULL: none */
	const char *host_id;
	const char *dns_zone; /* "": names are off */
	const char *dns_socket;
	int64_t dns_ttl_s;
	int64_t calls_per_second; /* 0: off */
	int64_t threads;
	bool blackhole;
	bool watch_first;	  /* mitigations of new instances watch until told otherwise */
	const char *drill_socket; /* "": no drills are offered */
	struct region_data regions;
	int64_t blackhole_minutes;
	int64_t smart_rule_seconds, smart_learn_seconds;
	int64_t attack_packets, attack_connections, attack_requests; /* a second */
	int64_t attack_share;					     /* per cent */
	int64_t attack_quiet_seconds;
	enum log_level log_level;
};

/* false: why is one line that names the setting. Strings live in mem or argv. */
bool config_read(
	struct arena *mem, int argc, char **argv, struct config *out, char why[SPEC_WHY_SIZE]);
/* The rows, for --help. */
void config_help(FILE *out);

#endif
