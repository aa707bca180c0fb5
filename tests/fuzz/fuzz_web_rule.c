/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of web sites as clients send them. The first byte says of which kind. What is taken compiles, is what nodes take,
 * and is read back as it was; what is not says why.
 */
#include <assert.h>
#include <string.h>

#include "control/model/web_compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t memory[SITE_BYTES_MAX / 8];

static void check_compiled(struct arena *mem, enum web_rule_kind kind, const struct web_rule *rule)
{
	struct site_builder builder;
	struct site *site = site_begin(&builder, memory, sizeof(memory));
	struct web_program program;
	enum err err = web_rule_compile(
		mem, rule, kind == WEB_RULE_PRECISE ? CHECK_precise : CHECK_frequency, &program);

	if (err == ERR_MEMORY)
		return;
	assert(err == OK);
	program.rule.number = 1;
	site->number = 1;
	site->domain = site_add_text(&builder, "a.b", 3);
	if (!web_programs_add(&builder, &program, 1))
		return;
	size_t length = site_end(&builder);
	assert(length == 0 || site_check(site, length) == NULL);
}

static void check_read_back(struct arena *mem, enum web_rule_kind kind, const struct web_rule *rule)
{
	struct web_reader reader = { .mem = mem };
	struct web_rule again;
	json_t *json = web_rule_json(rule), *copy;

	assert(json);
	enum err err = web_rule_read(&reader, kind, json, &again);
	assert(err == OK || err == ERR_MEMORY);
	copy = err == OK ? web_rule_json(&again) : json_incref(json);
	assert(json_equal(json, copy));
	json_decref(json);
	json_decref(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new((size_t)4 << 20);
	enum web_rule_kind kind =
		size ? (enum web_rule_kind)(data[0] % WEB_RULE_CACHE) : WEB_RULE_PRECISE;
	json_t *json =
		size ? json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL)
		     : NULL;
	struct web_reader reader = { .mem = mem };
	struct web_rule rule;

	if (mem && json) {
		enum err err = web_rule_read(&reader, kind, json, &rule);

		assert(err == OK || err == ERR_MEMORY || reader.why[0]);
		if (err == OK) {
			check_compiled(mem, kind, &rule);
			if (kind != WEB_RULE_CC)
				check_read_back(mem, kind, &rule);
		}
	}
	json_decref(json);
	arena_free(mem);
	return 0;
}
