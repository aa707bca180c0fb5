/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shipped rules (global_rules.def), of which a site has those of its level and those before it, each with an action
 * and a switch of the site's own. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEB_GLOBAL_H
#define CONTROL_MODEL_WEB_GLOBAL_H

#include "control/model/web_compile.h"
#include "control/model/web_policy.h"

/* Number of a shipped rule at nodes and in logs; the store's own begin with 1 and do not get as far. */
#define GLOBAL_RULE_NUMBER(number) CHOICE_NUMBER(number)
#define GLOBAL_RULE_ID_SIZE	   12 /* "global_01" */

#define GLOBAL_RULE_MAX		   38 /* of the table: a site holds them beside all others */
size_t global_rule_count(void);
int global_rule_number(size_t row); /* as in the table */
void global_rule_id(size_t row, char out[GLOBAL_RULE_ID_SIZE]);
/* Row of the id; false: none. */
bool global_rule_find(const char *id, size_t *out);
const char *global_rule_name(size_t row);
const char *global_rule_text(size_t row);
enum rule_action global_rule_action(size_t row); /* the shipped one */
/* Whether a site of that level has the rule. */
bool global_rule_active(size_t row, enum web_level level);
/* The rule, with the shipped action. */
enum err global_rule_make(struct arena *mem, size_t row, struct web_rule *out) MUST_USE;

/* All of them as the body of TABLE_RULES, into "out" of so many bytes: an arena's. ERR_LIMIT: they do not fit. */
enum err global_rules_build(struct arena *mem, void *out, size_t size, size_t *length) MUST_USE;

#endif
