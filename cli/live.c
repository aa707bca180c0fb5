/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each option is a row with an initial; a command names the initials that it takes. Calls that fail
 * have said why on standard error when they return.
 */
#include "cli/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

static bool read_number(
	const char *name, const char *text, int64_t least, int64_t most, int64_t *out)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		return complain("--%s must be %lld..%lld", name, (long long)least, (long long)most);
	*out = value;
	return true;
}

/* One argument that is no endpoint's. found: it was an option that is allowed here. */
static bool take_option(
	int argc, char **argv, int *at, const char *allowed, struct live_options *out, bool *found)
{
	const struct {
		char initial;
		const char *name;
		const char **text;
		int64_t *number;
		int64_t least, most;
	} row[] = {
		{ 'i', "interval", NULL, &out->interval_s, 1, 3600 },
		{ 'n', "count", NULL, &out->count, 1, 1000000 },
		{ 's', "seconds", NULL, &out->seconds, 1, 600 },
		{ 'p', "protocol", &out->protocol, NULL, 0, 0 },
		{ 'q', "source-port", &out->source_port, NULL, 0, 0 },
		{ 'r', "reason", &out->reason, NULL, 0, 0 },
		{ 'o', "output", &out->output, NULL, 0, 0 },
	};

	*found = true;
	if (strcmp(argv[*at], "--json") == 0 && strchr(allowed, 'j')) {
		out->json = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		bool missing = false;
		const char *value;

		if (!strchr(allowed, row[i].initial))
			continue;
		value = option_value(argc, argv, at, row[i].name, &missing);
		if (missing)
			return complain("--%s needs a value", row[i].name);
		if (!value)
			continue;
		if (row[i].text)
			*row[i].text = value;
		return row[i].text ||
		       read_number(row[i].name, value, row[i].least, row[i].most, row[i].number);
	}
	*found = false;
	return true;
}

bool live_options(struct arena *mem, int argc, char **argv, size_t subjects, const char *allowed,
	struct live_options *out)
{
	struct endpoint_options endpoint = { 0 };
	size_t used = 0;

	*out = (struct live_options){ .interval_s = 1 };
	for (int i = 1; i < argc; i++) {
		bool missing = false, found;

		if (endpoint_option(argc, argv, &i, &endpoint, &missing)) {
			if (missing)
				return complain("%s needs a value", argv[i]);
			continue;
		}
		if (!take_option(argc, argv, &i, allowed, out, &found))
			return false;
		if (found)
			continue;
		if (argv[i][0] == '-' || used == subjects)
			return complain("unexpected argument \"%s\"", argv[i]);
		out->subject[used++] = argv[i];
	}
	return endpoint_find(mem, &endpoint, &out->endpoint);
}

json_t *live_call(struct arena *mem, const struct live_options *options, const char *action,
	const char *const *parameters)
{
	const char *why;
	json_t *reply =
		request_json(mem, &options->endpoint, &why, VERSION_OWN, action, parameters);

	if (!reply)
		complain("%s", why);
	return reply;
}

const char *live_instance(struct arena *mem, const struct live_options *options, const char *name)
{
	const char *parameters[] = { "PageNumber", "1", "PageSize", "1", "Ip", name, NULL };
	uint8_t address[16];
	const char *why, *id;
	json_t *reply;

	if (!text_to_address(name, address))
		return name; /* the service says whether there is such an instance */
	reply = request_json(
		mem, &options->endpoint, &why, "2020-01-01", "DescribeInstances", parameters);
	if (!reply) {
		complain("%s", why);
		return NULL;
	}
	id = arena_copy(mem,
		live_text(json_array_get(json_object_get(reply, "Instances"), 0), "InstanceId"));
	json_decref(reply);
	if (id && *id)
		return id;
	complain("no instance has the address %s", name);
	return NULL;
}

void live_show(
	const struct live_options *options, const json_t *reply, void (*print)(const json_t *reply))
{
	if (!options->json) {
		print(reply);
		return;
	}
	(void)json_dumpf(reply, stdout, JSON_INDENT(1));
	putchar('\n');
}

const char *live_number(double value, char out[LIVE_NUMBER_SIZE])
{
	static const char units[] = " kMGTP";
	size_t unit = 0;

	while (value >= 999.5 && unit + 2 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	if (unit == 0)
		(void)snprintf(out, LIVE_NUMBER_SIZE, "%.0f", value);
	else
		(void)snprintf(
			out, LIVE_NUMBER_SIZE, "%.*f%c", value < 99.95 ? 1 : 0, value, units[unit]);
	return out;
}

int64_t live_int(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

const char *live_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}
