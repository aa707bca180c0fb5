/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where calls go and who calls: options, then the environment, then the running lab.
 */
#ifndef CLI_ENDPOINT_H
#define CLI_ENDPOINT_H

#include "cli/request.h"

struct endpoint_options {
	const char *endpoint, *key_id, *secret, *token, *ca_file; /* NULL: not given */
};

/* Takes argv[*at] if it is one of the options, and moves *at past its value. missing: there is none. */
bool endpoint_option(
	int argc, char **argv, int *at, struct endpoint_options *options, bool *missing);
/* What is not given is looked for. false, having complained: nowhere to call. */
bool endpoint_find(struct arena *mem, const struct endpoint_options *options, struct endpoint *out);
/* Prints the options, a line each. */
void endpoint_usage(void);

#endif
