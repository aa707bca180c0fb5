/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What protects a web site, as struct site has it. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEB_COMPILE_H
#define CONTROL_MODEL_WEB_COMPILE_H

#include "base/site.h"
#include "control/model/web_rule.h"

/* Compiled: rule and steps, whose texts are not in a site yet. */
struct web_program {
	struct site_rule rule;				    /* without texts and first_step */
	const char *name, *target_header, *distinct_header; /* headers in lower case, or "" */
	struct web_step *step;
	size_t step_count;
	const struct site_choice *choice; /* of RULE_CHOOSE: in place of a name */
	size_t choice_count;
	size_t bytes; /* that it takes in a site */
};
/* number and until_ms are left to the caller: 0 and for ever. Texts are borrowed from the rule. */
enum err web_rule_compile(struct arena *mem, const struct web_rule *rule, enum check check,
	struct web_program *out) MUST_USE;
/* In the order of checks; at most SITE_RULE_MAX with SITE_STEP_MAX steps. false: the site is full. */
bool web_programs_add(
	struct site_builder *builder, const struct web_program *program, size_t count) MUST_USE;

#endif
