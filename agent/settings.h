/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's settings, from its command line: a table of rows as for the API's parameters.
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/spec.h"
#include "shared/packet_abi.h"

enum attach_mode {
	ATTACH_AUTO,
	ATTACH_NATIVE,
	ATTACH_GENERIC
};

struct source_prefix {
	struct address address;
	unsigned bits; /* of the mapped address */
};

struct agent_settings {
	const char *node;
	const char *control; /* unix:/path or http://host:port */
	struct text_list interface;
	const char *pin; /* a directory on a bpffs */
	enum attach_mode mode;
	uint32_t port_first, port_count;
	uint32_t flows;			  /* entries of each flow table */
	const char *region_database;	  /* MaxMind format; NULL: none */
	struct text_list region_override; /* "PREFIX=CC" */
	const char *requests_group;	  /* may write bans; NULL: root alone */
	const char *requests;		/* folder of the request path's files; NULL: no web sites */
	struct text_list trusted_proxy; /* prefixes */
	const char *request_log;	/* folder of access logs; NULL: none are written */
	uint32_t request_log_days;
	uint32_t uplink_mbps; /* of interfaces whose driver does not tell; 0: not known */
	uint64_t request_log_bytes, request_log_site_bytes; /* of all sites, of one */
	const char *resolver; /* "ADDRESS[:PORT],..."; NULL: the system's */
	bool detach;
	enum log_level log_level;

	struct source_prefix *prefix; /* as given */
	uint32_t prefix_count;
	struct source_prefix *range; /* of protected addresses */
	uint32_t range_count;
	struct address source[2][NODE_SOURCE_MAX]; /* [0] IPv4, [1] IPv6 */
	uint32_t source_count[2];
};

/* Reads argv into out; texts live in mem or argv. ERR_INVALID_PARAMETER, ERR_MISSING_PARAMETER: why names
 * the setting. */
enum err settings_read(struct arena *mem, int argc, char **argv, struct agent_settings *out,
	char why[SPEC_WHY_SIZE]) MUST_USE;
/* One line per setting, for --help. */
void settings_help(void);

#endif
