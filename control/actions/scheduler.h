/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the actions of scheduling rules share.
 */
#ifndef CONTROL_ACTIONS_SCHEDULER_H
#define CONTROL_ACTIONS_SCHEDULER_H

#include "control/call.h"
#include "control/store/scheduler.h"

/* A member const char *name. */
#define PARAM_RULE_NAME(tag, ...)                                                                  \
	PARAM(tag, name, "RuleName", .kind = PARAM_TEXT, .max = SCHEDULER_NAME_MAX,                \
		.help = "name of the rule", __VA_ARGS__)

/* The rule of the name, if this caller may use it, which is when he may use all instances that it leads to; others are
 * ERR_SCHEDULER_NOT_FOUND. Sets call->object. */
enum err call_scheduler(struct call *call, const char *name, struct scheduler_rule *out) MUST_USE;
/* Account and allowed instances of the caller. */
struct scheduler_filter call_scheduler_filter(const struct call *call);

/* Rules and Param, as the customer wrote them, into the rule, whose type is set. A new rule has account 0, and gets that of
 * its protected addresses. Every refusal names the parameter. */
enum err scheduler_read_rules(
	struct call *call, const char *json, struct scheduler_rule *rule) MUST_USE;
enum err scheduler_read_param(
	struct call *call, const char *json, struct scheduler_rule *rule) MUST_USE;
/* A value in its one spelling; false: it is neither an address nor a domain. */
bool scheduler_value(struct call *call, const char *text, const char **out) MUST_USE;

#endif
