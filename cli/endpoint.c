/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An option is a row: the member that it fills and the variable of the environment that stands for
 * it. What neither says comes from the lab that runs; its key and secret are taken only together.
 */
#include "cli/endpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/lab.h"

static const struct {
	const char *name;
	size_t offset;
	const char *environment;
} rows[] = {
	{ "endpoint", offsetof(struct endpoint_options, endpoint), "POLDER_ENDPOINT" },
	{ "access-key-id", offsetof(struct endpoint_options, key_id), "POLDER_ACCESS_KEY_ID" },
	{ "access-key-secret", offsetof(struct endpoint_options, secret),
		"POLDER_ACCESS_KEY_SECRET" },
	{ "security-token", offsetof(struct endpoint_options, token), "POLDER_SECURITY_TOKEN" },
	{ "ca-file", offsetof(struct endpoint_options, ca_file), "POLDER_CA_FILE" },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const char **slot(struct endpoint_options *options, size_t i)
{
	return (const char **)(void *)((char *)options + rows[i].offset);
}

bool endpoint_option(
	int argc, char **argv, int *at, struct endpoint_options *options, bool *missing)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *value = option_value(argc, argv, at, rows[i].name, missing);

		if (*missing)
			return true;
		if (value) {
			*slot(options, i) = value;
			return true;
		}
	}
	return false;
}

bool endpoint_find(struct arena *mem, const struct endpoint_options *options, struct endpoint *out)
{
	struct endpoint_options given = *options;
	struct endpoint lab;

	for (size_t i = 0; i < ROW_COUNT; i++)
		if (!*slot(&given, i))
			*slot(&given, i) = getenv(rows[i].environment);
	if (!given.endpoint || !given.key_id || !given.secret) {
		if (!lab_endpoint(mem, &lab))
			return complain("no endpoint or keys given, and no lab is running");
		if (!given.endpoint)
			given.endpoint = lab.url;
		if (!given.key_id || !given.secret) {
			given.key_id = lab.key_id;
			given.secret = lab.secret;
		}
	}
	*out = (struct endpoint){ .url = given.endpoint,
		.key_id = given.key_id,
		.secret = given.secret,
		.token = given.token,
		.ca_file = given.ca_file };
	return true;
}

void endpoint_usage(void)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		printf("  --%-18s default: environment %s\n", rows[i].name, rows[i].environment);
	printf("Without endpoint and keys the running lab is called.\n");
}
