/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * global_rules.def read three ways: as texts for the API, as numbers that stay, and as rules for
 * the compiler, which knows no difference between them and a customer's own.
 */
#include "control/model/web_global.h"

#include <stdio.h>
#include <string.h>

#define WHEN_MAX 4

struct when {
	enum web_field field;
	enum web_method method;
	const char *header, *values;
};
static const struct {
	int number;
	enum web_level level;
	enum rule_action action;
	const char *name, *text;
	struct when when[WHEN_MAX]; /* ends with values NULL */
} rules[] = {
#define WHEN(field, method, values)                                                                \
	{                                                                                          \
		WEB_##field, METHOD_##method, "", values                                           \
	}
#define WHEN_HEADER(name, method, values)                                                          \
	{                                                                                          \
		WEB_header, METHOD_##method, name, values                                          \
	}
#define GLOBAL_RULE(number, level, action, name, text, ...)                                        \
	{ number, WEB_LEVEL_##level, RULE_##action, name, text, { __VA_ARGS__ } },
#include "control/model/global_rules.def"
#undef GLOBAL_RULE
#undef WHEN_HEADER
#undef WHEN
};
#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))
static_assert(
	RULE_COUNT <= GLOBAL_RULE_MAX &&
		GLOBAL_RULE_MAX + WEB_PRECISE_MAX + WEB_CC_MAX + WEB_SMART_MAX <= SITE_RULE_MAX,
	"a site holds all rules that it can have");

size_t global_rule_count(void)
{
	return RULE_COUNT;
}

int global_rule_number(size_t row)
{
	return rules[row].number;
}

void global_rule_id(size_t row, char out[GLOBAL_RULE_ID_SIZE])
{
	(void)snprintf(out, GLOBAL_RULE_ID_SIZE, "global_%02d", rules[row].number % 1000);
}

bool global_rule_find(const char *id, size_t *out)
{
	char known[GLOBAL_RULE_ID_SIZE];

	for (size_t i = 0; i < RULE_COUNT; i++) {
		global_rule_id(i, known);
		if (strcmp(known, id) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *global_rule_name(size_t row)
{
	return rules[row].name;
}

const char *global_rule_text(size_t row)
{
	return rules[row].text;
}

enum rule_action global_rule_action(size_t row)
{
	return rules[row].action;
}

bool global_rule_active(size_t row, enum web_level level)
{
	return rules[row].level <= level;
}

/* "a|b" as a list of two; one value stays as content. */
static enum err split(struct arena *mem, const char *values, struct web_condition *out)
{
	size_t count = 1;

	out->content = values;
	for (const char *at = values; *at; at++)
		count += *at == '|';
	if (count == 1)
		return OK;
	out->value = arena_array(mem, count, sizeof(*out->value));
	if (!out->value)
		return ERR_MEMORY;
	while (out->value_count < count) {
		size_t length = strcspn(values, "|");

		out->value[out->value_count] = arena_copy_n(mem, values, length);
		if (!out->value[out->value_count++])
			return ERR_MEMORY;
		values += length + 1;
	}
	return OK;
}

enum err global_rule_make(struct arena *mem, size_t row, struct web_rule *out)
{
	const struct when *when = rules[row].when;

	*out = (struct web_rule){ .name = rules[row].name,
		.action = rules[row].action,
		.condition = arena_array(mem, WHEN_MAX, sizeof(*out->condition)),
		.rate = { .header = "" },
		.statistics = { .header = "" } };
	if (!out->condition)
		return ERR_MEMORY;
	while (out->condition_count < WHEN_MAX && when[out->condition_count].values) {
		const struct when *at = &when[out->condition_count];
		struct web_condition *condition = &out->condition[out->condition_count++];

		*condition = (struct web_condition){ .field = at->field,
			.method = at->method,
			.any_case = true,
			.header = at->header };
		TRY(split(mem, at->values, condition));
	}
	return OK;
}

/* A number and a name that no site has: nobody can ask for it. */
enum err global_rules_build(struct arena *mem, void *out, size_t size, size_t *length)
{
	struct web_program *program = arena_array(mem, RULE_COUNT, sizeof(*program));
	struct site_builder builder;
	struct site *site = site_begin(&builder, out, size);
	struct web_rule rule;

	if (!program)
		return ERR_MEMORY;
	if (!site)
		return ERR_LIMIT;
	site->number = 1;
	site->domain = site_add_text(&builder, "*", 1);
	for (size_t i = 0; i < RULE_COUNT; i++) {
		TRY(global_rule_make(mem, i, &rule));
		TRY(web_rule_compile(mem, &rule, CHECK_global, &program[i]));
		program[i].rule.number = GLOBAL_RULE_NUMBER(rules[i].number);
	}
	if (!web_programs_add(&builder, program, RULE_COUNT))
		return ERR_LIMIT;
	*length = site_end(&builder);
	return *length > 0 ? OK : ERR_LIMIT;
}
