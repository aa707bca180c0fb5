/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of sites over requests: a site that passes the check is run against texts from the input; so are its steps after
 * one byte of them was changed, which nobody checked: it ends, whatever they say, and reads nothing outside.
 */
#include <stdlib.h>
#include <string.h>

#include "base/site.h"
#include "nginx/rule.h"

#define SITE_HEAD 4 /* bytes of the input before the site: how the texts are cut */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t memory[SITE_BYTES_MAX / 8];

struct request {
	const char *bytes;
	size_t length, cut;
	bool body_read;
};

static struct rule_text ask(void *context, enum step_field field, struct rule_text name)
{
	struct request *request = context;
	size_t from = (size_t)field * request->cut % (request->length + 1);
	size_t length = request->length - from;

	if (field == FIELD_BODY && !request->body_read)
		return (struct rule_text){ rule_unread, 0 };
	(void)name;
	return (struct rule_text){ field % 3 == 2 ? NULL : request->bytes + from,
		field % 3 == 2 ? 0 : length };
}

static void run(const struct site *site, struct request *request)
{
	const struct site_rule *rule = site_list_at(site, site->rules);

	for (unsigned i = 0; i < site->rules.count; i++) {
		struct rule_subject subject = { .ask = ask, .context = request };

		if (rule_ask(site, &rule[i], &subject) == RULE_WANTS_BODY && request->body_read)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site *site = (struct site *)(void *)memory;
	struct request request = { .bytes = (const char *)data, .length = size };

	if (size < SITE_HEAD + sizeof(*site) || size - SITE_HEAD > sizeof(memory))
		return 0;
	memcpy(memory, data + SITE_HEAD, size - SITE_HEAD);
	request.cut = data[0];
	request.body_read = data[1] & 1;
	if (site_check(site, size - SITE_HEAD) != NULL)
		return 0;
	run(site, &request);
	if (site->steps.count > 0) {
		struct site_step *step =
			(struct site_step *)(void *)((uint8_t *)memory + site->steps.offset);

		/* Jumps only: where texts lie is what the check is for. */
		step[data[2] % site->steps.count].hit = data[3];
		step[data[3] % site->steps.count].miss = data[2];
		run(site, &request);
	}
	return 0;
}
